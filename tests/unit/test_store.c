#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/crash.h"
#include "engine/base/hash.h"
#include "engine/store/store_priv.h"
#include "tests/unit/disk_folder.h"

static struct fault fault;

/* ---- A state that can be computed: what the rows are after checkpoint n --------------------
 *
 *   M        n
 *   i + j    written once, by checkpoint j
 *   m + k    for k below MEMBERS, written by the checkpoints that model_writes names; holds the
 * last t + j    written by checkpoint j, deleted by j + 2
 */
enum { MEMBERS = 200, VALUE_BYTES_MAX = 400 };

static bool
model_writes(uint64_t checkpoint, uint64_t member)
{
    uint64_t pair[2] = {checkpoint, member};
    return hash64(bytes_of(pair, sizeof pair), 0) % 3 == 0;
}

static size_t
model_key(uint8_t *key, enum row_family family, uint64_t number)
{
    struct writer writer = writer_of(key, ROW_KEY_BYTES_MAX);
    writer_u8(&writer, (uint8_t)family);
    if (family != ROW_META) writer_u64be(&writer, number);
    return writer.size;
}

/* The value that a checkpoint gives a row: its number, and bytes that follow from it. */
static size_t
model_value(uint8_t *value, uint64_t checkpoint, uint64_t number)
{
    size_t size = 8 + (checkpoint * 7 + number) % (VALUE_BYTES_MAX - 8);
    memset(value, (int)(checkpoint + number), size);
    memcpy(value, &checkpoint, sizeof checkpoint);
    return size;
}

struct model_source {
    uint64_t checkpoint;
    uint8_t key[ROW_KEY_BYTES_MAX], value[VALUE_BYTES_MAX];
};

/* Yields what checkpoint `checkpoint` writes; the cursor is the next number to look at, plus 1. */
static bool
model_next(void *context, enum row_family family, uint64_t *cursor, struct row *out_row)
{
    struct model_source *source = context;
    uint64_t n = source->checkpoint, number;
    bool deletes = false;
    if (family == ROW_META || family == ROW_IDENTITY) {
        if (*cursor > 0) return false;
        number = family == ROW_META ? 0 : n;
        *cursor = 1;
    } else if (family == ROW_TIMER) {
        if (*cursor == 0 && n <= 2) *cursor = 1;
        if (*cursor > 1) return false;
        deletes = *cursor == 0;
        number = deletes ? n - 2 : n;
        ++*cursor;
    } else if (family == ROW_MEMBER) {
        while (*cursor < MEMBERS && !model_writes(n, *cursor))
            ++*cursor;
        if (*cursor == MEMBERS) return false;
        number = (*cursor)++;
    } else {
        return false;
    }
    size_t key_size = model_key(source->key, family, number);
    size_t value_size = model_value(source->value, n, number);
    *out_row = (struct row){.key = bytes_of(source->key, key_size)};
    if (!deletes) out_row->value = bytes_of(source->value, value_size);
    return true;
}

/* What is found, by family. */
struct model_found {
    uint64_t meta, identities, members, timers;
    bool mixed; /* a row that does not belong to checkpoint `meta` */
};

static bool
model_put(void *context, struct row row, struct fault *out_fault)
{
    (void)out_fault;
    struct model_found *found = context;
    struct reader reader = reader_of(row.key);
    enum row_family family = reader_u8(&reader);
    uint64_t number = family == ROW_META ? 0 : reader_u64be(&reader), checkpoint = 0;
    uint8_t expected[VALUE_BYTES_MAX];
    cr_assert(reader_done(&reader));
    memcpy(&checkpoint, row.value.data, sizeof checkpoint);
    cr_assert(
        bytes_equal(row.value, bytes_of(expected, model_value(expected, checkpoint, number))));
    uint64_t n = found->meta;
    switch (family) {
    case ROW_META: found->meta = checkpoint; break;
    case ROW_IDENTITY:
        found->identities++;
        found->mixed |= checkpoint != number || number > n;
        break;
    case ROW_TIMER:
        found->timers++;
        found->mixed |= checkpoint != number || number > n || number + 1 < n;
        break;
    case ROW_MEMBER: {
        uint64_t last = n;
        while (last > 0 && !model_writes(last, number))
            last--;
        found->members++;
        found->mixed |= checkpoint != last;
        break;
    }
    default: cr_assert_fail("family %c", family);
    }
    return true;
}

