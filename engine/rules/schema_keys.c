/* The rulebook's keys: the programme itself, its currencies and its tiers. */
#include "engine/rules/schema_keys_priv.h"

/* ---- Words ---- */

const struct schema_words schema_words_rounding = {
    4,
    {"floor", "ceil", "half-up", "half-even"},
    {ROUNDING_FLOOR, ROUNDING_CEIL, ROUNDING_HALF_UP, ROUNDING_HALF_EVEN},
};
const struct schema_words schema_words_round_to = {
    18,
    {"none", "end of day", "end of week", "end of month", "end of quarter", "end of year",
     "end of january", "end of february", "end of march", "end of april", "end of may",
     "end of june", "end of july", "end of august", "end of september", "end of october",
     "end of november", "end of december"},
    {CALENDAR_NONE, CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_QUARTER, CALENDAR_YEAR,
     SCHEMA_ROUND_MONTH + 1, SCHEMA_ROUND_MONTH + 2, SCHEMA_ROUND_MONTH + 3, SCHEMA_ROUND_MONTH + 4,
     SCHEMA_ROUND_MONTH + 5, SCHEMA_ROUND_MONTH + 6, SCHEMA_ROUND_MONTH + 7, SCHEMA_ROUND_MONTH + 8,
     SCHEMA_ROUND_MONTH + 9, SCHEMA_ROUND_MONTH + 10, SCHEMA_ROUND_MONTH + 11,
     SCHEMA_ROUND_MONTH + 12},
};
const struct schema_words schema_words_expiry_start = {2, {"activation", "earning"}, {0, 1}};
static const struct schema_words schema_words_anniversary = {
    1, {"member anniversary"}, {EXPIRY_ANNIVERSARY}};
const struct schema_words schema_words_unknown_member = {
    3, {"auto-enrol", "park", "reject"}, {UNKNOWN_AUTO_ENROL, UNKNOWN_PARK, UNKNOWN_REJECT}};
const struct schema_words schema_words_line_kind = {
    5,
    {"goods", "shipping", "tax", "fee", "gift card"},
    {LINE_GOODS, LINE_SHIPPING, LINE_TAX, LINE_FEE, LINE_GIFT_CARD},
};
const struct schema_words schema_words_window = {
    6,
    {"calendar year", "calendar quarter", "calendar month", "calendar week", "member anniversary",
     "lifetime"},
    {WINDOW_CALENDAR_YEAR, WINDOW_CALENDAR_QUARTER, WINDOW_CALENDAR_MONTH, WINDOW_CALENDAR_WEEK,
     WINDOW_ANNIVERSARY, WINDOW_LIFETIME},
};
const struct schema_words schema_words_upgrade = {
    2, {"immediate", "next period"}, {UPGRADE_IMMEDIATE, UPGRADE_NEXT_PERIOD}};
const struct schema_words schema_words_downgrade = {
    3,
    {"none", "one step", "to qualified"},
    {DOWNGRADE_NONE, DOWNGRADE_ONE_STEP, DOWNGRADE_TO_QUALIFIED},
};
const struct schema_words schema_words_match = {2, {"all", "any"}, {0, 1}};

/* ---- The programme ---- */

static const struct schema_key accept_keys[] = {
    {.name = "future",
     .type = SCHEMA_ELAPSED,
     .min = 0,
     .max = 24 * 60 * SCHEMA_MINUTE_MS,
     .fallback = "5 min",
     .help = "How far an event's own time may lie ahead of the journal's before it is refused as "
             "`occurred_in_future`: senders' clocks are never quite right.",
     .example = "future: 5 min"},
    {.name = "past",
     .type = SCHEMA_ELAPSED,
     .min = SCHEMA_MINUTE_MS,
     .max = SCHEMA_DAYS_A_CENTURY * CALENDAR_DAY_MS,
     .fallback = "366 days",
     .help =
         "How old an event may be when it reaches the journal before it is refused as `too_old`.",
     .example = "past: 90 days"},
};
const struct schema_map schema_accept = {"accept", KEYS(accept_keys)};

static const struct schema_key members_keys[] = {
    {.name = "unknown",
     .type = SCHEMA_WORD,
     .words = &schema_words_unknown_member,
     .fallback = "auto-enrol",
     .help = "What an event of a member whom nobody has enrolled does: `auto-enrol` enrols the "
             "member with it if it earns, `park` keeps it until the member is enrolled and judges "
             "it then, `reject` refuses it as `unknown_member`.",
     .example = "unknown: reject"},
};
const struct schema_map schema_members = {"members", KEYS(members_keys)};

