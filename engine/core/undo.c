#include "engine/core/undo.h"

#include "engine/core/activate.h"
#include "engine/core/eligible.h"
#include "engine/core/lifetime.h"
#include "engine/core/lot.h"
#include "engine/core/posting.h"

/* The spend of that id, or, when the member has none, the captured hold. */
static const struct reference *
find(const struct state *state, const struct member *member, struct bytes id,
     struct spend *out_spend)
{
    const struct reference *row = state_reference(state, REFERENCE_SPEND, member, id);
    if (row == NULL) row = state_reference(state, REFERENCE_HOLD, member, id);
    if (row == NULL) return NULL;
    spend_decode(bytes_of(row->content, row->size), state->scratch, out_spend);
    return out_spend->spent > 0 ? row : NULL;
}

void
undo_needs(const struct state *state, const struct event *event, const struct member *member,
           struct needs *needs)
{
    size_t mark = arena_mark(state->scratch);
    struct spend spend;
    if (find(state, member, event->cancel_redemption.spend_id, &spend) != NULL) {
        uint64_t asked = 0;
        for (uint32_t i = 0; i < spend.part_count; i++) {
            const struct lot *image = &spend.parts[i].lot, *lot;
            if (image->ordinal == asked) continue;
            asked = image->ordinal;
            if (!closed_find(&state->closed, member->number, image->ordinal, image->index, &lot))
                closed_need(member->number, image->ordinal, needs);
        }
    }
    arena_reset_to(state->scratch, mark);
}

/* Until when points live that come back after their lot's instant. Where a lot lapses first, they
 * do not (semantics §2). */
static int64_t
restored_until(const struct apply *apply, const struct lot *lot)
{
    int64_t grace_ms = apply->rulebook->program.spending.restore_grace_ms;
    const struct rulebook *rulebook = apply->state->rulebooks.items[lot->rulebook];
    uint32_t currency = (uint32_t)rulebook->currency_at[lot->currency];
    bool lapses = rulebook->program.currencies[currency].expiry.grace_days > 0;
    if (grace_ms == 0 || lapses) return 0;
    return apply->state->clock.ms + grace_ms;
}

enum { FEW_PARTS = 8 }; /* so many are looked for among all lots, each by itself */

/* A spend takes of a lot once, so what opens again opens at the end, all together; a spend may have
 * drawn on very many lots. */
static void
undo_parts(struct apply *apply, const struct spend *spend, int64_t units)
{
    struct arena *scratch = apply->state->scratch;
    struct spend_sums undone = {0};
    struct lot_events open = {NULL, 0};
    if (spend->part_count > FEW_PARTS) open = lot_events_of(scratch, apply->member);
    struct lot_list opening = {eligible_room(scratch, spend->part_count, sizeof(struct lot)), 0};
    const struct spend_part *part;
    int64_t back, until = spend->spent - spend->undone;
    struct spend_walk walk = spend_walk(spend, until - units, until, true);
    while (spend_walk_next(&walk, &part, &back)) {
        bool gone = open.ordinals != NULL && !lot_events_have(&open, part->lot.ordinal);
        struct lot lot =
            gone ? activate_recall_gone(apply, &part->lot) : activate_recall(apply, &part->lot);
        struct entering entering = {
            .kind = POSTING_UNDO,
            .from = ACCOUNT_REDEEMED,
            .units = back,
            .effective_ms = apply->event->occurred_at.ms,
            .comes_back = true,
            .restore_until_ms = restored_until(apply, &lot),
            .opening = &opening,
        };
        activate_enter(apply, &lot, &entering);
        spend_sum(&undone, part->lot.currency, back);
    }
    lots_insert_all(&apply->state->members, &apply->member, opening);
    spend_tell(apply, &undone);
}

/* Whether the row has room for lots that open again, and then whether what comes back leaves 63
 * bits. */
static enum verdict
judge_room(struct apply *apply, const struct spend *spend, int64_t units)
{
    const struct spend_part *part;
    int64_t back, until = spend->spent - spend->undone;
    uint32_t parts = 0;
    bool fits = true;
    struct spend_walk walk = spend_walk(spend, until - units, until, true);
    while (spend_walk_next(&walk, &part, &back)) {
        parts++;
        if (!posting_can_move(apply->state, apply->member, ACCOUNT_REDEEMED, ACCOUNT_ACTIVE,
                              part->lot.currency, units))
            fits = false;
    }
    if (apply->member->lot_count + parts > MEMBER_LOTS_MAX) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    return fits ? VERDICT_ACCEPTED : VERDICT_OVERFLOW;
}

enum verdict
undo_redemption(struct apply *apply)
{
    struct state *state = apply->state;
    const struct cancel_redemption *cancel = &apply->event->cancel_redemption;
    struct spend spend;
    const struct reference *row = find(state, apply->member, cancel->spend_id, &spend);
    if (row == NULL) return VERDICT_UNKNOWN_SPEND;
    int64_t left = spend.spent - spend.undone;
    int64_t units = cancel->points.units == 0 ? left : cancel->points.units;
    if (left == 0 || units > left) return VERDICT_SPEND_UNDONE;
    if (apply->member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    enum verdict verdict = judge_room(apply, &spend, units);
    if (verdict != VERDICT_ACCEPTED) return verdict;

    apply->order_id = output_text(apply, spend.order_id);
    if (spend.kind == REFERENCE_HOLD) {
        apply->hold_id = cancel->spend_id;
    } else {
        apply->spend_id = cancel->spend_id;
    }
    apply->reason = cancel->reason;
    apply->actor = cancel->actor;
    members_write(&state->members, apply->member);
    undo_parts(apply, &spend, units);
    spend.undone += units;
    struct writer writer = writer_of(state->row_region.memory, state->row_region.size);
    spend_encode(&spend, &writer);
    references_change(&state->references, row->node.key, writer_span(&writer));
    return VERDICT_ACCEPTED;
}
