/*
 * The row of an adjustment that awaits approval, the content of family 'r' with REFERENCE_AWAITING,
 * behind the head of order.c, whose id is the event's source, a zero byte and the event's id:
 *
 *   text source, id, correlation id of the event · zigzag occurred_at · text currency · zigzag
 * points u8 may owe, never expires · zigzag expires_at (0 = by the rule) · texts reason, actor
 */
#include "engine/core/byhand.h"

#include "engine/core/activate.h"
#include "engine/core/arrears.h"
#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/lifetime.h"
#include "engine/core/lot.h"
#include "engine/core/output.h"
#include "engine/core/posting.h"
#include "engine/core/tier.h"

enum { ROW_ROOM = 4096 };

/* ---- New lots ---- */

static bool
find_funder(const struct rulebook *rulebook, struct bytes id, uint16_t *out_slot)
{
    for (uint32_t i = 0; i < rulebook->program.funder_count; i++) {
        if (!bytes_equal(rulebook->program.funders[i].id, id)) continue;
        *out_slot = rulebook->funder_slot[i];
        return true;
    }
    return false;
}

bool
byhand_knows_funder(const struct rulebook *rulebook, struct bytes funder)
{
    uint16_t slot;
    return funder.size == 0 || find_funder(rulebook, funder, &slot);
}

/* The instant that somebody has told, or what the currency's rule makes of it. */
static void
set_expiry(const struct apply *apply, uint32_t currency, struct instant told, bool never,
           struct lot *lot)
{
    const struct program_expiry *expiry = &apply->rulebook->program.currencies[currency].expiry;
    lot->expires_ms = told.ms;
    if (told.ms != 0) return;
    struct instant start = {expiry->from_earning ? lot->earned_ms : lot->activates_ms};
    if (never) lot->flags |= LOT_NEVER;
    lot->expires_ms =
        never ? INT64_MAX
              : lifetime_end(apply->rulebook, currency, apply->member->enrolled_ms, start);
}

static struct lot
new_lot(const struct apply *apply, uint32_t currency, int64_t points)
{
    int64_t occurred_ms = apply->event->occurred_at.ms;
    return (struct lot){
        .granted = points,
        .earned_ms = occurred_ms,
        .activates_ms = occurred_ms,
        .rule = LOT_BY_HAND,
        .rulebook = (uint16_t)apply->rulebook->index,
        .currency = apply->rulebook->currency_slot[currency],
    };
}

static enum verdict
judge_state(const struct apply *apply, bool must_be_active)
{
    if (apply->member->status == MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    if (must_be_active && apply->member->status != MEMBER_ACTIVE) return VERDICT_MEMBER_NOT_ACTIVE;
    return VERDICT_ACCEPTED;
}

/* ---- Grants ---- */

static bool
metrics_can_take(struct apply *apply, uint32_t currency, int64_t points)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            if (metric->kind != METRIC_POINTS || metric->currency != currency) continue;
            if (!tier_can_add(apply->rulebook, apply->member, g, m, apply->event->occurred_at,
                              points))
                return false;
        }
    }
    return true;
}

static void
add_to_metrics(struct apply *apply, uint32_t currency, int64_t points)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            if (metric->kind == METRIC_POINTS && metric->currency == currency)
                tier_add(apply, apply->rulebook, g, m, apply->event->occurred_at, points);
        }
    }
}

enum verdict
byhand_grant(struct apply *apply)
{
    const struct grant *grant = &apply->event->grant;
    const struct reference *order = NULL;
    uint32_t currency;
    if (grant->order_id.size > 0) {
        order = state_reference(apply->state, REFERENCE_ORDER, apply->member, grant->order_id);
        if (order == NULL) return VERDICT_UNKNOWN_ORDER;
    }
    enum verdict verdict = judge_state(apply, true);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    const uint32_t facts = PROGRAM_GROUPS_MAX * PROGRAM_METRICS_MAX; /* what qualifies is counted */
    if (apply->member->lot_count >= MEMBER_LOTS_MAX || !facts_fit(apply->member, facts))
        return VERDICT_LIMIT_REACHED;
    CHECK(rulebook_currency(apply->rulebook, grant->currency, &currency)); /* judged as form */
    struct lot lot = new_lot(apply, currency, grant->points.units);
    if (grant->activates_at.ms > lot.activates_ms) lot.activates_ms = grant->activates_at.ms;
    set_expiry(apply, currency, grant->expires_at, grant->never_expires, &lot);
    if (order != NULL) lot.order = order->node.key;
    if (grant->funder.size > 0) {
        uint16_t slot;
        CHECK(find_funder(apply->rulebook, grant->funder, &slot)); /* judged as form */
        lot.funder = (uint16_t)(slot + 1);
    }
    if (!posting_can_move(apply->state, apply->member, ACCOUNT_ISSUED, ACCOUNT_PENDING,
                          lot.currency, lot.granted) ||
        !posting_can_move(apply->state, apply->member, ACCOUNT_ISSUED, ACCOUNT_ACTIVE, lot.currency,
                          lot.granted) ||
        (grant->qualifies && !metrics_can_take(apply, currency, lot.granted)))
        return VERDICT_OVERFLOW;

    members_write(&apply->state->members, apply->member);
    apply->order_id = grant->order_id;
    apply->reason = grant->reason;
    apply->actor = grant->actor;
    activate_grant(apply, &lot, POSTING_GRANT, ACCOUNT_ISSUED, apply->event->occurred_at.ms);
    output_amount(apply, lot.currency, lot.granted, lot.granted);
    if (grant->qualifies) add_to_metrics(apply, currency, lot.granted);
    return VERDICT_ACCEPTED;
}

