/* The points law, §6 and the examples of §11 that are about returns: 2, 3, 4, 11, 14, 17, 18; each
 * with variations, whose answers are worked out beside them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/shop_rig.h"

static struct shop shop;

static void
open_shop(void)
{
    shop_open(&shop);
    law_at(&shop.law, "2026-03-11T10:00:00Z");
}

static void
close_shop(void)
{
    shop_close(&shop);
}

TestSuite(law_returns, .init = open_shop, .fini = close_shop);

/* The next row of a table begins in a new shop. */
static void
next_row(size_t row)
{
    if (row == 0) return;
    close_shop();
    open_shop();
}

static void
start_plain(void)
{
    shop_rule(&shop, "base", 1, 100);
    shop_start(&shop);
}

#define accept(call) cr_assert_eq(call, VERDICT_ACCEPTED)

static void
stands(const char *what, int64_t active, int64_t arrears)
{
    cr_assert_eq(shop_active(&shop, "ann"), active, "%s: active %lld", what,
                 (long long)shop_active(&shop, "ann"));
    cr_assert_eq(shop_arrears(&shop, "ann"), arrears, "%s: arrears %lld", what,
                 (long long)shop_arrears(&shop, "ann"));
}

/* ---- Example 2: the rule of the time counts ---- */

Test(law_returns, example_2_claw_back_after_a_rule_change)
{
    static const struct {
        const char *what;
        int64_t points, minor; /* the rate later; 0: the rule is removed */
        const char *refund;
        int64_t left;
    } ROWS[] = {
        {"2 per 1.00 by now: still -50", 2, 100, "50.00", 0},
        {"removed: still -50", 0, 0, "50.00", 0},
        {"half of it: -25", 2, 100, "25.00", 25},
        {"1 per 2.00 by now: -50", 1, 200, "50.00", 0},
        {"3 per 1.00 by now, 10.00 back: -10", 3, 100, "10.00", 40},
        {"removed, 0.01 back: 49.99 earns 49", 0, 0, "0.01", 49},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        next_row(i);
        start_plain();
        accept(shop_buy(&shop, "ann", "O1", "a 50.00"));
        if (ROWS[i].points == 0) {
            shop.law.program.rule_count = 0;
        } else {
            cr_assert(rate_make(ROWS[i].points, ROWS[i].minor, &shop.rules[0].rate));
        }
        shop_start(&shop);
        accept(shop_refund(&shop, "ann", "O1", "R1", ROWS[i].refund));
        stands(ROWS[i].what, ROWS[i].left, 0);
    }
}

/* ---- Example 3: partial refund after spend after partial expiry ---- */

/* A period of one month, to its month's end: A, of 20 December, is usable through 31 January, B, of
 * 20 January, through 28 February. */
Test(law_returns, example_3_expired_points_are_gone)
{
    shop.law.program.currencies[0].expiry = (struct program_expiry){
        .kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH, .round_up_to = CALENDAR_MONTH};
    law_at(&shop.law, "2025-12-20T10:00:00Z");
    start_plain();
    accept(shop_buy(&shop, "ann", "O1", "a 100.00"));
    law_at(&shop.law, "2026-01-20T10:00:00Z");
    accept(shop_buy(&shop, "ann", "O2", "a 60.00"));
    law_at(&shop.law, "2026-01-25T10:00:00Z");
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 80));
    stands("A 20, B 60", 80, 0);
    rig_tick(&shop.law.rig, "2026-02-01T00:00:00Z");
    stands("20 expired", 60, 0);
    law_at(&shop.law, "2026-02-05T10:00:00Z");
    accept(shop_refund(&shop, "ann", "O2", "R1", "30.00"));
    stands("B 30", 30, 0);
    law_at(&shop.law, "2026-02-06T10:00:00Z");
    accept(rig_event(&shop.law.rig,
                     (struct event){.kind = EVENT_CANCEL_REDEMPTION,
                                    .member = BYTES_LITERAL("ann"),
                                    .cancel_redemption.spend_id = BYTES_LITERAL("S1")}));
    stands("80 came back to A, and expired at once", 30, 0);
    law_at(&shop.law, "2026-02-10T10:00:00Z");
    accept(shop_refund(&shop, "ann", "O1", "R2", "100.00"));
    stands("all of A's 100 are gone by expiry", 30, 0);
}

