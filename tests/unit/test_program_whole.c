/* The normalised form of a programme that uses every part of the language: what is written is read
 * again, has one encoding, and each broken rule of program.h is refused by name. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/rulebook.h"

static uint8_t first[PROGRAM_BYTES_MAX], second[PROGRAM_BYTES_MAX];
static uint8_t lists[8 << 20] __attribute__((aligned(16)));
static struct rulebook rulebook;
static struct fault fault;

static void
compile_whole(void)
{
    char said[1024];
    rulebook_open_file(SAMPLES "/full-programme.yaml", &rulebook);
    cr_assert(rulebook.sound, "%s", rulebook_complaint(&rulebook, said, sizeof said));
}

static struct bytes
encode(const struct program *program, uint8_t *memory)
{
    struct writer writer = writer_of(memory, PROGRAM_BYTES_MAX);
    program_encode(program, &writer);
    cr_assert_not(writer.overflow);
    return writer_span(&writer);
}

static bool
decode(struct bytes bytes, struct program *out)
{
    struct arena arena;
    arena_init(&arena, lists, program_lists_bytes(bytes.size));
    return program_decode(bytes, &arena, out, &fault);
}

Test(program_whole, is_read_again)
{
    struct program program;
    compile_whole();
    struct bytes once = encode(&rulebook.program, first);
    cr_assert(decode(once, &program), "%s", fault.text);
    cr_assert(bytes_equal(once, encode(&program, second)));
    cr_assert_eq(program.campaign_count, 5);
    cr_assert_eq(program.award_count, 7);
    cr_assert_eq(program.groups[1].metric_count, 3);
    cr_assert_not_null(program.rules[0].filter.categories.items);
    cr_assert(bytes_equal(program_source_id(&program, (struct program_source){SOURCE_STREAK, 0}),
                          BYTES_LITERAL("weekly-visit")));
    cr_assert(bytes_equal(program_source_id(&program, (struct program_source){SOURCE_MISSION, 3}),
                          BYTES_LITERAL("ten-orders")));
}

Test(program_whole, no_prefix_is_one)
{
    struct program program;
    compile_whole();
    struct bytes bytes = encode(&rulebook.program, first);
    for (size_t size = 0; size < bytes.size; size++) {
        cr_assert_not(decode(bytes_of(first, size), &program), "cut to %zu", size);
        cr_assert_eq(fault.kind, FAULT_DATA);
    }
}

/* Whatever is accepted is the encoding of what it says. */
Test(program_whole, any_changed_byte_is_refused_or_means_another_program)
{
    static uint8_t changed[PROGRAM_BYTES_MAX];
    struct program program;
    compile_whole();
    struct bytes bytes = encode(&rulebook.program, first);
    size_t accepted = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(changed, bytes.data, bytes.size);
            changed[i] ^= (uint8_t)(1u << bit);
            if (!decode(bytes_of(changed, bytes.size), &program)) continue;
            accepted++;
            struct bytes again = encode(&program, second);
            cr_assert(bytes_equal(again, bytes_of(changed, bytes.size)), "byte %zu, bit %u", i,
                      bit);
        }
    }
    rulebook_close(&rulebook);
    cr_assert_gt(accepted, 0, "a changed letter of a name is another program");
}

/* ---- Rules of program.h, each broken once ---- */

#define ITEM(type, list, i) ((struct type *)(uintptr_t)&program->list[i])
#define CURRENCY(i)         (&program->currencies[i])
#define DATE(expiry, i)     (&((struct program_date *)(uintptr_t)(expiry).dates)[i])
#define CAMPAIGN(i)         ITEM(program_campaign, campaigns, i)
#define CAMPAIGN_RULE(i, k) ((uint32_t *)(uintptr_t)program->campaigns[i].rules)[k]
#define AWARD(i)            ITEM(program_award, awards, i)
#define STREAK(i)           ITEM(program_streak, streaks, i)
#define CAP(i)              ITEM(program_cap, caps, i)
#define LIMIT(i)            ITEM(program_limit, limits, i)
#define REWARD(i)           ITEM(program_reward, spending.rewards, i)

