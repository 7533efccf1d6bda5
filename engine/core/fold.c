/* The only door: entries in, effects out (fold.h). */
#include "engine/core/fold.h"

#include "engine/base/murmur2.h"
#include "engine/core/activity.h"
#include "engine/core/award.h"
#include "engine/core/byhand.h"
#include "engine/core/due.h"
#include "engine/core/enrol.h"
#include "engine/core/fact.h"
#include "engine/core/hold.h"
#include "engine/core/inactivity.h"
#include "engine/core/life.h"
#include "engine/core/limit.h"
#include "engine/core/lots_byhand.h"
#include "engine/core/names.h"
#include "engine/core/output.h"
#include "engine/core/override.h"
#include "engine/core/posting.h"
#include "engine/core/price.h"
#include "engine/core/purchase.h"
#include "engine/core/return.h"
#include "engine/core/spend.h"
#include "engine/core/state_priv.h"
#include "engine/core/tier.h"
#include "engine/core/undo.h"
#include "engine/core/wait.h"

enum { NAME_BYTES_MAX = 64, NUMBER_DIGITS_MAX = 20 };

/* ---- Names of what an event touches ---- */

static struct member *
find_member(const struct state *state, const struct event *event, struct needs *needs)
{
    bool known;
    return members_find_hashed(&state->members, event->member, names_member_hash(state, event),
                               needs, &known);
}

uint64_t
state_order_hash(const struct apply *apply)
{
    return names_reference_hash(apply->state, REFERENCE_ORDER, apply->event,
                                apply->event->purchase.order_id);
}

static bool
is_misplaced(const struct state *state, const struct event *event)
{
    return murmur2_partition(event->member, state->genesis.partition_count) !=
           state->genesis.partition;
}

/* Whether a row belongs to the member; rows of before its enrolment stand under its placeholder's
 * number. */
static bool
is_reference_of(const struct reference *reference, enum reference_kind kind,
                const struct member *member, struct bytes id)
{
    struct bytes content = bytes_of(reference->content, reference->size);
    if (reference_is(content, kind, member->number, id)) return true;
    const struct fact *former = fact_find(member, FACT_FORMER, 0, 0, 0);
    return former != NULL && reference_is(content, kind, (uint64_t)former->a, id);
}

static size_t
find_references(const struct state *state, uint64_t hash, enum reference_kind kind,
                const struct member *member, struct bytes id,
                struct reference *out_references[STATE_REFERENCES_MAX])
{
    uint64_t ordinals[STATE_REFERENCES_MAX];
    size_t found = 0;
    size_t count = locator_find(&state->references.locator, hash, ordinals, STATE_REFERENCES_MAX);
    CHECK(count < STATE_REFERENCES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct reference *reference = references_get(&state->references, ordinals[i]);
        CHECK(reference != NULL); /* fold_needs has named it */
        if (!is_reference_of(reference, kind, member, id)) continue;
        size_t at = found++;
        for (; at > 0 && out_references[at - 1]->node.key > ordinals[i]; at--)
            out_references[at] = out_references[at - 1];
        out_references[at] = reference;
    }
    return found;
}

size_t
state_references(const struct state *state, enum reference_kind kind, const struct member *member,
                 struct bytes id, struct reference *out_references[STATE_REFERENCES_MAX])
{
    if (member == NULL) return 0;
    uint64_t hash = reference_hash(&state->memo, kind, member_key(member), id);
    return find_references(state, hash, kind, member, id, out_references);
}

bool
state_knows_order(const struct apply *apply)
{
    struct reference *references[STATE_REFERENCES_MAX];
    return find_references(apply->state, state_order_hash(apply), REFERENCE_ORDER, apply->member,
                           apply->event->purchase.order_id, references) > 0;
}

struct reference *
state_reference(const struct state *state, enum reference_kind kind, const struct member *member,
                struct bytes id)
{
    struct reference *references[STATE_REFERENCES_MAX];
    size_t count = state_references(state, kind, member, id, references);
    return count == 0 ? NULL : references[0];
}

