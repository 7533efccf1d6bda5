/*
 * What a spend asks for, in points: plain points, a reward of the catalogue, money to be paid; and
 * the limits of the rulebook that it has to keep (semantics §5).
 */
#ifndef TALLYBOOK_ENGINE_CORE_PRICE_H
#define TALLYBOOK_ENGINE_CORE_PRICE_H

#include "engine/core/spend_row.h"
#include "engine/core/state_priv.h"

struct price {
    uint8_t slots[SPEND_CURRENCIES_MAX]; /* currencies to draw on, in order of priority */
    uint32_t slot_count;
    uint32_t currency;                     /* index of the first in the rulebook: its limits hold */
    __int128 units;                        /* above zero; may be more than anybody has */
    const struct program_payment *payment; /* NULL: none */
    const struct program_reward *reward;   /* NULL: none */
    struct reward_use use;
};

/* What the codec cannot see of a request: its currencies. A refusal of form. */
enum verdict price_judge_form(struct apply *apply, const struct spend_request *request);

/* Works the price out: unknown_reward, reward_unavailable, payment_not_offered. The member is
 * known. */
enum verdict price_find(const struct apply *apply, const struct spend_request *request,
                        struct price *out_price);

/* Thresholds, limits of a payment, how often a reward may be had: limit_reached, with a detail that
 * names which. */
enum verdict price_keep_limits(struct apply *apply, const struct spend_request *request,
                               const struct price *price);

/* Counts pieces of a reward, or takes them off again where a hold came to nothing. */
void price_count_use(struct apply *apply, const struct reward_use *use);
void price_give_use_back(struct apply *apply, const struct reward_use *use);

/* A price as a number of 63 bits: what is more than that is more than anybody has. */
int64_t price_units(const struct price *price);

#endif
