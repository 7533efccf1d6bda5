#include "engine/core/campaign.h"

#include "engine/core/eligible.h"
#include "engine/core/fact.h"

/* ---- When ---- */

/* The zone by whose clock a campaign runs: the store's, where it says so and the store is known. */
static const struct zone *
zone_of(const struct program *program, const struct program_campaign *campaign,
        struct bytes store_id)
{
    if (!campaign->store_zone) return &program->zone;
    for (uint32_t low = 0, high = program->store_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(store_id, program->stores[middle].id);
        if (order == 0) return &program->zones[program->stores[middle].zone].zone;
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return &program->zone;
}

/* A month and day in a year; a day that the month does not have is its last. */
static struct civil_date
date_in_year(int32_t year, uint32_t month, uint32_t day)
{
    uint32_t last = calendar_month_days(year, month);
    return (struct civil_date){year, (uint8_t)month, (uint8_t)(day < last ? day : last)};
}

static bool
has_date(const struct program_campaign *campaign, struct civil_date date)
{
    if (campaign->date_count == 0) return true;
    for (uint32_t i = 0; i < campaign->date_count; i++) {
        struct civil_date wanted =
            date_in_year(date.year, campaign->dates[i].month, campaign->dates[i].day);
        if (wanted.month == date.month && wanted.day == date.day) return true;
    }
    return false;
}

static int64_t
monday_of(int64_t days)
{
    return days - (int64_t)(calendar_weekday(days) - 1);
}

static bool
is_birthday(const struct member *member, enum birthday_window window, int64_t days)
{
    if (window == BIRTHDAY_NONE) return true;
    int64_t birthday = member == NULL ? 0 : fact_value(member, FACT_PROFILE, 0, 0, 0);
    if (birthday == 0) return false;
    uint32_t month = (uint32_t)(birthday / 100), day = (uint32_t)(birthday % 100);
    struct civil_date date = calendar_civil_from_days(days);
    if (window == BIRTHDAY_MONTH) return date.month == month;
    /* The week of a birthday may lie in two years. */
    for (int32_t year = date.year - 1; year <= date.year + 1; year++) {
        int64_t that = calendar_days_from_civil(date_in_year(year, month, day));
        if (window == BIRTHDAY_DAY ? that == days : monday_of(that) == monday_of(days)) return true;
    }
    return false;
}

bool
campaign_runs(const struct apply *apply, const struct rulebook *rulebook,
              const struct program_campaign *campaign, const struct scope_place *place)
{
    struct instant occurred_at = apply->event->occurred_at;
    if (!scope_passes(&campaign->filter, place, occurred_at)) return false;
    const struct zone *zone = zone_of(&rulebook->program, campaign, place->store);
    struct local local = calendar_local(zone, occurred_at);
    if (campaign->store_zone &&
        (local.ms < campaign->local_from.ms || local.ms >= campaign->local_until.ms))
        return false;
    struct civil_date date = calendar_date(local);
    int64_t days = calendar_days_from_civil(date);
    int64_t minute = (local.ms - calendar_midnight(date).ms) / 60000;
    if (campaign->weekdays != 0 && (campaign->weekdays >> (calendar_weekday(days) - 1) & 1) == 0)
        return false;
    if (campaign->days_of_month != 0 && (campaign->days_of_month >> date.day & 1) == 0)
        return false;
    if (minute < campaign->from_minute || minute >= campaign->until_minute) return false;
    return has_date(campaign, date) && is_birthday(apply->member, campaign->birthday, days);
}

/* ---- How much ---- */

/* a is the greater factor; of equals neither is. */
static bool
is_greater(struct rate a, struct rate b)
{
    return (__int128)a.numerator * b.denominator > (__int128)b.numerator * a.denominator;
}

static bool
multiplies(const struct program_campaign *campaign, const struct program_rule *base, uint32_t rule)
{
    if (campaign->currency != base->currency) return false;
    if (campaign->rule_count == 0) return true;
    for (uint32_t i = 0; i < campaign->rule_count; i++) {
        if (campaign->rules[i] == rule) return true;
    }
    return false;
}

/* The campaigns of both lists that multiply the rule, in order of judgement. */
static uint32_t
gather(const struct program *program, uint32_t rule, struct match_list a, struct match_list b,
       uint16_t *out)
{
    uint32_t count = 0, i = 0, k = 0;
    while (i < a.count || k < b.count) {
        bool first = k == b.count || (i < a.count && a.items[i] < b.items[k]);
        uint16_t next = first ? a.items[i++] : b.items[k++];
        if (multiplies(&program->campaigns[next], &program->rules[rule], rule)) out[count++] = next;
    }
    return count;
}

/* Of an exclusive group only the best counts; under `max` all are one group. */
static uint32_t
keep_best(const struct program *program, uint16_t *campaigns, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct program_campaign *one = &program->campaigns[campaigns[i]];
        bool best = true;
        for (uint32_t k = 0; k < count && best; k++) {
            const struct program_campaign *other = &program->campaigns[campaigns[k]];
            bool rivals =
                program->stacking == STACKING_MAX ||
                (one->exclusive.size > 0 && bytes_equal(one->exclusive, other->exclusive));
            if (k == i || !rivals) continue;
            best = k < i ? is_greater(one->factor, other->factor)
                         : !is_greater(other->factor, one->factor);
        }
        /* Rivals that are looked at later must still be there: nothing moves before its place. */
        if (best) campaigns[count + kept++] = campaigns[i];
    }
    for (uint32_t i = 0; i < kept; i++)
        campaigns[i] = campaigns[count + i];
    return kept;
}

