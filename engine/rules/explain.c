#include "engine/rules/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/core/calendar.h"
#include "engine/rules/schema.h"

enum { AMOUNT_TEXT_MAX = DECIMAL_TEXT_MAX + 16, FACTOR_DIGITS = 6, FACTOR_UNIT = 1000000 };

/* For printf's "%.*s". */
#define SHOWN(span) (int)(span).size, (const char *)(span).data

/* ---- Values in words
 * ------------------------------------------------------------------------------------------------
 */

/* 90000 → "90 s", 300000 → "5 min": the largest unit that is exact. */
static const char *
elapsed_text(int64_t ms, char buffer[AMOUNT_TEXT_MAX])
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"days", CALENDAR_DAY_MS}, {"h", 3600000}, {"min", 60000}, {"s", 1000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ms == 0 || ms % units[i].ms != 0) continue;
        snprintf(buffer, AMOUNT_TEXT_MAX, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
        return buffer;
    }
    snprintf(buffer, AMOUNT_TEXT_MAX, "%" PRId64 " ms", ms);
    return buffer;
}

static const char *
money_text(int64_t minor, uint16_t numeric, char buffer[AMOUNT_TEXT_MAX])
{
    const struct currency *currency = currency_find(numeric);
    CHECK(currency != NULL);
    char number[DECIMAL_TEXT_MAX];
    decimal_format(minor, currency->digits, number, sizeof number);
    snprintf(buffer, AMOUNT_TEXT_MAX, "%s %s", number, currency->alpha);
    return buffer;
}

/* A rate per whole unit of money where that is exact ("2 per 1.00 GBP"), else in its reduced form
 * ("3 per 2.00 GBP"). */
static void
print_rate(struct rate rate, uint16_t numeric, unsigned scale, FILE *out)
{
    int64_t money_unit = 1;
    for (unsigned i = 0; i < currency_find(numeric)->digits; i++) {
        money_unit *= 10;
    }
    int64_t points = rate.numerator, money = rate.denominator;
    __int128 product = (__int128)points * money_unit;
    if (product % money == 0 && product / money <= INT64_MAX) {
        points = (int64_t)(product / money);
        money = money_unit;
    }
    char points_text[DECIMAL_TEXT_MAX], buffer[AMOUNT_TEXT_MAX];
    decimal_format(points, scale, points_text, sizeof points_text);
    fprintf(out, "%s per %s", points_text, money_text(money, numeric, buffer));
}

/* 3/2 → "1.5". A factor that is no short decimal stays a fraction. */
static void
print_factor(struct rate factor, FILE *out)
{
    int64_t scaled;
    if (FACTOR_UNIT % factor.denominator != 0 ||
        __builtin_mul_overflow(factor.numerator, FACTOR_UNIT / factor.denominator, &scaled)) {
        fprintf(out, "%" PRId64 "/%" PRId64, factor.numerator, factor.denominator);
        return;
    }
    char text[DECIMAL_TEXT_MAX];
    size_t size = decimal_format(scaled, FACTOR_DIGITS, text, sizeof text);
    while (text[size - 1] == '0') {
        size--;
    }
    if (text[size - 1] == '.') size--;
    fprintf(out, "%.*s", (int)size, text);
}

/* "goods and fee lines, net of discount, tax included, …" */
static void
print_basis(const struct program_basis *basis, FILE *out)
{
    const struct schema_words *kinds = &schema_words_line_kind;
    unsigned left = (unsigned)__builtin_popcount(basis->line_kinds);
    for (size_t i = 0; i < kinds->count; i++) {
        if ((basis->line_kinds & UINT32_C(1) << kinds->codes[i]) == 0) continue;
        left--;
        fprintf(out, "%s%s", kinds->texts[i], left == 0 ? " lines" : left == 1 ? " and " : ", ");
    }
    fprintf(out, ", %s, %s, %s",
            (basis->flags & BASIS_LESS_DISCOUNT) != 0 ? "net of discount" : "before discount",
            (basis->flags & BASIS_WITHOUT_TAX) != 0 ? "without tax" : "tax included",
            (basis->flags & BASIS_WITHOUT_TENDER) != 0
                ? "less what was paid with points or gift cards"
                : "also what was paid with points or gift cards");
}

/* ---- Sections
 * -------------------------------------------------------------------------------------------------------
 */

