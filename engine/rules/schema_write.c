/* What is generated from the table of keys: the JSON Schema for editors and the reference for
 * people. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/verdict.h"
#include "engine/rules/schema.h"

enum { MAPS_MAX = 64, PATH_BYTES = 128 };

/* ---- JSON Schema
 * ----------------------------------------------------------------------------------------------------
 */

/* How a scalar is written: [type] = pattern. Editors check it as one types; `tally rules check` has
 * the last word. */
static const char *const patterns[] = {
    [SCHEMA_NAME] = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    [SCHEMA_START] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?$",
    [SCHEMA_START_OR_NEVER] = "^(never|[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?)$",
    [SCHEMA_ZONE] = "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
    [SCHEMA_ELAPSED] = "^[0-9]+ +(s|min|h|days?)$",
    [SCHEMA_ELAPSED_OR_NONE] = "^(none|[0-9]+ +(s|min|h|days?))$",
    [SCHEMA_DAYS] = "^[0-9]+ +(days?|weeks?)$",
    [SCHEMA_DAYS_OR_NONE] = "^(none|[0-9]+ +(days?|weeks?))$",
    [SCHEMA_PER] = "^([a-z]+|[0-9]+ +(days?|weeks?))$",
    [SCHEMA_TIER_WINDOW] = "^([a-z ]+|rolling [0-9]+ +(days?|weeks?|months?))$",
    [SCHEMA_HOURS] = "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
    [SCHEMA_MONEY] = "^[0-9]+([.][0-9]+)? +[A-Z]{3}$",
    [SCHEMA_COST] = "^[0-9]+([.][0-9]+)? +[A-Z]{3}$",
    [SCHEMA_POINTS] = "^[0-9]+([.][0-9]+)?$",
    [SCHEMA_PAYMENT_RATE] = "^[0-9]+([.][0-9]+)? +[A-Z]{3} per [0-9]+([.][0-9]+)?$",
    [SCHEMA_AMOUNT] = "^[0-9]+([.][0-9]+)?( +[A-Z]{3})?$",
    [SCHEMA_DATES] = "^[01][0-9]-[0-3][0-9]$",
    [SCHEMA_PERIOD] = "^[0-9]+ +(days?|weeks?|months?|years?)$",
    [SCHEMA_CURRENCY] = "^[A-Z]{3}$",
    [SCHEMA_RATE] = "^[0-9]+([.][0-9]+)? per [0-9]+([.][0-9]+)? +[A-Z]{3}$",
    [SCHEMA_FACTOR] = "^[0-9]+([.][0-9]+)?$",
    [SCHEMA_THRESHOLD] = "^[0-9]+([.][0-9]+)?( +[A-Z]{3})?$",
};

static struct json_object *map_schema(const struct schema_map *map);

static void
put_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static struct json_object *
typed(const char *type)
{
    struct json_object *object = json_object_new_object();
    put_text(object, "type", type);
    return object;
}

static struct json_object *
words_schema(const struct schema_words *words)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < words->count; i++) {
        json_object_array_add(list, json_object_new_string(words->texts[i]));
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "enum", list);
    return object;
}

static struct json_object *
list_schema(const struct schema_key *key, struct json_object *items)
{
    struct json_object *object = json_object_new_object();
    put_text(object, "type", "array");
    json_object_object_add(object, "items", items);
    if (key->min != 0) json_object_object_add(object, "minItems", json_object_new_int64(key->min));
    if (key->max != 0) json_object_object_add(object, "maxItems", json_object_new_int64(key->max));
    return object;
}

static struct json_object *
named_schema(const struct schema_key *key)
{
    struct json_object *object = json_object_new_object(), *names = json_object_new_object();
    if (!key->any_name) put_text(names, "pattern", patterns[SCHEMA_NAME]);
    put_text(object, "type", "object");
    json_object_object_add(object, "propertyNames", names);
    json_object_object_add(object, "additionalProperties", map_schema(key->map));
    json_object_object_add(object, "minProperties", json_object_new_int64(key->min));
    json_object_object_add(object, "maxProperties", json_object_new_int64(key->max));
    return object;
}

static struct json_object *
map_or_none_schema(const struct schema_key *key)
{
    struct json_object *object = json_object_new_object(), *choice = json_object_new_array();
    struct json_object *none = json_object_new_object();
    put_text(none, "const", "none");
    json_object_array_add(choice, none);
    json_object_array_add(choice, map_schema(key->map));
    json_object_object_add(object, "oneOf", choice);
    return object;
}

