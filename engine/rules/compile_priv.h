/*
 * What the parts of the compiler share. A part reads its section of the tree into the program; what
 * could not be read is replaced by something harmless and reported, so that it causes no further
 * complaint, and the next part is read.
 */
#ifndef TALLYBOOK_ENGINE_RULES_COMPILE_PRIV_H
#define TALLYBOOK_ENGINE_RULES_COMPILE_PRIV_H

#include "engine/base/arena.h"
#include "engine/core/condition.h"
#include "engine/core/program.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/schema.h"
#include "engine/rules/yaml.h"

/* The name of something that grants, where it was given. */
struct source_name {
    struct bytes id;
    enum source_kind kind;
    struct place place;
};

struct compiler {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct program program;
    bool zone_known;
    uint64_t cost;               /* of all conditions together */
    struct source_name *sources; /* in order of the file */
    uint32_t source_count;
    struct place currency_places[PROGRAM_CURRENCIES_MAX];
    bool group_multiplies[PROGRAM_GROUPS_MAX];
    struct place
        group_places[PROGRAM_GROUPS_MAX]; /* of the first multiplier other than 1; line 0: none */
    /* Where each stands, in the order of the program's lists. */
    const struct yaml_node **rule_nodes, **campaign_nodes, **cap_nodes;
};

/* ---- compile_value.c: values by their keys ---- */

/* Memory that is there: a rulebook within its limits fits into RULES_ARENA_BYTES. Cleared. */
void *compile_room(struct compiler *compiler, size_t count, size_t item_bytes);
const struct yaml_node *get(struct compiler *compiler, const struct schema_map *schema,
                            const struct yaml_node *map, const char *key);

/* Whether the operator wrote the key. */
bool is_given(const struct yaml_node *map, const char *key);

/* Whether a map has a key that does not exist: something may be missing only because it is
 * misspelt.
 */
bool has_unknown_key(const struct schema_map *schema, const struct yaml_node *map);

/* The entries of a list that are maps: others are reported already. */
const struct yaml_node *first_map(const struct yaml_node *list);
const struct yaml_node *next_map(const struct yaml_node *node);
int64_t get_whole(struct compiler *compiler, const struct schema_map *schema,
                  const struct yaml_node *map, const char *key);
bool get_boolean(struct compiler *compiler, const struct schema_map *schema,
                 const struct yaml_node *map, const char *key);
int32_t get_word(struct compiler *compiler, const struct schema_map *schema,
                 const struct yaml_node *map, const char *key);
int32_t word_code(struct compiler *compiler, const struct schema_words *words,
                  const struct yaml_node *node);
struct bytes get_name(struct compiler *compiler, const struct schema_map *schema,
                      const struct yaml_node *map, const char *key);
struct bytes get_text(struct compiler *compiler, const struct schema_map *schema,
                      const struct yaml_node *map, const char *key);
int64_t get_elapsed(struct compiler *compiler, const struct schema_map *schema,
                    const struct yaml_node *map, const char *key);
int32_t get_days(struct compiler *compiler, const struct schema_map *schema,
                 const struct yaml_node *map, const char *key);

/* Points of a currency; `fallback` when they are absent or cannot be read. */
int64_t get_points(struct compiler *compiler, const struct schema_map *schema,
                   const struct yaml_node *map, const char *key, uint32_t currency,
                   int64_t fallback);

/* Points that must be above nought; 1 when they cannot be read. */
int64_t get_some_points(struct compiler *compiler, const struct schema_map *schema,
                        const struct yaml_node *map, const char *key, uint32_t currency);

/* Money in a currency that is known, 0 when absent. */
int64_t get_money_in(struct compiler *compiler, const struct schema_map *schema,
                     const struct yaml_node *map, const char *key, uint16_t money);

/* ---- compile_name.c: names and what they stand for ---- */

void report_twice(struct compiler *compiler, struct place place, const char *what,
                  struct bytes name);
void report_unknown(struct compiler *compiler, const struct yaml_node *node, const char *what,
                    const char *const *names, size_t count);
const char *as_text(struct compiler *compiler, struct bytes name);

