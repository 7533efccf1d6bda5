#include "engine/base/decimal.h"

#include "engine/base/check.h"

static bool
decimal_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Whether the text is in the accepted form; checked whole before its value is judged, so that a
 * letter is never reported as an overflow. */
static bool
decimal_is_well_formed(struct bytes text)
{
    size_t at = text.data[0] == '+' || text.data[0] == '-';
    size_t whole = at;
    while (at < text.size && decimal_is_digit(text.data[at])) {
        at++;
    }
    if (at == whole) return false;
    if (at == text.size) return true;
    if (text.data[at++] != '.') return false;

    size_t decimals = at;
    while (at < text.size && decimal_is_digit(text.data[at])) {
        at++;
    }
    return at > decimals && at == text.size;
}

enum decimal_status
decimal_parse(struct bytes text, unsigned digits, int64_t *out_scaled)
{
    CHECK(digits <= DECIMAL_DIGITS_MAX);
    if (text.size == 0) return DECIMAL_EMPTY;
    if (!decimal_is_well_formed(text)) return DECIMAL_MALFORMED;

    bool after_point = false, overflow = false;
    unsigned decimals = 0;
    int64_t scaled = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '.') after_point = true;
        if (!decimal_is_digit(byte)) continue;
        if (after_point && decimals == digits) {
            if (byte != '0') return DECIMAL_TOO_MANY_DIGITS;
            continue;
        }
        decimals += after_point;
        overflow = overflow || __builtin_mul_overflow(scaled, 10, &scaled) ||
                   __builtin_add_overflow(scaled, byte - '0', &scaled);
    }
    for (; decimals < digits; decimals++) {
        overflow = overflow || __builtin_mul_overflow(scaled, 10, &scaled);
    }
    if (overflow) return DECIMAL_OVERFLOW;
    *out_scaled = text.data[0] == '-' ? -scaled : scaled;
    return DECIMAL_OK;
}

const char *
decimal_status_text(enum decimal_status status)
{
    switch (status) {
    case DECIMAL_OK: return "is a number";
    case DECIMAL_EMPTY: return "is empty where a number was expected";
    case DECIMAL_MALFORMED: return "is not a decimal number such as 19.99";
    case DECIMAL_TOO_MANY_DIGITS: return "has more decimals than allowed";
    case DECIMAL_OVERFLOW: return "is too large";
    }
    UNREACHABLE();
}

size_t
decimal_format(int64_t scaled, unsigned digits, char *out, size_t size)
{
    CHECK(digits <= DECIMAL_DIGITS_MAX);
    char reversed[DECIMAL_TEXT_MAX];
    size_t length = 0;
    uint64_t left = scaled < 0 ? 0 - (uint64_t)scaled : (uint64_t)scaled;
    for (unsigned digit = 0; left != 0 || digit <= digits; digit++) {
        if (digit == digits && digits != 0) reversed[length++] = '.';
        reversed[length++] = (char)('0' + left % 10);
        left /= 10;
    }
    if (scaled < 0) reversed[length++] = '-';

    CHECK(length < size);
    for (size_t i = 0; i < length; i++) {
        out[i] = reversed[length - 1 - i];
    }
    out[length] = '\0';
    return length;
}