/* ---- Adjustments ---- */

static enum verdict
judge_adjustment(const struct apply *apply, const struct adjust *adjust, uint32_t currency)
{
    uint32_t slot = apply->rulebook->currency_slot[currency];
    const struct wallet *wallet = member_wallet_find(apply->member, slot);
    int64_t active = wallet == NULL ? 0 : wallet->active;
    if (adjust->points.units > 0) {
        if (apply->member->lot_count >= MEMBER_LOTS_MAX) return VERDICT_LIMIT_REACHED;
        bool fits = posting_can_move(apply->state, apply->member, ACCOUNT_ADJUSTED, ACCOUNT_ACTIVE,
                                     slot, adjust->points.units);
        return fits ? VERDICT_ACCEPTED : VERDICT_OVERFLOW;
    }
    int64_t asked = -adjust->points.units;
    if (asked > active && !adjust->may_owe) return VERDICT_INSUFFICIENT_POINTS;
    if (asked > active && !posting_can_move(apply->state, apply->member, ACCOUNT_ARREARS,
                                            ACCOUNT_ADJUSTED, slot, asked - active))
        return VERDICT_OVERFLOW;
    return posting_can_move(apply->state, apply->member, ACCOUNT_ACTIVE, ACCOUNT_ADJUSTED, slot,
                            asked < active ? asked : active)
               ? VERDICT_ACCEPTED
               : VERDICT_OVERFLOW;
}

static void
take_points(struct apply *apply, uint8_t slot, int64_t units)
{
    int64_t effective_ms = apply->event->occurred_at.ms;
    struct taking taking = {
        .kind = POSTING_ADJUST,
        .to = ACCOUNT_ADJUSTED,
        .slots = &slot,
        .slot_count = 1,
        .units = units,
        .effective_ms = effective_ms,
        .usable_ms = INT64_MAX,
    };
    member_wallet(&apply->state->members, &apply->member, slot);
    int64_t taken = posting_take(apply, &taking, NULL, NULL);
    if (taken < units)
        arrears_add(apply, POSTING_ADJUST, ACCOUNT_ADJUSTED, slot, units - taken, 0, effective_ms);
}

/* Books what was judged; the event is the adjustment or its approval. */
static void
adjust_points(struct apply *apply, const struct adjust *adjust, uint32_t currency)
{
    members_write(&apply->state->members, apply->member);
    apply->reason = adjust->reason;
    apply->actor = adjust->actor;
    uint8_t slot = apply->rulebook->currency_slot[currency];
    int64_t units = adjust->points.units;
    if (units > 0) {
        struct lot lot = new_lot(apply, currency, units);
        set_expiry(apply, currency, adjust->expires_at, adjust->never_expires, &lot);
        activate_grant(apply, &lot, POSTING_ADJUST, ACCOUNT_ADJUSTED, lot.earned_ms);
    } else {
        take_points(apply, slot, -units);
    }
    output_amount(apply, slot, units, units);
}

/* ---- Two pairs of eyes ---- */

struct bytes
byhand_awaiting_id(struct bytes source, struct bytes id, struct writer *writer)
{
    writer_bytes(writer, source);
    writer_u8(writer, 0);
    writer_bytes(writer, id);
    CHECK(!writer->overflow);
    return writer_span(writer);
}

struct awaiting {
    struct bytes source, id, correlation_id;
    struct instant occurred_at;
    struct adjust adjust;
};

