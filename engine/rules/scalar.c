#include "engine/rules/scalar.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"

enum {
    FACTOR_DIGITS = 6,
    FACTOR_MAX = 1000,
    RATE_POINTS_DIGITS = 6,
    RATE_POINTS_MAX =
        1000000, /* points in a rate, and points per whole unit of money: more is a slip */
    RATE_MONEY_MAX = 1000000, /* whole units of money in a rate */
    COST_EXTRA_DIGITS = 6,
    ROLLING_DAYS_MAX = 3660,
    ROLLING_MONTHS_MAX = 120,
    SHOWN_BYTES = 60,
    MONEY_CURRENCIES_MAX = 1000, /* numeric codes have three digits */
};

static int
shown(struct bytes text)
{
    return (int)(text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES);
}

/* "'x' is not …" with an example: the usual complaint. */
static bool
complain(const struct yaml_node *node, struct diagnostics *diagnostics, const char *what,
         const char *hint)
{
    diagnostics_error(diagnostics, node->place, "'%.*s' %s", shown(node->text),
                      (const char *)node->text.data, what);
    diagnostics_hint(diagnostics, "%s", hint);
    return false;
}

/* The same about a part of the node, without an example. */
static bool
complain_of(const struct yaml_node *node, struct bytes part, struct diagnostics *diagnostics,
            const char *what)
{
    return diagnostics_error(diagnostics, node->place, "'%.*s' %s", shown(part),
                             (const char *)part.data, what);
}

static bool
is_alphanumeric(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
}

bool
scalar_name(const struct yaml_node *node, struct diagnostics *diagnostics, struct bytes *out_name)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    struct bytes text = node->text;
    bool good =
        text.size >= 1 && text.size <= SCALAR_NAME_BYTES_MAX && is_alphanumeric(text.data[0]);
    for (size_t i = 0; i < text.size && good; i++) {
        good = is_alphanumeric(text.data[i]) || memchr("._-", text.data[i], 3) != NULL;
    }
    if (!good) {
        return complain(node, diagnostics, "cannot be a name",
                        "names are 1 to 64 letters a-z, digits, '.', '_' or '-', and begin with a "
                        "letter or digit");
    }
    *out_name = text;
    return true;
}

bool
scalar_text(const struct yaml_node *node, struct diagnostics *diagnostics, struct bytes *out_text)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    bool good = node->text.size >= 1 && node->text.size <= SCALAR_TEXT_BYTES_MAX;
    for (size_t i = 0; i < node->text.size && good; i++) {
        good = node->text.data[i] >= 0x20 && node->text.data[i] != 0x7f;
    }
    if (!good)
        return complain(node, diagnostics, "cannot be used",
                        "write 1 to 128 bytes without control characters");
    *out_text = node->text;
    return true;
}

/* ---- Amounts with a unit
 * -------------------------------------------------------------------------------------------- */

/* Splits "5 min" at its blanks. False when it is not two words. */
static bool
split_words(struct bytes text, struct bytes *out_first, struct bytes *out_second)
{
    size_t first_size = 0;
    while (first_size < text.size && text.data[first_size] != ' ') {
        first_size++;
    }
    size_t second = first_size;
    while (second < text.size && text.data[second] == ' ') {
        second++;
    }
    if (first_size == 0 || second == text.size) return false;
    if (memchr(text.data + second, ' ', text.size - second) != NULL) return false;
    *out_first = bytes_of(text.data, first_size);
    *out_second = bytes_of(text.data + second, text.size - second);
    return true;
}

struct unit {
    const char *singular, *plural;
    int64_t factor;          /* of milliseconds or of calendar units */
    enum calendar_unit unit; /* of calendar time */
};

static const struct unit elapsed_units[] = {
    {"s", "s", 1000, CALENDAR_NONE},
    {"min", "min", 60 * 1000, CALENDAR_NONE},
    {"h", "h", 3600 * 1000, CALENDAR_NONE},
    {"day", "days", CALENDAR_DAY_MS, CALENDAR_NONE},
};
static const struct unit period_units[] = {
    {"day", "days", 1, CALENDAR_DAY},
    {"week", "weeks", 7, CALENDAR_DAY},
    {"month", "months", 1, CALENDAR_MONTH},
    {"year", "years", 1, CALENDAR_YEAR},
};

