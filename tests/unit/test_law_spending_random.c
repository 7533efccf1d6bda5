/*
 * Properties of spending, over random stories (TB_TEST_SEED): the state after each line is what
 * plain sums say; and with lots that expire, lapse, are returned and frozen, all balances hold and
 * nothing depends on what is warm. Nothing below zero is CHECKed by the fold itself.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/calendar.h"
#include "tests/unit/property.h"
#include "tests/unit/story.h"

enum { STORIES = 40, LINES = 40, NAMES = 6, TEXT_BYTES = 16384, TIMEOUT_MINUTES = 15 };

static char text[TEXT_BYTES];
static size_t text_size;
static struct property property;

static void write(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
write(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text + text_size, sizeof text - text_size, format, arguments);
    va_end(arguments);
    text_size += (size_t)size;
    cr_assert_lt(text_size, sizeof text);
}

static int64_t
below(int64_t bound)
{
    return (int64_t)property_below(&property, (uint64_t)bound);
}

static void
tell(const struct program *program, int story)
{
    const char *complaint = story_run(program, text);
    cr_assert(complaint == NULL, "seed %llu, story %d: %s\n%s", (unsigned long long)property.seed,
              story, complaint, text);
}

/* ---- Sums ---- */

/* A spend or a hold as sums know it. */
struct sums {
    bool known, open;
    int64_t units, spent, undone;
    int64_t minute; /* at which the hold times out */
};

static struct sums spends[NAMES], holds[NAMES];
static int64_t active;

static int64_t
held(void)
{
    int64_t sum = 0;
    for (int i = 0; i < NAMES; i++)
        sum += holds[i].open ? holds[i].units : 0;
    return sum;
}

static void
time_out(int64_t minute)
{
    for (int i = 0; i < NAMES; i++) {
        if (!holds[i].open || holds[i].minute > minute) continue;
        holds[i].open = false;
        active += holds[i].units;
    }
}

static const char *
take(struct sums *sums, int64_t units, bool holding, int64_t minute)
{
    if (sums->known) return "id_in_use";
    if (units > active) return "insufficient_points";
    *sums = (struct sums){.known = true,
                          .open = holding,
                          .units = units,
                          .spent = holding ? 0 : units,
                          .minute = minute + TIMEOUT_MINUTES};
    active -= units;
    return "accepted";
}

static const char *
end(struct sums *hold, int64_t captured)
{
    if (!hold->known) return "unknown_hold";
    if (!hold->open) return "hold_closed";
    if (captured > hold->units) return "insufficient_points";
    hold->open = false;
    hold->spent = captured;
    active += hold->units - captured;
    return "accepted";
}

static const char *
undo(struct sums *sums, int64_t units)
{
    int64_t left = sums->spent - sums->undone;
    if (sums->spent == 0) return "unknown_spend";
    if (left == 0 || units > left) return "spend_undone";
    sums->undone += units == 0 ? left : units;
    active += units == 0 ? left : units;
    return "accepted";
}

/* One line, at a minute of 1 February. */
static void
write_sums_line(int64_t minute)
{
    int name = (int)below(NAMES);
    int64_t units = 1 + below(60);
    const char *verdict = "accepted";
    write("02-01 %02lld:%02lld ", (long long)minute / 60, (long long)minute % 60);
    time_out(minute);
    switch (below(7)) {
    case 0:
        write("grant A %lld", (long long)units);
        active += units;
        break;
    case 1:
        write("spend S%d %lld", name, (long long)units);
        verdict = take(&spends[name], units, false, minute);
        break;
    case 2:
        write("hold H%d %lld", name, (long long)units);
        verdict = take(&holds[name], units, true, minute);
        break;
    case 3:
        write("capture H%d %lld", name, (long long)units);
        verdict = end(&holds[name], units);
        break;
    case 4:
        write("release H%d", name);
        verdict = end(&holds[name], 0);
        break;
    case 5:
        units = below(3) == 0 ? 0 : units;
        write(units == 0 ? "undo S%d" : "undo S%d %lld", name, (long long)units);
        verdict = undo(&spends[name], units);
        break;
    case 6:
        write("undo H%d %lld", name, (long long)units);
        verdict = undo(&holds[name], units);
        break;
    }
    write(" | %s active %lld held %lld\n", verdict, (long long)active, (long long)held());
}

/* Spends have ids S0 …, holds H0 …: no spend stands in the way of a captured hold's undoing. */
Test(law_spending_random, all_is_as_sums_say)
{
    struct program program = rig_program();
    property = property_start();
    for (int story = 0; story < STORIES; story++) {
        int64_t minute = 0;
        memset(spends, 0, sizeof spends);
        memset(holds, 0, sizeof holds);
        text_size = 0;
        active = 0;
        for (int i = 0; i < LINES; i++, minute += below(9))
            write_sums_line(minute);
        tell(&program, story);
    }
}

/* ---- Everything at once ---- */

static void
write_wild_line(int64_t hour)
{
    int name = (int)below(NAMES), order = (int)below(NAMES);
    int64_t units = 1 + below(80), late = below(4) == 0 ? below(100) : 0;
    int64_t at = hour > late ? hour - late : hour;
    write("02-%02lld %02lld:00 ", (long long)(1 + hour / 24), (long long)(hour % 24));
    switch (below(14)) {
    case 0:
    case 1: write("grant A %lld", (long long)units); break;
    case 2:
        write("grant B %lld until 02-%02lld 12:00", (long long)units, (long long)(2 + below(26)));
        break;
    case 3:
    case 4: write("buy O%d %lld", order, (long long)units); break;
    case 5: write("refund O%d R%lld %lld", order, (long long)hour, (long long)units); break;
    case 6:
    case 7: write("spend S%d %lld", name, (long long)units); break;
    case 8:
        write("hold H%d %lld for %lld", name, (long long)units, (long long)(1 + below(9000)));
        break;
    case 9: write("capture H%d %lld", name, (long long)units); break;
    case 10: write("release H%d", name); break;
    case 11: write("undo S%d %lld", name, (long long)units); break;
    case 12: write("undo H%d", name); break;
    case 13: write(below(2) == 0 ? "freeze" : "unfreeze"); break;
    }
    write(" @ 02-%02lld %02lld:00 | any\n", (long long)(1 + at / 24), (long long)(at % 24));
}

/* By policy of arrears, with and without a grace and a restore grace. */
Test(law_spending_random, all_balances_whatever_is_warm)
{
    struct program program = rig_program();
    property = property_start();
    program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 9, .unit = CALENDAR_DAY};
    for (int story = 0; story < STORIES; story++) {
        int64_t hour = 0;
        program.returns.arrears = (enum arrears_policy)(ARREARS_ALLOW + story % 3);
        program.currencies[0].expiry.grace_days = story % 2 == 0 ? 0 : 4;
        program.spending.restore_grace_ms = story % 5 == 0 ? 3 * CALENDAR_DAY_MS : 0;
        text_size = 0;
        for (int i = 0; i < 2 * LINES && hour < 27 * 24; i++, hour += below(14))
            write_wild_line(hour);
        tell(&program, story);
    }
}
