/* Earn rules and campaigns. */
#include <stddef.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

/* ---- Bands ---- */

/* The rate of one band; all bands name the same money. */
static bool
compile_band_rate(struct compiler *compiler, const struct yaml_node *node, unsigned scale,
                  struct program_rule *rule, struct rate *out_rate)
{
    const struct yaml_node *rate = get(compiler, &schema_band, node, "rate");
    uint16_t money;
    if (rate == NULL || !scalar_rate(rate, scale, compiler->diagnostics, out_rate, &money))
        return false;
    if (rule->money == 0) rule->money = money;
    if (rule->money == money) return true;
    diagnostics_error(compiler->diagnostics, rate->place, "the bands are in %s, not in %s",
                      currency_find(rule->money)->alpha, currency_find(money)->alpha);
    diagnostics_hint(compiler->diagnostics, "write one rule for each money");
    return false;
}

static void
compile_band_bound(struct compiler *compiler, const struct yaml_node *node,
                   const struct program_rule *rule, int64_t before, struct program_band *band)
{
    const struct yaml_node *bound = yaml_get(node, "up_to");
    band->up_to_minor = INT64_MAX;
    if (node->next == NULL) {
        refuse_key(compiler, node, "up_to", "is not for the last band",
                   "the last band has no end: remove it, or add a band after it");
        return;
    }
    if (bound == NULL) {
        diagnostics_error(compiler->diagnostics, node->place, "a band before the last needs up_to");
        diagnostics_hint(compiler->diagnostics, "for example: up_to: 100.00 GBP");
        return;
    }
    size_t errors_before = compiler->diagnostics->error_count;
    int64_t minor = get_money_in(compiler, &schema_band, node, "up_to", rule->money);
    if (minor > before) {
        band->up_to_minor = minor;
    } else if (compiler->diagnostics->error_count == errors_before) {
        diagnostics_error(compiler->diagnostics, bound->place,
                          "the bands do not rise: this one ends where the one before does, or "
                          "earlier");
        diagnostics_hint(compiler->diagnostics, "list the bands from the lowest up");
    }
}

static void
compile_bands(struct compiler *compiler, const struct yaml_node *map, unsigned scale,
              struct program_rule *rule)
{
    rule->kind = RULE_BANDS;
    rule->band_mode = (enum band_mode)get_word(compiler, &schema_bands, map, "mode");
    const struct yaml_node *steps = get(compiler, &schema_bands, map, "steps");
    if (steps == NULL || steps->count < 2 || steps->count > PROGRAM_BANDS_MAX) return;
    struct program_band *bands = compile_room(compiler, steps->count, sizeof *bands);
    int64_t before = 0;
    for (const struct yaml_node *node = first_map(steps); node != NULL; node = next_map(node)) {
        struct program_band *band = &bands[rule->band_count++];
        band->rate = (struct rate){1, 1};
        compile_band_rate(compiler, node, scale, rule, &band->rate);
        compile_band_bound(compiler, node, rule, before, band);
        if (band->up_to_minor != INT64_MAX) before = band->up_to_minor;
    }
    rule->bands = bands;
}

/* ---- Rules ---- */

static void
compile_flat(struct compiler *compiler, const struct yaml_node *node, struct program_rule *rule)
{
    rule->kind = RULE_FLAT;
    rule->flat = get_some_points(compiler, &schema_earn_rule, node, "flat", rule->currency);
    const struct yaml_node *money = get(compiler, &schema_earn_rule, node, "money");
    if (money != NULL) scalar_currency(money, compiler->diagnostics, &rule->money);
    refuse_key(compiler, node, "multiplied_by", "does not go with 'flat'",
               "a flat bonus is never multiplied: remove it");
}

/* What it earns: exactly one of three ways. */
static void
compile_amount(struct compiler *compiler, const struct yaml_node *node, struct program_rule *rule)
{
    const struct yaml_node *rate = get(compiler, &schema_earn_rule, node, "rate");
    const struct yaml_node *bands = get(compiler, &schema_earn_rule, node, "bands");
    unsigned scale = compiler->program.currencies[rule->currency].scale;
    unsigned given = is_given(node, "rate") + is_given(node, "bands") + is_given(node, "flat");
    rule->kind = RULE_RATE;
    rule->rate = (struct rate){0, 1};
    if (given == 0 && has_unknown_key(&schema_earn_rule, node)) return;
    if (given != 1) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "an earn rule has exactly one of rate, bands and flat");
        diagnostics_hint(compiler->diagnostics, "for example: %s",
                         schema_find(&schema_earn_rule, "rate")->example);
        return;
    }
    if (rate != NULL) scalar_rate(rate, scale, compiler->diagnostics, &rule->rate, &rule->money);
    if (bands != NULL) compile_bands(compiler, bands, scale, rule);
    if (is_given(node, "flat")) {
        compile_flat(compiler, node, rule);
    } else {
        refuse_key(compiler, node, "money", "belongs to 'flat'",
                   "remove it: the rate names its money");
    }
    rule->per_order = rule->kind != RULE_RATE;
    if (is_given(node, "per"))
        rule->per_order = get_word(compiler, &schema_earn_rule, node, "per") != 0;
}