/* Reads everything. False: a fault. CHECKs that it is one checkpoint, whole; tells which. */
static bool
model_read(struct store *store, const char *what, uint64_t *out_checkpoint)
{
    struct model_found found = {.meta = 0};
    const struct store_sink sink = {.put = model_put, .context = &found};
    static const enum row_family families[] = {ROW_META, ROW_IDENTITY, ROW_MEMBER, ROW_TIMER};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (!store_scan_family(store, families[i], &sink, &fault)) return false;
    uint64_t n = found.meta, members = 0;
    for (uint64_t k = 0; k < MEMBERS; k++)
        for (uint64_t j = 1; j <= n; j++)
            if (model_writes(j, k)) {
                members++;
                break;
            }
    cr_assert_not(found.mixed, "%s: a mix of checkpoints at %llu", what, (unsigned long long)n);
    cr_assert_eq(found.identities, n, "%s", what);
    cr_assert_eq(found.members, members, "%s", what);
    cr_assert_eq(found.timers, n < 2 ? n : 2, "%s", what);
    *out_checkpoint = n;
    return true;
}

static bool
model_checkpoint(struct store *store, uint64_t checkpoint)
{
    struct model_source source = {.checkpoint = checkpoint};
    const struct store_source rows = {.next = model_next, .context = &source};
    return store_build_rows(store, &rows, &fault) && store_checkpoint_commit(store, &fault);
}

/* ---- Helpers ------------------------------------------------------------------------------- */

static const struct store_options options_create = {.cache_bytes = 8 << 20, .create = true};

static struct store *
store_open_at(const char *path)
{
    struct store *store = NULL;
    cr_assert(store_open(path, &options_create, &store, NULL, &fault), "%s", fault.text);
    return store;
}

static void
store_make(struct disk_folder *folder, uint64_t checkpoints)
{
    *folder = disk_folder_make();
    struct store *store = store_open_at(folder->path);
    for (uint64_t n = 1; n <= checkpoints; n++)
        cr_assert(model_checkpoint(store, n), "%s", fault.text);
    store_close(store);
}

/* The files of a folder inside of the store whose names end so, oldest number first. */
static size_t
store_files(const struct disk_folder *folder, const char *inside, const char *end,
            char out_paths[][600], size_t max)
{
    struct dirent **entries;
    char path[560];
    snprintf(path, sizeof path, "%s/%s", folder->path, inside);
    int found = scandir(path, &entries, NULL, alphasort);
    size_t count = 0;
    for (int i = 0; i < found; i++) {
        size_t length = strlen(entries[i]->d_name), end_length = strlen(end);
        if (count < max && length > end_length &&
            strcmp(entries[i]->d_name + length - end_length, end) == 0)
            snprintf(out_paths[count++], 600, "%s/%.30s", path, entries[i]->d_name);
        free(entries[i]);
    }
    if (found >= 0) free(entries);
    return count;
}

/* ---- Tests --------------------------------------------------------------------------------- */

Test(store, keeps_checkpoints)
{
    struct disk_folder folder;
    uint64_t checkpoint;
    store_make(&folder, 0);
    struct store *store = store_open_at(folder.path);
    cr_assert(model_read(store, "an empty store", &checkpoint));
    cr_expect_eq(checkpoint, 0);
    for (uint64_t n = 1; n <= 40; n++) {
        cr_assert(model_checkpoint(store, n), "%s", fault.text);
        cr_assert(model_read(store, "after a checkpoint", &checkpoint), "%s", fault.text);
        cr_expect_eq(checkpoint, n);
        if (n % 10 == 0) {
            store_close(store);
            store = store_open_at(folder.path);
        }
    }
    struct store_stats stats;
    store_stats(store, &stats);
    cr_expect_gt(stats.bytes_on_disk, 0);
    cr_expect_not(store_is_behind(store));
    store_close(store);

    const struct store_options look = {.cache_bytes = 1 << 20, .read_only = true};
    cr_assert(store_open(folder.path, &look, &store, NULL, &fault), "%s", fault.text);
    cr_assert(model_read(store, "to read only", &checkpoint), "%s", fault.text);
    cr_expect_eq(checkpoint, 40);
    cr_expect_not(model_checkpoint(store, 41), "to read only");
    store_close(store);
    disk_folder_remove(&folder);
}

