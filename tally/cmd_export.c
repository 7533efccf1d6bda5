/* Writes the journal to a file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_json.h"
#include "consumers/codec_record.h"
#include "consumers/journal_file.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/region.h"
#include "tally/command.h"
#include "tally/session.h"
#include "tallybook/v1/event.pb-c.h"

enum { EXPORT_MESSAGES = 64, EXPORT_WAIT_MS = 200, EXPORT_JSON_BYTES = 4 << 20 };
enum { EXPORT_PACKED, EXPORT_JSON };

struct export
{
    struct command_context *context;
    struct session *session;
    struct journal_file_writer *packed; /* or: */
    FILE *json;
    struct region region, entries_region, text_region;
    struct arena arena;
    uint64_t records, events;
};

static bool
export_open(struct export *export, struct fault *out_fault)
{
    const struct options *options = export->context->options;
    const char *path = export->context->arguments[0];
    uint32_t count = session_genesis(export->session)->partition_count;
    if (options_number(options, OPTION_FORMAT) == EXPORT_PACKED)
        return journal_file_create(path, count, &export->packed, out_fault);
    if (!region_map(CODEC_ARENA_BYTES, &export->region, out_fault) ||
        !region_map(RECORD_ENTRIES_MAX * sizeof(struct entry), &export->entries_region,
                    out_fault) ||
        !region_map(EXPORT_JSON_BYTES, &export->text_region, out_fault))
        return false;
    arena_init(&export->arena, export->region.memory, export->region.size);
    export->json = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (export->json == NULL)
        return fault_set(out_fault, FAULT_CANNOT_CREATE, "'%s' cannot be made", path);
    return true;
}

static bool
export_event(struct export *export, struct bytes wire, struct fault *out_fault)
{
    struct writer text = writer_of(export->text_region.memory, export->text_region.size);
    size_t mark = arena_mark(&export->arena);
    if (codec_json_write(wire, &tallybook__v1__event__descriptor, &export->arena, &text) !=
        CODEC_OK)
        return fault_set(out_fault, FAULT_DATA, "an event cannot be written as JSON");
    arena_reset_to(&export->arena, mark);
    writer_u8(&text, '\n');
    if (fwrite(text.data, 1, text.size, export->json) != text.size)
        return fault_set(out_fault, FAULT_IO, "the export cannot be written; is the disk full?");
    export->events++;
    return true;
}

static bool
export_record(struct export *export, const struct journal_message *message, struct fault *out_fault)
{
    const struct record_decoder *decoder = codec_record_decoder();
    struct entry *entries = export->entries_region.memory;
    size_t count;
    export->records++;
    if (export->packed != NULL) return journal_file_add(export->packed, message, out_fault);
    arena_reset_to(&export->arena, 0);
    if (!decoder->decode(decoder, message->payload, &export->arena, entries, RECORD_ENTRIES_MAX,
                         &count, out_fault))
        return fault_wrap(out_fault, "partition %u, offset %" PRId64, message->partition,
                          message->offset);
    for (size_t i = 0; i < count; i++)
        if (entries[i].kind == ENTRY_EVENT &&
            !export_event(export, entries[i].event.wire, out_fault))
            return false;
    return true;
}

/* Partition by partition, up to the end that each had when the export began. */
static bool
export_partition(struct export *export, struct journal_reader *reader, uint32_t partition,
                 struct progress *progress, struct fault *out_fault)
{
    struct journal *journal = session_journal(export->session);
    struct journal_message messages[EXPORT_MESSAGES];
    int64_t at, end;
    size_t count;
    if (!journal->ops->bounds(journal, partition, &at, &end, out_fault) ||
        (at < end && !reader->ops->assign(reader, partition, at, out_fault)))
        return false;
    while (at < end) {
        if (atomic_load(&session_stop))
            return fault_set(out_fault, FAULT_TRY_AGAIN, "stopped before the journal's end");
        if (!reader->ops->read(reader, EXPORT_WAIT_MS, messages, EXPORT_MESSAGES, &count,
                               out_fault))
            return false;
        for (size_t i = 0; i < count && at < end; i++) {
            if (messages[i].partition != partition || messages[i].offset >= end) {
                at = messages[i].partition == partition ? end : at;
                continue;
            }
            if (!export_record(export, &messages[i], out_fault)) return false;
            at = messages[i].offset + 1;
        }
        progress_update(progress, (int64_t) export->records, clock_monotonic_ns());
    }
    reader->ops->revoke(reader, partition);
    return true;
}

static bool
export_run(struct export *export, struct fault *out_fault)
{
    struct journal_reader *reader;
    struct progress progress;
    if (!session_open(export->context->options, SESSION_SHARED, &export->session, out_fault) ||
        !export_open(export, out_fault))
        return false;
    struct journal *journal = session_journal(export->session);
    if (!journal->ops->open_reader(journal, &reader, out_fault)) return false;
    progress_begin(&progress, export->context->err, "export", "records", 0, clock_monotonic_ns());
    bool ok = true;
    for (uint32_t partition = 0; ok && partition < journal->ops->partition_count(journal);
         partition++)
        ok = export_partition(export, reader, partition, &progress, out_fault);
    progress_end(&progress);
    reader->ops->close(reader);
    if (!ok) return false;
    if (export->packed == NULL) {
        FILE *json = export->json;
        export->json = NULL;
        if ((json == stdout ? fflush(json) : fclose(json)) != 0)
            return fault_set(out_fault, FAULT_IO,
                             "the export cannot be written; is the disk full?");
        return true;
    }
    struct journal_file_writer *packed = export->packed;
    export->packed = NULL;
    return journal_file_finish(packed, out_fault);
}

int
cmd_export(struct command_context *context)
{
    struct export export = {.context = context};
    struct fault fault;
    char figure[FIGURE_MAX];
    session_catch_signals();
    bool ok = export_run(&export, &fault);
    journal_file_abandon(export.packed);
    if (export.json != NULL && export.json != stdout) fclose(export.json);
    region_unmap(&export.region);
    region_unmap(&export.entries_region);
    region_unmap(&export.text_region);
    if (export.session != NULL) session_close(export.session);
    if (!ok) return command_fail(context, &fault);
    FILE *out = strcmp(context->arguments[0], "-") == 0 ? context->err->file : context->out->file;
    if (options_flag(context->options, OPTION_JSON))
        fprintf(out, "{\"records\":%" PRIu64 ",\"events\":%" PRIu64 "}\n", export.records,
                export.events);
    else
        fprintf(out, "Exported %s journal records to %s\n",
                format_count((int64_t) export.records, figure), context->arguments[0]);
    return 0;
}
