/* Spending, holds and undoing (semantics §5, and §11 examples 1, 3, 14 and 15 with variations).
 * Figures are worked out by hand in the comments beside the stories. */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "tests/unit/story.h"

struct told {
    const char *what, *text;
};

static struct program program;

/* Points 1 per 1.00; lots of orders live to the end of the month after the one in which they were
 * earned; what is granted by hand as it says itself. */
static void
begin(void)
{
    program = rig_program();
    program.currencies[0].expiry = (struct program_expiry){
        .kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH, .round_up_to = CALENDAR_MONTH};
}

TestSuite(law_spending, .init = begin);

static void
tell_all(const struct told *stories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *complaint = story_run(&program, stories[i].text);
        cr_expect(complaint == NULL, "%s: %s", stories[i].what, complaint);
    }
}

#define TELL(stories) tell_all(stories, sizeof(stories) / sizeof(stories)[0])

/* ---- Spend order: example 1 ---- */

Test(law_spending, soonest_expiry_goes_first)
{
    static const struct told stories[] = {
        {"example 1: Y expires and goes first, X is left",
         "01-01 grant X 100\n"
         "02-01 grant Y 100 until 03-01\n"
         "02-15 spend S1 100   | active 100 outcome 100 > redeem 100\n"
         "03-01 tick           | active 100 >"},
        {"150 take all of Y and 50 of X",
         "01-01 grant X 100\n"
         "02-01 grant Y 100 until 03-01\n"
         "02-15 spend S1 150   | active 50 > redeem 100 redeem 50\n"
         "03-01 tick           | active 50 >"},
        {"30 of Y: what is left of it, 70, expires",
         "01-01 grant X 100\n"
         "02-01 grant Y 100 until 03-01\n"
         "02-15 spend S1 30    | active 170 > redeem 30\n"
         "03-01 tick           | active 100 > expire 70"},
        {"the order of arrival is of no matter", "01-01 grant Y 100 until 03-01\n"
                                                 "02-01 grant X 100\n"
                                                 "02-15 spend S1 100   | active 100 > redeem 100\n"
                                                 "03-01 tick           | active 100 >"},
        {"a millisecond before its instant Y is spent, from it on X is",
         "01-01 grant X 100\n"
         "01-01 grant Y 100 until 03-01 05:00\n"
         "03-01 04:59:59.999 spend S1 60 | active 140 > redeem 60\n"
         "03-01 05:00 spend S2 60        | active 40 > expire 40 redeem 60"},
        {"without a grace a spend that arrives late finds what is there by then",
         "01-01 grant X 100\n"
         "02-01 grant Y 100 until 03-01\n"
         "03-02 spend S1 100 @ 02-28     | active 0 > expire 100 redeem 100"},
        {"of two that expire together the one that was earned first",
         "01-05 grant A 50 until 03-01\n"
         "01-06 grant B 70 until 03-01 \n"
         "02-01 spend S1 60    | active 60 > redeem 50 redeem 10"},
        {"and earned is when it occurred",
         "01-05 grant A 50 until 03-01\n"
         "01-06 grant B 70 until 03-01 @ 01-04\n"
         "02-01 spend S1 60    | active 60 > redeem 60\n"
         "02-01 spend S2 20    | active 40 > redeem 10 redeem 10"},
        {"of two that are alike in that the lot that was made first",
         "01-05 grant A 50 until 03-01\n"
         "01-05 grant B 70 until 03-01\n"
         "02-01 spend S1 60    | active 60 > redeem 50 redeem 10"},
        {"a spend beyond the balance moves nothing",
         "01-05 grant A 50\n"
         "02-01 spend S1 51    | insufficient_points active 50 >\n"
         "02-01 spend S2 50    | active 0 > redeem 50"},
    };
    TELL(stories);
}

/* ---- Undoing: example 3 ---- */

/* A: order O1 of 20 December, 100.00, usable through 31 January. B: order O2 of 10 January, 60.00,
 * usable through 28 February. */
