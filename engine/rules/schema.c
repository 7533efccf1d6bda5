#include "engine/rules/schema.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"
#include "engine/core/program.h"
#include "engine/rules/zone.h"

#define KEYS(table) table, sizeof(table) / sizeof *(table)

enum { MINUTE_MS = 60 * 1000, DAYS_A_CENTURY = 36525 };

/* ---- Words
 * ----------------------------------------------------------------------------------------------------------
 */

const struct schema_words schema_words_rounding = {
    4,
    {"floor", "ceil", "half-up", "half-even"},
    {ROUNDING_FLOOR, ROUNDING_CEIL, ROUNDING_HALF_UP, ROUNDING_HALF_EVEN},
};
const struct schema_words schema_words_round_to = {
    5,
    {"none", "end of day", "end of month", "end of quarter", "end of year"},
    {CALENDAR_NONE, CALENDAR_DAY, CALENDAR_MONTH, CALENDAR_QUARTER, CALENDAR_YEAR},
};
const struct schema_words schema_words_unknown_member = {
    2,
    {"auto-enrol", "reject"},
    {UNKNOWN_AUTO_ENROL, UNKNOWN_REJECT},
};
const struct schema_words schema_words_combine = {
    3, {"max", "sum", "first"}, {COMBINE_MAX, COMBINE_SUM, COMBINE_FIRST}};
const struct schema_words schema_words_line_kind = {
    5,
    {"goods", "shipping", "tax", "fee", "gift card"},
    {LINE_GOODS, LINE_SHIPPING, LINE_TAX, LINE_FEE, LINE_GIFT_CARD},
};
const struct schema_words schema_words_window = {
    2,
    {"calendar year", "lifetime"},
    {WINDOW_CALENDAR_YEAR, WINDOW_LIFETIME},
};
const struct schema_words schema_words_downgrade = {
    3,
    {"none", "one step", "to qualified"},
    {DOWNGRADE_NONE, DOWNGRADE_ONE_STEP, DOWNGRADE_TO_QUALIFIED},
};
const struct schema_words schema_words_claw_back = {1, {"item"}, {CLAW_ITEM}};
const struct schema_words schema_words_arrears = {1, {"allow"}, {ARREARS_ALLOW}};

/* ---- Keys
 * -----------------------------------------------------------------------------------------------------------
 */

static const struct schema_key accept_keys[] = {
    {.name = "future",
     .type = SCHEMA_ELAPSED,
     .min = 0,
     .max = 24 * 60 * (int64_t)MINUTE_MS,
     .fallback = "5 min",
     .help = "How far an event's own time may lie ahead of the journal's before it is refused as "
             "`occurred_in_future`: senders' clocks are never quite right.",
     .example = "future: 5 min"},
    {.name = "past",
     .type = SCHEMA_ELAPSED,
     .min = MINUTE_MS,
     .max = DAYS_A_CENTURY * CALENDAR_DAY_MS,
     .fallback = "366 days",
     .help =
         "How old an event may be when it reaches the journal before it is refused as `too_old`.",
     .example = "past: 90 days"},
};
const struct schema_map schema_accept = {"accept", KEYS(accept_keys)};

static const struct schema_key members_keys[] = {
    {.name = "unknown",
     .type = SCHEMA_WORD,
     .words = &schema_words_unknown_member,
     .fallback = "auto-enrol",
     .help = "What an earning event of a member that nobody has enrolled does: `auto-enrol` enrols "
             "the member "
             "with it, `reject` refuses it as `unknown_member`.",
     .example = "unknown: reject"},
};
const struct schema_map schema_members = {"members", KEYS(members_keys)};

static const struct schema_key expiry_keys[] = {
    {.name = "after",
     .type = SCHEMA_PERIOD,
     .fallback = "12 months",
     .help = "How long points live: calendar days, weeks, months or years in the programme's zone, "
             "counted from when "
             "they can be spent. `0 months` with `round: end of month` means the month of earning "
             "itself.",
     .example = "after: 6 months"},
    {.name = "round",
     .type = SCHEMA_WORD,
     .words = &schema_words_round_to,
     .fallback = "end of month",
     .help = "To which end the period is extended, so that many points expire together on a day "
             "that customers "
             "can remember. `none`: to the very instant.",
     .example = "round: end of year"},
};
const struct schema_map schema_expiry = {"expiry", KEYS(expiry_keys)};