static void
encode(const struct apply *apply, struct bytes row_id, struct writer *writer)
{
    const struct event *event = apply->event;
    const struct adjust *adjust = &event->adjust;
    reference_write_head(REFERENCE_AWAITING, apply->member->number, row_id, writer);
    writer_prefixed(writer, event->source);
    writer_prefixed(writer, event->id);
    writer_prefixed(writer, event->correlation_id);
    writer_zigzag(writer, event->occurred_at.ms);
    writer_prefixed(writer, adjust->currency);
    writer_zigzag(writer, adjust->points.units);
    writer_u8(writer, adjust->may_owe);
    writer_u8(writer, adjust->never_expires);
    writer_zigzag(writer, adjust->expires_at.ms);
    writer_prefixed(writer, adjust->reason);
    writer_prefixed(writer, adjust->actor);
    CHECK(!writer->overflow);
}

static struct awaiting
decode(const struct reference *reference)
{
    struct reader reader = reader_of(bytes_of(reference->content, reference->size));
    struct awaiting awaiting;
    reference_read_id(&reader);
    awaiting.source = reader_prefixed(&reader);
    awaiting.id = reader_prefixed(&reader);
    awaiting.correlation_id = reader_prefixed(&reader);
    awaiting.occurred_at.ms = reader_zigzag(&reader);
    awaiting.adjust.currency = reader_prefixed(&reader);
    awaiting.adjust.points.units = reader_zigzag(&reader);
    awaiting.adjust.may_owe = reader_u8(&reader) != 0;
    awaiting.adjust.never_expires = reader_u8(&reader) != 0;
    awaiting.adjust.expires_at.ms = reader_zigzag(&reader);
    awaiting.adjust.reason = reader_prefixed(&reader);
    awaiting.adjust.actor = reader_prefixed(&reader);
    CHECK(reader_done(&reader));
    return awaiting;
}

static void
notify(struct apply *apply, const struct awaiting *awaiting, enum notice_kind kind,
       int64_t effective_ms, int64_t lapses_ms)
{
    struct effect *effect = output_notice(apply, kind, effective_ms);
    struct event_ref ref = {output_text(apply, awaiting->source), output_text(apply, awaiting->id)};
    if (kind == NOTICE_APPROVAL_WANTED) {
        uint32_t currency;
        CHECK(rulebook_currency(apply->rulebook, awaiting->adjust.currency, &currency));
        effect->notice.approval_wanted = (struct notice_approval_wanted){
            .awaiting = ref,
            .currency = output_currency(apply, apply->rulebook->currency_slot[currency]),
            .points = awaiting->adjust.points,
            .actor = output_text(apply, awaiting->adjust.actor),
            .lapses_at.ms = lapses_ms,
        };
    } else {
        effect->notice.approval_lapsed = (struct notice_approval_lapsed){.awaiting = ref};
    }
    output_seal(apply, effect);
}

/* The adjustment is kept until somebody else approves it, so many days by the programme's calendar
 * from its journal time. */
static enum verdict
await_approval(struct apply *apply, uint32_t currency)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    const struct zone *zone = &apply->rulebook->program.zone;
    uint8_t id_room[AWAITING_ID_BYTES_MAX];
    struct writer id = writer_of(id_room, sizeof id_room);
    struct writer row = writer_of(state->row_region.memory, ROW_ROOM);
    struct bytes row_id = byhand_awaiting_id(event->source, event->id, &id);
    if (!facts_fit(apply->member, 1)) return VERDICT_LIMIT_REACHED;
    struct fact awaiting = {
        .kind = FACT_AWAITING,
        .slot = apply->rulebook->currency_slot[currency],
        .key = (int64_t)apply->ordinal,
        .a = calendar_days_later(zone, state->clock.ms, apply->rulebook->program.approval_days),
        .b = event->adjust.points.units,
    };
    members_write(&state->members, apply->member);
    encode(apply, row_id, &row);
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_AWAITING, member_key(apply->member), row_id);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&row));
    fact_set(&state->members, &apply->member, &awaiting);
    due_note(apply, awaiting.a, DUE_TIMEOUT);
    struct awaiting told = {event->source, event->id, event->correlation_id, event->occurred_at,
                            event->adjust};
    notify(apply, &told, NOTICE_APPROVAL_WANTED, event->occurred_at.ms, awaiting.a);
    return VERDICT_AWAITING_APPROVAL;
}

