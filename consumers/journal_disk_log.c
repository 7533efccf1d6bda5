#include "consumers/journal_disk_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumers/journal_disk_guard.h"
#include "consumers/journal_disk_log_priv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"

static const uint8_t format_magic[8] = {'T', 'A', 'L', 'L', 'Y', 'L', 'O', 'G'};

enum {
    /* Threads that read at one moment: shards, and readers of HTTP. LMDB's own default is 126. */
    LOG_READERS_MAX = 1024,
    QUEUE_BYTES = 16 * 1024 * 1024,
    COMMIT_BYTES = 8 * 1024 * 1024,
};

/* Larger than any disk that a journal will see; only addresses, no memory and no disk. */
#define MAP_BYTES     ((uint64_t)1 << 40)
#define MAP_BYTES_MIN ((uint64_t)1 << 34)

static void
log_default_describe(uint32_t number, char *out_text, size_t size)
{
    snprintf(out_text, size, "log %u", number);
}

bool
disk_log_fault(const struct disk_log *log, int error, const char *doing, struct fault *out_fault)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return fault_set(out_fault, FAULT_IO,
                         "%s: disk full while %s (%s); free some space and start again: what was "
                         "acknowledged is safe",
                         log->path, doing, strerror(error));
    case MDB_MAP_FULL:
        return fault_set(out_fault, FAULT_IO,
                         "%s: disk full while %s: the file has reached its limit of %llu bytes; "
                         "what was acknowledged is safe",
                         log->path, doing, (unsigned long long)log->options.map_bytes);
    case EACCES:
    case EPERM:
    case EROFS:
        return fault_set(out_fault, FAULT_NOT_ALLOWED, "%s: %s: %s", log->path, doing,
                         strerror(error));
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_NOTFOUND:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
        return fault_set(out_fault, FAULT_DATA,
                         "%s/data.mdb: damaged: %s: %s; restore it from a copy", log->path, doing,
                         mdb_strerror(error));
    case EIO:
        /* LMDB says EIO for a short write too, which is what a disk does that fills up. */
        return fault_set(out_fault, FAULT_IO,
                         "%s: a write failed or was cut short while %s: the disk is full or "
                         "failing (see the kernel's log); what was acknowledged is safe",
                         log->path, doing);
    default:
        return fault_set(out_fault, FAULT_IO, "%s: %s: %s", log->path, doing, mdb_strerror(error));
    }
}

bool
disk_log_is_well(struct disk_log *log, struct fault *out_fault)
{
    if (!atomic_load_explicit(&log->failed, memory_order_acquire)) return true;
    *out_fault = log->fault;
    return false;
}

/* LMDB calls this when its structure contradicts itself, and aborts when it returns. */
static void
log_broken_structure(MDB_env *env, const char *what)
{
    const char *path = "?";
    mdb_env_get_path(env, &path);
    disk_guard_leave();
    fprintf(stderr, "%s/data.mdb: damaged: its structure contradicts itself (%s)\n", path, what);
}

uint64_t
disk_log_record_hash(const struct disk_log_header *header, uint32_t number, uint64_t offset,
                     struct bytes payload)
{
    uint8_t place[32] = {0};
    memcpy(place, header, offsetof(struct disk_log_header, hash));
    memcpy(place + 16, &number, sizeof number);
    memcpy(place + 24, &offset, sizeof offset);
    return hash64(payload, hash64(bytes_of(place, sizeof place), 0));
}

bool
disk_log_verify(const struct disk_log *log, uint32_t number, uint64_t offset, MDB_val value,
                struct disk_log_record *out_record, struct fault *out_fault)
{
    const char *what = "it is shorter than its head";
    struct disk_log_header header;
    if (value.mv_size < sizeof header) goto damaged;
    what = "its head is wrong";
    memcpy(&header, value.mv_data, sizeof header);
    if (header.version != DISK_LOG_VERSION || header.kind != log->kind || header.zero != 0 ||
        header.size > DISK_LOG_RECORD_BYTES_MAX || header.size != value.mv_size - sizeof header)
        goto damaged;
    what = "its hash differs";
    struct bytes payload = {(const uint8_t *)value.mv_data + sizeof header, header.size};
    if (disk_log_record_hash(&header, number, offset, payload) != header.hash) goto damaged;
    *out_record = (struct disk_log_record){
        .log = number, .offset = offset, .append_ms = header.append_ms, .payload = payload};
    return true;

damaged:;
    char place[128];
    log->options.describe(number, place, sizeof place);
    return fault_set(out_fault, FAULT_DATA,
                     "%s/data.mdb: %s, offset %llu: the record is damaged: %s; restore it from a "
                     "copy",
                     log->path, place, (unsigned long long)offset, what);
}