/* Variations without a spend: lot A of 100 from January, B of 60 from February; on 5 February
 * O1 is refunded. All 100 of A expired. */
Test(law_returns, example_3_variations)
{
    static const struct {
        const char *what;
        int64_t spent; /* of A in January */
        const char *refund;
        int64_t active, arrears;
    } ROWS[] = {
        {"100 expired: nothing is left to claw", 0, "100.00", 60, 0},
        {"a part: nothing, too", 0, "40.00", 60, 0},
        {"50 spent, 50 expired; 40 asked, 50 may be: 60 - 40", 50, "40.00", 20, 0},
        {"50 spent, 50 expired; 100 asked, 50 may be: 60 - 50", 50, "100.00", 10, 0},
        {"all spent: 60 from B, 40 owed", 100, "100.00", 0, 40},
        {"90 spent, 10 expired: 90 asked of 60", 90, "100.00", 0, 30},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        next_row(i);
        shop.law.program.currencies[0].expiry = (struct program_expiry){
            .kind = EXPIRY_PERIOD, .unit = CALENDAR_MONTH, .round_up_to = CALENDAR_MONTH};
        law_at(&shop.law, "2026-01-20T10:00:00Z");
        start_plain();
        accept(shop_buy(&shop, "ann", "O1", "a 100.00"));
        if (ROWS[i].spent > 0) accept(rig_redeem(&shop.law.rig, "ann", "S1", ROWS[i].spent));
        law_at(&shop.law, "2026-02-05T10:00:00Z");
        accept(shop_buy(&shop, "ann", "O2", "a 60.00"));
        accept(shop_refund(&shop, "ann", "O1", "R1", ROWS[i].refund));
        stands(ROWS[i].what, ROWS[i].active, ROWS[i].arrears);
    }
}

/* ---- Example 4: arrears ---- */

Test(law_returns, example_4_arrears)
{
    static const struct {
        const char *what;
        enum arrears_policy policy;
        const char *order; /* earns; spent down to 50 first */
        int64_t spent;
        const char *refund, *next;
        int64_t active, arrears, after;
    } ROWS[] = {
        {"allow: 70 of 50, 20 owed, 30 - 20", ARREARS_ALLOW, "a 70.00", 20, "70.00", "a 30.00", 0,
         20, 10},
        {"within: 30", ARREARS_WITHIN_BALANCE, "a 70.00", 20, "70.00", "a 30.00", 0, 0, 30},
        {"only pending: nothing is touched", ARREARS_ONLY_PENDING, "a 70.00", 20, "70.00",
         "a 30.00", 50, 0, 80},
        {"allow, exactly the balance", ARREARS_ALLOW, "a 70.00", 20, "50.00", "a 30.00", 0, 0, 30},
        {"allow: the next does not cover it: 50 owed, 30 paid", ARREARS_ALLOW, "a 100.00", 50,
         "100.00", "a 30.00", 0, 50, 0},
        {"allow: a part, 60 of 50", ARREARS_ALLOW, "a 100.00", 50, "60.00", "a 30.00", 0, 10, 20},
        {"within: a part, 60 of 50", ARREARS_WITHIN_BALANCE, "a 100.00", 50, "60.00", "a 30.00", 0,
         0, 30},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        next_row(i);
        shop.law.program.returns.arrears = ROWS[i].policy;
        start_plain();
        accept(shop_buy(&shop, "ann", "O1", ROWS[i].order));
        accept(rig_redeem(&shop.law.rig, "ann", "S1", ROWS[i].spent));
        accept(shop_refund(&shop, "ann", "O1", "R1", ROWS[i].refund));
        stands(ROWS[i].what, ROWS[i].active, ROWS[i].arrears);
        accept(shop_buy(&shop, "ann", "O2", ROWS[i].next));
        cr_assert_eq(shop_active(&shop, "ann"), ROWS[i].after, "%s: after %lld", ROWS[i].what,
                     (long long)shop_active(&shop, "ann"));
    }
}

Test(law_returns, arrears_are_written_off_up_to_the_limit)
{
    shop.law.program.returns.write_off[0] = 15;
    start_plain();
    accept(shop_buy(&shop, "ann", "O1", "a 70.00"));
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 70));
    accept(shop_refund(&shop, "ann", "O1", "R1", "20.00"));
    stands("20 owed, 15 written off", 0, 5);
    accept(shop_refund(&shop, "ann", "O1", "R2", "10.00"));
    stands("10 more, all written off", 0, 5);
    cr_assert_eq(shop_moved(&shop, POSTING_WRITE_OFF), 25);
}