Test(store, throws_away_what_was_built_and_not_committed)
{
    struct disk_folder folder;
    uint64_t checkpoint;
    char paths[8][600];
    store_make(&folder, 3);
    struct store *store = store_open_at(folder.path);
    struct model_source source = {.checkpoint = 4};
    const struct store_source rows = {.next = model_next, .context = &source};
    cr_assert(store_build_rows(store, &rows, &fault), "%s", fault.text);
    cr_expect_eq(store_files(&folder, "pending", ".sst", paths, 8), 4, "a file for each family");
    cr_assert(model_read(store, "built only", &checkpoint));
    cr_expect_eq(checkpoint, 3);
    store_checkpoint_abandon(store);
    cr_expect_eq(store_files(&folder, "pending", ".sst", paths, 8), 0);
    cr_assert(store_build_rows(store, &rows, &fault), "%s", fault.text);
    cr_assert(store_checkpoint_commit(store, &fault), "%s", fault.text);
    cr_expect_eq(store_files(&folder, "pending", ".sst", paths, 8), 0, "moved, not copied");
    cr_assert(model_read(store, "committed", &checkpoint));
    cr_expect_eq(checkpoint, 4);
    store_close(store);
    disk_folder_remove(&folder);
}

struct answers {
    uint64_t numbers[64]; /* of the rows given, in order */
    size_t rows, absent;
};

static bool
answers_put(void *context, struct row row, struct fault *out_fault)
{
    (void)out_fault;
    struct answers *answers = context;
    struct reader reader = reader_of(row.key);
    reader_u8(&reader);
    answers->numbers[answers->rows++] = row.key.size == 1 ? 0 : reader_u64be(&reader);
    return true;
}

static void
answers_absent(void *context, const struct need *need)
{
    (void)need;
    ((struct answers *)context)->absent++;
}

Test(store, answers_needs)
{
    const struct {
        const char *what;
        enum need_mode mode;
        enum row_family family;
        uint64_t from, to;
        size_t rows, absent;
        uint64_t first;
    } rows[] = {
        {"a row that is there", NEED_GET, ROW_IDENTITY, 3, 0, 1, 0, 3},
        {"a row that is not", NEED_GET, ROW_IDENTITY, 99, 0, 0, 1, 0},
        {"a row that was deleted", NEED_GET, ROW_TIMER, 3, 0, 0, 1, 0},
        {"the meta row", NEED_GET, ROW_META, 0, 0, 1, 0, 0},
        {"a family without rows", NEED_GET, ROW_REFERENCE, 1, 0, 0, 1, 0},
        {"floor: the key itself", NEED_FLOOR, ROW_IDENTITY, 4, 0, 1, 0, 4},
        {"floor: behind the last", NEED_FLOOR, ROW_IDENTITY, 1000, 0, 1, 0, 10},
        {"floor: before the first, another family before it", NEED_FLOOR, ROW_IDENTITY, 0, 0, 0, 1,
         0},
        {"floor: passes over what was deleted", NEED_FLOOR, ROW_TIMER, 8, 0, 0, 1, 0},
        {"floor: an empty family", NEED_FLOOR, ROW_CLOSED_LOT, 5, 0, 0, 1, 0},
        {"range: in the middle, both ends", NEED_RANGE, ROW_IDENTITY, 2, 5, 4, 1, 2},
        {"range: deleted rows left out", NEED_RANGE, ROW_TIMER, 1, 99, 2, 1, 9},
        {"range: none", NEED_RANGE, ROW_IDENTITY, 50, 60, 0, 1, 0},
        {"range: one", NEED_RANGE, ROW_IDENTITY, 7, 7, 1, 1, 7},
    };
    struct disk_folder folder;
    store_make(&folder, 10);
    struct store *store = store_open_at(folder.path);
    static struct needs all = {.count = 0};
    size_t row_total = 0, absent_total = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct needs needs;
        struct answers answers = {.rows = 0};
        const struct store_sink sink = {answers_put, answers_absent, &answers};
        struct need *need = &needs.items[0];
        needs.count = 1;
        need->mode = rows[i].mode;
        need->key_size = (uint8_t)model_key(need->key, rows[i].family, rows[i].from);
        need->last_size = (uint8_t)model_key(need->last, rows[i].family, rows[i].to);
        cr_assert(store_read_needs(store, &needs, &sink, &fault), "%s", fault.text);
        cr_expect_eq(answers.rows, rows[i].rows, "%s", rows[i].what);
        cr_expect_eq(answers.absent, rows[i].absent, "%s", rows[i].what);
        if (answers.rows > 0) cr_expect_eq(answers.numbers[0], rows[i].first, "%s", rows[i].what);
        all.items[all.count++] = *need;
        row_total += rows[i].rows;
        absent_total += rows[i].absent;
    }
    struct answers answers = {.rows = 0};
    const struct store_sink sink = {answers_put, answers_absent, &answers};
    cr_assert(store_read_needs(store, &all, &sink, &fault), "%s", fault.text);
    cr_expect_eq(answers.rows, row_total, "all in one");
    cr_expect_eq(answers.absent, absent_total, "all in one");
    store_close(store);
    disk_folder_remove(&folder);
}

