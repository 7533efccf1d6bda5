#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/rules/compile.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/condition_compile.h"
#include "engine/rules/scalar.h"
#include "engine/rules/zone.h"

enum { PENDING_AMOUNT_MAX = 3660 };

struct program_basis
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

bool
compile_zone_of(struct compiler *compiler, const struct yaml_node *node, struct zone *out_zone)
{
    struct fault fault;
    if (zone_load(node->text, compiler->arena, out_zone, &fault)) return true;
    diagnostics_error(compiler->diagnostics, node->place, "unknown time zone '%.*s': %s",
                      node->text.size < ZONE_NAME_BYTES_MAX ? (int)node->text.size
                                                            : ZONE_NAME_BYTES_MAX,
                      (const char *)node->text.data, fault.text);
    size_t mark = arena_mark(compiler->arena);
    const char *nearest = zone_suggest(node->text, compiler->arena);
    if (nearest != NULL) {
        diagnostics_hint(compiler->diagnostics, "did you mean '%s'?", nearest);
    } else {
        diagnostics_hint(compiler->diagnostics,
                         "write an IANA name such as Europe/London, Asia/Shanghai or UTC");
    }
    arena_reset_to(compiler->arena, mark);
    return false;
}

/* ---- Windows and dates ---- */

struct program_window
compile_window(struct compiler *compiler, const struct schema_map *schema,
               const struct yaml_node *node)
{
    struct program *program = &compiler->program;
    struct program_window window = {{INT64_MIN}, {INT64_MAX}};
    const struct yaml_node *from = get(compiler, schema, node, "from");
    const struct yaml_node *until = get(compiler, schema, node, "until");
    if (from != NULL) scalar_start(from, &program->zone, compiler->diagnostics, &window.from);
    if (until != NULL) scalar_start(until, &program->zone, compiler->diagnostics, &window.until);
    if (window.from.ms >= window.until.ms) {
        diagnostics_error(compiler->diagnostics, until->place, "the window ends before it starts");
        diagnostics_hint(compiler->diagnostics,
                         "'until' is the first instant that does not belong to it: it must lie "
                         "after 'from'");
        return (struct program_window){{INT64_MIN}, {INT64_MAX}};
    }
    if (until != NULL && window.until.ms <= program->effective_from.ms) {
        diagnostics_warning(compiler->diagnostics, until->place,
                            "the window has ended before this version begins");
        diagnostics_hint(compiler->diagnostics,
                         "remove it: what occurred before effective_from is judged by an older "
                         "version");
    }
    return window;
}

static int
compare_dates(const void *left, const void *right)
{
    const struct program_date *a = left, *b = right;
    if (a->month != b->month) return a->month < b->month ? -1 : 1;
    return (a->day > b->day) - (a->day < b->day);
}

const struct program_date *
compile_dates(struct compiler *compiler, const struct yaml_node *list, uint32_t *out_count)
{
    *out_count = 0;
    if (list == NULL || list->count == 0 || list->count > PROGRAM_DATES_MAX) return NULL;
    struct program_date *dates = compile_room(compiler, list->count, sizeof *dates);
    uint32_t count = 0;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        struct program_date date;
        if (!scalar_date(entry, compiler->diagnostics, &date.month, &date.day)) continue;
        bool listed = false;
        for (uint32_t i = 0; i < count; i++)
            listed = listed || compare_dates(&dates[i], &date) == 0;
        if (listed) {
            diagnostics_error(compiler->diagnostics, entry->place, "%.*s is listed twice",
                              (int)entry->text.size, (const char *)entry->text.data);
            diagnostics_hint(compiler->diagnostics, "keep one of them");
        } else {
            dates[count++] = date;
        }
    }
    qsort(dates, count, sizeof *dates, compare_dates);
    *out_count = count;
    return dates;
}

/* ---- Filters ---- */

static int
compare_texts(const void *left, const void *right)
{
    return bytes_compare(*(const struct bytes *)left, *(const struct bytes *)right);
}

struct program_texts
compile_texts(struct compiler *compiler, const struct yaml_node *list, const char *singular)
{
    struct program_texts texts = {0};
    if (list == NULL || list->count == 0 || list->count > PROGRAM_TEXTS_MAX) return texts;
    struct bytes *items = compile_room(compiler, list->count, sizeof *items);
    texts.items = items;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        struct bytes text;
        if (!scalar_text(entry, compiler->diagnostics, &text)) continue;
        bool listed = false;
        for (uint32_t i = 0; i < texts.count; i++)
            listed = listed || bytes_equal(items[i], text);
        if (listed) {
            diagnostics_error(compiler->diagnostics, entry->place, "%s '%.*s' is listed twice",
                              singular, (int)text.size, (const char *)text.data);
            diagnostics_hint(compiler->diagnostics, "keep one of them");
        } else {
            items[texts.count++] = text;
        }
    }
    qsort(items, texts.count, sizeof *items, compare_texts);
    return texts;
}

