#include "engine/core/hold.h"

#include "engine/core/activate.h"
#include "engine/core/arrears.h"
#include "engine/core/due.h"
#include "engine/core/lot.h"
#include "engine/core/return.h"

/* A hold on its way to its end. */
struct ending {
    struct apply *apply;
    uint64_t ordinal; /* of the hold */
    struct spend hold;
    int64_t effective_ms;
    struct spend_sums released; /* what came back */
};

/* ---- Beginning ---- */

enum verdict
hold_take(struct apply *apply)
{
    const struct hold *hold = &apply->event->hold;
    struct spend_ask ask = {
        .request = &hold->request,
        .kind = REFERENCE_HOLD,
        .limited = LIMITED_HOLD,
        .id = hold->hold_id,
    };
    struct spend_terms terms;
    enum verdict verdict = spend_judge(apply, &ask, &terms);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    struct spend spend = spend_take(apply, &ask, &terms);
    spend_keep(apply, &spend);
    int64_t timeout_ms = hold->timeout_ms != 0 ? hold->timeout_ms
                                               : apply->rulebook->program.spending.hold_timeout_ms;
    struct fact fact = {
        .kind = FACT_HOLD,
        .key = (int64_t)apply->ordinal,
        .a = INT64_MAX,
        .b = spend.units,
    };
    if (timeout_ms <= INSTANT_MAX_MS - apply->state->clock.ms)
        fact.a = apply->state->clock.ms + timeout_ms;
    fact_set(&apply->state->members, &apply->member, &fact);
    if (fact.a != INT64_MAX) due_note(apply, fact.a, DUE_TIMEOUT);
    return VERDICT_ACCEPTED;
}

/* ---- Releasing ---- */

/* Points go back to `lapsing` until the grace ends; what is noted is taken from them, but arrears
 * are paid from `active` only. */
static void
release_to_lapsing(struct ending *ending, const struct lot *image, int64_t units)
{
    struct apply *apply = ending->apply;
    struct lot *lot = lots_find(apply->member, image);
    posting_move_lot(apply, POSTING_RELEASE, ACCOUNT_HELD, ACCOUNT_LAPSING, lot, units,
                     ending->effective_ms);
    int64_t noted = arrears_take_noted(apply, image->currency, units, ARREARS_OF_ANY);
    lot = lots_find(apply->member, image);
    if (noted > 0) {
        posting_move_lot(apply, POSTING_CLAW_BACK, ACCOUNT_LAPSING, ACCOUNT_REVERSED, lot, noted,
                         ending->effective_ms);
    }
    struct lot grace = *lot;
    grace.expires_ms = lot->deadline_ms;
    if (lot->remaining > 0 && activate_is_past(apply, &grace)) {
        posting_move_lot(apply, POSTING_LAPSE_END, ACCOUNT_LAPSING, ACCOUNT_EXPIRED, lot,
                         lot->remaining, ending->effective_ms);
    } else if (lot->remaining > 0) {
        due_note(apply, lot->deadline_ms, DUE_EXPIRY);
    }
    posting_settle(apply, lot);
}

/* What a return has marked does not come back; the rest goes where it came from. */
static void
release_part(struct ending *ending, const struct spend_part *part, int64_t units)
{
    struct apply *apply = ending->apply;
    struct lot *lot = lots_find_id(apply->member, &part->lot);
    CHECK(lot != NULL && lot->held >= units);
    struct lot image = *lot;
    int64_t left = return_released(apply, lot, units, ending->effective_ms);
    lot = lots_find(apply->member, &image);
    if (left == 0) {
        posting_settle(apply, lot);
        return;
    }
    image = *lot;
    spend_sum(&ending->released, image.currency, left);
    if (part->from == ACCOUNT_LAPSING && image.state == LOT_LAPSING) {
        release_to_lapsing(ending, &image, left);
        return;
    }
    struct entering entering = {
        .kind = POSTING_RELEASE,
        .from = ACCOUNT_HELD,
        .units = left,
        .effective_ms = ending->effective_ms,
        .comes_back = true,
    };
    activate_enter(apply, &image, &entering);
}

/* Releases what is not captured, in order of allocation. */
static void
release_rest(struct ending *ending)
{
    const struct spend *hold = &ending->hold;
    const struct spend_part *part;
    int64_t units;
    struct spend_walk walk = spend_walk(hold, hold->spent, hold->units, false);
    while (spend_walk_next(&walk, &part, &units))
        release_part(ending, part, units);
}

/* ---- Ending ---- */

/* The row of a hold, decoded into the scratch arena; its end is still to come. */
static struct ending
begin(struct apply *apply, const struct reference *row, int64_t effective_ms)
{
    struct ending ending = {.apply = apply, .ordinal = row->node.key, .effective_ms = effective_ms};
    spend_decode(bytes_of(row->content, row->size), apply->state->scratch, &ending.hold);
    apply->hold_id = ending.hold.id;
    apply->order_id = ending.hold.order_id;
    return ending;
}

/* Nothing can end it again: before its points move, for the member may move with its facts. */
static void
close_hold(struct ending *ending)
{
    struct apply *apply = ending->apply;
    members_write(&apply->state->members, apply->member);
    CHECK(fact_remove(&apply->state->members, &apply->member, FACT_HOLD, 0,
                      (int64_t)ending->ordinal, 0));
}

/* What was captured can be undone; of what came to nothing the row keeps the id. */
static void
finish(struct ending *ending)
{
    struct apply *apply = ending->apply;
    struct state *state = apply->state;
    struct spend *hold = &ending->hold;
    if (hold->spent == 0) {
        price_give_use_back(apply, &hold->reward);
        hold->part_count = 0;
        hold->units = 0;
    }
    /* The row's texts move with it. */
    apply->hold_id = output_text(apply, apply->hold_id);
    apply->order_id = output_text(apply, apply->order_id);
    struct writer writer = writer_of(state->row_region.memory, state->row_region.size);
    spend_encode(hold, &writer);
    references_change(&state->references, ending->ordinal, writer_span(&writer));
}

