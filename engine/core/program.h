/* A program: one version of a programme's rulebook in normalised form, as the fold runs it.
 * engine/rules compiles YAML into it, an activation record carries its bytes, and the fold reads
 * nothing else (semantics §9).
 *
 * Slots: currencies, tier groups and levels are named by their ids in the program. The state maps
 * ids to slots in order of first appearance over all activations, so that a later version may
 * reorder them. */
#ifndef TALLYBOOK_ENGINE_CORE_PROGRAM_H
#define TALLYBOOK_ENGINE_CORE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/calendar.h"
#include "engine/core/event.h"
#include "engine/core/quantity.h"

enum {
    PROGRAM_FORMAT = 3,
    PROGRAM_BYTES_MAX = 1024 * 1024,
    PROGRAM_CURRENCIES_MAX = 8,
    PROGRAM_RULES_MAX = 1000, /* earn rules, campaigns, awards, streaks and missions together */
    PROGRAM_GROUPS_MAX = 4,
    PROGRAM_LEVELS_MAX = 16,
    PROGRAM_METRICS_MAX = 4,      /* of one tier group */
    PROGRAM_TEXTS_MAX = 256,      /* of one list: categories, brands, stores … */
    PROGRAM_CONDITION_MAX = 8192, /* bytes of one compiled condition */
    PROGRAM_BANDS_MAX = 32,
    PROGRAM_STREAK_MAX = 366, /* awards of one streak */
    PROGRAM_CAPS_MAX = 256,
    PROGRAM_LIMITS_MAX = 64,
    PROGRAM_FUNDERS_MAX = 256,
    PROGRAM_STORES_MAX = 1000,
    PROGRAM_ZONES_MAX = 64, /* of stores */
    PROGRAM_REWARDS_MAX = 1000,
    PROGRAM_PRICES_MAX = 64, /* of one reward */
    PROGRAM_SPEND_LIMITS_MAX = 128,
    PROGRAM_PAYMENTS_MAX = 64,
    PROGRAM_DATES_MAX = 64,    /* of one expiry or campaign */
    PROGRAM_NONE = UINT32_MAX, /* in place of an index: there is none */
};

struct condition;

/* All enums in this file are persisted codes. */

/* ---- What several parts have in common ---- */

struct program_texts {
    const struct bytes *items; /* sorted by bytes, each once */
    uint32_t count;            /* 0 where nothing is asked for */
};

/* A day of the year; 29 February stands for the last day of February. */
struct program_date {
    uint8_t month, day;
};

/* [from, until); INT64_MIN and INT64_MAX where open. */
struct program_window {
    struct instant from, until;
};

/* A condition compiled to a flat program (condition.h); size 0: none. */
struct program_condition {
    struct bytes code;
    const struct condition *decoded; /* of the code, by program_decode; NULL where there is none */
};

/* What an order or activity must be for something to apply. All parts that are given must hold. */
struct program_filter {
    struct program_texts categories, skus, brands;   /* of lines */
    struct program_texts channels, stores, partners; /* of the order or activity */
    struct program_condition when;
    struct program_window window;
};

/* A filter that everything passes. */
#define PROGRAM_FILTER_NONE                                                                        \
    {                                                                                              \
        .window = { {INT64_MIN}, {INT64_MAX} }                                                     \
    }

/* A number of calendar units: "3 months". */
struct program_period {
    int32_t amount;
    enum calendar_unit unit; /* day, month or year */
};

/* How often: at most `count` per bucket. */
enum per {
    PER_EVENT = 1,
    PER_DAY = 2,
    PER_WEEK = 3,
    PER_MONTH = 4,
    PER_QUARTER = 5,
    PER_YEAR = 6,
    PER_LIFETIME = 7,
    PER_ROLLING = 8, /* (t − n × 24 h, t] */
};

struct program_times {
    uint32_t count; /* 0 = as often as it happens; per is PER_LIFETIME then */
    enum per per;   /* PER_DAY … PER_LIFETIME */
};

/* When granted points become spendable (semantics §4, pending). */
enum pending_kind { PENDING_NONE = 1, PENDING_AFTER = 2, PENDING_UNTIL = 3, PENDING_DELIVERED = 4 };

