/*
 * The entry of a metric is a FACT_METRIC: slot = the group's, key = start of the window (of a
 * rolling one: the moment itself), index = what is counted, a = the value. What is counted, in 32
 * bits: kind (4) · window (4) · parameter (24), the parameter being the money's number, the
 * currency's slot, or the slot of the activity or mission plus 1 (0: purchases, any mission).
 */
#include "engine/core/metric.h"

#include "engine/core/fact.h"

static bool
is_rolling(const struct program_group *group)
{
    return group->window == WINDOW_ROLLING_DAYS || group->window == WINDOW_ROLLING_MONTHS;
}

static enum calendar_unit
calendar_unit_of(enum window_kind window)
{
    switch (window) {
    case WINDOW_CALENDAR_YEAR: return CALENDAR_YEAR;
    case WINDOW_CALENDAR_QUARTER: return CALENDAR_QUARTER;
    case WINDOW_CALENDAR_MONTH: return CALENDAR_MONTH;
    case WINDOW_CALENDAR_WEEK: return CALENDAR_WEEK;
    case WINDOW_LIFETIME:
    case WINDOW_ROLLING_DAYS:
    case WINDOW_ROLLING_MONTHS:
    case WINDOW_ANNIVERSARY: return CALENDAR_NONE;
    }
    UNREACHABLE();
}

/* ---- Windows ---- */

/* Local time, moved by the rolling window's length, forwards or backwards. */
static int64_t
move_by_window(const struct rulebook *rulebook, const struct program_group *group,
               struct instant instant, int sign)
{
    const struct zone *zone = &rulebook->program.zone;
    int64_t amount = sign * (int64_t)group->rolling;
    if (group->window == WINDOW_ROLLING_DAYS) return calendar_days_later(zone, instant.ms, amount);
    struct local local = calendar_local(zone, instant);
    return calendar_instant(zone, calendar_add_months(local, (int32_t)amount)).ms;
}

static struct span
calendar_window(struct rulebook *rulebook, uint32_t group, struct instant instant)
{
    struct span *known = &rulebook->window[group];
    if (instant.ms < known->start_ms || instant.ms >= known->end_ms) {
        const struct zone *zone = &rulebook->program.zone;
        enum calendar_unit unit = calendar_unit_of(rulebook->program.groups[group].window);
        *known = (struct span){calendar_bucket_start(zone, instant, unit).ms,
                               calendar_bucket_end(zone, instant, unit).ms};
    }
    return *known;
}

/* From one anniversary of enrolment to the next, also before enrolment: a late event may lie there.
 */
static struct span
anniversary_window(const struct rulebook *rulebook, const struct member *member,
                   struct instant instant)
{
    const struct zone *zone = &rulebook->program.zone;
    struct instant enrolled = member == NULL ? instant : (struct instant){member->enrolled_ms};
    struct civil_date day = calendar_date(calendar_local(zone, enrolled));
    int32_t year = calendar_date(calendar_local(zone, instant)).year;
    struct instant start = calendar_yearly(zone, day.month, day.day, year);
    if (start.ms > instant.ms) start = calendar_yearly(zone, day.month, day.day, --year);
    return (struct span){start.ms, calendar_yearly(zone, day.month, day.day, year + 1).ms};
}

struct span
metric_window(struct rulebook *rulebook, const struct member *member, uint32_t group,
              struct instant instant)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    if (asked->window == WINDOW_LIFETIME) return (struct span){INT64_MIN, INT64_MAX};
    if (asked->window == WINDOW_ANNIVERSARY) return anniversary_window(rulebook, member, instant);
    if (is_rolling(asked)) {
        return (struct span){move_by_window(rulebook, asked, instant, -1) + 1, instant.ms + 1};
    }
    return calendar_window(rulebook, group, instant);
}

int64_t
metric_window_end(struct rulebook *rulebook, const struct member *member, uint32_t group,
                  struct instant instant)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    if (is_rolling(asked)) return move_by_window(rulebook, asked, instant, 1);
    return metric_window(rulebook, member, group, instant).end_ms;
}

/* ---- Entries ---- */

