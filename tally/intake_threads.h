/* Intake of the configured sources, on a thread of its own, beside the engine. */
#ifndef TALLYBOOK_TALLY_INTAKE_THREADS_H
#define TALLYBOOK_TALLY_INTAKE_THREADS_H

#include "tally/session.h"

struct intake_threads;

/* Starts nothing, and succeeds, when no source is configured. */
bool intake_threads_start(struct session *session, const struct options *options,
                          struct intake_threads **out_threads, struct fault *out_fault);

/* False with the fault when intake has stopped by itself. */
bool intake_threads_look(struct intake_threads *threads, struct fault *out_fault);

void intake_threads_stop(struct intake_threads *threads);

#endif
