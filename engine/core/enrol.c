/*
 * A parked event's row: the head that all references have (order.c), of kind REFERENCE_PARKED,
 * the placeholder's number and an empty id, and behind it the event (event_row.c). Once the event
 * is judged the head alone is left, until the row becomes the reference that the event leaves.
 */
#include "engine/core/enrol.h"

#include "engine/core/activity.h"
#include "engine/core/award.h"
#include "engine/core/byhand.h"
#include "engine/core/event_row.h"
#include "engine/core/fact.h"
#include "engine/core/order.h"

/* Parked events that will leave their rows under one id: the locator gives up to
 * STATE_REFERENCES_MAX. */
enum { PARKED_UNDER_ONE_ID_MAX = 16 };

/* ---- Parking ---- */

/* The event behind the head of a parked one's row. */
static struct bytes
event_of(struct bytes content)
{
    struct reader reader = reader_of(content);
    reference_read_id(&reader);
    return reader_bytes(&reader, reader_left(&reader));
}

/* The hash under which the event leaves its row when it is accepted; of one that leaves none, a
 * hash of its own. */
static uint64_t
future_reference(const struct apply *apply)
{
    const struct state *state = apply->state;
    const struct event *event = apply->event;
    uint8_t text[ACTIVITY_REFERENCE_BYTES], name[AWAITING_ID_BYTES_MAX];
    struct writer writer = writer_of(name, sizeof name);
    enum reference_kind kind = REFERENCE_PARKED;
    struct bytes id = {0};
    switch (event->kind) {
    case EVENT_PURCHASE: kind = REFERENCE_ORDER, id = event->purchase.order_id; break;
    case EVENT_REDEEM: kind = REFERENCE_SPEND, id = event->redeem.spend_id; break;
    case EVENT_HOLD: kind = REFERENCE_HOLD, id = event->hold.hold_id; break;
    case EVENT_REFUND: kind = REFERENCE_REFUND, id = event->refund.refund_id; break;
    case EVENT_ADJUST:
        kind = REFERENCE_AWAITING;
        id = byhand_awaiting_id(event->source, event->id, &writer);
        break;
    case EVENT_ACTIVITY:
        id = activity_reference(state, &event->activity, text);
        if (id.size > 0) kind = REFERENCE_ACTIVITY;
        break;
    default: break;
    }
    if (kind == REFERENCE_PARKED) id = bytes_of(&apply->ordinal, sizeof apply->ordinal);
    return reference_hash(&state->memo, kind, event->member, id);
}

static enum verdict
park(struct apply *apply)
{
    struct state *state = apply->state;
    uint64_t ordinals[PARKED_UNDER_ONE_ID_MAX];
    uint64_t hash = future_reference(apply);
    uint32_t parked = 0;
    if (apply->placeholder != NULL) parked = facts_of_kind(apply->placeholder, FACT_PARKED).count;
    size_t alike =
        locator_find(&state->references.locator, hash, ordinals, PARKED_UNDER_ONE_ID_MAX);
    if (parked == ENROL_PARKED_MAX || alike == PARKED_UNDER_ONE_ID_MAX) {
        apply->detail = bytes_from_cstr("too many events wait for this member to enrol");
        return VERDICT_LIMIT_REACHED;
    }
    const struct member *placeholder = apply_waiting_room(apply);
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    reference_write_head(REFERENCE_PARKED, placeholder->number, (struct bytes){0}, &writer);
    event_row_encode(apply->event, &writer);
    apply->reference_hash = hash;
    references_add(&state->references, apply->ordinal, hash, writer_span(&writer));
    struct fact fact = {.kind = FACT_PARKED, .key = (int64_t)apply->ordinal};
    fact_set(&state->members, &apply->placeholder, &fact);
    members_write(&state->members, apply->placeholder);
    return VERDICT_PARKED;
}

