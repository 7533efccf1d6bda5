#include "consumers/journal_create.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "consumers/codec_record.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

enum {
    WAIT_MS = 100,
    PATIENCE_S = 60, /* for one answer of a journal whose broker went away in the middle */
    GENESIS_BYTES_MAX = 1024,
    GENESIS_ARENA_BYTES = 64 * 1024,
};

struct creation {
    struct journal *journal;
    const struct journal_create_options *options;
    struct journal_create_report report;
    bool id_known;
    bool missing[PARTITIONS_MAX];
};

static bool
too_long(struct creation *creation, int64_t began_ns, struct fault *out_fault)
{
    if (clock_monotonic_ns() - began_ns < PATIENCE_S * INT64_C(1000000000)) return false;
    char health[256];
    creation->journal->ops->health(creation->journal, health, sizeof health);
    fault_set(out_fault, FAULT_UNAVAILABLE, "no answer within %d s: %s", PATIENCE_S, health);
    return true;
}

/* ---- What stands there ----------------------------------------------------------------------- */

static bool
genesis_judge(struct creation *creation, uint32_t partition, const struct genesis *genesis,
              struct fault *out_fault)
{
    const struct journal_create_options *options = creation->options;
    uint32_t count = creation->journal->ops->partition_count(creation->journal);
    if (!bytes_equal(genesis->programme, bytes_from_cstr(options->programme))) {
        return fault_set(out_fault, FAULT_CONFIG,
                         "partition %u belongs to programme %.*s, not to %s: one journal is one programme; name "
                         "another journal.topic or data_dir",
                         partition, (int)genesis->programme.size, (const char *)genesis->programme.data,
                         options->programme);
    }
    if (genesis->partition_count != count || genesis->partition != partition) {
        return fault_set(out_fault, FAULT_CONFIG,
                         "partition %u says that it is number %u of %u, but the journal has %u partitions",
                         partition, genesis->partition, genesis->partition_count, count);
    }
    if (genesis->format != JOURNAL_FORMAT || genesis->time_kind != options->time_kind) {
        return fault_set(out_fault, FAULT_CONFIG,
                         "partition %u was made with format %u and %s time, not format %d and %s time", partition,
                         genesis->format, genesis->time_kind == TIME_RECORD ? "recorded" : "append",
                         JOURNAL_FORMAT, options->time_kind == TIME_RECORD ? "recorded" : "append");
    }
    if (creation->id_known &&
        memcmp(creation->report.journal_id, genesis->journal_id, JOURNAL_ID_BYTES) != 0) {
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u has another journal's id than those before it: it was made at the same moment "
                         "by somebody else; make a new topic or folder",
                         partition);
    }
    memcpy(creation->report.journal_id, genesis->journal_id, JOURNAL_ID_BYTES);
    creation->id_known = true;
    creation->report.found++;
    return true;
}

static bool
record_judge(struct creation *creation, const struct journal_message *message,
             struct fault *out_fault)
{
    void *memory = aligned_alloc(ARENA_ALIGNMENT, GENESIS_ARENA_BYTES);
    CHECK(memory != NULL);
    struct arena arena;
    arena_init(&arena, memory, GENESIS_ARENA_BYTES);
    const struct record_decoder *decoder = codec_record_decoder();
    struct entry entries[2];
    size_t count;
    bool decoded = message->offset == 0 &&
                   decoder->decode(decoder, message->payload, &arena, entries, 2, &count, out_fault);
    bool judged;
    if (decoded && count == 1 && entries[0].kind == ENTRY_GENESIS) {
        judged = genesis_judge(creation, message->partition, &entries[0].genesis, out_fault);
    } else {
        judged = fault_set(out_fault, FAULT_DATA,
                           "partition %u does not begin with a record 0 (its first message is at offset %" PRId64
                           "): it was written before it was made, or retention took its beginning; make a new one",
                           message->partition, message->offset);
    }
    free(memory);
    return judged;
}

