/* Reading of the normalised form: rules, campaigns, awards, streaks, missions and caps. */
#include "engine/core/program_read_priv.h"

enum { MINUTES_A_DAY = 24 * 60 };

/* What stands at the head of everything that grants. */
#define READ_HEAD(decoder, item, what)                                                             \
    do {                                                                                           \
        (item)->id = read_id((decoder), what);                                                     \
        (item)->currency =                                                                         \
            read_index((decoder), (decoder)->program->currency_count, "the currency of " what);    \
        (item)->priority = read_priority(decoder);                                                 \
    } while (false)

/* Compares an item of an array with the one before it. */
#define CHECK_JUDGED_ORDER(decoder, items, i, what)                                                \
    check_judged_order((decoder), (i) == 0, (items)[(i) == 0 ? 0 : (i)-1].priority,                \
                       (items)[(i) == 0 ? 0 : (i)-1].id, (items)[i].priority, (items)[i].id, what)

static int32_t
read_priority(struct decoder *decoder)
{
    return (int32_t)read_signed(decoder, INT32_MIN, INT32_MAX, "a priority");
}

static int64_t
read_points(struct decoder *decoder, uint64_t min, const char *what)
{
    return (int64_t)read_number(decoder, min, INT64_MAX, what);
}

static uint32_t
read_funder(struct decoder *decoder)
{
    return read_option(decoder, decoder->program->funder_count, "a funder");
}

static struct program_period
read_period(struct decoder *decoder, uint64_t min)
{
    struct program_period period = {0};
    period.amount = (int32_t)read_number(decoder, min, PROGRAM_DAYS_MAX, "a period");
    if (period.amount == 0) return period;
    period.unit = read_code(decoder, CALENDAR_DAY, CALENDAR_YEAR, "the unit of a period");
    if (period.unit == CALENDAR_WEEK || period.unit == CALENDAR_QUARTER)
        REFUSE(decoder, "a period counts days, months or years");
    return period;
}

static struct program_pending
read_pending(struct decoder *decoder)
{
    struct program_pending pending = {
        .kind = read_code(decoder, PENDING_NONE, PENDING_DELIVERED, "when points can be spent"),
    };
    switch (pending.kind) {
    case PENDING_NONE: break;
    case PENDING_AFTER: pending.period = read_period(decoder, 1); break;
    case PENDING_UNTIL:
        pending.until.ms =
            read_signed(decoder, INSTANT_MIN_MS, INSTANT_MAX_MS, "when points can be spent");
        break;
    case PENDING_DELIVERED: pending.period = read_period(decoder, 0); break;
    }
    return pending;
}

/* ---- Rules ---- */

static void
read_bands(struct decoder *decoder, struct program_rule *rule)
{
    rule->band_mode = read_code(decoder, BANDS_CLIFF, BANDS_MARGINAL, "how bands count");
    struct program_band *bands =
        read_list(decoder, 2, PROGRAM_BANDS_MAX, sizeof *bands, "bands", &rule->band_count);
    int64_t bound = 0;
    for (uint32_t i = 0; i < rule->band_count; i++) {
        bool last = i + 1 == rule->band_count;
        int64_t step = (int64_t)read_number(decoder, last ? 0 : 1, last ? 0 : INT64_MAX, "a band");
        if (!add_i64(bound, step, &bound) || bound == INT64_MAX)
            REFUSE(decoder, "the bound of a band is too large");
        bands[i].up_to_minor = last ? INT64_MAX : bound;
        bands[i].rate = read_rate(decoder, "the rate of a band");
    }
    rule->bands = bands;
}

