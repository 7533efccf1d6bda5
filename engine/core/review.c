#include "engine/core/review.h"

#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/output.h"

static bool
is_rolling(const struct program_group *group)
{
    return group->window == WINDOW_ROLLING_DAYS || group->window == WINDOW_ROLLING_MONTHS;
}

static bool
is_reviewed(const struct program_group *group)
{
    return group->window != WINDOW_LIFETIME;
}

/* ---- Setting reviews ---- */

/* Not before the period under review has begun, and not when the moment is over: then the level was
 * met a moment ago. */
static int64_t
at_risk_at(const struct tier_step *step, int64_t review_ms, int64_t begins_ms, struct instant now)
{
    const struct program_group *group = &step->rulebook->program.groups[step->group];
    if (group->at_risk_days == 0 || group->downgrade == DOWNGRADE_NONE) return INT64_MAX;
    int64_t notice_ms =
        calendar_days_later(&step->rulebook->program.zone, review_ms, -group->at_risk_days);
    if (notice_ms < begins_ms) notice_ms = begins_ms;
    return notice_ms < now.ms ? INT64_MAX : notice_ms;
}

static void
note_due(struct apply *apply, const struct member_tier *tier)
{
    if (tier->review_ms != INT64_MAX) due_note(apply, tier->review_ms, DUE_REVIEW);
    if (tier->grace_ms != INT64_MAX) due_note(apply, tier->grace_ms, DUE_REVIEW);
    if (tier->at_risk_ms != INT64_MAX) due_note(apply, tier->at_risk_ms, DUE_NOTICE);
}

int64_t
review_set(struct apply *apply, const struct tier_step *step, struct instant instant)
{
    const struct program_group *group = &step->rulebook->program.groups[step->group];
    struct member_tier *tier = tier_entry(apply, step);
    tier->review_ms = tier->grace_ms = tier->at_risk_ms = INT64_MAX;
    if (step->to == 0 || !is_reviewed(group)) return INT64_MAX;
    struct instant from = is_rolling(group) ? (struct instant){step->effective_ms} : instant;
    int64_t begins_ms =
        is_rolling(group)
            ? from.ms
            : metric_window(step->rulebook, apply->member, step->group, from).start_ms;
    tier->review_ms = metric_window_end(step->rulebook, apply->member, step->group, from);
    tier->at_risk_ms = at_risk_at(step, tier->review_ms, begins_ms, instant);
    note_due(apply, tier);
    return group->downgrade == DOWNGRADE_NONE ? INT64_MAX : tier->review_ms;
}

void
review_expect(struct apply *apply, const struct tier_step *step, struct span window)
{
    struct member_tier *tier = tier_entry(apply, step);
    if (tier->review_ms != INT64_MAX) return;
    tier->review_ms = window.end_ms;
    note_due(apply, tier);
}

/* ---- Deciding ---- */

/* What a review makes of a level. */
static uint32_t
decide(const struct program_group *group, uint32_t from, uint32_t qualified)
{
    if (qualified >= from || group->downgrade == DOWNGRADE_NONE)
        return qualified > from ? qualified : from;
    return group->downgrade == DOWNGRADE_ONE_STEP ? from - 1 : qualified;
}

/* The excess over the threshold of the level that the closed period has achieved; what was carried
 * into it is used first, and never carried again. The lowest level achieves nothing. */
static void
roll_over(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct span closed,
          struct span window)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    if (!asked->rollover) return;
    struct metric_values values = metric_values(rulebook, apply->member, group, closed);
    uint32_t level = metric_level(asked, &values);
    int64_t own = values.values[0] - metric_carried(rulebook, apply->member, group, closed);
    int64_t excess = level == 0 ? 0 : values.values[0] - asked->levels[level].thresholds[0];
    metric_carry(apply, rulebook, group, window, excess < own ? excess : own);
}

static struct span
window_before(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct span window)
{
    return metric_window(rulebook, apply->member, group, (struct instant){window.start_ms - 1});
}

static void
remember_review(struct apply *apply, const struct tier_step *step, struct span window,
                uint32_t from, uint32_t result)
{
    struct member_tier *tier = tier_entry(apply, step);
    tier->reviewed = 1;
    tier->reviewed_ms = window.start_ms;
    tier->from = step->rulebook->level_slot[step->group][from];
    tier->result = step->rulebook->level_slot[step->group][result];
}

/* ---- Reviews ---- */

static int64_t
grace_end(const struct rulebook *rulebook, uint32_t group, int64_t instant_ms)
{
    return calendar_days_later(&rulebook->program.zone, instant_ms,
                               rulebook->program.groups[group].grace_days);
}

/* The downgrade waits, and is dropped when the new period qualifies by then. */
static void
begin_grace(struct apply *apply, const struct tier_step *step, uint32_t lower, int64_t grace_ms)
{
    struct member_tier *tier = tier_entry(apply, step);
    tier->lower = step->rulebook->level_slot[step->group][lower];
    tier->grace_ms = grace_ms;
    note_due(apply, tier);
}

