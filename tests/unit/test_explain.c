#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/rules/explain.h"
#include "tests/unit/rulebook.h"

static char *
explained(const struct program *program)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    explain_program(program, stream);
    fclose(stream);
    return text;
}

static char *
changes(const struct program *previous, const struct program *next)
{
    char *text = NULL;
    size_t size = 0;
    struct fault fault;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    cr_assert(explain_changes(previous, next, stream, &fault));
    fclose(stream);
    return text;
}

/* Whatever an operator changes, the words change: no value of the program is left out. */
Test(explain, every_value_appears)
{
    const struct {
        const char *part, *replacement, *words;
    } rows[] = {
        {"rulebook: shop", "rulebook: other", "Programme other, version 3"},
        {"version: 3", "version: 4", "Programme shop, version 4"},
        {"2026-01-01", "2026-07-01T09:30",
         "from 2026-07-01 09:30 local time on (2026-07-01T08:30:00Z)"},
        {"Europe/London", "Asia/Tokyo", "Asia/Tokyo"},
        {"", "accept: { future: 90 s }\n", "at most 90 s ahead"},
        {"", "accept: { past: 48 h }\n", "at most 2 days old"},
        {"", "members: { unknown: reject }\n", "are refused (reject)"},
        {"", "combine: { lines: sum }\n", "all of them count (sum)"},
        {"", "combine: { lines: first }\n", "the one of the highest priority counts (first)"},
        {"points: {", "points: { scale: 1,", "points: can be spent; 1 decimals"},
        {"points: {", "points: { rounding: half-even,",
         "rounded once, to the nearest, halves to the even neighbour"},
        {"qualifying: true", "qualifying: false", "growth: can be spent"},
        {"after: 6 months", "after: 1 year",
         "points: expire 1 year after they become spendable, at the end of that month"},
        {"after: 6 months", "after: 2 weeks, round: none",
         "points: expire 14 days after they become spendable, to the instant"},
        {"after: 6 months", "after: 0 months, round: end of year",
         "expire 0 months after they become spendable, at the end of that year"},
        {"points: {", "points: { expiring_soon: none,",
         "points: no notice goes out before they expire"},
        {"points: {", "points: { expiring_soon: 7 days,",
         "points: a notice goes out 7 days before"},
        {"expiry: none", "expiry: {}", "growth: expire 12 months after"},
        {"rule: base", "rule: basic", "basic: earns 1 per 1.00 GBP in points"},
        {"1 per 1.00 GBP, m", "2 per 1.00 EUR, m", "base: earns 2 per 1.00 EUR in points"},
        {"1 per 1.00 GBP, m", "3 per 2.00 GBP, m", "base: earns 3 per 2.00 GBP in points"},
        {"1 per 1.00 GBP, m", "1 per 300 JPY, m", "base: earns 1 per 300 JPY in points"},
        {"0.25 per 1.00", "0.5 per 1.00", "climb: earns 0.50 per 1.00 GBP in growth"},
        {"[a, b]", "[a, c]", "only in the categories \"a\", \"c\""},
        {", multiplied_by: status", ", priority: 7", "no level multiplies it; priority 7"},
        {"multiplied_by", "basis: { lines: [goods, tax, gift card] }, multiplied_by",
         "base: what counts: goods, tax and gift card lines"},
        {"multiplied_by", "basis: { net_of_discount: false }, multiplied_by", "before discount"},
        {"multiplied_by", "basis: { without_tax: false }, multiplied_by", "tax included"},
        {"multiplied_by", "basis: { without_tender: false }, multiplied_by",
         "also what was paid with points or gift cards"},
        {"{ spend: GBP }", "{ spend: GBP, basis: { without_tax: false } }",
         "in GBP (goods and fee lines, net of discount, tax included"},
        {"    levels:", "    window: lifetime\n    levels:", "over the whole membership"},
        {"    levels:", "    downgrade: one step\n    levels:", "goes down one level"},
        {"    levels:", "    downgrade: to qualified\n    levels:",
         "goes down to the level that is met"},
        {"level: gold", "level: vip", "status: vip from 500.00 GBP on; points times 1.5"},
        {"500.00 GBP", "750.00 GBP", "status: gold from 750.00 GBP on"},
        {"multiplier: 1.5", "multiplier: 2.25", "points times 2.25"},
    };
    static struct rulebook original, changed;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &original);
    char *before = explained(&original.program);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = rulebook_with(rows[i].part, rows[i].replacement), said[1024];
        rulebook_open(text, strlen(text), &changed);
        cr_assert(changed.sound, "%s: %s", rows[i].replacement,
                  rulebook_complaint(&changed, said, sizeof said));
        char *after = explained(&changed.program);
        cr_expect_not_null(strstr(after, rows[i].words), "%s:\n%s", rows[i].replacement, after);
        cr_expect_null(strstr(before, rows[i].words), "%s says nothing new", rows[i].words);
        free(after);
        free(text);
        rulebook_close(&changed);
    }
    free(before);
    rulebook_close(&original);
}

Test(explain, shows_what_changes)
{
    const struct {
        const char *what, *part, *replacement, *changes;
    } rows[] = {
        {"nothing", "", "",
         "Changes from version 3 to version 3\nNothing changes of what is explained. Compare the "
         "files "
         "for the rest.\n"},
        {"a rate", "1 per 1.00 GBP, m", "2 per 1.00 GBP, m",
         "Changes from version 3 to version 3\nEarning, in order of priority\n"
         "- base: earns 1 per 1.00 GBP in points, in every category; times the multiplier of the "
         "level held in status when "
         "the order was placed; priority 0.\n"
         "+ base: earns 2 per 1.00 GBP in points, in every category; times the multiplier of the "
         "level held in status when "
         "the order was placed; priority 0.\n"},
        {"a level more", "      - { level: gold",
         "      - { level: silver, from: 100.00 GBP }\n      - { level: gold",
         "Changes from version 3 to version 3\nLevels\n+ status: silver from 100.00 GBP on; points "
         "times 1.\n"},
        {"a period and a level's name", "after: 6 months", "after: 7 months",
         "Changes from version 3 to version 3\nPoints\n"
         "- points: expire 6 months after they become spendable, at the end of that month.\n"
         "+ points: expire 7 months after they become spendable, at the end of that month.\n"},
    };
    static struct rulebook previous, next;
    rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &previous);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = rulebook_with(rows[i].part, rows[i].replacement);
        rulebook_open(text, strlen(text), &next);
        cr_assert(next.sound, "%s", rows[i].what);
        char *said = changes(&previous.program, &next.program);
        cr_expect_str_eq(said, rows[i].changes, "%s:\n%s", rows[i].what, said);
        free(said);
        free(text);
        rulebook_close(&next);
    }
    rulebook_close(&previous);
}
