#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/rulebook.h"

Test(compile, fills_the_program)
{
    static struct rulebook rulebook;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &rulebook);
    cr_assert(rulebook.sound);
    cr_assert_eq(rulebook.diagnostics.warning_count, 0);
    const struct program *program = &rulebook.program;
    cr_assert(bytes_equal(program->name, BYTES_LITERAL("shop")));
    cr_assert_eq(program->version, 3);
    cr_assert_eq(program->effective_from.ms, INT64_C(1767225600000));
    cr_assert(bytes_equal(program->zone_name, BYTES_LITERAL("Europe/London")));
    cr_assert_gt(program->zone.count, 200);
    cr_assert_eq(program->line_combine, COMBINE_MAX);
    cr_assert_eq(program->currency_count, 2);
    cr_assert_eq(program->currencies[0].expiry.kind, EXPIRY_PERIOD);
    cr_assert_eq(program->currencies[0].expiry.amount, 6);
    cr_assert_eq(program->currencies[0].expiry.unit, CALENDAR_MONTH);
    cr_assert_not(program->currencies[0].qualifying);
    cr_assert_eq(program->currencies[1].scale, 2);
    cr_assert(program->currencies[1].qualifying);
    cr_assert_eq(program->currencies[1].expiry.kind, EXPIRY_NONE);
    cr_assert_eq(program->currencies[1].notice_days, 0, "what never expires is never announced");
    cr_assert_eq(program->rule_count, 2);
    const struct program_rule *base = &program->rules[0], *climb = &program->rules[1];
    cr_assert_eq(base->rate.numerator, 1);
    cr_assert_eq(base->rate.denominator, 100);
    cr_assert_eq(base->money, 826);
    cr_assert_eq(base->tier_group, 0);
    cr_assert_eq(base->filter.categories.count, 0);
    /* 0.25 points of scale 2 are 25 units, for 100 minor units */
    cr_assert_eq(climb->rate.numerator, 1);
    cr_assert_eq(climb->rate.denominator, 4);
    cr_assert_eq(climb->currency, 1);
    cr_assert_eq(climb->tier_group, -1,
                 "qualifying currencies are multiplied only when a rule says so");
    cr_assert_eq(climb->filter.categories.count, 2);
    cr_assert(bytes_equal(climb->filter.categories.items[1], BYTES_LITERAL("b")));
    const struct program_group *group = &program->groups[0];
    cr_assert_eq(program->group_count, 1);
    cr_assert_eq(group->metrics[0].kind, METRIC_SPEND);
    cr_assert_eq(group->metrics[0].money, 826);
    cr_assert_eq(group->level_count, 2);
    cr_assert_eq(group->levels[1].thresholds[0], 50000);
    cr_assert_eq(group->levels[1].multiplier.numerator, 3);
    cr_assert_eq(group->levels[1].multiplier.denominator, 2);
    cr_assert_eq(group->levels[0].multiplier.numerator, 1);
    rulebook_close(&rulebook);
}

/* The defaults that the law names in code type (semantics §2, §4, §7, §8). */
Test(compile, defaults_are_the_laws)
{
    static const char text[] =
        "rulebook: shop\nversion: 1\neffective_from: 2026-01-01\nzone: UTC\n"
        "currencies: { points: {} }\n"
        "earn: [ { rule: base, currency: points, rate: 1 per 1.00 CNY } ]\n"
        "tiers: [ { group: g, metric: { points: points }, levels: [ { level: a, from: 0 } ] } ]\n";
    static struct rulebook rulebook;
    rulebook_open(text, strlen(text), &rulebook);
    char said[1024];
    cr_assert(rulebook.sound, "%s", rulebook_complaint(&rulebook, said, sizeof said));
    const struct program *program = &rulebook.program;
    cr_assert_eq(program->accept_future_ms, 5 * 60 * 1000);
    cr_assert_eq(program->accept_past_ms, 366 * CALENDAR_DAY_MS);
    cr_assert_eq(program->unknown_member, UNKNOWN_AUTO_ENROL);
    cr_assert_eq(program->returns.arrears, ARREARS_ALLOW);
    cr_assert_eq(program->line_combine, COMBINE_MAX);
    const struct program_currency *points = &program->currencies[0];
    cr_assert_eq(points->scale, 0);
    cr_assert_eq(points->rounding, ROUNDING_FLOOR);
    cr_assert_eq(points->expiry.amount, 12);
    cr_assert_eq(points->expiry.unit, CALENDAR_MONTH);
    cr_assert_eq(points->expiry.round_up_to, CALENDAR_MONTH);
    cr_assert_eq(points->notice_days, 30);
    const struct program_rule *rule = &program->rules[0];
    cr_assert_eq(rule->priority, 0);
    cr_assert_eq(rule->basis.flags, BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER);
    cr_assert_eq(rule->basis.line_kinds, 1u << LINE_GOODS | 1u << LINE_FEE,
                 "without tax, shipping and gift cards");
    cr_assert_eq(program->groups[0].window, WINDOW_CALENDAR_YEAR);
    cr_assert_eq(program->groups[0].downgrade, DOWNGRADE_NONE);
    rulebook_close(&rulebook);
}