static void
review(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct instant instant)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    struct span window = metric_window(rulebook, apply->member, group, instant);
    struct span closed = window;
    if (!is_rolling(asked)) { /* what a version with another window has set may lie within one */
        closed = metric_window(rulebook, apply->member, group, (struct instant){instant.ms - 1});
    }
    struct tier_step step =
        tier_step_of(apply, rulebook, group, closed, instant.ms, TIER_BY_REVIEW);
    uint32_t from = tier_index(apply, &step, tier_entry(apply, &step)->base);
    uint32_t result = decide(asked, from, metric_level(asked, &step.values));
    if (!is_rolling(asked) && window.start_ms == instant.ms)
        roll_over(apply, rulebook, group, closed, window);
    if (!is_rolling(asked)) {
        metric_prune(apply, rulebook, group, instant.ms);
        window.start_ms = instant.ms;
    }
    bool waits = result < from && asked->grace_days > 0 && !is_rolling(asked);
    remember_review(apply, &step, window, from, waits ? from : result);
    step.to = waits ? from : result;
    step.valid_until_ms = review_set(apply, &step, instant);
    if (waits) {
        begin_grace(apply, &step, result, grace_end(rulebook, group, instant.ms));
    } else if (result != from) {
        tier_set_base(apply, &step);
    } else if (result > 0 && asked->downgrade != DOWNGRADE_NONE) {
        tier_publish_renewed(apply, &step);
    }
}

static void
end_grace(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct instant instant)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    /* The new period as far as it has gone; it may end with the grace. */
    struct instant last = {instant.ms - 1};
    struct span window = metric_window(rulebook, apply->member, group, last);
    struct tier_step step =
        tier_step_of(apply, rulebook, group, window, instant.ms, TIER_BY_REVIEW);
    struct member_tier *tier = tier_entry(apply, &step);
    uint32_t held = tier_index(apply, &step, tier->base);
    uint32_t lower = tier_index(apply, &step, tier->lower);
    uint32_t qualified = metric_level(asked, &step.values);
    tier->grace_ms = INT64_MAX;
    step.to = qualified >= held ? held : qualified > lower ? qualified : lower;
    tier->result = rulebook->level_slot[group][step.to];
    step.valid_until_ms =
        step.to > 0 && asked->downgrade != DOWNGRADE_NONE ? tier->review_ms : INT64_MAX;
    if (step.to == held) {
        tier_publish_renewed(apply, &step);
        return;
    }
    if (step.to == 0) tier->review_ms = tier->at_risk_ms = INT64_MAX;
    tier_set_base(apply, &step);
}

/* ---- Corrections ---- */

/* The level before the review as it would have been, had the event come in time: an upgrade at
 * once would have lifted it, and a refund lowers nothing before a review. */
static uint32_t
before_review(const struct program_group *group, uint32_t from, uint32_t qualified)
{
    return group->upgrade == UPGRADE_IMMEDIATE && qualified > from ? qualified : from;
}

static uint32_t
larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void
review_correct(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct span window,
               struct instant judged)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    if (!is_reviewed(asked) || is_rolling(asked)) return;
    struct span closed = window_before(apply, rulebook, group, window);
    if (apply->metrics_from_ms[rulebook->group_slot[group]] < closed.start_ms)
        return; /* older periods stand as they are */
    roll_over(apply, rulebook, group, closed, window);
    int64_t clock_ms = apply->state->clock.ms;
    struct tier_step step = tier_step_of(apply, rulebook, group, closed, clock_ms,
                                         apply->event == NULL ? TIER_BY_REVIEW : TIER_BY_EVENT);
    step.direction = TIER_CORRECTED;
    struct member_tier *tier = tier_entry(apply, &step);
    bool reviewed = tier->reviewed && tier->reviewed_ms == window.start_ms;
    uint32_t base = tier_index(apply, &step, tier->base);
    uint32_t from = reviewed ? tier_index(apply, &step, tier->from) : 0;
    uint32_t before = reviewed ? tier_index(apply, &step, tier->result) : 0;
    uint32_t qualified = metric_level(asked, &step.values);
    uint32_t lower = decide(asked, before_review(asked, from, qualified), qualified);
    int64_t grace_ms = lower < from ? grace_end(rulebook, group, window.start_ms) : INT64_MIN;
    bool waits = asked->grace_days > 0 && grace_ms > judged.ms;
    uint32_t result = waits ? from : lower;
    if (result == before && !waits && tier->grace_ms == INT64_MAX) return;
    tier->grace_ms = INT64_MAX;
    remember_review(apply, &step, window, from, result);
    struct metric_values now = metric_values(rulebook, apply->member, group, window);
    uint32_t peak = tier->peak_ms == window.start_ms ? tier_index(apply, &step, tier->peak) : 0;
    step.to = larger(result, peak);
    if (asked->upgrade == UPGRADE_IMMEDIATE) step.to = larger(step.to, metric_level(asked, &now));
    if (!reviewed) step.to = larger(step.to, base); /* a period without a review lowers nothing */
    if (step.to != base) step.valid_until_ms = review_set(apply, &step, judged);
    if (waits) begin_grace(apply, &step, lower, grace_ms);
    if (step.to != base) tier_set_base(apply, &step);
}

