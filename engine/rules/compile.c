/*
 * How the mistakes are found: the tree is read (yaml), its shape is checked against the table of
 * keys (schema), each value is read (scalar), and here names are resolved and contradictions are
 * found. Every step goes on after a mistake; a value that could not be read is replaced by a
 * harmless one, so that it causes no further complaint.
 */
#include "engine/rules/compile.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/scalar.h"
#include "engine/rules/schema.h"
#include "engine/rules/zone.h"

/* A rule with what only its judgement needs. */
struct draft_rule {
    struct program_rule rule;
    struct place place;
};

struct compiler {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct program program;
    bool zone_known;
    struct draft_rule *rules;
    struct place currency_places[PROGRAM_CURRENCIES_MAX];
    bool currency_earned[PROGRAM_CURRENCIES_MAX];
    bool group_multiplies[PROGRAM_GROUPS_MAX];
    struct place
        group_places[PROGRAM_GROUPS_MAX]; /* of the first multiplier other than 1; line 0: none */
};

/* ---- Values by their key
 * -------------------------------------------------------------------------------------------- */

static const struct yaml_node *
get(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
    const char *key)
{
    return schema_get(schema, map, key, compiler->arena);
}

static int64_t
get_whole(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
          const char *key)
{
    const struct schema_key *row = schema_find(schema, key);
    const struct yaml_node *node = get(compiler, schema, map, key);
    int64_t value = row->min;
    if (node != NULL) yaml_whole(node, row->min, row->max, compiler->diagnostics, &value);
    return value;
}

static bool
get_boolean(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
            const char *key)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    bool value = false;
    if (node != NULL) yaml_boolean(node, compiler->diagnostics, &value);
    return value;
}

static int32_t
word_code(struct compiler *compiler, const struct schema_words *words, const struct yaml_node *node)
{
    size_t index = 0;
    yaml_word(node, words->texts, words->count, compiler->diagnostics, &index);
    return words->codes[index];
}

static int32_t
get_word(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
         const char *key)
{
    const struct schema_words *words = schema_find(schema, key)->words;
    const struct yaml_node *node = get(compiler, schema, map, key);
    return node != NULL ? word_code(compiler, words, node) : words->codes[0];
}

static struct bytes
get_name(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
         const char *key)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    struct bytes name = {NULL, 0};
    if (node != NULL) scalar_name(node, compiler->diagnostics, &name);
    return name;
}

static int64_t
get_elapsed(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
            const char *key)
{
    const struct schema_key *row = schema_find(schema, key);
    const struct yaml_node *node = get(compiler, schema, map, key);
    int64_t ms = row->min;
    if (node != NULL) scalar_elapsed(node, row->min, row->max, compiler->diagnostics, &ms);
    return ms;
}

/* ---- Names
 * ----------------------------------------------------------------------------------------------------------
 */

static const char *
as_text(struct compiler *compiler, struct bytes name)
{
    char *text = arena_alloc(compiler->arena, name.size + 1);
    CHECK_MSG(text != NULL, "the arena is smaller than RULES_ARENA_BYTES");
    if (name.size != 0) memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return text;
}

static void
report_twice(struct compiler *compiler, struct place place, const char *what, struct bytes name)
{
    diagnostics_error(compiler->diagnostics, place, "%s '%.*s' is defined twice", what,
                      (int)name.size, (const char *)name.data);
    diagnostics_hint(compiler->diagnostics, "give each its own name");
}