/* ---- Example 11: line-wise return ---- */

static const struct {
    enum claw_back method;
    int64_t points; /* of the 20.00 line, without bonus */
} METHODS[] = {{CLAW_RECOMPUTE, 20}, {CLAW_ITEM, 20}, {CLAW_VALUE_SHARE, 35}};

static void
example_11_shop(enum claw_back method)
{
    static const char *ten = "ten", *twenty = "twenty";
    shop.law.program.returns.method = method;
    shop_rule(&shop, "base", 1, 100);
    shop_flat(&shop, "bonus-10", 10)->filter.categories = shop_only(&ten);
    shop_flat(&shop, "bonus-20", 20)->filter.categories = shop_only(&twenty);
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 10.00 ten, b 10.00 twenty, c 20.00"));
    cr_assert_eq(law_paid(&shop.law), 70);
}

Test(law_returns, example_11_a_line_is_returned)
{
    for (size_t i = 0; i < 3; i++) {
        next_row(i);
        example_11_shop(METHODS[i].method);
        accept(shop_refund(&shop, "ann", "O1", "R1", "c 20.00"));
        cr_assert_eq(law_paid(&shop.law), METHODS[i].points);
    }
}

Test(law_returns, example_11_variations)
{
    static const struct {
        const char *what, *refund;
        int64_t claws[3]; /* recompute, item, value_share */
    } ROWS[] = {
        /* 10 + 10 of the line; value: 70 x 1/4 = 17.5, 52.5 stays, 52 */
        {"the line of the bonus of 10", "a 10.00", {20, 20, 18}},
        /* 10 + 20; as above */
        {"the line of the bonus of 20", "b 10.00", {30, 30, 18}},
        /* recompute: the bonus stays with a part of its line, 5; item: half of 20; value: 70/8 =
         * 8.75, 61.25 stays, 61 */
        {"half of a line", "a 5.00", {5, 10, 9}},
        /* recompute: 30 kept earns 30 and 30 bonus; item: lines (20, 30, 20) keep 3/4: 52.5, 52;
         * value: 52.5, 52 */
        {"10.00 of the whole, spread 2.50, 2.50, 5.00", "10.00", {10, 18, 18}},
        {"all of it", "40.00", {70, 70, 70}},
        {"a and b: 30 + 20 kept 20; value half", "a 10.00, b 10.00", {50, 50, 35}},
    };
    size_t row = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        for (size_t m = 0; m < 3; m++) {
            next_row(row++);
            example_11_shop(METHODS[m].method);
            accept(shop_refund(&shop, "ann", "O1", "R1", ROWS[i].refund));
            cr_assert_eq(law_paid(&shop.law), ROWS[i].claws[m], "%s, method %zu: %lld",
                         ROWS[i].what, m, (long long)law_paid(&shop.law));
        }
    }
}

/* However a return is cut, the last one takes the remainder. */
Test(law_returns, the_last_refund_takes_the_remainder)
{
    for (size_t m = 0; m < 3; m++) {
        next_row(m);
        example_11_shop(METHODS[m].method);
        accept(shop_refund(&shop, "ann", "O1", "R1", "3.33"));
        accept(shop_refund(&shop, "ann", "O1", "R2", "a 1.17"));
        accept(shop_refund(&shop, "ann", "O1", "R3", "13.37"));
        accept(shop_refund(&shop, "ann", "O1", "R4", "22.13"));
        stands("all is returned", 0, 0);
        cr_assert_eq(shop_moved(&shop, POSTING_CLAW_BACK), 70);
    }
}