Test(law_spending, what_is_undone_goes_back_with_its_dates)
{
    static const struct told stories[] = {
        {"example 3", "01-02 buy O1 100 @ 2025-12-20 | active 100\n"
                      "01-10 buy O2 60     | active 160\n"
                      "01-25 spend S1 80   | active 80 > redeem 80\n"
                      "02-01 tick          | active 60 > expire 20\n"
                      "02-05 refund O2 R1 30 | active 30 > claw_back 30\n"
                      "02-06 undo S1       | active 30 outcome 80 > undo 80 expire 80\n"
                      "02-10 refund O1 R2 100 | active 30 arrears 0 >"},
        {"undone before the instant: 80 live, and expire with the 20",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 80\n"
         "01-26 undo S1       | active 160 > undo 80\n"
         "02-01 tick          | active 60 > expire 100"},
        {"120 of both: the last allocated, 20 of B, come first",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 120  | active 40 > redeem 100 redeem 20\n"
         "02-06 undo S1       | active 60 > undo 20 undo 100 expire 100"},
        {"in part: 20 of B and 10 of A, then what is left, then nothing",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 120  | active 40\n"
         "01-30 undo S1 30    | active 70 outcome 30 > undo 20 undo 10\n"
         "01-30 undo S1 91    | spend_undone active 70 >\n"
         "02-06 undo S1       | active 60 > expire 10 undo 90 expire 90\n"
         "02-06 undo S1       | spend_undone >\n"
         "02-06 undo S1 1     | spend_undone >"},
        {"O1 returned first: its arrears of 20 meet its points, 60 live",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 80   | active 80\n"
         "01-26 refund O1 R1 100 | active 0 arrears 20 > claw_back 20 claw_back 60 owe 20\n"
         "01-27 undo S1       | active 60 arrears 0 > undo 80 repay 20"},
        {"and after the instant: own arrears before expiry",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 80\n"
         "01-26 refund O1 R1 100 | active 0 arrears 20\n"
         "02-06 undo S1       | active 0 arrears 0 > undo 80 repay 20 expire 60"},
        {"the arrears of another order only after expiry",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 160  | active 0\n"
         "01-26 refund O2 R1 30 | arrears 30 > owe 30\n"
         "02-06 undo S1       | active 30 arrears 0 > undo 60 repay 30 undo 100 expire 100"},
        {"in time it is paid by whatever comes first",
         "01-02 buy O1 100 @ 2025-12-20\n"
         "01-10 buy O2 60\n"
         "01-25 spend S1 80   | active 80\n"
         "01-25 spend S2 80   | active 0\n"
         "01-26 refund O2 R1 30 | arrears 30\n"
         "01-27 undo S1       | active 50 arrears 0 > undo 80 repay 30"},
    };
    TELL(stories);
}

Test(law_spending, what_was_noted_is_met_first)
{
    static const struct told stories[] = {
        {"90 were dropped within the balance: noted, and taken of what is undone",
         "01-10 buy O1 100\n"
         "01-11 spend S1 90   | active 10\n"
         "01-12 refund O1 R1 100 | active 0 arrears 0 > claw_back 10\n"
         "01-13 undo S1 50    | active 0 > undo 50 claw_back 50\n"
         "01-14 undo S1       | active 0 > undo 40 claw_back 40\n"
         "01-15 buy O2 10     | active 10"},
        {"of what is released, to any lot",
         "01-10 buy O1 100\n"
         "01-10 grant A 30 until 01-20\n"
         "01-11 hold H1 30 for 100000 | active 100 held 30\n"
         "01-11 spend S1 90   | active 10\n"
         "01-12 refund O1 R1 100 | active 0\n"
         "01-13 release H1    | active 0 held 0 > release 30 claw_back 30\n"
         "01-14 undo S1       | active 30 > undo 90 claw_back 60"},
    };
    program.returns.arrears = ARREARS_WITHIN_BALANCE;
    TELL(stories);
}

