#include "engine/core/earn.h"

#include <string.h>

#include "engine/core/campaign.h"
#include "engine/core/parts.h"
#include "engine/core/tier.h"

enum { PLACE_NONE = UINT32_MAX };

/* What a rule counts on the lines of one pattern. */
struct tally {
    int64_t value, kept;   /* minor units; of a flat bonus by line: how many lines */
    struct fraction exact; /* of rules whose amount is not a rate times `kept` */
};

struct calculation {
    struct arena *scratch;
    const struct earn_input *input;
    const struct program *program;
    const int64_t **values, **kept; /* by basis, then line; NULL until asked for */
    struct tally *tallies;          /* by pattern, then rule of the pattern */
    uint32_t *first;                /* by pattern: its first tally */
    struct earn_result *result;
};

/* ---- Phases 1 and 2: what rules count ---- */

static bool
need_basis(struct calculation *calculation, uint32_t basis)
{
    if (calculation->values[basis] != NULL) return true;
    const struct earn_input *input = calculation->input;
    if (!eligible_values(calculation->scratch, input->money, input->rulebook->bases[basis],
                         &calculation->values[basis]))
        return false;
    calculation->kept[basis] =
        eligible_kept(calculation->scratch, input->money, calculation->values[basis]);
    if (input->method == EARN_KEPT) calculation->values[basis] = calculation->kept[basis];
    return true;
}

/* The amount of a base rule for a value: phase 2, before multipliers. */
static bool
base_amount(const struct program_rule *rule, int64_t value, struct fraction *out)
{
    struct fraction sum = fraction_from_i64(0), part;
    if (value == 0) {
        *out = sum;
        return true;
    }
    if (rule->kind == RULE_RATE)
        return fraction_multiply_rate(fraction_from_i64(value), rule->rate, out);
    int64_t below = 0;
    for (uint32_t b = 0; b < rule->band_count; b++) {
        const struct program_band *band = &rule->bands[b];
        bool last = value <= band->up_to_minor;
        if (rule->band_mode == BANDS_CLIFF) {
            if (last) return fraction_multiply_rate(fraction_from_i64(value), band->rate, out);
            continue;
        }
        int64_t within = (last ? value : band->up_to_minor) - below;
        if (!fraction_multiply_rate(fraction_from_i64(within), band->rate, &part) ||
            !fraction_add(sum, part, &sum))
            return false;
        if (last) break;
        below = band->up_to_minor;
    }
    *out = sum;
    return true;
}

/* a × part / whole; a itself when nothing was returned. */
static bool
share_of(struct fraction a, int64_t part, int64_t whole, struct fraction *out)
{
    struct rate rate;
    if (part == whole || part == 0) {
        *out = part == 0 ? fraction_from_i64(0) : a;
        return true;
    }
    return rate_make(part, whole, &rate) && fraction_multiply_rate(a, rate, out);
}

/* Whether a × its rate is more than b × its rate: whole parts first, then the fractions, which fit
 * when multiplied out. */
static bool
pays_more(int64_t a, struct rate a_rate, int64_t b, struct rate b_rate)
{
    __int128 a_product = (__int128)a * a_rate.numerator, b_product = (__int128)b * b_rate.numerator;
    if (a_product <= INT64_MAX && b_product <= INT64_MAX)
        return a_product * b_rate.denominator > b_product * a_rate.denominator;
    __int128 a_whole = a_product / a_rate.denominator, b_whole = b_product / b_rate.denominator;
    if (a_whole != b_whole) return a_whole > b_whole;
    return a_product % a_rate.denominator * b_rate.denominator >
           b_product % b_rate.denominator * a_rate.denominator;
}

static bool
fraction_is_more(struct fraction a, struct fraction b, bool *out)
{
    struct fraction difference;
    b.numerator = -b.numerator;
    if (!fraction_add(a, b, &difference)) return false;
    *out = difference.numerator > 0;
    return true;
}

/* Under `max`: whether one rule pays more for a value than another for its own. */
static bool
rule_pays_more(const struct program_rule *a, int64_t a_value, const struct program_rule *b,
               int64_t b_value, bool *out)
{
    struct fraction a_amount, b_amount;
    if (a->kind == RULE_RATE && b->kind == RULE_RATE) {
        *out = pays_more(a_value, a->rate, b_value, b->rate);
        return true;
    }
    return base_amount(a, a_value, &a_amount) && base_amount(b, b_value, &b_amount) &&
           fraction_is_more(a_amount, b_amount, out);
}

