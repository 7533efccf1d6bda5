/* Currencies, funders and stores. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

/* The name under which a value stands in a map of the operator's names. */
static struct yaml_node
name_node(const struct yaml_node *node)
{
    return (struct yaml_node){
        .kind = YAML_TEXT, .quoted = true, .place = node->key_place, .text = node->key};
}

/* ---- Expiry ---- */

static const char *const expiry_kinds[] = {"after", "dates", "at", "inactivity"};

/* A key that says nothing for the kind of expiry that was chosen. */
static void
refuse_expiry_key(struct compiler *compiler, const struct yaml_node *node, const char *key,
                  const char *kind)
{
    const struct yaml_node *given = yaml_get(node, key);
    if (given == NULL) return;
    diagnostics_error(compiler->diagnostics, given->key_place, "'%s' says nothing with '%s'", key,
                      kind);
    diagnostics_hint(compiler->diagnostics, "remove it");
}

static bool
compile_length(struct compiler *compiler, const struct yaml_node *node, const char *key,
               struct program_expiry *expiry)
{
    const struct yaml_node *text = get(compiler, &schema_expiry, node, key);
    return text != NULL &&
           scalar_period(text, compiler->diagnostics, &expiry->amount, &expiry->unit);
}

static bool
compile_after(struct compiler *compiler, const struct yaml_node *node,
              struct program_expiry *expiry)
{
    int32_t round = get_word(compiler, &schema_expiry, node, "round");
    bool to_month = round > SCHEMA_ROUND_MONTH;
    expiry->kind = EXPIRY_PERIOD;
    expiry->round_up_to = to_month ? CALENDAR_NONE : (enum calendar_unit)round;
    expiry->round_month = to_month ? (uint8_t)(round - SCHEMA_ROUND_MONTH) : 0;
    if (!compile_length(compiler, node, "after", expiry)) return false;
    if (expiry->amount == 0 && round == CALENDAR_NONE) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "after")->place,
                          "points would expire at the instant they are earned");
        diagnostics_hint(compiler->diagnostics, "give a period, or round it to the end of a month");
    }
    return true;
}

static void
compile_counts(struct compiler *compiler, const struct yaml_node *node,
               struct program_expiry *expiry)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {{"purchase", COUNTS_PURCHASE},
                 {"redeem", COUNTS_REDEEM},
                 {"hold", COUNTS_HOLD},
                 {"delivered", COUNTS_DELIVERED},
                 {"activity", COUNTS_ACTIVITY}};
    const struct yaml_node *list = get(compiler, &schema_expiry, node, "counts");
    struct program_texts texts = compile_texts(compiler, list, "kind");
    struct bytes *kinds = compile_room(compiler, texts.count + 1, sizeof *kinds);
    for (uint32_t i = 0; i < texts.count; i++) {
        uint32_t bit = 0;
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
            if (bytes_equal(texts.items[i], bytes_from_cstr(words[k].word))) bit = words[k].bit;
        }
        expiry->counts |= bit;
        if (bit == 0) kinds[expiry->count_kinds.count++] = texts.items[i];
    }
    expiry->count_kinds.items = kinds;
    if ((expiry->counts & COUNTS_ACTIVITY) != 0 && expiry->count_kinds.count != 0) {
        diagnostics_warning(compiler->diagnostics, list->key_place,
                            "'%.*s' adds nothing: 'activity' stands for any", (int)kinds[0].size,
                            (const char *)kinds[0].data);
        diagnostics_hint(compiler->diagnostics, "keep either of them");
        expiry->count_kinds.count = 0;
    }
    if (list == NULL && !is_given(node, "counts")) {
        diagnostics_error(compiler->diagnostics, yaml_get(node, "inactivity")->key_place,
                          "'inactivity' needs the key 'counts'");
        diagnostics_hint(compiler->diagnostics, "for example: counts: [purchase, redeem]");
    }
}

static bool
compile_inactivity(struct compiler *compiler, const struct yaml_node *node,
                   struct program_expiry *expiry)
{
    expiry->kind = EXPIRY_INACTIVITY;
    compile_counts(compiler, node, expiry);
    if (!compile_length(compiler, node, "inactivity", expiry)) return false;
    if (expiry->amount != 0) return true;
    diagnostics_error(compiler->diagnostics, yaml_get(node, "inactivity")->place,
                      "points would expire at the instant they are earned");
    diagnostics_hint(compiler->diagnostics, "for example: inactivity: 12 months");
    return false;
}

/* Which of the four kinds is written; `after` when none is. NULL when there are several. */
static const char *
choose_expiry(struct compiler *compiler, const struct yaml_node *node)
{
    const char *chosen = NULL;
    for (size_t i = 0; i < sizeof expiry_kinds / sizeof *expiry_kinds; i++) {
        if (!is_given(node, expiry_kinds[i])) continue;
        if (chosen != NULL) {
            diagnostics_error(compiler->diagnostics, yaml_get(node, expiry_kinds[i])->key_place,
                              "points expire either by '%s' or by '%s'", chosen, expiry_kinds[i]);
            diagnostics_hint(compiler->diagnostics,
                             "an expiry has one of after, dates, at and inactivity");
            return NULL;
        }
        chosen = expiry_kinds[i];
    }
    return chosen == NULL ? "after" : chosen;
}