static void
release_all(struct ending *ending)
{
    close_hold(ending);
    release_rest(ending);
    finish(ending);
}

/* The hold of that id, if the event may end it. */
static enum verdict
judge_end(struct apply *apply, struct bytes hold_id, const struct reference **out_row)
{
    const struct reference *row =
        state_reference(apply->state, REFERENCE_HOLD, apply->member, hold_id);
    if (row == NULL) return VERDICT_UNKNOWN_HOLD;
    if (fact_find(apply->member, FACT_HOLD, 0, (int64_t)row->node.key, 0) == NULL)
        return VERDICT_HOLD_CLOSED; /* as it is of a closed account */
    *out_row = row;
    return VERDICT_ACCEPTED;
}

enum verdict
hold_release(struct apply *apply)
{
    const struct release_hold *release = &apply->event->release_hold;
    const struct reference *row;
    enum verdict verdict = judge_end(apply, release->hold_id, &row);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    struct ending ending = begin(apply, row, apply->event->occurred_at.ms);
    apply->reason = release->reason;
    release_all(&ending);
    spend_tell(apply, &ending.released);
    return VERDICT_ACCEPTED;
}

/* ---- Capturing ---- */

/* The first units in order of allocation. No lot leaves its place before all are captured. */
static void
capture_parts(struct ending *ending, struct spend_sums *out_captured)
{
    struct apply *apply = ending->apply;
    const struct spend_part *part;
    int64_t units;
    struct spend_walk walk = spend_walk(&ending->hold, 0, ending->hold.spent, false);
    while (spend_walk_next(&walk, &part, &units)) {
        struct lot *lot = lots_find_id(apply->member, &part->lot);
        CHECK(lot != NULL && lot->held >= units);
        posting_move_lot(apply, POSTING_CAPTURE, ACCOUNT_HELD, ACCOUNT_REDEEMED, lot, units,
                         ending->effective_ms);
        spend_sum(out_captured, part->lot.currency, units);
    }
    for (uint32_t i = 0; i < out_captured->count; i++) {
        uint32_t count;
        lots_of(apply->member, out_captured->slots[i], &count);
        posting_sweep(apply, out_captured->slots[i], count);
    }
}

/* Held points that a return had marked are spent now: it takes others instead. */
static void
settle_marks(struct ending *ending)
{
    const struct spend_part *part;
    int64_t units;
    struct spend_walk walk = spend_walk(&ending->hold, 0, ending->hold.spent, false);
    while (spend_walk_next(&walk, &part, &units)) {
        return_captured(ending->apply, part->lot.currency, part->lot.ordinal, part->lot.index,
                        ending->effective_ms);
    }
}

static bool
can_capture(const struct apply *apply, const struct spend *hold)
{
    for (uint32_t i = 0; i < hold->part_count; i++) {
        uint8_t slot = hold->parts[i].lot.currency;
        if (i > 0 && hold->parts[i - 1].lot.currency == slot) continue;
        if (!posting_can_move(apply->state, apply->member, ACCOUNT_HELD, ACCOUNT_REDEEMED, slot,
                              hold->spent))
            return false;
    }
    return true;
}

enum verdict
hold_capture(struct apply *apply)
{
    const struct capture_hold *capture = &apply->event->capture_hold;
    const struct reference *row;
    enum verdict verdict = judge_end(apply, capture->hold_id, &row);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    struct ending ending = begin(apply, row, apply->event->occurred_at.ms);
    struct spend_sums captured = {0};
    if (!facts_fit(apply->member, apply->rulebook->program.limit_count)) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    ending.hold.spent = capture->points.units == 0 ? ending.hold.units : capture->points.units;
    if (ending.hold.spent > ending.hold.units) return VERDICT_INSUFFICIENT_POINTS;
    if (!can_capture(apply, &ending.hold)) return VERDICT_OVERFLOW;
    apply->reason = capture->reason;
    close_hold(&ending);
    capture_parts(&ending, &captured);
    release_rest(&ending);
    settle_marks(&ending);
    finish(&ending);
    limit_redeemed(apply);
    spend_tell(apply, &captured);
    return VERDICT_ACCEPTED;
}

/* ---- Time-out ---- */

void
hold_time_out(struct apply *apply, const struct fact *hold, int64_t ms)
{
    struct state *state = apply->state;
    size_t mark = arena_mark(state->scratch);
    const struct reference *row = references_get(&state->references, (uint64_t)hold->key);
    CHECK(row != NULL); /* due_rows_needed has named it */
    struct ending ending = begin(apply, row, ms);
    struct spend_sums held = {0};
    for (uint32_t i = 0; i < ending.hold.part_count; i++)
        spend_sum(&held, ending.hold.parts[i].lot.currency, 0);
    release_all(&ending);
    for (uint32_t i = 0; i < ending.released.count; i++)
        spend_sum(&held, ending.released.slots[i], ending.released.units[i]);
    for (uint32_t i = 0; i < held.count; i++) {
        struct effect *effect = output_notice(apply, NOTICE_HOLD_TIMED_OUT, ms);
        effect->notice.hold_timed_out = (struct notice_hold_timed_out){
            .hold_id = output_hold(apply),
            .currency = output_currency(apply, held.slots[i]),
            .points.units = held.units[i],
        };
        output_seal(apply, effect);
    }
    arena_reset_to(state->scratch, mark);
}
