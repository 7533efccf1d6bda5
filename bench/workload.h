/*
 * A shop's traffic, made up: purchases of three lines, refunds and spends, in canonical protobuf,
 * by members who buy as Zipf's law has it. The same options give the same events.
 *
 * Invariants:
 * 1. A refund names a line of an order that came before it, once; a spend is of a member who bought
 * shortly before. So nearly all of them are accepted, and do work.
 * 2. Times never go back: the events are spread evenly over the span.
 * 3. Ids of events look random, ids of orders rise: what shops send.
 */
#ifndef TALLYBOOK_BENCH_WORKLOAD_H
#define TALLYBOOK_BENCH_WORKLOAD_H

#include <stdint.h>

#include "bench/zipf.h"
#include "engine/base/bytes.h"

struct workload_options {
    uint64_t seed;
    uint64_t events; /* over which the span is spread */
    uint32_t members;
    uint32_t refund_percent, redeem_percent; /* the rest are purchases */
    int64_t start_ms, span_ms;
};

struct workload_event {
    struct bytes wire; /* an Event; valid until the next one is made */
    struct bytes member;
    int64_t occurred_at_ms;
};

/* Orders that refunds and spends choose from: the last few seconds of a busy shop. */
enum { WORKLOAD_RECENT_MAX = 65536, WORKLOAD_EVENT_BYTES_MAX = 512 };

struct workload_order {
    uint64_t number;
    uint32_t member;
    uint32_t first_line_minor; /* as paid */
    bool refunded;
};

struct workload {
    struct workload_options options;
    struct zipf zipf;
    uint64_t random, made;
    uint64_t spread; /* odd, no common divisor with members: rank to member, one to one */
    struct workload_order recent[WORKLOAD_RECENT_MAX];
    uint64_t orders;
    uint8_t wire[WORKLOAD_EVENT_BYTES_MAX];
};

/** CHECKs that there are members (up to 99,999,999) and that percentages leave room. */
void workload_init(struct workload *workload, const struct workload_options *options);

/** Makes the next event; there is no last one, but times go on as if the span did. */
void workload_next(struct workload *workload, struct workload_event *out_event);

#endif