static void
explain_head(const struct program *program, FILE *out)
{
    char instant[INSTANT_TEXT_MAX], buffer[AMOUNT_TEXT_MAX];
    fprintf(out, "Programme %.*s, version %" PRIu32 "\n\nGeneral\n", SHOWN(program->name),
            program->version);
    instant_format(program->effective_from, instant);
    struct local local = calendar_local(&program->zone, program->effective_from);
    struct civil_date date = calendar_date(local);
    int64_t minute = (local.ms - calendar_midnight(date).ms) / 60000;
    fprintf(out, "- It judges what happens from %04d-%02d-%02d %02d:%02d local time on (%s).\n",
            (int)date.year, date.month, date.day, (int)(minute / 60), (int)(minute % 60), instant);
    fprintf(out,
            "- Days, months and years are those of %.*s, whose clock changes are fixed with this "
            "version: %u until %d.\n",
            SHOWN(program->zone_name), program->zone.count, 2100);
    fprintf(out, "- An event may be at most %s ahead of the journal's time",
            elapsed_text(program->accept_future_ms, buffer));
    fprintf(out, " and at most %s old when it arrives.\n",
            elapsed_text(program->accept_past_ms, buffer));
    static const char *const unknown[] = {
        [UNKNOWN_AUTO_ENROL] = "A member whom nobody has enrolled is enrolled by the first event "
                               "that earns (auto-enrol).",
        [UNKNOWN_REJECT] = "Events of a member whom nobody has enrolled are refused (reject).",
        [UNKNOWN_PARK] = "Events of a member whom nobody has enrolled wait until somebody does "
                         "(park).",
    };
    fprintf(out, "- %s\n", unknown[program->unknown_member]);
}

static const char *
rounding_words(enum rounding rounding)
{
    switch (rounding) {
    case ROUNDING_FLOOR: return "down";
    case ROUNDING_CEIL: return "up";
    case ROUNDING_HALF_UP: return "to the nearest, halves up";
    case ROUNDING_HALF_EVEN: return "to the nearest, halves to the even neighbour";
    }
    UNREACHABLE();
}

static const char *
unit_words(enum calendar_unit unit, bool one)
{
    switch (unit) {
    case CALENDAR_DAY: return one ? "day" : "days";
    case CALENDAR_WEEK: return one ? "week" : "weeks";
    case CALENDAR_MONTH: return one ? "month" : "months";
    case CALENDAR_QUARTER: return one ? "quarter" : "quarters";
    case CALENDAR_YEAR: return one ? "year" : "years";
    case CALENDAR_NONE: break;
    }
    UNREACHABLE();
}

static void
explain_period(const struct program_currency *currency, FILE *out)
{
    const struct program_expiry *expiry = &currency->expiry;
    fprintf(out, "- %.*s: expire %d %s after they %s", SHOWN(currency->id), (int)expiry->amount,
            unit_words(expiry->unit, expiry->amount == 1),
            expiry->from_earning ? "were earned" : "become spendable");
    if (expiry->round_month != 0) {
        fprintf(out, ", at the next end of month %u.\n", expiry->round_month);
    } else if (expiry->round_up_to == CALENDAR_NONE) {
        fputs(", to the instant.\n", out);
    } else {
        fprintf(out, ", at the end of that %s.\n", unit_words(expiry->round_up_to, true));
    }
}

static void
explain_currency(const struct program_currency *currency, FILE *out)
{
    fprintf(out, "- %.*s: %s; ", SHOWN(currency->id),
            currency->qualifying ? "count for levels only and cannot be spent" : "can be spent");
    if (currency->scale == 0) {
        fputs("whole points; ", out);
    } else {
        fprintf(out, "%u decimals; ", currency->scale);
    }
    fprintf(out, "each grant is rounded once, %s.\n", rounding_words(currency->rounding));
    const struct program_expiry *expiry = &currency->expiry;
    int32_t amount = expiry->amount;
    switch (expiry->kind) {
    case EXPIRY_NONE: fprintf(out, "- %.*s: never expire.\n", SHOWN(currency->id)); return;
    case EXPIRY_DATES:
        fprintf(out, "- %.*s: expire on fixed days of the year", SHOWN(currency->id));
        for (uint32_t i = 0; i < expiry->date_count; i++)
            fprintf(out, " %02u-%02u", expiry->dates[i].month, expiry->dates[i].day);
        fputs(".\n", out);
        break;
    case EXPIRY_ANNIVERSARY:
        fprintf(out, "- %.*s: expire at the next member anniversary.\n", SHOWN(currency->id));
        break;
    case EXPIRY_INACTIVITY:
        fprintf(out, "- %.*s: expire after %d %s without activity.\n", SHOWN(currency->id),
                (int)amount, unit_words(expiry->unit, amount == 1));
        break;
    case EXPIRY_PERIOD: explain_period(currency, out); break;
    }
    if (currency->notice_days == 0) {
        fprintf(out, "- %.*s: no notice goes out before they expire.\n", SHOWN(currency->id));
    } else {
        fprintf(out, "- %.*s: a notice goes out %d days before they expire.\n", SHOWN(currency->id),
                (int)currency->notice_days);
    }
}

