/* Spending, paying with points, rewards and returns. */
#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

enum { THRESHOLDS_MAX = 5 };

/* The parts of a threshold that are set, in words. */
struct thresholds {
    const char *parts[THRESHOLDS_MAX];
    size_t count;
};

static void
threshold_add(struct explainer *explainer, struct thresholds *thresholds, int64_t value,
              enum explain_sentence sentence, const char *amount)
{
    CHECK(thresholds->count < THRESHOLDS_MAX);
    if (value != 0)
        thresholds->parts[thresholds->count++] = explain_fill(explainer, sentence, &amount, 1);
}

static const char *
word_thresholds(struct explainer *explainer, const struct thresholds *thresholds)
{
    return word_list(explainer, thresholds->parts, thresholds->count, SAYS_LIST_NEXT);
}

/* Everybody, or who holds a level or a higher one. */
static const char *
word_whom(struct explainer *explainer, uint32_t group, uint32_t level)
{
    if (group == PROGRAM_NONE) return WORDS(explainer, FOR_EVERYBODY);
    return WORDS(explainer, FOR_LEVEL, word_group(explainer, group),
                 word_name(explainer, explainer->program->groups[group].levels[level].id));
}

/* ---- Spending ---- */

static void
explain_spend_limit(struct explainer *explainer, const struct program_spend_limit *limit)
{
    uint32_t currency = limit->currency;
    struct thresholds thresholds = {.count = 0};
    threshold_add(explainer, &thresholds, limit->minimum, SAYS_AT_LEAST,
                  word_points(explainer, limit->minimum, currency));
    threshold_add(explainer, &thresholds, limit->multiple_of, SAYS_MULTIPLES,
                  word_points(explainer, limit->multiple_of, currency));
    threshold_add(explainer, &thresholds, limit->maximum, SAYS_UP_TO,
                  word_points(explainer, limit->maximum, currency));
    SAY(explainer, explainer->program->currencies[currency].id, SPEND_LIMIT,
        word_whom(explainer, limit->group, limit->level), word_thresholds(explainer, &thresholds));
}

void
explain_spending(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    const struct program_spending *spending = &program->spending;
    SAY(explainer, NO_ITEM, HOLD_TIMEOUT, word_elapsed(explainer, spending->hold_timeout_ms));
    if (spending->restore_grace_ms == 0) {
        SAY(explainer, NO_ITEM, RESTORE_NOT);
    } else {
        SAY(explainer, NO_ITEM, RESTORE_GRACE, word_elapsed(explainer, spending->restore_grace_ms));
    }
    SAY(explainer, NO_ITEM, HIGHEST_HOLDS);
    for (uint32_t currency = 0; currency < program->currency_count; currency++) {
        if (program->currencies[currency].qualifying) continue;
        bool limited = false;
        for (uint32_t i = 0; i < spending->limit_count; i++) {
            const struct program_spend_limit *limit = &spending->limits[i];
            if (limit->currency != currency) continue;
            if (!limited && limit->group != PROGRAM_NONE)
                SAY(explainer, program->currencies[currency].id, SPEND_FREE);
            explain_spend_limit(explainer, limit);
            limited = true;
        }
        if (!limited) SAY(explainer, program->currencies[currency].id, SPEND_FREE);
    }
}

/* ---- Paying ---- */

/* Whole points and money where that is exact, else in the reduced form. */
static void
explain_payment_rate(struct explainer *explainer, const struct program_payment *payment)
{
    uint32_t currency = payment->currency;
    int64_t unit = 1, minor = payment->rate.numerator, points = payment->rate.denominator;
    for (unsigned i = 0; i < explainer->program->currencies[currency].scale; i++)
        unit *= 10;
    __int128 product = (__int128)minor * unit;
    if (product % points == 0 && product / points <= INT64_MAX) {
        minor = (int64_t)(product / points);
        points = unit;
    }
    SAY(explainer, explainer->program->currencies[currency].id, PAYMENT,
        currency_find(payment->money)->alpha, word_points(explainer, points, currency),
        word_money(explainer, minor, payment->money));
}

