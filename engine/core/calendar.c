#include "engine/core/calendar.h"

#include "engine/base/check.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

/* No zone's offset reaches this, so an instant lies within it of the same number read as local
 * time. */
#define OFFSET_LIMIT_MS CALENDAR_DAY_MS

/* The Gregorian calendar repeats after 400 years. */
#define ERA_YEARS 400
#define ERA_DAYS  146097

static int64_t
divide_floor(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* Dates */

/*
 * Both directions count in years that begin on 1 March, so that the leap day is the last of its
 * year, and in days from 1 March of year 0, which is day -719468. In such a year the days before a
 * month follow (153 × month + 2) / 5, March being month 0.
 */
#define MARCH_OF_YEAR_0 (-719468)

int64_t
calendar_days_from_civil(struct civil_date date)
{
    CHECK(date.month >= 1 && date.month <= 12);
    CHECK(date.day >= 1 && date.day <= calendar_month_days(date.year, date.month));
    int64_t year = (int64_t)date.year - (date.month <= 2);
    int64_t era = divide_floor(year, ERA_YEARS);
    int64_t year_of_era = year - era * ERA_YEARS;
    int64_t month = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era + MARCH_OF_YEAR_0;
}

struct civil_date
calendar_civil_from_days(int64_t days)
{
    int64_t era = divide_floor(days - MARCH_OF_YEAR_0, ERA_DAYS);
    int64_t day_of_era = days - MARCH_OF_YEAR_0 - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    int64_t civil_month = month < 10 ? month + 3 : month - 9;
    int64_t year = era * ERA_YEARS + year_of_era + (civil_month <= 2);
    CHECK(year >= INT32_MIN && year <= INT32_MAX);
    return (struct civil_date){(int32_t)year, (uint8_t)civil_month, (uint8_t)day};
}

unsigned
calendar_month_days(int32_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    CHECK(month >= 1 && month <= 12);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

unsigned
calendar_weekday(int64_t days)
{
    /* 1970-01-01 was a Thursday. */
    int64_t from_monday = days + 3;
    return (unsigned)(from_monday - 7 * divide_floor(from_monday, 7)) + 1;
}

struct civil_date
calendar_date(struct local local)
{
    return calendar_civil_from_days(divide_floor(local.ms, CALENDAR_DAY_MS));
}

struct local
calendar_midnight(struct civil_date date)
{
    return (struct local){calendar_days_from_civil(date) * CALENDAR_DAY_MS};
}

struct local
calendar_add_months(struct local local, int32_t months)
{
    struct civil_date date = calendar_date(local);
    int64_t time_of_day = local.ms - calendar_midnight(date).ms;
    int64_t month = (int64_t)date.year * 12 + date.month - 1 + months;
    int64_t year = divide_floor(month, 12);
    CHECK(year >= INT32_MIN && year <= INT32_MAX);

    struct civil_date moved = {(int32_t)year, (uint8_t)(month - year * 12 + 1), date.day};
    unsigned last = calendar_month_days(moved.year, moved.month);
    if (moved.day > last) moved.day = (uint8_t)last;
    return (struct local){calendar_midnight(moved).ms + time_of_day};
}

/* Zones */

/* How many transitions lie at or before an instant. */
static uint32_t
zone_passed(const struct zone *zone, int64_t at_ms)
{
    uint32_t low = 0, high = zone->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].at_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The offset in force after that many transitions. */
static int64_t
zone_offset(const struct zone *zone, uint32_t passed)
{
    return passed == 0 ? zone->initial_offset_ms : zone->transitions[passed - 1].offset_ms;
}

struct local
calendar_local(const struct zone *zone, struct instant instant)
{
    return (struct local){instant.ms + zone_offset(zone, zone_passed(zone, instant.ms))};
}

struct instant
calendar_instant(const struct zone *zone, struct local local)
{
    /*
     * Walk the stretches of constant offset from one that surely begins early enough, to the first
     * whose wall time at its end lies after the one sought. If the stretch contains it, this is the
     * earliest instant that shows it; if even its first moment shows later, the sought time fell
     * into the gap at that moment.
     */
    uint32_t passed = zone_passed(zone, local.ms - OFFSET_LIMIT_MS);
    while (passed < zone->count &&
           local.ms >= zone->transitions[passed].at_ms + zone_offset(zone, passed)) {
        passed += 1;
    }
    int64_t found = local.ms - zone_offset(zone, passed);
    if (passed > 0 && found < zone->transitions[passed - 1].at_ms) {
        found = zone->transitions[passed - 1].at_ms;
    }
    return (struct instant){found};
}

int64_t
calendar_days_later(const struct zone *zone, int64_t ms, int64_t days)
{
    struct local local = calendar_local(zone, (struct instant){ms});
    local.ms += days * CALENDAR_DAY_MS;
    return calendar_instant(zone, local).ms;
}

/* Buckets */

/* Months in a bucket of whole months. */
static int32_t
unit_months(enum calendar_unit unit)
{
    switch (unit) {
    case CALENDAR_MONTH: return 1;
    case CALENDAR_QUARTER: return 3;
    case CALENDAR_YEAR: return 12;
    case CALENDAR_NONE:
    case CALENDAR_DAY:
    case CALENDAR_WEEK: break;
    }
    UNREACHABLE();
}

static bool
unit_is_days(enum calendar_unit unit)
{
    return unit == CALENDAR_DAY || unit == CALENDAR_WEEK;
}

/* The bucket of what the wall shows. Week 0 is that of 1970-01-01 and began on day -3. */
static int64_t
bucket_of_local(struct local local, enum calendar_unit unit)
{
    if (unit_is_days(unit)) {
        int64_t days = divide_floor(local.ms, CALENDAR_DAY_MS);
        return unit == CALENDAR_DAY ? days : divide_floor(days + 3, 7);
    }
    struct civil_date date = calendar_date(local);
    int64_t month = ((int64_t)date.year - 1970) * 12 + date.month - 1;
    return divide_floor(month, unit_months(unit));
}

/* The first instant of a bucket. */
static struct instant
bucket_start(const struct zone *zone, int64_t number, enum calendar_unit unit)
{
    struct local start;
    if (unit_is_days(unit)) {
        int64_t days = unit == CALENDAR_DAY ? number : number * 7 - 3;
        start.ms = days * CALENDAR_DAY_MS;
    } else {
        int64_t months = number * unit_months(unit);
        CHECK(months >= INT32_MIN && months <= INT32_MAX);
        start = calendar_add_months((struct local){0}, (int32_t)months);
    }
    return calendar_instant(zone, start);
}

struct instant
calendar_yearly(const struct zone *zone, unsigned month, unsigned day, int32_t year)
{
    unsigned last = calendar_month_days(year, month);
    struct civil_date date = {year, (uint8_t)month, (uint8_t)(day < last ? day : last)};
    return calendar_instant(zone, calendar_midnight(date));
}

int64_t
calendar_bucket_number(const struct zone *zone, struct instant instant, enum calendar_unit unit)
{
    int64_t number = bucket_of_local(calendar_local(zone, instant), unit);
    /* The wall may show the last bucket again after the next one began (invariant 3 of the header).
     */
    while (instant.ms >= bucket_start(zone, number + 1, unit).ms) {
        number += 1;
    }
    CHECK(instant.ms >= bucket_start(zone, number, unit).ms);
    return number;
}

struct instant
calendar_bucket_start(const struct zone *zone, struct instant instant, enum calendar_unit unit)
{
    return bucket_start(zone, calendar_bucket_number(zone, instant, unit), unit);
}

struct instant
calendar_bucket_end(const struct zone *zone, struct instant instant, enum calendar_unit unit)
{
    return bucket_start(zone, calendar_bucket_number(zone, instant, unit) + 1, unit);
}

bool
calendar_period_end(const struct zone *zone, struct instant start, uint32_t amount,
                    enum calendar_unit unit, enum calendar_unit rounding, struct instant *out_end)
{
    /* No amount that ends before the year 10000 is refused by this, and none that passes it
     * overflows below. */
    const int64_t days_max = (INSTANT_MAX_MS + 1) / CALENDAR_DAY_MS;
    struct local local = calendar_local(zone, start);
    if (amount > days_max) return false;
    if (unit_is_days(unit)) {
        local.ms += (int64_t)amount * (unit == CALENDAR_DAY ? 1 : 7) * CALENDAR_DAY_MS;
    } else {
        local = calendar_add_months(local, (int32_t)amount * unit_months(unit));
    }
    /* No amount leads back to the start itself, also out of an hour that the wall shows twice. */
    struct instant end = amount == 0 ? start : calendar_instant(zone, local);
    if (end.ms > INSTANT_MAX_MS) return false;
    if (rounding != CALENDAR_NONE) end = calendar_bucket_end(zone, end, rounding);
    if (end.ms > INSTANT_MAX_MS) return false;
    *out_end = end;
    return true;
}

/* Text */

/* Exactly count digits as a number; failed (as a reader fails) when there are others. */
static int32_t
read_digits(struct reader *reader, unsigned count)
{
    int32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte = reader_u8(reader);
        if (byte < '0' || byte > '9') reader->failed = true;
        value = value * 10 + (byte - '0');
    }
    return reader->failed ? 0 : value;
}

static void
read_mark(struct reader *reader, char mark)
{
    if (reader_u8(reader) != (uint8_t)mark) reader->failed = true;
}

static bool
next_is(const struct reader *reader, char mark)
{
    return reader_left(reader) > 0 && *reader->at == (uint8_t)mark;
}

/* YYYY-MM-DD. The date is real when the reader has not failed; its year is not yet judged. */
static struct civil_date
read_date(struct reader *reader)
{
    int32_t year = read_digits(reader, 4);
    read_mark(reader, '-');
    int32_t month = read_digits(reader, 2);
    read_mark(reader, '-');
    int32_t day = read_digits(reader, 2);
    if (month < 1 || month > 12 || day < 1 ||
        day > (int32_t)calendar_month_days(year, (unsigned)month)) {
        reader->failed = true;
        return (struct civil_date){1970, 1, 1};
    }
    return (struct civil_date){year, (uint8_t)month, (uint8_t)day};
}

/* HH:MM as milliseconds. */
static int64_t
read_hours_and_minutes(struct reader *reader)
{
    int32_t hours = read_digits(reader, 2);
    read_mark(reader, ':');
    int32_t minutes = read_digits(reader, 2);
    if (hours > 23 || minutes > 59) reader->failed = true;
    return hours * HOUR_MS + minutes * MINUTE_MS;
}

/* :SS as milliseconds. Second 60 has no instant of its own in this count of time. */
static int64_t
read_seconds(struct reader *reader)
{
    read_mark(reader, ':');
    int32_t seconds = read_digits(reader, 2);
    if (seconds > 59) reader->failed = true;
    return seconds * SECOND_MS;
}

/* .fff… as milliseconds; *out_lost tells whether a digit other than 0 lay beyond them. */
static int64_t
read_decimals(struct reader *reader, bool *out_lost)
{
    int64_t ms = 0, unit = 100;
    bool lost = false;
    read_mark(reader, '.');
    ms += unit * read_digits(reader, 1);
    while (reader_left(reader) > 0 && *reader->at >= '0' && *reader->at <= '9') {
        int32_t digit = read_digits(reader, 1);
        unit /= 10;
        ms += unit * digit;
        lost = lost || (unit == 0 && digit != 0);
    }
    *out_lost = lost;
    return ms;
}

/* Z or ±HH:MM as milliseconds. */
static int64_t
read_offset(struct reader *reader)
{
    switch (reader_u8(reader)) {
    case 'Z':
    case 'z': return 0;
    case '+': return read_hours_and_minutes(reader);
    case '-': return -read_hours_and_minutes(reader);
    default: reader->failed = true; return 0;
    }
}

static enum instant_status
judge_range(int64_t ms)
{
    return ms < INSTANT_MIN_MS || ms > INSTANT_MAX_MS ? INSTANT_OUT_OF_RANGE : INSTANT_OK;
}

enum instant_status
instant_parse(struct bytes text, struct instant *out_instant)
{
    struct reader reader = reader_of(text);
    bool lost = false;
    int64_t ms = calendar_midnight(read_date(&reader)).ms;
    bool only_date = reader_done(&reader);
    if (next_is(&reader, 't'))
        read_mark(&reader, 't');
    else
        read_mark(&reader, 'T');
    ms += read_hours_and_minutes(&reader);
    bool only_minutes = reader_done(&reader);
    ms += read_seconds(&reader);
    if (next_is(&reader, '.')) ms += read_decimals(&reader, &lost);
    bool only_seconds = reader_done(&reader);
    ms -= read_offset(&reader);

    if (only_date || only_minutes || only_seconds) return INSTANT_NO_OFFSET;
    if (!reader_done(&reader)) return INSTANT_MALFORMED;
    if (lost) return INSTANT_TOO_MANY_DIGITS;
    if (judge_range(ms) != INSTANT_OK) return judge_range(ms);
    *out_instant = (struct instant){ms};
    return INSTANT_OK;
}

enum instant_status
local_parse(struct bytes text, struct local *out_local)
{
    struct reader reader = reader_of(text);
    int64_t ms = calendar_midnight(read_date(&reader)).ms;
    if (reader_left(&reader) > 0) {
        read_mark(&reader, 'T');
        ms += read_hours_and_minutes(&reader);
    }
    if (reader_left(&reader) > 0) ms += read_seconds(&reader);

    if (!reader_done(&reader)) return INSTANT_MALFORMED;
    if (judge_range(ms) != INSTANT_OK) return judge_range(ms);
    *out_local = (struct local){ms};
    return INSTANT_OK;
}

const char *
instant_status_text(enum instant_status status)
{
    switch (status) {
    case INSTANT_OK: return "is a time";
    case INSTANT_MALFORMED: return "is not a time such as 2026-01-31T15:30:00Z";
    case INSTANT_NO_OFFSET: return "has no offset: end it with Z or an offset such as +09:00";
    case INSTANT_TOO_MANY_DIGITS: return "is finer than a millisecond";
    case INSTANT_OUT_OF_RANGE: return "lies outside the years 1970 to 9999";
    }
    UNREACHABLE();
}

static void
write_digits(struct writer *writer, int64_t value, unsigned count)
{
    uint8_t digits[8];
    CHECK(count <= sizeof digits && value >= 0);
    for (unsigned i = count; i-- > 0;) {
        digits[i] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
    writer_bytes(writer, bytes_of(digits, count));
}

size_t
instant_format(struct instant instant, char out[INSTANT_TEXT_MAX])
{
    CHECK(judge_range(instant.ms) == INSTANT_OK);
    struct civil_date date = calendar_date((struct local){instant.ms});
    int64_t time_of_day = instant.ms % CALENDAR_DAY_MS;
    const struct {
        char before;
        unsigned digits;
        int64_t value;
    } parts[] = {
        {'\0', 4, date.year},
        {'-', 2, date.month},
        {'-', 2, date.day},
        {'T', 2, time_of_day / HOUR_MS},
        {':', 2, time_of_day / MINUTE_MS % 60},
        {':', 2, time_of_day / SECOND_MS % 60},
        {'.', 3, time_of_day % SECOND_MS},
    };
    size_t count = sizeof parts / sizeof *parts - (time_of_day % SECOND_MS == 0);

    struct writer writer = writer_of(out, INSTANT_TEXT_MAX - 1);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].before != '\0') writer_u8(&writer, (uint8_t)parts[i].before);
        write_digits(&writer, parts[i].value, parts[i].digits);
    }
    writer_u8(&writer, 'Z');
    size_t length = writer_span(&writer).size;
    out[length] = '\0';
    return length;
}
