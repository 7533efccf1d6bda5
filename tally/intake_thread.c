#include "tally/intake_thread.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "consumers/intake.h"
#include "engine/base/check.h"
#include "tally/terminal.h"

enum { INTAKE_WAIT_MS = 20, INTAKE_CLOSE_MS = 10 * 1000 };

struct intake_thread {
    struct intake *intake;
    struct kafka *own_kafka; /* sources on Kafka beside an embedded journal; NULL when the session
                                has the client */
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool failed; /* RELEASE by the thread after `fault`, ACQUIRE by whoever looks */
    struct fault fault;
};

static void *
intake_thread_run(void *argument)
{
    struct intake_thread *thread = argument;
    size_t work;
    while (!atomic_load(&thread->stopping)) {
        if (!intake_run_once(thread->intake, INTAKE_WAIT_MS, &work, &thread->fault)) {
            atomic_store_explicit(&thread->failed, true, memory_order_release);
            break;
        }
    }
    return NULL;
}

bool
intake_thread_start(struct session *session, struct intake_thread **out_thread,
                    struct fault *out_fault)
{
    const struct options *options = session_options(session);
    struct intake_source sources[SOURCES_MAX];
    *out_thread = NULL;
    if (options->source_count == 0) return true;
    struct intake_thread *thread = calloc(1, sizeof *thread);
    CHECK(thread != NULL);
    for (size_t i = 0; i < options->source_count; i++)
        sources[i] =
            (struct intake_source){options->sources[i].topic, options->sources[i].generation};
    struct intake_options intake_options = {
        .sources = sources,
        .source_count = options->source_count,
        .group = options_text(options, OPTION_GROUP),
        .stop = &thread->stopping,
    };
    struct kafka *kafka = session_kafka(session);
    bool ok = kafka != NULL || session_open_kafka_client(options, &thread->own_kafka, out_fault);
    if (ok) {
        kafka = kafka != NULL ? kafka : thread->own_kafka;
        ok = intake_open(kafka, session_journal(session), &intake_options, &thread->intake,
                         out_fault);
    }
    if (!ok) {
        kafka_close(thread->own_kafka);
        free(thread);
        return false;
    }
    CHECK(pthread_create(&thread->thread, NULL, intake_thread_run, thread) == 0);
    *out_thread = thread;
    return true;
}

bool
intake_thread_look(struct intake_thread *thread, struct fault *out_fault)
{
    if (thread == NULL || !atomic_load_explicit(&thread->failed, memory_order_acquire)) return true;
    *out_fault = thread->fault;
    return fault_wrap(out_fault, "intake");
}

void
intake_thread_stop(struct intake_thread *thread)
{
    if (thread == NULL) return;
    atomic_store(&thread->stopping, true);
    pthread_join(thread->thread, NULL);
    struct intake_counters counters = intake_counters(thread->intake);
    log_line(LOG_INFO,
             "intake: %" PRIu64 " messages, %" PRIu64 " events, %" PRIu64 " dead letters, %" PRIu64
             " tombstones",
             counters.messages, counters.events, counters.dead_letters, counters.tombstones);
    intake_close(thread->intake, INTAKE_CLOSE_MS);
    kafka_close(thread->own_kafka);
    free(thread);
}