/* ---- Making one ---------------------------------------------------------------------------- */

static int
log_env_try_open(struct disk_log *log)
{
    int error = mdb_env_create(&log->env);
    CHECK(error == 0);
    mdb_env_set_assert(log->env, log_broken_structure);
    error = mdb_env_set_mapsize(log->env, log->options.map_bytes);
    if (error == 0) error = mdb_env_set_maxdbs(log->env, DISK_LOG_COUNT_MAX + 1);
    if (error == 0) error = mdb_env_set_maxreaders(log->env, LOG_READERS_MAX);
    CHECK(error == 0);
    /* NOTLS: a reading transaction belongs to its reader, not to the thread that began it. The sync
     * at each commit is LMDB's default. Read-ahead stays on: logs are read in order. */
    return mdb_env_open(log->env, log->path, MDB_NOTLS, 0644);
}

/* Where a process has less room for addresses than MAP_BYTES (sanitizers take most of it), half as
 * much will do, or a quarter. */
static bool
log_env_open(struct disk_log *log, struct fault *out_fault)
{
    bool default_size = log->options.map_bytes == 0;
    if (default_size) log->options.map_bytes = MAP_BYTES;
    int error = log_env_try_open(log);
    while (error == ENOMEM && default_size && log->options.map_bytes > MAP_BYTES_MIN) {
        mdb_env_close(log->env);
        log->options.map_bytes /= 2;
        error = log_env_try_open(log);
    }
    if (error != 0) return disk_log_fault(log, error, "opening it", out_fault);
    return true;
}

static void
log_database_name(uint32_t number, char out_name[12])
{
    snprintf(out_name, 12, "%04x", number);
}

static int
log_write_format(struct disk_log *log, MDB_txn *txn)
{
    MDB_dbi meta;
    int error = mdb_dbi_open(txn, "meta", MDB_CREATE, &meta);
    if (error != 0) return error;
    struct disk_log_format format = {
        .version = DISK_LOG_VERSION, .kind = log->kind, .log_count = log->log_count};
    memcpy(format.magic, format_magic, sizeof format.magic);
    format.hash = hash64(bytes_of(&format, offsetof(struct disk_log_format, hash)), 0);
    MDB_val key = {.mv_size = 6, .mv_data = (void *)"format"};
    MDB_val value = {.mv_size = sizeof format, .mv_data = &format};
    error = mdb_put(txn, meta, &key, &value, MDB_NOOVERWRITE);
    for (uint32_t i = 0; i < log->log_count && error == 0; i++) {
        char name[12];
        MDB_dbi database;
        log_database_name(i, name);
        error = mdb_dbi_open(txn, name, MDB_CREATE | MDB_INTEGERKEY, &database);
    }
    return error;
}

static bool
log_file_exists(const char *path)
{
    char file[4096];
    struct stat status;
    int length = snprintf(file, sizeof file, "%s/data.mdb", path);
    return length < (int)sizeof file && stat(file, &status) == 0;
}

/* It is made beside its place and moved there when it is whole: whoever is killed meanwhile leaves
 * nothing that looks like a damaged one. */
static bool
log_make_folder(const char *path, char *out_making, size_t size, struct fault *out_fault)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char file[4096 + 16];
    if (snprintf(out_making, size, "%s.new", path) >= (int)size)
        return fault_set(out_fault, FAULT_CONFIG, "%s: the path is too long", path);
    if (mkdir(out_making, 0755) != 0 && errno != EEXIST)
        return fault_set(out_fault, FAULT_CANNOT_CREATE, "%s: %s", out_making, strerror(errno));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(file, sizeof file, "%s/%s", out_making, files[i]);
        if (unlink(file) != 0 && errno != ENOENT)
            return fault_set(out_fault, FAULT_CANNOT_CREATE, "%s: %s", file, strerror(errno));
    }
    return true;
}

static bool
log_move_into_place(const char *making, const char *path, struct fault *out_fault)
{
    char parent[4096];
    snprintf(parent, sizeof parent, "%s/..", path);
    int moved = rename(making, path); /* an empty folder there is replaced */
    int folder = moved == 0 ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = folder >= 0 && fsync(folder) == 0;
    int error = errno;
    if (folder >= 0) close(folder);
    return synced || fault_set(out_fault, FAULT_CANNOT_CREATE, "%s: %s", path, strerror(error));
}