static struct program_rule *
find_rule(struct program *program, const char *id)
{
    uint32_t i = 0;
    while (!bytes_equal(program->rules[i].id, bytes_from_cstr(id)))
        i++;
    return ITEM(program_rule, rules, i);
}

static struct program_award *
find_award(struct program *program, enum award_kind kind)
{
    uint32_t i = 0;
    while (program->awards[i].kind != kind)
        i++;
    return AWARD(i);
}

static struct program_mission *
find_mission(struct program *program, enum goal goal)
{
    uint32_t i = 0;
    while (program->missions[i].goal != goal)
        i++;
    return ITEM(program_mission, missions, i);
}

static struct program_limit *
find_limit(struct program *program, enum limited of)
{
    uint32_t i = 0;
    while (program->limits[i].of != of)
        i++;
    return LIMIT(i);
}

static void
swap_texts(struct program_texts texts)
{
    struct bytes *items = (struct bytes *)(uintptr_t)texts.items, kept = items[0];
    items[0] = items[1];
    items[1] = kept;
}

static void
unknown_unknown(struct program *program)
{
    program->unknown_member = 9;
}

static void
no_stacking(struct program *program)
{
    program->stacking = 0;
}

static void
no_order_combine(struct program *program)
{
    program->order_combine = 0;
}

static void
no_dates(struct program *program)
{
    CURRENCY(1)->expiry.date_count = 0;
}

static void
dates_fall(struct program *program)
{
    *DATE(CURRENCY(1)->expiry, 0) = *DATE(CURRENCY(1)->expiry, 1);
}

static void
february_30(struct program *program)
{
    *DATE(CURRENCY(1)->expiry, 0) = ((struct program_date){2, 30});
}

static void
rounded_twice(struct program *program)
{
    CURRENCY(0)->expiry.round_up_to = CALENDAR_MONTH;
}

static void
month_13(struct program *program)
{
    CURRENCY(0)->expiry.round_month = 13;
}

static void
inactive_at_once(struct program *program)
{
    CURRENCY(2)->expiry.amount = 0;
}

static void
pushed_by_nothing(struct program *program)
{
    CURRENCY(2)->expiry.counts = 0;
    CURRENCY(2)->expiry.count_kinds.count = 0;
}

static void
pushed_by_any_and_some(struct program *program)
{
    CURRENCY(2)->expiry.counts |= COUNTS_ACTIVITY;
}

static void
grace_of_ages(struct program *program)
{
    CURRENCY(0)->expiry.grace_days = 100000;
}

static void
funders_unordered(struct program *program)
{
    ITEM(program_funder, funders, 0)->id = BYTES_LITERAL("z");
}

static void
store_nowhere(struct program *program)
{
    ITEM(program_store, stores, 0)->zone = 7;
}

static void
zone_of_no_store(struct program *program)
{
    ITEM(program_store, stores, 0)->zone = program->stores[1].zone;
}

static void
stores_same(struct program *program)
{
    ITEM(program_store, stores, 0)->id = program->stores[1].id;
}

static void
texts_unordered(struct program *program)
{
    swap_texts(find_rule(program, "acme-books")->filter.categories);
}

static void
window_backwards(struct program *program)
{
    find_rule(program, "app-bonus")->filter.window.until.ms = 0;
}

static void
order_asks_for_a_line(struct program *program)
{
    find_rule(program, "app-bonus")->filter.when = find_rule(program, "growth")->filter.when;
}

static void
damaged_condition(struct program *program)
{
    find_rule(program, "growth")->filter.when.code.size--;
}

static void
flat_of_nothing(struct program *program)
{
    find_rule(program, "app-bonus")->flat = 0;
}

static void
flat_multiplied(struct program *program)
{
    find_rule(program, "app-bonus")->tier_group = 0;
}

static void
flat_of_no_money(struct program *program)
{
    find_rule(program, "app-bonus")->money = 1;
}

static void
one_band(struct program *program)
{
    find_rule(program, "cafe")->band_count = 1;
}

