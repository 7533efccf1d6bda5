/* The programme itself, who pays, the stores, and the kinds of points. */
#include <inttypes.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/rules/explain_priv.h"
#include "engine/rules/local_time.h"

/* ---- General ---- */

void
explain_general(struct explainer *explainer)
{
    static const enum explain_sentence unknown[] = {
        [UNKNOWN_AUTO_ENROL] = SAYS_UNKNOWN_AUTO_ENROL,
        [UNKNOWN_REJECT] = SAYS_UNKNOWN_REJECT,
        [UNKNOWN_PARK] = SAYS_UNKNOWN_PARK,
    };
    const struct program *program = explainer->program;
    char instant[LOCAL_TIME_TEXT_MAX];
    local_time_format(&program->zone, program->effective_from, instant);
    struct local local = local_of(explainer, program->effective_from);
    SAY(explainer, NO_ITEM, JUDGES_FROM, word_local(explainer, local), instant);
    SAY(explainer, NO_ITEM, ZONE, word_name(explainer, program->zone_name),
        word_number(explainer, program->zone.count));
    SAY(explainer, NO_ITEM, ACCEPT_FUTURE, word_elapsed(explainer, program->accept_future_ms));
    SAY(explainer, NO_ITEM, ACCEPT_PAST, word_elapsed(explainer, program->accept_past_ms));
    explain_say(explainer, NO_ITEM, unknown[program->unknown_member], NULL, 0);
}

/* ---- Who pays, and stores ---- */

/* What points cost, exactly: one may be finer than the money's minor unit. */
static void
explain_cost(struct explainer *explainer, const struct program_funder *funder)
{
    const struct currency *currency = currency_find(funder->money);
    struct rate cost = funder->unit_cost;
    int64_t unit = 1, scaled;
    for (unsigned digits = currency->digits; digits <= DECIMAL_DIGITS_MAX; digits++, unit *= 10) {
        if (unit % cost.denominator != 0 ||
            __builtin_mul_overflow(cost.numerator, unit / cost.denominator, &scaled))
            continue;
        SAY(explainer, funder->id, FUNDER_COST,
            WORDS(explainer, AMOUNT, word_decimal(explainer, scaled, digits, false),
                  currency->alpha));
        return;
    }
    SAY(explainer, funder->id, FUNDER_COST_OF_MANY,
        word_money(explainer, cost.numerator, funder->money),
        word_number(explainer, cost.denominator));
}

void
explain_funders(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->funder_count; i++) {
        const struct program_funder *funder = &program->funders[i];
        if (funder->money == 0) {
            SAY(explainer, funder->id, FUNDER_PLAIN);
        } else {
            explain_cost(explainer, funder);
        }
    }
}

void
explain_stores(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->store_count; i++) {
        const struct program_store *store = &program->stores[i];
        SAY(explainer, store->id, STORE_ZONE,
            word_name(explainer, program->zones[store->zone].name));
    }
}

/* ---- Expiry ---- */

static const char *
word_start(struct explainer *explainer, bool from_earning)
{
    return from_earning ? WORDS(explainer, FROM_EARNING) : WORDS(explainer, FROM_ACTIVATION);
}

static const char *
word_rounding_up(struct explainer *explainer, const struct program_expiry *expiry)
{
    if (expiry->round_month != 0)
        return WORDS(explainer, TO_MONTH_NAMED, word_month(explainer, expiry->round_month));
    switch (expiry->round_up_to) {
    case CALENDAR_NONE: return WORDS(explainer, TO_INSTANT);
    case CALENDAR_DAY: return WORDS(explainer, TO_DAY);
    case CALENDAR_WEEK: return WORDS(explainer, TO_WEEK);
    case CALENDAR_MONTH: return WORDS(explainer, TO_MONTH);
    case CALENDAR_QUARTER: return WORDS(explainer, TO_QUARTER);
    case CALENDAR_YEAR: return WORDS(explainer, TO_YEAR);
    }
    UNREACHABLE();
}

