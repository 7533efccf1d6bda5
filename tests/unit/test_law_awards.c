/* Awards, activities and the dates of members (semantics §4). All figures are worked out by hand in
 * the comments beside them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/calendar.h"
#include "engine/rules/condition_compile.h"
#include "tests/unit/law_rig.h"

static struct law law;

static void
begin(void)
{
    law_open(&law);
    law_at(&law, "2026-03-01T10:00:00Z");
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_awards, .init = begin, .fini = end);

/* ---- Activities ---- */

Test(law_awards, an_activity_pays_its_awards_in_one_lot)
{
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law_award(&law, "more", AWARD_ACTIVITY, 7)->activity = BYTES_LITERAL("review");
    law_award(&law, "other", AWARD_ACTIVITY, 100)->activity = BYTES_LITERAL("share");
    law_start(&law);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED, "an activity enrols");
    cr_assert_eq(law_paid(&law), 12);
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_POSTINGS), 1, "what agrees is one lot");
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 0)->posting;
    cr_assert(bytes_equal(posting->rule, BYTES_LITERAL("more")), "the first in order names it");
    cr_assert_eq(posting->amount.units, 12);
    cr_assert_eq(law_do(&law, "ann", "pages_read"), VERDICT_ACCEPTED, "nothing is paid for it");
    cr_assert_eq(law_paid(&law), 0);
}

Test(law_awards, a_limit_of_a_kind_accepts_with_nothing)
{
    static const struct {
        const char *what, *at;
        int64_t paid;
    } rows[] = {
        {"the first of the day", "2026-03-01T10:00:00Z", 5},
        {"the second", "2026-03-01T11:00:00Z", 5},
        {"above the limit", "2026-03-01T23:59:59.999Z", 0},
        {"the next day", "2026-03-02T00:00:00Z", 5},
        {"late, for a day that is used up", "2026-03-01T12:00:00Z", 0},
        {"late, for a day before", "2026-02-28T12:00:00Z", 5},
        {"the second of today", "2026-03-02T08:00:00Z", 5},
        {"above it again", "2026-03-02T09:00:00Z", 0},
    };
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->times = (struct program_times){2, PER_DAY};
    law_start(&law);
    law_at(&law, "2026-03-02T10:00:00Z");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(law_do_at(&law, "ann", "review", rows[i].at), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), rows[i].paid, "%s", rows[i].what);
    }
}

Test(law_awards, limits_count_in_the_programmes_zone)
{
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->times = (struct program_times){1, PER_MONTH};
    law_zone(&law, 9);
    law_start(&law);
    /* Midnight of 1 March in Tokyo is 15:00 of 28 February in Greenwich. */
    law_do_at(&law, "ann", "review", "2026-02-28T14:59:59Z");
    cr_assert_eq(law_paid(&law), 5, "February");
    law_do_at(&law, "ann", "review", "2026-02-28T15:00:00Z");
    cr_assert_eq(law_paid(&law), 5, "March");
    law_do_at(&law, "ann", "review", "2026-03-01T09:00:00Z");
    cr_assert_eq(law_paid(&law), 0, "March still");
}

Test(law_awards, each_unit_of_a_limit_has_its_bucket)
{
    static const struct {
        enum per per;
        const char *first, *same, *next;
    } rows[] = {
        {PER_DAY, "2026-03-02T00:00:00Z", "2026-03-02T23:00:00Z", "2026-03-03T00:00:00Z"},
        {PER_WEEK, "2026-03-02T00:00:00Z", "2026-03-08T23:00:00Z", "2026-03-09T00:00:00Z"},
        {PER_MONTH, "2026-03-01T00:00:00Z", "2026-03-31T23:00:00Z", "2026-04-01T00:00:00Z"},
        {PER_QUARTER, "2026-01-01T00:00:00Z", "2026-03-31T23:00:00Z", "2026-04-01T00:00:00Z"},
        {PER_YEAR, "2025-12-01T00:00:00Z", "2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z"},
    };
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    law_at(&law, "2026-05-01T00:00:00Z");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char member[8];
        snprintf(member, sizeof member, "m%zu", i);
        award->times = (struct program_times){1, rows[i].per};
        law_start(&law);
        law_do_at(&law, member, "review", rows[i].first);
        cr_assert_eq(law_paid(&law), 5);
        law_do_at(&law, member, "review", rows[i].same);
        cr_assert_eq(law_paid(&law), 0, "still the same bucket of %zu", i);
        law_do_at(&law, member, "review", rows[i].next);
        cr_assert_eq(law_paid(&law), 5, "the next bucket of %zu", i);
    }
    award->times = (struct program_times){2, PER_LIFETIME};
    law_start(&law);
    for (int i = 0; i < 3; i++) {
        law_do(&law, "eve", "review");
        cr_assert_eq(law_paid(&law), i < 2 ? 5 : 0);
    }
}

