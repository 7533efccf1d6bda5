/* Streaks of check-ins (semantics §4). A check-in is paid by the run that ends at its own bucket as
 * then known: one that comes late heals the run for later ones, and what was paid stands. */
#include "engine/core/award_priv.h"

static struct run_place
place_of(const struct rulebook *rulebook, uint32_t index)
{
    return (struct run_place){
        .kind = FACT_STREAK,
        .slot = rulebook->streak_slot[index],
        .form = rulebook->program.streaks[index].every,
    };
}

static int64_t
points_of(const struct program_streak *streak, int64_t length)
{
    int64_t last = streak->point_count;
    return streak->points[(length < last ? length : last) - 1];
}

static void
plan_one(struct awards *awards, uint32_t index)
{
    const struct program *program = &awards->rulebook->program;
    const struct program_streak *streak = &program->streaks[index];
    if (!bytes_equal(streak->activity, awards->activity)) return;
    if (!scope_within(streak->window, awards->at)) return;
    int64_t bucket = calendar_bucket_number(&program->zone, awards->at, streak->every);
    struct run_join join =
        run_look(awards->apply->member, place_of(awards->rulebook, index), bucket);
    if (join.there) return; /* two check-ins in one bucket pay once */
    int64_t points = points_of(streak, join.before + 1);
    award_note(awards, (struct award_note){.kind = NOTE_CHECKED_IN, .index = index, .key = bucket});
    if (points == 0) return;
    struct grant_award award = {
        .source = {SOURCE_STREAK, index},
        .currency = streak->currency,
        .points = points,
        .tier_group = streak->tier_group,
        .funder = streak->funder,
    };
    grant_plan_award(awards->grants, &award);
}

void
streak_plan(struct awards *awards)
{
    for (uint32_t i = 0; i < awards->rulebook->program.streak_count; i++)
        plan_one(awards, i);
}

void
streak_book(struct apply *apply, struct rulebook *rulebook, const struct award_note *note)
{
    struct members *members = &apply->state->members;
    struct run_place place = place_of(rulebook, note->index);
    int64_t reach_ms = apply_reach_ms(apply);
    if (reach_ms != INT64_MIN) {
        int64_t reach = calendar_bucket_number(&rulebook->program.zone, (struct instant){reach_ms},
                                               rulebook->program.streaks[note->index].every);
        /* The bucket before it is what the oldest check-in can still join. */
        run_forget(members, &apply->member, place, reach - 1, 1);
    }
    run_add(members, &apply->member, place, note->key);
}
