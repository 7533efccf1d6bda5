/* Amounts are written without branches on their length: the bytes are those of a varint. */
#include "engine/core/pen_priv.h"

#include <criterion/criterion.h>

enum { ROOM = BYTES_VARINT_MAX + 8 };

static void
expect_same_bytes(uint64_t value)
{
    uint8_t plain[ROOM], amount[ROOM];
    struct pen a = {plain}, b = {amount};
    pen_varint(&a, value);
    pen_amount(&b, value);
    struct bytes wanted = bytes_of(plain, (size_t)(a.at - plain));
    struct bytes got = bytes_of(amount, (size_t)(b.at - amount));
    cr_expect(bytes_equal(got, wanted), "%llu takes %zu bytes, not %zu, or others",
              (unsigned long long)value, got.size, wanted.size);
}

Test(pen, an_amount_is_a_varint)
{
    expect_same_bytes(0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        expect_same_bytes(power - 1);
        expect_same_bytes(power);
        expect_same_bytes(power + power / 3);
        expect_same_bytes(~UINT64_C(0) >> bit);
    }
}
