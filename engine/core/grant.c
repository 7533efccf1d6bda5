#include "engine/core/grant_priv.h"

#include <string.h>

#include "engine/core/activate.h"
#include "engine/core/explain.h"
#include "engine/core/fact.h"
#include "engine/core/lifetime.h"
#include "engine/core/posting.h"
#include "engine/core/tier.h"

enum { FIRST_CAPACITY = 4 };

/* ---- Planning ---- */

struct grant_plan *
grant_plan_begin(struct apply *apply, struct rulebook *rulebook, struct instant occurred_at)
{
    struct arena *scratch = apply->state->scratch;
    struct grant_plan *plan = eligible_list(scratch, 1, sizeof *plan);
    uint32_t caps = rulebook->program.cap_count;
    plan->apply = apply;
    plan->rulebook = rulebook;
    plan->occurred_at = occurred_at;
    if (caps == 0) return plan;
    plan->cap_use = eligible_list(scratch, caps, sizeof *plan->cap_use);
    plan->rooms = eligible_list(scratch, caps, sizeof *plan->rooms);
    for (uint32_t c = 0; c < caps; c++)
        plan->rooms[c] = cap_room(rulebook, apply->member, c, occurred_at);
    return plan;
}

/* Makes room for one more item; returns the list. */
static void *
grow(struct arena *scratch, void *list, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity) return list;
    uint32_t wanted = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
    void *room = arena_alloc(scratch, wanted * item_bytes);
    CHECK(room != NULL);
    if (count > 0) memcpy(room, list, count * item_bytes);
    *capacity = wanted;
    return room;
}

/* The activation and the funder of a part. What a campaign adds activates as its base rule does,
 * but is paid by the campaign's funder. */
static struct activation_terms
part_terms(const struct grant_plan *plan, const struct planned_grant *grant,
           const struct earn_part *part, uint32_t *out_funder)
{
    const struct program *program = &plan->rulebook->program;
    *out_funder = grant->funder;
    if (grant->award.kind != 0) return grant->terms;
    *out_funder = part->source.kind == SOURCE_CAMPAIGN
                      ? program->campaigns[part->source.index].funder
                      : program->rules[part->rule].funder;
    return pending_terms(program, &program->rules[part->rule].pending, plan->occurred_at);
}

static struct planned_lot *
find_lot(const struct grant_plan *plan, const struct planned_lot *wanted, uint32_t from)
{
    for (uint32_t i = from; i < plan->lot_count; i++) {
        struct planned_lot *lot = &plan->lots[i];
        if (lot->currency == wanted->currency && lot->funder == wanted->funder &&
            lot->of_order == wanted->of_order && lot->of_award == wanted->of_award &&
            pending_equal(lot->terms, wanted->terms))
            return lot;
    }
    return NULL;
}

/* Puts the parts of a grant on lots. Awards that are the order's have lots of their own; other
 * awards share (semantics §3). */
static void
place_lots(struct grant_plan *plan, struct planned_grant *grant)
{
    bool award = grant->award.kind != 0;
    uint32_t from = award && grant->of_order ? plan->lot_count : 0;
    grant->granted = 0;
    for (uint32_t i = 0; i < grant->part_count; i++) {
        struct earn_part *part = &grant->parts[i];
        struct planned_lot wanted = {
            .currency = grant->currency,
            .of_order = grant->of_order,
            .of_award = award,
            .source = part->source,
        };
        part->lot = UINT32_MAX;
        if (part->points == 0) continue;
        wanted.terms = part_terms(plan, grant, part, &wanted.funder);
        struct planned_lot *lot = find_lot(plan, &wanted, from);
        if (lot == NULL) {
            plan->lots = grow(plan->apply->state->scratch, plan->lots, plan->lot_count,
                              &plan->lot_capacity, sizeof *plan->lots);
            lot = &plan->lots[plan->lot_count++];
            *lot = wanted;
        }
        part->lot = (uint32_t)(lot - plan->lots);
        grant->granted += part->points; /* parts of one grant, which has 63 bits */
        if (!add_i64(lot->points, part->points, &lot->points)) plan->overflow = true;
    }
}

/* The place of one more grant. What is planned is written there, not copied there: it is long. */
static struct planned_grant *
next_grant(struct grant_plan *plan)
{
    plan->grants = grow(plan->apply->state->scratch, plan->grants, plan->grant_count,
                        &plan->grant_capacity, sizeof *plan->grants);
    return &plan->grants[plan->grant_count];
}

