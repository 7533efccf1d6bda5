#include "engine/core/tier.h"

#include "engine/core/fact.h"
#include "engine/core/output.h"
#include "engine/core/review.h"

/* ---- What is held ---- */

static uint32_t
index_of(const struct state *state, const struct rulebook *rulebook, uint32_t group, uint16_t slot)
{
    return slot == LEVEL_LOWEST ? 0 : rulebook_level(&state->rulebooks, rulebook, group, slot);
}

uint32_t
tier_at(const struct state *state, const struct rulebook *rulebook, const struct member *member,
        uint32_t group, struct instant instant)
{
    uint32_t slot = rulebook->group_slot[group];
    if (member == NULL || slot >= member->tier_count) return 0;
    const struct member_tier *tier = &member_tiers(member)[slot];
    if (!tier->held) return 0;
    if (tier->since_ms <= instant.ms) return index_of(state, rulebook, group, tier->level);
    const struct past_tier *past = member_past(member);
    for (uint32_t i = member->past_count; i > 0; i--) {
        if (past[i - 1].group != slot || past[i - 1].since_ms > instant.ms) continue;
        return index_of(state, rulebook, group, past[i - 1].level);
    }
    return 0;
}

bool
tier_is_overridden(const struct member *member, uint32_t group_slot)
{
    return fact_find(member, FACT_OVERRIDE, group_slot, 0, 0) != NULL;
}

uint32_t
tier_index(const struct apply *apply, const struct tier_step *step, uint16_t slot)
{
    return index_of(apply->state, step->rulebook, step->group, slot);
}

struct member_tier *
tier_entry(struct apply *apply, const struct tier_step *step)
{
    return member_tier(&apply->state->members, &apply->member,
                       step->rulebook->group_slot[step->group]);
}

/* ---- Metrics ---- */

bool
tier_can_add(struct rulebook *rulebook, const struct member *member, uint32_t group,
             uint32_t metric, struct instant instant, int64_t change)
{
    return metric_can_add(rulebook, member, group, metric, instant, change);
}

void
tier_add(struct apply *apply, struct rulebook *rulebook, uint32_t group, uint32_t metric,
         struct instant instant, int64_t change)
{
    metric_add(apply, rulebook, group, metric, instant, change);
    int64_t *from_ms = &apply->metrics_from_ms[rulebook->group_slot[group]];
    if (change == 0) return;
    const struct rulebook *judging = rulebooks_at(&apply->state->rulebooks, apply_judged_at(apply));
    if (!metric_is_asked(judging, rulebook, group, metric)) return;
    if (*from_ms == 0 || instant.ms < *from_ms) *from_ms = instant.ms > 0 ? instant.ms : 1;
}

static bool
counts(const struct program_metric *metric, enum metric_kind kind, struct bytes activity,
       uint32_t mission)
{
    if (metric->kind != kind) return false;
    if (kind == METRIC_MISSIONS)
        return metric->mission == PROGRAM_NONE || metric->mission == mission;
    if (metric->of_purchases) return activity.size == 0;
    return bytes_equal(metric->activity, activity);
}

void
tier_count(struct apply *apply, struct rulebook *rulebook, enum metric_kind kind,
           struct bytes activity, uint32_t mission, struct instant instant, int64_t change)
{
    for (uint32_t g = 0; g < rulebook->program.group_count; g++) {
        const struct program_group *group = &rulebook->program.groups[g];
        for (uint32_t m = 0; m < group->metric_count; m++) {
            if (counts(&group->metrics[m], kind, activity, mission))
                tier_add(apply, rulebook, g, m, instant, change);
        }
    }
}

/* ---- Changes ---- */

struct tier_step
tier_step_of(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct span window,
             int64_t effective_ms, enum tier_reason reason)
{
    uint32_t slot = rulebook->group_slot[group];
    const struct member_tier *tier =
        slot < apply->member->tier_count ? &member_tiers(apply->member)[slot] : NULL;
    bool held = tier != NULL && tier->held;
    return (struct tier_step){
        .rulebook = rulebook,
        .group = group,
        .values = metric_values(rulebook, apply->member, group, window),
        /* never before the previous change */
        .effective_ms = held && tier->since_ms > effective_ms ? tier->since_ms : effective_ms,
        .reason = reason,
        .valid_until_ms = INT64_MAX,
    };
}

static void
publish(struct apply *apply, const struct tier_step *step, struct bytes from, uint32_t to,
        enum tier_direction direction)
{
    const struct program_group *group = &step->rulebook->program.groups[step->group];
    struct effect *effect = output_begin(apply, TOPIC_TIERS);
    effect->tier_change = (struct tier_change){
        .member = output_member(apply),
        .group = output_text(apply, group->id),
        .from = output_text(apply, from),
        .to = output_text(apply, group->levels[to].id),
        .direction = direction,
        .reason = step->reason,
        .cause_source = output_source(apply),
        .cause_id = output_event_id(apply),
        .metric_value = step->values.values[0],
        .effective_at.ms = step->effective_ms,
        .valid_until.ms = step->valid_until_ms,
        .journal_time = apply->state->clock,
        .rule_version = step->rulebook->program.version,
        .actor = output_text(apply, step->actor),
        .note = output_text(apply, step->note),
        .traceparent = output_trace(apply),
    };
    if (group->metric_count > 1) {
        effect->tier_change.metric_count = group->metric_count;
        for (uint32_t m = 0; m < group->metric_count; m++) {
            effect->tier_change.metrics[m] = (struct metric_value){
                .metric = output_text(apply, group->metrics[m].id),
                .value = step->values.values[m],
                .threshold = group->levels[to].thresholds[m],
            };
        }
    }
    output_seal(apply, effect);
}