Test(law_awards, a_reference_is_seen_once)
{
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law_start(&law);
    for (int cold = 0; cold < 2; cold++) {
        const char *member = cold == 0 ? "ann" : "bob";
        cr_assert_eq(law_do_to(&law, member, "review", "R1"), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), 5);
        if (cold == 1) {
            rig_checkpoint(&law.rig);
            rig_restart(&law.rig);
        }
        cr_assert_eq(law_do_to(&law, member, "review", "R1"), VERDICT_REFERENCE_SEEN);
        cr_assert_eq(law_paid(&law), 0);
        cr_assert_eq(law_do_to(&law, member, "review", "R2"), VERDICT_ACCEPTED);
        cr_assert_eq(law_do_to(&law, member, "share", "R1"), VERDICT_ACCEPTED,
                     "a reference belongs to its kind of activity");
        cr_assert_eq(law_do(&law, member, "review"), VERDICT_ACCEPTED, "without one, any number");
        cr_assert_eq(law_do(&law, member, "review"), VERDICT_ACCEPTED);
        cr_assert_eq(law_active(&law, member), 20);
    }
}

Test(law_awards, the_order_of_an_activitys_refusals)
{
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law_limit(&law, "few", LIMITED_ACTIVITY, 1, LIMIT_REFUSE);
    law.program.unknown_member = UNKNOWN_REJECT;
    law_start(&law);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_UNKNOWN_MEMBER);
    law_enrol(&law, "ann");
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_ACCEPTED,
                 "a refused activity does not use its reference up");
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_REFERENCE_SEEN,
                 "the reference is judged before limits");
    cr_assert_eq(law_do_to(&law, "ann", "review", "R2"), VERDICT_LIMIT_REACHED);
    cr_assert(
        bytes_equal(rig_outcome(&law.rig)->detail, BYTES_LITERAL("the limit few is used up")));
    law_at(&law, "2026-03-02T10:00:00.001Z");
    cr_assert_eq(law_do_to(&law, "ann", "review", "R2"), VERDICT_ACCEPTED, "it was not used up");
}

Test(law_awards, an_amount_that_does_not_fit_moves_nothing)
{
    law_award(&law, "huge", AWARD_ACTIVITY, INT64_MAX - 1)->activity = BYTES_LITERAL("review");
    law_start(&law);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R2"), VERDICT_OVERFLOW);
    cr_assert_eq(law_do_to(&law, "bob", "review", "R2"), VERDICT_OVERFLOW);
    struct member_view view;
    cr_assert_not(rig_view(&law.rig, "bob", &view), "who is refused is not enrolled");
}

Test(law_awards, filters_and_windows_of_an_award)
{
    static const struct bytes channels[] = {BYTES_LITERAL("app"), BYTES_LITERAL("web")};
    static const struct {
        const char *what, *channel, *at;
        int64_t paid;
    } rows[] = {
        {"a channel of the list", "app", "2026-02-10T00:00:00Z", 5},
        {"another channel", "shop", "2026-02-10T00:00:00Z", 0},
        {"no channel", "", "2026-02-10T00:00:00Z", 0},
        {"the window's first instant", "web", "2026-02-01T00:00:00Z", 5},
        {"the instant before it", "web", "2026-01-31T23:59:59.999Z", 0},
        {"the window's end", "web", "2026-02-20T00:00:00Z", 0},
        {"the instant before the end", "web", "2026-02-19T23:59:59.999Z", 5},
    };
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->filter.channels = (struct program_texts){channels, 2};
    award->filter.window.from = rig_at("2026-02-01T00:00:00Z");
    award->filter.window.until = rig_at("2026-02-20T00:00:00Z");
    law_start(&law);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct event event = {
            .kind = EVENT_ACTIVITY,
            .member = BYTES_LITERAL("ann"),
            .occurred_at = rig_at(rows[i].at),
            .activity = {.kind = ACTIVITY_REVIEW, .channel = bytes_from_cstr(rows[i].channel)}};
        cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), rows[i].paid, "%s", rows[i].what);
    }
}