Test(compile, orders_rules_by_priority_then_name)
{
    static const char text[] =
        "rulebook: shop\nversion: 1\neffective_from: 2026-01-01\nzone: UTC\n"
        "currencies: { points: {} }\nearn:\n"
        "  - { rule: c, currency: points, rate: 1 per 1 JPY }\n"
        "  - { rule: a, currency: points, rate: 1 per 1 JPY, priority: -1 }\n"
        "  - { rule: b, currency: points, rate: 1 per 1 JPY }\n"
        "  - { rule: d, currency: points, rate: 1 per 1 JPY, priority: 10 }\n";
    static struct rulebook rulebook;
    rulebook_open(text, strlen(text), &rulebook);
    cr_assert(rulebook.sound);
    char order[5] = "";
    for (uint32_t i = 0; i < rulebook.program.rule_count; i++) {
        order[i] = (char)rulebook.program.rules[i].id.data[0];
    }
    cr_assert_str_eq(order, "dbca");
    rulebook_close(&rulebook);
}

/* One change to a sound rulebook, and the first thing said about it. */
static const struct mistake {
    const char *what, *part, *replacement, *said;
} mistakes[] = {
    {"nothing changed", "shop", "shop", "none"},
    {"an unknown key", "zone:", "zoen:", "4:1 error: unknown key 'zoen' | did you mean 'zone'?"},
    {"an unknown key far from all", "", "loyalty: 3\n",
     "17:1 error: unknown key 'loyalty' | the keys known here are:"},
    {"a key of another map", "scale: 2", "rate: 2", "7:45 error: unknown key 'rate' |"},
    {"a missing key", "version: 3\n", "",
     "1:1 error: the rulebook needs the key 'version' | for example: version: 1"},
    {"a missing key in a list", "rule: base, ", "",
     "9:5 error: an earn rule needs the key 'rule' |"},
    {"a key twice", "version: 3", "version: 3\nversion: 4",
     "3:1 error: key 'version' is given twice | the first one stands in line 2"},
    {"version nought", "version: 3", "version: 0",
     "2:10 error: 'version' is 0; it must be from 1 to"},
    {"version below nought", "version: 3", "version: -1", "2:10 error: 'version' is -1;"},
    {"version of no number", "version: 3", "version: three",
     "2:10 error: 'version' is not a whole number: 'three'"},
    {"a version with a point", "version: 3", "version: 3.0",
     "2:10 error: 'version' is not a whole number: '3.0'"},
    {"a version that is a text", "version: 3", "version: \"3\"",
     "2:10 error: 'version' is not a whole number"},
    {"a version beyond 64 bits", "version: 3", "version: 99999999999999999999",
     "2:10 error: 'version' is not a whole number"},
    {"no value", "zone: Europe/London",
     "zone:", "4:1 error: 'zone' needs a value; here is nothing |"},
    {"a list for a value", "zone: Europe/London", "zone: [UTC]",
     "4:7 error: 'zone' needs a value; here is a list |"},
    {"a value for a map", "{ spend: GBP }", "spend",
     "13:13 error: 'metric' needs a map; here is a value |"},
    {"a bad name", "rulebook: shop", "rulebook: my shop",
     "1:11 error: 'my shop' cannot be a name |"},
    {"a start of no date", "2026-01-01", "soon", "3:17 error: 'soon' is not a time such as"},
    {"a day that does not exist", "2026-01-01", "2026-02-29",
     "3:17 error: '2026-02-29': February 2026 has no day 29 | its last day is the 28th"},
    {"an unknown zone", "Europe/London", "Europe/Londn",
     "4:7 error: unknown time zone 'Europe/Londn': there is no time zone of this name"},
    {"a zone that leaves the folder", "Europe/London", "../../etc/passwd",
     "4:7 error: unknown time zone '../../etc/passwd': a zone is named as in"},
    {"a length of time without a unit", "", "accept: { future: 5 }\n",
     "17:19 error: '5' is not a length of time | write a whole number and s, min, h or days"},
    {"a length of time beyond its range", "", "accept: { future: 25 h }\n",
     "17:19 error: '25 h' is out of range | from 0 s to 1 days"},
    {"an unknown word", "", "members: { unknown: auto-enroll }\n",
     "17:21 error: 'unknown' cannot be 'auto-enroll' | did you mean 'auto-enrol'?"},
    {"a word of another kind", "", "combine: { lines: best }\n",
     "17:19 error: 'lines' cannot be 'best' | possible here: max, sum, first"},
    {"an arrears policy that does not exist", "", "returns: { arrears: within_reason }\n",
     "17:21 error: 'arrears' cannot be 'within_reason' | possible here: allow, within_balance"},
    {"a scale beyond 6", "scale: 2", "scale: 7",
     "7:52 error: 'scale' is 7; it must be from 0 to 6"},
    {"neither true nor false", "qualifying: true", "qualifying: yes",
     "7:25 error: 'qualifying' cannot be 'yes' | possible here: false, true"},
    {"a period of no unit", "6 months", "6", "6:30 error: '6' is not a period |"},
    {"a period longer than a century", "6 months", "1201 months",
     "6:30 error: '1201 months' is longer than a century |"},
    {"a fraction of a month", "6 months", "1.5 months",
     "6:30 error: '1.5 months' is not a period |"},
    {"points that expire at once", "after: 6 months", "after: 0 days, round: none",
     "6:30 error: points would expire at the instant they are earned |"},
    {"an expiry that is a value", "{ after: 6 months }", "never",
     "6:21 error: 'expiry' needs a map; here is a value |"},
    {"a rule for an unknown points currency", "currency: growth", "currency: grwth",
     "10:30 error: there is no points currency 'grwth' | did you mean 'growth'?"},
    {"an unknown tier group", "multiplied_by: status", "multiplied_by: club",
     "9:74 error: there is no tier group 'club' | one that exists is 'status'"},
    {"an unknown money", "1 per 1.00 GBP, m", "1 per 1.00 GPB, m",
     "9:43 error: 'GPB' is not a currency of ISO 4217 | did you mean GBP?"},
    {"money in small letters", "1 per 1.00 GBP, m", "1 per 1.00 gbp, m",
     "9:43 error: 'gbp' is not a currency of ISO 4217 | did you mean GBP?"},
    {"too many decimals", "1 per 1.00 GBP, m", "1 per 1.005 GBP, m",
     "9:43 error: '1.005' has too many decimals: GBP has 2 | nothing is rounded"},
    {"yen have no decimals", "1 per 1.00 GBP, m", "1 per 1.5 JPY, m",
     "9:43 error: '1.5' has too many decimals: JPY has 0 |"},
    {"a rate of nothing", "1 per 1.00 GBP, m", "0 per 1.00 GBP, m",
     "9:43 error: '0 per 1.00 GBP' is a rate of nothing or by nothing |"},
    {"a rate by nothing", "1 per 1.00 GBP, m", "1 per 0.00 GBP, m",
     "9:43 error: '1 per 0.00 GBP' is a rate of nothing or by nothing |"},
    {"a negative rate", "1 per 1.00 GBP, m", "-1 per 1.00 GBP, m",
     "9:43 error: '-1' is negative |"},
    {"an absurd rate", "1 per 1.00 GBP, m", "20000 per 0.01 GBP, m",
     "9:43 error: '20000 per 0.01 GBP' is an absurd rate |"},
    {"a rate beyond 63 bits", "1 per 1.00 GBP, m", "99999999999999999999 per 1.00 GBP, m",
     "9:43 error: '99999999999999999999' is too large |"},
    {"a rate of no form", "1 per 1.00 GBP, m", "1/GBP, m", "9:43 error: '1/GBP' is not a rate |"},
    {"a rate without money", "1 per 1.00 GBP, m", "1 per pound, m",
     "9:43 error: 'pound' is not an amount of money | write the amount and the currency"},
    {"a rule twice", "rule: climb", "rule: base",
     "10:5 error: rule 'base' is defined twice | give each its own name"},
    {"no categories", "[a, b]", "[]", "10:63 error: 'categories' is empty | for example:"},
    {"a category twice", "[a, b]", "[a, a]", "10:79 error: category 'a' is listed twice |"},
    {"a category that is a map", "[a, b]", "[{a: b}]",
     "10:76 error: this value needs a value; here is a map |"},
    {"an unknown kind of line", "categories: [a, b]", "basis: { lines: [good] }",
     "10:80 error: this value cannot be 'good' | did you mean 'goods'?"},
    {"no kind of line", "categories: [a, b]", "basis: { lines: [] }",
     "10:72 error: no kind of line counts |"},
    {"a priority of no number", "multiplied_by: status", "priority: high",
     "9:69 error: 'priority' is not a whole number: 'high'"},
    {"a metric of two things", "{ spend: GBP }", "{ spend: GBP, points: growth }",
     "13:5 error: a metric is exactly one of spend, points, visits, missions and balance |"},
    {"a metric of nothing", "{ spend: GBP }", "{}",
     "13:5 error: a metric is exactly one of spend, points, visits, missions and balance |"},
    {"a basis of points", "{ spend: GBP }", "{ points: growth, basis: {} }",
     "13:31 error: 'basis' belongs to 'spend' |"},
    {"a first level above nought", "from: 0", "from: 1.00 GBP",
     "15:32 error: the first level must begin at 0 | put a level 'from: 0' before it"},
    {"a ladder out of order", "      - { level: gold",
     "      - { level: top, from: 900.00 GBP }\n      - { level: gold",
     "17:30 error: the ladder is out of order: 'gold' does not begin above the level before it "
     "|"},
    {"two levels at one threshold", "from: 500.00 GBP", "from: 0",
     "16:30 error: the ladder is out of order:"},
    {"a level twice", "level: gold", "level: member",
     "16:9 error: level 'member' is defined twice |"},
    {"a level in other money", "from: 500.00 GBP", "from: 500.00 EUR",
     "16:30 error: the group measures spend in GBP, not in EUR |"},
    {"a level without money", "from: 500.00 GBP", "from: 500",
     "16:30 error: '500' is not an amount of money | write the amount and the currency"},
    {"a negative level", "from: 500.00 GBP", "from: -1.00 GBP",
     "16:30 error: '-1.00' is negative |"},
    {"a multiplier of nought", "multiplier: 1.5", "multiplier: 0",
     "16:54 error: '0' cannot be a multiplier |"},
    {"a multiplier of a million", "multiplier: 1.5", "multiplier: 1000000",
     "16:54 error: '1000000' cannot be a multiplier |"},
    {"a multiplier too fine", "multiplier: 1.5", "multiplier: 1.0000001",
     "16:54 error: '1.0000001' has too many decimals: a multiplier has 6 |"},
    {"a downgrade without a review",
     "    levels:", "    window: lifetime\n    downgrade: one step\n    levels:",
     "15:16 error: a lifetime ladder has no review that could downgrade anybody |"},
    {"a level of the ladder that is no map", "{ level: member, from: 0 }", "member",
     "15:9 error: this value needs a map; here is a value |"},
    {"a currency that nothing earns", "currency: growth", "currency: points",
     "7:3 warning: nothing earns 'growth' |"},
    {"a multiplier that nothing uses", ", multiplied_by: status", "",
     "16:42 warning: this multiplier multiplies nothing | add 'multiplied_by: status'"},
    {"an anchor", "rulebook: shop", "rulebook: &name shop",
     "1:11 error: anchors ('&name') are not supported |"},
    {"broken YAML", "rulebook: shop", "rulebook: [shop", "2:8 error: not valid YAML:"},
    {"a tab", "  points:", "\tpoints:", "6:1 error: not valid YAML:"},
};