static void
read_rule(struct decoder *decoder, struct program_rule *rule)
{
    READ_HEAD(decoder, rule, "a rule");
    rule->kind = read_code(decoder, RULE_RATE, RULE_FLAT, "a rule");
    rule->per_order = read_flag(decoder, "what a rule is judged for");
    rule->rate = (struct rate){0, 1};
    if (rule->kind == RULE_FLAT) {
        rule->money = (uint16_t)read_number(decoder, 0, UINT16_MAX, "a rule's money");
        if (rule->money != 0 && currency_find(rule->money) == NULL)
            REFUSE(decoder, "a rule's money is no ISO 4217 currency");
        rule->flat = read_points(decoder, 1, "a flat bonus");
    } else {
        rule->money = read_money(decoder, "a rule's money");
        if (rule->kind == RULE_RATE) rule->rate = read_rate(decoder, "a rule's rate");
        if (rule->kind == RULE_BANDS) read_bands(decoder, rule);
    }
    rule->filter = read_filter(decoder, FILTER_OF_LINES | FILTER_OF_EVENT | FILTER_WINDOW,
                               rule->per_order ? CONDITION_SCOPE_ORDER : CONDITION_SCOPE_LINE);
    rule->basis = read_basis(decoder);
    rule->tier_group = read_tier_group(decoder);
    if (rule->kind == RULE_FLAT && rule->tier_group >= 0)
        REFUSE(decoder, "a flat bonus is multiplied");
    rule->funder = read_funder(decoder);
    rule->pending = read_pending(decoder);
}

static void
read_rules(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_rule *rules = read_list(decoder, 0, PROGRAM_RULES_MAX, sizeof *rules,
                                           "the number of rules", &program->rule_count);
    for (uint32_t i = 0; i < program->rule_count; i++) {
        read_rule(decoder, &rules[i]);
        CHECK_JUDGED_ORDER(decoder, rules, i, "rules");
    }
    program->rules = rules;
}

/* ---- Campaigns ---- */

static void
read_campaign_rules(struct decoder *decoder, struct program_campaign *campaign)
{
    const struct program *program = decoder->program;
    uint32_t *rules = read_list(decoder, 0, program->rule_count, sizeof *rules,
                                "the rules of a campaign", &campaign->rule_count);
    for (uint32_t i = 0; i < campaign->rule_count; i++) {
        rules[i] = read_index(decoder, program->rule_count, "a campaign's rule");
        if (i != 0 && rules[i] <= rules[i - 1])
            REFUSE(decoder, "the rules of a campaign do not rise");
        if (decoder->failed) return;
        const struct program_rule *rule = &program->rules[rules[i]];
        if (rule->kind == RULE_FLAT || rule->currency != campaign->currency)
            REFUSE(decoder, "a campaign names a rule that it cannot multiply");
    }
    campaign->rules = rules;
}

static void
read_calendar(struct decoder *decoder, struct program_campaign *campaign)
{
    const uint32_t all_days = UINT32_MAX - 1;
    campaign->local_from.ms = INT64_MIN;
    campaign->local_until.ms = INT64_MAX;
    campaign->store_zone = read_flag(decoder, "a campaign's clock");
    if (campaign->store_zone) {
        struct program_window local = read_window(decoder, "a campaign's window");
        campaign->local_from.ms = local.from.ms;
        campaign->local_until.ms = local.until.ms;
        if (campaign->filter.window.from.ms != INT64_MIN ||
            campaign->filter.window.until.ms != INT64_MAX) {
            REFUSE(decoder, "a campaign has a window of instants and one of local times");
        }
    }
    campaign->weekdays = (uint8_t)read_code(decoder, 0, 126, "weekdays");
    campaign->days_of_month = (uint32_t)read_number(decoder, 0, all_days - 1, "days of the month");
    if ((campaign->days_of_month & 1) != 0) REFUSE(decoder, "there is no day 0 of a month");
    campaign->dates = read_dates(decoder, 0, &campaign->date_count);
    campaign->from_minute = (int32_t)read_number(decoder, 0, MINUTES_A_DAY - 1, "an hour");
    campaign->until_minute = (int32_t)read_number(decoder, (uint64_t)campaign->from_minute + 1,
                                                  MINUTES_A_DAY, "an hour");
    campaign->birthday = read_code(decoder, BIRTHDAY_NONE, BIRTHDAY_MONTH, "a birthday");
}

