#include "engine/core/scope.h"

#include "engine/core/eligible.h"
#include "engine/core/fact.h"
#include "engine/core/tier.h"

static struct attributes
tiers_of(const struct apply *apply, const struct rulebook *rulebook, struct instant at)
{
    const struct program *program = &rulebook->program;
    struct attribute *tiers =
        eligible_list(apply->state->scratch, program->group_count, sizeof *tiers);
    for (uint32_t g = 0; g < program->group_count; g++) {
        uint32_t level = tier_at(apply->state, rulebook, apply->member, g, at);
        tiers[g] = (struct attribute){program->groups[g].id, program->groups[g].levels[level].id};
    }
    return (struct attributes){tiers, program->group_count};
}

void
scope_moment(const struct apply *apply, const struct rulebook *rulebook, struct bytes kind,
             struct instant at, struct condition_facts *out_facts)
{
    const struct member *member = apply->member;
    struct condition_facts facts = {
        .event = {.kind = kind, .occurred_at = at},
        .member.tiers = tiers_of(apply, rulebook, at),
        .member.enrolled_at = at, /* of who is enrolled by this event */
    };
    if (member != NULL) {
        int64_t birthday = fact_value(member, FACT_PROFILE, 0, 0, 0);
        facts.member.enrolled_at.ms = member->enrolled_ms;
        facts.member.birthday_month = birthday / 100;
        facts.member.birthday_day = birthday % 100;
        facts.member.orders_before = fact_value(member, FACT_ORDERS, 0, 0, 0);
    }
    *out_facts = facts;
}

void
scope_begin(const struct apply *apply, const struct rulebook *rulebook,
            struct condition_facts *out_facts)
{
    const struct event *event = apply->event;
    scope_moment(apply, rulebook, bytes_from_cstr(event_kind_name(event->kind)), event->occurred_at,
                 out_facts);
    out_facts->event.source = event->source;
}

bool
scope_order(const struct purchase *purchase, struct condition_facts *facts)
{
    const struct currency *money = currency_find(purchase->currency);
    struct condition_order order = {
        .order_id = purchase->order_id,
        .channel = purchase->channel,
        .store = purchase->store,
        .partner = purchase->partner,
        .points_tender_minor = purchase->points_tender_minor,
        .gift_card_minor = purchase->gift_card_tender_minor,
        .attributes = purchase->attributes,
        .lines = purchase->lines,
        .line_count = purchase->line_count,
    };
    if (money != NULL) order.currency = bytes_from_cstr(money->alpha);
    for (uint32_t i = 0; i < purchase->line_count; i++) {
        const struct event_line *line = &purchase->lines[i];
        if (!add_i64(order.total_minor, line->amount_minor - line->discount_minor,
                     &order.total_minor))
            return false;
    }
    facts->order = order;
    return true;
}

bool
scope_finds(struct program_texts texts, struct bytes text)
{
    uint32_t low = 0, high = texts.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(text, texts.items[middle]);
        if (order == 0) return true;
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

bool
scope_holds(struct program_condition condition, const struct condition_facts *facts)
{
    return condition.decoded == NULL ||
           condition_evaluate(condition.decoded, facts) == CONDITION_TRUE;
}

bool
scope_asks_lines(const struct program_filter *filter)
{
    return filter->categories.count + filter->skus.count + filter->brands.count > 0;
}
