/*
 * A source map: a YAML file that declares how rows of a shop's own export become canonical events,
 * so that no code is written for a shop. docs/examples/online-retail.map.yaml shows every key with
 * comments; docs/maps.md lists them.
 *
 * Invariants:
 * 1. Every column a map speaks of is one of its `columns`; everything wrong with a map is found
 * when it is read, with line, column and hint, before a row is.
 * 2. Lists of cases (`refuse`, `member`, `events`) are tried in order; the first that applies wins.
 */
#ifndef TALLYBOOK_CONSUMERS_MAP_H
#define TALLYBOOK_CONSUMERS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/calendar.h"
#include "engine/core/event.h"
#include "engine/core/quantity.h"

enum {
    MAP_COLUMNS_MAX = 64,
    MAP_CASES_MAX = 32,     /* of one list */
    MAP_CONDITIONS_MAX = 8, /* of one case */
    MAP_PARTS_MAX = 8,      /* of one template */
    /* Rows of others inside a group: tills that write at the same time, not an unsorted file. */
    MAP_GROUP_WITHIN_MAX = 200,
    MAP_REASON_BYTES_MAX = 32,
};

enum map_test {
    MAP_STARTS_WITH,
    MAP_NOT_STARTS_WITH,
    MAP_EQUALS,
    MAP_NOT_EQUALS,
    MAP_EMPTY, /* number: 0 or 1 */
    MAP_SIGN,  /* number: -1, 0, 1; never holds for what is no number */
};

struct map_condition {
    uint32_t column;
    enum map_test test;
    struct bytes text;
    int number;
};

/* All hold, or there are none. */
struct map_when {
    struct map_condition conditions[MAP_CONDITIONS_MAX];
    uint32_t count;
};

/* "order-{invoice}": texts and columns in turn. */
struct map_part {
    bool is_column;
    uint32_t column;
    struct bytes text;
};

struct map_template {
    struct map_part parts[MAP_PARTS_MAX];
    uint32_t count; /* 0: none was given */
};

struct map_refusal_case {
    struct map_when when;
    struct bytes reason;
};

struct map_member_case {
    struct map_when when;
    bool guest; /* the template makes the key of a guest */
    struct map_template key;
};

struct map_event_case {
    struct map_when when;
    enum event_kind kind;         /* EVENT_PURCHASE or EVENT_REFUND */
    struct map_template id;       /* of the event */
    struct map_template order_id; /* of a purchase */
    struct map_template refund_id;
    bool quantity_negative; /* how the file writes these quantities */
};

/* The map as read. Texts live in its own memory. */
struct map {
    struct bytes columns[MAP_COLUMNS_MAX];
    uint32_t column_count;
    char separator;
    struct bytes source;
    const struct currency *currency;
    struct zone zone;
    uint32_t group_column;
    uint32_t group_within;
    uint32_t time_column;
    uint32_t quantity_column, unit_price_column;
    uint32_t sku_column, category_column, brand_column; /* MAP_NO_COLUMN: none */
    struct map_refusal_case refusals[MAP_CASES_MAX];
    uint32_t refusal_count;
    struct map_member_case members[MAP_CASES_MAX];
    uint32_t member_count;
    struct map_event_case events[MAP_CASES_MAX];
    uint32_t event_count;
};

#define MAP_NO_COLUMN UINT32_MAX

/** Reads a map from its text; texts and the zone's table live in the arena, which must outlive the
 * map (MAP_ARENA_BYTES suffice). Everything wrong goes to `messages`, and the fault (FAULT_CONFIG)
 * counts it. `name` is the file's. */
bool map_parse(struct bytes source, const char *name, struct arena *arena, FILE *messages,
               struct map *out_map, struct fault *out_fault);

/** The same from a file. FAULT_NO_INPUT when it cannot be read. */
bool map_load(const char *path, struct arena *arena, FILE *messages, struct map *out_map,
              struct fault *out_fault);

enum { MAP_ARENA_BYTES = 4 * 1024 * 1024 };

#endif
