/* Earn rules, campaigns, and what happens where several fit. */
#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"

/* ---- Rules ---- */

static const char *
word_bands(struct explainer *explainer, const struct program_rule *rule)
{
    const char **items = explain_room(explainer, rule->band_count, sizeof *items);
    for (uint32_t i = 0; i < rule->band_count; i++) {
        const struct program_band *band = &rule->bands[i];
        const char *rate = word_rate(explainer, band->rate, rule->money, rule->currency);
        items[i] = i + 1 == rule->band_count
                       ? WORDS(explainer, BAND_ABOVE, rate)
                       : WORDS(explainer, BAND_UP_TO, rate,
                               word_money(explainer, band->up_to_minor, rule->money));
    }
    return word_list(explainer, items, rule->band_count, SAYS_LIST_THEN);
}

static void
explain_bonus(struct explainer *explainer, const struct program_rule *rule)
{
    SAY(explainer, rule->id, RULE_BONUS, word_points(explainer, rule->flat, rule->currency),
        word_currency(explainer, rule->currency),
        rule->per_order ? WORDS(explainer, BONUS_WHOLE_ORDER) : WORDS(explainer, BONUS_EACH_LINE));
    if (rule->money == 0) {
        SAY(explainer, rule->id, BONUS_ANY_MONEY);
    } else {
        SAY(explainer, rule->id, BONUS_MONEY, currency_find(rule->money)->alpha);
    }
}

static void
explain_amount(struct explainer *explainer, const struct program_rule *rule)
{
    const char *currency = word_currency(explainer, rule->currency);
    const char *per = rule->per_order ? WORDS(explainer, WHOLE_ORDER) : WORDS(explainer, EACH_LINE);
    switch (rule->kind) {
    case RULE_RATE:
        SAY(explainer, rule->id, RULE_RATE,
            word_rate(explainer, rule->rate, rule->money, rule->currency), currency, per);
        break;
    case RULE_BANDS:
        SAY(explainer, rule->id, RULE_BANDS, word_bands(explainer, rule), currency, per);
        if (rule->band_mode == BANDS_CLIFF) {
            SAY(explainer, rule->id, BANDS_CLIFF);
        } else {
            SAY(explainer, rule->id, BANDS_MARGINAL);
        }
        break;
    case RULE_FLAT: explain_bonus(explainer, rule); break;
    }
}

void
explain_rules(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->rule_count; i++) {
        const struct program_rule *rule = &program->rules[i];
        explain_amount(explainer, rule);
        explain_basis(explainer, rule->id, &rule->basis);
        explain_filter(explainer, rule->id, &rule->filter, false);
        explain_multiplier(explainer, rule->id, rule->tier_group);
        explain_pending(explainer, rule->id, &rule->pending);
        explain_priority(explainer, rule->id, rule->priority, rule->funder);
    }
}

/* ---- Campaigns ---- */

static void
explain_factor(struct explainer *explainer, const struct program_campaign *campaign)
{
    const char *factor = word_factor(explainer, campaign->factor);
    const char *currency = word_currency(explainer, campaign->currency);
    if (campaign->rule_count == 0) {
        SAY(explainer, campaign->id, CAMPAIGN_ALL, factor, currency);
    } else {
        const char **names = explain_room(explainer, campaign->rule_count, sizeof *names);
        for (uint32_t i = 0; i < campaign->rule_count; i++)
            names[i] = word_name(explainer, explainer->program->rules[campaign->rules[i]].id);
        SAY(explainer, campaign->id, CAMPAIGN_SOME, factor, currency,
            word_list(explainer, names, campaign->rule_count, SAYS_LIST_NEXT));
    }
    const struct program_filter *filter = &campaign->filter;
    if (filter->categories.count + filter->skus.count + filter->brands.count != 0)
        SAY(explainer, campaign->id, CAMPAIGN_LINES);
}

static const char *
word_weekdays(struct explainer *explainer, unsigned weekdays)
{
    const char *items[7];
    size_t count = 0;
    for (unsigned day = 0; day < 7; day++) {
        if ((weekdays & 1U << day) != 0)
            items[count++] = explain_fill(explainer, SAYS_MONDAY + day, NULL, 0);
    }
    return word_list(explainer, items, count, SAYS_LIST_AND);
}

static const char *
word_days_of_month(struct explainer *explainer, uint32_t days)
{
    const char *items[31];
    size_t count = 0;
    for (unsigned day = 1; day <= 31; day++) {
        if ((days & UINT32_C(1) << day) != 0) items[count++] = word_number(explainer, day);
    }
    return word_list(explainer, items, count, SAYS_LIST_NEXT);
}

