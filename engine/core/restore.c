/* Rows in: a state from a store, rows on need, and the digest of single rows. */
#include "engine/core/state_priv.h"

#include <string.h>

enum { META_FORMAT = 2 };

/* ---- META, whose layout stands in checkpoint.c ---- */

static void
decode_genesis(struct reader *reader, struct state *state)
{
    struct genesis *genesis = &state->genesis;
    state->has_genesis = reader_u8(reader) != 0;
    genesis->format = reader_u32le(reader);
    genesis->law = reader_u32le(reader);
    reader_copy(reader, genesis->journal_id, JOURNAL_ID_BYTES);
    struct bytes programme = reader_prefixed(reader);
    if (programme.size > PROGRAMME_BYTES_MAX) {
        reader->failed = true;
        return;
    }
    if (programme.size > 0) memcpy(state->programme, programme.data, programme.size);
    genesis->programme = bytes_of(state->programme, programme.size);
    genesis->partition_count = reader_u32le(reader);
    genesis->partition = reader_u32le(reader);
    genesis->time_kind = reader_u8(reader);
    state->memo.seed =
        state->has_genesis ? hash64(bytes_of(genesis->journal_id, JOURNAL_ID_BYTES), 0) : 0;
}

static void
decode_balances(struct reader *reader, struct state *state)
{
    uint8_t slots = reader_u8(reader);
    if (slots > CURRENCY_SLOTS_MAX) {
        reader->failed = true;
        return;
    }
    for (uint32_t slot = 0; slot < slots; slot++) {
        for (size_t account = 0; account < ACCOUNT_CODES; account++)
            state->balances[slot][account] = reader_i64le(reader);
    }
    uint8_t counted = reader_u8(reader);
    for (uint8_t i = 0; i < counted; i++) {
        uint8_t verdict = reader_u8(reader);
        state->verdicts[verdict] = reader_u64le(reader);
    }
}

bool
state_decode_meta(struct state *state, struct bytes content, struct fault *out_fault)
{
    struct reader reader = reader_of(content);
    uint8_t format = reader_u8(&reader);
    if (format != META_FORMAT) {
        return fault_set(out_fault, FAULT_DATA, "the store has format %u, this program knows %d",
                         format, META_FORMAT);
    }
    decode_genesis(&reader, state);
    state->time_kind = reader_u8(&reader);
    state->clock.ms = reader_i64le(&reader);
    state->next_offset = reader_i64le(&reader);
    state->record_hash = reader_u64le(&reader);
    state->applied = reader_u64le(&reader);
    state->chain = reader_u64le(&reader);
    state->entries = reader_u64le(&reader);
    state->claim = reader_u64le(&reader);
    state->claim_nonce = reader_u64le(&reader);
    state->expected.next_ordinal = reader_u64le(&reader);
    state->expected.members = reader_u64le(&reader);
    state->references.count = reader_u64le(&reader);
    state->expected.rulebooks = reader_u64le(&reader);
    state->rulebooks.ignored = reader_u64le(&reader);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        state->outputs[topic].next_sequence = reader_u64le(&reader);
        state->outputs[topic].hash = reader_u64le(&reader);
        state->outputs[topic].offset = reader_u64le(&reader);
    }
    state->memo.digest.lo = reader_u64le(&reader);
    state->memo.digest.hi = reader_u64le(&reader);
    uint32_t low_hour = reader_u32le(&reader), end_hour = reader_u32le(&reader);
    timers_restored(&state->timers, low_hour, end_hour, reader_u64le(&reader));
    state->due_lots = reader_u32le(&reader);
    state->members.unknown_count = reader_u64le(&reader);
    anew_decode(&reader, &state->anew);
    decode_balances(&reader, state);
    return reader_done(&reader) ||
           fault_set(out_fault, FAULT_DATA, "the store's META row is damaged");
}

static bool
put_meta(struct state *state, struct row row, struct fault *out_fault)
{
    struct bytes content;
    if (state->entries != 0 || state->restoring)
        return fault_set(out_fault, FAULT_DATA, "a store with two META rows");
    if (!row_open(row, &content, out_fault) || !state_decode_meta(state, content, out_fault))
        return false;
    state->restoring = true;
    return true;
}

/* ---- Rows ---- */

