/* The rulebook's keys: what earns. */
#include "engine/rules/schema_keys_priv.h"

/* ---- Words ---- */

const struct schema_words schema_words_judged_per = {2, {"line", "order"}, {0, 1}};
const struct schema_words schema_words_band_mode = {
    2, {"cliff", "marginal"}, {BANDS_CLIFF, BANDS_MARGINAL}};
const struct schema_words schema_words_pending_event = {1, {"delivered"}, {PENDING_DELIVERED}};
const struct schema_words schema_words_clock = {2, {"programme", "store"}, {0, 1}};
const struct schema_words schema_words_weekday = {
    7,
    {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
    {1, 2, 4, 8, 16, 32, 64},
};
const struct schema_words schema_words_birthday = {
    3, {"day", "week", "month"}, {BIRTHDAY_DAY, BIRTHDAY_WEEK, BIRTHDAY_MONTH}};
const struct schema_words schema_words_combine = {
    3, {"max", "sum", "first"}, {COMBINE_MAX, COMBINE_SUM, COMBINE_FIRST}};
const struct schema_words schema_words_stacking = {
    3, {"add", "multiply", "max"}, {STACKING_ADD, STACKING_MULTIPLY, STACKING_MAX}};
const struct schema_words schema_words_award = {
    6,
    {"sign-up", "first purchase", "birthday", "anniversary", "activity", "balance"},
    {AWARD_SIGN_UP, AWARD_FIRST_PURCHASE, AWARD_BIRTHDAY, AWARD_ANNIVERSARY, AWARD_ACTIVITY,
     AWARD_BALANCE},
};
const struct schema_words schema_words_times = {
    6,
    {"day", "week", "month", "quarter", "year", "lifetime"},
    {PER_DAY, PER_WEEK, PER_MONTH, PER_QUARTER, PER_YEAR, PER_LIFETIME},
};
const struct schema_words schema_words_every = {2, {"day", "week"}, {CALENDAR_DAY, CALENDAR_WEEK}};
const struct schema_words schema_words_goal = {
    3, {"count", "sum", "consecutive"}, {GOAL_COUNT, GOAL_SUM, GOAL_CONSECUTIVE}};
const struct schema_words schema_words_counted = {
    2, {"purchase", "activity"}, {COUNTED_PURCHASE, COUNTED_ACTIVITY}};
const struct schema_words schema_words_calendar_unit = {
    5,
    {"day", "week", "month", "quarter", "year"},
    {CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_QUARTER, CALENDAR_YEAR},
};
const struct schema_words schema_words_cap_per = {
    7,
    {"event", "day", "week", "month", "quarter", "year", "lifetime"},
    {PER_EVENT, PER_DAY, PER_WEEK, PER_MONTH, PER_QUARTER, PER_YEAR, PER_LIFETIME},
};
const struct schema_words schema_words_excess = {2, {"trim", "reject"}, {0, 1}};

/* ---- Rules ---- */

static const struct schema_key band_keys[] = {
    {.name = "up_to",
     .type = SCHEMA_MONEY,
     .help = "Where the band ends; the bound itself belongs to it. The last band has none.",
     .example = "up_to: 100.00 GBP"},
    {.name = "rate",
     .type = SCHEMA_RATE,
     .required = true,
     .help = "Points per money in this band.",
     .example = "rate: 2 per 1.00 GBP"},
};
const struct schema_map schema_band = {"a band", KEYS(band_keys)};

static const struct schema_key bands_keys[] = {
    {.name = "mode",
     .type = SCHEMA_WORD,
     .words = &schema_words_band_mode,
     .fallback = "cliff",
     .help = "`cliff`: the band that the whole amount lies in gives the rate of all of it. "
             "`marginal`: each part of the amount earns by the rate of its own band.",
     .example = "mode: marginal"},
    {.name = "steps",
     .type = SCHEMA_LIST,
     .map = &schema_band,
     .required = true,
     .min = 2,
     .max = PROGRAM_BANDS_MAX,
     .help = "The bands, from the lowest up.",
     .example = "steps: [ { up_to: 100.00 GBP, rate: 1 per 1.00 GBP }, { rate: 2 per 1.00 GBP } ]"},
};
const struct schema_map schema_bands = {"bands", KEYS(bands_keys)};

static const struct schema_key pending_keys[] = {
    {.name = "after",
     .type = SCHEMA_PERIOD,
     .help = "The points can be spent so long after what earned them. `pending` has exactly one of "
             "`after`, `until` and `on`.",
     .example = "after: 14 days"},
    {.name = "until",
     .type = SCHEMA_START,
     .help = "They can be spent from then on, or at once when that has passed.",
     .example = "until: 2026-12-01"},
    {.name = "on",
     .type = SCHEMA_WORD,
     .words = &schema_words_pending_event,
     .help = "They can be spent when the order is delivered.",
     .example = "on: delivered"},
    {.name = "within",
     .type = SCHEMA_PERIOD,
     .help = "With `on`: the points are cancelled when that has not come so long after the order.",
     .example = "within: 30 days"},
};
const struct schema_map schema_pending = {"pending", KEYS(pending_keys)};

static const struct schema_key earn_rule_keys[] = {
    {.name = "rule",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The rule's name. Rules, campaigns, awards, streaks and missions share one set of "
             "names. It appears on statements, and its points keep it for ever.",
     .example = "rule: favourites"},
    {.name = "currency",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The points currency that it earns.",
     .example = "currency: points"},
    {.name = "rate",
     .type = SCHEMA_RATE,
     .help = "Points per money, exactly. Orders in other money earn nothing by this rule. A rule "
             "has exactly one of `rate`, `bands` and `flat`.",
     .example = "rate: 1 per 1.00 GBP"},
    {.name = "bands",
     .type = SCHEMA_MAP,
     .map = &schema_bands,
     .help = "Rates that depend on the amount.",
     .example = "bands: { steps: [ { up_to: 100.00 GBP, rate: 1 per 1.00 GBP }, { rate: 2 per 1.00 "
                "GBP } ] }"},
    {.name = "flat",
     .type = SCHEMA_POINTS,
     .help = "A fixed bonus. All bonuses that fit are added, and neither levels nor campaigns "
             "multiply them.",
     .example = "flat: 50"},
    {.name = "per",
     .type = SCHEMA_WORD,
     .words = &schema_words_judged_per,
     .help =
         "Whether the rule is judged for each line that fits, or once for the order, on the sum "
         "of those lines. Left out: `line` with `rate`, `order` with `bands` and `flat`.",
     .example = "per: order"},
    {.name = "money",
     .type = SCHEMA_CURRENCY,
     .help = "With `flat`: only orders in this money.",
     .example = "money: GBP"},
    KEY_CATEGORIES("Only lines of these categories earn, as the shop writes them in its events. "
                   "Left out: every line, also those without a category."),
    KEY_SKUS,
    KEY_BRANDS,
    KEY_CHANNELS,
    KEY_STORES,
    KEY_PARTNERS,
    KEY_WHEN("`order`, `member` and `event`, and in a rule per line also `line`"),
    KEY_FROM("what occurred"),
    KEY_UNTIL,
    KEY_BASIS("What of a line counts."),
    {.name = "multiplied_by",
     .type = SCHEMA_NAME,
     .help = "The tier group whose multiplier applies: that of the level held when the order was "
             "placed. Left out: the rule is not multiplied. Not with `flat`.",
     .example = "multiplied_by: status"},
    KEY_PRIORITY,
    KEY_FUNDER,
    KEY_PENDING,
};
const struct schema_map schema_earn_rule = {"an earn rule", KEYS(earn_rule_keys)};

/* ---- Campaigns ---- */

static const struct schema_key campaign_keys[] = {
    {.name = "campaign",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The campaign's name.",
     .example = "campaign: double-eleven"},
    {.name = "currency",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The points currency whose base rules it multiplies.",
     .example = "currency: points"},
    {.name = "factor",
     .type = SCHEMA_FACTOR,
     .required = true,
     .help =
         "By what it multiplies what rules with `rate` and `bands` earn. Below 1 it lessens it.",
     .example = "factor: 2"},
    {.name = "rules",
     .type = SCHEMA_NAMES,
     .min = 1,
     .max = PROGRAM_TEXTS_MAX,
     .help = "Only these base rules. Left out: all of the currency.",
     .example = "rules: [base]"},
    KEY_CATEGORIES("Only what lines of these categories earned by rules per line. With "
                   "`categories`, `skus` or `brands` rules per order are never multiplied."),
    KEY_SKUS,
    KEY_BRANDS,
    KEY_CHANNELS,
    KEY_STORES,
    KEY_PARTNERS,
    KEY_WHEN("`order`, `member` and `event`"),
    KEY_FROM("what occurred"),
    KEY_UNTIL,
    {.name = "in",
     .type = SCHEMA_WORD,
     .words = &schema_words_clock,
     .fallback = "programme",
     .help =
         "Whose clock all calendar keys of the campaign go by: the programme's zone, or that of "
         "the order's store.",
     .example = "in: store"},
    {.name = "weekdays",
     .type = SCHEMA_WORDS,
     .words = &schema_words_weekday,
     .min = 1,
     .max = 7,
     .help = "Only on these days of the week.",
     .example = "weekdays: [saturday, sunday]"},
    {.name = "days",
     .type = SCHEMA_WHOLES,
     .min = 1,
     .max = 31,
     .help = "Only on these days of the month: a member day.",
     .example = "days: [8, 18, 28]"},
    {.name = "dates",
     .type = SCHEMA_DATES,
     .min = 1,
     .max = PROGRAM_DATES_MAX,
     .help = "Only on these days of the year, month first: a festival. 02-29 is the last day of "
             "February.",
     .example = "dates: [11-11, 12-25]"},
    {.name = "hours",
     .type = SCHEMA_HOURS,
     .help = "Only at these hours of a day; the end does not belong to them.",
     .example = "hours: 18:00-21:00"},
    {.name = "birthday",
     .type = SCHEMA_WORD,
     .words = &schema_words_birthday,
     .help = "Only on the member's birthday, or in the week (from Monday) or month that has it. 29 "
             "February is 28 February in other years.",
     .example = "birthday: month"},
    {.name = "exclusive",
     .type = SCHEMA_NAME,
     .help = "Of the campaigns that share this name, only the one with the best factor counts.",
     .example = "exclusive: festival"},
    KEY_PRIORITY,
    KEY_FUNDER,
};
const struct schema_map schema_campaign = {"a campaign", KEYS(campaign_keys)};

static const struct schema_key combine_keys[] = {
    {.name = "lines",
     .type = SCHEMA_WORD,
     .words = &schema_words_combine,
     .fallback = "max",
     .help = "When several rules earn the same currency on the same order line: the best (`max`), "
             "all (`sum`), or the one of the highest priority (`first`).",
     .example = "lines: sum"},
    {.name = "orders",
     .type = SCHEMA_WORD,
     .words = &schema_words_combine,
     .fallback = "max",
     .help = "The same for rules that are judged once for the order. What lines and orders earn is "
             "added.",
     .example = "orders: sum"},
    {.name = "campaigns",
     .type = SCHEMA_WORD,
     .words = &schema_words_stacking,
     .fallback = "add",
     .help = "When several campaigns fit: `add` makes triple points of two doubles, `multiply` "
             "fourfold ones, `max` takes the best.",
     .example = "campaigns: max"},
};
const struct schema_map schema_combine = {"combine", KEYS(combine_keys)};

/* ---- Awards, streaks, missions ---- */

static const struct schema_key award_keys[] = {
    {.name = "award",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The award's name.",
     .example = "award: newcomer"},
    {.name = "on",
     .type = SCHEMA_WORD,
     .words = &schema_words_award,
     .required = true,
     .help =
         "What it is for. `birthday` and `anniversary` are given once a calendar year, "
         "`sign-up` and `first purchase` once. `balance`: for a purchase after which the member "
         "has so many points.",
     .example = "on: sign-up"},
    KEY_CURRENCY,
    {.name = "points",
     .type = SCHEMA_POINTS,
     .required = true,
     .help = "How many points.",
     .example = "points: 100"},
    {.name = "activity",
     .type = SCHEMA_TEXT,
     .help = "With `on: activity`, and needed there: the kind of activity, such as `review`, or a "
             "name of your app's own.",
     .example = "activity: review"},
    {.name = "balance",
     .type = SCHEMA_POINTS,
     .help = "With `on: balance`, and needed there: the balance that the purchase must reach.",
     .example = "balance: 100"},
    {.name = "times",
     .type = SCHEMA_WHOLE,
     .min = 1,
     .max = SCHEMA_TIMES_MAX,
     .help =
         "At most so often in each `per`; beyond that it gives nothing. Left out: no limit, but "
         "a `check_in` is paid once a day.",
     .example = "times: 1"},
    KEY_PER,
    KEY_CHANNELS,
    KEY_STORES,
    KEY_PARTNERS,
    KEY_WHEN("`member` and `event`; for a purchase also `order`, for an activity `activity`"),
    KEY_FROM("what occurred"),
    KEY_UNTIL,
    KEY_MULTIPLIED_BY,
    KEY_PRIORITY,
    KEY_FUNDER,
    KEY_PENDING,
};
const struct schema_map schema_award = {"an award", KEYS(award_keys)};

static const struct schema_key streak_keys[] = {
    {.name = "streak",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The streak's name.",
     .example = "streak: daily"},
    KEY_CURRENCY,
    {.name = "activity",
     .type = SCHEMA_TEXT,
     .fallback = "check_in",
     .help = "The kind of activity.",
     .example = "activity: check_in"},
    {.name = "every",
     .type = SCHEMA_WORD,
     .words = &schema_words_every,
     .fallback = "day",
     .help = "Whether days or weeks must follow each other, in the programme's zone.",
     .example = "every: week"},
    {.name = "points",
     .type = SCHEMA_POINTS_LIST,
     .required = true,
     .min = 1,
     .max = PROGRAM_STREAK_MAX,
     .help = "Points for the first day, the second in a row, and so on; the last repeats.",
     .example = "points: [1, 2, 3]"},
    KEY_FROM("what occurred"),
    KEY_UNTIL,
    KEY_MULTIPLIED_BY,
    KEY_PRIORITY,
    KEY_FUNDER,
};
const struct schema_map schema_streak = {"a streak", KEYS(streak_keys)};

static const struct schema_key mission_keys[] = {
    {.name = "mission",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The mission's name.",
     .example = "mission: ten-orders"},
    {.name = "goal",
     .type = SCHEMA_WORD,
     .words = &schema_words_goal,
     .required = true,
     .help =
         "A number of events, a sum of their values, or periods in a row that have at least one.",
     .example = "goal: count"},
    {.name = "of",
     .type = SCHEMA_WORD,
     .words = &schema_words_counted,
     .required = true,
     .help = "What counts: orders, or an activity.",
     .example = "of: purchase"},
    {.name = "activity",
     .type = SCHEMA_TEXT,
     .help = "With `of: activity`, and needed there: its kind.",
     .example = "activity: review"},
    {.name = "target",
     .type = SCHEMA_AMOUNT,
     .required = true,
     .help = "How many events or periods; for a sum of orders an amount of money, for a sum of "
             "activities a whole number.",
     .example = "target: 10"},
    {.name = "every",
     .type = SCHEMA_WORD,
     .words = &schema_words_calendar_unit,
     .help = "With `goal: consecutive`, and needed there: what follows in a row.",
     .example = "every: month"},
    {.name = "per",
     .type = SCHEMA_WORD,
     .words = &schema_words_times,
     .help = "In each calendar day, week, month, quarter or year it starts anew. Left out: "
             "`lifetime`. Not with `goal: consecutive`.",
     .example = "per: year"},
    KEY_FROM("what occurred"),
    KEY_UNTIL,
    {.name = "repeats",
     .type = SCHEMA_WHOLE,
     .min = 1,
     .max = SCHEMA_TIMES_MAX,
     .fallback = "1",
     .help = "How often it can be completed in one `per`.",
     .example = "repeats: 3"},
    {.name = "currency",
     .type = SCHEMA_NAME,
     .help = "With `points`: the points currency of the award.",
     .example = "currency: points"},
    {.name = "points",
     .type = SCHEMA_POINTS,
     .help = "With `currency`: what completing it gives. A mission gives points, a badge, or both.",
     .example = "points: 500"},
    {.name = "badge",
     .type = SCHEMA_NAME,
     .help = "A badge that a notice (`badge_awarded`) names.",
     .example = "badge: bookworm"},
    KEY_BASIS("With a sum of orders: what of them counts."),
    KEY_CHANNELS,
    KEY_STORES,
    KEY_PARTNERS,
    KEY_CATEGORIES("Only orders with a line of one of these categories."),
    KEY_WHEN("`member` and `event`, and `order` or `activity`"),
    KEY_PRIORITY,
    KEY_FUNDER,
};
const struct schema_map schema_mission = {"a mission", KEYS(mission_keys)};

static const struct schema_key cap_keys[] = {
    {.name = "cap",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The cap's name, once among the caps.",
     .example = "cap: monthly"},
    KEY_CURRENCY,
    {.name = "covers",
     .type = SCHEMA_NAMES,
     .min = 1,
     .max = PROGRAM_RULES_MAX,
     .help =
         "The rules, campaigns, awards, streaks and missions whose points it counts and cuts. "
         "Left out: everything that is earned in the currency, but not what is granted by hand.",
     .example = "covers: [base, welcome]"},
    {.name = "max",
     .type = SCHEMA_POINTS,
     .required = true,
     .help = "The most that can be earned.",
     .example = "max: 1000"},
    {.name = "per",
     .type = SCHEMA_PER,
     .words = &schema_words_cap_per,
     .min = 1,
     .max = 10 * SCHEMA_DAYS_A_YEAR,
     .required = true,
     .help = "In which time: one event, a calendar unit of the programme's zone, the whole "
             "membership, or the last n days (of 24 hours).",
     .example = "per: 30 days"},
    {.name = "excess",
     .type = SCHEMA_WORD,
     .words = &schema_words_excess,
     .fallback = "trim",
     .help = "What goes beyond it: the covered points are cut, in proportion (`trim`), or the "
             "covered points of that event are not given at all (`reject`).",
     .example = "excess: reject"},
    {.name = "give_back",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether points that a refund takes back make room under the cap again.",
     .example = "give_back: false"},
    KEY_PRIORITY,
};
const struct schema_map schema_cap = {"a cap", KEYS(cap_keys)};
