/* Instants with the zone's wall and offset: what is shown is read back as the same instant. */
#include <criterion/criterion.h>

#include "engine/rules/local_time.h"

static const struct zone_transition summers[] = {
    {1774746000000, 7200000}, /* 2026-03-29T01:00Z */
    {1792890000000, 3600000}, /* 2026-10-25T01:00Z */
};
static const struct zone berlin = {summers, 2, 3600000}, tokyo = {NULL, 0, 32400000},
                         utc = {NULL, 0, 0}, monrovia = {NULL, 0, -2670000},
                         caracas = {NULL, 0, -16200000};

static const struct {
    const char *what;
    const struct zone *zone;
    int64_t ms;
    const char *text;
} rows[] = {
    {"no zone is known", NULL, 1767225600000, "2026-01-01T00:00:00Z"},
    {"the zone is UTC", &utc, 1767225600001, "2026-01-01T00:00:00.001Z"},
    {"winter", &berlin, 1767225600000, "2026-01-01T01:00:00+01:00"},
    {"the last instant of winter", &berlin, 1774745999999, "2026-03-29T01:59:59.999+01:00"},
    {"the first of summer", &berlin, 1774746000000, "2026-03-29T03:00:00+02:00"},
    {"another day there", &tokyo, 1769873400000, "2026-02-01T00:30:00+09:00"},
    {"behind, and half an hour", &caracas, 1767225600000, "2025-12-31T19:30:00-04:30"},
    {"an offset with seconds shows the minute below", &monrovia, 86400000,
     "1970-01-01T23:15:00-00:45"},
    {"the wall's year has five digits", &tokyo, INSTANT_MAX_MS, "10000-01-01T08:59:59.999+09:00"},
};

Test(local_time, shows_the_wall_and_the_offset)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[LOCAL_TIME_TEXT_MAX];
        cr_expect_str_eq(local_time_format(rows[i].zone, (struct instant){rows[i].ms}, text),
                         rows[i].text, "%s: %s", rows[i].what, text);
        struct instant again;
        if (rows[i].ms == INSTANT_MAX_MS) continue; /* texts that are read have four digits */
        cr_expect_eq(instant_parse(bytes_from_cstr(text), &again), INSTANT_OK, "%s", rows[i].what);
        cr_expect_eq(again.ms, rows[i].ms, "%s: read back", rows[i].what);
    }
}
