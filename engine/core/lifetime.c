#include "engine/core/lifetime.h"

/* A period that ends after the year 9999 never does. */
static int64_t
period_end(const struct rulebook *rulebook, const struct program_expiry *expiry,
           struct instant start)
{
    struct instant end;
    bool in_range = calendar_period_end(&rulebook->program.zone, start, (uint32_t)expiry->amount,
                                        expiry->unit, expiry->round_up_to, &end);
    return in_range ? end.ms : INT64_MAX;
}

/* The end of the next such month that lies after an instant. */
static int64_t
month_end_after(const struct zone *zone, uint8_t month, int64_t ms)
{
    int32_t year = calendar_date(calendar_local(zone, (struct instant){ms})).year;
    unsigned next = month == 12 ? 1 : month + 1u;
    for (int32_t y = month == 12 ? year + 1 : year;; y++) {
        struct instant end = calendar_yearly(zone, next, 1, y);
        if (end.ms > ms) return end.ms;
    }
}

/* The last of the given days to be used is the day of the start or the first one after it. */
static int64_t
dates_end(const struct zone *zone, const struct program_expiry *expiry, struct instant start)
{
    int32_t year = calendar_date(calendar_local(zone, start)).year;
    for (int32_t y = year;; y++) {
        for (uint32_t i = 0; i < expiry->date_count; i++) {
            struct instant day =
                calendar_yearly(zone, expiry->dates[i].month, expiry->dates[i].day, y);
            struct instant end = calendar_bucket_end(zone, day, CALENDAR_DAY);
            if (end.ms > start.ms) return end.ms;
        }
    }
}

static int64_t
anniversary_end(const struct zone *zone, int64_t enrolled_ms, struct instant start)
{
    struct civil_date day = calendar_date(calendar_local(zone, (struct instant){enrolled_ms}));
    for (int32_t y = calendar_date(calendar_local(zone, start)).year;; y++) {
        struct instant anniversary = calendar_yearly(zone, day.month, day.day, y);
        if (anniversary.ms > start.ms && y > day.year) return anniversary.ms;
    }
}

/* Later begun is never earlier expired, so where a day's first and last instant expire together,
 * all between do. */
static int64_t
rounded_end(struct rulebook *rulebook, uint32_t currency, struct instant start)
{
    const struct program_expiry *expiry = &rulebook->program.currencies[currency].expiry;
    bool known = start.ms >= rulebook->expiry_day[currency].from_ms &&
                 start.ms < rulebook->expiry_day[currency].to_ms;
    if (known) return rulebook->expiry_day[currency].expires_ms;
    struct instant first = calendar_bucket_start(&rulebook->program.zone, start, CALENDAR_DAY);
    struct instant end = calendar_bucket_end(&rulebook->program.zone, start, CALENDAR_DAY);
    int64_t expires_ms = period_end(rulebook, expiry, start);
    if (period_end(rulebook, expiry, first) == expires_ms &&
        period_end(rulebook, expiry, (struct instant){end.ms - 1}) == expires_ms) {
        rulebook->expiry_day[currency].from_ms = first.ms;
        rulebook->expiry_day[currency].to_ms = end.ms;
        rulebook->expiry_day[currency].expires_ms = expires_ms;
    }
    return expires_ms;
}

static int64_t
after_period(struct rulebook *rulebook, uint32_t currency, struct instant start)
{
    const struct program_expiry *expiry = &rulebook->program.currencies[currency].expiry;
    if (expiry->round_month != 0) {
        int64_t ms = period_end(rulebook, expiry, start);
        return ms == INT64_MAX ? ms
                               : month_end_after(&rulebook->program.zone, expiry->round_month, ms);
    }
    if (expiry->round_up_to == CALENDAR_NONE) return period_end(rulebook, expiry, start);
    return rounded_end(rulebook, currency, start);
}

int64_t
lifetime_end(struct rulebook *rulebook, uint32_t currency, int64_t enrolled_ms,
             struct instant start)
{
    const struct program_expiry *expiry = &rulebook->program.currencies[currency].expiry;
    int64_t end_ms = INT64_MAX;
    switch (expiry->kind) {
    case EXPIRY_NONE:
    case EXPIRY_INACTIVITY: return INT64_MAX;
    case EXPIRY_PERIOD: end_ms = after_period(rulebook, currency, start); break;
    case EXPIRY_DATES: end_ms = dates_end(&rulebook->program.zone, expiry, start); break;
    case EXPIRY_ANNIVERSARY:
        end_ms = anniversary_end(&rulebook->program.zone, enrolled_ms, start);
        break;
    }
    return end_ms > INSTANT_MAX_MS ? INT64_MAX : end_ms;
}

int64_t
lifetime_grace_end(const struct rulebook *rulebook, uint32_t currency, int64_t expires_ms)
{
    int32_t days = rulebook->program.currencies[currency].expiry.grace_days;
    if (days == 0 || expires_ms == INT64_MAX) return expires_ms;
    int64_t end_ms = calendar_days_later(&rulebook->program.zone, expires_ms, days);
    return end_ms > INSTANT_MAX_MS ? INT64_MAX : end_ms;
}

int64_t
lifetime_inactive_at(const struct rulebook *rulebook, uint32_t currency, struct instant pushed)
{
    return period_end(rulebook, &rulebook->program.currencies[currency].expiry, pushed);
}
