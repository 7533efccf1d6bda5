/*
 * Named points at which a test may have the process die as by `kill -9`.
 *
 * With TB_CRASH_AT=checkpoint.before_ingest:3 in the environment, the third passage of that point
 * raises SIGKILL. Without it a point costs one test of a flag that never changes after start.
 */
#ifndef TALLYBOOK_ENGINE_BASE_CRASH_H
#define TALLYBOOK_ENGINE_BASE_CRASH_H

#include <stdbool.h>

#include "engine/base/fault.h"

#define CRASH_ENVIRONMENT "TB_CRASH_AT"

/** Written by crash_init before threads start, read-only afterwards. */
extern bool crash_armed;

/** Reads TB_CRASH_AT; called once by main before threads start. FAULT_USAGE when its value is not
 * site:n with n ≥ 1. */
bool crash_init(struct fault *out_fault);

/** Counts a passage of the site and dies at the asked one. Any thread. Use CRASH_POINT. */
void crash_pass(const char *site);

#define CRASH_POINT(site)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(crash_armed, 0)) crash_pass(site);                                    \
    } while (0)

#endif
