/* Folds a journal again, apart from the live ledger, and prints where it ends. */
#include <errno.h>
#include <ftw.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumers/codec_record.h"
#include "consumers/journal_file.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "snapshots/replay.h"
#include "tally/command.h"
#include "tally/json_view.h"
#include "tally/session.h"
#include "tally/status_print.h"
#include "tally/view_json.h"

enum { REPLAY_PATH_MAX = 4096 };

struct replay_command {
    struct command_context *context;
    struct session *session;
    struct journal *file;
    struct progress progress;
    char folder[REPLAY_PATH_MAX];
    bool temporary;
};

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static bool
replay_make_folder(struct replay_command *replay, struct fault *out_fault)
{
    const char *into = options_text(replay->context->options, OPTION_INTO),
               *base = getenv("TMPDIR");
    if (*into != '\0') {
        snprintf(replay->folder, sizeof replay->folder, "%s", into);
        return session_make_folders(into, out_fault);
    }
    snprintf(replay->folder, sizeof replay->folder, "%s/tally-replay-XXXXXX",
             base != NULL ? base : "/tmp");
    if (mkdtemp(replay->folder) == NULL)
        return fault_set(out_fault, FAULT_CANNOT_CREATE, "folder '%s': %s", replay->folder,
                         strerror(errno));
    replay->temporary = true;
    return true;
}

static void
replay_progress(void *context, uint64_t entries)
{
    struct replay_command *replay = context;
    progress_update(&replay->progress, (int64_t)entries, clock_monotonic_ns());
}

static void
replay_report(void *context, const struct replay_result *result)
{
    struct replay_command *replay = context;
    struct status_totals *sums = calloc(1, sizeof *sums);
    CHECK(sums != NULL);
    progress_end(&replay->progress);
    for (uint32_t i = 0; i < result->partition_count; i++)
        status_totals_add(sums, result->totals[i].totals, result->totals[i].count);
    char *json = status_json(result->partitions, result->partition_count, sums);
    if (options_flag(replay->context->options, OPTION_JSON)) {
        fprintf(replay->context->out->file, "%s\n", json);
    } else {
        struct json_object *status = json_tokener_parse(json);
        status_print(replay->context->out, status);
        json_object_put(status);
    }
    free(json);
    free(sums);
}

static bool
replay_command_run(struct replay_command *replay, struct fault *out_fault)
{
    struct command_context *context = replay->context;
    struct journal *journal;
    if (context->argument_count > 0) {
        if (!journal_file_open(context->arguments[0], &replay->file, out_fault)) return false;
        journal = replay->file;
    } else {
        if (!session_open(context->options, SESSION_SHARED, &replay->session, out_fault))
            return false;
        journal = session_journal(replay->session);
    }
    if (!replay_make_folder(replay, out_fault)) return false;
    struct replay_options options = {
        .journal = journal,
        .decoder = codec_record_decoder(),
        .folder = replay->folder,
        .shards = (uint32_t)options_number(context->options, OPTION_SHARDS),
        .memory_bytes = (size_t)options_number(context->options, OPTION_MEMORY),
        .checkpoint_records = (uint64_t)options_number(context->options, OPTION_CHECKPOINT_RECORDS),
        .verify = options_flag(context->options, OPTION_VERIFY),
        .stop = &session_stop,
        .progress = replay_progress,
        .report = replay_report,
        .context = replay,
    };
    progress_begin(&replay->progress, context->err, "replay", "entries", 0, clock_monotonic_ns());
    bool ok = replay_run(&options, out_fault);
    progress_end(&replay->progress);
    if (ok && options.verify && !options_flag(context->options, OPTION_JSON))
        fprintf(context->out->file,
                "\nVerified: recomputed from the stored rows, every digest is the same.\n");
    return ok;
}

int
cmd_replay(struct command_context *context)
{
    struct replay_command replay = {.context = context};
    struct fault fault;
    session_catch_signals();
    bool ok = replay_command_run(&replay, &fault);
    if (replay.temporary) nftw(replay.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (replay.file != NULL) replay.file->ops->close(replay.file);
    if (replay.session != NULL) session_close(replay.session);
    return ok ? 0 : command_fail(context, &fault);
}
