/* Intake of the configured sources, on a thread of its own beside the engine. */
#ifndef TALLYBOOK_TALLY_INTAKE_THREAD_H
#define TALLYBOOK_TALLY_INTAKE_THREAD_H

#include "tally/session.h"

struct intake_thread;

/* *out_thread is NULL when no source is configured. The session outlives the thread. */
bool intake_thread_start(struct session *session, struct intake_thread **out_thread,
                         struct fault *out_fault);

/* False with the fault when intake has stopped by itself. */
bool intake_thread_look(struct intake_thread *thread, struct fault *out_fault);

/* Appends and commits what is under way, and joins the thread. */
void intake_thread_stop(struct intake_thread *thread);

#endif
