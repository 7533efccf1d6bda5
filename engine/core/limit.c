/*
 * What is kept of a member is one fact LIMIT_USE for each event that a limit counts, at its
 * occurred_at, for as long as an event that is still accepted can look back to it; likewise one
 * fact REDEEMED for each spending that a limit on refunds asks for; and one fact QUARANTINE for
 * each event whose grants wait.
 */
#include "engine/core/limit.h"

#include "engine/core/activate.h"
#include "engine/core/award.h"
#include "engine/core/due.h"
#include "engine/core/lot.h"
#include "engine/core/output.h"
#include "engine/core/return.h"
#include "engine/core/scope.h"
#include "engine/core/tier.h"

#define HOUR_MS INT64_C(3600000)

/* Of an anomaly: the sum of a day against the mean of the days before (semantics §10). */
#define ANOMALY_SUM_MS  (24 * HOUR_MS)
#define ANOMALY_DAYS    30
#define ANOMALY_PAST_MS (ANOMALY_DAYS * 24 * HOUR_MS)

/* ---- Figures ---- */

static int64_t
amount_of(const struct program_limit *limit, const struct limit_use *use)
{
    switch (limit->measure) {
    case MEASURE_COUNT: return 1;
    case MEASURE_POINTS: return use->points[limit->currency];
    case MEASURE_MONEY: return limit->money == use->money ? use->net_minor : 0;
    }
    UNREACHABLE();
}

/* Facts of the event's conditions, each kind of event with its own scope. */
static bool
begin_scope(const struct apply *apply, const struct limit_use *use, struct condition_facts *facts)
{
    const struct event *event = apply->event;
    scope_begin(apply, apply->rulebook, facts);
    switch (use->of) {
    case LIMITED_PURCHASE: return scope_order(&event->purchase, facts);
    case LIMITED_ACTIVITY: award_scope(&event->activity, facts); return true;
    case LIMITED_REDEEM:
    case LIMITED_HOLD: {
        const struct spend_request *request =
            use->of == LIMITED_HOLD ? &event->hold.request : &event->redeem.request;
        int64_t points = 0;
        for (uint32_t c = 0; c < PROGRAM_CURRENCIES_MAX; c++)
            points += use->points[c]; /* parts of one request, which has 63 bits */
        facts->spend = (struct condition_spend){
            .points = points,
            .channel = request->channel,
            .store = request->store,
            .reward_id = request->what == SPEND_REWARD ? request->reward.id : (struct bytes){0},
            .attributes = request->attributes,
        };
        return true;
    }
    case LIMITED_REFUND: return true;
    }
    UNREACHABLE();
}

/* Whether a limit asks for a redemption before, and there was none in (t − n, t]. */
static bool
misses_redemption(const struct apply *apply, uint32_t index)
{
    int64_t span_ms = apply->rulebook->program.limits[index].after_redeem_ms;
    int64_t at_ms = apply->event->occurred_at.ms;
    if (span_ms == 0) return false;
    return apply->member == NULL ||
           facts_between(apply->member, FACT_REDEEMED, apply->rulebook->limit_slot[index],
                         at_ms - span_ms + 1, at_ms + 1)
                   .count == 0;
}

static uint64_t
matching_limits(const struct apply *apply, const struct limit_use *use)
{
    const struct program *program = &apply->rulebook->program;
    struct condition_facts facts = {0};
    bool begun = false, sound = true;
    uint64_t matching = 0;
    for (uint32_t i = 0; i < program->limit_count; i++) {
        const struct program_limit *limit = &program->limits[i];
        if (limit->of != use->of || amount_of(limit, use) == 0) continue;
        if (limit->activity.size > 0 && !bytes_equal(limit->activity, use->activity)) continue;
        if (misses_redemption(apply, i)) continue;
        if (limit->when.decoded != NULL) {
            if (!begun) sound = begin_scope(apply, use, &facts);
            begun = true;
            if (!sound || !scope_holds(limit->when, &facts)) continue;
        }
        matching |= UINT64_C(1) << i;
    }
    return matching;
}

