/*
 * The normalised form of a rulebook, byte by byte. Everything has exactly one encoding.
 *
 *   varint    unsigned LEB128 in its shortest form
 *   zigzag    a signed varint
 *   text      a varint length and that many bytes; ids have 1–64, texts of the shop 1–128
 *   code      u8, an enum of program.h
 *   flag      u8, 0 or 1
 *   money     varint, ISO 4217 numeric
 *   rate      varint numerator, varint denominator, reduced
 *   list of X varint count, then each
 *   texts     list of text, rising by bytes
 *   index     varint
 *   option    varint index + 1; 0 = none
 *   zone      zigzag initial offset, list of (zigzag instant less the one before, or less 0 in the
 *             first; zigzag offset); all in milliseconds, offsets below 24 h
 *   date      u8 month, u8 day
 *   period    varint amount, and unless that is 0: code unit
 *   basis     u8 flags, varint line kinds
 *   window    u8 bits (1 from, 2 until), then those that are, each zigzag milliseconds
 *   condition text, at most 8192 bytes
 *   filter    varint bits (1 categories, 2 skus, 4 brands, 8 channels, 16 stores, 32 partners, 64
 * when, 128 window), then those that are, as texts, condition, window times     varint count, and
 * unless that is 0: code per pending   code kind; AFTER: period; UNTIL: zigzag instant; DELIVERED:
 * period, amount 0 = none head      text id, index currency, zigzag priority
 *
 * A program is:
 *
 *   u8 PROGRAM_FORMAT; text name; varint version; zigzag effective_from; text zone name; zone
 *   varint accept_future_ms, accept_past_ms; code unknown_member
 *   code line_combine, order_combine, stacking
 *   list of currency, zones, stores, funders, group, rule, campaign, award, streak, mission, cap,
 *   limit; spending; returns; varint quarantine_days; flag quarantine_rejects; varint
 * approval_days; for each currency: varint approval_above + 1, 0 = never
 *
 *   currency  text id, u8 scale, flag qualifying, code rounding, expiry, varint notice_days
 *   expiry    code kind; PERIOD: period, where the unit stands also after 0, code round_up_to,
 *             u8 round_month; DATES: list of date, rising; INACTIVITY: the same period, varint
 * counts, texts kinds; then unless NONE or INACTIVITY: flag from_earning; unless NONE: varint
 *             grace_days
 *   zones     text name, zone; by name
 *   stores    text id, index zone; by id
 *   funders   text id, varint money or 0, and unless that is 0: rate; by id
 *   group     text id, list of metric (text id, only where there are more than one), flag match_any
 *             (only there), code window, varint rolling (only in the rolling ones), code upgrade,
 * code downgrade, varint grace_days, flag rollover, varint at_risk_days, list of level metric code
 * kind; SPEND: money, basis; POINTS, BALANCE: index currency; VISITS: flag of_purchases, and unless
 * it is set: text activity; MISSIONS: option mission level     text id, varint threshold of each
 * metric, rate multiplier rule      head, code kind, flag per_order; RATE: money, rate; BANDS:
 * money, code mode, list of band; FLAT: varint money or 0, varint flat; then filter, basis, option
 * tier group, option funder, pending band      varint bound less the one before (0 for the last,
 * which has none), rate campaign  head, rate factor, list of index rule, filter, flag store_zone,
 * and if set: window of local times; u8 weekdays, varint days_of_month, list of date, varint
 * from_minute, varint until_minute, u8 birthday, text exclusive or empty, option funder award head,
 * code kind, varint points; ACTIVITY: text activity; BALANCE: varint balance; times, filter, option
 * tier group, option funder, pending streak    head, text activity, code every, list of varint
 * points, window, option tier group, option funder mission   text id, option currency, zigzag
 * priority, code goal, code of; ACTIVITY: text activity; varint target; SUM of purchases: money,
 * basis; CONSECUTIVE: code every, else code per; varint repeats; varint points if there is a
 * currency; text badge or empty; filter, option funder cap       head, list of (code source kind,
 * index), varint max, code per, varint rolling_days (only ROLLING), flag rejects, flag gives_back
 *   limit     text id, zigzag priority, code of; ACTIVITY: text activity or empty; code measure;
 *             POINTS: index currency; MONEY: money; flag own mean, and if set: rate, else varint
 * max, varint window_ms; code action; condition spending  varint hold_timeout_ms, restore_grace_ms;
 * list of spend limit (whom, varint minimum, multiple_of, maximum); list of payment (index
 * currency, money, rate, varint max_points, max_amount, minimum, multiple_of, min_cash_due); list
 * of reward (text id, list of price (whom, varint points), times, filter) whom      index currency,
 * option group, and unless that is none: index level returns   code method, code arrears, for each
 * currency varint write_off; flag keeps_tier_value, varint wait_days
 */
