#include "engine/core/award_priv.h"

#include "engine/core/due.h"

/* ---- An event's awards ---- */

struct bytes
award_activity_name(const struct activity *activity)
{
    switch (activity->kind) {
    case ACTIVITY_CHECK_IN: return BYTES_LITERAL("check_in");
    case ACTIVITY_REVIEW: return BYTES_LITERAL("review");
    case ACTIVITY_SHARE: return BYTES_LITERAL("share");
    case ACTIVITY_SHARE_CLICK: return BYTES_LITERAL("share_click");
    case ACTIVITY_SHARE_CONVERSION: return BYTES_LITERAL("share_conversion");
    case ACTIVITY_FEEDBACK_ADOPTED: return BYTES_LITERAL("feedback_adopted");
    case ACTIVITY_SURVEY: return BYTES_LITERAL("survey");
    case ACTIVITY_EVENT_ATTENDANCE: return BYTES_LITERAL("event_attendance");
    case ACTIVITY_CONTENT_CONTRIBUTION: return BYTES_LITERAL("content_contribution");
    case ACTIVITY_PROFILE_COMPLETION: return BYTES_LITERAL("profile_completion");
    case ACTIVITY_BIRTHDAY: return BYTES_LITERAL("birthday");
    case ACTIVITY_APP_DEFINED: return activity->app_kind;
    }
    UNREACHABLE();
}

/* Without conditions' facts. */
static struct awards *
awards_begin(struct apply *apply, struct rulebook *rulebook, struct grant_plan *grants,
             struct instant at)
{
    struct arena *scratch = apply->state->scratch;
    struct awards *awards = arena_alloc(scratch, sizeof *awards);
    CHECK(awards != NULL);
    *awards = (struct awards){
        .apply = apply,
        .grants = grants,
        .rulebook = rulebook,
        .at = at,
        .notes = arena_alloc(scratch, AWARD_NOTES_MAX * sizeof awards->notes[0]),
        .missions = arena_alloc(scratch, PROGRAM_RULES_MAX * sizeof awards->missions[0]),
    };
    CHECK(awards->notes != NULL && awards->missions != NULL);
    return awards;
}

void
award_note(struct awards *awards, struct award_note note)
{
    CHECK(awards->note_count < AWARD_NOTES_MAX);
    awards->notes[awards->note_count++] = note;
}

int64_t
award_bucket(const struct rulebook *rulebook, enum per per, struct instant at)
{
    if (per == PER_LIFETIME) return 0;
    CHECK(per >= PER_DAY && per < PER_LIFETIME);
    return calendar_bucket_start(&rulebook->program.zone, at, (enum calendar_unit)(per - 1)).ms;
}

/* ---- Flat awards ---- */

/* A birthday and an anniversary are paid once a calendar year, always. */
static struct program_times
times_of(const struct program_award *award)
{
    if (award->kind == AWARD_BIRTHDAY || award->kind == AWARD_ANNIVERSARY)
        return (struct program_times){1, PER_YEAR};
    return award->times;
}

static bool
is_used_up(const struct awards *awards, uint32_t index, struct program_times times)
{
    const struct member *member = awards->apply->member;
    if (times.count == 0 || member == NULL) return false;
    return fact_value(member, FACT_AWARD_PAID, awards->rulebook->award_slot[index],
                      award_bucket(awards->rulebook, times.per, awards->at),
                      times.per) >= times.count;
}

static void
plan_award(struct awards *awards, uint32_t index)
{
    const struct program_award *award = &awards->rulebook->program.awards[index];
    struct program_times times = times_of(award);
    if (!scope_passes(&award->filter, &awards->place, awards->at) ||
        !scope_holds(award->filter.when, &awards->facts) || is_used_up(awards, index, times)) {
        return;
    }
    struct grant_award grant = {
        .source = {SOURCE_AWARD, index},
        .currency = award->currency,
        .points = award->points,
        .tier_group = award->tier_group,
        .funder = award->funder,
        .pending = &award->pending,
        .of_order = award->kind == AWARD_FIRST_PURCHASE,
    };
    grant_plan_award(awards->grants, &grant);
    if (times.count == 0) return;
    award_note(awards,
               (struct award_note){.kind = NOTE_PAID,
                                   .index = index,
                                   .key = award_bucket(awards->rulebook, times.per, awards->at)});
}

