/*
 * tally-bench-fold FILE FOLDER: one shard, as `tally run` drives it, folds a journal on the
 * embedded journal with embedded outputs: claims, publishes, checkpoints, and settles. Makes and
 * leaves FOLDER, which must not be there yet.
 *
 * The clock runs from the opening of the shard, with the whole journal durable and unread, until
 * every event is folded, every effect is durable on its output, and the last checkpoint is in the
 * store.
 */
#include <inttypes.h>
#include <stdio.h>

#include "bench/harness.h"
#include "consumers/codec_output.h"
#include "consumers/codec_record.h"
#include "consumers/data_folder.h"
#include "consumers/journal_disk.h"
#include "consumers/journal_file.h"
#include "consumers/outputs_disk.h"
#include "engine/base/clock.h"
#include "engine/shard/shard.h"

/* As tally/options.def has them. */
enum { CHECKPOINT_RECORDS = 1000000, CHECKPOINT_MS = 5000, TICK_MS = 60000, SETTLE_MS = 600000 };
#define MEMORY_BYTES ((size_t)1 << 30)

struct bench {
    struct journal *journal;
    struct outputs *outputs;
    struct shard *shard;
    char journal_path[DATA_FOLDER_PATH_BYTES], outputs_path[DATA_FOLDER_PATH_BYTES],
        state_path[DATA_FOLDER_PATH_BYTES];
};

static bool
make_folder(struct bench *bench, const char *path, uint32_t partition_count,
            struct fault *out_fault)
{
    struct outputs_disk_options outputs_options = {.encoder = codec_output_encoder()};
    struct journal_disk_options journal_options = {0};
    return data_folder_create(path, out_fault) &&
           data_folder_path(path, DATA_FOLDER_JOURNAL, bench->journal_path, out_fault) &&
           data_folder_path(path, DATA_FOLDER_OUTPUTS, bench->outputs_path, out_fault) &&
           data_folder_path(path, DATA_FOLDER_STATE, bench->state_path, out_fault) &&
           journal_disk_create(bench->journal_path, partition_count, out_fault) &&
           outputs_disk_create(bench->outputs_path, partition_count, out_fault) &&
           journal_disk_open(bench->journal_path, &journal_options, &bench->journal, out_fault) &&
           outputs_disk_open(bench->outputs_path, &outputs_options, &bench->outputs, out_fault);
}

/* The first trouble of any partition. */
static bool
partitions_are_well(struct bench *bench, uint32_t partition_count, struct fault *out_fault)
{
    for (uint32_t p = 0; p < partition_count; p++) {
        static struct partition_status status;
        partition_status(shard_partition(bench->shard, p), &status);
        if (status.phase != PARTITION_STOPPED) continue;
        *out_fault = status.fault;
        return fault_wrap(out_fault, "partition %" PRIu32 " stopped", p);
    }
    return true;
}

static bool
fold(struct bench *bench, uint32_t partition_count, uint64_t entries, struct fault *out_fault)
{
    uint32_t partitions[PARTITIONS_MAX];
    for (uint32_t p = 0; p < partition_count; p++)
        partitions[p] = p;
    struct shard_options options = {
        .state_folder = bench->state_path,
        .journal = bench->journal,
        .outputs = bench->outputs,
        .decoder = codec_record_decoder(),
        .owner_name = "tally-bench-fold",
        .memory_bytes = MEMORY_BYTES,
        .checkpoint_records = CHECKPOINT_RECORDS,
        .checkpoint_ms = CHECKPOINT_MS,
        .tick_ms = TICK_MS,
        .checkpoints = true,
    };
    int64_t begin_ns = clock_monotonic_ns(), processor_begin_ns = processor_ns(),
            thread_begin_ns = thread_processor_ns();
    if (!shard_open(&options, partitions, partition_count, &bench->shard, out_fault)) return false;
    do
        shard_run_once(bench->shard, clock_wall_ms(), 10);
    while (!shard_is_idle(bench->shard));
    if (!partitions_are_well(bench, partition_count, out_fault)) return false;
    int64_t folded_ns = clock_monotonic_ns();
    if (!shard_settle(bench->shard, SETTLE_MS))
        return fault_set(out_fault, FAULT_SOFTWARE, "the shard did not settle");
    int64_t settled_ns = clock_monotonic_ns();
    print_figure("folded and published", entries, 0, folded_ns - begin_ns);
    print_figure("settled", entries, 0, settled_ns - begin_ns);
    print_figure("processor", entries, 0, processor_ns() - processor_begin_ns);
    print_figure("shard's processor", entries, 0, thread_processor_ns() - thread_begin_ns);
    return true;
}

/* Memory of the process that is no mapped file: the embedded journal and outputs are mapped, and
 * their pages are the page cache's. */
static uint64_t
anonymous_bytes(void)
{
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "RssAnon: %llu", &kilobytes) != 1)
        continue;
    fclose(file);
    return kilobytes * 1024;
}

/* The counts that prove that the work was done, and what it cost. */
static void
tell(struct bench *bench, uint32_t partition_count)
{
    static struct partition_status status;
    uint64_t verdicts[sizeof status.info.verdicts / sizeof *status.info.verdicts] = {0};
    uint64_t judged = 0, checkpoints = 0, members = 0, postings = 0;
    for (uint32_t p = 0; p < partition_count; p++) {
        partition_status(shard_partition(bench->shard, p), &status);
        for (size_t v = 0; v < sizeof verdicts / sizeof *verdicts; v++) {
            verdicts[v] += status.info.verdicts[v];
            judged += status.info.verdicts[v];
        }
        checkpoints += status.checkpoints;
        members += status.info.members;
        postings += status.info.outputs[TOPIC_POSTINGS].next_sequence - 1;
    }
    print_figure("judged", judged, 0, 0);
    print_figure("members", members, 0, 0);
    print_figure("postings", postings, 0, 0);
    print_figure("checkpoints", checkpoints, 0, 0);
    print_figure("memory", 0, anonymous_bytes(), 0);
    print_verdicts(verdicts, sizeof verdicts / sizeof *verdicts);
}

static void
bench_close(struct bench *bench)
{
    if (bench->shard != NULL) shard_close(bench->shard);
    if (bench->outputs != NULL) bench->outputs->ops->close(bench->outputs);
    if (bench->journal != NULL) bench->journal->ops->close(bench->journal);
}

int
main(int count, char **arguments)
{
    struct fault fault;
    struct journal *file;
    struct bench bench = {0};
    uint64_t entries;
    if (count != 3) {
        fprintf(stderr, "Usage: tally-bench-fold FILE FOLDER\n");
        return FAULT_USAGE;
    }
    if (!journal_file_open(arguments[1], &file, &fault))
        return report_fault("tally-bench-fold", &fault);
    uint32_t partition_count = file->ops->partition_count(file);
    bool done = make_folder(&bench, arguments[2], partition_count, &fault) &&
                journal_copy(file, bench.journal, &entries, &fault);
    file->ops->close(file);
    if (done) done = fold(&bench, partition_count, entries, &fault);
    if (done) tell(&bench, partition_count);
    bench_close(&bench);
    return done ? 0 : report_fault("tally-bench-fold", &fault);
}