/* Counts a line for a rule: its value, or for a flat bonus the line. */
static bool
count_line(struct calculation *calculation, uint32_t r, uint32_t line, struct tally *tally)
{
    const struct program_rule *rule = &calculation->program->rules[r];
    uint8_t basis = calculation->input->rulebook->rule_basis[r];
    int64_t value = calculation->values[basis][line], kept = calculation->kept[basis][line];
    struct fraction amount = fraction_from_i64(rule->flat);
    bool by_line = !rule->per_order && rule->kind != RULE_RATE;
    if (by_line && value > 0) {
        if (rule->kind == RULE_BANDS && !base_amount(rule, value, &amount)) return false;
        if (!share_of(amount, kept, value, &amount)) return false;
        if (tally->exact.denominator == 0) tally->exact = fraction_from_i64(0);
        if (!fraction_add(tally->exact, amount, &tally->exact)) return false;
    }
    return add_i64(tally->value, value, &tally->value) && add_i64(tally->kept, kept, &tally->kept);
}

/* One line: base rules by line combine, all others count it. Rules stand in order of judgement, so
 * of equals the earlier one stays (semantics §4). */
static bool
tally_line(struct calculation *calculation, uint32_t line)
{
    const struct earn_input *input = calculation->input;
    const struct program *program = calculation->program;
    uint16_t p = input->match->line_patterns[line];
    const struct match_list *rules = &input->match->patterns[p].rules;
    struct tally *tallies = calculation->tallies + calculation->first[p];
    uint32_t chosen[PROGRAM_CURRENCIES_MAX];
    memset(chosen, 0xff, sizeof chosen);
    for (uint32_t k = 0; k < rules->count; k++) {
        uint32_t r = rules->items[k];
        const struct program_rule *rule = &program->rules[r];
        uint8_t basis = input->rulebook->rule_basis[r];
        if (!need_basis(calculation, basis)) return false;
        bool combines = !rule->per_order && rule->kind != RULE_FLAT;
        if (!combines || program->line_combine == COMBINE_SUM) {
            if (!count_line(calculation, r, line, &tallies[k])) return false;
            continue;
        }
        uint32_t *best = &chosen[rule->currency];
        bool more = false;
        if (*best == PLACE_NONE) {
            *best = k;
        } else if (program->line_combine == COMBINE_MAX) {
            uint32_t other = rules->items[*best];
            uint8_t other_basis = input->rulebook->rule_basis[other];
            if (!rule_pays_more(rule, calculation->values[basis][line], &program->rules[other],
                                calculation->values[other_basis][line], &more))
                return false;
            if (more) *best = k;
        }
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (chosen[c] == PLACE_NONE) continue;
        if (!count_line(calculation, rules->items[chosen[c]], line, &tallies[chosen[c]]))
            return false;
    }
    return true;
}

/* ---- Parts ---- */

static uint64_t
part_rank(const struct earn_part *part)
{
    uint64_t phase = part->flat ? 2 : part->source.kind == SOURCE_CAMPAIGN;
    return phase << 60 | (uint64_t)part->source.index << 30 | part->rule;
}

/* Whether two rules' points activate alike. */
static bool
activate_alike(const struct calculation *calculation, uint32_t a, uint32_t b)
{
    const struct program *program = calculation->program;
    struct instant at = calculation->input->occurred_at;
    return a == b || pending_equal(pending_terms(program, &program->rules[a].pending, at),
                                   pending_terms(program, &program->rules[b].pending, at));
}

/* The part to which an amount is added: a campaign has one for all rules whose points activate
 * alike. */
static uint32_t
find_part(const struct calculation *calculation, const struct earn_grant *grant,
          const struct earn_part *part)
{
    uint32_t at = 0;
    for (; at < grant->part_count; at++) {
        const struct earn_part *known = &grant->parts[at];
        if (known->flat != part->flat || known->source.kind != part->source.kind ||
            known->source.index != part->source.index)
            continue;
        if (known->rule == part->rule) break;
        if (part->source.kind == SOURCE_CAMPAIGN &&
            activate_alike(calculation, known->rule, part->rule))
            break;
    }
    return at;
}

/* Moves the part at `at` to where it stands by rank: not behind its place. */
static void
sink_part(struct earn_grant *grant, uint32_t at)
{
    struct earn_part part = grant->parts[at];
    for (; at > 0 && part_rank(&grant->parts[at - 1]) > part_rank(&part); at--)
        grant->parts[at] = grant->parts[at - 1];
    grant->parts[at] = part;
}

/* Adds an amount to the part of a source; parts stand by rank, those of a campaign by the first
 * rule that gave to them. */
