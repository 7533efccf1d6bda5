/* Contradictions between parts. What can never do what it says is an error; what does nothing, or
 * probably not what was meant, is a warning. */
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"

#define SHOWN(span) (int)(span).size, (const char *)(span).data

/* No order is larger in whole units of its money: what it would earn must not overflow. */
static const int64_t PLAUSIBLE_UNITS = INT64_C(1000000000);

/* ---- What nothing uses ---- */

static bool
is_earned(const struct program *program, uint32_t currency)
{
    for (uint32_t i = 0; i < program->rule_count; i++) {
        if (program->rules[i].currency == currency) return true;
    }
    for (uint32_t i = 0; i < program->award_count; i++) {
        if (program->awards[i].currency == currency) return true;
    }
    for (uint32_t i = 0; i < program->streak_count; i++) {
        if (program->streaks[i].currency == currency) return true;
    }
    for (uint32_t i = 0; i < program->mission_count; i++) {
        if (program->missions[i].currency == currency) return true;
    }
    return false;
}

static void
find_unearned_currencies(struct compiler *compiler)
{
    const struct program *program = &compiler->program;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        if (is_earned(program, i)) continue;
        struct bytes id = program->currencies[i].id;
        diagnostics_warning(compiler->diagnostics, compiler->currency_places[i],
                            "nothing earns '%.*s'", SHOWN(id));
        diagnostics_hint(compiler->diagnostics,
                         "add a rule with 'currency: %.*s' to 'earn', or remove the currency",
                         SHOWN(id));
    }
}

static void
find_idle_multipliers(struct compiler *compiler)
{
    const struct program *program = &compiler->program;
    for (uint32_t i = 0; i < program->group_count; i++) {
        if (compiler->group_multiplies[i] || compiler->group_places[i].line == 0) continue;
        diagnostics_warning(compiler->diagnostics, compiler->group_places[i],
                            "this multiplier multiplies nothing");
        diagnostics_hint(compiler->diagnostics,
                         "add 'multiplied_by: %.*s' to the rules that it is meant for",
                         SHOWN(program->groups[i].id));
    }
}

/* ---- Rules that are never reached ---- */

static bool
has_text(struct program_texts texts, struct bytes text)
{
    for (uint32_t i = 0; i < texts.count; i++) {
        if (bytes_equal(texts.items[i], text)) return true;
    }
    return false;
}

/* Whether what passes the list `inner` passes `outer` too; no list lets everything pass. */
static bool
texts_cover(struct program_texts outer, struct program_texts inner)
{
    if (outer.count == 0) return true;
    if (inner.count == 0) return false;
    for (uint32_t i = 0; i < inner.count; i++) {
        if (!has_text(outer, inner.items[i])) return false;
    }
    return true;
}

static bool
filter_covers(const struct program_filter *outer, const struct program_filter *inner)
{
    return texts_cover(outer->categories, inner->categories) &&
           texts_cover(outer->skus, inner->skus) && texts_cover(outer->brands, inner->brands) &&
           texts_cover(outer->channels, inner->channels) &&
           texts_cover(outer->stores, inner->stores) &&
           texts_cover(outer->partners, inner->partners) &&
           (outer->when.code.size == 0 || bytes_equal(outer->when.code, inner->when.code)) &&
           outer->window.from.ms <= inner->window.from.ms &&
           outer->window.until.ms >= inner->window.until.ms;
}

/* Whether all that `rule` matches is matched by `other` too, for the same currency. */
static bool
rule_covers(const struct program_rule *other, const struct program_rule *rule)
{
    return other->kind != RULE_FLAT && rule->kind != RULE_FLAT &&
           other->per_order == rule->per_order && other->currency == rule->currency &&
           other->money == rule->money &&
           (rule->basis.line_kinds & ~other->basis.line_kinds) == 0 &&
           filter_covers(&other->filter, &rule->filter);
}

