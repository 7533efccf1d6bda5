/* The life of a state: opening, memory, marks, and what it tells. Rows come in by restore.c and go
 * out by checkpoint.c. */
#include "engine/core/state_priv.h"

#include <string.h>

enum { DUE_BACKLOG_MAX = 1 << 20 };

bool
state_open(struct slab *slab, const struct state_options *options, struct state **out_state,
           struct fault *out_fault)
{
    struct state *state = slab_alloc(slab, sizeof *state);
    if (state == NULL)
        return fault_set(out_fault, FAULT_UNAVAILABLE,
                         "no memory for a partition: raise the memory limit");
    memset(state, 0, sizeof *state);
    state->memo = (struct memo){.slab = slab, .generation = 1};
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        state->outputs[topic].next_sequence = 1;
    if (!region_map(SCRATCH_BYTES, &state->scratch_region, out_fault)) goto fail;
    if (!region_map(ROW_BYTES_MAX, &state->row_region, out_fault)) goto fail;
    arena_init(&state->scratch_arena, state->scratch_region.memory, state->scratch_region.size);
    state->scratch = &state->scratch_arena;
    if (!members_open(&state->members, &state->memo, options->expected_members, out_fault))
        goto fail;
    if (!identities_open(&state->identities, &state->memo, options->expected_identities, out_fault))
        goto fail;
    if (!references_open(&state->references, &state->memo, options->expected_identities, out_fault))
        goto fail;
    rulebooks_open(&state->rulebooks, &state->memo);
    closed_open(&state->closed, &state->memo);
    timers_open(&state->timers, &state->memo);
    *out_state = state;
    return true;
fail:
    state_close(state);
    return fault_wrap(out_fault, "opening a partition's state");
}

void
state_close(struct state *state)
{
    if (state == NULL) return;
    struct slab *slab = state->memo.slab;
    if (state->timers.memo != NULL) timers_close(&state->timers);
    if (state->closed.memo != NULL) closed_close(&state->closed);
    if (state->references.memo != NULL) references_close(&state->references);
    if (state->identities.memo != NULL) identities_close(&state->identities);
    if (state->members.memo != NULL) members_close(&state->members);
    if (state->rulebooks.memo != NULL) rulebooks_close(&state->rulebooks);
    region_unmap(&state->row_region);
    region_unmap(&state->scratch_region);
    slab_free(slab, state, sizeof *state);
}

bool
state_reserve(struct state *state, uint64_t entries, struct fault *out_fault)
{
    identities_trim(&state->identities, IDENTITY_CACHE_CHUNKS);
    bool reserved = locator_reserve(&state->members.locator, entries, out_fault) &&
                    locator_reserve(&state->identities.locator, entries, out_fault) &&
                    locator_reserve(&state->references.locator, entries, out_fault);
    return reserved || fault_wrap(out_fault, "growing what finds members, identities and orders");
}

/* References and closed lots are the cheapest to load again, members are wanted soonest. */
size_t
state_evict(struct state *state, size_t free_bytes)
{
    size_t freed = closed_evict(&state->closed, free_bytes);
    if (freed < free_bytes) freed += identities_trim(&state->identities, 0);
    if (freed < free_bytes) freed += references_evict(&state->references, free_bytes - freed);
    if (freed < free_bytes) freed += members_evict(&state->members, free_bytes - freed);
    return freed;
}

void
state_set_output_offset(struct state *state, enum topic topic, uint64_t offset)
{
    CHECK(topic < TOPIC_COUNT);
    state->outputs[topic].offset = offset;
}

void
state_record_done(struct state *state, int64_t offset, uint64_t record_hash)
{
    CHECK(state->due_budget == 0);
    state->next_offset = offset + 1;
    state->record_hash = record_hash;
    state->anchors[state->anchor_next] =
        (struct anchor){.applied = state->applied, .chain = state->chain};
    state->anchor_next = (state->anchor_next + 1) % ANCHORS_MAX;
    if (state->anchor_count < ANCHORS_MAX) state->anchor_count++;
}

size_t
state_dirty_bytes(const struct state *state)
{
    return state->memo.dirty_bytes + state->memo.frozen_bytes;
}

uint64_t
state_dirty_entries(const struct state *state)
{
    return state->dirty_entries;
}

