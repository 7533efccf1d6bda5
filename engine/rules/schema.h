/*
 * The rulebook's keys, in one table: it checks the shape of a file, suggests keys, supplies
 * defaults, and generates the JSON Schema for editors and the reference for people
 * (schema_write_…). A key that is not in the table does not exist.
 *
 * Invariants:
 * 1. A default is written as an operator would write it and is read by the same code: what the
 * reference says is what happens.
 * 2. schema_get only ever returns a node of the kind that the key wants; what does not fit was
 * reported by schema_check.
 */
#ifndef TALLYBOOK_ENGINE_RULES_SCHEMA_H
#define TALLYBOOK_ENGINE_RULES_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/yaml.h"

enum schema_type {
    SCHEMA_NAME,  /* an id of the rulebook's own */
    SCHEMA_WHOLE, /* a whole number, min to max */
    SCHEMA_BOOLEAN,
    SCHEMA_WORD,      /* one of `words` */
    SCHEMA_START,     /* a date, local time or RFC 3339 instant */
    SCHEMA_ZONE,      /* an IANA time zone */
    SCHEMA_ELAPSED,   /* "5 min": elapsed time, min to max milliseconds */
    SCHEMA_DAYS,      /* "30 days", min to max, or none */
    SCHEMA_PERIOD,    /* "12 months": calendar time */
    SCHEMA_CURRENCY,  /* ISO 4217 letters */
    SCHEMA_RATE,      /* "1 per 1.00 GBP" */
    SCHEMA_FACTOR,    /* "1.5" */
    SCHEMA_THRESHOLD, /* "500.00 GBP" or "500" */
    SCHEMA_TEXTS,     /* a list of texts that the shop chose */
    SCHEMA_WORDS,     /* a list of `words` */
    SCHEMA_MAP,       /* a map of `map` */
    SCHEMA_MAP_OR_NONE,
    SCHEMA_LIST,  /* a list of `map` */
    SCHEMA_NAMED, /* a map from names of the operator's choice to `map` */
};

enum { SCHEMA_WORDS_MAX = 8 };

/* The words that a key may have as its value, with the codes of engine/core/program.h. */
struct schema_words {
    size_t count;
    const char *texts[SCHEMA_WORDS_MAX];
    int32_t codes[SCHEMA_WORDS_MAX];
};

struct schema_map;

struct schema_key {
    const char *name;
    enum schema_type type;
    bool required;
    int64_t min, max; /* of a SCHEMA_WHOLE, SCHEMA_DAYS, SCHEMA_ELAPSED; of entries in lists and
                         named maps (0: no limit) */
    const struct schema_words *words;
    const struct schema_map *map;
    const char *fallback; /* the default, as written; list entries between ", "; NULL: absent means
                             that there is none */
    const char *help;
    const char *example;
};

struct schema_map {
    const char *title; /* "an earn rule": for messages and the reference */
    const struct schema_key *keys;
    size_t key_count;
};

extern const struct schema_map schema_rulebook, schema_accept, schema_members,
    schema_points_currency, schema_expiry, schema_combine, schema_earn_rule, schema_basis,
    schema_tier_group, schema_metric, schema_level, schema_returns;

extern const struct schema_words schema_words_rounding, schema_words_round_to,
    schema_words_unknown_member, schema_words_combine, schema_words_line_kind, schema_words_window,
    schema_words_downgrade, schema_words_claw_back, schema_words_arrears;

/** Reports everything in the tree whose shape is wrong: unknown and missing keys, a list where a
 * map belongs, too many entries. Values are left to the compiler. */
bool schema_check(const struct yaml_node *root, struct diagnostics *diagnostics);

/** A key of a map as written, or its default (made in the arena, standing where the map stands);
 * NULL when it has neither, or when what is written has the wrong shape. `map` may be NULL: then
 * all is default. CHECKs that the table has the key. */
const struct yaml_node *schema_get(const struct schema_map *schema, const struct yaml_node *map,
                                   const char *key, struct arena *arena);

/** The table's row of a key. CHECKs that there is one. */
const struct schema_key *schema_find(const struct schema_map *schema, const char *key);

/** The word that stands for a code. CHECKs that there is one. */
const char *schema_word_of(const struct schema_words *words, int32_t code);

/** Writes the JSON Schema (2020-12) of a rulebook. */
void schema_write_json(FILE *out);

/** Writes the key-by-key reference as Markdown. */
void schema_write_reference(FILE *out);

#endif
