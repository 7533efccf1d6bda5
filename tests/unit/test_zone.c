#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rules/zone.h"

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[1024 * 1024];

static struct arena
fresh_arena(void)
{
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    return arena;
}

/* What the wall shows at instants around changes, from the published rules of each zone. */
Test(zone, knows_the_clock_changes_of_the_world)
{
    const struct {
        const char *name, *what;
        int64_t at_s;
        int32_t offset_s;
    } rows[] = {
        {"UTC", "always", 1893456000, 0},
        {"Europe/London", "standard time all year until 1971", 0, 3600},
        {"Europe/London", "a second before summer 2026", 1774745999, 0},
        {"Europe/London", "summer 2026 begins", 1774746000, 3600},
        {"Europe/London", "a second before it ends", 1792889999, 3600},
        {"Europe/London", "summer 2026 ends", 1792890000, 0},
        {"Europe/London", "summer 2099, by rule", 4088000000, 3600},
        {"Asia/Shanghai", "summer time of 1988", 585000000, 9 * 3600},
        {"Asia/Shanghai", "none since", 1782864000, 8 * 3600},
        {"Asia/Kolkata", "half an hour", 1700000000, 19800},
        {"America/New_York", "winter 2026", 1768000000, -5 * 3600},
        {"America/New_York", "summer 2090, by rule", 3803000000, -4 * 3600},
        {"Australia/Sydney", "January is summer", 1768000000, 11 * 3600},
        {"Australia/Lord_Howe", "summer time of half an hour", 1768000000, 11 * 3600},
        {"Europe/Dublin", "negative summer time in winter", 1768000000, 0},
        {"Pacific/Apia", "west of the date line in 2011", 1320000000, -10 * 3600},
        {"Pacific/Apia", "east of it in 2012", 1340000000, 13 * 3600},
        {"Africa/Casablanca", "an hour ahead outside Ramadan", 1780000000, 3600},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = fresh_arena();
        struct zone zone;
        struct fault fault;
        cr_assert(zone_load(bytes_from_cstr(rows[i].name), &arena, &zone, &fault), "%s: %s",
                  rows[i].name, fault.text);
        struct instant instant = {rows[i].at_s * 1000};
        int64_t offset_s = (calendar_local(&zone, instant).ms - instant.ms) / 1000;
        cr_expect_eq(offset_s, rows[i].offset_s, "%s, %s: %lld", rows[i].name, rows[i].what,
                     (long long)offset_s);
        for (uint32_t at = 1; at < zone.count; at++) {
            cr_expect_lt(zone.transitions[at - 1].at_ms, zone.transitions[at].at_ms, "%s",
                         rows[i].name);
            cr_expect_neq(zone.transitions[at - 1].offset_ms, zone.transitions[at].offset_ms, "%s",
                          rows[i].name);
        }
    }
}

