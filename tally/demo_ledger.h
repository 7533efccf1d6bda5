/*
 * The demo's books: what a reader of the four output topics knows, and nothing else. Balances are
 * summed from postings, levels from tier changes, verdicts from outcomes, warnings from notices.
 *
 * Invariants:
 * 1. Nothing here comes from the generator or from the engine's state; demo_ledger_compare holds
 * the two against each other.
 * 2. issued = Σ members' active − Σ members' arrears + redeemed + expired + reversed, per currency:
 * the left side and the flows are sums of movements, the balances are what the postings say that
 * each member has (semantics §3).
 * 3. Points by their last day sum to the active balance (semantics §7).
 *
 * @thread one at a time
 */
#ifndef TALLYBOOK_TALLY_DEMO_LEDGER_H
#define TALLYBOOK_TALLY_DEMO_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/core/program.h"
#include "engine/shard/shard.h"
#include "tally/demo_shop.h"
#include "tally/output_walk.h"

enum {
    DEMO_TEXT_BYTES = 40,
    DEMO_DAYS = 64, /* remembered around today; points of the demo's programme live for 31 */
    DEMO_VERDICTS = 256,
    DEMO_SPENDABLE = 0, /* the programme's first currency, the one shown */
};

/* Kinds of lines of the stream; the most common is the last. */
enum demo_line_kind {
    DEMO_LINE_TIER,
    DEMO_LINE_OWED, /* a claw-back of points that were spent already */
    DEMO_LINE_REFUSED,
    DEMO_LINE_REPEAT,
    DEMO_LINE_RETURNED,
    DEMO_LINE_REDEEMED,
    DEMO_LINE_EXPIRED,
    DEMO_LINE_WARNED, /* expiring soon */
    DEMO_LINE_ORDER,
    DEMO_LINE_KINDS,
};

/* The latest of its kind, for the stream. */
struct demo_line {
    bool fresh; /* not shown yet */
    int64_t at_ms;
    char member[DEMO_TEXT_BYTES];
    char event[DEMO_TEXT_BYTES]; /* postings of one event make one line */
    char what[DEMO_TEXT_BYTES];  /* level, verdict, order */
    int64_t points, active_after;
    bool up; /* of a tier */
};

struct demo_books {
    char currency[DEMO_TEXT_BYTES];
    int64_t issued, redeemed, expired, reversed, owed, repaid;
    int64_t active, arrears; /* Σ over members, from their latest postings */
    uint64_t postings, grants;
};

struct demo_day {
    int64_t number; /* since 1970; another number: the place holds an older day */
    int64_t earned, redeemed, expired, returned;
    uint32_t orders;
    uint32_t up[PROGRAM_LEVELS_MAX], down[PROGRAM_LEVELS_MAX]; /* arrivals on a level */
};

struct demo_member {
    bool known;
    uint8_t level;
    int64_t active[PROGRAM_CURRENCIES_MAX], arrears[PROGRAM_CURRENCIES_MAX];
};

/* An upgrade with its cause, to be told as an example. */
struct demo_example {
    bool found;
    int64_t at_ms, metric;
    char member[DEMO_TEXT_BYTES], from[DEMO_TEXT_BYTES], to[DEMO_TEXT_BYTES];
    char source[DEMO_TEXT_BYTES], event[DEMO_TEXT_BYTES];
};

struct demo_ledger {
    const struct program *program; /* names of currencies and levels */
    struct demo_books books[PROGRAM_CURRENCIES_MAX];
    struct demo_member members[DEMO_MEMBERS_MAX];
    uint32_t member_count;
    uint32_t level_counts[PROGRAM_LEVELS_MAX];
    uint64_t upgrades, downgrades, renewals;
    uint64_t events, effects, orders, refunds, cancellations, redemptions, warnings;
    uint64_t verdicts[DEMO_VERDICTS];
    char verdict_names[DEMO_VERDICTS][DEMO_TEXT_BYTES];
    uint64_t sequences[PARTITIONS_MAX][TOPIC_COUNT]; /* last number read */
    struct demo_day days[DEMO_DAYS];
    int64_t last_days[DEMO_DAYS]; /* spendable points by their last day */
    int64_t last_day_numbers[DEMO_DAYS];
    struct demo_line lines[DEMO_LINE_KINDS];
    struct demo_example example; /* the last to reach the last level but one */
    int64_t clock_ms;            /* the latest journal time read */
};

/** Empty books for a programme with one tier group; `program` outlives them. Allocated. */
struct demo_ledger *demo_ledger_open(const struct program *program);
void demo_ledger_close(struct demo_ledger *ledger);

/** Takes one effect; an output_function. FAULT_SOFTWARE when it makes no sense for the demo. */
bool demo_ledger_take(void *ledger, const struct output_item *item, struct fault *out_fault);

/** Whether every effect up to these numbers was taken. */
bool demo_ledger_has_all(const struct demo_ledger *ledger, const struct partition_status *status,
                         uint32_t count);

/** Invariant 2, for one currency. */
bool demo_books_are_conserved(const struct demo_books *books);

/** Spendable points whose last day is `day` (since 1970). */
int64_t demo_ledger_last_day(const struct demo_ledger *ledger, int64_t day);

/** What happened on `day`; all zero when that is forgotten. */
struct demo_day demo_ledger_day(const struct demo_ledger *ledger, int64_t day);

/** Invariants 2 and 3, and the engine's own totals, members and verdicts, which were asked for when
 * everything was read. FAULT_SOFTWARE names the first difference. */
struct status_totals;
bool demo_ledger_compare(const struct demo_ledger *ledger, const struct status_totals *totals,
                         const struct partition_status *status, uint32_t count,
                         struct fault *out_fault);

#endif
