#include "tally/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/rules/diagnostics.h"

static const struct {
    const char *name;
    int64_t bytes;
} size_units[] = {
    {"TiB", INT64_C(1) << 40},
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"B", 1},
};

enum { SIZE_UNIT_COUNT = sizeof size_units / sizeof *size_units, SHOWN_BYTES = 60 };

/* "'text'" for a message: short, and without what could drive a terminal. */
static const char *
shown(struct bytes text, char buffer[SHOWN_BYTES + 4])
{
    size_t size = text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES;
    while (size < text.size && size > 0 && (text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    buffer[0] = '\'';
    for (size_t i = 0; i < size; i++) {
        buffer[1 + i] = text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : (char)text.data[i];
    }
    snprintf(buffer + 1 + size, 2, "'");
    return buffer;
}

static bool
refuse(struct value_problem *out_problem, struct bytes text, const char *what, const char *hint)
{
    char buffer[SHOWN_BYTES + 4];
    snprintf(out_problem->message, sizeof out_problem->message, "%s %s", shown(text, buffer), what);
    snprintf(out_problem->hint, sizeof out_problem->hint, "%s", hint);
    return false;
}

static bool
refuse_range(const struct value_rule *rule, struct bytes text, struct value_problem *out_problem)
{
    char least[32], most[32], hint[80];
    if (rule->type == VALUE_SIZE) {
        value_format_size(rule->least, least, sizeof least);
        value_format_size(rule->most, most, sizeof most);
    } else {
        snprintf(least, sizeof least, "%" PRId64, rule->least);
        snprintf(most, sizeof most, "%" PRId64, rule->most);
    }
    snprintf(hint, sizeof hint, "choose from %s to %s", least, most);
    return refuse(out_problem, text, "is out of range", hint);
}

/* Digits grouped by underscores where one likes (1_000_000), as everywhere in our YAML. */
static bool
parse_digits(struct bytes text, int64_t *out_number)
{
    char plain[32];
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool grouping = text.data[i] == '_' && i > 0 && i + 1 < text.size;
        if (grouping) continue;
        if (size == sizeof plain) return false;
        plain[size++] = (char)text.data[i];
    }
    return decimal_parse(bytes_of(plain, size), 0, out_number) == DECIMAL_OK &&
           memchr(plain, '.', size) == NULL;
}

static bool
parse_integer(const struct value_rule *rule, struct bytes text, int64_t *out_number,
              struct value_problem *out_problem)
{
    int64_t number;
    if (!parse_digits(text, &number))
        return refuse(out_problem, text, "is not a whole number", "write digits only");
    if (number < rule->least || number > rule->most) return refuse_range(rule, text, out_problem);
    *out_number = number;
    return true;
}

static bool
parse_size(const struct value_rule *rule, struct bytes text, int64_t *out_number,
           struct value_problem *out_problem)
{
    static const char advice[] = "write a whole number and its unit, such as 512MiB or 2GiB";
    for (size_t i = 0; i < SIZE_UNIT_COUNT; i++) {
        struct bytes unit = bytes_from_cstr(size_units[i].name);
        if (text.size <= unit.size ||
            !bytes_equal(bytes_of(text.data + text.size - unit.size, unit.size), unit))
            continue;
        struct bytes digits = bytes_of(text.data, text.size - unit.size);
        while (digits.size > 0 && digits.data[digits.size - 1] == ' ') {
            digits.size--;
        }
        int64_t number;
        if (!parse_digits(digits, &number))
            return refuse(out_problem, text, "is not a size", advice);
        if (number < 0 || number > rule->most / size_units[i].bytes ||
            number * size_units[i].bytes < rule->least)
            return refuse_range(rule, text, out_problem);
        *out_number = number * size_units[i].bytes;
        return true;
    }
    return refuse(out_problem, text, "is not a size", advice);
}

static bool
parse_word(const struct value_rule *rule, struct bytes text, int64_t *out_number,
           struct value_problem *out_problem)
{
    char words[VALUE_WORDS_MAX][VALUE_WORD_BYTES_MAX];
    const char *candidates[VALUE_WORDS_MAX];
    size_t count = value_words(rule->words, words);
    for (size_t i = 0; i < count; i++) {
        candidates[i] = words[i];
        if (bytes_equal(text, bytes_from_cstr(words[i]))) {
            *out_number = (int64_t)i;
            return true;
        }
    }
    char hint[128];
    const char *nearest = suggest_nearest(text, candidates, count);
    if (nearest != NULL) {
        snprintf(hint, sizeof hint, "did you mean '%s'?", nearest);
    } else {
        snprintf(hint, sizeof hint, "possible here: %s", rule->words);
    }
    return refuse(out_problem, text, "is not possible here", hint);
}

bool
value_parse(const struct value_rule *rule, struct bytes text, int64_t *out_number,
            struct value_problem *out_problem)
{
    if (text.size > VALUE_BYTES_MAX)
        return refuse(out_problem, text, "… is too long", "at most 4096 bytes are taken");
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        return refuse(out_problem, text, "contains a NUL character", "remove it");
    switch (rule->type) {
    case VALUE_STRING:
    case VALUE_PATH:
        if (text.size == 0)
            return refuse(out_problem, text, "is empty", "give a value, or leave the option out");
        *out_number = 0;
        return true;
    case VALUE_SIZE: return parse_size(rule, text, out_number, out_problem);
    case VALUE_INTEGER: return parse_integer(rule, text, out_number, out_problem);
    case VALUE_BOOLEAN:
        return parse_word(&(struct value_rule){VALUE_WORD, .words = "false|true"}, text, out_number,
                          out_problem);
    case VALUE_WORD: return parse_word(rule, text, out_number, out_problem);
    case VALUE_SOURCES:
    case VALUE_PROPERTIES: break;
    }
    UNREACHABLE();
}

size_t
value_words(const char *words, char out_words[VALUE_WORDS_MAX][VALUE_WORD_BYTES_MAX])
{
    size_t count = 0;
    while (*words != '\0') {
        size_t size = strcspn(words, "|");
        CHECK(count < VALUE_WORDS_MAX && size < VALUE_WORD_BYTES_MAX);
        memcpy(out_words[count], words, size);
        out_words[count++][size] = '\0';
        words += size + (words[size] == '|');
    }
    return count;
}

void
value_format_size(int64_t bytes, char *out_text, size_t size)
{
    size_t unit = 0;
    while (unit + 1 < SIZE_UNIT_COUNT && (bytes == 0 || bytes % size_units[unit].bytes != 0)) {
        unit++;
    }
    snprintf(out_text, size, "%" PRId64 "%s", bytes / size_units[unit].bytes,
             size_units[unit].name);
}
