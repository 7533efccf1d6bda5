/* Awards, streaks, missions and caps. */
#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* ---- Awards ---- */

static void
explain_occasion(struct explainer *explainer, const struct program_award *award)
{
    const char *amount = word_amount(explainer, award->points, award->currency);
    switch (award->kind) {
    case AWARD_SIGN_UP: SAY(explainer, award->id, AWARD_SIGN_UP, amount); return;
    case AWARD_FIRST_PURCHASE: SAY(explainer, award->id, AWARD_FIRST_PURCHASE, amount); return;
    case AWARD_BIRTHDAY: SAY(explainer, award->id, AWARD_BIRTHDAY, amount); return;
    case AWARD_ANNIVERSARY: SAY(explainer, award->id, AWARD_ANNIVERSARY, amount); return;
    case AWARD_ACTIVITY:
        SAY(explainer, award->id, AWARD_ACTIVITY, amount, word_quoted(explainer, award->activity));
        return;
    case AWARD_BALANCE:
        SAY(explainer, award->id, AWARD_BALANCE, amount,
            word_amount(explainer, award->balance, award->currency));
        return;
    }
    UNREACHABLE();
}

static void
explain_often(struct explainer *explainer, const struct program_award *award)
{
    bool repeats = award->kind == AWARD_ACTIVITY || award->kind == AWARD_BALANCE;
    if (award->times.count != 0) {
        SAY(explainer, award->id, AT_MOST, word_times(explainer, award->times.count),
            word_per(explainer, award->times.per, 0));
    } else if (repeats) {
        SAY(explainer, award->id, AT_MOST_NOT);
    }
}

void
explain_awards(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->award_count; i++) {
        const struct program_award *award = &program->awards[i];
        explain_occasion(explainer, award);
        explain_often(explainer, award);
        explain_filter(explainer, award->id, &award->filter, false);
        explain_multiplier(explainer, award->id, award->tier_group);
        explain_pending(explainer, award->id, &award->pending);
        explain_priority(explainer, award->id, award->priority, award->funder);
    }
}

/* ---- Streaks ---- */

void
explain_streaks(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->streak_count; i++) {
        const struct program_streak *streak = &program->streaks[i];
        const char **points = explain_room(explainer, streak->point_count, sizeof *points);
        for (uint32_t k = 0; k < streak->point_count; k++)
            points[k] = word_points(explainer, streak->points[k], streak->currency);
        const char *const parts[] = {
            word_quoted(explainer, streak->activity),
            word_currency(explainer, streak->currency),
            word_list(explainer, points, streak->point_count, SAYS_LIST_NEXT),
        };
        explain_say(explainer, streak->id,
                    streak->every == CALENDAR_DAY ? SAYS_STREAK_DAYS : SAYS_STREAK_WEEKS, parts,
                    sizeof parts / sizeof *parts);
        if (!explain_instants(explainer, streak->id, streak->window))
            SAY(explainer, streak->id, NO_CONDITION);
        explain_multiplier(explainer, streak->id, streak->tier_group);
        explain_priority(explainer, streak->id, streak->priority, streak->funder);
    }
}

/* ---- Missions ---- */

static void
explain_goal(struct explainer *explainer, const struct program_mission *mission)
{
    bool purchases = mission->of == COUNTED_PURCHASE;
    const char *activity = purchases ? NULL : word_quoted(explainer, mission->activity), *row;
    switch (mission->goal) {
    case GOAL_COUNT:
        if (purchases) {
            SAY(explainer, mission->id, MISSION_PURCHASES,
                word_count(explainer, mission->target, SAYS_PURCHASES_1, SAYS_PURCHASES));
        } else {
            SAY(explainer, mission->id, MISSION_ACTIVITIES, word_times(explainer, mission->target),
                activity);
        }
        return;
    case GOAL_SUM:
        if (purchases) {
            SAY(explainer, mission->id, MISSION_SPEND,
                word_money(explainer, mission->target, mission->money));
        } else {
            SAY(explainer, mission->id, MISSION_VALUES, word_number(explainer, mission->target),
                activity);
        }
        return;
    case GOAL_CONSECUTIVE:
        row = word_period(explainer, mission->target, mission->every);
        if (purchases) {
            SAY(explainer, mission->id, MISSION_ROW_PURCHASES, row);
        } else {
            SAY(explainer, mission->id, MISSION_ROW_ACTIVITIES, row, activity);
        }
        return;
    }
    UNREACHABLE();
}

static void
explain_gift(struct explainer *explainer, const struct program_mission *mission)
{
    const char *badge = word_name(explainer, mission->badge);
    if (mission->currency == PROGRAM_NONE) {
        SAY(explainer, mission->id, GIVES_BADGE, badge);
        return;
    }
    const char *amount = word_amount(explainer, mission->points, mission->currency);
    if (mission->badge.size == 0) {
        SAY(explainer, mission->id, GIVES_POINTS, amount);
    } else {
        SAY(explainer, mission->id, GIVES_BOTH, amount, badge);
    }
}

void
explain_missions(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->mission_count; i++) {
        const struct program_mission *mission = &program->missions[i];
        const char *repeats = word_times(explainer, mission->repeats);
        explain_goal(explainer, mission);
        if (mission->per == PER_LIFETIME) {
            SAY(explainer, mission->id, MISSION_LIFETIME, repeats);
        } else {
            SAY(explainer, mission->id, MISSION_REPEATS, word_per(explainer, mission->per, 0),
                repeats);
        }
        explain_gift(explainer, mission);
        if (mission->goal == GOAL_SUM && mission->of == COUNTED_PURCHASE)
            explain_basis(explainer, mission->id, &mission->basis);
        explain_filter(explainer, mission->id, &mission->filter, true);
        explain_priority(explainer, mission->id, mission->priority, mission->funder);
    }
}

/* ---- Caps ---- */

static void
explain_covers(struct explainer *explainer, const struct program_cap *cap)
{
    if (cap->cover_count == 0) {
        SAY(explainer, cap->id, CAP_COVERS_ALL, word_currency(explainer, cap->currency));
        return;
    }
    const char **names = explain_room(explainer, cap->cover_count, sizeof *names);
    for (uint32_t i = 0; i < cap->cover_count; i++)
        names[i] = word_name(explainer, program_source_id(explainer->program, cap->covers[i]));
    SAY(explainer, cap->id, CAP_COVERS,
        word_list(explainer, names, cap->cover_count, SAYS_LIST_NEXT));
}

void
explain_caps(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->cap_count; i++) {
        const struct program_cap *cap = &program->caps[i];
        SAY(explainer, cap->id, CAP_MAX, word_amount(explainer, cap->max, cap->currency),
            word_per(explainer, cap->per, cap->rolling_days));
        explain_covers(explainer, cap);
        if (cap->rejects) {
            SAY(explainer, cap->id, CAP_REJECT);
        } else {
            SAY(explainer, cap->id, CAP_TRIM);
        }
        if (cap->gives_back) {
            SAY(explainer, cap->id, CAP_GIVES_BACK);
        } else {
            SAY(explainer, cap->id, CAP_KEEPS);
        }
        SAY(explainer, cap->id, PRIORITY, word_number(explainer, cap->priority));
    }
}
