#include "engine/core/after.h"

#include <string.h>

#include "engine/core/award_priv.h"
#include "engine/core/fact.h"
#include "engine/core/grant_priv.h"
#include "engine/core/scope.h"

/* How often an award was paid in the bucket of an instant; without its value. */
static struct fact
paid_fact(const struct grant_plan *plan, uint32_t index)
{
    const struct program *program = &plan->rulebook->program;
    enum per per = program->awards[index].times.per;
    struct fact fact = {
        .kind = FACT_AWARD_PAID,
        .slot = plan->rulebook->award_slot[index],
        .index = (uint32_t)per,
        .a = 1,
    };
    if (per != PER_LIFETIME) {
        enum calendar_unit unit = (enum calendar_unit)(per - 1);
        fact.key = calendar_bucket_start(&program->zone, plan->occurred_at, unit).ms;
    }
    return fact;
}

static bool
is_used_up(const struct grant_plan *plan, uint32_t index)
{
    const struct member *member = plan->apply->member;
    uint32_t times = plan->rulebook->program.awards[index].times.count;
    if (times == 0 || member == NULL) return false;
    struct fact fact = paid_fact(plan, index);
    return fact_value(member, FACT_AWARD_PAID, fact.slot, fact.key, fact.index) >= times;
}

static bool
holds(struct apply *apply, const struct grant_plan *plan, const struct program_award *award,
      struct condition_facts **facts, bool *out_holds)
{
    *out_holds = true;
    if (award->filter.when.decoded == NULL) return true;
    if (*facts == NULL) {
        *facts = eligible_list(apply->state->scratch, 1, sizeof **facts);
        scope_begin(apply, plan->rulebook, *facts);
        if (!scope_order(&apply->event->purchase, *facts)) return false;
    }
    *out_holds = scope_holds(award->filter.when, *facts);
    return true;
}

bool
after_plan(struct apply *apply, struct grant_plan *plan)
{
    const struct program *program = &plan->rulebook->program;
    const struct purchase *purchase = &apply->event->purchase;
    struct scope_place place = {purchase->channel, purchase->store, purchase->partner};
    struct condition_facts *facts = NULL;
    int64_t balances[PROGRAM_CURRENCIES_MAX];
    if (program->award_count == 0) return true;
    for (uint32_t c = 0; c < program->currency_count; c++)
        balances[c] = grant_plan_balance(plan, c);
    for (uint32_t i = 0; i < program->award_count; i++) {
        const struct program_award *award = &program->awards[i];
        bool does_hold;
        if (award->kind != AWARD_BALANCE || balances[award->currency] < award->balance) continue;
        if (!scope_passes(&award->filter, &place, plan->occurred_at) || is_used_up(plan, i))
            continue;
        if (!holds(apply, plan, award, &facts, &does_hold)) return false;
        if (!does_hold) continue;
        struct grant_award grant = {
            .source = {SOURCE_AWARD, i},
            .currency = award->currency,
            .points = award->points,
            .tier_group = award->tier_group,
            .funder = award->funder,
            .pending = &award->pending,
            .of_order = true,
        };
        grant_plan_award(plan, &grant);
    }
    return true;
}

void
after_book(struct apply *apply, const struct grant_plan *plan)
{
    const struct program *program = &plan->rulebook->program;
    for (uint32_t i = 0; i < plan->grant_count; i++) {
        struct program_source award = plan->grants[i].award;
        if (award.kind != SOURCE_AWARD || program->awards[award.index].kind != AWARD_BALANCE)
            continue;
        if (program->awards[award.index].times.count == 0) continue;
        struct fact fact = paid_fact(plan, award.index);
        award_forget_buckets(apply, plan->rulebook, FACT_AWARD_PAID, fact.slot);
        fact_add(&apply->state->members, &apply->member, &fact);
    }
}
