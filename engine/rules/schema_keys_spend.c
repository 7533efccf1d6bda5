/* The rulebook's keys: spending, returns, limits and approvals. */
#include "engine/rules/schema_keys_priv.h"

/* ---- Words ---- */

const struct schema_words schema_words_claw_back = {
    3,
    {"recompute", "item", "value_share"},
    {CLAW_RECOMPUTE, CLAW_ITEM, CLAW_VALUE_SHARE},
};
const struct schema_words schema_words_arrears = {
    3,
    {"allow", "within_balance", "only_pending"},
    {ARREARS_ALLOW, ARREARS_WITHIN_BALANCE, ARREARS_ONLY_PENDING},
};
const struct schema_words schema_words_tier_value = {
    2, {"recompute", "keep until period end"}, {0, 1}};
const struct schema_words schema_words_limited = {
    5,
    {"purchase", "activity", "redeem", "hold", "refund"},
    {LIMITED_PURCHASE, LIMITED_ACTIVITY, LIMITED_REDEEM, LIMITED_HOLD, LIMITED_REFUND},
};
const struct schema_words schema_words_measure = {
    3, {"count", "points", "money"}, {MEASURE_COUNT, MEASURE_POINTS, MEASURE_MONEY}};
const struct schema_words schema_words_limit_action = {
    3, {"refuse", "quarantine", "flag"}, {LIMIT_REFUSE, LIMIT_QUARANTINE, LIMIT_FLAG}};
const struct schema_words schema_words_quarantine = {2, {"release", "reject"}, {0, 1}};

/* ---- Spending ---- */

#define KEY_GROUP(what)                                                                            \
    {                                                                                              \
        .name = "group", .type = SCHEMA_NAME,                                                      \
        .help = "With `level`: the tier group that it is in. All " what                            \
                " of a currency that have a level name the same group.",                           \
        .example = "group: status"                                                                 \
    }
#define KEY_LEVEL(what)                                                                            \
    {                                                                                              \
        .name = "level", .type = SCHEMA_NAME,                                                      \
        .help = "Only for members of this level and of higher ones, unless " what                  \
                " names a higher one that they hold too. Left out: for everybody.",                \
        .example = "level: gold"                                                                   \
    }

static const struct schema_key spend_limit_keys[] = {
    KEY_CURRENCY,
    KEY_GROUP("limits"),
    KEY_LEVEL("another limit"),
    {.name = "minimum",
     .type = SCHEMA_POINTS,
     .help = "The fewest points that can be spent at once.",
     .example = "minimum: 100"},
    {.name = "multiple_of",
     .type = SCHEMA_POINTS,
     .help = "Only multiples of this can be spent.",
     .example = "multiple_of: 10"},
    {.name = "maximum",
     .type = SCHEMA_POINTS,
     .help = "The most points that can be spent at once.",
     .example = "maximum: 5000"},
};
const struct schema_map schema_spend_limit = {"a limit of spending", KEYS(spend_limit_keys)};

static const struct schema_key payment_keys[] = {
    KEY_CURRENCY,
    {.name = "rate",
     .type = SCHEMA_PAYMENT_RATE,
     .required = true,
     .help = "What points are worth. The points for an amount are rounded up.",
     .example = "rate: 0.01 GBP per 1"},
    {.name = "max_points",
     .type = SCHEMA_POINTS,
     .help = "The most points of one payment.",
     .example = "max_points: 5000"},
    {.name = "max_amount",
     .type = SCHEMA_MONEY,
     .help = "The most money of one payment.",
     .example = "max_amount: 50.00 GBP"},
    {.name = "min_cash_due",
     .type = SCHEMA_MONEY,
     .help = "What must be left to be paid with other means.",
     .example = "min_cash_due: 1.00 GBP"},
    {.name = "minimum",
     .type = SCHEMA_POINTS,
     .help = "The fewest points of one payment.",
     .example = "minimum: 100"},
    {.name = "multiple_of",
     .type = SCHEMA_POINTS,
     .help =
         "Only multiples of this many points. Nothing is adjusted: what does not fit is refused.",
     .example = "multiple_of: 10"},
};
const struct schema_map schema_payment = {"a payment", KEYS(payment_keys)};

static const struct schema_key price_keys[] = {
    KEY_CURRENCY,
    KEY_GROUP("prices of a reward"),
    KEY_LEVEL("another price"),
    {.name = "points",
     .type = SCHEMA_POINTS,
     .required = true,
     .help = "What the reward costs.",
     .example = "points: 500"},
};
const struct schema_map schema_price = {"a price", KEYS(price_keys)};

