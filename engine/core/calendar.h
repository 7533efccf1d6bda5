/*
 * Civil time, purely computed (semantics §2): days and dates of the proleptic Gregorian calendar,
 * local time in a zone given as a table of transitions, calendar periods and buckets, and the text
 * forms of instants.
 *
 * Invariants:
 * 1. Nothing here reads the machine's time zone tables: the zone comes with the activated rulebook,
 * so a replay elsewhere sees the same one.
 * 2. A local time in a gap is the first instant after it; one in an overlap is the earlier one.
 * 3. Buckets are half-open intervals of instants, [start, end), each ending where the next starts.
 * Where clocks go back over a bucket's start (St. John's until 2011: from 00:01 to 23:01), the
 * repeated minutes belong to the bucket that has already begun, whatever date the wall shows again.
 * 4. Texts name years 1970 to 9999 only; so do the results of calendar_period_end.
 */
#ifndef TALLYBOOK_ENGINE_CORE_CALENDAR_H
#define TALLYBOOK_ENGINE_CORE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/core/quantity.h"

#define INSTANT_MIN_MS   INT64_C(0)               /* 1970-01-01T00:00:00.000Z */
#define INSTANT_MAX_MS   INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define INSTANT_TEXT_MAX 32

#define CALENDAR_DAY_MS INT64_C(86400000)

struct civil_date {
    int32_t year;  /* astronomical: 0 is 1 BC */
    uint8_t month; /* 1 … 12 */
    uint8_t day;   /* 1 … 31 */
};

/** Wall-clock time: milliseconds from 1970-01-01T00:00 on the wall. Not an instant: which one it is
 * depends on the zone. */
struct local {
    int64_t ms;
};

struct zone_transition {
    int64_t at_ms;     /* first instant of the new offset */
    int32_t offset_ms; /* local = instant + offset, from then on */
};

/** A zone's history and future, borrowed. Transitions ascend strictly in at_ms. Offsets are below
 * 24 h. {NULL, 0, 0} is UTC. */
struct zone {
    const struct zone_transition *transitions;
    uint32_t count;
    int32_t initial_offset_ms; /* before the first transition */
};

/** Units of periods and buckets. Persisted codes: never renumbered. Weeks start on Monday. */
enum calendar_unit {
    CALENDAR_NONE = 0, /* only as a rounding: do not round */
    CALENDAR_DAY = 1,
    CALENDAR_WEEK = 2,
    CALENDAR_MONTH = 3,
    CALENDAR_QUARTER = 4,
    CALENDAR_YEAR = 5,
};

/** Days from 1970-01-01; any date whose month is 1 … 12 and whose day exists. */
int64_t calendar_days_from_civil(struct civil_date date);

/** The date that lies days after 1970-01-01 (before, when negative). */
struct civil_date calendar_civil_from_days(int64_t days);

/** 28 … 31. */
unsigned calendar_month_days(int32_t year, unsigned month);

/** 1 (Monday) … 7 (Sunday). */
unsigned calendar_weekday(int64_t days);

/** What the wall in this zone shows at an instant. */
struct local calendar_local(const struct zone *zone, struct instant instant);

/** The instant at which the wall shows this, by the law for gaps and overlaps (invariant 2). */
struct instant calendar_instant(const struct zone *zone, struct local local);

/** So many calendar days later in this zone, at the same time of day; before, where negative. */
int64_t calendar_days_later(const struct zone *zone, int64_t ms, int64_t days);

/** The date of a local time. */
struct civil_date calendar_date(struct local local);

/** Midnight at the start of a date. */
struct local calendar_midnight(struct civil_date date);

/** Adds months (or subtracts, when negative), clamping to the month's end and keeping the time of
 * day: 31 January + 1 is 28 or 29 February. */
struct local calendar_add_months(struct local local, int32_t months);

/** Local midnight of a month and day in a year; a day that the month does not have is its last: 29
 * February in most years is the 28th. */
struct instant calendar_yearly(const struct zone *zone, unsigned month, unsigned day, int32_t year);

/** The number of the bucket (not CALENDAR_NONE) that contains an instant; consecutive buckets have
 * consecutive numbers, the one of 1970-01-01 is 0. A day that a zone skipped has a number but
 * contains nothing. */
int64_t calendar_bucket_number(const struct zone *zone, struct instant instant,
                               enum calendar_unit unit);

/** The first instant of the bucket that contains an instant. */
struct instant calendar_bucket_start(const struct zone *zone, struct instant instant,
                                     enum calendar_unit unit);

/** The end (exclusive) of the bucket that contains an instant: the first instant of the next. */
struct instant calendar_bucket_end(const struct zone *zone, struct instant instant,
                                   enum calendar_unit unit);

/**
 * The exclusive end of a calendar period: start + amount units, keeping the local time of day, and
 * then, unless rounding is CALENDAR_NONE, the end of the bucket that contains the result. amount 0
 * is allowed ("the end of the month of earning"). Semantics §2, §7, §11 examples 6 and 7. False,
 * and *out_end untouched, when the result would lie after the year 9999.
 */
bool calendar_period_end(const struct zone *zone, struct instant start, uint32_t amount,
                         enum calendar_unit unit, enum calendar_unit rounding,
                         struct instant *out_end);

enum instant_status {
    INSTANT_OK,
    INSTANT_MALFORMED,
    INSTANT_NO_OFFSET,       /* neither Z nor an offset: which instant it is nobody can say */
    INSTANT_TOO_MANY_DIGITS, /* a digit other than 0 beyond milliseconds */
    INSTANT_OUT_OF_RANGE,    /* outside the years 1970 to 9999 */
};

/** RFC 3339 to an instant: "2026-01-31T15:30:00Z", "2026-02-01T00:30:00.500+09:00". Seconds are
 * required, second 60 is refused, t and z may be small. *out_instant is untouched unless
 * INSTANT_OK. */
enum instant_status instant_parse(struct bytes text, struct instant *out_instant);

/** "2026-01-31" (its midnight), "2026-01-31T15:30" or "2026-01-31T15:30:00", without an offset, to
 * local time. Never INSTANT_TOO_MANY_DIGITS. *out_local is untouched unless INSTANT_OK. */
enum instant_status local_parse(struct bytes text, struct local *out_local);

/** What is wrong, to be put after the name of the field. */
const char *instant_status_text(enum instant_status status);

/** RFC 3339 in Z, with three decimals when the milliseconds are not 0; NUL-terminated; returns the
 * length. CHECKs the range of years. */
size_t instant_format(struct instant instant, char out[INSTANT_TEXT_MAX]);

#endif
