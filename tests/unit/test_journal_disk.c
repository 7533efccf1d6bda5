#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumers/journal_disk.h"
#include "engine/base/crash.h"
#include "engine/base/hash.h"
#include "tests/unit/disk_folder.h"
#include "tests/unit/property.h"

static struct fault fault;

static struct journal *
journal_open_at(const char *path, struct journal_disk_options options)
{
    struct journal *journal = NULL;
    cr_assert(journal_disk_open(path, &options, &journal, &fault), "%s", fault.text);
    return journal;
}

static struct journal *
journal_make(struct disk_folder *folder, uint32_t partition_count)
{
    *folder = disk_folder_make();
    cr_assert(journal_disk_create(folder->path, partition_count, &fault), "%s", fault.text);
    return journal_open_at(folder->path, (struct journal_disk_options){0});
}

static struct journal_appender *
appender_open(struct journal *journal)
{
    struct journal_appender *appender = NULL;
    cr_assert(journal->ops->open_appender(journal, &appender, &fault), "%s", fault.text);
    return appender;
}

static struct journal_reader *
reader_open(struct journal *journal)
{
    struct journal_reader *reader = NULL;
    cr_assert(journal->ops->open_reader(journal, &reader, &fault), "%s", fault.text);
    return reader;
}

/* Content that follows from its place, so that a reader knows what it must find. */
static struct bytes
payload_of(uint32_t partition, uint64_t offset, uint8_t *buffer, size_t size)
{
    uint64_t seed = ((uint64_t)partition << 40) ^ offset;
    for (size_t i = 0; i < size; i += 8) {
        seed = hash64(bytes_of(&seed, sizeof seed), i);
        memcpy(buffer + i, &seed, size - i < 8 ? size - i : 8);
    }
    return bytes_of(buffer, size);
}

/* Sizes around what LMDB keeps in a leaf, and what takes pages of its own. */
static size_t
size_of(uint64_t offset)
{
    static const size_t sizes[] = {0, 1, 120, 1990, 2030, 2040, 4096, 65536, 120, 7};
    return sizes[offset % (sizeof sizes / sizeof sizes[0])];
}

static bool
append_wait(struct journal_appender *appender, uint32_t partition, struct bytes payload)
{
    while (!appender->ops->append(appender, partition, payload, &fault)) {
        if (fault.kind != FAULT_TRY_AGAIN) return false;
        if (!appender->ops->poll(appender, 1000, &fault)) return false;
    }
    return true;
}

static bool
wait_acked(struct journal_appender *appender, uint64_t count)
{
    while (appender->ops->acked(appender) < count)
        if (!appender->ops->poll(appender, 1000, &fault)) return false;
    return true;
}

static void
append_many(struct journal *journal, uint32_t partition_count, uint64_t from, uint64_t to)
{
    static uint8_t buffer[65536];
    struct journal_appender *appender = appender_open(journal);
    for (uint64_t offset = from; offset < to; offset++)
        for (uint32_t p = 0; p < partition_count; p++)
            cr_assert(append_wait(appender, p, payload_of(p, offset, buffer, size_of(offset))),
                      "%s", fault.text);
    cr_assert(wait_acked(appender, (to - from) * partition_count), "%s", fault.text);
    for (uint32_t p = 0; p < partition_count; p++)
        cr_expect_eq(appender->ops->last_offset(appender, p), (int64_t)to - 1);
    appender->ops->close(appender);
}

/* Reads every partition from the start to its end and compares. False: a fault; else the number of
 * records that are right. */
static bool
read_all(struct journal *journal, uint64_t *out_count)
{
    static uint8_t buffer[65536];
    struct journal_message messages[64];
    struct journal_reader *reader = reader_open(journal);
    uint32_t partition_count = journal->ops->partition_count(journal);
    uint64_t total = 0, seen = 0;
    int64_t next[64] = {0}, last_ms = 0;
    cr_assert_leq(partition_count, 64);
    bool sound = true;
    for (uint32_t p = 0; p < partition_count; p++) {
        int64_t first, end;
        cr_assert(journal->ops->bounds(journal, p, &first, &end, &fault));
        cr_expect_eq(first, 0);
        cr_assert(reader->ops->assign(reader, p, 0, &fault), "%s", fault.text);
        total += (uint64_t)end;
    }
    while (sound && seen < total) {
        size_t count;
        sound = reader->ops->read(reader, 0, messages, 64, &count, &fault);
        for (size_t i = 0; sound && i < count; i++, seen++) {
            uint32_t p = messages[i].partition;
            cr_assert_eq(messages[i].offset, next[p]);
            next[p]++;
            size_t size = size_of((uint64_t)messages[i].offset);
            struct bytes expected = payload_of(p, (uint64_t)messages[i].offset, buffer, size);
            cr_assert(bytes_equal(messages[i].payload, expected), "partition %u, offset %lld", p,
                      (long long)messages[i].offset);
            if (partition_count == 1) {
                cr_assert_geq(messages[i].append_ms, last_ms);
                last_ms = messages[i].append_ms;
            }
        }
    }
    reader->ops->close(reader);
    *out_count = seen;
    return sound;
}