static void
print_amount(const struct program_rule *rule, unsigned scale, FILE *out)
{
    char buffer[AMOUNT_TEXT_MAX];
    switch (rule->kind) {
    case RULE_RATE: print_rate(rule->rate, rule->money, scale, out); return;
    case RULE_FLAT:
        decimal_format(rule->flat, scale, buffer, sizeof buffer);
        fputs(buffer, out);
        return;
    case RULE_BANDS:
        for (uint32_t i = 0; i < rule->band_count; i++) {
            fputs(i == 0 ? "" : ", then ", out);
            print_rate(rule->bands[i].rate, rule->money, scale, out);
            if (i + 1 == rule->band_count) continue;
            fprintf(out, " up to %s", money_text(rule->bands[i].up_to_minor, rule->money, buffer));
        }
        return;
    }
}

static void
explain_rule(const struct program *program, const struct program_rule *rule, FILE *out)
{
    const struct program_currency *currency = &program->currencies[rule->currency];
    fprintf(out, "- %.*s: earns ", SHOWN(rule->id));
    print_amount(rule, currency->scale, out);
    fprintf(out, " in %.*s", SHOWN(currency->id));
    if (rule->filter.categories.count == 0) {
        fputs(", in every category", out);
    } else {
        fprintf(out, ", only in %s ",
                rule->filter.categories.count == 1 ? "the category" : "the categories");
        for (uint32_t i = 0; i < rule->filter.categories.count; i++) {
            fprintf(out, "%s\"%.*s\"", i == 0 ? "" : ", ", SHOWN(rule->filter.categories.items[i]));
        }
    }
    if (rule->tier_group < 0) {
        fputs("; no level multiplies it", out);
    } else {
        fprintf(out, "; times the multiplier of the level held in %.*s when the order was placed",
                SHOWN(program->groups[rule->tier_group].id));
    }
    fprintf(out, "; priority %d.\n", (int)rule->priority);
    fprintf(out, "- %.*s: what counts: ", SHOWN(rule->id));
    print_basis(&rule->basis, out);
    fputs(".\n", out);
}

static void
explain_earning(const struct program *program, FILE *out)
{
    static const char *const combine[] = {
        [COMBINE_MAX] = "the one that gives most counts (max)",
        [COMBINE_SUM] = "all of them count (sum)",
        [COMBINE_FIRST] = "the one of the highest priority counts (first)",
    };
    fputs("\nEarning, in order of priority\n", out);
    if (program->rule_count == 0) fputs("- Nothing earns points.\n", out);
    for (uint32_t i = 0; i < program->rule_count; i++) {
        explain_rule(program, &program->rules[i], out);
    }
    fprintf(out, "- When several rules earn the same currency on one order line, %s.\n",
            combine[program->line_combine]);
}

/* "500.00 GBP", "1000 growth", "12 visits" */
static void
print_threshold(const struct program *program, const struct program_metric *metric,
                int64_t threshold, FILE *out)
{
    char buffer[AMOUNT_TEXT_MAX];
    switch (metric->kind) {
    case METRIC_SPEND: fputs(money_text(threshold, metric->money, buffer), out); return;
    case METRIC_POINTS:
    case METRIC_BALANCE:
        decimal_format(threshold, program->currencies[metric->currency].scale, buffer,
                       sizeof buffer);
        fprintf(out, "%s %.*s", buffer, SHOWN(program->currencies[metric->currency].id));
        return;
    case METRIC_VISITS: fprintf(out, "%" PRId64 " visits", threshold); return;
    case METRIC_MISSIONS: fprintf(out, "%" PRId64 " missions", threshold); return;
    }
}

