/* What a spend may ask for (semantics §5): thresholds, rewards, payments, several currencies, and
 * the limits on them. Figures are worked out by hand in the comments beside the stories. */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "engine/rules/condition_compile.h"
#include "tests/unit/story.h"

struct told {
    const char *what, *text;
};

static struct program program;

/* Points 1 per 1.00; coins and growth besides, which nothing earns; club: gold from 500.00. */
static void
begin(void)
{
    program = rig_program();
    program.currencies[1] = (struct program_currency){
        .id = BYTES_LITERAL("coins"), .rounding = ROUNDING_FLOOR, .expiry = {.kind = EXPIRY_NONE}};
    program.currencies[2] = (struct program_currency){.id = BYTES_LITERAL("growth"),
                                                      .qualifying = true,
                                                      .rounding = ROUNDING_FLOOR,
                                                      .expiry = {.kind = EXPIRY_NONE}};
    program.currencies[3] = (struct program_currency){.id = BYTES_LITERAL("cents"),
                                                      .scale = 2,
                                                      .rounding = ROUNDING_FLOOR,
                                                      .expiry = {.kind = EXPIRY_NONE}};
    program.currency_count = 4;
    program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {.line_kinds = 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .window = WINDOW_LIFETIME,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}},
                   {BYTES_LITERAL("silver"), {20000}, {1, 1}},
                   {BYTES_LITERAL("gold"), {50000}, {1, 1}}},
        .level_count = 3,
    };
    program.group_count = 1;
}

TestSuite(law_prices, .init = begin);

static void
tell_all(const struct told *stories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *complaint = story_run(&program, stories[i].text);
        cr_expect(complaint == NULL, "%s: %s", stories[i].what, complaint);
    }
}

#define TELL(stories) tell_all(stories, sizeof(stories) / sizeof(stories)[0])

/* ---- Several currencies ---- */

Test(law_prices, currencies_are_drawn_on_in_their_order_at_par)
{
    static const struct told stories[] = {
        {"the first in full, then the second, whatever expires sooner",
         "01-10 grant A 50\n"
         "01-10 grant B 70 until 02-01 in coins\n"
         "01-10 spend S1 90 from points,coins | active 0 second 30 outcome 50 > redeem 50 redeem "
         "40\n"
         "01-10 undo S1 60    | active 20 second 70 outcome 40 > undo 40 undo 20\n"
         "02-01 undo S1       | active 50 second 0 > expire 70 undo 30"},
        {"the other way round",
         "01-10 grant A 50\n"
         "01-10 grant B 70 in coins\n"
         "01-10 spend S1 90 from coins,points | active 30 second 0 > redeem 70 redeem 20"},
        {"both together are not enough",
         "01-10 grant A 50\n"
         "01-10 grant B 70 in coins\n"
         "01-10 spend S1 121 from coins,points | insufficient_points active 50 second 70 >\n"
         "01-10 spend S1 120 from coins,points | active 0 second 0"},
        {"where none is named it is the first of the rulebook",
         "01-10 grant B 70 in coins\n"
         "01-10 spend S1 1    | insufficient_points >\n"
         "01-10 spend S1 1 from coins | second 69"},
        {"arrears in any of them", "01-10 grant B 70 in coins\n"
                                   "01-10 adjust -10    | arrears 10\n"
                                   "01-10 spend S1 1 from coins,points | arrears_open >\n"
                                   "01-10 spend S1 1 from coins | second 69"},
        {"a hold of both: each gets back its own, and its own notice",
         "01-10 grant A 50\n"
         "01-10 grant B 70 in coins\n"
         "01-10 hold H1 90 from points,coins | active 0 second 30\n"
         "01-10 00:15 tick    | active 50 second 70 notices 2 > release 50 release 40"},
        {"a capture of 60: all of the points and 10 coins",
         "01-10 grant A 50\n"
         "01-10 grant B 70 in coins\n"
         "01-10 hold H1 90 from points,coins\n"
         "01-10 capture H1 60 | active 0 second 60 > capture 50 capture 10 release 30"},
        {"who cannot be spent, is not known, or counts otherwise",
         "01-10 spend S1 1 from growth | malformed >\n"
         "01-10 spend S1 1 from points,growth | malformed >\n"
         "01-10 spend S1 1 from points,cents | malformed >\n"
         "01-10 spend S1 1 from points,gold | unknown_points_currency >\n"
         "01-10 hold H1 1 from growth | malformed >\n"
         "01-10 hold H1 1 from gold | unknown_points_currency >\n"
         "01-10 hold H1 0     | malformed >"},
    };
    TELL(stories);
}

