#include "engine/core/expire.h"

#include "engine/core/lot.h"

static int64_t
period_end(const struct rulebook *rulebook, uint32_t currency, struct instant earned)
{
    const struct program_expiry *expiry = &rulebook->program.currencies[currency].expiry;
    struct instant end;
    bool in_range = calendar_period_end(&rulebook->program.zone, earned, (uint32_t)expiry->amount,
                                        expiry->unit, expiry->round_up_to, &end);
    return in_range ? end.ms : INT64_MAX;
}

/* Later earned is never earlier expired, so where a day's first and last instant expire together,
 * all between do. */
int64_t
expire_at(struct rulebook *rulebook, uint32_t currency, struct instant earned)
{
    const struct program_expiry *expiry = &rulebook->program.currencies[currency].expiry;
    if (expiry->kind == EXPIRY_NONE) return INT64_MAX;
    if (expiry->round_up_to == CALENDAR_NONE) return period_end(rulebook, currency, earned);
    bool known = earned.ms >= rulebook->expiry_day[currency].from_ms &&
                 earned.ms < rulebook->expiry_day[currency].to_ms;
    if (known) return rulebook->expiry_day[currency].expires_ms;
    struct instant first = calendar_bucket_start(&rulebook->program.zone, earned, CALENDAR_DAY);
    struct instant end = calendar_bucket_end(&rulebook->program.zone, earned, CALENDAR_DAY);
    int64_t expires_ms = period_end(rulebook, currency, earned);
    if (period_end(rulebook, currency, first) == expires_ms &&
        period_end(rulebook, currency, (struct instant){end.ms - 1}) == expires_ms) {
        rulebook->expiry_day[currency].from_ms = first.ms;
        rulebook->expiry_day[currency].to_ms = end.ms;
        rulebook->expiry_day[currency].expires_ms = expires_ms;
    }
    return expires_ms;
}

int64_t
expire_notice_at(const struct state *state, const struct lot *lot)
{
    const struct rulebook *rulebook = state->rulebooks.items[lot->rulebook];
    const struct program *program = &rulebook->program;
    int32_t days = program->currencies[rulebook->currency_at[lot->currency]].notice_days;
    if (days == 0 || lot->expires_ms == INT64_MAX) return INT64_MAX;
    struct local local = calendar_local(&program->zone, (struct instant){lot->expires_ms});
    local.ms -= days * CALENDAR_DAY_MS;
    int64_t notice_ms = calendar_instant(&program->zone, local).ms;
    return notice_ms > lot->earned_ms ? notice_ms : lot->earned_ms;
}

int64_t
expire_of(const struct state *state, const struct lot *lot)
{
    struct rulebook *rulebook = state->rulebooks.items[lot->rulebook];
    uint32_t currency = (uint32_t)rulebook->currency_at[lot->currency];
    return expire_at(rulebook, currency, (struct instant){lot->activates_ms});
}

uint64_t
expire_lots(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max)
{
    uint32_t count, seen = 0;
    uint64_t expired = 0;
    struct lot *lots = lots_of(apply->member, slot, &count);
    for (; seen < count && expired < max && lots[seen].expires_ms <= ms; seen++) {
        struct lot *lot = &lots[seen];
        if (lot->expires_ms < ms || lot->remaining == 0 || lot->state == LOT_LAPSING) continue;
        posting_move_lot(apply, POSTING_EXPIRE, lot_account(lot), ACCOUNT_EXPIRED, lot,
                         lot->remaining, ms);
        expired++;
    }
    posting_sweep(apply, slot, seen);
    return expired;
}

uint64_t
expire_lapsed(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max)
{
    uint32_t count, seen = 0;
    uint64_t expired = 0;
    struct lot *lots = lots_of(apply->member, slot, &count);
    for (; seen < count && expired < max; seen++) {
        struct lot *lot = &lots[seen];
        if (lot->state != LOT_LAPSING || lot->deadline_ms != ms || lot->remaining == 0) continue;
        posting_move_lot(apply, POSTING_LAPSE_END, ACCOUNT_LAPSING, ACCOUNT_EXPIRED, lot,
                         lot->remaining, lot->expires_ms);
        expired++;
    }
    posting_sweep(apply, slot, seen);
    return expired;
}

void
expire_notify(struct apply *apply, uint32_t slot, int64_t expires_ms, int64_t effective_ms)
{
    uint32_t count;
    struct lot *lots = lots_of(apply->member, slot, &count);
    int64_t sum = 0;
    for (uint32_t i = 0; i < count && lots[i].expires_ms <= expires_ms; i++) {
        if (lots[i].state != LOT_ACTIVE) continue;
        if (lots[i].expires_ms != expires_ms) continue;
        lots[i].flags |= LOT_NOTICED;
        sum += lots[i].remaining; /* parts of a balance, which has 63 bits */
    }
    CHECK(sum > 0);
    member_add_noticed(&apply->state->members, &apply->member, (uint8_t)slot, expires_ms);
    struct effect *effect = output_begin(apply, TOPIC_NOTICES);
    effect->notice = (struct notice){
        .kind = NOTICE_EXPIRING_SOON,
        .member = output_member(apply),
        .expiring_soon =
            {
                .currency = output_currency(apply, slot),
                .points.units = sum,
                .expires_at.ms = expires_ms,
            },
        .effective_at.ms = effective_ms,
        .journal_time = apply->state->clock,
    };
    output_seal(apply, effect);
}
