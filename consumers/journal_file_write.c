#include "consumers/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumers/journal_file_priv.h"

/* Entries are laid out here and written when no further one fits: large enough that a write costs
 * nothing beside the bytes, and that the largest entry fits. */
enum { WRITE_BUFFER_BYTES = 2 * 1024 * 1024 };
static_assert(WRITE_BUFFER_BYTES >= JOURNAL_FILE_ENTRY_MAX, "every entry fits into the buffer");

struct journal_file_writer {
    int fd;
    char *path, *part_path; /* part_path NULL: standard output */
    uint32_t partition_count;
    uint64_t entry_count, payload_bytes, chain;
    int64_t next_offset[PARTITIONS_MAX]; /* the least that may come */
    size_t buffered;
    uint8_t buffer[WRITE_BUFFER_BYTES];
};

static bool
write_flush(struct journal_file_writer *writer, struct fault *out_fault)
{
    const uint8_t *at = writer->buffer;
    for (size_t left = writer->buffered; left > 0;) {
        ssize_t written = write(writer->fd, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0)
            return fault_set(out_fault, FAULT_IO, "%s: cannot write: %s", writer->path,
                             strerror(errno));
        at += written;
        left -= (size_t)written;
    }
    writer->buffered = 0;
    return true;
}

static bool
write_sync_folder(const char *path, struct fault *out_fault)
{
    char copy[PATH_MAX];
    size_t size = strlen(path);
    CHECK(size < sizeof copy); /* it was opened */
    memcpy(copy, path, size + 1);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0) close(fd);
    if (done) return true;
    return fault_set(out_fault, FAULT_IO, "%s: cannot sync its folder: %s", path, strerror(error));
}

static void
writer_free(struct journal_file_writer *writer)
{
    if (writer->part_path != NULL && writer->fd >= 0) close(writer->fd);
    free(writer->path);
    free(writer->part_path);
    free(writer);
}

static bool
writer_open_file(struct journal_file_writer *writer, const char *path, struct fault *out_fault)
{
    if (strcmp(path, "-") == 0) {
        writer->fd = STDOUT_FILENO;
        writer->path = strdup("standard output");
        CHECK(writer->path != NULL);
        return true;
    }
    writer->path = strdup(path);
    CHECK(writer->path != NULL);
    CHECK(asprintf(&writer->part_path, "%s.tmp", path) >= 0);
    writer->fd = open(writer->part_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->fd >= 0) return true;
    return fault_set(out_fault, FAULT_CANNOT_CREATE, "%s: cannot create: %s", writer->part_path,
                     strerror(errno));
}

bool
journal_file_create(const char *path, uint32_t partition_count,
                    struct journal_file_writer **out_writer, struct fault *out_fault)
{
    CHECK(partition_count >= 1 && partition_count <= PARTITIONS_MAX);
    struct journal_file_writer *writer = calloc(1, sizeof *writer);
    CHECK(writer != NULL);
    writer->fd = -1;
    writer->partition_count = partition_count;
    if (!writer_open_file(writer, path, out_fault)) {
        writer_free(writer);
        return false;
    }
    struct journal_file_header header = {.version = JOURNAL_FILE_VERSION,
                                         .partition_count = partition_count};
    memcpy(header.magic, JOURNAL_FILE_MAGIC.data, sizeof header.magic);
    header.hash = hash64(bytes_of(&header, offsetof(struct journal_file_header, hash)), 0);
    memcpy(writer->buffer, &header, sizeof header);
    writer->buffered = sizeof header;
    *out_writer = writer;
    return true;
}

bool
journal_file_add(struct journal_file_writer *writer, const struct journal_message *message,
                 struct fault *out_fault)
{
    CHECK(message->partition < writer->partition_count);
    CHECK(message->offset >= writer->next_offset[message->partition]);
    CHECK(message->offset <= JOURNAL_FILE_OFFSET_MAX);
    CHECK(message->payload.size <= RECORD_BYTES_MAX);
    size_t size = sizeof(struct journal_file_entry) + message->payload.size;
    if (size > sizeof writer->buffer - writer->buffered && !write_flush(writer, out_fault))
        return false;

    struct journal_file_entry entry = {
        .size = (uint32_t)message->payload.size,
        .partition = message->partition,
        .offset = message->offset,
        .append_ms = message->append_ms,
    };
    uint8_t *place = writer->buffer + writer->buffered;
    memcpy(place, &entry, sizeof entry);
    if (entry.size != 0) memcpy(place + sizeof entry, message->payload.data, entry.size);
    entry.hash = journal_file_hash(place, size);
    memcpy(place, &entry.hash, sizeof entry.hash);
    writer->buffered += size;

    writer->next_offset[message->partition] = message->offset + 1;
    writer->entry_count++;
    writer->payload_bytes += entry.size;
    writer->chain = journal_file_chain(writer->chain, entry.hash);
    return true;
}

static bool
write_trailer(struct journal_file_writer *writer, struct fault *out_fault)
{
    if (sizeof writer->buffer - writer->buffered < sizeof(struct journal_file_trailer) &&
        !write_flush(writer, out_fault))
        return false;
    struct journal_file_trailer trailer = {
        .size = JOURNAL_FILE_TRAILER_SIZE,
        .marker = JOURNAL_FILE_TRAILER,
        .entry_count = writer->entry_count,
        .payload_bytes = writer->payload_bytes,
        .chain = writer->chain,
    };
    trailer.hash = journal_file_hash((const uint8_t *)&trailer, sizeof trailer);
    memcpy(writer->buffer + writer->buffered, &trailer, sizeof trailer);
    writer->buffered += sizeof trailer;
    return write_flush(writer, out_fault);
}

bool
journal_file_finish(struct journal_file_writer *writer, struct fault *out_fault)
{
    if (!write_trailer(writer, out_fault)) goto fail;
    if (writer->part_path != NULL) {
        if (fsync(writer->fd) != 0) {
            fault_set(out_fault, FAULT_IO, "%s: cannot sync: %s", writer->part_path,
                      strerror(errno));
            goto fail;
        }
        if (rename(writer->part_path, writer->path) != 0) {
            fault_set(out_fault, FAULT_CANNOT_CREATE, "%s: cannot be named %s: %s",
                      writer->part_path, writer->path, strerror(errno));
            goto fail;
        }
        if (!write_sync_folder(writer->path, out_fault)) {
            unlink(writer->path);
            goto fail;
        }
    }
    writer_free(writer);
    return true;
fail:
    journal_file_abandon(writer);
    return false;
}

void
journal_file_abandon(struct journal_file_writer *writer)
{
    if (writer == NULL) return;
    if (writer->part_path != NULL) unlink(writer->part_path);
    writer_free(writer);
}