void
explain_payments(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->spending.payment_count; i++) {
        const struct program_payment *payment = &program->spending.payments[i];
        struct bytes id = program->currencies[payment->currency].id;
        const char *money = currency_find(payment->money)->alpha;
        struct thresholds thresholds = {.count = 0};
        explain_payment_rate(explainer, payment);
        threshold_add(explainer, &thresholds, payment->minimum, SAYS_AT_LEAST,
                      word_amount(explainer, payment->minimum, payment->currency));
        threshold_add(explainer, &thresholds, payment->multiple_of, SAYS_MULTIPLES,
                      word_amount(explainer, payment->multiple_of, payment->currency));
        threshold_add(explainer, &thresholds, payment->max_points, SAYS_UP_TO,
                      word_amount(explainer, payment->max_points, payment->currency));
        threshold_add(explainer, &thresholds, payment->max_amount_minor, SAYS_UP_TO,
                      word_money(explainer, payment->max_amount_minor, payment->money));
        threshold_add(explainer, &thresholds, payment->min_cash_due_minor, SAYS_CASH_LEFT,
                      word_money(explainer, payment->min_cash_due_minor, payment->money));
        if (thresholds.count == 0) {
            SAY(explainer, id, PAYMENT_FREE, money);
        } else {
            SAY(explainer, id, PAYMENT_LIMITS, money, word_thresholds(explainer, &thresholds));
        }
    }
}

/* ---- Rewards ---- */

void
explain_rewards(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->spending.reward_count; i++) {
        const struct program_reward *reward = &program->spending.rewards[i];
        for (uint32_t k = 0; k < reward->price_count; k++) {
            const struct program_price *price = &reward->prices[k];
            SAY(explainer, reward->id, PRICE,
                word_amount(explainer, price->points, price->currency),
                word_whom(explainer, price->group, price->level));
        }
        if (reward->times.count == 0) {
            SAY(explainer, reward->id, REWARD_OFTEN);
        } else {
            SAY(explainer, reward->id, REWARD_AT_MOST, word_times(explainer, reward->times.count),
                word_per(explainer, reward->times.per, 0));
        }
        explain_filter(explainer, reward->id, &reward->filter, false);
    }
}

/* ---- Returns ---- */

static void
explain_write_off(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    if (program->returns.arrears != ARREARS_ALLOW) return;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        const struct program_currency *currency = &program->currencies[i];
        if (program->returns.write_off[i] == 0) {
            SAY(explainer, currency->id, WRITE_OFF_NOT);
        } else {
            SAY(explainer, currency->id, WRITE_OFF,
                word_points(explainer, program->returns.write_off[i], i));
        }
    }
}

void
explain_returns(struct explainer *explainer)
{
    static const enum explain_sentence methods[] = {
        [CLAW_RECOMPUTE] = SAYS_RETURN_RECOMPUTE,
        [CLAW_ITEM] = SAYS_RETURN_ITEM,
        [CLAW_VALUE_SHARE] = SAYS_RETURN_VALUE_SHARE,
    };
    static const enum explain_sentence arrears[] = {
        [ARREARS_ALLOW] = SAYS_ARREARS_ALLOW,
        [ARREARS_WITHIN_BALANCE] = SAYS_ARREARS_WITHIN_BALANCE,
        [ARREARS_ONLY_PENDING] = SAYS_ARREARS_ONLY_PENDING,
    };
    const struct program_returns *returns = &explainer->program->returns;
    explain_say(explainer, NO_ITEM, methods[returns->method], NULL, 0);
    explain_say(explainer, NO_ITEM, arrears[returns->arrears], NULL, 0);
    if (returns->keeps_tier_value) {
        SAY(explainer, NO_ITEM, TIER_VALUE_STAYS);
    } else {
        SAY(explainer, NO_ITEM, TIER_VALUE_FALLS);
    }
    SAY(explainer, NO_ITEM, REFUND_WAITS, word_days(explainer, returns->wait_days));
    explain_write_off(explainer);
}