Test(law_spending, a_restore_grace_gives_a_new_instant)
{
    static const struct told stories[] = {
        {"seven days from the undo's journal time",
         "01-01 grant A 100 until 02-01\n"
         "01-25 spend S1 80   | active 20\n"
         "02-06 10:00 undo S1 @ 02-05 | active 80 > expire 20 undo 80\n"
         "02-13 09:59 tick    | active 80 >\n"
         "02-13 10:00 tick    | active 0 > expire 80"},
        {"what comes in time keeps its own", "01-01 grant A 100 until 02-01\n"
                                             "01-25 spend S1 80\n"
                                             "01-31 undo S1       | active 100\n"
                                             "02-01 tick          | active 0 > expire 100"},
        {"undone again after it, it lives again",
         "01-01 grant A 100 until 02-01\n"
         "01-25 spend S1 80\n"
         "02-06 undo S1 30    | active 30\n"
         "02-14 undo S1 50    | active 50 > expire 30 undo 50\n"
         "02-21 tick          | active 0 > expire 50"},
        {"spent anew, and undone in its new time, it keeps the new instant",
         "01-01 grant A 100 until 02-01\n"
         "01-25 spend S1 100\n"
         "02-06 undo S1       | active 100\n"
         "02-07 spend S2 100  | active 0\n"
         "02-08 undo S2       | active 100 > undo 100\n"
         "02-13 tick          | active 0 > expire 100"},
        {"a hold that is released has none",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 60\n"
         "02-01 release H1    | active 0 > expire 40 release 60 expire 60"},
    };
    program.spending.restore_grace_ms = 7 * CALENDAR_DAY_MS;
    TELL(stories);
}

/* ---- Regressions: example 14 ---- */

Test(law_spending, regressions_found_in_other_systems)
{
    static const struct told stories[] = {
        {"example 14: +50, spend 50, +21, cancel -21, undo the spend",
         "01-10 buy O1 50     | active 50\n"
         "01-10 spend S1 50   | active 0\n"
         "01-10 buy O2 21     | active 21\n"
         "01-10 refund O2 R1 21 | active 0 arrears 0\n"
         "01-10 undo S1       | active 50"},
        {"example 14: credit 100, spend 100, credit 80, the first lot's instant passes",
         "01-10 grant A 100 until 02-01\n"
         "01-11 spend S1 100\n"
         "01-12 grant B 80\n"
         "02-01 tick          | active 80 >"},
        {"example 14: six holds of 1,000 on 5,000",
         "01-10 grant A 5000\n"
         "01-10 hold H1 1000\n"
         "01-10 hold H2 1000\n"
         "01-10 hold H3 1000\n"
         "01-10 hold H4 1000\n"
         "01-10 hold H5 1000  | active 0 held 5000\n"
         "01-10 hold H6 1000  | insufficient_points active 0 held 5000 >"},
        {"the sixth succeeds once one of the five has timed out",
         "01-10 grant A 5000\n"
         "01-10 hold H1 1000\n"
         "01-10 hold H2 4000\n"
         "01-10 00:14:59.999 hold H3 1000 | insufficient_points >\n"
         "01-10 00:15 hold H4 5000 | active 0 held 5000 > release 1000 release 4000 hold 5000"},
        {"cancel first, then undo: -21 is taken from what is there",
         "01-10 buy O1 50\n"
         "01-10 buy O2 21     | active 71\n"
         "01-10 spend S1 50   | active 21\n"
         "01-10 refund O2 R1 21 | active 0 arrears 0\n"
         "01-10 undo S1       | active 50"},
        {"spend all of both, cancel, undo: the order's arrears meet its own points",
         "01-10 buy O1 50\n"
         "01-10 buy O2 21\n"
         "01-10 spend S1 71   | active 0\n"
         "01-10 refund O2 R1 21 | arrears 21\n"
         "01-10 undo S1       | active 50 arrears 0 > undo 21 repay 21 undo 50"},
        {"the first lot's instant passes while half of it is spent",
         "01-10 grant A 100 until 02-01\n"
         "01-11 spend S1 50\n"
         "01-12 grant B 80\n"
         "02-01 tick          | active 80 > expire 50\n"
         "02-02 undo S1       | active 80 > undo 50 expire 50"},
        {"one id, one spend: two of 60 from 100 with one id, and two with two",
         "01-10 grant A 100\n"
         "01-10 spend S1 60   | active 40\n"
         "01-10 spend S1 30   | id_in_use >\n"
         "01-10 spend S2 60   | insufficient_points active 40 >\n"
         "01-10 hold S1 40    | active 0 held 40"},
    };
    TELL(stories);
}

