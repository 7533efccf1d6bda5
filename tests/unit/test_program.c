/* The normalised form: what is written is read again, and everything else is refused by name. */
#include "engine/core/program.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/fold_rig.h"

static uint8_t bytes[65536], memory[1 << 20] __attribute__((aligned(16)));
static struct fault fault;

static const struct bytes CATEGORIES[] = {BYTES_LITERAL("books"), BYTES_LITERAL("toys")};
static struct program_rule rules[2];
static struct zone_transition transitions[2];

/* One of everything. */
static struct program
full(void)
{
    struct program program = rig_program();
    transitions[0] = (struct zone_transition){1000, 3600000};
    transitions[1] = (struct zone_transition){2000, -3600000};
    program.zone = (struct zone){transitions, 2, 7200000};
    program.currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, 12, CALENDAR_MONTH, CALENDAR_MONTH};
    program.currencies[0].notice_days = 30;
    program.currencies[1] = (struct program_currency){.id = BYTES_LITERAL("growth"),
                                                      .scale = 2,
                                                      .qualifying = true,
                                                      .rounding = ROUNDING_HALF_EVEN,
                                                      .expiry = {.kind = EXPIRY_NONE}};
    program.currency_count = 2;
    program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("spend"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {BASIS_WITHOUT_TAX, 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .upgrade = UPGRADE_IMMEDIATE,
        .window = WINDOW_CALENDAR_YEAR,
        .downgrade = DOWNGRADE_ONE_STEP,
        .levels = {{BYTES_LITERAL("a"), {0}, {1, 1}}, {BYTES_LITERAL("b"), {100}, {3, 2}}},
        .level_count = 2,
    };
    program.groups[1] = (struct program_group){
        .id = BYTES_LITERAL("points"),
        .metrics = {{.kind = METRIC_POINTS, .currency = 1, .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .upgrade = UPGRADE_IMMEDIATE,
        .window = WINDOW_LIFETIME,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{BYTES_LITERAL("a"), {0}, {1, 1}}},
        .level_count = 1,
    };
    program.group_count = 2;
    rules[0] = program.rules[0];
    rules[0].priority = 5;
    rules[0].filter.categories = (struct program_texts){CATEGORIES, 2};
    rules[0].tier_group = 0;
    rules[1] = program.rules[0];
    rules[1].id = BYTES_LITERAL("also");
    program.rules = rules;
    program.rule_count = 2;
    return program;
}

static bool
read_again(const struct program *program, struct program *out)
{
    struct arena arena;
    struct writer writer = writer_of(bytes, sizeof bytes);
    program_encode(program, &writer);
    arena_init(&arena, memory, sizeof memory);
    return program_decode(writer_span(&writer), &arena, out, &fault);
}

Test(program, everything_is_read_again)
{
    static uint8_t again[sizeof bytes];
    struct program program = full(), read;
    cr_assert(read_again(&program, &read), "%s", fault.text);
    struct writer first = writer_of(again, sizeof again);
    program_encode(&read, &first);
    struct writer second = writer_of(bytes, sizeof bytes);
    program_encode(&program, &second);
    cr_assert(bytes_equal(writer_span(&first), writer_span(&second)));
    cr_assert_eq(read.rule_count, 2);
    cr_assert(bytes_equal(read.rules[0].filter.categories.items[1], BYTES_LITERAL("toys")));
    cr_assert_eq(read.rules[0].tier_group, 0);
    cr_assert_eq(read.rules[1].tier_group, -1);
    cr_assert_eq(read.zone.transitions[1].offset_ms, -3600000);
    cr_assert_eq(read.groups[0].levels[1].multiplier.numerator, 3);
}

Test(program, no_prefix_and_no_tail)
{
    struct program program = full(), read;
    struct arena arena;
    struct writer writer = writer_of(bytes, sizeof bytes);
    program_encode(&program, &writer);
    for (size_t size = 0; size < writer.size; size++) {
        arena_init(&arena, memory, sizeof memory);
        cr_assert_not(program_decode(bytes_of(bytes, size), &arena, &read, &fault), "cut to %zu",
                      size);
        cr_assert_eq(fault.kind, FAULT_DATA);
    }
    arena_init(&arena, memory, sizeof memory);
    cr_assert_not(program_decode(bytes_of(bytes, writer.size + 1), &arena, &read, &fault));
    cr_assert_not_null(strstr(fault.text, "after its end"));
}

/* A rule of program.h broken, and what the refusal says. */
struct broken {
    const char *what, *part;
    void (*change)(struct program *program);
};

static void
no_name(struct program *program)
{
    program->name.size = 0;
}

static void
version_0(struct program *program)
{
    program->version = 0;
}

static void
zone_back(struct program *program)
{
    transitions[1].at_ms = 1000;
    (void)program;
}

static void
bad_scale(struct program *program)
{
    program->currencies[0].scale = 7;
}

static void
same_currency(struct program *program)
{
    program->currencies[1].id = program->currencies[0].id;
}

static void
no_period(struct program *program)
{
    program->currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, 0, CALENDAR_DAY, CALENDAR_NONE};
}

