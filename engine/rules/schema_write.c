/* What is generated from the table of keys: the JSON Schema for editors and the reference for
 * people. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/schema.h"

/* ---- JSON Schema
 * ----------------------------------------------------------------------------------------------------
 */

/* How a scalar is written: [type] = pattern. Editors check it as one types; `tally rules check` has
 * the last word. */
static const char *const patterns[] = {
    [SCHEMA_NAME] = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    [SCHEMA_START] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?$",
    [SCHEMA_ZONE] = "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
    [SCHEMA_ELAPSED] = "^[0-9]+ +(s|min|h|days?)$",
    [SCHEMA_DAYS] = "^(none|[0-9]+ +(days?|weeks?))$",
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
    put_text(names, "pattern", patterns[SCHEMA_NAME]);
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
    bool may_be_number = key->type == SCHEMA_FACTOR || key->type == SCHEMA_THRESHOLD;
    struct json_object *object = typed(may_be_number ? "number" : "string");
    if (may_be_number) {
        struct json_object *types = json_object_new_array();
        json_object_array_add(types, json_object_new_string("number"));
        json_object_array_add(types, json_object_new_string("string"));
        json_object_object_add(object, "type", types);
    }
    put_text(object, "pattern", patterns[key->type]);
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
    case SCHEMA_FACTOR: return json_tokener_parse(text);
    case SCHEMA_MAP:
    case SCHEMA_MAP_OR_NONE:
    case SCHEMA_LIST:
    case SCHEMA_NAMED:
    case SCHEMA_TEXTS:
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

static void
write_values(const struct schema_key *key, FILE *out)
{
    switch (key->type) {
    case SCHEMA_NAME: fputs("a name: letters, digits, `.`, `_`, `-`; at most 64", out); return;
    case SCHEMA_WHOLE:
        fprintf(out, "a whole number, %" PRId64 " to %" PRId64, key->min, key->max);
        return;
    case SCHEMA_BOOLEAN: fputs("`true` or `false`", out); return;
    case SCHEMA_START:
        fputs("a date, a local time, or an instant with `Z` or an offset", out);
        return;
    case SCHEMA_ZONE: fputs("an IANA time zone", out); return;
    case SCHEMA_ELAPSED:
        fputs("a whole number and `s`, `min`, `h` or `days` (of 24 hours)", out);
        return;
    case SCHEMA_DAYS:
        fprintf(out, "`%" PRId64 " days` to `%" PRId64 " days`, or `none`", key->min, key->max);
        return;
    case SCHEMA_PERIOD:
        fputs("a whole number and `days`, `weeks`, `months` or `years`", out);
        return;
    case SCHEMA_CURRENCY: fputs("three letters of ISO 4217", out); return;
    case SCHEMA_RATE: fputs("points, `per`, money", out); return;
    case SCHEMA_FACTOR: fputs("above 0, at most 1000, at most 6 decimals", out); return;
    case SCHEMA_THRESHOLD: fputs("money, or a number of points", out); return;
    case SCHEMA_TEXTS: fprintf(out, "a list of texts, at most %" PRId64, key->max); return;
    case SCHEMA_MAP: fputs("a map, see below", out); return;
    case SCHEMA_MAP_OR_NONE: fputs("`none`, or a map, see below", out); return;
    case SCHEMA_LIST: fprintf(out, "a list of maps, see below; at most %" PRId64, key->max); return;
    case SCHEMA_NAMED:
        fprintf(out, "a map from names to maps, see below; at most %" PRId64, key->max);
        return;
    case SCHEMA_WORD:
    case SCHEMA_WORDS: break;
    }
    fputs(key->type == SCHEMA_WORDS ? "a list of " : "", out);
    for (size_t i = 0; i < key->words->count; i++) {
        fprintf(out, "%s`%s`", i == 0 ? "" : ", ", key->words->texts[i]);
    }
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

/* The keys of a map, then those of the maps in it. */
static void
write_map(const struct schema_map *map, const char *path, FILE *out)
{
    for (size_t i = 0; i < map->key_count; i++) {
        write_key(&map->keys[i], path, out);
    }
    for (size_t i = 0; i < map->key_count; i++) {
        const struct schema_key *key = &map->keys[i];
        if (key->map == NULL) continue;
        char inner[128];
        const char *entry = key->type == SCHEMA_LIST    ? "[]"
                            : key->type == SCHEMA_NAMED ? ".NAME"
                                                        : "";
        int size = snprintf(inner, sizeof inner, "%s%s%s.", path, key->name, entry);
        CHECK(size > 0 && (size_t)size < sizeof inner);
        fprintf(out, "### %.*s\n\n", size - 1, inner);
        write_map(key->map, inner, out);
    }
}

void
schema_write_reference(FILE *out)
{
    write_map(&schema_rulebook, "", out);
}