/* ---- Holds across expiry: example 15 ---- */

Test(law_spending, held_points_do_not_expire)
{
    static const struct told stories[] = {
        {"example 15", "01-01 grant A 100 until 02-01\n"
                       "01-31 23:50 hold H1 60 | active 40 held 60 > hold 60\n"
                       "02-01 tick             | active 0 held 60 > expire 40\n"
                       "02-01 00:04 capture H1 50 | active 0 held 0 outcome 50 > capture 50 "
                       "release 10 expire 10"},
        {"released after the instant: all of it expires at once",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 60\n"
         "02-01 00:04 release H1 | active 0 held 0 > expire 40 release 60 expire 60"},
        {"captured whole: nothing comes back",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 60\n"
         "02-01 00:04 capture H1 | active 0 held 0 > expire 40 capture 60"},
        {"captured before: the rest of 10 expires with the 40",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 60\n"
         "01-31 23:55 capture H1 50 | active 50 held 0 > capture 50 release 10\n"
         "02-01 tick             | active 0 > expire 50"},
        {"time-out and expiry at one instant: released first, then expired in the lot's turn",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:45 hold H1 60\n"
         "02-01 tick             | active 0 held 0 > release 60 expire 100"},
        {"of two lots: the capture takes the first, the rest goes back to the second",
         "01-01 grant A 30 until 02-01\n"
         "01-01 grant B 100\n"
         "01-31 23:50 hold H1 60 | active 70 held 60 > hold 30 hold 30\n"
         "02-01 00:04 capture H1 40 | active 90 held 0 > capture 30 capture 10 release 20"},
        {"a small capture: of the first lot 10 expire, of the second 30 live",
         "01-01 grant A 30 until 02-01\n"
         "01-01 grant B 100\n"
         "01-31 23:50 hold H1 60\n"
         "02-01 00:04 capture H1 20 | active 100 > capture 20 release 10 expire 10 release 30"},
        {"the lot is held whole: at its instant nothing moves",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 100\n"
         "02-01 tick             | active 0 held 100 >\n"
         "02-01 00:04 release H1 | active 0 held 0 > release 100 expire 100"},
        {"a millisecond before its instant it is released and lives until then",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 100\n"
         "01-31 23:59:59.999 release H1 | active 100 > release 100\n"
         "02-01 tick             | active 0 > expire 100"},
    };
    TELL(stories);
}

