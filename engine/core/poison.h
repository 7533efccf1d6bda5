/*
 * Included by the build in front of every file of the core (engine/core/meson.build): the names of
 * what a pure fold may not touch do not compile there, and the message stands at the line.
 *
 * tests/arch/ looks at the archive's undefined symbols as well, so a name that is missing here is
 * still found, only later. `time` and `clock` are words that events need, and are left to it.
 */
#ifndef TALLYBOOK_ENGINE_CORE_POISON_H
#define TALLYBOOK_ENGINE_CORE_POISON_H

/* These name poisoned words themselves, so they come first. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/fault.h"

/* No heap: memory is the caller's (engine/base/arena.h, engine/base/slab.h). */
#pragma GCC poison malloc calloc realloc reallocarray free aligned_alloc posix_memalign
#pragma GCC poison strdup strndup asprintf vasprintf

/* No log and no I/O: what there is to say is an effect. */
#pragma GCC poison printf fprintf sprintf snprintf vprintf vfprintf vsprintf vsnprintf
#pragma GCC poison puts putchar fputs fputc fopen fread fwrite fclose FILE stdin stdout stderr
#pragma GCC poison getenv setlocale

/* No clock: time is a field of the event. */
#pragma GCC poison gettimeofday clock_gettime gmtime gmtime_r localtime localtime_r mktime strftime

/* No thread, no lock, no chance. */
#pragma GCC poison pthread_create pthread_mutex_lock rand srand random

/* No float: engine/core/quantity.h has integers and a rounding in every name. */
#pragma GCC poison float double strtod strtof strtold atof

#endif
