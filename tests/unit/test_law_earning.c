/* The points law, §4 and the examples of §11 that are about earning: 9, 10, 16, 20; each with
 * variations, whose answers are worked out beside them. */
#include <criterion/criterion.h>

#include "tests/unit/shop_rig.h"

static struct shop shop;

static void
open_shop(void)
{
    shop_open(&shop);
    law_at(&shop.law, "2026-03-11T10:00:00Z"); /* a Wednesday */
}

static void
close_shop(void)
{
    shop_close(&shop);
}

TestSuite(law_earning, .init = open_shop, .fini = close_shop);

/* Buys and expects so many points granted. */
static void
earns(const char *what, const char *member, const char *order, const char *lines, int64_t points)
{
    cr_assert_eq(shop_buy(&shop, member, order, lines), VERDICT_ACCEPTED, "%s", what);
    cr_assert_eq(law_paid(&shop.law), points, "%s: %lld", what, (long long)law_paid(&shop.law));
}

/* ---- Example 9: two caps ---- */

Test(law_earning, example_9_a_monthly_cap_trims)
{
    shop_rule(&shop, "base", 1, 100);
    law_cap(&shop.law, "monthly", 1000, PER_MONTH);
    shop_start(&shop);
    earns("900 used", "ann", "O1", "a 900.00", 900);
    earns("earn 250: 1000 - 900", "ann", "O2", "a 250.00", 100);
    cr_assert_eq(law_asked(&shop.law), 250);
    const struct outcome *outcome = rig_outcome(&shop.law.rig);
    cr_assert(bytes_equal(outcome->amounts[0].cap_rule, BYTES_LITERAL("monthly")));
    earns("used up", "ann", "O3", "a 5.00", 0);
    cr_assert_eq(law_asked(&shop.law), 5);
}

Test(law_earning, example_9_an_event_cap_rejects)
{
    shop_rule(&shop, "base", 1, 100);
    law_cap(&shop.law, "event", 200, PER_EVENT)->rejects = true;
    shop_start(&shop);
    earns("250 is more than 200", "ann", "O1", "a 250.00", 0);
    cr_assert_eq(law_asked(&shop.law), 250);
    earns("200 is not", "ann", "O2", "a 200.00", 200);
}

/* Variations: each row is two orders under one cap; the second's answer is derived. */
Test(law_earning, example_9_variations)
{
    static const struct {
        const char *what;
        int64_t max;
        enum per per;
        bool rejects;
        const char *first, *first_at, *second, *second_at;
        int64_t granted;
    } ROWS[] = {
        {"the room is exactly what is asked: 300 - 200 = 100", 300, PER_MONTH, false, "a 200.00",
         "2026-03-01T00:00:00Z", "a 100.00", "2026-03-10T00:00:00Z", 100},
        {"another month has a use of its own: all 250", 300, PER_MONTH, false, "a 200.00",
         "2026-02-28T23:59:59Z", "a 250.00", "2026-03-01T00:00:00Z", 250},
        {"a late order counts in its own month: 300 - 200", 300, PER_MONTH, false, "a 200.00",
         "2026-03-10T00:00:00Z", "a 250.00", "2026-03-01T00:00:00Z", 100},
        {"reject in a day: 200 of 250 used, 51 more is too much", 250, PER_DAY, true, "a 200.00",
         "2026-03-10T01:00:00Z", "a 51.00", "2026-03-10T23:00:00Z", 0},
        {"a lifetime has one bucket: 210 - 200 = 10", 210, PER_LIFETIME, false, "a 200.00",
         "2025-05-01T00:00:00Z", "a 50.00", "2026-03-10T00:00:00Z", 10},
        {"a week begins on Monday, 9 March: 250 of 250", 250, PER_WEEK, false, "a 200.00",
         "2026-03-08T23:59:59Z", "a 250.00", "2026-03-09T00:00:00Z", 250},
        {"a year: 220 - 200 = 20", 220, PER_YEAR, false, "a 200.00", "2026-01-01T00:00:00Z",
         "a 50.00", "2026-03-09T00:00:00Z", 20},
        {"a quarter that began on 1 January: 220 - 200", 220, PER_QUARTER, false, "a 200.00",
         "2026-01-01T00:00:00Z", "a 50.00", "2026-03-09T00:00:00Z", 20},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct program_cap *cap = NULL;
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop_rule(&shop, "base", 1, 100);
        cap = law_cap(&shop.law, "cap", ROWS[i].max, ROWS[i].per);
        cap->rejects = ROWS[i].rejects;
        shop_start(&shop);
        cr_assert_eq(shop_buy_at(&shop, "ann", "O1", ROWS[i].first, ROWS[i].first_at),
                     VERDICT_ACCEPTED, "%s", ROWS[i].what);
        cr_assert_eq(law_paid(&shop.law), 200, "%s", ROWS[i].what);
        cr_assert_eq(shop_buy_at(&shop, "ann", "O2", ROWS[i].second, ROWS[i].second_at),
                     VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&shop.law), ROWS[i].granted, "%s: %lld", ROWS[i].what,
                     (long long)law_paid(&shop.law));
    }
}

