#include <criterion/criterion.h>

#include "consumers/codec_output.h"
#include "consumers/codec_record.h"
#include "consumers/genesis.h"
#include "consumers/journal_disk.h"
#include "consumers/outputs_disk.h"
#include "engine/base/clock.h"
#include "engine/shard/shard.h"
#include "tests/unit/disk_folder.h"

enum { WAIT_MS = 20, DEADLINE_MS = 30 * 1000, TICKS = 3, TICK_MS = 1000 };

static struct fault fault;

/* A shard that owns the only partition of a history journal, on disk. */
struct world {
    struct disk_folder folder;
    struct journal *journal;
    struct outputs *outputs;
    struct journal_appender *appender;
    struct shard *shard;
    int64_t deadline_ms;
};

static void
make_part(const struct world *world, const char *name,
          bool make(const char *path, uint32_t count, struct fault *out_fault))
{
    const char *path = disk_folder_file(&world->folder, name);
    cr_assert(make(path, 1, &fault), "%s", fault.text);
}

static void
world_open(struct world *world)
{
    const struct genesis genesis = {.format = JOURNAL_FORMAT,
                                    .law = LAW_VERSION,
                                    .programme = bytes_from_cstr("test"),
                                    .partition_count = 1,
                                    .time_kind = TIME_RECORD};
    const struct journal_disk_options journal_options = {0};
    const struct outputs_disk_options outputs_options = {.encoder = codec_output_encoder()};
    const uint32_t partition = 0;
    bool made;
    *world = (struct world){.folder = disk_folder_make(),
                            .deadline_ms = clock_monotonic_ns() / 1000000 + DEADLINE_MS};
    make_part(world, "journal", journal_disk_create);
    make_part(world, "outputs", outputs_disk_create);
    cr_assert(journal_disk_open(disk_folder_file(&world->folder, "journal"), &journal_options,
                                &world->journal, &fault),
              "%s", fault.text);
    cr_assert(outputs_disk_open(disk_folder_file(&world->folder, "outputs"), &outputs_options,
                                &world->outputs, &fault),
              "%s", fault.text);
    cr_assert(genesis_write(world->journal, &genesis, true, &made, &fault), "%s", fault.text);
    cr_assert(world->journal->ops->open_appender(world->journal, &world->appender, &fault));
    cr_assert_eq(mkdir(disk_folder_file(&world->folder, "state"), 0777), 0);
    const struct shard_options options = {
        .state_folder = disk_folder_file(&world->folder, "state"),
        .journal = world->journal,
        .outputs = world->outputs,
        .decoder = codec_record_decoder(),
        .memory_bytes = 64 << 20,
        .checkpoint_records = 1000000,
        .checkpoint_ms = 3600 * 1000,
        .checkpoints = true,
    };
    cr_assert(shard_open(&options, &partition, 1, &world->shard, &fault), "%s", fault.text);
}

static void
world_close(struct world *world)
{
    shard_close(world->shard);
    world->appender->ops->close(world->appender);
    world->outputs->ops->close(world->outputs);
    world->journal->ops->close(world->journal);
    disk_folder_remove(&world->folder);
}

static struct partition_status
world_status(struct world *world)
{
    struct partition_status status;
    partition_status(shard_partition(world->shard, 0), &status);
    cr_assert_lt(clock_monotonic_ns() / 1000000, world->deadline_ms, "nothing happens");
    cr_assert_neq(status.phase, PARTITION_STOPPED, "%s", status.fault.text);
    return status;
}

static int64_t
world_journal_end(struct world *world)
{
    int64_t first, end;
    cr_assert(world->journal->ops->bounds(world->journal, 0, &first, &end, &fault));
    return end;
}

static void
append_ticks(struct world *world)
{
    const struct tick tick = {.has_anchor = false};
    static uint8_t memory[1024];
    for (int i = 1; i <= TICKS; i++) {
        struct record_builder builder;
        codec_record_begin(&builder, memory, sizeof memory);
        cr_assert(codec_record_add_tick(&builder, &tick, (int64_t)i * TICK_MS));
        cr_assert(
            world->appender->ops->append(world->appender, 0, codec_record_span(&builder), &fault));
    }
    while (world->appender->ops->acked(world->appender) < TICKS)
        cr_assert(world->appender->ops->poll(world->appender, WAIT_MS, &fault));
}

/* Record 0 is skimmed, not folded, before the claim; then one batch brings the claim and what
 * others appended behind it. Folding has to begin with record 0 all the same. */
Test(owner, takes_over_in_the_midst_of_a_batch)
{
    struct world world;
    world_open(&world);
    while (shard_run_once(world.shard, clock_wall_ms(), WAIT_MS) == 0)
        world_status(&world);
    /* Record 0 is read and the claim on its way; the shard sleeps until others have written. */
    while (world_journal_end(&world) < 2)
        cr_assert(world.appender->ops->poll(world.appender, WAIT_MS, &fault));
    cr_assert_eq(world_status(&world).phase, PARTITION_CLAIMING);
    append_ticks(&world);
    int64_t end = world_journal_end(&world);
    cr_assert_eq(end, 2 + TICKS);
    while (world_status(&world).info.next_offset < end)
        shard_run_once(world.shard, clock_wall_ms(), WAIT_MS);
    struct partition_status status = world_status(&world);
    cr_assert(status.info.has_genesis);
    cr_assert_eq(status.info.clock.ms, TICKS * TICK_MS);
    cr_assert_eq(status.info.entries, 2 + TICKS, "%llu", (unsigned long long)status.info.entries);
    world_close(&world);
}