/* ---- Thresholds ---- */

/* At least 100, in tens, at most 500; silver: at least 50; gold: nothing is asked. */
Test(law_prices, thresholds_are_the_highest_levels_that_is_held)
{
    static const struct program_spend_limit limits[] = {
        {0, PROGRAM_NONE, PROGRAM_NONE, 100, 10, 500},
        {0, 0, 1, 50, 0, 0},
        {0, 0, 2, 0, 0, 0},
        {1, PROGRAM_NONE, PROGRAM_NONE, 7, 0, 0},
    };
    static const struct told stories[] = {
        {"for everybody", "01-10 grant A 2000\n"
                          "01-10 spend S1 99   | limit_reached >\n"
                          "01-10 spend S1 90   | limit_reached >\n"
                          "01-10 spend S1 100  | active 1900\n"
                          "01-10 spend S2 105  | limit_reached >\n"
                          "01-10 spend S2 510  | limit_reached >\n"
                          "01-10 spend S2 500  | active 1400\n"
                          "01-10 hold H1 99    | limit_reached >\n"
                          "01-10 hold H1 110   | held 110"},
        {"limits before the balance, arrears before limits",
         "01-10 spend S1 99   | limit_reached >\n"
         "01-10 spend S1 100  | insufficient_points >\n"
         "01-10 adjust -1     | arrears 1\n"
         "01-10 spend S1 99   | arrears_open >"},
        {"silver by an order of 200.00: at least 50, and no more",
         "01-10 grant A 2000\n"
         "01-10 spend S1 55   | limit_reached >\n"
         "01-11 buy O1 200    | active 2200\n"
         "01-12 spend S1 49   | limit_reached >\n"
         "01-12 spend S1 55   | active 2145\n"
         "01-12 spend S2 1001 | active 1144"},
        {"gold may all", "01-10 buy O1 500    | active 500\n"
                         "01-11 spend S1 1    | active 499"},
        {"as the level was when it occurred",
         "01-10 grant A 2000\n"
         "01-11 10:00 buy O1 200\n"
         "01-11 11:00 spend S1 55 @ 01-11 09:59 | limit_reached >\n"
         "01-11 11:00 spend S1 55 @ 01-11 10:00 | active 2145"},
        {"the first currency's hold for all, others not",
         "01-10 grant A 2000\n"
         "01-10 grant B 20 in coins\n"
         "01-10 spend S1 6 from coins,points   | limit_reached >\n"
         "01-10 spend S1 7 from coins,points   | second 13\n"
         "01-10 spend S2 20 from points,coins  | limit_reached >"},
    };
    program.spending.limits = limits;
    program.spending.limit_count = sizeof limits / sizeof limits[0];
    TELL(stories);
}

/* ---- Rewards ---- */

/* A mug costs 500, gold 400; two a month. Tea costs 30 coins, from 1 March on. A bag costs 100
 * once in all. */