/* Caps, then lots; of the grant in the place that next_grant gave. */
static void
add_grant(struct grant_plan *plan, struct planned_grant *grant)
{
    struct arena *scratch = plan->apply->state->scratch;
    const struct program *program = &plan->rulebook->program;
    grant->cap = CAP_NONE;
    if (plan->rooms != NULL) {
        grant->cap = cap_cut(scratch, plan->rulebook, grant->currency, plan->rooms, grant->parts,
                             grant->part_count);
        for (uint32_t c = 0; c < program->cap_count; c++) {
            int64_t use =
                cap_covered(&program->caps[c], grant->currency, grant->parts, grant->part_count);
            plan->rooms[c] -= use;
            plan->cap_use[c] += use;
        }
    }
    place_lots(plan, grant);
    plan->grant_count++;
}

void
grant_plan_earned(struct grant_plan *plan, uint32_t currency, const struct earn_grant *earned)
{
    const struct program *program = &plan->rulebook->program;
    if (earned->requested == 0) return;
    struct planned_grant *grant = next_grant(plan);
    *grant = (struct planned_grant){
        .currency = currency,
        .of_order = true,
        .funder = PROGRAM_NONE,
        .tier_group = -1,
        .exact = earned->exact,
        .requested = earned->requested,
        .parts = earned->parts,
        .part_count = earned->part_count,
    };
    const struct earn_part *first = &earned->parts[0];
    if (!first->flat && plan->has_levels) {
        int32_t group = program->rules[first->rule].tier_group;
        grant->tier_group = group;
        if (group >= 0)
            grant->multiplier = program->groups[group].levels[plan->levels[group]].multiplier;
    }
    add_grant(plan, grant);
}

static void
need_levels(struct grant_plan *plan)
{
    if (plan->has_levels) return;
    plan->has_levels = true;
    earn_levels(plan->apply->state, plan->rulebook, plan->apply->member, plan->occurred_at,
                plan->levels);
}

int64_t
grant_plan_award(struct grant_plan *plan, const struct grant_award *award)
{
    const struct program *program = &plan->rulebook->program;
    struct arena *scratch = plan->apply->state->scratch;
    struct planned_grant grant = {
        .currency = award->currency,
        .award = award->source,
        .of_order = award->of_order,
        .funder = award->funder,
        .tier_group = award->tier_group,
        .terms = pending_terms(program, award->pending, plan->occurred_at),
        .exact = fraction_from_i64(award->points),
        .part_count = 1,
    };
    if (award->tier_group >= 0) {
        need_levels(plan);
        grant.multiplier =
            program->groups[award->tier_group].levels[plan->levels[award->tier_group]].multiplier;
        if (!fraction_multiply_rate(grant.exact, grant.multiplier, &grant.exact))
            plan->overflow = true;
    }
    if (plan->overflow ||
        !fraction_round(grant.exact, program->currencies[award->currency].rounding,
                        &grant.requested)) {
        plan->overflow = true;
        return 0;
    }
    grant.parts = eligible_list(scratch, 1, sizeof *grant.parts);
    grant.parts[0] = (struct earn_part){
        .source = award->source,
        .exact = grant.exact,
        .base = fraction_from_i64(award->points),
        .requested = grant.requested,
        .points = grant.requested,
    };
    struct planned_grant *place = next_grant(plan);
    *place = grant;
    add_grant(plan, place);
    return place->granted;
}

void
grant_plan_overflow(struct grant_plan *plan)
{
    plan->overflow = true;
}

int64_t
grant_plan_points(const struct grant_plan *plan, uint32_t currency)
{
    int64_t sum = 0;
    if (plan->overflow) return INT64_MAX;
    for (uint32_t i = 0; i < plan->lot_count; i++) {
        if (plan->lots[i].currency == currency && !add_i64(sum, plan->lots[i].points, &sum))
            return INT64_MAX; /* the judgement says overflow */
    }
    return sum;
}

void
grant_plan_quarantine(struct grant_plan *plan)
{
    plan->quarantined = true;
}

/* When a lot expires: its period starts as it activates, or as it was earned. INT64_MAX while that
 * is not known. */
static int64_t
lot_expires(const struct grant_plan *plan, const struct planned_lot *lot)
{
    const struct program_expiry *expiry = &plan->rulebook->program.currencies[lot->currency].expiry;
    const struct member *member = plan->apply->member;
    int64_t enrolled_ms = member == NULL ? plan->occurred_at.ms : member->enrolled_ms;
    struct instant start = {lot->terms.activates_ms};
    if (expiry->from_earning) start = plan->occurred_at;
    if (start.ms == INT64_MAX || (plan->quarantined && !expiry->from_earning)) return INT64_MAX;
    return lifetime_end(plan->rulebook, lot->currency, enrolled_ms, start);
}