/* All awards of a kind, in order of judgement. */
static void
plan_kind(struct awards *awards, enum award_kind kind)
{
    const struct program *program = &awards->rulebook->program;
    for (uint32_t i = 0; i < program->award_count; i++) {
        const struct program_award *award = &program->awards[i];
        if (award->kind != kind) continue;
        if (kind == AWARD_ACTIVITY && !bytes_equal(award->activity, awards->activity)) continue;
        plan_award(awards, i);
    }
}

/* The calendar bucket of a fact has ended where no event reaches it any more. */
static bool
is_out_of_reach(const struct rulebook *rulebook, const struct fact *fact, int64_t reach_ms)
{
    if (fact->index == PER_LIFETIME) return false;
    struct instant end = calendar_bucket_end(&rulebook->program.zone, (struct instant){fact->key},
                                             (enum calendar_unit)(fact->index - 1));
    return end.ms <= reach_ms;
}

void
award_forget_buckets(struct apply *apply, const struct rulebook *rulebook, enum fact_kind kind,
                     uint32_t slot)
{
    int64_t reach_ms = apply_reach_ms(apply);
    for (;;) {
        struct facts facts = facts_of_slot(apply->member, kind, slot);
        uint32_t old = 0;
        while (old < facts.count && is_out_of_reach(rulebook, &facts.items[old], reach_ms))
            old++;
        if (old == 0) return;
        facts_remove(&apply->state->members, &apply->member, (struct facts){facts.items, old});
    }
}

static void
book_paid(struct apply *apply, const struct rulebook *rulebook, const struct award_note *note)
{
    uint32_t slot = rulebook->award_slot[note->index];
    award_forget_buckets(apply, rulebook, FACT_AWARD_PAID, slot);
    struct fact paid = {
        .kind = FACT_AWARD_PAID,
        .slot = (uint16_t)slot,
        .index = times_of(&rulebook->program.awards[note->index]).per,
        .key = note->key,
        .a = 1,
    };
    fact_add(&apply->state->members, &apply->member, &paid);
}

/* ---- Events ---- */

static struct awards *
event_begin(struct apply *apply, struct grant_plan *grants)
{
    struct rulebook *rulebook = apply->rulebook;
    struct awards *awards = awards_begin(apply, rulebook, grants, apply->event->occurred_at);
    scope_begin(apply, rulebook, &awards->facts);
    apply->awards = awards;
    return awards;
}

uint32_t
award_facts(const struct apply *apply)
{
    return apply->awards == NULL ? 0 : apply->awards->note_count;
}

void
award_scope(const struct activity *activity, struct condition_facts *facts)
{
    facts->activity = (struct condition_activity){
        .kind = award_activity_name(activity),
        .reference = activity->reference,
        .order_id = activity->order_id,
        .channel = activity->channel,
        .store = activity->store,
        .partner = activity->partner,
        .value = activity->value,
        .attributes = activity->attributes,
    };
}

bool
award_plan_purchase(struct apply *apply, struct grant_plan *grants)
{
    const struct purchase *purchase = &apply->event->purchase;
    const struct program *program = &apply->rulebook->program;
    apply->awards = NULL;
    if (program->award_count == 0 && program->mission_count == 0) return true;
    struct awards *awards = event_begin(apply, grants);
    awards->purchase = purchase;
    awards->place = (struct scope_place){purchase->channel, purchase->store, purchase->partner};
    awards->money =
        (struct order_money){.lines = purchase->lines, .line_count = purchase->line_count};
    if (!scope_order(purchase, &awards->facts) ||
        !add_i64(purchase->points_tender_minor, purchase->gift_card_tender_minor,
                 &awards->money.tender_minor)) {
        return false;
    }
    if (apply->member == NULL) plan_kind(awards, AWARD_SIGN_UP);
    if (apply->member == NULL || fact_value(apply->member, FACT_ORDERS, 0, 0, 0) == 0)
        plan_kind(awards, AWARD_FIRST_PURCHASE);
    mission_plan(awards);
    return !awards->overflow;
}

