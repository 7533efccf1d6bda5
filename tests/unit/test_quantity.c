#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "engine/core/quantity.h"
#include "tests/unit/property.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* 2^127 - 1, the largest part of a fraction. */
#define PART_MAX ((__int128)(~(unsigned __int128)0 >> 1))

Test(quantity, sums_stay_within_63_bits)
{
    const struct {
        const char *what;
        int64_t a, b;
        bool adds;
        int64_t sum;
        bool subtracts;
        int64_t difference;
    } rows[] = {
        {"plain", 5, 3, true, 8, true, 2},
        {"to the top", INT64_MAX - 1, 1, true, INT64_MAX, true, INT64_MAX - 2},
        {"beyond the top", INT64_MAX, 1, false, 0, true, INT64_MAX - 1},
        {"to the bottom", -INT64_MAX, 0, true, -INT64_MAX, true, -INT64_MAX},
        {"INT64_MIN is beyond the bottom", -INT64_MAX, -1, false, 0, true, -INT64_MAX + 1},
        {"the same by subtraction", -INT64_MAX, 1, true, -INT64_MAX + 1, false, 0},
        {"wrapping", INT64_MAX, INT64_MAX, false, 0, true, 0},
        {"wrapping by subtraction", INT64_MAX, -INT64_MAX, true, 0, false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t sum = 0, difference = 0;
        cr_expect_eq(add_i64(rows[i].a, rows[i].b, &sum), rows[i].adds, "%s", rows[i].what);
        cr_expect_eq(sum, rows[i].sum, "%s: %ld", rows[i].what, sum);
        cr_expect_eq(sub_i64(rows[i].a, rows[i].b, &difference), rows[i].subtracts, "%s",
                     rows[i].what);
        cr_expect_eq(difference, rows[i].difference, "%s: %ld", rows[i].what, difference);
    }
}

static struct rate
rate_of(int64_t numerator, int64_t denominator)
{
    struct rate rate = {0, 0};
    cr_assert(rate_make(numerator, denominator, &rate));
    return rate;
}

Test(quantity, rates_are_positive_and_reduced)
{
    struct rate rate = rate_of(300, 200);
    cr_expect(rate.numerator == 3 && rate.denominator == 2);
    rate = rate_of(INT64_MAX, INT64_MAX);
    cr_expect(rate.numerator == 1 && rate.denominator == 1);
    cr_expect_not(rate_make(0, 1, &rate));
    cr_expect_not(rate_make(1, 0, &rate));
    cr_expect_not(rate_make(-1, 1, &rate));
    cr_expect_not(rate_make(1, -1, &rate));
    cr_expect(rate.numerator == 1, "untouched");
}

Test(quantity, rounds_once_in_four_ways)
{
    const struct {
        int64_t numerator, denominator, floor, ceil, half_up, half_even;
    } rows[] = {
        {6, 1, 6, 6, 6, 6},       {-6, 1, -6, -6, -6, -6},    {0, 1, 0, 0, 0, 0},
        {15, 2, 7, 8, 8, 8},      {13, 2, 6, 7, 7, 6},        {-15, 2, -8, -7, -7, -8},
        {-13, 2, -7, -6, -6, -6}, {1, 2, 0, 1, 1, 0},         {-1, 2, -1, 0, 0, 0},
        {7, 3, 2, 3, 2, 2},       {8, 3, 2, 3, 3, 3},         {-7, 3, -3, -2, -2, -2},
        {-8, 3, -3, -2, -3, -3},  {1, INT64_MAX, 0, 1, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fraction fraction = {rows[i].numerator, rows[i].denominator};
        const struct {
            enum rounding mode;
            int64_t expected;
        } modes[] = {
            {ROUNDING_FLOOR, rows[i].floor},
            {ROUNDING_CEIL, rows[i].ceil},
            {ROUNDING_HALF_UP, rows[i].half_up},
            {ROUNDING_HALF_EVEN, rows[i].half_even},
        };
        for (size_t mode = 0; mode < COUNT(modes); mode++) {
            int64_t rounded = 0;
            cr_expect(fraction_round(fraction, modes[mode].mode, &rounded));
            cr_expect_eq(rounded, modes[mode].expected, "%ld/%ld, mode %d: %ld", rows[i].numerator,
                         rows[i].denominator, modes[mode].mode, rounded);
        }
    }
}

Test(quantity, rounding_has_persisted_codes)
{
    cr_expect_eq(ROUNDING_FLOOR, 1);
    cr_expect_eq(ROUNDING_CEIL, 2);
    cr_expect_eq(ROUNDING_HALF_UP, 3);
    cr_expect_eq(ROUNDING_HALF_EVEN, 4);
}

Test(quantity, a_rounding_that_leaves_63_bits_is_an_overflow)
{
    const struct {
        const char *what;
        __int128 numerator, denominator;
        enum rounding mode;
        bool fits;
        int64_t rounded;
    } rows[] = {
        {"the largest", INT64_MAX, 1, ROUNDING_CEIL, true, INT64_MAX},
        {"one more", (__int128)INT64_MAX + 1, 1, ROUNDING_FLOOR, false, 0},
        {"a half more, down", (__int128)INT64_MAX * 2 + 1, 2, ROUNDING_FLOOR, true, INT64_MAX},
        {"a half more, up", (__int128)INT64_MAX * 2 + 1, 2, ROUNDING_CEIL, false, 0},
        {"the smallest", -(__int128)INT64_MAX, 1, ROUNDING_FLOOR, true, -INT64_MAX},
        {"a half less, up", -(__int128)INT64_MAX * 2 - 1, 2, ROUNDING_CEIL, true, -INT64_MAX},
        {"a half less, down", -(__int128)INT64_MAX * 2 - 1, 2, ROUNDING_FLOOR, false, 0},
        {"the largest fraction", PART_MAX, 1, ROUNDING_FLOOR, false, 0},
        {"just below a half of the largest parts", PART_MAX / 2, PART_MAX, ROUNDING_HALF_UP, true,
         0},
        {"just above it", PART_MAX / 2 + 1, PART_MAX, ROUNDING_HALF_UP, true, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fraction fraction = {rows[i].numerator, rows[i].denominator};
        int64_t rounded = 0;
        cr_expect_eq(fraction_round(fraction, rows[i].mode, &rounded), rows[i].fits, "%s",
                     rows[i].what);
        cr_expect_eq(rounded, rows[i].rounded, "%s: %ld", rows[i].what, rounded);
    }
}

/* Semantics §11 example 10. */
Test(quantity, one_rounding_after_all_multiplications)
{
    const struct {
        const char *what;
        int64_t amount;
        struct rate first, second;
        int64_t points;
    } rows[] = {
        {"4 × 1.5", 4, {1, 1}, {3, 2}, 6},
        {"5 × 1.5", 5, {1, 1}, {3, 2}, 7},
        {"19.99 at 1 per 1.00, doubled", 1999, {1, 100}, {2, 1}, 39},
        {"a third, tripled, is whole again", 100, {1, 300}, {3, 1}, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fraction points = fraction_from_i64(rows[i].amount);
        int64_t rounded = 0;
        cr_expect(fraction_multiply_rate(points, rows[i].first, &points));
        cr_expect(fraction_multiply_rate(points, rows[i].second, &points));
        cr_expect(fraction_round(points, ROUNDING_FLOOR, &rounded));
        cr_expect_eq(rounded, rows[i].points, "%s: %ld", rows[i].what, rounded);
    }
}

Test(quantity, products_overflow_only_when_reduced)
{
    const struct {
        const char *what;
        struct fraction a;
        struct rate rate;
        bool fits;
        struct fraction product;
    } rows[] = {
        {"reduces crosswise", {10, 21}, {7, 5}, true, {2, 3}},
        {"keeps the sign", {-3, 4}, {2, 3}, true, {-1, 2}},
        {"zero is 0/1", {0, 1}, {5, 7}, true, {0, 1}},
        {"the largest numerator, reduced first", {PART_MAX, 6}, {6, 1}, true, {PART_MAX, 1}},
        {"a numerator of 128 bits", {PART_MAX, 1}, {2, 1}, false, {0, 0}},
        {"a denominator of 128 bits", {1, PART_MAX}, {1, 2}, false, {0, 0}},
        {"exactly -2^127", {-(PART_MAX / 2 + 1), 1}, {2, 1}, false, {0, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fraction product = {0, 0};
        cr_expect_eq(fraction_multiply_rate(rows[i].a, rows[i].rate, &product), rows[i].fits, "%s",
                     rows[i].what);
        cr_expect(product.numerator == rows[i].product.numerator &&
                      product.denominator == rows[i].product.denominator,
                  "%s", rows[i].what);
    }
}

Test(quantity, sums_of_fractions_overflow_only_when_reduced)
{
    const __int128 two_to_60 = (__int128)1 << 60, two_to_126 = (__int128)1 << 126;
    const struct {
        const char *what;
        struct fraction a, b;
        bool fits;
        struct fraction sum;
    } rows[] = {
        {"common denominator", {1, 6}, {1, 10}, true, {4, 15}},
        {"cancels to 0/1", {5, 6}, {-5, 6}, true, {0, 1}},
        {"whole numbers", {7, 1}, {-9, 1}, true, {-2, 1}},
        {"a wide intermediate that reduces",
         {PART_MAX, two_to_60},
         {PART_MAX, two_to_60},
         true,
         {PART_MAX, two_to_60 / 2}},
        {"the same below zero",
         {-PART_MAX, two_to_60},
         {-PART_MAX, two_to_60},
         true,
         {-PART_MAX, two_to_60 / 2}},
        {"wide terms that cancel", {PART_MAX, 3}, {-PART_MAX, 3}, true, {0, 1}},
        {"wide terms of unlike denominators that nearly cancel",
         {PART_MAX, 2},
         {-(PART_MAX - 1), 1},
         true,
         {-(PART_MAX - 2), 2}},
        {"a sum of 128 bits", {PART_MAX, 1}, {1, 1}, false, {0, 0}},
        {"exactly -2^127", {-two_to_126, 1}, {-two_to_126, 1}, false, {0, 0}},
        {"exactly 2^127", {two_to_126, 1}, {two_to_126, 1}, false, {0, 0}},
        {"a denominator of 128 bits", {1, PART_MAX}, {1, 2}, false, {0, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int swapped = 0; swapped < 2; swapped++) {
            struct fraction a = swapped ? rows[i].b : rows[i].a;
            struct fraction b = swapped ? rows[i].a : rows[i].b;
            struct fraction sum = {0, 0};
            cr_expect_eq(fraction_add(a, b, &sum), rows[i].fits, "%s", rows[i].what);
            cr_expect(sum.numerator == rows[i].sum.numerator &&
                          sum.denominator == rows[i].sum.denominator,
                      "%s", rows[i].what);
        }
    }
}

static __int128
gcd(__int128 a, __int128 b)
{
    while (b != 0) {
        __int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static __int128
random_part(struct property *property, unsigned bits)
{
    unsigned __int128 high = property_next(property);
    unsigned __int128 both = high << 64 | property_next(property);
    return (__int128)(both >> (128 - bits));
}

static struct fraction
random_fraction(struct property *property, unsigned bits)
{
    __int128 numerator = random_part(property, 1 + (unsigned)property_below(property, bits));
    __int128 denominator = 1 + random_part(property, 1 + (unsigned)property_below(property, bits));
    if (property_below(property, 2) == 0) numerator = -numerator;
    __int128 common = gcd(numerator, denominator);
    return (struct fraction){numerator / common, denominator / common};
}

/* Within 62 bits, cross-multiplication is exact in 128 and needs no cleverness. */
Test(quantity, fractions_agree_with_cross_multiplication)
{
    struct property property = property_start();
    for (int i = 0; i < 100000; i++) {
        struct fraction a = random_fraction(&property, 60), b = random_fraction(&property, 60);
        struct fraction sum = {0, 0};
        cr_assert(fraction_add(a, b, &sum), "seed %lu", property.seed);
        __int128 numerator = a.numerator * b.denominator + b.numerator * a.denominator;
        __int128 denominator = a.denominator * b.denominator;
        __int128 common = gcd(numerator, denominator);
        cr_assert(sum.numerator == numerator / common && sum.denominator == denominator / common,
                  "seed %lu", property.seed);
    }
}

/* (a + b) - b = a, whatever the intermediates need. */
Test(quantity, wide_sums_can_be_undone)
{
    struct property property = property_start();
    int fitted = 0;
    for (int i = 0; i < 100000; i++) {
        /* Denominators that share much, numerators that nearly fill their 127 bits. */
        __int128 shared = 1 + random_part(&property, 20 + (unsigned)property_below(&property, 60));
        struct fraction a = {random_part(&property, 127), shared * (1 + random_part(&property, 6))};
        struct fraction b = {-random_part(&property, 127 - (unsigned)property_below(&property, 3)),
                             shared * (1 + random_part(&property, 6))};
        __int128 common_a = gcd(a.numerator, a.denominator);
        __int128 common_b = gcd(b.numerator, b.denominator);
        a = (struct fraction){a.numerator / common_a, a.denominator / common_a};
        b = (struct fraction){b.numerator / common_b, b.denominator / common_b};
        struct fraction sum, back, minus_b = {-b.numerator, b.denominator};
        if (!fraction_add(a, b, &sum)) continue;
        fitted++;
        cr_assert_eq(gcd(sum.numerator, sum.denominator), 1, "reduced, seed %lu", property.seed);
        cr_assert(fraction_add(sum, minus_b, &back), "seed %lu", property.seed);
        cr_assert(back.numerator == a.numerator && back.denominator == a.denominator, "seed %lu",
                  property.seed);
    }
    cr_expect_gt(fitted, 1000, "too few sums fitted to say anything: %d", fitted);
}

Test(quantity, a_fraction_that_was_never_made_is_a_bug, .signal = SIGABRT)
{
    int64_t rounded;
    fraction_round((struct fraction){0, 0}, ROUNDING_FLOOR, &rounded);
}

Test(quantity, shares_by_largest_remainder)
{
    const struct {
        const char *what;
        int64_t total;
        size_t count;
        int64_t weights[5], shares[5];
    } rows[] = {
        {"semantics §11 example 13", 1000, 2, {5000, 2000}, {714, 286}},
        {"ties go by order of appearance", 2, 3, {1, 1, 1}, {1, 1, 0}},
        {"the larger rest before the earlier place", 10, 3, {1, 3, 3}, {2, 4, 4}},
        {"a tie after a larger rest", 5, 4, {2, 1, 1, 4}, {1, 1, 1, 2}},
        {"weight 0 gets nothing", 7, 3, {0, 1, 0}, {0, 7, 0}},
        {"all weights 0", 7, 3, {0, 0, 0}, {0, 0, 0}},
        {"nobody", 7, 0, {0}, {0}},
        {"nothing to share", 0, 3, {1, 2, 3}, {0, 0, 0}},
        {"exact shares have no rest", 60, 3, {1, 2, 3}, {10, 20, 30}},
        {"more parties than units", 1, 5, {1, 1, 1, 1, 2}, {0, 0, 0, 0, 1}},
        {"products of 126 bits", INT64_MAX, 2, {INT64_MAX - 1, 1}, {INT64_MAX - 1, 1}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t shares[5] = {0};
        cr_expect(share_largest_remainder(rows[i].total, rows[i].weights, rows[i].count, shares));
        cr_expect_eq(memcmp(shares, rows[i].shares, sizeof shares), 0, "%s: %ld %ld %ld %ld %ld",
                     rows[i].what, shares[0], shares[1], shares[2], shares[3], shares[4]);
    }
    const int64_t heavy[] = {INT64_MAX, 1};
    int64_t shares[2] = {8, 9};
    cr_expect_not(share_largest_remainder(1, heavy, 2, shares), "weights that sum to 2^63");
    cr_expect(shares[0] == 8 && shares[1] == 9, "untouched");
}

#define PARTIES_MAX 40

/* The textbook way: hand out what is left one by one, each to the largest rest that has had none.
 */
static void
share_naively(int64_t total, const int64_t *weights, size_t count, int64_t *out_shares)
{
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (unsigned __int128)weights[i];
    }
    if (sum == 0) {
        memset(out_shares, 0, count * sizeof *out_shares);
        return;
    }
    unsigned __int128 rests[PARTIES_MAX];
    bool served[PARTIES_MAX] = {false};
    int64_t left = total;
    for (size_t i = 0; i < count; i++) {
        unsigned __int128 product = (unsigned __int128)total * (unsigned __int128)weights[i];
        out_shares[i] = (int64_t)(product / sum);
        rests[i] = product % sum;
        left -= out_shares[i];
    }
    for (; left > 0; left--) {
        size_t best = PARTIES_MAX;
        for (size_t i = 0; i < count; i++) {
            if (!served[i] && (best == PARTIES_MAX || rests[i] > rests[best])) best = i;
        }
        out_shares[best]++;
        served[best] = true;
    }
}

Test(quantity, shares_agree_with_the_textbook)
{
    struct property property = property_start();
    for (int i = 0; i < 100000; i++) {
        size_t count = 1 + (size_t)property_below(&property, PARTIES_MAX);
        /* Narrow weights make ties, wide ones large products. */
        unsigned bits = property_below(&property, 2) == 0 ? 2 : 57;
        int64_t total = (int64_t)property_magnitude(&property, 63);
        int64_t weights[PARTIES_MAX], expected[PARTIES_MAX], shares[PARTIES_MAX];
        for (size_t party = 0; party < count; party++) {
            weights[party] = (int64_t)property_magnitude(&property, bits);
        }
        share_naively(total, weights, count, expected);
        cr_assert(share_largest_remainder(total, weights, count, shares));
        cr_assert_eq(memcmp(shares, expected, count * sizeof *shares), 0, "round %d, seed %lu", i,
                     property.seed);
    }
}

Test(quantity, a_negative_weight_is_a_bug, .signal = SIGABRT)
{
    const int64_t weights[] = {1, -1};
    int64_t shares[2];
    share_largest_remainder(1, weights, 2, shares);
}

Test(quantity, currencies)
{
    const struct {
        const char *alpha;
        uint16_t numeric;
        uint8_t digits;
    } rows[] = {
        {"AED", 784, 2}, {"ALL", 8, 2},   {"BHD", 48, 3},  {"CLF", 990, 4}, {"CNY", 156, 2},
        {"EUR", 978, 2}, {"GBP", 826, 2}, {"HRK", 191, 2}, {"ISK", 352, 0}, {"JPY", 392, 0},
        {"KRW", 410, 0}, {"KWD", 414, 3}, {"TND", 788, 3}, {"USD", 840, 2}, {"UYW", 927, 4},
        {"VND", 704, 0}, {"XCG", 532, 2}, {"ZMW", 967, 2}, {"ZWL", 932, 2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct currency *currency = currency_from_alpha(bytes_from_cstr(rows[i].alpha));
        cr_assert_not_null(currency, "%s", rows[i].alpha);
        cr_expect_str_eq(currency->alpha, rows[i].alpha);
        cr_expect_eq(currency->numeric, rows[i].numeric, "%s", rows[i].alpha);
        cr_expect_eq(currency->digits, rows[i].digits, "%s", rows[i].alpha);
        cr_expect_eq(currency_find(rows[i].numeric), currency, "%s", rows[i].alpha);
    }
    const char *unknown[] = {"", "EU", "EURO", "eur", "XXX", "XAU", "AAA", "ZZZ"};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        cr_expect_null(currency_from_alpha(bytes_from_cstr(unknown[i])), "%s", unknown[i]);
    }
    cr_expect_null(currency_find(0));
    cr_expect_null(currency_find(999));
    cr_expect_null(currency_find(UINT16_MAX));
}

/* Each row of the table is found by both of its codes: so it is in order and no numeric code stands
 * twice. */
Test(quantity, the_table_of_currencies_is_in_order)
{
    static const struct currency rows[] = {
#define CURRENCY(alpha, numeric, digits) {#alpha, numeric, digits},
#include "engine/core/currency.def"
#undef CURRENCY
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct currency *currency = currency_from_alpha(bytes_from_cstr(rows[i].alpha));
        cr_assert_not_null(currency, "%s", rows[i].alpha);
        cr_expect_eq(currency_find(rows[i].numeric), currency, "%s", rows[i].alpha);
        cr_expect_leq(currency->digits, 4, "%s", rows[i].alpha);
    }
    cr_expect_eq(COUNT(rows), 179);
}

Test(quantity, shares_by_fractions_are_exact)
{
    static const struct {
        const char *what;
        int64_t total;
        struct fraction weights[3];
        int64_t shares[3];
    } ROWS[] = {
        {"3 and 1.5 of 4: 2.67 and 1.33", 4, {{3, 1}, {3, 2}, {0, 1}}, {3, 1, 0}},
        {"equal rests go by order", 2, {{1, 3}, {1, 3}, {1, 3}}, {1, 1, 0}},
        {"1/2, 1/3, 1/6 of 6", 6, {{1, 2}, {1, 3}, {1, 6}}, {3, 2, 1}},
        {"nothing to share", 0, {{1, 2}, {1, 3}, {1, 6}}, {0, 0, 0}},
        {"one has all", 7, {{0, 1}, {5, 7}, {0, 1}}, {0, 7, 0}},
        {"products of more than 127 bits",
         INT64_MAX,
         {{(__int128)1 << 100, 1}, {(__int128)1 << 100, 1}, {0, 1}},
         {INT64_MAX / 2 + 1, INT64_MAX / 2, 0}},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        int64_t shares[3];
        cr_assert(share_by_fractions(ROWS[i].total, ROWS[i].weights, 3, shares));
        for (size_t k = 0; k < 3; k++)
            cr_assert_eq(shares[k], ROWS[i].shares[k], "%s: share %zu is %lld", ROWS[i].what, k,
                         (long long)shares[k]);
    }
    int64_t untouched[2] = {-1, -1};
    struct fraction far[2] = {{1, ((__int128)1 << 100) - 1}, {1, ((__int128)1 << 99) - 1}};
    cr_assert_not(share_by_fractions(1, far, 2, untouched), "no common denominator of 127 bits");
    cr_assert_eq(untouched[0], -1);
}