/* (t - n, t]: what happened exactly n days before counts no more. */
Test(law_earning, rolling_caps_are_open_at_their_start)
{
    shop_rule(&shop, "base", 1, 100);
    struct program_cap *cap = law_cap(&shop.law, "rolling", 100, PER_ROLLING);
    cap->rolling_days = 7;
    shop_start(&shop);
    cr_assert_eq(shop_buy_at(&shop, "ann", "O1", "a 60.00", "2026-03-01T10:00:00Z"), 1);
    cr_assert_eq(shop_buy_at(&shop, "ann", "O2", "a 60.00", "2026-03-08T09:59:59.999Z"), 1);
    cr_assert_eq(law_paid(&shop.law), 40, "within: 100 - 60");
    cr_assert_eq(shop_buy_at(&shop, "ann", "O3", "a 70.00", "2026-03-08T10:00:00Z"), 1);
    cr_assert_eq(law_paid(&shop.law), 60, "only the 40 of O2 count: 100 - 40");
}

/* ---- Example 10: rounding ---- */

Test(law_earning, example_10_rounds_once_at_the_end)
{
    static const struct {
        const char *what;
        int64_t points, minor;          /* rate */
        int64_t numerator, denominator; /* campaign */
        const char *lines;
        enum rounding rounding;
        int64_t granted;
    } ROWS[] = {
        {"4 x 1.5 = 6", 1, 100, 3, 2, "a 4.00", ROUNDING_FLOOR, 6},
        {"5 x 1.5 = 7.5", 1, 100, 3, 2, "a 5.00", ROUNDING_FLOOR, 7},
        {"19.99 doubled = 39.98", 1, 100, 2, 1, "a 19.99", ROUNDING_FLOOR, 39},
        {"7.5 up", 1, 100, 3, 2, "a 5.00", ROUNDING_CEIL, 8},
        {"7.5, a half up", 1, 100, 3, 2, "a 5.00", ROUNDING_HALF_UP, 8},
        {"7.5, to the even", 1, 100, 3, 2, "a 5.00", ROUNDING_HALF_EVEN, 8},
        {"4.5, to the even", 1, 100, 3, 2, "a 3.00", ROUNDING_HALF_EVEN, 4},
        {"lines are summed first: 1.99 + 1.99 + 1.99 = 5.97, x 1", 1, 100, 1, 1,
         "a 1.99, b 1.99, c 1.99", ROUNDING_FLOOR, 5},
        {"10.00 at 1 per 3.00, x 3 = 10", 1, 300, 3, 1, "a 10.00", ROUNDING_FLOOR, 10},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop_rule(&shop, "base", ROWS[i].points, ROWS[i].minor);
        shop_campaign(&shop, "more", ROWS[i].numerator, ROWS[i].denominator);
        shop.law.program.currencies[0].rounding = ROWS[i].rounding;
        shop_start(&shop);
        earns(ROWS[i].what, "ann", "O1", ROWS[i].lines, ROWS[i].granted);
    }
}

/* ---- Example 16: batch independence of after-earning ---- */