static void
need_references(const struct state *state, uint64_t hash, struct needs *needs)
{
    uint64_t ordinals[STATE_REFERENCES_MAX];
    size_t count = locator_find(&state->references.locator, hash, ordinals, STATE_REFERENCES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (references_get(&state->references, ordinals[i]) == NULL)
            references_need(ordinals[i], needs);
    }
}

void
state_references_need(const struct state *state, enum reference_kind kind, struct bytes member,
                      struct bytes id, struct needs *needs)
{
    need_references(state, reference_hash(&state->memo, kind, member, id), needs);
}

/* ---- Members that may not be enrolled ---- */

void
apply_enrol(struct apply *apply, int64_t enrolled_ms)
{
    struct state *state = apply->state;
    CHECK(apply->member == NULL);
    apply->member =
        members_enrol(&state->members, apply->event->member, enrolled_ms, apply->placeholder);
    apply->placeholder = NULL;
    apply->enrols = true;
    award_expect_anniversary(apply, (struct instant){enrolled_ms});
    struct due due;
    if (due_next(state, apply->member, &due)) due_note(apply, due.ms, due.kind);
}

struct member *
apply_waiting_room(struct apply *apply)
{
    if (apply->member != NULL) return apply->member;
    if (apply->placeholder == NULL) {
        apply->placeholder = members_placeholder(&apply->state->members, apply->event->member,
                                                 apply->event->occurred_at.ms);
    }
    return apply->placeholder;
}

/* ---- Needs ---- */

/* What one event needs besides its identity and its member. */
static void
event_needs(const struct state *state, const struct event *event, const struct member *member,
            struct needs *needs)
{
    enum reference_kind kind;
    struct bytes id;
    size_t before = needs->count;
    if (event->kind == EVENT_ACTIVITY) activity_needs(state, event, needs);
    if (event->kind == EVENT_RELEASE_QUARANTINE || event->kind == EVENT_REJECT_QUARANTINE)
        limit_needs(state, event, member, needs);
    if (event->kind == EVENT_APPROVE) byhand_needs(state, event, needs);
    if (member != NULL && (event->kind == EVENT_REINSTATE_LOTS || event->kind == EVENT_RENEW_LOTS))
        lots_byhand_needs(state, member, needs);
    if (event->kind == EVENT_CAPTURE_HOLD && member != NULL)
        return_marks_need(state, member, needs);
    if (!names_reference(event, &kind, &id)) return;
    need_references(state, names_reference_hash(state, kind, event, id), needs);
    if (event->kind == EVENT_CANCEL_REDEMPTION) {
        state_references_need(state, REFERENCE_HOLD, event->member, id, needs);
        if (needs->count == before) undo_needs(state, event, member, needs);
    }
    if (kind != REFERENCE_ORDER) return;
    wait_needs(state, event, member, id, needs);
    if (event->kind == EVENT_PURCHASE || needs->count > before) return;
    const struct reference *order = state_reference(state, kind, member, id);
    if (order != NULL) return_needs(state, member, order, needs);
}

/* When an entry was appended, as far as it may move the clock. */
static int64_t
journal_time(const struct state *state, const struct entry *entry, int64_t append_ms)
{
    int64_t journal_ms = state->time_kind == TIME_RECORD ? entry->journal_time.ms : append_ms;
    return journal_ms > INSTANT_MAX_MS ? INSTANT_MAX_MS : journal_ms;
}

void
fold_needs(const struct state *state, const struct entry *entry, int64_t append_ms,
           struct needs *needs)
{
    if (!state->has_genesis || state->damage[0] != 0 || entry->kind != ENTRY_EVENT) return;
    const struct event *event = &entry->event;
    if (is_misplaced(state, event)) return;
    struct identity identity;
    uint64_t ordinal;
    const struct member *member = find_member(state, event, needs);
    if (member != NULL) {
        int64_t entry_ms = journal_time(state, entry, append_ms);
        due_rows_needed(state, member, entry_ms > state->clock.ms ? entry_ms : state->clock.ms,
                        needs);
    }
    struct hash128 hash = names_identity_hash(state, event);
    enum identity_found found =
        identities_find(&state->identities, hash, needs, &identity, &ordinal);
    if (found == IDENTITY_KNOWN && event->kind != EVENT_APPROVE) return; /* its form asks, too */
    event_needs(state, event, member, needs);
    enrol_needs(state, event, member, event_needs, needs);
}