Test(law_awards, pending_awards_wait)
{
    struct program_award *award = law_award(&law, "later", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->pending = (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    law_start(&law);
    law_do(&law, "ann", "review");
    cr_assert_eq(law_pending(&law, "ann"), 5);
    rig_tick(&law.rig, "2026-03-15T09:59:59.999Z");
    cr_assert_eq(law_active(&law, "ann"), 0);
    rig_tick(&law.rig, "2026-03-15T10:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 5);
}

Test(law_awards, a_cap_trims_awards_and_their_times_are_used)
{
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->times = (struct program_times){3, PER_LIFETIME};
    law_cap(&law, "monthly", 7, PER_MONTH);
    law_start(&law);
    /* 5, then 2 of 5, then 0 of 5, and then the times are up. */
    static const int64_t asked[] = {5, 5, 5, 0}, paid[] = {5, 2, 0, 0};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
        cr_assert_eq(law_asked(&law), asked[i]);
        cr_assert_eq(law_paid(&law), paid[i]);
    }
}

static void
change(const char *member, enum event_kind kind)
{
    struct event event = {.kind = kind,
                          .member = bytes_from_cstr(member),
                          .state_change = {BYTES_LITERAL("because"), BYTES_LITERAL("eve")}};
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED);
}

Test(law_awards, who_may_not_earn)
{
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law_award(&law, "year", AWARD_ANNIVERSARY, 7);
    law_start(&law);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_ACCEPTED);
    change("ann", EVENT_SUSPEND);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_REFERENCE_SEEN,
                 "the reference is judged before the state");
    cr_assert_eq(law_do_to(&law, "ann", "review", "R2"), VERDICT_MEMBER_NOT_ACTIVE);
    cr_assert_eq(law_tell_birthday(&law, "ann", 4, 1), VERDICT_ACCEPTED);
    rig_tick(&law.rig, "2027-03-02T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 5, "its anniversary pays nothing");
    change("ann", EVENT_RESUME);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R2"), VERDICT_ACCEPTED);
    change("ann", EVENT_CLOSE);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R3"), VERDICT_MEMBER_CLOSED);
    cr_assert_eq(law_tell_birthday(&law, "ann", 4, 1), VERDICT_MEMBER_CLOSED);
    rig_tick(&law.rig, "2028-03-02T00:00:00Z");
    change("ann", EVENT_REOPEN);
    rig_tick(&law.rig, "2029-03-02T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 7, "open again, its anniversaries count");
}

/* Gold from 100.00: × 1.5. 5 × 1.5 = 7 rounded down, each award by itself: 14 for two. */
Test(law_awards, a_tier_multiplies_what_says_so)
{
    static const int64_t points[] = {5};
    law_award(&law, "plain", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("share");
    for (int i = 0; i < 2; i++) {
        struct program_award *award = law_award(&law, i == 0 ? "a" : "b", AWARD_ACTIVITY, 5);
        award->activity = BYTES_LITERAL("review");
        award->tier_group = 0;
    }
    law_streak(&law, "daily", CALENDAR_DAY, points, 1)->tier_group = 0;
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics[0] = {.kind = METRIC_SPEND,
                       .money = RIG_GBP,
                       .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                       .mission = PROGRAM_NONE},
        .metric_count = 1,
        .window = WINDOW_LIFETIME,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{.id = BYTES_LITERAL("basic"), .multiplier = {1, 1}},
                   {.id = BYTES_LITERAL("gold"), .thresholds = {10000}, .multiplier = {3, 2}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_start(&law);
    law_do(&law, "ann", "review");
    cr_assert_eq(law_paid(&law), 10, "basic: × 1");
    law_buy(&law, "ann", "O1", 10000);
    law_at(&law, "2026-03-02T10:00:00Z");
    law_do(&law, "ann", "review");
    cr_assert_eq(law_paid(&law), 14);
    law_do(&law, "ann", "share");
    cr_assert_eq(law_paid(&law), 5, "not asked for");
    law_do(&law, "ann", "check_in");
    cr_assert_eq(law_paid(&law), 7);
    law_do_at(&law, "ann", "review", "2026-03-01T09:00:00Z");
    cr_assert_eq(law_paid(&law), 10, "the tier held then");
}

static struct bytes
when(const char *text, enum condition_scope scope)
{
    static uint8_t memory[4 * CONDITION_ARENA_BYTES] __attribute__((aligned(ARENA_ALIGNMENT)));
    static uint8_t codes[4096];
    static size_t used;
    struct arena arena;
    struct condition condition;
    struct cel_error error;
    arena_init(&arena, memory, sizeof memory);
    cr_assert(condition_compile(bytes_from_cstr(text), scope, &arena, &condition, &error), "%s",
              text);
    struct writer writer = writer_of(codes + used, sizeof codes - used);
    condition_encode(&condition, &writer);
    used += writer.size;
    return writer_span(&writer);
}

static enum verdict
review_worth(int64_t value)
{
    return rig_event(&law.rig, (struct event){
                                   .kind = EVENT_ACTIVITY,
                                   .member = BYTES_LITERAL("ann"),
                                   .activity = {.kind = ACTIVITY_REVIEW, .value = value},
                               });
}

Test(law_awards, conditions_of_awards)
{
    struct program_award *award = law_award(&law, "long", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->filter.when.code =
        when("activity.value >= 100 && member.orders_before == 0", CONDITION_SCOPE_ACTIVITY);
    award = law_award(&law, "divides", AWARD_ACTIVITY, 50);
    award->activity = BYTES_LITERAL("review");
    award->filter.when.code = when("1000 / activity.value == 10", CONDITION_SCOPE_ACTIVITY);
    law_award(&law, "born-in-may", AWARD_BIRTHDAY, 20)->filter.when.code =
        when("event.kind == 'birthday' && member.birthday_month == 5", CONDITION_SCOPE_MEMBER);
    law_award(&law, "by-enrol", AWARD_SIGN_UP, 1)->filter.when.code =
        when("event.kind == 'enrol'", CONDITION_SCOPE_MEMBER);
    law_start(&law);
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 1);
    static const struct {
        int64_t value, paid;
    } rows[] = {{99, 50}, {100, 55}, {101, 5}, {0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(review_worth(rows[i].value), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), rows[i].paid, "a review worth %lld", (long long)rows[i].value);
    }
    law_buy(&law, "ann", "O1", 0);
    review_worth(101);
    cr_assert_eq(law_paid(&law), 0, "an order was before it");
    int64_t before = law_active(&law, "ann");
    law_tell_birthday(&law, "ann", 5, 2);
    rig_tick(&law.rig, "2026-05-02T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), before + 20);
    law_tell_birthday(&law, "ann", 6, 2);
    rig_tick(&law.rig, "2027-06-02T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), before + 20);
    cr_assert_eq(law_buy(&law, "bob", "O1", 0), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 0, "an order enrols without that award");
}

Test(law_awards, conditions_of_limits)
{
    law_limit(&law, "long", LIMITED_ACTIVITY, 1, LIMIT_REFUSE)->when.code =
        when("activity.value >= 100", CONDITION_SCOPE_ACTIVITY);
    law_start(&law);
    cr_assert_eq(review_worth(99), VERDICT_ACCEPTED);
    cr_assert_eq(review_worth(100), VERDICT_ACCEPTED);
    cr_assert_eq(review_worth(100), VERDICT_LIMIT_REACHED);
    cr_assert_eq(review_worth(99), VERDICT_ACCEPTED, "neither counted nor judged");
}

/* ---- Sign-up and first purchase ---- */

Test(law_awards, sign_up_is_paid_with_whatever_enrols)
{
    law_award(&law, "welcome", AWARD_SIGN_UP, 100);
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law_start(&law);
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 100);
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ALREADY_ENROLLED);
    cr_assert_eq(law_do(&law, "bob", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 105, "100 for signing up, 5 for the review");
    cr_assert_eq(law_buy(&law, "cat", "O1", 6000), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 160, "60 for the order");
    cr_assert_eq(law_buy(&law, "cat", "O2", 6000), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 60);
    cr_assert_eq(rig_cancel(&law.rig, "cat", "O1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "cat"), 160, "a return does not reach the sign-up award");
}

Test(law_awards, the_first_purchase_is_the_first_accepted_order)
{
    law_award(&law, "first", AWARD_FIRST_PURCHASE, 30);
    law_start(&law);
    law_at(&law, "2026-03-02T00:00:00Z");
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 90);
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_POSTINGS), 2, "its grant is a lot of its own");
    cr_assert_eq(law_buy_at(&law, "ann", "O2", 6000, "2026-03-01T00:00:00Z"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 60, "journal order decides which is the first");
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R1", 5999), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 90, "60 of the second, 30 stay while a part is kept");
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R2", 1), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 60, "taken back when nothing of the order is kept");
    cr_assert_eq(law_buy(&law, "ann", "O3", 6000), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 60, "a later order is not the first");
}

Test(law_awards, a_first_purchase_that_does_not_match_is_over)
{
    static const struct bytes channels[] = {BYTES_LITERAL("app")};
    law_award(&law, "first", AWARD_FIRST_PURCHASE, 30)->filter.channels =
        (struct program_texts){channels, 1};
    law_start(&law);
    law_buy(&law, "ann", "O1", 6000);
    cr_assert_eq(law_paid(&law), 60);
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 6000};
    struct event event = {.kind = EVENT_PURCHASE,
                          .member = BYTES_LITERAL("ann"),
                          .purchase = {.order_id = BYTES_LITERAL("O2"),
                                       .currency = RIG_GBP,
                                       .channel = BYTES_LITERAL("app"),
                                       .lines = &line,
                                       .line_count = 1}};
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 60);
    event.member = BYTES_LITERAL("bob");
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 90);
}

/* ---- Birthdays and anniversaries ---- */

Test(law_awards, a_birthday_is_paid_at_its_local_midnight)
{
    law_award(&law, "cake", AWARD_BIRTHDAY, 20);
    law_zone(&law, 9);
    law_start(&law);
    law_enrol(&law, "ann");
    cr_assert_eq(law_tell_birthday(&law, "ann", 3, 5), VERDICT_ACCEPTED);
    /* 5 March begins in Tokyo at 15:00 of the 4th in Greenwich. */
    rig_tick(&law.rig, "2026-03-04T14:59:59.999Z");
    cr_assert_eq(law_active(&law, "ann"), 0);
    rig_tick(&law.rig, "2026-03-04T18:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 20);
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 0)->posting;
    cr_assert_eq(posting->effective_at.ms, rig_at("2026-03-04T15:00:00Z").ms);
    cr_assert_eq(posting->event_id.size, 0, "time paid it");
    rig_tick(&law.rig, "2027-03-04T15:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 40, "and again the next year");
}

Test(law_awards, a_birthday_is_paid_once_a_calendar_year)
{
    law_award(&law, "cake", AWARD_BIRTHDAY, 20);
    law_start(&law);
    law_enrol(&law, "ann");
    law_tell_birthday(&law, "ann", 3, 5);
    rig_tick(&law.rig, "2026-03-06T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 20);
    law_tell_birthday(&law, "ann", 3, 10);
    rig_tick(&law.rig, "2026-03-11T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 20, "told anew, the year is used up");
    cr_assert_eq(law_do(&law, "ann", "birthday"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 0, "from outside, too");
    law_tell_birthday(&law, "ann", 0, 0);
    rig_tick(&law.rig, "2027-03-11T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 20, "withdrawn, none is due");
    cr_assert_eq(law_do(&law, "ann", "birthday"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 20);
    law_tell_birthday(&law, "ann", 4, 1);
    rig_tick(&law.rig, "2027-04-02T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 40, "the activity has used 2027 up");
}

Test(law_awards, the_29th_of_february)
{
    law_award(&law, "cake", AWARD_BIRTHDAY, 20);
    law_award(&law, "year", AWARD_ANNIVERSARY, 7);
    law_start(&law);
    law_at(&law, "2028-02-29T12:00:00Z");
    law_enrol(&law, "ann");
    law_tell_birthday(&law, "ann", 2, 29);
    rig_tick(&law.rig, "2029-02-27T23:59:59.999Z");
    cr_assert_eq(law_active(&law, "ann"), 0, "today's had begun before it was told");
    rig_tick(&law.rig, "2029-02-28T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 27);
    rig_tick(&law.rig, "2032-02-28T23:59:59.999Z");
    cr_assert_eq(law_active(&law, "ann"), 81, "2029, 2030, 2031");
    rig_tick(&law.rig, "2032-02-29T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 108);
}

Test(law_awards, an_anniversary_goes_by_the_version_of_its_instant)
{
    law_start(&law);
    law_enrol(&law, "ann");
    law_award(&law, "year", AWARD_ANNIVERSARY, 7);
    law.program.effective_from = rig_at("2027-06-01T00:00:00Z");
    law_start(&law);
    rig_tick(&law.rig, "2027-03-02T00:00:00Z");
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.wallet_count, 0, "no version in effect pays the first one");
    rig_tick(&law.rig, "2028-03-01T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 7);
}

Test(law_awards, a_late_enrolment_is_due_at_once)
{
    law_award(&law, "year", AWARD_ANNIVERSARY, 7);
    law_start(&law);
    law_at(&law, "2026-03-01T10:00:00Z");
    struct event event = {.kind = EVENT_ENROL,
                          .member = BYTES_LITERAL("ann"),
                          .occurred_at = rig_at("2025-02-28T23:00:00Z")};
    law.program.accept_past_ms = INT64_C(800) * CALENDAR_DAY_MS;
    law_start(&law);
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 7, "28 February 2026 has passed");
}

Test(law_awards, dates_pay_only_who_may_earn)
{
    static const struct bytes channels[] = {BYTES_LITERAL("app")};
    law_award(&law, "year", AWARD_ANNIVERSARY, 7);
    law_award(&law, "app-year", AWARD_ANNIVERSARY, 70)->filter.channels =
        (struct program_texts){channels, 1};
    law_start(&law);
    law_enrol(&law, KEY_GUEST_PREFIX "77");
    rig_tick(&law.rig, "2027-03-02T00:00:00Z");
    struct member_view view;
    cr_assert(rig_view(&law.rig, KEY_GUEST_PREFIX "77", &view));
    cr_assert_eq(view.wallet_count, 0, "a guest is no member");
    law_enrol(&law, "ann");
    rig_tick(&law.rig, "2028-03-02T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 7, "time comes by no channel");
}

/* ---- What is forgotten ---- */

Test(law_awards, counts_out_of_reach_are_forgotten)
{
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 1);
    award->activity = BYTES_LITERAL("check_in");
    award->times = (struct program_times){1, PER_DAY};
    law.program.accept_past_ms = 3 * CALENDAR_DAY_MS;
    law_start(&law);
    for (int day = 0; day < 400; day++) {
        law.rig.now_ms += CALENDAR_DAY_MS;
        cr_assert_eq(law_do(&law, "ann", "check_in"), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), 1);
    }
    for (int day = 3; day >= 0; day--) {
        struct event event = {.kind = EVENT_ACTIVITY,
                              .member = BYTES_LITERAL("ann"),
                              .occurred_at.ms = law.rig.now_ms - day * CALENDAR_DAY_MS,
                              .activity.kind = ACTIVITY_CHECK_IN};
        cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), 0, "%d days ago is still known", day);
    }
}