enum verdict
byhand_adjust(struct apply *apply)
{
    const struct adjust *adjust = &apply->event->adjust;
    uint32_t currency;
    enum verdict verdict = judge_state(apply, false);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    CHECK(rulebook_currency(apply->rulebook, adjust->currency, &currency)); /* judged as form */
    int64_t units = adjust->points.units < 0 ? -adjust->points.units : adjust->points.units;
    if (units > apply->rulebook->program.approval_above[currency])
        return await_approval(apply, currency);
    verdict = judge_adjustment(apply, adjust, currency);
    if (verdict == VERDICT_ACCEPTED) adjust_points(apply, adjust, currency);
    return verdict;
}

/* The adjustment's own answer, at last. */
static void
answer_adjustment(struct apply *apply, const struct awaiting *awaiting, uint64_t ordinal)
{
    struct effect *effect = output_begin(apply, TOPIC_OUTCOMES);
    effect->outcome = (struct outcome){
        .source = output_text(apply, awaiting->source),
        .id = output_text(apply, awaiting->id),
        .member = output_member(apply),
        .correlation_id = output_text(apply, awaiting->correlation_id),
        .event_kind = EVENT_ADJUST,
        .verdict = VERDICT_ACCEPTED,
        .ordinal = ordinal,
        .occurred_at = awaiting->occurred_at,
        .further = true,
    };
    output_amounts(apply, &effect->outcome);
    output_outcome(apply, effect);
}

static const struct fact *
find_awaiting(const struct member *member, uint64_t ordinal)
{
    struct facts waiting = facts_of_kind(member, FACT_AWAITING);
    for (uint32_t i = 0; i < waiting.count; i++) {
        if ((uint64_t)waiting.items[i].key == ordinal) return &waiting.items[i];
    }
    return NULL;
}

void
byhand_needs(const struct state *state, const struct event *event, struct needs *needs)
{
    const struct approve *approve = &event->approve;
    uint8_t room[AWAITING_ID_BYTES_MAX];
    struct writer id = writer_of(room, sizeof room);
    state_references_need(state, REFERENCE_AWAITING, event->member,
                          byhand_awaiting_id(approve->awaiting.source, approve->awaiting.id, &id),
                          needs);
}

/* The fact of the adjustment that the approval names, and its row; NULL: it does not wait. */
static const struct fact *
awaited(const struct apply *apply, struct awaiting *out_awaiting)
{
    const struct approve *approve = &apply->event->approve;
    uint8_t id_room[AWAITING_ID_BYTES_MAX];
    struct writer id = writer_of(id_room, sizeof id_room);
    const struct reference *reference =
        state_reference(apply->state, REFERENCE_AWAITING, apply->member,
                        byhand_awaiting_id(approve->awaiting.source, approve->awaiting.id, &id));
    if (reference == NULL) return NULL;
    *out_awaiting = decode(reference);
    return find_awaiting(apply->member, reference->node.key);
}

enum verdict
byhand_judge_form(const struct apply *apply)
{
    struct awaiting awaiting;
    uint32_t currency;
    if (apply->rulebook == NULL || awaited(apply, &awaiting) == NULL) return VERDICT_ACCEPTED;
    bool known = rulebook_currency(apply->rulebook, awaiting.adjust.currency, &currency);
    return known ? VERDICT_ACCEPTED : VERDICT_UNKNOWN_POINTS_CURRENCY;
}

enum verdict
byhand_approve(struct apply *apply)
{
    const struct approve *approve = &apply->event->approve;
    struct awaiting awaiting;
    uint32_t currency;
    const struct fact *fact = awaited(apply, &awaiting);
    if (fact == NULL) return VERDICT_NOT_AWAITING;
    if (bytes_equal(awaiting.adjust.actor, approve->actor)) return VERDICT_SAME_ACTOR;
    enum verdict verdict = judge_state(apply, false);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    CHECK(rulebook_currency(apply->rulebook, awaiting.adjust.currency, &currency)); /* as form */
    verdict = judge_adjustment(apply, &awaiting.adjust, currency);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    struct fact done = *fact;
    fact_remove(&apply->state->members, &apply->member, FACT_AWAITING, done.slot, done.key, 0);
    adjust_points(apply, &awaiting.adjust, currency);
    answer_adjustment(apply, &awaiting, (uint64_t)done.key);
    return VERDICT_ACCEPTED;
}

void
byhand_lapse(struct apply *apply, const struct fact *awaiting)
{
    const struct reference *reference =
        references_get(&apply->state->references, (uint64_t)awaiting->key);
    CHECK(reference != NULL); /* due_rows_needed has named it */
    struct awaiting lapsed = decode(reference);
    fact_remove(&apply->state->members, &apply->member, FACT_AWAITING, awaiting->slot,
                awaiting->key, 0);
    notify(apply, &lapsed, NOTICE_APPROVAL_LAPSED, awaiting->a, 0);
}