/* ---- Judging events ---- */

/* The points currency, and the funder, that an event by hand names. */
static enum verdict
judge_form_by_hand(struct apply *apply)
{
    const struct event *event = apply->event;
    struct bytes currency;
    uint32_t index;
    switch (event->kind) {
    case EVENT_GRANT: currency = event->grant.currency; break;
    case EVENT_ADJUST: currency = event->adjust.currency; break;
    case EVENT_EXTEND_LOTS: currency = event->extend_lots.choice.currency; break;
    case EVENT_REINSTATE_LOTS: currency = event->reinstate_lots.choice.currency; break;
    case EVENT_RENEW_LOTS: currency = event->renew_lots.choice.currency; break;
    case EVENT_APPROVE: return byhand_judge_form(apply);
    default: return VERDICT_ACCEPTED;
    }
    if (apply->rulebook == NULL) return VERDICT_ACCEPTED;
    if (!rulebook_currency(apply->rulebook, currency, &index))
        return VERDICT_UNKNOWN_POINTS_CURRENCY;
    if (event->kind == EVENT_GRANT && !byhand_knows_funder(apply->rulebook, event->grant.funder)) {
        apply->detail = bytes_from_cstr("funder: the rulebook names no such funder");
        return VERDICT_MALFORMED;
    }
    return VERDICT_ACCEPTED;
}

/* What the codec cannot see. A refusal of form leaves no identity. */
static enum verdict
judge_form(struct apply *apply)
{
    const struct event *event = apply->event;
    if (event->occurred_at.ms < INSTANT_MIN_MS || event->occurred_at.ms > INSTANT_MAX_MS) {
        apply->detail = bytes_from_cstr("occurred_at lies outside the years 1970 to 9999");
        return VERDICT_MALFORMED;
    }
    if (event->kind == EVENT_REDEEM) return price_judge_form(apply, &event->redeem.request);
    if (event->kind == EVENT_HOLD) return price_judge_form(apply, &event->hold.request);
    return judge_form_by_hand(apply);
}

/* From "member known" on; each kind goes on from there. */
static enum verdict
judge_kind(struct apply *apply)
{
    enum verdict known = enrol_judge(apply);
    if (known != VERDICT_ACCEPTED) return known;
    switch (apply->event->kind) {
    case EVENT_PURCHASE: return purchase_judge(apply);
    case EVENT_REFUND: return return_refund(apply);
    case EVENT_CANCELLATION: return return_cancel(apply);
    case EVENT_REDEEM: return spend_redeem(apply);
    case EVENT_CANCEL_REDEMPTION: return undo_redemption(apply);
    case EVENT_HOLD: return hold_take(apply);
    case EVENT_CAPTURE_HOLD: return hold_capture(apply);
    case EVENT_RELEASE_HOLD: return hold_release(apply);
    case EVENT_ENROL: return enrol_apply(apply);
    case EVENT_DELIVERED: return return_delivered(apply);
    case EVENT_PROFILE_UPDATE: return enrol_update_profile(apply);
    case EVENT_ACTIVITY: return activity_apply(apply);
    case EVENT_RELEASE_QUARANTINE: return limit_release(apply);
    case EVENT_REJECT_QUARANTINE: return limit_reject(apply);
    case EVENT_TIER_OVERRIDE: return tier_override(apply);
    case EVENT_END_TIER_OVERRIDE: return tier_end_override(apply);
    case EVENT_GRANT: return byhand_grant(apply);
    case EVENT_ADJUST: return byhand_adjust(apply);
    case EVENT_APPROVE: return byhand_approve(apply);
    case EVENT_EXTEND_LOTS: return lots_extend(apply);
    case EVENT_REINSTATE_LOTS: return lots_reinstate(apply);
    case EVENT_RENEW_LOTS: return lots_renew(apply);
    case EVENT_SUSPEND:
    case EVENT_RESUME:
    case EVENT_FREEZE:
    case EVENT_UNFREEZE:
    case EVENT_CLOSE:
    case EVENT_REOPEN: return life_change(apply);
    }
    UNREACHABLE();
}