enum { UNITS = 4 };
static_assert(sizeof elapsed_units / sizeof *elapsed_units == UNITS,
              "one count serves both tables");
static_assert(sizeof period_units / sizeof *period_units == UNITS, "one count serves both tables");

/* "5 min" → 5 and the row of min. NULL, and nothing reported, when it is no such thing. */
static const struct unit *
read_amount(struct bytes text, const struct unit units[UNITS], int64_t *out_amount)
{
    struct bytes number, word;
    if (!split_words(text, &number, &word) || number.data[0] == '-' || number.data[0] == '+')
        return NULL;
    if (decimal_parse(number, 0, out_amount) != DECIMAL_OK) return NULL;
    for (size_t i = 0; i < UNITS; i++) {
        bool matches = bytes_equal(word, bytes_from_cstr(units[i].singular)) ||
                       bytes_equal(word, bytes_from_cstr(units[i].plural));
        if (matches) return &units[i];
    }
    return NULL;
}

bool
scalar_elapsed(const struct yaml_node *node, int64_t min_ms, int64_t max_ms,
               struct diagnostics *diagnostics, int64_t *out_ms)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    int64_t amount, ms;
    const struct unit *unit = read_amount(node->text, elapsed_units, &amount);
    if (unit == NULL) {
        return complain(node, diagnostics, "is not a length of time",
                        "write a whole number and s, min, h or days, as in '5 min'");
    }
    bool fits = !__builtin_mul_overflow(amount, unit->factor, &ms);
    if (!fits || ms < min_ms || ms > max_ms) {
        diagnostics_error(diagnostics, node->place, "'%.*s' is out of range", shown(node->text),
                          (const char *)node->text.data);
        diagnostics_hint(
            diagnostics, "from %lld s to %lld %s", (long long)(min_ms / 1000),
            (long long)(max_ms % CALENDAR_DAY_MS == 0 ? max_ms / CALENDAR_DAY_MS : max_ms / 1000),
            max_ms % CALENDAR_DAY_MS == 0 ? "days" : "s");
        return false;
    }
    *out_ms = ms;
    return true;
}

bool
scalar_elapsed_or_none(const struct yaml_node *node, int64_t min_ms, int64_t max_ms,
                       struct diagnostics *diagnostics, int64_t *out_ms)
{
    if (!yaml_is(node, "none")) return scalar_elapsed(node, min_ms, max_ms, diagnostics, out_ms);
    *out_ms = 0;
    return true;
}

static bool
read_days(const struct yaml_node *node, int64_t min, int64_t max, const char *or_none,
          struct diagnostics *diagnostics, int32_t *out_days)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    int64_t amount;
    const struct unit *unit = read_amount(node->text, period_units, &amount);
    if (unit == NULL || unit->unit != CALENDAR_DAY || amount > max || amount * unit->factor < min ||
        amount * unit->factor > max) {
        diagnostics_error(diagnostics, node->place,
                          "'%.*s' is not a number of days that can be used", shown(node->text),
                          (const char *)node->text.data);
        diagnostics_hint(diagnostics, "write '%lld days' to '%lld days'%s", (long long)min,
                         (long long)max, or_none);
        return false;
    }
    *out_days = (int32_t)(amount * unit->factor);
    return true;
}

bool
scalar_days(const struct yaml_node *node, int64_t min, int64_t max, struct diagnostics *diagnostics,
            int32_t *out_days)
{
    return read_days(node, min, max, "", diagnostics, out_days);
}

bool
scalar_days_or_none(const struct yaml_node *node, int64_t min, int64_t max,
                    struct diagnostics *diagnostics, int32_t *out_days)
{
    if (!yaml_is(node, "none"))
        return read_days(node, min, max, ", or none", diagnostics, out_days);
    *out_days = 0;
    return true;
}

