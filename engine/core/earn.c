#include "engine/core/earn.h"

#include <string.h>

#include "engine/core/activate.h"
#include "engine/core/expire.h"
#include "engine/core/tier.h"

/* ---- Phase 1: what counts of each line ---- */

static void *
scratch_list(struct arena *scratch, size_t count, size_t item_bytes)
{
    void *list = arena_alloc(scratch, (count + 1) * item_bytes);
    CHECK(list != NULL);
    return list;
}

static int64_t
line_value(const struct event_line *line, struct program_basis basis)
{
    if ((basis.line_kinds & UINT32_C(1) << line->kind) == 0) return 0;
    int64_t value = line->amount_minor;
    if (basis.flags & BASIS_LESS_DISCOUNT) value -= line->discount_minor;
    if (basis.flags & BASIS_WITHOUT_TAX) value -= line->tax_minor;
    return value < 0 ? 0 : value;
}

/* Takes a payment off values, wholly, by value, largest remainder. */
static bool
take_tender(struct arena *scratch, int64_t tender, uint32_t count, int64_t *values)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!add_i64(sum, values[i], &sum)) return false;
    }
    if (tender == 0 || sum == 0) return true;
    int64_t *shares = scratch_list(scratch, count, sizeof *shares);
    if (!share_largest_remainder(tender < sum ? tender : sum, values, count, shares)) return false;
    for (uint32_t i = 0; i < count; i++)
        values[i] -= shares[i];
    return true;
}

/* What is kept of a line counts in whole minor units: of what was returned, a fraction is not
 * taken. */
static int64_t
kept_value(int64_t value, int64_t paid, int64_t refunded)
{
    if (refunded == 0) return value;
    return value - (int64_t)((__int128)value * refunded / paid);
}

static bool
eligible_values(struct arena *scratch, const struct earn_input *input, struct program_basis basis,
                int64_t *out_values)
{
    for (uint32_t i = 0; i < input->line_count; i++)
        out_values[i] = line_value(&input->lines[i], basis);
    int64_t tender = basis.flags & BASIS_WITHOUT_TENDER ? input->tender_minor : 0;
    if (!take_tender(scratch, tender, input->line_count, out_values)) return false;
    if (input->refunded == NULL) return true;
    for (uint32_t i = 0; i < input->line_count; i++) {
        out_values[i] = kept_value(out_values[i], input->paid[i], input->refunded[i]);
    }
    return true;
}

/* ---- Phase 2: which rules pay for which line ---- */

struct calculation {
    const struct earn_input *input;
    const int64_t *values[BASES_MAX]; /* by basis, then line */
    int64_t *sums;                    /* by rule: the value of the lines it pays for */
};

/* A rule says nothing about lines of a kind that its basis masks: under `first` the next one is
 * asked. */
static bool
rule_matches(const struct program_rule *rule, const struct event_line *line)
{
    if ((rule->basis.line_kinds & UINT32_C(1) << line->kind) == 0) return false;
    if (rule->category_count == 0) return true;
    for (uint32_t i = 0; i < rule->category_count; i++) {
        if (bytes_equal(rule->categories[i], line->category)) return true;
    }
    return false;
}

/* Whether a × its rate is more than b × its rate: whole parts first, then the fractions, which fit
 * when multiplied out. */
static bool
pays_more(int64_t a, struct rate a_rate, int64_t b, struct rate b_rate)
{
    __int128 a_product = (__int128)a * a_rate.numerator, b_product = (__int128)b * b_rate.numerator;
    __int128 a_whole = a_product / a_rate.denominator, b_whole = b_product / b_rate.denominator;
    if (a_whole != b_whole) return a_whole > b_whole;
    return a_product % a_rate.denominator * b_rate.denominator >
           b_product % b_rate.denominator * a_rate.denominator;
}

