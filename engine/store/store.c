/*
 * Rows in RocksDB 7.8.3, through its C API. The folder of a store:
 *
 *   rows/      the database
 *   pending/   files of a checkpoint that is built and not ingested; emptied at open
 *
 * Layout and settings are those that were measured (facts.md): one sorted file a family, all of
 * them in one ingest call, so that files stay disjoint and families whose keys rise are never
 * compacted again.
 */
#include "engine/store/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/crash.h"
#include "engine/store/store_priv.h"

enum {
    STORE_FILES_MAX = sizeof(ROW_FAMILIES) - 1,
    STORE_PATH_BYTES = 1024,
    /* Keys of one MultiGet: enough to have the reads of a batch overlap, few enough for the stack.
     */
    STORE_GET_BATCH = 128,
    /* The level 0 is compacted at 12 files; at 24 compaction lags and the shard waits. */
    STORE_LEVEL0_COMPACT = 12,
    STORE_LEVEL0_BEHIND = 24,
    STORE_NOTE_BYTES = 256
};

/* What only strings can set. No recovery in process from a failed write; every file checked for
 * being the one that the manifest means, and compaction's output read again before it counts. */
#define STORE_OPTIONS                                                                              \
    "verify_sst_unique_id_in_manifest=true;max_bgerror_resume_count=0;"                            \
    "force_consistency_checks=true;paranoid_file_checks=true;avoid_flush_during_shutdown=true"

#define STORE_LOG_FOLDER "/dev/shm"

struct store {
    char *path; /* absolute */
    bool read_only;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *rows; /* the default family, the only one */
    rocksdb_options_t *options;
    rocksdb_readoptions_t *reading, *scanning;
    rocksdb_ingestexternalfileoptions_t *ingesting;
    rocksdb_envoptions_t *writing;
    rocksdb_cache_t *cache;

    bool failed; /* a write failed: nothing is written until the store is opened again */
    char *files[STORE_FILES_MAX]; /* of the checkpoint that is built */
    size_t file_count;
    bool built;
    uint64_t files_written;
    struct store_stats stats;
};

/* ---- Faults -------------------------------------------------------------------------------- */

/* Takes RocksDB's error text over and frees it. Always false. */
static bool
store_fault(const struct store *store, const char *doing, char *error, struct fault *out_fault)
{
    enum fault_kind kind = FAULT_IO;
    const char *remedy = "";
    if (strstr(error, "No space left") != NULL || strstr(error, "File too large") != NULL) {
        remedy = " (disk full: free some space and start again; the last checkpoint is safe)";
    } else if (strstr(error, "LOCK") != NULL || strstr(error, "lock hold by") != NULL) {
        kind = FAULT_TRY_AGAIN;
        remedy = " (another process has it open)";
    } else if (strstr(error, "Corruption") != NULL) {
        kind = FAULT_DATA;
        remedy = " (damaged: remove the store and let it be folded again from the journal)";
    } else if (strstr(error, "does not exist") != NULL) {
        kind = FAULT_NO_INPUT;
    }
    fault_set(out_fault, kind, "store %s: %s: %s%s", store->path, doing, error, remedy);
    rocksdb_free(error);
    return false;
}