/* Refusals in the order of semantics §3, from the rule version on. What was parked has passed the
 * judgement of its time. */
static enum verdict
judge(struct apply *apply)
{
    const struct event *event = apply->event;
    if (apply->rulebook == NULL) return VERDICT_NO_RULEBOOK;
    const struct program *program = &apply->rulebook->program;
    if (apply->further) return judge_kind(apply);
    bool forwarded = event->first_append.ms > 0 && event->first_append.ms <= INSTANT_MAX_MS;
    int64_t journal_ms = forwarded ? event->first_append.ms : apply->state->clock.ms;
    if (event->occurred_at.ms - journal_ms > program->accept_future_ms)
        return VERDICT_OCCURRED_IN_FUTURE;
    if (journal_ms - event->occurred_at.ms > program->accept_past_ms) return VERDICT_TOO_OLD;
    return judge_kind(apply);
}

/* After an accepted event: its one tier evaluation. */
static void
finish(struct apply *apply)
{
    if (apply->member == NULL) return; /* it waits for somebody who is not enrolled */
    members_write(&apply->state->members, apply->member);
    inactivity_push(apply);
    tier_evaluate(apply, apply_judged_at(apply), apply->event->occurred_at);
}

static void
forward_event(struct apply *apply)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    output_answer(apply, VERDICT_FORWARDED, 0, 0);
    struct effect *effect = output_begin(apply, TOPIC_FORWARD);
    effect->forward = (struct forward){
        .partition = murmur2_partition(event->member, state->genesis.partition_count),
        .first_append = event->first_append.ms != 0 ? event->first_append : state->clock,
        .wire = output_text(apply, event->wire),
    };
    output_seal(apply, effect);
}

/* What was parked until the member was enrolled, by rising ordinal: each an event of its own, with
 * a further outcome (semantics §4). */
static void
judge_parked(struct apply *enrolling)
{
    struct state *state = enrolling->state;
    struct event event;
    if (facts_of_kind(enrolling->member, FACT_PARKED).count == 0) return;
    /* The store has no closed lots of a new member, though the ordinals are old. */
    closed_complete(&state->closed, enrolling->member->number, 0, UINT64_MAX);
    for (;;) {
        struct apply apply = apply_of(state, enrolling->effects, &event);
        size_t mark = arena_mark(state->scratch);
        apply.cause = enrolling->cause;
        apply.member = enrolling->member;
        apply.further = true;
        if (!enrol_take_parked(&apply, &event, &apply.ordinal)) return;
        apply.rulebook = rulebooks_at(&state->rulebooks, event.occurred_at);
        enum verdict verdict = judge_form(&apply);
        if (verdict == VERDICT_ACCEPTED) verdict = judge(&apply);
        if (verdict == VERDICT_ACCEPTED) finish(&apply);
        output_answer(&apply, verdict, 0, apply.ordinal);
        posting_check(&apply);
        due_run(state, apply.effects, apply.cause, apply_judged_at(&apply), &apply.member);
        enrolling->member = apply.member;
        arena_reset_to(state->scratch, mark);
    }
}

/* Lots of due work behind a parked event are numbered from here on: its own are still to come. */
enum { PARKED_LOTS = 1 << 16 };

static void
apply_new(struct apply *apply, struct identity *identity)
{
    struct state *state = apply->state;
    apply->ordinal = state->identities.next;
    enum verdict verdict = judge(apply);
    if (verdict == VERDICT_ACCEPTED) finish(apply);
    identity->verdict_and_reference = (uint64_t)verdict | apply->reference_hash;
    CHECK(identities_add(&state->identities, identity) == apply->ordinal);
    state->due_lots = verdict == VERDICT_PARKED ? PARKED_LOTS : apply->lot_count;
    output_answer(apply, verdict, 0, apply->ordinal);
    struct member **member = apply->member != NULL ? &apply->member : &apply->placeholder;
    if (verdict != VERDICT_ACCEPTED || *member == NULL) return;
    due_run(state, apply->effects, apply->cause, apply_judged_at(apply), member);
    if (apply->enrols) judge_parked(apply);
}

