/* Reading of the normalised form: limits, spending and returns. */
#include "engine/core/program_read_priv.h"

static const int64_t HOLD_MS_MIN = INT64_C(60) * 1000;
static const int64_t HOLD_MS_MAX = 90 * CALENDAR_DAY_MS;
static const int64_t WINDOW_MS_MAX = PROGRAM_DAYS_MAX * CALENDAR_DAY_MS;

/* ---- Limits ---- */

static void
read_measure(struct decoder *decoder, struct program_limit *limit)
{
    const struct program *program = decoder->program;
    limit->of = read_code(decoder, LIMITED_PURCHASE, LIMITED_REFUND, "what is limited");
    if (limit->of == LIMITED_ACTIVITY)
        limit->activity = read_text_or_none(decoder, "a limit's activity");
    limit->measure = read_code(decoder, MEASURE_COUNT, MEASURE_MONEY, "a limit's measure");
    if (limit->measure == MEASURE_POINTS) {
        limit->currency = read_index(decoder, program->currency_count, "a limit's currency");
        if (limit->of == LIMITED_REFUND) REFUSE(decoder, "a limit on the points of refunds");
    }
    if (limit->measure == MEASURE_MONEY) {
        limit->money = read_money(decoder, "a limit's money");
        if (limit->of != LIMITED_PURCHASE && limit->of != LIMITED_REFUND)
            REFUSE(decoder, "a limit on the money of what has none");
    }
}

static enum condition_scope
limit_scope(enum limited of)
{
    switch (of) {
    case LIMITED_PURCHASE: return CONDITION_SCOPE_ORDER;
    case LIMITED_ACTIVITY: return CONDITION_SCOPE_ACTIVITY;
    case LIMITED_REDEEM:
    case LIMITED_HOLD: return CONDITION_SCOPE_SPEND;
    case LIMITED_REFUND: break;
    }
    return CONDITION_SCOPE_MEMBER;
}

static void
read_limit(struct decoder *decoder, struct program_limit *limit)
{
    limit->id = read_id(decoder, "a limit");
    limit->priority = (int32_t)read_signed(decoder, INT32_MIN, INT32_MAX, "a priority");
    read_measure(decoder, limit);
    limit->own_mean = (struct rate){0, 1};
    if (read_flag(decoder, "whether a limit is a mean's")) {
        limit->own_mean = read_rate(decoder, "a limit's factor");
    } else {
        limit->max = (int64_t)read_number(decoder, 0, INT64_MAX, "a limit's most");
        limit->window_ms =
            (int64_t)read_number(decoder, 1, (uint64_t)WINDOW_MS_MAX, "a limit's window");
    }
    if (limit->of == LIMITED_REFUND)
        limit->after_redeem_ms =
            (int64_t)read_number(decoder, 0, (uint64_t)WINDOW_MS_MAX, "a time after a redemption");
    limit->action = read_code(decoder, LIMIT_REFUSE, LIMIT_FLAG, "a limit's action");
    if (limit->action == LIMIT_QUARANTINE && limit->of != LIMITED_PURCHASE &&
        limit->of != LIMITED_ACTIVITY) {
        REFUSE(decoder, "a quarantine of what grants nothing");
    }
    limit->when = read_condition(decoder, limit_scope(limit->of));
}

void
read_limits(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_limit *limits = read_list(decoder, 0, PROGRAM_LIMITS_MAX, sizeof *limits,
                                             "the number of limits", &program->limit_count);
    for (uint32_t i = 0; i < program->limit_count; i++) {
        read_limit(decoder, &limits[i]);
        const struct program_limit *before = i == 0 ? &limits[0] : &limits[i - 1];
        check_judged_order(decoder, i == 0, before->priority, before->id, limits[i].priority,
                           limits[i].id, "limits");
        for (uint32_t k = 0; k < i; k++) {
            if (bytes_equal(limits[k].id, limits[i].id)) REFUSE(decoder, "two limits have one id");
        }
    }
    program->limits = limits;
}

/* ---- Spending ---- */

/* For whom a threshold or a price is: everybody, or who holds a level or a higher one. */
struct whom {
    uint32_t currency, group, level;
};

static struct whom
read_whom(struct decoder *decoder)
{
    const struct program *program = decoder->program;
    struct whom whom = {.level = PROGRAM_NONE};
    whom.currency = read_index(decoder, program->currency_count, "a currency of spending");
    whom.group = read_option(decoder, program->group_count, "a tier group of spending");
    if (program->currency_count > 0 && program->currencies[whom.currency].qualifying)
        REFUSE(decoder, "what cannot be spent is spent");
    if (whom.group != PROGRAM_NONE) {
        whom.level =
            read_index(decoder, program->groups[whom.group].level_count, "a level of spending");
    }
    return whom;
}

/* By currency, everybody first, then by level; one group for each currency. */
static void
check_whom_order(struct decoder *decoder, struct whom before, struct whom whom)
{
    if (before.currency < whom.currency) return;
    bool in_order =
        before.currency == whom.currency && whom.group != PROGRAM_NONE &&
        (before.group == PROGRAM_NONE || (before.group == whom.group && before.level < whom.level));
    if (!in_order) REFUSE(decoder, "thresholds or prices are not in order of currency and level");
}

