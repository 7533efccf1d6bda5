#include "engine/core/quantity.h"

#include <string.h>

typedef unsigned __int128 u128;

#define INT128_MAX ((__int128)(~(u128)0 >> 1))

/* Fractions */

/* One division brings both to the size of the smaller, which is mostly a hundred or so; from there
 * on halving is quicker than dividing. */
static uint64_t
gcd_u64(uint64_t a, uint64_t b)
{
    if (a < b) {
        uint64_t smaller = a;
        a = b;
        b = smaller;
    }
    if (b <= 1) return b == 0 ? a : 1;
    a %= b;
    if (a == 0) return b;
    int twos = __builtin_ctzll(a | b);
    a >>= __builtin_ctzll(a);
    do {
        b >>= __builtin_ctzll(b);
        if (a > b) {
            uint64_t smaller = b;
            b = a;
            a = smaller;
        }
        b -= a;
    } while (b != 0);
    return a << twos;
}

static u128
gcd_u128(u128 a, u128 b)
{
    while (b >> 64 != 0 || a >> 64 != 0) {
        if (b == 0) return a;
        u128 rest = a % b;
        a = b;
        b = rest;
    }
    return gcd_u64((uint64_t)a, (uint64_t)b);
}

static u128
magnitude(__int128 value)
{
    return value < 0 ? 0 - (u128)value : (u128)value;
}

static void
fraction_check(struct fraction a)
{
    CHECK(a.denominator > 0 && magnitude(a.numerator) <= (u128)INT128_MAX);
}

bool
rate_make(int64_t numerator, int64_t denominator, struct rate *out)
{
    if (numerator <= 0 || denominator <= 0) return false;
    int64_t common = (int64_t)gcd_u64((uint64_t)numerator, (uint64_t)denominator);
    *out = (struct rate){numerator / common, denominator / common};
    return true;
}

/* a × b within 127 bits. */
static bool
multiply_i128(__int128 a, __int128 b, __int128 *out)
{
    __int128 product = 0;
    if (__builtin_mul_overflow(a, b, &product) || magnitude(product) > (u128)INT128_MAX) {
        return false;
    }
    *out = product;
    return true;
}

/* Nearly all fractions need no more than 63 bits above and below, and are not below zero. */
static bool
is_small(struct fraction a)
{
    return a.numerator >= 0 && a.numerator <= INT64_MAX && a.denominator <= INT64_MAX;
}

static bool
multiply_small(struct fraction a, struct rate rate, struct fraction *out)
{
    if (!is_small(a)) return false;
    int64_t numerator = (int64_t)a.numerator, denominator = (int64_t)a.denominator;
    if (__builtin_mul_overflow(numerator, rate.numerator, &numerator)) return false;
    if (__builtin_mul_overflow(denominator, rate.denominator, &denominator)) return false;
    int64_t common = (int64_t)gcd_u64((uint64_t)numerator, (uint64_t)denominator);
    *out = (struct fraction){numerator / common, denominator / common};
    return true;
}

bool
fraction_multiply_rate(struct fraction a, struct rate rate, struct fraction *out)
{
    fraction_check(a);
    CHECK(rate.numerator > 0 && rate.denominator > 0);
    if (multiply_small(a, rate, out)) return true;

    /* Both factors are reduced, so dividing crosswise first leaves a reduced product: what
     * overflows here overflows by invariant 2. */
    __int128 left = (__int128)gcd_u128(magnitude(a.numerator), (u128)rate.denominator);
    __int128 right = (__int128)gcd_u128((u128)rate.numerator, (u128)a.denominator);
    struct fraction product;
    if (!multiply_i128(a.numerator / left, rate.numerator / right, &product.numerator) ||
        !multiply_i128(a.denominator / right, rate.denominator / left, &product.denominator)) {
        return false;
    }
    *out = product;
    return true;
}

/* 256 bits, for the one intermediate that may need more than 127 before it is reduced. */
struct wide {
    u128 high, low;
};

static struct wide
wide_multiply(u128 a, u128 b)
{
    const u128 mask = UINT64_MAX;
    u128 low = (a & mask) * (b & mask);
    u128 cross = (a >> 64) * (b & mask) + (low >> 64);
    u128 other = (a & mask) * (b >> 64) + (cross & mask);
    u128 high = (a >> 64) * (b >> 64) + (cross >> 64) + (other >> 64);
    return (struct wide){high, (other << 64) | (low & mask)};
}