static const struct schema_key funder_keys[] = {
    {.name = "unit_cost",
     .type = SCHEMA_COST,
     .help = "What one point costs the funder, exactly; it may be finer than the money's smallest "
             "coin. Left out: only points are counted.",
     .example = "unit_cost: 0.0125 GBP"},
};
const struct schema_map schema_funder = {"a funder", KEYS(funder_keys)};

static const struct schema_key store_keys[] = {
    {.name = "zone",
     .type = SCHEMA_ZONE,
     .required = true,
     .help = "The store's time zone, for campaigns with `in: store`.",
     .example = "zone: Asia/Tokyo"},
};
const struct schema_map schema_store = {"a store", KEYS(store_keys)};

/* ---- Points currencies ---- */

static const struct schema_key expiry_keys[] = {
    {.name = "after",
     .type = SCHEMA_PERIOD,
     .fallback = "12 months",
     .help = "How long points live: calendar days, weeks, months or years in the programme's zone. "
             "`0 months` with `round: end of month` means the month of earning itself. A currency "
             "has one of `after`, `dates`, `at` and `inactivity`; without any of them this holds.",
     .example = "after: 6 months"},
    {.name = "round",
     .type = SCHEMA_WORD,
     .words = &schema_words_round_to,
     .fallback = "end of month",
     .help = "With `after`: to which end the period is extended, so that many points expire "
             "together on a day that customers can remember. `end of march`: to the next end of "
             "March. `none`: to the very instant.",
     .example = "round: end of year"},
    {.name = "dates",
     .type = SCHEMA_DATES,
     .min = 1,
     .max = PROGRAM_DATES_MAX,
     .help = "Points can be used through the next of these days of the year, month first. 02-29 is "
             "the last day of February.",
     .example = "dates: [03-31, 12-31]"},
    {.name = "at",
     .type = SCHEMA_WORD,
     .words = &schema_words_anniversary,
     .help = "Points expire when the member's next anniversary begins. Who joined on 29 February "
             "has it on 28 February in other years.",
     .example = "at: member anniversary"},
    {.name = "inactivity",
     .type = SCHEMA_PERIOD,
     .help = "All points expire together when the member did nothing for so long. There is one "
             "clock for each member and currency; what pushes it is said by `counts`.",
     .example = "inactivity: 12 months"},
    {.name = "counts",
     .type = SCHEMA_TEXTS,
     .min = 1,
     .max = PROGRAM_TEXTS_MAX,
     .help =
         "With `inactivity`, and needed there: what counts as doing something: `purchase`, "
         "`redeem`, `hold`, `delivered`, `activity` for any activity, or kinds of activity such "
         "as `check_in` and `review`.",
     .example = "counts: [purchase, redeem]"},
    {.name = "from",
     .type = SCHEMA_WORD,
     .words = &schema_words_expiry_start,
     .fallback = "activation",
     .help = "Where the time of `after`, `dates` or `at` starts: when the points can be spent, or "
             "when they were earned.",
     .example = "from: earning"},
    {.name = "grace",
     .type = SCHEMA_DAYS_OR_NONE,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "none",
     .help = "So long after their instant points are `lapsing`: gone from the balance, but still "
             "there for what happened in time and arrives late.",
     .example = "grace: 7 days"},
};
const struct schema_map schema_expiry = {"expiry", KEYS(expiry_keys)};

static const struct schema_key points_currency_keys[] = {
    {.name = "scale",
     .type = SCHEMA_WHOLE,
     .min = 0,
     .max = 6,
     .fallback = "0",
     .help =
         "Decimals of a point: 0 for whole points, 2 for hundredths. Never changes once activated.",
     .example = "scale: 0"},
    {.name = "rounding",
     .type = SCHEMA_WORD,
     .words = &schema_words_rounding,
     .fallback = "floor",
     .help = "How each grant is rounded, once, after all multiplications: 7.5 is 7 by `floor`, 8 "
             "by `ceil` and `half-up`, 8 by `half-even` (which rounds 6.5 to 6).",
     .example = "rounding: half-up"},
    {.name = "qualifying",
     .type = SCHEMA_BOOLEAN,
     .fallback = "false",
     .help =
         "`true` for points that count for tiers only and cannot be spent, such as a growth value.",
     .example = "qualifying: true"},
    {.name = "expiry",
     .type = SCHEMA_MAP_OR_NONE,
     .map = &schema_expiry,
     .help = "When points of this currency expire; `none` for never. When it is left out, the "
             "defaults of its keys hold.",
     .example = "expiry: { after: 12 months, round: end of month }"},
    {.name = "expiring_soon",
     .type = SCHEMA_DAYS_OR_NONE,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "30 days",
     .help = "How many days before points expire a notice says so; `none` for no notices.",
     .example = "expiring_soon: 14 days"},
};
const struct schema_map schema_points_currency = {"a points currency", KEYS(points_currency_keys)};

