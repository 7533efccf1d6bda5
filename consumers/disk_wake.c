#include "consumers/disk_wake.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void
disk_wake_init(struct disk_wake *wake)
{
    atomic_init(&wake->count, 0);
    atomic_init(&wake->waiters, 0);
}

uint32_t
disk_wake_count(const struct disk_wake *wake)
{
    return atomic_load(&wake->count);
}

/* Notifier: raise the count, then look for waiters. Waiter: announce itself, then have the kernel
 * compare the count. Both pairs are sequentially consistent, so one of the two sees the other: no
 * wake-up is lost. */
void
disk_wake_notify(struct disk_wake *wake)
{
    atomic_fetch_add(&wake->count, 1);
    if (atomic_load(&wake->waiters) != 0)
        syscall(SYS_futex, &wake->count, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void
disk_wake_wait(struct disk_wake *wake, uint32_t seen, int wait_ms)
{
    if (wait_ms == 0) return;
    struct timespec limit = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L};
    atomic_fetch_add(&wake->waiters, 1);
    syscall(SYS_futex, &wake->count, FUTEX_WAIT_PRIVATE, seen, wait_ms < 0 ? NULL : &limit, NULL,
            0);
    atomic_fetch_sub(&wake->waiters, 1);
}