/* What of the ledger stands in no row of its own: clock, ordinals, totals. Little-endian: i64
 * clock, u64 next ordinal, u32 lots numbered after the last event, u64 members, then for each
 * currency slot its id (u16 length and bytes) and its 18 balances. */
struct hash128
state_own_share(const struct state *state)
{
    uint8_t bytes[64 + CURRENCY_SLOTS_MAX * (2 + 64 + ACCOUNT_CODES * 8) +
                  ANEW_MAX * sizeof(struct anew_item)];
    struct writer writer = writer_of(bytes, sizeof bytes);
    writer_i64le(&writer, state->clock.ms);
    writer_u64le(&writer, state->identities.next);
    writer_u32le(&writer, state->due_lots);
    writer_u64le(&writer, state->members.count);
    for (uint32_t slot = 0; slot < state->rulebooks.currency_count; slot++) {
        writer_u16le(&writer, (uint16_t)state->rulebooks.currencies[slot].size);
        writer_bytes(&writer, state->rulebooks.currencies[slot]);
        for (size_t account = 0; account < ACCOUNT_CODES; account++)
            writer_i64le(&writer, state->balances[slot][account]);
    }
    if (state->anew.count > 0) anew_encode(&state->anew, &writer);
    CHECK(!writer.overflow);
    return memo_share(state->memo.seed, BYTES_LITERAL("M"), writer_span(&writer));
}

struct hash128
state_meta_digest(const struct state *state)
{
    return state_own_share(state);
}

void
state_info(const struct state *state, struct state_info *out_info)
{
    /* Shares of touched members are brought up to date by whoever asks first: that changes no row.
     */
    members_settle((struct members *)(uintptr_t)&state->members);
    *out_info = (struct state_info){
        .has_genesis = state->has_genesis,
        .genesis = state->genesis,
        .next_offset = state->next_offset,
        .anchor = state->record_hash,
        .applied = state->applied,
        .chain = state->chain,
        .next_ordinal = state->identities.next,
        .entries = state->entries,
        .clock = state->clock,
        .time_kind = state->time_kind,
        .claim = state->claim,
        .claim_nonce = state->claim_nonce,
        .digest = hash128_add(state->memo.digest, state_own_share(state)),
        .members = state->members.count - state->members.unknown_count,
        .identities = state->identities.next - 1,
        .references = state->references.count,
        .rulebooks = state->rulebooks.count,
        .activations_ignored = state->rulebooks.ignored,
        .warm_members = state->members.warm,
        .due_backlog = timers_due(&state->timers, state->clock.ms, DUE_BACKLOG_MAX),
        .rulebook_active = state->rulebooks.count > 0,
    };
    memcpy(out_info->outputs, state->outputs, sizeof out_info->outputs);
    memcpy(out_info->verdicts, state->verdicts, sizeof out_info->verdicts);
    if (state->rulebooks.count == 0) return;
    const struct program *program = &state->rulebooks.items[state->rulebooks.count - 1]->program;
    out_info->rulebook_name = program->name;
    out_info->rulebook_version = program->version;
    out_info->rulebook_effective_from = program->effective_from;
}

size_t
state_totals(const struct state *state, struct totals *out_totals, size_t max)
{
    size_t count = state->rulebooks.currency_count < max ? state->rulebooks.currency_count : max;
    for (size_t slot = 0; slot < count; slot++) {
        const int64_t *balances = state->balances[slot];
        out_totals[slot] = (struct totals){
            .currency = state->rulebooks.currencies[slot],
            .scale = state->rulebooks.scales[slot],
            .issued = -balances[ACCOUNT_ISSUED],
            .active = balances[ACCOUNT_ACTIVE],
            .pending = balances[ACCOUNT_PENDING],
            .held = balances[ACCOUNT_HELD],
            .lapsing = balances[ACCOUNT_LAPSING],
            .arrears = -balances[ACCOUNT_ARREARS],
            .redeemed = balances[ACCOUNT_REDEEMED],
            .expired = balances[ACCOUNT_EXPIRED],
            .reversed = balances[ACCOUNT_REVERSED],
            .adjusted = balances[ACCOUNT_ADJUSTED],
            .forfeited = balances[ACCOUNT_FORFEITED],
            .clearing = balances[ACCOUNT_CLEARING],
        };
    }
    return count;
}
