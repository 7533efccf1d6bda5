#include "tally/import_copy.h"

#include <stdio.h>
#include <string.h>

#include "consumers/genesis.h"
#include "consumers/journal_file.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "tally/session.h"

enum { COPY_MESSAGES = 64 };

bool
import_is_packed_file(const char *path)
{
    struct bytes magic = JOURNAL_FILE_MAGIC;
    uint8_t head[16];
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
    if (file == NULL) return false;
    CHECK(magic.size <= sizeof head);
    bool packed =
        fread(head, 1, magic.size, file) == magic.size && memcmp(head, magic.data, magic.size) == 0;
    fclose(file);
    return packed;
}

/* A live journal's time is the moment of appending, and appending again would move it. */
static bool
copy_check_file(struct journal *from, struct fault *out_fault)
{
    char memory[EVENT_ID_BYTES_MAX];
    struct genesis genesis;
    bool found;
    for (uint32_t partition = 0; partition < from->ops->partition_count(from); partition++) {
        if (!genesis_read(from, partition, memory, &genesis, &found, out_fault)) return false;
        if (!found)
            return fault_set(out_fault, FAULT_DATA, "the file lacks record 0 of partition %u",
                             partition);
        if (genesis.time_kind != TIME_RECORD)
            return fault_set(out_fault, FAULT_USAGE,
                             "the file is of a live journal, whose time is that of appending; fold "
                             "it with 'tally replay FILE'");
    }
    return true;
}

static bool
copy_check_empty(struct journal *from, struct journal *to, struct fault *out_fault)
{
    uint32_t count = from->ops->partition_count(from);
    if (count != to->ops->partition_count(to))
        return fault_set(out_fault, FAULT_CONFIG,
                         "the file's journal has %u partitions, this one %u; make it with "
                         "--journal-partitions %u",
                         count, to->ops->partition_count(to), count);
    for (uint32_t partition = 0; partition < count; partition++) {
        int64_t first, end;
        if (!to->ops->bounds(to, partition, &first, &end, out_fault)) return false;
        if (end != 0)
            return fault_set(
                out_fault, FAULT_CANNOT_CREATE,
                "partition %u has %lld records already; an exported journal goes into an empty one",
                partition, (long long)end);
    }
    return true;
}

/* Where the embedded journal goes; on Kafka `tally topics create` has made the topic. */
static bool
copy_make_folder(struct command_context *context, struct journal *from, struct fault *out_fault)
{
    bool made;
    if (options_number(context->options, OPTION_JOURNAL_KIND) == JOURNAL_KAFKA) return true;
    return session_make_embedded(context->options, from->ops->partition_count(from), &made,
                                 out_fault);
}

/* A claim names its place in the journal, so records must get the offsets that they had. */
static bool
copy_records(struct journal *from, struct journal *to, struct progress *progress,
             uint64_t *out_records, struct fault *out_fault)
{
    struct journal_reader *reader = NULL;
    struct journal_appender *appender = NULL;
    struct journal_message messages[COPY_MESSAGES];
    int64_t next[PARTITIONS_MAX] = {0};
    uint64_t records = 0;
    size_t count = 1;
    bool ok = from->ops->open_reader(from, &reader, out_fault) &&
              to->ops->open_appender(to, &appender, out_fault);
    for (uint32_t partition = 0; ok && partition < from->ops->partition_count(from); partition++)
        ok = reader->ops->assign(reader, partition, 0, out_fault);
    while (ok && count > 0) {
        ok = reader->ops->read(reader, 0, messages, COPY_MESSAGES, &count, out_fault);
        for (size_t i = 0; ok && i < count; i++) {
            const struct journal_message *message = &messages[i];
            if (message->offset != next[message->partition]++)
                ok = fault_set(
                    out_fault, FAULT_DATA,
                    "partition %u: offset %lld is missing; fold the file with 'tally replay FILE'",
                    message->partition, (long long)next[message->partition] - 1);
            while (ok && !appender->ops->append(appender, message->partition, message->payload,
                                                out_fault))
                ok = out_fault->kind == FAULT_TRY_AGAIN &&
                     appender->ops->poll(appender, 10, out_fault);
            records += ok;
        }
        progress_update(progress, (int64_t)records, clock_monotonic_ns());
    }
    while (ok && appender->ops->acked(appender) < records)
        ok = appender->ops->poll(appender, 100, out_fault);
    if (appender != NULL) appender->ops->close(appender);
    if (reader != NULL) reader->ops->close(reader);
    *out_records = records;
    return ok;
}

static bool
copy_run(struct command_context *context, struct session **session, uint64_t *out_records,
         struct fault *out_fault)
{
    struct journal *file;
    struct progress progress;
    if (!journal_file_open(context->arguments[0], &file, out_fault)) return false;
    progress_begin(&progress, context->err, "import", "records", 0, clock_monotonic_ns());
    bool ok = copy_check_file(file, out_fault) && copy_make_folder(context, file, out_fault) &&
              session_open(context->options, SESSION_EMPTY, session, out_fault) &&
              copy_check_empty(file, session_journal(*session), out_fault) &&
              copy_records(file, session_journal(*session), &progress, out_records, out_fault);
    progress_end(&progress);
    file->ops->close(file);
    if (!ok) return false;
    /* An embedded journal that nobody runs is folded here and now. */
    if (session_kafka(*session) != NULL || session_is_remote(*session)) return true;
    return session_start_engine(*session, out_fault) &&
           instance_wait_idle(session_engine(*session), NULL, NULL, out_fault) &&
           session_stop_engine(*session, out_fault);
}

int
import_copy(struct command_context *context)
{
    struct session *session = NULL;
    struct fault fault;
    uint64_t records;
    char figure[FIGURE_MAX];
    bool ok = copy_run(context, &session, &records, &fault);
    if (session != NULL) session_close(session);
    if (!ok) return command_fail(context, &fault);
    if (options_flag(context->options, OPTION_JSON))
        fprintf(context->out->file, "{\"records\":%llu}\n", (unsigned long long)records);
    else
        fprintf(context->out->file, "Copied %s journal records; the journal keeps its id.\n",
                format_count((int64_t)records, figure));
    return 0;
}