/* Under `first`, a rule behind one that matches all that it matches never earns anything. */
static void
find_unreached(struct compiler *compiler, uint32_t index)
{
    const struct program_rule *rules = compiler->program.rules, *rule = &rules[index];
    for (uint32_t i = 0; i < index; i++) {
        if (!rule_covers(&rules[i], rule)) continue;
        diagnostics_error(compiler->diagnostics, compiler->rule_nodes[index]->place,
                          "rule '%.*s' is never reached: '%.*s' comes first", SHOWN(rule->id),
                          SHOWN(rules[i].id));
        diagnostics_hint(compiler->diagnostics,
                         "give it the higher priority, or write 'combine: { %s: max }'",
                         rule->per_order ? "orders" : "lines");
        return;
    }
}

/* Under `max`, a rule beside one that matches all that it matches and pays more of the same never
 * earns anything; of equals the first does. */
static void
find_outbid(struct compiler *compiler, uint32_t index)
{
    const struct program_rule *rules = compiler->program.rules, *rule = &rules[index];
    for (uint32_t i = 0; i < compiler->program.rule_count; i++) {
        const struct program_rule *other = &rules[i];
        if (i == index || other->kind != RULE_RATE || rule->kind != RULE_RATE) continue;
        if (!rule_covers(other, rule) || other->basis.flags != rule->basis.flags ||
            other->basis.line_kinds != rule->basis.line_kinds) {
            continue;
        }
        __int128 theirs = (__int128)other->rate.numerator * rule->rate.denominator;
        __int128 own = (__int128)rule->rate.numerator * other->rate.denominator;
        if (theirs < own || (theirs == own && i > index)) continue;
        diagnostics_warning(compiler->diagnostics, compiler->rule_nodes[index]->place,
                            "rule '%.*s' never counts: '%.*s' pays at least as much for all that "
                            "it pays for",
                            SHOWN(rule->id), SHOWN(other->id));
        diagnostics_hint(compiler->diagnostics,
                         "remove it, raise its rate, or write 'combine: { %s: sum }'",
                         rule->per_order ? "orders" : "lines");
        return;
    }
}

static void
find_idle_rules(struct compiler *compiler)
{
    const struct program *program = &compiler->program;
    for (uint32_t i = 0; i < program->rule_count; i++) {
        bool per_order = program->rules[i].per_order;
        enum combine combine = per_order ? program->order_combine : program->line_combine;
        if (combine == COMBINE_FIRST) find_unreached(compiler, i);
        if (combine == COMBINE_MAX) find_outbid(compiler, i);
    }
}

/* ---- Campaigns ---- */

/* Whether something can pass both lists. */
static bool
texts_meet(struct program_texts a, struct program_texts b)
{
    if (a.count == 0 || b.count == 0) return true;
    for (uint32_t i = 0; i < a.count; i++) {
        if (has_text(b, a.items[i])) return true;
    }
    return false;
}

static bool
names_rule(const struct program_campaign *campaign, uint32_t rule)
{
    for (uint32_t i = 0; i < campaign->rule_count; i++) {
        if (campaign->rules[i] == rule) return true;
    }
    return campaign->rule_count == 0;
}

/* Whether a campaign can ever multiply what a rule earns. */
static bool
can_multiply(const struct program_campaign *campaign, const struct program_rule *rule,
             uint32_t index)
{
    const struct program_filter *a = &campaign->filter, *b = &rule->filter;
    bool of_lines = a->categories.count != 0 || a->skus.count != 0 || a->brands.count != 0;
    return rule->kind != RULE_FLAT && rule->currency == campaign->currency &&
           names_rule(campaign, index) && !(of_lines && rule->per_order) &&
           texts_meet(a->categories, b->categories) && texts_meet(a->skus, b->skus) &&
           texts_meet(a->brands, b->brands) && texts_meet(a->channels, b->channels) &&
           texts_meet(a->stores, b->stores) && texts_meet(a->partners, b->partners) &&
           a->window.from.ms < b->window.until.ms && b->window.from.ms < a->window.until.ms;
}