static void
read_campaigns(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_campaign *campaigns =
        read_list(decoder, 0, PROGRAM_RULES_MAX, sizeof *campaigns, "the number of campaigns",
                  &program->campaign_count);
    for (uint32_t i = 0; i < program->campaign_count; i++) {
        struct program_campaign *campaign = &campaigns[i];
        READ_HEAD(decoder, campaign, "a campaign");
        campaign->factor = read_rate(decoder, "a campaign's factor");
        read_campaign_rules(decoder, campaign);
        campaign->filter = read_filter(decoder, FILTER_OF_LINES | FILTER_OF_EVENT | FILTER_WINDOW,
                                       CONDITION_SCOPE_ORDER);
        read_calendar(decoder, campaign);
        campaign->exclusive = read_id_or_none(decoder, "an exclusive group");
        campaign->funder = read_funder(decoder);
        CHECK_JUDGED_ORDER(decoder, campaigns, i, "campaigns");
    }
    program->campaigns = campaigns;
}

/* ---- Awards, streaks, missions ---- */

static enum condition_scope
award_scope(enum award_kind kind)
{
    switch (kind) {
    case AWARD_FIRST_PURCHASE:
    case AWARD_BALANCE: return CONDITION_SCOPE_ORDER;
    case AWARD_ACTIVITY: return CONDITION_SCOPE_ACTIVITY;
    case AWARD_SIGN_UP:
    case AWARD_BIRTHDAY:
    case AWARD_ANNIVERSARY: break;
    }
    return CONDITION_SCOPE_MEMBER;
}

static void
read_awards(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_award *awards = read_list(decoder, 0, PROGRAM_RULES_MAX, sizeof *awards,
                                             "the number of awards", &program->award_count);
    for (uint32_t i = 0; i < program->award_count; i++) {
        struct program_award *award = &awards[i];
        READ_HEAD(decoder, award, "an award");
        award->kind = read_code(decoder, AWARD_SIGN_UP, AWARD_BALANCE, "an award");
        award->points = read_points(decoder, 1, "an award's points");
        if (award->kind == AWARD_ACTIVITY)
            award->activity = read_text(decoder, "an award's activity");
        if (award->kind == AWARD_BALANCE)
            award->balance = read_points(decoder, 0, "an award's balance");
        award->times = read_times(decoder);
        award->filter =
            read_filter(decoder, FILTER_OF_EVENT | FILTER_WINDOW, award_scope(award->kind));
        award->tier_group = read_tier_group(decoder);
        award->funder = read_funder(decoder);
        award->pending = read_pending(decoder);
        bool of_order = award->kind == AWARD_FIRST_PURCHASE || award->kind == AWARD_BALANCE;
        if (award->pending.kind == PENDING_DELIVERED && !of_order)
            REFUSE(decoder, "an award without an order waits for its delivery");
        CHECK_JUDGED_ORDER(decoder, awards, i, "awards");
    }
    program->awards = awards;
}

static void
read_streaks(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_streak *streaks = read_list(decoder, 0, PROGRAM_RULES_MAX, sizeof *streaks,
                                               "the number of streaks", &program->streak_count);
    for (uint32_t i = 0; i < program->streak_count; i++) {
        struct program_streak *streak = &streaks[i];
        READ_HEAD(decoder, streak, "a streak");
        streak->activity = read_text(decoder, "a streak's activity");
        streak->every = read_code(decoder, CALENDAR_DAY, CALENDAR_WEEK, "a streak's unit");
        int64_t *points = read_list(decoder, 1, PROGRAM_STREAK_MAX, sizeof *points,
                                    "a streak's awards", &streak->point_count);
        for (uint32_t k = 0; k < streak->point_count; k++)
            points[k] = read_points(decoder, 0, "a streak's award");
        streak->points = points;
        streak->window = read_window(decoder, "a streak's window");
        streak->tier_group = read_tier_group(decoder);
        streak->funder = read_funder(decoder);
        CHECK_JUDGED_ORDER(decoder, streaks, i, "streaks");
    }
    program->streaks = streaks;
}