static const char *
word_minute(struct explainer *explainer, int32_t minute)
{
    enum { SIZE = 32 };
    char *text = explain_room(explainer, SIZE, 1);
    snprintf(text, SIZE, "%02d:%02d", (int)(minute / 60), (int)(minute % 60));
    return text;
}

static bool
explain_birthday(struct explainer *explainer, const struct program_campaign *campaign)
{
    switch (campaign->birthday) {
    case BIRTHDAY_NONE: return false;
    case BIRTHDAY_DAY: SAY(explainer, campaign->id, BIRTHDAY_DAY); return true;
    case BIRTHDAY_WEEK: SAY(explainer, campaign->id, BIRTHDAY_WEEK); return true;
    case BIRTHDAY_MONTH: SAY(explainer, campaign->id, BIRTHDAY_MONTH); return true;
    }
    UNREACHABLE();
}

/* Whether anything was said. */
static bool
explain_calendar(struct explainer *explainer, const struct program_campaign *campaign)
{
    struct bytes id = campaign->id;
    bool any = campaign->store_zone
                   ? explain_window(explainer, id, campaign->local_from, campaign->local_until)
                   : explain_instants(explainer, id, campaign->filter.window);
    if (campaign->weekdays != 0) {
        SAY(explainer, id, ONLY_WEEKDAYS, word_weekdays(explainer, campaign->weekdays));
        any = true;
    }
    if (campaign->days_of_month != 0) {
        SAY(explainer, id, ONLY_DAYS, word_days_of_month(explainer, campaign->days_of_month));
        any = true;
    }
    if (campaign->date_count != 0) {
        SAY(explainer, id, ONLY_DATES,
            word_dates(explainer, campaign->dates, campaign->date_count));
        any = true;
    }
    if (campaign->from_minute != 0 || campaign->until_minute != 24 * 60) {
        SAY(explainer, id, ONLY_HOURS, word_minute(explainer, campaign->from_minute),
            word_minute(explainer, campaign->until_minute));
        any = true;
    }
    return explain_birthday(explainer, campaign) || any;
}

void
explain_campaigns(struct explainer *explainer)
{
    const struct program *program = explainer->program;
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        const struct program_campaign *campaign = &program->campaigns[i];
        explain_factor(explainer, campaign);
        bool any = explain_where(explainer, campaign->id, &campaign->filter, false);
        any |= explain_calendar(explainer, campaign);
        any |= explain_when(explainer, campaign->id, campaign->filter.when);
        if (!any) SAY(explainer, campaign->id, NO_CONDITION);
        if (campaign->store_zone) {
            SAY(explainer, campaign->id, CLOCK_STORE);
        } else {
            SAY(explainer, campaign->id, CLOCK_PROGRAMME);
        }
        if (campaign->exclusive.size == 0) {
            SAY(explainer, campaign->id, EXCLUSIVE_NOT);
        } else {
            SAY(explainer, campaign->id, EXCLUSIVE, word_name(explainer, campaign->exclusive));
        }
        explain_priority(explainer, campaign->id, campaign->priority, campaign->funder);
    }
}

/* ---- Where several fit ---- */

void
explain_combine(struct explainer *explainer)
{
    static const enum explain_sentence lines[] = {
        [COMBINE_MAX] = SAYS_LINES_MAX,
        [COMBINE_SUM] = SAYS_LINES_SUM,
        [COMBINE_FIRST] = SAYS_LINES_FIRST,
    };
    static const enum explain_sentence orders[] = {
        [COMBINE_MAX] = SAYS_ORDERS_MAX,
        [COMBINE_SUM] = SAYS_ORDERS_SUM,
        [COMBINE_FIRST] = SAYS_ORDERS_FIRST,
    };
    static const enum explain_sentence campaigns[] = {
        [STACKING_ADD] = SAYS_STACK_ADD,
        [STACKING_MULTIPLY] = SAYS_STACK_MULTIPLY,
        [STACKING_MAX] = SAYS_STACK_MAX,
    };
    const struct program *program = explainer->program;
    explain_say(explainer, NO_ITEM, lines[program->line_combine], NULL, 0);
    explain_say(explainer, NO_ITEM, orders[program->order_combine], NULL, 0);
    SAY(explainer, NO_ITEM, BOTH_ADDED);
    explain_say(explainer, NO_ITEM, campaigns[program->stacking], NULL, 0);
}
