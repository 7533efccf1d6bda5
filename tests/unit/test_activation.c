#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/rules/activation.h"
#include "tests/unit/rulebook.h"

Test(activation, carries_the_text_and_a_program_that_decodes_to_the_same)
{
    static struct rulebook rulebook;
    rulebook_open(RULEBOOK_TEXT, 0, &rulebook);
    struct bytes yaml = BYTES_LITERAL(RULEBOOK_TEXT);
    diagnostics_init(&rulebook.diagnostics, "shop.yaml", yaml);
    struct activation_terms terms = {.live = false};
    struct program program, decoded;
    struct activation activation;
    cr_assert(activation_build(yaml, &terms, &rulebook.arena, &rulebook.diagnostics, &program,
                               &activation));
    cr_assert(bytes_equal(activation.yaml, yaml));
    cr_assert(bytes_equal(activation.name, BYTES_LITERAL("shop")));
    cr_assert_eq(activation.version, 3);
    cr_assert_eq(activation.effective_from.ms, program.effective_from.ms);
    cr_assert_not(activation.retroactive);
    struct fault fault;
    cr_assert(program_decode(activation.program, &rulebook.arena, &decoded, &fault), "%s",
              fault.text);
    static uint8_t again[PROGRAM_BYTES_MAX];
    struct writer writer = writer_of(again, sizeof again);
    program_encode(&decoded, &writer);
    cr_assert(bytes_equal(writer_span(&writer), activation.program), "one program has one form");
    rulebook_close(&rulebook);
}

Test(activation, judges_the_start_and_the_version_before)
{
    const struct {
        const char *what, *part, *replacement;
        bool has_previous, live, retroactive;
        int64_t now_ms;
        const char *said;
    } rows[] = {
        {"a first version", "", "", false, true, false, INT64_C(1767225600000), "none"},
        {"a start that has just passed", "", "", false, true, false, INT64_C(1767225600001),
         "3:17 error: effective_from lies in the past: it is 2026-01-01T00:00:00.001+00:00 by "
         "the journal's clock"},
        {"a past start, asked for", "", "", false, true, true, INT64_C(1767225600001), "none"},
        {"a past start in a history journal", "", "", false, false, false, INT64_C(1767225600001),
         "none"},
        {"the next version", "version: 3", "version: 4", true, true, false, 0, "none"},
        {"the same version again", "", "", true, true, false, 0,
         "2:10 error: version 3 does not rise: version 3 is activated already | version 3 is the "
         "one in force"},
        {"an older version", "version: 3", "version: 2", true, true, false, 0,
         "2:10 error: version 2 does not rise"},
        {"another zone", "version: 3\neffective_from: 2026-01-01\nzone: Europe/London",
         "version: 4\neffective_from: 2026-01-01\nzone: UTC", true, true, false, 0,
         "4:7 error: the zone changes from Europe/London to UTC"},
        {"another scale",
         "version: 3\neffective_from: 2026-01-01\nzone: Europe/London\ncurrencies:\n  points: { ",
         "version: 4\neffective_from: 2026-01-01\nzone: Europe/London\ncurrencies:\n  points: { "
         "scale: 1, ",
         true, true, false, 0,
         "6:20 error: the scale of points changes from 0 to 1: a currency keeps its scale | "
         "version "
         "3 is the one in force: leave it"},
        {"a rulebook with a mistake", "version: 3", "version: x", true, true, false, 0,
         "2:10 error: 'version' is not a whole number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct rulebook previous, next;
        rulebook_open(RULEBOOK_TEXT, strlen(RULEBOOK_TEXT), &previous);
        char *text = rulebook_with(rows[i].part, rows[i].replacement), said[1024];
        rulebook_open(text, strlen(text), &next);
        diagnostics_init(&next.diagnostics, "shop.yaml", bytes_from_cstr(text));
        struct activation_terms terms = {
            .previous = rows[i].has_previous ? &previous.program : NULL,
            .live = rows[i].live,
            .now = {rows[i].now_ms},
            .retroactive = rows[i].retroactive,
        };
        struct program program;
        struct activation activation;
        arena_init(&next.arena, next.memory.memory, next.memory.size);
        bool good = activation_build(bytes_from_cstr(text), &terms, &next.arena, &next.diagnostics,
                                     &program, &activation);
        const char *complaint = rulebook_complaint(&next, said, sizeof said);
        cr_expect_eq(good, strcmp(rows[i].said, "none") == 0, "%s", rows[i].what);
        cr_expect(strncmp(complaint, rows[i].said, strlen(rows[i].said)) == 0, "%s: %s",
                  rows[i].what, complaint);
        if (good) cr_expect_eq(activation.retroactive, rows[i].retroactive, "%s", rows[i].what);
        rulebook_close(&previous);
        rulebook_close(&next);
        free(text);
    }
}

/* 256 categories of 120 bytes in each of many rules fit the file's limit but not the program's, or
 * both. */
Test(activation, a_large_rulebook_fits)
{
    enum { CAPACITY = YAML_BYTES_MAX };
    char *text = malloc(CAPACITY);
    cr_assert_not_null(text);
    size_t size = (size_t)snprintf(
        text, CAPACITY,
        "rulebook: s\nversion: 1\neffective_from: 2026-01-01\nzone: Europe/London\n"
        "currencies: { points: {} }\nearn:\n");
    for (unsigned rule = 0; rule < 1000; rule++) {
        size += (size_t)snprintf(
            text + size, CAPACITY - size,
            "  - { rule: r%u, currency: points, rate: 1 per 1.00 GBP, priority: %u, categories: [ ",
            rule, rule);
        for (unsigned category = 0; category < 60; category++) {
            size += (size_t)snprintf(text + size, CAPACITY - size, "%x,", category * 97 + rule);
        }
        size += (size_t)snprintf(text + size, CAPACITY - size, " ] }\n");
    }
    cr_assert_lt(size, CAPACITY);
    static struct rulebook rulebook;
    rulebook_open("", 0, &rulebook);
    arena_init(&rulebook.arena, rulebook.memory.memory, rulebook.memory.size);
    diagnostics_init(&rulebook.diagnostics, "shop.yaml", bytes_of(text, size));
    struct activation_terms terms = {.live = false};
    struct program program;
    struct activation activation;
    char said[1024];
    cr_assert(activation_build(bytes_of(text, size), &terms, &rulebook.arena, &rulebook.diagnostics,
                               &program, &activation),
              "%s", rulebook_complaint(&rulebook, said, sizeof said));
    cr_assert_eq(program.rule_count, 1000);
    rulebook_close(&rulebook);
    free(text);
}