/* What a limit has counted in (from, until], both instants in ms. */
static __int128
counted(const struct member *member, uint32_t slot, int64_t from_ms, int64_t until_ms)
{
    __int128 sum = 0;
    if (member == NULL) return 0;
    struct facts facts = facts_between(member, FACT_LIMIT_USE, slot, from_ms + 1, until_ms + 1);
    for (uint32_t i = 0; i < facts.count; i++)
        sum += facts.items[i].a;
    return sum;
}

static int64_t
clamp(__int128 value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Whether a limit is over with the event. */
static bool
is_over(const struct apply *apply, const struct limit_use *use, uint32_t index,
        struct limit_figures *out_figures)
{
    const struct program_limit *limit = &apply->rulebook->program.limits[index];
    uint32_t slot = apply->rulebook->limit_slot[index];
    int64_t at_ms = apply->event->occurred_at.ms;
    int64_t amount = amount_of(limit, use);
    if (limit->own_mean.numerator == 0) {
        __int128 value = counted(apply->member, slot, at_ms - limit->window_ms, at_ms) + amount;
        *out_figures = (struct limit_figures){clamp(value), limit->max};
        return value > limit->max;
    }
    int64_t day_ms = at_ms - ANOMALY_SUM_MS;
    __int128 value = counted(apply->member, slot, day_ms, at_ms) + amount;
    __int128 past = clamp(counted(apply->member, slot, day_ms - ANOMALY_PAST_MS, day_ms));
    __int128 threshold =
        past * limit->own_mean.numerator / limit->own_mean.denominator / ANOMALY_DAYS;
    *out_figures = (struct limit_figures){clamp(value), clamp(threshold)};
    return past > 0 && value > threshold; /* a whole number is above what its whole part is */
}

/* ---- Judging ---- */

/* "the limit orders-a-day is used up", in the scratch arena. */
static struct bytes
detail_of(const struct apply *apply, struct bytes limit)
{
    static const char before[] = "the limit ", after[] = " is used up";
    size_t size = sizeof before - 1 + limit.size + sizeof after - 1;
    uint8_t *text = arena_alloc(apply->state->scratch, size);
    CHECK(text != NULL);
    struct writer writer = writer_of(text, size);
    writer_bytes(&writer, bytes_from_cstr(before));
    writer_bytes(&writer, limit);
    writer_bytes(&writer, bytes_from_cstr(after));
    return writer_span(&writer);
}

enum verdict
limit_check(struct apply *apply, const struct limit_use *use, struct limit_finding *out_finding)
{
    const struct program *program = &apply->rulebook->program;
    out_finding->matching = out_finding->flagged = 0;
    out_finding->quarantines = false;
    if (program->limit_count > 0) out_finding->matching = matching_limits(apply, use);
    for (uint64_t left = out_finding->matching; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        if (!is_over(apply, use, i, &out_finding->figures[i])) continue;
        switch (program->limits[i].action) {
        case LIMIT_REFUSE:
            apply->detail = detail_of(apply, program->limits[i].id);
            return VERDICT_LIMIT_REACHED;
        case LIMIT_QUARANTINE:
            if (!out_finding->quarantines) out_finding->by = i;
            out_finding->quarantines = true;
            break;
        case LIMIT_FLAG: out_finding->flagged |= UINT64_C(1) << i; break;
        }
    }
    uint32_t facts = 1;
    for (uint64_t left = out_finding->matching; left != 0; left &= left - 1)
        facts++;
    if (!facts_fit(apply->member, facts + award_facts(apply))) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    apply->quarantines = out_finding->quarantines;
    return VERDICT_ACCEPTED;
}

/* ---- Counting ---- */

/* Facts of a limit that no event which is still accepted looks back to. */
static void
forget(struct apply *apply, enum fact_kind kind, uint32_t slot, int64_t window_ms)
{
    int64_t from_ms;
    if (!sub_i64(apply_reach_ms(apply), window_ms, &from_ms))
        return; /* parked, and older than anything */
    struct facts old = facts_between(apply->member, kind, slot, INT64_MIN, from_ms + 1);
    facts_remove(&apply->state->members, &apply->member, old);
}

static void
count_one(struct apply *apply, uint32_t index, int64_t amount)
{
    uint32_t slot = apply->rulebook->limit_slot[index];
    int64_t at_ms = apply->event->occurred_at.ms;
    const struct program_limit *limit = &apply->rulebook->program.limits[index];
    bool of_mean = limit->own_mean.numerator != 0;
    forget(apply, FACT_LIMIT_USE, slot,
           of_mean ? ANOMALY_SUM_MS + ANOMALY_PAST_MS : limit->window_ms);
    struct fact use = {
        .kind = FACT_LIMIT_USE,
        .slot = (uint16_t)slot,
        .key = at_ms,
        .index = facts_between(apply->member, FACT_LIMIT_USE, slot, at_ms, at_ms + 1).count,
        .a = amount,
        .b = (int64_t)apply->ordinal,
    };
    fact_set(&apply->state->members, &apply->member, &use);
}

void
limit_redeemed(struct apply *apply)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t i = 0; i < program->limit_count; i++) {
        const struct program_limit *limit = &program->limits[i];
        if (limit->after_redeem_ms == 0) continue;
        struct fact fact = {
            .kind = FACT_REDEEMED,
            .slot = apply->rulebook->limit_slot[i],
            .key = apply->event->occurred_at.ms,
        };
        forget(apply, FACT_REDEEMED, fact.slot, limit->after_redeem_ms);
        fact_set(&apply->state->members, &apply->member, &fact);
    }
}