bool
scalar_period(const struct yaml_node *node, struct diagnostics *diagnostics, int32_t *out_amount,
              enum calendar_unit *out_unit)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    int64_t amount;
    const struct unit *unit = read_amount(node->text, period_units, &amount);
    if (unit == NULL) {
        return complain(node, diagnostics, "is not a period",
                        "write a whole number and days, weeks, months or years, as in '12 months'");
    }
    int64_t max = SCALAR_PERIOD_YEARS_MAX;
    if (unit->unit == CALENDAR_MONTH) max *= 12;
    if (unit->unit == CALENDAR_DAY) max *= 366;
    if (amount > max || amount * unit->factor > max) {
        return complain(node, diagnostics, "is longer than a century",
                        "points that never expire have 'expiry: none'");
    }
    *out_amount = (int32_t)(amount * unit->factor);
    *out_unit = unit->unit;
    return true;
}

static const char ROLLING[] = "rolling ";

bool
scalar_is_rolling(const struct yaml_node *node)
{
    return bytes_start_with(node->text, bytes_from_cstr(ROLLING));
}

bool
scalar_rolling(const struct yaml_node *node, struct diagnostics *diagnostics, int32_t *out_amount,
               enum calendar_unit *out_unit)
{
    size_t skipped = sizeof ROLLING - 1;
    struct bytes rest = bytes_of(node->text.data + skipped, node->text.size - skipped);
    int64_t amount;
    const struct unit *unit = read_amount(rest, period_units, &amount);
    bool days = unit != NULL && unit->unit == CALENDAR_DAY;
    bool months = unit != NULL && unit->unit == CALENDAR_MONTH;
    int64_t max = days ? ROLLING_DAYS_MAX : ROLLING_MONTHS_MAX;
    if ((!days && !months) || amount < 1 || amount > max || amount * unit->factor > max) {
        return complain(node, diagnostics, "is not a window",
                        "write 'rolling 90 days' or 'rolling 12 months'; at most ten years");
    }
    *out_amount = (int32_t)(amount * unit->factor);
    *out_unit = unit->unit;
    return true;
}

/* Two digits at a place; -1 when they are none. */
static int
two_digits(struct bytes text, size_t at)
{
    if (at + 2 > text.size) return -1;
    int tens = text.data[at] - '0', ones = text.data[at + 1] - '0';
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : 10 * tens + ones;
}

/* Says so where a date is written well and its month or day does not exist; 0 as year: any. False
 * when that is not what is wrong. */
static bool
complain_of_day(const struct yaml_node *node, struct diagnostics *diagnostics, int year, int month,
                int day)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    enum { LEAP_YEAR = 2000 };
    char of_year[16] = "";
    if (year < 0 || month < 0 || day < 0) return false;
    if (month == 0 || month > 12) {
        diagnostics_error(diagnostics, node->place, "'%.*s': there is no month %d",
                          shown(node->text), (const char *)node->text.data, month);
        diagnostics_hint(diagnostics, "the month stands before the day: 12-25 is Christmas");
        return true;
    }
    int last = (int)calendar_month_days(year == 0 ? LEAP_YEAR : year, (unsigned)month);
    if (day >= 1 && day <= last) return false;
    if (year != 0) snprintf(of_year, sizeof of_year, " %d", year);
    diagnostics_error(diagnostics, node->place, "'%.*s': %s%s has no day %d", shown(node->text),
                      (const char *)node->text.data, months[month - 1], of_year, day);
    diagnostics_hint(diagnostics, "its last day is the %d%s", last, last == 31 ? "st" : "th");
    return true;
}

/* The same of a text that begins with YYYY-MM-DD. */
static bool
complain_of_date(const struct yaml_node *node, struct diagnostics *diagnostics)
{
    struct bytes text = node->text;
    if (text.size < 10 || text.data[4] != '-' || text.data[7] != '-') return false;
    int century = two_digits(text, 0), rest = two_digits(text, 2);
    if (century < 0 || rest < 0 || 100 * century + rest == 0) return false;
    return complain_of_day(node, diagnostics, 100 * century + rest, two_digits(text, 5),
                           two_digits(text, 8));
}

bool
scalar_date(const struct yaml_node *node, struct diagnostics *diagnostics, uint8_t *out_month,
            uint8_t *out_day)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    int month = two_digits(node->text, 0), day = two_digits(node->text, 3);
    bool shaped = node->text.size == 5 && node->text.data[2] == '-';
    if (shaped && complain_of_day(node, diagnostics, 0, month, day)) return false;
    if (!shaped || month < 0 || day < 0) {
        return complain(node, diagnostics, "is not a day of the year",
                        "write month and day, as in 12-25");
    }
    *out_month = (uint8_t)month;
    *out_day = (uint8_t)day;
    return true;
}