static bool
add_part(struct calculation *calculation, const struct earn_part *part)
{
    struct earn_grant *grant =
        &calculation->result->grants[calculation->program->rules[part->rule].currency];
    uint32_t at = find_part(calculation, grant, part);
    if (at < grant->part_count) {
        struct earn_part *known = &grant->parts[at];
        if (!fraction_add(known->exact, part->exact, &known->exact) ||
            !fraction_add(known->base, part->base, &known->base) ||
            !add_i64(known->eligible_minor, part->eligible_minor, &known->eligible_minor))
            return false;
        if (part->rule < known->rule) known->rule = part->rule;
        sink_part(grant, at);
        return true;
    }
    if ((grant->part_count & (grant->part_count - 1)) == 0) {
        struct earn_part *room =
            eligible_list(calculation->scratch, 2 * (size_t)grant->part_count + 1, sizeof *room);
        if (grant->part_count > 0) memcpy(room, grant->parts, grant->part_count * sizeof *room);
        grant->parts = room;
    }
    grant->parts[at] = *part;
    grant->part_count++;
    sink_part(grant, at);
    return true;
}

static struct rate
rule_multiplier(const struct earn_input *input, const struct program_rule *rule)
{
    if (input->levels == NULL || rule->tier_group < 0) return (struct rate){1, 1};
    return input->rulebook->program.groups[rule->tier_group]
        .levels[input->levels[rule->tier_group]]
        .multiplier;
}

/* A base amount with tier and campaigns: phases 3 and 4. Campaigns that ask of lines multiply what
 * lines earn only. */
static bool
add_base(struct calculation *calculation, uint32_t rule, struct fraction amount, int64_t eligible,
         struct match_list of_lines)
{
    const struct earn_input *input = calculation->input;
    const struct program *program = calculation->program;
    struct earn_part part = {
        .source = {SOURCE_RULE, rule},
        .rule = rule,
        .base = amount,
        .eligible_minor = eligible,
    };
    struct campaign_effect effect;
    struct rate multiplier = rule_multiplier(input, &program->rules[rule]);
    struct fraction multiplied = amount;
    if (amount.numerator == 0) return true;
    if (multiplier.numerator != multiplier.denominator &&
        !fraction_multiply_rate(amount, multiplier, &multiplied))
        return false;
    if (!campaign_apply(calculation->scratch, program, rule, input->match->campaigns, of_lines,
                        multiplied, &effect))
        return false;
    part.exact = effect.base;
    if (!add_part(calculation, &part)) return false;
    for (uint32_t i = 0; i < effect.count; i++) {
        if (effect.added[i].numerator == 0) continue;
        struct earn_part added = {
            .source = {SOURCE_CAMPAIGN, effect.campaigns[i]},
            .rule = rule,
            .exact = effect.added[i],
            .base = fraction_from_i64(0),
        };
        if (!add_part(calculation, &added)) return false;
    }
    return true;
}

static bool
add_flat(struct calculation *calculation, uint32_t rule, struct fraction amount, int64_t eligible)
{
    struct earn_part part = {
        .source = {SOURCE_RULE, rule},
        .flat = true,
        .rule = rule,
        .exact = amount,
        .base = fraction_from_i64(0),
        .eligible_minor = eligible,
    };
    return amount.numerator == 0 || add_part(calculation, &part);
}

/* What rules by line earn on the lines of one pattern. */
static bool
add_pattern(struct calculation *calculation, uint32_t p)
{
    const struct match_pattern *pattern = &calculation->input->match->patterns[p];
    const struct tally *tallies = calculation->tallies + calculation->first[p];
    for (uint32_t k = 0; k < pattern->rules.count; k++) {
        uint32_t r = pattern->rules.items[k];
        const struct program_rule *rule = &calculation->program->rules[r];
        const struct tally *tally = &tallies[k];
        if (rule->per_order || tally->value == 0) continue;
        struct fraction amount = tally->exact;
        if (rule->kind == RULE_RATE && !base_amount(rule, tally->kept, &amount)) return false;
        bool added = rule->kind == RULE_FLAT
                         ? add_flat(calculation, r, amount, tally->kept)
                         : add_base(calculation, r, amount, tally->kept, pattern->campaigns);
        if (!added) return false;
    }
    return true;
}

/* Sums of order rules over all patterns, by rule; NULL when there is no order rule. */
static bool
sum_orders(struct calculation *calculation, struct tally **out_sums)
{
    const struct order_match *match = calculation->input->match;
    struct tally *sums = NULL;
    for (uint32_t p = 0; p < match->pattern_count; p++) {
        const struct match_list *rules = &match->patterns[p].rules;
        for (uint32_t k = 0; k < rules->count; k++) {
            uint32_t r = rules->items[k];
            if (!calculation->program->rules[r].per_order) continue;
            if (sums == NULL) {
                sums = eligible_list(calculation->scratch, calculation->program->rule_count,
                                     sizeof *sums);
            }
            const struct tally *tally = &calculation->tallies[calculation->first[p] + k];
            if (!add_i64(sums[r].value, tally->value, &sums[r].value) ||
                !add_i64(sums[r].kept, tally->kept, &sums[r].kept))
                return false;
        }
    }
    *out_sums = sums;
    return true;
}