/* Recompute: bands, campaigns, tiers and the caps' room are those of the original. */
Test(law_returns, recompute_judges_what_is_kept_as_it_was_judged)
{
    static const struct program_band BANDS[] = {{10000, {1, 100}}, {INT64_MAX, {1, 50}}};
    shop_bands(&shop, "bands", BANDS_CLIFF, BANDS, 2);
    struct program_campaign *campaign = shop_campaign(&shop, "double", 2, 1);
    law_cap(&shop.law, "cap", 450, PER_MONTH);
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 60.00, b 60.00"));
    cr_assert_eq(law_paid(&shop.law), 450, "2 x 2 x 120 = 480, capped");
    campaign->factor = (struct rate){9, 1};
    shop_start(&shop);
    accept(shop_refund(&shop, "ann", "O1", "R1", "b 10.00"));
    cr_assert_eq(law_paid(&shop.law), 10, "2 x 2 x 110 = 440 stays");
    accept(shop_refund(&shop, "ann", "O1", "R2", "b 10.00"));
    cr_assert_eq(law_paid(&shop.law), 240, "2 x 100 = 200 stays");
}

/* ---- Example 14: regressions (points) ---- */

Test(law_returns, example_14_regressions)
{
    start_plain();
    accept(shop_buy(&shop, "ann", "O1", "a 50.00"));
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 50));
    accept(shop_buy(&shop, "ann", "O2", "a 21.00"));
    accept(shop_cancel(&shop, "ann", "O2"));
    stands("+50, spend 50, +21, cancel -21", 0, 0);
}

Test(law_returns, example_14_an_instant_of_a_used_lot)
{
    shop.law.program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 10, .unit = CALENDAR_DAY};
    start_plain();
    accept(shop_buy(&shop, "ann", "O1", "a 100.00"));
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 100));
    law_at(&shop.law, "2026-03-15T10:00:00Z");
    accept(shop_buy(&shop, "ann", "O2", "a 80.00"));
    rig_tick(&shop.law.rig, "2026-03-21T10:00:00Z");
    stands("the first lot's instant passes", 80, 0);
    rig_tick(&shop.law.rig, "2026-03-25T09:59:59.999Z");
    stands("the second's has not", 80, 0);
    rig_tick(&shop.law.rig, "2026-03-25T10:00:00Z");
    stands("it has", 0, 0);
}

/* ---- Example 17: refund first ---- */

Test(law_returns, example_17_refund_first)
{
    static const struct {
        const char *what, *order;
        const char *refunds[2];
        int64_t active;
    } ROWS[] = {
        {"30.00 of 100.00", "a 100.00", {"30.00", NULL}, 70},
        {"all", "a 100.00", {"100.00", NULL}, 0},
        {"two", "a 100.00", {"30.00", "20.00"}, 50},
        {"more than was paid is clamped", "a 100.00", {"130.00", NULL}, 0},
        {"by line", "a 60.00, b 40.00", {"b 40.00", NULL}, 60},
        {"a line it does not have is spread", "a 60.00, b 40.00", {"z 50.00", NULL}, 50},
    };
    size_t row = 0;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        for (int first = 0; first < 2; first++) {
            next_row(row++);
            start_plain();
            if (first == 0) accept(shop_buy(&shop, "ann", "O9", ROWS[i].order));
            for (size_t k = 0; k < 2 && ROWS[i].refunds[k] != NULL; k++) {
                const char *id = k == 0 ? "R1" : "R2";
                accept(shop_refund(&shop, "ann", "O9", id, ROWS[i].refunds[k]));
                cr_assert_eq(rig_outcome(&shop.law.rig)->waiting, first == 1);
            }
            if (first == 1) accept(shop_buy(&shop, "ann", "O9", ROWS[i].order));
            stands(ROWS[i].what, ROWS[i].active, 0);
        }
    }
}

Test(law_returns, a_cancellation_before_its_order)
{
    start_plain();
    accept(shop_cancel(&shop, "ann", "O9"));
    accept(shop_cancel(&shop, "ann", "O9"));
    accept(shop_buy(&shop, "ann", "O9", "a 100.00"));
    stands("cancelled", 0, 0);
    cr_assert_eq(shop_cancel(&shop, "ann", "O9"), VERDICT_ORDER_CANCELLED);
}