static struct rlimit
limit_file_size(rlim_t bytes)
{
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

Test(journal_disk, keeps_what_was_appended)
{
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 3);
    uint64_t count;
    cr_expect_eq(journal->ops->partition_count(journal), 3);
    cr_assert(read_all(journal, &count));
    cr_expect_eq(count, 0);
    append_many(journal, 3, 0, 100);
    cr_assert(read_all(journal, &count), "%s", fault.text);
    cr_expect_eq(count, 300);
    journal->ops->close(journal);

    journal = journal_open_at(folder.path, (struct journal_disk_options){0});
    cr_assert(read_all(journal, &count), "%s", fault.text);
    cr_expect_eq(count, 300, "after it was opened again");
    append_many(journal, 3, 100, 150);
    cr_assert(read_all(journal, &count), "%s", fault.text);
    cr_expect_eq(count, 450);
    char health[256] = "x";
    journal->ops->health(journal, health, sizeof health);
    cr_expect_str_eq(health, "");
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

Test(journal_disk, refuses_what_is_not_there)
{
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 2), *other;
    struct journal_disk_options options = {0};
    cr_expect_not(journal_disk_create(folder.path, 2, &fault));
    cr_expect_eq(fault.kind, FAULT_CANNOT_CREATE, "a second journal in the same folder");
    cr_expect_not(journal_disk_open(disk_folder_file(&folder, "none"), &options, &other, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT, "a folder without one");

    int64_t first, end;
    cr_expect_not(journal->ops->bounds(journal, 2, &first, &end, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT, "a partition too many");
    struct journal_reader *reader = reader_open(journal);
    cr_expect_not(reader->ops->assign(reader, 0, 1, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT, "an offset behind the end");
    cr_expect_not_null(strstr(fault.text, "partition 0"), "%s", fault.text);
    cr_expect(reader->ops->assign(reader, 0, 0, &fault), "the end itself is where news will be");
    reader->ops->close(reader);
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

Test(journal_disk, reads_only_what_is_assigned_from_where_it_is_assigned)
{
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 3);
    append_many(journal, 3, 0, 20);
    struct journal_reader *reader = reader_open(journal);
    struct journal_message messages[64];
    size_t count;
    cr_assert(reader->ops->assign(reader, 1, 5, &fault));
    cr_assert(reader->ops->read(reader, 0, messages, 10, &count, &fault));
    cr_assert_eq(count, 10, "no more than asked for");
    cr_expect_eq(messages[0].partition, 1);
    cr_expect_eq(messages[0].offset, 5);
    cr_expect_eq(messages[9].offset, 14);
    cr_assert(reader->ops->assign(reader, 1, 18, &fault));
    cr_assert(reader->ops->assign(reader, 2, 19, &fault));
    cr_assert(reader->ops->read(reader, 0, messages, 64, &count, &fault));
    cr_expect_eq(count, 3, "two of partition 1, one of partition 2");
    cr_assert(reader->ops->assign(reader, 1, 0, &fault));
    reader->ops->revoke(reader, 1);
    cr_assert(reader->ops->read(reader, 0, messages, 64, &count, &fault));
    cr_expect_eq(count, 0, "nothing of what was revoked");
    reader->ops->close(reader);
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

static int64_t jumping_ms;

static int64_t
jumping_clock(void)
{
    return jumping_ms;
}

Test(journal_disk, append_time_never_goes_back)
{
    const struct {
        const char *what;
        int64_t wall_ms, append_ms;
        bool reopen;
    } rows[] = {
        {"the wall clock's time", 1000, 1000, false},
        {"the clock was set back", 400, 1000, false},
        {"also after opening again", 500, 1000, true},
        {"the clock went on", 2000, 2000, false},
    };
    struct disk_folder folder;
    struct journal_disk_options options = {.wall_ms = jumping_clock};
    jumping_ms = 0;
    folder = disk_folder_make();
    cr_assert(journal_disk_create(folder.path, 2, &fault), "%s", fault.text);
    struct journal *journal = journal_open_at(folder.path, options);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].reopen) {
            journal->ops->close(journal);
            journal = journal_open_at(folder.path, options);
        }
        jumping_ms = rows[i].wall_ms;
        /* The partitions take turns: time is one for the whole journal. */
        struct journal_appender *appender = appender_open(journal);
        uint32_t partition = i % 2;
        cr_assert(append_wait(appender, partition, BYTES_LITERAL("x")));
        cr_assert(wait_acked(appender, 1));
        int64_t offset = appender->ops->last_offset(appender, partition);
        cr_expect_eq(offset, (int64_t)i / 2, "%s", rows[i].what);
        appender->ops->close(appender);

        struct journal_reader *reader = reader_open(journal);
        struct journal_message message;
        size_t count;
        cr_assert(reader->ops->assign(reader, partition, offset, &fault));
        cr_assert(reader->ops->read(reader, 0, &message, 1, &count, &fault));
        cr_assert_eq(count, 1);
        cr_expect_eq(message.append_ms, rows[i].append_ms, "%s", rows[i].what);
        reader->ops->close(reader);
    }
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

struct writer_job {
    struct journal *journal;
    uint32_t number;
    bool done;
};

enum { JOB_RECORDS = 3000, JOB_WRITERS = 3 };

static void *
write_job(void *argument)
{
    struct writer_job *job = argument;
    struct journal_appender *appender;
    struct fault own;
    if (!job->journal->ops->open_appender(job->journal, &appender, &own)) return NULL;
    bool sound = true;
    for (uint32_t i = 0; sound && i < JOB_RECORDS; i++) {
        uint32_t record[2] = {job->number, i};
        while (sound &&
               !appender->ops->append(appender, i % 2, bytes_of(record, sizeof record), &own))
            sound = own.kind == FAULT_TRY_AGAIN && appender->ops->poll(appender, 1000, &own);
    }
    while (sound && appender->ops->acked(appender) < JOB_RECORDS)
        sound = appender->ops->poll(appender, 1000, &own);
    appender->ops->close(appender);
    job->done = sound;
    return NULL;
}

Test(journal_disk, many_append_while_one_reads)
{
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 2);
    struct writer_job jobs[JOB_WRITERS] = {0};
    pthread_t threads[JOB_WRITERS];
    struct journal_reader *reader = reader_open(journal);
    cr_assert(reader->ops->assign(reader, 0, 0, &fault));
    cr_assert(reader->ops->assign(reader, 1, 0, &fault));
    for (uint32_t i = 0; i < JOB_WRITERS; i++) {
        jobs[i] = (struct writer_job){.journal = journal, .number = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, write_job, &jobs[i]), 0);
    }
    /* Each writer's records come in its order, in each partition, and all of them. */
    uint32_t next[JOB_WRITERS][2];
    for (uint32_t i = 0; i < JOB_WRITERS; i++) {
        next[i][0] = 0;
        next[i][1] = 1;
    }
    for (size_t seen = 0; seen < JOB_WRITERS * JOB_RECORDS;) {
        struct journal_message messages[64];
        size_t count;
        cr_assert(reader->ops->read(reader, 10000, messages, 64, &count, &fault), "%s", fault.text);
        cr_assert_gt(count, 0, "the wait ended without news");
        for (size_t i = 0; i < count; i++) {
            uint32_t record[2];
            cr_assert_eq(messages[i].payload.size, sizeof record);
            memcpy(record, messages[i].payload.data, sizeof record);
            cr_assert_lt(record[0], JOB_WRITERS);
            cr_assert_eq(record[1], next[record[0]][messages[i].partition]);
            next[record[0]][messages[i].partition] += 2;
        }
        seen += count;
    }
    for (uint32_t i = 0; i < JOB_WRITERS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(jobs[i].done);
    }
    reader->ops->close(reader);
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

/* Appends to partition 1, each record a commit of its own. */
static void *
trickle_job(void *argument)
{
    struct writer_job *job = argument;
    struct journal_appender *appender;
    struct fault own;
    if (!job->journal->ops->open_appender(job->journal, &appender, &own)) return NULL;
    job->done = true;
    for (uint64_t i = 0; job->done && i < job->number; i++) {
        job->done = appender->ops->append(appender, 1, BYTES_LITERAL("x"), &own);
        while (job->done && appender->ops->acked(appender) <= i)
            job->done = appender->ops->poll(appender, 1000, &own);
    }
    appender->ops->close(appender);
    return NULL;
}

/* While a reader goes through much of one partition, another one grows behind its snapshot. */
Test(journal_disk, reads_no_further_than_its_snapshot)
{
    enum { LARGE = 40, TRICKLE = 200 };
    static uint8_t large[400 * 1000];
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 2);
    struct journal_appender *appender = appender_open(journal);
    for (int i = 0; i < LARGE; i++)
        cr_assert(append_wait(appender, 0, bytes_of(large, sizeof large)));
    cr_assert(wait_acked(appender, LARGE));
    appender->ops->close(appender);

    struct writer_job job = {.journal = journal, .number = TRICKLE};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, trickle_job, &job), 0);
    struct journal_reader *reader = reader_open(journal);
    cr_assert(reader->ops->assign(reader, 1, 0, &fault));
    for (int64_t next = 0; next < TRICKLE;) {
        struct journal_message messages[128];
        size_t count;
        cr_assert(reader->ops->assign(reader, 0, 0, &fault));
        cr_assert(reader->ops->read(reader, 10000, messages, 128, &count, &fault), "%s",
                  fault.text);
        for (size_t i = 0; i < count; i++) {
            if (messages[i].partition == 1) cr_assert_eq(messages[i].offset, next++);
        }
    }
    pthread_join(thread, NULL);
    cr_expect(job.done);
    reader->ops->close(reader);
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