/* Reports a name that stands for nothing; names[i] are those that do. */
static void
report_unknown(struct compiler *compiler, const struct yaml_node *node, const char *what,
               const char *const *names, size_t count)
{
    diagnostics_error(compiler->diagnostics, node->place, "there is no %s '%.*s'", what,
                      node->text.size < SCALAR_NAME_BYTES_MAX ? (int)node->text.size
                                                              : SCALAR_NAME_BYTES_MAX,
                      (const char *)node->text.data);
    const char *nearest = suggest_nearest(node->text, names, count);
    if (nearest != NULL) {
        diagnostics_hint(compiler->diagnostics, "did you mean '%s'?", nearest);
    } else if (count > 0) {
        diagnostics_hint(compiler->diagnostics, "one that exists is '%s'", names[0]);
    } else {
        diagnostics_hint(compiler->diagnostics, "the rulebook defines none");
    }
}

/* The index of the points currency that a key names; false when it is missing or unknown. */
static bool
resolve_currency(struct compiler *compiler, const struct yaml_node *node, uint32_t *out_currency)
{
    struct program *program = &compiler->program;
    struct bytes name;
    if (node == NULL || !scalar_name(node, compiler->diagnostics, &name)) return false;
    const char *names[PROGRAM_CURRENCIES_MAX];
    for (uint32_t i = 0; i < program->currency_count; i++) {
        if (bytes_equal(program->currencies[i].id, name)) {
            *out_currency = i;
            return true;
        }
        names[i] = as_text(compiler, program->currencies[i].id);
    }
    report_unknown(compiler, node, "points currency", names, program->currency_count);
    return false;
}

static bool
resolve_group(struct compiler *compiler, const struct yaml_node *node, int32_t *out_group)
{
    struct program *program = &compiler->program;
    struct bytes name;
    if (!scalar_name(node, compiler->diagnostics, &name)) return false;
    const char *names[PROGRAM_GROUPS_MAX];
    for (uint32_t i = 0; i < program->group_count; i++) {
        if (bytes_equal(program->groups[i].id, name)) {
            *out_group = (int32_t)i;
            return true;
        }
        names[i] = as_text(compiler, program->groups[i].id);
    }
    report_unknown(compiler, node, "tier group", names, program->group_count);
    return false;
}

/* ---- The programme
 * --------------------------------------------------------------------------------------------------
 */

static void
compile_zone(struct compiler *compiler, const struct yaml_node *root)
{
    const struct yaml_node *node = get(compiler, &schema_rulebook, root, "zone");
    struct fault fault;
    if (node == NULL) return;
    compiler->program.zone_name = node->text;
    compiler->zone_known = zone_load(node->text, compiler->arena, &compiler->program.zone, &fault);
    if (compiler->zone_known) return;
    diagnostics_error(compiler->diagnostics, node->place, "unknown time zone '%.*s': %s",
                      node->text.size < ZONE_NAME_BYTES_MAX ? (int)node->text.size
                                                            : ZONE_NAME_BYTES_MAX,
                      (const char *)node->text.data, fault.text);
    const char *nearest = zone_suggest(node->text, compiler->arena);
    if (nearest != NULL) {
        diagnostics_hint(compiler->diagnostics, "did you mean '%s'?", nearest);
    } else {
        diagnostics_hint(compiler->diagnostics,
                         "write an IANA name such as Europe/London, Asia/Shanghai or UTC");
    }
}

