#include "consumers/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumers/codec_text.h"
#include "engine/base/check.h"
#include "engine/base/region.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/scalar.h"
#include "engine/rules/yaml.h"
#include "engine/rules/zone.h"

enum { SHOWN_BYTES = 60 };

struct reading {
    struct map *map;
    struct arena *arena; /* what the map keeps */
    struct diagnostics *diagnostics;
};

#define SHOWN(text)                                                                                \
    (int)((text).size < SHOWN_BYTES ? (text).size : SHOWN_BYTES), (const char *)(text).data

#define KEYS(...)                                                                                  \
    (const char *const[]){__VA_ARGS__},                                                            \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

static bool
check_keys(struct reading *reading, const struct yaml_node *node, const char *const *keys,
           size_t count)
{
    return yaml_expect(node, YAML_MAP, reading->diagnostics) &&
           yaml_check_keys(node, keys, count, reading->diagnostics);
}

static bool
missing(struct reading *reading, const struct yaml_node *node, const char *key, const char *example)
{
    diagnostics_error(reading->diagnostics, node->place, "'%s' is missing", key);
    diagnostics_hint(reading->diagnostics, "add '%s: %s'", key, example);
    return false;
}

static bool
keep(struct reading *reading, struct bytes text, struct bytes *out_text)
{
    if (arena_copy_bytes(reading->arena, text, out_text)) return true;
    return diagnostics_error(reading->diagnostics, (struct place){0, 0}, "the map is too large");
}

/* ---- Columns ---- */

static bool
find_column(struct reading *reading, struct place place, struct bytes name, uint32_t *out_column)
{
    const struct map *map = reading->map;
    const char *names[MAP_COLUMNS_MAX];
    for (uint32_t i = 0; i < map->column_count; i++) {
        if (bytes_equal(map->columns[i], name)) {
            *out_column = i;
            return true;
        }
        names[i] = (const char *)map->columns[i].data; /* kept with a NUL behind it */
    }
    diagnostics_error(reading->diagnostics, place, "'%.*s' is not one of the columns", SHOWN(name));
    const char *nearest = suggest_nearest(name, names, map->column_count);
    if (nearest != NULL) {
        diagnostics_hint(reading->diagnostics, "did you mean '%s'?", nearest);
    } else {
        diagnostics_hint(reading->diagnostics,
                         "write it as the file's header has it, and name it under 'columns'");
    }
    return false;
}

static bool
read_columns(struct reading *reading, const struct yaml_node *root)
{
    struct map *map = reading->map;
    const struct yaml_node *list = yaml_get(root, "columns");
    if (list == NULL)
        return missing(reading, root, "columns",
                       "[…], the names in the file's header that the map uses");
    if (!yaml_expect(list, YAML_LIST, reading->diagnostics)) return false;
    if (list->count == 0 || list->count > MAP_COLUMNS_MAX)
        return diagnostics_error(reading->diagnostics, list->place,
                                 "'columns' has %u names; 1 to %d are possible", list->count,
                                 MAP_COLUMNS_MAX);
    bool good = true;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (!yaml_expect(node, YAML_TEXT, reading->diagnostics)) {
            good = false;
            continue;
        }
        for (uint32_t i = 0; i < map->column_count; i++) {
            if (!bytes_equal(map->columns[i], node->text)) continue;
            good = diagnostics_error(reading->diagnostics, node->place,
                                     "column '%.*s' is named twice", SHOWN(node->text));
        }
        uint8_t *name = arena_alloc(reading->arena, node->text.size + 1);
        if (name == NULL)
            return diagnostics_error(reading->diagnostics, node->place, "the map is too large");
        if (node->text.size > 0) memcpy(name, node->text.data, node->text.size);
        name[node->text.size] = '\0';
        map->columns[map->column_count++] = bytes_of(name, node->text.size);
    }
    return good;
}