static _Atomic bool clock_may_go;

/* The committer asks for the time with every commit: here it can be held. */
static int64_t
held_clock(void)
{
    while (!atomic_load(&clock_may_go))
        sched_yield();
    return 1;
}

Test(journal_disk, a_full_queue_says_so_and_nothing_is_seen_before_its_commit)
{
    static uint8_t buffer[800 * 1000];
    struct disk_folder folder = disk_folder_make();
    atomic_store(&clock_may_go, false);
    cr_assert(journal_disk_create(folder.path, 1, &fault));
    struct journal_disk_options options = {.queue_bytes = 2 << 20, .wall_ms = held_clock};
    struct journal *journal = journal_open_at(folder.path, options);
    struct journal_appender *appender = appender_open(journal);
    uint64_t taken = 0;
    while (appender->ops->append(appender, 0, bytes_of(buffer, sizeof buffer), &fault))
        taken++;
    cr_expect_eq(fault.kind, FAULT_TRY_AGAIN);
    cr_expect_eq(taken, 2, "2 MiB hold two records of 800 kB");
    int64_t first, end;
    cr_assert(journal->ops->bounds(journal, 0, &first, &end, &fault));
    cr_expect_eq(end, 0);
    cr_expect_eq(appender->ops->acked(appender), 0);
    cr_expect_eq(appender->ops->last_offset(appender, 0), -1);

    atomic_store(&clock_may_go, true);
    for (int i = 0; i < 50; i++, taken++)
        cr_assert(append_wait(appender, 0, bytes_of(buffer, sizeof buffer)), "%s", fault.text);
    cr_assert(wait_acked(appender, taken));
    cr_assert(journal->ops->bounds(journal, 0, &first, &end, &fault));
    cr_expect_eq(end, (int64_t)taken);
    appender->ops->close(appender);
    journal->ops->close(journal);
    disk_folder_remove(&folder);
}

