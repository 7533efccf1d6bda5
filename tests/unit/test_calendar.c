#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/calendar.h"
#include "tests/unit/property.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* Zones written by hand, for the tables. */

static const struct zone utc = {NULL, 0, 0};
static const struct zone tokyo = {NULL, 0, 9 * 3600000};

/* Berlin in 2027: forward on 28 March at 01:00Z, back on 31 October at 01:00Z. */
static const struct zone_transition berlin_2027[] = {
    {INT64_C(1806195600000), 2 * 3600000},
    {INT64_C(1824944400000), 1 * 3600000},
};
static const struct zone berlin = {berlin_2027, 2, 3600000};

/* São Paulo in 2018: midnight of 4 November does not exist. */
static const struct zone_transition sao_paulo_2018[] = {{INT64_C(1541300400000), -2 * 3600000}};
static const struct zone sao_paulo = {sao_paulo_2018, 1, -3 * 3600000};

/* Apia in 2011: 30 December does not exist. */
static const struct zone_transition apia_2011[] = {{INT64_C(1325239200000), 14 * 3600000}};
static const struct zone apia = {apia_2011, 1, -10 * 3600000};

/* St. John's in 2010: on 7 November, at 00:01, clocks go back to 23:01 of the day before. */
static const struct zone_transition st_johns_2010[] = {
    {INT64_C(1289097060000), -(3 * 3600000 + 1800000)},
};
static const struct zone st_johns = {st_johns_2010, 1, -(2 * 3600000 + 1800000)};

static struct instant
instant_of(const char *text)
{
    struct instant instant = {0};
    enum instant_status status = instant_parse(bytes_from_cstr(text), &instant);
    cr_assert_eq(status, INSTANT_OK, "%s %s", text, instant_status_text(status));
    return instant;
}

static struct local
local_of(const char *text)
{
    struct local local = {0};
    enum instant_status status = local_parse(bytes_from_cstr(text), &local);
    cr_assert_eq(status, INSTANT_OK, "%s %s", text, instant_status_text(status));
    return local;
}

static const char *
text_of(struct instant instant)
{
    static char texts[4][INSTANT_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % 4];
    instant_format(instant, text);
    return text;
}

/* Every day of the years 1969 to 10000, in step with a calendar that is counted by hand. */
Test(calendar, every_day)
{
    struct civil_date date = {1969, 1, 1};
    unsigned weekday = 3;
    for (int64_t days = -365; date.year <= 10000; days++) {
        struct civil_date found = calendar_civil_from_days(days);
        cr_assert(found.year == date.year && found.month == date.month && found.day == date.day,
                  "day %ld: %d-%d-%d", days, found.year, found.month, found.day);
        cr_assert_eq(calendar_days_from_civil(date), days, "day %ld", days);
        cr_assert_eq(calendar_weekday(days), weekday, "day %ld", days);

        static const unsigned month_days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = date.year % 400 == 0 || (date.year % 4 == 0 && date.year % 100 != 0);
        unsigned last = date.month == 2 && leap ? 29 : month_days[date.month];
        cr_assert_eq(calendar_month_days(date.year, date.month), last, "%d-%d", date.year,
                     date.month);
        weekday = weekday % 7 + 1;
        if (++date.day <= last) continue;
        date.day = 1;
        if (++date.month <= 12) continue;
        date.month = 1;
        date.year++;
    }
}

Test(calendar, known_days)
{
    const struct {
        struct civil_date date;
        int64_t days;
        unsigned weekday;
    } rows[] = {
        {{1970, 1, 1}, 0, 4},       {{1969, 12, 31}, -1, 3},      {{2000, 2, 29}, 11016, 2},
        {{2026, 11, 24}, 20781, 2}, {{9999, 12, 31}, 2932896, 5}, {{1600, 3, 1}, -135080, 3},
        {{0, 3, 1}, -719468, 3},    {{0, 2, 29}, -719469, 2},     {{-1, 12, 31}, -719529, 5},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct civil_date found = calendar_civil_from_days(rows[i].days);
        cr_expect_eq(calendar_days_from_civil(rows[i].date), rows[i].days, "row %zu", i);
        cr_expect_eq(calendar_weekday(rows[i].days), rows[i].weekday, "row %zu", i);
        cr_expect(found.year == rows[i].date.year && found.month == rows[i].date.month &&
                      found.day == rows[i].date.day,
                  "row %zu", i);
    }
}

