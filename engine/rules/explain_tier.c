/* Tier groups and their levels. */
#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* ---- What is measured ---- */

static const char *
word_metric(struct explainer *explainer, const struct program_metric *metric)
{
    const struct program *program = explainer->program;
    switch (metric->kind) {
    case METRIC_SPEND:
        return WORDS(explainer, METRIC_SPEND, currency_find(metric->money)->alpha,
                     word_basis(explainer, &metric->basis));
    case METRIC_POINTS:
        return WORDS(explainer, METRIC_POINTS, word_currency(explainer, metric->currency));
    case METRIC_BALANCE:
        return WORDS(explainer, METRIC_BALANCE, word_currency(explainer, metric->currency));
    case METRIC_VISITS:
        if (metric->of_purchases) return WORDS(explainer, METRIC_PURCHASES);
        return WORDS(explainer, METRIC_ACTIVITY, word_quoted(explainer, metric->activity));
    case METRIC_MISSIONS:
        if (metric->mission == PROGRAM_NONE) return WORDS(explainer, METRIC_MISSIONS);
        return WORDS(explainer, METRIC_MISSION,
                     word_name(explainer, program->missions[metric->mission].id));
    }
    UNREACHABLE();
}

static void
explain_metrics(struct explainer *explainer, const struct program_group *group)
{
    for (uint32_t i = 0; i < group->metric_count; i++) {
        const struct program_metric *metric = &group->metrics[i];
        const char *what = word_metric(explainer, metric);
        if (metric->id.size == 0) {
            SAY(explainer, group->id, MEASURES, what);
        } else {
            SAY(explainer, group->id, MEASURES_NAMED, what, word_name(explainer, metric->id));
        }
    }
    if (group->metric_count == 1) return;
    if (group->match_any) {
        SAY(explainer, group->id, MATCH_ANY);
    } else {
        SAY(explainer, group->id, MATCH_ALL);
    }
}

static void
explain_measured_over(struct explainer *explainer, const struct program_group *group)
{
    static const enum explain_sentence windows[] = {
        [WINDOW_CALENDAR_YEAR] = SAYS_WINDOW_YEAR,
        [WINDOW_LIFETIME] = SAYS_WINDOW_LIFETIME,
        [WINDOW_CALENDAR_QUARTER] = SAYS_WINDOW_QUARTER,
        [WINDOW_CALENDAR_MONTH] = SAYS_WINDOW_MONTH,
        [WINDOW_CALENDAR_WEEK] = SAYS_WINDOW_WEEK,
        [WINDOW_ANNIVERSARY] = SAYS_WINDOW_ANNIVERSARY,
    };
    if (group->window == WINDOW_ROLLING_DAYS || group->window == WINDOW_ROLLING_MONTHS) {
        enum calendar_unit unit =
            group->window == WINDOW_ROLLING_DAYS ? CALENDAR_DAY : CALENDAR_MONTH;
        SAY(explainer, group->id, WINDOW_ROLLING, word_period(explainer, group->rolling, unit));
    } else {
        explain_say(explainer, group->id, windows[group->window], NULL, 0);
    }
}

/* ---- Up and down ---- */

/* Only there, and with one metric, can anything be carried over. */
static bool
has_calendar_window(const struct program_group *group)
{
    return group->window == WINDOW_CALENDAR_YEAR || group->window == WINDOW_CALENDAR_QUARTER ||
           group->window == WINDOW_CALENDAR_MONTH || group->window == WINDOW_CALENDAR_WEEK;
}

/* A ladder without a review never lowers anybody, and one that does not lower warns nobody. */
static void
explain_review(struct explainer *explainer, const struct program_group *group)
{
    static const enum explain_sentence downgrade[] = {
        [DOWNGRADE_NONE] = SAYS_DOWNGRADE_NONE,
        [DOWNGRADE_ONE_STEP] = SAYS_DOWNGRADE_STEP,
        [DOWNGRADE_TO_QUALIFIED] = SAYS_DOWNGRADE_QUALIFIED,
    };
    if (group->window == WINDOW_LIFETIME) return;
    explain_say(explainer, group->id, downgrade[group->downgrade], NULL, 0);
    if (group->downgrade != DOWNGRADE_NONE) {
        if (group->grace_days == 0) {
            SAY(explainer, group->id, DOWNGRADE_AT_ONCE);
        } else {
            SAY(explainer, group->id, DOWNGRADE_WAITS, word_days(explainer, group->grace_days));
        }
        if (group->at_risk_days == 0) {
            SAY(explainer, group->id, AT_RISK_NOT);
        } else {
            SAY(explainer, group->id, AT_RISK, word_days(explainer, group->at_risk_days));
        }
    }
    if (group->rollover) {
        SAY(explainer, group->id, ROLLOVER);
    } else if (group->metric_count == 1 && has_calendar_window(group)) {
        SAY(explainer, group->id, ROLLOVER_NOT);
    }
}

/* ---- Levels ---- */

/* "500.00 GBP", "1000 growth", "12 visits"; with the metric's name where there are several. */
static const char *
word_threshold(struct explainer *explainer, const struct program_metric *metric, int64_t threshold)
{
    const char *text = NULL;
    switch (metric->kind) {
    case METRIC_SPEND: text = word_money(explainer, threshold, metric->money); break;
    case METRIC_POINTS:
    case METRIC_BALANCE: text = word_amount(explainer, threshold, metric->currency); break;
    case METRIC_VISITS: text = word_count(explainer, threshold, SAYS_VISITS_1, SAYS_VISITS); break;
    case METRIC_MISSIONS:
        text = word_count(explainer, threshold, SAYS_MISSIONS_1, SAYS_MISSIONS);
        break;
    }
    if (metric->id.size == 0) return text;
    return WORDS(explainer, OF_METRIC, text, word_name(explainer, metric->id));
}

static void
explain_level(struct explainer *explainer, const struct program_group *group,
              const struct program_level *level)
{
    const char *items[PROGRAM_METRICS_MAX];
    for (uint32_t i = 0; i < group->metric_count; i++)
        items[i] = word_threshold(explainer, &group->metrics[i], level->thresholds[i]);
    SAY(explainer, group->id, LEVEL, word_name(explainer, level->id),
        word_list(explainer, items, group->metric_count,
                  group->match_any ? SAYS_LIST_ANY_OF : SAYS_LIST_ALL_OF),
        word_factor(explainer, level->multiplier));
}

void
explain_levels(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->group_count; i++) {
        const struct program_group *group = &program->groups[i];
        explain_metrics(explainer, group);
        explain_measured_over(explainer, group);
        if (group->upgrade == UPGRADE_IMMEDIATE) {
            SAY(explainer, group->id, UPGRADE_AT_ONCE);
        } else {
            SAY(explainer, group->id, UPGRADE_NEXT);
        }
        explain_review(explainer, group);
        for (uint32_t k = 0; k < group->level_count; k++)
            explain_level(explainer, group, &group->levels[k]);
    }
}