static bool
store_file_fault(const struct store *store, const char *doing, struct fault *out_fault)
{
    return fault_set(out_fault, FAULT_IO, "store %s: %s: %s", store->path, doing, strerror(errno));
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* RocksDB keeps a log for people, and Debian's library aborts the process when it writes to that
 * log again after a write failed: on a full disk the log would take the whole ledger down before
 * the fault is even told. The C API cannot do without the log, so it lives in memory, without a
 * name once the store is open, and says next to nothing. */
static bool
store_log_is_in_memory(void)
{
    return access(STORE_LOG_FOLDER, W_OK | X_OK) == 0;
}

/* The name that RocksDB gives the log of a database in an absolute path. */
static void
store_unlink_log(const char *rows_path)
{
    char path[STORE_PATH_BYTES + 64] = STORE_LOG_FOLDER "/";
    if (!store_log_is_in_memory()) return;
    size_t length = strlen(path);
    for (const char *at = rows_path + 1; *at != '\0'; at++) {
        bool kept = isalnum((unsigned char)*at) || *at == '-' || *at == '.' || *at == '_';
        path[length++] = kept ? *at : '_';
    }
    memcpy(path + length, "_LOG", 5);
    unlink(path);
}

static rocksdb_options_t *
store_options(struct store *store, const struct store_options *asked, const char *text)
{
    rocksdb_options_t *base = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(base, asked->create && !asked->read_only);
    rocksdb_options_set_paranoid_checks(base, 1);
    rocksdb_options_set_compaction_style(base, rocksdb_level_compaction);
    rocksdb_options_set_level0_file_num_compaction_trigger(base, STORE_LEVEL0_COMPACT);
    rocksdb_options_set_max_bytes_for_level_base(base, (uint64_t)1 << 30);
    rocksdb_options_set_compression(base, rocksdb_no_compression);
    rocksdb_options_set_max_background_jobs(base, 2);
    rocksdb_options_set_write_buffer_size(base, 1 << 20); /* never written to: invariant 1 */
    rocksdb_options_set_info_log_level(base, 4);          /* fatal */
    if (store_log_is_in_memory()) rocksdb_options_set_db_log_dir(base, STORE_LOG_FOLDER);
    rocksdb_options_set_stats_dump_period_sec(base, 0);
    rocksdb_options_set_stats_persist_period_sec(base, 0);

    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, store->cache);
    rocksdb_block_based_options_set_block_size(table, 8 * 1024);
    rocksdb_block_based_options_set_format_version(table, 5);
    /* A cold account may lie in any file of level 0: the filter says in which. */
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(base, table);
    rocksdb_block_based_options_destroy(table);

    rocksdb_options_t *made = rocksdb_options_create();
    char *error = NULL;
    rocksdb_get_options_from_string(base, text, made, &error);
    CHECK_MSG(error == NULL, "%s", error);
    rocksdb_options_destroy(base);
    return made;
}

/* One try. NULL, or RocksDB's error. */
static char *
store_try_open(struct store *store, const struct store_options *asked, const char *text)
{
    static const char *const families[] = {"default"};
    char path[STORE_PATH_BYTES], *error = NULL;
    snprintf(path, sizeof path, "%s/rows", store->path);
    store->options = store_options(store, asked, text);
    const rocksdb_options_t *options[] = {store->options};
    if (asked->read_only)
        store->db = rocksdb_open_for_read_only_column_families(store->options, path, 1, families,
                                                               options, &store->rows, 0, &error);
    else
        store->db = rocksdb_open_column_families(store->options, path, 1, families, options,
                                                 &store->rows, &error);
    store_unlink_log(path);
    if (error != NULL) {
        rocksdb_options_destroy(store->options);
        store->options = NULL;
        store->db = NULL;
        store->rows = NULL;
    }
    return error;
}

/* A failed sync of the manifest can leave it naming files that RocksDB then deleted. The previous
 * state of the manifest is whole, and it is the checkpoint before. */
static bool
store_misses_files(const char *error)
{
    return strstr(error, "No such file") != NULL || strstr(error, "while stat a file") != NULL;
}

static bool
store_open_rows(struct store *store, const struct store_options *asked, char *out_note,
                struct fault *out_fault)
{
    char *error = store_try_open(store, asked, STORE_OPTIONS);
    if (error != NULL && store_misses_files(error) && !asked->read_only) {
        char *again = store_try_open(store, asked, STORE_OPTIONS ";best_efforts_recovery=true");
        if (again == NULL && out_note != NULL)
            snprintf(out_note, STORE_NOTE_BYTES, "opened at an earlier checkpoint, for: %s", error);
        if (again != NULL) {
            rocksdb_free(error);
            error = again;
        } else {
            rocksdb_free(error);
            error = NULL;
        }
    }
    if (error != NULL) return store_fault(store, "opening it", error, out_fault);
    return true;
}

