#include "tally/demo_engine.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "consumers/codec_output.h"
#include "consumers/codec_record.h"
#include "consumers/genesis.h"
#include "consumers/journal_disk.h"
#include "consumers/outputs_disk.h"
#include "engine/base/check.h"
#include "engine/rules/activation.h"
#include "engine/rules/compile.h"
#include "tally/socket_server.h"

/* schemas/rulebooks/demo.yaml, carried by the program (embed.py). */
extern const uint8_t demo_rulebook[];
extern const size_t demo_rulebook_size;

enum {
    ENGINE_MEMORY_BYTES = 128 << 20,
    ENGINE_CHECKPOINT_RECORDS = 1000000,
    ENGINE_CHECKPOINT_MS = 5000,
    ENGINE_FOLDERS_OPEN = 16,
};

/* ---- The folder
 * ------------------------------------------------------------------------------------------------------
 */

static bool
make_folder(struct demo_engine *engine, struct fault *out_fault)
{
    const char *parent = getenv("TMPDIR");
    char path[sizeof engine->path], part[sizeof engine->path];
    if (parent == NULL || *parent == '\0') parent = P_tmpdir;
    int size = snprintf(path, sizeof path, "%s/tally-demo-XXXXXX", parent);
    if (size < 0 || (size_t)size >= sizeof path)
        return fault_set(out_fault, FAULT_CONFIG, "the path in TMPDIR is too long");
    if (mkdtemp(path) == NULL)
        return fault_set(out_fault, FAULT_CANNOT_CREATE,
                         "a temporary folder in '%s': %s; set TMPDIR to another place", parent,
                         strerror(errno));
    memcpy(engine->path, path, sizeof path);
    return data_folder_create(path, out_fault) &&
           data_folder_path(path, DATA_FOLDER_JOURNAL, part, out_fault) &&
           journal_disk_create(part, DEMO_PARTITIONS, out_fault) &&
           data_folder_path(path, DATA_FOLDER_OUTPUTS, part, out_fault) &&
           outputs_disk_create(part, DEMO_PARTITIONS, out_fault) &&
           data_folder_open(path, &engine->folder, out_fault);
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    (void)remove(path); /* what cannot go stays in the temporary folder, for the system to sweep */
    return 0;
}

/* ---- The rulebook
 * ----------------------------------------------------------------------------------------------------
 */

static bool
build_rulebook(struct demo_engine *engine, struct fault *out_fault)
{
    const struct activation_terms terms = {.live = false};
    struct diagnostics diagnostics;
    struct bytes yaml = bytes_of(demo_rulebook, demo_rulebook_size);
    if (!region_map(RULES_ARENA_BYTES, &engine->region, out_fault)) return false;
    arena_init(&engine->arena, engine->region.memory, engine->region.size);
    diagnostics_init(&diagnostics, "demo.yaml", yaml);
    if (activation_build(yaml, &terms, &engine->arena, &diagnostics, &engine->program,
                         &engine->activation))
        return true;
    diagnostics_print(&diagnostics, stderr);
    return fault_set(out_fault, FAULT_SOFTWARE, "the demo's own rulebook is unsound");
}

/* ---- Opening and closing
 * --------------------------------------------------------------------------------------------
 */

static bool
open_ports(struct demo_engine *engine, const uint8_t *journal_id, struct fault *out_fault)
{
    const struct journal_disk_options journal_options = {0};
    const struct outputs_disk_options outputs_options = {.encoder = codec_output_encoder()};
    char part[DATA_FOLDER_PATH_BYTES];
    struct genesis genesis = {
        .format = JOURNAL_FORMAT,
        .law = LAW_VERSION,
        .programme = bytes_from_cstr("demo"),
        .partition_count = DEMO_PARTITIONS,
        .time_kind = TIME_RECORD,
    };
    bool made;
    if (journal_id != NULL)
        memcpy(genesis.journal_id, journal_id, JOURNAL_ID_BYTES);
    else if (getrandom(genesis.journal_id, JOURNAL_ID_BYTES, 0) != JOURNAL_ID_BYTES)
        return fault_set(out_fault, FAULT_IO, "no random number for the journal's id");
    return data_folder_path(engine->path, DATA_FOLDER_JOURNAL, part, out_fault) &&
           journal_disk_open(part, &journal_options, &engine->journal, out_fault) &&
           data_folder_path(engine->path, DATA_FOLDER_OUTPUTS, part, out_fault) &&
           outputs_disk_open(part, &outputs_options, &engine->outputs, out_fault) &&
           genesis_write(engine->journal, &genesis, true, &made, out_fault);
}