Test(law_prices, rewards_of_the_catalogue)
{
    static const struct program_price mug[] = {{0, PROGRAM_NONE, PROGRAM_NONE, 500},
                                               {0, 0, 2, 400}},
                                      tea[] = {{1, PROGRAM_NONE, PROGRAM_NONE, 30}},
                                      bag[] = {{0, PROGRAM_NONE, PROGRAM_NONE, 100}};
    struct program_reward rewards[] = {
        {BYTES_LITERAL("bag"), bag, 1, {1, PER_LIFETIME}, PROGRAM_FILTER_NONE},
        {BYTES_LITERAL("mug"), mug, 2, {2, PER_MONTH}, PROGRAM_FILTER_NONE},
        {BYTES_LITERAL("tea"), tea, 1, {0, PER_LIFETIME}, PROGRAM_FILTER_NONE},
    };
    static const struct told stories[] = {
        {"the price for everybody, and for gold by an order of 500.00",
         "01-10 grant A 2000\n"
         "01-10 spend S1 reward mug | active 1500 outcome 500 > redeem 500\n"
         "01-10 10:00 buy O1 500    | active 2000\n"
         "01-10 12:00 spend S2 reward mug | active 1600 > redeem 400"},
        {"the price of when it occurred",
         "01-10 grant A 2000\n"
         "01-10 10:00 buy O1 500    | active 2500\n"
         "01-10 12:00 spend S1 reward mug @ 01-10 09:00 | active 2000"},
        {"several pieces", "01-10 grant A 1200\n"
                           "01-10 spend S1 reward mug times 2 | active 200 > redeem 1000"},
        {"two a month, by when it occurred, and pieces count",
         "01-10 grant A 9000\n"
         "01-10 spend S1 reward mug times 3 | limit_reached >\n"
         "01-10 spend S1 reward mug\n"
         "01-31 23:59:59.999 spend S2 reward mug | active 8000\n"
         "01-31 23:59:59.999 spend S3 reward mug | limit_reached >\n"
         "02-01 spend S3 reward mug @ 01-31 23:00 | limit_reached >\n"
         "02-01 spend S3 reward mug times 2 | active 7000\n"
         "02-02 spend S4 reward mug | limit_reached >"},
        {"a spend undone gives no piece back", "01-10 grant A 1000\n"
                                               "01-10 spend S1 reward bag | active 900\n"
                                               "01-10 undo S1             | active 1000\n"
                                               "01-10 spend S2 reward bag | limit_reached >"},
        {"a hold that comes to nothing does",
         "01-10 grant A 1000\n"
         "01-10 hold H1 reward bag  | held 100\n"
         "01-10 hold H2 reward bag  | limit_reached >\n"
         "01-10 release H1          | held 0\n"
         "01-10 hold H2 reward bag  | held 100\n"
         "01-11 spend S1 reward bag | active 900 held 0 > release 100 redeem 100\n"
         "01-11 spend S2 reward bag | limit_reached >"},
        {"a capture, even of a part, does not", "01-10 grant A 1000\n"
                                                "01-10 hold H1 reward bag\n"
                                                "01-10 capture H1 1        | active 999\n"
                                                "01-10 hold H2 reward bag  | limit_reached >"},
        {"who has less, and what is not there",
         "01-10 grant A 499\n"
         "01-10 spend S1 reward mug | insufficient_points >\n"
         "01-10 spend S1 reward cup | unknown_reward >\n"
         "01-10 hold H1 reward zebra | unknown_reward >\n"
         "01-10 hold H1 reward ant  | unknown_reward >"},
        {"another currency, and its window from 1 March on",
         "01-10 grant B 70 in coins\n"
         "01-10 spend S1 reward tea from coins | reward_unavailable >\n"
         "03-01 spend S1 reward tea from points | reward_unavailable >\n"
         "03-01 spend S1 reward tea from coins @ 02-28 23:59:59.999 | reward_unavailable >\n"
         "03-01 spend S1 reward tea from coins | second 40\n"
         "04-30 23:59:59.999 spend S2 reward tea from coins | second 10\n"
         "05-01 spend S3 reward tea from coins | reward_unavailable >"},
        {"what is in use goes before what is not there, and that before the member's state",
         "01-10 grant A 1000\n"
         "01-10 spend S1 10\n"
         "01-10 spend S1 reward cup | id_in_use >\n"
         "01-10 suspend\n"
         "01-10 spend S2 reward cup | unknown_reward >\n"
         "01-10 spend S2 reward mug | member_not_active >"},
    };
    rewards[2].filter.window.from = rig_at("2026-03-01T00:00:00Z");
    rewards[2].filter.window.until = rig_at("2026-05-01T00:00:00Z");
    program.spending.rewards = rewards;
    program.spending.reward_count = 3;
    TELL(stories);
}

