/*
 * tally-bench-core FILE: one round over a packed journal file that lies in memory: protobuf-c
 * unpacks every record into an arena; the codec decodes every record; the codec decodes and the
 * core folds every record, beginning with an empty ledger that never leaves memory.
 */
#include <stdio.h>
#include <string.h>

#include "bench/harness.h"
#include "consumers/codec_event.h"
#include "consumers/codec_record.h"
#include "engine/base/slab.h"
#include "engine/core/fold.h"
#include "tallybook/v1/journal.pb-c.h"

enum {
    LEDGER_BYTES_LOG2 = 36,
    EFFECTS_ARENA_BYTES = 256 * 1024 * 1024,
    DUE_SLICE = 64,
    AHEAD = 64
};

struct bench {
    struct record_list list;
    struct region arena_region, slab_region, entries_region, effects_region, effects_arena_region;
    struct arena arena, effects_arena;
    struct entry *entries;
    struct effects effects;
    struct needs needs;
    uint64_t effect_count;
};

/* ---- protobuf-c ---- */

static void *
arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
arena_free(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

static void
measure_unpack(struct bench *bench)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_free, &bench->arena};
    uint64_t entries = 0;
    int64_t begin_ns = processor_ns();
    for (size_t i = 0; i < bench->list.count; i++) {
        struct bytes payload = bench->list.items[i].payload;
        arena_reset_to(&bench->arena, 0);
        Tallybook__V1__JournalRecord *record =
            tallybook__v1__journal_record__unpack(&allocator, payload.size, payload.data);
        CHECK(record != NULL);
        entries += record->n_entries;
    }
    print_figure("unpack", entries, bench->list.payload_bytes, processor_ns() - begin_ns);
}

/* ---- Ours ---- */

static bool
decode(struct bench *bench, size_t at, size_t *out_count, struct fault *out_fault)
{
    const struct record_decoder *decoder = codec_record_decoder();
    arena_reset_to(&bench->arena, 0);
    return decoder->decode(decoder, bench->list.items[at].payload, &bench->arena, bench->entries,
                           RECORD_ENTRIES_MAX, out_count, out_fault);
}

static bool
measure_decode(struct bench *bench, struct fault *out_fault)
{
    uint64_t entries = 0;
    int64_t begin_ns = processor_ns();
    for (size_t i = 0; i < bench->list.count; i++) {
        size_t count;
        if (!decode(bench, i, &count, out_fault)) return false;
        entries += count;
    }
    print_figure("decode", entries, bench->list.payload_bytes, processor_ns() - begin_ns);
    return true;
}

static void
drain(struct bench *bench)
{
    bench->effect_count += bench->effects.count;
    bench->effects.count = 0;
    arena_reset_to(&bench->effects_arena, 0);
}

/* There is no store: whatever is not in memory was never anywhere. */
static void
answer_needs(struct bench *bench, struct state *state)
{
    for (size_t i = 0; i < bench->needs.count; i++)
        state_put_absent(state, &bench->needs.items[i]);
    bench->needs.count = 0;
}

static bool
fold_entry(struct bench *bench, struct state *state, const struct journal_message *message,
           uint32_t index, struct fault *out_fault)
{
    const struct entry *entry = &bench->entries[index];
    struct position position = {message->offset, index};
    for (;;) {
        fold_needs(state, entry, message->append_ms, &bench->needs);
        if (bench->needs.count == 0) break;
        answer_needs(bench, state);
    }
    if (!fold_apply(state, entry, position, message->append_ms, &bench->effects, out_fault))
        return false;
    while (fold_due(state, DUE_SLICE, &bench->effects, &bench->needs) != DUE_DONE)
        answer_needs(bench, state);
    if (bench->effects.count >= EFFECTS_CAPACITY - EFFECTS_ROOM) drain(bench);
    return true;
}

/* As a shard does it: room for the record, then in groups, what they touch fetched ahead. */
static bool
fold_record(struct bench *bench, struct state *state, const struct journal_message *message,
            size_t count, struct fault *out_fault)
{
    if (!state_reserve(state, count, out_fault)) return false;
    for (size_t i = 0; i < count; i++) {
        if (i % AHEAD == 0)
            fold_prefetch(state, &bench->entries[i], count - i < AHEAD ? count - i : AHEAD);
        if (!fold_entry(bench, state, message, (uint32_t)i, out_fault)) return false;
    }
    drain(bench);
    state_record_done(state, message->offset, hash64(message->payload, 0));
    return true;
}