/* Whether a lot will be active right after the event. */
static bool
is_spendable(const struct grant_plan *plan, const struct planned_lot *lot)
{
    int64_t now_ms = plan->apply->state->clock.ms;
    if (now_ms < plan->occurred_at.ms) now_ms = plan->occurred_at.ms;
    return lot->terms.activates_ms <= now_ms &&
           lot_expires(plan, lot) > plan->apply->state->clock.ms;
}

int64_t
grant_plan_balance(const struct grant_plan *plan, uint32_t currency)
{
    const struct member *member = plan->apply->member;
    uint32_t slot = plan->rulebook->currency_slot[currency];
    const struct wallet *wallet = member == NULL ? NULL : member_wallet_find(member, slot);
    int64_t balance = wallet == NULL ? 0 : wallet->active;
    int64_t arrears = wallet == NULL ? 0 : wallet->arrears, coming = 0;
    for (uint32_t i = 0; i < plan->lot_count; i++) {
        const struct planned_lot *lot = &plan->lots[i];
        if (lot->currency != currency || !is_spendable(plan, lot)) continue;
        if (!add_i64(coming, lot->points, &coming)) return INT64_MAX;
    }
    coming -= coming < arrears ? coming : arrears;
    return add_i64(balance, coming, &balance) ? balance : INT64_MAX;
}

/* ---- Judging ---- */

/* Points metrics take what is granted of their currency. */
static bool
metrics_can_add(const struct grant_plan *plan, uint32_t currency, int64_t points)
{
    const struct program *program = &plan->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            if (metric->kind != METRIC_POINTS || metric->currency != currency) continue;
            if (!tier_can_add(plan->rulebook, plan->apply->member, g, m, plan->occurred_at, points))
                return false;
        }
    }
    return true;
}

enum verdict
grant_plan_judge(const struct grant_plan *plan)
{
    const struct apply *apply = plan->apply;
    const struct program *program = &plan->rulebook->program;
    if (apply->member != NULL && apply->member->lot_count + plan->lot_count > MEMBER_LOTS_MAX)
        return VERDICT_LIMIT_REACHED;
    if (!facts_fit(apply->member, program->cap_count + 1)) return VERDICT_LIMIT_REACHED;
    if (plan->overflow) return VERDICT_OVERFLOW;
    for (uint32_t c = 0; c < program->currency_count; c++) {
        int64_t points = grant_plan_points(plan, c);
        uint8_t slot = plan->rulebook->currency_slot[c];
        if (points == 0) continue;
        if (points == INT64_MAX || !posting_can_issue(apply->state, apply->member, slot, points) ||
            !metrics_can_add(plan, c, points))
            return VERDICT_OVERFLOW;
    }
    return VERDICT_ACCEPTED;
}

/* ---- Booking ---- */

static uint16_t
source_slot(const struct rulebook *rulebook, struct program_source source)
{
    switch (source.kind) {
    case SOURCE_RULE: return rulebook->rule_slot[source.index];
    case SOURCE_CAMPAIGN: return rulebook->campaign_slot[source.index];
    case SOURCE_AWARD: return rulebook->award_slot[source.index];
    case SOURCE_STREAK: return rulebook->streak_slot[source.index];
    case SOURCE_MISSION: return rulebook->mission_slot[source.index];
    }
    UNREACHABLE();
}

static void
book_lot(struct grant_plan *plan, struct planned_lot *planned, const struct explanation *why)
{
    struct apply *apply = plan->apply;
    struct rulebook *rulebook = plan->rulebook;
    struct lot lot = {
        .granted = planned->points,
        .earned_ms = plan->occurred_at.ms,
        .activates_ms = planned->terms.activates_ms,
        .expires_ms = lot_expires(plan, planned),
        .deadline_ms = planned->terms.deadline_ms,
        .order = planned->of_order ? apply->ordinal : 0,
        .rule = source_slot(rulebook, planned->source),
        .rulebook = (uint16_t)rulebook->index,
        .funder = planned->funder == PROGRAM_NONE
                      ? 0
                      : (uint16_t)(rulebook->funder_slot[planned->funder] + 1),
        .currency = rulebook->currency_slot[planned->currency],
    };
    if (planned->terms.on_delivery) lot.flags |= LOT_AWAITS_DELIVERY;
    if (plan->quarantined) lot.flags |= LOT_QUARANTINED;
    struct bytes order_id = apply->order_id;
    if (!planned->of_order) apply->order_id = (struct bytes){0};
    apply->explanation = why;
    activate_grant(apply, &lot, plan->quarantined ? POSTING_QUARANTINE : POSTING_GRANT,
                   ACCOUNT_ISSUED, plan->occurred_at.ms);
    apply->explanation = NULL;
    apply->order_id = order_id;
    planned->booked = (struct order_lot){
        .index = lot.index,
        .granted = lot.granted,
        .expires_ms = lot.expires_ms,
        .rule = lot.rule,
        .funder = lot.funder,
        .flags = lot.flags & (LOT_AWAITS_DELIVERY | LOT_BY_INACTIVITY),
    };
}