/* The events that a limit has counted in a window, the one at hand included: the newest first. */
static const uint64_t *
list_ordinals(const struct apply *apply, uint32_t slot, int64_t window_ms, uint32_t *out_count)
{
    int64_t at_ms = apply->event->occurred_at.ms;
    struct facts uses =
        facts_between(apply->member, FACT_LIMIT_USE, slot, at_ms - window_ms + 1, at_ms + 1);
    uint32_t count = uses.count < EVIDENCE_ORDINALS_MAX ? uses.count : EVIDENCE_ORDINALS_MAX;
    uint64_t *ordinals = arena_alloc(apply->effects->arena, count * sizeof *ordinals);
    CHECK_MSG(ordinals != NULL, "the effects' arena was not drained before an apply");
    for (uint32_t i = 0; i < count; i++)
        ordinals[i] = (uint64_t)uses.items[uses.count - 1 - i].b;
    *out_count = count;
    return ordinals;
}

static struct evidence
evidence_of(struct apply *apply, uint32_t index, const struct limit_figures *figures)
{
    const struct program_limit *limit = &apply->rulebook->program.limits[index];
    int64_t at_ms = apply->event->occurred_at.ms;
    int64_t window_ms = limit->own_mean.numerator == 0 ? limit->window_ms : ANOMALY_SUM_MS;
    struct event_ref *event = arena_alloc(apply->effects->arena, sizeof *event);
    CHECK_MSG(event != NULL, "the effects' arena was not drained before an apply");
    *event = (struct event_ref){output_source(apply), output_event_id(apply)};
    uint32_t count;
    const uint64_t *ordinals =
        list_ordinals(apply, apply->rulebook->limit_slot[index], window_ms, &count);
    return (struct evidence){
        .limit = output_text(apply, limit->id),
        .value = figures->value,
        .threshold = figures->threshold,
        .window_start.ms = at_ms - window_ms,
        .window_end.ms = at_ms,
        .events = event,
        .event_count = 1,
        .ordinals = ordinals,
        .ordinal_count = count,
    };
}