#include "engine/core/program.h"

/* ---- What several parts have in common ---- */

static void
write_rate(struct rate rate, struct writer *writer)
{
    writer_varint(writer, (uint64_t)rate.numerator);
    writer_varint(writer, (uint64_t)rate.denominator);
}

static void
write_option(uint32_t index, struct writer *writer)
{
    writer_varint(writer, index == PROGRAM_NONE ? 0 : (uint64_t)index + 1);
}

static void
write_group_option(int32_t index, struct writer *writer)
{
    writer_varint(writer, (uint64_t)(index + 1));
}

static void
write_basis(struct program_basis basis, struct writer *writer)
{
    writer_u8(writer, (uint8_t)basis.flags);
    writer_varint(writer, basis.line_kinds);
}

static void
write_zone(const struct zone *zone, struct writer *writer)
{
    writer_zigzag(writer, zone->initial_offset_ms);
    writer_varint(writer, zone->count);
    int64_t before_ms = 0;
    for (uint32_t i = 0; i < zone->count; i++) {
        writer_zigzag(writer, zone->transitions[i].at_ms - before_ms);
        writer_zigzag(writer, zone->transitions[i].offset_ms);
        before_ms = zone->transitions[i].at_ms;
    }
}

static void
write_dates(const struct program_date *dates, uint32_t count, struct writer *writer)
{
    writer_varint(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_u8(writer, dates[i].month);
        writer_u8(writer, dates[i].day);
    }
}

static void
write_period(struct program_period period, struct writer *writer)
{
    writer_varint(writer, (uint64_t)period.amount);
    if (period.amount != 0) writer_u8(writer, (uint8_t)period.unit);
}

static void
write_texts(struct program_texts texts, struct writer *writer)
{
    writer_varint(writer, texts.count);
    for (uint32_t i = 0; i < texts.count; i++)
        writer_prefixed(writer, texts.items[i]);
}

static void
write_window(int64_t from_ms, int64_t until_ms, struct writer *writer)
{
    writer_u8(writer, (uint8_t)((from_ms != INT64_MIN) | (until_ms != INT64_MAX) << 1));
    if (from_ms != INT64_MIN) writer_zigzag(writer, from_ms);
    if (until_ms != INT64_MAX) writer_zigzag(writer, until_ms);
}

static void
write_filter(const struct program_filter *filter, struct writer *writer)
{
    const struct program_texts *texts[] = {&filter->categories, &filter->skus,   &filter->brands,
                                           &filter->channels,   &filter->stores, &filter->partners};
    enum { TEXTS = sizeof texts / sizeof *texts };
    const struct program_window *window = &filter->window;
    bool bounded = window->from.ms != INT64_MIN || window->until.ms != INT64_MAX;
    uint64_t bits = 0;
    for (unsigned i = 0; i < TEXTS; i++)
        bits |= (uint64_t)(texts[i]->count != 0) << i;
    bits |= (uint64_t)(filter->when.code.size != 0) << TEXTS | (uint64_t)bounded << (TEXTS + 1);
    writer_varint(writer, bits);
    for (unsigned i = 0; i < TEXTS; i++) {
        if (texts[i]->count != 0) write_texts(*texts[i], writer);
    }
    if (filter->when.code.size != 0) writer_prefixed(writer, filter->when.code);
    if (bounded) write_window(window->from.ms, window->until.ms, writer);
}

static void
write_times(struct program_times times, struct writer *writer)
{
    writer_varint(writer, times.count);
    if (times.count != 0) writer_u8(writer, (uint8_t)times.per);
}

