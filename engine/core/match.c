#include "engine/core/match.h"

#include <string.h>

#include "engine/core/campaign.h"
#include "engine/core/eligible.h"

/* What one judgement carries. The facts are filled in when the first condition asks for them. */
struct judgement {
    const struct apply *apply;
    const struct rulebook *rulebook;
    const struct purchase *purchase;
    struct scope_place place;
    bool has_facts, failed;
    struct condition_facts *facts;
};

static bool
holds(struct judgement *judgement, struct program_condition condition,
      const struct event_line *line)
{
    if (condition.decoded == NULL) return true;
    if (!judgement->has_facts) {
        judgement->has_facts = true;
        judgement->facts =
            eligible_list(judgement->apply->state->scratch, 1, sizeof *judgement->facts);
        scope_begin(judgement->apply, judgement->rulebook, judgement->facts);
        if (!scope_order(judgement->purchase, judgement->facts)) judgement->failed = true;
    }
    judgement->facts->line = line;
    return scope_holds(condition, judgement->facts);
}

static struct match_list
match_rules(struct judgement *judgement, bool base_only)
{
    const struct program *program = &judgement->rulebook->program;
    uint16_t *rules =
        eligible_room(judgement->apply->state->scratch, program->rule_count, sizeof *rules);
    uint32_t count = 0;
    for (uint32_t r = 0; r < program->rule_count; r++) {
        const struct program_rule *rule = &program->rules[r];
        if (rule->money != 0 && rule->money != judgement->purchase->currency) continue;
        if (base_only && rule->kind == RULE_FLAT) continue;
        if (!scope_passes(&rule->filter, &judgement->place, judgement->apply->event->occurred_at))
            continue;
        if (rule->per_order && !holds(judgement, rule->filter.when, NULL)) continue;
        rules[count++] = (uint16_t)r;
    }
    return (struct match_list){rules, count};
}

/* Campaigns that apply to the order, of those that ask of lines or of the others. */
static struct match_list
match_campaigns(struct judgement *judgement, bool of_lines)
{
    const struct program *program = &judgement->rulebook->program;
    if (program->campaign_count == 0) return (struct match_list){NULL, 0};
    uint16_t *campaigns =
        eligible_room(judgement->apply->state->scratch, program->campaign_count, sizeof *campaigns);
    uint32_t count = 0;
    for (uint32_t c = 0; c < program->campaign_count; c++) {
        const struct program_campaign *campaign = &program->campaigns[c];
        if (scope_asks_lines(&campaign->filter) != of_lines) continue;
        if (!campaign_runs(judgement->apply, judgement->rulebook, campaign, &judgement->place))
            continue;
        if (holds(judgement, campaign->filter.when, NULL)) campaigns[count++] = (uint16_t)c;
    }
    return (struct match_list){campaigns, count};
}

static bool
rule_takes(struct judgement *judgement, const struct program_rule *rule,
           const struct event_line *line)
{
    if ((rule->basis.line_kinds & UINT32_C(1) << line->kind) == 0) return false;
    if (!scope_line_passes(&rule->filter, line)) return false;
    return rule->per_order || holds(judgement, rule->filter.when, line);
}

static bool
lists_equal(struct match_list a, struct match_list b)
{
    if (a.count != b.count) return false;
    for (uint32_t i = 0; i < a.count; i++) {
        if (a.items[i] != b.items[i]) return false;
    }
    return true;
}

static bool
patterns_equal(const struct match_pattern *a, const struct match_pattern *b)
{
    return lists_equal(a->rules, b->rules) && lists_equal(a->campaigns, b->campaigns);
}

/* Number of the pattern among those seen so far; the one of the line before is looked at first. */
static uint16_t
number_of(struct match_pattern *patterns, uint32_t *count, uint16_t last,
          const struct match_pattern *pattern)
{
    if (*count > 0 && patterns_equal(&patterns[last], pattern)) return last;
    for (uint32_t p = 0; p < *count; p++) {
        if (patterns_equal(&patterns[p], pattern)) return (uint16_t)p;
    }
    patterns[*count] = *pattern;
    return (uint16_t)(*count)++;
}

static void
match_lines(struct judgement *judgement, struct match_list rules, struct match_list campaigns,
            struct order_match *match)
{
    struct arena *scratch = judgement->apply->state->scratch;
    const struct program *program = &judgement->rulebook->program;
    const struct purchase *purchase = judgement->purchase;
    struct match_pattern *patterns = eligible_room(scratch, purchase->line_count, sizeof *patterns);
    uint16_t *numbers = eligible_room(scratch, purchase->line_count, sizeof *numbers);
    uint16_t *items = eligible_room(scratch, rules.count + campaigns.count, sizeof *items);
    uint16_t last = 0;
    for (uint32_t i = 0; i < purchase->line_count; i++) {
        const struct event_line *line = &purchase->lines[i];
        uint32_t before = match->pattern_count;
        struct match_pattern pattern = {{items, 0}, {NULL, 0}};
        for (uint32_t k = 0; k < rules.count; k++) {
            if (rule_takes(judgement, &program->rules[rules.items[k]], line))
                items[pattern.rules.count++] = rules.items[k];
        }
        uint16_t *behind = items + pattern.rules.count;
        pattern.campaigns.items = behind;
        for (uint32_t k = 0; k < campaigns.count; k++) {
            if (scope_line_passes(&program->campaigns[campaigns.items[k]].filter, line))
                behind[pattern.campaigns.count++] = campaigns.items[k];
        }
        last = numbers[i] = number_of(patterns, &match->pattern_count, last, &pattern);
        if (match->pattern_count > before)
            items = eligible_room(scratch, rules.count + campaigns.count, sizeof *items);
    }
    match->patterns = patterns;
    match->line_patterns = numbers;
}

bool
match_order(const struct apply *apply, const struct rulebook *rulebook,
            const struct purchase *purchase, bool base_only, struct order_match *out_match)
{
    struct judgement judgement = {
        .apply = apply,
        .rulebook = rulebook,
        .purchase = purchase,
        .place = {purchase->channel, purchase->store, purchase->partner},
    };
    struct order_match match = {0};
    struct match_list of_lines = {NULL, 0};
    struct match_list rules = match_rules(&judgement, base_only);
    if (!base_only) {
        match.campaigns = match_campaigns(&judgement, false);
        of_lines = match_campaigns(&judgement, true);
    }
    match_lines(&judgement, rules, of_lines, &match);
    if (judgement.failed) return false;
    *out_match = match;
    return true;
}