/* A key whose value is a column's name. */
static bool
read_column(struct reading *reading, const struct yaml_node *map, const char *key, bool needed,
            uint32_t *out_column)
{
    const struct yaml_node *node = yaml_get(map, key);
    *out_column = MAP_NO_COLUMN;
    if (node == NULL) return !needed || missing(reading, map, key, "COLUMN");
    if (!yaml_expect(node, YAML_TEXT, reading->diagnostics)) return false;
    return find_column(reading, node->place, node->text, out_column);
}

/* ---- Templates ---- */

static bool
add_part(struct reading *reading, const struct yaml_node *node, struct map_template *template,
         struct map_part part)
{
    if (template->count == MAP_PARTS_MAX)
        return diagnostics_error(reading->diagnostics, node->place, "more than %d parts",
                                 MAP_PARTS_MAX);
    template->parts[template->count++] = part;
    return true;
}

static bool
brace_error(struct reading *reading, const struct yaml_node *node, const char *what)
{
    diagnostics_error(reading->diagnostics, node->place, "%s in '%.*s'", what, SHOWN(node->text));
    diagnostics_hint(reading->diagnostics, "a column stands in braces, as in \"order-{invoice}\"");
    return false;
}

/* "order-{invoice}". A brace is always one of a column. */
static bool
read_template(struct reading *reading, const struct yaml_node *node,
              struct map_template *out_template)
{
    struct map_template template = {.count = 0};
    if (!yaml_expect(node, YAML_TEXT, reading->diagnostics)) return false;
    const uint8_t *at = node->text.data, *end = at + node->text.size;
    while (at < end) {
        struct map_part part = {.is_column = *at == '{'};
        const uint8_t *from = at + part.is_column;
        for (at = from; at < end && *at != '{' && *at != '}';) {
            at++;
        }
        struct bytes text = bytes_of(from, (size_t)(at - from));
        if (part.is_column) {
            if (at == end || *at != '}')
                return brace_error(reading, node, "a brace that is not closed");
            at++;
            if (!find_column(reading, node->place, text, &part.column)) return false;
        } else {
            if (at < end && *at == '}')
                return brace_error(reading, node, "a brace that was not opened");
            if (!keep(reading, text, &part.text)) return false;
        }
        if (!add_part(reading, node, &template, part)) return false;
    }
    if (template.count == 0) return brace_error(reading, node, "nothing");
    *out_template = template;
    return true;
}

static bool
read_needed_template(struct reading *reading, const struct yaml_node *map, const char *key,
                     struct map_template *out_template)
{
    const struct yaml_node *node = yaml_get(map, key);
    if (node == NULL) return missing(reading, map, key, "\"{COLUMN}\"");
    return read_template(reading, node, out_template);
}

/* ---- Conditions ---- */

static bool
read_condition(struct reading *reading, uint32_t column, const struct yaml_node *node,
               struct map_condition *out_condition)
{
    static const char *const tests[] = {"starts_with", "not_starts_with", "equals",
                                        "not_equals",  "empty",           "sign"};
    static const char *const signs[] = {"negative", "zero", "positive"};
    struct map_condition condition = {.column = column};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (bytes_equal(node->key, bytes_from_cstr(tests[i]))) condition.test = (enum map_test)i;
    }
    if (condition.test == MAP_EMPTY) {
        bool empty;
        if (!yaml_boolean(node, reading->diagnostics, &empty)) return false;
        condition.number = empty;
    } else if (condition.test == MAP_SIGN) {
        size_t sign;
        if (!yaml_word(node, signs, 3, reading->diagnostics, &sign)) return false;
        condition.number = (int)sign - 1;
    } else {
        if (!yaml_expect(node, YAML_TEXT, reading->diagnostics) ||
            !keep(reading, node->text, &condition.text))
            return false;
    }
    *out_condition = condition;
    return true;
}

/* `when: {COLUMN: {TEST: VALUE, …}, …}`: all of them hold. Without `when` the case always applies.
 */
