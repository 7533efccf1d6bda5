#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/rules/condition_compile.h"
#include "engine/rules/explain.h"
#include "engine/rules/explain_priv.h"
#include "tests/unit/rulebook.h"

static char *
explained(const struct program *program, enum explain_language language)
{
    char *text = NULL;
    size_t size = 0;
    struct fault fault;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    cr_assert(explain_program(program, language, stream, &fault), "%s", fault.text);
    fclose(stream);
    return text;
}

static char *
changes(const struct program *previous, const struct program *next, enum explain_language language)
{
    char *text = NULL;
    size_t size = 0;
    struct fault fault;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    cr_assert(explain_changes(previous, next, language, stream, &fault), "%s", fault.text);
    fclose(stream);
    return text;
}

/* ---- The words ---- */

/* Which of {0} … {9} stand in a text, as bits; -1 where a brace is none of them. */
static int
placeholders(const char *text)
{
    int found = 0;
    for (const char *at = strpbrk(text, "{}"); at != NULL; at = strpbrk(at, "{}")) {
        if (at[0] != '{' || at[1] < '0' || at[1] > '9' || at[2] != '}') return -1;
        found |= 1 << (at[1] - '0');
        at += 3;
    }
    return found;
}

/* Both languages say the same things: a sentence that leaves one out would hide it from its
 * readers. */
Test(explain, both_languages_have_the_same_places)
{
    const struct {
        const char *name, *english, *chinese;
    } rows[] = {
#define HEADING(name, english, chinese)  {#name, english, chinese},
#define SENTENCE(name, english, chinese) {#name, english, chinese},
#include "engine/rules/explain_text.def"
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int places = placeholders(rows[i].english);
        cr_expect(places >= 0 && (places & (places + 1)) == 0, "%s skips a place", rows[i].name);
        cr_expect_eq(placeholders(rows[i].chinese), places, "%s", rows[i].name);
    }
}

/* ---- Values ---- */

/* Whatever an operator changes, the words change: no value of the program is left out. That every
 * key has a sentence is tests/rules/test_explain.py's; here is how values are written. */