static void
compile_head(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    program->name = get_name(compiler, &schema_rulebook, root, "rulebook");
    program->version = (uint32_t)get_whole(compiler, &schema_rulebook, root, "version");
    compile_zone(compiler, root);
    /* In an unknown zone dates are read as UTC, only to find mistakes in them. */
    const struct yaml_node *start = get(compiler, &schema_rulebook, root, "effective_from");
    if (start != NULL)
        scalar_start(start, &program->zone, compiler->diagnostics, &program->effective_from);
    const struct yaml_node *accept = get(compiler, &schema_rulebook, root, "accept");
    program->accept_future_ms = get_elapsed(compiler, &schema_accept, accept, "future");
    program->accept_past_ms = get_elapsed(compiler, &schema_accept, accept, "past");
    const struct yaml_node *members = get(compiler, &schema_rulebook, root, "members");
    program->unknown_member =
        (enum unknown_member)get_word(compiler, &schema_members, members, "unknown");
    const struct yaml_node *combine = get(compiler, &schema_rulebook, root, "combine");
    program->line_combine = (enum combine)get_word(compiler, &schema_combine, combine, "lines");
    program->order_combine = COMBINE_MAX;
    program->stacking = STACKING_ADD;
    program->spending.hold_timeout_ms = INT64_C(15) * 60 * 1000;
    program->returns.wait_days = 30;
    program->quarantine_days = 30;
    program->approval_days = 7;
    for (uint32_t i = 0; i < PROGRAM_CURRENCIES_MAX; i++)
        program->approval_above[i] = INT64_MAX;
    const struct yaml_node *returns = get(compiler, &schema_rulebook, root, "returns");
    program->returns.method =
        (enum claw_back)get_word(compiler, &schema_returns, returns, "method");
    program->returns.arrears =
        (enum arrears_policy)get_word(compiler, &schema_returns, returns, "arrears");
}

/* ---- Points currencies
 * ---------------------------------------------------------------------------------------------- */

static struct program_expiry
compile_expiry(struct compiler *compiler, const struct yaml_node *currency)
{
    const struct yaml_node *node = get(compiler, &schema_points_currency, currency, "expiry");
    if (yaml_is(node, "none")) return (struct program_expiry){.kind = EXPIRY_NONE};
    struct program_expiry expiry = {.kind = EXPIRY_PERIOD};
    const struct yaml_node *after = get(compiler, &schema_expiry, node, "after");
    expiry.round_up_to = (enum calendar_unit)get_word(compiler, &schema_expiry, node, "round");
    if (after == NULL ||
        !scalar_period(after, compiler->diagnostics, &expiry.amount, &expiry.unit)) {
        return (struct program_expiry){.kind = EXPIRY_NONE};
    }
    if (expiry.amount == 0 && expiry.round_up_to == CALENDAR_NONE) {
        diagnostics_error(compiler->diagnostics, after->place,
                          "points would expire at the instant they are earned");
        diagnostics_hint(compiler->diagnostics, "give a period, or round it to the end of a month");
    }
    return expiry;
}

static void
compile_currency(struct compiler *compiler, const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    const struct yaml_node name = {
        .kind = YAML_TEXT, .quoted = true, .place = node->key_place, .text = node->key};
    struct program_currency currency = {0};
    if (!scalar_name(&name, compiler->diagnostics, &currency.id)) return;
    currency.scale = (uint8_t)get_whole(compiler, &schema_points_currency, node, "scale");
    currency.rounding =
        (enum rounding)get_word(compiler, &schema_points_currency, node, "rounding");
    currency.qualifying = get_boolean(compiler, &schema_points_currency, node, "qualifying");
    currency.expiry = compile_expiry(compiler, node);
    const struct schema_key *row = schema_find(&schema_points_currency, "expiring_soon");
    const struct yaml_node *notice = get(compiler, &schema_points_currency, node, "expiring_soon");
    if (notice != NULL)
        scalar_days(notice, row->min, row->max, compiler->diagnostics, &currency.notice_days);
    if (currency.expiry.kind == EXPIRY_NONE) currency.notice_days = 0;
    compiler->currency_places[program->currency_count] = node->key_place;
    program->currencies[program->currency_count++] = currency;
}

static void
compile_currencies(struct compiler *compiler, const struct yaml_node *root)
{
    const struct yaml_node *map = get(compiler, &schema_rulebook, root, "currencies");
    if (map == NULL || map->count > PROGRAM_CURRENCIES_MAX) return;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        compile_currency(compiler, node);
    }
}

/* ---- What counts
 * ----------------------------------------------------------------------------------------------------
 */

