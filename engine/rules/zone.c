/*
 * A TZif file (RFC 8536) from version 2 on, all numbers big-endian:
 *
 *   header 1   44 bytes: "TZif", version, 15 unused, then six u32 counts: isutcnt, isstdcnt,
 * leapcnt, timecnt, typecnt, charcnt body 1     the same data with 32-bit times: skipped header 2
 * as header 1 body 2     timecnt × i64 times, timecnt × u8 types, typecnt × {i32 offset, u8 is_dst,
 * u8 designation}, charcnt bytes of designations, leapcnt × 12 bytes, isstdcnt and isutcnt bytes
 *   footer     '\n', a POSIX TZ string for all later times (may be empty), '\n'
 */
#include "engine/rules/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/rules/diagnostics.h"

enum {
    HEADER_SIZE = 44,
    TYPES_MAX = 256,
    OFFSET_SECONDS_MAX = 24 * 3600 - 1,
    CHANGE_SECONDS_MAX =
        167 * 3600 + 59 * 60 + 59, /* a rule's time of day, beyond the day itself (RFC 8536) */
    DAY_SECONDS = 86400,
    TABLE_FILE_BYTES_MAX = 256 * 1024,
    NAMES_MAX = 1024,
};

static const char *
zone_directory(void)
{
    const char *directory = getenv("TZDIR");
    return directory != NULL && *directory != '\0' ? directory : "/usr/share/zoneinfo";
}

/* ---- The table that is being made
 * --------------------------------------------------------------------------------- */

struct table {
    struct zone_transition transitions[ZONE_TRANSITIONS_MAX];
    uint32_t count;
    int32_t initial_offset_ms, last_offset_ms;
    bool failed; /* out of order or too long */
};

/* Appends a change; those that change nothing or lie outside the years of the table are no part of
 * it. */
static void
table_add(struct table *table, int64_t at_s, int32_t offset_s)
{
    int64_t end_s =
        calendar_days_from_civil((struct civil_date){ZONE_END_YEAR, 1, 1}) * DAY_SECONDS;
    int32_t offset_ms = offset_s * 1000;
    if (at_s >= end_s || offset_ms == table->last_offset_ms) return;
    table->last_offset_ms = offset_ms;
    if (at_s <= 0) {
        table->initial_offset_ms = offset_ms;
        return;
    }
    int64_t last_ms = table->count == 0 ? INT64_MIN : table->transitions[table->count - 1].at_ms;
    if (last_ms > at_s * 1000 || table->count == ZONE_TRANSITIONS_MAX) {
        table->failed = true;
        return;
    }
    /* A rule that keeps daylight time all year ends and begins it at one instant: only the last
     * word counts. */
    if (last_ms == at_s * 1000) table->count--;
    int32_t before_ms = table->count == 0 ? table->initial_offset_ms
                                          : table->transitions[table->count - 1].offset_ms;
    if (offset_ms == before_ms) return;
    table->transitions[table->count++] = (struct zone_transition){at_s * 1000, offset_ms};
}

/* ---- The footer: "GMT0BST,M3.5.0/1,M10.5.0"
 * ------------------------------------------------------------------------ */

enum rule_kind { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY };

/* The day and local time at which an offset changes in every year. */
struct change {
    enum rule_kind kind;
    int32_t month, week, day; /* Mm.w.d; Jn and n use day alone */
    int32_t seconds;          /* of local time, from that day's midnight */
};

struct posix_rule {
    int32_t standard_s, daylight_s; /* offsets east of Greenwich */
    bool has_daylight;
    struct change to_daylight, to_standard;
};

struct scan {
    struct bytes text;
    size_t at;
    bool failed;
};

static bool
scan_is(const struct scan *scan, char wanted)
{
    return scan->at < scan->text.size && scan->text.data[scan->at] == (uint8_t)wanted;
}

static bool
scan_take(struct scan *scan, char wanted)
{
    if (!scan_is(scan, wanted)) return false;
    scan->at++;
    return true;
}

static int32_t
scan_number(struct scan *scan, int32_t min, int32_t max)
{
    int32_t value = 0;
    size_t start = scan->at;
    while (scan->at < scan->text.size && scan->at - start < 4) {
        uint8_t byte = scan->text.data[scan->at];
        if (byte < '0' || byte > '9') break;
        value = value * 10 + (byte - '0');
        scan->at++;
    }
    if (scan->at == start || value < min || value > max) scan->failed = true;
    return value;
}

/* [+|-]hh[:mm[:ss]], in seconds. */
static int32_t
scan_time(struct scan *scan, int32_t hours_max)
{
    bool negative = scan_take(scan, '-');
    if (!negative) scan_take(scan, '+');
    int32_t seconds = scan_number(scan, 0, hours_max) * 3600;
    if (scan_take(scan, ':')) seconds += scan_number(scan, 0, 59) * 60;
    if (scan_take(scan, ':')) seconds += scan_number(scan, 0, 59);
    return negative ? -seconds : seconds;
}