static bool
fold_all(struct bench *bench, struct state **states, uint64_t *out_entries, struct fault *out_fault)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < bench->list.count; i++) {
        const struct journal_message *message = &bench->list.items[i];
        size_t count;
        if (!decode(bench, i, &count, out_fault) ||
            !fold_record(bench, states[message->partition], message, count, out_fault))
            return false;
        entries += count;
    }
    *out_entries = entries;
    return true;
}

static void
tell_verdicts(struct state **states, uint32_t count)
{
    static struct state_info info;
    uint64_t verdicts[sizeof info.verdicts / sizeof *info.verdicts] = {0};
    for (uint32_t p = 0; p < count; p++) {
        state_info(states[p], &info);
        for (size_t v = 0; v < sizeof verdicts / sizeof *verdicts; v++)
            verdicts[v] += info.verdicts[v];
    }
    print_verdicts(verdicts, sizeof verdicts / sizeof *verdicts);
}

static bool
measure_fold(struct bench *bench, struct fault *out_fault)
{
    struct slab slab;
    struct state *states[PARTITIONS_MAX] = {NULL};
    uint32_t partition_count = bench->list.partition_count;
    struct state_options options = {
        .expected_members = bench->list.entry_count / 4 / partition_count,
        .expected_identities = bench->list.entry_count / partition_count,
    };
    slab_init(&slab, bench->slab_region.memory, bench->slab_region.size);
    bool done = true;
    for (uint32_t p = 0; done && p < partition_count; p++)
        done = state_open(&slab, &options, &states[p], out_fault);
    if (done) {
        uint64_t entries;
        int64_t begin_ns = processor_ns();
        done = fold_all(bench, states, &entries, out_fault);
        if (done)
            print_figure("fold", entries, bench->list.payload_bytes, processor_ns() - begin_ns);
        if (done) print_figure("effects", bench->effect_count, 0, 0);
        if (done) tell_verdicts(states, partition_count);
    }
    for (uint32_t p = 0; p < partition_count; p++)
        if (states[p] != NULL) state_close(states[p]);
    return done;
}

static bool
bench_init(struct bench *bench, const char *path, struct fault *out_fault)
{
    if (!record_list_load(path, &bench->list, out_fault) ||
        !region_map(CODEC_ARENA_BYTES, &bench->arena_region, out_fault) ||
        !region_map((size_t)1 << LEDGER_BYTES_LOG2, &bench->slab_region, out_fault) ||
        !region_map(RECORD_ENTRIES_MAX * sizeof(struct entry), &bench->entries_region, out_fault) ||
        !region_map(EFFECTS_CAPACITY * sizeof(struct effect), &bench->effects_region, out_fault) ||
        !region_map(EFFECTS_ARENA_BYTES, &bench->effects_arena_region, out_fault))
        return false;
    arena_init(&bench->arena, bench->arena_region.memory, bench->arena_region.size);
    arena_init(&bench->effects_arena, bench->effects_arena_region.memory,
               bench->effects_arena_region.size);
    bench->entries = bench->entries_region.memory;
    bench->effects = (struct effects){.items = bench->effects_region.memory,
                                      .capacity = EFFECTS_CAPACITY,
                                      .arena = &bench->effects_arena};
    return true;
}

int
main(int count, char **arguments)
{
    static struct bench bench;
    struct fault fault;
    if (count != 2) {
        fprintf(stderr, "Usage: tally-bench-core FILE\n");
        return FAULT_USAGE;
    }
    if (!bench_init(&bench, arguments[1], &fault)) return report_fault("tally-bench-core", &fault);
    /* Once unmeasured: pages of arenas and the processor's clock are as they will be. */
    size_t warm;
    for (size_t i = 0; i < bench.list.count && i < 100; i++)
        if (!decode(&bench, i, &warm, &fault)) return report_fault("tally-bench-core", &fault);
    measure_unpack(&bench);
    if (!measure_decode(&bench, &fault) || !measure_fold(&bench, &fault))
        return report_fault("tally-bench-core", &fault);
    return 0;
}
