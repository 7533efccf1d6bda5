#include "engine/core/purchase.h"

#include <string.h>

#include "engine/core/after.h"
#include "engine/core/award.h"
#include "engine/core/fact.h"
#include "engine/core/grant_priv.h"
#include "engine/core/limit.h"
#include "engine/core/tier.h"
#include "engine/core/wait.h"

/* A purchase on its way. */
struct buying {
    struct order order;
    struct order_money money;
    struct earn_spends spends;
    struct grant_plan *plan;
};

static enum verdict
judge_member(const struct apply *apply)
{
    const struct member *member = apply->member;
    if (member == NULL) return VERDICT_ACCEPTED; /* this enrols */
    if (state_knows_order(apply)) return VERDICT_ORDER_EXISTS;
    if (member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    return member->status == MEMBER_ACTIVE ? VERDICT_ACCEPTED : VERDICT_MEMBER_NOT_ACTIVE;
}

/* False when an amount of the order leaves its bits. */
static bool
open_order(const struct apply *apply, struct buying *buying)
{
    const struct event *event = apply->event;
    const struct purchase *purchase = &event->purchase;
    struct order *order = &buying->order;
    const int64_t *paid;
    *order = (struct order){
        .order_id = purchase->order_id,
        .rulebook = apply->rulebook->index,
        .occurred_at = event->occurred_at,
        .currency = purchase->currency,
        .group_count = apply->rulebook->program.group_count,
        .lines = purchase->lines,
        .line_count = purchase->line_count,
    };
    if (!add_i64(purchase->points_tender_minor, purchase->gift_card_tender_minor,
                 &order->tender_minor))
        return false;
    buying->money = (struct order_money){
        .lines = purchase->lines,
        .line_count = purchase->line_count,
        .tender_minor = order->tender_minor,
    };
    earn_levels(apply->state, apply->rulebook, apply->member, event->occurred_at, order->levels);
    return eligible_paid(apply->state->scratch, &buying->money, &paid) &&
           match_order(apply, apply->rulebook, purchase, false, &order->match);
}

static void
remember_rooms(const struct apply *apply, struct buying *buying)
{
    uint32_t caps = apply->rulebook->program.cap_count;
    if (caps == 0) return;
    int64_t *rooms = eligible_list(apply->state->scratch, caps, sizeof *rooms);
    memcpy(rooms, buying->plan->rooms, caps * sizeof *rooms);
    buying->order.rooms = rooms;
    buying->order.room_count = caps;
}

/* What the order earns by phases 1 to 8. False on overflow. */
static bool
plan_order(struct apply *apply, struct buying *buying)
{
    const struct event *event = apply->event;
    struct order *order = &buying->order;
    struct earn_input input = {
        .rulebook = apply->rulebook,
        .currency = order->currency,
        .money = &buying->money,
        .match = &order->match,
        .levels = order->levels,
        .occurred_at = event->occurred_at,
        .method = EARN_KEPT,
    };
    struct earn_result result;
    if (!earn_compute(apply->state->scratch, &input, &result)) return false;
    struct grant_plan *plan = buying->plan;
    plan->money = order->currency;
    plan->has_levels = true;
    memcpy(plan->levels, order->levels, sizeof plan->levels);
    remember_rooms(apply, buying);
    for (uint32_t c = 0; c < apply->rulebook->program.currency_count; c++)
        grant_plan_earned(plan, c, &result.grants[c]);
    if (!after_plan(apply, plan) || !award_plan_purchase(apply, plan)) return false;
    order->missions.items = award_missions(apply, &order->missions.count);
    return true;
}

/* What the order uses of the member's limits, which are judged before any overflow. */
static struct limit_use
limited_use(const struct apply *apply, const struct buying *buying)
{
    const struct purchase *purchase = &apply->event->purchase;
    struct limit_use use = {.of = LIMITED_PURCHASE, .money = purchase->currency};
    __int128 net_minor = 0;
    for (uint32_t i = 0; i < purchase->line_count; i++)
        net_minor += purchase->lines[i].amount_minor - purchase->lines[i].discount_minor;
    use.net_minor = net_minor > INT64_MAX ? INT64_MAX : (int64_t)net_minor;
    for (uint32_t c = 0; c < apply->rulebook->program.currency_count; c++)
        use.points[c] = grant_plan_points(buying->plan, c);
    return use;
}

static bool
can_spend(const struct apply *apply, const struct buying *buying)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            if (!tier_can_add(apply->rulebook, apply->member, g, m, apply->event->occurred_at,
                              buying->spends.values[g][m]))
                return false;
        }
    }
    return true;
}

static void
book_metrics(struct apply *apply, const struct buying *buying)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            if (program->groups[g].metrics[m].kind != METRIC_SPEND) continue;
            tier_add(apply, apply->rulebook, g, m, apply->event->occurred_at,
                     buying->spends.values[g][m]);
        }
    }
    tier_count(apply, apply->rulebook, METRIC_VISITS, (struct bytes){0}, PROGRAM_NONE,
               apply->event->occurred_at, 1);
}

static void
book(struct apply *apply, struct buying *buying)
{
    struct state *state = apply->state;
    struct order *order = &buying->order;
    if (apply->member == NULL) {
        apply_enrol(apply, apply->event->occurred_at.ms);
    } else {
        members_write(&state->members, apply->member);
    }
    apply->order_id = order->order_id;
    grant_plan_book(buying->plan);
    after_book(apply, buying->plan);
    award_book(apply);
    grant_plan_remember(buying->plan, order);
    book_metrics(apply, buying);
    struct fact count = {.kind = FACT_ORDERS, .a = 1};
    fact_add(&state->members, &apply->member, &count);
    order->member = apply->member->number;
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    order_encode(order, &writer);
    apply->reference_hash = state_order_hash(apply);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
}

enum verdict
purchase_judge(struct apply *apply)
{
    struct buying buying;
    enum verdict verdict = judge_member(apply);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    buying.plan = grant_plan_begin(apply, apply->rulebook, apply->event->occurred_at);
    if (!open_order(apply, &buying) || !plan_order(apply, &buying))
        grant_plan_overflow(buying.plan);
    struct limit_use use = limited_use(apply, &buying);
    struct limit_finding finding;
    verdict = limit_check(apply, &use, &finding);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (finding.quarantines) grant_plan_quarantine(buying.plan);
    verdict = grant_plan_judge(buying.plan);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (!earn_spends(apply->state->scratch, &apply->rulebook->program, buying.order.currency,
                     &buying.money, &buying.spends) ||
        !can_spend(apply, &buying))
        return VERDICT_OVERFLOW;
    book(apply, &buying);
    limit_count(apply, &use, &finding);
    wait_settle(apply);
    return VERDICT_ACCEPTED;
}
