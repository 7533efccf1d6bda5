/* Journal records: packing events and the journal's own entries into JournalRecord
 * (schemas/tallybook/v1/journal.proto), and back.
 *
 * Invariants:
 *  1. A record has at most RECORD_BYTES_MAX bytes and RECORD_ENTRIES_MAX entries, so that a
 * position's index fits.
 *  2. An event that cannot be read comes back as ENTRY_REFUSED, never as a fault: producers may
 * write into the journal, and what one of them does wrong must not stop a partition. Damage around
 * it is a fault.
 *  3. Encoding is canonical: the same entries give the same bytes. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_RECORD_H
#define TALLYBOOK_CONSUMERS_CODEC_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/event.h"
#include "engine/shard/ports.h"

/* The decoder that a shard is given. Stateless; any thread. Its arena needs CODEC_ARENA_BYTES at
 * most; FAULT_TRY_AGAIN when the arena is too full for the record. */
const struct record_decoder *codec_record_decoder(void);

/* A record on its way: entries are added until one does not fit. Every codec_record_add_* returns
 * false, and adds nothing, when the record is full; journal_time_ms is 0 for live journals. */
struct record_builder {
    struct writer out;
    uint32_t count;
};

/* Takes memory into use; it stays the caller's. A record that is to hold any event needs
 * RECORD_BYTES_MAX. */
void codec_record_begin(struct record_builder *builder, void *memory, size_t capacity);

/* The record so far; empty without entries. */
struct bytes codec_record_span(const struct record_builder *builder);

/* `event` is the protobuf of one Event. */
bool codec_record_add_event(struct record_builder *builder, struct bytes event,
                            int64_t journal_time_ms);
bool codec_record_add_forward(struct record_builder *builder, struct bytes event,
                              int64_t first_append_ms);
bool codec_record_add_genesis(struct record_builder *builder, const struct genesis *genesis,
                              int64_t journal_time_ms);
bool codec_record_add_tick(struct record_builder *builder, const struct tick *tick,
                           int64_t journal_time_ms);
bool codec_record_add_claim(struct record_builder *builder, const struct claim *claim,
                            int64_t journal_time_ms);
bool codec_record_add_hole(struct record_builder *builder, const struct hole *hole,
                           int64_t journal_time_ms);
bool codec_record_add_activation(struct record_builder *builder,
                                 const struct activation *activation, int64_t journal_time_ms);
bool codec_record_add_live(struct record_builder *builder, int64_t journal_time_ms);
bool codec_record_add_law(struct record_builder *builder, uint32_t law, int64_t journal_time_ms);

#endif