Test(calendar, adds_months)
{
    const struct {
        const char *what, *from;
        int32_t months;
        const char *to;
    } rows[] = {
        {"plain, keeps the time of day", "2027-01-15T13:45:59", 1, "2027-02-15T13:45:59"},
        {"clamps to a short month", "2027-01-31", 1, "2027-02-28"},
        {"clamps to a leap day", "2028-01-31T10:00", 1, "2028-02-29T10:00"},
        {"clamps from a leap day", "2028-02-29", 12, "2029-02-28"},
        {"four years after a leap day", "2028-02-29", 48, "2032-02-29"},
        {"does not stick to the end", "2027-02-28", 1, "2027-03-28"},
        {"over a year's end", "2027-11-30", 3, "2028-02-29"},
        {"back", "2027-03-31", -1, "2027-02-28"},
        {"back over a year's end", "2027-01-31", -14, "2025-11-30"},
        {"nothing", "2027-01-31T23:59:59", 0, "2027-01-31T23:59:59"},
        {"a century", "1999-12-31", 1200, "2099-12-31"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct local moved = calendar_add_months(local_of(rows[i].from), rows[i].months);
        cr_expect_eq(moved.ms, local_of(rows[i].to).ms, "%s", rows[i].what);
    }
}

Test(calendar, gaps_and_overlaps)
{
    const struct {
        const char *what;
        const struct zone *zone;
        const char *local, *instant;
    } rows[] = {
        {"UTC", &utc, "2027-06-01T12:00", "2027-06-01T12:00:00Z"},
        {"a fixed offset", &tokyo, "2026-02-01T00:30", "2026-01-31T15:30:00Z"},
        {"before the gap", &berlin, "2027-03-28T01:59:59", "2027-03-28T00:59:59Z"},
        {"the gap's first moment", &berlin, "2027-03-28T02:00", "2027-03-28T01:00:00Z"},
        {"within the gap: the first instant after it", &berlin, "2027-03-28T02:30",
         "2027-03-28T01:00:00Z"},
        {"the gap's last moment", &berlin, "2027-03-28T02:59:59", "2027-03-28T01:00:00Z"},
        {"after the gap", &berlin, "2027-03-28T03:00:01", "2027-03-28T01:00:01Z"},
        {"before the overlap", &berlin, "2027-10-31T01:59:59", "2027-10-30T23:59:59Z"},
        {"in the overlap: the earlier one", &berlin, "2027-10-31T02:00", "2027-10-31T00:00:00Z"},
        {"the overlap's last moment", &berlin, "2027-10-31T02:59:59", "2027-10-31T00:59:59Z"},
        {"after the overlap", &berlin, "2027-10-31T03:00", "2027-10-31T02:00:00Z"},
        {"a midnight that does not exist", &sao_paulo, "2018-11-04", "2018-11-04T03:00:00Z"},
        {"a day that does not exist", &apia, "2011-12-30T12:00", "2011-12-30T10:00:00Z"},
        {"a midnight that comes twice", &st_johns, "2010-11-07", "2010-11-07T02:30:00Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct instant found = calendar_instant(rows[i].zone, local_of(rows[i].local));
        cr_expect_eq(found.ms, instant_of(rows[i].instant).ms, "%s: %s", rows[i].what,
                     text_of(found));
    }
}

Test(calendar, buckets)
{
    const struct {
        const char *what;
        const struct zone *zone;
        const char *instant;
        enum calendar_unit unit;
        const char *start, *end;
    } rows[] = {
        {"day", &tokyo, "2026-01-31T15:30:00Z", CALENDAR_DAY, "2026-01-31T15:00:00Z",
         "2026-02-01T15:00:00Z"},
        {"a start belongs to its bucket", &tokyo, "2026-01-31T15:00:00Z", CALENDAR_DAY,
         "2026-01-31T15:00:00Z", "2026-02-01T15:00:00Z"},
        {"the moment before does not", &tokyo, "2026-01-31T14:59:59.999Z", CALENDAR_DAY,
         "2026-01-30T15:00:00Z", "2026-01-31T15:00:00Z"},
        {"a week starts on Monday", &utc, "2026-11-24T12:00:00Z", CALENDAR_WEEK,
         "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
        {"Sunday is a week's last day", &utc, "2026-11-29T23:59:59.999Z", CALENDAR_WEEK,
         "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
        {"month", &tokyo, "2026-01-31T15:30:00Z", CALENDAR_MONTH, "2026-01-31T15:00:00Z",
         "2026-02-28T15:00:00Z"},
        {"leap February", &utc, "2028-02-29T00:00:00Z", CALENDAR_MONTH, "2028-02-01T00:00:00Z",
         "2028-03-01T00:00:00Z"},
        {"quarter", &utc, "2026-06-30T23:59:59Z", CALENDAR_QUARTER, "2026-04-01T00:00:00Z",
         "2026-07-01T00:00:00Z"},
        {"year", &berlin, "2026-12-31T23:00:00Z", CALENDAR_YEAR, "2026-12-31T23:00:00Z",
         "2027-12-31T23:00:00Z"},
        {"a day of 23 hours", &berlin, "2027-03-28T12:00:00Z", CALENDAR_DAY, "2027-03-27T23:00:00Z",
         "2027-03-28T22:00:00Z"},
        {"a day of 25 hours", &berlin, "2027-10-31T00:30:00Z", CALENDAR_DAY, "2027-10-30T22:00:00Z",
         "2027-10-31T23:00:00Z"},
        {"a day without midnight", &sao_paulo, "2018-11-04T12:00:00Z", CALENDAR_DAY,
         "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
        {"the day before a day that is skipped", &apia, "2011-12-30T09:59:59Z", CALENDAR_DAY,
         "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
        {"the day after it", &apia, "2011-12-30T10:00:00Z", CALENDAR_DAY, "2011-12-30T10:00:00Z",
         "2011-12-31T10:00:00Z"},
        {"the wall shows 23:30 again, but the day has begun", &st_johns, "2010-11-07T03:00:00Z",
         CALENDAR_DAY, "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},
        {"the same for a week, whose Monday is a day later", &st_johns, "2010-11-07T03:00:00Z",
         CALENDAR_WEEK, "2010-11-01T02:30:00Z", "2010-11-08T03:30:00Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct instant instant = instant_of(rows[i].instant);
        struct instant start = calendar_bucket_start(rows[i].zone, instant, rows[i].unit);
        struct instant end = calendar_bucket_end(rows[i].zone, instant, rows[i].unit);
        cr_expect_str_eq(text_of(start), rows[i].start, "%s: starts %s", rows[i].what,
                         text_of(start));
        cr_expect_str_eq(text_of(end), rows[i].end, "%s: ends %s", rows[i].what, text_of(end));
    }
}

Test(calendar, bucket_numbers)
{
    const struct {
        const char *what, *instant;
        enum calendar_unit unit;
        int64_t number;
    } rows[] = {
        {"day 0", "1970-01-01T00:00:00Z", CALENDAR_DAY, 0},
        {"day 20781", "2026-11-24T23:59:59.999Z", CALENDAR_DAY, 20781},
        {"week 0 holds the first Sunday", "1970-01-04T23:00:00Z", CALENDAR_WEEK, 0},
        {"week 1 starts on the first Monday", "1970-01-05T00:00:00Z", CALENDAR_WEEK, 1},
        {"month", "2026-11-24T00:00:00Z", CALENDAR_MONTH, 56 * 12 + 10},
        {"quarter", "2026-11-24T00:00:00Z", CALENDAR_QUARTER, 56 * 4 + 3},
        {"year", "2026-11-24T00:00:00Z", CALENDAR_YEAR, 56},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = calendar_bucket_number(&utc, instant_of(rows[i].instant), rows[i].unit);
        cr_expect_eq(number, rows[i].number, "%s: %ld", rows[i].what, number);
    }
    cr_expect_eq(calendar_bucket_number(&sao_paulo, (struct instant){0}, CALENDAR_YEAR), -1,
                 "1970 had not begun west of Greenwich");
}

Test(calendar, period_ends)
{
    const struct {
        const char *what;
        const struct zone *zone;
        const char *start;
        uint32_t amount;
        enum calendar_unit unit, rounding;
        const char *end;
    } rows[] = {
        /* Semantics §11 examples 6 and 7. */
        {"one month, end of day", &utc, "2027-01-31T10:00:00Z", 1, CALENDAR_MONTH, CALENDAR_DAY,
         "2027-03-01T00:00:00Z"},
        {"12 months from a leap day, end of day", &utc, "2028-02-29T10:00:00Z", 12, CALENDAR_MONTH,
         CALENDAR_DAY, "2029-03-01T00:00:00Z"},
        {"the same as a year", &utc, "2028-02-29T10:00:00Z", 1, CALENDAR_YEAR, CALENDAR_DAY,
         "2029-03-01T00:00:00Z"},
        {"end of the earning month in Tokyo", &tokyo, "2026-01-31T15:30:00Z", 0, CALENDAR_MONTH,
         CALENDAR_MONTH, "2026-02-28T15:00:00Z"},
        {"not rounded, keeps the time of day", &tokyo, "2026-01-31T15:30:00Z", 1, CALENDAR_MONTH,
         CALENDAR_NONE, "2026-02-28T15:30:00Z"},
        {"12 months, end of month", &utc, "2026-01-31T10:00:00Z", 12, CALENDAR_MONTH,
         CALENDAR_MONTH, "2027-02-01T00:00:00Z"},
        {"a result on a bucket's start belongs to that bucket", &utc, "2026-01-01T00:00:00Z", 1,
         CALENDAR_MONTH, CALENDAR_MONTH, "2026-03-01T00:00:00Z"},
        {"days keep the wall's time over a shift", &berlin, "2027-03-27T11:00:00Z", 1, CALENDAR_DAY,
         CALENDAR_NONE, "2027-03-28T10:00:00Z"},
        {"a day later lies in the gap", &berlin, "2027-03-27T01:30:00Z", 1, CALENDAR_DAY,
         CALENDAR_NONE, "2027-03-28T01:00:00Z"},
        {"a day later comes twice", &berlin, "2027-10-30T00:30:00Z", 1, CALENDAR_DAY, CALENDAR_NONE,
         "2027-10-31T00:30:00Z"},
        {"no period, not rounded: the start itself, also the second time", &berlin,
         "2027-10-31T01:30:00Z", 0, CALENDAR_DAY, CALENDAR_NONE, "2027-10-31T01:30:00Z"},
        {"weeks", &utc, "2026-11-24T08:00:00Z", 2, CALENDAR_WEEK, CALENDAR_WEEK,
         "2026-12-14T00:00:00Z"},
        {"quarters", &utc, "2026-11-24T08:00:00Z", 1, CALENDAR_QUARTER, CALENDAR_QUARTER,
         "2027-04-01T00:00:00Z"},
        {"two years, end of year", &utc, "2026-11-24T08:00:00Z", 2, CALENDAR_YEAR, CALENDAR_YEAR,
         "2029-01-01T00:00:00Z"},
        {"to the last moment there is", &utc, "9998-12-31T23:59:59.999Z", 1, CALENDAR_YEAR,
         CALENDAR_NONE, "9999-12-31T23:59:59.999Z"},
        {"beyond it", &utc, "9999-01-01T00:00:00Z", 1, CALENDAR_YEAR, CALENDAR_NONE, NULL},
        {"beyond it by rounding", &utc, "9999-12-31T00:00:00Z", 0, CALENDAR_DAY, CALENDAR_YEAR,
         NULL},
        {"absurd days", &utc, "2026-01-01T00:00:00Z", UINT32_MAX, CALENDAR_DAY, CALENDAR_NONE,
         NULL},
        {"absurd years", &utc, "2026-01-01T00:00:00Z", 2900000, CALENDAR_YEAR, CALENDAR_DAY, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct instant end = {-7};
        bool fits = calendar_period_end(rows[i].zone, instant_of(rows[i].start), rows[i].amount,
                                        rows[i].unit, rows[i].rounding, &end);
        if (rows[i].end == NULL) {
            cr_expect_not(fits, "%s", rows[i].what);
            cr_expect_eq(end.ms, -7, "%s: untouched", rows[i].what);
        } else {
            cr_assert(fits, "%s", rows[i].what);
            cr_expect_str_eq(text_of(end), rows[i].end, "%s: %s", rows[i].what, text_of(end));
        }
    }
}

/* Real zones, found by asking the C library what the wall shows; a test of the computation against
 * another one. */

#define TRANSITIONS_MAX 512
#define SCAN_FROM_S     INT64_C(0)
#define SCAN_TO_S       INT64_C(2145916800) /* 2038-01-01 */

static struct zone_transition real_transitions[TRANSITIONS_MAX];

static int32_t
system_offset_ms(int64_t at_s)
{
    time_t time = (time_t)at_s;
    struct tm tm;
    cr_assert_not_null(localtime_r(&time, &tm));
    return (int32_t)tm.tm_gmtoff * 1000;
}

/* Steps by six hours and closes in on each change; shorter excursions do not exist. */
static struct zone
system_zone(const char *name)
{
    const int64_t step_s = 6 * 3600;
    setenv("TZ", name, 1);
    tzset();
    struct zone zone = {real_transitions, 0, system_offset_ms(SCAN_FROM_S)};
    int32_t offset = zone.initial_offset_ms;
    for (int64_t at = SCAN_FROM_S + step_s; at < SCAN_TO_S; at += step_s) {
        if (system_offset_ms(at) == offset) continue;
        int64_t before = at - step_s, after = at;
        while (after - before > 1) {
            int64_t middle = (before + after) / 2;
            if (system_offset_ms(middle) == offset)
                before = middle;
            else
                after = middle;
        }
        offset = system_offset_ms(at);
        cr_assert_lt(zone.count, TRANSITIONS_MAX);
        real_transitions[zone.count++] = (struct zone_transition){after * 1000, offset};
    }
    return zone;
}

/* The law, said naively: the earliest instant that shows the local time; if there is none, the
 * moment of the jump over it. */
static int64_t
naive_instant(const struct zone *zone, struct local local)
{
    int64_t best = INT64_MAX;
    for (uint32_t i = 0; i <= zone->count; i++) {
        int32_t offset = i == 0 ? zone->initial_offset_ms : zone->transitions[i - 1].offset_ms;
        int64_t candidate = local.ms - offset;
        bool shows = calendar_local(zone, (struct instant){candidate}).ms == local.ms;
        if (shows && candidate < best) best = candidate;
    }
    for (uint32_t i = 0; i < zone->count && best == INT64_MAX; i++) {
        int64_t at = zone->transitions[i].at_ms;
        int64_t before = calendar_local(zone, (struct instant){at - 1}).ms;
        int64_t after = calendar_local(zone, (struct instant){at}).ms;
        if (before < local.ms && local.ms < after) return at;
    }
    return best;
}

static void
check_instant(const struct zone *zone, const char *name, struct instant instant, uint64_t seed)
{
    struct local local = calendar_local(zone, instant);
    int64_t s = instant.ms / 1000;
    cr_assert_eq(local.ms - instant.ms, system_offset_ms(s), "%s at %s, seed %lu", name,
                 text_of(instant), seed);
    cr_assert_eq(calendar_instant(zone, local).ms, naive_instant(zone, local), "%s at %s, seed %lu",
                 name, text_of(instant), seed);

    for (enum calendar_unit unit = CALENDAR_DAY; unit <= CALENDAR_YEAR; unit++) {
        int64_t number = calendar_bucket_number(zone, instant, unit);
        struct instant start = calendar_bucket_start(zone, instant, unit);
        struct instant end = calendar_bucket_end(zone, instant, unit);
        cr_assert(start.ms <= instant.ms && instant.ms < end.ms, "%s at %s, unit %d, seed %lu",
                  name, text_of(instant), unit, seed);
        cr_assert_eq(calendar_bucket_number(zone, start, unit), number, "%s at %s, unit %d", name,
                     text_of(instant), unit);
        cr_assert_eq(calendar_bucket_number(zone, (struct instant){end.ms - 1}, unit), number,
                     "%s at %s, unit %d", name, text_of(instant), unit);
        cr_assert_gt(calendar_bucket_number(zone, end, unit), number, "%s at %s, unit %d", name,
                     text_of(instant), unit);
    }
}

Test(calendar, agrees_with_the_c_library_in_real_zones)
{
    const struct {
        const char *name;
        uint32_t least_transitions;
    } rows[] = {
        {"Asia/Tokyo", 0},         {"Europe/Berlin", 100},      {"America/New_York", 100},
        {"America/St_Johns", 100}, {"America/Sao_Paulo", 50},   {"Pacific/Apia", 5},
        {"Africa/Casablanca", 60}, {"Australia/Lord_Howe", 80}, {"Pacific/Kwajalein", 1},
        {"Asia/Kathmandu", 1},     {"Asia/Gaza", 80},
    };
    struct property property = property_start();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct zone zone = system_zone(rows[i].name);
        cr_assert_geq(zone.count, rows[i].least_transitions,
                      "%s: %u transitions: are the system's zone tables (tzdata) installed?",
                      rows[i].name, zone.count);
        for (int round = 0; round < 2000; round++) {
            int64_t ms = (int64_t)property_below(&property, SCAN_TO_S * 1000);
            check_instant(&zone, rows[i].name, (struct instant){ms}, property.seed);
        }
        for (uint32_t t = 0; t < zone.count; t++) {
            for (int64_t near = -26; near <= 26; near++) {
                int64_t ms = zone.transitions[t].at_ms + near * 1800000;
                if (ms < 0) continue;
                check_instant(&zone, rows[i].name, (struct instant){ms}, property.seed);
                struct local local = {ms + zone.initial_offset_ms};
                cr_assert_eq(calendar_instant(&zone, local).ms, naive_instant(&zone, local),
                             "%s, local time %ld", rows[i].name, local.ms);
            }
            check_instant(&zone, rows[i].name, (struct instant){zone.transitions[t].at_ms - 1},
                          property.seed);
        }
    }
}

Test(calendar, parses_instants)
{
    const struct {
        const char *text;
        enum instant_status status;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", INSTANT_OK, 0},
        {"2026-01-31T15:30:00Z", INSTANT_OK, INT64_C(1769873400000)},
        {"2026-02-01T00:30:00+09:00", INSTANT_OK, INT64_C(1769873400000)},
        {"2026-01-31T10:00:00-05:30", INSTANT_OK, INT64_C(1769873400000)},
        {"2026-01-31T15:30:00-00:00", INSTANT_OK, INT64_C(1769873400000)},
        {"2026-01-31t15:30:00z", INSTANT_OK, INT64_C(1769873400000)},
        {"2026-01-31T15:30:00.5Z", INSTANT_OK, INT64_C(1769873400500)},
        {"2026-01-31T15:30:00.123Z", INSTANT_OK, INT64_C(1769873400123)},
        {"2026-01-31T15:30:00.123000000Z", INSTANT_OK, INT64_C(1769873400123)},
        {"9999-12-31T23:59:59.999Z", INSTANT_OK, INSTANT_MAX_MS},
        {"1970-01-01T01:00:00+01:00", INSTANT_OK, 0},
        {"2028-02-29T00:00:00Z", INSTANT_OK, INT64_C(1835395200000)},
        {"2026-01-31T15:30:00.1234Z", INSTANT_TOO_MANY_DIGITS, 0},
        {"2026-01-31T15:30:00.000000001+09:00", INSTANT_TOO_MANY_DIGITS, 0},
        {"2026-01-31", INSTANT_NO_OFFSET, 0},
        {"2026-01-31T15:30", INSTANT_NO_OFFSET, 0},
        {"2026-01-31T15:30:00", INSTANT_NO_OFFSET, 0},
        {"2026-01-31T15:30:00.123", INSTANT_NO_OFFSET, 0},
        {"1969-12-31T23:59:59.999Z", INSTANT_OUT_OF_RANGE, 0},
        {"1970-01-01T00:00:00+00:01", INSTANT_OUT_OF_RANGE, 0},
        {"9999-12-31T23:59:59.999-00:01", INSTANT_OUT_OF_RANGE, 0},
        {"0000-01-01T00:00:00Z", INSTANT_OUT_OF_RANGE, 0},
        {"", INSTANT_MALFORMED, 0},
        {"2026", INSTANT_MALFORMED, 0},
        {"2026-01-31T", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30Z", INSTANT_MALFORMED, 0},
        {"2026-01-31 15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-1-31T15:30:00Z", INSTANT_MALFORMED, 0},
        {"26-01-31T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-00-31T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-13-01T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-02-29T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-01-00T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T24:00:00Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:60:00Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:60Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00.Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00,5Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00+0900", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00+24:00", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00+09:60", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00Zulu", INSTANT_MALFORMED, 0},
        {" 2026-01-31T15:30:00Z", INSTANT_MALFORMED, 0},
        {"+2026-01-31T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:-1Z", INSTANT_MALFORMED, 0},
        {"1769873400", INSTANT_MALFORMED, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct instant instant = {-7};
        enum instant_status status = instant_parse(bytes_from_cstr(rows[i].text), &instant);
        int64_t expected = rows[i].status == INSTANT_OK ? rows[i].ms : -7;
        cr_expect_eq(status, rows[i].status, "'%s' %s", rows[i].text, instant_status_text(status));
        cr_expect_eq(instant.ms, expected, "'%s': %ld", rows[i].text, instant.ms);
    }
}

Test(calendar, parses_local_times)
{
    const struct {
        const char *text;
        enum instant_status status;
        int64_t ms;
    } rows[] = {
        {"1970-01-01", INSTANT_OK, 0},
        {"2026-01-31", INSTANT_OK, INT64_C(1769817600000)},
        {"2026-01-31T15:30", INSTANT_OK, INT64_C(1769873400000)},
        {"2026-01-31T15:30:07", INSTANT_OK, INT64_C(1769873407000)},
        {"1969-12-31", INSTANT_OUT_OF_RANGE, 0},
        {"", INSTANT_MALFORMED, 0},
        {"2026-02-30", INSTANT_MALFORMED, 0},
        {"2026-01-31T", INSTANT_MALFORMED, 0},
        {"2026-01-31T15", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00.5", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00Z", INSTANT_MALFORMED, 0},
        {"2026-01-31T15:30:00+01:00", INSTANT_MALFORMED, 0},
        {"2026-01-31 15:30", INSTANT_MALFORMED, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct local local = {-7};
        enum instant_status status = local_parse(bytes_from_cstr(rows[i].text), &local);
        int64_t expected = rows[i].status == INSTANT_OK ? rows[i].ms : -7;
        cr_expect_eq(status, rows[i].status, "'%s' %s", rows[i].text, instant_status_text(status));
        cr_expect_eq(local.ms, expected, "'%s': %ld", rows[i].text, local.ms);
    }
}

Test(calendar, formats_instants)
{
    const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {INT64_C(1769873400120), "2026-01-31T15:30:00.120Z"},
        {INT64_C(1769873400000), "2026-01-31T15:30:00Z"},
        {INSTANT_MAX_MS, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[INSTANT_TEXT_MAX];
        size_t length = instant_format((struct instant){rows[i].ms}, text);
        cr_expect_str_eq(text, rows[i].text);
        cr_expect_eq(length, strlen(rows[i].text), "%s", rows[i].text);
    }
    struct property property = property_start();
    for (int i = 0; i < 100000; i++) {
        struct instant instant = {(int64_t)property_below(&property, INSTANT_MAX_MS + 1)};
        cr_assert_eq(instant_of(text_of(instant)).ms, instant.ms, "seed %lu", property.seed);
    }
}

Test(calendar, a_year_beyond_9999_has_no_text, .signal = SIGABRT)
{
    char text[INSTANT_TEXT_MAX];
    instant_format((struct instant){INSTANT_MAX_MS + 1}, text);
}