Test(law_earning, example_16_after_earning_once)
{
    shop_rule(&shop, "base", 1, 100);
    struct program_award *award = law_award(&shop.law, "fifty", AWARD_BALANCE, 50);
    award->balance = 100;
    award->times = (struct program_times){1, PER_LIFETIME};
    shop_start(&shop);
    earns("60 is below 100", "ann", "O1", "a 60.00", 60);
    earns("120 is not: 60 + 50", "ann", "O2", "a 60.00", 110);
    cr_assert_eq(shop_active(&shop, "ann"), 170);
    earns("once", "ann", "O3", "a 60.00", 60);
}

/* Variations: balance before, the order, the award's terms, and what the order brings in all. */
Test(law_earning, example_16_variations)
{
    static const struct {
        const char *what;
        const char *first, *second;
        int64_t balance;
        uint32_t times;
        int64_t granted;
    } ROWS[] = {
        {"exactly 100 is enough: 40 + 50", "a 60.00", "a 40.00", 100, 1, 90},
        {"99 is not", "a 60.00", "a 39.00", 100, 1, 39},
        {"without a limit once for each order: 10 + 50", "a 200.00", "a 10.00", 100, 0, 60},
        {"used up by the first order", "a 200.00", "a 10.00", 100, 1, 10},
        {"twice: the second time too", "a 200.00", "a 10.00", 100, 2, 60},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop_rule(&shop, "base", 1, 100);
        struct program_award *award = law_award(&shop.law, "fifty", AWARD_BALANCE, 50);
        award->balance = ROWS[i].balance;
        award->times = (struct program_times){ROWS[i].times, PER_LIFETIME};
        shop_start(&shop);
        cr_assert_eq(shop_buy(&shop, "ann", "O1", ROWS[i].first), VERDICT_ACCEPTED);
        earns(ROWS[i].what, "ann", "O2", ROWS[i].second, ROWS[i].granted);
    }
}

/* All are judged on one balance: the first does not lift it for the second. */
Test(law_earning, after_earning_awards_do_not_feed_each_other)
{
    shop_rule(&shop, "base", 1, 100);
    law_award(&shop.law, "a-hundred", AWARD_BALANCE, 50)->balance = 100;
    law_award(&shop.law, "b-more", AWARD_BALANCE, 50)->balance = 120;
    shop_start(&shop);
    earns("100 + 50, and not 50 more for 150", "ann", "O1", "a 100.00", 150);
    cr_assert_eq(shop_postings(&shop, POSTING_GRANT), 2, "a lot of its own");
}

/* ---- Example 20: bands ---- */

Test(law_earning, example_20_bands)
{
    static const struct program_band BANDS[] = {{10000, {1, 100}}, {INT64_MAX, {1, 50}}};
    static const struct {
        const char *lines;
        int64_t marginal, cliff;
    } ROWS[] = {
        {"a 250.00", 400, 500},         /* 100 + 2 x 150; 2 x 250 */
        {"a 100.00", 100, 100},         /* the bound belongs to the band */
        {"a 100.01", 100, 200},         /* 100 + 0.02; 200.02 */
        {"a 60.00, b 60.00", 140, 240}, /* the order's total: 100 + 2 x 20; 2 x 120 */
        {"a 0.50", 0, 0},               /* 0.5 */
        {"a 99.99", 99, 99},
        {"a 101.00", 102, 202},
    };
    for (int mode = BANDS_CLIFF; mode <= BANDS_MARGINAL; mode++) {
        for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
            if (i > 0 || mode > BANDS_CLIFF) {
                shop_close(&shop);
                open_shop();
            }
            shop_bands(&shop, "bands", mode, BANDS, 2);
            shop_start(&shop);
            earns(ROWS[i].lines, "ann", "O1", ROWS[i].lines,
                  mode == BANDS_MARGINAL ? ROWS[i].marginal : ROWS[i].cliff);
        }
    }
}