static void
book_metrics(struct grant_plan *plan, uint32_t currency, int64_t points)
{
    const struct program *program = &plan->rulebook->program;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            if (metric->kind == METRIC_POINTS && metric->currency == currency)
                tier_add(plan->apply, plan->rulebook, g, m, plan->occurred_at, points);
        }
    }
}

/* The outcome tells by currency what was asked and what was granted, and the first cap that cut. */
static void
book_amounts(struct grant_plan *plan, uint32_t currency)
{
    struct apply *apply = plan->apply;
    int64_t requested = 0, granted = 0;
    uint32_t cap = CAP_NONE;
    bool any = false;
    for (uint32_t i = 0; i < plan->grant_count; i++) {
        const struct planned_grant *grant = &plan->grants[i];
        if (grant->currency != currency) continue;
        any = true;
        if (!add_i64(requested, grant->requested, &requested)) requested = INT64_MAX;
        granted += grant->granted; /* all of it is issued, which has 63 bits */
        if (cap == CAP_NONE) cap = grant->cap;
    }
    if (!any || requested == 0 || apply->event == NULL) return;
    struct outcome_amount *amount =
        output_amount(apply, plan->rulebook->currency_slot[currency], requested, granted);
    if (cap != CAP_NONE)
        amount->cap_rule = output_text(apply, plan->rulebook->program.caps[cap].id);
}

void
grant_plan_book(struct grant_plan *plan)
{
    struct apply *apply = plan->apply;
    const struct program *program = &plan->rulebook->program;
    members_write(&apply->state->members, apply->member);
    for (uint32_t i = 0; i < plan->lot_count; i++)
        book_lot(plan, &plan->lots[i], explain_lot(plan, i));
    for (uint32_t c = 0; c < program->cap_count; c++) {
        if (plan->cap_use[c] > 0 && cap_is_kept(&program->caps[c]))
            cap_use(apply, plan->rulebook, c, plan->occurred_at, plan->cap_use[c]);
    }
    for (uint32_t c = 0; c < program->currency_count; c++) {
        book_metrics(plan, c, grant_plan_points(plan, c));
        book_amounts(plan, c);
    }
}

/* ---- What the order's row remembers ---- */

static void
remember_lots(const struct grant_plan *plan, const struct planned_grant *grant,
              struct order_grant *remembered)
{
    struct order_lot *lots =
        eligible_room(plan->apply->state->scratch, grant->part_count, sizeof *lots);
    uint32_t count = 0;
    for (uint32_t i = 0; i < grant->part_count; i++) {
        uint32_t lot = grant->parts[i].lot;
        bool seen = lot == UINT32_MAX;
        for (uint32_t k = 0; k < i && !seen; k++)
            seen = grant->parts[k].lot == lot;
        if (seen) continue;
        lots[count++] = plan->lots[lot].booked;
    }
    remembered->lots = lots;
    remembered->lot_count = count;
}

static void
remember_parts(const struct grant_plan *plan, const struct planned_grant *grant,
               struct order_grant *remembered)
{
    if (plan->rooms == NULL) return;
    struct order_part *parts =
        eligible_room(plan->apply->state->scratch, grant->part_count, sizeof *parts);
    for (uint32_t i = 0; i < grant->part_count; i++) {
        if (grant->parts[i].points == 0) continue;
        parts[remembered->part_count++] =
            (struct order_part){grant->parts[i].source, grant->parts[i].points};
    }
    remembered->parts = parts;
}

void
grant_plan_remember(const struct grant_plan *plan, struct order *order)
{
    order->grants =
        eligible_room(plan->apply->state->scratch, plan->grant_count, sizeof *order->grants);
    for (uint32_t i = 0; i < plan->grant_count; i++) {
        const struct planned_grant *grant = &plan->grants[i];
        if (!grant->of_order || grant->granted == 0) continue;
        struct order_grant *remembered = &order->grants[order->grant_count++];
        *remembered = (struct order_grant){
            .currency = plan->rulebook->currency_slot[grant->currency],
            .award = grant->award,
            .requested = grant->requested,
            .granted = grant->granted,
            .stays = grant->granted,
        };
        remember_lots(plan, grant, remembered);
        remember_parts(plan, grant, remembered);
    }
}