struct program_pending {
    enum pending_kind kind;
    struct program_period period; /* PENDING_AFTER: the delay; PENDING_DELIVERED: the deadline,
                                     amount 0 = none */
    struct instant until;         /* PENDING_UNTIL */
};

/* ---- Currencies ---- */

enum expiry_kind {
    EXPIRY_NONE = 1,
    EXPIRY_PERIOD = 2,
    EXPIRY_DATES = 3,
    EXPIRY_ANNIVERSARY = 4,
    EXPIRY_INACTIVITY = 5,
};

/* What pushes an inactivity clock, as bits; activity kinds are named one by one. */
enum {
    COUNTS_PURCHASE = 1,
    COUNTS_REDEEM = 2,
    COUNTS_HOLD = 4,
    COUNTS_DELIVERED = 8,
    COUNTS_ACTIVITY = 16, /* any kind */
};

struct program_expiry {
    enum expiry_kind kind;
    int32_t amount;                   /* of `unit`; 0 = the bucket that holds the start itself */
    enum calendar_unit unit;          /* day, month or year */
    enum calendar_unit round_up_to;   /* end of this bucket; CALENDAR_NONE = to the instant */
    uint8_t round_month;              /* 1–12: the next end of that month instead; 0 = not */
    bool from_earning;                /* the period starts at earned_at, not at activation */
    int32_t grace_days;               /* 0 = none: lapsing so long after the instant */
    const struct program_date *dates; /* EXPIRY_DATES, rising */
    uint32_t date_count;
    uint32_t counts;                  /* EXPIRY_INACTIVITY: bits */
    struct program_texts count_kinds; /* and activity kinds by name */
};

struct program_currency {
    struct bytes id; /* "points" */
    uint8_t scale;   /* 0–6; never changes between versions */
    bool qualifying; /* counts for tiers only, cannot be spent */
    enum rounding rounding;
    struct program_expiry expiry;
    int32_t notice_days; /* expiring-soon notice this many days before; 0 = none */
};

struct program_funder {
    struct bytes id;
    struct rate unit_cost; /* minor units of money per whole point, whatever the currency's scale;
                              numerator 0 = not said */
    uint16_t money;        /* ISO 4217 numeric; 0 = not said */
};

struct program_store {
    struct bytes id;
    uint32_t zone; /* index into the program's zones */
};

struct program_zone {
    struct bytes name;
    struct zone zone;
};

/* ---- Earning ---- */

/* How rules of one phase combine (semantics §4, phase 2). */
enum combine { COMBINE_MAX = 1, COMBINE_SUM = 2, COMBINE_FIRST = 3 };

/* How campaigns combine (semantics §4, phase 4). */
enum stacking { STACKING_ADD = 1, STACKING_MULTIPLY = 2, STACKING_MAX = 3 };

/* Bits of the basis: what of a line counts (semantics §4, phase 1). */
enum {
    BASIS_LESS_DISCOUNT = 1,
    BASIS_WITHOUT_TAX = 2,
    BASIS_WITHOUT_TENDER = 4, /* points and gift-card payments are taken off by eligible value */
};

/* Line kinds that count, as bits 1 << enum line_kind. */
struct program_basis {
    uint32_t flags;
    uint32_t line_kinds;
};

enum rule_kind { RULE_RATE = 1, RULE_BANDS = 2, RULE_FLAT = 3 };
enum band_mode { BANDS_CLIFF = 1, BANDS_MARGINAL = 2 };

struct program_band {
    int64_t up_to_minor; /* the bound belongs to the band; INT64_MAX in the last */
    struct rate rate;
};

/* An earn rule: a base rule (rate or bands) or a flat bonus, judged by line or by order. */
struct program_rule {
    struct bytes id;
    enum rule_kind kind;
    bool per_order;
    uint32_t currency; /* index into the program's currencies */
    int32_t priority;  /* higher goes first, then id by bytes; rules are stored in that order */
    uint16_t money;    /* ISO 4217 numeric of the orders it applies to; 0 = any, flat ones only */
    struct rate rate;  /* RULE_RATE: units of points per minor unit of money */
    int64_t flat;      /* RULE_FLAT: units of points */
    enum band_mode band_mode;
    const struct program_band *bands;
    uint32_t band_count;
    struct program_filter filter;
    struct program_basis basis;
    int32_t tier_group; /* index of the group whose multiplier applies, or -1 */
    uint32_t funder;    /* index or PROGRAM_NONE */
    struct program_pending pending;
};