static const struct schema_key points_currency_keys[] = {
    {.name = "scale",
     .type = SCHEMA_WHOLE,
     .min = 0,
     .max = 6,
     .fallback = "0",
     .help =
         "Decimals of a point: 0 for whole points, 2 for hundredths. Never changes once activated.",
     .example = "scale: 0"},
    {.name = "rounding",
     .type = SCHEMA_WORD,
     .words = &schema_words_rounding,
     .fallback = "floor",
     .help = "How each grant is rounded, once, after all multiplications: 7.5 is 7 by `floor`, 8 "
             "by `ceil` and "
             "`half-up`, 8 by `half-even` (which rounds 6.5 to 6).",
     .example = "rounding: half-up"},
    {.name = "qualifying",
     .type = SCHEMA_BOOLEAN,
     .fallback = "false",
     .help =
         "`true` for points that count for tiers only and cannot be spent, such as a growth value.",
     .example = "qualifying: true"},
    {.name = "expiry",
     .type = SCHEMA_MAP_OR_NONE,
     .map = &schema_expiry,
     .help = "When points of this currency expire; `none` for never. When it is left out, the "
             "defaults of its "
             "keys hold.",
     .example = "expiry: { after: 12 months, round: end of month }"},
    {.name = "expiring_soon",
     .type = SCHEMA_DAYS,
     .min = 1,
     .max = 366,
     .fallback = "30 days",
     .help = "How many days before points expire a notice says so; `none` for no notices.",
     .example = "expiring_soon: 14 days"},
};
const struct schema_map schema_points_currency = {"a points currency", KEYS(points_currency_keys)};

static const struct schema_key basis_keys[] = {
    {.name = "net_of_discount",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether a line counts with what was taken off it (`true`) or with its full price.",
     .example = "net_of_discount: false"},
    {.name = "without_tax",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether the tax that a line contains is left out.",
     .example = "without_tax: false"},
    {.name = "without_tender",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether what was paid with points or gift cards is taken off the lines, by their "
             "value: nobody "
             "should earn points for points.",
     .example = "without_tender: false"},
    {.name = "lines",
     .type = SCHEMA_WORDS,
     .words = &schema_words_line_kind,
     .fallback = "goods, fee",
     .help = "The kinds of order lines that count.",
     .example = "lines: [goods]"},
};
const struct schema_map schema_basis = {"basis", KEYS(basis_keys)};

static const struct schema_key earn_rule_keys[] = {
    {.name = "rule",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The rule's name, once in the rulebook. It appears on statements, and its points keep "
             "it for ever.",
     .example = "rule: base"},
    {.name = "currency",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The points currency that it earns.",
     .example = "currency: points"},
    {.name = "rate",
     .type = SCHEMA_RATE,
     .required = true,
     .help = "Points per money, exactly. Orders in other money earn nothing by this rule.",
     .example = "rate: 1 per 1.00 GBP"},
    {.name = "categories",
     .type = SCHEMA_TEXTS,
     .min = 1,
     .max = PROGRAM_TEXTS_MAX,
     .help = "Only lines of these categories earn, as the shop writes them in its events. Left "
             "out: every line, also "
             "those without a category.",
     .example = "categories: [books, \"children's books\"]"},
    {.name = "basis",
     .type = SCHEMA_MAP,
     .map = &schema_basis,
     .help = "What of a line counts.",
     .example = "basis: { lines: [goods] }"},
    {.name = "multiplied_by",
     .type = SCHEMA_NAME,
     .help = "The tier group whose multiplier applies: that of the level held when the order was "
             "placed. Left out: "
             "the rule is not multiplied.",
     .example = "multiplied_by: status"},
    {.name = "priority",
     .type = SCHEMA_WHOLE,
     .min = -1000000,
     .max = 1000000,
     .fallback = "0",
     .help = "The higher goes first, then the name by its bytes; never the order in the file.",
     .example = "priority: 10"},
};
const struct schema_map schema_earn_rule = {"an earn rule", KEYS(earn_rule_keys)};

static const struct schema_key combine_keys[] = {
    {.name = "lines",
     .type = SCHEMA_WORD,
     .words = &schema_words_combine,
     .fallback = "max",
     .help = "When several rules earn the same currency on the same order line: the best (`max`), "
             "all (`sum`), or the one of "
             "the highest priority (`first`).",
     .example = "lines: sum"},
};
const struct schema_map schema_combine = {"combine", KEYS(combine_keys)};