static const struct schema_key reward_keys[] = {
    {.name = "reward",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The reward's name, once in the catalogue: spends name it.",
     .example = "reward: mug"},
    {.name = "prices",
     .type = SCHEMA_LIST,
     .map = &schema_price,
     .required = true,
     .min = 1,
     .max = PROGRAM_PRICES_MAX,
     .help = "What it costs, by currency and level.",
     .example = "prices: [ { currency: points, points: 500 } ]"},
    KEY_FROM("spends that occur"),
    KEY_UNTIL,
    KEY_TIMES,
    KEY_PER,
    KEY_WHEN("`spend`, `member` and `event`"),
};
const struct schema_map schema_reward = {"a reward", KEYS(reward_keys)};

static const struct schema_key spending_keys[] = {
    {.name = "hold_timeout",
     .type = SCHEMA_ELAPSED,
     .min = SCHEMA_MINUTE_MS,
     .max = 90 * CALENDAR_DAY_MS,
     .fallback = "15 min",
     .help = "How long points stay held that nobody captures or releases.",
     .example = "hold_timeout: 30 min"},
    {.name = "restore_grace",
     .type = SCHEMA_ELAPSED_OR_NONE,
     .min = SCHEMA_MINUTE_MS,
     .max = SCHEMA_DAYS_A_YEAR * CALENDAR_DAY_MS,
     .fallback = "none",
     .help = "A spend that is undone gives back points that have expired meanwhile: they live so "
             "long from then on. `none`: they stay expired.",
     .example = "restore_grace: 7 days"},
    {.name = "limits",
     .type = SCHEMA_LIST,
     .map = &schema_spend_limit,
     .max = PROGRAM_SPEND_LIMITS_MAX,
     .help = "Thresholds of each spend.",
     .example = "limits: [ { currency: points, minimum: 100 } ]"},
    {.name = "payments",
     .type = SCHEMA_LIST,
     .map = &schema_payment,
     .max = PROGRAM_PAYMENTS_MAX,
     .help = "Paying orders with points, once for each currency and money. Left out: not possible.",
     .example = "payments: [ { currency: points, rate: 0.01 GBP per 1 } ]"},
    {.name = "rewards",
     .type = SCHEMA_LIST,
     .map = &schema_reward,
     .max = PROGRAM_REWARDS_MAX,
     .help = "The catalogue.",
     .example = "rewards: [ { reward: mug, prices: [ { currency: points, points: 500 } ] } ]"},
};
const struct schema_map schema_spending = {"spending", KEYS(spending_keys)};

/* ---- Returns ---- */

static const struct schema_key returns_keys[] = {
    {.name = "method",
     .type = SCHEMA_WORD,
     .words = &schema_words_claw_back,
     .fallback = "item",
     .help =
         "How much a refund claws back, by the version that granted. `item`: each line's own "
         "points, times the part of the line that is returned. `value_share`: the share of the "
         "value that is returned. `recompute`: what the order would not have earned without it.",
     .example = "method: item"},
    {.name = "arrears",
     .type = SCHEMA_WORD,
     .words = &schema_words_arrears,
     .fallback = "allow",
     .help = "What happens when the points of a returned purchase are spent already. `allow`: the "
             "member owes them, and the next points earned pay first. `within_balance`: no more is "
             "taken than is there. `only_pending`: only points that could not be spent yet.",
     .example = "arrears: allow"},
    {.name = "write_off",
     .type = SCHEMA_NAMED_POINTS,
     .min = 1,
     .max = PROGRAM_CURRENCIES_MAX,
     .help = "By currency: so much of what one return makes a member owe is let go at once.",
     .example = "write_off: { points: 50 }"},
    {.name = "tier_value",
     .type = SCHEMA_WORD,
     .words = &schema_words_tier_value,
     .fallback = "recompute",
     .help = "Whether a refund lowers what counts for tiers at once, or only after the period's "
             "review.",
     .example = "tier_value: keep until period end"},
    {.name = "wait",
     .type = SCHEMA_DAYS,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "30 days",
     .help = "How long a refund waits for an order that has not come yet.",
     .example = "wait: 14 days"},
};
const struct schema_map schema_returns = {"returns", KEYS(returns_keys)};

/* ---- Limits ---- */