Test(law_spending, a_hold_times_out_by_the_clock)
{
    static const struct told stories[] = {
        {"after a quarter of an hour, from its journal time",
         "01-10 grant A 100\n"
         "01-10 10:00 hold H1 60 @ 01-10 09:00 | active 40 held 60\n"
         "01-10 10:14:59.999 tick  | active 40 held 60 notices 0 >\n"
         "01-10 10:15 tick         | active 100 held 0 notices 1 > release 60"},
        {"as long as it says itself", "01-10 grant A 100\n"
                                      "01-10 hold H1 60 for 120\n"
                                      "01-10 01:59 tick         | held 60\n"
                                      "01-10 02:00 tick         | held 0 > release 60"},
        {"at the instant itself it is over",
         "01-10 grant A 100\n"
         "01-10 hold H1 60\n"
         "01-10 00:15 capture H1   | hold_closed active 100 held 0 > release 60"},
        {"a moment before it is not",
         "01-10 grant A 100\n"
         "01-10 hold H1 60\n"
         "01-10 00:14:59.999 capture H1 | active 40 held 0 > capture 60\n"
         "01-10 00:15 tick         | active 40 notices 0 >"},
        {"the clock goes past the time-out and the lot's instant: it was released in time, and "
         "paid what was owed",
         "01-10 grant A 40 until 02-01\n"
         "01-10 hold H1 40 for 1440\n"
         "01-10 buy O1 50\n"
         "01-10 spend S1 50        | active 0\n"
         "01-10 refund O1 R1 50    | arrears 50\n"
         "02-03 tick               | active 0 arrears 10 > release 40 repay 40"},
        {"at one instant with the expiry it pays, too",
         "01-31 grant A 40 until 02-01\n"
         "01-31 23:45 hold H1 40\n"
         "01-31 23:45 buy O1 50\n"
         "01-31 23:45 spend S1 50\n"
         "01-31 23:45 refund O1 R1 50 | arrears 50\n"
         "02-03 tick               | active 0 arrears 10 > release 40 repay 40"},
        {"after its instant it expires and pays nothing",
         "01-31 grant A 40 until 02-01\n"
         "01-31 23:46 hold H1 40\n"
         "01-31 23:46 buy O1 50\n"
         "01-31 23:46 spend S1 50\n"
         "01-31 23:46 refund O1 R1 50 | arrears 50\n"
         "02-03 tick               | active 0 arrears 50 > release 40 expire 40"},
        {"two at one instant in the order of their events",
         "01-10 grant A 30\n"
         "01-10 hold H1 10\n"
         "01-10 hold H2 20\n"
         "01-11 tick               | active 30 notices 2 > release 10 release 20"},
        {"one that lasts beyond the years never does",
         "01-10 grant A 30\n"
         "01-10 hold H1 10 for 9000000000000\n"
         "12-31 tick               | active 20 held 10 >\n"
         "12-31 release H1         | active 30"},
    };
    TELL(stories);
}

Test(law_spending, a_hold_ends_once)
{
    static const struct told stories[] = {
        {"captured", "01-10 grant A 100\n"
                     "01-10 hold H1 60\n"
                     "01-10 capture H1 20 | active 80 held 0 > capture 20 release 40\n"
                     "01-10 capture H1    | hold_closed >\n"
                     "01-10 release H1    | hold_closed >\n"
                     "01-11 tick          | active 80 >"},
        {"released", "01-10 grant A 100\n"
                     "01-10 hold H1 60\n"
                     "01-10 release H1    | active 100 outcome 60 > release 60\n"
                     "01-10 release H1    | hold_closed >\n"
                     "01-10 capture H1 1  | hold_closed >\n"
                     "01-10 hold H1 10    | id_in_use >"},
        {"timed out", "01-10 grant A 100\n"
                      "01-10 hold H1 60\n"
                      "01-11 release H1    | hold_closed > release 60\n"
                      "01-11 capture H1    | hold_closed >"},
        {"a capture of more than is held does not end it",
         "01-10 grant A 100\n"
         "01-10 hold H1 60\n"
         "01-10 capture H1 61 | insufficient_points held 60 >\n"
         "01-10 capture H1 60 | held 0 > capture 60"},
        {"nobody knows the hold", "01-10 capture H1    | unknown_hold\n"
                                  "01-10 release H1    | unknown_hold"},
    };
    TELL(stories);
}

Test(law_spending, what_was_captured_is_undone_under_the_holds_id)
{
    static const struct told stories[] = {
        {"the last captured first",
         "01-10 grant A 30 until 02-01\n"
         "01-10 grant B 100\n"
         "01-10 hold H1 60\n"
         "01-10 undo H1       | unknown_spend >\n"
         "01-10 capture H1 50 | active 80 > capture 30 capture 20 release 10\n"
         "01-11 undo H1 25    | active 105 > undo 20 undo 5\n"
         "01-11 undo H1 26    | spend_undone >\n"
         "02-01 undo H1       | active 100 > expire 5 undo 25 expire 25\n"
         "02-01 undo H1       | spend_undone >"},
        {"a hold that came to nothing is no spend", "01-10 grant A 30\n"
                                                    "01-10 hold H1 30\n"
                                                    "01-10 release H1\n"
                                                    "01-10 undo H1       | unknown_spend >\n"
                                                    "01-10 undo S1       | unknown_spend >"},
        {"a spend of that id goes before", "01-10 grant A 30\n"
                                           "01-10 hold X 10\n"
                                           "01-10 capture X\n"
                                           "01-10 spend X 20    | active 0\n"
                                           "01-10 undo X        | active 20 > undo 20\n"
                                           "01-10 undo X        | spend_undone >"},
    };
    TELL(stories);
}

