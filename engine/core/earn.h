/*
 * What lines earn (semantics §4, phases 1 to 6), and purchases. The same calculation serves
 * returns: what the kept lines would have earned (semantics §6).
 */
#ifndef TALLYBOOK_ENGINE_CORE_EARN_H
#define TALLYBOOK_ENGINE_CORE_EARN_H

#include "engine/core/order.h"
#include "engine/core/state_priv.h"

struct earn_input {
    const struct rulebook *rulebook;
    uint16_t money; /* ISO 4217 numeric */
    const struct event_line *lines;
    uint32_t line_count;
    int64_t tender_minor;  /* paid with points and gift cards */
    const uint8_t *levels; /* by group: whose multiplier applies; NULL: none does */
    /* Of a return: what was paid on each line and what of that is refunded. NULL: nothing is. */
    const int64_t *paid, *refunded;
};

struct earn_result {
    int64_t points[PROGRAM_CURRENCIES_MAX]; /* by currency of the rulebook, rounded once */
    uint16_t rule[PROGRAM_CURRENCIES_MAX];  /* the first that contributed */
    int64_t spend[PROGRAM_GROUPS_MAX]; /* tier value, by group; 0 where the group does not count
                                          this money */
};

/* False when an amount would leave its bits: the verdict is overflow. */
bool earn_compute(struct arena *scratch, const struct earn_input *input,
                  struct earn_result *out_result);

/* What was paid on each line: its value net of discount less its share of the tender. False as
 * above. */
bool earn_paid(struct arena *scratch, const struct event_line *lines, uint32_t line_count,
               int64_t tender_minor, const int64_t **out_paid);

/* The levels held at an instant, by group of the rulebook. */
void earn_levels(const struct state *state, const struct rulebook *rulebook,
                 const struct member *member, struct instant instant,
                 uint8_t out_levels[PROGRAM_GROUPS_MAX]);

/* A purchase, from "member known" on; identity, version and time are judged. */
enum verdict earn_purchase(struct apply *apply);

#endif