static bool
add_order_rule(struct calculation *calculation, uint32_t r, const struct tally *sum)
{
    const struct program_rule *rule = &calculation->program->rules[r];
    struct fraction amount = fraction_from_i64(rule->flat);
    if (rule->kind != RULE_FLAT && !base_amount(rule, sum->value, &amount)) return false;
    if (!share_of(amount, sum->kept, sum->value, &amount)) return false;
    if (rule->kind == RULE_FLAT) return add_flat(calculation, r, amount, sum->kept);
    return add_base(calculation, r, amount, sum->kept, (struct match_list){NULL, 0});
}

/* Order rules combine among themselves (phase 2); flat ones are all added (phase 5). */
static bool
add_orders(struct calculation *calculation)
{
    const struct program *program = calculation->program;
    struct tally *sums;
    uint32_t chosen[PROGRAM_CURRENCIES_MAX];
    memset(chosen, 0xff, sizeof chosen);
    if (!sum_orders(calculation, &sums)) return false;
    if (sums == NULL) return true;
    for (uint32_t r = 0; r < program->rule_count; r++) {
        const struct program_rule *rule = &program->rules[r];
        if (sums[r].value == 0) continue;
        if (rule->kind == RULE_FLAT || program->order_combine == COMBINE_SUM) {
            if (!add_order_rule(calculation, r, &sums[r])) return false;
            continue;
        }
        uint32_t *best = &chosen[rule->currency];
        bool more = false;
        if (*best == PLACE_NONE) {
            *best = r;
        } else if (program->order_combine == COMBINE_MAX) {
            if (!rule_pays_more(rule, sums[r].value, &program->rules[*best], sums[*best].value,
                                &more))
                return false;
            if (more) *best = r;
        }
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (chosen[c] != PLACE_NONE && !add_order_rule(calculation, chosen[c], &sums[chosen[c]]))
            return false;
    }
    return true;
}

/* ---- The whole ---- */

static void
prepare(struct calculation *calculation)
{
    const struct order_match *match = calculation->input->match;
    uint32_t basis_count = calculation->input->rulebook->basis_count, tallies = 0;
    struct arena *scratch = calculation->scratch;
    calculation->values = eligible_list(scratch, basis_count, sizeof *calculation->values);
    calculation->kept = eligible_room(scratch, basis_count, sizeof *calculation->kept);
    calculation->first = eligible_room(scratch, match->pattern_count, sizeof *calculation->first);
    for (uint32_t p = 0; p < match->pattern_count; p++) {
        calculation->first[p] = tallies;
        tallies += match->patterns[p].rules.count;
    }
    calculation->tallies = eligible_list(scratch, tallies, sizeof *calculation->tallies);
}

bool
earn_compute(struct arena *scratch, const struct earn_input *input, struct earn_result *out_result)
{
    const struct program *program = &input->rulebook->program;
    struct calculation calculation = {
        .scratch = scratch, .input = input, .program = program, .result = out_result};
    memset(out_result->grants, 0, program->currency_count * sizeof out_result->grants[0]);
    prepare(&calculation);
    for (uint32_t i = 0; i < input->money->line_count; i++) {
        if (!tally_line(&calculation, i)) return false;
    }
    for (uint32_t p = 0; p < input->match->pattern_count; p++) {
        if (!add_pattern(&calculation, p)) return false;
    }
    if (!add_orders(&calculation)) return false;
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (!parts_round(scratch, program->currencies[c].rounding, &out_result->grants[c]))
            return false;
    }
    return true;
}

static bool
spend_of(struct arena *scratch, const struct order_money *money, struct program_basis basis,
         int64_t *out_spend)
{
    const int64_t *values;
    int64_t sum = 0;
    if (!eligible_values(scratch, money, basis, &values)) return false;
    values = eligible_kept(scratch, money, values);
    for (uint32_t i = 0; i < money->line_count; i++) {
        if (!add_i64(sum, values[i], &sum)) return false;
    }
    *out_spend = sum;
    return true;
}

bool
earn_spends(struct arena *scratch, const struct program *program, uint16_t currency,
            const struct order_money *money, struct earn_spends *out_spends)
{
    struct earn_spends spends = {0};
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            if (metric->kind != METRIC_SPEND || metric->money != currency) continue;
            if (!spend_of(scratch, money, metric->basis, &spends.values[g][m])) return false;
        }
    }
    *out_spends = spends;
    return true;
}

void
earn_levels(const struct state *state, const struct rulebook *rulebook, const struct member *member,
            struct instant instant, uint8_t out_levels[PROGRAM_GROUPS_MAX])
{
    for (uint32_t g = 0; g < rulebook->program.group_count; g++)
        out_levels[g] = (uint8_t)tier_at(state, rulebook, member, g, instant);
}
