/* Tiers: metrics, windows, ladders. */
#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

/* ---- Metrics ---- */

static const char *const metric_keys[] = {"spend", "points", "visits", "missions", "balance"};

enum { METRIC_KEYS = sizeof metric_keys / sizeof *metric_keys };

static bool
compile_mission_metric(struct compiler *compiler, const struct yaml_node *node,
                       struct program_metric *metric)
{
    const struct program *program = &compiler->program;
    struct bytes name;
    if (!scalar_name(node, compiler->diagnostics, &name)) return false;
    if (yaml_is(node, "any")) return true;
    for (uint32_t i = 0; i < program->mission_count; i++) {
        if (!bytes_equal(program->missions[i].id, name)) continue;
        metric->mission = i;
        return true;
    }
    size_t mark = arena_mark(compiler->arena);
    const char **names = compile_room(compiler, program->mission_count + 1, sizeof *names);
    for (uint32_t i = 0; i < program->mission_count; i++)
        names[i] = as_text(compiler, program->missions[i].id);
    report_unknown(compiler, node, "mission", names, program->mission_count);
    arena_reset_to(compiler->arena, mark);
    return false;
}

/* Fills in what is measured; false when it cannot be read, and the levels are not judged. */
static bool
compile_measured(struct compiler *compiler, const struct yaml_node *node, enum metric_kind kind,
                 struct program_metric *metric)
{
    const char *key = metric_keys[kind - METRIC_SPEND];
    const struct yaml_node *value = get(compiler, &schema_metric, node, key);
    if (value == NULL) return false;
    metric->kind = kind;
    switch (kind) {
    case METRIC_SPEND:
        metric->basis = compile_basis(compiler, get(compiler, &schema_metric, node, "basis"));
        return scalar_currency(value, compiler->diagnostics, &metric->money);
    case METRIC_POINTS:
    case METRIC_BALANCE: return resolve_currency(compiler, value, &metric->currency);
    case METRIC_VISITS:
        metric->of_purchases = yaml_is(value, "purchase");
        if (metric->of_purchases) return true;
        return scalar_text(value, compiler->diagnostics, &metric->activity);
    case METRIC_MISSIONS: return compile_mission_metric(compiler, value, metric);
    }
    UNREACHABLE();
}

static bool
compile_metric(struct compiler *compiler, const struct yaml_node *node,
               struct program_metric *metric)
{
    unsigned given = 0;
    enum metric_kind kind = METRIC_SPEND;
    for (unsigned i = 0; i < METRIC_KEYS; i++) {
        if (!is_given(node, metric_keys[i])) continue;
        kind = METRIC_SPEND + i;
        given++;
    }
    metric->mission = PROGRAM_NONE;
    if (given == 0 && has_unknown_key(&schema_metric, node)) return false;
    if (given != 1) {
        diagnostics_error(compiler->diagnostics, node->key_place,
                          "a metric is exactly one of spend, points, visits, missions and balance");
        diagnostics_hint(compiler->diagnostics,
                         "for example: metric: { spend: GBP }, or metric: { points: growth }");
        return false;
    }
    if (kind != METRIC_SPEND) {
        refuse_key(compiler, node, "basis", "belongs to 'spend'",
                   "remove it: what of an order counts is said by the rules that earn");
    }
    return compile_measured(compiler, node, kind, metric);
}

/* Sets group->metric_count to 0 when the levels cannot be judged. */
static void
compile_metrics(struct compiler *compiler, const struct yaml_node *node,
                struct program_group *group)
{
    const struct yaml_node *one = get(compiler, &schema_tier_group, node, "metric");
    const struct yaml_node *several = get(compiler, &schema_tier_group, node, "metrics");
    bool neither = one == NULL && several == NULL;
    if (neither && has_unknown_key(&schema_tier_group, node)) return;
    if (is_given(node, "metric") == is_given(node, "metrics")) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "a tier group has exactly one of metric and metrics");
        diagnostics_hint(compiler->diagnostics, "for example: metric: { spend: GBP }");
        return;
    }
    if (several == NULL) {
        refuse_key(compiler, node, "match", "belongs to 'metrics'",
                   "remove it: there is one metric only");
    }
    if (one != NULL) group->metric_count = compile_metric(compiler, one, &group->metrics[0]);
    if (several == NULL || several->count < 2 || several->count > PROGRAM_METRICS_MAX) return;
    bool good = true;
    uint32_t count = 0;
    for (const struct yaml_node *each = several->first; each != NULL; each = each->next) {
        const struct yaml_node name = {
            .kind = YAML_TEXT, .quoted = true, .place = each->key_place, .text = each->key};
        good = scalar_name(&name, compiler->diagnostics, &group->metrics[count].id) && good;
        good = each->kind == YAML_MAP && compile_metric(compiler, each, &group->metrics[count]) &&
               good;
        count++;
    }
    group->metric_count = good ? count : 0;
}

/* ---- Levels ---- */