static const struct schema_key metric_keys[] = {
    {.name = "spend",
     .type = SCHEMA_CURRENCY,
     .help = "Measure what members spend in this money. Orders in other money do not count.",
     .example = "spend: GBP"},
    {.name = "points",
     .type = SCHEMA_NAME,
     .help = "Measure the points of this currency that members earn, whether or not they are spent "
             "or expired since.",
     .example = "points: growth"},
    {.name = "basis",
     .type = SCHEMA_MAP,
     .map = &schema_basis,
     .help = "With `spend`: what of an order counts.",
     .example = "basis: { without_tax: false }"},
};
const struct schema_map schema_metric = {"metric", KEYS(metric_keys)};

static const struct schema_key level_keys[] = {
    {.name = "level",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The level's name, once in its group.",
     .example = "level: silver"},
    {.name = "from",
     .type = SCHEMA_THRESHOLD,
     .required = true,
     .help = "Where the level begins: money for `spend`, a number of points for `points`. The "
             "first level begins at 0.",
     .example = "from: 500.00 GBP"},
    {.name = "multiplier",
     .type = SCHEMA_FACTOR,
     .fallback = "1",
     .help = "By what rules that name this group multiply their points.",
     .example = "multiplier: 1.5"},
};
const struct schema_map schema_level = {"a level", KEYS(level_keys)};

static const struct schema_key tier_group_keys[] = {
    {.name = "group",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The ladder's name, once in the rulebook.",
     .example = "group: status"},
    {.name = "metric",
     .type = SCHEMA_MAP,
     .map = &schema_metric,
     .required = true,
     .help = "What is measured: exactly one of `spend` and `points`.",
     .example = "metric: { spend: GBP }"},
    {.name = "window",
     .type = SCHEMA_WORD,
     .words = &schema_words_window,
     .fallback = "calendar year",
     .help = "Over which time it is measured. At the end of a calendar year levels are reviewed; "
             "`lifetime` has no review.",
     .example = "window: lifetime"},
    {.name = "downgrade",
     .type = SCHEMA_WORD,
     .words = &schema_words_downgrade,
     .fallback = "none",
     .help = "What a review does to a member who no longer meets the level held: nothing, one "
             "level down, or down to "
             "the level that is met. Upgrades happen at once.",
     .example = "downgrade: to qualified"},
    {.name = "levels",
     .type = SCHEMA_LIST,
     .map = &schema_level,
     .required = true,
     .min = 1,
     .max = PROGRAM_LEVELS_MAX,
     .help = "The ladder, from the lowest level up.",
     .example = "levels: [ { level: member, from: 0 }, { level: gold, from: 500.00 GBP, "
                "multiplier: 1.5 } ]"},
};
const struct schema_map schema_tier_group = {"a tier group", KEYS(tier_group_keys)};

static const struct schema_key returns_keys[] = {
    {.name = "method",
     .type = SCHEMA_WORD,
     .words = &schema_words_claw_back,
     .fallback = "item",
     .help = "How much a refund claws back. `item`: each line's own points, times the part of the "
             "line that is returned.",
     .example = "method: item"},
    {.name = "arrears",
     .type = SCHEMA_WORD,
     .words = &schema_words_arrears,
     .fallback = "allow",
     .help = "What happens when the points of a returned purchase are spent already. `allow`: the "
             "member owes them, and "
             "the next points earned pay first.",
     .example = "arrears: allow"},
};
const struct schema_map schema_returns = {"returns", KEYS(returns_keys)};

