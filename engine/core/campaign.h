/* Campaigns: when they run, and what they add to what base rules earn (semantics §4, phase 4). */
#ifndef TALLYBOOK_ENGINE_CORE_CAMPAIGN_H
#define TALLYBOOK_ENGINE_CORE_CAMPAIGN_H

#include "engine/core/match.h"

/* Whether a campaign runs for an order made there at apply->event's occurred_at: window, calendar
 * keys, birthday, channels, stores, partners. Its condition is asked apart. */
bool campaign_runs(const struct apply *apply, const struct rulebook *rulebook,
                   const struct program_campaign *campaign, const struct scope_place *place);

/* What campaigns make of an amount: what the base rule keeps of it, and what each adds. */
struct campaign_effect {
    struct fraction base;
    const uint16_t *campaigns;    /* in order of judgement */
    const struct fraction *added; /* by campaign; 0 of those below 1 */
    uint32_t count;
};

/* Applies those of two lists that multiply what a base rule earns; the second may be empty. False
 * when a fraction leaves 127 bits. */
bool campaign_apply(struct arena *scratch, const struct program *program, uint32_t rule,
                    struct match_list of_order, struct match_list of_lines, struct fraction amount,
                    struct campaign_effect *out_effect);

#endif