Test(explain, values_are_written_as_people_read_them)
{
    const struct {
        const char *part, *replacement, *words, *chinese;
    } rows[] = {
        {"rulebook: shop", "rulebook: other", "Programme other, version 3",
         "积分计划 other，第 3 版"},
        {"2026-01-01", "2026-07-01T09:30",
         "from 2026-07-01 09:30 on, local time (2026-07-01T09:30:00+01:00)",
         "当地时间 2026-07-01 09:30（2026-07-01T09:30:00+01:00）"},
        {"2026-01-01", "2026-07-01T08:30:15.250Z", "2026-07-01 09:30:15.250 on", "09:30:15.250"},
        {"", "accept: { future: 90 s }\n", "at most 90 seconds ahead", "超前 90 秒"},
        {"", "accept: { future: 1 min }\n", "at most 1 minute ahead", "超前 1 分钟"},
        {"", "accept: { future: 0 s }\n", "at most 0 seconds ahead", "超前 0 秒"},
        {"", "accept: { past: 24 h }\n", "at most 24 hours old", "早 24 小时"},
        {"", "accept: { past: 48 h }\n", "at most 2 days old", "早 2 天"},
        {"", "combine: { lines: first }\n", "order line, the one of the highest priority", "first"},
        {"points: {", "points: { scale: 1,", "points: have 1 decimal;", "points：有 1 位小数"},
        {"after: 6 months", "after: 1 year",
         "expire 1 year after they become spendable, at the end",
         "自可用起 1 年后过期，顺延至当月月底"},
        {"after: 6 months", "after: 2 weeks, round: none",
         "points: expire 14 days after they become spendable, to the instant", "14 天后过期，精确"},
        {"after: 6 months", "after: 0 months, round: end of year",
         "points: once they become spendable, expire at the end of that year.",
         "自可用起，顺延至当年年底即过期。"},
        {"after: 6 months", "dates: [02-29, 06-30], from: earning",
         "of the year after they were earned: the last day of February, 30 June.",
         "自获得起，可用至下列日期中最近的一天（含当天）：2 月最后一天、6 月 30 日。"},
        {"1 per 1.00 GBP, m", "2 per 1.00 EUR, m", "base: earns 2 per 1.00 EUR in points",
         "base：每 1.00 EUR 得 2，计入 points"},
        {"1 per 1.00 GBP, m", "3 per 2.00 GBP, m", "earns 3 per 2.00 GBP", "每 2.00 GBP 得 3"},
        {"1 per 1.00 GBP, m", "1 per 300 JPY, m", "earns 1 per 300 JPY", "每 300 JPY 得 1"},
        {"0.25 per 1.00", "0.5 per 1.00", "climb: earns 0.50 per 1.00 GBP", "得 0.50"},
        {"[a, b]", "[a, '\"c\"']", "these categories: \"\\\"c\\\"\", \"a\".", "“\\\"c\\\"”、“a”"},
        {"[a, b]", "[a, \"\\u009b\"]", "\"a\", \"\\u009b\".", "“a”、“\\u009b”"},
        {"multiplied_by", "from: 2026-02-01, until: 2026-03-01, multiplied_by",
         "only what happens from 2026-02-01 through 2026-02-28.", "2026-02-01 至 2026-02-28"},
        {"multiplied_by", "until: 2026-03-01T12:00, multiplied_by",
         "only what happens before 2026-03-01 12:00.", "仅限 2026-03-01 12:00 之前"},
        {"multiplied_by", "basis: { lines: [goods, tax, gift card] }, multiplied_by",
         "base: what counts: goods, tax and gift card lines", "商品、税费和礼品卡"},
        {"level: gold", "level: vip", "status: vip from 500.00 GBP on; multiplier 1.5.",
         "status：vip：门槛 500.00 GBP；倍数 1.5。"},
        {"multiplier: 1.5", "multiplier: 2.25", "multiplier 2.25", "倍数 2.25"},
        {"", "funders: { acme: { unit_cost: 0.00125 GBP } }\n",
         "acme: each point costs it 0.00125 GBP", "成本为 0.00125 GBP"},
        {"", "spending: { payments: [ { currency: points, rate: 0.05 GBP per 3 } ] }\n",
         "each 3 pays 0.05 GBP of an order in GBP;", "每 3 抵 0.05 GBP"},
    };
    static struct rulebook original, changed;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &original);
    char *before = explained(&original.program, EXPLAIN_ENGLISH);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = rulebook_with(rows[i].part, rows[i].replacement), said[1024];
        rulebook_open(text, strlen(text), &changed);
        cr_assert(changed.sound, "%s: %s", rows[i].replacement,
                  rulebook_complaint(&changed, said, sizeof said));
        char *english = explained(&changed.program, EXPLAIN_ENGLISH);
        char *chinese = explained(&changed.program, EXPLAIN_CHINESE);
        cr_expect_not_null(strstr(english, rows[i].words), "%s:\n%s", rows[i].words, english);
        cr_expect_not_null(strstr(chinese, rows[i].chinese), "%s:\n%s", rows[i].chinese, chinese);
        cr_expect_null(strstr(before, rows[i].words), "%s says nothing new", rows[i].words);
        free(chinese);
        free(english);
        free(text);
        rulebook_close(&changed);
    }
    free(before);
    rulebook_close(&original);
}

/* ---- Conditions ---- */

/* What is said of a condition, compiled again, is the same program: nothing of it is lost or
 * changed by being told. */
