#include "engine/core/tier.h"

#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/output.h"

uint32_t
tier_at(const struct state *state, const struct rulebook *rulebook, const struct member *member,
        uint32_t group, struct instant instant)
{
    uint32_t slot = rulebook->group_slot[group];
    if (member == NULL || slot >= member->tier_count) return 0;
    const struct member_tier *tier = &member_tiers(member)[slot];
    if (!tier->held) return 0;
    if (tier->since_ms <= instant.ms)
        return rulebook_level(&state->rulebooks, rulebook, group, tier->level);
    const struct past_tier *past = member_past(member);
    for (uint32_t i = member->past_count; i > 0; i--) {
        if (past[i - 1].group != slot || past[i - 1].since_ms > instant.ms) continue;
        return rulebook_level(&state->rulebooks, rulebook, group, past[i - 1].level);
    }
    return 0;
}

/* The fact in which a group's metric of an instant is counted, without its value. */
static struct fact
metric_fact(struct rulebook *rulebook, uint32_t group, struct instant instant, int64_t *out_end_ms)
{
    const struct program_group *wanted = &rulebook->program.groups[group];
    struct fact fact = {
        .kind = FACT_METRIC,
        .slot = rulebook->group_slot[group],
        .index = (uint32_t)wanted->metric << 8 | (uint32_t)wanted->window,
    };
    rulebook_window(rulebook, group, instant, &fact.key, out_end_ms);
    return fact;
}

static int64_t
metric_value(const struct member *member, const struct fact *place)
{
    return fact_value(member, FACT_METRIC, place->slot, place->key, place->index);
}

int64_t
tier_metric(const struct member *member, struct rulebook *rulebook, uint32_t group,
            struct instant instant)
{
    int64_t end_ms;
    struct fact fact = metric_fact(rulebook, group, instant, &end_ms);
    return metric_value(member, &fact);
}

bool
tier_can_add(const struct rulebook *rulebook, const struct member *member, uint32_t group,
             struct instant instant, int64_t change)
{
    int64_t sum, value = 0;
    if (member != NULL)
        value = tier_metric(member, (struct rulebook *)(uintptr_t)rulebook, group, instant);
    return add_i64(value, change, &sum);
}

void
tier_add(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct instant instant,
         int64_t change)
{
    int64_t end_ms;
    struct fact fact = metric_fact(rulebook, group, instant, &end_ms);
    fact.a = change;
    fact_add(&apply->state->members, &apply->member, &fact);
}

/* What a change of tier is made of. */
struct step {
    struct rulebook *rulebook;
    uint32_t group, from, to; /* indexes in the rulebook */
    int64_t metric;
    int64_t effective_ms;
    int64_t window_end_ms;
};

static void
publish(struct apply *apply, const struct step *step, enum tier_direction direction)
{
    const struct program_group *group = &step->rulebook->program.groups[step->group];
    bool reviewed = group->downgrade != DOWNGRADE_NONE && step->to > 0;
    struct effect *effect = output_begin(apply, TOPIC_TIERS);
    effect->tier_change = (struct tier_change){
        .member = output_member(apply),
        .group = output_text(apply, group->id),
        .from = output_text(apply, group->levels[step->from].id),
        .to = output_text(apply, group->levels[step->to].id),
        .direction = direction,
        .cause_source = output_source(apply),
        .cause_id = output_event_id(apply),
        .metric_value = step->metric,
        .effective_at.ms = step->effective_ms,
        .valid_until.ms = reviewed ? step->window_end_ms : INT64_MAX,
        .journal_time = apply->state->clock,
        .rule_version = step->rulebook->program.version,
        .traceparent = output_trace(apply),
        .reason = apply->event == NULL ? TIER_BY_REVIEW : TIER_BY_EVENT,
    };
    output_seal(apply, effect);
}

/* A level above the lowest is looked at again when the window ends, whatever the rulebook says of
 * downgrades today. */
