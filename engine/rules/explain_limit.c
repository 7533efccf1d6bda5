/* Limits against abuse, quarantine and approvals. */
#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* ---- Limits ---- */

static const char *
word_limited(struct explainer *explainer, const struct program_limit *limit)
{
    switch (limit->of) {
    case LIMITED_PURCHASE: return WORDS(explainer, OF_PURCHASES);
    case LIMITED_ACTIVITY:
        if (limit->activity.size == 0) return WORDS(explainer, OF_ACTIVITIES);
        return WORDS(explainer, OF_ACTIVITY, word_quoted(explainer, limit->activity));
    case LIMITED_REDEEM: return WORDS(explainer, OF_REDEEMS);
    case LIMITED_HOLD: return WORDS(explainer, OF_HOLDS);
    case LIMITED_REFUND: return WORDS(explainer, OF_REFUNDS);
    }
    UNREACHABLE();
}

static const char *
word_measured(struct explainer *explainer, const struct program_limit *limit)
{
    const char *of = word_limited(explainer, limit);
    bool spends = limit->of == LIMITED_REDEEM || limit->of == LIMITED_HOLD;
    switch (limit->measure) {
    case MEASURE_COUNT: return WORDS(explainer, MEASURE_COUNT, of);
    case MEASURE_POINTS:
        if (spends)
            return WORDS(explainer, MEASURE_SPENT, of, word_currency(explainer, limit->currency));
        return WORDS(explainer, MEASURE_GRANTED, of, word_currency(explainer, limit->currency));
    case MEASURE_MONEY:
        return WORDS(explainer, MEASURE_MONEY, of, currency_find(limit->money)->alpha);
    }
    UNREACHABLE();
}

static const char *
word_most(struct explainer *explainer, const struct program_limit *limit)
{
    switch (limit->measure) {
    case MEASURE_COUNT: return word_number(explainer, limit->max);
    case MEASURE_POINTS: return word_points(explainer, limit->max, limit->currency);
    case MEASURE_MONEY: return word_money(explainer, limit->max, limit->money);
    }
    UNREACHABLE();
}

void
explain_limits(struct explainer *explainer)
{
    static const enum explain_sentence actions[] = {
        [LIMIT_REFUSE] = SAYS_LIMIT_REFUSE,
        [LIMIT_QUARANTINE] = SAYS_LIMIT_QUARANTINE,
        [LIMIT_FLAG] = SAYS_LIMIT_FLAG,
    };
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->limit_count; i++) {
        const struct program_limit *limit = &program->limits[i];
        const char *measured = word_measured(explainer, limit);
        if (limit->own_mean.numerator == 0) {
            SAY(explainer, limit->id, LIMIT_MAX, measured, word_most(explainer, limit),
                word_elapsed(explainer, limit->window_ms));
        } else {
            SAY(explainer, limit->id, LIMIT_MEAN, measured,
                word_factor(explainer, limit->own_mean));
        }
        explain_say(explainer, limit->id, actions[limit->action], NULL, 0);
        bool any = explain_when(explainer, limit->id, limit->when);
        if (limit->after_redeem_ms != 0) {
            SAY(explainer, limit->id, AFTER_REDEEM,
                word_elapsed(explainer, limit->after_redeem_ms));
        } else if (!any) {
            SAY(explainer, limit->id, NO_CONDITION);
        }
        SAY(explainer, limit->id, PRIORITY, word_number(explainer, limit->priority));
    }
}

/* ---- Quarantine and approvals ---- */

void
explain_approvals(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    const char *undecided = word_days(explainer, program->quarantine_days);
    if (program->quarantine_rejects) {
        SAY(explainer, NO_ITEM, QUARANTINE_REJECT, undecided);
    } else {
        SAY(explainer, NO_ITEM, QUARANTINE_RELEASE, undecided);
    }
    SAY(explainer, NO_ITEM, APPROVAL_LAPSES, word_days(explainer, program->approval_days));
    for (uint32_t i = 0; i < program->currency_count; i++) {
        const struct program_currency *currency = &program->currencies[i];
        if (program->approval_above[i] == INT64_MAX) {
            SAY(explainer, currency->id, APPROVAL_NOT);
        } else {
            SAY(explainer, currency->id, APPROVAL_ABOVE,
                word_points(explainer, program->approval_above[i], i));
        }
    }
}
