/*
 * The shop of the demo: a bookshop's traffic as a history journal, from one seed. It writes events
 * and ticks, and knows nothing of what the ledger makes of them; it guesses balances as a customer
 * would, so that now and then a redemption is refused.
 *
 * Invariants:
 * 1. The same seed, start and end give the same records, however the time between is cut into
 * steps of whole minutes; only the ticks follow the steps.
 * 2. Members are "m-1000" and up: nobody's names.
 *
 * @thread one at a time
 */
#ifndef TALLYBOOK_TALLY_DEMO_SHOP_H
#define TALLYBOOK_TALLY_DEMO_SHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/core/quantity.h"
#include "engine/shard/ports.h"

enum {
    DEMO_MEMBER_FIRST = 1000,
    DEMO_MEMBERS_MAX = 4000,
    DEMO_MINUTE_MS = 60 * 1000,
};

struct demo_shop;

/** A shop that opens at `start` (a midnight) and appends to `journal`. */
bool demo_shop_open(struct journal *journal, struct instant start, uint64_t seed,
                    struct demo_shop **out_shop, struct fault *out_fault);

/** Puts the rulebook into force at the start, in every partition. */
bool demo_shop_activate(struct demo_shop *shop, const struct activation *activation,
                        struct fault *out_fault);

/** Lives until `until` (a whole minute): appends what happened, in order, and a tick to each
 * partition. Waits while the journal is behind. */
bool demo_shop_advance(struct demo_shop *shop, struct instant until, struct fault *out_fault);

/** Waits until everything appended is durable. */
bool demo_shop_flush(struct demo_shop *shop, struct fault *out_fault);

/** Until when it has lived. */
struct instant demo_shop_clock(const struct demo_shop *shop);

void demo_shop_close(struct demo_shop *shop);

#endif