static struct wide
wide_add(struct wide a, struct wide b)
{
    u128 low = a.low + b.low;
    return (struct wide){a.high + b.high + (low < a.low), low};
}

static struct wide
wide_subtract(struct wide a, struct wide b)
{
    return (struct wide){a.high - b.high - (a.low < b.low), a.low - b.low};
}

static bool
wide_is_less(struct wide a, struct wide b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

/* Long division bit by bit; divisor below 2^127, so that the running rest never loses its top bit.
 */
static struct wide
wide_divide(struct wide a, u128 divisor, u128 *out_rest)
{
    CHECK(divisor > 0 && divisor <= (u128)INT128_MAX);
    struct wide quotient = {0, 0};
    u128 rest = 0;
    for (unsigned bit = 256; bit-- > 0;) {
        u128 half = bit >= 128 ? a.high : a.low;
        rest = (rest << 1) | ((half >> (bit % 128)) & 1);
        if (rest < divisor) continue;
        rest -= divisor;
        u128 set = (u128)1 << (bit % 128);
        if (bit >= 128)
            quotient.high |= set;
        else
            quotient.low |= set;
    }
    *out_rest = rest;
    return quotient;
}

/* The sum when a product in its numerator needs more than 127 bits: the result may still reduce
 * into them. common is gcd(a.denominator, b.denominator). */
static bool
fraction_add_wide(struct fraction a, struct fraction b, __int128 common, struct fraction *out)
{
    struct wide left = wide_multiply(magnitude(a.numerator), (u128)(b.denominator / common));
    struct wide right = wide_multiply(magnitude(b.numerator), (u128)(a.denominator / common));
    bool negative = a.numerator < 0;
    struct wide sum;
    if ((a.numerator < 0) == (b.numerator < 0)) {
        sum = wide_add(left, right);
    } else if (wide_is_less(left, right)) {
        sum = wide_subtract(right, left);
        negative = !negative;
    } else {
        sum = wide_subtract(left, right);
    }

    u128 rest = 0;
    wide_divide(sum, (u128)common, &rest);
    __int128 reducer = (__int128)gcd_u128((u128)common, rest);
    struct wide numerator = wide_divide(sum, (u128)reducer, &rest);
    CHECK(rest == 0);

    struct fraction total;
    if (numerator.high != 0 || numerator.low > (u128)INT128_MAX) return false;
    total.numerator = negative ? -(__int128)numerator.low : (__int128)numerator.low;
    if (!multiply_i128(a.denominator / common, b.denominator / reducer, &total.denominator)) {
        return false;
    }
    *out = total;
    return true;
}

static bool
add_small(struct fraction a, struct fraction b, struct fraction *out)
{
    if (!is_small(a) || !is_small(b)) return false;
    int64_t left = (int64_t)a.numerator, right = (int64_t)b.numerator, sum = 0;
    int64_t a_below = (int64_t)a.denominator, b_below = (int64_t)b.denominator;
    int64_t common = (int64_t)gcd_u64((uint64_t)a_below, (uint64_t)b_below);
    if (__builtin_mul_overflow(left, b_below / common, &left) ||
        __builtin_mul_overflow(right, a_below / common, &right) ||
        __builtin_add_overflow(left, right, &sum))
        return false;
    int64_t reducer = (int64_t)gcd_u64((uint64_t)common, (uint64_t)sum);
    int64_t denominator = a_below / common;
    if (__builtin_mul_overflow(denominator, b_below / reducer, &denominator)) return false;
    *out = (struct fraction){sum / reducer, denominator};
    return true;
}

bool
fraction_add(struct fraction a, struct fraction b, struct fraction *out)
{
    fraction_check(a);
    fraction_check(b);
    if (add_small(a, b, out)) return true;

    /* With reduced terms, what numerator and denominator of the sum still share divides the
     * denominators' common divisor. */
    __int128 common = (__int128)gcd_u128((u128)a.denominator, (u128)b.denominator);
    __int128 left = 0, right = 0, sum = 0;
    if (!multiply_i128(a.numerator, b.denominator / common, &left) ||
        !multiply_i128(b.numerator, a.denominator / common, &right) ||
        __builtin_add_overflow(left, right, &sum)) {
        return fraction_add_wide(a, b, common, out);
    }
    __int128 reducer = (__int128)gcd_u128((u128)common, magnitude(sum));
    struct fraction total = {.numerator = sum / reducer};
    if (magnitude(total.numerator) > (u128)INT128_MAX ||
        !multiply_i128(a.denominator / common, b.denominator / reducer, &total.denominator)) {
        return false;
    }
    *out = total;
    return true;
}

/* Whether the whole number above floor is the rounded one; rest / denominator is what lies above
 * floor, and above 0. */
static bool
rounding_goes_up(enum rounding mode, __int128 floor, __int128 rest, __int128 denominator)
{
    bool above_half = rest > denominator - rest;
    bool half = rest == denominator - rest;
    switch (mode) {
    case ROUNDING_FLOOR: return false;
    case ROUNDING_CEIL: return true;
    case ROUNDING_HALF_UP: return above_half || half;
    case ROUNDING_HALF_EVEN: return above_half || (half && floor % 2 != 0);
    }
    UNREACHABLE();
}

bool
fraction_round(struct fraction a, enum rounding mode, int64_t *out)
{
    fraction_check(a);
    if (mode == ROUNDING_FLOOR && is_small(a)) {
        *out = (int64_t)a.numerator / (int64_t)a.denominator;
        return true;
    }
    __int128 whole = a.numerator / a.denominator;
    __int128 rest = a.numerator % a.denominator;
    if (rest < 0) {
        /* Division truncates; below zero the floor is one further down. */
        whole -= 1;
        rest += a.denominator;
    }
    if (rest != 0 && rounding_goes_up(mode, whole, rest, a.denominator)) whole += 1;
    if (magnitude(whole) > INT64_MAX) return false;
    *out = (int64_t)whole;
    return true;
}

/* Shares */

/* Makes a heap with the smallest value on top of values[root …] out of one that is a heap but for
 * its root. */
static void
heap_sift(int64_t *values, size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count) return;
        if (child + 1 < count && values[child + 1] < values[child]) child += 1;
        if (values[root] <= values[child]) return;
        int64_t moved = values[root];
        values[root] = values[child];
        values[child] = moved;
        root = child;
    }
}