static void
write_pending(struct program_pending pending, struct writer *writer)
{
    writer_u8(writer, (uint8_t)pending.kind);
    if (pending.kind == PENDING_AFTER || pending.kind == PENDING_DELIVERED)
        write_period(pending.period, writer);
    if (pending.kind == PENDING_UNTIL) writer_zigzag(writer, pending.until.ms);
}

static void
write_head(struct bytes id, uint32_t currency, int32_t priority, struct writer *writer)
{
    writer_prefixed(writer, id);
    writer_varint(writer, currency);
    writer_zigzag(writer, priority);
}

/* ---- Currencies, stores, funders ---- */

static void
write_expiry(const struct program_expiry *expiry, struct writer *writer)
{
    writer_u8(writer, (uint8_t)expiry->kind);
    if (expiry->kind == EXPIRY_NONE) return;
    if (expiry->kind == EXPIRY_PERIOD || expiry->kind == EXPIRY_INACTIVITY) {
        writer_varint(writer, (uint64_t)expiry->amount);
        writer_u8(writer, (uint8_t)expiry->unit);
    }
    if (expiry->kind == EXPIRY_PERIOD) {
        writer_u8(writer, (uint8_t)expiry->round_up_to);
        writer_u8(writer, expiry->round_month);
    }
    if (expiry->kind == EXPIRY_DATES) write_dates(expiry->dates, expiry->date_count, writer);
    if (expiry->kind == EXPIRY_INACTIVITY) {
        writer_varint(writer, expiry->counts);
        write_texts(expiry->count_kinds, writer);
    } else {
        writer_u8(writer, expiry->from_earning);
    }
    writer_varint(writer, (uint64_t)expiry->grace_days);
}

static void
write_currencies(const struct program *program, struct writer *writer)
{
    writer_varint(writer, program->currency_count);
    for (uint32_t i = 0; i < program->currency_count; i++) {
        const struct program_currency *currency = &program->currencies[i];
        writer_prefixed(writer, currency->id);
        writer_u8(writer, currency->scale);
        writer_u8(writer, currency->qualifying);
        writer_u8(writer, (uint8_t)currency->rounding);
        write_expiry(&currency->expiry, writer);
        writer_varint(writer, (uint64_t)currency->notice_days);
    }
}

static void
write_places(const struct program *program, struct writer *writer)
{
    writer_varint(writer, program->zone_count);
    for (uint32_t i = 0; i < program->zone_count; i++) {
        writer_prefixed(writer, program->zones[i].name);
        write_zone(&program->zones[i].zone, writer);
    }
    writer_varint(writer, program->store_count);
    for (uint32_t i = 0; i < program->store_count; i++) {
        writer_prefixed(writer, program->stores[i].id);
        writer_varint(writer, program->stores[i].zone);
    }
    writer_varint(writer, program->funder_count);
    for (uint32_t i = 0; i < program->funder_count; i++) {
        const struct program_funder *funder = &program->funders[i];
        writer_prefixed(writer, funder->id);
        writer_varint(writer, funder->money);
        if (funder->money != 0) write_rate(funder->unit_cost, writer);
    }
}

/* ---- Tiers ---- */

static void
write_metric(const struct program_metric *metric, struct writer *writer)
{
    writer_u8(writer, (uint8_t)metric->kind);
    switch (metric->kind) {
    case METRIC_SPEND:
        writer_varint(writer, metric->money);
        write_basis(metric->basis, writer);
        return;
    case METRIC_POINTS:
    case METRIC_BALANCE: writer_varint(writer, metric->currency); return;
    case METRIC_VISITS:
        writer_u8(writer, metric->of_purchases);
        if (!metric->of_purchases) writer_prefixed(writer, metric->activity);
        return;
    case METRIC_MISSIONS: write_option(metric->mission, writer); return;
    }
}