/* Rules stand in order of judgement, so of equals the earlier one stays (semantics §4). */
static bool
combine_line(struct calculation *calculation, uint32_t line)
{
    const struct rulebook *rulebook = calculation->input->rulebook;
    const struct program *program = &rulebook->program;
    int32_t chosen[PROGRAM_CURRENCIES_MAX];
    memset(chosen, -1, sizeof chosen);
    for (uint32_t r = 0; r < program->rule_count; r++) {
        const struct program_rule *rule = &program->rules[r];
        if (rule->money != calculation->input->money ||
            !rule_matches(rule, &calculation->input->lines[line]))
            continue;
        int64_t value = calculation->values[rulebook->rule_basis[r]][line];
        if (program->line_combine == COMBINE_SUM) {
            if (!add_i64(calculation->sums[r], value, &calculation->sums[r])) return false;
            continue;
        }
        int32_t *best = &chosen[rule->currency];
        if (*best < 0) {
            *best = (int32_t)r;
        } else if (program->line_combine == COMBINE_MAX) {
            int64_t best_value = calculation->values[rulebook->rule_basis[*best]][line];
            if (pays_more(value, rule->rate, best_value, program->rules[*best].rate))
                *best = (int32_t)r;
        }
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (chosen[c] < 0) continue;
        int64_t *sum = &calculation->sums[chosen[c]];
        if (!add_i64(*sum, calculation->values[rulebook->rule_basis[chosen[c]]][line], sum))
            return false;
    }
    return true;
}

/* ---- Phases 3 to 6: multipliers, the sum, one rounding ---- */

static struct rate
rule_multiplier(const struct earn_input *input, const struct program_rule *rule)
{
    if (input->levels == NULL || rule->tier_group < 0) return (struct rate){1, 1};
    return input->rulebook->program.groups[rule->tier_group]
        .levels[input->levels[rule->tier_group]]
        .multiplier;
}

/* value × rate × multiplier, when it needs no more than 63 bits above and below: nearly always. */
static bool
small_product(int64_t value, struct rate rate, struct rate multiplier, struct fraction *out)
{
    int64_t numerator, denominator;
    if (__builtin_mul_overflow(value, rate.numerator, &numerator)) return false;
    if (__builtin_mul_overflow(numerator, multiplier.numerator, &numerator)) return false;
    if (__builtin_mul_overflow(rate.denominator, multiplier.denominator, &denominator))
        return false;
    *out = (struct fraction){numerator, denominator};
    return true;
}

static bool
exact_product(int64_t value, struct rate rate, struct rate multiplier, struct fraction *out)
{
    return fraction_multiply_rate(fraction_from_i64(value), rate, out) &&
           fraction_multiply_rate(*out, multiplier, out);
}

/* The usual grant: one contributing rule, down to whole points, in 64 bits. */
static bool
quick_floor(struct fraction product, enum rounding rounding, int64_t *out)
{
    if (rounding != ROUNDING_FLOOR) return false;
    *out = (int64_t)product.numerator / (int64_t)product.denominator; /* neither is negative */
    return true;
}

static bool
currency_points(const struct calculation *calculation, uint32_t currency, int64_t *out_points,
                uint16_t *out_rule)
{
    const struct program *program = &calculation->input->rulebook->program;
    enum rounding rounding = program->currencies[currency].rounding;
    struct fraction sum = {0, 1}, product;
    uint32_t contributing = 0, last = 0;
    for (uint32_t r = 0; r < program->rule_count; r++) {
        if (program->rules[r].currency != currency || calculation->sums[r] == 0) continue;
        if (contributing++ == 0) *out_rule = (uint16_t)r;
        last = r;
    }
    *out_points = 0;
    if (contributing == 0) return true;
    if (contributing == 1) {
        struct rate multiplier = rule_multiplier(calculation->input, &program->rules[last]);
        bool small =
            small_product(calculation->sums[last], program->rules[last].rate, multiplier, &product);
        if (small && quick_floor(product, rounding, out_points)) return true;
    }
    for (uint32_t r = *out_rule; r <= last; r++) {
        const struct program_rule *rule = &program->rules[r];
        if (rule->currency != currency || calculation->sums[r] == 0) continue;
        if (!exact_product(calculation->sums[r], rule->rate,
                           rule_multiplier(calculation->input, rule), &product) ||
            !fraction_add(sum, product, &sum)) {
            return false;
        }
    }
    return fraction_round(sum, rounding, out_points);
}

