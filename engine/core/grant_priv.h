/* What a plan of grants is made of (grant.h). For grant.c, purchase.c and the tests. */
#ifndef TALLYBOOK_ENGINE_CORE_GRANT_PRIV_H
#define TALLYBOOK_ENGINE_CORE_GRANT_PRIV_H

#include "engine/core/cap.h"
#include "engine/core/grant.h"
#include "engine/core/order.h"

/* One grant: phases 1 to 7 of one currency, or one award. */
struct planned_grant {
    uint32_t currency;
    struct program_source award; /* kind 0: phases 1 to 7 */
    bool of_order;               /* its lots carry the order */
    uint32_t funder;             /* of an award */
    int32_t tier_group;          /* whose multiplier applied, or -1 */
    struct rate multiplier;
    struct activation_terms terms; /* of an award */
    struct fraction exact;
    int64_t requested, granted;
    struct earn_part *parts;
    uint32_t part_count;
    uint32_t cap; /* the first that cut, or CAP_NONE */
};

/* A lot to be made. */
struct planned_lot {
    uint32_t currency, funder;
    struct activation_terms terms;
    bool of_order, of_award;
    int64_t points;
    struct program_source source; /* first that contributed */
    struct order_lot booked;
};

struct grant_plan {
    struct apply *apply;
    struct rulebook *rulebook;
    struct instant occurred_at;
    bool overflow, quarantined;
    bool has_order; /* its event is a purchase */
    uint8_t levels[PROGRAM_GROUPS_MAX];
    bool has_levels;
    uint16_t money;   /* of the purchase; 0: none */
    int64_t *rooms;   /* by cap: what is left; NULL without caps */
    int64_t *cap_use; /* by cap: planned */
    struct planned_grant *grants;
    uint32_t grant_count, grant_capacity;
    struct planned_lot *lots;
    uint32_t lot_count, lot_capacity;
};

/* Adds what an order earns in a currency by phases 1 to 6; caps are applied here. */
void grant_plan_earned(struct grant_plan *plan, uint32_t currency, const struct earn_grant *earned);

/* The active balance of a currency when everything planned so far will be booked: of lots that are
 * spendable at once, after arrears. */
int64_t grant_plan_balance(const struct grant_plan *plan, uint32_t currency);

/* What an order's row remembers of the booked plan. Lists lie in the scratch arena. */
void grant_plan_remember(const struct grant_plan *plan, struct order *order);

#endif
