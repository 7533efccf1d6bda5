/*
 * Missions (semantics §4): a target over a window, completed once per (mission, window,
 * repetition).
 *
 * What is kept of a member, under the mission's name:
 *
 *   MISSION        window start · form    a progress, b how often it was completed. Of consecutive
 *                  periods the window is 0 and a counts what forgotten runs deserved.
 *   MISSION_RUN    the periods with at least one event, as runs (run.h)
 *   MISSION_AGAIN  period · form          a further events of the period, for a return may take one
 *
 * Invariants:
 *  1. b never falls: what was completed stands, and progress that returns is not paid again.
 *  2. Only purchases can be returned, so only of activities runs are ever forgotten.
 */
#include "engine/core/award_priv.h"

#include "engine/core/output.h"
#include "engine/core/tier.h"

/* What is kept under one name by versions that mean different things by it has nothing to do with
 * each other: everything but target, points and filters makes the form. */
static uint32_t
form_of(const struct rulebook *rulebook, uint32_t index)
{
    const struct program_mission *mission = &rulebook->program.missions[index];
    uint32_t form = (uint32_t)mission->per | (uint32_t)mission->goal << 4 |
                    (uint32_t)mission->every << 6 | (uint32_t)mission->of << 9;
    return form | (uint32_t)rulebook->mission_counts[index] << 16;
}

static struct run_place
periods_of(const struct rulebook *rulebook, uint32_t index)
{
    return (struct run_place){
        .kind = FACT_MISSION_RUN,
        .slot = rulebook->mission_slot[index],
        .form = form_of(rulebook, index),
    };
}

static int64_t
window_of(const struct rulebook *rulebook, const struct program_mission *mission, struct instant at)
{
    if (mission->goal == GOAL_CONSECUTIVE) return 0;
    return award_bucket(rulebook, mission->per, at);
}

static int64_t
period_of(const struct rulebook *rulebook, const struct program_mission *mission, struct instant at)
{
    return calendar_bucket_number(&rulebook->program.zone, at, mission->every);
}

static const struct fact *
find(const struct member *member, const struct rulebook *rulebook, uint32_t index, int64_t window)
{
    if (member == NULL) return NULL;
    return fact_find(member, FACT_MISSION, rulebook->mission_slot[index], window,
                     form_of(rulebook, index));
}

/* ---- Planning ---- */

static bool
has_category(const struct program_texts *categories, const struct purchase *purchase)
{
    if (categories->count == 0) return true;
    for (uint32_t i = 0; i < purchase->line_count; i++) {
        if (scope_has(*categories, purchase->lines[i].category)) return true;
    }
    return false;
}

static bool
counts(const struct awards *awards, const struct program_mission *mission)
{
    bool of_purchase = awards->purchase != NULL;
    if ((mission->of == COUNTED_PURCHASE) != of_purchase) return false;
    if (!of_purchase && !bytes_equal(mission->activity, awards->activity)) return false;
    if (of_purchase) {
        bool money = mission->goal != GOAL_SUM || mission->money == awards->purchase->currency;
        if (!money || !has_category(&mission->filter.categories, awards->purchase)) return false;
    }
    return scope_passes(&mission->filter, &awards->place, awards->at) &&
           scope_holds(mission->filter.when, &awards->facts);
}

static bool
sum_kept(struct arena *scratch, const struct order_money *money, struct program_basis basis,
         int64_t *out_sum)
{
    const int64_t *values;
    int64_t sum = 0;
    if (!eligible_values(scratch, money, basis, &values)) return false;
    values = eligible_kept(scratch, money, values);
    for (uint32_t i = 0; i < money->line_count; i++)
        sum += values[i]; /* the whole sum has 63 bits: eligible_values has seen it */
    *out_sum = sum;
    return true;
}

/* By how much the event brings the mission on. */
static bool
measure(struct awards *awards, const struct program_mission *mission, int64_t *out_value)
{
    *out_value = 1;
    if (mission->goal != GOAL_SUM) return true;
    if (awards->purchase != NULL)
        return sum_kept(awards->apply->state->scratch, &awards->money, mission->basis, out_value);
    *out_value = awards->facts.activity.value;
    return true;
}