/* Fills a journal of one partition until it fails; returns how many records were acknowledged. */
static uint64_t
fill_until_fault(struct journal *journal, uint64_t most)
{
    static uint8_t buffer[65536];
    struct journal_appender *appender = appender_open(journal);
    for (uint64_t offset = 0; offset < most; offset++)
        if (!append_wait(appender, 0, payload_of(0, offset, buffer, size_of(offset)))) break;
    while (appender->ops->poll(appender, 1000, &fault))
        if (appender->ops->acked(appender) == most) break;
    uint64_t acked = appender->ops->acked(appender);
    cr_expect_not(appender->ops->append(appender, 0, BYTES_LITERAL("x"), &fault), "it is sticky");
    cr_expect_eq(fault.kind, FAULT_IO);
    cr_expect_not_null(strstr(fault.text, "disk"), "%s", fault.text);
    appender->ops->close(appender);
    return acked;
}

Test(journal_disk, a_full_disk_stops_it_clean)
{
    const struct {
        const char *what;
        uint64_t map_bytes;
        rlim_t file_bytes;
    } rows[] = {
        {"the file reached its own limit", 4 << 20, RLIM_INFINITY},
        {"no more room for the file", 0, 3 << 20},
        {"no more room, in the middle of a page", 0, (3 << 20) + 1000},
        {"no more room for the first record", 0, 40960},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct disk_folder folder = disk_folder_make();
        cr_assert(journal_disk_create(folder.path, 1, &fault), "%s", fault.text);
        struct journal_disk_options options = {.limit_bytes = rows[i].map_bytes,
                                               .commit_bytes = 100000};
        struct rlimit before = limit_file_size(rows[i].file_bytes);
        struct journal *journal = journal_open_at(folder.path, options);
        uint64_t acked = fill_until_fault(journal, 2000), count;
        cr_expect_lt(acked, 2000, "%s", rows[i].what);
        char health[512];
        journal->ops->health(journal, health, sizeof health);
        cr_expect_not_null(strstr(health, "disk"), "%s: %s", rows[i].what, health);
        cr_expect(read_all(journal, &count), "%s: %s", rows[i].what, fault.text);
        cr_expect_eq(count, acked, "%s: nothing half-written is visible", rows[i].what);
        journal->ops->close(journal);
        setrlimit(RLIMIT_FSIZE, &before);

        journal = journal_open_at(folder.path, (struct journal_disk_options){0});
        cr_expect(read_all(journal, &count), "%s: %s", rows[i].what, fault.text);
        cr_expect_eq(count, acked, "%s: after opening again", rows[i].what);
        append_many(journal, 1, acked, acked + 50);
        cr_expect(read_all(journal, &count), "%s: %s", rows[i].what, fault.text);
        cr_expect_eq(count, acked + 50, "%s: work goes on when there is room", rows[i].what);
        journal->ops->close(journal);
        disk_folder_remove(&folder);
    }
}