static void
explain_level(const struct program *program, const struct program_group *group,
              const struct program_level *level, FILE *out)
{
    fprintf(out, "- %.*s: %.*s from ", SHOWN(group->id), SHOWN(level->id));
    for (uint32_t i = 0; i < group->metric_count; i++) {
        fputs(i == 0 ? "" : group->match_any ? " or " : " and ", out);
        print_threshold(program, &group->metrics[i], level->thresholds[i], out);
    }
    fputs(" on; points times ", out);
    print_factor(level->multiplier, out);
    fputs(".\n", out);
}

static void
print_metric(const struct program *program, const struct program_metric *metric, FILE *out)
{
    switch (metric->kind) {
    case METRIC_SPEND:
        fprintf(out, "what is spent in %s (", currency_find(metric->money)->alpha);
        print_basis(&metric->basis, out);
        fputs(")", out);
        return;
    case METRIC_POINTS:
        fprintf(out, "the %.*s earned", SHOWN(program->currencies[metric->currency].id));
        return;
    case METRIC_BALANCE:
        fprintf(out, "the %.*s held at the moment",
                SHOWN(program->currencies[metric->currency].id));
        return;
    case METRIC_VISITS:
        if (metric->of_purchases) {
            fputs("the number of purchases", out);
        } else {
            fprintf(out, "the number of times of %.*s", SHOWN(metric->activity));
        }
        return;
    case METRIC_MISSIONS:
        if (metric->mission == PROGRAM_NONE) {
            fputs("the number of completed missions", out);
        } else {
            fprintf(out, "how often the mission %.*s was completed",
                    SHOWN(program->missions[metric->mission].id));
        }
        return;
    }
}

static void
print_window(const struct program_group *group, FILE *out)
{
    switch (group->window) {
    case WINDOW_LIFETIME: fputs("over the whole membership", out); return;
    case WINDOW_CALENDAR_YEAR: fputs("in each calendar year", out); return;
    case WINDOW_CALENDAR_QUARTER: fputs("in each calendar quarter", out); return;
    case WINDOW_CALENDAR_MONTH: fputs("in each calendar month", out); return;
    case WINDOW_CALENDAR_WEEK: fputs("in each calendar week", out); return;
    case WINDOW_ROLLING_DAYS: fprintf(out, "over the last %d days", (int)group->rolling); return;
    case WINDOW_ROLLING_MONTHS:
        fprintf(out, "over the last %d months", (int)group->rolling);
        return;
    case WINDOW_ANNIVERSARY: fputs("in each year of the membership", out); return;
    }
}

static void
explain_group(const struct program *program, const struct program_group *group, FILE *out)
{
    fprintf(out, "- %.*s: measured by ", SHOWN(group->id));
    for (uint32_t i = 0; i < group->metric_count; i++) {
        fputs(i == 0 ? "" : " and ", out);
        print_metric(program, &group->metrics[i], out);
    }
    fputs(", ", out);
    print_window(group, out);
    fputs(".\n", out);
    for (uint32_t i = 0; i < group->level_count; i++) {
        explain_level(program, group, &group->levels[i], out);
    }
    static const char *const downgrade[] = {
        [DOWNGRADE_NONE] = "nobody goes down",
        [DOWNGRADE_ONE_STEP] = "who no longer meets the level held goes down one level",
        [DOWNGRADE_TO_QUALIFIED] =
            "who no longer meets the level held goes down to the level that is met",
    };
    const char *review = group->window == WINDOW_LIFETIME        ? ""
                         : group->window == WINDOW_CALENDAR_YEAR ? "at the end of the year "
                                                                 : "at the review ";
    fprintf(out, "- %.*s: members go up %s; %s%s.\n", SHOWN(group->id),
            group->upgrade == UPGRADE_IMMEDIATE ? "at once" : "when the next period begins", review,
            downgrade[group->downgrade]);
}

static void
explain_returns(const struct program_returns *returns, FILE *out)
{
    static const char *const methods[] = {
        [CLAW_RECOMPUTE] = "what the order would not have earned without the goods (recompute)",
        [CLAW_ITEM] = "each line's own points, times the part of the line that is returned (item)",
        [CLAW_VALUE_SHARE] = "the share of the value that is returned (value_share)",
    };
    static const char *const arrears[] = {
        [ARREARS_ALLOW] = "are owed, and the next points earned pay them first (allow)",
        [ARREARS_WITHIN_BALANCE] = "are not taken back (within_balance)",
        [ARREARS_ONLY_PENDING] =
            "are not taken back, and only points that could not be spent yet are (only_pending)",
    };
    fprintf(out, "\nReturns\n- A refund takes back %s.\n", methods[returns->method]);
    fprintf(out, "- Points of a returned purchase that are spent already %s.\n",
            arrears[returns->arrears]);
}