static void
find_idle_campaign(struct compiler *compiler, uint32_t index)
{
    const struct program *program = &compiler->program;
    const struct program_campaign *campaign = &program->campaigns[index];
    for (uint32_t i = 0; i < program->rule_count; i++) {
        if (can_multiply(campaign, &program->rules[i], i)) return;
    }
    diagnostics_error(compiler->diagnostics, compiler->campaign_nodes[index]->place,
                      "campaign '%.*s' multiplies nothing", SHOWN(campaign->id));
    diagnostics_hint(compiler->diagnostics,
                     "it needs a rule with 'rate' or 'bands' that earns its currency by orders "
                     "which both fit; rules per order have no lines to choose from");
}

static void
find_lone_exclusive(struct compiler *compiler, uint32_t index)
{
    const struct program *program = &compiler->program;
    const struct program_campaign *campaign = &program->campaigns[index];
    if (campaign->exclusive.size == 0) return;
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        const struct program_campaign *other = &program->campaigns[i];
        if (i != index && other->currency == campaign->currency &&
            bytes_equal(other->exclusive, campaign->exclusive)) {
            return;
        }
    }
    const struct yaml_node *node = yaml_get(compiler->campaign_nodes[index], "exclusive");
    diagnostics_warning(compiler->diagnostics, node->place,
                        "'%.*s' is the only campaign of the exclusive group '%.*s'",
                        SHOWN(campaign->id), SHOWN(campaign->exclusive));
    diagnostics_hint(compiler->diagnostics,
                     "give the campaigns that exclude each other the same group, or remove it");
}

static void
find_zoneless_campaign(struct compiler *compiler, uint32_t index)
{
    const struct program *program = &compiler->program;
    if (!program->campaigns[index].store_zone || program->store_count != 0) return;
    const struct yaml_node *node = yaml_get(compiler->campaign_nodes[index], "in");
    diagnostics_warning(compiler->diagnostics, node->place,
                        "no store has a zone: the programme's is used");
    diagnostics_hint(compiler->diagnostics, "for example: stores: { ginza: { zone: Asia/Tokyo } }");
}

/* ---- Caps ---- */

/* The least that a multiplier of the group makes of an amount; the amount where there is none. */
static int64_t
least_multiplied(const struct program *program, int64_t points, int32_t tier_group)
{
    if (tier_group < 0) return points;
    const struct program_group *group = &program->groups[tier_group];
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < group->level_count; i++) {
        struct rate multiplier = group->levels[i].multiplier;
        __int128 product = (__int128)points * multiplier.numerator / multiplier.denominator;
        if (product < least) least = (int64_t)product;
    }
    return least;
}

/* The least that a source gives when it gives something; 0 where that depends on an order. */
static int64_t
least_of(const struct program *program, struct program_source source)
{
    int64_t least = INT64_MAX;
    switch (source.kind) {
    case SOURCE_RULE:
        return program->rules[source.index].kind == RULE_FLAT ? program->rules[source.index].flat
                                                              : 0;
    case SOURCE_CAMPAIGN: return 0;
    case SOURCE_AWARD:
        return least_multiplied(program, program->awards[source.index].points,
                                program->awards[source.index].tier_group);
    case SOURCE_STREAK:
        for (uint32_t i = 0; i < program->streaks[source.index].point_count; i++) {
            int64_t points = program->streaks[source.index].points[i];
            if (points != 0 && points < least) least = points;
        }
        return least_multiplied(program, least, program->streaks[source.index].tier_group);
    case SOURCE_MISSION: return program->missions[source.index].points;
    }
    UNREACHABLE();
}