Test(law_earning, bands_by_line_look_at_each_line)
{
    static const struct program_band BANDS[] = {{10000, {1, 100}}, {INT64_MAX, {1, 50}}};
    shop_bands(&shop, "bands", BANDS_CLIFF, BANDS, 2)->per_order = false;
    shop_start(&shop);
    earns("60 + 60, neither above 100.00", "ann", "O1", "a 60.00, b 60.00", 120);
    earns("2 x 150 + 50", "ann", "O2", "a 150.00, b 50.00", 350);
}

/* ---- Phase 2: how rules combine ---- */

Test(law_earning, line_rules_combine_as_the_rulebook_says)
{
    static const char *toys = "toys";
    static const struct {
        enum combine combine;
        int64_t granted;
    } ROWS[] = {
        {COMBINE_MAX, 40},   /* toys 3 x 10; 1 x 10 */
        {COMBINE_SUM, 50},   /* toys 3 x 10 + 1 x 10; 1 x 10 */
        {COMBINE_FIRST, 20}, /* "base" goes before "toys" by its name */
    };
    for (size_t i = 0; i < 3; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop.law.program.line_combine = ROWS[i].combine;
        shop_rule(&shop, "base", 1, 100);
        shop_rule(&shop, "toys", 3, 100)->filter.categories = shop_only(&toys);
        shop_start(&shop);
        earns("combine", "ann", "O1", "a 10.00 toys, b 10.00", ROWS[i].granted);
    }
}

Test(law_earning, order_rules_combine_among_themselves_and_add_to_line_rules)
{
    static const struct {
        enum combine combine;
        int64_t granted;
    } ROWS[] = {{COMBINE_MAX, 30}, {COMBINE_SUM, 40}, {COMBINE_FIRST, 20}};
    for (size_t i = 0; i < 3; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop.law.program.order_combine = ROWS[i].combine;
        shop_rule(&shop, "line", 1, 100);                      /* 10 */
        shop_rule(&shop, "order-a", 1, 100)->per_order = true; /* 10 */
        shop_rule(&shop, "order-b", 2, 100)->per_order = true; /* 20 */
        shop_start(&shop);
        earns("line + order", "ann", "O1", "a 10.00", ROWS[i].granted);
    }
}

Test(law_earning, flat_bonuses_are_added_and_never_multiplied)
{
    static const char *toys = "toys";
    shop_rule(&shop, "base", 1, 100);
    shop_flat(&shop, "each-toy", 5)->filter.categories = shop_only(&toys);
    shop_flat(&shop, "order", 7)->per_order = true;
    shop_campaign(&shop, "double", 2, 1);
    shop_start(&shop);
    earns("2 x 30 + 5 + 5 + 7", "ann", "O1", "a 10.00 toys, b 10.00 toys, c 10.00", 77);
    earns("no toys: 20 + 7", "ann", "O2", "a 10.00", 27);
}

/* ---- Phase 4: campaigns ---- */