/* A key that belongs to something else than what the map says. */
void refuse_key(struct compiler *compiler, const struct yaml_node *map, const char *key,
                const char *why, const char *hint);

/* Notes the name of something that grants; reports one that is taken. */
struct bytes name_source(struct compiler *compiler, const struct schema_map *schema,
                         const struct yaml_node *node, const char *key, enum source_kind kind);
bool resolve_source(struct compiler *compiler, const struct yaml_node *node,
                    struct program_source *out_source);
uint32_t source_currency(const struct program *program, struct program_source source);
const char *source_kind_name(enum source_kind kind);

/* The index of what a key names; false when it is missing or unknown. */
bool resolve_currency(struct compiler *compiler, const struct yaml_node *node,
                      uint32_t *out_currency);
bool resolve_group(struct compiler *compiler, const struct yaml_node *node, int32_t *out_group);

/* The key `currency`, the first currency when it cannot be read. */
bool get_currency(struct compiler *compiler, const struct schema_map *schema,
                  const struct yaml_node *map, uint32_t *out_currency);

/* The keys `multiplied_by` and `funder`. */
int32_t get_multiplier(struct compiler *compiler, const struct schema_map *schema,
                       const struct yaml_node *map);
uint32_t get_funder(struct compiler *compiler, const struct schema_map *schema,
                    const struct yaml_node *map);

/* Puts a list in order of judgement: priority falling, then id by bytes (semantics §4); `nodes`
 * along with it. Items begin with their id. */
void *order_judged(struct compiler *compiler, const void *items, size_t item_bytes,
                   size_t priority_offset, uint32_t count, const struct yaml_node **nodes);

/* ---- compile_filter.c: what a rule asks for ---- */

struct program_basis compile_basis(struct compiler *compiler, const struct yaml_node *node);
bool compile_zone_of(struct compiler *compiler, const struct yaml_node *node,
                     struct zone *out_zone);

/* [from, until) of the keys `from` and `until` in the programme's zone. */
struct program_window compile_window(struct compiler *compiler, const struct schema_map *schema,
                                     const struct yaml_node *node);
struct program_condition compile_condition(struct compiler *compiler, const struct yaml_node *node,
                                           enum condition_scope scope);

/* Those keys of a filter that the schema has; the window only with `has_window`. */
struct program_filter compile_filter(struct compiler *compiler, const struct schema_map *schema,
                                     const struct yaml_node *node, enum condition_scope scope,
                                     bool has_window);
struct program_texts compile_texts(struct compiler *compiler, const struct yaml_node *list,
                                   const char *singular);
const struct program_date *compile_dates(struct compiler *compiler, const struct yaml_node *list,
                                         uint32_t *out_count);
struct program_times compile_times(struct compiler *compiler, const struct schema_map *schema,
                                   const struct yaml_node *node);
struct program_pending compile_pending(struct compiler *compiler, const struct schema_map *schema,
                                       const struct yaml_node *node);

/* ---- The sections, in the order in which they need each other ---- */

void compile_currencies(struct compiler *compiler, const struct yaml_node *root);
void compile_funders(struct compiler *compiler, const struct yaml_node *root);
void compile_stores(struct compiler *compiler, const struct yaml_node *root);
void compile_missions(struct compiler *compiler, const struct yaml_node *root);
void compile_tiers(struct compiler *compiler, const struct yaml_node *root);
void compile_rules(struct compiler *compiler, const struct yaml_node *root);
void compile_campaigns(struct compiler *compiler, const struct yaml_node *root);
void compile_awards(struct compiler *compiler, const struct yaml_node *root);
void compile_streaks(struct compiler *compiler, const struct yaml_node *root);
void compile_caps(struct compiler *compiler, const struct yaml_node *root);
void compile_limits(struct compiler *compiler, const struct yaml_node *root);
void compile_spending(struct compiler *compiler, const struct yaml_node *root);
void compile_returns(struct compiler *compiler, const struct yaml_node *root);
void compile_members(struct compiler *compiler, const struct yaml_node *root);

/* Contradictions between parts that are sound by themselves. */
void check_whole(struct compiler *compiler);

#endif