/* Appends in a child until it is killed at a named point; the acknowledged count comes back through
 * a pipe as it rises. */
static uint64_t
append_until_killed(const char *path, const char *crash_at)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        static uint8_t buffer[65536];
        setenv(CRASH_ENVIRONMENT, crash_at, 1);
        struct journal *journal;
        struct journal_appender *appender;
        struct journal_disk_options options = {.commit_bytes = 50000};
        if (!crash_init(&fault) || !journal_disk_open(path, &options, &journal, &fault) ||
            !journal->ops->open_appender(journal, &appender, &fault))
            _exit(1);
        int64_t first, end;
        journal->ops->bounds(journal, 0, &first, &end, &fault);
        for (int64_t offset = end;; offset++) {
            if (!append_wait(appender, 0,
                             payload_of(0, (uint64_t)offset, buffer, size_of((uint64_t)offset))))
                _exit(2);
            uint64_t acked = (uint64_t)end + appender->ops->acked(appender);
            if (write(ends[1], &acked, sizeof acked) != sizeof acked) _exit(3);
        }
    }
    close(ends[1]);
    uint64_t acked = 0, told;
    while (read(ends[0], &told, sizeof told) == sizeof told)
        acked = told;
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
    return acked;
}

Test(journal_disk, a_killed_process_loses_nothing_acknowledged)
{
    struct disk_folder folder = disk_folder_make();
    cr_assert(journal_disk_create(folder.path, 1, &fault), "%s", fault.text);
    uint64_t before = 0, count;
    for (int i = 1; i <= 12; i++) {
        char crash_at[64];
        snprintf(crash_at, sizeof crash_at, "journal.%s_commit:%d", i % 2 ? "before" : "after", i);
        uint64_t acked = append_until_killed(folder.path, crash_at);
        struct journal *journal = journal_open_at(folder.path, (struct journal_disk_options){0});
        cr_assert(read_all(journal, &count), "%s: %s", crash_at, fault.text);
        journal->ops->close(journal);
        cr_expect_geq(count, acked, "%s", crash_at);
        cr_expect_geq(count, before, "%s", crash_at);
        before = count;
    }
    cr_expect_gt(before, 12);
    disk_folder_remove(&folder);
}

