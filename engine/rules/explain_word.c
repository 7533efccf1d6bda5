/* Values in words: amounts as people write them, lengths of time, days, lists. */
#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/rules/explain_priv.h"

enum { FACTOR_DIGITS = 9, ESCAPE_MAX = 6, MINUTE_MS = 60000, HOUR_MS = 3600000 };

/* ---- Texts and lists ---- */

const char *
word_name(struct explainer *explainer, struct bytes name)
{
    char *text = explain_room(explainer, name.size + 1, 1);
    if (name.size != 0) memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return text;
}

/* One character, or one byte of it, as it stands in quotes. Returns how many places of `out` it
 * takes; *inout_at is moved over what was read. */
static size_t
escape(struct bytes text, size_t *inout_at, char out[ESCAPE_MAX + 1])
{
    uint8_t byte = text.data[(*inout_at)++];
    if (byte == '"' || byte == '\\') {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    /* U+0080 to U+009F move the cursor of some terminals. */
    bool second = byte == 0xc2 && *inout_at < text.size && (text.data[*inout_at] & 0xe0) == 0x80;
    if (byte >= 0x20 && byte != 0x7f && !second) {
        out[0] = (char)byte;
        return 1;
    }
    if (second) byte = text.data[(*inout_at)++];
    return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\u%04x", (unsigned)byte);
}

static const char *
escaped_text(struct explainer *explainer, struct bytes text)
{
    char *escaped = explain_room(explainer, ESCAPE_MAX * text.size + 1, 1);
    size_t size = 0;
    for (size_t at = 0; at < text.size;) {
        char piece[ESCAPE_MAX + 1];
        size_t length = escape(text, &at, piece);
        memcpy(escaped + size, piece, length);
        size += length;
    }
    escaped[size] = '\0';
    return escaped;
}

const char *
word_quoted(struct explainer *explainer, struct bytes text)
{
    return WORDS(explainer, QUOTED, escaped_text(explainer, text));
}

const char *
word_literal(struct explainer *explainer, struct bytes text)
{
    return WORDS(explainer, LITERAL, escaped_text(explainer, text));
}

const char *
word_list(struct explainer *explainer, const char *const *items, size_t count,
          enum explain_sentence last)
{
    const char *next_joint =
        last == SAYS_LIST_THEN ? WORDS(explainer, LIST_THEN) : WORDS(explainer, LIST_NEXT);
    const char *last_joint = explain_fill(explainer, last, NULL, 0);
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(items[i]) + strlen(next_joint) + strlen(last_joint);
    char *list = explain_room(explainer, size, 1), *at = list;
    for (size_t i = 0; i < count; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? last_joint : next_joint;
        size_t length = strlen(joint);
        memcpy(at, joint, length);
        at += length;
        length = strlen(items[i]);
        memcpy(at, items[i], length);
        at += length;
    }
    *at = '\0';
    return list;
}

const char *
word_quoted_list(struct explainer *explainer, struct program_texts texts)
{
    const char **items = explain_room(explainer, texts.count, sizeof *items);
    for (uint32_t i = 0; i < texts.count; i++)
        items[i] = word_quoted(explainer, texts.items[i]);
    return word_list(explainer, items, texts.count, SAYS_LIST_NEXT);
}

/* ---- Numbers ---- */

const char *
word_number(struct explainer *explainer, int64_t number)
{
    return word_decimal(explainer, number, 0, false);
}

const char *
word_decimal(struct explainer *explainer, int64_t scaled, unsigned digits, bool trimmed)
{
    char *text = explain_room(explainer, DECIMAL_TEXT_MAX, 1);
    size_t size = decimal_format(scaled, digits, text, DECIMAL_TEXT_MAX);
    if (!trimmed || digits == 0) return text;
    while (text[size - 1] == '0')
        size--;
    if (text[size - 1] == '.') size--;
    text[size] = '\0';
    return text;
}

const char *
word_count(struct explainer *explainer, int64_t count, enum explain_sentence one,
           enum explain_sentence many)
{
    if (count == 1) return explain_fill(explainer, one, NULL, 0);
    const char *number = word_number(explainer, count);
    return explain_fill(explainer, many, &number, 1);
}

const char *
word_times(struct explainer *explainer, int64_t count)
{
    return word_count(explainer, count, SAYS_TIMES_1, SAYS_TIMES);
}

/* ---- Lengths of time ---- */

const char *
word_days(struct explainer *explainer, int64_t days)
{
    return word_count(explainer, days, SAYS_DAYS_1, SAYS_DAYS);
}

const char *
word_period(struct explainer *explainer, int64_t amount, enum calendar_unit unit)
{
    switch (unit) {
    case CALENDAR_DAY: return word_days(explainer, amount);
    case CALENDAR_WEEK: return word_count(explainer, amount, SAYS_WEEKS_1, SAYS_WEEKS);
    case CALENDAR_MONTH: return word_count(explainer, amount, SAYS_MONTHS_1, SAYS_MONTHS);
    case CALENDAR_QUARTER: return word_count(explainer, amount, SAYS_QUARTERS_1, SAYS_QUARTERS);
    case CALENDAR_YEAR: return word_count(explainer, amount, SAYS_YEARS_1, SAYS_YEARS);
    case CALENDAR_NONE: break;
    }
    UNREACHABLE();
}

const char *
word_elapsed(struct explainer *explainer, int64_t ms)
{
    static const struct {
        int64_t ms, from_ms;
        enum explain_sentence one, many;
    } units[] = {
        /* One day alone is told as 24 hours: it is elapsed time, not a day of the calendar. */
        {CALENDAR_DAY_MS, 2 * CALENDAR_DAY_MS, SAYS_DAYS_1, SAYS_DAYS},
        {HOUR_MS, HOUR_MS, SAYS_HOURS_1, SAYS_HOURS},
        {MINUTE_MS, MINUTE_MS, SAYS_MINUTES_1, SAYS_MINUTES},
        {1000, 0, SAYS_SECONDS_1, SAYS_SECONDS},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ms < units[i].from_ms || ms % units[i].ms != 0) continue;
        return word_count(explainer, ms / units[i].ms, units[i].one, units[i].many);
    }
    return WORDS(explainer, MILLISECONDS, word_number(explainer, ms));
}