static void
bands_fall(struct program *program)
{
    ((struct program_band *)(uintptr_t)find_rule(program, "cafe")->bands)[1].up_to_minor = 500;
}

static void
no_such_funder(struct program *program)
{
    find_rule(program, "acme-books")->funder = 2;
}

static void
pending_at_once(struct program *program)
{
    find_rule(program, "base-eur")->pending.period.amount = 0;
}

static void
pending_of_weeks(struct program *program)
{
    find_rule(program, "base-eur")->pending.period.unit = CALENDAR_WEEK;
}

static void
one_name_for_two(struct program *program)
{
    CAMPAIGN(4)->id = program->awards[0].id;
}

static void
campaign_of_a_bonus(struct program *program)
{
    CAMPAIGN_RULE(1, 0) = 2;
}

static void
campaign_rules_fall(struct program *program)
{
    CAMPAIGN_RULE(1, 1) = 0;
}

static void
two_windows(struct program *program)
{
    CAMPAIGN(3)->filter.window.from.ms = 0;
}

static void
two_windows_by_their_ends(struct program *program)
{
    CAMPAIGN(3)->filter.window.until.ms = 1;
}

static void
all_weekdays(struct program *program)
{
    CAMPAIGN(3)->weekdays = 127;
}

static void
day_0(struct program *program)
{
    CAMPAIGN(2)->days_of_month |= 1;
}

static void
hours_backwards(struct program *program)
{
    CAMPAIGN(3)->until_minute = CAMPAIGN(3)->from_minute;
}

static void
no_such_birthday(struct program *program)
{
    CAMPAIGN(0)->birthday = 4;
}

static void
award_of_nothing(struct program *program)
{
    AWARD(0)->points = 0;
}

static void
award_of_lines(struct program *program)
{
    AWARD(0)->filter.categories = find_rule(program, "acme-books")->filter.categories;
}

static void
birthday_delivered(struct program *program)
{
    find_award(program, AWARD_BIRTHDAY)->pending.kind = PENDING_DELIVERED;
}

static void
award_per_event(struct program *program)
{
    find_award(program, AWARD_BALANCE)->times.per = PER_EVENT;
}

static void
activity_without_name(struct program *program)
{
    find_award(program, AWARD_ACTIVITY)->activity.size = 0;
}

static void
streak_of_months(struct program *program)
{
    STREAK(0)->every = CALENDAR_MONTH;
}

static void
streak_of_nothing(struct program *program)
{
    STREAK(0)->point_count = 0;
}

static void
mission_of_nothing(struct program *program)
{
    find_mission(program, GOAL_SUM)->badge.size = 0;
}

static void
mission_without_money(struct program *program)
{
    find_mission(program, GOAL_SUM)->money = 0;
}

static void
mission_never(struct program *program)
{
    find_mission(program, GOAL_COUNT)->repeats = 0;
}

static void
mission_of_no_period(struct program *program)
{
    find_mission(program, GOAL_CONSECUTIVE)->every = CALENDAR_NONE;
}

static void
covers_fall(struct program *program)
{
    ((struct program_source *)(uintptr_t)program->caps[0].covers)[0].index = 4;
}

static void
covers_fall_by_kind(struct program *program)
{
    struct program_source *covers = (struct program_source *)(uintptr_t)program->caps[0].covers;
    covers[0] = (struct program_source){SOURCE_AWARD, 0};
    covers[1] = (struct program_source){SOURCE_RULE, 1};
}

static void
covers_of_another_currency(struct program *program)
{
    ((struct program_source *)(uintptr_t)program->caps[0].covers)[0].index = 1;
    ((struct program_source *)(uintptr_t)program->caps[0].covers)[1].index = 2;
}

static void
cap_of_no_days(struct program *program)
{
    CAP(2)->rolling_days = 0;
}

static void
caps_same(struct program *program)
{
    CAP(1)->id = program->caps[0].id;
}

static void
metric_of_no_mission(struct program *program)
{
    program->groups[1].metrics[2].mission = 9;
}

