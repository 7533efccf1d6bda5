/*
 * The only readers of clocks in the project. The fold has no clock but the journal's (semantics
 * §2); these serve stamping, waiting and metrics.
 */
#ifndef TALLYBOOK_ENGINE_BASE_CLOCK_H
#define TALLYBOOK_ENGINE_BASE_CLOCK_H

#include <stdint.h>

/** Milliseconds since 1970 UTC; may jump when the machine's clock is set. */
int64_t clock_wall_ms(void);

/** Nanoseconds since an arbitrary moment; never goes back. */
int64_t clock_monotonic_ns(void);

#endif
