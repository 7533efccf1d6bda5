#include "consumers/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumers/journal_file_priv.h"

enum {
    /* Opening looks at headers alone: one page holds the headers of many small entries, and costs
     * little beside a large one. */
    SKIM_WINDOW_BYTES = 4096,
    READ_WINDOW_BYTES = 2 * 1024 * 1024,
    /* A place in the file is remembered for each partition once in so many bytes: 16 bytes of
     * memory for each, whatever the size of the entries. */
    ANCHOR_EVERY_BYTES = 1024 * 1024,
};
static_assert(READ_WINDOW_BYTES >= JOURNAL_FILE_ENTRY_MAX, "every entry fits into a window");
static_assert(SKIM_WINDOW_BYTES >= sizeof(struct journal_file_trailer), "and so does a trailer");

/* The entry at `at` has this offset. */
struct file_anchor {
    int64_t offset;
    uint64_t at;
};

struct file_partition {
    int64_t first, end; /* 0, 0 without entries */
    struct file_anchor *anchors;
    size_t anchor_count;
};

struct journal_file {
    struct journal port;
    int fd;
    char *path;
    uint32_t partition_count;
    uint64_t data_end; /* where the trailer begins */
    struct file_partition partitions[PARTITIONS_MAX];
};

/* A part of the file in memory. */
struct file_window {
    uint8_t *buffer;
    size_t capacity, size;
    uint64_t at;
};

/* Where one reader stands in one partition. */
struct reader_partition {
    bool assigned;
    int64_t next_offset;
};

struct journal_file_reader {
    struct journal_reader port;
    const struct journal_file *file;
    uint64_t at; /* of the next entry to look at */
    struct reader_partition partitions[PARTITIONS_MAX];
    struct file_window window;
};

/* ---- Windows ---- */

static bool
window_has(const struct file_window *window, uint64_t at, size_t size)
{
    return at >= window->at && at - window->at <= window->size &&
           size <= window->size - (at - window->at);
}

static bool
was_cut(const struct journal_file *file, struct fault *out_fault)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return fault_set(out_fault, FAULT_IO, "%s: %s", file->path, strerror(errno));
    return fault_set(out_fault, FAULT_DATA,
                     "%s: ends at byte %jd, without its trailer: the file was cut; copy or export "
                     "it again",
                     file->path, (intmax_t)status.st_size);
}

/* Makes `size` bytes at `at` readable; what the window held before is gone unless they were there.
 * FAULT_DATA when the file ends before. */
static bool
window_take(const struct journal_file *file, struct file_window *window, uint64_t at, size_t size,
            const uint8_t **out_data, struct fault *out_fault)
{
    CHECK(size <= window->capacity);
    if (!window_has(window, at, size)) {
        window->at = at;
        window->size = 0;
        while (window->size < window->capacity) {
            ssize_t got = pread(file->fd, window->buffer + window->size,
                                window->capacity - window->size, (off_t)(at + window->size));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0)
                return fault_set(out_fault, FAULT_IO, "%s: cannot read at byte %" PRIu64 ": %s",
                                 file->path, at + window->size, strerror(errno));
            if (got == 0) break;
            window->size += (size_t)got;
        }
        if (window->size < size) return was_cut(file, out_fault);
    }
    *out_data = window->buffer + (at - window->at);
    return true;
}

static bool
window_init(struct file_window *window, size_t capacity, struct fault *out_fault)
{
    uint8_t *buffer = malloc(capacity);
    if (buffer == NULL)
        return fault_set(out_fault, FAULT_TRY_AGAIN, "no memory for %zu bytes of a packed journal",
                         capacity);
    *window = (struct file_window){.buffer = buffer, .capacity = capacity};
    return true;
}

static bool
damaged(const struct journal_file *file, uint64_t at, const char *what, struct fault *out_fault)
{
    return fault_set(out_fault, FAULT_DATA,
                     "%s: byte %" PRIu64 ": %s: the file is damaged; copy or export it again",
                     file->path, at, what);
}

