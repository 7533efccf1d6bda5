/*
 * What rules may ask of an event: the facts of their conditions, and their filters (semantics §4,
 * §9). All of it is as it stood before the event: tiers at occurred_at, the rest in journal order.
 */
#ifndef TALLYBOOK_ENGINE_CORE_SCOPE_H
#define TALLYBOOK_ENGINE_CORE_SCOPE_H

#include "engine/core/condition.h"
#include "engine/core/state_priv.h"

/* Where, how and with whom it was. */
struct scope_place {
    struct bytes channel, store, partner;
};

/* Fills in `event` and `member`. The list of tiers lies in the scratch arena. */
void scope_begin(const struct apply *apply, const struct rulebook *rulebook,
                 struct condition_facts *out_facts);

/* The same for what time brings: the kind of event that it is called, and when. */
void scope_moment(const struct apply *apply, const struct rulebook *rulebook, struct bytes kind,
                  struct instant at, struct condition_facts *out_facts);

/* Fills in `order`, from a purchase. False when its total leaves 63 bits. */
bool scope_order(const struct purchase *purchase, struct condition_facts *facts);

/* Whether a list of the program, which is sorted, has the text; under scope_has an empty list has
 * all. */
bool scope_finds(struct program_texts texts, struct bytes text);

static inline bool
scope_has(struct program_texts texts, struct bytes text)
{
    return texts.count == 0 || scope_finds(texts, text);
}

/* Whether an instant lies in a window. */
static inline bool
scope_within(struct program_window window, struct instant instant)
{
    return window.from.ms <= instant.ms && instant.ms < window.until.ms;
}

/* Whether a condition holds; none always does, one that goes wrong never. */
bool scope_holds(struct program_condition condition, const struct condition_facts *facts);

/* Whether the parts of a filter hold that ask of the whole: window, channels, stores, partners; the
 * condition is asked apart. */
static inline bool
scope_passes(const struct program_filter *filter, const struct scope_place *place,
             struct instant occurred_at)
{
    return scope_within(filter->window, occurred_at) &&
           scope_has(filter->channels, place->channel) && scope_has(filter->stores, place->store) &&
           scope_has(filter->partners, place->partner);
}

/* Whether a line passes categories, skus and brands. */
static inline bool
scope_line_passes(const struct program_filter *filter, const struct event_line *line)
{
    return scope_has(filter->categories, line->category) && scope_has(filter->skus, line->sku) &&
           scope_has(filter->brands, line->brand);
}

/* Whether a filter asks anything of lines. */
bool scope_asks_lines(const struct program_filter *filter);

#endif
