#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

void *
compile_room(struct compiler *compiler, size_t count, size_t item_bytes)
{
    void *room = arena_alloc(compiler->arena, count * item_bytes);
    CHECK_MSG(room != NULL, "the arena is smaller than RULES_ARENA_BYTES");
    memset(room, 0, count * item_bytes);
    return room;
}

const struct yaml_node *
get(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
    const char *key)
{
    return schema_get(schema, map, key, compiler->arena);
}

bool
is_given(const struct yaml_node *map, const char *key)
{
    return yaml_get(map, key) != NULL;
}

bool
has_unknown_key(const struct schema_map *schema, const struct yaml_node *map)
{
    const struct yaml_node *node = map == NULL || map->kind != YAML_MAP ? NULL : map->first;
    for (; node != NULL; node = node->next) {
        bool known = false;
        for (size_t i = 0; i < schema->key_count && !known; i++)
            known = bytes_equal(node->key, bytes_from_cstr(schema->keys[i].name));
        if (!known) return true;
    }
    return false;
}

const struct yaml_node *
next_map(const struct yaml_node *node)
{
    do {
        node = node->next;
    } while (node != NULL && node->kind != YAML_MAP);
    return node;
}

const struct yaml_node *
first_map(const struct yaml_node *list)
{
    const struct yaml_node *first = list->first;
    return first == NULL || first->kind == YAML_MAP ? first : next_map(first);
}

int64_t
get_whole(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
          const char *key)
{
    const struct schema_key *row = schema_find(schema, key);
    const struct yaml_node *node = get(compiler, schema, map, key);
    int64_t value = row->min;
    if (node != NULL) yaml_whole(node, row->min, row->max, compiler->diagnostics, &value);
    return value;
}

bool
get_boolean(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
            const char *key)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    bool value = false;
    if (node != NULL) yaml_boolean(node, compiler->diagnostics, &value);
    return value;
}

int32_t
word_code(struct compiler *compiler, const struct schema_words *words, const struct yaml_node *node)
{
    size_t index = 0;
    yaml_word(node, words->texts, words->count, compiler->diagnostics, &index);
    return words->codes[index];
}

int32_t
get_word(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
         const char *key)
{
    const struct schema_words *words = schema_find(schema, key)->words;
    const struct yaml_node *node = get(compiler, schema, map, key);
    return node != NULL ? word_code(compiler, words, node) : words->codes[0];
}

struct bytes
get_name(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
         const char *key)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    struct bytes name = {NULL, 0};
    if (node != NULL) scalar_name(node, compiler->diagnostics, &name);
    return name;
}

struct bytes
get_text(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
         const char *key)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    struct bytes text = {NULL, 0};
    if (node != NULL) scalar_text(node, compiler->diagnostics, &text);
    return text;
}

int64_t
get_elapsed(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
            const char *key)
{
    const struct schema_key *row = schema_find(schema, key);
    const struct yaml_node *node = get(compiler, schema, map, key);
    int64_t ms = row->min;
    if (node == NULL) return ms;
    if (row->type == SCHEMA_ELAPSED_OR_NONE) {
        scalar_elapsed_or_none(node, row->min, row->max, compiler->diagnostics, &ms);
    } else {
        scalar_elapsed(node, row->min, row->max, compiler->diagnostics, &ms);
    }
    return ms;
}

int32_t
get_days(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
         const char *key)
{
    const struct schema_key *row = schema_find(schema, key);
    const struct yaml_node *node = get(compiler, schema, map, key);
    int32_t days = (int32_t)row->min;
    if (node == NULL) return days;
    if (row->type == SCHEMA_DAYS_OR_NONE) {
        scalar_days_or_none(node, row->min, row->max, compiler->diagnostics, &days);
    } else {
        scalar_days(node, row->min, row->max, compiler->diagnostics, &days);
    }
    return days;
}

int64_t
get_points(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map,
           const char *key, uint32_t currency, int64_t fallback)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    struct points points = {fallback};
    unsigned scale = compiler->program.currencies[currency].scale;
    if (node != NULL) scalar_points(node, scale, compiler->diagnostics, &points);
    return points.units;
}

int64_t
get_some_points(struct compiler *compiler, const struct schema_map *schema,
                const struct yaml_node *map, const char *key, uint32_t currency)
{
    int64_t units = get_points(compiler, schema, map, key, currency, 1);
    if (units != 0) return units;
    diagnostics_error(compiler->diagnostics, yaml_get(map, key)->place, "'%s' must be above 0",
                      key);
    diagnostics_hint(compiler->diagnostics, "for example: %s", schema_find(schema, key)->example);
    return 1;
}

int64_t
get_money_in(struct compiler *compiler, const struct schema_map *schema,
             const struct yaml_node *map, const char *key, uint16_t money)
{
    const struct yaml_node *node = get(compiler, schema, map, key);
    struct money amount;
    if (node == NULL || !scalar_money(node, compiler->diagnostics, &amount)) return 0;
    if (money != 0 && amount.currency != money) {
        diagnostics_error(compiler->diagnostics, node->place, "'%s' is in %s, not in %s", key,
                          currency_find(amount.currency)->alpha, currency_find(money)->alpha);
        diagnostics_hint(compiler->diagnostics, "all money here is of one kind: write %s",
                         currency_find(money)->alpha);
        return 0;
    }
    return amount.minor;
}
