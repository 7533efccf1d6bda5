#include "tally/import_pack.h"

#include <stdlib.h>

#include "consumers/codec_record.h"
#include "engine/base/check.h"
#include "engine/base/murmur2.h"

/* A record is appended when it has this many bytes: large enough to share the cost of an append,
 * small enough to be folded while the next is packed. */
enum { PACK_BYTES = 64 * 1024, PACK_MEMORY_BYTES = PACK_BYTES + EVENT_BYTES_MAX + 1024 };

struct import_pack {
    struct journal *journal;
    struct journal_appender *appender;
    uint32_t partition_count;
    uint64_t appended;
    struct record_builder builders[PARTITIONS_MAX];
    uint8_t *memory[PARTITIONS_MAX];
};

static void
pack_begin(struct import_pack *pack, uint32_t partition)
{
    if (pack->memory[partition] == NULL) {
        pack->memory[partition] = malloc(PACK_MEMORY_BYTES);
        CHECK(pack->memory[partition] != NULL);
    }
    codec_record_begin(&pack->builders[partition], pack->memory[partition], PACK_MEMORY_BYTES);
}

bool
import_pack_open(struct journal *journal, struct import_pack **out_pack, struct fault *out_fault)
{
    struct import_pack *pack = calloc(1, sizeof *pack);
    CHECK(pack != NULL);
    pack->journal = journal;
    pack->partition_count = journal->ops->partition_count(journal);
    if (!journal->ops->open_appender(journal, &pack->appender, out_fault)) {
        free(pack);
        return false;
    }
    *out_pack = pack;
    return true;
}

void
import_pack_close(struct import_pack *pack)
{
    pack->appender->ops->close(pack->appender);
    for (uint32_t i = 0; i < PARTITIONS_MAX; i++)
        free(pack->memory[i]);
    free(pack);
}

static bool
pack_append(struct import_pack *pack, uint32_t partition, struct fault *out_fault)
{
    struct journal_appender *appender = pack->appender;
    struct record_builder *builder = &pack->builders[partition];
    while (!appender->ops->append(appender, partition, codec_record_span(builder), out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN || !appender->ops->poll(appender, 10, out_fault))
            return false;
    }
    pack->appended++;
    pack_begin(pack, partition);
    return true;
}

bool
import_pack_event(struct import_pack *pack, struct bytes member, struct bytes wire,
                  int64_t journal_time_ms, struct fault *out_fault)
{
    uint32_t partition = murmur2_partition(member, pack->partition_count);
    struct record_builder *builder = &pack->builders[partition];
    if (pack->memory[partition] == NULL) pack_begin(pack, partition);
    if (!codec_record_add_event(builder, wire, journal_time_ms)) {
        if (!pack_append(pack, partition, out_fault)) return false;
        CHECK(codec_record_add_event(builder, wire, journal_time_ms));
    }
    if (codec_record_span(builder).size >= PACK_BYTES)
        return pack_append(pack, partition, out_fault);
    return true;
}

bool
import_pack_ticks(struct import_pack *pack, int64_t journal_time_ms, struct fault *out_fault)
{
    struct tick tick = {0};
    for (uint32_t partition = 0; partition < pack->partition_count; partition++) {
        if (pack->memory[partition] == NULL) pack_begin(pack, partition);
        if (!codec_record_add_tick(&pack->builders[partition], &tick, journal_time_ms)) {
            if (!pack_append(pack, partition, out_fault)) return false;
            CHECK(codec_record_add_tick(&pack->builders[partition], &tick, journal_time_ms));
        }
    }
    return true;
}

bool
import_pack_flush(struct import_pack *pack, struct fault *out_fault)
{
    struct journal_appender *appender = pack->appender;
    for (uint32_t partition = 0; partition < pack->partition_count; partition++)
        if (pack->memory[partition] != NULL && pack->builders[partition].count > 0 &&
            !pack_append(pack, partition, out_fault))
            return false;
    while (appender->ops->acked(appender) < pack->appended)
        if (!appender->ops->poll(appender, 100, out_fault)) return false;
    return true;
}