/* ---- Opening: every header once ---- */

static bool
file_read_header(struct journal_file *file, struct file_window *window, struct fault *out_fault)
{
    const uint8_t *data;
    struct journal_file_header header;
    if (!window_take(file, window, 0, sizeof header, &data, out_fault)) return false;
    memcpy(&header, data, sizeof header);
    if (!bytes_equal(bytes_of(header.magic, sizeof header.magic), JOURNAL_FILE_MAGIC))
        return fault_set(out_fault, FAULT_DATA,
                         "%s: is no packed journal file (it does not begin with \"%.8s\")",
                         file->path, (const char *)JOURNAL_FILE_MAGIC.data);
    if (header.hash != hash64(bytes_of(&header, offsetof(struct journal_file_header, hash)), 0))
        return damaged(file, 0, "the header does not match its hash", out_fault);
    if (header.version != JOURNAL_FILE_VERSION)
        return fault_set(out_fault, FAULT_DATA,
                         "%s: has version %" PRIu32 " of the packed journal file, this program "
                         "reads version %d: use the program that wrote it",
                         file->path, header.version, JOURNAL_FILE_VERSION);
    if (header.partition_count < 1 || header.partition_count > PARTITIONS_MAX)
        return damaged(file, 12, "no journal has so many partitions", out_fault);
    file->partition_count = header.partition_count;
    return true;
}

/* What is wrong with an entry's header by itself; NULL when nothing is. */
static const char *
entry_trouble(const struct journal_file *file, const struct journal_file_entry *entry)
{
    if (entry->partition >= file->partition_count) return "an entry of a partition that is not";
    if (entry->size > RECORD_BYTES_MAX) return "an entry larger than any record";
    if (entry->offset < file->partitions[entry->partition].end)
        return "an entry whose offset goes back";
    if (entry->offset > JOURNAL_FILE_OFFSET_MAX) return "an entry whose offset is beyond any";
    return NULL;
}

static bool
file_note_entry(struct journal_file *file, const struct journal_file_entry *entry, uint64_t at,
                struct fault *out_fault)
{
    struct file_partition *partition = &file->partitions[entry->partition];
    size_t count = partition->anchor_count;
    if (count == 0) partition->first = entry->offset;
    partition->end = entry->offset + 1;
    if (count != 0 && at - partition->anchors[count - 1].at < ANCHOR_EVERY_BYTES) return true;
    if ((count & (count - 1)) == 0) { /* full at each power of two */
        size_t capacity = count == 0 ? 1 : 2 * count;
        struct file_anchor *grown =
            reallocarray(partition->anchors, capacity, sizeof *partition->anchors);
        if (grown == NULL)
            return fault_set(out_fault, FAULT_TRY_AGAIN, "%s: no memory for its index", file->path);
        partition->anchors = grown;
    }
    partition->anchors[partition->anchor_count++] = (struct file_anchor){entry->offset, at};
    return true;
}

static bool
file_check_trailer(const struct journal_file *file, struct file_window *window, uint64_t at,
                   const struct journal_file_trailer *expected, struct fault *out_fault)
{
    struct journal_file_trailer trailer;
    const uint8_t *data;
    if (!window_take(file, window, at, sizeof trailer, &data, out_fault)) return false;
    memcpy(&trailer, data, sizeof trailer);
    if (trailer.hash != journal_file_hash(data, sizeof trailer) ||
        trailer.size != JOURNAL_FILE_TRAILER_SIZE)
        return damaged(file, at, "the trailer does not match its hash", out_fault);
    if (trailer.entry_count != expected->entry_count ||
        trailer.payload_bytes != expected->payload_bytes || trailer.chain != expected->chain)
        return damaged(file, at, "the trailer counts other entries than those before it",
                       out_fault);
    uint8_t beyond;
    ssize_t got = pread(file->fd, &beyond, 1, (off_t)(at + sizeof trailer));
    if (got < 0)
        return fault_set(out_fault, FAULT_IO, "%s: cannot read at byte %" PRIu64 ": %s", file->path,
                         at + sizeof trailer, strerror(errno));
    if (got > 0)
        return damaged(file, at + sizeof trailer, "there is something behind the trailer",
                       out_fault);
    return true;
}

