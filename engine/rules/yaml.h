/*
 * A YAML file as a tree in which every value knows its place. Reads the part of YAML that
 * configuration is written in: one document of maps, lists and scalars; anchors, aliases, tags and
 * merge keys are refused by name, because a reader of the file should see what it says without
 * following references.
 *
 * Invariants:
 * 1. A scalar keeps its text exactly as written: nothing is guessed to be a number or a boolean, so
 * `1.10` stays 1.10 and `no` stays "no"; the reader of a key decides (yaml_whole, yaml_boolean …).
 * 2. Keys of a map are scalars and occur once.
 * 3. Depth, nodes and size are bounded: a hostile file costs what its size says.
 * 4. After a syntax error no tree is given out: what follows the error cannot be read. Errors
 * before it are all reported.
 */
#ifndef TALLYBOOK_ENGINE_RULES_YAML_H
#define TALLYBOOK_ENGINE_RULES_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/rules/diagnostics.h"

enum {
    YAML_BYTES_MAX = 512 * 1024, /* a rulebook's limit (architecture.md, "The journal") */
    YAML_DEPTH_MAX = 16,         /* the deepest file we define has 6 levels */
    YAML_NODES_MAX = 256 * 1024, /* a list of single letters that fills the file */
    YAML_KEYS_MAX = 1000,        /* of one map: each new key is compared with all before it */
    YAML_SCALAR_BYTES_MAX = 16 * 1024,
    YAML_ARENA_BYTES = 32 * 1024 * 1024, /* holds any tree within these limits */
};

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool quoted; /* a YAML_TEXT that stood in quotes or a block: a quoted 5 is a text, not a number
                  */
    struct place place;
    struct bytes text;       /* YAML_TEXT; empty when nothing was written */
    struct bytes key;        /* of a value in a map: its key */
    struct place key_place;  /* and where that stands */
    struct yaml_node *first; /* YAML_LIST, YAML_MAP: the values in order of the file */
    struct yaml_node *next;  /* the next value in the same list or map */
    uint32_t count;          /* of values */
};

/** Reads a whole file; the tree and its texts live in the arena. False, with everything wrong in
 * *diagnostics, when the file cannot be used. An empty file is an error. */
bool yaml_parse(struct bytes source, struct arena *arena, struct diagnostics *diagnostics,
                const struct yaml_node **out_root);

/** The value of a key of a map; NULL when the key is absent (or when `map` is NULL or no map). */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/** Whether a scalar has exactly this text. */
bool yaml_is(const struct yaml_node *node, const char *text);

/** "a map", "a list", "a value" or "nothing": for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

/* The readers below report what is wrong, naming the node's key, and return false; outputs are then
 * untouched. */

/** Every key of the map is in `keys`; others are errors with a suggestion. Reports all of them. */
bool yaml_check_keys(const struct yaml_node *map, const char *const *keys, size_t key_count,
                     struct diagnostics *diagnostics);

/** The node is of this kind, and, when a YAML_TEXT, not empty unless quoted. */
bool yaml_expect(const struct yaml_node *node, enum yaml_kind kind,
                 struct diagnostics *diagnostics);

/** A whole number, min and max included. Digits may be grouped by underscores (1_000_000). */
bool yaml_whole(const struct yaml_node *node, int64_t min, int64_t max,
                struct diagnostics *diagnostics, int64_t *out_value);

/** true or false, and nothing else. */
bool yaml_boolean(const struct yaml_node *node, struct diagnostics *diagnostics, bool *out_value);

/** One of a set of words; *out_index is its place in `words`. */
bool yaml_word(const struct yaml_node *node, const char *const *words, size_t word_count,
               struct diagnostics *diagnostics, size_t *out_index);

#endif