static struct program_basis
compile_basis(struct compiler *compiler, const struct yaml_node *node)
{
    struct program_basis basis = {0};
    if (get_boolean(compiler, &schema_basis, node, "net_of_discount"))
        basis.flags |= BASIS_LESS_DISCOUNT;
    if (get_boolean(compiler, &schema_basis, node, "without_tax")) basis.flags |= BASIS_WITHOUT_TAX;
    if (get_boolean(compiler, &schema_basis, node, "without_tender"))
        basis.flags |= BASIS_WITHOUT_TENDER;
    const struct yaml_node *lines = get(compiler, &schema_basis, node, "lines");
    if (lines == NULL) return basis;
    if (lines->count == 0) {
        diagnostics_error(compiler->diagnostics, lines->key_place, "no kind of line counts");
        diagnostics_hint(compiler->diagnostics, "for example: lines: [goods]");
    }
    for (const struct yaml_node *kind = lines->first; kind != NULL; kind = kind->next) {
        uint32_t bit = UINT32_C(1) << word_code(compiler, &schema_words_line_kind, kind);
        if ((basis.line_kinds & bit) != 0 && kind->kind == YAML_TEXT) {
            diagnostics_warning(compiler->diagnostics, kind->place, "'%.*s' is listed twice",
                                (int)kind->text.size, (const char *)kind->text.data);
        }
        basis.line_kinds |= bit;
    }
    return basis;
}

/* ---- Tiers
 * ----------------------------------------------------------------------------------------------------------
 */

static void
compile_metric(struct compiler *compiler, const struct yaml_node *group_node,
               struct program_group *group)
{
    const struct yaml_node *metric = get(compiler, &schema_tier_group, group_node, "metric");
    group->metrics[0].mission = PROGRAM_NONE;
    group->upgrade = UPGRADE_IMMEDIATE;
    if (metric == NULL) return;
    const struct yaml_node *spend = get(compiler, &schema_metric, metric, "spend");
    const struct yaml_node *points = get(compiler, &schema_metric, metric, "points");
    const struct yaml_node *basis = get(compiler, &schema_metric, metric, "basis");
    if ((yaml_get(metric, "spend") == NULL) == (yaml_get(metric, "points") == NULL)) {
        diagnostics_error(compiler->diagnostics, metric->key_place,
                          "a metric is either spend or points");
        diagnostics_hint(compiler->diagnostics,
                         "for example: metric: { spend: GBP }, or metric: { points: growth }");
        return;
    }
    if (points != NULL) {
        group->metrics[0].kind = METRIC_POINTS;
        group->metric_count = resolve_currency(compiler, points, &group->metrics[0].currency);
        if (basis != NULL) {
            diagnostics_error(compiler->diagnostics, basis->key_place,
                              "a basis belongs to spend, not to points");
            diagnostics_hint(compiler->diagnostics,
                             "remove it: what of an order counts is said by the rules that earn");
        }
        return;
    }
    if (spend == NULL || !scalar_currency(spend, compiler->diagnostics, &group->metrics[0].money))
        return;
    group->metrics[0].kind = METRIC_SPEND;
    group->metrics[0].basis = compile_basis(compiler, basis);
    group->metric_count = 1;
}

/* The threshold of a level in units of its group's metric; false when it cannot be read. With an
 * unknown metric there is nothing to read it by. */
static bool
compile_threshold(struct compiler *compiler, const struct yaml_node *from,
                  const struct program_group *group, int64_t *out_threshold)
{
    if (from == NULL || group->metric_count == 0) return false;
    if (group->metrics[0].kind == METRIC_POINTS) {
        struct points points;
        unsigned scale = compiler->program.currencies[group->metrics[0].currency].scale;
        if (!scalar_points(from, scale, compiler->diagnostics, &points)) return false;
        *out_threshold = points.units;
        return true;
    }
    if (yaml_is(from, "0")) {
        *out_threshold = 0;
        return true;
    }
    struct money money;
    if (!scalar_money(from, compiler->diagnostics, &money)) return false;
    if (money.currency != group->metrics[0].money) {
        diagnostics_error(
            compiler->diagnostics, from->place, "the group measures spend in %s, not in %s",
            currency_find(group->metrics[0].money)->alpha, currency_find(money.currency)->alpha);
        diagnostics_hint(compiler->diagnostics, "write all levels of a group in %s",
                         currency_find(group->metrics[0].money)->alpha);
        return false;
    }
    *out_threshold = money.minor;
    return true;
}