/* A scalar as YAML readers see it: 1.5 is a number to them and "500.00 GBP" a text. */
static struct json_object *
scalar_schema(const struct schema_key *key)
{
    enum schema_type type = key->type;
    bool may_be_number = type == SCHEMA_FACTOR || type == SCHEMA_THRESHOLD ||
                         type == SCHEMA_POINTS || type == SCHEMA_AMOUNT;
    struct json_object *object = typed("string");
    if (may_be_number) {
        struct json_object *types = json_object_new_array();
        json_object_array_add(types, json_object_new_string("number"));
        json_object_array_add(types, json_object_new_string("string"));
        if (type == SCHEMA_THRESHOLD)
            json_object_array_add(types, json_object_new_string("object"));
        json_object_object_add(object, "type", types);
    }
    if (patterns[type] != NULL) put_text(object, "pattern", patterns[type]);
    return object;
}

static struct json_object *
text_schema(enum schema_type type)
{
    struct json_object *object = typed("string");
    put_text(object, "pattern", patterns[type]);
    return object;
}

/* Points as YAML readers see them: numbers, or texts in quotes. */
static struct json_object *
points_schema(void)
{
    const struct schema_key key = {.type = SCHEMA_POINTS};
    return scalar_schema(&key);
}

static struct json_object *
days_of_month_schema(void)
{
    struct json_object *object = typed("integer");
    json_object_object_add(object, "minimum", json_object_new_int64(1));
    json_object_object_add(object, "maximum", json_object_new_int64(31));
    return object;
}

static struct json_object *
named_points_schema(void)
{
    struct json_object *object = typed("object");
    json_object_object_add(object, "additionalProperties", points_schema());
    return object;
}

static struct json_object *
named_names_schema(void)
{
    struct json_object *object = typed("object");
    json_object_object_add(object, "additionalProperties", text_schema(SCHEMA_NAME));
    return object;
}

static struct json_object *
verdict_schema(void)
{
    uint32_t count;
    const struct verdict_info *table = verdict_table(&count);
    struct json_object *list = json_object_new_array();
    for (uint32_t i = 0; i < count; i++) {
        json_object_array_add(list, json_object_new_string(table[i].name));
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "enum", list);
    return object;
}

static struct json_object *
whole_schema(const struct schema_key *key)
{
    struct json_object *object = json_object_new_object();
    put_text(object, "type", "integer");
    json_object_object_add(object, "minimum", json_object_new_int64(key->min));
    json_object_object_add(object, "maximum", json_object_new_int64(key->max));
    return object;
}

static struct json_object *
key_schema(const struct schema_key *key)
{
    switch (key->type) {
    case SCHEMA_WHOLE: return whole_schema(key);
    case SCHEMA_BOOLEAN: return typed("boolean");
    case SCHEMA_WORD: return words_schema(key->words);
    case SCHEMA_WORDS: return list_schema(key, words_schema(key->words));
    case SCHEMA_TEXTS: return list_schema(key, typed("string"));
    case SCHEMA_NAMES: return list_schema(key, text_schema(SCHEMA_NAME));
    case SCHEMA_DATES: return list_schema(key, text_schema(SCHEMA_DATES));
    case SCHEMA_WHOLES: return list_schema(key, days_of_month_schema());
    case SCHEMA_POINTS_LIST: return list_schema(key, points_schema());
    case SCHEMA_NAMED_POINTS: return named_points_schema();
    case SCHEMA_NAMED_NAMES: return named_names_schema();
    case SCHEMA_EVENT: return typed("object");
    case SCHEMA_VERDICT: return verdict_schema();
    case SCHEMA_MAP: return map_schema(key->map);
    case SCHEMA_MAP_OR_NONE: return map_or_none_schema(key);
    case SCHEMA_LIST: return list_schema(key, map_schema(key->map));
    case SCHEMA_NAMED: return named_schema(key);
    default: return scalar_schema(key);
    }
}

/* A default or an example as YAML readers see it; NULL when it is more than one value. */
static struct json_object *
example_value(const struct schema_key *key, const char *text)
{
    switch (key->type) {
    case SCHEMA_WHOLE:
    case SCHEMA_BOOLEAN:
    case SCHEMA_POINTS:
    case SCHEMA_FACTOR: return json_tokener_parse(text);
    case SCHEMA_MAP:
    case SCHEMA_MAP_OR_NONE:
    case SCHEMA_LIST:
    case SCHEMA_NAMED:
    case SCHEMA_NAMED_POINTS:
    case SCHEMA_TEXTS:
    case SCHEMA_NAMES:
    case SCHEMA_WHOLES:
    case SCHEMA_DATES:
    case SCHEMA_POINTS_LIST:
    case SCHEMA_NAMED_NAMES:
    case SCHEMA_EVENT:
    case SCHEMA_WORDS: return NULL;
    default: return json_object_new_string(text);
    }
}

