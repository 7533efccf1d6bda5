/*
 * A hash table of nodes that are embedded in the caller's blocks, keyed by a number, with the list
 * of nodes that are still to be written. Order of iteration is never used for anything that reaches
 * the ledger.
 */
#ifndef TALLYBOOK_ENGINE_CORE_TABLE_H
#define TALLYBOOK_ENGINE_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/memo.h"

struct table_node {
    uint64_t key;
    struct table_node *next;       /* in its bucket */
    struct table_node *dirty_next; /* in the list of the generation that dirtied it */
};

struct table {
    struct memo *memo;
    struct table_node **buckets;
    unsigned buckets_log2;
    size_t count;
};

void table_init(struct table *table, struct memo *memo);

/* The nodes are the caller's: it frees them first. */
void table_fini(struct table *table);

struct table_node *table_find(const struct table *table, uint64_t key);

/* CHECKs nothing about doubles: the caller has looked. */
void table_insert(struct table *table, struct table_node *node);
void table_remove(struct table *table, struct table_node *node);

/* Takes the place of a node that moved or grew. */
void table_replace(struct table *table, struct table_node *old, struct table_node *fresh);

static inline size_t
table_bucket_count(const struct table *table)
{
    return (size_t)1 << table->buckets_log2;
}

/* Sorts a list that is linked by dirty_next by rising key. */
struct table_node *table_sort(struct table_node *list);

/* The same by any order that two nodes never share. */
struct table_node *table_sort_by(struct table_node *list,
                                 bool (*before)(const struct table_node *,
                                                const struct table_node *));

#endif
