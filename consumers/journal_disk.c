#include "consumers/journal_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/journal_disk_log.h"
#include "engine/base/check.h"

struct journal_disk {
    struct journal port; /* first */
    struct disk_log *log;
};

struct journal_disk_reader {
    struct journal_reader port; /* first */
    struct disk_log_reader *reader;
};

struct journal_disk_appender {
    struct journal_appender port; /* first */
    struct disk_log_appender *appender;
};

enum {
    /* Records of one read that are turned into messages at a time; a caller that asks for more gets
     * this many. */
    READ_MESSAGES_MAX = 256
};

static void
journal_describe(uint32_t log, char *out_text, size_t size)
{
    snprintf(out_text, size, "partition %u", log);
}

/* ---- Reader -------------------------------------------------------------------------------- */

static struct disk_log_reader *
reader_of_port(struct journal_reader *port)
{
    return ((struct journal_disk_reader *)port)->reader;
}

static bool
journal_reader_assign(struct journal_reader *port, uint32_t partition, int64_t offset,
                      struct fault *out_fault)
{
    CHECK(offset >= 0);
    return disk_log_assign(reader_of_port(port), partition, (uint64_t)offset, out_fault);
}

static void
journal_reader_revoke(struct journal_reader *port, uint32_t partition)
{
    disk_log_revoke(reader_of_port(port), partition);
}

static bool
journal_reader_read(struct journal_reader *port, int wait_ms, struct journal_message *out_messages,
                    size_t max, size_t *out_count, struct fault *out_fault)
{
    struct disk_log_record records[READ_MESSAGES_MAX];
    size_t count;
    if (max > READ_MESSAGES_MAX) max = READ_MESSAGES_MAX;
    if (!disk_log_read(reader_of_port(port), wait_ms, records, max, &count, out_fault))
        return fault_wrap(out_fault, "journal");
    for (size_t i = 0; i < count; i++)
        out_messages[i] = (struct journal_message){
            .partition = records[i].log,
            .offset = (int64_t)records[i].offset,
            .append_ms = records[i].append_ms,
            .payload = records[i].payload,
        };
    *out_count = count;
    return true;
}

static void
journal_reader_close(struct journal_reader *port)
{
    disk_log_reader_close(reader_of_port(port));
    free(port);
}

static const struct journal_reader_ops journal_reader_operations = {
    .assign = journal_reader_assign,
    .revoke = journal_reader_revoke,
    .read = journal_reader_read,
    .close = journal_reader_close,
};

/* ---- Appender ------------------------------------------------------------------------------ */

static struct disk_log_appender *
appender_of_port(const struct journal_appender *port)
{
    return ((const struct journal_disk_appender *)port)->appender;
}

static bool
journal_appender_append(struct journal_appender *port, uint32_t partition, struct bytes payload,
                        struct fault *out_fault)
{
    struct disk_log_appender *appender = appender_of_port(port);
    CHECK(payload.size <= RECORD_BYTES_MAX);
    /* A queue that drains no more must not look as if it were only full. */
    if (!disk_log_poll(appender, 0, out_fault)) return fault_wrap(out_fault, "journal");
    uint8_t *room = disk_log_reserve(appender, payload.size);
    if (room == NULL)
        return fault_set(out_fault, FAULT_TRY_AGAIN, "journal: the queue of appends is full");
    if (payload.size != 0) memcpy(room, payload.data, payload.size);
    disk_log_submit(appender, partition, payload.size);
    return true;
}

static bool
journal_appender_poll(struct journal_appender *port, int wait_ms, struct fault *out_fault)
{
    if (disk_log_poll(appender_of_port(port), wait_ms, out_fault)) return true;
    return fault_wrap(out_fault, "journal");
}

static uint64_t
journal_appender_acked(const struct journal_appender *port)
{
    return disk_log_acked(appender_of_port(port));
}

static int64_t
journal_appender_last_offset(const struct journal_appender *port, uint32_t partition)
{
    return disk_log_last_offset(appender_of_port(port), partition);
}