static struct effect *
begin_notice(struct apply *apply, enum notice_kind kind)
{
    struct effect *effect = output_begin(apply, TOPIC_NOTICES);
    effect->notice = (struct notice){
        .kind = kind,
        .member = output_member(apply),
        .effective_at = apply->event->occurred_at,
        .journal_time = apply->state->clock,
        .cause = {output_source(apply), output_event_id(apply)},
        .traceparent = output_trace(apply),
    };
    return effect;
}

/* What waits of an event in one currency; *out_first is the index of its first lot. */
static int64_t
quarantined(const struct member *member, uint32_t slot, uint64_t ordinal, uint32_t *out_first)
{
    uint32_t count;
    const struct lot *lots = lots_of(member, slot, &count);
    int64_t sum = 0;
    *out_first = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (lots[i].ordinal != ordinal || (lots[i].flags & LOT_QUARANTINED) == 0) continue;
        sum += lots[i].remaining;
        if (lots[i].index < *out_first) *out_first = lots[i].index;
    }
    return sum;
}

/* One notice a currency, in the order in which their lots were made. */
static void
note_quarantine(struct apply *apply, const struct limit_finding *finding)
{
    const struct program *program = &apply->rulebook->program;
    struct instant until = {INT64_MAX};
    bool any = false;
    (void)calendar_period_end(&program->zone, apply->state->clock,
                              (uint32_t)program->quarantine_days, CALENDAR_DAY, CALENDAR_NONE,
                              &until);
    for (uint32_t told = 0;;) {
        uint32_t next = UINT32_MAX, slot = 0, first;
        for (uint32_t s = 0; s < apply->member->wallet_count; s++) {
            (void)quarantined(apply->member, s, apply->ordinal, &first);
            if (first == UINT32_MAX || first < told || first >= next) continue;
            next = first;
            slot = s;
        }
        if (next == UINT32_MAX) break;
        told = next + 1;
        any = true;
        struct effect *effect = begin_notice(apply, NOTICE_QUARANTINED);
        effect->notice.quarantined = (struct notice_quarantined){
            .currency = output_currency(apply, slot),
            .points.units = quarantined(apply->member, slot, apply->ordinal, &first),
            .evidence = evidence_of(apply, finding->by, &finding->figures[finding->by]),
            .undecided_until = until,
        };
        output_seal(apply, effect);
    }
    if (!any) return;
    struct fact fact = {
        .kind = FACT_QUARANTINE,
        .slot = apply->rulebook->limit_slot[finding->by],
        .key = (int64_t)apply->ordinal,
        .a = until.ms,
        .b = program->quarantine_rejects,
        .c = apply->event->kind == EVENT_PURCHASE,
    };
    fact_set(&apply->state->members, &apply->member, &fact);
    due_note(apply, until.ms, DUE_TIMEOUT);
}

void
limit_count(struct apply *apply, const struct limit_use *use, const struct limit_finding *finding)
{
    for (uint64_t left = finding->matching; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        count_one(apply, i, amount_of(&apply->rulebook->program.limits[i], use));
        if (finding->quarantines && finding->by == i) note_quarantine(apply, finding);
        if ((finding->flagged & UINT64_C(1) << i) == 0) continue;
        struct effect *effect = begin_notice(apply, NOTICE_LIMIT_FLAGGED);
        effect->notice.limit_flagged.evidence = evidence_of(apply, i, &finding->figures[i]);
        output_seal(apply, effect);
    }
}

/* ---- The end of a quarantine ---- */

/* The first lot of the event that waits, in the order they were made; NULL when there is none. */
static struct lot *
next_quarantined(const struct member *member, uint64_t ordinal)
{
    struct lot *lots = member_lots(member), *first = NULL;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        struct lot *lot = &lots[i];
        if (lot->ordinal != ordinal || (lot->flags & LOT_QUARANTINED) == 0) continue;
        if (first == NULL || lot->index < first->index) first = lot;
    }
    return first;
}

