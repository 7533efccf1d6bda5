#include "engine/rules/schema.h"

#include <string.h>

#include "engine/base/check.h"

enum { KEYS_MAX = 40 };

/* ---- Shape
 * ----------------------------------------------------------------------------------------------------------
 */

static enum yaml_kind
kind_of(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TEXTS:
    case SCHEMA_NAMES:
    case SCHEMA_WORDS:
    case SCHEMA_WHOLES:
    case SCHEMA_DATES:
    case SCHEMA_POINTS_LIST:
    case SCHEMA_LIST: return YAML_LIST;
    case SCHEMA_MAP:
    case SCHEMA_MAP_OR_NONE:
    case SCHEMA_NAMED:
    case SCHEMA_NAMED_NAMES:
    case SCHEMA_EVENT:
    case SCHEMA_NAMED_POINTS: return YAML_MAP;
    default: return YAML_TEXT;
    }
}

static bool
fits(const struct schema_key *key, const struct yaml_node *node)
{
    if (key->type == SCHEMA_MAP_OR_NONE && yaml_is(node, "none")) return true;
    if (key->type == SCHEMA_THRESHOLD && node->kind == YAML_MAP) return true;
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
    if (node->kind == YAML_TEXT || key->type == SCHEMA_THRESHOLD) return true;
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
    const char *names[KEYS_MAX];
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

bool
schema_has(const struct schema_map *schema, const char *key)
{
    for (size_t i = 0; i < schema->key_count; i++) {
        if (strcmp(schema->keys[i].name, key) == 0) return true;
    }
    return false;
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
    if (kind_of(key->type) == YAML_TEXT || key->type == SCHEMA_MAP_OR_NONE)
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