static void
write_group(const struct program_group *group, struct writer *writer)
{
    writer_prefixed(writer, group->id);
    writer_varint(writer, group->metric_count);
    for (uint32_t i = 0; i < group->metric_count; i++) {
        if (group->metric_count > 1) writer_prefixed(writer, group->metrics[i].id);
        write_metric(&group->metrics[i], writer);
    }
    if (group->metric_count > 1) writer_u8(writer, group->match_any);
    writer_u8(writer, (uint8_t)group->window);
    if (group->window == WINDOW_ROLLING_DAYS || group->window == WINDOW_ROLLING_MONTHS)
        writer_varint(writer, (uint64_t)group->rolling);
    writer_u8(writer, (uint8_t)group->upgrade);
    writer_u8(writer, (uint8_t)group->downgrade);
    writer_varint(writer, (uint64_t)group->grace_days);
    writer_u8(writer, group->rollover);
    writer_varint(writer, (uint64_t)group->at_risk_days);
    writer_varint(writer, group->level_count);
    for (uint32_t i = 0; i < group->level_count; i++) {
        writer_prefixed(writer, group->levels[i].id);
        for (uint32_t k = 0; k < group->metric_count; k++)
            writer_varint(writer, (uint64_t)group->levels[i].thresholds[k]);
        write_rate(group->levels[i].multiplier, writer);
    }
}

/* ---- Earning ---- */

static void
write_bands(const struct program_rule *rule, struct writer *writer)
{
    writer_u8(writer, (uint8_t)rule->band_mode);
    writer_varint(writer, rule->band_count);
    int64_t before = 0;
    for (uint32_t i = 0; i < rule->band_count; i++) {
        bool last = i + 1 == rule->band_count;
        int64_t step = last ? 0 : rule->bands[i].up_to_minor - before;
        writer_varint(writer, (uint64_t)step);
        write_rate(rule->bands[i].rate, writer);
        before = rule->bands[i].up_to_minor;
    }
}

static void
write_rule(const struct program_rule *rule, struct writer *writer)
{
    write_head(rule->id, rule->currency, rule->priority, writer);
    writer_u8(writer, (uint8_t)rule->kind);
    writer_u8(writer, rule->per_order);
    writer_varint(writer, rule->money);
    switch (rule->kind) {
    case RULE_RATE: write_rate(rule->rate, writer); break;
    case RULE_BANDS: write_bands(rule, writer); break;
    case RULE_FLAT: writer_varint(writer, (uint64_t)rule->flat); break;
    }
    write_filter(&rule->filter, writer);
    write_basis(rule->basis, writer);
    write_group_option(rule->tier_group, writer);
    write_option(rule->funder, writer);
    write_pending(rule->pending, writer);
}

static void
write_campaign(const struct program_campaign *campaign, struct writer *writer)
{
    write_head(campaign->id, campaign->currency, campaign->priority, writer);
    write_rate(campaign->factor, writer);
    writer_varint(writer, campaign->rule_count);
    for (uint32_t i = 0; i < campaign->rule_count; i++)
        writer_varint(writer, campaign->rules[i]);
    write_filter(&campaign->filter, writer);
    writer_u8(writer, campaign->store_zone);
    if (campaign->store_zone)
        write_window(campaign->local_from.ms, campaign->local_until.ms, writer);
    writer_u8(writer, campaign->weekdays);
    writer_varint(writer, campaign->days_of_month);
    write_dates(campaign->dates, campaign->date_count, writer);
    writer_varint(writer, (uint64_t)campaign->from_minute);
    writer_varint(writer, (uint64_t)campaign->until_minute);
    writer_u8(writer, (uint8_t)campaign->birthday);
    writer_prefixed(writer, campaign->exclusive);
    write_option(campaign->funder, writer);
}

static void
write_award(const struct program_award *award, struct writer *writer)
{
    write_head(award->id, award->currency, award->priority, writer);
    writer_u8(writer, (uint8_t)award->kind);
    writer_varint(writer, (uint64_t)award->points);
    if (award->kind == AWARD_ACTIVITY) writer_prefixed(writer, award->activity);
    if (award->kind == AWARD_BALANCE) writer_varint(writer, (uint64_t)award->balance);
    write_times(award->times, writer);
    write_filter(&award->filter, writer);
    write_group_option(award->tier_group, writer);
    write_option(award->funder, writer);
    write_pending(award->pending, writer);
}

static void
write_streak(const struct program_streak *streak, struct writer *writer)
{
    write_head(streak->id, streak->currency, streak->priority, writer);
    writer_prefixed(writer, streak->activity);
    writer_u8(writer, (uint8_t)streak->every);
    writer_varint(writer, streak->point_count);
    for (uint32_t i = 0; i < streak->point_count; i++)
        writer_varint(writer, (uint64_t)streak->points[i]);
    write_window(streak->window.from.ms, streak->window.until.ms, writer);
    write_group_option(streak->tier_group, writer);
    write_option(streak->funder, writer);
}