/* "18:30" to minutes; -1 when it is no time of a day. 24:00 is the day's end. */
static int
read_minutes(struct bytes text, size_t at)
{
    int hour = two_digits(text, at), minute = two_digits(text, at + 3);
    bool good = hour >= 0 && minute >= 0 && minute < 60 && text.data[at + 2] == ':' &&
                60 * hour + minute <= 24 * 60;
    return good ? 60 * hour + minute : -1;
}

bool
scalar_hours(const struct yaml_node *node, struct diagnostics *diagnostics, int32_t *out_from,
             int32_t *out_until)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    bool shaped = node->text.size == 11 && node->text.data[5] == '-';
    int from = shaped ? read_minutes(node->text, 0) : -1;
    int until = shaped ? read_minutes(node->text, 6) : -1;
    if (from < 0 || until < 0) {
        return complain(node, diagnostics, "are not hours of a day",
                        "write from when to when, as in 18:00-21:00");
    }
    if (from >= until) {
        return complain(node, diagnostics, "end before they start",
                        "hours lie within one day: over midnight write two campaigns, one until "
                        "24:00 and one from 00:00");
    }
    *out_from = from;
    *out_until = until;
    return true;
}

bool
scalar_local(const struct yaml_node *node, struct diagnostics *diagnostics, struct local *out_local)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    struct local local;
    enum instant_status status = local_parse(node->text, &local);
    struct instant instant;
    if (status != INSTANT_OK && instant_parse(node->text, &instant) == INSTANT_OK) {
        return complain(
            node, diagnostics, "is one instant, not a time on every store's clock",
            "write a date such as 2026-11-01, or a local time such as 2026-11-01T09:00");
    }
    if (status != INSTANT_OK && complain_of_date(node, diagnostics)) return false;
    if (status != INSTANT_OK) {
        diagnostics_error(diagnostics, node->place, "'%.*s' %s", shown(node->text),
                          (const char *)node->text.data, instant_status_text(status));
        diagnostics_hint(diagnostics, "write a date such as 2026-11-01");
        return false;
    }
    *out_local = local;
    return true;
}

bool
scalar_start(const struct yaml_node *node, const struct zone *zone, struct diagnostics *diagnostics,
             struct instant *out_start)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    struct local local;
    struct instant start;
    enum instant_status status = INSTANT_OK;
    if (local_parse(node->text, &local) == INSTANT_OK) {
        start = calendar_instant(zone, local);
        /* The first hours of 1970 lie before it in the east. */
        if (start.ms < INSTANT_MIN_MS || start.ms > INSTANT_MAX_MS) status = INSTANT_OUT_OF_RANGE;
    } else {
        status = instant_parse(node->text, &start);
    }
    if (status == INSTANT_OK) {
        *out_start = start;
        return true;
    }
    if (complain_of_date(node, diagnostics)) return false;
    diagnostics_error(diagnostics, node->place, "'%.*s' %s", shown(node->text),
                      (const char *)node->text.data, instant_status_text(status));
    diagnostics_hint(diagnostics,
                     "write a date such as 2026-01-01, or an instant such as 2026-01-01T09:00:00Z");
    return false;
}

/* ---- Money and points
 * -----------------------------------------------------------------------------------------------
 */

static bool
find_currency(const struct yaml_node *node, struct bytes alpha, struct diagnostics *diagnostics,
              const struct currency **out_currency)
{
    const struct currency *currency = currency_from_alpha(alpha);
    if (currency != NULL) {
        *out_currency = currency;
        return true;
    }
    diagnostics_error(diagnostics, node->place, "'%.*s' is not a currency of ISO 4217",
                      shown(alpha), (const char *)alpha.data);
    const char *names[MONEY_CURRENCIES_MAX];
    size_t count = 0;
    for (uint16_t numeric = 0; numeric < MONEY_CURRENCIES_MAX; numeric++) {
        const struct currency *known = currency_find(numeric);
        if (known != NULL) names[count++] = known->alpha;
    }
    uint8_t upper[3];
    for (size_t i = 0; i < sizeof upper && alpha.size == sizeof upper; i++) {
        upper[i] =
            alpha.data[i] >= 'a' && alpha.data[i] <= 'z' ? alpha.data[i] - 0x20 : alpha.data[i];
    }
    const char *nearest = suggest_nearest(
        alpha.size == sizeof upper ? bytes_of(upper, sizeof upper) : alpha, names, count);
    if (nearest != NULL) {
        diagnostics_hint(diagnostics, "did you mean %s? Currencies are three capital letters",
                         nearest);
    } else {
        diagnostics_hint(diagnostics, "write its three capital letters, such as GBP or CNY");
    }
    return false;
}