static int64_t
read_threshold(struct decoder *decoder)
{
    return (int64_t)read_number(decoder, 0, INT64_MAX, "a threshold of spending");
}

static void
read_spend_limits(struct decoder *decoder, struct program_spending *spending)
{
    struct program_spend_limit *limits =
        read_list(decoder, 0, PROGRAM_SPEND_LIMITS_MAX, sizeof *limits, "the limits of spending",
                  &spending->limit_count);
    struct whom before = {0};
    for (uint32_t i = 0; i < spending->limit_count; i++) {
        struct whom whom = read_whom(decoder);
        if (i != 0) check_whom_order(decoder, before, whom);
        limits[i] = (struct program_spend_limit){
            .currency = whom.currency, .group = whom.group, .level = whom.level};
        limits[i].minimum = read_threshold(decoder);
        limits[i].multiple_of = read_threshold(decoder);
        limits[i].maximum = read_threshold(decoder);
        before = whom;
    }
    spending->limits = limits;
}

static void
read_payments(struct decoder *decoder, struct program_spending *spending)
{
    const struct program *program = decoder->program;
    struct program_payment *payments = read_list(decoder, 0, PROGRAM_PAYMENTS_MAX, sizeof *payments,
                                                 "payments", &spending->payment_count);
    for (uint32_t i = 0; i < spending->payment_count; i++) {
        struct program_payment *payment = &payments[i];
        payment->currency = read_index(decoder, program->currency_count, "a payment's currency");
        if (program->currency_count > 0 && program->currencies[payment->currency].qualifying)
            REFUSE(decoder, "what cannot be spent is spent");
        payment->money = read_money(decoder, "a payment's money");
        payment->rate = read_rate(decoder, "a payment's rate");
        payment->max_points = read_threshold(decoder);
        payment->max_amount_minor = read_threshold(decoder);
        payment->minimum = read_threshold(decoder);
        payment->multiple_of = read_threshold(decoder);
        payment->min_cash_due_minor = read_threshold(decoder);
        bool in_order = i == 0 || payments[i - 1].currency < payment->currency ||
                        (payments[i - 1].currency == payment->currency &&
                         payments[i - 1].money < payment->money);
        if (!in_order) REFUSE(decoder, "payments are not in order of currency and money");
    }
    spending->payments = payments;
}

static void
read_prices(struct decoder *decoder, struct program_reward *reward)
{
    struct program_price *prices = read_list(decoder, 1, PROGRAM_PRICES_MAX, sizeof *prices,
                                             "the prices of a reward", &reward->price_count);
    struct whom before = {0};
    for (uint32_t i = 0; i < reward->price_count; i++) {
        struct whom whom = read_whom(decoder);
        if (i != 0) check_whom_order(decoder, before, whom);
        prices[i] = (struct program_price){
            .currency = whom.currency,
            .group = whom.group,
            .level = whom.level,
            .points = (int64_t)read_number(decoder, 1, INT64_MAX, "a price"),
        };
        before = whom;
    }
    reward->prices = prices;
}

static void
read_rewards(struct decoder *decoder, struct program_spending *spending)
{
    struct program_reward *rewards = read_list(decoder, 0, PROGRAM_REWARDS_MAX, sizeof *rewards,
                                               "the number of rewards", &spending->reward_count);
    for (uint32_t i = 0; i < spending->reward_count; i++) {
        rewards[i].id = read_id(decoder, "a reward");
        read_prices(decoder, &rewards[i]);
        rewards[i].times = read_times(decoder);
        rewards[i].filter =
            read_filter(decoder, FILTER_WHEN | FILTER_WINDOW, CONDITION_SCOPE_SPEND);
        check_id_order(decoder, i == 0 ? NULL : &rewards[i - 1].id, rewards[i].id, "rewards");
    }
    spending->rewards = rewards;
}

void
read_spending(struct decoder *decoder)
{
    struct program_spending *spending = &decoder->program->spending;
    spending->hold_timeout_ms = (int64_t)read_number(decoder, (uint64_t)HOLD_MS_MIN,
                                                     (uint64_t)HOLD_MS_MAX, "a hold's time");
    spending->restore_grace_ms =
        (int64_t)read_number(decoder, 0, (uint64_t)WINDOW_MS_MAX, "a restore grace");
    read_spend_limits(decoder, spending);
    read_payments(decoder, spending);
    read_rewards(decoder, spending);
}

/* ---- Returns ---- */

void
read_returns(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_returns *returns = &program->returns;
    returns->method = read_code(decoder, CLAW_RECOMPUTE, CLAW_VALUE_SHARE, "a claw-back");
    returns->arrears = read_code(decoder, ARREARS_ALLOW, ARREARS_ONLY_PENDING, "arrears");
    for (uint32_t i = 0; i < program->currency_count; i++)
        returns->write_off[i] = (int64_t)read_number(decoder, 0, INT64_MAX, "a write-off");
    returns->keeps_tier_value = read_flag(decoder, "tier value after a refund");
    returns->wait_days =
        (int32_t)read_number(decoder, 1, PROGRAM_DAYS_MAX, "the days of a waiting refund");
}