static void
compile_level(struct compiler *compiler, const struct yaml_node *node, struct program_group *group,
              int64_t *inout_highest)
{
    struct program_level level = {.multiplier = {1, 1}};
    level.id = get_name(compiler, &schema_level, node, "level");
    const struct yaml_node *from = get(compiler, &schema_level, node, "from");
    if (compile_threshold(compiler, from, group, &level.thresholds[0])) {
        if (group->level_count == 0 && level.thresholds[0] != 0) {
            diagnostics_error(compiler->diagnostics, from->place,
                              "the first level must begin at 0");
            diagnostics_hint(compiler->diagnostics,
                             "put a level 'from: 0' before it: it is where every member starts");
        } else if (group->level_count > 0 && level.thresholds[0] <= *inout_highest) {
            diagnostics_error(compiler->diagnostics, from->place,
                              "the ladder is out of order: '%.*s' does not begin "
                              "above the level before it",
                              (int)level.id.size, (const char *)level.id.data);
            diagnostics_hint(compiler->diagnostics,
                             "list the levels from the lowest to the highest");
        }
        if (level.thresholds[0] > *inout_highest) *inout_highest = level.thresholds[0];
    }
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

static void
compile_group(struct compiler *compiler, const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    struct program_group group = {0};
    group.id = get_name(compiler, &schema_tier_group, node, "group");
    compile_metric(compiler, node, &group);
    group.window = (enum window_kind)get_word(compiler, &schema_tier_group, node, "window");
    group.downgrade = (enum downgrade)get_word(compiler, &schema_tier_group, node, "downgrade");
    if (group.window == WINDOW_LIFETIME && group.downgrade != DOWNGRADE_NONE) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "downgrade")->place,
                          "a lifetime ladder has no review that could downgrade anybody");
        diagnostics_hint(compiler->diagnostics,
                         "write 'downgrade: none', or 'window: calendar year'");
    }
    const struct yaml_node *levels = get(compiler, &schema_tier_group, node, "levels");
    int64_t highest = 0;
    if (levels != NULL && levels->count <= PROGRAM_LEVELS_MAX) {
        for (const struct yaml_node *level = levels->first; level != NULL; level = level->next) {
            compile_level(compiler, level, &group, &highest);
        }
    }
    for (uint32_t i = 0; i < program->group_count; i++) {
        if (group.id.size == 0 || !bytes_equal(program->groups[i].id, group.id)) continue;
        report_twice(compiler, node->place, "tier group", group.id);
    }
    program->groups[program->group_count++] = group;
}

static void
compile_tiers(struct compiler *compiler, const struct yaml_node *root)
{
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "tiers");
    if (list == NULL || list->count > PROGRAM_GROUPS_MAX) return;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        compile_group(compiler, node);
    }
}

/* ---- Earning
 * --------------------------------------------------------------------------------------------------------
 */

static int
compare_texts(const void *left, const void *right)
{
    return bytes_compare(*(const struct bytes *)left, *(const struct bytes *)right);
}

