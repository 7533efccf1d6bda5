#include "engine/core/table.h"

#include <string.h>

enum { BUCKETS_LOG2_FIRST = 6, BUCKETS_LOG2_MAX = 20 /* one slab block of 8 MiB */ };

static size_t
bucket_of(const struct table *table, uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - table->buckets_log2));
}

static void
table_make(struct table *table, unsigned buckets_log2)
{
    table->buckets_log2 = buckets_log2;
    table->buckets = memo_take(table->memo, table_bucket_count(table) * sizeof *table->buckets);
    memset(table->buckets, 0, table_bucket_count(table) * sizeof *table->buckets);
}

void
table_init(struct table *table, struct memo *memo)
{
    *table = (struct table){.memo = memo};
    table_make(table, BUCKETS_LOG2_FIRST);
}

void
table_fini(struct table *table)
{
    if (table->buckets == NULL) return;
    memo_give(table->memo, table->buckets, table_bucket_count(table) * sizeof *table->buckets);
    *table = (struct table){0};
}

struct table_node *
table_find(const struct table *table, uint64_t key)
{
    struct table_node *node = table->buckets[bucket_of(table, key)];
    while (node != NULL && node->key != key)
        node = node->next;
    return node;
}

static void
table_link(struct table *table, struct table_node *node)
{
    struct table_node **bucket = &table->buckets[bucket_of(table, node->key)];
    node->next = *bucket;
    *bucket = node;
}

static void
table_grow(struct table *table)
{
    struct table old = *table;
    table_make(table, old.buckets_log2 + 1);
    for (size_t i = 0; i < table_bucket_count(&old); i++) {
        struct table_node *node = old.buckets[i];
        while (node != NULL) {
            struct table_node *next = node->next;
            table_link(table, node);
            node = next;
        }
    }
    memo_give(table->memo, old.buckets, table_bucket_count(&old) * sizeof *old.buckets);
}

void
table_insert(struct table *table, struct table_node *node)
{
    if (table->count >= table_bucket_count(table) && table->buckets_log2 < BUCKETS_LOG2_MAX)
        table_grow(table);
    table_link(table, node);
    table->count++;
}

static struct table_node **
table_place(struct table *table, const struct table_node *node)
{
    struct table_node **place = &table->buckets[bucket_of(table, node->key)];
    while (*place != node) {
        CHECK(*place != NULL);
        place = &(*place)->next;
    }
    return place;
}

void
table_remove(struct table *table, struct table_node *node)
{
    *table_place(table, node) = node->next;
    table->count--;
}

void
table_replace(struct table *table, struct table_node *old, struct table_node *fresh)
{
    struct table_node **place = table_place(table, old);
    fresh->next = old->next;
    *place = fresh;
}

static struct table_node *
merge(struct table_node *a, struct table_node *b,
      bool (*before)(const struct table_node *, const struct table_node *))
{
    struct table_node *head = NULL, **end = &head;
    while (a != NULL && b != NULL) {
        struct table_node **smaller = before(a, b) ? &a : &b;
        *end = *smaller;
        end = &(*smaller)->dirty_next;
        *smaller = *end;
    }
    *end = a != NULL ? a : b;
    return head;
}

/* Bottom-up merge sort: runs[i] holds 2^i nodes or none. */
struct table_node *
table_sort_by(struct table_node *list,
              bool (*before)(const struct table_node *, const struct table_node *))
{
    struct table_node *runs[64] = {0};
    while (list != NULL) {
        struct table_node *run = list;
        list = list->dirty_next;
        run->dirty_next = NULL;
        unsigned i = 0;
        for (; runs[i] != NULL; i++) {
            run = merge(runs[i], run, before);
            runs[i] = NULL;
        }
        runs[i] = run;
    }
    struct table_node *sorted = NULL;
    for (unsigned i = 0; i < 64; i++)
        sorted = merge(runs[i], sorted, before);
    return sorted;
}

static bool
key_before(const struct table_node *a, const struct table_node *b)
{
    return a->key <= b->key;
}

struct table_node *
table_sort(struct table_node *list)
{
    return table_sort_by(list, key_before);
}