Test(compile, names_each_mistake_where_it_is)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        static struct rulebook rulebook;
        char buffer[1024];
        char *text = rulebook_with(mistakes[i].part, mistakes[i].replacement);
        rulebook_open(text, strlen(text), &rulebook);
        const char *said = rulebook_complaint(&rulebook, buffer, sizeof buffer);
        cr_expect(strncmp(said, mistakes[i].said, strlen(mistakes[i].said)) == 0, "%s: %s",
                  mistakes[i].what, said);
        cr_expect_eq(rulebook.sound, rulebook.diagnostics.error_count == 0, "%s", mistakes[i].what);
        rulebook_close(&rulebook);
        free(text);
    }
}

/* Under `first`, what stands behind a rule that takes all its lines never earns. */
Test(compile, finds_rules_that_are_never_reached)
{
    const struct {
        const char *what, *rules;
        bool sound;
    } rows[] = {
        {"the broad rule first", "{ rule: a, %s }, { rule: b, %s, categories: [x] }", false},
        {"the narrow rule first", "{ rule: a, %s, categories: [x] }, { rule: b, %s }", true},
        {"a part of the categories",
         "{ rule: a, %s, categories: [x, y] }, { rule: b, %s, categories: [y] }", false},
        {"one category more",
         "{ rule: a, %s, categories: [x, y] }, { rule: b, %s, categories: [y, z] }", true},
        {"priority turns them round",
         "{ rule: a, %s }, { rule: b, %s, categories: [x], priority: 1 }", true},
        {"lines that the first does not take",
         "{ rule: a, %s, basis: { lines: [goods] } }, { rule: b, %s }", true},
    };
    static const char rate[] = "currency: points, rate: 1 per 1.00 GBP";
    static const char head[] = "rulebook: shop\nversion: 1\neffective_from: 2026-01-01\nzone: UTC\n"
                               "currencies: { points: {} }\ncombine: { lines: first }\nearn: [ ";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct rulebook rulebook;
        char text[1024], *at = text;
        at += snprintf(at, sizeof text, "%s", head);
        for (const char *from = rows[i].rules; *from != '\0'; from++) {
            bool here = from[0] == '%' && from[1] == 's';
            at += snprintf(at, sizeof text - (size_t)(at - text), "%.*s",
                           here ? (int)strlen(rate) : 1, here ? rate : from);
            if (here) from++;
        }
        snprintf(at, sizeof text - (size_t)(at - text), " ]\n");
        rulebook_open(text, strlen(text), &rulebook);
        char said[1024];
        cr_expect_eq(rulebook.sound, rows[i].sound, "%s: %s", rows[i].what,
                     rulebook_complaint(&rulebook, said, sizeof said));
        rulebook_close(&rulebook);
    }
}

