#include "tests/unit/shard_rig.h"

#include <stdatomic.h>

#include "consumers/codec_event.h"
#include "consumers/codec_event_write.h"
#include "consumers/codec_output.h"
#include "consumers/genesis.h"
#include "consumers/journal_disk.h"
#include "consumers/outputs_disk.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/murmur2.h"
#include "engine/core/calendar.h"
#include "tests/unit/fold_rig.h"

enum { EVENT_MEMORY = 4 << 20, CYCLES_MAX = 20000, READ_MAX = 64 };

static _Atomic int64_t passed_ms;

int64_t
shard_rig_now_ms(void)
{
    return clock_wall_ms() + atomic_load(&passed_ms);
}

void
shard_rig_pass(int64_t ms)
{
    atomic_fetch_add(&passed_ms, ms);
}

void
shard_rig_open_ports(struct shard_rig *rig)
{
    struct journal_disk_options journal = {.wall_ms = shard_rig_now_ms};
    struct outputs_disk_options outputs = {.encoder = codec_output_encoder()};
    char path[1024];
    snprintf(path, sizeof path, "%s/journal", rig->folder.path);
    cr_assert(journal_disk_open(path, &journal, &rig->journal, &rig->fault), "%s", rig->fault.text);
    snprintf(path, sizeof path, "%s/outputs", rig->folder.path);
    cr_assert(outputs_disk_open(path, &outputs, &rig->outputs, &rig->fault), "%s", rig->fault.text);
    cr_assert(rig->journal->ops->open_appender(rig->journal, &rig->appender, &rig->fault), "%s",
              rig->fault.text);
    rig->appended = 0;
}

void
shard_rig_close_ports(struct shard_rig *rig)
{
    rig->appender->ops->close(rig->appender);
    rig->journal->ops->close(rig->journal);
    rig->outputs->ops->close(rig->outputs);
}

static void
activate(struct shard_rig *rig, uint32_t partition, const struct program *program)
{
    static uint8_t bytes[64 * 1024];
    struct writer writer = writer_of(bytes, sizeof bytes);
    struct record_builder builder;
    program_encode(program, &writer);
    struct activation activation = {
        .name = program->name,
        .version = program->version,
        .effective_from = program->effective_from,
        .yaml = BYTES_LITERAL("# as written"),
        .program = writer_span(&writer),
    };
    shard_rig_begin(rig, &builder);
    cr_assert(codec_record_add_activation(&builder, &activation, 0));
    shard_rig_append(rig, partition, codec_record_span(&builder));
}

void
shard_rig_open(struct shard_rig *rig, uint32_t partitions, bool expires)
{
    struct program program = rig_program();
    struct genesis genesis = {
        .format = JOURNAL_FORMAT,
        .law = LAW_VERSION,
        .programme = BYTES_LITERAL("rig"),
        .partition_count = partitions,
        .time_kind = TIME_APPEND,
    };
    bool made;
    memset(rig, 0, sizeof *rig);
    rig->folder = disk_folder_make();
    rig->partitions = partitions;
    cr_assert(region_map(2 * RECORD_BYTES_MAX, &rig->record_region, &rig->fault));
    cr_assert(region_map(EVENT_MEMORY, &rig->event_region, &rig->fault));
    arena_init(&rig->events, rig->event_region.memory, EVENT_MEMORY);
    cr_assert(
        journal_disk_create(disk_folder_file(&rig->folder, "journal"), partitions, &rig->fault),
        "%s", rig->fault.text);
    cr_assert(
        outputs_disk_create(disk_folder_file(&rig->folder, "outputs"), partitions, &rig->fault),
        "%s", rig->fault.text);
    shard_rig_open_ports(rig);
    /* Journals differ, as two real ones do: their folders' names are random. */
    memcpy(genesis.journal_id, rig->folder.path + strlen(rig->folder.path) - 6, 6);
    cr_assert(genesis_write(rig->journal, &genesis, true, &made, &rig->fault), "%s",
              rig->fault.text);
    if (expires)
        program.currencies[0].expiry =
            (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_DAY};
    for (uint32_t i = 0; i < partitions; i++)
        activate(rig, i, &program);
}

void
shard_rig_close(struct shard_rig *rig)
{
    shard_rig_close_ports(rig);
    region_unmap(&rig->record_region);
    region_unmap(&rig->event_region);
    disk_folder_remove(&rig->folder);
}

void
shard_rig_append(struct shard_rig *rig, uint32_t partition, struct bytes record)
{
    struct journal_appender *appender = rig->appender;
    cr_assert(appender->ops->append(appender, partition, record, &rig->fault), "%s",
              rig->fault.text);
    rig->appended++;
    while (appender->ops->acked(appender) < rig->appended)
        cr_assert(appender->ops->poll(appender, 1000, &rig->fault), "%s", rig->fault.text);
}

void
shard_rig_begin(struct shard_rig *rig, struct record_builder *builder)
{
    codec_record_begin(builder, rig->record_region.memory, RECORD_BYTES_MAX);
}

uint32_t
shard_rig_home(const struct shard_rig *rig, const char *member)
{
    return murmur2_partition(bytes_from_cstr(member), rig->partitions);
}