/* ---- A new version ---- */

static void
judge_anew(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct instant instant)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    uint32_t slot = rulebook->group_slot[group];
    struct span window = metric_window(rulebook, apply->member, group, instant);
    struct tier_step step =
        tier_step_of(apply, rulebook, group, window, instant.ms, TIER_BY_RULEBOOK);
    uint32_t qualified = metric_level(asked, &step.values);
    if (slot >= apply->member->tier_count && qualified == 0) return;
    struct member_tier *tier = tier_entry(apply, &step);
    uint32_t base = tier_index(apply, &step, tier->base);
    step.to = larger(base, qualified);
    /* A level that the version does not have any more maps to the next lower one. */
    bool same = step.to == base &&
                (tier->base == LEVEL_LOWEST || tier->base == rulebook->level_slot[group][base]);
    if (step.to > base && !is_rolling(asked)) {
        tier->peak_ms = window.start_ms;
        tier->peak = rulebook->level_slot[group][step.to];
    }
    if (same && is_rolling(asked) && tier->review_ms != INT64_MAX) return;
    int64_t grace_ms = tier->grace_ms;
    int64_t valid_until_ms = review_set(apply, &step, instant);
    if (same) {
        tier->grace_ms = grace_ms;
        return;
    }
    step.valid_until_ms = valid_until_ms;
    if (step.to == base && tier_index(apply, &step, tier->level) == base)
        step.direction = TIER_DOWNGRADED; /* not from what an override said */
    tier_set_base(apply, &step);
}

void
review_rulebook(struct apply *apply, struct instant instant)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, instant);
    if (rulebook == NULL) return;
    for (uint32_t group = 0; group < rulebook->program.group_count; group++)
        judge_anew(apply, rulebook, group, instant);
}

/* ---- Due work ---- */

bool
review_next(const struct member_tier *tier, int64_t *out_ms, enum due_kind *out_kind)
{
    int64_t review_ms = tier->grace_ms < tier->review_ms ? tier->grace_ms : tier->review_ms;
    bool notice = tier->at_risk_ms < review_ms;
    *out_ms = notice ? tier->at_risk_ms : review_ms;
    *out_kind = notice ? DUE_NOTICE : DUE_REVIEW;
    return *out_ms != INT64_MAX;
}

static void
tell_at_risk(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct instant instant)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    struct span window = metric_window(rulebook, apply->member, group, instant);
    struct tier_step step =
        tier_step_of(apply, rulebook, group, window, instant.ms, TIER_BY_REVIEW);
    struct member_tier *tier = tier_entry(apply, &step);
    uint32_t level = tier_index(apply, &step, tier->base);
    if (asked->downgrade == DOWNGRADE_NONE || metric_level(asked, &step.values) >= level) return;
    if (tier_is_overridden(apply->member, rulebook->group_slot[group])) return;
    struct effect *effect = output_notice(apply, NOTICE_TIER_AT_RISK, instant.ms);
    effect->notice.tier_at_risk = (struct notice_tier_at_risk){
        .group = output_text(apply, asked->id),
        .tier = output_text(apply, asked->levels[level].id),
        .review_at.ms = tier->review_ms,
        .metric_count = asked->metric_count,
    };
    for (uint32_t m = 0; m < asked->metric_count; m++) {
        effect->notice.tier_at_risk.metrics[m] = (struct metric_value){
            .metric = output_text(apply, asked->metrics[m].id),
            .value = step.values.values[m],
            .threshold = asked->levels[level].thresholds[m],
        };
    }
    output_seal(apply, effect);
}

void
review_do(struct apply *apply, uint32_t group_slot, struct instant instant, enum due_kind kind)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, instant);
    struct member_tier *tier = member_tier(&apply->state->members, &apply->member, group_slot);
    CHECK(rulebook != NULL);
    int8_t index = rulebook->group_at[group_slot];
    bool grace = tier->grace_ms == instant.ms;
    if (kind == DUE_NOTICE) {
        tier->at_risk_ms = INT64_MAX;
        if (index >= 0) tell_at_risk(apply, rulebook, (uint32_t)index, instant);
        return;
    }
    if (grace) {
        tier->grace_ms = INT64_MAX;
    } else {
        tier->review_ms = INT64_MAX;
    }
    if (index < 0) return; /* the group was given up: its tiers stay as they are */
    const struct program_group *group = &rulebook->program.groups[index];
    if (!is_reviewed(group)) return;
    if (grace && (is_rolling(group) || group->downgrade == DOWNGRADE_NONE)) return;
    if (grace) {
        end_grace(apply, rulebook, (uint32_t)index, instant);
    } else {
        review(apply, rulebook, (uint32_t)index, instant);
    }
}
