/*
 * Waiting for news between threads without a lock in the path of those who make them: a counter
 * that rises with every piece of news, and a futex on it for whoever has nothing to do.
 *
 * The waiter reads the count, looks whether there is something for it, and only then waits for the
 * count to change: news that came in between is never slept through.
 */
#ifndef TALLYBOOK_CONSUMERS_DISK_WAKE_H
#define TALLYBOOK_CONSUMERS_DISK_WAKE_H

#include <stdatomic.h>
#include <stdint.h>

struct disk_wake {
    _Atomic uint32_t count;
    _Atomic uint32_t waiters;
};

/** Waits for ever. */
#define DISK_WAKE_FOREVER (-1)

void disk_wake_init(struct disk_wake *wake);

/** To be read before one looks whether there is something to do. Any thread. */
uint32_t disk_wake_count(const struct disk_wake *wake);

/** Tells everybody who waits. Costs an atomic addition when nobody does. Any thread. */
void disk_wake_notify(struct disk_wake *wake);

/** Returns when the count is no longer `seen`, when wait_ms have passed, or early for no reason:
 * look again. Any thread. */
void disk_wake_wait(struct disk_wake *wake, uint32_t seen, int wait_ms);

#endif