bool
scalar_currency(const struct yaml_node *node, struct diagnostics *diagnostics,
                uint16_t *out_numeric)
{
    const struct currency *currency;
    if (!yaml_expect(node, YAML_TEXT, diagnostics) ||
        !find_currency(node, node->text, diagnostics, &currency)) {
        return false;
    }
    *out_numeric = currency->numeric;
    return true;
}

/* A decimal that is not negative; says what is wrong with it in terms of `what`. */
static bool
read_decimal(const struct yaml_node *node, struct bytes number, unsigned digits, const char *what,
             struct diagnostics *diagnostics, int64_t *out_value)
{
    int64_t value;
    enum decimal_status status = decimal_parse(number, digits, &value);
    if (status == DECIMAL_TOO_MANY_DIGITS) {
        diagnostics_error(diagnostics, node->place, "'%.*s' has too many decimals: %s has %u",
                          shown(number), (const char *)number.data, what, digits);
        diagnostics_hint(diagnostics, "nothing is rounded here: write the exact amount");
        return false;
    }
    if (status != DECIMAL_OK) {
        return complain_of(node, number, diagnostics, decimal_status_text(status));
    }
    if (value < 0) return complain_of(node, number, diagnostics, "is negative");
    *out_value = value;
    return true;
}

static bool
read_money(const struct yaml_node *node, struct bytes text, struct diagnostics *diagnostics,
           struct money *out_money)
{
    struct bytes number, alpha;
    const struct currency *currency;
    if (!split_words(text, &number, &alpha)) {
        diagnostics_error(diagnostics, node->place, "'%.*s' is not an amount of money", shown(text),
                          (const char *)text.data);
        diagnostics_hint(diagnostics, "write the amount and the currency, as in '500.00 GBP'");
        return false;
    }
    if (!find_currency(node, alpha, diagnostics, &currency) ||
        !read_decimal(node, number, currency->digits, currency->alpha, diagnostics,
                      &out_money->minor)) {
        return false;
    }
    out_money->currency = currency->numeric;
    return true;
}

bool
scalar_money(const struct yaml_node *node, struct diagnostics *diagnostics, struct money *out_money)
{
    struct money money;
    if (!yaml_expect(node, YAML_TEXT, diagnostics) ||
        !read_money(node, node->text, diagnostics, &money))
        return false;
    *out_money = money;
    return true;
}

bool
scalar_points(const struct yaml_node *node, unsigned scale, struct diagnostics *diagnostics,
              struct points *out_points)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    return read_decimal(node, node->text, scale, "the points currency", diagnostics,
                        &out_points->units);
}