static void
compile_rule(struct compiler *compiler, const struct yaml_node *node, struct program_rule *rule)
{
    rule->id = name_source(compiler, &schema_earn_rule, node, "rule", SOURCE_RULE);
    get_currency(compiler, &schema_earn_rule, node, &rule->currency);
    compile_amount(compiler, node, rule);
    rule->filter =
        compile_filter(compiler, &schema_earn_rule, node,
                       rule->per_order ? CONDITION_SCOPE_ORDER : CONDITION_SCOPE_LINE, true);
    rule->basis = compile_basis(compiler, get(compiler, &schema_earn_rule, node, "basis"));
    rule->priority = (int32_t)get_whole(compiler, &schema_earn_rule, node, "priority");
    rule->tier_group =
        rule->kind == RULE_FLAT ? -1 : get_multiplier(compiler, &schema_earn_rule, node);
    rule->funder = get_funder(compiler, &schema_earn_rule, node);
    rule->pending = compile_pending(compiler, &schema_earn_rule, node);
}

void
compile_rules(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "earn");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_rule *rules = compile_room(compiler, list->count, sizeof *rules);
    compiler->rule_nodes = compile_room(compiler, list->count, sizeof *compiler->rule_nodes);
    uint32_t count = 0;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        compiler->rule_nodes[count] = node;
        compile_rule(compiler, node, &rules[count++]);
    }
    program->rules =
        order_judged(compiler, rules, sizeof *rules, offsetof(struct program_rule, priority), count,
                     compiler->rule_nodes);
    program->rule_count = count;
}

/* ---- Campaigns ---- */

static bool
resolve_rule(struct compiler *compiler, const struct yaml_node *node, uint32_t *out_index)
{
    const struct program *program = &compiler->program;
    struct bytes name;
    if (!scalar_name(node, compiler->diagnostics, &name)) return false;
    for (uint32_t i = 0; i < program->rule_count; i++) {
        if (!bytes_equal(program->rules[i].id, name)) continue;
        *out_index = i;
        return true;
    }
    size_t mark = arena_mark(compiler->arena);
    const char **names = compile_room(compiler, program->rule_count + 1, sizeof *names);
    for (uint32_t i = 0; i < program->rule_count; i++)
        names[i] = as_text(compiler, program->rules[i].id);
    report_unknown(compiler, node, "earn rule", names, program->rule_count);
    arena_reset_to(compiler->arena, mark);
    return false;
}

static void
compile_campaign_rules(struct compiler *compiler, const struct yaml_node *node,
                       struct program_campaign *campaign)
{
    const struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_campaign, node, "rules");
    if (list == NULL || list->count == 0 || list->count > PROGRAM_TEXTS_MAX) return;
    bool *named = compile_room(compiler, program->rule_count + 1, sizeof *named);
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        uint32_t index;
        if (!resolve_rule(compiler, entry, &index)) continue;
        const char *reason = NULL;
        if (program->rules[index].kind == RULE_FLAT) {
            reason = "is a flat bonus, which is never multiplied";
        } else if (program->rules[index].currency != campaign->currency) {
            reason = "earns another currency";
        } else if (named[index]) {
            reason = "is listed twice";
        }
        if (reason != NULL) {
            diagnostics_error(compiler->diagnostics, entry->place, "'%.*s' %s",
                              (int)entry->text.size, (const char *)entry->text.data, reason);
            diagnostics_hint(compiler->diagnostics,
                             "name rules with 'rate' or 'bands' in the campaign's currency, once");
            continue;
        }
        named[index] = true;
        campaign->rule_count++;
    }
    uint32_t *rules = compile_room(compiler, campaign->rule_count + 1, sizeof *rules);
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->rule_count; i++) {
        if (named[i]) rules[count++] = i;
    }
    campaign->rules = rules;
}