static void
apply_event(struct state *state, const struct event *event, struct effects *effects)
{
    struct apply apply;
    struct needs *none = NULL;
    struct identity identity;
    uint64_t first_ordinal;
    apply_begin(&apply, state, effects, event);
    if (is_misplaced(state, event)) {
        forward_event(&apply);
        return;
    }
    apply.member = find_member(state, event, none);
    if (apply.member != NULL) {
        apply.member->touched = 1;
        due_run(state, effects, apply.cause, (struct instant){0}, &apply.member);
        if (apply.member->status == MEMBER_UNKNOWN) {
            apply.placeholder = apply.member;
            apply.member = NULL;
        }
    }
    apply.rulebook = rulebooks_at(&state->rulebooks, event->occurred_at);
    enum verdict form = judge_form(&apply);
    if (form != VERDICT_ACCEPTED) {
        output_answer(&apply, form, 0, 0);
        return;
    }
    struct hash128 hash = names_identity_hash(state, event);
    switch (identities_find(&state->identities, hash, none, &identity, &first_ordinal)) {
    case IDENTITY_COLD: UNREACHABLE(); /* fold_needs has named the chunk */
    case IDENTITY_KNOWN:
        if (identity.content == event->content_hash) {
            output_answer(&apply, VERDICT_DUPLICATE, identity.verdict_and_reference & 0xff,
                          first_ordinal);
        } else {
            output_answer(&apply, VERDICT_CONFLICTING_DUPLICATE, 0, 0);
        }
        return;
    case IDENTITY_NEW:
        identity = (struct identity){.hash = hash, .content = event->content_hash};
        apply_new(&apply, &identity);
        posting_check(&apply);
        return;
    }
}

/* ---- The journal's own entries ---- */

static bool
apply_genesis(struct state *state, const struct genesis *genesis, struct fault *out_fault)
{
    if (state->has_genesis)
        return fault_set(out_fault, FAULT_DATA,
                         "a second record 0: the journal was put together wrong");
    if (genesis->format != JOURNAL_FORMAT) {
        return fault_set(out_fault, FAULT_DATA,
                         "journal format %u is not known, this program knows %d", genesis->format,
                         JOURNAL_FORMAT);
    }
    if (genesis->law != LAW_VERSION) {
        return fault_set(out_fault, FAULT_DATA,
                         "law version %u is not known, this program knows %d", genesis->law,
                         LAW_VERSION);
    }
    bool partitions_fit = genesis->partition_count >= 1 &&
                          genesis->partition_count <= PARTITIONS_MAX &&
                          genesis->partition < genesis->partition_count;
    bool time_fits = genesis->time_kind == TIME_APPEND || genesis->time_kind == TIME_RECORD;
    if (!partitions_fit || !time_fits || genesis->programme.size > PROGRAMME_BYTES_MAX) {
        return fault_set(out_fault, FAULT_DATA,
                         "record 0 names an impossible partition, time or programme");
    }
    state->has_genesis = true;
    state->genesis = *genesis;
    memcpy(state->programme, genesis->programme.data, genesis->programme.size);
    state->genesis.programme.data = state->programme;
    state->time_kind = genesis->time_kind;
    state->memo.seed = hash64(bytes_of(genesis->journal_id, JOURNAL_ID_BYTES), 0);
    return true;
}

/* A tick or a claim says what its writer had folded. Whoever folds it compares: a log that was cut
 * and grew again shows. */
static bool
check_anchor(const struct state *state, const struct anchor *anchor, uint64_t position,
             struct fault *out_fault)
{
    if (anchor->applied >= position) {
        return fault_set(
            out_fault, FAULT_DATA,
            "its writer had folded up to a later position than its own: the journal was cut");
    }
    bool found = anchor->applied == state->applied;
    uint64_t chain = state->chain;
    for (uint32_t i = 0; i < state->anchor_count && !found; i++) {
        found = state->anchors[i].applied == anchor->applied;
        if (found) chain = state->anchors[i].chain;
    }
    if (!found || chain == anchor->chain)
        return true; /* from before this fold began: nothing to compare with */
    return fault_set(out_fault, FAULT_DATA,
                     "its writer's outputs up to offset %lld differ from those of this fold: the "
                     "journal was changed",
                     (long long)position_unpack(anchor->applied).offset);
}