static struct bytes
when(const char *text)
{
    static uint8_t memory[CONDITION_ARENA_BYTES] __attribute__((aligned(ARENA_ALIGNMENT)));
    static uint8_t code[1024];
    struct arena arena;
    struct condition condition;
    struct cel_error error;
    arena_init(&arena, memory, sizeof memory);
    cr_assert(condition_compile(bytes_from_cstr(text), CONDITION_SCOPE_SPEND, &arena, &condition,
                                &error));
    struct writer writer = writer_of(code, sizeof code);
    condition_encode(&condition, &writer);
    return writer_span(&writer);
}

/* The whole price, the reward's id and the level held then are asked for; what goes wrong is no. */
Test(law_prices, a_rewards_condition)
{
    static const struct program_price price[] = {{0, PROGRAM_NONE, PROGRAM_NONE, 10}};
    struct program_reward reward = {
        BYTES_LITERAL("cake"), price, 1, {0, PER_LIFETIME}, PROGRAM_FILTER_NONE};
    static const struct told stories[] = {
        {"two pieces at most, for silver",
         "01-10 grant A 100\n"
         "01-10 spend S1 reward cake  | reward_unavailable >\n"
         "01-11 buy O1 200            | active 300\n"
         "01-12 spend S1 reward cake times 2 | active 280\n"
         "01-12 spend S2 reward cake times 3 | reward_unavailable >\n"
         "01-12 hold H1 reward cake   | held 10\n"
         "01-12 spend S3 reward cake @ 01-10 | reward_unavailable >"},
    };
    static const struct told wrong[] = {
        {"an error", "01-10 grant A 100\n"
                     "01-10 spend S1 reward cake  | reward_unavailable >"},
    };
    program.spending.rewards = &reward;
    program.spending.reward_count = 1;
    reward.filter.when.code = when("spend.points <= 20 && spend.reward_id == 'cake' && "
                                   "member.tiers['club'] == 'silver'");
    TELL(stories);
    reward.filter.when.code = when("1 / (spend.points - 10) == 1");
    TELL(wrong);
}

/* ---- Payments ---- */

/* One point is a penny and a half: 3 pence for 2 points. At least 20 points, in multiples of 2, at
 * most 1,000 points, 12.00, and 5.00 of the order stay to be paid. */