/* RocksDB 7.8.3 loses an error: an iterator that goes on from one file of a level to the next,
 * whose first block is damaged, ends that level there and says that all is well. A seek into that
 * block does report it. So the first block of every file is looked at once, before rows are passed
 * over in order. */
static bool
store_check_first_blocks(struct store *store, struct fault *out_fault)
{
    const rocksdb_livefiles_t *files = rocksdb_livefiles(store->db);
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->db, store->scanning);
    char *error = NULL;
    for (int i = 0; i < rocksdb_livefiles_count(files) && error == NULL; i++) {
        size_t size;
        const char *key = rocksdb_livefiles_smallestkey(files, i, &size);
        rocksdb_iter_seek(iterator, key, size);
        rocksdb_iter_get_error(iterator, &error);
    }
    rocksdb_iter_destroy(iterator);
    rocksdb_livefiles_destroy(files);
    if (error != NULL) return store_fault(store, "looking at its files", error, out_fault);
    return true;
}

/* Files of a checkpoint that was built and never ingested. */
static bool
store_clear_pending(struct store *store, struct fault *out_fault)
{
    char path[STORE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/pending", store->path);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return store_file_fault(store, "making its folder", out_fault);
    DIR *directory = opendir(path);
    if (directory == NULL) return store_file_fault(store, "looking into pending", out_fault);
    bool cleared = true;
    for (struct dirent *entry; cleared && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        cleared = unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    }
    if (!cleared) store_file_fault(store, "clearing pending", out_fault);
    closedir(directory);
    return cleared;
}

static bool
store_prepare_folder(struct store *store, const struct store_options *asked,
                     struct fault *out_fault)
{
    if (strlen(store->path) + 64 > STORE_PATH_BYTES)
        return fault_set(out_fault, FAULT_CONFIG, "store %s: the path is too long", store->path);
    if (asked->create && !asked->read_only && mkdir(store->path, 0755) != 0 && errno != EEXIST)
        return store_file_fault(store, "making its folder", out_fault);
    char *absolute = realpath(store->path, NULL);
    if (absolute == NULL)
        return fault_set(out_fault, FAULT_NO_INPUT, "store %s: %s", store->path, strerror(errno));
    free(store->path);
    store->path = absolute;
    if (strlen(store->path) + 64 > STORE_PATH_BYTES)
        return fault_set(out_fault, FAULT_CONFIG, "store %s: the path is too long", store->path);
    return true;
}

static void
store_free(struct store *store)
{
    if (store->rows != NULL) rocksdb_column_family_handle_destroy(store->rows);
    if (store->db != NULL) rocksdb_close(store->db);
    if (store->options != NULL) rocksdb_options_destroy(store->options);
    rocksdb_cache_destroy(store->cache);
    rocksdb_readoptions_destroy(store->reading);
    rocksdb_readoptions_destroy(store->scanning);
    rocksdb_ingestexternalfileoptions_destroy(store->ingesting);
    rocksdb_envoptions_destroy(store->writing);
    free(store->path);
    free(store);
}

bool
store_open(const char *path, const struct store_options *options, struct store **out_store,
           char *out_note, struct fault *out_fault)
{
    struct store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->path = strdup(path);
    CHECK(store->path != NULL);
    store->read_only = options->read_only;
    store->cache = rocksdb_cache_create_lru(options->cache_bytes);
    store->reading = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(store->reading, 1);
    store->scanning = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(store->scanning, 1);
    rocksdb_readoptions_set_fill_cache(store->scanning, 0);
    rocksdb_readoptions_set_readahead_size(store->scanning, 1 << 20);
    store->writing = rocksdb_envoptions_create();
    store->ingesting = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(store->ingesting, 1);
    /* There is no memtable to flush: invariant 1. */
    rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(store->ingesting, 0);

    if (out_note != NULL) out_note[0] = '\0';
    if (!store_prepare_folder(store, options, out_fault) ||
        !store_open_rows(store, options, out_note, out_fault) ||
        !store_check_first_blocks(store, out_fault) ||
        /* Only after RocksDB's lock is held: pending may be somebody else's. */
        (!options->read_only && !store_clear_pending(store, out_fault))) {
        store_free(store);
        return false;
    }
    *out_store = store;
    return true;
}

void
store_close(struct store *store)
{
    if (store == NULL) return;
    store_checkpoint_abandon(store);
    store_free(store);
}

/* ---- Checkpoints --------------------------------------------------------------------------- */

static uint64_t
store_property(const struct store *store, const char *name)
{
    uint64_t value = 0;
    rocksdb_property_int(store->db, name, &value);
    return value;
}

/* After any failed write, also of a compaction in the background, the store is done: what it holds
 * in memory and on disk may differ. */
static bool
store_check_health(struct store *store, struct fault *out_fault)
{
    if (store->read_only)
        return fault_set(out_fault, FAULT_SOFTWARE, "store %s: opened to read only", store->path);
    if (store_property(store, "rocksdb.background-errors") != 0) store->failed = true;
    if (!store->failed) return true;
    return fault_set(
        out_fault, FAULT_IO,
        "store %s: a write failed; look for a full or failing disk; it goes on from the "
        "last checkpoint when it is opened again",
        store->path);
}

struct family_writer {
    rocksdb_sstfilewriter_t *writer;
    char path[STORE_PATH_BYTES];
    uint8_t last_key[ROW_KEY_BYTES_MAX];
    size_t last_key_size;
};

static char *
family_put(struct store *store, struct family_writer *family, struct row row)
{
    char *error = NULL;
    if (family->writer == NULL) {
        snprintf(family->path, sizeof family->path, "%s/pending/%08llu-%02x.sst", store->path,
                 (unsigned long long)store->files_written++, row.key.data[0]);
        family->writer = rocksdb_sstfilewriter_create(store->writing, store->options);
        rocksdb_sstfilewriter_open(family->writer, family->path, &error);
        if (error != NULL) return error;
    }
    struct bytes last = {family->last_key, family->last_key_size};
    CHECK(row.key.size > 0 && row.key.size <= ROW_KEY_BYTES_MAX);
    CHECK(bytes_compare(last, row.key) < 0); /* the state yields rows in key order, each once */
    memcpy(family->last_key, row.key.data, row.key.size);
    family->last_key_size = row.key.size;
    if (row.value.data == NULL)
        rocksdb_sstfilewriter_delete(family->writer, (const char *)row.key.data, row.key.size,
                                     &error);
    else
        rocksdb_sstfilewriter_put(family->writer, (const char *)row.key.data, row.key.size,
                                  (const char *)row.value.data, row.value.size, &error);
    return error;
}

/* Writes the file of one family, if it has rows. NULL, or RocksDB's error. */
static char *
store_build_family(struct store *store, enum row_family number, const struct store_source *source)
{
    struct family_writer family = {.writer = NULL};
    struct row row;
    char *error = NULL;
    uint64_t cursor = 0;
    while (error == NULL && source->next(source->context, number, &cursor, &row)) {
        CHECK(row.key.data[0] == (uint8_t)number && row.value.size <= ROW_BYTES_MAX);
        error = family_put(store, &family, row);
        store->stats.rows_written++;
    }
    if (family.writer == NULL) return error;
    if (error == NULL) rocksdb_sstfilewriter_finish(family.writer, &error); /* and sync */
    if (error == NULL) {
        uint64_t bytes = 0;
        rocksdb_sstfilewriter_file_size(family.writer, &bytes);
        store->stats.bytes_written += bytes;
    }
    store->files[store->file_count] = strdup(family.path);
    CHECK(store->files[store->file_count] != NULL);
    store->file_count++;
    rocksdb_sstfilewriter_destroy(family.writer);
    return error;
}

bool
store_build_rows(struct store *store, const struct store_source *source, struct fault *out_fault)
{
    CHECK(!store->built && store->file_count == 0);
    if (!store_check_health(store, out_fault)) return false;
    CRASH_POINT("checkpoint.before_build");
    for (const char *family = ROW_FAMILIES; *family != '\0'; family++) {
        char *error = store_build_family(store, (enum row_family) * family, source);
        if (error != NULL) {
            store->failed = true;
            store_checkpoint_abandon(store);
            return store_fault(store, "writing a checkpoint", error, out_fault);
        }
    }
    store->built = true;
    return true;
}

bool
store_checkpoint_commit(struct store *store, struct fault *out_fault)
{
    CHECK(store->built);
    bool sound = store_check_health(store, out_fault);
    if (sound && store->file_count > 0) {
        char *error = NULL;
        CRASH_POINT("checkpoint.before_ingest");
        rocksdb_ingest_external_file(store->db, (const char *const *)store->files,
                                     store->file_count, store->ingesting, &error);
        CRASH_POINT("checkpoint.after_ingest");
        if (error != NULL) {
            store->failed = true;
            sound = store_fault(store, "taking a checkpoint in", error, out_fault);
        }
    }
    /* Ingested, the files are RocksDB's and only their names are left here. */
    store_checkpoint_abandon(store);
    if (!sound) return false;
    store->stats.checkpoints++;
    return store_check_health(store, out_fault);
}

void
store_checkpoint_abandon(struct store *store)
{
    for (size_t i = 0; i < store->file_count; i++) {
        unlink(store->files[i]);
        free(store->files[i]);
    }
    store->file_count = 0;
    store->built = false;
}

uint64_t
store_level0_files(const struct store *store)
{
    char *text = rocksdb_property_value(store->db, "rocksdb.num-files-at-level0");
    CHECK(text != NULL);
    uint64_t count = strtoull(text, NULL, 10);
    rocksdb_free(text);
    return count;
}

bool
store_is_behind(struct store *store)
{
    return store_level0_files(store) >= STORE_LEVEL0_BEHIND;
}

void
store_stats(const struct store *store, struct store_stats *out_stats)
{
    *out_stats = store->stats;
    out_stats->bytes_on_disk = store_property(store, "rocksdb.total-sst-files-size");
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool
store_give(struct store *store, const struct store_sink *sink, struct bytes key, struct bytes value,
           struct fault *out_fault)
{
    static const uint8_t nothing[1];
    /* An empty value is a row; only data NULL is none. */
    if (value.data == NULL) value.data = nothing;
    store->stats.rows_read++;
    if (sink->put(sink->context, (struct row){.key = key, .value = value}, out_fault)) return true;
    return fault_wrap(out_fault, "store %s", store->path);
}

/* Reads the rows of up to STORE_GET_BATCH exact keys at once. */
static bool
store_get_batch(struct store *store, const struct need *const *needs, size_t count,
                const struct store_sink *sink, struct fault *out_fault)
{
    const char *keys[STORE_GET_BATCH] = {NULL};
    size_t sizes[STORE_GET_BATCH] = {0};
    rocksdb_pinnableslice_t *values[STORE_GET_BATCH] = {NULL};
    char *errors[STORE_GET_BATCH] = {NULL};
    bool sound = true;
    for (size_t i = 0; i < count; i++) {
        keys[i] = (const char *)needs[i]->key;
        sizes[i] = needs[i]->key_size;
    }
    rocksdb_batched_multi_get_cf(store->db, store->reading, store->rows, count, keys, sizes, values,
                                 errors, false);
    for (size_t i = 0; i < count; i++) {
        if (errors[i] != NULL && sound)
            sound = store_fault(store, "reading a row", errors[i], out_fault);
        else if (errors[i] != NULL)
            rocksdb_free(errors[i]);
        else if (sound && values[i] == NULL)
            sink->absent(sink->context, needs[i]);
        else if (sound) {
            size_t size;
            const char *value = rocksdb_pinnableslice_value(values[i], &size);
            sound = store_give(store, sink, bytes_of(keys[i], sizes[i]), bytes_of(value, size),
                               out_fault);
        }
        if (values[i] != NULL) rocksdb_pinnableslice_destroy(values[i]);
    }
    return sound;
}

static struct bytes
iterator_key(const rocksdb_iterator_t *iterator)
{
    size_t size;
    const char *data = rocksdb_iter_key(iterator, &size);
    return bytes_of(data, size);
}

static struct bytes
iterator_value(const rocksdb_iterator_t *iterator)
{
    size_t size;
    const char *data = rocksdb_iter_value(iterator, &size);
    return bytes_of(data, size);
}

static bool
store_iterator_sound(struct store *store, rocksdb_iterator_t *iterator, struct fault *out_fault)
{
    char *error = NULL;
    rocksdb_iter_get_error(iterator, &error);
    if (error == NULL) return true;
    return store_fault(store, "reading rows", error, out_fault);
}

static bool
store_read_floor(struct store *store, rocksdb_iterator_t *iterator, const struct need *need,
                 const struct store_sink *sink, struct fault *out_fault)
{
    rocksdb_iter_seek_for_prev(iterator, (const char *)need->key, need->key_size);
    if (!store_iterator_sound(store, iterator, out_fault)) return false;
    if (rocksdb_iter_valid(iterator)) {
        struct bytes key = iterator_key(iterator);
        if (key.size > 0 && key.data[0] == need->key[0])
            return store_give(store, sink, key, iterator_value(iterator), out_fault);
    }
    sink->absent(sink->context, need);
    return true;
}

static bool
store_read_range(struct store *store, rocksdb_iterator_t *iterator, const struct need *need,
                 const struct store_sink *sink, struct fault *out_fault)
{
    struct bytes last = {need->last, need->last_size};
    uint8_t behind[ROW_KEY_BYTES_MAX + 1];
    rocksdb_iter_seek(iterator, (const char *)need->key, need->key_size);
    while (rocksdb_iter_valid(iterator)) {
        struct bytes key = iterator_key(iterator);
        if (bytes_compare(key, last) > 0) break;
        if (!store_give(store, sink, key, iterator_value(iterator), out_fault)) return false;
        /* A seek to the next possible key instead of a step: see store_check_first_blocks. */
        CHECK(key.size <= ROW_KEY_BYTES_MAX);
        memcpy(behind, key.data, key.size);
        behind[key.size] = 0;
        rocksdb_iter_seek(iterator, (const char *)behind, key.size + 1);
    }
    if (!store_iterator_sound(store, iterator, out_fault)) return false;
    sink->absent(sink->context, need);
    return true;
}

bool
store_read_needs(struct store *store, const struct needs *needs, const struct store_sink *sink,
                 struct fault *out_fault)
{
    const struct need *gets[STORE_GET_BATCH];
    size_t get_count = 0;
    rocksdb_iterator_t *iterator = NULL;
    bool sound = true;
    for (size_t i = 0; i < needs->count && sound; i++) {
        const struct need *need = &needs->items[i];
        CHECK(need->key_size > 0 && need->key_size <= ROW_KEY_BYTES_MAX);
        if (need->mode == NEED_GET) {
            gets[get_count++] = need;
            if (get_count < STORE_GET_BATCH) continue;
            sound = store_get_batch(store, gets, get_count, sink, out_fault);
            get_count = 0;
            continue;
        }
        if (iterator == NULL) iterator = rocksdb_create_iterator(store->db, store->reading);
        sound = need->mode == NEED_FLOOR ? store_read_floor(store, iterator, need, sink, out_fault)
                                         : store_read_range(store, iterator, need, sink, out_fault);
    }
    if (sound && get_count > 0) sound = store_get_batch(store, gets, get_count, sink, out_fault);
    if (iterator != NULL) rocksdb_iter_destroy(iterator);
    return sound;
}

bool
store_scan_family(struct store *store, enum row_family family, const struct store_sink *sink,
                  struct fault *out_fault)
{
    const char first = (char)family;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->db, store->scanning);
    bool sound = true;
    for (rocksdb_iter_seek(iterator, &first, 1); sound && rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        struct bytes key = iterator_key(iterator);
        if (key.data[0] != (uint8_t)family) break;
        sound = store_give(store, sink, key, iterator_value(iterator), out_fault);
    }
    if (sound) sound = store_iterator_sound(store, iterator, out_fault);
    rocksdb_iter_destroy(iterator);
    return sound;
}
