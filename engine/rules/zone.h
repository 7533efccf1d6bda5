/*
 * A time zone by its IANA name, read from the machine's tz database into the table that a
 * rulebook's activation carries (semantics §2): from then on nobody needs the database again.
 *
 * Invariants:
 * 1. The table covers 1970 to 2100; beyond its end the last offset stays. Where the database gives
 * a rule instead of a list for later years (RFC 8536, the footer), the rule is written out.
 * 2. Only changes of the offset are kept, in strictly ascending order; one at or before 1970 is the
 * initial offset.
 */
#ifndef TALLYBOOK_ENGINE_RULES_ZONE_H
#define TALLYBOOK_ENGINE_RULES_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/calendar.h"

enum {
    ZONE_NAME_BYTES_MAX = 64,
    ZONE_FILE_BYTES_MAX = 64 * 1024, /* the largest in use has 4 KiB */
    ZONE_TRANSITIONS_MAX = 1024,     /* 131 years; Morocco changes four times in a year */
    ZONE_FIRST_YEAR = 1970,
    ZONE_END_YEAR = 2101, /* exclusive */
};

/** Loads a zone from $TZDIR or /usr/share/zoneinfo, UTC without either; the table lives in the
 * arena. FAULT_CONFIG when there is no such zone (or its name is none), FAULT_NO_INPUT when the
 * machine has no tz database, FAULT_DATA when the file is damaged. */
bool zone_load(struct bytes name, struct arena *arena, struct zone *out_zone,
               struct fault *out_fault);

/** The zone name nearest to what was written, or NULL; it lives in the arena. */
const char *zone_suggest(struct bytes name, struct arena *arena);

/** Reads one file of the tz database (TZif, version 2 or later). FAULT_DATA, without the file's
 * name, when it is damaged. */
bool zone_decode(struct bytes file, struct arena *arena, struct zone *out_zone,
                 struct fault *out_fault);

#endif
