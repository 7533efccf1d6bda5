/*
 * Velocity limits, anomalies and quarantine (semantics §10). A limit counts what a member did in a
 * rolling window by occurred_at; what goes over is refused, quarantined or told.
 *
 * A room that is limited says what its event would use (limit_check, in the limits stage of the
 * verdicts, before anything moves), and, when the event is accepted and its points have moved, that
 * it did (limit_count).
 */
#ifndef TALLYBOOK_ENGINE_CORE_LIMIT_H
#define TALLYBOOK_ENGINE_CORE_LIMIT_H

#include "engine/core/fact.h"
#include "engine/core/state_priv.h"

/* What the event at hand uses. What is not told is 0: neither judged nor counted. */
struct limit_use {
    enum limited of;
    struct bytes activity; /* LIMITED_ACTIVITY: its kind's name */
    /* By currency of apply->rulebook: what the event grants after caps, spends or holds. */
    int64_t points[PROGRAM_CURRENCIES_MAX];
    uint16_t money;    /* LIMITED_PURCHASE, LIMITED_REFUND: ISO 4217 numeric */
    int64_t net_minor; /* amount less discount over all lines; of a refund its amount */
};

/* What one limit makes of it. */
struct limit_figures {
    int64_t value, threshold; /* with the event; over is above */
};

/* What the limits say to it. Limits are bits, by their index in the rulebook. */
struct limit_finding {
    uint64_t matching; /* those that count the event */
    uint64_t flagged;  /* of these, those to be told of */
    bool quarantines;  /* the event's grants are to be made with LOT_QUARANTINED */
    uint32_t by;       /* the limit that quarantines */
    struct limit_figures figures[PROGRAM_LIMITS_MAX]; /* of those that match */
};

/* VERDICT_LIMIT_REACHED, with apply->detail naming the limit, or VERDICT_ACCEPTED. apply->member
 * may be NULL. */
enum verdict limit_check(struct apply *apply, const struct limit_use *use,
                         struct limit_finding *out_finding);

/* After the event's points have moved: counts it, sends the notices, and notes what is in
 * quarantine. */
void limit_count(struct apply *apply, const struct limit_use *use,
                 const struct limit_finding *finding);

/* The event has spent points: limits on refunds that follow count from it. The caller has seen that
 * there is room for a fact of each limit. */
void limit_redeemed(struct apply *apply);

/* Events ReleaseQuarantine and RejectQuarantine, from "member known" on. */
enum verdict limit_release(struct apply *apply);
enum verdict limit_reject(struct apply *apply);

/* Nobody decided (due work of kind 1): the quarantine of a FACT_QUARANTINE ends by itself. */
void limit_undecided(struct apply *apply, const struct fact *quarantine, int64_t ms);

/* The chunk of identities and the order's row that ReleaseQuarantine and RejectQuarantine need. */
void limit_needs(const struct state *state, const struct event *event, const struct member *member,
                 struct needs *needs);

#endif