Test(law_earning, campaigns_stack_as_the_rulebook_says)
{
    static const struct {
        enum stacking stacking;
        const char *group; /* exclusive */
        int64_t granted;   /* of 10: x 2, x 3 and x 1/2 where it runs */
        bool half;
    } ROWS[] = {
        {STACKING_ADD, "", 40, false},      /* 1 + 1 + 2 = 4 */
        {STACKING_MULTIPLY, "", 60, false}, /* 6 */
        {STACKING_MAX, "", 30, false},
        {STACKING_ADD, "one", 30, false}, /* the best of the group */
        {STACKING_ADD, "", 35, true},     /* 1 + 1 + 2 - 0.5 */
        {STACKING_MULTIPLY, "", 30, true},
        {STACKING_MAX, "", 30, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop.law.program.stacking = ROWS[i].stacking;
        shop_rule(&shop, "base", 1, 100);
        shop_campaign(&shop, "double", 2, 1)->exclusive = bytes_from_cstr(ROWS[i].group);
        shop_campaign(&shop, "triple", 3, 1)->exclusive = bytes_from_cstr(ROWS[i].group);
        if (ROWS[i].half) shop_campaign(&shop, "half", 1, 2);
        shop_start(&shop);
        earns("stacking", "ann", "O1", "a 10.00", ROWS[i].granted);
    }
}

/* Two rules on one line, and 1 − 1/2 − 1/2 of all that they give: nothing is left to share. */
Test(law_earning, a_campaign_may_take_everything_away)
{
    shop.law.program.line_combine = COMBINE_SUM;
    shop_rule(&shop, "base", 1, 100);
    shop_rule(&shop, "more", 2, 100);
    shop_campaign(&shop, "half", 1, 2);
    shop_campaign(&shop, "other-half", 1, 2);
    shop_start(&shop);
    earns("two halves taken away", "ann", "O1", "a 10.00", 0);
}

Test(law_earning, campaigns_of_lines_multiply_what_such_lines_earn)
{
    static const char *toys = "toys";
    shop_rule(&shop, "base", 1, 100);
    shop_rule(&shop, "order", 1, 100)->per_order = true;
    shop_campaign(&shop, "toy-week", 3, 1)->filter.categories = shop_only(&toys);
    shop_start(&shop);
    earns("3 x 10 + 20, and the order's 30", "ann", "O1", "a 10.00 toys, b 20.00", 80);
}

Test(law_earning, calendars_of_campaigns)
{
    static const struct program_date CHRISTMAS[] = {{2, 29}, {12, 25}};
    static const struct {
        const char *what, *at;
        uint8_t weekdays;
        uint32_t days_of_month;
        uint32_t date_count;
        int32_t from_minute, until_minute;
        int hours; /* east of UTC */
        int64_t granted;
    } ROWS[] = {
        {"Wednesday", "2026-03-11T10:00:00Z", 1 << 2, 0, 0, 0, 1440, 0, 20},
        {"not Thursday", "2026-03-11T10:00:00Z", 1 << 3, 0, 0, 0, 1440, 0, 10},
        {"Thursday in Tokyo", "2026-03-11T15:00:00Z", 1 << 3, 0, 0, 0, 1440, 9, 20},
        {"the 11th", "2026-03-11T10:00:00Z", 0, 1 << 11, 0, 0, 1440, 0, 20},
        {"not the 12th", "2026-03-11T10:00:00Z", 0, 1 << 12, 0, 0, 1440, 0, 10},
        {"Christmas", "2025-12-25T23:59:59Z", 0, 0, 2, 0, 1440, 0, 20},
        {"29 February is the last day of February", "2026-02-28T12:00:00Z", 0, 0, 2, 0, 1440, 0,
         20},
        {"no festival", "2026-02-27T12:00:00Z", 0, 0, 2, 0, 1440, 0, 10},
        {"10:00 begins", "2026-03-11T10:00:00Z", 0, 0, 0, 600, 660, 0, 20},
        {"11:00 has ended", "2026-03-11T11:00:00Z", 0, 0, 0, 600, 660, 0, 10},
        {"10:59:59", "2026-03-11T10:59:59.999Z", 0, 0, 0, 600, 660, 0, 20},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        law_at(&shop.law, "2026-03-11T23:00:00Z");
        law_zone(&shop.law, ROWS[i].hours);
        shop_rule(&shop, "base", 1, 100);
        struct program_campaign *campaign = shop_campaign(&shop, "double", 2, 1);
        campaign->weekdays = ROWS[i].weekdays;
        campaign->days_of_month = ROWS[i].days_of_month;
        campaign->dates = CHRISTMAS;
        campaign->date_count = ROWS[i].date_count;
        campaign->from_minute = ROWS[i].from_minute;
        campaign->until_minute = ROWS[i].until_minute;
        shop_start(&shop);
        cr_assert_eq(shop_buy_at(&shop, "ann", "O1", "a 10.00", ROWS[i].at), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&shop.law), ROWS[i].granted, "%s: %lld", ROWS[i].what,
                     (long long)law_paid(&shop.law));
    }
}