static const char *
word_counts(struct explainer *explainer, const struct program_expiry *expiry)
{
    static const struct {
        uint32_t bit;
        enum explain_sentence word;
    } rows[] = {
        {COUNTS_PURCHASE, SAYS_COUNTS_PURCHASE}, {COUNTS_REDEEM, SAYS_COUNTS_REDEEM},
        {COUNTS_HOLD, SAYS_COUNTS_HOLD},         {COUNTS_DELIVERED, SAYS_COUNTS_DELIVERED},
        {COUNTS_ACTIVITY, SAYS_COUNTS_ACTIVITY},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    const char **items = explain_room(explainer, ROWS + expiry->count_kinds.count, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if ((expiry->counts & rows[i].bit) != 0)
            items[count++] = explain_fill(explainer, rows[i].word, NULL, 0);
    }
    for (uint32_t i = 0; i < expiry->count_kinds.count; i++) {
        items[count++] =
            WORDS(explainer, COUNTS_KIND, word_quoted(explainer, expiry->count_kinds.items[i]));
    }
    return word_list(explainer, items, count, SAYS_LIST_NEXT);
}

/* After nothing but a rounding: at the end of the very period. */
static void
explain_period(struct explainer *explainer, struct bytes item, const struct program_expiry *expiry,
               const char *start)
{
    const char *end = word_rounding_up(explainer, expiry);
    if (expiry->amount == 0) {
        SAY(explainer, item, EXPIRE_THERE, start, end);
    } else {
        SAY(explainer, item, EXPIRE_AFTER, word_period(explainer, expiry->amount, expiry->unit),
            start, end);
    }
}

static void
explain_expiry(struct explainer *explainer, const struct program_currency *currency)
{
    const struct program_expiry *expiry = &currency->expiry;
    const char *start = word_start(explainer, expiry->from_earning);
    switch (expiry->kind) {
    case EXPIRY_NONE: SAY(explainer, currency->id, EXPIRE_NEVER); return;
    case EXPIRY_PERIOD: explain_period(explainer, currency->id, expiry, start); break;
    case EXPIRY_DATES:
        SAY(explainer, currency->id, EXPIRE_DATES,
            word_dates(explainer, expiry->dates, expiry->date_count), start);
        break;
    case EXPIRY_ANNIVERSARY: SAY(explainer, currency->id, EXPIRE_ANNIVERSARY, start); break;
    case EXPIRY_INACTIVITY:
        SAY(explainer, currency->id, EXPIRE_INACTIVITY,
            word_period(explainer, expiry->amount, expiry->unit), word_counts(explainer, expiry));
        break;
    }
    if (expiry->grace_days == 0) {
        SAY(explainer, currency->id, LAPSING_NOT);
    } else {
        SAY(explainer, currency->id, LAPSING, word_days(explainer, expiry->grace_days));
    }
    if (currency->notice_days == 0) {
        SAY(explainer, currency->id, NOTICE_NOT);
    } else {
        SAY(explainer, currency->id, NOTICE, word_days(explainer, currency->notice_days));
    }
}

/* ---- Currencies ---- */

void
explain_currencies(struct explainer *explainer)
{
    static const enum explain_sentence rounding[] = {
        [ROUNDING_FLOOR] = SAYS_ROUND_FLOOR,
        [ROUNDING_CEIL] = SAYS_ROUND_CEIL,
        [ROUNDING_HALF_UP] = SAYS_ROUND_HALF_UP,
        [ROUNDING_HALF_EVEN] = SAYS_ROUND_HALF_EVEN,
    };
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        const struct program_currency *currency = &program->currencies[i];
        if (currency->qualifying) {
            SAY(explainer, currency->id, CURRENCY_QUALIFYING);
        } else {
            SAY(explainer, currency->id, CURRENCY_SPENDABLE);
        }
        const char *mode = explain_fill(explainer, rounding[currency->rounding], NULL, 0);
        if (currency->scale == 0) {
            SAY(explainer, currency->id, CURRENCY_WHOLE, mode);
        } else {
            SAY(explainer, currency->id, CURRENCY_DECIMALS, mode,
                word_count(explainer, currency->scale, SAYS_DECIMALS_1, SAYS_DECIMALS));
        }
        explain_expiry(explainer, currency);
    }
}