static void
period_of_weeks(struct program *program)
{
    program->currencies[0].expiry.unit = CALENDAR_WEEK;
}

static void
unknown_money(struct program *program)
{
    program->groups[0].metrics[0].money = 1;
}

static void
first_threshold(struct program *program)
{
    program->groups[0].levels[0].thresholds[0] = 1;
}

static void
falling_thresholds(struct program *program)
{
    program->groups[0].levels[1].thresholds[0] = 0;
}

static void
same_level(struct program *program)
{
    program->groups[0].levels[1].id = program->groups[0].levels[0].id;
}

static void
same_group(struct program *program)
{
    program->groups[1].id = program->groups[0].id;
}

static void
no_such_currency(struct program *program)
{
    program->groups[1].metrics[0].currency = 2;
}

static void
rate_not_reduced(struct program *program)
{
    rules[0].rate = (struct rate){2, 200};
    (void)program;
}

static void
rules_out_of_order(struct program *program)
{
    rules[0].priority = -1;
    (void)program;
}

static void
same_rule(struct program *program)
{
    rules[1].id = rules[0].id;
    (void)program;
}

static void
no_such_group(struct program *program)
{
    rules[0].tier_group = 2;
    (void)program;
}

static void
unknown_line_kind(struct program *program)
{
    rules[0].basis.line_kinds = 1;
    (void)program;
}

Test(program, each_rule_is_checked)
{
    static const struct broken rows[] = {
        {"a name", "name", no_name},
        {"a version", "version is 0", version_0},
        {"transitions rise", "zone transition", zone_back},
        {"scale 0 to 6", "scale", bad_scale},
        {"currencies have ids of their own", "two currencies", same_currency},
        {"a period is above zero", "of nothing", no_period},
        {"periods count days, months, years", "days, months or years", period_of_weeks},
        {"money is in ISO 4217", "ISO 4217", unknown_money},
        {"the first threshold is 0", "first level", first_threshold},
        {"thresholds rise", "do not rise", falling_thresholds},
        {"levels have ids of their own", "two levels", same_level},
        {"groups have ids of their own", "two tier groups", same_group},
        {"a group's currency exists", "currency is 2", no_such_currency},
        {"rates are reduced", "not reduced", rate_not_reduced},
        {"rules are in order", "order of priority", rules_out_of_order},
        {"rules have ids of their own", "two rules", same_rule},
        {"a rule's group exists", "tier group is 3", no_such_group},
        {"line kinds are known", "line kind", unknown_line_kind},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct program program = full(), read;
        rows[i].change(&program);
        cr_assert_not(read_again(&program, &read), "%s", rows[i].what);
        cr_assert_eq(fault.kind, FAULT_DATA);
        cr_assert_not_null(strstr(fault.text, rows[i].part), "%s: %s", rows[i].what, fault.text);
    }
}

Test(program, what_may_follow)
{
    struct program first = full(), next = full();
    cr_assert_not(program_follows(&next, &first, &fault), "the same version");
    next.version = 2;
    cr_assert(program_follows(&next, &first, &fault));
    next.currencies[1].scale = 3;
    cr_assert_not(program_follows(&next, &first, &fault));
    cr_assert_not_null(strstr(fault.text, "scale of growth"));
    next.currencies[1].id = BYTES_LITERAL("other");
    cr_assert(program_follows(&next, &first, &fault), "currencies may come and go");
    next.zone_name = BYTES_LITERAL("Europe/Paris");
    cr_assert_not(program_follows(&next, &first, &fault));
    cr_assert_not_null(strstr(fault.text, "zone"));
}