static void
metrics_same(struct program *program)
{
    program->groups[1].metrics[1].id = program->groups[1].metrics[0].id;
}

static void
levels_equal(struct program *program)
{
    memcpy(program->groups[1].levels[2].thresholds, program->groups[1].levels[1].thresholds,
           sizeof program->groups[1].levels[1].thresholds);
}

static void
one_threshold_falls(struct program *program)
{
    program->groups[1].levels[2].thresholds[0] = 1;
}

static void
rolling_waits(struct program *program)
{
    program->groups[1].upgrade = UPGRADE_NEXT_PERIOD;
}

static void
rolling_grace(struct program *program)
{
    program->groups[1].grace_days = 1;
}

static void
rolling_over(struct program *program)
{
    program->groups[1].rollover = true;
}

static void
rolling_never(struct program *program)
{
    program->groups[1].rolling = 0;
}

static void
limits_unordered(struct program *program)
{
    LIMIT(0)->priority = -3;
}

static void
quarantined_refund(struct program *program)
{
    find_limit(program, LIMITED_REFUND)->action = LIMIT_QUARANTINE;
}

static void
points_of_refunds(struct program *program)
{
    find_limit(program, LIMITED_REFUND)->measure = MEASURE_POINTS;
}

static void
money_of_activities(struct program *program)
{
    find_limit(program, LIMITED_ACTIVITY)->measure = MEASURE_MONEY;
    find_limit(program, LIMITED_ACTIVITY)->money = 826;
}

static void
hold_for_ever(struct program *program)
{
    program->spending.hold_timeout_ms = INT64_MAX;
}

static void
two_for_everybody(struct program *program)
{
    ITEM(program_spend_limit, spending.limits, 1)->group = PROGRAM_NONE;
}

static void
no_such_level(struct program *program)
{
    ITEM(program_spend_limit, spending.limits, 1)->level = 9;
}

static void
spending_growth(struct program *program)
{
    ITEM(program_payment, spending.payments, 1)->currency = 4;
}

static void
payments_same(struct program *program)
{
    ITEM(program_payment, spending.payments, 1)->money = program->spending.payments[0].money;
}

static void
rewards_unordered(struct program *program)
{
    REWARD(0)->id = BYTES_LITERAL("zz");
}

static void
reward_of_no_price(struct program *program)
{
    REWARD(0)->price_count = 0;
}

static void
price_of_nothing(struct program *program)
{
    ((struct program_price *)(uintptr_t)program->spending.rewards[0].prices)[0].points = 0;
}

static void
no_method(struct program *program)
{
    program->returns.method = 4;
}

static void
no_wait(struct program *program)
{
    program->returns.wait_days = 0;
}

static void
no_quarantine(struct program *program)
{
    program->quarantine_days = 0;
}

static void
no_lapse(struct program *program)
{
    program->approval_days = 0;
}