static void
journal_appender_close(struct journal_appender *port)
{
    disk_log_appender_close(appender_of_port(port));
    free(port);
}

static const struct journal_appender_ops journal_appender_operations = {
    .append = journal_appender_append,
    .poll = journal_appender_poll,
    .acked = journal_appender_acked,
    .last_offset = journal_appender_last_offset,
    .close = journal_appender_close,
};

/* ---- Journal ------------------------------------------------------------------------------- */

static uint32_t
journal_partition_count(const struct journal *port)
{
    return disk_log_count(((const struct journal_disk *)port)->log);
}

static bool
journal_bounds(struct journal *port, uint32_t partition, int64_t *out_first, int64_t *out_end,
               struct fault *out_fault)
{
    struct disk_log *log = ((struct journal_disk *)port)->log;
    if (partition >= disk_log_count(log))
        return fault_set(out_fault, FAULT_NO_INPUT,
                         "journal: it has %u partitions, no partition %u", disk_log_count(log),
                         partition);
    *out_first = 0;
    *out_end = (int64_t)disk_log_end(log, partition);
    return true;
}

static bool
journal_open_reader(struct journal *port, struct journal_reader **out_reader,
                    struct fault *out_fault)
{
    struct disk_log_reader *reader;
    /* A shard reads again and again: it need not copy. */
    if (!disk_log_reader_open(((struct journal_disk *)port)->log, DISK_LOG_HOLD_PAGES, &reader,
                              out_fault))
        return fault_wrap(out_fault, "journal");
    struct journal_disk_reader *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->port.ops = &journal_reader_operations;
    made->reader = reader;
    *out_reader = &made->port;
    return true;
}

static bool
journal_open_appender(struct journal *port, struct journal_appender **out_appender,
                      struct fault *out_fault)
{
    struct disk_log_appender *appender;
    if (!disk_log_appender_open(((struct journal_disk *)port)->log, &appender, out_fault))
        return fault_wrap(out_fault, "journal");
    struct journal_disk_appender *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->port.ops = &journal_appender_operations;
    made->appender = appender;
    *out_appender = &made->port;
    return true;
}

static void
journal_health(struct journal *port, char *out_text, size_t size)
{
    disk_log_health(((struct journal_disk *)port)->log, out_text, size);
}

static void
journal_close(struct journal *port)
{
    disk_log_close(((struct journal_disk *)port)->log);
    free(port);
}

static const struct journal_ops journal_operations = {
    .partition_count = journal_partition_count,
    .bounds = journal_bounds,
    .open_reader = journal_open_reader,
    .open_appender = journal_open_appender,
    .health = journal_health,
    .close = journal_close,
};

bool
journal_disk_create(const char *path, uint32_t partition_count, struct fault *out_fault)
{
    CHECK(partition_count >= 1 && partition_count <= PARTITIONS_MAX);
    if (disk_log_create(path, DISK_LOG_JOURNAL, partition_count, out_fault)) return true;
    return fault_wrap(out_fault, "journal");
}

bool
journal_disk_open(const char *path, const struct journal_disk_options *options,
                  struct journal **out_journal, struct fault *out_fault)
{
    CHECK(options->queue_bytes == 0 || options->queue_bytes >= 2 * RECORD_BYTES_MAX + 64);
    const struct disk_log_options log_options = {
        .map_bytes = options->limit_bytes,
        .queue_bytes = options->queue_bytes,
        .commit_bytes = options->commit_bytes,
        .wall_ms = options->wall_ms,
        .describe = journal_describe,
        .crash_before_commit = "journal.before_commit",
        .crash_after_commit = "journal.after_commit",
    };
    struct disk_log *log;
    if (!disk_log_open(path, DISK_LOG_JOURNAL, &log_options, &log, out_fault))
        return fault_wrap(out_fault, "journal");
    struct journal_disk *journal = calloc(1, sizeof *journal);
    CHECK(journal != NULL);
    journal->port.ops = &journal_operations;
    journal->log = log;
    *out_journal = &journal->port;
    return true;
}
