/* Judges which rules and campaigns apply to what of an order (order.h: struct order_match). */
#ifndef TALLYBOOK_ENGINE_CORE_MATCH_H
#define TALLYBOOK_ENGINE_CORE_MATCH_H

#include "engine/core/order.h"
#include "engine/core/scope.h"

/* Judges an order as `purchase` tells it, by a version, for apply->member. Campaigns are left out
 * where `base_only`, and flat bonuses. Lists lie in the scratch arena. False when the order's total
 * leaves 63 bits. */
bool match_order(const struct apply *apply, const struct rulebook *rulebook,
                 const struct purchase *purchase, bool base_only, struct order_match *out_match);

#endif