static struct program_expiry
compile_expiry(struct compiler *compiler, const struct yaml_node *currency)
{
    const struct program_expiry none = {.kind = EXPIRY_NONE};
    const struct yaml_node *node = get(compiler, &schema_points_currency, currency, "expiry");
    if (yaml_is(node, "none")) return none;
    struct program_expiry expiry = {0};
    const char *kind = choose_expiry(compiler, node);
    if (kind == NULL) return none;
    bool good = true;
    if (strcmp(kind, "after") == 0) {
        good = compile_after(compiler, node, &expiry);
    } else {
        refuse_expiry_key(compiler, node, "round", kind);
    }
    if (strcmp(kind, "dates") == 0) {
        expiry.kind = EXPIRY_DATES;
        expiry.dates =
            compile_dates(compiler, get(compiler, &schema_expiry, node, kind), &expiry.date_count);
    }
    if (strcmp(kind, "at") == 0)
        expiry.kind = (enum expiry_kind)get_word(compiler, &schema_expiry, node, kind);
    if (strcmp(kind, "inactivity") == 0) {
        good = compile_inactivity(compiler, node, &expiry);
        refuse_expiry_key(compiler, node, "from", kind);
    } else {
        refuse_expiry_key(compiler, node, "counts", kind);
        expiry.from_earning = get_word(compiler, &schema_expiry, node, "from") != 0;
    }
    expiry.grace_days = get_days(compiler, &schema_expiry, node, "grace");
    return good ? expiry : none;
}

/* ---- Currencies ---- */

static void
compile_currency(struct compiler *compiler, const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    const struct yaml_node name = name_node(node);
    struct program_currency currency = {0};
    if (!scalar_name(&name, compiler->diagnostics, &currency.id)) return;
    currency.scale = (uint8_t)get_whole(compiler, &schema_points_currency, node, "scale");
    currency.rounding =
        (enum rounding)get_word(compiler, &schema_points_currency, node, "rounding");
    currency.qualifying = get_boolean(compiler, &schema_points_currency, node, "qualifying");
    currency.expiry = compile_expiry(compiler, node);
    currency.notice_days = get_days(compiler, &schema_points_currency, node, "expiring_soon");
    if (currency.expiry.kind == EXPIRY_NONE) currency.notice_days = 0;
    compiler->currency_places[program->currency_count] = node->key_place;
    program->currencies[program->currency_count++] = currency;
}

void
compile_currencies(struct compiler *compiler, const struct yaml_node *root)
{
    const struct yaml_node *map = get(compiler, &schema_rulebook, root, "currencies");
    if (map == NULL || map->count > PROGRAM_CURRENCIES_MAX) return;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next)
        compile_currency(compiler, node);
}

/* ---- Funders ---- */

static int
compare_funders(const void *left, const void *right)
{
    const struct program_funder *a = left, *b = right;
    return bytes_compare(a->id, b->id);
}

void
compile_funders(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *map = get(compiler, &schema_rulebook, root, "funders");
    if (map == NULL || map->count > PROGRAM_FUNDERS_MAX) return;
    struct program_funder *funders = compile_room(compiler, map->count + 1, sizeof *funders);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct yaml_node name = name_node(node);
        struct program_funder funder = {.unit_cost = {0, 1}};
        if (!scalar_name(&name, compiler->diagnostics, &funder.id)) continue;
        const struct yaml_node *cost = get(compiler, &schema_funder, node, "unit_cost");
        if (cost != NULL)
            scalar_cost(cost, compiler->diagnostics, &funder.unit_cost, &funder.money);
        funders[program->funder_count++] = funder;
    }
    qsort(funders, program->funder_count, sizeof *funders, compare_funders);
    program->funders = funders;
}

/* ---- Stores ---- */

static int
compare_stores(const void *left, const void *right)
{
    const struct program_store *a = left, *b = right;
    return bytes_compare(a->id, b->id);
}

static int
compare_zones(const void *left, const void *right)
{
    const struct program_zone *a = left, *b = right;
    return bytes_compare(a->name, b->name);
}

/* Loads a zone that is not loaded yet. */
static void
take_zone(struct compiler *compiler, struct program_zone *zones, const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    for (uint32_t i = 0; i < program->zone_count; i++) {
        if (bytes_equal(zones[i].name, node->text)) return;
    }
    if (program->zone_count == PROGRAM_ZONES_MAX) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "the stores are in more than %d time zones", PROGRAM_ZONES_MAX);
        diagnostics_hint(compiler->diagnostics,
                         "zones that agree for the programme's years may share one name");
        return;
    }
    struct program_zone zone = {.name = node->text};
    if (compile_zone_of(compiler, node, &zone.zone)) zones[program->zone_count++] = zone;
}

static uint32_t
find_zone(const struct program *program, struct bytes name)
{
    uint32_t i = 0;
    while (i < program->zone_count && !bytes_equal(program->zones[i].name, name))
        i++;
    return i;
}

void
compile_stores(struct compiler *compiler, const struct yaml_node *root)
{
    struct program *program = &compiler->program;
    const struct yaml_node *map = get(compiler, &schema_rulebook, root, "stores");
    if (map == NULL || map->count > PROGRAM_STORES_MAX) return;
    struct program_store *stores = compile_room(compiler, map->count + 1, sizeof *stores);
    struct program_zone *zones = compile_room(compiler, PROGRAM_ZONES_MAX, sizeof *zones);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct yaml_node *zone = get(compiler, &schema_store, node, "zone");
        if (zone != NULL) take_zone(compiler, zones, zone);
    }
    qsort(zones, program->zone_count, sizeof *zones, compare_zones);
    program->zones = zones;
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct yaml_node name = name_node(node);
        const struct yaml_node *zone = get(compiler, &schema_store, node, "zone");
        struct program_store store = {0};
        if (!scalar_text(&name, compiler->diagnostics, &store.id) || zone == NULL) continue;
        store.zone = find_zone(program, zone->text);
        if (store.zone < program->zone_count) stores[program->store_count++] = store;
    }
    qsort(stores, program->store_count, sizeof *stores, compare_stores);
    program->stores = stores;
}