void
shard_rig_add_order(struct shard_rig *rig, struct record_builder *builder, const char *member,
                    int64_t minor)
{
    char id[32];
    struct bytes wire;
    snprintf(id, sizeof id, "e%llu", (unsigned long long)++rig->told);
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"),
        .kind = LINE_GOODS,
        .quantity_milli = 1000,
        .amount_minor = minor,
    };
    struct event event = {
        .kind = EVENT_PURCHASE,
        .source = BYTES_LITERAL("shop"),
        .id = bytes_from_cstr(id),
        .member = bytes_from_cstr(member),
        .occurred_at = {shard_rig_now_ms()},
        .purchase = {.order_id = bytes_from_cstr(id),
                     .currency = RIG_GBP,
                     .lines = &line,
                     .line_count = 1},
    };
    arena_reset_to(&rig->events, 0);
    cr_assert(codec_event_write(&event, &rig->events, &wire));
    cr_assert(codec_record_add_event(builder, wire, 0));
}

void
shard_rig_buy_in(struct shard_rig *rig, uint32_t partition, const char *member, int64_t minor)
{
    struct record_builder builder;
    shard_rig_begin(rig, &builder);
    shard_rig_add_order(rig, &builder, member, minor);
    shard_rig_append(rig, partition, codec_record_span(&builder));
}

void
shard_rig_buy(struct shard_rig *rig, const char *member, int64_t minor)
{
    shard_rig_buy_in(rig, shard_rig_home(rig, member), member, minor);
}

void
shard_rig_claim(struct shard_rig *rig, uint32_t partition, uint64_t replaces)
{
    struct claim claim = {
        .nonce = UINT64_C(0xf0e1d2c3), .replaces = replaces, .owner = BYTES_LITERAL("stranger")};
    struct record_builder builder;
    shard_rig_begin(rig, &builder);
    cr_assert(codec_record_add_claim(&builder, &claim, 0));
    shard_rig_append(rig, partition, codec_record_span(&builder));
}

/* ---- Shards ---- */

struct shard_options
shard_rig_options(struct shard_rig *rig, const char *state)
{
    static char paths[4][1024]; /* the shard copies it; a test has few at once */
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", rig->folder.path, state);
    mkdir(path, 0755);
    return (struct shard_options){
        .state_folder = path,
        .journal = rig->journal,
        .outputs = rig->outputs,
        .decoder = codec_record_decoder(),
        .owner_name = state,
        .memory_bytes = (size_t)64 << 20,
        .checkpoint_records = UINT64_MAX,
        .checkpoint_ms = INT64_MAX / 2,
        .checkpoints = true,
        .expected_members = 64,
        .expected_identities = 64,
    };
}

struct shard *
shard_rig_start(struct shard_rig *rig, const struct shard_options *options)
{
    uint32_t numbers[SHARD_RIG_PARTITIONS_MAX];
    struct shard *shard = NULL;
    for (uint32_t i = 0; i < rig->partitions; i++)
        numbers[i] = i;
    cr_assert(shard_open(options, numbers, rig->partitions, &shard, &rig->fault), "%s",
              rig->fault.text);
    return shard;
}

void
shard_rig_run(struct shard *shard)
{
    for (int i = 0; i < CYCLES_MAX; i++) {
        size_t work = shard_run_once(shard, shard_rig_now_ms(), 1);
        if (work == 0 && shard_is_idle(shard)) return;
    }
    cr_assert_fail("the shard does not come to rest");
}

void
shard_rig_run_to(struct shard *shard, uint32_t partition, enum partition_phase phase)
{
    for (int i = 0; i < CYCLES_MAX; i++) {
        struct partition_status status = shard_rig_status(shard, partition);
        if (status.phase == phase) return;
        shard_run_once(shard, shard_rig_now_ms(), 1);
    }
    cr_assert_fail("partition %u does not become '%s'", partition, partition_phase_name(phase));
}

struct partition_status
shard_rig_status(struct shard *shard, uint32_t partition)
{
    struct partition_status status;
    partition_status(shard_partition(shard, partition), &status);
    return status;
}

int64_t
shard_rig_active(struct shard *shard, const struct shard_rig *rig, const char *member)
{
    struct region region;
    struct arena arena;
    struct fault fault;
    struct member_view view;
    int64_t active = -1;
    cr_assert(region_map((size_t)64 << 20, &region, &fault));
    arena_init(&arena, region.memory, region.size);
    if (partition_member(shard_partition(shard, shard_rig_home(rig, member)),
                         bytes_from_cstr(member), &arena, &view, &fault))
        active = view.wallet_count == 0 ? 0 : view.wallets[0].active.units;
    region_unmap(&region);
    return active;
}

struct shard_rig_output
shard_rig_output(struct shard_rig *rig, uint32_t partition, enum topic topic)
{
    struct shard_rig_output output = {0};
    struct output_reader *reader = NULL;
    struct output_message messages[READ_MAX];
    uint64_t first, end, last = 0;
    struct outputs *outputs = rig->outputs;
    cr_assert(outputs->ops->bounds(outputs, partition, topic, &first, &end, &rig->fault));
    cr_assert(outputs->ops->open_reader(outputs, &reader, &rig->fault), "%s", rig->fault.text);
    cr_assert(reader->ops->assign(reader, partition, topic, first, &rig->fault));
    for (size_t count = 0; first < end; first += count) {
        cr_assert(reader->ops->read(reader, 1000, messages, READ_MAX, &count, &rig->fault), "%s",
                  rig->fault.text);
        for (size_t i = 0; i < count; i++) {
            cr_assert_leq(messages[i].first_sequence, last + 1, "a gap in '%s'", topic_name(topic));
            uint64_t behind = messages[i].first_sequence + messages[i].count;
            output.effects += messages[i].count;
            output.repeated += last + 1 - messages[i].first_sequence < messages[i].count
                                   ? last + 1 - messages[i].first_sequence
                                   : messages[i].count;
            if (behind > last + 1) last = behind - 1;
        }
    }
    reader->ops->close(reader);
    return output;
}