static void
set_review(struct apply *apply, const struct step *step)
{
    struct member_tier *tier = member_tier(&apply->state->members, &apply->member,
                                           step->rulebook->group_slot[step->group]);
    tier->review_ms = step->to > 0 ? step->window_end_ms : INT64_MAX;
    if (tier->review_ms != INT64_MAX) due_note(apply, tier->review_ms, DUE_REVIEW);
}

static void
change_level(struct apply *apply, struct step *step, enum tier_direction direction)
{
    struct members *members = &apply->state->members;
    uint8_t slot = step->rulebook->group_slot[step->group];
    struct member_tier *tier = member_tier(members, &apply->member, slot);
    if (tier->held) {
        if (step->effective_ms < tier->since_ms) step->effective_ms = tier->since_ms;
        struct past_tier past = {.since_ms = tier->since_ms, .level = tier->level, .group = slot};
        member_add_past(members, &apply->member, past);
        /* No event can still ask for a tier that had ended before the oldest event that is
         * accepted. */
        int64_t oldest_ms;
        if (sub_i64(step->effective_ms, apply->state->rulebooks.accept_past_max_ms, &oldest_ms)) {
            member_drop_past(members, &apply->member, slot, oldest_ms);
        }
        tier = member_tier(members, &apply->member, slot);
    }
    tier->held = 1;
    tier->level = step->rulebook->level_slot[step->group][step->to];
    tier->since_ms = step->effective_ms;
    publish(apply, step, direction);
    set_review(apply, step);
}

/* The highest level whose threshold the value reaches. */
static uint32_t
qualified_level(const struct program_group *group, int64_t value)
{
    uint32_t level = group->level_count - 1;
    while (level > 0 && value < group->levels[level].threshold)
        level--;
    return level;
}

static uint32_t
held_level(const struct apply *apply, const struct rulebook *rulebook, uint32_t group)
{
    return tier_at(apply->state, rulebook, apply->member, group, (struct instant){INT64_MAX});
}

void
tier_evaluate(struct apply *apply, struct instant instant, struct instant effective)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, instant);
    if (rulebook == NULL || apply->member->status == MEMBER_UNKNOWN) return;
    for (uint32_t group = 0; group < rulebook->program.group_count; group++) {
        struct step step = {.rulebook = rulebook, .group = group, .effective_ms = effective.ms};
        struct fact fact = metric_fact(rulebook, group, instant, &step.window_end_ms);
        step.metric = metric_value(apply->member, &fact);
        step.to = qualified_level(&rulebook->program.groups[group], step.metric);
        if (step.to == 0) continue;
        step.from = held_level(apply, rulebook, group);
        if (step.to > step.from) change_level(apply, &step, TIER_UPGRADED);
    }
}

void
tier_review(struct apply *apply, uint32_t group_slot, struct instant instant)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, instant);
    struct member_tier *tier = member_tier(&apply->state->members, &apply->member, group_slot);
    CHECK(tier->review_ms == instant.ms && rulebook != NULL);
    int8_t index = rulebook->group_at[group_slot];
    tier->review_ms = INT64_MAX;
    if (index < 0) return; /* the group was given up: its tiers stay as they are */
    const struct program_group *group = &rulebook->program.groups[index];
    if (group->window == WINDOW_LIFETIME) return;

    struct step step = {.rulebook = rulebook, .group = (uint32_t)index, .effective_ms = instant.ms};
    struct fact closed =
        metric_fact(rulebook, step.group, (struct instant){instant.ms - 1}, &step.window_end_ms);
    step.metric = metric_value(apply->member, &closed);
    metric_fact(rulebook, step.group, instant, &step.window_end_ms);
    step.from = held_level(apply, rulebook, step.group);
    uint32_t qualified = qualified_level(group, step.metric);
    bool lower = qualified < step.from;
    if (lower && group->downgrade != DOWNGRADE_NONE) {
        step.to = group->downgrade == DOWNGRADE_ONE_STEP ? step.from - 1 : qualified;
        change_level(apply, &step, TIER_DOWNGRADED);
        return;
    }
    step.to = step.from;
    if (step.from > 0 && group->downgrade != DOWNGRADE_NONE) publish(apply, &step, TIER_RENEWED);
    set_review(apply, &step);
}
