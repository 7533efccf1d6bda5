/*
 * Rows out. META, the content of family 'M', byte by byte; numbers little-endian in their full
 * width, texts as a varint length and their bytes:
 *
 *   u8   format (2)
 *   u8   has_genesis; u32 format, law; 16 bytes journal id; text programme; u32 partition_count,
 * partition; u8 time kind of record 0 u8   time kind now; i64 clock; i64 next_offset; u64 record
 * hash, applied, chain, entries, claim, claim_nonce u64  next_ordinal, members, references,
 * rulebooks, activations ignored 4 ×  u64 next_sequence, hash, offset u64 × 2  digest of the rows
 *   u32  low hour, u32 end hour, u64 checkpoints   (timer.h)
 *   u32  lots numbered after the last event, u64 members that are not enrolled
 *   members that a new rulebook still has to judge (anew.h)
 *   u8   currency slots, and for each its 18 balances as i64
 *   u8   verdicts counted, and for each: u8 verdict, u64 count
 */
#include "engine/core/state_priv.h"

#include <string.h>

enum { META_FORMAT = 2 };

void
state_encode_meta(const struct state *state, struct writer *writer)
{
    const struct genesis *genesis = &state->genesis;
    writer_u8(writer, META_FORMAT);
    writer_u8(writer, state->has_genesis);
    writer_u32le(writer, genesis->format);
    writer_u32le(writer, genesis->law);
    writer_bytes(writer, bytes_of(genesis->journal_id, JOURNAL_ID_BYTES));
    writer_prefixed(writer, genesis->programme);
    writer_u32le(writer, genesis->partition_count);
    writer_u32le(writer, genesis->partition);
    writer_u8(writer, (uint8_t)genesis->time_kind);
    writer_u8(writer, (uint8_t)state->time_kind);
    writer_i64le(writer, state->clock.ms);
    writer_i64le(writer, state->next_offset);
    writer_u64le(writer, state->record_hash);
    writer_u64le(writer, state->applied);
    writer_u64le(writer, state->chain);
    writer_u64le(writer, state->entries);
    writer_u64le(writer, state->claim);
    writer_u64le(writer, state->claim_nonce);
    writer_u64le(writer, state->identities.next);
    writer_u64le(writer, state->members.count);
    writer_u64le(writer, state->references.count);
    writer_u64le(writer, state->rulebooks.count);
    writer_u64le(writer, state->rulebooks.ignored);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        writer_u64le(writer, state->outputs[topic].next_sequence);
        writer_u64le(writer, state->outputs[topic].hash);
        writer_u64le(writer, state->outputs[topic].offset);
    }
    writer_u64le(writer, state->memo.digest.lo);
    writer_u64le(writer, state->memo.digest.hi);
    writer_u32le(writer, state->timers.frozen_low_hour);
    writer_u32le(writer, state->timers.end_hour);
    writer_u64le(writer, state->timers.checkpoints);
    writer_u32le(writer, state->due_lots);
    writer_u64le(writer, state->members.unknown_count);
    anew_encode(&state->anew, writer);
    writer_u8(writer, (uint8_t)state->rulebooks.currency_count);
    for (uint32_t slot = 0; slot < state->rulebooks.currency_count; slot++) {
        for (size_t account = 0; account < ACCOUNT_CODES; account++)
            writer_i64le(writer, state->balances[slot][account]);
    }
    uint8_t counted = 0;
    for (size_t i = 1; i < 256; i++)
        counted += state->verdicts[i] != 0;
    writer_u8(writer, counted);
    for (size_t i = 1; i < 256; i++) {
        if (state->verdicts[i] == 0) continue;
        writer_u8(writer, (uint8_t)i);
        writer_u64le(writer, state->verdicts[i]);
    }
}

void
state_checkpoint_begin(struct state *state)
{
    CHECK(!state->checkpoint_open && state->due_budget == 0);
    state->checkpoint_open = true;
    members_settle(&state->members);
    state->memo.generation++;
    state->memo.frozen_bytes = state->memo.dirty_bytes;
    state->memo.dirty_bytes = 0;
    state->dirty_entries = 0;
    state->members.frozen_count = state->members.count;
    state->identities.frozen = state->identities.next;
    state->rulebooks.frozen_count = state->rulebooks.count;
    references_checkpoint_begin(&state->references, state->identities.next);
    closed_checkpoint_begin(&state->closed);
    timers_checkpoint_begin(&state->timers);
}

static bool
next_meta(const struct state *state, uint64_t *cursor, struct row_key *out_key,
          struct writer *writer)
{
    if (*cursor != 0) return false;
    *cursor = 1;
    *out_key = (struct row_key){.data = {ROW_META}, .size = 1};
    state_encode_meta(state, writer);
    return true;
}

static bool
next_row(struct state *state, enum row_family family, uint64_t *cursor, struct row_key *key,
         struct writer *writer, bool *delete)
{
    uint32_t frozen = state->memo.generation - 1;
    switch (family) {
    case ROW_META: return next_meta(state, cursor, key, writer);
    case ROW_RULEBOOK: return rulebooks_next(&state->rulebooks, cursor, key, writer);
    case ROW_DIRECTORY: return members_next_directory(&state->members, cursor, key, writer);
    case ROW_IDENTITY: return identities_next(&state->identities, cursor, key, writer);
    case ROW_MEMBER: return members_next_dirty(&state->members, frozen, cursor, key, writer);
    case ROW_REFERENCE: return references_next(&state->references, cursor, key, writer);
    case ROW_TIMER: return timers_next(&state->timers, cursor, key, writer, delete);
    case ROW_CLOSED_LOT: return closed_next(&state->closed, frozen, cursor, key, writer, delete);
    }
    UNREACHABLE();
}

bool
state_checkpoint_next(struct state *state, enum row_family family, uint64_t *cursor,
                      struct row *out_row)
{
    bool delete = false;
    struct writer writer = writer_of(state->row_region.memory, state->row_region.size);
    CHECK(state->checkpoint_open);
    if (!next_row(state, family, cursor, &state->row_key, &writer, &delete)) return false;
    if (!delete) row_write_seal(row_key_span(&state->row_key), &writer);
    *out_row = (struct row){
        .key = row_key_span(&state->row_key),
        .value = delete ? (struct bytes){0} : writer_span(&writer),
    };
    return true;
}

void
state_checkpoint_end(struct state *state)
{
    CHECK(state->checkpoint_open);
    state->checkpoint_open = false;
    uint32_t frozen = state->memo.generation - 1;
    state->memo.stored_generation = frozen;
    state->memo.frozen_bytes = 0;
    members_checkpoint_end(&state->members, frozen);
    identities_checkpoint_end(&state->identities);
    references_checkpoint_end(&state->references);
    closed_checkpoint_end(&state->closed, state->identities.stored, state->members.stored_count);
    timers_checkpoint_end(&state->timers);
    state->rulebooks.stored_count = state->rulebooks.frozen_count;
}