enum birthday_window { BIRTHDAY_NONE = 0, BIRTHDAY_DAY = 1, BIRTHDAY_WEEK = 2, BIRTHDAY_MONTH = 3 };

struct program_campaign {
    struct bytes id;
    uint32_t currency;
    int32_t priority;
    struct rate factor;
    const uint32_t *rules; /* indexes of base rules, rising; count 0 = all of the currency */
    uint32_t rule_count;
    struct program_filter filter; /* its window is open with store_zone: see below */
    bool store_zone;              /* calendar keys and window by the clock of the order's store */
    struct local local_from, local_until; /* store_zone: the window on the wall; INT64_MIN, _MAX */
    uint8_t weekdays;                     /* bits, Monday = 1; 0 = all (never 127) */
    uint32_t days_of_month;               /* bits 1 << day; 0 = all */
    const struct program_date *dates;     /* rising */
    uint32_t date_count;
    int32_t from_minute, until_minute; /* of the day, half-open; 0 and 1440 = all day */
    enum birthday_window birthday;
    struct bytes exclusive; /* group; empty = none */
    uint32_t funder;
};

enum award_kind {
    AWARD_SIGN_UP = 1,
    AWARD_FIRST_PURCHASE = 2,
    AWARD_BIRTHDAY = 3,
    AWARD_ANNIVERSARY = 4,
    AWARD_ACTIVITY = 5,
    AWARD_BALANCE = 6, /* after-earning, phase 8 */
};

struct program_award {
    struct bytes id;
    enum award_kind kind;
    uint32_t currency;
    int32_t priority;
    int64_t points;
    struct bytes activity;        /* AWARD_ACTIVITY: kind, or the programme's own name */
    int64_t balance;              /* AWARD_BALANCE */
    struct program_times times;   /* beside what the kind says: a birthday is once a year, always */
    struct program_filter filter; /* nothing of lines */
    int32_t tier_group;           /* or -1 */
    uint32_t funder;
    struct program_pending pending;
};

struct program_streak {
    struct bytes id;
    uint32_t currency;
    int32_t priority;
    struct bytes activity;
    enum calendar_unit every; /* day or week */
    const int64_t *points;    /* by length of the run; the last repeats */
    uint32_t point_count;
    struct program_window window;
    int32_t tier_group;
    uint32_t funder;
};

enum goal { GOAL_COUNT = 1, GOAL_SUM = 2, GOAL_CONSECUTIVE = 3 };
enum counted { COUNTED_PURCHASE = 1, COUNTED_ACTIVITY = 2 };

struct program_mission {
    struct bytes id;
    enum goal goal;
    enum counted of;
    struct bytes activity;
    int64_t target;           /* events, periods, minor units or units of value */
    uint16_t money;           /* GOAL_SUM of purchases */
    enum calendar_unit every; /* GOAL_CONSECUTIVE, else CALENDAR_NONE */
    enum per per;             /* PER_DAY … PER_LIFETIME, which is GOAL_CONSECUTIVE's */
    uint32_t repeats;
    uint32_t currency; /* PROGRAM_NONE: no points */
    int64_t points;
    struct bytes badge;           /* may be empty */
    struct program_basis basis;   /* GOAL_SUM of purchases */
    struct program_filter filter; /* of lines only categories: any line */
    int32_t priority;
    uint32_t funder;
};

/* Whatever grants, in one list of names: what a cap covers, what a lot and an explanation name. */
enum source_kind {
    SOURCE_RULE = 1,
    SOURCE_CAMPAIGN = 2,
    SOURCE_AWARD = 3,
    SOURCE_STREAK = 4,
    SOURCE_MISSION = 5,
};

struct program_source {
    enum source_kind kind;
    uint32_t index;
};

struct program_cap {
    struct bytes id;
    uint32_t currency;
    int32_t priority;
    const struct program_source *covers; /* rising; count 0 = all that is earned in the currency */
    uint32_t cover_count;
    int64_t max;
    enum per per;
    uint32_t rolling_days; /* PER_ROLLING */
    bool rejects;          /* else trims */
    bool gives_back;
};