struct program_condition
compile_condition(struct compiler *compiler, const struct yaml_node *node,
                  enum condition_scope scope)
{
    struct program_condition condition = {0};
    uint64_t cost;
    if (node == NULL || !condition_compile_node(node, scope, compiler->arena, compiler->diagnostics,
                                                &condition.code, &cost)) {
        return (struct program_condition){0};
    }
    struct condition *decoded = compile_room(compiler, 1, sizeof *decoded);
    struct fault fault;
    bool sound = condition_decode(condition.code, compiler->arena, decoded, &fault);
    CHECK_MSG(sound, "a condition that was compiled does not decode: %s", fault.text);
    condition.decoded = decoded;
    bool was_within = compiler->cost <= RULES_COST_MAX;
    compiler->cost += cost;
    if (was_within && compiler->cost > RULES_COST_MAX) {
        diagnostics_error(compiler->diagnostics, node->place,
                          "with this condition all of them may take %llu steps for one event; at "
                          "most %llu are allowed",
                          (unsigned long long)compiler->cost, (unsigned long long)RULES_COST_MAX);
        diagnostics_hint(
            compiler->diagnostics,
            "what costs most are conditions of rules per line, and `exists` and `all`");
    }
    return condition;
}

struct program_filter
compile_filter(struct compiler *compiler, const struct schema_map *schema,
               const struct yaml_node *node, enum condition_scope scope, bool has_window)
{
    struct program_filter filter = PROGRAM_FILTER_NONE;
    const struct {
        const char *key, *singular;
        struct program_texts *texts;
    } lists[] = {
        {"categories", "category", &filter.categories},
        {"skus", "sku", &filter.skus},
        {"brands", "brand", &filter.brands},
        {"channels", "channel", &filter.channels},
        {"stores", "store", &filter.stores},
        {"partners", "partner", &filter.partners},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!schema_has(schema, lists[i].key)) continue;
        const struct yaml_node *list = get(compiler, schema, node, lists[i].key);
        *lists[i].texts = compile_texts(compiler, list, lists[i].singular);
    }
    filter.when = compile_condition(compiler, get(compiler, schema, node, "when"), scope);
    if (has_window) filter.window = compile_window(compiler, schema, node);
    return filter;
}

/* ---- How often and when ---- */

struct program_times
compile_times(struct compiler *compiler, const struct schema_map *schema,
              const struct yaml_node *node)
{
    struct program_times times = {.per = PER_LIFETIME};
    if (!is_given(node, "times")) {
        refuse_key(compiler, node, "per", "says nothing without 'times'",
                   "add how often, as in 'times: 1'");
        return times;
    }
    times.count = (uint32_t)get_whole(compiler, schema, node, "times");
    if (is_given(node, "per")) times.per = (enum per)get_word(compiler, schema, node, "per");
    return times;
}

static bool
compile_delay(struct compiler *compiler, const struct yaml_node *node, const char *key,
              struct program_period *out_period)
{
    const struct yaml_node *text = get(compiler, &schema_pending, node, key);
    struct program_period period;
    if (text == NULL || !scalar_period(text, compiler->diagnostics, &period.amount, &period.unit)) {
        return false;
    }
    if (period.amount == 0 || period.amount > PENDING_AMOUNT_MAX) {
        diagnostics_error(compiler->diagnostics, text->place,
                          "'%s' must be above nothing and at most ten years", key);
        diagnostics_hint(compiler->diagnostics, "for example: %s",
                         schema_find(&schema_pending, key)->example);
        return false;
    }
    *out_period = period;
    return true;
}

struct program_pending
compile_pending(struct compiler *compiler, const struct schema_map *schema,
                const struct yaml_node *node)
{
    struct program_pending pending = {.kind = PENDING_NONE};
    const struct yaml_node *map = get(compiler, schema, node, "pending");
    if (map == NULL || map->kind != YAML_MAP) return pending;
    bool after = is_given(map, "after"), until = is_given(map, "until"), on = is_given(map, "on");
    if (after + until + on == 0 && has_unknown_key(&schema_pending, map)) return pending;
    if (after + until + on != 1) {
        diagnostics_error(compiler->diagnostics, map->key_place,
                          "'pending' has exactly one of after, until and on");
        diagnostics_hint(compiler->diagnostics,
                         "for example: pending: { after: 14 days }, or pending: none");
        return pending;
    }
    if (!on) {
        refuse_key(compiler, map, "within", "belongs to 'on'",
                   "write 'on: delivered', or remove it");
    }
    if (after && compile_delay(compiler, map, "after", &pending.period))
        pending.kind = PENDING_AFTER;
    const struct yaml_node *instant = get(compiler, &schema_pending, map, "until");
    if (instant != NULL &&
        scalar_start(instant, &compiler->program.zone, compiler->diagnostics, &pending.until)) {
        pending.kind = PENDING_UNTIL;
    }
    if (on) {
        pending.kind = (enum pending_kind)get_word(compiler, &schema_pending, map, "on");
        compile_delay(compiler, map, "within", &pending.period);
    }
    return pending;
}