static bool
group_spend(const struct calculation *calculation, uint32_t index, int64_t *out_spend)
{
    const struct rulebook *rulebook = calculation->input->rulebook;
    const struct program_group *group = &rulebook->program.groups[index];
    *out_spend = 0;
    if (group->metric != METRIC_SPEND || group->money != calculation->input->money) return true;
    const int64_t *values = calculation->values[rulebook->group_basis[index]];
    for (uint32_t i = 0; i < calculation->input->line_count; i++) {
        if (!add_i64(*out_spend, values[i], out_spend)) return false;
    }
    return true;
}

bool
earn_compute(struct arena *scratch, const struct earn_input *input, struct earn_result *out_result)
{
    const struct rulebook *rulebook = input->rulebook;
    const struct program *program = &rulebook->program;
    struct calculation calculation;
    struct earn_result result = {0};
    calculation.input = input;
    for (uint32_t b = 0; b < rulebook->basis_count; b++) {
        int64_t *values = scratch_list(scratch, input->line_count, sizeof *values);
        if (!eligible_values(scratch, input, rulebook->bases[b], values)) return false;
        calculation.values[b] = values;
    }
    calculation.sums = scratch_list(scratch, program->rule_count, sizeof *calculation.sums);
    memset(calculation.sums, 0, program->rule_count * sizeof *calculation.sums);
    for (uint32_t i = 0; i < input->line_count; i++) {
        if (!combine_line(&calculation, i)) return false;
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (!currency_points(&calculation, c, &result.points[c], &result.rule[c])) return false;
    }
    for (uint32_t g = 0; g < program->group_count; g++) {
        if (!group_spend(&calculation, g, &result.spend[g])) return false;
    }
    *out_result = result;
    return true;
}

bool
earn_paid(struct arena *scratch, const struct event_line *lines, uint32_t line_count,
          int64_t tender_minor, const int64_t **out_paid)
{
    int64_t *paid = scratch_list(scratch, line_count, sizeof *paid);
    for (uint32_t i = 0; i < line_count; i++)
        paid[i] = lines[i].amount_minor - lines[i].discount_minor;
    if (!take_tender(scratch, tender_minor, line_count, paid)) return false;
    *out_paid = paid;
    return true;
}

void
earn_levels(const struct state *state, const struct rulebook *rulebook, const struct member *member,
            struct instant instant, uint8_t out_levels[PROGRAM_GROUPS_MAX])
{
    for (uint32_t g = 0; g < rulebook->program.group_count; g++) {
        out_levels[g] = (uint8_t)tier_at(state, rulebook, member, g, instant);
    }
}

/* ---- Purchases ---- */

/* Limits, then overflow (semantics §3), before anything moves. */
static enum verdict
judge_grant(const struct apply *apply, const struct earn_result *result)
{
    const struct rulebook *rulebook = apply->rulebook;
    const struct program *program = &rulebook->program;
    struct instant occurred_at = apply->event->occurred_at;
    uint32_t lots = 0;
    for (uint32_t c = 0; c < program->currency_count; c++)
        lots += result->points[c] > 0;
    if (apply->member != NULL && apply->member->lot_count + lots > MEMBER_LOTS_MAX)
        return VERDICT_LIMIT_REACHED;
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (!posting_can_move(apply->state, apply->member, ACCOUNT_ISSUED, ACCOUNT_ACTIVE,
                              rulebook->currency_slot[c], result->points[c])) {
            return VERDICT_OVERFLOW;
        }
    }
    for (uint32_t g = 0; g < program->group_count; g++) {
        const struct program_group *group = &program->groups[g];
        int64_t change =
            group->metric == METRIC_SPEND ? result->spend[g] : result->points[group->currency];
        if (!tier_can_add(rulebook, apply->member, g, occurred_at, change)) return VERDICT_OVERFLOW;
    }
    return VERDICT_ACCEPTED;
}