const uint16_t *
award_missions(const struct apply *apply, uint32_t *out_count)
{
    *out_count = apply->awards == NULL ? 0 : apply->awards->mission_count;
    return apply->awards == NULL ? NULL : apply->awards->missions;
}

bool
award_plan_activity(struct apply *apply, struct grant_plan *grants)
{
    const struct activity *activity = &apply->event->activity;
    struct awards *awards = event_begin(apply, grants);
    awards->activity = award_activity_name(activity);
    awards->place = (struct scope_place){activity->channel, activity->store, activity->partner};
    award_scope(activity, &awards->facts);
    if (apply->member == NULL) plan_kind(awards, AWARD_SIGN_UP);
    plan_kind(awards, AWARD_ACTIVITY);
    streak_plan(awards);
    mission_plan(awards);
    if (activity->kind == ACTIVITY_BIRTHDAY) plan_kind(awards, AWARD_BIRTHDAY);
    return !awards->overflow;
}

bool
award_plan_enrolment(struct apply *apply, struct grant_plan *grants)
{
    const struct enrol *enrol = &apply->event->enrol;
    struct awards *awards = event_begin(apply, grants);
    awards->place = (struct scope_place){enrol->channel, enrol->store, enrol->partner};
    plan_kind(awards, AWARD_SIGN_UP);
    return !awards->overflow;
}

static void
book(struct apply *apply, const struct awards *awards)
{
    struct rulebook *rulebook = awards->rulebook;
    for (uint32_t i = 0; i < awards->note_count; i++) {
        const struct award_note *note = &awards->notes[i];
        switch (note->kind) {
        case NOTE_PAID: book_paid(apply, rulebook, note); break;
        case NOTE_CHECKED_IN: streak_book(apply, rulebook, note); break;
        case NOTE_PROGRESS:
        case NOTE_PERIOD:
        case NOTE_COMPLETED: mission_book(apply, rulebook, awards->at, note); break;
        }
    }
}

void
award_book(struct apply *apply)
{
    if (apply->awards != NULL) book(apply, apply->awards);
}

/* ---- Dates of the member ---- */

/* Midnight of a month and day in the first year in which it comes after an instant. */
static struct instant
next_yearly(const struct zone *zone, unsigned month, unsigned day, struct instant after)
{
    int32_t year = calendar_date(calendar_local(zone, after)).year;
    for (;; year++) {
        struct instant instant = calendar_yearly(zone, month, day, year);
        if (instant.ms > after.ms) return instant;
    }
}

static struct civil_date
date_of_enrolment(const struct member *member, const struct zone *zone)
{
    return calendar_date(calendar_local(zone, (struct instant){member->enrolled_ms}));
}

/* All versions have one zone; any of them tells it. */
static const struct zone *
zone_of(const struct apply *apply)
{
    return &apply->state->rulebooks.items[0]->program.zone;
}

static void
expect(struct apply *apply, enum award_date date, struct instant next)
{
    struct fact schedule = {.kind = FACT_SCHEDULE, .slot = (uint16_t)date, .a = next.ms};
    fact_set(&apply->state->members, &apply->member, &schedule);
    due_note(apply, next.ms, DUE_ROLL);
}