static int64_t
power_of_ten(unsigned exponent)
{
    int64_t power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

bool
scalar_rate(const struct yaml_node *node, unsigned scale, struct diagnostics *diagnostics,
            struct rate *out_rate, uint16_t *out_numeric)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    static const char separator[] = " per ";
    const uint8_t *per = memmem(node->text.data, node->text.size, separator, sizeof separator - 1);
    if (per == NULL) {
        return complain(node, diagnostics, "is not a rate",
                        "write points per money, as in '1 per 1.00 GBP'");
    }
    struct bytes points_text = bytes_of(node->text.data, (size_t)(per - node->text.data));
    const uint8_t *money_start = per + sizeof separator - 1;
    struct bytes money_text =
        bytes_of(money_start, (size_t)(node->text.data + node->text.size - money_start));
    int64_t points;
    struct money money;
    if (!read_decimal(node, points_text, RATE_POINTS_DIGITS, "a rate", diagnostics, &points) ||
        !read_money(node, money_text, diagnostics, &money)) {
        return false;
    }
    if (points == 0 || money.minor == 0) {
        return complain(node, diagnostics, "is a rate of nothing or by nothing",
                        "both sides must be above zero; to earn nothing, remove the rule");
    }
    int64_t points_unit = power_of_ten(RATE_POINTS_DIGITS);
    int64_t money_unit = power_of_ten(currency_find(money.currency)->digits);
    bool absurd =
        points > RATE_POINTS_MAX * points_unit || money.minor > RATE_MONEY_MAX * money_unit;
    /* points / points_unit per money.minor / money_unit: at most RATE_POINTS_MAX per whole unit of
     * money */
    absurd = absurd ||
             (__int128)points * money_unit > (__int128)RATE_POINTS_MAX * points_unit * money.minor;
    if (absurd) {
        return complain(node, diagnostics, "is an absurd rate",
                        "at most 1,000,000 points per whole unit of money, and at most 1,000,000 "
                        "on either side");
    }
    if (!rate_make(points * power_of_ten(scale), money.minor * points_unit, out_rate)) return false;
    *out_numeric = money.currency;
    return true;
}

bool
scalar_cost(const struct yaml_node *node, struct diagnostics *diagnostics, struct rate *out_cost,
            uint16_t *out_numeric)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    struct bytes number, alpha;
    const struct currency *currency;
    int64_t value;
    if (!split_words(node->text, &number, &alpha)) {
        return complain(node, diagnostics, "is not an amount of money",
                        "write the amount and the currency, as in '0.0125 GBP'");
    }
    if (!find_currency(node, alpha, diagnostics, &currency) ||
        !read_decimal(node, number, currency->digits + COST_EXTRA_DIGITS, "a cost", diagnostics,
                      &value)) {
        return false;
    }
    if (!rate_make(value, power_of_ten(COST_EXTRA_DIGITS), out_cost)) {
        return complain(node, diagnostics, "is a cost of nothing",
                        "leave it out when points cost nothing");
    }
    *out_numeric = currency->numeric;
    return true;
}

bool
scalar_payment_rate(const struct yaml_node *node, unsigned scale, struct diagnostics *diagnostics,
                    struct rate *out_rate, uint16_t *out_numeric)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    static const char separator[] = " per ";
    const uint8_t *per = memmem(node->text.data, node->text.size, separator, sizeof separator - 1);
    if (per == NULL) {
        return complain(node, diagnostics, "is not what points are worth",
                        "write money per points, as in '0.01 GBP per 1'");
    }
    const uint8_t *start = per + sizeof separator - 1;
    struct bytes money_text = bytes_of(node->text.data, (size_t)(per - node->text.data));
    struct bytes points_text = bytes_of(start, (size_t)(node->text.data + node->text.size - start));
    struct money money;
    int64_t points;
    if (!read_money(node, money_text, diagnostics, &money) ||
        !read_decimal(node, points_text, scale, "the points currency", diagnostics, &points)) {
        return false;
    }
    int64_t money_unit = power_of_ten(currency_find(money.currency)->digits);
    bool absurd =
        money.minor > RATE_MONEY_MAX * money_unit || points > RATE_POINTS_MAX * power_of_ten(scale);
    if (absurd || !rate_make(money.minor, points, out_rate)) {
        return complain(node, diagnostics, "is not what points can be worth",
                        "both sides must be above zero, and at most 1,000,000");
    }
    *out_numeric = money.currency;
    return true;
}

bool
scalar_factor(const struct yaml_node *node, struct diagnostics *diagnostics,
              struct rate *out_factor)
{
    int64_t value;
    if (!yaml_expect(node, YAML_TEXT, diagnostics) ||
        !read_decimal(node, node->text, FACTOR_DIGITS, "a multiplier", diagnostics, &value)) {
        return false;
    }
    if (value == 0 || value > FACTOR_MAX * power_of_ten(FACTOR_DIGITS)) {
        return complain(node, diagnostics, "cannot be a multiplier",
                        "above 0 and at most 1000, as in 1.5");
    }
    return rate_make(value, power_of_ten(FACTOR_DIGITS), out_factor);
}