static void
put_examples(struct json_object *property, const struct schema_key *key)
{
    struct json_object *value = example_value(key, key->example + strlen(key->name) + strlen(": "));
    if (value != NULL) {
        struct json_object *examples = json_object_new_array();
        json_object_array_add(examples, value);
        json_object_object_add(property, "examples", examples);
    }
    struct json_object *fallback = key->fallback != NULL ? example_value(key, key->fallback) : NULL;
    if (fallback != NULL) json_object_object_add(property, "default", fallback);
}

static struct json_object *
map_schema(const struct schema_map *map)
{
    struct json_object *object = typed("object"), *properties = json_object_new_object();
    struct json_object *required = json_object_new_array();
    for (size_t i = 0; i < map->key_count; i++) {
        const struct schema_key *key = &map->keys[i];
        struct json_object *property = key_schema(key);
        put_text(property, "description", key->help);
        put_examples(property, key);
        json_object_object_add(properties, key->name, property);
        if (key->required) json_object_array_add(required, json_object_new_string(key->name));
    }
    json_object_object_add(object, "properties", properties);
    json_object_object_add(object, "required", required);
    json_object_object_add(object, "additionalProperties", json_object_new_boolean(false));
    return object;
}

void
schema_write_json(FILE *out)
{
    struct json_object *object = map_schema(&schema_rulebook);
    put_text(object, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(object, "title", "Tallybook rulebook");
    fprintf(out, "%s\n",
            json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

/* ---- Reference
 * ------------------------------------------------------------------------------------------------------
 */

/* What a value of a type looks like; NULL for types that say more: their words or their range. */
static const char *const forms[] = {
    [SCHEMA_NAME] = "a name: letters, digits, `.`, `_`, `-`; at most 64",
    [SCHEMA_TEXT] = "a text of at most 128 bytes",
    [SCHEMA_BOOLEAN] = "`true` or `false`",
    [SCHEMA_START] = "a date, a local time, or an instant with `Z` or an offset",
    [SCHEMA_ZONE] = "an IANA time zone",
    [SCHEMA_ELAPSED] = "a whole number and `s`, `min`, `h` or `days` (of 24 hours)",
    [SCHEMA_ELAPSED_OR_NONE] = "a whole number and `s`, `min`, `h` or `days` (of 24 hours), or "
                               "`none`",
    [SCHEMA_PERIOD] = "a whole number and `days`, `weeks`, `months` or `years`",
    [SCHEMA_HOURS] = "two times of one day: `00:00-24:00`",
    [SCHEMA_CURRENCY] = "three letters of ISO 4217",
    [SCHEMA_MONEY] = "money",
    [SCHEMA_COST] = "money, with at most 6 decimals more than it has coins for",
    [SCHEMA_POINTS] = "points, with as many decimals as the currency's `scale` at most",
    [SCHEMA_RATE] = "points, `per`, money",
    [SCHEMA_PAYMENT_RATE] = "money, `per`, points",
    [SCHEMA_FACTOR] = "above 0, at most 1000, at most 6 decimals",
    [SCHEMA_AMOUNT] = "a whole number, points or money",
    [SCHEMA_THRESHOLD] = "money, points or a whole number, or a map of such",
    [SCHEMA_CONDITION] = "a condition",
    [SCHEMA_MAP] = "a map, see below",
    [SCHEMA_MAP_OR_NONE] = "`none`, or a map, see below",
    [SCHEMA_NAMED_POINTS] = "a map from points currencies to points",
    [SCHEMA_NAMED_NAMES] = "a map from names to names",
    [SCHEMA_START_OR_NEVER] =
        "a date, a local time, or an instant with `Z` or an offset; or `never`",
    [SCHEMA_VERDICT] = "the name of a [verdict](verdicts.md)",
    [SCHEMA_EVENT] = "a map: the event's fields",
};

static void
write_words(const struct schema_words *words, FILE *out)
{
    for (size_t i = 0; i < words->count; i++) {
        fprintf(out, "%s`%s`", i == 0 ? "" : ", ", words->texts[i]);
    }
}

/* The same of a list, with the number of its entries. */
static void
write_list_values(const struct schema_key *key, FILE *out)
{
    switch (key->type) {
    case SCHEMA_TEXTS: fputs("a list of texts", out); break;
    case SCHEMA_NAMES: fputs("a list of names", out); break;
    case SCHEMA_DATES: fputs("a list of days of the year: `MM-DD`", out); break;
    case SCHEMA_WHOLES: fputs("a list of whole numbers, 1 to 31", out); break;
    case SCHEMA_POINTS_LIST: fputs("a list of points", out); break;
    case SCHEMA_NAMED: fputs("a map from names to maps, see below", out); break;
    default: fputs("a list of maps, see below", out); break;
    }
    fprintf(out, "; at most %" PRId64, key->max);
}

static void
write_values(const struct schema_key *key, FILE *out)
{
    const char *form = key->type < sizeof forms / sizeof *forms ? forms[key->type] : NULL;
    switch (key->type) {
    case SCHEMA_WHOLE:
        fprintf(out, "a whole number, %" PRId64 " to %" PRId64, key->min, key->max);
        return;
    case SCHEMA_DAYS:
    case SCHEMA_DAYS_OR_NONE:
        fprintf(out, "`%" PRId64 " days` to `%" PRId64 " days`%s", key->min, key->max,
                key->type == SCHEMA_DAYS ? "" : ", or `none`");
        return;
    case SCHEMA_WORDS: fputs("a list of ", out); break;
    case SCHEMA_WORD:
    case SCHEMA_PER:
    case SCHEMA_TIER_WINDOW: break;
    default:
        if (form != NULL) {
            fputs(form, out);
        } else {
            write_list_values(key, out);
        }
        return;
    }
    write_words(key->words, out);
    if (key->type == SCHEMA_PER) fputs(", or a number of `days`", out);
    if (key->type == SCHEMA_TIER_WINDOW)
        fputs(", `rolling` and a number of `days` or `months`", out);
}

static void
write_key(const struct schema_key *key, const char *path, FILE *out)
{
    fprintf(out, "#### `%s%s`\n\n%s\n\nValues: ", path, key->name, key->help);
    write_values(key, out);
    fputs(". ", out);
    bool is_list = key->type == SCHEMA_WORDS;
    if (key->required) {
        fputs("Required.", out);
    } else if (key->fallback != NULL) {
        fprintf(out, "Default: `%s%s%s`.", is_list ? "[" : "", key->fallback, is_list ? "]" : "");
    } else {
        fputs("Optional.", out);
    }
    fprintf(out, "\n\n```yaml\n%s\n```\n\n", key->example);
}

/* What was written already, and where: a map that several keys have is written once. */
struct reference {
    FILE *out;
    const struct schema_map *maps[MAPS_MAX];
    char paths[MAPS_MAX][PATH_BYTES];
    size_t count;
};

/* NULL when the map was not written yet; then it is noted. */
static const char *
written_before(struct reference *reference, const struct schema_map *map, const char *path)
{
    for (size_t i = 0; i < reference->count; i++) {
        if (reference->maps[i] == map) return reference->paths[i];
    }
    CHECK(reference->count < MAPS_MAX);
    reference->maps[reference->count] = map;
    snprintf(reference->paths[reference->count++], PATH_BYTES, "%s", path);
    return NULL;
}

/* The keys of a map, then those of the maps in it. */
static void
write_map(struct reference *reference, const struct schema_map *map, const char *path)
{
    for (size_t i = 0; i < map->key_count; i++) {
        write_key(&map->keys[i], path, reference->out);
    }
    for (size_t i = 0; i < map->key_count; i++) {
        const struct schema_key *key = &map->keys[i];
        if (key->map == NULL) continue;
        char inner[PATH_BYTES];
        const char *entry = key->type == SCHEMA_LIST    ? "[]"
                            : key->type == SCHEMA_NAMED ? ".NAME"
                                                        : "";
        int size = snprintf(inner, sizeof inner, "%s%s%s.", path, key->name, entry);
        CHECK(size > 0 && (size_t)size < sizeof inner);
        fprintf(reference->out, "### %.*s\n\n", size - 1, inner);
        const char *before = written_before(reference, key->map, inner);
        if (before == NULL) {
            write_map(reference, key->map, inner);
        } else {
            fprintf(reference->out, "The keys of `%.*s` above.\n\n", (int)strlen(before) - 1,
                    before);
        }
    }
}

void
schema_write_reference(FILE *out)
{
    struct reference reference = {.out = out};
    write_map(&reference, &schema_rulebook, "");
}