Test(law_prices, points_pay_money)
{
    struct program_payment payment = {
        .currency = 0,
        .money = RIG_GBP,
        .rate = {3, 2},
        .max_points = 1000,
        .max_amount_minor = 1200,
        .minimum = 20,
        .multiple_of = 2,
        .min_cash_due_minor = 500,
    };
    static const struct told stories[] = {
        {"30 pence are 20 points", "01-10 grant A 2000\n"
                                   "01-10 spend S1 pay 30 of 1000  | active 1980 > redeem 20\n"
                                   "01-10 undo S1                  | active 2000 > undo 20"},
        {"rounded up: 32 pence are 21 1/3, so 22 points",
         "01-10 grant A 2000\n"
         "01-10 spend S1 pay 32 of 1000  | active 1978 > redeem 22"},
        {"31 pence are 20 2/3, so 21, which is no multiple of 2",
         "01-10 grant A 2000\n"
         "01-10 spend S1 pay 31 of 1000  | limit_reached >"},
        {"27 pence are 18 points: too few", "01-10 grant A 2000\n"
                                            "01-10 spend S1 pay 27 of 1000  | limit_reached >"},
        {"12.00 are 800 points, 12.03 are above the amount",
         "01-10 grant A 2000\n"
         "01-10 spend S1 pay 1203 of 5000 | limit_reached >\n"
         "01-10 spend S1 pay 1200 of 5000 | active 1200"},
        {"5.00 stay to be paid", "01-10 grant A 2000\n"
                                 "01-10 spend S1 pay 30 of 529   | limit_reached >\n"
                                 "01-10 spend S1 pay 30          | limit_reached >\n"
                                 "01-10 spend S1 pay 30 of 530   | active 1980"},
        {"a hold that pays", "01-10 grant A 2000\n"
                             "01-10 hold H1 pay 300 of 1000  | held 200\n"
                             "01-10 capture H1 100           | active 1900"},
        {"in coins it is not offered",
         "01-10 grant B 70 in coins\n"
         "01-10 spend S1 pay 30 of 1000 from coins | payment_not_offered >"},
        {"more than 63 bits is more than the limits allow",
         "01-10 grant A 2000\n"
         "01-10 spend S1 pay 9000000000000000000 of 9000000000000000001 | limit_reached >"},
    };
    static const struct told unlimited[] = {
        {"and without limits more than anybody has",
         "01-10 grant A 2000\n"
         "01-10 spend S1 pay 9000000000000000000 | insufficient_points >\n"
         "01-10 spend S1 pay 4               | active 0 > redeem 2000"},
    };
    static const struct told few[] = {
        {"at most 100 points", "01-10 grant A 2000\n"
                               "01-10 spend S1 pay 303 of 1000 | limit_reached >\n"
                               "01-10 spend S1 pay 150 of 1000 | active 1900"},
    };
    program.spending.payments = &payment;
    program.spending.payment_count = 1;
    TELL(stories);
    payment.max_points = 100;
    TELL(few);
    payment = (struct program_payment){.currency = 0, .money = RIG_GBP, .rate = {1, 500}};
    TELL(unlimited);
}

/* ---- Velocity limits ---- */

Test(law_prices, velocity_limits_count_what_is_spent_and_held)
{
    static const struct program_limit limits[] = {
        {.id = BYTES_LITERAL("a-day"),
         .of = LIMITED_REDEEM,
         .measure = MEASURE_POINTS,
         .currency = 0,
         .max = 100,
         .window_ms = CALENDAR_DAY_MS,
         .action = LIMIT_REFUSE},
        {.id = BYTES_LITERAL("holds"),
         .of = LIMITED_HOLD,
         .measure = MEASURE_COUNT,
         .max = 1,
         .window_ms = CALENDAR_DAY_MS,
         .action = LIMIT_FLAG},
    };
    static const struct told stories[] = {
        {"100 points in 24 h", "01-10 grant A 1000\n"
                               "01-10 spend S1 60   | active 940\n"
                               "01-10 12:00 spend S2 41 | limit_reached >\n"
                               "01-10 12:00 spend S2 40 | active 900\n"
                               "01-11 spend S3 61   | limit_reached >\n"
                               "01-11 spend S3 60   | active 840"},
        {"limits go before the balance: what is missing counts, too",
         "01-10 grant A 10\n"
         "01-10 spend S1 101  | limit_reached >\n"
         "01-10 spend S1 100  | insufficient_points >"},
        {"of coins 100 points are none", "01-10 grant B 200 in coins\n"
                                         "01-10 spend S1 101 from coins | second 99"},
        {"a second hold is told of", "01-10 grant A 1000\n"
                                     "01-10 hold H1 10    | notices 0\n"
                                     "01-10 hold H2 10    | notices 1"},
    };
    program.limits = limits;
    program.limit_count = 2;
    TELL(stories);
}