static const struct schema_key rulebook_keys[] = {
    {.name = "rulebook",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The rulebook's name.",
     .example = "rulebook: general-retailer"},
    {.name = "version",
     .type = SCHEMA_WHOLE,
     .required = true,
     .min = 1,
     .max = UINT32_MAX,
     .help = "Rises with every activation. Points keep the version that granted them.",
     .example = "version: 1"},
    {.name = "effective_from",
     .type = SCHEMA_START,
     .required = true,
     .help = "Events that occurred from then on are judged by this version. A date is its midnight "
             "in the programme's zone; "
             "an instant carries Z or an offset.",
     .example = "effective_from: 2026-01-01"},
    {.name = "zone",
     .type = SCHEMA_ZONE,
     .required = true,
     .help = "The programme's time zone, by its IANA name: months and years of expiry and tiers "
             "are counted there. "
             "Never changes once activated.",
     .example = "zone: Europe/London"},
    {.name = "accept",
     .type = SCHEMA_MAP,
     .map = &schema_accept,
     .help = "How far an event's own time may lie from the time at which it arrives.",
     .example = "accept: { future: 5 min, past: 366 days }"},
    {.name = "members",
     .type = SCHEMA_MAP,
     .map = &schema_members,
     .help = "How members come into the programme.",
     .example = "members: { unknown: auto-enrol }"},
    {.name = "currencies",
     .type = SCHEMA_NAMED,
     .map = &schema_points_currency,
     .required = true,
     .min = 1,
     .max = PROGRAM_CURRENCIES_MAX,
     .help = "The kinds of points, each under the name by which events and rules call it.",
     .example = "currencies: { points: { expiry: none } }"},
    {.name = "earn",
     .type = SCHEMA_LIST,
     .map = &schema_earn_rule,
     .max = PROGRAM_RULES_MAX,
     .help = "The rules by which orders earn. Left out: nothing earns.",
     .example = "earn: [ { rule: base, currency: points, rate: 1 per 1.00 GBP } ]"},
    {.name = "combine",
     .type = SCHEMA_MAP,
     .map = &schema_combine,
     .help = "What happens when several rules fit.",
     .example = "combine: { lines: max }"},
    {.name = "tiers",
     .type = SCHEMA_LIST,
     .map = &schema_tier_group,
     .max = PROGRAM_GROUPS_MAX,
     .help = "Ladders of levels; each is independent of the others. Left out: no levels.",
     .example = "tiers: [ { group: status, metric: { spend: GBP }, levels: [ { level: member, "
                "from: 0 } ] } ]"},
    {.name = "returns",
     .type = SCHEMA_MAP,
     .map = &schema_returns,
     .help = "What refunds and cancellations take back.",
     .example = "returns: { method: item, arrears: allow }"},
};
const struct schema_map schema_rulebook = {"the rulebook", KEYS(rulebook_keys)};

/* ---- Shape
 * ----------------------------------------------------------------------------------------------------------
 */

static enum yaml_kind
kind_of(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TEXTS:
    case SCHEMA_WORDS:
    case SCHEMA_LIST: return YAML_LIST;
    case SCHEMA_MAP:
    case SCHEMA_MAP_OR_NONE:
    case SCHEMA_NAMED: return YAML_MAP;
    default: return YAML_TEXT;
    }
}

static bool
fits(const struct schema_key *key, const struct yaml_node *node)
{
    if (key->type == SCHEMA_MAP_OR_NONE && yaml_is(node, "none")) return true;
    bool missing = node->kind == YAML_TEXT && node->text.size == 0 && !node->quoted;
    return node->kind == kind_of(key->type) && !missing;
}

static bool check_map(const struct schema_map *schema, const struct yaml_node *map,
                      struct diagnostics *diagnostics);

static bool
check_count(const struct schema_key *key, const struct yaml_node *node,
            struct diagnostics *diagnostics)
{
    if (key->max != 0 && node->count > key->max) {
        return diagnostics_error(diagnostics, node->key_place,
                                 "'%s' has %u entries; at most %lld are allowed", key->name,
                                 node->count, (long long)key->max);
    }
    if (key->min != 0 && node->count < key->min) {
        diagnostics_error(diagnostics, node->key_place, "'%s' is empty", key->name);
        diagnostics_hint(diagnostics,
                         key->required ? "for example: %s" : "for example: %s; or leave it out",
                         key->example);
        return false;
    }
    return true;
}

static bool
check_key(const struct schema_key *key, const struct yaml_node *node,
          struct diagnostics *diagnostics)
{
    if (!fits(key, node)) {
        yaml_expect(node, kind_of(key->type), diagnostics);
        diagnostics_hint(diagnostics, "for example: %s", key->example);
        return false;
    }
    if (node->kind == YAML_TEXT) return true;
    if (key->type == SCHEMA_MAP || key->type == SCHEMA_MAP_OR_NONE)
        return check_map(key->map, node, diagnostics);
    bool all_good = check_count(key, node, diagnostics);
    if (key->type != SCHEMA_LIST && key->type != SCHEMA_NAMED) return all_good;
    for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
        bool good =
            yaml_expect(entry, YAML_MAP, diagnostics) && check_map(key->map, entry, diagnostics);
        all_good = good && all_good;
    }
    return all_good;
}