Test(zone, refuses_what_is_no_zone)
{
    const struct {
        const char *name;
        enum fault_kind kind;
        const char *suggestion;
    } rows[] = {
        {"", FAULT_CONFIG, NULL},
        {"Europe", FAULT_CONFIG, NULL},
        {"Europe/", FAULT_CONFIG, NULL},
        {"/etc/passwd", FAULT_CONFIG, NULL},
        {"../zoneinfo/UTC", FAULT_CONFIG, NULL},
        {"Europe//London", FAULT_CONFIG, "Europe/London"},
        {"Europe/London\n", FAULT_CONFIG, "Europe/London"},
        {"Europe/Lodnon", FAULT_CONFIG, "Europe/London"},
        {"europe/berlin", FAULT_CONFIG, "Europe/Berlin"},
        {"Asia/Shangai", FAULT_CONFIG, "Asia/Shanghai"},
        {"UTX", FAULT_CONFIG, "UTC"},
        {"Mars/Olympus_Mons", FAULT_CONFIG, NULL},
        {"zone.tab", FAULT_CONFIG, NULL},
        {"leapseconds", FAULT_DATA, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = fresh_arena();
        struct zone zone;
        struct fault fault = {0};
        struct bytes name = bytes_from_cstr(rows[i].name);
        cr_expect_not(zone_load(name, &arena, &zone, &fault), "'%s'", rows[i].name);
        cr_expect_eq(fault.kind, rows[i].kind, "'%s': %s", rows[i].name, fault.text);
        const char *suggestion = zone_suggest(name, &arena);
        bool as_expected = rows[i].suggestion == NULL
                               ? suggestion == NULL
                               : suggestion != NULL && strcmp(suggestion, rows[i].suggestion) == 0;
        cr_expect(as_expected, "'%s': %s", rows[i].name, suggestion == NULL ? "none" : suggestion);
    }
}

/* A file of version 2 with one type and only a footer: every later change comes from the rule. */
static struct bytes
make_file(uint8_t *buffer, size_t capacity, int32_t offset_s, const char *footer)
{
    struct writer writer = writer_of(buffer, capacity);
    for (int part = 0; part < 2; part++) {
        writer_bytes(&writer, BYTES_LITERAL("TZif2"));
        for (int i = 0; i < 15; i++) {
            writer_u8(&writer, 0);
        }
        const uint32_t counts[] = {0, 0, 0, 0, 1, 4};
        for (size_t i = 0; i < 6; i++) {
            writer_u32be(&writer, counts[i]);
        }
        writer_u32be(&writer, (uint32_t)offset_s);
        writer_u16be(&writer, 0);
        writer_bytes(&writer, BYTES_LITERAL("LMT\0"));
    }
    writer_u8(&writer, '\n');
    writer_bytes(&writer, bytes_from_cstr(footer));
    writer_u8(&writer, '\n');
    return writer_span(&writer);
}

Test(zone, writes_rules_out)
{
    const struct {
        const char *footer;
        uint32_t count; /* of changes until 2100 */
        int32_t initial_s;
        int64_t first_s; /* the first change after 1970; 0: none */
        int32_t first_offset_s;
    } rows[] = {
        {"", 0, 600, 0, 0},
        {"UTC0", 0, 0, 0, 0},
        {"<+0330>-3:30", 0, 12600, 0, 0},
        {"EST5EDT,M3.2.0,M11.1.0", 262, -18000, 5727600, -14400}, /* 8 March 1970, 02:00 */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 262, 39600, 8092800,
         36000},                                               /* 5 April 1970, 03:00 in the east */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 262, 0, 7520400, 3600}, /* 29 March 1970, 01:00 */
        {"AAA-1BBB,J60/0,J300/0", 262, 3600, 5094000, 7200},   /* 1 March, whatever the year */
        {"AAA-1BBB,59/0,299/0", 262, 3600, 5094000,
         7200}, /* the 60th day: 29 February in leap years */
        {"AAA3BBB,M3.5.0/-2,M10.5.0/-1", 262, -10800, 7520400, -7200}, /* 28 March, 22:00 */
        {"XXX3EDT4,0/0,J365/23", 0, -14400, 0, 0}, /* daylight time all year (RFC 8536) */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buffer[512];
        struct arena arena = fresh_arena();
        struct zone zone;
        struct fault fault = {0};
        struct bytes file = make_file(buffer, sizeof buffer, 600, rows[i].footer);
        cr_assert(zone_decode(file, &arena, &zone, &fault), "%s: %s", rows[i].footer, fault.text);
        cr_expect_eq(zone.count, rows[i].count, "%s: %u changes", rows[i].footer, zone.count);
        cr_expect_eq(zone.initial_offset_ms, rows[i].initial_s * 1000, "%s: %d", rows[i].footer,
                     zone.initial_offset_ms);
        if (rows[i].first_s == 0 || zone.count == 0) continue;
        cr_expect_eq(zone.transitions[0].at_ms, rows[i].first_s * 1000, "%s: %lld", rows[i].footer,
                     (long long)zone.transitions[0].at_ms);
        cr_expect_eq(zone.transitions[0].offset_ms, rows[i].first_offset_s * 1000, "%s",
                     rows[i].footer);
    }
}

Test(zone, refuses_damaged_files)
{
    static const char *const footers[] = {
        "X",
        "EST",
        "EST5EDT",
        "EST5EDT,M3.2.0",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,J0,J1",
        "EST5EDT,M3.2.0,M11.1.0x",
        "<+03",
        "EST99",
        "EST5EDT,366,1",
    };
    uint8_t buffer[512];
    struct zone zone;
    struct fault fault;
    for (size_t i = 0; i < sizeof footers / sizeof *footers; i++) {
        struct arena arena = fresh_arena();
        struct bytes file = make_file(buffer, sizeof buffer, 0, footers[i]);
        cr_expect_not(zone_decode(file, &arena, &zone, &fault), "%s", footers[i]);
    }
    struct bytes file = make_file(buffer, sizeof buffer, 0, "UTC0");
    for (size_t cut = 0; cut < file.size; cut++) {
        struct arena arena = fresh_arena();
        cr_expect_not(zone_decode(bytes_of(file.data, cut), &arena, &zone, &fault), "cut at %zu",
                      cut);
        cr_expect_eq(fault.kind, FAULT_DATA);
    }
    struct arena arena = fresh_arena();
    cr_expect_not(zone_decode(make_file(buffer, sizeof buffer, 86400, ""), &arena, &zone, &fault),
                  "a day's offset");
}
