#include <criterion/criterion.h>
#include <string.h>

#include "tally/value.h"

Test(value, judges_by_its_rule)
{
    const struct value_rule size = {VALUE_SIZE, .least = 64 << 10, .most = INT64_C(1) << 40};
    const struct value_rule integer = {VALUE_INTEGER, .least = -5, .most = 1000000};
    const struct value_rule boolean = {VALUE_BOOLEAN};
    const struct value_rule word = {VALUE_WORD, .words = "embedded|kafka"};
    const struct value_rule text = {VALUE_STRING};
    const struct {
        const char *what;
        const struct value_rule *rule;
        const char *text;
        int64_t number;
        const char *message; /* NULL: it is good */
        const char *hint;
    } rows[] = {
        {"mebibytes", &size, "512MiB", 512 << 20, NULL, NULL},
        {"a blank before the unit", &size, "2 GiB", INT64_C(2) << 30, NULL, NULL},
        {"bytes", &size, "65536B", 65536, NULL, NULL},
        {"grouped digits", &size, "1_024KiB", 1 << 20, NULL, NULL},
        {"no unit", &size, "65536", 0, "'65536' is not a size", "such as 512MiB"},
        {"powers of ten", &size, "512MB", 0, "'512MB' is not a size", "such as 512MiB"},
        {"a fraction", &size, "1.5GiB", 0, "'1.5GiB' is not a size", "such as 512MiB"},
        {"a unit alone", &size, "MiB", 0, "'MiB' is not a size", "such as 512MiB"},
        {"too small", &size, "1KiB", 0, "'1KiB' is out of range", "choose from 64KiB to 1TiB"},
        {"too large", &size, "2TiB", 0, "'2TiB' is out of range", "choose from 64KiB to 1TiB"},
        {"far too large", &size, "9223372036854775807TiB", 0, "is out of range",
         "choose from 64KiB to 1TiB"},
        {"negative", &size, "-1GiB", 0, "'-1GiB' is out of range", ""},
        {"the least", &integer, "-5", -5, NULL, NULL},
        {"the most", &integer, "1_000_000", 1000000, NULL, NULL},
        {"below", &integer, "-6", 0, "'-6' is out of range", "choose from -5 to 1000000"},
        {"above", &integer, "1000001", 0, "'1000001' is out of range", "choose from -5 to 1000000"},
        {"no number", &integer, "ten", 0, "'ten' is not a whole number", "write digits only"},
        {"decimals", &integer, "1.0", 0, "'1.0' is not a whole number", "write digits only"},
        {"nothing", &integer, "", 0, "'' is not a whole number", "write digits only"},
        {"true", &boolean, "true", 1, NULL, NULL},
        {"false", &boolean, "false", 0, NULL, NULL},
        {"yes", &boolean, "yes", 0, "'yes' is not possible here", "possible here: false|true"},
        {"the first word", &word, "embedded", 0, NULL, NULL},
        {"the second word", &word, "kafka", 1, NULL, NULL},
        {"nearly a word", &word, "kafak", 0, "'kafak' is not possible here",
         "did you mean 'kafka'?"},
        {"no word", &word, "disk", 0, "'disk' is not possible here",
         "possible here: embedded|kafka"},
        {"any text", &text, "ä b", 0, NULL, NULL},
        {"no text", &text, "", 0, "'' is empty", "leave the option out"},
        {"control characters are not repeated", &word, "\x1b[2J", 0, "'?[2J' is not possible here",
         ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct value_problem problem;
        int64_t number = 42;
        bool good = value_parse(rows[i].rule, bytes_from_cstr(rows[i].text), &number, &problem);
        cr_expect_eq(good, rows[i].message == NULL, "%s", rows[i].what);
        if (good) {
            cr_expect_eq(number, rows[i].number, "%s", rows[i].what);
            continue;
        }
        cr_expect_eq(number, 42, "%s: untouched", rows[i].what);
        if (rows[i].message == NULL) continue;
        cr_expect_not_null(strstr(problem.message, rows[i].message), "%s: %s", rows[i].what,
                           problem.message);
        cr_expect_not_null(strstr(problem.hint, rows[i].hint), "%s: %s", rows[i].what,
                           problem.hint);
    }
}

Test(value, long_texts_are_refused_and_shown_short)
{
    static char text[VALUE_BYTES_MAX + 1];
    struct value_problem problem;
    int64_t number;
    memset(text, 'x', sizeof text);
    const struct value_rule rule = {VALUE_STRING};
    cr_expect(value_parse(&rule, bytes_of(text, VALUE_BYTES_MAX), &number, &problem));
    cr_expect_not(value_parse(&rule, bytes_of(text, sizeof text), &number, &problem));
    cr_expect_not_null(strstr(problem.message, "is too long"), "%s", problem.message);
    cr_expect_not(value_parse(&rule, bytes_of("a\0b", 3), &number, &problem));
    cr_expect_not_null(strstr(problem.message, "NUL"), "%s", problem.message);
}

Test(value, sizes_are_shown_in_the_largest_whole_unit)
{
    const struct {
        int64_t bytes;
        const char *text;
    } rows[] = {{0, "0B"},
                {1, "1B"},
                {1023, "1023B"},
                {1024, "1KiB"},
                {1536 << 10, "1536KiB"},
                {INT64_C(1) << 40, "1TiB"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        value_format_size(rows[i].bytes, text, sizeof text);
        cr_expect_str_eq(text, rows[i].text);
    }
}