static void
compile_categories(struct compiler *compiler, const struct yaml_node *node,
                   struct program_rule *rule)
{
    const struct yaml_node *list = get(compiler, &schema_earn_rule, node, "categories");
    if (list == NULL || list->count == 0 || list->count > PROGRAM_TEXTS_MAX) return;
    struct bytes *categories = arena_alloc(compiler->arena, list->count * sizeof *categories);
    CHECK_MSG(categories != NULL, "the arena is smaller than RULES_ARENA_BYTES");
    rule->filter.categories.items = categories;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        struct bytes text;
        if (!scalar_text(entry, compiler->diagnostics, &text)) continue;
        for (uint32_t i = 0; i < rule->filter.categories.count; i++) {
            if (!bytes_equal(categories[i], text)) continue;
            diagnostics_error(compiler->diagnostics, entry->place,
                              "category '%.*s' is listed twice", (int)text.size,
                              (const char *)text.data);
            diagnostics_hint(compiler->diagnostics, "keep one of them");
        }
        categories[rule->filter.categories.count++] = text;
    }
    qsort(categories, rule->filter.categories.count, sizeof *categories, compare_texts);
}

static void
compile_rule(struct compiler *compiler, const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    struct draft_rule *draft = &compiler->rules[program->rule_count++];
    struct program_rule *rule = &draft->rule;
    *draft = (struct draft_rule){.rule = {.kind = RULE_RATE,
                                          .filter = PROGRAM_FILTER_NONE,
                                          .tier_group = -1,
                                          .funder = PROGRAM_NONE,
                                          .pending = {.kind = PENDING_NONE}},
                                 .place = node->place};
    rule->id = get_name(compiler, &schema_earn_rule, node, "rule");
    bool known = resolve_currency(compiler, get(compiler, &schema_earn_rule, node, "currency"),
                                  &rule->currency);
    if (known) compiler->currency_earned[rule->currency] = true;
    const struct yaml_node *rate = get(compiler, &schema_earn_rule, node, "rate");
    unsigned scale = known ? program->currencies[rule->currency].scale : 0;
    if (rate != NULL) scalar_rate(rate, scale, compiler->diagnostics, &rule->rate, &rule->money);
    compile_categories(compiler, node, rule);
    rule->basis = compile_basis(compiler, get(compiler, &schema_earn_rule, node, "basis"));
    rule->priority = (int32_t)get_whole(compiler, &schema_earn_rule, node, "priority");
    const struct yaml_node *group = get(compiler, &schema_earn_rule, node, "multiplied_by");
    if (group != NULL && resolve_group(compiler, group, &rule->tier_group)) {
        compiler->group_multiplies[rule->tier_group] = true;
    }
}

/* Priority falling, then id by bytes (semantics §4). */
static int
compare_rules(const void *left, const void *right)
{
    const struct draft_rule *a = left, *b = right;
    if (a->rule.priority != b->rule.priority) return a->rule.priority > b->rule.priority ? -1 : 1;
    return bytes_compare(a->rule.id, b->rule.id);
}

static bool
has_category(const struct program_rule *rule, struct bytes category)
{
    for (uint32_t i = 0; i < rule->filter.categories.count; i++) {
        if (bytes_equal(rule->filter.categories.items[i], category)) return true;
    }
    return false;
}

/* Whether every line that `rule` matches is matched by `earlier` too, with the same currency. */
static bool
covers(const struct program_rule *earlier, const struct program_rule *rule)
{
    bool same = earlier->currency == rule->currency && earlier->money == rule->money &&
                (rule->basis.line_kinds & ~earlier->basis.line_kinds) == 0;
    if (!same || earlier->filter.categories.count == 0) return same;
    if (rule->filter.categories.count == 0) return false;
    for (uint32_t i = 0; i < rule->filter.categories.count; i++) {
        if (!has_category(earlier, rule->filter.categories.items[i])) return false;
    }
    return true;
}

/* Under `first`, a rule behind one that matches all its lines never earns anything. */
static void
find_unreachable_rule(struct compiler *compiler, uint32_t index)
{
    const struct draft_rule *rules = compiler->rules;
    for (uint32_t i = 0; i < index; i++) {
        if (!covers(&rules[i].rule, &rules[index].rule)) continue;
        diagnostics_error(compiler->diagnostics, rules[index].place,
                          "rule '%.*s' is never reached: '%.*s' comes first",
                          (int)rules[index].rule.id.size, (const char *)rules[index].rule.id.data,
                          (int)rules[i].rule.id.size, (const char *)rules[i].rule.id.data);
        diagnostics_hint(compiler->diagnostics,
                         "give it the higher priority, or write 'combine: { lines: max }'");
        return;
    }
}