static const struct schema_key basis_keys[] = {
    {.name = "net_of_discount",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether a line counts with what was taken off it (`true`) or with its full price.",
     .example = "net_of_discount: false"},
    {.name = "without_tax",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether the tax that a line contains is left out.",
     .example = "without_tax: false"},
    {.name = "without_tender",
     .type = SCHEMA_BOOLEAN,
     .fallback = "true",
     .help = "Whether what was paid with points or gift cards is taken off the lines, by their "
             "value: nobody should earn points for points.",
     .example = "without_tender: false"},
    {.name = "lines",
     .type = SCHEMA_WORDS,
     .words = &schema_words_line_kind,
     .fallback = "goods, fee",
     .help = "The kinds of order lines that count.",
     .example = "lines: [goods]"},
};
const struct schema_map schema_basis = {"basis", KEYS(basis_keys)};

/* ---- Tiers ---- */

static const struct schema_key metric_keys[] = {
    {.name = "spend",
     .type = SCHEMA_CURRENCY,
     .help = "Measure what members spend in this money. Orders in other money do not count.",
     .example = "spend: GBP"},
    {.name = "points",
     .type = SCHEMA_NAME,
     .help = "Measure the points of this currency that members earn, whether or not they are spent "
             "or expired since.",
     .example = "points: growth"},
    {.name = "visits",
     .type = SCHEMA_TEXT,
     .help = "Count what members do: `purchase` for orders (one that is wholly returned counts no "
             "more), or a kind of activity.",
     .example = "visits: check_in"},
    {.name = "missions",
     .type = SCHEMA_NAME,
     .help = "Count completed missions: `any`, or those of one mission.",
     .example = "missions: any"},
    {.name = "balance",
     .type = SCHEMA_NAME,
     .help = "The points of this currency that members have to spend at the moment: no window.",
     .example = "balance: points"},
    {.name = "basis",
     .type = SCHEMA_MAP,
     .map = &schema_basis,
     .help = "With `spend`: what of an order counts.",
     .example = "basis: { without_tax: false }"},
};
const struct schema_map schema_metric = {"metric", KEYS(metric_keys)};

static const struct schema_key level_keys[] = {
    {.name = "level",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The level's name, once in its group.",
     .example = "level: silver"},
    {.name = "from",
     .type = SCHEMA_THRESHOLD,
     .required = true,
     .help =
         "Where the level begins: money for `spend`, points for `points` and `balance`, a whole "
         "number for `visits` and `missions`. With `metrics`: a map that says so for each. The "
         "first level begins at 0.",
     .example = "from: 500.00 GBP"},
    {.name = "multiplier",
     .type = SCHEMA_FACTOR,
     .fallback = "1",
     .help = "By what rules that name this group multiply their points.",
     .example = "multiplier: 1.5"},
};
const struct schema_map schema_level = {"a level", KEYS(level_keys)};