/* One lot, active at once. */
static void
grant(struct apply *apply, uint32_t currency, int64_t points, uint16_t rule,
      struct order_grant *out_grant)
{
    struct instant occurred_at = apply->event->occurred_at;
    struct lot lot = {
        .granted = points,
        .earned_ms = occurred_at.ms,
        .activates_ms = occurred_at.ms,
        .expires_ms = expire_at(apply->rulebook, currency, occurred_at),
        .order = apply->ordinal,
        .rule = apply->rulebook->rule_slot[rule],
        .rulebook = (uint16_t)apply->rulebook->index,
        .currency = apply->rulebook->currency_slot[currency],
    };
    activate_grant(apply, &lot, POSTING_GRANT, ACCOUNT_ISSUED, occurred_at.ms);
    *out_grant = (struct order_grant){
        .currency = lot.currency,
        .lot_index = (uint8_t)lot.index,
        .granted = points,
        .stays = points,
        .expires_ms = lot.expires_ms,
    };
}

static void
add_metrics(struct apply *apply, const struct earn_result *result)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        const struct program_group *group = &program->groups[g];
        int64_t change =
            group->metric == METRIC_SPEND ? result->spend[g] : result->points[group->currency];
        tier_add(apply, apply->rulebook, g, apply->event->occurred_at, change);
    }
}

static bool
tender_of(const struct purchase *purchase, int64_t *out)
{
    return add_i64(purchase->points_tender_minor, purchase->gift_card_tender_minor, out);
}

static void
book_purchase(struct apply *apply, struct order *order, const struct earn_result *result)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    const struct program *program = &apply->rulebook->program;
    if (apply->member == NULL) {
        apply_enrol(apply, event->occurred_at.ms);
    } else {
        members_write(&state->members, apply->member);
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (result->points[c] == 0) continue;
        grant(apply, c, result->points[c], result->rule[c], &order->grants[order->grant_count++]);
        output_amount(apply, apply->rulebook->currency_slot[c], result->points[c],
                      result->points[c]);
    }
    add_metrics(apply, result);
    order->member = apply->member->number;
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    order_encode(order, &writer);
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_ORDER, event->member, order->order_id);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
}

enum verdict
earn_purchase(struct apply *apply)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    const struct purchase *purchase = &event->purchase;
    bool enrols = apply->rulebook->program.unknown_member == UNKNOWN_AUTO_ENROL;
    if (apply->member == NULL && !enrols) return VERDICT_UNKNOWN_MEMBER;
    if (apply->member != NULL) {
        if (state_reference(state, REFERENCE_ORDER, apply->member, purchase->order_id) != NULL)
            return VERDICT_ORDER_EXISTS;
        if (apply->member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
        if (apply->member->status != MEMBER_ACTIVE) return VERDICT_MEMBER_NOT_ACTIVE;
    }
    struct order order = {
        .order_id = purchase->order_id,
        .rulebook = apply->rulebook->index,
        .occurred_at = event->occurred_at,
        .currency = purchase->currency,
        .group_count = apply->rulebook->program.group_count,
        .lines = purchase->lines,
        .line_count = purchase->line_count,
    };
    earn_levels(state, apply->rulebook, apply->member, event->occurred_at, order.levels);
    const int64_t *paid;
    if (!tender_of(purchase, &order.tender_minor)) return VERDICT_OVERFLOW;
    if (!earn_paid(state->scratch, purchase->lines, purchase->line_count, order.tender_minor,
                   &paid)) {
        return VERDICT_OVERFLOW;
    }
    struct earn_input input = {
        .rulebook = apply->rulebook,
        .money = purchase->currency,
        .lines = purchase->lines,
        .line_count = purchase->line_count,
        .tender_minor = order.tender_minor,
        .levels = order.levels,
    };
    struct earn_result result;
    if (!earn_compute(state->scratch, &input, &result)) return VERDICT_OVERFLOW;
    enum verdict verdict = judge_grant(apply, &result);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    apply->order_id = purchase->order_id;
    book_purchase(apply, &order, &result);
    return VERDICT_ACCEPTED;
}
