/* How much is clawed back (semantics §6): by the version that granted. */
#include "engine/core/cap.h"
#include "engine/core/lot.h"
#include "engine/core/return_priv.h"

static struct earn_input
input_of(const struct returning *returning, const struct order_money *money,
         enum earn_method method)
{
    const struct order *order = &returning->order;
    return (struct earn_input){
        .rulebook = returning->rulebook,
        .currency = order->currency,
        .money = money,
        .match = &order->match,
        .levels = order->levels,
        .occurred_at = order->occurred_at,
        .method = method,
    };
}

struct order_money
return_money(const struct returning *returning, const struct picture *picture)
{
    struct order_money money = returning->money;
    money.paid = returning->paid;
    money.refunded = picture->refunded;
    return money;
}

static int64_t
sum_parts(const struct earn_grant *grant)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < grant->part_count; i++)
        sum += grant->parts[i].points; /* parts of one grant, which has 63 bits */
    return sum;
}

/* What the kept lines would have earned under the caps' room of then. */
static int64_t
stays_recomputed(const struct returning *returning, uint32_t currency, struct earn_grant *kept)
{
    if (returning->order.room_count > 0) {
        cap_cut(returning->scratch, returning->rulebook, currency, returning->order.rooms,
                kept->parts, kept->part_count);
    }
    return sum_parts(kept);
}

/* exact × part / whole, rounded as the currency is. */
static bool
scaled(struct fraction exact, int64_t part, int64_t whole, enum rounding rounding, int64_t *out)
{
    struct rate rate;
    *out = 0;
    if (part == 0 || whole == 0) return true;
    return rate_make(part, whole, &rate) && fraction_multiply_rate(exact, rate, &exact) &&
           fraction_round(exact, rounding, out);
}

/* By eligible value, under the basis of the rule that the grant's first part names. */
static bool
stays_by_value(const struct returning *returning, const struct order_money *kept_money,
               const struct earn_grant *bought, const struct order_grant *grant,
               enum rounding rounding, int64_t *out_stays)
{
    const struct rulebook *rulebook = returning->rulebook;
    const int64_t *values;
    int64_t whole = 0, kept = 0;
    CHECK(bought->part_count > 0);
    struct program_basis basis = rulebook->bases[rulebook->rule_basis[bought->parts[0].rule]];
    if (!eligible_values(returning->scratch, kept_money, basis, &values)) return false;
    const int64_t *left = eligible_kept(returning->scratch, kept_money, values);
    for (uint32_t i = 0; i < kept_money->line_count; i++) {
        whole += values[i]; /* the sum was seen to have 63 bits */
        kept += left[i];
    }
    *out_stays = grant->granted;
    return whole == 0 ||
           scaled(fraction_from_i64(grant->granted), kept, whole, rounding, out_stays);
}

/* What stays of phases 1 to 7 in each currency. */
static bool
base_stays(const struct returning *returning)
{
    const struct program *program = &returning->rulebook->program;
    enum claw_back method = program->returns.method;
    struct order_money kept = return_money(returning, &returning->after);
    bool by_value = method == CLAW_VALUE_SHARE;
    struct earn_input input = input_of(returning, by_value ? &returning->money : &kept,
                                       method == CLAW_ITEM ? EARN_ITEM : EARN_KEPT);
    struct earn_result result;
    if (!earn_compute(returning->scratch, &input, &result)) return false;
    for (uint32_t i = 0; i < returning->order.grant_count; i++) {
        const struct order_grant *grant = &returning->order.grants[i];
        if (grant->award.kind != 0) continue;
        uint32_t currency = (uint32_t)returning->rulebook->currency_at[grant->currency];
        struct earn_grant *earned = &result.grants[currency];
        enum rounding rounding = program->currencies[currency].rounding;
        int64_t *stays = &returning->stays[i];
        bool fits = true;
        switch (method) {
        case CLAW_RECOMPUTE: *stays = stays_recomputed(returning, currency, earned); break;
        case CLAW_ITEM:
            fits = scaled(earned->exact, grant->granted, grant->requested, rounding, stays);
            break;
        case CLAW_VALUE_SHARE:
            fits = stays_by_value(returning, &kept, earned, grant, rounding, stays);
            break;
        }
        if (!fits) return false;
        if (*stays > grant->granted) *stays = grant->granted; /* bands may fall */
    }
    return true;
}

/* What of a grant expired, or was cancelled or forfeited. */
static int64_t
expired_of(const struct apply *apply, const struct returning *returning,
           const struct order_grant *grant)
{
    int64_t expired = 0;
    for (uint32_t k = 0; k < grant->lot_count; k++) {
        struct lot image = {
            .earned_ms = returning->order.occurred_at.ms,
            .expires_ms = grant->lots[k].expires_ms,
            .ordinal = returning->ordinal,
            .index = grant->lots[k].index,
            .currency = grant->currency,
        };
        const struct lot *lot = lots_find_id(apply->member, &image);
        if (lot == NULL) {
            CHECK(closed_find(&apply->state->closed, apply->member->number, image.ordinal,
                              image.index, &lot)); /* fold_needs has named it */
        }
        if (lot != NULL) expired += lot->expired; /* parts of one grant */
    }
    return expired;
}

/* claw-back = max(0, min(granted − stays − settled, granted − settled − expired)); what was settled
 * beyond what is asked by now comes back. */
static void
compare(const struct apply *apply, struct returning *returning, uint32_t i)
{
    const struct order_grant *grant = &returning->order.grants[i];
    int64_t gone = grant->granted - returning->stays[i];
    int64_t most = grant->granted - expired_of(apply, returning, grant);
    int64_t claw = (gone < most ? gone : most) - grant->settled;
    returning->claws[i] = claw < 0 ? 0 : claw;
    returning->restores[i] = grant->settled > gone ? grant->settled - gone : 0;
}

bool
return_amounts(const struct apply *apply, struct returning *returning)
{
    const struct order *order = &returning->order;
    struct arena *scratch = returning->scratch;
    const struct program *program = &returning->rulebook->program;
    returning->stays = eligible_list(scratch, order->grant_count, sizeof *returning->stays);
    returning->claws = eligible_list(scratch, order->grant_count, sizeof *returning->claws);
    returning->restores = eligible_list(scratch, order->grant_count, sizeof *returning->restores);
    for (uint32_t i = 0; i < order->grant_count; i++) {
        if (order->grants[i].award.kind != 0 && !returning->after.whole)
            returning->stays[i] = order->grants[i].granted;
    }
    if (!returning->after.whole && !base_stays(returning)) return false;
    for (uint32_t i = 0; i < order->grant_count; i++)
        compare(apply, returning, i);
    struct order_money before = return_money(returning, &returning->before);
    struct order_money after = return_money(returning, &returning->after);
    returning->spends_before = returning->spends_after = (struct earn_spends){0};
    return (returning->before.whole ||
            earn_spends(scratch, program, order->currency, &before, &returning->spends_before)) &&
           (returning->after.whole ||
            earn_spends(scratch, program, order->currency, &after, &returning->spends_after));
}