Test(law_earning, birthdays_of_campaigns)
{
    static const struct {
        const char *what;
        unsigned month, day;
        enum birthday_window window;
        int64_t granted; /* on Wednesday, 11 March 2026 */
    } ROWS[] = {
        {"the day", 3, 11, BIRTHDAY_DAY, 20},
        {"the day after", 3, 12, BIRTHDAY_DAY, 10},
        {"Sunday of its week", 3, 15, BIRTHDAY_WEEK, 20},
        {"Monday of its week", 3, 9, BIRTHDAY_WEEK, 20},
        {"the Monday after", 3, 16, BIRTHDAY_WEEK, 10},
        {"its month", 3, 31, BIRTHDAY_MONTH, 20},
        {"the month before", 2, 28, BIRTHDAY_MONTH, 10},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (i > 0) {
            shop_close(&shop);
            open_shop();
        }
        shop_rule(&shop, "base", 1, 100);
        shop_campaign(&shop, "birthday", 2, 1)->birthday = ROWS[i].window;
        shop_start(&shop);
        earns("nobody knows the birthday", "ann", "O1", "a 10.00", 10);
        law_tell_birthday(&shop.law, "ann", ROWS[i].month, ROWS[i].day);
        earns(ROWS[i].what, "ann", "O2", "a 10.00", ROWS[i].granted);
    }
}

/* ---- Phases 6 and 7: parts ---- */

/* 3.00 at 1 per 1.00, x 1.5: 4.5 is 4. The base gave 3, the campaign 1.5: shares of 4 are 2.67 and
 * 1.33, so 3 and 1. */
Test(law_earning, the_parts_of_a_grant_sum_to_it)
{
    shop_rule(&shop, "base", 1, 100);
    shop_campaign(&shop, "more", 3, 2);
    shop_start(&shop);
    earns("4", "ann", "O1", "a 3.00", 4);
    const struct explanation *why = shop_posting(&shop, POSTING_GRANT)->explanation;
    cr_assert_not_null(why);
    cr_assert_eq(why->part_count, 2);
    cr_assert_eq(why->parts[0].phase, EXPLANATION_BASE);
    cr_assert_eq(why->parts[0].points.units, 3);
    cr_assert_eq(why->parts[1].phase, EXPLANATION_CAMPAIGN);
    cr_assert_eq(why->parts[1].points.units, 1);
    cr_assert_eq(why->requested.units, 4);
    cr_assert_eq(why->granted.units, 4);
}

/* Base 30, toys' campaign adds 60. A cap of 31 on the campaign alone: 30 + 31. One of 45 on both
 * trims in proportion: 15 and 30. */
Test(law_earning, caps_trim_what_they_cover)
{
    static const struct program_source CAMPAIGN[] = {{SOURCE_CAMPAIGN, 0}};
    shop_rule(&shop, "base", 1, 100);
    shop_campaign(&shop, "triple", 3, 1);
    struct program_cap *cap = law_cap(&shop.law, "cap", 31, PER_EVENT);
    cap->covers = CAMPAIGN;
    cap->cover_count = 1;
    shop_start(&shop);
    earns("30 + 31", "ann", "O1", "a 30.00", 61);
    const struct explanation *why = shop_posting(&shop, POSTING_GRANT)->explanation;
    cr_assert_eq(why->part_count, 3);
    cr_assert_eq(why->parts[2].phase, EXPLANATION_CAP);
    cr_assert_eq(why->parts[2].points.units, -29);
    cap->cover_count = 0;
    cap->max = 45;
    shop_start(&shop);
    earns("45 of 90", "ann", "O2", "a 30.00", 45);
}

Test(law_earning, funders_have_lots_of_their_own)
{
    shop.funders[0] = (struct program_funder){.id = BYTES_LITERAL("acme")};
    shop.law.program.funder_count = 1;
    shop_rule(&shop, "base", 1, 100);
    shop_campaign(&shop, "double", 2, 1)->funder = 0;
    shop_start(&shop);
    earns("10 + 10", "ann", "O1", "a 10.00", 20);
    cr_assert_eq(shop_postings(&shop, POSTING_GRANT), 2);
    const struct posting *funded = shop_posting(&shop, POSTING_GRANT);
    cr_assert(bytes_equal(funded->funder, BYTES_LITERAL("acme")));
    cr_assert(bytes_equal(funded->rule, BYTES_LITERAL("double")));
    cr_assert_eq(funded->amount.units, 10);
}

