#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/compile_priv.h"
#include "engine/rules/scalar.h"

const char *
as_text(struct compiler *compiler, struct bytes name)
{
    char *text = compile_room(compiler, name.size + 1, 1);
    if (name.size != 0) memcpy(text, name.data, name.size);
    return text;
}

void
report_twice(struct compiler *compiler, struct place place, const char *what, struct bytes name)
{
    diagnostics_error(compiler->diagnostics, place, "%s '%.*s' is defined twice", what,
                      (int)name.size, (const char *)name.data);
    diagnostics_hint(compiler->diagnostics, "give each its own name");
}

/* names[i] are those that stand for something. */
void
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

void
refuse_key(struct compiler *compiler, const struct yaml_node *map, const char *key, const char *why,
           const char *hint)
{
    const struct yaml_node *node = yaml_get(map, key);
    if (node == NULL) return;
    diagnostics_error(compiler->diagnostics, node->key_place, "'%s' %s", key, why);
    diagnostics_hint(compiler->diagnostics, "%s", hint);
}

/* ---- What grants ---- */

const char *
source_kind_name(enum source_kind kind)
{
    switch (kind) {
    case SOURCE_RULE: return "rule";
    case SOURCE_CAMPAIGN: return "campaign";
    case SOURCE_AWARD: return "award";
    case SOURCE_STREAK: return "streak";
    case SOURCE_MISSION: return "mission";
    }
    UNREACHABLE();
}