Test(compile, keeps_the_limits)
{
    const struct {
        const char *what;
        unsigned count;
        const char *entry, *head, *tail, *said;
    } rows[] = {
        {"1,000 rules", 1000, "  - { rule: r%u, currency: points, rate: 1 per 1.00 GBP }\n",
         "currencies: { points: {} }\nearn:\n", "", NULL},
        {"1,001 rules", 1001, "  - { rule: r%u, currency: points, rate: 1 per 1.00 GBP }\n",
         "currencies: { points: {} }\nearn:\n", "",
         "'earn' has 1001 entries; at most 1000 are allowed"},
        {"8 currencies", 8, "  c%u: {}\n", "currencies:\n", "", NULL},
        {"9 currencies", 9, "  c%u: {}\n", "currencies:\n", "",
         "'currencies' has 9 entries; at most 8 are allowed"},
        {"no currency", 0, "", "currencies: {}\n", "", "'currencies' is empty"},
        {"4 groups", 4,
         "  - { group: g%u, metric: { spend: GBP }, levels: [ { level: a, from: 0 } ] }\n",
         "currencies: { points: {} }\ntiers:\n", "", NULL},
        {"5 groups", 5,
         "  - { group: g%u, metric: { spend: GBP }, levels: [ { level: a, from: 0 } ] }\n",
         "currencies: { points: {} }\ntiers:\n", "",
         "'tiers' has 5 entries; at most 4 are allowed"},
        {"16 levels", 16, "    - { level: l%u, from: %u.00 GBP }\n",
         "currencies: { points: {} }\ntiers:\n  - group: g\n    metric: { spend: GBP }\n    "
         "levels:\n",
         "", NULL},
        {"17 levels", 17, "    - { level: l%u, from: %u.00 GBP }\n",
         "currencies: { points: {} }\ntiers:\n  - group: g\n    metric: { spend: GBP }\n    "
         "levels:\n",
         "", "'levels' has 17 entries; at most 16 are allowed"},
        {"256 categories", 256, "c%u, ",
         "currencies: { points: {} }\nearn: [ { rule: r, currency: points, rate: 1 per 1.00 GBP, "
         "categories: [ ",
         "] } ]\n", NULL},
        {"257 categories", 257, "c%u, ",
         "currencies: { points: {} }\nearn: [ { rule: r, currency: points, rate: 1 per 1.00 GBP, "
         "categories: [ ",
         "] } ]\n", "'categories' has 257 entries; at most 256 are allowed"},
        {"a file beyond 512 KiB", 70000, "# line %u\n", "currencies: { points: {} }\n", "",
         "the file has "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct rulebook rulebook;
        size_t capacity = 1024 * 1024, size = 0;
        char *text = malloc(capacity);
        cr_assert_not_null(text);
        size += (size_t)snprintf(
            text, capacity, "rulebook: s\nversion: 1\neffective_from: 2026-01-01\nzone: UTC\n%s",
            rows[i].head);
        for (unsigned entry = 0; entry < rows[i].count; entry++) {
            for (const char *from = rows[i].entry; *from != '\0'; from++) {
                if (from[0] == '%') {
                    size += (size_t)snprintf(text + size, capacity - size, "%u", entry);
                    from++;
                } else {
                    text[size++] = *from;
                }
            }
        }
        size += (size_t)snprintf(text + size, capacity - size, "%s", rows[i].tail);
        rulebook_open(text, size, &rulebook);
        bool said = rows[i].said == NULL;
        for (size_t at = 0; at < rulebook.diagnostics.count; at++) {
            if (rows[i].said != NULL &&
                strstr(rulebook.diagnostics.items[at].message, rows[i].said) != NULL)
                said = true;
        }
        char first[1024];
        cr_expect_eq(rulebook.sound, rows[i].said == NULL, "%s: %s", rows[i].what,
                     rulebook_complaint(&rulebook, first, sizeof first));
        cr_expect(said, "%s: %s", rows[i].what, rulebook_complaint(&rulebook, first, sizeof first));
        rulebook_close(&rulebook);
        free(text);
    }
}

/* A date is local midnight; everything else says which instant it is. */
Test(compile, reads_the_start_in_the_zone)
{
    const struct {
        const char *zone, *start;
        int64_t ms;
    } rows[] = {
        {"Europe/London", "2026-07-01", INT64_C(1782860400000)},
        {"Asia/Tokyo", "2026-02-01", INT64_C(1769871600000)},
        {"Asia/Tokyo", "2026-02-01T00:30", INT64_C(1769873400000)},
        {"Asia/Tokyo", "2026-02-01T00:00:00Z", INT64_C(1769904000000)},
        {"America/New_York", "2026-01-01T00:00:00+09:00", INT64_C(1767193200000)},
        {"UTC", "1970-01-01", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct rulebook rulebook;
        char text[512];
        snprintf(
            text, sizeof text,
            "rulebook: s\nversion: 1\neffective_from: %s\nzone: %s\ncurrencies: { points: {} }\n",
            rows[i].start, rows[i].zone);
        rulebook_open(text, strlen(text), &rulebook);
        cr_expect(rulebook.sound, "%s", rows[i].start);
        cr_expect_eq(rulebook.program.effective_from.ms, rows[i].ms, "%s in %s: %lld",
                     rows[i].start, rows[i].zone, (long long)rulebook.program.effective_from.ms);
        rulebook_close(&rulebook);
    }
}

/* Everything wrong is said at once: three mistakes in three parts. */
Test(compile, finds_all_mistakes_in_one_go)
{
    static const char text[] =
        "rulebook: shop\nversion: 0\neffective_from: soon\nzone: Mars/Olympus\n"
        "currencies: { points: { scale: 9, rounding: best, expiry: { after: x, round: y } } }\n"
        "earn: [ { rule: a, currency: q, rate: z, priority: p }, 7, { rule: a } ]\n"
        "tiers: [ { group: g, metric: {}, levels: [] } ]\nother: 1\n";
    static struct rulebook rulebook;
    rulebook_open(text, strlen(text), &rulebook);
    cr_assert_not(rulebook.sound);
    cr_assert_eq(rulebook.diagnostics.error_count, 17, "%zu", rulebook.diagnostics.error_count);
    rulebook_close(&rulebook);
}

Test(compile, survives_any_prefix_and_any_flipped_byte)
{
    static struct rulebook rulebook;
    size_t size = strlen(RULEBOOK_TEXT);
    char *text = malloc(size);
    cr_assert_not_null(text);
    for (size_t cut = 0; cut < size; cut += 3) {
        memcpy(text, RULEBOOK_TEXT, size);
        rulebook_open(text, cut, &rulebook);
        cr_expect_eq(rulebook.sound, rulebook.diagnostics.error_count == 0, "cut at %zu", cut);
        rulebook_close(&rulebook);
        text[cut] ^= 0x15;
        rulebook_open(text, size, &rulebook);
        cr_expect_eq(rulebook.sound, rulebook.diagnostics.error_count == 0, "changed at %zu", cut);
        rulebook_close(&rulebook);
    }
    free(text);
}