static void
apply_claim(struct state *state, const struct claim *claim, uint64_t position)
{
    if (claim->replaces != state->claim) return;
    state->claim = position;
    state->claim_nonce = claim->nonce;
}

/* A number in decimal behind what is in the writer. */
static void
write_number(struct writer *writer, int64_t number)
{
    uint8_t digits[NUMBER_DIGITS_MAX];
    size_t count = 0;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0) writer_u8(writer, '-');
    do {
        digits[count++] = (uint8_t)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    while (count > 0)
        writer_u8(writer, digits[--count]);
}

/* A hole is known by topic, partition and offset: source and id of its outcome. */
static void
apply_hole(struct state *state, const struct hole *hole, struct effects *effects)
{
    struct apply apply = apply_of(state, effects, NULL);
    uint8_t text[NAME_BYTES_MAX];
    struct writer id = writer_of(text, sizeof text);
    write_number(&id, hole->partition);
    writer_u8(&id, '/');
    write_number(&id, hole->offset);
    struct effect *effect = output_begin(&apply, TOPIC_OUTCOMES);
    effect->outcome = (struct outcome){
        .source = output_text(&apply, hole->topic),
        .id = output_text(&apply, writer_span(&id)),
        .verdict = VERDICT_HOLE,
        .detail = output_text(&apply, hole->reason),
        .occurred_at = state->clock,
    };
    output_outcome(&apply, effect);
}

static void
apply_refused(struct state *state, const struct refused *refused, struct effects *effects)
{
    struct apply apply = apply_of(state, effects, NULL);
    bool of_form = verdict_find(refused->verdict) != NULL &&
                   refused->verdict >= VERDICT_MALFORMED &&
                   refused->verdict < VERDICT_CONFLICTING_DUPLICATE;
    struct effect *effect = output_begin(&apply, TOPIC_OUTCOMES);
    effect->outcome = (struct outcome){
        .source = output_text(&apply, refused->source),
        .id = output_text(&apply, refused->id),
        .member = output_text(&apply, refused->member),
        .correlation_id = output_text(&apply, refused->correlation_id),
        .verdict = of_form ? refused->verdict : VERDICT_MALFORMED,
        .detail = output_text(&apply, refused->detail),
        .occurred_at = refused->occurred_at,
    };
    output_outcome(&apply, effect);
}

/* ---- The door ---- */

/* What must hold before anything of the entry may change the state. */
static bool
may_apply(const struct state *state, const struct entry *entry, uint64_t position,
          struct fault *out_fault)
{
    if (state->damage[0] != 0) return fault_set(out_fault, FAULT_DATA, "%s", state->damage);
    if (entry->kind == ENTRY_GENESIS) return true;
    if (!state->has_genesis) {
        return fault_set(
            out_fault, FAULT_DATA,
            "the journal does not begin with record 0: make it with 'tally journal create'");
    }
    if (entry->kind == ENTRY_TICK && entry->tick.has_anchor) {
        return check_anchor(state, &entry->tick.anchor, position, out_fault) ||
               fault_wrap(out_fault, "a tick contradicts this fold");
    }
    if (entry->kind == ENTRY_CLAIM && entry->claim.has_anchor) {
        return check_anchor(state, &entry->claim.anchor, position, out_fault) ||
               fault_wrap(out_fault, "a claim contradicts this fold");
    }
    if (entry->kind == ENTRY_LAW && entry->law != LAW_VERSION) {
        return fault_set(out_fault, FAULT_DATA,
                         "law version %u is not known, this program knows %d: use a newer one",
                         entry->law, LAW_VERSION);
    }
    return true;
}

static void
take_time(struct state *state, const struct entry *entry, int64_t append_ms)
{
    int64_t journal_ms = journal_time(state, entry, append_ms);
    if (journal_ms > state->clock.ms) state->clock.ms = journal_ms;
}

/* A version that takes effect judges all tiers anew: said once, before anybody is judged, where
 * there are tiers and somebody to have them (semantics §8). */
