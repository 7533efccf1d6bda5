#include "consumers/intake_pack.h"

#include <stdlib.h>

#include "consumers/codec_record.h"
#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "engine/base/region.h"

enum {
    /* A record of this size costs a broker and a reader next to nothing per event; larger ones
       would only wait. */
    TARGET_BYTES = 64 * 1024,
    /* So that the largest event fits behind a record that is just below the target. */
    BUILDER_BYTES = TARGET_BYTES + EVENT_BYTES_MAX + 4096,
    FULL_WAIT_MS = 10,
};

static_assert((int)BUILDER_BYTES <= (int)RECORD_BYTES_MAX, "a record's limit holds for ours");

struct intake_pack {
    struct journal_appender *appender;
    const atomic_bool *stop;
    uint32_t partition_count;
    uint64_t appended;
    uint32_t pending; /* builders with entries */
    struct region memory;
    struct record_builder builders[];
};

bool
intake_pack_open(struct journal *journal, const atomic_bool *stop, struct intake_pack **out_pack,
                 struct fault *out_fault)
{
    uint32_t count = journal->ops->partition_count(journal);
    struct intake_pack *pack = calloc(1, sizeof *pack + count * sizeof *pack->builders);
    CHECK(pack != NULL);
    pack->stop = stop;
    pack->partition_count = count;
    if (!region_map((size_t)count * BUILDER_BYTES, &pack->memory, out_fault)) goto fail;
    if (!journal->ops->open_appender(journal, &pack->appender, out_fault)) goto fail;
    for (uint32_t i = 0; i < count; i++) {
        codec_record_begin(&pack->builders[i],
                           (uint8_t *)pack->memory.memory + (size_t)i * BUILDER_BYTES,
                           BUILDER_BYTES);
    }
    *out_pack = pack;
    return true;
fail:
    region_unmap(&pack->memory);
    free(pack);
    return false;
}

void
intake_pack_close(struct intake_pack *pack)
{
    if (pack == NULL) return;
    pack->appender->ops->close(pack->appender);
    region_unmap(&pack->memory);
    free(pack);
}

uint32_t
intake_pack_partition(const struct intake_pack *pack, struct bytes key)
{
    return murmur2_partition(key, pack->partition_count);
}

/* Appends one partition's record. The appender's queue is the only bound: when it is full the
 * producer of events waits here, and with it whatever feeds it. */
static bool
builder_flush(struct intake_pack *pack, uint32_t partition, struct fault *out_fault)
{
    struct record_builder *builder = &pack->builders[partition];
    if (builder->count == 0) return true;
    while (!pack->appender->ops->append(pack->appender, partition, codec_record_span(builder),
                                        out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN) return false;
        if (pack->stop != NULL && atomic_load_explicit(pack->stop, memory_order_relaxed))
            return false;
        if (!pack->appender->ops->poll(pack->appender, FULL_WAIT_MS, out_fault)) return false;
    }
    pack->appended++;
    pack->pending--;
    codec_record_begin(builder, (uint8_t *)pack->memory.memory + (size_t)partition * BUILDER_BYTES,
                       BUILDER_BYTES);
    return true;
}

/* What is common to all additions: behind the target the record goes, and the builder has room
 * again. */
static bool
added(struct intake_pack *pack, uint32_t partition, struct fault *out_fault)
{
    struct record_builder *builder = &pack->builders[partition];
    if (builder->count == 1) pack->pending++;
    if (codec_record_span(builder).size < TARGET_BYTES) return true;
    return builder_flush(pack, partition, out_fault);
}

bool
intake_pack_event(struct intake_pack *pack, uint32_t partition, struct bytes event,
                  int64_t journal_time_ms, struct fault *out_fault)
{
    CHECK(partition < pack->partition_count && event.size <= EVENT_BYTES_MAX);
    struct record_builder *builder = &pack->builders[partition];
    if (!codec_record_add_event(builder, event, journal_time_ms)) {
        if (!builder_flush(pack, partition, out_fault)) return false;
        bool fits = codec_record_add_event(builder, event, journal_time_ms);
        CHECK(fits);
    }
    return added(pack, partition, out_fault);
}

bool
intake_pack_hole(struct intake_pack *pack, uint32_t partition, const struct hole *hole,
                 int64_t journal_time_ms, struct fault *out_fault)
{
    CHECK(partition < pack->partition_count);
    struct record_builder *builder = &pack->builders[partition];
    if (!codec_record_add_hole(builder, hole, journal_time_ms)) {
        if (!builder_flush(pack, partition, out_fault)) return false;
        bool fits = codec_record_add_hole(builder, hole, journal_time_ms);
        CHECK(fits);
    }
    return added(pack, partition, out_fault);
}

bool
intake_pack_ticks(struct intake_pack *pack, int64_t journal_time_ms, struct fault *out_fault)
{
    struct tick tick = {0};
    for (uint32_t partition = 0; partition < pack->partition_count; partition++) {
        struct record_builder *builder = &pack->builders[partition];
        if (!codec_record_add_tick(builder, &tick, journal_time_ms)) {
            if (!builder_flush(pack, partition, out_fault)) return false;
            bool fits = codec_record_add_tick(builder, &tick, journal_time_ms);
            CHECK(fits);
        }
        if (!added(pack, partition, out_fault)) return false;
    }
    return true;
}

bool
intake_pack_flush(struct intake_pack *pack, struct fault *out_fault)
{
    for (uint32_t i = 0; pack->pending > 0 && i < pack->partition_count; i++) {
        if (!builder_flush(pack, i, out_fault)) return false;
    }
    return true;
}

bool
intake_pack_pending(const struct intake_pack *pack)
{
    return pack->pending > 0;
}

bool
intake_pack_poll(struct intake_pack *pack, int wait_ms, struct fault *out_fault)
{
    return pack->appender->ops->poll(pack->appender, wait_ms, out_fault);
}

uint64_t
intake_pack_appended(const struct intake_pack *pack)
{
    return pack->appended;
}

uint64_t
intake_pack_durable(const struct intake_pack *pack)
{
    return pack->appender->ops->acked(pack->appender);
}