static void
check_cover(struct compiler *compiler, uint32_t index, struct program_source source)
{
    const struct program *program = &compiler->program;
    const struct program_cap *cap = &program->caps[index];
    if (source_currency(program, source) != cap->currency ||
        least_of(program, source) <= cap->max) {
        return;
    }
    diagnostics_error(compiler->diagnostics, yaml_get(compiler->cap_nodes[index], "max")->place,
                      "the cap is below what the %s '%.*s' gives: under 'reject' it can never be "
                      "given",
                      source_kind_name(source.kind), SHOWN(program_source_id(program, source)));
    diagnostics_hint(compiler->diagnostics,
                     "raise the cap, write 'excess: trim', or leave it out of 'covers'");
}

static void
check_cap(struct compiler *compiler, uint32_t index)
{
    const struct program *program = &compiler->program;
    const struct program_cap *cap = &program->caps[index];
    if (!cap->rejects) return;
    for (uint32_t i = 0; i < cap->cover_count; i++)
        check_cover(compiler, index, cap->covers[i]);
    if (cap->cover_count != 0) return;
    for (uint32_t i = 0; i < program->rule_count; i++)
        check_cover(compiler, index, (struct program_source){SOURCE_RULE, i});
    for (uint32_t i = 0; i < program->award_count; i++)
        check_cover(compiler, index, (struct program_source){SOURCE_AWARD, i});
    for (uint32_t i = 0; i < program->streak_count; i++)
        check_cover(compiler, index, (struct program_source){SOURCE_STREAK, i});
    for (uint32_t i = 0; i < program->mission_count; i++)
        check_cover(compiler, index, (struct program_source){SOURCE_MISSION, i});
}

/* ---- Overflow ---- */

static bool
is_larger(struct rate a, struct rate b)
{
    return (__int128)a.numerator * b.denominator > (__int128)b.numerator * a.denominator;
}

static struct rate
largest_multiplier(const struct program *program, int32_t tier_group)
{
    struct rate largest = {1, 1};
    if (tier_group < 0) return largest;
    const struct program_group *group = &program->groups[tier_group];
    for (uint32_t i = 0; i < group->level_count; i++) {
        struct rate multiplier = group->levels[i].multiplier;
        if (is_larger(multiplier, largest)) largest = multiplier;
    }
    return largest;
}

static struct rate
largest_rate(const struct program_rule *rule)
{
    struct rate largest = rule->rate;
    for (uint32_t i = 0; i < rule->band_count; i++) {
        struct rate rate = rule->bands[i].rate;
        if (i == 0 || is_larger(rate, largest)) largest = rate;
    }
    return largest;
}

/* What a rule makes of a very large order on the best level; false when that overflows. */
static bool
largest_base(const struct program *program, const struct program_rule *rule,
             struct fraction *out_points)
{
    int64_t minor = PLAUSIBLE_UNITS, rounded;
    for (unsigned i = 0; i < currency_find(rule->money)->digits; i++)
        minor *= 10;
    struct fraction points = fraction_from_i64(minor);
    bool fits =
        fraction_multiply_rate(points, largest_rate(rule), &points) &&
        fraction_multiply_rate(points, largest_multiplier(program, rule->tier_group), &points) &&
        fraction_round(points, ROUNDING_CEIL, &rounded);
    if (fits) *out_points = points;
    return fits;
}

/* For each campaign the first of its exclusive group: itself when it is in none. */
static uint32_t *
exclusive_groups(struct compiler *compiler)
{
    const struct program *program = &compiler->program;
    uint32_t *groups = compile_room(compiler, program->campaign_count + 1, sizeof *groups);
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        const struct program_campaign *campaign = &program->campaigns[i];
        groups[i] = i;
        for (uint32_t k = 0; k < i && campaign->exclusive.size != 0 && groups[i] == i; k++) {
            if (program->campaigns[k].currency == campaign->currency &&
                bytes_equal(program->campaigns[k].exclusive, campaign->exclusive)) {
                groups[i] = groups[k];
            }
        }
    }
    return groups;
}