/* Heap sort, largest first: no memory, and no order of input makes it slow. */
static void
sort_descending(int64_t *values, size_t count)
{
    for (size_t root = count / 2; root-- > 0;) {
        heap_sift(values, root, count);
    }
    for (size_t left = count; left > 1; left--) {
        int64_t smallest = values[0];
        values[0] = values[left - 1];
        values[left - 1] = smallest;
        heap_sift(values, 0, left - 1);
    }
}

/* Quotient and rest of total × weight / sum. */
static int64_t
share_floor(int64_t total, int64_t weight, int64_t sum, int64_t *out_rest)
{
    u128 product = (u128)total * (u128)weight;
    if (product <= UINT64_MAX) {
        *out_rest = (int64_t)((uint64_t)product % (uint64_t)sum);
        return (int64_t)((uint64_t)product / (uint64_t)sum);
    }
    *out_rest = (int64_t)(product % (u128)sum);
    return (int64_t)(product / (u128)sum);
}

bool
share_largest_remainder(int64_t total, const int64_t *weights, size_t count, int64_t *out_shares)
{
    CHECK(total >= 0);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK(weights[i] >= 0);
        if (!add_i64(sum, weights[i], &sum)) return false;
    }
    if (sum == 0) {
        if (count != 0) memset(out_shares, 0, count * sizeof *out_shares);
        return true;
    }

    /* First pass: the rests, kept where the shares will stand. */
    int64_t left = total;
    for (size_t i = 0; i < count; i++) {
        left -= share_floor(total, weights[i], sum, &out_shares[i]);
    }
    CHECK(left >= 0 && (size_t)left < count);

    /* The `left` largest rests get one more: all above the smallest of those, and of its equals as
     * many as remain, in order of appearance. */
    int64_t threshold = INT64_MAX;
    size_t equals = 0;
    if (left > 0) {
        sort_descending(out_shares, count);
        threshold = out_shares[left - 1];
        for (size_t i = (size_t)left; i > 0 && out_shares[i - 1] == threshold; i--) {
            equals += 1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        int64_t rest = 0;
        int64_t share = share_floor(total, weights[i], sum, &rest);
        if (rest > threshold) {
            share += 1;
        } else if (rest == threshold && equals > 0) {
            share += 1;
            equals -= 1;
        }
        out_shares[i] = share;
    }
    return true;
}