static uint32_t
parameter_of(const struct rulebook *rulebook, uint32_t group, uint32_t metric)
{
    const struct program_metric *asked = &rulebook->program.groups[group].metrics[metric];
    switch (asked->kind) {
    case METRIC_SPEND: return asked->money;
    case METRIC_POINTS:
    case METRIC_BALANCE: return rulebook->currency_slot[asked->currency];
    case METRIC_VISITS:
    case METRIC_MISSIONS: return rulebook->metric_name[group][metric];
    }
    UNREACHABLE();
}

static uint32_t
counted_by(const struct rulebook *rulebook, uint32_t group, uint32_t metric)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    uint32_t window = is_rolling(asked) ? WINDOW_ROLLING_DAYS : asked->window;
    return (uint32_t)asked->metrics[metric].kind << 28 | window << 24 |
           parameter_of(rulebook, group, metric);
}

bool
metric_is_asked(const struct rulebook *asking, const struct rulebook *rulebook, uint32_t group,
                uint32_t metric)
{
    if (rulebook->program.groups[group].metrics[metric].kind == METRIC_BALANCE) return false;
    if (asking == rulebook) return true;
    int8_t same = asking == NULL ? -1 : asking->group_at[rulebook->group_slot[group]];
    if (same < 0) return false;
    uint32_t counted = counted_by(rulebook, group, metric);
    for (uint32_t m = 0; m < asking->program.groups[same].metric_count; m++) {
        if (counted_by(asking, (uint32_t)same, m) == counted) return true;
    }
    return false;
}

static struct fact
entry_of(struct rulebook *rulebook, const struct member *member, uint32_t group, uint32_t metric,
         struct instant instant, int64_t change)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    return (struct fact){
        .kind = FACT_METRIC,
        .slot = rulebook->group_slot[group],
        .index = counted_by(rulebook, group, metric),
        .key = is_rolling(asked) ? instant.ms
                                 : metric_window(rulebook, member, group, instant).start_ms,
        .a = change,
    };
}

static int64_t
sum_in(const struct member *member, uint32_t slot, uint32_t counted, struct span window)
{
    struct facts entries = facts_between(member, FACT_METRIC, slot, window.start_ms, window.end_ms);
    int64_t sum = 0;
    for (uint32_t i = 0; i < entries.count; i++) {
        if (entries.items[i].index != counted) continue;
        if (!add_i64(sum, entries.items[i].a, &sum)) return INT64_MAX;
    }
    return sum;
}

int64_t
metric_carried(const struct rulebook *rulebook, const struct member *member, uint32_t group,
               struct span window)
{
    if (!rulebook->program.groups[group].rollover) return 0;
    return fact_value(member, FACT_CARRY, rulebook->group_slot[group], window.start_ms,
                      counted_by(rulebook, group, 0));
}

void
metric_carry(struct apply *apply, struct rulebook *rulebook, uint32_t group, struct span window,
             int64_t excess)
{
    struct members *members = &apply->state->members;
    struct fact carry = {
        .kind = FACT_CARRY,
        .slot = rulebook->group_slot[group],
        .index = counted_by(rulebook, group, 0),
        .key = window.start_ms,
        .a = excess,
    };
    if (excess > 0) {
        fact_set(members, &apply->member, &carry);
    } else {
        fact_remove(members, &apply->member, FACT_CARRY, carry.slot, carry.key, carry.index);
    }
}

struct metric_values
metric_values(const struct rulebook *rulebook, const struct member *member, uint32_t group,
              struct span window)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    struct metric_values values = {{0}};
    for (uint32_t m = 0; m < asked->metric_count; m++) {
        if (asked->metrics[m].kind == METRIC_BALANCE) {
            const struct wallet *wallet =
                member_wallet_find(member, rulebook->currency_slot[asked->metrics[m].currency]);
            values.values[m] = wallet == NULL ? 0 : wallet->active;
        } else {
            values.values[m] =
                sum_in(member, rulebook->group_slot[group], counted_by(rulebook, group, m), window);
        }
    }
    int64_t carried = metric_carried(rulebook, member, group, window);
    if (!add_i64(values.values[0], carried, &values.values[0])) values.values[0] = INT64_MAX;
    return values;
}