static bool
read_when(struct reading *reading, const struct yaml_node *entry, struct map_when *out_when)
{
    const struct yaml_node *when = yaml_get(entry, "when");
    out_when->count = 0;
    if (when == NULL) return true;
    if (!yaml_expect(when, YAML_MAP, reading->diagnostics)) return false;
    bool good = true;
    for (const struct yaml_node *tested = when->first; tested != NULL; tested = tested->next) {
        uint32_t column;
        if (!find_column(reading, tested->key_place, tested->key, &column) ||
            !check_keys(
                reading, tested,
                KEYS("starts_with", "not_starts_with", "equals", "not_equals", "empty", "sign"))) {
            good = false;
            continue;
        }
        for (const struct yaml_node *node = tested->first; node != NULL; node = node->next) {
            if (out_when->count == MAP_CONDITIONS_MAX)
                return diagnostics_error(reading->diagnostics, node->place,
                                         "more than %d conditions", MAP_CONDITIONS_MAX);
            if (read_condition(reading, column, node, &out_when->conditions[out_when->count])) {
                out_when->count++;
            } else {
                good = false;
            }
        }
    }
    return good;
}

/* ---- Cases ---- */

static bool
is_reason(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool allowed = (text.data[i] >= 'a' && text.data[i] <= 'z') || text.data[i] == '_';
        if (!allowed) return false;
    }
    return text.size > 0 && text.size <= MAP_REASON_BYTES_MAX;
}

static bool
read_refusal(struct reading *reading, const struct yaml_node *entry, uint32_t index)
{
    struct map_refusal_case *refusal = &reading->map->refusals[index];
    const struct yaml_node *reason = yaml_get(entry, "reason");
    if (!check_keys(reading, entry, KEYS("when", "reason"))) return false;
    bool good = read_when(reading, entry, &refusal->when);
    if (reason == NULL) return missing(reading, entry, "reason", "a_name_for_it");
    if (!yaml_expect(reason, YAML_TEXT, reading->diagnostics)) return false;
    if (!is_reason(reason->text)) {
        diagnostics_error(reading->diagnostics, reason->place, "'%.*s' cannot be a reason",
                          SHOWN(reason->text));
        diagnostics_hint(reading->diagnostics,
                         "write it with the letters a-z and _, as in not_an_order");
        return false;
    }
    return keep(reading, reason->text, &refusal->reason) && good;
}

static bool
read_member(struct reading *reading, const struct yaml_node *entry, uint32_t index)
{
    struct map_member_case *member = &reading->map->members[index];
    if (!check_keys(reading, entry, KEYS("when", "member", "guest"))) return false;
    bool good = read_when(reading, entry, &member->when);
    const struct yaml_node *own = yaml_get(entry, "member"), *guest = yaml_get(entry, "guest");
    if ((own == NULL) == (guest == NULL)) {
        diagnostics_error(reading->diagnostics, entry->place,
                          "exactly one of 'member' and 'guest' is needed");
        diagnostics_hint(reading->diagnostics, "add 'member: \"{COLUMN}\"'");
        return false;
    }
    member->guest = guest != NULL;
    return read_template(reading, guest != NULL ? guest : own, &member->key) && good;
}

static bool
read_event(struct reading *reading, const struct yaml_node *entry, uint32_t index)
{
    static const char *const kinds[] = {"purchase", "refund"}, *const signs[] = {"positive",
                                                                                 "negative"};
    struct map_event_case *event = &reading->map->events[index];
    const struct yaml_node *kind = yaml_get(entry, "kind"), *quantity = yaml_get(entry, "quantity");
    size_t word;
    if (!yaml_expect(entry, YAML_MAP, reading->diagnostics)) return false;
    if (kind == NULL) return missing(reading, entry, "kind", "purchase");
    if (!yaml_word(kind, kinds, 2, reading->diagnostics, &word)) return false;
    event->kind = word == 0 ? EVENT_PURCHASE : EVENT_REFUND;
    const char *own = word == 0 ? "order_id" : "refund_id";
    bool good =
        yaml_check_keys(entry, KEYS("when", "kind", "id", "quantity", own), reading->diagnostics);
    good &= read_when(reading, entry, &event->when);
    good &= read_needed_template(reading, entry, "id", &event->id);
    good &=
        read_needed_template(reading, entry, own, word == 0 ? &event->order_id : &event->refund_id);
    if (quantity == NULL) return good;
    if (!yaml_word(quantity, signs, 2, reading->diagnostics, &word)) return false;
    event->quantity_negative = word == 1;
    return good;
}