static void
announce_versions(struct state *state, struct effects *effects)
{
    struct anew_item item;
    while (anew_reach(state, &item)) {
        if (item.end == 0 || state->rulebooks.group_count == 0) continue;
        struct apply apply = apply_of(state, effects, NULL);
        CHECK(item.sequence <= state->rulebooks.count);
        const struct program *program = &state->rulebooks.items[item.sequence - 1]->program;
        struct effect *effect = output_begin(&apply, TOPIC_NOTICES);
        effect->notice = (struct notice){
            .kind = NOTICE_TIERS_REEVALUATED,
            .effective_at.ms = item.at_ms,
            .journal_time = state->clock,
            .tiers_reevaluated = {output_text(&apply, program->name), program->version},
        };
        output_seal(&apply, effect);
    }
}

/* A version that is put in force judges all tiers anew, once it is in effect. */
static bool
apply_activation(struct state *state, const struct entry *entry, int64_t append_ms,
                 struct fault *out_fault)
{
    size_t before = state->rulebooks.count;
    if (anew_is_full(state)) {
        state->rulebooks.ignored++; /* no programme has so many versions that wait */
        return true;
    }
    if (!rulebooks_activate(&state->rulebooks, &entry->activation, out_fault)) return false;
    if (state->rulebooks.count == before) return true;
    take_time(state, entry, append_ms);
    anew_add(state, state->rulebooks.items[before]->program.effective_from.ms);
    return true;
}

static uint32_t
budget_of(enum entry_kind kind)
{
    if (kind == ENTRY_TICK) return DUE_ITEMS_PER_TICK;
    return kind == ENTRY_EVENT || kind == ENTRY_REFUSED ? DUE_ITEMS_PER_EVENT : 0;
}

bool
fold_apply(struct state *state, const struct entry *entry, struct position position,
           int64_t append_ms, struct effects *effects, struct fault *out_fault)
{
    uint64_t packed = position_pack(position);
    CHECK(state->due_budget == 0);
    CHECK_MSG(effects->capacity - effects->count >= EFFECTS_ROOM,
              "effects were not drained before an apply");
    if (!may_apply(state, entry, packed, out_fault)) return false;
    arena_reset_to(state->scratch, 0);
    if (entry->kind == ENTRY_GENESIS && !apply_genesis(state, &entry->genesis, out_fault))
        return false;
    if (entry->kind == ENTRY_ACTIVATION && !apply_activation(state, entry, append_ms, out_fault))
        return false;
    take_time(state, entry, append_ms);
    state->applied = packed;
    state->entries++;
    state->dirty_entries++;
    announce_versions(state, effects);
    switch (entry->kind) {
    case ENTRY_EVENT: apply_event(state, &entry->event, effects); break;
    case ENTRY_CLAIM: apply_claim(state, &entry->claim, packed); break;
    case ENTRY_HOLE: apply_hole(state, &entry->hole, effects); break;
    case ENTRY_REFUSED: apply_refused(state, &entry->refused, effects); break;
    case ENTRY_LIVE: state->time_kind = TIME_APPEND; break;
    case ENTRY_GENESIS:
    case ENTRY_ACTIVATION:
    case ENTRY_TICK:
    case ENTRY_LAW: break;
    }
    state->due_budget = budget_of(entry->kind);
    return true;
}

/* ---- Due work of other members ---- */

enum { DUE_LOOK_AHEAD = 256 };

/* Rows of the members whose hints come next: the first of the heap are among the earliest. */
static void
due_needs(const struct state *state, struct needs *needs)
{
    for (size_t i = 0; i < DUE_LOOK_AHEAD; i++) {
        const struct hint *hint = timers_peek(&state->timers, i);
        if (hint == NULL) return;
        if (hint->ms > state->clock.ms) continue;
        if (members_warm(&state->members, hint_member(hint)) == NULL)
            members_need(hint_member(hint), needs);
    }
}