static void
read_goal(struct decoder *decoder, struct program_mission *mission)
{
    mission->goal = read_code(decoder, GOAL_COUNT, GOAL_CONSECUTIVE, "a mission's goal");
    mission->of = read_code(decoder, COUNTED_PURCHASE, COUNTED_ACTIVITY, "what a mission counts");
    if (mission->of == COUNTED_ACTIVITY)
        mission->activity = read_text(decoder, "a mission's activity");
    mission->target = read_points(decoder, 1, "a mission's target");
    if (mission->goal == GOAL_SUM && mission->of == COUNTED_PURCHASE) {
        mission->money = read_money(decoder, "a mission's money");
        mission->basis = read_basis(decoder);
    }
    mission->per = PER_LIFETIME;
    if (mission->goal == GOAL_CONSECUTIVE) {
        mission->every = read_code(decoder, CALENDAR_DAY, CALENDAR_YEAR, "a mission's periods");
    } else {
        mission->per = read_code(decoder, PER_DAY, PER_LIFETIME, "a mission's window");
    }
}

static void
read_mission(struct decoder *decoder, struct program_mission *mission)
{
    const struct program *program = decoder->program;
    mission->id = read_id(decoder, "a mission");
    mission->currency = read_option(decoder, program->currency_count, "a mission's currency");
    mission->priority = read_priority(decoder);
    read_goal(decoder, mission);
    mission->repeats = (uint32_t)read_number(decoder, 1, PROGRAM_REPEATS_MAX, "repetitions");
    if (mission->currency != PROGRAM_NONE)
        mission->points = read_points(decoder, 1, "a mission's points");
    mission->badge = read_id_or_none(decoder, "a badge");
    if (mission->currency == PROGRAM_NONE && mission->badge.size == 0)
        REFUSE(decoder, "a mission awards nothing");
    bool purchases = mission->of == COUNTED_PURCHASE;
    mission->filter =
        read_filter(decoder, FILTER_OF_EVENT | FILTER_WINDOW | (purchases ? FILTER_CATEGORIES : 0),
                    purchases ? CONDITION_SCOPE_ORDER : CONDITION_SCOPE_ACTIVITY);
    mission->funder = read_funder(decoder);
}

static void
read_missions(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_mission *missions = read_list(decoder, 0, PROGRAM_RULES_MAX, sizeof *missions,
                                                 "the number of missions", &program->mission_count);
    for (uint32_t i = 0; i < program->mission_count; i++) {
        read_mission(decoder, &missions[i]);
        CHECK_JUDGED_ORDER(decoder, missions, i, "missions");
    }
    program->missions = missions;
}

/* ---- All that grants, by one kind of name ---- */

static uint32_t
source_count(const struct program *program, enum source_kind kind)
{
    switch (kind) {
    case SOURCE_RULE: return program->rule_count;
    case SOURCE_CAMPAIGN: return program->campaign_count;
    case SOURCE_AWARD: return program->award_count;
    case SOURCE_STREAK: return program->streak_count;
    case SOURCE_MISSION: return program->mission_count;
    }
    return 0;
}

static uint32_t
source_currency(const struct program *program, struct program_source source)
{
    switch (source.kind) {
    case SOURCE_RULE: return program->rules[source.index].currency;
    case SOURCE_CAMPAIGN: return program->campaigns[source.index].currency;
    case SOURCE_AWARD: return program->awards[source.index].currency;
    case SOURCE_STREAK: return program->streaks[source.index].currency;
    case SOURCE_MISSION: return program->missions[source.index].currency;
    }
    return PROGRAM_NONE;
}