/* No event can still ask for a tier that had ended before the oldest event that is accepted. */
static void
remember_past(struct apply *apply, uint32_t slot, const struct member_tier *tier,
              int64_t effective_ms)
{
    struct members *members = &apply->state->members;
    struct past_tier past = {
        .since_ms = tier->since_ms, .level = tier->level, .group = (uint8_t)slot};
    member_add_past(members, &apply->member, past);
    int64_t oldest_ms;
    if (sub_i64(effective_ms, apply->state->rulebooks.accept_past_max_ms, &oldest_ms))
        member_drop_past(members, &apply->member, slot, oldest_ms);
}

/* By the name it had, also when the version does not have it any more. */
static struct bytes
level_id(const struct apply *apply, const struct tier_step *step, const struct member_tier *tier)
{
    const struct rulebooks *rulebooks = &apply->state->rulebooks;
    if (!tier->held || tier->level == LEVEL_LOWEST)
        return step->rulebook->program.groups[step->group].levels[0].id;
    return rulebooks->groups[step->rulebook->group_slot[step->group]].levels[tier->level];
}

void
tier_set_held(struct apply *apply, const struct tier_step *step)
{
    uint32_t slot = step->rulebook->group_slot[step->group];
    struct member_tier *tier = tier_entry(apply, step);
    uint32_t from = tier->held ? tier_index(apply, step, tier->level) : 0;
    struct bytes from_id = level_id(apply, step, tier);
    if (tier->held) {
        remember_past(apply, slot, tier, step->effective_ms);
        tier = tier_entry(apply, step);
    }
    tier->held = 1;
    tier->level = step->rulebook->level_slot[step->group][step->to];
    tier->since_ms = step->effective_ms;
    enum tier_direction direction = step->direction;
    if (direction == 0) {
        direction = step->to > from   ? TIER_UPGRADED
                    : step->to < from ? TIER_DOWNGRADED
                                      : TIER_RENEWED;
    }
    publish(apply, step, from_id, step->to, direction);
}

void
tier_set_base(struct apply *apply, const struct tier_step *step)
{
    struct member_tier *tier = tier_entry(apply, step);
    tier->base = step->rulebook->level_slot[step->group][step->to];
    if (!tier_is_overridden(apply->member, step->rulebook->group_slot[step->group]))
        tier_set_held(apply, step);
}

void
tier_publish_renewed(struct apply *apply, const struct tier_step *step)
{
    if (!tier_is_overridden(apply->member, step->rulebook->group_slot[step->group]))
        publish(apply, step, step->rulebook->program.groups[step->group].levels[step->to].id,
                step->to, TIER_RENEWED);
}

/* ---- Evaluation ---- */

/* The highest level reached by an upgrade since the window began: a correction does not fall below
 * it. */
static void
note_peak(struct apply *apply, const struct tier_step *step, struct span window)
{
    struct member_tier *tier = tier_entry(apply, step);
    bool higher =
        tier->peak_ms != window.start_ms || tier_index(apply, step, tier->peak) < step->to;
    if (!higher) return;
    tier->peak_ms = window.start_ms;
    tier->peak = step->rulebook->level_slot[step->group][step->to];
}

static uint32_t
base_of(const struct apply *apply, const struct rulebook *rulebook, uint32_t group)
{
    uint32_t slot = rulebook->group_slot[group];
    if (slot >= apply->member->tier_count) return 0;
    return index_of(apply->state, rulebook, group, member_tiers(apply->member)[slot].base);
}

static void
correct_group(struct apply *apply, struct rulebook *rulebook, uint32_t group,
              struct instant instant)
{
    int64_t from_ms = apply->metrics_from_ms[rulebook->group_slot[group]];
    if (from_ms == 0) return;
    struct span window = metric_window(rulebook, apply->member, group, instant);
    if (from_ms < window.start_ms) review_correct(apply, rulebook, group, window, instant);
}

static void
evaluate_group(struct apply *apply, struct rulebook *rulebook, uint32_t group,
               struct instant instant, struct instant effective)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    correct_group(apply, rulebook, group, instant);
    struct span window = metric_window(rulebook, apply->member, group, instant);
    struct tier_step step = tier_step_of(apply, rulebook, group, window, effective.ms,
                                         apply->event == NULL ? TIER_BY_REVIEW : TIER_BY_EVENT);
    step.to = metric_level(asked, &step.values);
    if (step.to == 0 || step.to <= base_of(apply, rulebook, group)) return;
    if (asked->upgrade == UPGRADE_NEXT_PERIOD) {
        review_expect(apply, &step, window);
        return;
    }
    note_peak(apply, &step, window);
    step.valid_until_ms = review_set(apply, &step, instant);
    tier_set_base(apply, &step);
}

void
tier_evaluate(struct apply *apply, struct instant instant, struct instant effective)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, instant);
    if (rulebook == NULL) return;
    for (uint32_t group = 0; group < rulebook->program.group_count; group++)
        evaluate_group(apply, rulebook, group, instant, effective);
}

void
tier_correct(struct apply *apply, struct instant instant)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, instant);
    if (rulebook == NULL) return;
    for (uint32_t group = 0; group < rulebook->program.group_count; group++)
        correct_group(apply, rulebook, group, instant);
}

void
tier_forget(struct apply *apply)
{
    struct members *members = &apply->state->members;
    static const enum fact_kind KINDS[] = {FACT_METRIC, FACT_CARRY, FACT_OVERRIDE};
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++)
        facts_remove(members, &apply->member, facts_of_kind(apply->member, KINDS[k]));
    member_drop_tiers(members, &apply->member);
}