/* ---- Tiers ---- */

enum metric_kind {
    METRIC_SPEND = 1,
    METRIC_POINTS = 2,
    METRIC_VISITS = 3,
    METRIC_MISSIONS = 4,
    METRIC_BALANCE = 5,
};

struct program_metric {
    struct bytes id; /* empty for the only one of a group */
    enum metric_kind kind;
    uint16_t money;             /* METRIC_SPEND: orders in this currency count */
    struct program_basis basis; /* METRIC_SPEND: what of an order counts for tier value */
    uint32_t currency;          /* METRIC_POINTS, METRIC_BALANCE */
    bool of_purchases;          /* METRIC_VISITS: else of the activity */
    struct bytes activity;
    uint32_t mission; /* METRIC_MISSIONS: index, or PROGRAM_NONE for any */
};

enum window_kind {
    WINDOW_CALENDAR_YEAR = 1,
    WINDOW_LIFETIME = 2,
    WINDOW_CALENDAR_QUARTER = 3,
    WINDOW_CALENDAR_MONTH = 4,
    WINDOW_CALENDAR_WEEK = 5,
    WINDOW_ROLLING_DAYS = 6,
    WINDOW_ROLLING_MONTHS = 7,
    WINDOW_ANNIVERSARY = 8,
};
enum upgrade { UPGRADE_IMMEDIATE = 1, UPGRADE_NEXT_PERIOD = 2 };
enum downgrade { DOWNGRADE_NONE = 1, DOWNGRADE_ONE_STEP = 2, DOWNGRADE_TO_QUALIFIED = 3 };

struct program_level {
    struct bytes id;
    int64_t thresholds[PROGRAM_METRICS_MAX]; /* by metric; all 0 in the first, never falling, one
                                                rising from each level to the next */
    struct rate multiplier; /* for rules that name the group; 1/1 where none is given */
};

struct program_group {
    struct bytes id;
    struct program_metric metrics[PROGRAM_METRICS_MAX];
    uint32_t metric_count;
    bool match_any; /* else all */
    enum window_kind window;
    int32_t rolling; /* days or months */
    enum upgrade upgrade;
    enum downgrade downgrade;
    int32_t grace_days;
    bool rollover;
    int32_t at_risk_days; /* 0 = no notices */
    struct program_level levels[PROGRAM_LEVELS_MAX];
    uint32_t level_count;
};

/* ---- Spending ---- */

/* Thresholds of a currency, from a level up (group and level PROGRAM_NONE: for everybody). 0 =
 * none. Those of a currency name one group at most and stand together, the one for everybody first
 * and then by level: the last that fits holds. */
struct program_spend_limit {
    uint32_t currency, group, level;
    int64_t minimum, multiple_of, maximum;
};

struct program_payment {
    uint32_t currency;
    uint16_t money;
    struct rate rate; /* minor units of money per unit of points */
    int64_t max_points, max_amount_minor, minimum, multiple_of; /* 0 = none */
    int64_t min_cash_due_minor;
};

struct program_price {
    uint32_t currency, group, level; /* in the order of spend limits */
    int64_t points;
};

struct program_reward {
    struct bytes id;
    const struct program_price *prices;
    uint32_t price_count;
    struct program_times times;
    struct program_filter filter; /* window and condition only */
};

struct program_spending {
    int64_t hold_timeout_ms;
    int64_t restore_grace_ms; /* 0 = expired points stay expired */
    const struct program_spend_limit *limits;
    uint32_t limit_count;
    const struct program_payment *payments; /* by currency, then money */
    uint32_t payment_count;
    const struct program_reward *rewards; /* by id */
    uint32_t reward_count;
};

/* ---- Returns, limits, members ---- */

enum claw_back { CLAW_RECOMPUTE = 1, CLAW_ITEM = 2, CLAW_VALUE_SHARE = 3 };

/* What happens to points that a return claws back beyond the balance (semantics §6). */
enum arrears_policy { ARREARS_ALLOW = 1, ARREARS_WITHIN_BALANCE = 2, ARREARS_ONLY_PENDING = 3 };

