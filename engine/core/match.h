/*
 * Which rules and campaigns apply to what of an order: judged once, when it is bought, and kept in
 * its row, so that a return judges no condition anew (semantics §6).
 *
 * Lines to which the same rules and campaigns apply share a pattern. Indexes are the granting
 * program's and rise, which is the order of judgement.
 */
#ifndef TALLYBOOK_ENGINE_CORE_MATCH_H
#define TALLYBOOK_ENGINE_CORE_MATCH_H

#include "engine/core/scope.h"

struct match_list {
    const uint16_t *items;
    uint32_t count;
};

struct match_pattern {
    struct match_list rules;     /* of lines and of orders */
    struct match_list campaigns; /* of those that ask of lines */
};

struct order_match {
    uint32_t pattern_count;
    const struct match_pattern *patterns;
    const uint16_t *line_patterns; /* by line */
    struct match_list campaigns;   /* of those that ask nothing of lines */
};

/* Judges an order as `purchase` tells it, by a version, for apply->member. Campaigns are left out
 * where `base_only`, and flat bonuses. Lists lie in the scratch arena. False when the order's total
 * leaves 63 bits. */
bool match_order(const struct apply *apply, const struct rulebook *rulebook,
                 const struct purchase *purchase, bool base_only, struct order_match *out_match);

#endif