static bool
put(struct state *state, struct row row, struct fault *out_fault)
{
    if (row.key.size == 0 || row.value.data == NULL)
        return fault_set(out_fault, FAULT_DATA, "a row without key or value");
    if (!state->has_genesis && row.key.data[0] != ROW_META && !state->restoring) {
        return fault_set(out_fault, FAULT_DATA, "the store has rows, but no META row");
    }
    switch ((enum row_family)row.key.data[0]) {
    case ROW_META: return put_meta(state, row, out_fault);
    case ROW_RULEBOOK: return rulebooks_load(&state->rulebooks, row, out_fault);
    case ROW_DIRECTORY: return members_load_directory(&state->members, row, out_fault);
    case ROW_IDENTITY:
        if (!state->restoring) return identities_load(&state->identities, row, out_fault);
        return identities_restore(&state->identities, row, &state->references.locator, out_fault);
    case ROW_MEMBER: return members_load(&state->members, row, out_fault);
    case ROW_REFERENCE: return references_load(&state->references, row, out_fault);
    case ROW_TIMER: return timers_load(&state->timers, row, out_fault);
    case ROW_CLOSED_LOT: return closed_load(&state->closed, row, out_fault);
    }
    return fault_set(out_fault, FAULT_DATA, "a row of the unknown family 0x%02x", row.key.data[0]);
}

bool
state_put_row(struct state *state, struct row row, struct fault *out_fault)
{
    return put(state, row, out_fault) || fault_wrap(out_fault, "restoring the ledger");
}

bool
state_restored(struct state *state, struct fault *out_fault)
{
    if (!state->restoring) return true; /* an empty store */
    state->restoring = false;
    if (state->identities.next != state->expected.next_ordinal ||
        state->members.count != state->expected.members ||
        state->rulebooks.count != state->expected.rulebooks) {
        return fault_set(out_fault, FAULT_DATA,
                         "the store is not whole: it has %llu of %llu identities, %llu of %llu "
                         "members, %zu of %llu rulebooks",
                         (unsigned long long)state->identities.next - 1,
                         (unsigned long long)state->expected.next_ordinal - 1,
                         (unsigned long long)state->members.count,
                         (unsigned long long)state->expected.members, state->rulebooks.count,
                         (unsigned long long)state->expected.rulebooks);
    }
    state->references.stored = state->references.frozen = state->identities.next;
    state->closed.stored = state->identities.next;
    state->closed.stored_members = state->members.count;
    state->members.frozen_count = state->members.count;
    state->rulebooks.frozen_count = state->rulebooks.count;
    return true;
}

static void
note_damage(struct state *state, const struct need *need)
{
    static const char text[] = "the store lacks a row that it must have, of family 'x'";
    static_assert(sizeof text <= sizeof state->damage, "the text must fit");
    memcpy(state->damage, text, sizeof text);
    state->damage[sizeof text - 3] = (char)need->key[0];
}

void
state_put_absent(struct state *state, const struct need *need)
{
    struct reader key = reader_of(bytes_of(need->key + 1, need->key_size - (size_t)1));
    struct reader last =
        reader_of(bytes_of(need->last + 1, need->last_size == 0 ? 0 : need->last_size - (size_t)1));
    if (need->mode != NEED_RANGE) {
        note_damage(state, need);
    } else if (need->key[0] == ROW_TIMER) {
        timers_loaded(&state->timers, reader_u32be(&last));
    } else {
        uint64_t member = reader_u64be(&key), first = reader_u64be(&key);
        reader_u64be(&last);
        closed_complete(&state->closed, member, first, reader_u64be(&last));
    }
}

bool
row_digest(const uint8_t journal_id[JOURNAL_ID_BYTES], struct row row, struct hash128 *out_share,
           struct fault *out_fault)
{
    uint64_t seed = hash64(bytes_of(journal_id, JOURNAL_ID_BYTES), 0);
    struct bytes content;
    struct hash128 none = {0};
    CHECK(row.key.size > 0);
    switch ((enum row_family)row.key.data[0]) {
    case ROW_MEMBER: return member_row_share(seed, row, out_share, out_fault);
    case ROW_IDENTITY: return identity_row_share(seed, row, out_share, out_fault);
    case ROW_RULEBOOK:
    case ROW_REFERENCE:
    case ROW_CLOSED_LOT:
        if (!row_open(row, &content, out_fault)) return false;
        *out_share = memo_share(seed, row.key, content);
        return true;
    case ROW_META:
    case ROW_DIRECTORY:
    case ROW_TIMER:
        if (!row_open(row, &content, out_fault)) return false;
        *out_share = none;
        return true;
    }
    return fault_set(out_fault, FAULT_DATA, "a row of the unknown family 0x%02x", row.key.data[0]);
}
