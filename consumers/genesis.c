#include "consumers/genesis.h"

#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_record.h"
#include "engine/base/check.h"
#include "engine/base/region.h"

static bool
genesis_decode(const struct journal_message *message, struct arena *arena,
               char memory[EVENT_ID_BYTES_MAX], struct genesis *out_genesis,
               struct fault *out_fault)
{
    const struct record_decoder *decoder = codec_record_decoder();
    struct entry entries[2];
    size_t count;
    if (!decoder->decode(decoder, message->payload, arena, entries, 2, &count, out_fault))
        return false;
    if (count != 1 || entries[0].kind != ENTRY_GENESIS)
        return fault_set(
            out_fault, FAULT_DATA,
            "the journal's first record is no record 0: it was not made by 'tally journal create'");
    *out_genesis = entries[0].genesis;
    CHECK(out_genesis->programme.size <= EVENT_ID_BYTES_MAX);
    memcpy(memory, out_genesis->programme.data, out_genesis->programme.size);
    out_genesis->programme = bytes_of(memory, out_genesis->programme.size);
    return true;
}

bool
genesis_read(struct journal *journal, uint32_t partition, char memory[EVENT_ID_BYTES_MAX],
             struct genesis *out_genesis, bool *out_found, struct fault *out_fault)
{
    struct journal_reader *reader = NULL;
    struct journal_message message;
    struct region region;
    struct arena arena;
    size_t count = 0;
    int64_t first, end;
    if (!journal->ops->bounds(journal, partition, &first, &end, out_fault)) return false;
    if (end == 0) {
        *out_found = false;
        return true;
    }
    if (first > 0)
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: retention has removed record 0; keep the whole journal",
                         partition);
    if (!region_map(CODEC_ARENA_BYTES, &region, out_fault)) return false;
    arena_init(&arena, region.memory, CODEC_ARENA_BYTES);
    bool ok = journal->ops->open_reader(journal, &reader, out_fault) &&
              reader->ops->assign(reader, partition, 0, out_fault);
    while (ok && count == 0)
        ok = reader->ops->read(reader, 200, &message, 1, &count, out_fault);
    ok = ok && genesis_decode(&message, &arena, memory, out_genesis, out_fault);
    if (reader != NULL) reader->ops->close(reader);
    region_unmap(&region);
    *out_found = true;
    return ok || fault_wrap(out_fault, "partition %u", partition);
}

static bool
genesis_compare(const struct genesis *found, const struct genesis *wanted, uint32_t partition,
                bool compare_id, struct fault *out_fault)
{
    if (!bytes_equal(found->programme, wanted->programme))
        return fault_set(out_fault, FAULT_CONFIG,
                         "partition %u: this is the journal of programme '%.*s', not of '%.*s'",
                         partition, (int)found->programme.size, (const char *)found->programme.data,
                         (int)wanted->programme.size, (const char *)wanted->programme.data);
    if (found->partition_count != wanted->partition_count || found->partition != partition)
        return fault_set(out_fault, FAULT_CONFIG,
                         "partition %u: the journal was made as partition %u of %u, for life, and "
                         "now has %u partitions",
                         partition, found->partition, found->partition_count,
                         wanted->partition_count);
    if (found->time_kind != wanted->time_kind)
        return fault_set(out_fault, FAULT_CONFIG,
                         "partition %u: the journal was made with journal.time '%s', not '%s'; "
                         "that is fixed for life",
                         partition, found->time_kind == TIME_APPEND ? "append" : "record",
                         wanted->time_kind == TIME_APPEND ? "append" : "record");
    if (compare_id && memcmp(found->journal_id, wanted->journal_id, JOURNAL_ID_BYTES) != 0)
        return fault_set(out_fault, FAULT_CONFIG, "partition %u: the journal has another id",
                         partition);
    return true;
}

static bool
genesis_append(struct journal *journal, struct genesis *genesis, const bool *found,
               struct fault *out_fault)
{
    struct journal_appender *appender;
    uint8_t memory[1024];
    uint64_t appended = 0;
    if (!journal->ops->open_appender(journal, &appender, out_fault)) return false;
    bool ok = true;
    for (uint32_t partition = 0; ok && partition < genesis->partition_count; partition++) {
        struct record_builder builder;
        if (found[partition]) continue;
        genesis->partition = partition;
        codec_record_begin(&builder, memory, sizeof memory);
        CHECK(codec_record_add_genesis(&builder, genesis, 0));
        ok = appender->ops->append(appender, partition, codec_record_span(&builder), out_fault);
        appended += ok;
    }
    while (ok && appender->ops->acked(appender) < appended)
        ok = appender->ops->poll(appender, 100, out_fault);
    appender->ops->close(appender);
    return ok;
}

bool
genesis_write(struct journal *journal, const struct genesis *genesis, bool id_is_given,
              bool *out_made, struct fault *out_fault)
{
    struct genesis wanted = *genesis;
    bool found[PARTITIONS_MAX], any = false, made = false;
    char memory[EVENT_ID_BYTES_MAX];
    for (uint32_t partition = 0; partition < wanted.partition_count; partition++) {
        struct genesis there;
        if (!genesis_read(journal, partition, memory, &there, &found[partition], out_fault))
            return false;
        if (!found[partition]) {
            made = true;
            continue;
        }
        if (!genesis_compare(&there, &wanted, partition, id_is_given || any, out_fault))
            return false;
        memcpy(wanted.journal_id, there.journal_id, JOURNAL_ID_BYTES);
        any = true;
    }
    if (made && !genesis_append(journal, &wanted, found, out_fault)) return false;
    *out_made = made;
    return true;
}