/* An abbreviation: letters, or anything between < and >. */
static void
scan_designation(struct scan *scan)
{
    size_t start = scan->at;
    if (scan_take(scan, '<')) {
        while (scan->at < scan->text.size && !scan_is(scan, '>')) {
            scan->at++;
        }
        if (!scan_take(scan, '>')) scan->failed = true;
        return;
    }
    while (scan->at < scan->text.size) {
        uint8_t letter = scan->text.data[scan->at] | 0x20;
        if (letter < 'a' || letter > 'z') break;
        scan->at++;
    }
    if (scan->at - start < 3) scan->failed = true;
}

static struct change
scan_change(struct scan *scan)
{
    struct change change = {.kind = RULE_DAY, .seconds = 2 * 3600};
    if (scan_take(scan, 'M')) {
        change.kind = RULE_WEEKDAY;
        change.month = scan_number(scan, 1, 12);
        if (!scan_take(scan, '.')) scan->failed = true;
        change.week = scan_number(scan, 1, 5);
        if (!scan_take(scan, '.')) scan->failed = true;
        change.day = scan_number(scan, 0, 6);
    } else if (scan_take(scan, 'J')) {
        change.kind = RULE_JULIAN;
        change.day = scan_number(scan, 1, 365);
    } else {
        change.day = scan_number(scan, 0, 365);
    }
    if (scan_take(scan, '/')) change.seconds = scan_time(scan, CHANGE_SECONDS_MAX / 3600);
    return change;
}

static bool
posix_parse(struct bytes text, struct posix_rule *out_rule)
{
    struct scan scan = {.text = text};
    struct posix_rule rule = {0};
    scan_designation(&scan);
    rule.standard_s = -scan_time(&scan, 24);
    if (!scan.failed && scan.at < text.size) {
        rule.has_daylight = true;
        scan_designation(&scan);
        rule.daylight_s = rule.standard_s + 3600;
        if (!scan_is(&scan, ',')) rule.daylight_s = -scan_time(&scan, 24);
        if (!scan_take(&scan, ',')) scan.failed = true;
        rule.to_daylight = scan_change(&scan);
        if (!scan_take(&scan, ',')) scan.failed = true;
        rule.to_standard = scan_change(&scan);
    }
    if (scan.failed || scan.at != text.size) return false;
    *out_rule = rule;
    return true;
}

/* Seconds on the wall, since 1970, at which the change happens in this year. */
static int64_t
change_in_year(const struct change *change, int32_t year)
{
    int64_t days = 0;
    switch (change->kind) {
    case RULE_JULIAN: { /* 1 … 365; 29 February is never counted */
        bool after_leap_day = change->day > 59 && calendar_month_days(year, 2) == 29;
        days = calendar_days_from_civil((struct civil_date){year, 1, 1}) + change->day - 1 +
               after_leap_day;
        break;
    }
    case RULE_DAY: /* 0 … 365 */
        days = calendar_days_from_civil((struct civil_date){year, 1, 1}) + change->day;
        break;
    case RULE_WEEKDAY: { /* the week-th such weekday of the month; 5 is the last */
        int64_t first =
            calendar_days_from_civil((struct civil_date){year, (uint8_t)change->month, 1});
        int32_t wanted = change->day == 0 ? 7 : change->day;
        int32_t in_month =
            (wanted - (int32_t)calendar_weekday(first) + 7) % 7 + (change->week - 1) * 7;
        while (in_month >= (int32_t)calendar_month_days(year, (unsigned)change->month)) {
            in_month -= 7;
        }
        days = first + in_month;
        break;
    }
    }
    return days * DAY_SECONDS + change->seconds;
}

/* Writes the rule out for all years of the table, from the last listed change on. */
static void
table_add_rule(struct table *table, const struct posix_rule *rule, int64_t after_s)
{
    if (!rule->has_daylight) {
        table_add(table, after_s, rule->standard_s);
        return;
    }
    for (int32_t year = ZONE_FIRST_YEAR - 1; year < ZONE_END_YEAR && !table->failed; year++) {
        /* Each change is told in the offset that holds before it. */
        int64_t to_daylight_s = change_in_year(&rule->to_daylight, year) - rule->standard_s;
        int64_t to_standard_s = change_in_year(&rule->to_standard, year) - rule->daylight_s;
        bool north = to_daylight_s < to_standard_s;
        int64_t first_s = north ? to_daylight_s : to_standard_s,
                second_s = north ? to_standard_s : to_daylight_s;
        if (first_s > after_s)
            table_add(table, first_s, north ? rule->daylight_s : rule->standard_s);
        if (second_s > after_s)
            table_add(table, second_s, north ? rule->standard_s : rule->daylight_s);
    }
}