static void
write_mission(const struct program_mission *mission, struct writer *writer)
{
    writer_prefixed(writer, mission->id);
    write_option(mission->currency, writer);
    writer_zigzag(writer, mission->priority);
    writer_u8(writer, (uint8_t)mission->goal);
    writer_u8(writer, (uint8_t)mission->of);
    if (mission->of == COUNTED_ACTIVITY) writer_prefixed(writer, mission->activity);
    writer_varint(writer, (uint64_t)mission->target);
    if (mission->goal == GOAL_SUM && mission->of == COUNTED_PURCHASE) {
        writer_varint(writer, mission->money);
        write_basis(mission->basis, writer);
    }
    bool consecutive = mission->goal == GOAL_CONSECUTIVE;
    writer_u8(writer, consecutive ? (uint8_t)mission->every : (uint8_t)mission->per);
    writer_varint(writer, mission->repeats);
    if (mission->currency != PROGRAM_NONE) writer_varint(writer, (uint64_t)mission->points);
    writer_prefixed(writer, mission->badge);
    write_filter(&mission->filter, writer);
    write_option(mission->funder, writer);
}

static void
write_cap(const struct program_cap *cap, struct writer *writer)
{
    write_head(cap->id, cap->currency, cap->priority, writer);
    writer_varint(writer, cap->cover_count);
    for (uint32_t i = 0; i < cap->cover_count; i++) {
        writer_u8(writer, (uint8_t)cap->covers[i].kind);
        writer_varint(writer, cap->covers[i].index);
    }
    writer_varint(writer, (uint64_t)cap->max);
    writer_u8(writer, (uint8_t)cap->per);
    if (cap->per == PER_ROLLING) writer_varint(writer, cap->rolling_days);
    writer_u8(writer, cap->rejects);
    writer_u8(writer, cap->gives_back);
}

static void
write_limit(const struct program_limit *limit, struct writer *writer)
{
    writer_prefixed(writer, limit->id);
    writer_zigzag(writer, limit->priority);
    writer_u8(writer, (uint8_t)limit->of);
    if (limit->of == LIMITED_ACTIVITY) writer_prefixed(writer, limit->activity);
    writer_u8(writer, (uint8_t)limit->measure);
    if (limit->measure == MEASURE_POINTS) writer_varint(writer, limit->currency);
    if (limit->measure == MEASURE_MONEY) writer_varint(writer, limit->money);
    writer_u8(writer, limit->own_mean.numerator != 0);
    if (limit->own_mean.numerator != 0) {
        write_rate(limit->own_mean, writer);
    } else {
        writer_varint(writer, (uint64_t)limit->max);
        writer_varint(writer, (uint64_t)limit->window_ms);
    }
    if (limit->of == LIMITED_REFUND) writer_varint(writer, (uint64_t)limit->after_redeem_ms);
    writer_u8(writer, (uint8_t)limit->action);
    writer_prefixed(writer, limit->when.code);
}

/* ---- Spending and returns ---- */

static void
write_whom(uint32_t currency, uint32_t group, uint32_t level, struct writer *writer)
{
    writer_varint(writer, currency);
    write_option(group, writer);
    if (group != PROGRAM_NONE) writer_varint(writer, level);
}

static void
write_reward(const struct program_reward *reward, struct writer *writer)
{
    writer_prefixed(writer, reward->id);
    writer_varint(writer, reward->price_count);
    for (uint32_t i = 0; i < reward->price_count; i++) {
        const struct program_price *price = &reward->prices[i];
        write_whom(price->currency, price->group, price->level, writer);
        writer_varint(writer, (uint64_t)price->points);
    }
    write_times(reward->times, writer);
    write_filter(&reward->filter, writer);
}

