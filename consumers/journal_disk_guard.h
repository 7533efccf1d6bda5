/*
 * Walking through a file that may be damaged. LMDB follows what stands in its pages without
 * checking it: one flipped bit of a page's own structure can send it to an address that is not
 * there. A step that is run here ends in that case instead of the process, so that the damage
 * becomes a fault with a name.
 *
 * What the step held is lost: it must take no lock and no memory that somebody else waits for,
 * and what it worked on is used no more but to be closed.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_DISK_GUARD_H
#define TALLYBOOK_CONSUMERS_JOURNAL_DISK_GUARD_H

#include <stdbool.h>

/** Takes SIGSEGV and SIGBUS over for the process; outside of guarded steps they go on to whoever
 * had them before. Any thread, any number of times. */
void disk_guard_install(void);

/** Runs step(context) in this thread. False when it ended in the middle. Not nested. */
bool disk_guard_run(void (*step)(void *context), void *context);

/** Ends the step that this thread runs, if it runs one. */
void disk_guard_leave(void);

#endif
