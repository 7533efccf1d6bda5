/* Calls from the service thread into a shard: a bounded ring with one producer, one consumer and no
 * lock.
 *
 * Memory order: a slot and its content are published by the RELEASE of `calls_put` and read after
 * the ACQUIRE of it; a place in the ring is given back by the RELEASE of `calls_taken`. `done` is
 * the way back: RELEASE in call_finish pairs with ACQUIRE in shard_call. `calls_ended` is set by
 * the shard's thread after its last look: a slot that is still in the ring then is never looked at
 * again, so the caller may leave; one that was taken out before is done by then, so the caller
 * looks once more.
 *
 * The ring is in C11 atomics, and not ck_ring, because the thread sanitizer sees the one and not
 * the other: weaken an order here and tests/unit/test_shard_call.c fails in the build folder tsan.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/shard/shard_priv.h"

enum { CALL_WAITING = 0, CALL_DONE = 1 };

static void
futex_wait(atomic_uint *word, unsigned value, const struct timespec *timeout)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

static void
futex_wake(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
call_finish(struct shard_call_slot *slot, unsigned result)
{
    /* The caller's stack frame, and with it the slot, may be gone as soon as it sees the result:
     * the wake-up takes the word as an address only, and waking a word that nobody waits on is
     * harmless. */
    atomic_store_explicit(&slot->done, result, memory_order_release);
    futex_wake(&slot->done);
}

static bool
call_put(struct shard *shard, struct shard_call_slot *slot)
{
    unsigned put = atomic_load_explicit(&shard->calls_put, memory_order_relaxed);
    unsigned taken = atomic_load_explicit(&shard->calls_taken, memory_order_acquire);
    if (put - taken == SHARD_CALLS_MAX) return false;
    shard->call_slots[put % SHARD_CALLS_MAX] = slot;
    atomic_store_explicit(&shard->calls_put, put + 1, memory_order_release);
    return true;
}

static struct shard_call_slot *
call_take(struct shard *shard)
{
    unsigned taken = atomic_load_explicit(&shard->calls_taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&shard->calls_put, memory_order_acquire)) return NULL;
    struct shard_call_slot *slot = shard->call_slots[taken % SHARD_CALLS_MAX];
    atomic_store_explicit(&shard->calls_taken, taken + 1, memory_order_release);
    return slot;
}

bool
shard_call(struct shard *shard, shard_function *function, void *context)
{
    struct shard_call_slot slot = {.function = function, .context = context};
    atomic_init(&slot.done, CALL_WAITING);
    if (!call_put(shard, &slot)) return false;
    atomic_fetch_add_explicit(&shard->call_bell, 1, memory_order_seq_cst);
    futex_wake(&shard->call_bell);
    unsigned result;
    while ((result = atomic_load_explicit(&slot.done, memory_order_acquire)) == CALL_WAITING) {
        if (atomic_load_explicit(&shard->calls_ended, memory_order_seq_cst))
            return atomic_load_explicit(&slot.done, memory_order_acquire) == CALL_DONE;
        struct timespec timeout = {.tv_nsec = 100 * 1000 * 1000};
        futex_wait(&slot.done, CALL_WAITING, &timeout);
    }
    return result == CALL_DONE;
}

size_t
call_run_once(struct shard *shard)
{
    size_t count = 0;
    struct shard_call_slot *slot;
    while (count < SHARD_CALLS_MAX && (slot = call_take(shard)) != NULL) {
        slot->function(shard, slot->context);
        call_finish(slot, CALL_DONE);
        count++;
    }
    return count;
}

void
call_wait(struct shard *shard, int wait_ms)
{
    unsigned bell = atomic_load_explicit(&shard->call_bell, memory_order_seq_cst);
    unsigned taken = atomic_load_explicit(&shard->calls_taken, memory_order_relaxed);
    if (taken != atomic_load_explicit(&shard->calls_put, memory_order_acquire)) return;
    struct timespec timeout = {.tv_sec = wait_ms / 1000,
                               .tv_nsec = (long)(wait_ms % 1000) * 1000 * 1000};
    futex_wait(&shard->call_bell, bell, &timeout);
}

void
shard_end_calls(struct shard *shard)
{
    atomic_store_explicit(&shard->calls_ended, true, memory_order_seq_cst);
}