/* ---- The file
 * ------------------------------------------------------------------------------------------------------
 */

struct header {
    uint8_t version;
    uint32_t isut_count, isstd_count, leap_count, time_count, type_count, char_count;
};

static bool
read_header(struct reader *reader, struct header *out_header)
{
    if (!bytes_equal(reader_bytes(reader, 4), BYTES_LITERAL("TZif"))) return false;
    out_header->version = reader_u8(reader);
    reader_bytes(reader, 15);
    out_header->isut_count = reader_u32be(reader);
    out_header->isstd_count = reader_u32be(reader);
    out_header->leap_count = reader_u32be(reader);
    out_header->time_count = reader_u32be(reader);
    out_header->type_count = reader_u32be(reader);
    out_header->char_count = reader_u32be(reader);
    uint32_t count_max = ZONE_FILE_BYTES_MAX;
    return !reader->failed && out_header->isut_count <= count_max &&
           out_header->isstd_count <= count_max && out_header->leap_count <= count_max &&
           out_header->time_count <= count_max && out_header->type_count >= 1 &&
           out_header->type_count <= TYPES_MAX && out_header->char_count <= count_max;
}

static size_t
body_size(const struct header *header, size_t time_size)
{
    return header->time_count * (time_size + 1) + header->type_count * (size_t)6 +
           header->char_count + header->leap_count * (time_size + 4) + header->isstd_count +
           header->isut_count;
}

/* The listed changes. Before the first one the first type holds (RFC 8536, 3.2). */
static bool
read_body(struct reader *reader, const struct header *header, struct table *table,
          int64_t *out_last_s)
{
    struct reader times = reader_of(reader_bytes(reader, header->time_count * (size_t)8));
    struct bytes types = reader_bytes(reader, header->time_count);
    struct reader kinds = reader_of(reader_bytes(reader, header->type_count * (size_t)6));
    reader_bytes(reader, header->char_count + header->leap_count * (size_t)12 +
                             header->isstd_count + header->isut_count);
    if (reader->failed) return false;
    int32_t offsets_s[TYPES_MAX];
    for (uint32_t i = 0; i < header->type_count; i++) {
        offsets_s[i] = (int32_t)reader_u32be(&kinds);
        reader_bytes(&kinds, 2);
        if (offsets_s[i] < -OFFSET_SECONDS_MAX || offsets_s[i] > OFFSET_SECONDS_MAX) return false;
    }
    table->initial_offset_ms = table->last_offset_ms = offsets_s[0] * 1000;
    int64_t last_s = INT64_MIN;
    for (uint32_t i = 0; i < header->time_count; i++) {
        int64_t at_s = (int64_t)reader_u64be(&times);
        if (at_s <= last_s || types.data[i] >= header->type_count) return false;
        table_add(table, at_s, offsets_s[types.data[i]]);
        last_s = at_s;
    }
    *out_last_s = last_s;
    return true;
}

static bool
read_footer(struct reader *reader, struct table *table, int64_t last_s)
{
    struct bytes rest = reader_bytes(reader, reader_left(reader));
    if (rest.size < 2 || rest.data[0] != '\n') return false;
    const uint8_t *end = memchr(rest.data + 1, '\n', rest.size - 1);
    if (end == NULL) return false;
    struct bytes text = bytes_of(rest.data + 1, (size_t)(end - rest.data) - 1);
    if (text.size == 0) return true;
    struct posix_rule rule;
    if (!posix_parse(text, &rule)) return false;
    table_add_rule(table, &rule, last_s);
    return true;
}

bool
zone_decode(struct bytes file, struct arena *arena, struct zone *out_zone, struct fault *out_fault)
{
    struct reader reader = reader_of(file);
    struct header first, second;
    if (!read_header(&reader, &first)) return fault_set(out_fault, FAULT_DATA, "not a TZif file");
    if (first.version < '2')
        return fault_set(out_fault, FAULT_DATA, "a TZif file of version 1; 2 or later is needed");
    reader_bytes(&reader, body_size(&first, 4));
    struct table table = {0};
    int64_t last_s;
    bool has_header = read_header(&reader, &second);
    if (has_header && second.leap_count != 0) {
        return fault_set(out_fault, FAULT_CONFIG,
                         "the zone counts leap seconds; take the one without 'right/'");
    }
    if (!has_header || !read_body(&reader, &second, &table, &last_s) ||
        !read_footer(&reader, &table, last_s) || table.failed) {
        return fault_set(out_fault, FAULT_DATA, "the TZif file is damaged");
    }
    size_t size = table.count * sizeof *table.transitions;
    struct zone_transition *transitions = arena_alloc(arena, size);
    if (transitions == NULL)
        return fault_set(out_fault, FAULT_SOFTWARE, "no room for the zone's table");
    memcpy(transitions, table.transitions, size);
    *out_zone = (struct zone){transitions, table.count, table.initial_offset_ms};
    return true;
}

