/* One return on its way. For the files return*.c, loose.c and wait.c. */
#ifndef TALLYBOOK_ENGINE_CORE_RETURN_PRIV_H
#define TALLYBOOK_ENGINE_CORE_RETURN_PRIV_H

#include "engine/core/earn.h"
#include "engine/core/limit.h"
#include "engine/core/return.h"

/* What is told: by an event, or by one that waited. */
struct report {
    enum event_kind kind; /* refund, cancellation or delivered */
    struct refund refund;
    struct instant occurred_at;
    const struct rulebook *rulebook; /* in force then: says from where */
    bool waited;                     /* the outcome is another event's */
};

/* Which of an order's money is known as refunded. */
struct picture {
    const int64_t *refunded; /* by line */
    bool whole;              /* nothing is kept */
};

struct returning {
    struct arena *scratch;
    struct order order;        /* as it will be */
    uint64_t ordinal;          /* of the order */
    struct rulebook *rulebook; /* that granted */
    const struct report *report;
    struct order_money money; /* as it was bought */
    const int64_t *paid;      /* by line */
    struct picture before, after;
    struct earn_spends spends_before, spends_after;
    int64_t *stays, *claws, *restores; /* by grant */
    uint32_t taking_capacity;          /* room behind order.takings */
};

/* What is left where nothing more is to be found. */
struct claw_outcome {
    int64_t taken, owed, dropped;
};

/* ---- return_known.c ---- */

/* What is known as refunded of an order (semantics §6). */
struct picture return_picture(struct arena *scratch, const struct order *order,
                              const int64_t *paid);

/* Adds a report to the order. A line that the order does not have counts as none. False when a sum
 * would leave 63 bits. */
bool return_take_report(struct returning *returning);

/* What was told in all, whatever was paid: of the order, and by line. */
struct told {
    int64_t total;
    const int64_t *lines;
};
struct told return_told(struct arena *scratch, const struct order *order, const int64_t *paid);

/* The whole amount of a refund. */
bool return_total(const struct refund *refund, int64_t *out_total);

/* ---- return_amount.c ---- */

/* Works out what stays of each grant, and so what is clawed back or restored. False when an amount
 * would leave its bits. */
bool return_amounts(const struct apply *apply, struct returning *returning);

/* The order's money with what a picture says of it. */
struct order_money return_money(const struct returning *returning, const struct picture *picture);

/* ---- return_take.c ---- */

/* Claws units of a currency back by the refund's policy, and writes down where they came from. Of
 * what is owed, so much is written off at once as *write_off, which falls by it, still allows. */
struct claw_outcome return_claw(struct apply *apply, struct returning *returning, uint32_t slot,
                                int64_t units, int64_t *write_off);

/* The same for what is not an order's: active lots in spend order, then by the policy of a version.
 */
struct claw_outcome return_claw_loose(struct apply *apply, const struct rulebook *rulebook,
                                      uint32_t slot, int64_t units, int64_t effective_ms);

/* What one return may write off of a currency slot, by a version. */
int64_t return_write_off(const struct rulebook *rulebook, uint32_t slot);

/* Gives units back to where they came from. Returns how many of them had been dropped. */
int64_t return_restore(struct apply *apply, struct returning *returning, uint32_t grant,
                       int64_t units);

/* ---- return.c ---- */

/* What apply->event tells. */
struct report return_report(const struct apply *apply);

/* What a refund uses of the member's limits; `of` is 0 when it is not judged. */
enum verdict return_limits(struct apply *apply, const struct report *report,
                           struct limit_use *out_use, struct limit_finding *out_finding);

/* Applies a report to an order. */
enum verdict return_apply(struct apply *apply, const struct reference *reference,
                          const struct report *report);

/* Opens an order's row; `report` may be NULL. */
void return_open(const struct apply *apply, const struct reference *reference,
                 const struct report *report, struct returning *returning);

/* Writes the row as it will be. */
void return_write(struct apply *apply, const struct returning *returning);

/* The order has arrived. */
enum verdict return_deliver(struct apply *apply, const struct reference *reference,
                            struct instant delivered_at);

/* ---- loose.c ---- */

enum verdict return_loose(struct apply *apply);

#endif