/* ---- Pending ---- */

Test(law_earning, pending_after_a_delay)
{
    shop_rule(&shop, "base", 1, 100)->pending =
        (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    shop_start(&shop);
    earns("10", "ann", "O1", "a 10.00", 10);
    cr_assert_eq(shop_active(&shop, "ann"), 0);
    cr_assert_eq(shop_pending(&shop, "ann"), 10);
    rig_tick(&shop.law.rig, "2026-03-25T09:59:59.999Z");
    cr_assert_eq(shop_active(&shop, "ann"), 0);
    rig_tick(&shop.law.rig, "2026-03-25T10:00:00Z");
    cr_assert_eq(shop_active(&shop, "ann"), 10);
}

Test(law_earning, pending_until_a_date)
{
    shop_rule(&shop, "base", 1, 100)->pending =
        (struct program_pending){PENDING_UNTIL, {0}, rig_at("2026-04-01T00:00:00Z")};
    shop_start(&shop);
    earns("10", "ann", "O1", "a 10.00", 10);
    cr_assert_eq(shop_pending(&shop, "ann"), 10);
    rig_tick(&shop.law.rig, "2026-04-01T00:00:00Z");
    cr_assert_eq(shop_active(&shop, "ann"), 10);
    earns("the date is past: at once", "ann", "O2", "a 5.00", 5);
    cr_assert_eq(shop_active(&shop, "ann"), 15);
}

Test(law_earning, pending_until_delivered)
{
    shop_rule(&shop, "base", 1, 100)->pending =
        (struct program_pending){PENDING_DELIVERED, {30, CALENDAR_DAY}, {0}};
    shop_start(&shop);
    earns("10", "ann", "O1", "a 10.00", 10);
    earns("20", "ann", "O2", "a 20.00", 20);
    cr_assert_eq(shop_deliver(&shop, "ann", "O1"), VERDICT_ACCEPTED);
    cr_assert_eq(shop_active(&shop, "ann"), 10);
    cr_assert_eq(shop_deliver(&shop, "ann", "O1"), VERDICT_ACCEPTED, "told again");
    cr_assert_eq(shop_active(&shop, "ann"), 10);
    rig_tick(&shop.law.rig, "2026-04-10T10:00:00Z");
    cr_assert_eq(shop_pending(&shop, "ann"), 0, "O2 was not delivered by its deadline");
    cr_assert_eq(shop_moved(&shop, POSTING_CANCEL), 20);
    cr_assert_eq(shop_deliver(&shop, "ann", "O2"), VERDICT_ACCEPTED);
    cr_assert_eq(shop_active(&shop, "ann"), 10);
}

Test(law_earning, delivered_before_its_order)
{
    shop_rule(&shop, "base", 1, 100)->pending =
        (struct program_pending){PENDING_DELIVERED, {0, CALENDAR_DAY}, {0}};
    shop_start(&shop);
    cr_assert_eq(shop_deliver(&shop, "ann", "O1"), VERDICT_ACCEPTED);
    cr_assert(rig_outcome(&shop.law.rig)->waiting);
    struct member_view view;
    cr_assert(!rig_view(&shop.law.rig, "ann", &view) || view.status != 1, "nobody is enrolled");
    earns("10", "ann", "O1", "a 10.00", 10);
    cr_assert_eq(shop_active(&shop, "ann"), 10);
}

/* ---- Verdicts ---- */

Test(law_earning, what_does_not_fit_is_overflow)
{
    shop_rule(&shop, "base", INT64_MAX / 2, 1);
    shop_start(&shop);
    cr_assert_eq(shop_buy(&shop, "ann", "O1", "a 0.03"), VERDICT_OVERFLOW);
    cr_assert_eq(shop_buy(&shop, "ann", "O2", "a 0.02"), VERDICT_ACCEPTED);
    cr_assert_eq(shop_buy(&shop, "ann", "O3", "a 0.02"), VERDICT_OVERFLOW);
    cr_assert_eq(shop_buy(&shop, "ann", "O2", "a 0.02"), VERDICT_ORDER_EXISTS);
}