static const struct schema_key tier_group_keys[] = {
    {.name = "group",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The ladder's name, once in the rulebook.",
     .example = "group: club"},
    {.name = "metric",
     .type = SCHEMA_MAP,
     .map = &schema_metric,
     .help = "What is measured: exactly one of `spend`, `points`, `visits`, `missions` and "
             "`balance`. A group has either `metric` or `metrics`.",
     .example = "metric: { spend: GBP }"},
    {.name = "metrics",
     .type = SCHEMA_NAMED,
     .map = &schema_metric,
     .min = 2,
     .max = PROGRAM_METRICS_MAX,
     .help = "Several things that are measured, each under a name of your choice.",
     .example = "metrics: { spent: { spend: GBP }, visits: { visits: purchase } }"},
    {.name = "match",
     .type = SCHEMA_WORD,
     .words = &schema_words_match,
     .fallback = "all",
     .help = "With `metrics`: whether a level asks for all of its thresholds or for any of them.",
     .example = "match: any"},
    {.name = "window",
     .type = SCHEMA_TIER_WINDOW,
     .words = &schema_words_window,
     .fallback = "calendar year",
     .help = "Over which time it is measured: a calendar unit in the programme's zone, the last n "
             "days or months, from one anniversary of the membership to the next, or the whole "
             "membership. At its end the level is reviewed; under a rolling window that is as long "
             "after the level was reached; a `lifetime` has no review.",
     .example = "window: rolling 12 months"},
    {.name = "upgrade",
     .type = SCHEMA_WORD,
     .words = &schema_words_upgrade,
     .fallback = "immediate",
     .help = "Whether a member goes up at once, or when the next period begins.",
     .example = "upgrade: next period"},
    {.name = "downgrade",
     .type = SCHEMA_WORD,
     .words = &schema_words_downgrade,
     .fallback = "none",
     .help = "What a review does to a member who no longer meets the level held: nothing, one "
             "level down, or down to the level that is met.",
     .example = "downgrade: to qualified"},
    {.name = "grace",
     .type = SCHEMA_DAYS_OR_NONE,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "none",
     .help = "So many days a downgrade waits; it is dropped when the new period's figure reaches "
             "the level by then.",
     .example = "grace: 30 days"},
    {.name = "rollover",
     .type = SCHEMA_BOOLEAN,
     .fallback = "false",
     .help = "Whether what exceeds the reached level's threshold counts in the next period. It is "
             "carried once only. For one metric in calendar windows.",
     .example = "rollover: true"},
    {.name = "at_risk",
     .type = SCHEMA_DAYS_OR_NONE,
     .min = 1,
     .max = SCHEMA_DAYS_A_YEAR,
     .fallback = "30 days",
     .help = "So many days before a review a notice tells members what they miss to keep their "
             "level; `none` for no notices.",
     .example = "at_risk: 60 days"},
    {.name = "levels",
     .type = SCHEMA_LIST,
     .map = &schema_level,
     .required = true,
     .min = 1,
     .max = PROGRAM_LEVELS_MAX,
     .help = "The ladder, from the lowest level up.",
     .example = "levels: [ { level: member, from: 0 }, { level: gold, from: 500.00 GBP, "
                "multiplier: 1.5 } ]"},
};
const struct schema_map schema_tier_group = {"a tier group", KEYS(tier_group_keys)};

/* ---- The whole ---- */