Test(law_returns, what_waits_in_vain_is_told_of_and_stays_noted)
{
    start_plain();
    accept(shop_refund(&shop, "ann", "O9", "R1", "30.00"));
    accept(shop_refund(&shop, "ann", "O9", "R1", "30.00"));
    cr_assert_eq(shop_refund(&shop, "ann", "O9", "R1", "31.00"), VERDICT_CONFLICTING_REFUND);
    rig_tick(&shop.law.rig, "2026-04-10T09:59:59.999Z");
    cr_assert_eq(law_notices(&shop.law, NOTICE_UNKNOWN_ORDER), 0);
    rig_tick(&shop.law.rig, "2026-04-10T10:00:00Z");
    cr_assert_eq(law_notices(&shop.law, NOTICE_UNKNOWN_ORDER), 1, "once");
    const struct notice *notice = law_notice(&shop.law, NOTICE_UNKNOWN_ORDER, 0);
    cr_assert(bytes_equal(notice->unknown_order.order_id, BYTES_LITERAL("O9")));
    cr_assert(bytes_equal(notice->unknown_order.refund_id, BYTES_LITERAL("R1")));
    accept(shop_buy(&shop, "ann", "O9", "a 100.00"));
    stands("it still counts", 70, 0);
}

/* ---- Example 18: cumulative and delta ---- */

/* Deltas 10.00, 15.00 and "so far" 10.00, 25.00 in every order, with repeats: -25. */
Test(law_returns, example_18_cumulative_and_delta)
{
    static const char *const STORIES[] = {"d1 d2 s1 s2", "s1 d1 s2 d2", "s2 s1 d2 d1",
                                          "d2 d2 s1 d1", "s2 d1 d1 s2", "d1 s1 d2 s2 s1 d1"};
    for (size_t i = 0; i < sizeof STORIES / sizeof STORIES[0]; i++) {
        next_row(i);
        start_plain();
        accept(shop_buy(&shop, "ann", "O1", "a 40.00, b 60.00"));
        for (const char *at = STORIES[i]; *at != 0; at += at[2] == 0 ? 2 : 3) {
            bool delta = at[0] == 'd', first = at[1] == '1';
            accept(delta ? shop_refund(&shop, "ann", "O1", first ? "R1" : "R2",
                                       first ? "10.00" : "15.00")
                         : shop_so_far(&shop, "ann", "O1", first ? "10.00" : "25.00"));
        }
        stands(STORIES[i], 75, 0);
    }
}

/* By line and for the order: a total of the order includes what is told by line. */
Test(law_returns, example_18_by_line)
{
    static const struct {
        const char *what, *first, *second; /* "=" in front: so far */
        int64_t active;                    /* of a 40.00 and b 60.00, b at 2 per 1.00: 160 */
    } ROWS[] = {
        {"the order's total names the line's delta, too", "a 10.00", "=10.00", 150},
        {"what it has beyond is spread over what is left (30, 60): 5 and 10", "a 10.00", "=25.00",
         125},
        {"the order's total first: 10 and 15; then 25 of a by line: nothing is left to spread",
         "=25.00", "=a 25.00", 135},
        {"a line's total falls never", "=a 25.00", "=a 10.00", 135},
        {"delta by line after its total", "=a 10.00", "a 10.00", 150},
        {"a line's delta and a delta of the order add: 10, and 15 as 5 and 10", "a 10.00", "15.00",
         125},
    };
    static const char *two = "two";
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        next_row(i);
        shop_rule(&shop, "base", 1, 100);
        shop_rule(&shop, "two", 2, 100)->filter.categories = shop_only(&two);
        shop_start(&shop);
        accept(shop_buy(&shop, "ann", "O1", "a 40.00, b 60.00 two"));
        const char *told[] = {ROWS[i].first, ROWS[i].second};
        for (size_t k = 0; k < 2; k++) {
            accept(told[k][0] == '='
                       ? shop_so_far(&shop, "ann", "O1", told[k] + 1)
                       : shop_refund(&shop, "ann", "O1", k == 0 ? "R1" : "R2", told[k]));
        }
        stands(ROWS[i].what, ROWS[i].active, 0);
    }
}

/* ---- Restore ---- */

/* a 40.00 and b 60.00, b earns nothing. 50.00 of the order: 20.00 of a, 20 clawed. Then b 50.00 by
 * line: all 50.00 are b's, so 20 come back. */
static void
restore_shop(void)
{
    static const char *one = "one";
    shop_rule(&shop, "base", 1, 100)->filter.categories = shop_only(&one);
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 40.00 one, b 60.00"));
}

Test(law_returns, a_new_picture_gives_back)
{
    restore_shop();
    accept(shop_so_far(&shop, "ann", "O1", "50.00"));
    stands("40 - 20", 20, 0);
    accept(shop_so_far(&shop, "ann", "O1", "b 50.00"));
    stands("back", 40, 0);
    cr_assert_eq(shop_moved(&shop, POSTING_RESTORE), 20);
}

