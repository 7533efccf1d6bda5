#include "engine/base/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool crash_armed;

/* Written by crash_init only; the environment outlives the program's threads. */
static const char *crash_site;
static size_t crash_site_length;
static uint64_t crash_passage;

/* Passages so far, by any thread. Relaxed: only the number matters, nothing is published by it. */
static _Atomic uint64_t crash_passed;

bool
crash_init(struct fault *out_fault)
{
    crash_armed = false;
    const char *value = getenv(CRASH_ENVIRONMENT);
    if (value == NULL || *value == '\0') return true;

    const char *colon = strrchr(value, ':');
    bool has_digits = colon != NULL && colon != value && colon[1] >= '0' && colon[1] <= '9';
    char *end = NULL;
    errno = 0;
    uint64_t passage = has_digits ? strtoull(colon + 1, &end, 10) : 0;
    if (passage == 0 || errno != 0 || *end != '\0') {
        return fault_set(out_fault, FAULT_USAGE,
                         CRASH_ENVIRONMENT "=%s: expected site:n with n of 1 or more", value);
    }
    crash_site = value;
    crash_site_length = (size_t)(colon - value);
    crash_passage = passage;
    atomic_store_explicit(&crash_passed, 0, memory_order_relaxed);
    crash_armed = true;
    return true;
}

void
crash_pass(const char *site)
{
    if (strlen(site) != crash_site_length) return;
    if (memcmp(site, crash_site, crash_site_length) != 0) return;
    uint64_t before = atomic_fetch_add_explicit(&crash_passed, 1, memory_order_relaxed);
    if (before + 1 == crash_passage) raise(SIGKILL);
}