/* ---- Claw-backs of held points ---- */

Test(law_spending, held_points_that_a_return_claims)
{
    static const struct told stories[] = {
        {"released: clawed back instead",
         "01-10 buy O1 100\n"
         "01-10 hold H1 100       | active 0 held 100\n"
         "01-10 refund O1 R1 40   | active 0 held 100 arrears 0 >\n"
         "01-10 release H1        | active 60 held 0 outcome 60 > claw_back 40 release 60"},
        {"captured: spent, so they are owed",
         "01-10 buy O1 100\n"
         "01-10 hold H1 100\n"
         "01-10 refund O1 R1 100  | arrears 0 >\n"
         "01-10 capture H1        | active 0 held 0 arrears 100 > capture 100 owe 100"},
        {"captured in part: the rest is clawed back, and so little is owed",
         "01-10 buy O1 100\n"
         "01-10 hold H1 100\n"
         "01-10 refund O1 R1 100\n"
         "01-10 capture H1 30     | active 0 held 0 arrears 30 > capture 30 claw_back 70 owe 30"},
        {"the time-out tells what came back",
         "01-10 buy O1 100\n"
         "01-10 hold H1 100\n"
         "01-10 refund O1 R1 100\n"
         "01-11 tick              | active 0 held 0 notices 1 > claw_back 100"},
        {"all marked: the lot is gone, and the id stays",
         "01-10 buy O1 100\n"
         "01-10 hold H1 100\n"
         "01-10 refund O1 R1 100\n"
         "01-10 release H1        | active 0 held 0 > claw_back 100\n"
         "01-10 release H1        | hold_closed >"},
        {"another lot is there: the capture's claim takes it",
         "01-10 buy O1 100\n"
         "01-10 hold H1 100\n"
         "01-10 refund O1 R1 100\n"
         "01-10 grant A 40\n"
         "01-10 capture H1        | active 0 arrears 60 > capture 100 claw_back 40 owe 60"},
    };
    TELL(stories);
}

/* ---- Grace ---- */

/* Seven days: A lapses at midnight of 1 February and is gone on the 8th. */
Test(law_spending, a_grace_lets_late_spends_find_what_lapses)
{
    static const struct told stories[] = {
        {"what occurred before the instant finds it, what occurred at it does not",
         "01-01 grant A 100 until 02-01\n"
         "02-01 tick                    | active 0 lapsing 100 > lapse 100\n"
         "02-03 spend S1 30 @ 01-31 23:59:59.999 | lapsing 70 > redeem 30\n"
         "02-03 spend S2 30 @ 02-01     | insufficient_points >\n"
         "02-07 23:59:59.999 spend S3 30 @ 01-31 | lapsing 40 > redeem 30\n"
         "02-08 spend S4 30 @ 01-31     | insufficient_points lapsing 0 > lapse_end 40"},
        {"what is undone after the instant expires at once",
         "01-01 grant A 100 until 02-01\n"
         "01-10 spend S1 50             | active 50\n"
         "02-03 spend S2 30 @ 01-31     | lapsing 20 > lapse 50 redeem 30\n"
         "02-04 undo S2                 | lapsing 20 active 0 > undo 30 expire 30\n"
         "02-04 undo S1                 | lapsing 20 active 0 > undo 50 expire 50"},
        {"of a lot that was used up nothing lapses: what is undone expires at once, too",
         "01-01 grant A 100 until 02-01\n"
         "01-10 spend S1 100\n"
         "02-03 undo S1                 | lapsing 0 active 0 > undo 100 expire 100"},
        {"a hold from lapsing goes back to lapsing",
         "01-01 grant A 100 until 02-01\n"
         "02-03 hold H1 60 @ 01-31      | lapsing 40 held 60 > lapse 100 hold 60\n"
         "02-03 capture H1 20           | lapsing 80 held 0 > capture 20 release 40\n"
         "02-08 tick                    | lapsing 0 > lapse_end 80"},
        {"when the grace is over it expires at once",
         "01-01 grant A 100 until 02-01\n"
         "02-03 hold H1 60 for 100000 @ 01-31\n"
         "02-08 tick                    | lapsing 0 held 60 > lapse_end 40\n"
         "02-09 release H1              | lapsing 0 held 0 > release 60 lapse_end 60"},
        {"a time-out at the grace's end: released first, then all of it ends in its turn",
         "01-01 grant A 100 until 02-01\n"
         "02-07 23:45 hold H1 60 @ 01-31 | lapsing 40 held 60\n"
         "02-08 tick                    | lapsing 0 held 0 > release 60 lapse_end 100"},
        {"held while it was active: released, it expires, and the rest goes on lapsing",
         "01-01 grant A 100 until 02-01\n"
         "01-31 23:50 hold H1 60        | active 40\n"
         "02-01 tick                    | lapsing 40 held 60 > lapse 40\n"
         "02-01 00:04 release H1        | lapsing 40 held 0 active 0 > release 60 expire 60"},
        {"active points and lapsing ones in one spend, the soonest first",
         "01-01 grant A 50 until 02-01\n"
         "01-01 grant B 50 until 03-01\n"
         "02-03 spend S1 70 @ 01-31     | lapsing 0 active 30 > lapse 50 redeem 50 redeem 20\n"
         "02-03 undo S1                 | active 50 > undo 20 undo 50 expire 50"},
    };
    program.currencies[0].expiry.grace_days = 7;
    TELL(stories);
    program.spending.restore_grace_ms = 3 * CALENDAR_DAY_MS; /* does not apply */
    TELL(stories);
}

