#include "tally/intake_threads.h"

#include <stdlib.h>

struct intake_threads {
    int none;
};

bool
intake_threads_start(struct session *session, const struct options *options,
                     struct intake_threads **out_threads, struct fault *out_fault)
{
    (void)session;
    (void)options;
    (void)out_fault;
    *out_threads = calloc(1, sizeof **out_threads);
    return true;
}

bool
intake_threads_look(struct intake_threads *threads, struct fault *out_fault)
{
    (void)threads;
    (void)out_fault;
    return true;
}

void
intake_threads_stop(struct intake_threads *threads)
{
    free(threads);
}