static const struct broken {
    const char *what, *said;
    void (*change)(struct program *program);
} broken[] = {
    {"unknown unknown", "unknown_member", unknown_unknown},
    {"no stacking", "stacking", no_stacking},
    {"no order combine", "order_combine", no_order_combine},
    {"no dates", "dates of a year is 0", no_dates},
    {"dates fall", "dates of a year do not rise", dates_fall},
    {"february 30", "the day of a date", february_30},
    {"rounded twice", "rounded twice", rounded_twice},
    {"month 13", "the month of an expiry", month_13},
    {"inactive at once", "an expiry period is 0", inactive_at_once},
    {"pushed by nothing", "nothing pushes", pushed_by_nothing},
    {"pushed by any and some", "some by name", pushed_by_any_and_some},
    {"grace of ages", "grace", grace_of_ages},
    {"funders unordered", "funders are not in order", funders_unordered},
    {"store nowhere", "a store's zone", store_nowhere},
    {"zone of no store", "no store is in a zone", zone_of_no_store},
    {"stores same", "two stores", stores_same},
    {"texts unordered", "categories are not in order", texts_unordered},
    {"window backwards", "ends before it starts", window_backwards},
    {"order asks for a line", "made for another place", order_asks_for_a_line},
    {"damaged condition", "a condition", damaged_condition},
    {"flat of nothing", "a flat bonus is 0", flat_of_nothing},
    {"flat multiplied", "a flat bonus is multiplied", flat_multiplied},
    {"flat of no money", "no ISO 4217", flat_of_no_money},
    {"one band", "bands is 1", one_band},
    {"bands fall", "a band", bands_fall},
    {"no such funder", "a funder", no_such_funder},
    {"pending at once", "a period is 0", pending_at_once},
    {"pending of weeks", "days, months or years", pending_of_weeks},
    {"one name for two", "two rules have one id", one_name_for_two},
    {"campaign of a bonus", "cannot multiply", campaign_of_a_bonus},
    {"campaign rules fall", "do not rise", campaign_rules_fall},
    {"two windows", "a window of instants and one of local", two_windows},
    {"two windows by their ends", "a window of instants", two_windows_by_their_ends},
    {"all weekdays", "weekdays", all_weekdays},
    {"day 0", "day 0", day_0},
    {"hours backwards", "an hour", hours_backwards},
    {"no such birthday", "a birthday", no_such_birthday},
    {"award of nothing", "an award's points", award_of_nothing},
    {"award of lines", "does not exist at its place", award_of_lines},
    {"birthday delivered", "waits for its delivery", birthday_delivered},
    {"award per event", "how often", award_per_event},
    {"activity without name", "an award's activity", activity_without_name},
    {"streak of months", "a streak's unit", streak_of_months},
    {"streak of nothing", "a streak's awards", streak_of_nothing},
    {"mission of nothing", "awards nothing", mission_of_nothing},
    {"mission without money", "a mission's money", mission_without_money},
    {"mission never", "repetitions", mission_never},
    {"mission of no period", "a mission's periods", mission_of_no_period},
    {"covers fall", "out of order", covers_fall},
    {"covers fall by kind", "out of order", covers_fall_by_kind},
    {"covers of another currency", "another currency", covers_of_another_currency},
    {"cap of no days", "a cap's days", cap_of_no_days},
    {"caps same", "two caps", caps_same},
    {"metric of no mission", "a mission that there is not", metric_of_no_mission},
    {"metrics same", "two metrics", metrics_same},
    {"levels equal", "thresholds do not rise", levels_equal},
    {"one threshold falls", "thresholds do not rise", one_threshold_falls},
    {"rolling waits", "an upgrade waits", rolling_waits},
    {"rolling grace", "a downgrade waits", rolling_grace},
    {"rolling over", "a rollover", rolling_over},
    {"rolling never", "a rolling window", rolling_never},
    {"limits unordered", "limits are not in order", limits_unordered},
    {"quarantined refund", "a quarantine of what grants nothing", quarantined_refund},
    {"points of refunds", "the points of refunds", points_of_refunds},
    {"money of activities", "the money of what has none", money_of_activities},
    {"hold for ever", "a hold's time", hold_for_ever},
    {"two for everybody", "not in order of currency and level", two_for_everybody},
    {"no such level", "a level of spending", no_such_level},
    {"spending growth", "cannot be spent", spending_growth},
    {"payments same", "payments are not in order", payments_same},
    {"rewards unordered", "rewards are not in order", rewards_unordered},
    {"reward of no price", "the prices of a reward", reward_of_no_price},
    {"price of nothing", "a price is 0", price_of_nothing},
    {"no method", "a claw-back", no_method},
    {"no wait", "a waiting refund", no_wait},
    {"no quarantine", "the days of a quarantine", no_quarantine},
    {"no lapse", "the days of an approval", no_lapse},
};

Test(program_whole, each_rule_is_checked)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct program program;
        compile_whole();
        broken[i].change(&rulebook.program);
        cr_expect_not(decode(encode(&rulebook.program, first), &program), "%s", broken[i].what);
        cr_expect_not_null(strstr(fault.text, broken[i].said), "%s: %s", broken[i].what,
                           fault.text);
        rulebook_close(&rulebook);
    }
}