Test(law_spending, what_is_noted_is_taken_from_what_goes_back_to_lapsing)
{
    static const struct told stories[] = {
        {"50 of the 60 were noted",
         "01-01 grant A 60 until 02-01\n"
         "02-03 hold H1 60 @ 01-31      | held 60 > lapse 60 hold 60\n"
         "02-03 buy O1 50\n"
         "02-03 spend S1 50             | active 0\n"
         "02-03 refund O1 R1 50         | active 0 arrears 0 >\n"
         "02-03 release H1              | lapsing 10 held 0 > release 60 claw_back 50\n"
         "02-08 tick                    | lapsing 0 > lapse_end 10"},
    };
    program.currencies[0].expiry.grace_days = 7;
    program.returns.arrears = ARREARS_WITHIN_BALANCE;
    TELL(stories);
}

/* ---- Members' states ---- */

Test(law_spending, who_is_not_active_spends_nothing_but_ends_holds)
{
    static const struct told stories[] = {
        {"suspended", "01-10 grant A 100\n"
                      "01-10 spend S1 10\n"
                      "01-10 hold H1 20\n"
                      "01-10 suspend\n"
                      "01-10 spend S2 10   | member_not_active >\n"
                      "01-10 hold H2 10    | member_not_active >\n"
                      "01-10 spend S1 10   | id_in_use >\n"
                      "01-10 capture H1 5  | active 85 held 0\n"
                      "01-10 undo S1       | active 95\n"
                      "01-10 resume\n"
                      "01-10 spend S2 95   | active 0"},
        {"frozen: a hold times out, but nothing expires",
         "01-10 grant A 100 until 02-01\n"
         "01-10 hold H1 20\n"
         "01-10 freeze\n"
         "01-10 spend S2 10   | member_not_active >\n"
         "02-03 tick          | active 100 held 0 > release 20"},
        {"closed: the hold has ended", "01-10 grant A 100\n"
                                       "01-10 spend S1 10\n"
                                       "01-10 hold H1 20\n"
                                       "01-10 close         | active 0 held 0\n"
                                       "01-10 capture H1    | hold_closed >\n"
                                       "01-10 undo S1       | member_closed >\n"
                                       "01-10 spend S2 1    | member_closed >\n"
                                       "01-10 hold H2 1     | member_closed >\n"
                                       "01-11 tick          | active 0 notices 0 >\n"
                                       "01-11 reopen\n"
                                       "01-11 release H1    | hold_closed >\n"
                                       "01-11 undo S1       | active 10 > undo 10"},
    };
    /* A refused event's own id is used up, but not the spend's. */
    static const struct told again[] = {
        {"a refused spend's id is free", "01-10 spend S1 5    | insufficient_points >\n"
                                         "01-10 grant A 15\n"
                                         "01-10 spend S1 5    | active 10"},
    };
    TELL(stories);
    TELL(again);
}