Test(explain, conditions_are_told_as_they_run)
{
    const struct {
        const char *written, *told;
    } rows[] = {
        {"member.orders_before==0", "member.orders_before == 0"},
        {"order.total_minor >= 10 * 500", "order.total_minor >= 5000"},
        {"has(order.attributes.gift)", "\"gift\" in order.attributes"},
        {"order.attributes.gift != 'no'", "order.attributes[\"gift\"] != \"no\""},
        {"order.channel in ['app', \"web\"]", "order.channel in [\"app\", \"web\"]"},
        {"order.store in []", "order.store in []"},
        {"size(order.lines) > size(order.attributes)", NULL},
        {"size(order.order_id) < 3 && order.store.startsWith(\"g\\\"\\n\")",
         "size(order.order_id) < 3 && order.store.startsWith(\"g\\\"\\u000a\")"},
        {"order.lines.exists(l, l.category == 'books' && (l.tax_minor > 0 || l.kind != 'fee'))",
         "order.lines.exists(each, each.category == \"books\" && (each.tax_minor > 0 || each.kind "
         "!= "
         "\"fee\"))"},
        {"!order.lines.all(x, !(x.amount_minor < 1) )",
         "!order.lines.all(each, !(each.amount_minor < 1))"},
        {"event.occurred_at < timestamp('2026-05-01T00:00:00Z')",
         "event.occurred_at < timestamp(\"2026-05-01T01:00:00+01:00\")"},
        {"(order.total_minor - 1) * 2 > order.total_minor - (1 - order.gift_card_minor)",
         "(order.total_minor - 1) * 2 > order.total_minor - (1 - order.gift_card_minor)"},
        {"-order.total_minor % 7 == - 3", "-order.total_minor % 7 == -3"},
        {"-(-order.total_minor) > 0 && -(order.total_minor + 1) < 0",
         "--order.total_minor > 0 && -(order.total_minor + 1) < 0"},
        {"(order.total_minor > 1) == (order.gift_card_minor > 1)",
         "(order.total_minor > 1) == (order.gift_card_minor > 1)"},
        {"order.store == 'a' || order.store == 'b' && order.channel == 'c'",
         "order.store == \"a\" || order.store == \"b\" && order.channel == \"c\""},
        {"(order.store == 'a' || order.store == 'b') && order.channel == 'c'",
         "(order.store == \"a\" || order.store == \"b\") && order.channel == \"c\""},
        {"order.store == 'a' && (order.store == 'b' && order.channel == 'c')",
         "order.store == \"a\" && (order.store == \"b\" && order.channel == \"c\")"},
        {"order.store == 'a' ? order.total_minor > 1 : order.channel == 'x' ? order.total_minor > "
         "2 : "
         "order.total_minor > 3",
         "order.store == \"a\" ? order.total_minor > 1 : order.channel == \"x\" ? "
         "order.total_minor > "
         "2 : order.total_minor > 3"},
        {"(order.store == 'a' ? (order.total_minor > 4 ? 1 : 2) : 3) + 1 > order.gift_card_minor",
         "(order.store == \"a\" ? (order.total_minor > 4 ? 1 : 2) : 3) + 1 > "
         "order.gift_card_minor"},
        {"(order.store == 'a' ? order.channel : order.partner).startsWith(order.store)", NULL},
        {"member.tiers[order.channel == 'app' ? 'club' : 'circle'] == 'gold'", NULL},
        {"order.store in order.attributes && 'x' in member.tiers", NULL},
        {"(order.store == 'a') in [true] && (order.total_minor + 1) in [1, -2]",
         "(order.store == \"a\") in [true] && order.total_minor + 1 in [1, -2]"},
        {"true", "true"},
    };
    static struct rulebook rulebook;
    struct explainer explainer;
    struct fault fault;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &rulebook);
    cr_assert(explainer_open(&rulebook.program, EXPLAIN_ENGLISH, &explainer, &fault));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct condition first, second;
        struct cel_error error;
        uint8_t bytes[2][CONDITION_BYTES_MAX];
        struct writer writers[2] = {writer_of(bytes[0], sizeof bytes[0]),
                                    writer_of(bytes[1], sizeof bytes[1])};
        size_t mark = arena_mark(&rulebook.arena);
        cr_assert(condition_compile(bytes_from_cstr(rows[i].written), CONDITION_SCOPE_ORDER,
                                    &rulebook.arena, &first, &error),
                  "%s: %s", rows[i].written, error.message);
        const char *told = word_condition(&explainer, &first);
        cr_expect_str_eq(told, rows[i].told == NULL ? told : rows[i].told);
        cr_assert(condition_compile(bytes_from_cstr(told), CONDITION_SCOPE_ORDER, &rulebook.arena,
                                    &second, &error),
                  "%s: %s", told, error.message);
        condition_encode(&first, &writers[0]);
        condition_encode(&second, &writers[1]);
        cr_expect(bytes_equal(writer_span(&writers[0]), writer_span(&writers[1])), "%s", told);
        arena_reset_to(&rulebook.arena, mark);
    }
    explainer_close(&explainer);
    rulebook_close(&rulebook);
}

/* ---- Changes ---- */

#define CHANGED "Changes from shop, version 3, to shop, version 3\n"