static void
compile_rules(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *list = get(compiler, &schema_rulebook, root, "earn");
    if (list == NULL || list->count > PROGRAM_RULES_MAX) return;
    struct program_rule *rules = arena_alloc(compiler->arena, list->count * sizeof *rules);
    compiler->rules = arena_alloc(compiler->arena, list->count * sizeof *compiler->rules);
    CHECK_MSG(rules != NULL && compiler->rules != NULL,
              "the arena is smaller than RULES_ARENA_BYTES");
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        compile_rule(compiler, node);
    }
    for (uint32_t i = 0; i < program->rule_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            struct bytes id = compiler->rules[i].rule.id;
            if (id.size == 0 || !bytes_equal(compiler->rules[j].rule.id, id)) continue;
            report_twice(compiler, compiler->rules[i].place, "rule", id);
            break;
        }
    }
    qsort(compiler->rules, program->rule_count, sizeof *compiler->rules, compare_rules);
    for (uint32_t i = 0; i < program->rule_count; i++) {
        rules[i] = compiler->rules[i].rule;
    }
    program->rules = rules;
}

/* ---- The whole
 * ------------------------------------------------------------------------------------------------------
 */

/* Contradictions between parts; only looked for when each part is sound by itself. */
static void
check_whole(struct compiler *compiler)
{
    struct program *program = &compiler->program;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        if (compiler->currency_earned[i]) continue;
        struct bytes id = program->currencies[i].id;
        diagnostics_warning(compiler->diagnostics, compiler->currency_places[i],
                            "nothing earns '%.*s'", (int)id.size, (const char *)id.data);
        diagnostics_hint(compiler->diagnostics,
                         "add a rule with 'currency: %.*s' to 'earn', or remove the currency",
                         (int)id.size, (const char *)id.data);
    }
    for (uint32_t i = 0; i < program->group_count; i++) {
        if (compiler->group_multiplies[i] || compiler->group_places[i].line == 0) continue;
        struct bytes id = program->groups[i].id;
        diagnostics_warning(compiler->diagnostics, compiler->group_places[i],
                            "this multiplier multiplies nothing");
        diagnostics_hint(compiler->diagnostics,
                         "add 'multiplied_by: %.*s' to the rules that it is meant for",
                         (int)id.size, (const char *)id.data);
    }
    for (uint32_t i = 0; program->line_combine == COMBINE_FIRST && i < program->rule_count; i++) {
        find_unreachable_rule(compiler, i);
    }
}

bool
rules_compile_tree(const struct yaml_node *root, struct arena *arena,
                   struct diagnostics *diagnostics, struct program *out_program)
{
    size_t errors_before = diagnostics->error_count;
    if (!yaml_expect(root, YAML_MAP, diagnostics)) return false;
    schema_check(root, diagnostics);
    struct compiler compiler = {.arena = arena, .diagnostics = diagnostics};
    compile_head(&compiler, root);
    compile_currencies(&compiler, root);
    compile_tiers(&compiler, root);
    compile_rules(&compiler, root);
    if (diagnostics->error_count == errors_before) check_whole(&compiler);
    if (diagnostics->error_count != errors_before) return false;
    *out_program = compiler.program;
    return true;
}

bool
rules_compile(struct bytes yaml, struct arena *arena, struct diagnostics *diagnostics,
              struct program *out_program)
{
    const struct yaml_node *root;
    return yaml_parse(yaml, arena, diagnostics, &root) &&
           rules_compile_tree(root, arena, diagnostics, out_program);
}