/* Goes from header to header up to the trailer. */
static bool
file_skim(struct journal_file *file, struct file_window *window, struct fault *out_fault)
{
    struct journal_file_trailer expected = {0};
    uint64_t at = sizeof(struct journal_file_header);
    for (;;) {
        struct journal_file_entry entry;
        const uint8_t *data;
        if (!window_take(file, window, at, sizeof entry, &data, out_fault)) return false;
        memcpy(&entry, data, sizeof entry);
        if (entry.partition == JOURNAL_FILE_TRAILER) break;
        const char *trouble = entry_trouble(file, &entry);
        if (trouble != NULL) return damaged(file, at, trouble, out_fault);
        if (!file_note_entry(file, &entry, at, out_fault)) return false;
        expected.entry_count++;
        expected.payload_bytes += entry.size;
        expected.chain = journal_file_chain(expected.chain, entry.hash);
        at += sizeof entry + entry.size;
    }
    if (!file_check_trailer(file, window, at, &expected, out_fault)) return false;
    file->data_end = at;
    return true;
}

/* A damaged header leads the skim astray, so that it stumbles far behind the damage. Reads all
 * entries whole and names the first that does not match its hash; keeps the skim's fault when there
 * is none. */
static void
file_locate_damage(const struct journal_file *file, struct fault *fault)
{
    struct file_window window;
    struct fault ignored;
    if (!window_init(&window, READ_WINDOW_BYTES, &ignored)) return;
    uint64_t at = sizeof(struct journal_file_header);
    for (;;) {
        struct journal_file_entry entry;
        const uint8_t *data;
        if (!window_take(file, &window, at, sizeof entry, &data, &ignored)) break;
        memcpy(&entry, data, sizeof entry);
        size_t size = sizeof entry + entry.size;
        if (entry.size > RECORD_BYTES_MAX) {
            damaged(file, at, "an entry larger than any record", fault);
            break;
        }
        if (!window_take(file, &window, at, size, &data, &ignored)) break;
        if (journal_file_hash(data, size) != entry.hash) {
            damaged(file, at, "the entry that begins here does not match its hash", fault);
            break;
        }
        if (entry.partition == JOURNAL_FILE_TRAILER) break;
        at += size;
    }
    free(window.buffer);
}

static bool
file_load(struct journal_file *file, struct fault *out_fault)
{
    struct file_window window;
    if (!window_init(&window, SKIM_WINDOW_BYTES, out_fault)) return false;
    bool loaded = file_read_header(file, &window, out_fault);
    if (loaded) {
        loaded = file_skim(file, &window, out_fault);
        if (!loaded && out_fault->kind == FAULT_DATA) file_locate_damage(file, out_fault);
    }
    free(window.buffer);
    return loaded;
}

/* ---- Standard input ---- */

/* Copies a pipe into a file without a name, which goes when it is closed. */
static bool
spool_input(int *out_fd, struct fault *out_fault)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL) folder = P_tmpdir;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_set(out_fault, FAULT_CANNOT_CREATE,
                         "cannot keep standard input in %s: %s; set TMPDIR to another folder",
                         folder, strerror(errno));
    uint8_t buffer[65536];
    ssize_t got;
    while ((got = read(STDIN_FILENO, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            fault_set(out_fault, FAULT_IO, "cannot read standard input: %s", strerror(errno));
            goto fail;
        }
        for (ssize_t done = 0; done < got;) {
            ssize_t written = write(fd, buffer + done, (size_t)(got - done));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) {
                fault_set(out_fault, FAULT_IO,
                          "cannot keep standard input in %s: %s; set TMPDIR to another folder",
                          folder, strerror(errno));
                goto fail;
            }
            done += written;
        }
    }
    *out_fd = fd;
    return true;
