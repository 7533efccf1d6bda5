#include "consumers/journal_disk_guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

#include "engine/base/check.h"

/* @thread of the step; the handler runs in the same thread, since both signals are raised by what
 * that thread does. */
static _Thread_local sigjmp_buf *guard_exit;

static struct sigaction guard_before_segv, guard_before_bus;

void
disk_guard_leave(void)
{
    sigjmp_buf *leave = guard_exit;
    guard_exit = NULL;
    if (leave != NULL) siglongjmp(*leave, 1);
}

static void
guard_handle(int number)
{
    disk_guard_leave();
    /* Not ours: the instruction runs again and meets the handler that was there before. */
    sigaction(number, number == SIGSEGV ? &guard_before_segv : &guard_before_bus, NULL);
}

static void
guard_take_over(void)
{
    /* NODEFER: a handler that is left by a jump must not leave its signal blocked. */
    struct sigaction action = {.sa_handler = guard_handle, .sa_flags = SA_NODEFER};
    int failed = sigaction(SIGSEGV, &action, &guard_before_segv);
    failed |= sigaction(SIGBUS, &action, &guard_before_bus);
    CHECK(failed == 0);
}

void
disk_guard_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, guard_take_over);
}

bool
disk_guard_run(void (*step)(void *context), void *context)
{
    sigjmp_buf leave;
    CHECK(guard_exit == NULL);
    if (sigsetjmp(leave, 0) != 0) return false;
    guard_exit = &leave;
    step(context);
    guard_exit = NULL;
    return true;
}
