#include "engine/core/price.h"

#include "engine/core/award_priv.h"
#include "engine/core/fact.h"
#include "engine/core/scope.h"
#include "engine/core/tier.h"

/* ---- Form ---- */

/* At par means unit by unit, so currencies of one spend have one scale. */
enum verdict
price_judge_form(struct apply *apply, const struct spend_request *request)
{
    uint32_t count = request->currency_count == 0 ? 1 : request->currency_count;
    const struct program_currency *first = NULL;
    if (request->what == SPEND_POINTS && request->points.units <= 0) {
        apply->detail = bytes_from_cstr("points must be above zero");
        return VERDICT_MALFORMED;
    }
    if (apply->rulebook == NULL) return VERDICT_ACCEPTED;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes id = {0};
        uint32_t index;
        if (request->currency_count > 0) id = request->currencies[i];
        if (!rulebook_currency(apply->rulebook, id, &index)) return VERDICT_UNKNOWN_POINTS_CURRENCY;
        const struct program_currency *currency = &apply->rulebook->program.currencies[index];
        if (currency->qualifying) {
            apply->detail =
                bytes_from_cstr("the points currency counts for tiers only and cannot be spent");
            return VERDICT_MALFORMED;
        }
        if (first == NULL) first = currency;
        if (currency->scale == first->scale) continue;
        apply->detail = bytes_from_cstr("currencies of one spend must have the same scale");
        return VERDICT_MALFORMED;
    }
    return VERDICT_ACCEPTED;
}

/* ---- Prices ---- */

int64_t
price_units(const struct price *price)
{
    return price->units > INT64_MAX ? INT64_MAX : (int64_t)price->units;
}

/* Whether a price or threshold is for the member, as its tiers were then. */
static bool
is_for(const struct apply *apply, uint32_t group, uint32_t level)
{
    if (group == PROGRAM_NONE) return true;
    return tier_at(apply->state, apply->rulebook, apply->member, group,
                   apply->event->occurred_at) >= level;
}