Test(law_returns, what_was_owed_is_owed_no_more)
{
    restore_shop();
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 40));
    accept(shop_so_far(&shop, "ann", "O1", "50.00"));
    stands("20 owed", 0, 20);
    accept(shop_so_far(&shop, "ann", "O1", "b 50.00"));
    stands("nothing", 0, 0);
}

Test(law_returns, what_was_owed_and_repaid_comes_back)
{
    restore_shop();
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 40));
    accept(shop_so_far(&shop, "ann", "O1", "50.00"));
    accept(shop_buy(&shop, "ann", "O2", "a 15.00 one"));
    stands("15 of 20 are repaid", 0, 5);
    accept(shop_so_far(&shop, "ann", "O1", "b 50.00"));
    stands("5 are owed no more, 15 go to the order's first lot", 15, 0);
    cr_assert_eq(shop_posting(&shop, POSTING_RESTORE)->lot.index, 0);
    cr_assert_eq(shop_posting(&shop, POSTING_RESTORE)->amount.units, 15);
}

Test(law_returns, what_was_taken_from_another_lot_goes_back_there)
{
    restore_shop();
    accept(rig_redeem(&shop.law.rig, "ann", "S1", 30));
    accept(shop_buy(&shop, "ann", "O2", "a 15.00 one"));
    accept(shop_so_far(&shop, "ann", "O1", "50.00"));
    stands("10 of its own, 10 of O2's", 5, 0);
    accept(shop_so_far(&shop, "ann", "O1", "b 40.00"));
    stands("10 are left to spread over (40, 20): 6.67, so 7 back to O2's and 6 to its own", 18, 0);
}

/* Forfeited points are no cancelled ones: what comes back to their lot stays. */
Test(law_returns, what_comes_back_after_a_closing_is_active)
{
    static const enum event_kind changes[] = {EVENT_CLOSE, EVENT_REOPEN};
    restore_shop();
    accept(shop_so_far(&shop, "ann", "O1", "50.00"));
    for (size_t i = 0; i < 2; i++) {
        struct event change = {.kind = changes[i], .member = BYTES_LITERAL("ann")};
        accept(rig_event(&shop.law.rig, change));
    }
    stands("20 forfeited", 0, 0);
    accept(shop_so_far(&shop, "ann", "O1", "b 50.00"));
    stands("20 back", 20, 0);
}

Test(law_returns, what_expired_meanwhile_expires_at_once)
{
    shop.law.program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 10, .unit = CALENDAR_DAY};
    restore_shop();
    accept(shop_so_far(&shop, "ann", "O1", "50.00"));
    law_at(&shop.law, "2026-03-22T00:00:00Z");
    accept(shop_so_far(&shop, "ann", "O1", "b 50.00"));
    stands("20 expired with the lot, 20 at once", 0, 0);
    cr_assert_eq(shop_moved(&shop, POSTING_EXPIRE), 40);
}

/* ---- From where ---- */

