/* The daemon: engine, intake, socket, and a log that says in one line what is going on. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumers/data_folder.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "tally/command.h"
#include "tally/intake_thread.h"
#include "tally/session.h"
#include "tally/socket_server.h"

enum { RUN_LOOK_MS = 200, RUN_SAY_MS = 10 * 1000 };

struct run {
    struct command_context *context;
    struct session *session;
    struct socket_server *server;
    struct intake_thread *intake;
    struct partition_status *status;
    bool *told; /* of each partition: its stop was said */
    char health[256];
    int64_t said_ms;
};

/* Says what changed since the last look: partitions that stopped, a broker that went or came. True
 * while any partition runs. */
static bool
run_look(struct run *run)
{
    struct instance *engine = session_engine(run->session);
    struct journal *journal = session_journal(run->session);
    uint32_t count = instance_partition_count(engine), stopped = 0;
    struct fault fault;
    if (!instance_status(engine, run->status, &fault)) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (run->status[i].phase != PARTITION_STOPPED) continue;
        stopped++;
        if (!run->told[i]) log_line(LOG_ERROR, "stopped: %s", run->status[i].fault.text);
        run->told[i] = true;
    }
    char health[sizeof run->health];
    int64_t now_ms = clock_monotonic_ns() / 1000000;
    journal->ops->health(journal, health, sizeof health);
    bool changed = (*health == '\0') != (*run->health == '\0');
    if (changed || (*health != '\0' && now_ms - run->said_ms >= RUN_SAY_MS)) {
        log_line(*health == '\0' ? LOG_INFO : LOG_WARNING, "%s",
                 *health == '\0' ? "the broker is back" : health);
        run->said_ms = now_ms;
    }
    memcpy(run->health, health, sizeof health);
    return stopped < count;
}

static bool
run_start(struct run *run, struct fault *out_fault)
{
    const struct options *options = run->context->options;
    char path[DATA_FOLDER_PATH_BYTES];
    if (!session_open(options, SESSION_EXCLUSIVE, &run->session, out_fault) ||
        !session_start_engine(run->session, out_fault))
        return false;
    struct instance *engine = session_engine(run->session);
    uint32_t count = instance_partition_count(engine);
    run->status = calloc(count, sizeof *run->status);
    run->told = calloc(count, sizeof *run->told);
    CHECK(run->status != NULL && run->told != NULL);
    return data_folder_path(options_text(options, OPTION_DATA_DIR), DATA_FOLDER_SOCKET, path,
                            out_fault) &&
           socket_server_start(path, engine, &run->server, out_fault) &&
           intake_thread_start(run->session, &run->intake, out_fault);
}

static bool
run_until_stopped(struct run *run, struct fault *out_fault)
{
    const struct genesis *genesis = session_genesis(run->session);
    log_line(LOG_INFO,
             "running programme '%.*s' with %u partitions and %zu sources in %s; Ctrl-C ends it",
             (int)genesis->programme.size, (const char *)genesis->programme.data,
             genesis->partition_count, run->context->options->source_count,
             options_text(run->context->options, OPTION_DATA_DIR));
    while (!session_wait_for_stop(RUN_LOOK_MS)) {
        if (!run_look(run)) {
            instance_trouble(session_engine(run->session), out_fault);
            return fault_wrap(out_fault, "every partition has stopped");
        }
        if (!intake_thread_look(run->intake, out_fault)) return false;
    }
    log_line(LOG_INFO, "stopping: publishing and checkpointing what is under way");
    return true;
}

int
cmd_run(struct command_context *context)
{
    struct run run = {.context = context};
    struct fault fault;
    session_catch_signals();
    bool ok = run_start(&run, &fault) && run_until_stopped(&run, &fault);
    intake_thread_stop(run.intake);
    if (run.server != NULL) socket_server_stop(run.server);
    if (run.session != NULL) {
        struct fault stop_fault;
        if (session_engine(run.session) != NULL && !session_stop_engine(run.session, &stop_fault) &&
            ok) {
            fault = stop_fault;
            ok = false;
        }
        session_close(run.session);
    }
    free(run.status);
    free(run.told);
    if (!ok) return command_fail(context, &fault);
    log_line(LOG_INFO, "stopped");
    return 0;
}