static const struct program_reward *
find_reward(const struct program_spending *spending, struct bytes id)
{
    uint32_t low = 0, high = spending->reward_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(id, spending->rewards[middle].id);
        if (order == 0) return &spending->rewards[middle];
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* The price of one piece; the last that is for the member holds. 0: there is none. */
static int64_t
piece_price(const struct apply *apply, const struct program_reward *reward, uint32_t currency)
{
    int64_t points = 0;
    for (uint32_t i = 0; i < reward->price_count; i++) {
        const struct program_price *price = &reward->prices[i];
        if (price->currency == currency && is_for(apply, price->group, price->level))
            points = price->points;
    }
    return points;
}

static bool
condition_holds(const struct apply *apply, const struct spend_request *request,
                const struct price *price)
{
    struct condition_facts facts;
    if (price->reward->filter.when.decoded == NULL) return true;
    scope_begin(apply, apply->rulebook, &facts);
    facts.spend = (struct condition_spend){
        .points = price_units(price),
        .channel = request->channel,
        .store = request->store,
        .reward_id = request->reward.id,
        .attributes = {request->attributes.items, request->attributes.count},
    };
    return scope_holds(price->reward->filter.when, &facts);
}

static enum verdict
find_reward_price(const struct apply *apply, const struct spend_request *request,
                  struct price *price)
{
    const struct rulebook *rulebook = apply->rulebook;
    const struct program_spending *spending = &rulebook->program.spending;
    struct instant occurred_at = apply->event->occurred_at;
    const struct program_reward *reward = find_reward(spending, request->reward.id);
    if (reward == NULL) return VERDICT_UNKNOWN_REWARD;
    int64_t piece = piece_price(apply, reward, price->currency);
    price->reward = reward;
    price->units = (__int128)piece * request->reward.count;
    if (piece == 0 || !scope_within(reward->filter.window, occurred_at) ||
        !condition_holds(apply, request, price)) {
        return VERDICT_REWARD_UNAVAILABLE;
    }
    if (reward->times.count == 0) return VERDICT_ACCEPTED;
    price->use = (struct reward_use){
        .count = request->reward.count,
        .slot = rulebook->reward_slot[reward - spending->rewards],
        .per = reward->times.per,
        .bucket_ms = award_bucket(rulebook, reward->times.per, occurred_at),
    };
    return VERDICT_ACCEPTED;
}

/* As many points as the money takes, rounded up. */
static enum verdict
find_payment_price(const struct apply *apply, const struct spend_request *request,
                   struct price *price)
{
    const struct program_spending *spending = &apply->rulebook->program.spending;
    for (uint32_t i = 0; i < spending->payment_count; i++) {
        const struct program_payment *payment = &spending->payments[i];
        if (payment->currency != price->currency || payment->money != request->payment.currency)
            continue;
        __int128 numerator = (__int128)request->payment.amount_minor * payment->rate.denominator;
        price->units = (numerator + payment->rate.numerator - 1) / payment->rate.numerator;
        price->payment = payment;
        return VERDICT_ACCEPTED;
    }
    return VERDICT_PAYMENT_NOT_OFFERED;
}

enum verdict
price_find(const struct apply *apply, const struct spend_request *request, struct price *out_price)
{
    struct price price = {.slot_count = request->currency_count};
    for (uint32_t i = 0; i < request->currency_count; i++) {
        uint32_t index;
        CHECK(rulebook_currency(apply->rulebook, request->currencies[i], &index)); /* as form */
        price.slots[i] = apply->rulebook->currency_slot[index];
        if (i == 0) price.currency = index;
    }
    if (request->currency_count == 0) {
        price.slots[0] = apply->rulebook->currency_slot[0];
        price.slot_count = 1;
    }
    enum verdict verdict = VERDICT_ACCEPTED;
    switch (request->what) {
    case SPEND_POINTS: price.units = request->points.units; break;
    case SPEND_REWARD: verdict = find_reward_price(apply, request, &price); break;
    case SPEND_PAYMENT: verdict = find_payment_price(apply, request, &price); break;
    }
    if (verdict == VERDICT_ACCEPTED) *out_price = price;
    return verdict;
}

/* ---- Limits ---- */

static enum verdict
reach(struct apply *apply, const char *what)
{
    apply->detail = bytes_from_cstr(what);
    return VERDICT_LIMIT_REACHED;
}

/* Of the thresholds for the first currency the last that is for the member holds. */
static enum verdict
keep_thresholds(struct apply *apply, const struct price *price)
{
    const struct program_spending *spending = &apply->rulebook->program.spending;
    const struct program_spend_limit *limit = NULL;
    for (uint32_t i = 0; i < spending->limit_count; i++) {
        const struct program_spend_limit *other = &spending->limits[i];
        if (other->currency == price->currency && is_for(apply, other->group, other->level))
            limit = other;
    }
    if (limit == NULL) return VERDICT_ACCEPTED;
    if (price->units < limit->minimum)
        return reach(apply, "minimum: a spend draws at least so many points");
    if (limit->multiple_of > 0 && price->units % limit->multiple_of != 0)
        return reach(apply, "multiple_of: points are spent in multiples only");
    if (limit->maximum > 0 && price->units > limit->maximum)
        return reach(apply, "maximum: a spend draws at most so many points");
    return VERDICT_ACCEPTED;
}

static enum verdict
keep_payment_limits(struct apply *apply, const struct spend_payment *asked,
                    const struct price *price)
{
    const struct program_payment *payment = price->payment;
    if (price->units < payment->minimum)
        return reach(apply, "minimum of the payment: it takes at least so many points");
    if (payment->multiple_of > 0 && price->units % payment->multiple_of != 0)
        return reach(apply, "multiple_of of the payment: it takes multiples of points only");
    if (payment->max_points > 0 && price->units > payment->max_points)
        return reach(apply, "max_points of the payment: it takes at most so many points");
    if (payment->max_amount_minor > 0 && asked->amount_minor > payment->max_amount_minor)
        return reach(apply, "max_amount of the payment: points pay at most so much");
    if (payment->min_cash_due_minor > 0 &&
        asked->order_total_minor - asked->amount_minor < payment->min_cash_due_minor) {
        return reach(apply, "min_cash_due of the payment: at least so much of the order's total, "
                            "which must be told, stays to be paid in money");
    }
    return VERDICT_ACCEPTED;
}

static enum verdict
keep_times(struct apply *apply, const struct price *price)
{
    const struct reward_use *use = &price->use;
    int64_t had =
        fact_value(apply->member, FACT_REWARD_USE, use->slot, use->bucket_ms, (uint32_t)use->per);
    if (had + use->count <= price->reward->times.count) return VERDICT_ACCEPTED;
    return reach(apply, "times: the member may not have so many of the reward");
}

enum verdict
price_keep_limits(struct apply *apply, const struct spend_request *request,
                  const struct price *price)
{
    enum verdict verdict = keep_thresholds(apply, price);
    if (verdict == VERDICT_ACCEPTED && price->payment != NULL)
        verdict = keep_payment_limits(apply, &request->payment, price);
    if (verdict == VERDICT_ACCEPTED && price->use.count > 0) verdict = keep_times(apply, price);
    return verdict;
}

/* ---- Counting ---- */

static struct fact
use_fact(const struct reward_use *use)
{
    return (struct fact){
        .kind = FACT_REWARD_USE,
        .slot = use->slot,
        .key = use->bucket_ms,
        .index = (uint32_t)use->per,
        .a = use->count,
    };
}

void
price_count_use(struct apply *apply, const struct reward_use *use)
{
    struct fact fact = use_fact(use);
    if (use->count == 0) return;
    award_forget_buckets(apply, apply->rulebook, FACT_REWARD_USE, use->slot);
    fact_add(&apply->state->members, &apply->member, &fact);
}

void
price_give_use_back(struct apply *apply, const struct reward_use *use)
{
    struct fact fact = use_fact(use);
    if (use->count == 0) return;
    if (fact_find(apply->member, FACT_REWARD_USE, fact.slot, fact.key, fact.index) == NULL)
        return; /* its bucket is forgotten */
    fact.a = -fact.a;
    fact_add(&apply->state->members, &apply->member, &fact);
}