bool
disk_log_create(const char *path, enum disk_log_kind kind, uint32_t log_count,
                struct fault *out_fault)
{
    char making[4096];
    CHECK(log_count > 0 && log_count <= DISK_LOG_COUNT_MAX);
    if (log_file_exists(path))
        return fault_set(out_fault, FAULT_CANNOT_CREATE,
                         "%s: there is one already; choose another folder, or remove this one",
                         path);
    if (!log_make_folder(path, making, sizeof making, out_fault)) return false;
    struct disk_log log = {.path = making, .kind = kind, .log_count = log_count};
    MDB_txn *txn;
    bool made = log_env_open(&log, out_fault);
    if (made) {
        int error = mdb_txn_begin(log.env, NULL, 0, &txn);
        if (error == 0) {
            error = log_write_format(&log, txn);
            if (error == 0)
                error = mdb_txn_commit(txn);
            else
                mdb_txn_abort(txn);
        }
        if (error != 0) made = disk_log_fault(&log, error, "creating it", out_fault);
    }
    mdb_env_close(log.env);
    return made && log_move_into_place(making, path, out_fault);
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Every page that LMDB may look at must be inside of the file: behind its end lies SIGBUS. */
static bool
log_check_file_size(struct disk_log *log, struct fault *out_fault)
{
    MDB_envinfo info;
    MDB_stat statistics;
    struct stat status;
    mdb_filehandle_t file;
    mdb_env_info(log->env, &info);
    mdb_env_stat(log->env, &statistics);
    mdb_env_get_fd(log->env, &file);
    if (fstat(file, &status) != 0) return disk_log_fault(log, errno, "looking at it", out_fault);
    uint64_t needed = ((uint64_t)info.me_last_pgno + 1) * statistics.ms_psize;
    if ((uint64_t)status.st_size >= needed) return true;
    return fault_set(out_fault, FAULT_DATA,
                     "%s/data.mdb: damaged: it has %lld bytes and says itself that it has %llu: "
                     "its end was cut off; restore it from a copy",
                     log->path, (long long)status.st_size, (unsigned long long)needed);
}

static bool
log_read_format(struct disk_log *log, MDB_txn *txn, struct fault *out_fault)
{
    MDB_dbi meta;
    MDB_val key = {.mv_size = 6, .mv_data = (void *)"format"}, value;
    int error = mdb_dbi_open(txn, "meta", 0, &meta);
    if (error == 0) error = mdb_get(txn, meta, &key, &value);
    if (error != 0) return disk_log_fault(log, error, "reading its format", out_fault);
    struct disk_log_format format;
    if (value.mv_size != sizeof format)
        return disk_log_fault(log, MDB_CORRUPTED, "reading its format", out_fault);
    memcpy(&format, value.mv_data, sizeof format);
    if (memcmp(format.magic, format_magic, sizeof format.magic) != 0 ||
        format.hash != hash64(bytes_of(&format, offsetof(struct disk_log_format, hash)), 0))
        return disk_log_fault(log, MDB_CORRUPTED, "reading its format", out_fault);
    if (format.version != DISK_LOG_VERSION)
        return fault_set(out_fault, FAULT_DATA,
                         "%s: has format %u, and this program reads format %d: use the program "
                         "that wrote it, or a newer one",
                         log->path, format.version, DISK_LOG_VERSION);
    if (format.kind != log->kind || format.log_count == 0 || format.log_count > DISK_LOG_COUNT_MAX)
        return fault_set(out_fault, FAULT_DATA, "%s: is of another kind (%u) than expected (%u)",
                         log->path, format.kind, (unsigned)log->kind);
    log->log_count = format.log_count;
    return true;
}

static void *
log_array(const struct disk_log *log, size_t item_size)
{
    void *array = calloc(log->log_count, item_size);
    CHECK(array != NULL);
    return array;
}

/* Finds the end of a log, and the last append time. Nothing is ever removed: it begins at 0. */
static bool
log_read_end(struct disk_log *log, MDB_txn *txn, uint32_t number, struct fault *out_fault)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t first, last;
    int error = mdb_cursor_open(txn, log->databases[number], &cursor);
    if (error != 0) return disk_log_fault(log, error, "opening a log", out_fault);
    error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    if (error == MDB_NOTFOUND) {
        mdb_cursor_close(cursor);
        return true;
    }
    if (error != 0 || key.mv_size != sizeof first) goto damaged;
    memcpy(&first, key.mv_data, sizeof first);
    error = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (error != 0 || key.mv_size != sizeof last) goto damaged;
    memcpy(&last, key.mv_data, sizeof last);
    if (first != 0 || last == UINT64_MAX) goto damaged;

    struct disk_log_record record;
    bool sound = disk_log_verify(log, number, last, value, &record, out_fault);
    mdb_cursor_close(cursor);
    if (!sound) return false;
    if (record.append_ms > log->last_append_ms) log->last_append_ms = record.append_ms;
    log->next_offsets[number] = last + 1;
    atomic_store(&log->ends[number], last + 1);
    return true;

damaged:
    mdb_cursor_close(cursor);
    return disk_log_fault(log, error != 0 ? error : MDB_CORRUPTED, "looking for the end of a log",
                          out_fault);
}