Test(store, answers_more_needs_than_one_batch)
{
    struct disk_folder folder;
    store_make(&folder, 40);
    struct store *store = store_open_at(folder.path);
    static struct needs needs;
    for (needs.count = 0; needs.count < NEEDS_MAX; needs.count++) {
        struct need *need = &needs.items[needs.count];
        need->mode = NEED_GET;
        need->key_size = (uint8_t)model_key(need->key, ROW_IDENTITY, 1 + needs.count * 17 % 1024);
    }
    struct answers answers = {.rows = 0};
    const struct store_sink sink = {answers_put, answers_absent, &answers};
    cr_assert(store_read_needs(store, &needs, &sink, &fault), "%s", fault.text);
    cr_expect_eq(answers.rows, 40);
    cr_expect_eq(answers.absent, NEEDS_MAX - 40);
    store_close(store);
    disk_folder_remove(&folder);
}

Test(store, refuses_what_it_cannot_open)
{
    struct disk_folder folder;
    store_make(&folder, 1);
    struct store *store = store_open_at(folder.path), *second;
    cr_expect_not(store_open(folder.path, &options_create, &second, NULL, &fault), "a second time");
    cr_expect_eq(fault.kind, FAULT_TRY_AGAIN, "%s", fault.text);
    store_close(store);

    const struct store_options existing = {.cache_bytes = 1 << 20};
    cr_expect_not(store_open(disk_folder_file(&folder, "none"), &existing, &second, NULL, &fault),
                  "none");
    cr_expect_eq(fault.kind, FAULT_NO_INPUT, "%s", fault.text);
    char deep[2000];
    memset(deep, 'd', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    cr_expect_not(store_open(deep, &options_create, &second, NULL, &fault), "a path too long");
    cr_expect_eq(fault.kind, FAULT_CONFIG);
    disk_folder_remove(&folder);
}

/* Checkpoints in a child until it dies: at a named point, or by our hand once it has told of
 * `kill_after` checkpoints. Returns the last that it told of as committed. */
static uint64_t
checkpoint_until_killed(const char *path, uint64_t from, const char *crash_at, int kill_after)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (crash_at != NULL) setenv(CRASH_ENVIRONMENT, crash_at, 1);
        struct store *store;
        if (!crash_init(&fault) || !store_open(path, &options_create, &store, NULL, &fault))
            _exit(1);
        for (uint64_t n = from + 1;; n++) {
            if (!model_checkpoint(store, n)) _exit(2);
            if (write(ends[1], &n, sizeof n) != sizeof n) _exit(3);
        }
    }
    close(ends[1]);
    uint64_t committed = from, told;
    int count = 0;
    while (read(ends[0], &told, sizeof told) == sizeof told) {
        committed = told;
        if (++count == kill_after) kill(child, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
    return committed;
}

Test(store, a_killed_process_leaves_one_checkpoint_or_the_next)
{
    const struct {
        const char *crash_at; /* NULL: killed whenever the signal arrives */
        int kill_after;
        uint64_t at_most; /* checkpoints beyond the last that was told; at named points exact */
    } rows[] = {
        {"checkpoint.before_build:1", 0, 0},
        {"checkpoint.before_build:3", 0, 0},
        {"checkpoint.before_ingest:1", 0, 0},
        {"checkpoint.before_ingest:4", 0, 0},
        {"checkpoint.after_ingest:1", 0, 1},
        {"checkpoint.after_ingest:5", 0, 1},
        {NULL, 1, 1},
        {NULL, 2, 1},
        {NULL, 3, 1},
        {NULL, 5, 1},
        {NULL, 7, 1},
        {NULL, 11, 1},
    };
    struct disk_folder folder;
    uint64_t checkpoint = 0;
    store_make(&folder, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *what = rows[i].crash_at != NULL ? rows[i].crash_at : "at any moment";
        uint64_t told =
            checkpoint_until_killed(folder.path, checkpoint, rows[i].crash_at, rows[i].kill_after);
        struct store *store = store_open_at(folder.path);
        cr_assert(model_read(store, what, &checkpoint), "%s: %s", what, fault.text);
        cr_expect_geq(checkpoint, told, "%s", what);
        cr_expect_leq(checkpoint, told + rows[i].at_most, "%s", what);
        if (rows[i].crash_at != NULL) cr_expect_eq(checkpoint, told + rows[i].at_most, "%s", what);
        store_close(store);
    }
    cr_expect_gt(checkpoint, 20);
    disk_folder_remove(&folder);
}

/* No file may grow beyond a limit that rises in small steps: one write after the other is the first
 * that fails, those of the sorted files first, then those of the manifest. */
Test(store, any_write_may_fail)
{
    struct disk_folder folder;
    struct rlimit before;
    uint64_t checkpoint = 60;
    store_make(&folder, checkpoint);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    size_t failed = 0, succeeded = 0;
    for (int step = 0; step < 40 && succeeded < 3; step++) {
        struct store *store = store_open_at(folder.path);
        struct rlimit limit = {.rlim_cur = 500 + (rlim_t)step * 600, .rlim_max = before.rlim_max};
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        bool committed = model_checkpoint(store, checkpoint + 1);
        setrlimit(RLIMIT_FSIZE, &before);
        uint64_t now;
        if (committed) {
            succeeded++;
        } else {
            failed++;
            cr_expect_eq(fault.kind, FAULT_IO, "step %d: %s", step, fault.text);
            cr_expect_not(model_checkpoint(store, checkpoint + 1), "step %d: it is done", step);
        }
        store_close(store);
        store = store_open_at(folder.path);
        cr_assert(model_read(store, "after a failed write", &now), "%s", fault.text);
        cr_expect_geq(now, checkpoint + committed, "step %d", step);
        cr_expect_leq(now, checkpoint + 1, "step %d", step);
        checkpoint = now;
        store_close(store);
    }
    cr_expect_gt(failed, 3);
    cr_expect_eq(succeeded, 3);
    disk_folder_remove(&folder);
}

Test(store, a_missing_file_gives_an_earlier_checkpoint)
{
    struct disk_folder folder;
    char paths[64][600], note[256] = "";
    uint64_t checkpoint;
    store_make(&folder, 2);
    size_t before = store_files(&folder, "rows", ".sst", paths, 64);
    struct store *store = store_open_at(folder.path);
    cr_assert(model_checkpoint(store, 3), "%s", fault.text);
    store_close(store);
    size_t after = store_files(&folder, "rows", ".sst", paths, 64);
    cr_assert_gt(after, before);
    cr_assert_eq(unlink(paths[after - 1]), 0);
    cr_assert(store_open(folder.path, &options_create, &store, note, &fault), "%s", fault.text);
    cr_expect_not_null(strstr(note, "earlier checkpoint"), "%s", note);
    cr_assert(model_read(store, "without its last file", &checkpoint), "%s", fault.text);
    cr_expect_leq(checkpoint, 2);
    cr_assert(model_checkpoint(store, checkpoint + 1), "%s", fault.text);
    store_close(store);
    store = store_open_at(folder.path);
    cr_assert(model_read(store, "and on", &checkpoint), "%s", fault.text);
    store_close(store);
    disk_folder_remove(&folder);
}

Test(store, a_flipped_bit_is_refused)
{
    struct disk_folder folder;
    char paths[64][600];
    store_make(&folder, 3);
    size_t files = store_files(&folder, "rows", ".sst", paths, 64), refused = 0, tried = 0;
    for (size_t i = 0; i < files; i++) {
        long long size = disk_file_size(paths[i]);
        for (long long byte = 1; byte < size; byte += 97, tried++) {
            disk_flip_bit(paths[i], byte, (unsigned)(byte % 8));
            struct store *store;
            uint64_t checkpoint;
            bool read = store_open(folder.path, &options_create, &store, NULL, &fault);
            if (read) {
                read = model_read(store, paths[i], &checkpoint);
                if (read) cr_expect_eq(checkpoint, 3, "%s byte %lld", paths[i], byte);
                store_close(store);
            }
            if (!read) {
                refused++;
                cr_expect_eq(fault.kind, FAULT_DATA, "%s byte %lld: %s", paths[i], byte,
                             fault.text);
            }
            disk_flip_bit(paths[i], byte, (unsigned)(byte % 8));
        }
    }
    cr_expect_gt(refused, tried / 2, "%zu of %zu", refused, tried);
    disk_folder_remove(&folder);
}