/* Each lot activates at the later of the release and its own instant (semantics §10). */
static void
release(struct apply *apply, uint64_t ordinal, int64_t at_ms)
{
    for (struct lot *lot; (lot = next_quarantined(apply->member, ordinal)) != NULL;) {
        if (lot->activates_ms <= at_ms && (lot->flags & LOT_AWAITS_DELIVERY) == 0) {
            activate_lot(apply, lot, at_ms);
        } else {
            activate_go_on(apply, lot);
        }
    }
}

/* What a grant that is no order's has added to tier metrics goes. */
static void
forget_points(struct apply *apply, const struct lot *lot)
{
    struct rulebook *rulebook = apply->state->rulebooks.items[lot->rulebook];
    const struct program *program = &rulebook->program;
    uint32_t currency = (uint32_t)rulebook->currency_at[lot->currency];
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            if (metric->kind != METRIC_POINTS || metric->currency != currency) continue;
            tier_add(apply, rulebook, g, m, (struct instant){lot->earned_ms}, -lot->granted);
        }
    }
}

/* Cancelled, and tier value falls as by a refund. */
static void
reject(struct apply *apply, const struct fact *quarantine, int64_t at_ms)
{
    uint64_t ordinal = (uint64_t)quarantine->key;
    bool of_order = quarantine->c != 0;
    if (of_order) return_rejected(apply, ordinal);
    for (struct lot *lot; (lot = next_quarantined(apply->member, ordinal)) != NULL;) {
        struct lot before = *lot;
        if (before.order == 0) forget_points(apply, &before);
        activate_cancel(apply, lots_find(apply->member, &before), at_ms);
    }
}

static void
end(struct apply *apply, struct fact quarantine, bool rejects, int64_t at_ms)
{
    fact_remove(&apply->state->members, &apply->member, FACT_QUARANTINE, quarantine.slot,
                quarantine.key, quarantine.index);
    if (rejects) {
        reject(apply, &quarantine, at_ms);
    } else {
        release(apply, (uint64_t)quarantine.key, at_ms);
    }
}

void
limit_undecided(struct apply *apply, const struct fact *quarantine, int64_t ms)
{
    end(apply, *quarantine, quarantine->b != 0, ms);
}

/* The quarantine of an event of the member; NULL when nothing of it waits. */
static const struct fact *
find(const struct state *state, const struct member *member, const struct event_ref *granted_by,
     struct needs *needs)
{
    struct identity identity;
    uint64_t ordinal;
    struct hash128 hash = identity_hash(&state->memo, granted_by->source, granted_by->id);
    enum identity_found found =
        identities_find(&state->identities, hash, needs, &identity, &ordinal);
    if (member == NULL || found != IDENTITY_KNOWN) return NULL;
    struct facts facts = facts_of_kind(member, FACT_QUARANTINE);
    for (uint32_t i = 0; i < facts.count; i++) {
        if (facts.items[i].key == (int64_t)ordinal) return &facts.items[i];
    }
    return NULL;
}

void
limit_needs(const struct state *state, const struct event *event, const struct member *member,
            struct needs *needs)
{
    const struct fact *quarantine = find(state, member, &event->quarantine_end.granted_by, needs);
    if (quarantine == NULL || quarantine->c == 0) return;
    if (references_get(&state->references, (uint64_t)quarantine->key) == NULL)
        references_need((uint64_t)quarantine->key, needs);
}

static enum verdict
decide(struct apply *apply, bool rejects)
{
    const struct event *event = apply->event;
    const struct fact *found =
        find(apply->state, apply->member, &event->quarantine_end.granted_by, NULL);
    if (found == NULL || next_quarantined(apply->member, (uint64_t)found->key) == NULL)
        return VERDICT_NOT_QUARANTINED;
    apply->reason = event->quarantine_end.reason;
    apply->actor = event->quarantine_end.actor;
    members_write(&apply->state->members, apply->member);
    end(apply, *found, rejects, event->occurred_at.ms);
    return VERDICT_ACCEPTED;
}

enum verdict
limit_release(struct apply *apply)
{
    return decide(apply, false);
}

enum verdict
limit_reject(struct apply *apply)
{
    return decide(apply, true);
}
