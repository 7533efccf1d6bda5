/* Redeeming points in spend order, and what redemptions and holds have in common (semantics §5). */
#ifndef TALLYBOOK_ENGINE_CORE_SPEND_H
#define TALLYBOOK_ENGINE_CORE_SPEND_H

#include "engine/core/limit.h"
#include "engine/core/price.h"

/* A redemption, from "member known" on. */
enum verdict spend_redeem(struct apply *apply);

/* ---- For holds ---- */

struct spend_ask {
    const struct spend_request *request;
    enum reference_kind kind; /* spend or hold */
    enum limited limited;
    struct bytes id;
};

/* What a request comes to, once it may be granted. */
struct spend_terms {
    struct price price;
    struct limit_use limit_use;
    struct limit_finding limit_finding;
};

/* Judges a request in the order of semantics §3. */
enum verdict spend_judge(struct apply *apply, const struct spend_ask *ask,
                         struct spend_terms *out_terms);

/* Takes the points, tells them in the outcome, counts them in limits and returns what was taken:
 * parts lie in the scratch arena. */
struct spend spend_take(struct apply *apply, const struct spend_ask *ask,
                        const struct spend_terms *terms);

/* Leaves the event's row. */
void spend_keep(struct apply *apply, const struct spend *spend);

/* ---- For whatever ends or undoes ---- */

/* Units by currency, in order of first appearance. */
struct spend_sums {
    uint32_t count;
    uint8_t slots[SPEND_CURRENCIES_MAX];
    int64_t units[SPEND_CURRENCIES_MAX];
};

void spend_sum(struct spend_sums *sums, uint8_t slot, int64_t units);

/* Tells the sums in the outcome. */
void spend_tell(struct apply *apply, const struct spend_sums *sums);

/* A walk over units of the parts, counted in order of allocation. */
struct spend_walk {
    const struct spend *spend;
    int64_t skip, left; /* units to pass over, and then to give */
    uint32_t part;      /* the next to look at; of a walk back, the one behind it */
    bool back;
};

/* Over units [from, until): in order of allocation, or back from the last allocated. */
struct spend_walk spend_walk(const struct spend *spend, int64_t from, int64_t until, bool back);

/* So many units of this part come next; false at the end. */
bool spend_walk_next(struct spend_walk *walk, const struct spend_part **out_part,
                     int64_t *out_units);

#endif