/* Refunds and the like wait under their order. */
static bool
waits(const struct event *event)
{
    return event->kind == EVENT_CANCELLATION || event->kind == EVENT_DELIVERED ||
           (event->kind == EVENT_REFUND && event->refund.order_id.size > 0);
}

enum verdict
enrol_judge(struct apply *apply)
{
    const struct event *event = apply->event;
    if (apply->member != NULL || event->kind == EVENT_ENROL || waits(event))
        return VERDICT_ACCEPTED;
    bool earns = event->kind == EVENT_PURCHASE || event->kind == EVENT_ACTIVITY;
    switch (apply->rulebook->program.unknown_member) {
    case UNKNOWN_PARK: return park(apply);
    case UNKNOWN_REJECT: return VERDICT_UNKNOWN_MEMBER;
    case UNKNOWN_AUTO_ENROL: return earns ? VERDICT_ACCEPTED : VERDICT_UNKNOWN_MEMBER;
    }
    UNREACHABLE();
}

bool
enrol_take_parked(struct apply *apply, struct event *out_event, uint64_t *out_ordinal)
{
    struct state *state = apply->state;
    struct facts parked = facts_of_kind(apply->member, FACT_PARKED);
    if (parked.count == 0) return false;
    uint64_t ordinal = (uint64_t)parked.items[0].key;
    facts_remove(&state->members, &apply->member, (struct facts){parked.items, 1});

    const struct reference *row = references_get(&state->references, ordinal);
    CHECK(row != NULL); /* enrol_needs has named it */
    struct bytes content;
    CHECK(arena_copy_bytes(state->scratch, bytes_of(row->content, row->size), &content));
    struct bytes event = event_of(content);
    event_row_decode(event, state->scratch, out_event);
    references_change(&state->references, ordinal,
                      bytes_of(content.data, content.size - event.size));
    *out_ordinal = ordinal;
    return true;
}

void
enrol_needs(const struct state *state, const struct event *event, const struct member *member,
            enrol_needs_of *needs_of, struct needs *needs)
{
    bool may_enrol = event->kind == EVENT_ENROL || event->kind == EVENT_PURCHASE ||
                     event->kind == EVENT_ACTIVITY;
    if (!may_enrol || member == NULL || member->status != MEMBER_UNKNOWN) return;
    struct facts parked = facts_of_kind(member, FACT_PARKED);
    for (uint32_t i = 0; i < parked.count; i++) {
        uint64_t ordinal = (uint64_t)parked.items[i].key;
        const struct reference *row = references_get(&state->references, ordinal);
        if (row == NULL) {
            references_need(ordinal, needs);
            continue;
        }
        struct event waiting;
        size_t mark = arena_mark(state->scratch);
        event_row_decode(event_of(bytes_of(row->content, row->size)), state->scratch, &waiting);
        needs_of(state, &waiting, member, needs);
        arena_reset_to(state->scratch, mark);
    }
}

/* ---- Events ---- */

enum verdict
enrol_apply(struct apply *apply)
{
    const struct event *event = apply->event;
    if (apply->member != NULL) return VERDICT_ALREADY_ENROLLED;
    struct grant_plan *grants = grant_plan_begin(apply, apply->rulebook, event->occurred_at);
    if (!award_plan_enrolment(apply, grants)) grant_plan_overflow(grants);
    enum verdict verdict = grant_plan_judge(grants);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    apply_enrol(apply, event->occurred_at.ms);
    if (event->enrol.birthday.month != 0)
        award_set_birthday(apply, event->enrol.birthday, event->occurred_at);
    grant_plan_book(grants);
    award_book(apply);
    return VERDICT_ACCEPTED;
}

enum verdict
enrol_update_profile(struct apply *apply)
{
    const struct event *event = apply->event;
    if (apply->member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    members_write(&apply->state->members, apply->member);
    award_set_birthday(apply, event->profile_update.birthday, event->occurred_at);
    return VERDICT_ACCEPTED;
}