static bool
subtract(struct fraction a, struct fraction b, struct fraction *out)
{
    b.numerator = -b.numerator;
    return fraction_add(a, b, out);
}

/* Takes a loss off a part, down to 0; what is missing stays in *loss. */
static bool
bear(struct fraction *part, struct fraction *loss)
{
    struct fraction rest;
    if (!subtract(*part, *loss, &rest)) return false;
    if (rest.numerator >= 0) {
        *part = rest;
        *loss = fraction_from_i64(0);
    } else {
        *part = fraction_from_i64(0);
        *loss = (struct fraction){-rest.numerator, rest.denominator};
    }
    return true;
}

/* What a factor adds to an amount, or takes away. */
static bool
apply_factor(struct fraction amount, struct rate factor, struct fraction *added,
             struct fraction *loss)
{
    int64_t more = factor.numerator - factor.denominator;
    struct fraction change;
    if (more == 0) return true;
    struct rate by;
    if (!rate_make(more > 0 ? more : -more, factor.denominator, &by) ||
        !fraction_multiply_rate(amount, by, &change))
        return false;
    if (more > 0) {
        *added = change;
        return true;
    }
    return fraction_add(*loss, change, loss);
}

bool
campaign_apply(struct arena *scratch, const struct program *program, uint32_t rule,
               struct match_list of_order, struct match_list of_lines, struct fraction amount,
               struct campaign_effect *out_effect)
{
    *out_effect = (struct campaign_effect){.base = amount};
    uint32_t most = of_order.count + of_lines.count;
    if (most == 0) return true;
    uint16_t *campaigns = eligible_list(scratch, 2 * (size_t)most, sizeof *campaigns);
    uint32_t count = gather(program, rule, of_order, of_lines, campaigns);
    count = keep_best(program, campaigns, count);
    struct fraction *added = eligible_list(scratch, count, sizeof *added);
    struct fraction running = amount, loss = fraction_from_i64(0);
    for (uint32_t i = 0; i < count; i++) {
        struct rate factor = program->campaigns[campaigns[i]].factor;
        added[i] = fraction_from_i64(0);
        if (!apply_factor(running, factor, &added[i], &loss)) return false;
        bool multiplied = program->stacking == STACKING_MULTIPLY;
        if (multiplied && !fraction_multiply_rate(running, factor, &running)) return false;
    }
    if (!bear(&out_effect->base, &loss)) return false;
    for (uint32_t i = count; i > 0 && loss.numerator > 0; i--) {
        if (!bear(&added[i - 1], &loss)) return false;
    }
    out_effect->campaigns = campaigns;
    out_effect->added = added;
    out_effect->count = count;
    return true;
}