static bool
stands_before(struct place a, struct place b)
{
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

struct bytes
name_source(struct compiler *compiler, const struct schema_map *schema,
            const struct yaml_node *node, const char *key, enum source_kind kind)
{
    struct bytes id = get_name(compiler, schema, node, key);
    struct source_name source = {id, kind, node->place};
    for (uint32_t i = 0; i < compiler->source_count && id.size != 0; i++) {
        const struct source_name *other = &compiler->sources[i];
        if (!bytes_equal(other->id, id)) continue;
        if (other->kind == kind) {
            report_twice(compiler, node->place, source_kind_name(kind), id);
            break;
        }
        /* The sections are not read in the order of the file. */
        bool later = stands_before(other->place, node->place);
        diagnostics_error(compiler->diagnostics, later ? node->place : other->place,
                          "'%.*s' is the name of a %s and of a %s", (int)id.size,
                          (const char *)id.data, source_kind_name(other->kind),
                          source_kind_name(kind));
        diagnostics_hint(compiler->diagnostics,
                         "rules, campaigns, awards, streaks and missions share one set of names");
        break;
    }
    compiler->sources[compiler->source_count++] = source;
    return id;
}

static uint32_t
count_sources(const struct program *program, enum source_kind kind)
{
    switch (kind) {
    case SOURCE_RULE: return program->rule_count;
    case SOURCE_CAMPAIGN: return program->campaign_count;
    case SOURCE_AWARD: return program->award_count;
    case SOURCE_STREAK: return program->streak_count;
    case SOURCE_MISSION: return program->mission_count;
    }
    UNREACHABLE();
}

bool
resolve_source(struct compiler *compiler, const struct yaml_node *node,
               struct program_source *out_source)
{
    const struct program *program = &compiler->program;
    struct bytes name;
    if (!scalar_name(node, compiler->diagnostics, &name)) return false;
    for (enum source_kind kind = SOURCE_RULE; kind <= SOURCE_MISSION; kind++) {
        for (uint32_t i = 0; i < count_sources(program, kind); i++) {
            struct program_source source = {kind, i};
            if (!bytes_equal(program_source_id(program, source), name)) continue;
            *out_source = source;
            return true;
        }
    }
    size_t mark = arena_mark(compiler->arena);
    const char **names = compile_room(compiler, compiler->source_count + 1, sizeof *names);
    for (uint32_t i = 0; i < compiler->source_count; i++)
        names[i] = as_text(compiler, compiler->sources[i].id);
    report_unknown(compiler, node, "rule, campaign, award, streak or mission", names,
                   compiler->source_count);
    arena_reset_to(compiler->arena, mark);
    return false;
}

uint32_t
source_currency(const struct program *program, struct program_source source)
{
    switch (source.kind) {
    case SOURCE_RULE: return program->rules[source.index].currency;
    case SOURCE_CAMPAIGN: return program->campaigns[source.index].currency;
    case SOURCE_AWARD: return program->awards[source.index].currency;
    case SOURCE_STREAK: return program->streaks[source.index].currency;
    case SOURCE_MISSION: return program->missions[source.index].currency;
    }
    UNREACHABLE();
}

/* ---- Currencies, groups, funders ---- */

bool
resolve_currency(struct compiler *compiler, const struct yaml_node *node, uint32_t *out_currency)
{
    struct program *program = &compiler->program;
    struct bytes name;
    if (node == NULL || !scalar_name(node, compiler->diagnostics, &name)) return false;
    const char *names[PROGRAM_CURRENCIES_MAX];
    size_t mark = arena_mark(compiler->arena);
    for (uint32_t i = 0; i < program->currency_count; i++) {
        names[i] = as_text(compiler, program->currencies[i].id);
        if (!bytes_equal(program->currencies[i].id, name)) continue;
        *out_currency = i;
        arena_reset_to(compiler->arena, mark);
        return true;
    }
    report_unknown(compiler, node, "points currency", names, program->currency_count);
    arena_reset_to(compiler->arena, mark);
    return false;
}

bool
resolve_group(struct compiler *compiler, const struct yaml_node *node, int32_t *out_group)
{
    struct program *program = &compiler->program;
    struct bytes name;
    if (!scalar_name(node, compiler->diagnostics, &name)) return false;
    const char *names[PROGRAM_GROUPS_MAX];
    size_t mark = arena_mark(compiler->arena);
    for (uint32_t i = 0; i < program->group_count; i++) {
        names[i] = as_text(compiler, program->groups[i].id);
        if (!bytes_equal(program->groups[i].id, name)) continue;
        *out_group = (int32_t)i;
        arena_reset_to(compiler->arena, mark);
        return true;
    }
    report_unknown(compiler, node, "tier group", names, program->group_count);
    arena_reset_to(compiler->arena, mark);
    return false;
}

bool
get_currency(struct compiler *compiler, const struct schema_map *schema,
             const struct yaml_node *map, uint32_t *out_currency)
{
    *out_currency = 0;
    return resolve_currency(compiler, get(compiler, schema, map, "currency"), out_currency);
}

int32_t
get_multiplier(struct compiler *compiler, const struct schema_map *schema,
               const struct yaml_node *map)
{
    const struct yaml_node *node = get(compiler, schema, map, "multiplied_by");
    int32_t group = -1;
    if (node != NULL && resolve_group(compiler, node, &group))
        compiler->group_multiplies[group] = true;
    return group;
}

uint32_t
get_funder(struct compiler *compiler, const struct schema_map *schema, const struct yaml_node *map)
{
    const struct program *program = &compiler->program;
    const struct yaml_node *node = get(compiler, schema, map, "funder");
    struct bytes name;
    if (node == NULL || !scalar_name(node, compiler->diagnostics, &name)) return PROGRAM_NONE;
    const char *names[PROGRAM_FUNDERS_MAX];
    for (uint32_t i = 0; i < program->funder_count; i++) {
        if (bytes_equal(program->funders[i].id, name)) return i;
    }
    size_t mark = arena_mark(compiler->arena);
    for (uint32_t i = 0; i < program->funder_count; i++)
        names[i] = as_text(compiler, program->funders[i].id);
    report_unknown(compiler, node, "funder", names, program->funder_count);
    arena_reset_to(compiler->arena, mark);
    return PROGRAM_NONE;
}

/* ---- Order of judgement ---- */

struct judged {
    struct bytes id;
    int32_t priority;
    uint32_t index;
};

static int
compare_judged(const void *left, const void *right)
{
    const struct judged *a = left, *b = right;
    if (a->priority != b->priority) return a->priority > b->priority ? -1 : 1;
    return bytes_compare(a->id, b->id);
}

void *
order_judged(struct compiler *compiler, const void *items, size_t item_bytes,
             size_t priority_offset, uint32_t count, const struct yaml_node **nodes)
{
    if (count == 0) return NULL;
    struct judged *order = compile_room(compiler, count, sizeof *order);
    const struct yaml_node **old_nodes = compile_room(compiler, count, sizeof *old_nodes);
    uint8_t *ordered = compile_room(compiler, count, item_bytes);
    memcpy(old_nodes, nodes, count * sizeof *old_nodes);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *item = (const uint8_t *)items + i * item_bytes;
        memcpy(&order[i].id, item, sizeof order[i].id);
        memcpy(&order[i].priority, item + priority_offset, sizeof order[i].priority);
        order[i].index = i;
    }
    qsort(order, count, sizeof *order, compare_judged);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(ordered + i * item_bytes, (const uint8_t *)items + order[i].index * item_bytes,
               item_bytes);
        nodes[i] = old_nodes[order[i].index];
    }
    return ordered;
}