/* How often the mission is deserved once the event counts, window and notes included. */
static bool
plan_progress(struct awards *awards, uint32_t index, int64_t value, int64_t *out_deserved)
{
    const struct rulebook *rulebook = awards->rulebook;
    const struct program_mission *mission = &rulebook->program.missions[index];
    int64_t window = window_of(rulebook, mission, awards->at);
    const struct fact *fact = find(awards->apply->member, rulebook, index, window);
    int64_t progress = fact == NULL ? 0 : fact->a;
    if (mission->goal != GOAL_CONSECUTIVE) {
        if (!add_i64(progress, value, &progress)) return false;
        award_note(awards, (struct award_note){NOTE_PROGRESS, index, window, value});
        *out_deserved = progress / mission->target;
        return true;
    }
    struct run_place periods = periods_of(rulebook, index);
    int64_t period = period_of(rulebook, mission, awards->at);
    struct run_join join = run_look(awards->apply->member, periods, period);
    award_note(awards, (struct award_note){NOTE_PERIOD, index, period, 0});
    *out_deserved = progress + run_repeats(awards->apply->member, periods, mission->target);
    if (join.there) return true;
    *out_deserved += (join.before + 1 + join.after) / mission->target -
                     join.before / mission->target - join.after / mission->target;
    return true;
}

static void
plan_completion(struct awards *awards, uint32_t index, int64_t window, int64_t repetition)
{
    const struct program_mission *mission = &awards->rulebook->program.missions[index];
    awards->completions++;
    award_note(awards, (struct award_note){NOTE_COMPLETED, index, window, repetition});
    if (mission->currency == PROGRAM_NONE) return;
    struct grant_award award = {
        .source = {SOURCE_MISSION, index},
        .currency = mission->currency,
        .points = mission->points,
        .tier_group = -1,
        .funder = mission->funder,
    };
    grant_plan_award(awards->grants, &award);
}

static bool
plan_one(struct awards *awards, uint32_t index)
{
    const struct rulebook *rulebook = awards->rulebook;
    const struct program_mission *mission = &rulebook->program.missions[index];
    int64_t value, deserved;
    if (!counts(awards, mission)) return true;
    if (!measure(awards, mission, &value)) return false;
    if (value == 0) return true;
    if (awards->purchase != NULL) awards->missions[awards->mission_count++] = (uint16_t)index;
    if (!plan_progress(awards, index, value, &deserved)) return false;
    int64_t window = window_of(rulebook, mission, awards->at);
    const struct fact *fact = find(awards->apply->member, rulebook, index, window);
    int64_t done = fact == NULL ? 0 : fact->b;
    for (; done < deserved && done < mission->repeats;
         plan_completion(awards, index, window, done)) {
        if (awards->completions == AWARD_COMPLETIONS_MAX) return false;
        done++;
    }
    return true;
}

void
mission_plan(struct awards *awards)
{
    for (uint32_t i = 0; i < awards->rulebook->program.mission_count; i++) {
        if (!plan_one(awards, i)) awards->overflow = true;
    }
}

/* ---- Booking ---- */

/* Adds to one figure of the mission's fact, which is made when missing. */
static void
change_fact(struct apply *apply, const struct rulebook *rulebook, uint32_t index, int64_t window,
            int64_t progress, int64_t completed)
{
    const struct fact *found = find(apply->member, rulebook, index, window);
    struct fact fact = {
        .kind = FACT_MISSION,
        .slot = rulebook->mission_slot[index],
        .index = form_of(rulebook, index),
        .key = window,
    };
    if (found != NULL) fact = *found;
    fact.a += progress; /* the plan has seen that it stays within 63 bits */
    fact.b += completed;
    fact_set(&apply->state->members, &apply->member, &fact);
}

/* Windows that no event reaches any more can neither be completed nor, by a return, missed. */
static void
forget_windows(struct apply *apply, const struct rulebook *rulebook, uint32_t index)
{
    const struct program_mission *mission = &rulebook->program.missions[index];
    int64_t reach_ms = apply_reach_ms(apply);
    uint32_t slot = rulebook->mission_slot[index];
    if (mission->per == PER_LIFETIME || reach_ms == INT64_MIN) return;
    for (;;) {
        struct facts facts = facts_of_slot(apply->member, FACT_MISSION, slot);
        uint32_t i = 0;
        while (i < facts.count && facts.items[i].index != form_of(rulebook, index))
            i++;
        if (i == facts.count) return;
        struct instant end =
            calendar_bucket_end(&rulebook->program.zone, (struct instant){facts.items[i].key},
                                (enum calendar_unit)(mission->per - 1));
        if (end.ms > reach_ms) return;
        facts_remove(&apply->state->members, &apply->member, (struct facts){facts.items + i, 1});
    }
}