static void
write_spending(const struct program_spending *spending, struct writer *writer)
{
    writer_varint(writer, (uint64_t)spending->hold_timeout_ms);
    writer_varint(writer, (uint64_t)spending->restore_grace_ms);
    writer_varint(writer, spending->limit_count);
    for (uint32_t i = 0; i < spending->limit_count; i++) {
        const struct program_spend_limit *limit = &spending->limits[i];
        write_whom(limit->currency, limit->group, limit->level, writer);
        writer_varint(writer, (uint64_t)limit->minimum);
        writer_varint(writer, (uint64_t)limit->multiple_of);
        writer_varint(writer, (uint64_t)limit->maximum);
    }
    writer_varint(writer, spending->payment_count);
    for (uint32_t i = 0; i < spending->payment_count; i++) {
        const struct program_payment *payment = &spending->payments[i];
        writer_varint(writer, payment->currency);
        writer_varint(writer, payment->money);
        write_rate(payment->rate, writer);
        writer_varint(writer, (uint64_t)payment->max_points);
        writer_varint(writer, (uint64_t)payment->max_amount_minor);
        writer_varint(writer, (uint64_t)payment->minimum);
        writer_varint(writer, (uint64_t)payment->multiple_of);
        writer_varint(writer, (uint64_t)payment->min_cash_due_minor);
    }
    writer_varint(writer, spending->reward_count);
    for (uint32_t i = 0; i < spending->reward_count; i++)
        write_reward(&spending->rewards[i], writer);
}

static void
write_returns(const struct program *program, struct writer *writer)
{
    const struct program_returns *returns = &program->returns;
    writer_u8(writer, (uint8_t)returns->method);
    writer_u8(writer, (uint8_t)returns->arrears);
    for (uint32_t i = 0; i < program->currency_count; i++)
        writer_varint(writer, (uint64_t)returns->write_off[i]);
    writer_u8(writer, returns->keeps_tier_value);
    writer_varint(writer, (uint64_t)returns->wait_days);
}

/* ---- The whole ---- */

static void
write_first(const struct program *program, struct writer *writer)
{
    writer_u8(writer, PROGRAM_FORMAT);
    writer_prefixed(writer, program->name);
    writer_varint(writer, program->version);
    writer_zigzag(writer, program->effective_from.ms);
    writer_prefixed(writer, program->zone_name);
    write_zone(&program->zone, writer);
    writer_varint(writer, (uint64_t)program->accept_future_ms);
    writer_varint(writer, (uint64_t)program->accept_past_ms);
    writer_u8(writer, (uint8_t)program->unknown_member);
    writer_u8(writer, (uint8_t)program->line_combine);
    writer_u8(writer, (uint8_t)program->order_combine);
    writer_u8(writer, (uint8_t)program->stacking);
}

static void
write_last(const struct program *program, struct writer *writer)
{
    writer_varint(writer, (uint64_t)program->quarantine_days);
    writer_u8(writer, program->quarantine_rejects);
    writer_varint(writer, (uint64_t)program->approval_days);
    for (uint32_t i = 0; i < program->currency_count; i++) {
        int64_t above = program->approval_above[i];
        writer_varint(writer, above == INT64_MAX ? 0 : (uint64_t)above + 1);
    }
}

void
program_encode(const struct program *program, struct writer *writer)
{
    write_first(program, writer);
    write_currencies(program, writer);
    write_places(program, writer);
    writer_varint(writer, program->group_count);
    for (uint32_t i = 0; i < program->group_count; i++)
        write_group(&program->groups[i], writer);
    writer_varint(writer, program->rule_count);
    for (uint32_t i = 0; i < program->rule_count; i++)
        write_rule(&program->rules[i], writer);
    writer_varint(writer, program->campaign_count);
    for (uint32_t i = 0; i < program->campaign_count; i++)
        write_campaign(&program->campaigns[i], writer);
    writer_varint(writer, program->award_count);
    for (uint32_t i = 0; i < program->award_count; i++)
        write_award(&program->awards[i], writer);
    writer_varint(writer, program->streak_count);
    for (uint32_t i = 0; i < program->streak_count; i++)
        write_streak(&program->streaks[i], writer);
    writer_varint(writer, program->mission_count);
    for (uint32_t i = 0; i < program->mission_count; i++)
        write_mission(&program->missions[i], writer);
    writer_varint(writer, program->cap_count);
    for (uint32_t i = 0; i < program->cap_count; i++)
        write_cap(&program->caps[i], writer);
    writer_varint(writer, program->limit_count);
    for (uint32_t i = 0; i < program->limit_count; i++)
        write_limit(&program->limits[i], writer);
    write_spending(&program->spending, writer);
    write_returns(program, writer);
    write_last(program, writer);
}