Test(explain, shows_what_changes)
{
    const struct {
        const char *what, *part, *replacement, *changes;
    } rows[] = {
        {"nothing", "", "", CHANGED "Nothing changes.\n"},
        {"a rate", "1 per 1.00 GBP, m", "2 per 1.00 GBP, m",
         CHANGED "\nEarning by orders, in order of priority\n"
                 "- base: earns 1 per 1.00 GBP in points, for each order line that fits, by "
                 "itself.\n"
                 "+ base: earns 2 per 1.00 GBP in points, for each order line that fits, by "
                 "itself.\n"},
        {"the order of the file", "  - { rule: base, currency: points, rate: 1 per 1.00 GBP, multi",
         "  - { rule: z, currency: points, rate: 1 per 9.00 EUR }\n"
         "  - { rule: base, currency: points, rate: 1 per 1.00 GBP, multi",
         CHANGED
         "\nEarning by orders, in order of priority\n"
         "+ z: earns 1 per 9.00 EUR in points, for each order line that fits, by itself.\n"
         "+ z: what counts: goods and fee lines, net of discount, without tax, less what was paid "
         "with points or gift cards.\n"
         "+ z: no further condition.\n"
         "+ z: no level multiplies it.\n"
         "+ z: what it gives can be spent at once.\n"
         "+ z: priority 0; the programme itself pays for its points.\n"},
        {"a level more", "      - { level: gold",
         "      - { level: silver, from: 100.00 GBP }\n      - { level: gold",
         CHANGED "\nLevels\n+ status: silver from 100.00 GBP on; multiplier 1.\n"},
        {"a level's threshold", "500.00", "600.00",
         CHANGED "\nLevels\n- status: gold from 500.00 GBP on; multiplier 1.5.\n"
                 "+ status: gold from 600.00 GBP on; multiplier 1.5.\n"},
        {"what expires becomes what does not", "{ expiry: { after: 6 months } }",
         "{ expiry: none }",
         CHANGED
         "\nPoints\n"
         "- points: expire 6 months after they become spendable, at the end of that month.\n"
         "- points: have no grace: what arrives after their instant finds nothing.\n"
         "- points: a notice goes out 30 days before they expire.\n"
         "+ points: never expire.\n"},
        {"in two sections", "zone: Europe/London\n",
         "zone: Europe/London\nfunders: { acme: {} }\nreturns: { wait: 1 day }\n",
         CHANGED "\nWho pays for points\n"
                 "+ acme: its points are only counted: what one costs is not said.\n"
                 "\nReturns\n"
                 "- A refund whose order has not come yet waits 30 days for it.\n"
                 "+ A refund whose order has not come yet waits 1 day for it.\n"},
    };
    static struct rulebook previous, next;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &previous);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = rulebook_with(rows[i].part, rows[i].replacement);
        rulebook_open(text, strlen(text), &next);
        cr_assert(next.sound, "%s", rows[i].what);
        char *said = changes(&previous.program, &next.program, EXPLAIN_ENGLISH);
        cr_expect_str_eq(said, rows[i].changes, "%s:\n%s", rows[i].what, said);
        free(said);
        free(text);
        rulebook_close(&next);
    }
    rulebook_close(&previous);
}

Test(explain, shows_changes_in_chinese)
{
    static struct rulebook previous, next;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &previous);
    char *text = rulebook_with("version: 3", "version: 4\naccept: { future: 6 min }");
    rulebook_open(text, strlen(text), &next);
    char *said = changes(&previous.program, &next.program, EXPLAIN_CHINESE);
    cr_expect_str_eq(said, "shop 第 3 版到 shop 第 4 版的变化\n\n总则\n"
                           "- 事件到达时，其发生时间最多可比账本时间超前 5 分钟。\n"
                           "+ 事件到达时，其发生时间最多可比账本时间超前 6 分钟。\n");
    free(said);
    free(text);
    rulebook_close(&next);
    rulebook_close(&previous);
}

/* Two machines may have different tz databases: the names are the same, and days end elsewhere. */
Test(explain, shows_that_a_zone_has_other_clock_changes)
{
    static struct rulebook previous, next;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &previous);
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &next);
    struct zone_transition moved[1024];
    cr_assert(next.program.zone.count <= 1024);
    memcpy(moved, next.program.zone.transitions, next.program.zone.count * sizeof *moved);
    moved[200].at_ms += 3600000;
    next.program.zone.transitions = moved;
    char *said = changes(&previous.program, &next.program, EXPLAIN_ENGLISH);
    cr_expect_str_eq(said, CHANGED "\nGeneral\n"
                                   "+ The clocks of Europe/London change at other instants in the "
                                   "two versions: they come from different time zone databases.\n");
    free(said);
    rulebook_close(&next);
    rulebook_close(&previous);
}