bool
metric_can_add(struct rulebook *rulebook, const struct member *member, uint32_t group,
               uint32_t metric, struct instant instant, int64_t change)
{
    if (change == 0 || rulebook->program.groups[group].metrics[metric].kind == METRIC_BALANCE)
        return true;
    if (member == NULL) return true;
    struct fact entry = entry_of(rulebook, member, group, metric, instant, change);
    int64_t sum = fact_value(member, FACT_METRIC, entry.slot, entry.key, entry.index);
    return add_i64(sum, change, &sum);
}

/* Windows are dropped by the review behind them. Where none comes, at the lowest level, they are
 * once nothing that is told or due can lie so far back: no window is longer than a year. */
static void
prune_without_review(struct apply *apply, struct rulebook *rulebook, uint32_t group)
{
    const int64_t years_ms = 2 * INT64_C(366) * CALENDAR_DAY_MS;
    int64_t reach_ms = apply_moment(apply) - apply->state->rulebooks.accept_past_max_ms;
    uint32_t slot = rulebook->group_slot[group];
    if (apply->further ||
        facts_between(apply->member, FACT_METRIC, slot, INT64_MIN + 1, reach_ms - years_ms).count ==
            0)
        return;
    metric_prune(apply, rulebook, group, reach_ms);
}

void
metric_add(struct apply *apply, struct rulebook *rulebook, uint32_t group, uint32_t metric,
           struct instant instant, int64_t change)
{
    if (change == 0 || rulebook->program.groups[group].metrics[metric].kind == METRIC_BALANCE)
        return;
    if (is_rolling(&rulebook->program.groups[group])) {
        metric_prune(apply, rulebook, group, apply_moment(apply));
    } else {
        prune_without_review(apply, rulebook, group);
    }
    struct fact entry = entry_of(rulebook, apply->member, group, metric, instant, change);
    fact_add(&apply->state->members, &apply->member, &entry);
}

/* ---- Levels ---- */

static bool
reaches(const struct program_group *group, const struct program_level *level,
        const struct metric_values *values)
{
    for (uint32_t m = 0; m < group->metric_count; m++) {
        bool reached = values->values[m] >= level->thresholds[m];
        if (reached == group->match_any) return reached;
    }
    return !group->match_any;
}

uint32_t
metric_level(const struct program_group *group, const struct metric_values *values)
{
    uint32_t level = group->level_count - 1;
    while (level > 0 && !reaches(group, &group->levels[level], values))
        level--;
    return level;
}

/* Entries of other versions of the group stand between: they are left to them. */
static void
drop_before(struct apply *apply, enum fact_kind kind, uint32_t slot, uint32_t counted,
            int64_t before_ms)
{
    for (uint32_t i = 0;;) {
        struct facts old = facts_between(apply->member, kind, slot, INT64_MIN + 1, before_ms);
        while (i < old.count && old.items[i].index != counted)
            i++;
        if (i == old.count) return;
        facts_remove(&apply->state->members, &apply->member, (struct facts){old.items + i, 1});
    }
}

void
metric_prune(struct apply *apply, struct rulebook *rulebook, uint32_t group, int64_t clock_ms)
{
    const struct program_group *asked = &rulebook->program.groups[group];
    if (asked->window == WINDOW_LIFETIME) return;
    /* What a late event makes due may look back from an instant that is as old as an event may be.
     */
    int64_t before_ms = clock_ms - apply->state->rulebooks.rolling_max_ms -
                        apply->state->rulebooks.accept_past_max_ms;
    if (!is_rolling(asked)) {
        struct instant now = {clock_ms};
        int64_t start_ms = metric_window(rulebook, apply->member, group, now).start_ms;
        struct instant closed = {start_ms - 1}; /* a late event may still change this one */
        before_ms = metric_window(rulebook, apply->member, group, closed).start_ms;
    }
    static const enum fact_kind KINDS[] = {FACT_METRIC, FACT_CARRY};
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        for (uint32_t m = 0; m < asked->metric_count; m++)
            drop_before(apply, KINDS[k], rulebook->group_slot[group],
                        counted_by(rulebook, group, m), before_ms);
    }
}