static bool
partition_look(struct creation *creation, struct journal_reader *reader, uint32_t partition,
               struct fault *out_fault)
{
    struct journal *journal = creation->journal;
    int64_t first, end;
    if (!journal->ops->bounds(journal, partition, &first, &end, out_fault)) return false;
    creation->missing[partition] = end == 0;
    if (end == 0) return true;
    if (!reader->ops->assign(reader, partition, first, out_fault)) return false;
    int64_t began_ns = clock_monotonic_ns();
    for (;;) {
        struct journal_message message;
        size_t count;
        if (!reader->ops->read(reader, WAIT_MS, &message, 1, &count, out_fault)) return false;
        if (count == 1) {
            reader->ops->revoke(reader, partition);
            return record_judge(creation, &message, out_fault);
        }
        if (too_long(creation, began_ns, out_fault)) return false;
    }
}

static bool
journal_look(struct creation *creation, struct fault *out_fault)
{
    struct journal *journal = creation->journal;
    struct journal_reader *reader;
    if (!journal->ops->open_reader(journal, &reader, out_fault)) return false;
    uint32_t count = journal->ops->partition_count(journal);
    bool well = true;
    for (uint32_t i = 0; well && i < count; i++) well = partition_look(creation, reader, i, out_fault);
    reader->ops->close(reader);
    return well;
}

/* ---- What is missing ------------------------------------------------------------------------- */

static bool
genesis_append(struct creation *creation, struct journal_appender *appender, uint32_t partition,
               struct fault *out_fault)
{
    struct genesis genesis = {
        .format = JOURNAL_FORMAT,
        .law = LAW_VERSION,
        .programme = bytes_from_cstr(creation->options->programme),
        .partition_count = creation->journal->ops->partition_count(creation->journal),
        .partition = partition,
        .time_kind = creation->options->time_kind,
    };
    memcpy(genesis.journal_id, creation->report.journal_id, JOURNAL_ID_BYTES);
    uint8_t memory[GENESIS_BYTES_MAX];
    struct record_builder record;
    codec_record_begin(&record, memory, sizeof memory);
    bool fits = codec_record_add_genesis(&record, &genesis, 0);
    CHECK(fits);
    return appender->ops->append(appender, partition, codec_record_span(&record), out_fault);
}

static bool
journal_complete(struct creation *creation, struct fault *out_fault)
{
    struct journal *journal = creation->journal;
    struct journal_appender *appender;
    if (!journal->ops->open_appender(journal, &appender, out_fault)) return false;
    uint32_t count = journal->ops->partition_count(journal);
    uint64_t queued = 0;
    bool well = true;
    for (uint32_t i = 0; well && i < count; i++) {
        if (!creation->missing[i]) continue;
        well = genesis_append(creation, appender, i, out_fault);
        queued++;
    }
    int64_t began_ns = clock_monotonic_ns();
    while (well && appender->ops->acked(appender) < queued) {
        well = appender->ops->poll(appender, WAIT_MS, out_fault) &&
               !too_long(creation, began_ns, out_fault);
    }
    for (uint32_t i = 0; well && i < count; i++) {
        if (creation->missing[i] && appender->ops->last_offset(appender, i) != 0) {
            well = fault_set(out_fault, FAULT_DATA,
                             "partition %u: somebody else wrote to it at the same moment; try again", i);
        }
    }
    appender->ops->close(appender);
    creation->report.written = (uint32_t)queued;
    return well;
}

bool
journal_create(struct journal *journal, const struct journal_create_options *options,
               struct journal_create_report *out_report, struct fault *out_fault)
{
    size_t name_size = strlen(options->programme);
    if (name_size < 1 || name_size > EVENT_ID_BYTES_MAX) {
        return fault_set(out_fault, FAULT_CONFIG, "programme: an id has 1 to %d bytes, not %zu",
                         EVENT_ID_BYTES_MAX, name_size);
    }
    struct creation creation = {.journal = journal, .options = options};
    if (!journal_look(&creation, out_fault)) return fault_wrap(out_fault, "journal");
    if (!creation.id_known) {
        ssize_t got = getrandom(creation.report.journal_id, JOURNAL_ID_BYTES, 0);
        CHECK(got == JOURNAL_ID_BYTES); /* so few bytes are never cut short */
    }
    if (!journal_complete(&creation, out_fault)) return fault_wrap(out_fault, "journal");
    *out_report = creation.report;
    return true;
}
