#include "engine/core/override.h"

#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/review.h"

static bool
find_group(const struct rulebook *rulebook, struct bytes id, uint32_t *out_group)
{
    for (uint32_t g = 0; g < rulebook->program.group_count; g++) {
        if (id.size > 0 && !bytes_equal(rulebook->program.groups[g].id, id)) continue;
        *out_group = g;
        return true;
    }
    return false;
}

static bool
find_level(const struct program_group *group, struct bytes id, uint32_t *out_level)
{
    for (uint32_t i = 0; i < group->level_count; i++) {
        if (!bytes_equal(group->levels[i].id, id)) continue;
        *out_level = i;
        return true;
    }
    return false;
}

static enum verdict
judge_member(const struct apply *apply)
{
    if (apply->member->status == MEMBER_CLOSED || apply->member->status == MEMBER_MERGED)
        return VERDICT_MEMBER_CLOSED;
    return VERDICT_ACCEPTED; /* a tier is neither earned nor spent: any other state will do */
}

enum verdict
tier_override(struct apply *apply)
{
    const struct tier_override *asked = &apply->event->tier_override;
    struct rulebook *rulebook = apply->rulebook;
    uint32_t group, level;
    if (!find_group(rulebook, asked->group, &group) ||
        !find_level(&rulebook->program.groups[group], asked->tier, &level))
        return VERDICT_UNKNOWN_TIER;
    enum verdict verdict = judge_member(apply);
    if (verdict != VERDICT_ACCEPTED) return verdict;

    struct members *members = &apply->state->members;
    members_write(members, apply->member);
    struct span window = metric_window(rulebook, apply->member, group, apply_judged_at(apply));
    struct tier_step step = tier_step_of(apply, rulebook, group, window,
                                         apply->event->occurred_at.ms, TIER_BY_OVERRIDE);
    step.to = level;
    step.valid_until_ms = asked->until.ms == 0 ? INT64_MAX : asked->until.ms;
    step.actor = asked->actor;
    step.note = asked->reason;
    struct fact override = {
        .kind = FACT_OVERRIDE,
        .slot = rulebook->group_slot[group],
        .a = step.valid_until_ms,
        .b = rulebook->level_slot[group][level],
        .c = (int64_t)apply->ordinal,
    };
    fact_set(members, &apply->member, &override);
    tier_set_held(apply, &step);
    if (override.a != INT64_MAX) due_note(apply, override.a, DUE_REVIEW);
    return VERDICT_ACCEPTED;
}

static void
end(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct instant instant,
    struct bytes actor, struct bytes note)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    uint32_t slot = rulebook->group_slot[group];
    fact_remove(&apply->state->members, &apply->member, FACT_OVERRIDE, slot, 0, 0);
    struct instant judged = apply_judged_at(apply);
    struct span window = metric_window(rulebook, apply->member, group, judged);
    struct tier_step step =
        tier_step_of(apply, rulebook, group, window, instant.ms, TIER_BY_OVERRIDE_END);
    struct member_tier *tier = tier_entry(apply, &step);
    uint32_t held = tier_index(apply, &step, tier->level);
    uint32_t reviewed = tier->reviewed ? tier_index(apply, &step, tier->result) : 0;
    step.to = metric_level(asked, &step.values);
    if (step.to < reviewed) step.to = reviewed;
    step.actor = actor;
    step.note = note;
    if (tier->review_ms == INT64_MAX || step.to != tier_index(apply, &step, tier->base))
        step.valid_until_ms = review_set(apply, &step, judged);
    else if (asked->downgrade != DOWNGRADE_NONE)
        step.valid_until_ms = tier->review_ms;
    tier->base = rulebook->level_slot[group][step.to];
    if (step.to != held) tier_set_held(apply, &step);
}

enum verdict
tier_end_override(struct apply *apply)
{
    const struct end_tier_override *asked = &apply->event->end_tier_override;
    uint32_t group;
    if (!find_group(apply->rulebook, asked->group, &group)) return VERDICT_UNKNOWN_TIER;
    if (!tier_is_overridden(apply->member, apply->rulebook->group_slot[group]))
        return VERDICT_NO_OVERRIDE;
    enum verdict verdict = judge_member(apply);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    members_write(&apply->state->members, apply->member);
    end(apply, apply->rulebook, group, apply->event->occurred_at, asked->actor, asked->reason);
    return VERDICT_ACCEPTED;
}

void
tier_override_ends(struct apply *apply, uint32_t group_slot, struct instant instant)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, apply_judged_at(apply));
    CHECK(rulebook != NULL);
    if (rulebook->group_at[group_slot] >= 0) {
        end(apply, rulebook, (uint32_t)rulebook->group_at[group_slot], instant, (struct bytes){0},
            (struct bytes){0});
        return;
    }
    fact_remove(&apply->state->members, &apply->member, FACT_OVERRIDE, group_slot, 0, 0);
}