struct program_returns {
    enum claw_back method;
    enum arrears_policy arrears;
    int64_t write_off[PROGRAM_CURRENCIES_MAX]; /* by currency; 0 = none */
    bool keeps_tier_value;                     /* until the period ends */
    int32_t wait_days;
};

enum limited {
    LIMITED_PURCHASE = 1,
    LIMITED_ACTIVITY = 2,
    LIMITED_REDEEM = 3,
    LIMITED_HOLD = 4,
    LIMITED_REFUND = 5,
};
enum measure { MEASURE_COUNT = 1, MEASURE_POINTS = 2, MEASURE_MONEY = 3 };
enum limit_action { LIMIT_REFUSE = 1, LIMIT_QUARANTINE = 2, LIMIT_FLAG = 3 };

struct program_limit {
    struct bytes id;
    int32_t priority;
    enum limited of;
    struct bytes activity; /* empty = any */
    enum measure measure;
    uint32_t currency; /* MEASURE_POINTS */
    uint16_t money;    /* MEASURE_MONEY */
    int64_t max;
    int64_t window_ms;
    struct rate own_mean; /* numerator 0 = a plain limit */
    /* LIMITED_REFUND: only refunds that follow a redemption within so long a time; 0 = any. */
    int64_t after_redeem_ms;
    enum limit_action action;
    struct program_condition when;
};

enum unknown_member { UNKNOWN_AUTO_ENROL = 1, UNKNOWN_REJECT = 2, UNKNOWN_PARK = 3 };

struct program {
    struct bytes name;
    uint32_t version;
    struct instant effective_from;
    struct bytes zone_name;   /* IANA name, for people */
    struct zone zone;         /* its transitions, frozen at activation (semantics §2) */
    int64_t accept_future_ms; /* default 5 min */
    int64_t accept_past_ms;   /* default 366 days */
    enum unknown_member unknown_member;
    enum combine line_combine, order_combine;
    enum stacking stacking;
    struct program_currency currencies[PROGRAM_CURRENCIES_MAX];
    uint32_t currency_count;
    struct program_group groups[PROGRAM_GROUPS_MAX];
    uint32_t group_count;
    const struct program_zone *zones; /* of stores, by name */
    uint32_t zone_count;
    const struct program_store *stores; /* by id */
    uint32_t store_count;
    const struct program_funder *funders; /* by id */
    uint32_t funder_count;
    /* Each in order of judgement: priority falling, then id. */
    const struct program_rule *rules;
    uint32_t rule_count;
    const struct program_campaign *campaigns;
    uint32_t campaign_count;
    const struct program_award *awards;
    uint32_t award_count;
    const struct program_streak *streaks;
    uint32_t streak_count;
    const struct program_mission *missions;
    uint32_t mission_count;
    const struct program_cap *caps;
    uint32_t cap_count;
    const struct program_limit *limits;
    uint32_t limit_count;
    struct program_spending spending;
    struct program_returns returns;
    int32_t quarantine_days;                        /* undecided so long */
    bool quarantine_rejects;                        /* then rejected, else released */
    int32_t approval_days;                          /* an adjustment that nobody approves lapses */
    int64_t approval_above[PROGRAM_CURRENCIES_MAX]; /* INT64_MAX = never needs one */
};

/* Id of whatever grants. */
struct bytes program_source_id(const struct program *program, struct program_source source);

/* Writes the normalised form. The layout is described byte by byte in program_write.c. Fails by
 * writer->overflow. */
void program_encode(const struct program *program, struct writer *writer);

/* Room that the lists of a decoded program of so many bytes may take. What a compiler makes decodes
 * in it. */
size_t program_lists_bytes(size_t program_bytes);

/* Reads and validates the normalised form; everything in *out_program points into `bytes` or the
 * arena. A program that breaks any rule of this header (order of rules, ladders, indexes, zones,
 * sizes) is refused: FAULT_DATA. */
bool program_decode(struct bytes bytes, struct arena *arena, struct program *out_program,
                    struct fault *out_fault);

/* A version's compatibility with the one before it: version rises strictly; scale of a currency and
 * the zone never change (architecture.md, "The journal"). FAULT_DATA names what changed. */
bool program_follows(const struct program *next, const struct program *previous,
                     struct fault *out_fault);

#endif