void
explain_program(const struct program *program, FILE *out)
{
    explain_head(program, out);
    fputs("\nPoints\n", out);
    for (uint32_t i = 0; i < program->currency_count; i++) {
        explain_currency(&program->currencies[i], out);
    }
    explain_earning(program, out);
    fputs("\nLevels\n", out);
    if (program->group_count == 0) fputs("- There are no levels.\n", out);
    for (uint32_t i = 0; i < program->group_count; i++) {
        explain_group(program, &program->groups[i], out);
    }
    explain_returns(&program->returns, out);
}

/* ---- Changes
 * --------------------------------------------------------------------------------------------------------
 */

struct lines {
    char *text; /* owned; each line ends in NUL */
    size_t text_size;
    const char **all; /* in order of the text */
    const char **sorted;
    size_t count;
};

static int
compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void
lines_fini(struct lines *lines)
{
    free(lines->text);
    free(lines->all);
    free(lines->sorted);
}

/* Explains into lines. False when memory is short; `lines` is to be released either way. */
static bool
lines_make(const struct program *program, struct lines *lines)
{
    *lines = (struct lines){0};
    FILE *stream = open_memstream(&lines->text, &lines->text_size);
    if (stream == NULL) return false;
    explain_program(program, stream);
    if (fclose(stream) != 0) return false;
    for (size_t i = 0; i < lines->text_size; i++) {
        if (lines->text[i] == '\n') lines->count++;
    }
    lines->all = calloc(lines->count, sizeof *lines->all);
    lines->sorted = calloc(lines->count, sizeof *lines->sorted);
    if (lines->all == NULL || lines->sorted == NULL) return false;
    char *at = lines->text;
    for (size_t i = 0; i < lines->count; i++) {
        char *newline = strchr(at, '\n');
        *newline = '\0';
        lines->all[i] = lines->sorted[i] = at;
        at = newline + 1;
    }
    qsort(lines->sorted, lines->count, sizeof *lines->sorted, compare_texts);
    return true;
}

static bool
lines_have(const struct lines *lines, const char *line)
{
    return bsearch(&line, lines->sorted, lines->count, sizeof *lines->sorted, compare_texts) !=
           NULL;
}

/* Prints the lines between the headings `at` stands on and the next one that the other side lacks.
 */
static size_t
print_missing(const struct lines *lines, const struct lines *other, const char *sign, size_t at,
              bool *inout_headed, const char *heading, FILE *out)
{
    for (; at < lines->count && (lines->all[at][0] == '-'); at++) {
        if (lines_have(other, lines->all[at])) continue;
        if (!*inout_headed) fprintf(out, "%s\n", heading);
        *inout_headed = true;
        fprintf(out, "%s %s\n", sign, lines->all[at] + 2);
    }
    return at;
}

/* The line after a heading; the headings are the same in every explanation, and in the same order.
 */
static size_t
skip_to(const struct lines *lines, const char *heading, size_t at)
{
    while (at < lines->count && strcmp(lines->all[at], heading) != 0) {
        at++;
    }
    return at + 1;
}

bool
explain_changes(const struct program *previous, const struct program *next, FILE *out,
                struct fault *out_fault)
{
    static const char *const headings[] = {"General", "Points", "Earning, in order of priority",
                                           "Levels", "Returns"};
    struct lines before, after = {0};
    bool made = lines_make(previous, &before) && lines_make(next, &after);
    if (!made) {
        fault_set(out_fault, FAULT_UNAVAILABLE,
                  "not enough memory to compare two versions of a rulebook");
        goto done;
    }
    fprintf(out, "Changes from version %" PRIu32 " to version %" PRIu32 "\n", previous->version,
            next->version);
    bool any = false;
    size_t before_at = 0, after_at = 0;
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        bool headed = false;
        before_at = skip_to(&before, headings[i], before_at);
        after_at = skip_to(&after, headings[i], after_at);
        before_at = print_missing(&before, &after, "-", before_at, &headed, headings[i], out);
        after_at = print_missing(&after, &before, "+", after_at, &headed, headings[i], out);
        any = any || headed;
    }
    if (!any) fputs("Nothing changes of what is explained. Compare the files for the rest.\n", out);
done:
    lines_fini(&before);
    lines_fini(&after);
    return made;
}