static bool
read_cases(struct reading *reading, const struct yaml_node *root, const char *key, bool needed,
           bool (*read_case)(struct reading *, const struct yaml_node *, uint32_t),
           uint32_t *out_count)
{
    const struct yaml_node *list = yaml_get(root, key);
    if (list == NULL) return !needed || missing(reading, root, key, "[…]");
    if (!yaml_expect(list, YAML_LIST, reading->diagnostics)) return false;
    if (list->count > MAP_CASES_MAX)
        return diagnostics_error(reading->diagnostics, list->place, "'%s' has more than %d cases",
                                 key, MAP_CASES_MAX);
    bool good = true;
    uint32_t index = 0;
    for (const struct yaml_node *entry = list->first; entry != NULL; entry = entry->next) {
        good &= read_case(reading, entry, index++);
    }
    *out_count = index;
    return good;
}

/* ---- The whole map ---- */

static bool
read_zone(struct reading *reading, const struct yaml_node *root)
{
    const struct yaml_node *node = yaml_get(root, "time_zone");
    struct fault fault;
    if (node == NULL) return missing(reading, root, "time_zone", "Europe/London");
    if (!yaml_expect(node, YAML_TEXT, reading->diagnostics)) return false;
    if (zone_load(node->text, reading->arena, &reading->map->zone, &fault)) return true;
    diagnostics_error(reading->diagnostics, node->place, "%s", fault.text);
    const char *nearest = zone_suggest(node->text, reading->arena);
    if (nearest != NULL) diagnostics_hint(reading->diagnostics, "did you mean '%s'?", nearest);
    return false;
}

static bool
read_source(struct reading *reading, const struct yaml_node *root)
{
    const struct yaml_node *node = yaml_get(root, "source");
    if (node == NULL)
        return missing(reading, root, "source", "webshop, a name for where the events come from");
    if (!yaml_expect(node, YAML_TEXT, reading->diagnostics)) return false;
    if (node->text.size > EVENT_ID_BYTES_MAX || !text_is_name(node->text))
        return diagnostics_error(reading->diagnostics, node->place,
                                 "a source has 1 to %d bytes and no control characters",
                                 EVENT_ID_BYTES_MAX);
    return keep(reading, node->text, &reading->map->source);
}

static bool
read_currency(struct reading *reading, const struct yaml_node *root)
{
    const struct yaml_node *node = yaml_get(root, "currency");
    uint16_t numeric;
    if (node == NULL) return missing(reading, root, "currency", "GBP");
    if (!scalar_currency(node, reading->diagnostics, &numeric)) return false;
    reading->map->currency = currency_find(numeric);
    CHECK(reading->map->currency != NULL);
    return true;
}

static bool
read_format(struct reading *reading, const struct yaml_node *root)
{
    static const char *const formats[] = {"csv"}, *const separators[] = {",", ";", "|", "tab"};
    const struct yaml_node *format = yaml_get(root, "format"),
                           *separator = yaml_get(root, "separator");
    size_t word = 0;
    if (format == NULL) return missing(reading, root, "format", "csv");
    if (!yaml_word(format, formats, 1, reading->diagnostics, &word)) return false;
    if (separator != NULL && !yaml_word(separator, separators, 4, reading->diagnostics, &word))
        return false;
    reading->map->separator = ",;|\t"[word];
    return true;
}

static bool
read_group(struct reading *reading, const struct yaml_node *root)
{
    const struct yaml_node *within = yaml_get(root, "group_within");
    int64_t rows = 0;
    bool good = read_column(reading, root, "group_by", true, &reading->map->group_column);
    if (within != NULL)
        good &= yaml_whole(within, 0, MAP_GROUP_WITHIN_MAX, reading->diagnostics, &rows);
    reading->map->group_within = (uint32_t)rows;
    return good;
}