static bool
compile_threshold(struct compiler *compiler, const struct yaml_node *from,
                  const struct program_metric *metric, int64_t *out_threshold)
{
    struct points points;
    switch (metric->kind) {
    case METRIC_POINTS:
    case METRIC_BALANCE:
        if (!scalar_points(from, compiler->program.currencies[metric->currency].scale,
                           compiler->diagnostics, &points))
            return false;
        *out_threshold = points.units;
        return true;
    case METRIC_VISITS:
    case METRIC_MISSIONS:
        return yaml_whole(from, 0, INT32_MAX, compiler->diagnostics, out_threshold);
    case METRIC_SPEND: break;
    }
    struct money money;
    if (yaml_is(from, "0")) {
        *out_threshold = 0;
        return true;
    }
    if (!scalar_money(from, compiler->diagnostics, &money)) return false;
    if (money.currency != metric->money) {
        diagnostics_error(
            compiler->diagnostics, from->place, "the group measures spend in %s, not in %s",
            currency_find(metric->money)->alpha, currency_find(money.currency)->alpha);
        diagnostics_hint(compiler->diagnostics, "write all levels of a group in %s",
                         currency_find(metric->money)->alpha);
        return false;
    }
    *out_threshold = money.minor;
    return true;
}

/* A map from each metric's name to its threshold. */
static bool
compile_threshold_map(struct compiler *compiler, const struct yaml_node *from,
                      const struct program_group *group, struct program_level *level)
{
    const char *names[PROGRAM_METRICS_MAX];
    size_t mark = arena_mark(compiler->arena);
    for (uint32_t i = 0; i < group->metric_count; i++)
        names[i] = as_text(compiler, group->metrics[i].id);
    bool good = yaml_check_keys(from, names, group->metric_count, compiler->diagnostics);
    for (uint32_t i = 0; i < group->metric_count; i++) {
        const struct yaml_node *value = yaml_get(from, names[i]);
        if (value == NULL) {
            good = diagnostics_error(compiler->diagnostics, from->place,
                                     "the level does not say where it begins by '%s'", names[i]);
            diagnostics_hint(compiler->diagnostics, "each metric of the group is named once");
            continue;
        }
        good = yaml_expect(value, YAML_TEXT, compiler->diagnostics) &&
               compile_threshold(compiler, value, &group->metrics[i], &level->thresholds[i]) &&
               good;
    }
    arena_reset_to(compiler->arena, mark);
    return good;
}

static bool
compile_thresholds(struct compiler *compiler, const struct yaml_node *from,
                   const struct program_group *group, struct program_level *level)
{
    if (from == NULL || group->metric_count == 0) return false;
    if (from->kind == YAML_MAP && group->metric_count > 1)
        return compile_threshold_map(compiler, from, group, level);
    if (from->kind != YAML_TEXT) {
        diagnostics_error(compiler->diagnostics, from->key_place,
                          "the group has one metric: 'from' is one value");
        diagnostics_hint(compiler->diagnostics, "for example: from: 500.00 GBP");
        return false;
    }
    if (group->metric_count > 1 && !yaml_is(from, "0")) {
        diagnostics_error(compiler->diagnostics, from->place,
                          "the group has several metrics: 'from' is a map");
        diagnostics_hint(compiler->diagnostics, "for example: from: { %.*s: 10, %.*s: 10 }",
                         (int)group->metrics[0].id.size, (const char *)group->metrics[0].id.data,
                         (int)group->metrics[1].id.size, (const char *)group->metrics[1].id.data);
        return false;
    }
    if (group->metric_count > 1) return true;
    return compile_threshold(compiler, from, &group->metrics[0], &level->thresholds[0]);
}

/* Compared with the level before; inout_highest has the greatest thresholds so far. */
static void
check_ladder(struct compiler *compiler, const struct yaml_node *from,
             const struct program_group *group, const struct program_level *level,
             int64_t *inout_highest)
{
    bool first = group->level_count == 0, rises = false, falls = false, above_0 = false;
    for (uint32_t i = 0; i < group->metric_count; i++) {
        int64_t threshold = level->thresholds[i];
        above_0 = above_0 || threshold != 0;
        rises = rises || threshold > inout_highest[i];
        falls = falls || threshold < inout_highest[i];
        if (threshold > inout_highest[i]) inout_highest[i] = threshold;
    }
    if (first && above_0) {
        diagnostics_error(compiler->diagnostics, from->place, "the first level must begin at 0");
        diagnostics_hint(compiler->diagnostics,
                         "put a level 'from: 0' before it: it is where every member starts");
    } else if (!first && (!rises || falls)) {
        diagnostics_error(compiler->diagnostics, from->place,
                          "the ladder is out of order: '%.*s' does not begin "
                          "above the level before it",
                          (int)level->id.size, (const char *)level->id.data);
        diagnostics_hint(compiler->diagnostics, "list the levels from the lowest to the highest");
    }
}