static bool
log_load(struct disk_log *log, MDB_txn *txn, struct fault *out_fault)
{
    if (!log_read_format(log, txn, out_fault)) return false;
    log->databases = log_array(log, sizeof *log->databases);
    log->ends = log_array(log, sizeof *log->ends);
    log->next_offsets = log_array(log, sizeof *log->next_offsets);
    log->cursors = log_array(log, sizeof *log->cursors);
    log->touched = log_array(log, sizeof *log->touched);
    for (uint32_t i = 0; i < log->log_count; i++) {
        char name[12];
        log_database_name(i, name);
        int error = mdb_dbi_open(txn, name, MDB_INTEGERKEY, &log->databases[i]);
        if (error != 0) return disk_log_fault(log, error, "opening a log", out_fault);
        if (!log_read_end(log, txn, i, out_fault)) return false;
    }
    return true;
}

static void
log_free(struct disk_log *log)
{
    if (log->env != NULL) mdb_env_close(log->env);
    pthread_mutex_destroy(&log->appenders_lock);
    free(log->databases);
    free(log->ends);
    free(log->next_offsets);
    free(log->cursors);
    free(log->touched);
    free(log->path);
    free(log);
}

static struct disk_log *
log_new(const char *path, enum disk_log_kind kind, const struct disk_log_options *options)
{
    struct disk_log *log = calloc(1, sizeof *log);
    CHECK(log != NULL);
    log->path = strdup(path);
    CHECK(log->path != NULL);
    log->kind = kind;
    log->options = *options;
    if (log->options.queue_bytes == 0) log->options.queue_bytes = QUEUE_BYTES;
    if (log->options.commit_bytes == 0) log->options.commit_bytes = COMMIT_BYTES;
    if (log->options.wall_ms == NULL) log->options.wall_ms = clock_wall_ms;
    if (log->options.describe == NULL) log->options.describe = log_default_describe;
    disk_wake_init(&log->committed);
    disk_wake_init(&log->work);
    pthread_mutex_init(&log->appenders_lock, NULL);
    return log;
}

struct open_step {
    struct disk_log *log;
    struct fault *out_fault;
    bool opened;
};

static void
log_open_step(void *context)
{
    struct open_step *step = context;
    struct disk_log *log = step->log;
    if (!log_env_open(log, step->out_fault) || !log_check_file_size(log, step->out_fault)) return;
    int dead_readers;
    MDB_txn *txn;
    int error = mdb_reader_check(log->env, &dead_readers);
    if (error == 0) error = mdb_txn_begin(log->env, NULL, MDB_RDONLY, &txn);
    if (error != 0) {
        disk_log_fault(log, error, "opening it", step->out_fault);
        return;
    }
    step->opened = log_load(log, txn, step->out_fault);
    /* A commit, not an abort: it keeps the handles of the databases. */
    mdb_txn_commit(txn);
}

bool
disk_log_open(const char *path, enum disk_log_kind kind, const struct disk_log_options *options,
              struct disk_log **out_log, struct fault *out_fault)
{
    if (!log_file_exists(path))
        return fault_set(out_fault, FAULT_NO_INPUT, "%s: there is none here", path);
    disk_guard_install();
    struct disk_log *log = log_new(path, kind, options);
    struct open_step step = {.log = log, .out_fault = out_fault};
    if (!disk_guard_run(log_open_step, &step))
        disk_log_fault(log, MDB_CORRUPTED, "opening it", out_fault);
    if (!step.opened) goto fail;
    int error = pthread_create(&log->committer, NULL, disk_log_commit_loop, log);
    if (error != 0) {
        fault_set(out_fault, FAULT_TRY_AGAIN, "%s: no thread: %s", path, strerror(error));
        goto fail;
    }
    log->committer_started = true;
    *out_log = log;
    return true;

fail:
    log_free(log);
    return false;
}

void
disk_log_close(struct disk_log *log)
{
    if (log == NULL) return;
    CHECK(log->appenders == NULL);
    atomic_store(&log->stopping, true);
    disk_wake_notify(&log->work);
    if (log->committer_started) pthread_join(log->committer, NULL);
    log_free(log);
}

uint32_t
disk_log_count(const struct disk_log *log)
{
    return log->log_count;
}

uint64_t
disk_log_end(const struct disk_log *log, uint32_t number)
{
    CHECK(number < log->log_count);
    return atomic_load_explicit(&log->ends[number], memory_order_acquire);
}

void
disk_log_health(struct disk_log *log, char *out_text, size_t size)
{
    struct fault fault;
    bool well = disk_log_is_well(log, &fault);
    snprintf(out_text, size, "%s", well ? "" : fault.text);
}
