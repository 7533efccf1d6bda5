/*
 * Packs entries by the partition that they belong to and appends the packs to a journal: packing is
 * the largest single lever on intake's speed (architecture.md, "The journal").
 *
 * Invariants:
 *  1. Entries of one partition reach the journal in the order of the calls.
 *  2. An entry that is added stays until it is appended; nothing is dropped.
 *
 * @thread the one that opened it
 */
#ifndef TALLYBOOK_CONSUMERS_INTAKE_PACK_H
#define TALLYBOOK_CONSUMERS_INTAKE_PACK_H

#include <stdatomic.h>

#include "engine/core/event.h"
#include "engine/shard/ports.h"

struct intake_pack;

/** Opens an appender of its own. `stop` ends waiting for a journal whose queue is full; may be
 * NULL. */
bool intake_pack_open(struct journal *journal, const atomic_bool *stop,
                      struct intake_pack **out_pack, struct fault *out_fault);

/** Drops what is not durable yet. NULL does nothing. */
void intake_pack_close(struct intake_pack *pack);

/** Where a key lives: murmur2, as Java clients place it. */
uint32_t intake_pack_partition(const struct intake_pack *pack, struct bytes key);

/** Adds an event (its protobuf) or a hole; copies it. Waits while the journal's queue is full.
 * FAULT_TRY_AGAIN only when `stop` is set meanwhile. journal_time_ms: 0 but in a history journal.
 */
bool intake_pack_event(struct intake_pack *pack, uint32_t partition, struct bytes event,
                       int64_t journal_time_ms, struct fault *out_fault);
bool intake_pack_hole(struct intake_pack *pack, uint32_t partition, const struct hole *hole,
                      int64_t journal_time_ms, struct fault *out_fault);

/** Adds a tick to every partition, behind what was added so far: a history's time passes to that
 * instant everywhere. */
bool intake_pack_ticks(struct intake_pack *pack, int64_t journal_time_ms, struct fault *out_fault);

/** Appends what is packed so far, full or not. */
bool intake_pack_flush(struct intake_pack *pack, struct fault *out_fault);

/** True when something waits to be flushed. */
bool intake_pack_pending(const struct intake_pack *pack);

/** Serves the journal's answers; waits up to wait_ms for news. */
bool intake_pack_poll(struct intake_pack *pack, int wait_ms, struct fault *out_fault);

/** Records appended so far, and how many of them, in order, are durable. */
uint64_t intake_pack_appended(const struct intake_pack *pack);
uint64_t intake_pack_durable(const struct intake_pack *pack);

#endif