static const struct schema_key rulebook_keys[] = {
    {.name = "rulebook",
     .type = SCHEMA_NAME,
     .required = true,
     .help = "The rulebook's name.",
     .example = "rulebook: general-retailer"},
    {.name = "version",
     .type = SCHEMA_WHOLE,
     .required = true,
     .min = 1,
     .max = UINT32_MAX,
     .help = "Rises with every activation. Points keep the version that granted them.",
     .example = "version: 1"},
    {.name = "effective_from",
     .type = SCHEMA_START,
     .required = true,
     .help = "Events that occurred from then on are judged by this version. A date is its midnight "
             "in the programme's zone; an instant carries Z or an offset.",
     .example = "effective_from: 2026-01-01"},
    {.name = "zone",
     .type = SCHEMA_ZONE,
     .required = true,
     .help = "The programme's time zone, by its IANA name: months and years of expiry and tiers "
             "are counted there. Never changes once activated.",
     .example = "zone: Europe/London"},
    {.name = "accept",
     .type = SCHEMA_MAP,
     .map = &schema_accept,
     .help = "How far an event's own time may lie from the time at which it arrives.",
     .example = "accept: { future: 5 min, past: 366 days }"},
    {.name = "members",
     .type = SCHEMA_MAP,
     .map = &schema_members,
     .help = "How members come into the programme.",
     .example = "members: { unknown: auto-enrol }"},
    {.name = "funders",
     .type = SCHEMA_NAMED,
     .map = &schema_funder,
     .min = 1,
     .max = PROGRAM_FUNDERS_MAX,
     .help = "Partners who pay for points, each under the name by which rules call it.",
     .example = "funders: { acme: { unit_cost: 0.01 GBP } }"},
    {.name = "stores",
     .type = SCHEMA_NAMED,
     .map = &schema_store,
     .any_name = true,
     .min = 1,
     .max = PROGRAM_STORES_MAX,
     .help = "Zones of stores, by their ids in the events. A store that is not here has the "
             "programme's zone.",
     .example = "stores: { ginza: { zone: Asia/Tokyo } }"},
    {.name = "currencies",
     .type = SCHEMA_NAMED,
     .map = &schema_points_currency,
     .required = true,
     .min = 1,
     .max = PROGRAM_CURRENCIES_MAX,
     .help = "The kinds of points, each under the name by which events and rules call it.",
     .example = "currencies: { points: { expiry: none } }"},
    {.name = "earn",
     .type = SCHEMA_LIST,
     .map = &schema_earn_rule,
     .max = PROGRAM_RULES_MAX,
     .help = "The rules by which orders earn. Left out: nothing earns by orders.",
     .example = "earn: [ { rule: base, currency: points, rate: 1 per 1.00 GBP } ]"},
    {.name = "campaigns",
     .type = SCHEMA_LIST,
     .map = &schema_campaign,
     .max = PROGRAM_RULES_MAX,
     .help = "What multiplies the points of base rules for a while.",
     .example = "campaigns: [ { campaign: double-eleven, currency: points, factor: 2, dates: "
                "[11-11] } ]"},
    {.name = "combine",
     .type = SCHEMA_MAP,
     .map = &schema_combine,
     .help = "What happens when several rules or campaigns fit.",
     .example = "combine: { lines: max }"},
    {.name = "awards",
     .type = SCHEMA_LIST,
     .map = &schema_award,
     .max = PROGRAM_RULES_MAX,
     .help = "Points for other reasons than the value of an order.",
     .example = "awards: [ { award: welcome, on: sign-up, currency: points, points: 100 } ]"},
    {.name = "streaks",
     .type = SCHEMA_LIST,
     .map = &schema_streak,
     .max = PROGRAM_RULES_MAX,
     .help = "Points for doing something day after day, or week after week.",
     .example = "streaks: [ { streak: daily, currency: points, points: [1, 2, 3] } ]"},
    {.name = "missions",
     .type = SCHEMA_LIST,
     .map = &schema_mission,
     .max = PROGRAM_RULES_MAX,
     .help = "Goals that members reach, for points or a badge.",
     .example = "missions: [ { mission: ten-orders, goal: count, of: purchase, target: 10, badge: "
                "regular } ]"},
    {.name = "caps",
     .type = SCHEMA_LIST,
     .map = &schema_cap,
     .max = PROGRAM_CAPS_MAX,
     .help = "The most that members can earn, in order of priority.",
     .example = "caps: [ { cap: monthly, currency: points, max: 1000, per: month } ]"},
    {.name = "tiers",
     .type = SCHEMA_LIST,
     .map = &schema_tier_group,
     .max = PROGRAM_GROUPS_MAX,
     .help = "Ladders of levels; each is independent of the others. Left out: no levels.",
     .example = "tiers: [ { group: status, metric: { spend: GBP }, levels: [ { level: member, "
                "from: 0 } ] } ]"},
    {.name = "spending",
     .type = SCHEMA_MAP,
     .map = &schema_spending,
     .help = "How points are spent.",
     .example = "spending: { hold_timeout: 15 min }"},
    {.name = "returns",
     .type = SCHEMA_MAP,
     .map = &schema_returns,
     .help = "What refunds and cancellations take back.",
     .example = "returns: { method: item, arrears: allow }"},
    {.name = "limits",
     .type = SCHEMA_LIST,
     .map = &schema_limit,
     .max = PROGRAM_LIMITS_MAX,
     .help = "Against abuse: how much of something one member may do in a while.",
     .example =
         "limits: [ { limit: orders-a-day, of: purchase, measure: count, max: 10, window: 24 "
         "h, action: refuse } ]"},
    {.name = "quarantine",
     .type = SCHEMA_MAP,
     .map = &schema_quarantine,
     .help = "What becomes of points that a limit has put into quarantine.",
     .example = "quarantine: { undecided: 30 days, then: release }"},
    {.name = "approvals",
     .type = SCHEMA_MAP,
     .map = &schema_approvals,
     .help = "Adjustments by hand that a second person must approve.",
     .example = "approvals: { adjustments: [ { currency: points, above: 1000 } ] }"},
    {.name = "examples",
     .type = SCHEMA_LIST,
     .map = &schema_example,
     .max = SCHEMA_EXAMPLES_MAX,
     .help = "Examples that `tally rules test` runs: given these events, expect this. They change "
             "nothing of the programme. How to write them: rulebook-examples.md.",
     .example =
         "examples: [ { example: a pound is a point, given: [ { member: ann, purchase: { order_id: "
         "O-1, amount: 20.00 } } ], expect: [ { member: ann, balance: { points: 20 } } ] } ]"},
};
const struct schema_map schema_rulebook = {"the rulebook", KEYS(rulebook_keys)};