/* Rows of the members whom a new rulebook comes to next. */
static void
anew_needs(const struct state *state, const struct anew_item *item, struct needs *needs)
{
    for (uint64_t i = 0; i < DUE_LOOK_AHEAD && item->next + i <= item->end; i++) {
        if (members_warm(&state->members, item->next + i) == NULL)
            members_need(item->next + i, needs);
    }
}

/* Does what one hint stands for, up to `max` items. True when the hint is done with. */
static bool
take_hint(struct state *state, const struct hint *hint, struct effects *effects, uint64_t max,
          uint64_t *out_done)
{
    struct member *member = members_warm(&state->members, hint_member(hint));
    struct due due;
    *out_done = 0;
    if (member->scheduled_ms != hint->ms || member->scheduled_kind != hint_kind(hint)) return true;
    while (due_next(state, member, &due) && due.ms == hint->ms && due.kind == hint_kind(hint)) {
        if (*out_done == max) return false;
        struct apply apply = apply_of(state, effects, NULL);
        apply.member = member;
        *out_done += due_do(&apply, &due, (struct instant){0}, max - *out_done);
        member = apply.member;
    }
    due_note_next(state, member);
    return true;
}

/* A new rulebook judges the next member: one item, unless an event of the member's own did that
 * already. What that member had due before was done before, for its hint is earlier. */
static void
take_anew(struct state *state, const struct anew_item *item, struct effects *effects,
          uint64_t *out_done)
{
    struct member *member = members_warm(&state->members, item->next);
    *out_done = 0;
    if (anew_of(state, member) == item) {
        *out_done = member->status != MEMBER_UNKNOWN;
        struct apply apply = apply_of(state, effects, NULL);
        struct due due = {
            .ms = item->at_ms, .kind = DUE_REVIEW, .of = DUE_OF_RULEBOOK, .turn = item->turn};
        apply.member = member;
        due_do(&apply, &due, (struct instant){0}, 1);
    }
    anew_pass(state);
}

static bool
hint_before(const struct hint *a, const struct hint *b)
{
    return a->ms < b->ms || (a->ms == b->ms && a->kind_and_member < b->kind_and_member);
}

enum due_result
fold_due(struct state *state, uint32_t slice, struct effects *effects, struct needs *needs)
{
    if (state->damage[0] != 0) state->due_budget = 0;
    for (uint64_t work = 0; state->due_budget > 0;) {
        if (!timers_reach(&state->timers, state->clock.ms, needs)) return DUE_NEEDS;
        struct hint hint;
        bool hinted = timers_first(&state->timers, &hint) && hint.ms <= state->clock.ms;
        const struct anew_item *anew = anew_first(state);
        if (!hinted && anew == NULL) {
            state->due_budget = 0;
            break;
        }
        if (work >= slice) return DUE_MORE;
        uint64_t done, max = slice - work < state->due_budget ? slice - work : state->due_budget;
        struct hint turn = anew == NULL ? (struct hint){INT64_MAX, 0}
                                        : hint_of(anew->at_ms, DUE_REVIEW, anew->next);
        if (anew != NULL && (!hinted || !hint_before(&hint, &turn))) {
            if (members_warm(&state->members, anew->next) == NULL) {
                anew_needs(state, anew, needs);
                return DUE_NEEDS;
            }
            take_anew(state, anew, effects, &done);
        } else {
            const struct member *member = members_warm(&state->members, hint_member(&hint));
            if (member == NULL) {
                due_needs(state, needs);
                return DUE_NEEDS;
            }
            size_t before = needs->count;
            due_rows_needed(state, member, state->clock.ms, needs);
            if (needs->count > before) return DUE_NEEDS;
            if (take_hint(state, &hint, effects, max, &done)) timers_pop(&state->timers);
        }
        state->due_budget -= (uint32_t)done;
        work += done +
                1; /* a hint that nothing bears out is work for the shell, but no item of the law */
    }
    return DUE_DONE;
}

bool
state_due_by(const struct state *state, int64_t clock_ms, int64_t *out_next_due_ms)
{
    int64_t hinted_ms = timers_next_ms(&state->timers), anew_ms = anew_next_ms(state);
    *out_next_due_ms = hinted_ms < anew_ms ? hinted_ms : anew_ms;
    return *out_next_due_ms <= clock_ms;
}
