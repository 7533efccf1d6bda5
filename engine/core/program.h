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
    PROGRAM_FORMAT = 1,
    PROGRAM_BYTES_MAX = 1024 * 1024,
    PROGRAM_CURRENCIES_MAX = 8,
    PROGRAM_RULES_MAX = 1000,
    PROGRAM_GROUPS_MAX = 4,
    PROGRAM_LEVELS_MAX = 16,
    PROGRAM_CATEGORIES_MAX = 256,
};

/* All enums in this file are persisted codes. */
enum expiry_kind { EXPIRY_NONE = 1, EXPIRY_PERIOD = 2 };

struct program_expiry {
    enum expiry_kind kind;
    int32_t amount;                 /* of `unit`; 0 = the bucket that holds the earning itself */
    enum calendar_unit unit;        /* day, month or year */
    enum calendar_unit round_up_to; /* end of this bucket; CALENDAR_NONE = to the instant */
};

struct program_currency {
    struct bytes id; /* "points" */
    uint8_t scale;   /* 0–6; never changes between versions */
    bool qualifying; /* counts for tiers only, cannot be spent */
    enum rounding rounding;
    struct program_expiry expiry;
    int32_t notice_days; /* expiring-soon notice this many days before; 0 = none */
};

/* How line rules on the same line combine (semantics §4, phase 2). */
enum combine { COMBINE_MAX = 1, COMBINE_SUM = 2, COMBINE_FIRST = 3 };

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

/* An earn rule: points per money on each line that matches. */
struct program_rule {
    struct bytes id;
    uint32_t currency; /* index into the program's currencies */
    int32_t priority;  /* higher goes first, then id by bytes; rules are stored in that order */
    uint16_t money;    /* ISO 4217 numeric of the orders it applies to */
    struct rate rate;  /* units of points per minor unit of money */
    const struct bytes *categories; /* empty list: every category */
    uint32_t category_count;
    struct program_basis basis;
    int32_t tier_group; /* index of the group whose multiplier applies, or -1 */
};

enum metric_kind { METRIC_SPEND = 1, METRIC_POINTS = 2 };
enum window_kind { WINDOW_CALENDAR_YEAR = 1, WINDOW_LIFETIME = 2 };
enum downgrade { DOWNGRADE_NONE = 1, DOWNGRADE_ONE_STEP = 2, DOWNGRADE_TO_QUALIFIED = 3 };

struct program_level {
    struct bytes id;
    int64_t threshold;      /* minor units or points; the first level's is 0; strictly rising */
    struct rate multiplier; /* for rules that name the group; 1/1 where none is given */
};

struct program_group {
    struct bytes id;
    enum metric_kind metric;
    uint16_t money;             /* METRIC_SPEND: orders in this currency count */
    uint32_t currency;          /* METRIC_POINTS: index of the points currency */
    struct program_basis basis; /* METRIC_SPEND: what of an order counts for tier value */
    enum window_kind window;
    enum downgrade downgrade;
    struct program_level levels[PROGRAM_LEVELS_MAX];
    uint32_t level_count;
};

enum unknown_member { UNKNOWN_AUTO_ENROL = 1, UNKNOWN_REJECT = 2 };

/* What happens to points that a return claws back beyond the balance (semantics §6). */
enum arrears_policy { ARREARS_ALLOW = 1 };

struct program {
    struct bytes name;
    uint32_t version;
    struct instant effective_from;
    struct bytes zone_name;   /* IANA name, for people */
    struct zone zone;         /* its transitions, frozen at activation (semantics §2) */
    int64_t accept_future_ms; /* default 5 min */
    int64_t accept_past_ms;   /* default 366 days */
    enum unknown_member unknown_member;
    enum arrears_policy arrears;
    enum combine line_combine;
    struct program_currency currencies[PROGRAM_CURRENCIES_MAX];
    uint32_t currency_count;
    struct program_group groups[PROGRAM_GROUPS_MAX];
    uint32_t group_count;
    const struct program_rule *rules; /* in order of judgement: priority falling, then id */
    uint32_t rule_count;
};

/* Writes the normalised form. The layout is described byte by byte in program.c. Fails by
 * writer->overflow. */
void program_encode(const struct program *program, struct writer *writer);

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