Test(law_spending, arrears_come_before_the_balance)
{
    static const struct told stories[] = {
        {"who owes spends nothing, even what is not there",
         "01-10 adjust -10    | arrears 10\n"
         "01-10 spend S1 5    | arrears_open >\n"
         "01-10 hold H1 5     | arrears_open >\n"
         "01-10 grant A 15    | active 5 arrears 0\n"
         "01-10 spend S1 6    | insufficient_points >\n"
         "01-10 spend S1 5    | active 0"},
    };
    TELL(stories);
}

/* Frozen from 10 to 20 February: what was not reached then moves by ten days, also when it was used
 * up before. */
Test(law_spending, used_up_lots_move_with_times_frozen)
{
    static const struct told stories[] = {
        {"used up before: 1 March becomes 11 March", "01-01 grant A 100 until 03-01\n"
                                                     "02-01 spend S1 100\n"
                                                     "02-10 freeze\n"
                                                     "02-20 unfreeze\n"
                                                     "03-05 undo S1       | active 100 > undo 100\n"
                                                     "03-11 tick          | active 0 > expire 100"},
        {"spent in part: the lot moved while it was open, once",
         "01-01 grant A 100 until 03-01\n"
         "02-01 spend S1 60\n"
         "02-10 freeze\n"
         "02-20 unfreeze\n"
         "02-21 spend S2 40\n"
         "03-05 undo S1       | active 60\n"
         "03-05 undo S2       | active 100\n"
         "03-10 23:59 tick    | active 100 >\n"
         "03-11 tick          | active 0 > expire 100"},
        {"an instant that was reached before stays",
         "01-01 grant A 100 until 02-05\n"
         "02-01 spend S1 100\n"
         "02-10 freeze\n"
         "02-20 unfreeze\n"
         "02-21 undo S1       | active 0 > undo 100 expire 100"},
        {"undone while frozen, and so again later: twice ten days in all",
         "01-01 grant A 100 until 03-01\n"
         "02-01 spend S1 100\n"
         "02-10 freeze\n"
         "02-15 undo S1 50    | active 50\n"
         "02-20 unfreeze\n"
         "02-21 freeze\n"
         "03-03 unfreeze\n"
         "03-15 undo S1 50    | active 100\n"
         "03-21 tick          | active 0 > expire 100"},
        {"granted while frozen: since the grant", "02-01 freeze\n"
                                                  "02-02 unfreeze\n"
                                                  "02-05 grant A 100 until 03-01\n"
                                                  "02-06 spend S1 100\n"
                                                  "02-10 freeze\n"
                                                  "02-20 unfreeze\n"
                                                  "03-02 undo S1       | active 100\n"
                                                  "03-11 tick          | active 0 > expire 100"},
        {"an instant that was reached when the freeze arrived is past, whenever it occurred",
         "01-01 grant A 100 until 02-05\n"
         "01-02 grant B 100 until 02-05\n"
         "02-01 spend S1 150\n"
         "02-10 freeze @ 02-03 | > expire 50\n"
         "02-20 unfreeze\n"
         "02-21 undo S1       | active 0 > undo 50 expire 50 undo 100 expire 100"},
        {"closed and opened between, the times frozen are not forgotten",
         "01-01 grant A 100 until 03-01\n"
         "02-01 spend S1 100\n"
         "02-10 freeze\n"
         "02-20 unfreeze\n"
         "02-21 close\n"
         "02-21 reopen\n"
         "03-05 undo S1       | active 100\n"
         "03-11 tick          | active 0 > expire 100"},
    };
    TELL(stories);
}
