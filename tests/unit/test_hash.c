#include <criterion/criterion.h>

#include "engine/base/hash.h"
#include "tests/unit/property.h"

/* The values are persisted, so another version of the library must give the same. Two are published
 * with XXH3, the others were taken from version 0.8.1. */
Test(hash, values_are_frozen)
{
    uint8_t thousand[1000];
    for (size_t i = 0; i < sizeof thousand; i++) {
        thousand[i] = (uint8_t)(i * 7);
    }
    const struct {
        const char *what;
        struct bytes span;
        uint64_t seed, hash64;
        struct hash128 hash128;
    } rows[] = {
        {"nothing (published)",
         {NULL, 0},
         0,
         UINT64_C(0x2d06800538d394c2),
         {UINT64_C(0x6001c324468d497f), UINT64_C(0x99aa06d3014798d8)}},
        {"one zero byte (published)",
         BYTES_LITERAL("\0"),
         0,
         UINT64_C(0xc44bdff4074eecdb),
         {UINT64_C(0xc44bdff4074eecdb), UINT64_C(0xa6cd5e9392000f6a)}},
        {"a member id",
         BYTES_LITERAL("member-1"),
         0,
         UINT64_C(0x183af53933a6929f),
         {UINT64_C(0xb16bed6feb9890f6), UINT64_C(0x06e635ea3347b9d4)}},
        {"a member id with a seed",
         BYTES_LITERAL("member-1"),
         7,
         UINT64_C(0xb27e20e5c948804e),
         {UINT64_C(0x5aeac23013f73612), UINT64_C(0x00cca6b1bf87a530)}},
        {"beyond the short forms",
         {thousand, sizeof thousand},
         0,
         UINT64_C(0x10ad30264426c830),
         {UINT64_C(0x10ad30264426c830), UINT64_C(0xabee229cdadad76d)}},
        {"beyond the short forms with a seed",
         {thousand, sizeof thousand},
         1,
         UINT64_C(0xd619d4c0fec48d50),
         {UINT64_C(0xd619d4c0fec48d50), UINT64_C(0xcc15bf9a9fdd215d)}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hash128 hash = hash128(rows[i].span, rows[i].seed);
        cr_expect_eq(hash64(rows[i].span, rows[i].seed), rows[i].hash64, "%s", rows[i].what);
        cr_expect(hash128_equal(hash, rows[i].hash128), "%s: %016lx%016lx", rows[i].what, hash.hi,
                  hash.lo);
    }
}

Test(hash, formats_most_significant_first)
{
    char text[33];
    hash128_format((struct hash128){UINT64_C(0xfedcba9876543210), 0x0123}, text);
    cr_expect_str_eq(text, "0000000000000123fedcba9876543210");
}

Test(hash, adds_modulo_2_128)
{
    const struct {
        const char *what;
        struct hash128 a, b, sum;
    } rows[] = {
        {"plain", {1, 2}, {3, 4}, {4, 6}},
        {"carry", {UINT64_MAX, 0}, {1, 0}, {0, 1}},
        {"wrap", {UINT64_MAX, UINT64_MAX}, {1, 0}, {0, 0}},
        {"carry and wrap",
         {UINT64_MAX, UINT64_MAX},
         {UINT64_MAX, UINT64_MAX},
         {UINT64_MAX - 1, UINT64_MAX}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(hash128_equal(hash128_add(rows[i].a, rows[i].b), rows[i].sum), "%s",
                  rows[i].what);
        cr_expect(hash128_equal(hash128_sub(rows[i].sum, rows[i].b), rows[i].a), "%s",
                  rows[i].what);
    }
    cr_expect_not(hash128_equal((struct hash128){1, 2}, (struct hash128){2, 1}));
}

Test(hash, a_set_digest_knows_no_order)
{
    struct property property = property_start();
    struct hash128 members[64], forward = {0}, back = {0};
    for (size_t i = 0; i < 64; i++) {
        uint64_t key = property_next(&property);
        members[i] = hash128(bytes_of(&key, sizeof key), 0);
        forward = hash128_add(forward, members[i]);
    }
    for (size_t i = 64; i-- > 0;) {
        back = hash128_add(back, members[i]);
    }
    cr_expect(hash128_equal(forward, back), "seed %lu", property.seed);
    for (size_t i = 0; i < 64; i++) {
        forward = hash128_sub(forward, members[i]);
    }
    cr_expect(hash128_equal(forward, (struct hash128){0, 0}), "seed %lu", property.seed);
}