static bool
start(struct demo_engine *engine, bool listens, struct fault *out_fault)
{
    char part[DATA_FOLDER_PATH_BYTES];
    if (!data_folder_path(engine->path, DATA_FOLDER_STATE, part, out_fault)) return false;
    const struct instance_options options = {
        .mode = INSTANCE_OWNER,
        .state_folder = part,
        .journal = engine->journal,
        .outputs = engine->outputs,
        .decoder = codec_record_decoder(),
        .memory_bytes = ENGINE_MEMORY_BYTES,
        .checkpoint_records = ENGINE_CHECKPOINT_RECORDS,
        .checkpoint_ms = ENGINE_CHECKPOINT_MS,
        .tick_ms = 0, /* in a history its records make the time pass */
    };
    if (!instance_open(&options, &engine->instance, out_fault)) return false;
    instance_start(engine->instance);
    return !listens || (data_folder_path(engine->path, DATA_FOLDER_SOCKET, part, out_fault) &&
                        socket_server_start(part, engine->instance, &engine->server, out_fault));
}

bool
demo_engine_open(const uint8_t *journal_id, bool listens, struct demo_engine *out_engine,
                 struct fault *out_fault)
{
    struct demo_engine engine = {.path = ""};
    if (!build_rulebook(&engine, out_fault) || !make_folder(&engine, out_fault) ||
        !open_ports(&engine, journal_id, out_fault) || !start(&engine, listens, out_fault)) {
        demo_engine_close(&engine);
        return false;
    }
    *out_engine = engine;
    return true;
}

void
demo_engine_close(struct demo_engine *engine)
{
    if (engine->server != NULL) socket_server_stop(engine->server);
    if (engine->instance != NULL) {
        instance_stop(engine->instance, 0);
        instance_close(engine->instance);
    }
    if (engine->outputs != NULL) engine->outputs->ops->close(engine->outputs);
    if (engine->journal != NULL) engine->journal->ops->close(engine->journal);
    if (engine->folder != NULL) data_folder_close(engine->folder);
    if (*engine->path != '\0')
        nftw(engine->path, remove_entry, ENGINE_FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    region_unmap(&engine->region);
    *engine = (struct demo_engine){.path = ""};
}

/* ---- Asking
 * ----------------------------------------------------------------------------------------------------------
 */

struct question {
    struct partition_status *status;
    struct status_totals *totals;
};

/* On the shard's thread: what the totals point to belongs to it. */
static void
ask_partition(struct partition *partition, void *context)
{
    struct question *question = context;
    struct totals totals[PROGRAM_CURRENCIES_MAX];
    partition_status(partition, question->status);
    status_totals_add(question->totals, totals,
                      partition_totals(partition, totals, PROGRAM_CURRENCIES_MAX));
}

bool
demo_engine_ask(struct demo_engine *engine, struct partition_status status[DEMO_PARTITIONS],
                struct status_totals *out_totals, struct fault *out_fault)
{
    *out_totals = (struct status_totals){.count = 0};
    for (uint32_t i = 0; i < DEMO_PARTITIONS; i++) {
        struct question question = {&status[i], out_totals};
        if (!instance_call(engine->instance, i, ask_partition, &question, out_fault)) return false;
        if (status[i].phase == PARTITION_STOPPED) {
            *out_fault = status[i].fault;
            return false;
        }
    }
    return true;
}

struct hash128
demo_engine_digest(const struct partition_status status[DEMO_PARTITIONS])
{
    struct hash128 digest = {0};
    for (uint32_t i = 0; i < DEMO_PARTITIONS; i++)
        digest = hash128_add(digest, status[i].info.digest);
    return digest;
}