Test(law_returns, pending_points_go_first)
{
    shop_rule(&shop, "base", 1, 100);
    shop_rule(&shop, "later", 1, 100)->pending =
        (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    shop.law.program.line_combine = COMBINE_SUM;
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 30.00"));
    stands("30 active, 30 pending", 30, 0);
    accept(shop_refund(&shop, "ann", "O1", "R1", "20.00"));
    stands("40: all 30 pending, 10 active", 20, 0);
    cr_assert_eq(shop_pending(&shop, "ann"), 0);
}

Test(law_returns, only_pending_touches_only_pending)
{
    shop.law.program.returns.arrears = ARREARS_ONLY_PENDING;
    shop_rule(&shop, "base", 1, 100)->pending =
        (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 30.00"));
    accept(shop_refund(&shop, "ann", "O1", "R1", "10.00"));
    cr_assert_eq(shop_pending(&shop, "ann"), 20);
    rig_tick(&shop.law.rig, "2026-03-25T10:00:00Z");
    accept(shop_refund(&shop, "ann", "O1", "R2", "20.00"));
    stands("they are active by now", 20, 0);
    const struct outcome_amount *amount = &rig_outcome(&shop.law.rig)->amounts[0];
    cr_assert_eq(amount->requested.units, 20);
    cr_assert_eq(amount->granted.units, 0);
    cr_assert_eq(amount->dropped.units, 20);
}

Test(law_returns, cancelled_points_are_not_clawed_again)
{
    shop_rule(&shop, "base", 1, 100)->pending =
        (struct program_pending){PENDING_DELIVERED, {10, CALENDAR_DAY}, {0}};
    shop_rule(&shop, "now", 1, 100);
    shop.law.program.line_combine = COMBINE_SUM;
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 30.00"));
    rig_tick(&shop.law.rig, "2026-03-21T10:00:00Z");
    stands("30 cancelled, 30 active", 30, 0);
    accept(shop_refund(&shop, "ann", "O1", "R1", "10.00"));
    stands("20 of the 30 that are left", 10, 0);
    accept(shop_refund(&shop, "ann", "O1", "R2", "20.00"));
    stands("the rest", 0, 0);
}

/* ---- Caps, tiers and awards ---- */

Test(law_returns, caps_get_back_what_is_clawed_back)
{
    for (int gives = 0; gives < 2; gives++) {
        next_row((size_t)gives);
        shop_rule(&shop, "base", 1, 100);
        law_cap(&shop.law, "monthly", 100, PER_MONTH)->gives_back = gives == 1;
        shop_start(&shop);
        accept(shop_buy(&shop, "ann", "O1", "a 80.00"));
        accept(shop_buy(&shop, "ann", "O2", "a 50.00"));
        cr_assert_eq(law_paid(&shop.law), 20);
        accept(shop_refund(&shop, "ann", "O1", "R1", "30.00"));
        accept(shop_buy(&shop, "ann", "O3", "a 50.00"));
        cr_assert_eq(law_paid(&shop.law), gives == 1 ? 30 : 0, "an earlier one is not re-opened");
    }
}

Test(law_returns, after_earning_stays_while_anything_is_kept)
{
    shop_rule(&shop, "base", 1, 100);
    law_award(&shop.law, "fifty", AWARD_BALANCE, 50)->balance = 100;
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 100.00"));
    stands("100 + 50", 150, 0);
    accept(shop_refund(&shop, "ann", "O1", "R1", "99.99"));
    stands("0.01 is kept", 50, 0);
    accept(shop_refund(&shop, "ann", "O1", "R2", "0.01"));
    stands("nothing is", 0, 0);
}

/* Tier value by a spend metric of 100.00 for silver, at a review after the year: it follows the
 * refund, or stays until the period ends. */
Test(law_returns, tier_value_follows_the_refund_or_stays)
{
    for (int keeps = 0; keeps < 2; keeps++) {
        next_row((size_t)keeps);
        shop.law.program.returns.keeps_tier_value = keeps == 1;
        shop.law.program.groups[0] = (struct program_group){
            .id = BYTES_LITERAL("club"),
            .metrics = {{.kind = METRIC_SPEND,
                         .money = RIG_GBP,
                         .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                         .mission = PROGRAM_NONE}},
            .metric_count = 1,
            .window = WINDOW_CALENDAR_YEAR,
            .upgrade = UPGRADE_IMMEDIATE,
            .downgrade = DOWNGRADE_TO_QUALIFIED,
            .levels = {{BYTES_LITERAL("basic"), {0}, {1, 1}},
                       {BYTES_LITERAL("silver"), {10000}, {1, 1}}},
            .level_count = 2,
        };
        shop.law.program.group_count = 1;
        start_plain();
        accept(shop_buy(&shop, "ann", "O1", "a 100.00"));
        cr_assert(rig_level_is(&shop.law.rig, "ann", "silver"));
        accept(shop_refund(&shop, "ann", "O1", "R1", "0.01"));
        cr_assert(rig_level_is(&shop.law.rig, "ann", "silver"), "never before its review");
        rig_tick(&shop.law.rig, "2027-01-01T00:00:00Z");
        cr_assert(rig_level_is(&shop.law.rig, "ann", keeps == 1 ? "silver" : "basic"));
    }
}

/* ---- Refunds that name no order ---- */

Test(law_returns, loose_refunds_claw_back_what_base_rules_give)
{
    static const struct program_band BANDS[] = {{10000, {1, 100}}, {INT64_MAX, {1, 50}}};
    shop_bands(&shop, "bands", BANDS_CLIFF, BANDS, 2);
    shop_flat(&shop, "bonus", 7);
    shop_campaign(&shop, "double", 2, 1);
    shop_start(&shop);
    accept(shop_buy(&shop, "ann", "O1", "a 300.00"));
    stands("2 x 2 x 300 + 7", 1207, 0);
    accept(shop_refund(&shop, "ann", "", "R1", "50.00"));
    stands("50 by the first band", 1157, 0);
    accept(shop_refund(&shop, "ann", "", "R1", "50.00"));
    stands("told again", 1157, 0);
    cr_assert_eq(shop_refund(&shop, "ann", "", "R1", "51.00"), VERDICT_CONFLICTING_REFUND);
    accept(shop_refund(&shop, "ann", "", "R2", "200.00"));
    stands("2 x 200 by the second", 757, 0);
}

/* ---- Notices and verdicts ---- */

Test(law_returns, what_is_told_beyond_what_was_paid_is_reported)
{
    start_plain();
    accept(shop_buy(&shop, "ann", "O1", "a 40.00, b 60.00"));
    accept(shop_refund(&shop, "ann", "O1", "R1", "100.00"));
    cr_assert_eq(law_notices(&shop.law, NOTICE_REFUND_CLAMPED), 0);
    accept(shop_refund(&shop, "ann", "O1", "R2", "5.00"));
    cr_assert_eq(law_notices(&shop.law, NOTICE_REFUND_CLAMPED), 1);
    const struct notice *notice = law_notice(&shop.law, NOTICE_REFUND_CLAMPED, 0);
    cr_assert_eq(notice->refund_clamped.reported_minor, 10500);
    cr_assert_eq(notice->refund_clamped.paid_minor, 10000);
    accept(shop_refund(&shop, "ann", "O1", "R2", "5.00"));
    cr_assert_eq(law_notices(&shop.law, NOTICE_REFUND_CLAMPED), 1, "told again");
    stands("nothing is left", 0, 0);
}

Test(law_returns, paid_excludes_points_and_gift_cards)
{
    shop_rule(&shop, "base", 1, 100);
    shop_start(&shop);
    struct event event = {.member = BYTES_LITERAL("ann")};
    event.purchase.order_id = BYTES_LITERAL("O1");
    event.purchase.points_tender_minor = 4000;
    accept(shop_buy_event(&shop, event, "a 40.00, b 60.00"));
    stands("60.00 are eligible", 60, 0);
    accept(shop_refund(&shop, "ann", "O1", "R1", "60.00"));
    stands("all that was paid", 0, 0);
}

/* ---- Properties ---- */

/* Whatever the refunds, telling the order last ends in the same ledger. */
Test(law_returns, refund_first_is_refund_after)
{
    uint64_t seed = 20261124;
    for (int round = 0; round < 40; round++) {
        int64_t ends[2];
        char what[4][48];
        for (int k = 0; k < 4; k++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            unsigned pick = (unsigned)(seed >> 40) % 3, cents = (unsigned)(seed >> 20) % 4000;
            const char *line = pick == 0 ? "a " : pick == 1 ? "b " : "";
            snprintf(what[k], sizeof what[k], "%s%u.%02u", line, cents / 100, cents % 100);
        }
        for (int first = 0; first < 2; first++) {
            next_row((size_t)(2 * round + first));
            shop.law.program.returns.method = METHODS[round % 3].method;
            static const char *two = "two";
            shop_rule(&shop, "base", 1, 100);
            shop_rule(&shop, "two", 7, 300)->filter.categories = shop_only(&two);
            shop_flat(&shop, "bonus", 5);
            shop_start(&shop);
            if (first == 0) accept(shop_buy(&shop, "ann", "O1", "a 33.33, b 44.10 two, c 10.00"));
            for (int k = 0; k < 4; k++) {
                char id[4] = {'R', (char)('0' + k), 0};
                accept(k == 3 ? shop_so_far(&shop, "ann", "O1", what[k])
                              : shop_refund(&shop, "ann", "O1", id, what[k]));
            }
            if (first == 1) accept(shop_buy(&shop, "ann", "O1", "a 33.33, b 44.10 two, c 10.00"));
            ends[first] = shop_active(&shop, "ann");
            cr_assert_eq(shop_arrears(&shop, "ann"), 0);
        }
        cr_assert_eq(ends[0], ends[1], "round %d: %lld, %lld", round, (long long)ends[0],
                     (long long)ends[1]);
    }
}