static void
compile_level(struct compiler *compiler, const struct yaml_node *node, struct program_group *group,
              int64_t *inout_highest)
{
    struct program_level level = {.multiplier = {1, 1}};
    level.id = get_name(compiler, &schema_level, node, "level");
    const struct yaml_node *from = get(compiler, &schema_level, node, "from");
    if (compile_thresholds(compiler, from, group, &level))
        check_ladder(compiler, from, group, &level, inout_highest);
    const struct yaml_node *multiplier = get(compiler, &schema_level, node, "multiplier");
    if (multiplier != NULL) scalar_factor(multiplier, compiler->diagnostics, &level.multiplier);
    struct place *place = &compiler->group_places[compiler->program.group_count];
    bool multiplies = level.multiplier.numerator != level.multiplier.denominator;
    if (multiplies && place->line == 0) *place = multiplier->key_place;
    for (uint32_t i = 0; i < group->level_count; i++) {
        if (level.id.size == 0 || !bytes_equal(group->levels[i].id, level.id)) continue;
        report_twice(compiler, node->place, "level", level.id);
    }
    group->levels[group->level_count++] = level;
}

/* ---- Windows and reviews ---- */

static void
compile_tier_window(struct compiler *compiler, const struct yaml_node *node,
                    struct program_group *group)
{
    const struct yaml_node *window = get(compiler, &schema_tier_group, node, "window");
    group->window = WINDOW_CALENDAR_YEAR;
    if (window == NULL) return;
    if (!scalar_is_rolling(window)) {
        group->window = (enum window_kind)word_code(compiler, &schema_words_window, window);
        return;
    }
    enum calendar_unit unit;
    if (!scalar_rolling(window, compiler->diagnostics, &group->rolling, &unit)) return;
    group->window = unit == CALENDAR_DAY ? WINDOW_ROLLING_DAYS : WINDOW_ROLLING_MONTHS;
}

static void
check_periods(struct compiler *compiler, const struct yaml_node *node,
              const struct program_group *group)
{
    bool lifetime = group->window == WINDOW_LIFETIME;
    bool rolling = group->window == WINDOW_ROLLING_DAYS || group->window == WINDOW_ROLLING_MONTHS;
    if (lifetime && group->downgrade != DOWNGRADE_NONE) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "downgrade")->place,
                          "a lifetime ladder has no review that could downgrade anybody");
        diagnostics_hint(compiler->diagnostics,
                         "write 'downgrade: none', or 'window: calendar year'");
    }
    if ((lifetime || rolling) && group->upgrade == UPGRADE_NEXT_PERIOD) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "upgrade")->place,
                          "a %s window has no next period", lifetime ? "lifetime" : "rolling");
        diagnostics_hint(compiler->diagnostics,
                         "write 'upgrade: immediate', or 'window: calendar year'");
    }
    if ((lifetime || rolling) && group->grace_days != 0) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "grace")->place,
                          "a %s window has no new period in which a downgrade could wait",
                          lifetime ? "lifetime" : "rolling");
        diagnostics_hint(compiler->diagnostics, "write 'grace: none'");
    }
    bool calendar = !lifetime && !rolling && group->window != WINDOW_ANNIVERSARY;
    bool counted = group->metric_count == 1 && group->metrics[0].kind != METRIC_BALANCE;
    if (group->rollover && group->metric_count != 0 && (!calendar || !counted)) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "rollover")->place,
                          "a rollover needs one metric that is counted in calendar windows");
        diagnostics_hint(compiler->diagnostics, "write 'rollover: false'");
    }
}

static void
compile_group(struct compiler *compiler, const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    struct program_group group = {0};
    group.id = get_name(compiler, &schema_tier_group, node, "group");
    compile_metrics(compiler, node, &group);
    group.match_any =
        group.metric_count > 1 && get_word(compiler, &schema_tier_group, node, "match") != 0;
    compile_tier_window(compiler, node, &group);
    group.upgrade = (enum upgrade)get_word(compiler, &schema_tier_group, node, "upgrade");
    group.downgrade = (enum downgrade)get_word(compiler, &schema_tier_group, node, "downgrade");
    group.grace_days = get_days(compiler, &schema_tier_group, node, "grace");
    group.rollover = get_boolean(compiler, &schema_tier_group, node, "rollover");
    group.at_risk_days = get_days(compiler, &schema_tier_group, node, "at_risk");
    check_periods(compiler, node, &group);
    const struct yaml_node *levels = get(compiler, &schema_tier_group, node, "levels");
    int64_t highest[PROGRAM_METRICS_MAX] = {0};
    if (levels != NULL && levels->count <= PROGRAM_LEVELS_MAX) {
        for (const struct yaml_node *level = first_map(levels); level != NULL;
             level = next_map(level))
            compile_level(compiler, level, &group, highest);
    }
    for (uint32_t i = 0; i < program->group_count; i++) {
        if (group.id.size == 0 || !bytes_equal(program->groups[i].id, group.id)) continue;
        report_twice(compiler, node->place, "tier group", group.id);
    }
    program->groups[program->group_count++] = group;
}

void
compile_tiers(struct compiler *compiler, const struct yaml_node *root)
{
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "tiers");
    if (list == NULL || list->count > PROGRAM_GROUPS_MAX) return;
    for (const struct yaml_node *node = first_map(list); node != NULL; node = next_map(node))
        compile_group(compiler, node);
}