Test(journal_disk, a_cut_file_is_refused)
{
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 1), *opened;
    append_many(journal, 1, 0, 200);
    journal->ops->close(journal);
    const char *file = disk_folder_file(&folder, "data.mdb");
    const struct {
        const char *what;
        long long size;
    } rows[] = {
        {"one byte", disk_file_size(file) - 1},
        {"half", disk_file_size(file) / 2},
        {"but for the first page", 4096},
        {"in the first page", 100},
        {"all", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(truncate(file, rows[i].size), 0);
        struct journal_disk_options options = {0};
        cr_expect_not(journal_disk_open(folder.path, &options, &opened, &fault), "%s",
                      rows[i].what);
        cr_expect_eq(fault.kind, FAULT_DATA, "%s: %s", rows[i].what, fault.text);
        cr_expect_not_null(strstr(fault.text, "data.mdb"), "%s: %s", rows[i].what, fault.text);
    }
    disk_folder_remove(&folder);
}

Test(journal_disk, a_flipped_bit_of_a_record_is_named)
{
    static uint8_t marker[3000];
    struct disk_folder folder;
    struct journal *journal = journal_make(&folder, 2);
    struct journal_appender *appender = appender_open(journal);
    memset(marker, 'm', sizeof marker);
    for (int i = 0; i < 10; i++)
        cr_assert(append_wait(appender, 1, bytes_of(marker, i == 6 ? sizeof marker : 10)));
    cr_assert(wait_acked(appender, 10));
    appender->ops->close(appender);
    journal->ops->close(journal);

    /* The long record is the only place with so many of them in a row; its head is before it. */
    const char *file = disk_folder_file(&folder, "data.mdb");
    long long size = disk_file_size(file), at = -1;
    uint8_t *content = malloc((size_t)size);
    int opened = open(file, O_RDONLY);
    cr_assert_eq(read(opened, content, (size_t)size), size);
    close(opened);
    for (long long i = 0; i + (long long)sizeof marker <= size && at < 0; i++)
        if (memcmp(content + i, marker, sizeof marker) == 0) at = i;
    free(content);
    cr_assert_geq(at, 0);

    const struct {
        const char *what;
        long long byte;
    } rows[] = {
        {"version", -24}, {"kind", -23},    {"zero", -22},
        {"size", -20},    {"time", -16},    {"hash", -1},
        {"first", 0},     {"middle", 1500}, {"last", (long long)sizeof marker - 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        disk_flip_bit(file, at + rows[i].byte, i % 8);
        journal = journal_open_at(folder.path, (struct journal_disk_options){0});
        struct journal_reader *reader = reader_open(journal);
        struct journal_message messages[16];
        size_t count;
        cr_assert(reader->ops->assign(reader, 1, 0, &fault));
        cr_expect_not(reader->ops->read(reader, 0, messages, 16, &count, &fault), "%s",
                      rows[i].what);
        cr_expect_eq(fault.kind, FAULT_DATA);
        cr_expect_not_null(strstr(fault.text, "partition 1, offset 6"), "%s: %s", rows[i].what,
                           fault.text);
        cr_assert(reader->ops->assign(reader, 1, 7, &fault));
        cr_expect(reader->ops->read(reader, 0, messages, 16, &count, &fault),
                  "the others are well");
        cr_expect_eq(count, 3);
        reader->ops->close(reader);
        journal->ops->close(journal);
        disk_flip_bit(file, at + rows[i].byte, i % 8);
    }
    disk_folder_remove(&folder);
}

enum { DAMAGE_RECORDS = 400, DAMAGE_WRONG = 1 };

/* Opens a journal that may be damaged, reads all of it and appends to it. 0 when all was as it
 * should be; the kind of the fault that said no; DAMAGE_WRONG for any wrong answer. */
static int
use_damaged(const char *path)
{
    static uint8_t buffer[65536];
    struct journal_disk_options options = {0};
    struct journal *journal;
    struct journal_reader *reader;
    struct journal_appender *appender;
    struct journal_message messages[64];
    int64_t next[2] = {0, 0};
    size_t count;
    if (!journal_disk_open(path, &options, &journal, &fault)) return fault.kind;
    if (!journal->ops->open_reader(journal, &reader, &fault)) return fault.kind;
    for (uint32_t p = 0; p < 2; p++)
        if (!reader->ops->assign(reader, p, 0, &fault)) return fault.kind;
    do {
        if (!reader->ops->read(reader, 0, messages, 64, &count, &fault)) return fault.kind;
        for (size_t i = 0; i < count; i++) {
            uint32_t p = messages[i].partition;
            uint64_t offset = (uint64_t)next[p]++;
            struct bytes expected = payload_of(p, offset, buffer, size_of(offset));
            if (!bytes_equal(messages[i].payload, expected)) return DAMAGE_WRONG;
        }
    } while (count > 0);
    if (next[0] != DAMAGE_RECORDS || next[1] != DAMAGE_RECORDS) return DAMAGE_WRONG;
    reader->ops->close(reader);
    if (!journal->ops->open_appender(journal, &appender, &fault)) return fault.kind;
    for (uint32_t i = 0; i < 4; i++)
        if (!append_wait(appender, i % 2, BYTES_LITERAL("one more"))) return fault.kind;
    if (!wait_acked(appender, 4)) return fault.kind;
    appender->ops->close(appender);
    journal->ops->close(journal);
    return 0;
}

/* The thread sanitizer takes a second to start a process. */
#ifdef __SANITIZE_THREAD__
enum { FLIPS = 36 };
#else
enum { FLIPS = 120 };
#endif

Test(journal_disk, a_flipped_bit_anywhere_gives_the_right_answer_or_a_named_refusal)
{
    struct property property = property_start();
    struct disk_folder folder = disk_folder_make();
    cr_assert(journal_disk_create(folder.path, 2, &fault), "%s", fault.text);
    struct journal_disk_options options = {.commit_bytes = 20000};
    struct journal *journal = journal_open_at(folder.path, options);
    append_many(journal, 2, 0, DAMAGE_RECORDS);
    journal->ops->close(journal);

    const char *file = disk_folder_file(&folder, "data.mdb");
    size_t size = (size_t)disk_file_size(file), refused = 0;
    uint8_t *sound = malloc(size);
    int opened = open(file, O_RDWR);
    cr_assert_eq(read(opened, sound, size), (ssize_t)size);
    for (int i = 0; i < FLIPS; i++) {
        /* Every other one hits what LMDB itself relies on: the first bytes of a page. */
        uint64_t byte =
            i % 2 ? property_below(&property, size)
                  : property_below(&property, size / 4096) * 4096 + property_below(&property, 64);
        uint8_t flipped = sound[byte] ^ (uint8_t)(1 << property_below(&property, 8));
        cr_assert_eq(pwrite(opened, &flipped, 1, (off_t)byte), 1);
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) _exit(use_damaged(folder.path));
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFEXITED(status) &&
                      (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == FAULT_DATA),
                  "status 0x%x, byte %llu, seed %llu", (unsigned)status, (unsigned long long)byte,
                  (unsigned long long)property.seed);
        refused += status != 0;
        cr_assert_eq(pwrite(opened, sound, size, 0), (ssize_t)size);
        cr_assert_eq(ftruncate(opened, (off_t)size), 0);
    }
    cr_expect_gt(refused, FLIPS / 12, "%zu refused", refused);
    close(opened);
    free(sound);
    disk_folder_remove(&folder);
}

/* What a process left that was killed while it made the journal is no damaged journal. */
Test(journal_disk, one_that_was_left_half_made_is_made_anew)
{
    struct disk_folder folder = disk_folder_make();
    char path[600], making[700], left[800];
    struct journal_disk_options options = {0};
    struct journal *journal;
    snprintf(path, sizeof path, "%s/journal", folder.path);
    snprintf(making, sizeof making, "%s.new", path);
    snprintf(left, sizeof left, "%s/data.mdb", making);
    cr_assert_eq(mkdir(making, 0755), 0);
    FILE *file = fopen(left, "w");
    cr_assert_not_null(file);
    fputs("half", file);
    fclose(file);
    cr_expect_not(journal_disk_open(path, &options, &journal, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT);
    cr_assert(journal_disk_create(path, 2, &fault), "%s", fault.text);
    cr_assert(journal_disk_open(path, &options, &journal, &fault), "%s", fault.text);
    cr_expect_eq(journal->ops->partition_count(journal), 2);
    journal->ops->close(journal);
    cr_expect_neq(access(left, F_OK), 0);
    disk_folder_remove(&folder);
}