/* The common denominator of all weights. */
static bool
common_denominator(const struct fraction *weights, size_t count, __int128 *out)
{
    __int128 common = 1;
    for (size_t i = 0; i < count; i++) {
        if (weights[i].denominator == common) continue;
        u128 divisor = gcd_u128((u128)common, (u128)weights[i].denominator);
        if (!multiply_i128(common, weights[i].denominator / (__int128)divisor, &common))
            return false;
    }
    *out = common;
    return true;
}

/* Quotient and rest of total × weight / sum. */
static int64_t
share_exactly(int64_t total, __int128 weight, __int128 sum, u128 *out_rest)
{
    uint64_t small;
    bool is_narrow = weight <= INT64_MAX && sum <= INT64_MAX &&
                     !__builtin_mul_overflow((uint64_t)total, (uint64_t)weight, &small);
    if (is_narrow) {
        *out_rest = small % (uint64_t)sum;
        return (int64_t)(small / (uint64_t)sum);
    }
    struct wide product = wide_multiply((u128)total, (u128)weight);
    if (product.high == 0) {
        *out_rest = product.low % (u128)sum;
        return (int64_t)(product.low / (u128)sum);
    }
    return (int64_t)wide_divide(product, (u128)sum, out_rest).low;
}

/* A weight over the common denominator, which is a multiple of its own. */
static bool
weight_over(struct fraction weight, __int128 common, __int128 *out)
{
    if (weight.denominator == common) {
        *out = weight.numerator;
        return true;
    }
    if (common <= INT64_MAX && is_small(weight)) {
        int64_t by = (int64_t)common / (int64_t)weight.denominator;
        return multiply_i128(weight.numerator, by, out);
    }
    return multiply_i128(weight.numerator, common / weight.denominator, out);
}

bool
share_by_fractions(int64_t total, const struct fraction *weights, size_t count, int64_t *out_shares)
{
    __int128 common = 0, sum = 0, weight = 0;
    CHECK(total >= 0);
    if (!common_denominator(weights, count, &common)) return false;
    for (size_t i = 0; i < count; i++) {
        CHECK(weights[i].numerator >= 0);
        if (!weight_over(weights[i], common, &weight) ||
            __builtin_add_overflow(sum, weight, &sum) || magnitude(sum) > (u128)INT128_MAX)
            return false;
    }
    CHECK(sum > 0);
    int64_t left = total;
    u128 rest = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK(weight_over(weights[i], common, &weight));
        out_shares[i] = share_exactly(total, weight, sum, &rest);
        left -= out_shares[i];
    }
    /* Grants have few parts: the largest rest that has not been served is looked for anew. */
    u128 below = (u128)sum;
    while (left > 0) {
        u128 largest = 0;
        for (size_t i = 0; i < count; i++) {
            CHECK(weight_over(weights[i], common, &weight));
            share_exactly(total, weight, sum, &rest);
            if (rest < below && rest > largest) largest = rest;
        }
        CHECK(largest > 0);
        for (size_t i = 0; i < count && left > 0; i++) {
            CHECK(weight_over(weights[i], common, &weight));
            share_exactly(total, weight, sum, &rest);
            if (rest != largest) continue;
            out_shares[i]++;
            left--;
        }
        below = largest;
    }
    return true;
}

/* Currencies */

static const struct currency currencies[] = {
#define CURRENCY(alpha, numeric, digits) {#alpha, numeric, digits},
#include "engine/core/currency.def"
#undef CURRENCY
};

enum currency_index {
#define CURRENCY(alpha, numeric, digits) CURRENCY_INDEX_##alpha,
#include "engine/core/currency.def"
#undef CURRENCY
    CURRENCY_COUNT,
};

static_assert(CURRENCY_COUNT < UINT8_MAX, "an index plus one must fit in a byte");

/* Index plus one by numeric code; 0 where there is no currency. A code that stood twice in the
 * table would be an error of the compiler. */
static const uint8_t currency_by_numeric[1000] = {
#define CURRENCY(alpha, numeric, digits) [numeric] = CURRENCY_INDEX_##alpha + 1,
#include "engine/core/currency.def"
#undef CURRENCY
};

const struct currency *
currency_find(uint16_t numeric)
{
    if (numeric >= sizeof currency_by_numeric) return NULL;
    uint8_t found = currency_by_numeric[numeric];
    return found == 0 ? NULL : &currencies[found - 1];
}

const struct currency *
currency_from_alpha(struct bytes alpha)
{
    if (alpha.size != 3) return NULL;
    size_t low = 0, high = CURRENCY_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(alpha.data, currencies[middle].alpha, 3);
        if (order == 0) return &currencies[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