/* ---- The database
 * ---------------------------------------------------------------------------------------------------
 */

/* "Europe/London": parts of letters, digits, '_', '-' and '+' between single slashes; so a name
 * never leaves the folder. */
static bool
name_is_sound(struct bytes name)
{
    if (name.size == 0 || name.size > ZONE_NAME_BYTES_MAX) return false;
    bool after_slash = true;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i], letter = byte | 0x20;
        if (byte == '/') {
            if (after_slash) return false;
            after_slash = true;
            continue;
        }
        bool alphanumeric = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
        if (!alphanumeric && byte != '_' && byte != '-' && byte != '+') return false;
        after_slash = false;
    }
    return !after_slash;
}

/* Reads a small file into the arena. False with errno. */
static bool
read_small_file(const char *path, size_t size_max, struct arena *arena, struct bytes *out_file)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    uint8_t *data = arena_alloc(arena, size_max);
    size_t size = 0;
    ssize_t got = data == NULL ? -1 : 1;
    while (got > 0 && size < size_max) {
        got = read(descriptor, data + size, size_max - size);
        if (got > 0) size += (size_t)got;
    }
    int error = data == NULL ? ENOMEM : errno;
    close(descriptor);
    if (got < 0) {
        errno = error;
        return false;
    }
    *out_file = bytes_of(data, size);
    return true;
}

bool
zone_load(struct bytes name, struct arena *arena, struct zone *out_zone, struct fault *out_fault)
{
    const char *directory = zone_directory();
    if (!name_is_sound(name)) {
        return fault_set(out_fault, FAULT_CONFIG, "a zone is named as in 'Europe/London' or 'UTC'");
    }
    if (bytes_equal(name, bytes_from_cstr("UTC"))) { /* known without a database */
        *out_zone = (struct zone){.transitions = NULL};
        return true;
    }
    if (access(directory, X_OK) != 0) {
        return fault_set(out_fault, FAULT_NO_INPUT,
                         "no time zone database in %s: %s (install tzdata, or set TZDIR)",
                         directory, strerror(errno));
    }
    char path[4096];
    int length =
        snprintf(path, sizeof path, "%s/%.*s", directory, (int)name.size, (const char *)name.data);
    if (length < 0 || (size_t)length >= sizeof path) {
        return fault_set(out_fault, FAULT_CONFIG, "the path in TZDIR is too long");
    }
    size_t mark = arena_mark(arena);
    struct bytes file;
    if (!read_small_file(path, ZONE_FILE_BYTES_MAX, arena, &file)) {
        int error = errno;
        arena_reset_to(arena, mark);
        if (error == ENOENT || error == EISDIR || error == ENOTDIR) {
            return fault_set(out_fault, FAULT_CONFIG, "there is no time zone of this name in %s",
                             directory);
        }
        return fault_set(out_fault, FAULT_NO_INPUT, "cannot read %s: %s", path, strerror(error));
    }
    if (!zone_decode(file, arena, out_zone, out_fault)) {
        arena_reset_to(arena, mark);
        return fault_wrap(out_fault, "%s", path);
    }
    return true;
}

/* Ends a field of a line of zone.tab in place; returns it, and where the next begins. */
static char *
take_field(char **inout_at)
{
    char *field = *inout_at;
    *inout_at += strcspn(field, "\t");
    if (**inout_at == '\t') *(*inout_at)++ = '\0';
    return field;
}

/* zone.tab lists one zone a line: country, coordinates, name, comment, between tabs; comments begin
 * with #. */
const char *
zone_suggest(struct bytes name, struct arena *arena)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/zone.tab", zone_directory());
    struct bytes table;
    const char **names = arena_alloc(arena, NAMES_MAX * sizeof *names);
    if (names == NULL || length < 0 || (size_t)length >= sizeof path ||
        !read_small_file(path, TABLE_FILE_BYTES_MAX, arena, &table) ||
        table.size == TABLE_FILE_BYTES_MAX) {
        return NULL;
    }
    char *at = (char *)table.data; /* our own copy, in the arena */
    at[table.size] = '\0';
    size_t count = 0;
    names[count++] = "UTC";
    while (*at != '\0' && count < NAMES_MAX) {
        char *line = at;
        at += strcspn(at, "\n");
        if (*at == '\n') *at++ = '\0';
        if (line[0] == '#') continue;
        take_field(&line); /* country */
        take_field(&line); /* coordinates */
        const char *zone_name = take_field(&line);
        if (*zone_name != '\0') names[count++] = zone_name;
    }
    return suggest_nearest(name, names, count);
}