static bool
dates_equal(struct civil_date a, struct civil_date b)
{
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

/* The next anniversary after enrolment: one for all whose enrolment lies in a day of 24 hours, so
 * that of the many new members of a day only the first is worked out. */
static struct instant
first_anniversary(struct apply *apply, struct instant enrolled)
{
    struct rulebook *kept = apply->state->rulebooks.items[0];
    const struct zone *zone = zone_of(apply);
    if (enrolled.ms >= kept->anniversary.from_ms && enrolled.ms < kept->anniversary.to_ms)
        return (struct instant){kept->anniversary.next_ms};
    struct civil_date date = calendar_date(calendar_local(zone, enrolled));
    struct instant next = next_yearly(zone, date.month, date.day, enrolled);
    struct instant from = calendar_bucket_start(zone, enrolled, CALENDAR_DAY);
    struct instant to = calendar_bucket_end(zone, enrolled, CALENDAR_DAY), last = {to.ms - 1};
    if (to.ms - from.ms == CALENDAR_DAY_MS &&
        dates_equal(calendar_date(calendar_local(zone, from)), date) &&
        dates_equal(calendar_date(calendar_local(zone, last)), date)) {
        kept->anniversary.from_ms = from.ms;
        kept->anniversary.to_ms = to.ms;
        kept->anniversary.next_ms = next.ms;
    }
    return next;
}

void
award_expect_anniversary(struct apply *apply, struct instant after)
{
    if (member_is_guest(apply->member)) return; /* nobody is a member by a guest's key */
    if (after.ms == apply->member->enrolled_ms) {
        expect(apply, AWARD_DATE_ANNIVERSARY, first_anniversary(apply, after));
        return;
    }
    const struct zone *zone = zone_of(apply);
    struct civil_date date = date_of_enrolment(apply->member, zone);
    expect(apply, AWARD_DATE_ANNIVERSARY, next_yearly(zone, date.month, date.day, after));
}

void
award_set_birthday(struct apply *apply, struct birthday birthday, struct instant after)
{
    struct members *members = &apply->state->members;
    fact_remove(members, &apply->member, FACT_PROFILE, 0, 0, 0);
    fact_remove(members, &apply->member, FACT_SCHEDULE, AWARD_DATE_BIRTHDAY, 0, 0);
    if (birthday.month == 0) return;
    struct fact profile = {.kind = FACT_PROFILE, .a = birthday.month * 100 + birthday.day};
    fact_set(members, &apply->member, &profile);
    if (!member_is_guest(apply->member))
        expect(apply, AWARD_DATE_BIRTHDAY,
               next_yearly(zone_of(apply), birthday.month, birthday.day, after));
}

static void
pay_date(struct apply *apply, enum award_kind kind, struct instant at)
{
    struct rulebook *rulebook = rulebooks_at(&apply->state->rulebooks, at);
    if (rulebook == NULL || apply->member->status != MEMBER_ACTIVE) return;
    size_t mark = arena_mark(apply->state->scratch);
    struct grant_plan *grants = grant_plan_begin(apply, rulebook, at);
    struct awards *awards = awards_begin(apply, rulebook, grants, at);
    scope_moment(apply, rulebook,
                 kind == AWARD_BIRTHDAY ? BYTES_LITERAL("birthday") : BYTES_LITERAL("anniversary"),
                 at, &awards->facts);
    plan_kind(awards, kind);
    /* What does not fit any more is not paid: there is nobody to tell it to. */
    if (facts_fit(apply->member, awards->note_count) &&
        grant_plan_judge(grants) == VERDICT_ACCEPTED) {
        grant_plan_book(grants);
        book(apply, awards);
    }
    arena_reset_to(apply->state->scratch, mark);
}

void
award_date_due(struct apply *apply, const struct fact *schedule, int64_t ms)
{
    struct instant at = {ms};
    if (schedule->slot == AWARD_DATE_ANNIVERSARY) {
        pay_date(apply, AWARD_ANNIVERSARY, at);
        award_expect_anniversary(apply, at);
        return;
    }
    CHECK(schedule->slot == AWARD_DATE_BIRTHDAY);
    pay_date(apply, AWARD_BIRTHDAY, at);
    int64_t birthday = fact_value(apply->member, FACT_PROFILE, 0, 0, 0);
    expect(apply, AWARD_DATE_BIRTHDAY,
           next_yearly(zone_of(apply), (unsigned)birthday / 100, (unsigned)birthday % 100, at));
}
