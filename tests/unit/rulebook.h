/* A text compiled as a rulebook, with what was said about it: shared by the tests of engine/rules.
 */
#ifndef TALLYBOOK_TESTS_UNIT_RULEBOOK_H
#define TALLYBOOK_TESTS_UNIT_RULEBOOK_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/region.h"
#include "engine/rules/compile.h"

struct rulebook {
    struct region memory;
    struct arena arena;
    struct diagnostics diagnostics;
    struct program program;
    bool sound;
};

/* A small sound rulebook that rows of tables change in one place. */
#define RULEBOOK_TEXT                                                                              \
    "rulebook: shop\n"                                                                             \
    "version: 3\n"                                                                                 \
    "effective_from: 2026-01-01\n"                                                                 \
    "zone: Europe/London\n"                                                                        \
    "currencies:\n"                                                                                \
    "  points: { expiry: { after: 6 months } }\n"                                                  \
    "  growth: { qualifying: true, expiry: none, scale: 2 }\n"                                     \
    "earn:\n"                                                                                      \
    "  - { rule: base, currency: points, rate: 1 per 1.00 GBP, multiplied_by: status }\n"          \
    "  - { rule: climb, currency: growth, rate: 0.25 per 1.00 GBP, categories: [a, b] }\n"         \
    "tiers:\n"                                                                                     \
    "  - group: status\n"                                                                          \
    "    metric: { spend: GBP }\n"                                                                 \
    "    levels:\n"                                                                                \
    "      - { level: member, from: 0 }\n"                                                         \
    "      - { level: gold, from: 500.00 GBP, multiplier: 1.5 }\n"

/* The text with one part replaced; part "" puts the replacement at the end. The result is the
 * caller's to free. */
static inline char *
rulebook_with(const char *part, const char *replacement)
{
    const char *at =
        *part == '\0' ? &RULEBOOK_TEXT[strlen(RULEBOOK_TEXT)] : strstr(RULEBOOK_TEXT, part);
    cr_assert_not_null(at, "the rulebook has no '%s'", part);
    size_t size = strlen(RULEBOOK_TEXT) + strlen(replacement) + 1;
    char *text = malloc(size);
    cr_assert_not_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(at - RULEBOOK_TEXT), RULEBOOK_TEXT, replacement,
             at + strlen(part));
    return text;
}

static inline void
rulebook_open(const char *text, size_t size, struct rulebook *out)
{
    struct fault fault;
    cr_assert(region_map(RULES_ARENA_BYTES, &out->memory, &fault), "%s", fault.text);
    arena_init(&out->arena, out->memory.memory, out->memory.size);
    diagnostics_init(&out->diagnostics, "shop.yaml", bytes_of(text, size));
    out->sound = rules_compile(bytes_of(text, size), &out->arena, &out->diagnostics, &out->program);
}

/* The same of a file; one at a time. */
static inline void
rulebook_open_file(const char *path, struct rulebook *out)
{
    static char text[YAML_BYTES_MAX];
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    rulebook_open(text, size, out);
}

static inline void
rulebook_close(struct rulebook *rulebook)
{
    region_unmap(&rulebook->memory);
}

/* The first kept diagnostic as "line:column severity: message | hint". */
static inline const char *
rulebook_complaint(struct rulebook *rulebook, char *buffer, size_t size)
{
    diagnostics_sort(&rulebook->diagnostics);
    if (rulebook->diagnostics.count == 0) return "none";
    const struct diagnostic *item = &rulebook->diagnostics.items[0];
    snprintf(buffer, size, "%u:%u %s: %s | %s", item->place.line, item->place.column,
             item->severity == SEVERITY_ERROR ? "error" : "warning", item->message, item->hint);
    return buffer;
}

#endif
