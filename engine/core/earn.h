/*
 * What an order earns, phases 1 to 6 (semantics §4): exact amounts of rules and campaigns, one
 * rounding, and each one's whole points. The same calculation serves returns: what the kept lines
 * would have earned, or what each line's part of it is (semantics §6).
 */
#ifndef TALLYBOOK_ENGINE_CORE_EARN_H
#define TALLYBOOK_ENGINE_CORE_EARN_H

#include "engine/core/eligible.h"
#include "engine/core/match.h"
#include "engine/core/pending.h"

enum earn_method {
    EARN_KEPT = 1, /* as if the kept values had been bought */
    EARN_ITEM = 2, /* each line's points times the part of its value that is kept */
};

struct earn_input {
    const struct rulebook *rulebook;
    uint16_t currency; /* of the money */
    const struct order_money *money;
    const struct order_match *match;
    const uint8_t *levels; /* by group: whose multiplier applies; NULL: none does */
    struct instant occurred_at;
    enum earn_method method;
};

/* What one rule or campaign gives of a grant. */
struct earn_part {
    struct program_source source;
    bool flat;
    uint32_t rule;         /* the base rule or flat bonus, by whose pending the points activate */
    struct fraction exact; /* before rounding */
    struct fraction base;  /* of a base rule: before tier and campaigns */
    int64_t eligible_minor;
    int64_t requested; /* its share of the rounded grant */
    int64_t points;    /* after caps */
    uint32_t lot;      /* of the plan that it stands on; UINT32_MAX: none */
};

/* What is earned in one currency. Parts stand in order of appearance: base rules, campaigns, flat
 * bonuses, each in order of judgement. */
struct earn_grant {
    struct fraction exact;
    int64_t requested;
    struct earn_part *parts;
    uint32_t part_count;
};

struct earn_result {
    struct earn_grant grants[PROGRAM_CURRENCIES_MAX];
};

/* Fills in the grants of the program's currencies. False when an amount would leave its bits: the
 * verdict is overflow. Lists lie in the arena. */
bool earn_compute(struct arena *scratch, const struct earn_input *input,
                  struct earn_result *out_result);

/* Tier value of an order by group and metric; 0 where the metric is no spend of this money. */
struct earn_spends {
    int64_t values[PROGRAM_GROUPS_MAX][PROGRAM_METRICS_MAX];
};

/* What of an order is kept, as tier value. False as above. */
bool earn_spends(struct arena *scratch, const struct program *program, uint16_t currency,
                 const struct order_money *money, struct earn_spends *out_spends);

/* The levels held at an instant, by group of the rulebook. */
void earn_levels(const struct state *state, const struct rulebook *rulebook,
                 const struct member *member, struct instant instant,
                 uint8_t out_levels[PROGRAM_GROUPS_MAX]);

#endif