static void
book_period(struct apply *apply, struct rulebook *rulebook, const struct award_note *note)
{
    struct members *members = &apply->state->members;
    const struct program_mission *mission = &rulebook->program.missions[note->index];
    struct run_place periods = periods_of(rulebook, note->index);
    int64_t reach_ms = apply_reach_ms(apply);
    if (mission->of == COUNTED_ACTIVITY && reach_ms != INT64_MIN) {
        int64_t reach = period_of(rulebook, mission, (struct instant){reach_ms});
        int64_t deserved = run_forget(members, &apply->member, periods, reach - 1, mission->target);
        if (deserved > 0) change_fact(apply, rulebook, note->index, 0, deserved, 0);
    }
    if (!run_look(apply->member, periods, note->key).there) {
        run_add(members, &apply->member, periods, note->key);
    } else if (mission->of == COUNTED_PURCHASE) {
        struct fact again = {
            .kind = FACT_MISSION_AGAIN,
            .slot = (uint16_t)periods.slot,
            .index = periods.form,
            .key = note->key,
            .a = 1,
        };
        fact_add(members, &apply->member, &again);
    }
}

static struct effect *
begin_notice(struct apply *apply, enum notice_kind kind, struct instant at)
{
    struct effect *effect = output_begin(apply, TOPIC_NOTICES);
    effect->notice = (struct notice){
        .kind = kind,
        .member = output_member(apply),
        .effective_at = at,
        .journal_time = apply->state->clock,
        .cause = {output_source(apply), output_event_id(apply)},
        .traceparent = output_trace(apply),
    };
    return effect;
}

static void
book_completion(struct apply *apply, struct rulebook *rulebook, struct instant at,
                const struct award_note *note)
{
    const struct program_mission *mission = &rulebook->program.missions[note->index];
    change_fact(apply, rulebook, note->index, note->key, 0, 1);
    tier_count(apply, rulebook, METRIC_MISSIONS, (struct bytes){0}, note->index, at, 1);
    struct effect *effect = begin_notice(apply, NOTICE_MISSION_COMPLETED, at);
    effect->notice.mission_completed = (struct notice_mission_completed){
        .mission = output_text(apply, mission->id),
        .window_start.ms = note->key,
        .repetition = (uint32_t)note->change,
        .rule_version = rulebook->program.version,
    };
    output_seal(apply, effect);
    if (mission->badge.size == 0) return;
    effect = begin_notice(apply, NOTICE_BADGE_AWARDED, at);
    effect->notice.badge_awarded = (struct notice_badge_awarded){
        .badge = output_text(apply, mission->badge),
        .rule_version = rulebook->program.version,
    };
    output_seal(apply, effect);
}

void
mission_book(struct apply *apply, struct rulebook *rulebook, struct instant at,
             const struct award_note *note)
{
    switch (note->kind) {
    case NOTE_PROGRESS:
        forget_windows(apply, rulebook, note->index);
        change_fact(apply, rulebook, note->index, note->key, note->change, 0);
        return;
    case NOTE_PERIOD: book_period(apply, rulebook, note); return;
    case NOTE_COMPLETED: book_completion(apply, rulebook, at, note); return;
    case NOTE_PAID:
    case NOTE_CHECKED_IN: break;
    }
    UNREACHABLE();
}

/* ---- Returns ---- */

/* An order of the period is gone: the period with the last of them. */
static void
return_period(struct apply *apply, const struct rulebook *rulebook, uint32_t index,
              struct instant at)
{
    struct members *members = &apply->state->members;
    struct run_place periods = periods_of(rulebook, index);
    int64_t period = period_of(rulebook, &rulebook->program.missions[index], at);
    if (fact_value(apply->member, FACT_MISSION_AGAIN, periods.slot, period, periods.form) == 0) {
        run_remove(members, &apply->member, periods, period);
        return;
    }
    struct fact again = {
        .kind = FACT_MISSION_AGAIN,
        .slot = (uint16_t)periods.slot,
        .index = periods.form,
        .key = period,
        .a = -1,
    };
    fact_add(members, &apply->member, &again);
}

static void
return_one(struct apply *apply, const struct award_return *returned, uint32_t index)
{
    const struct rulebook *rulebook = returned->rulebook;
    const struct program_mission *mission = &rulebook->program.missions[index];
    struct arena *scratch = apply->state->scratch;
    int64_t before, after = 0, change = returned->whole ? -1 : 0;
    if (mission->goal == GOAL_CONSECUTIVE) {
        if (returned->whole) return_period(apply, rulebook, index, returned->occurred_at);
        return;
    }
    if (mission->goal == GOAL_SUM) {
        CHECK(sum_kept(scratch, returned->before, mission->basis, &before)); /* as when it came */
        if (returned->after != NULL)
            CHECK(sum_kept(scratch, returned->after, mission->basis, &after));
        change = after - before;
    }
    int64_t window = window_of(rulebook, mission, returned->occurred_at);
    if (change == 0 || find(apply->member, rulebook, index, window) == NULL) return;
    change_fact(apply, rulebook, index, window, change, 0);
}

void
award_return(struct apply *apply, const struct award_return *returned)
{
    for (uint32_t i = 0; i < returned->mission_count; i++)
        return_one(apply, returned, returned->missions[i]);
}