static bool
read_line(struct reading *reading, const struct yaml_node *root)
{
    struct map *map = reading->map;
    const struct yaml_node *line = yaml_get(root, "line");
    if (line == NULL)
        return missing(reading, root, "line",
                       "{quantity: COLUMN, unit_price: COLUMN, sku: COLUMN}");
    if (!yaml_expect(line, YAML_MAP, reading->diagnostics)) return false;
    bool good = yaml_check_keys(line, KEYS("quantity", "unit_price", "sku", "category", "brand"),
                                reading->diagnostics);
    good &= read_column(reading, line, "quantity", true, &map->quantity_column);
    good &= read_column(reading, line, "unit_price", true, &map->unit_price_column);
    good &= read_column(reading, line, "sku", false, &map->sku_column);
    good &= read_column(reading, line, "category", false, &map->category_column);
    good &= read_column(reading, line, "brand", false, &map->brand_column);
    return good;
}

static void
read_map(struct reading *reading, const struct yaml_node *root)
{
    struct map *map = reading->map;
    if (!yaml_expect(root, YAML_MAP, reading->diagnostics)) return;
    yaml_check_keys(root,
                    KEYS("format", "separator", "columns", "source", "time_zone", "currency",
                         "group_by", "group_within", "time", "line", "refuse", "member", "events"),
                    reading->diagnostics);
    read_format(reading, root);
    read_source(reading, root);
    read_zone(reading, root);
    read_currency(reading, root);
    if (!read_columns(reading, root)) return; /* what follows would only repeat it */
    read_group(reading, root);
    read_column(reading, root, "time", true, &map->time_column);
    read_line(reading, root);
    read_cases(reading, root, "refuse", false, read_refusal, &map->refusal_count);
    read_cases(reading, root, "member", true, read_member, &map->member_count);
    read_cases(reading, root, "events", true, read_event, &map->event_count);
}

bool
map_parse(struct bytes source, const char *name, struct arena *arena, FILE *messages,
          struct map *out_map, struct fault *out_fault)
{
    struct region region;
    if (!region_map(YAML_ARENA_BYTES, &region, out_fault)) return false;
    struct arena tree;
    arena_init(&tree, region.memory, region.size);
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, name, source);
    struct map map = {.separator = ','};
    struct reading reading = {&map, arena, &diagnostics};
    const struct yaml_node *root;
    if (yaml_parse(source, &tree, &diagnostics, &root)) read_map(&reading, root);
    region_unmap(&region);
    diagnostics_print(&diagnostics, messages);
    if (diagnostics.error_count > 0)
        return fault_set(out_fault, FAULT_CONFIG, "%s: %zu error%s; see above", name,
                         diagnostics.error_count, diagnostics.error_count == 1 ? "" : "s");
    *out_map = map;
    return true;
}

bool
map_load(const char *path, struct arena *arena, FILE *messages, struct map *out_map,
         struct fault *out_fault)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fault_set(out_fault, FAULT_NO_INPUT, "cannot open the map '%s': %s", path,
                         strerror(errno));
    bool regular =
        fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= YAML_BYTES_MAX;
    uint8_t *text = regular ? arena_alloc(arena, (size_t)status.st_size + 1) : NULL;
    ssize_t size = text != NULL ? read(file, text, (size_t)status.st_size) : -1;
    int error = errno;
    close(file);
    if (text == NULL)
        return fault_set(out_fault, FAULT_CONFIG, "the map '%s' is not a file of at most %d bytes",
                         path, YAML_BYTES_MAX);
    if (size < 0)
        return fault_set(out_fault, FAULT_IO, "cannot read the map '%s': %s", path,
                         strerror(error));
    return map_parse(bytes_of(text, (size_t)size), path, arena, messages, out_map, out_fault);
}