/* [from, until) on each store's wall. */
static void
compile_local_window(struct compiler *compiler, const struct yaml_node *node,
                     struct program_campaign *campaign)
{
    const struct yaml_node *from = get(compiler, &schema_campaign, node, "from");
    const struct yaml_node *until = get(compiler, &schema_campaign, node, "until");
    if (from != NULL) scalar_local(from, compiler->diagnostics, &campaign->local_from);
    if (until != NULL) scalar_local(until, compiler->diagnostics, &campaign->local_until);
    if (campaign->local_from.ms < campaign->local_until.ms) return;
    diagnostics_error(compiler->diagnostics, until->place, "the window ends before it starts");
    diagnostics_hint(compiler->diagnostics, "'until' must lie after 'from'");
}

static void
compile_days(struct compiler *compiler, const struct yaml_node *node,
             struct program_campaign *campaign)
{
    const uint32_t every_weekday = 127, every_day = UINT32_MAX - 1;
    const struct yaml_node *weekdays = get(compiler, &schema_campaign, node, "weekdays");
    const struct yaml_node *days = get(compiler, &schema_campaign, node, "days");
    const struct yaml_node *day = weekdays == NULL ? NULL : weekdays->first;
    for (; day != NULL; day = day->next)
        campaign->weekdays |= (uint8_t)word_code(compiler, &schema_words_weekday, day);
    for (day = days == NULL ? NULL : days->first; day != NULL; day = day->next) {
        int64_t number;
        if (yaml_whole(day, 1, 31, compiler->diagnostics, &number))
            campaign->days_of_month |= UINT32_C(1) << number;
    }
    if (campaign->weekdays == every_weekday) campaign->weekdays = 0;
    if (campaign->days_of_month == every_day) campaign->days_of_month = 0;
}

static void
compile_calendar(struct compiler *compiler, const struct yaml_node *node,
                 struct program_campaign *campaign)
{
    campaign->local_from.ms = INT64_MIN;
    campaign->local_until.ms = INT64_MAX;
    campaign->store_zone = get_word(compiler, &schema_campaign, node, "in") != 0;
    if (campaign->store_zone) {
        compile_local_window(compiler, node, campaign);
    } else {
        campaign->filter.window = compile_window(compiler, &schema_campaign, node);
    }
    compile_days(compiler, node, campaign);
    campaign->dates = compile_dates(compiler, get(compiler, &schema_campaign, node, "dates"),
                                    &campaign->date_count);
    campaign->from_minute = 0;
    campaign->until_minute = 24 * 60;
    const struct yaml_node *hours = get(compiler, &schema_campaign, node, "hours");
    if (hours != NULL) {
        scalar_hours(hours, compiler->diagnostics, &campaign->from_minute, &campaign->until_minute);
    }
    if (is_given(node, "birthday")) {
        campaign->birthday =
            (enum birthday_window)get_word(compiler, &schema_campaign, node, "birthday");
    }
}

static void
compile_campaign(struct compiler *compiler, const struct yaml_node *node,
                 struct program_campaign *campaign)
{
    campaign->id = name_source(compiler, &schema_campaign, node, "campaign", SOURCE_CAMPAIGN);
    get_currency(compiler, &schema_campaign, node, &campaign->currency);
    campaign->priority = (int32_t)get_whole(compiler, &schema_campaign, node, "priority");
    campaign->factor = (struct rate){1, 1};
    const struct yaml_node *factor = get(compiler, &schema_campaign, node, "factor");
    if (factor != NULL) scalar_factor(factor, compiler->diagnostics, &campaign->factor);
    compile_campaign_rules(compiler, node, campaign);
    campaign->filter =
        compile_filter(compiler, &schema_campaign, node, CONDITION_SCOPE_ORDER, false);
    compile_calendar(compiler, node, campaign);
    campaign->exclusive = get_name(compiler, &schema_campaign, node, "exclusive");
    campaign->funder = get_funder(compiler, &schema_campaign, node);
}

void
compile_campaigns(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "campaigns");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_campaign *campaigns = compile_room(compiler, list->count, sizeof *campaigns);
    compiler->campaign_nodes =
        compile_room(compiler, list->count, sizeof *compiler->campaign_nodes);
    uint32_t count = 0;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node)) {
        compiler->campaign_nodes[count] = node;
        compile_campaign(compiler, node, &campaigns[count++]);
    }
    program->campaigns =
        order_judged(compiler, campaigns, sizeof *campaigns,
                     offsetof(struct program_campaign, priority), count, compiler->campaign_nodes);
    program->campaign_count = count;
}