/* Whether all campaigns that may run together at an instant multiply points beyond what can be
 * counted. `best` is scratch, one factor for each campaign. */
static bool
factors_overflow(const struct program *program, const uint32_t *groups, struct rate *best,
                 struct fraction points, uint32_t currency, int64_t at_ms)
{
    int64_t rounded;
    memset(best, 0, program->campaign_count * sizeof *best);
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        const struct program_campaign *campaign = &program->campaigns[i];
        bool runs = campaign->currency == currency && campaign->filter.window.from.ms <= at_ms &&
                    campaign->filter.window.until.ms > at_ms;
        if (!runs) continue;
        struct rate *known = &best[groups[i]];
        if (known->numerator == 0 || is_larger(campaign->factor, *known)) *known = campaign->factor;
    }
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        if (best[i].numerator != 0 && !fraction_multiply_rate(points, best[i], &points))
            return true;
    }
    return !fraction_round(points, ROUNDING_CEIL, &rounded);
}

/* Only `multiply` gets there: the sum of all factors that there can be is no more than a million.
 */
static void
find_overflowing_campaigns(struct compiler *compiler, struct fraction points, uint32_t currency)
{
    const struct program *program = &compiler->program;
    if (program->stacking != STACKING_MULTIPLY) return;
    const uint32_t *groups = exclusive_groups(compiler);
    struct rate *best = compile_room(compiler, program->campaign_count + 1, sizeof *best);
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        const struct program_campaign *campaign = &program->campaigns[i];
        int64_t at_ms = campaign->filter.window.from.ms;
        if (campaign->currency != currency ||
            !factors_overflow(program, groups, best, points, currency, at_ms)) {
            continue;
        }
        diagnostics_warning(compiler->diagnostics, compiler->campaign_nodes[i]->place,
                            "the factors of the campaigns that may run together with '%.*s' "
                            "multiply beyond what can be counted",
                            SHOWN(campaign->id));
        diagnostics_hint(compiler->diagnostics,
                         "an order that they all fit would be refused: make them exclusive, or "
                         "write 'combine: { campaigns: add }'");
        return;
    }
}

static void
find_overflow(struct compiler *compiler)
{
    const struct program *program = &compiler->program;
    struct fraction largest[PROGRAM_CURRENCIES_MAX];
    bool known[PROGRAM_CURRENCIES_MAX] = {false};
    for (uint32_t i = 0; i < program->rule_count; i++) {
        const struct program_rule *rule = &program->rules[i];
        struct fraction points;
        if (rule->kind == RULE_FLAT) continue;
        if (!largest_base(program, rule, &points)) {
            diagnostics_error(compiler->diagnostics, compiler->rule_nodes[i]->place,
                              "an order of a thousand million %s would earn more by '%.*s' than "
                              "can be counted",
                              currency_find(rule->money)->alpha, SHOWN(rule->id));
            diagnostics_hint(compiler->diagnostics,
                             "lower the rate, the multiplier, or the scale of the currency");
            continue;
        }
        uint32_t c = rule->currency;
        bool larger = !known[c] || points.numerator / points.denominator >
                                       largest[c].numerator / largest[c].denominator;
        if (larger) largest[c] = points;
        known[c] = true;
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (known[c]) find_overflowing_campaigns(compiler, largest[c], c);
    }
}

void
check_whole(struct compiler *compiler)
{
    const struct program *program = &compiler->program;
    find_unearned_currencies(compiler);
    find_idle_multipliers(compiler);
    find_idle_rules(compiler);
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        find_idle_campaign(compiler, i);
        find_lone_exclusive(compiler, i);
        find_zoneless_campaign(compiler, i);
    }
    for (uint32_t i = 0; i < program->cap_count; i++)
        check_cap(compiler, i);
    find_overflow(compiler);
}