const char *
word_per(struct explainer *explainer, enum per per, uint32_t rolling_days)
{
    switch (per) {
    case PER_EVENT: return WORDS(explainer, PER_EVENT);
    case PER_DAY: return WORDS(explainer, PER_DAY);
    case PER_WEEK: return WORDS(explainer, PER_WEEK);
    case PER_MONTH: return WORDS(explainer, PER_MONTH);
    case PER_QUARTER: return WORDS(explainer, PER_QUARTER);
    case PER_YEAR: return WORDS(explainer, PER_YEAR);
    case PER_LIFETIME: return WORDS(explainer, PER_LIFETIME);
    case PER_ROLLING: return WORDS(explainer, PER_ROLLING, word_days(explainer, rolling_days));
    }
    UNREACHABLE();
}

/* ---- Days and hours ---- */

const char *
word_month(struct explainer *explainer, unsigned month)
{
    CHECK(month >= 1 && month <= 12);
    return explain_fill(explainer, SAYS_JANUARY + month - 1, NULL, 0);
}

static const char *
word_date(struct explainer *explainer, struct program_date date)
{
    if (date.month == 2 && date.day == 29) return WORDS(explainer, FEBRUARY_END);
    return WORDS(explainer, DATE, word_number(explainer, date.day),
                 word_month(explainer, date.month));
}

const char *
word_dates(struct explainer *explainer, const struct program_date *dates, uint32_t count)
{
    const char **items = explain_room(explainer, count, sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        items[i] = word_date(explainer, dates[i]);
    return word_list(explainer, items, count, SAYS_LIST_NEXT);
}

const char *
word_local(struct explainer *explainer, struct local local)
{
    enum { SIZE = 64 };
    struct civil_date date = calendar_date(local);
    int64_t ms = local.ms - calendar_midnight(date).ms;
    char *text = explain_room(explainer, SIZE, 1);
    int size = snprintf(text, SIZE, "%04" PRId32 "-%02u-%02u", date.year, date.month, date.day);
    if (ms == 0) return text;
    size += snprintf(text + size, SIZE - (size_t)size, " %02d:%02d", (int)(ms / HOUR_MS),
                     (int)(ms / MINUTE_MS % 60));
    if (ms % MINUTE_MS == 0) return text;
    size += snprintf(text + size, SIZE - (size_t)size, ":%02d", (int)(ms / 1000 % 60));
    if (ms % 1000 == 0) return text;
    snprintf(text + size, SIZE - (size_t)size, ".%03d", (int)(ms % 1000));
    return text;
}

struct local
local_of(const struct explainer *explainer, struct instant instant)
{
    return calendar_local(&explainer->program->zone, instant);
}

/* ---- Money and points ---- */

const char *
word_money(struct explainer *explainer, int64_t minor, uint16_t money)
{
    const struct currency *currency = currency_find(money);
    CHECK(currency != NULL);
    return WORDS(explainer, AMOUNT, word_decimal(explainer, minor, currency->digits, false),
                 currency->alpha);
}

const char *
word_currency(struct explainer *explainer, uint32_t currency)
{
    return word_name(explainer, explainer->program->currencies[currency].id);
}

const char *
word_points(struct explainer *explainer, int64_t units, uint32_t currency)
{
    return word_decimal(explainer, units, explainer->program->currencies[currency].scale, false);
}

const char *
word_amount(struct explainer *explainer, int64_t units, uint32_t currency)
{
    return WORDS(explainer, AMOUNT, word_points(explainer, units, currency),
                 word_currency(explainer, currency));
}

const char *
word_rate(struct explainer *explainer, struct rate rate, uint16_t money, uint32_t currency)
{
    int64_t unit = 1, points = rate.numerator, minor = rate.denominator;
    for (unsigned i = 0; i < currency_find(money)->digits; i++)
        unit *= 10;
    __int128 product = (__int128)points * unit;
    if (product % minor == 0 && product / minor <= INT64_MAX) {
        points = (int64_t)(product / minor);
        minor = unit;
    }
    return WORDS(explainer, RATE, word_points(explainer, points, currency),
                 word_money(explainer, minor, money));
}

const char *
word_factor(struct explainer *explainer, struct rate factor)
{
    int64_t unit = 1, scaled;
    for (unsigned digits = 0; digits <= FACTOR_DIGITS; digits++, unit *= 10) {
        if (unit % factor.denominator != 0 ||
            __builtin_mul_overflow(factor.numerator, unit / factor.denominator, &scaled))
            continue;
        return word_decimal(explainer, scaled, digits, false);
    }
    enum { SIZE = 48 };
    char *text = explain_room(explainer, SIZE, 1);
    snprintf(text, SIZE, "%" PRId64 "/%" PRId64, factor.numerator, factor.denominator);
    return text;
}

const char *
word_group(struct explainer *explainer, uint32_t group)
{
    return word_name(explainer, explainer->program->groups[group].id);
}
