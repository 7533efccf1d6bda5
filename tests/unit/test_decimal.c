#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tests/unit/property.h"

Test(decimal, parses_exactly_or_names_why_not)
{
    const struct {
        const char *text;
        unsigned digits;
        enum decimal_status status;
        int64_t scaled;
    } rows[] = {
        {"19.99", 2, DECIMAL_OK, 1999},
        {"0", 2, DECIMAL_OK, 0},
        {"-0.00", 2, DECIMAL_OK, 0},
        {"-3", 0, DECIMAL_OK, -3},
        {"-3", 2, DECIMAL_OK, -300},
        {"+3.5", 2, DECIMAL_OK, 350},
        {"007.5", 1, DECIMAL_OK, 75},
        {"1.500000", 1, DECIMAL_OK, 15},
        {"1.0", 0, DECIMAL_OK, 1},
        {"0.000000000000000001", 18, DECIMAL_OK, 1},
        {"9223372036854775807", 0, DECIMAL_OK, INT64_MAX},
        {"-9223372036854775807", 0, DECIMAL_OK, -INT64_MAX},
        {"92233720368547758.07", 2, DECIMAL_OK, INT64_MAX},
        {"00000000000000000000000000000001", 0, DECIMAL_OK, 1},
        {"", 2, DECIMAL_EMPTY, 0},
        {"+", 2, DECIMAL_MALFORMED, 0},
        {"-", 2, DECIMAL_MALFORMED, 0},
        {".", 2, DECIMAL_MALFORMED, 0},
        {".5", 2, DECIMAL_MALFORMED, 0},
        {"-.5", 2, DECIMAL_MALFORMED, 0},
        {"5.", 2, DECIMAL_MALFORMED, 0},
        {"1.2.3", 2, DECIMAL_MALFORMED, 0},
        {"1,5", 2, DECIMAL_MALFORMED, 0},
        {"1e3", 2, DECIMAL_MALFORMED, 0},
        {" 1", 2, DECIMAL_MALFORMED, 0},
        {"1 ", 2, DECIMAL_MALFORMED, 0},
        {"--1", 2, DECIMAL_MALFORMED, 0},
        {"0x10", 2, DECIMAL_MALFORMED, 0},
        {"NaN", 2, DECIMAL_MALFORMED, 0},
        {"\xef\xbc\x91", 2, DECIMAL_MALFORMED, 0}, /* a full-width digit one */
        {"99999999999999999999x", 2, DECIMAL_MALFORMED, 0},
        {"1.999x", 2, DECIMAL_MALFORMED, 0},
        {"1.999", 2, DECIMAL_TOO_MANY_DIGITS, 0},
        {"1.001", 2, DECIMAL_TOO_MANY_DIGITS, 0},
        {"1.0000001", 0, DECIMAL_TOO_MANY_DIGITS, 0},
        {"9223372036854775808", 0, DECIMAL_OVERFLOW, 0},
        {"-9223372036854775808", 0, DECIMAL_OVERFLOW, 0},
        {"92233720368547758.08", 2, DECIMAL_OVERFLOW, 0},
        {"92233720368547759", 2, DECIMAL_OVERFLOW, 0},
        {"18446744073709551616", 0, DECIMAL_OVERFLOW, 0},
        {"10", 18, DECIMAL_OVERFLOW, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t scaled = 42;
        enum decimal_status status =
            decimal_parse(bytes_from_cstr(rows[i].text), rows[i].digits, &scaled);
        int64_t expected = rows[i].status == DECIMAL_OK ? rows[i].scaled : 42;
        cr_expect_eq(status, rows[i].status, "'%s': status %d", rows[i].text, status);
        cr_expect_eq(scaled, expected, "'%s': %ld", rows[i].text, scaled);
    }
}

Test(decimal, formats)
{
    const struct {
        int64_t scaled;
        unsigned digits;
        const char *text;
    } rows[] = {
        {0, 0, "0"},
        {0, 2, "0.00"},
        {5, 2, "0.05"},
        {-5, 2, "-0.05"},
        {1999, 2, "19.99"},
        {-300, 0, "-300"},
        {100, 2, "1.00"},
        {1, 18, "0.000000000000000001"},
        {INT64_MAX, 0, "9223372036854775807"},
        {INT64_MIN, 18, "-9.223372036854775808"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[DECIMAL_TEXT_MAX];
        size_t length = decimal_format(rows[i].scaled, rows[i].digits, text, sizeof text);
        cr_expect_str_eq(text, rows[i].text);
        cr_expect_eq(length, strlen(rows[i].text), "%s", rows[i].text);
    }
}

Test(decimal, comes_back)
{
    struct property property = property_start();
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)property_magnitude(&property, 63);
        if (property_below(&property, 2) == 1) value = -value;
        unsigned digits = (unsigned)property_below(&property, DECIMAL_DIGITS_MAX + 1);
        char text[DECIMAL_TEXT_MAX];
        size_t length = decimal_format(value, digits, text, sizeof text);
        int64_t parsed = 0;
        cr_assert_eq(decimal_parse(bytes_of(text, length), digits, &parsed), DECIMAL_OK,
                     "%s, seed %lu", text, property.seed);
        cr_assert_eq(parsed, value, "%s, seed %lu", text, property.seed);
    }
}

Test(decimal, every_status_has_a_text)
{
    for (enum decimal_status status = DECIMAL_OK; status <= DECIMAL_OVERFLOW; status++) {
        cr_expect_gt(strlen(decimal_status_text(status)), 0);
    }
}

Test(decimal, format_refuses_a_buffer_that_is_too_small, .signal = SIGABRT)
{
    char text[5];
    decimal_format(1999, 2, text, sizeof text);
}