static const struct schema_key limit_keys[] = {
    {.name = "limit",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The limit's name, once among the limits.",
     .example = "limit: orders-a-day"},
    {.name = "of",
     .type = SCHEMA_WORD,
     .words = &schema_words_limited,
     .required = true,
     .help = "What is limited.",
     .example = "of: purchase"},
    {.name = "activity",
     .type = SCHEMA_TEXT,
     .help = "With `of: activity`: only this kind. Left out: any.",
     .example = "activity: check_in"},
    {.name = "measure",
     .type = SCHEMA_WORD,
     .words = &schema_words_measure,
     .fallback = "count",
     .help =
         "How many, how many points (granted or spent by them), or how much money (of purchases "
         "and refunds, after discount).",
     .example = "measure: points"},
    {.name = "currency",
     .type = SCHEMA_NAME,
     .help = "With `measure: points`, and needed there: which points.",
     .example = "currency: points"},
    {.name = "money",
     .type = SCHEMA_CURRENCY,
     .help = "With `measure: money` and `times_own_mean`: which money. With `max` it stands there.",
     .example = "money: GBP"},
    {.name = "max",
     .type = SCHEMA_AMOUNT,
     .help = "The most in each `window`: a whole number, points or money, as `measure` says. A "
             "limit has exactly one of `max` and `times_own_mean`.",
     .example = "max: 10"},
    {.name = "times_own_mean",
     .type = SCHEMA_FACTOR,
     .help = "The last 24 hours may have at most so many times the member's own daily mean of the "
             "30 days before. A member who has done nothing in them is not judged.",
     .example = "times_own_mean: 5"},
    {.name = "window",
     .type = SCHEMA_ELAPSED,
     .min = 1000,
     .max = SCHEMA_DAYS_A_YEAR * CALENDAR_DAY_MS,
     .help = "With `max`, and needed there: the time before each event that is looked at.",
     .example = "window: 24 h"},
    {.name = "after_redeem",
     .type = SCHEMA_ELAPSED,
     .min = 1000,
     .max = SCHEMA_DAYS_A_YEAR * CALENDAR_DAY_MS,
     .help = "With `of: refund`: only refunds of a member who has spent points so short a time "
             "before; a hold counts when it is captured. `max: 0` makes an alert of each. Left "
             "out: any.",
     .example = "after_redeem: 48 h"},
    {.name = "action",
     .type = SCHEMA_WORD,
     .words = &schema_words_limit_action,
     .fallback = "refuse",
     .help =
         "What goes beyond it is refused (`limit_reached`), is accepted while its points wait "
         "for a decision (`quarantine`, purchases and activities only), or is only told of by a "
         "notice (`flag`).",
     .example = "action: flag"},
    KEY_WHEN("`member` and `event`, and `order`, `activity` or `spend`"),
    KEY_PRIORITY,
};
const struct schema_map schema_limit = {"a limit", KEYS(limit_keys)};

static const struct schema_key quarantine_keys[] = {
    {.name = "undecided",
     .type = SCHEMA_DAYS,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "30 days",
     .help = "How long points wait for somebody's decision.",
     .example = "undecided: 14 days"},
    {.name = "then",
     .type = SCHEMA_WORD,
     .words = &schema_words_quarantine,
     .fallback = "release",
     .help = "What becomes of them when nobody decides.",
     .example = "then: reject"},
};
const struct schema_map schema_quarantine = {"quarantine", KEYS(quarantine_keys)};

static const struct schema_key adjustment_keys[] = {
    KEY_CURRENCY,
    {.name = "above",
     .type = SCHEMA_POINTS,
     .required = true,
     .help = "An adjustment of more points than this, in either direction, needs a second person.",
     .example = "above: 1000"},
};
const struct schema_map schema_adjustment = {"an adjustment", KEYS(adjustment_keys)};

static const struct schema_key approvals_keys[] = {
    {.name = "lapse",
     .type = SCHEMA_DAYS,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "7 days",
     .help = "How long an adjustment waits for its approval.",
     .example = "lapse: 3 days"},
    {.name = "adjustments",
     .type = SCHEMA_LIST,
     .map = &schema_adjustment,
     .max = PROGRAM_CURRENCIES_MAX,
     .help = "Which adjustments need one. Left out: none.",
     .example = "adjustments: [ { currency: points, above: 1000 } ]"},
};
const struct schema_map schema_approvals = {"approvals", KEYS(approvals_keys)};