fail:
    close(fd);
    return false;
}

static bool
file_open_input(const char *path, int *out_fd, struct fault *out_fault)
{
    bool is_input = strcmp(path, "-") == 0;
    if (is_input && lseek(STDIN_FILENO, 0, SEEK_CUR) < 0 && errno == ESPIPE)
        return spool_input(out_fd, out_fault);
    int fd = is_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_set(out_fault, FAULT_NO_INPUT, "%s: cannot open: %s", path, strerror(errno));
    *out_fd = fd;
    return true;
}

/* ---- Reader ---- */

static struct journal_file_reader *
reader_of_port(struct journal_reader *port)
{
    return (struct journal_file_reader *)port;
}

/* Where the last anchor at or before the offset stands. */
static uint64_t
partition_seek(const struct file_partition *partition, int64_t offset)
{
    size_t low = 0, high = partition->anchor_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (partition->anchors[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return partition->anchors[low].at;
}

static bool
reader_assign(struct journal_reader *port, uint32_t partition, int64_t offset,
              struct fault *out_fault)
{
    struct journal_file_reader *reader = reader_of_port(port);
    const struct journal_file *file = reader->file;
    CHECK(partition < file->partition_count);
    const struct file_partition *there = &file->partitions[partition];
    if (offset < there->first || offset > there->end)
        return fault_set(out_fault, FAULT_DATA,
                         "%s: has offsets %" PRId64 " to %" PRId64 " of partition %" PRIu32
                         ", and %" PRId64 " is to be read",
                         file->path, there->first, there->end - 1, partition, offset);
    reader->partitions[partition] = (struct reader_partition){true, offset};
    if (offset == there->end) return true;
    uint64_t at = partition_seek(there, offset);
    if (at < reader->at) reader->at = at;
    return true;
}

static void
reader_revoke(struct journal_reader *port, uint32_t partition)
{
    reader_of_port(port)->partitions[partition].assigned = false;
}

/* The next entry that somebody wants. Stops without one at the end of the file, and before an entry
 * for which the window must move on while `keep` says that it is still in use. */
static bool
reader_next(struct journal_file_reader *reader, bool keep, struct journal_message *out_message,
            bool *out_found, struct fault *out_fault)
{
    const struct journal_file *file = reader->file;
    struct file_window *window = &reader->window;
    *out_found = false;
    while (reader->at < file->data_end) {
        struct journal_file_entry entry;
        const uint8_t *data;
        if (keep && !window_has(window, reader->at, sizeof entry)) return true;
        if (!window_take(file, window, reader->at, sizeof entry, &data, out_fault)) return false;
        memcpy(&entry, data, sizeof entry);
        /* The file may have been written to since it was opened. */
        if (entry.partition >= file->partition_count || entry.size > RECORD_BYTES_MAX)
            return damaged(file, reader->at, "the entry that begins here has changed", out_fault);
        size_t size = sizeof entry + entry.size;
        struct reader_partition *partition = &reader->partitions[entry.partition];
        if (partition->assigned && entry.offset >= partition->next_offset) {
            if (keep && !window_has(window, reader->at, size)) return true;
            if (!window_take(file, window, reader->at, size, &data, out_fault)) return false;
            if (journal_file_hash(data, size) != entry.hash)
                return damaged(file, reader->at,
                               "the entry that begins here does not match its hash", out_fault);
            partition->next_offset = entry.offset + 1;
            reader->at += size;
            *out_message = (struct journal_message){
                .partition = entry.partition,
                .offset = entry.offset,
                .append_ms = entry.append_ms,
                .payload = bytes_of(data + sizeof entry, entry.size),
            };
            *out_found = true;
            return true;
        }
        reader->at += size;
    }
    return true;
}

static bool
reader_read(struct journal_reader *port, int wait_ms, struct journal_message *out_messages,
            size_t max, size_t *out_count, struct fault *out_fault)
{
    struct journal_file_reader *reader = reader_of_port(port);
    size_t count = 0;
    while (count < max) {
        bool found;
        if (!reader_next(reader, count > 0, &out_messages[count], &found, out_fault)) return false;
        if (!found) break;
        count++;
    }
    /* Nothing will ever come, but whoever asks again and again must not spin. */
    if (count == 0 && wait_ms > 0) poll(NULL, 0, wait_ms);
    *out_count = count;
    return true;
}

static void
reader_close(struct journal_reader *port)
{
    struct journal_file_reader *reader = reader_of_port(port);
    free(reader->window.buffer);
    free(reader);
}

static const struct journal_reader_ops reader_operations = {
    .assign = reader_assign,
    .revoke = reader_revoke,
    .read = reader_read,
    .close = reader_close,
};

/* ---- The journal ---- */

static struct journal_file *
file_of_port(struct journal *port)
{
    return (struct journal_file *)port;
}

static uint32_t
file_partition_count(const struct journal *port)
{
    return ((const struct journal_file *)port)->partition_count;
}

static bool
file_bounds(struct journal *port, uint32_t partition, int64_t *out_first, int64_t *out_end,
            struct fault *out_fault)
{
    (void)out_fault;
    const struct journal_file *file = file_of_port(port);
    CHECK(partition < file->partition_count);
    *out_first = file->partitions[partition].first;
    *out_end = file->partitions[partition].end;
    return true;
}

static bool
file_open_reader(struct journal *port, struct journal_reader **out_reader, struct fault *out_fault)
{
    struct journal_file *file = file_of_port(port);
    struct journal_file_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL || !window_init(&reader->window, READ_WINDOW_BYTES, out_fault)) {
        free(reader);
        return fault_set(out_fault, FAULT_TRY_AGAIN, "%s: no memory for a reader", file->path);
    }
    reader->port.ops = &reader_operations;
    reader->file = file;
    reader->at = file->data_end;
    *out_reader = &reader->port;
    return true;
}

static bool
file_open_appender(struct journal *port, struct journal_appender **out_appender,
                   struct fault *out_fault)
{
    (void)out_appender;
    return fault_set(
        out_fault, FAULT_NOT_ALLOWED,
        "%s: a packed journal file can only be read; import it into a journal to go on "
        "from it",
        file_of_port(port)->path);
}

static void
file_health(struct journal *port, char *out_text, size_t size)
{
    (void)port;
    if (size > 0) out_text[0] = '\0';
}

static void
file_close(struct journal *port)
{
    struct journal_file *file = file_of_port(port);
    for (uint32_t i = 0; i < PARTITIONS_MAX; i++)
        free(file->partitions[i].anchors);
    if (file->fd >= 0) close(file->fd);
    free(file->path);
    free(file);
}

static const struct journal_ops file_operations = {
    .partition_count = file_partition_count,
    .bounds = file_bounds,
    .open_reader = file_open_reader,
    .open_appender = file_open_appender,
    .health = file_health,
    .close = file_close,
};

bool
journal_file_open(const char *path, struct journal **out_journal, struct fault *out_fault)
{
    struct journal_file *file = calloc(1, sizeof *file);
    CHECK(file != NULL);
    file->port.ops = &file_operations;
    file->fd = -1;
    file->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    CHECK(file->path != NULL);
    if (!file_open_input(path, &file->fd, out_fault) || !file_load(file, out_fault)) {
        file_close(&file->port);
        return false;
    }
    *out_journal = &file->port;
    return true;
}