/* The names of everything that grants are different, and not too many. */
static void
check_names(struct decoder *decoder)
{
    const struct program *program = decoder->program;
    uint32_t total = 0, count = 0;
    for (enum source_kind kind = SOURCE_RULE; kind <= SOURCE_MISSION; kind++)
        total += source_count(program, kind);
    if (total > PROGRAM_RULES_MAX) {
        REFUSE(decoder, "more than %d rules, campaigns, awards, streaks and missions",
               PROGRAM_RULES_MAX);
    }
    if (decoder->failed || total == 0) return;
    size_t mark = arena_mark(decoder->arena);
    struct bytes *ids = arena_alloc(decoder->arena, total * sizeof *ids);
    if (ids == NULL) {
        REFUSE(decoder, "no memory for the names");
        return;
    }
    for (enum source_kind kind = SOURCE_RULE; kind <= SOURCE_MISSION; kind++) {
        for (uint32_t i = 0; i < source_count(program, kind); i++) {
            ids[count] = program_source_id(program, (struct program_source){kind, i});
            for (uint32_t k = 0; k < count; k++) {
                if (bytes_equal(ids[k], ids[count])) REFUSE(decoder, "two rules have one id");
            }
            count++;
        }
    }
    arena_reset_to(decoder->arena, mark);
}

static void
read_covers(struct decoder *decoder, struct program_cap *cap)
{
    const struct program *program = decoder->program;
    struct program_source *covers = read_list(decoder, 0, PROGRAM_RULES_MAX, sizeof *covers,
                                              "what a cap covers", &cap->cover_count);
    for (uint32_t i = 0; i < cap->cover_count && !decoder->failed; i++) {
        covers[i].kind = read_code(decoder, SOURCE_RULE, SOURCE_MISSION, "what a cap covers");
        covers[i].index =
            read_index(decoder, source_count(program, covers[i].kind), "what a cap covers");
        if (decoder->failed) return;
        bool rises =
            i == 0 || covers[i - 1].kind < covers[i].kind ||
            (covers[i - 1].kind == covers[i].kind && covers[i - 1].index < covers[i].index);
        if (!rises) REFUSE(decoder, "what a cap covers is out of order");
        if (source_currency(program, covers[i]) != cap->currency)
            REFUSE(decoder, "a cap covers what earns another currency");
    }
    cap->covers = covers;
}

static void
read_caps(struct decoder *decoder)
{
    struct program *program = decoder->program;
    struct program_cap *caps = read_list(decoder, 0, PROGRAM_CAPS_MAX, sizeof *caps,
                                         "the number of caps", &program->cap_count);
    for (uint32_t i = 0; i < program->cap_count; i++) {
        struct program_cap *cap = &caps[i];
        READ_HEAD(decoder, cap, "a cap");
        read_covers(decoder, cap);
        cap->max = read_points(decoder, 0, "a cap's most");
        cap->per = read_code(decoder, PER_EVENT, PER_ROLLING, "a cap's window");
        if (cap->per == PER_ROLLING)
            cap->rolling_days = (uint32_t)read_number(decoder, 1, PROGRAM_DAYS_MAX, "a cap's days");
        cap->rejects = read_flag(decoder, "what a cap does");
        cap->gives_back = read_flag(decoder, "what a cap gives back");
        CHECK_JUDGED_ORDER(decoder, caps, i, "caps");
        for (uint32_t k = 0; k < i; k++) {
            if (bytes_equal(caps[k].id, cap->id)) REFUSE(decoder, "two caps have one id");
        }
    }
    program->caps = caps;
}

void
read_earning(struct decoder *decoder)
{
    read_rules(decoder);
    read_campaigns(decoder);
    read_awards(decoder);
    read_streaks(decoder);
    read_missions(decoder);
    check_names(decoder);
    read_caps(decoder);
}
