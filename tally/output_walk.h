/* Walking over published outputs, effect by effect, in order of their numbers: what `tail`, `member
 * statement`, `import` and the demo read. Packs are opened, repeats of a former owner passed over,
 * a gap is reported (architecture.md, "What a reader may rely on"). */
#ifndef TALLYBOOK_TALLY_OUTPUT_WALK_H
#define TALLYBOOK_TALLY_OUTPUT_WALK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/shard/ports.h"

struct output_item {
    uint32_t partition;
    enum topic topic;
    uint64_t sequence;
    struct bytes message;  /* the effect's own protobuf */
    struct bytes key;      /* the member's key in the ledger, or as much as the message says */
    struct bytes json;     /* when asked for */
    const char *json_text; /* the same, NUL-terminated */
};

/* False ends the walk with the fault. */
typedef bool output_function(void *context, const struct output_item *item,
                             struct fault *out_fault);

struct output_walk_options {
    enum topic topic;
    uint32_t first_partition, last_partition;
    uint64_t last; /* only so many of the latest of each partition; 0: all */
    bool json;     /* item.json is wanted */
    bool follow;   /* go on with what comes until `stop` */
    const atomic_bool *stop;
};

/* Blocking. FAULT_DATA names a gap. */
bool output_walk(struct outputs *outputs, const struct output_walk_options *options,
                 output_function *function, void *context, struct fault *out_fault);

/* ---- The same, step by step: for whoever does other things in between ---- */

struct output_cursor;

/* A cursor over `count` topics of all partitions from first to last. `from_end`: only what is
 * published from now on. */
bool output_cursor_open(struct outputs *outputs, const enum topic *topics, size_t count,
                        uint32_t first_partition, uint32_t last_partition, bool from_end,
                        struct output_cursor **out_cursor, struct fault *out_fault);

/* Hands over what is there, waiting up to wait_ms for the first. *out_count: effects handed over.
 */
bool output_cursor_read(struct output_cursor *cursor, int wait_ms, bool json,
                        output_function *function, void *context, uint64_t *out_count,
                        struct fault *out_fault);

void output_cursor_close(struct output_cursor *cursor);

#endif