/* Whether an unknown key of the map was taken for this one: then it is not missing as well. */
static bool
is_misspelt(const struct yaml_node *map, const char *const *names, size_t name_count,
            const char *key)
{
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const char *nearest = suggest_nearest(node->key, names, name_count);
        if (nearest != NULL && strcmp(nearest, key) == 0) return true;
    }
    return false;
}

static bool
check_map(const struct schema_map *schema, const struct yaml_node *map,
          struct diagnostics *diagnostics)
{
    const char *names[32];
    CHECK(schema->key_count <= sizeof names / sizeof *names);
    for (size_t i = 0; i < schema->key_count; i++) {
        names[i] = schema->keys[i].name;
    }
    bool all_good = yaml_check_keys(map, names, schema->key_count, diagnostics);
    for (size_t i = 0; i < schema->key_count; i++) {
        const struct schema_key *key = &schema->keys[i];
        const struct yaml_node *node = yaml_get(map, key->name);
        if (node != NULL) {
            all_good = check_key(key, node, diagnostics) && all_good;
        } else if (key->required && !is_misspelt(map, names, schema->key_count, key->name)) {
            all_good = diagnostics_error(diagnostics, map->place, "%s needs the key '%s'",
                                         schema->title, key->name);
            diagnostics_hint(diagnostics, "for example: %s", key->example);
        }
    }
    return all_good;
}

bool
schema_check(const struct yaml_node *root, struct diagnostics *diagnostics)
{
    return yaml_expect(root, YAML_MAP, diagnostics) &&
           check_map(&schema_rulebook, root, diagnostics);
}

/* ---- Values
 * ---------------------------------------------------------------------------------------------------------
 */

const struct schema_key *
schema_find(const struct schema_map *schema, const char *key)
{
    for (size_t i = 0; i < schema->key_count; i++) {
        if (strcmp(schema->keys[i].name, key) == 0) return &schema->keys[i];
    }
    CHECK_MSG(false, "%s has no key '%s'", schema->title, key);
    return NULL;
}

static struct yaml_node *
make_text(struct bytes text, struct place place, struct arena *arena)
{
    struct yaml_node *node = arena_alloc(arena, sizeof *node);
    CHECK_MSG(node != NULL, "the arena is smaller than RULES_ARENA_BYTES");
    *node = (struct yaml_node){.kind = YAML_TEXT, .place = place, .text = text};
    return node;
}

/* The default of a key as the tree would hold it. */
static const struct yaml_node *
make_fallback(const struct schema_key *key, struct place place, struct arena *arena)
{
    if (kind_of(key->type) == YAML_TEXT)
        return make_text(bytes_from_cstr(key->fallback), place, arena);
    struct yaml_node *list = make_text(bytes_of(NULL, 0), place, arena);
    list->kind = YAML_LIST;
    struct yaml_node **link = &list->first;
    for (const char *at = key->fallback; at != NULL;) {
        const char *end = strstr(at, ", ");
        size_t size = end == NULL ? strlen(at) : (size_t)(end - at);
        struct yaml_node *entry = make_text(bytes_of(at, size), place, arena);
        *link = entry;
        link = &entry->next;
        list->count++;
        at = end == NULL ? NULL : end + 2;
    }
    return list;
}

const struct yaml_node *
schema_get(const struct schema_map *schema, const struct yaml_node *map, const char *key,
           struct arena *arena)
{
    const struct schema_key *row = schema_find(schema, key);
    const struct yaml_node *node = yaml_get(map, key);
    if (node != NULL) return fits(row, node) ? node : NULL;
    if (row->fallback == NULL) return NULL;
    return make_fallback(row, map != NULL ? map->place : (struct place){0, 0}, arena);
}

const char *
schema_word_of(const struct schema_words *words, int32_t code)
{
    for (size_t i = 0; i < words->count; i++) {
        if (words->codes[i] == code) return words->texts[i];
    }
    CHECK_MSG(false, "no word for code %d", code);
    return NULL;
}
