#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/locator.h"
#include "tests/unit/property.h"

#define FOUND_MAX 64

/* A naive multimap beside the locator. */
struct pair {
    uint64_t hash, value;
};

struct model {
    struct pair pairs[4096];
    size_t count;
};

static int
compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The 56 bits that count, with invariant 1 of the locator. */
static uint64_t
model_key(uint64_t hash)
{
    uint64_t key = hash >> 8;
    return (key & 0xffffff) == 0 ? key | 1 : key;
}

static size_t
model_find(const struct model *model, uint64_t hash, uint64_t *out_values)
{
    size_t found = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (model_key(model->pairs[i].hash) != model_key(hash)) continue;
        cr_assert_lt(found, FOUND_MAX);
        out_values[found++] = model->pairs[i].value;
    }
    qsort(out_values, found, sizeof *out_values, compare_u64);
    return found;
}

static void
compare_find(const struct locator *locator, const struct model *model, uint64_t hash, uint64_t seed)
{
    uint64_t expected[FOUND_MAX], found[FOUND_MAX];
    size_t expected_count = model_find(model, hash, expected);
    size_t found_count = locator_find(locator, hash, found, FOUND_MAX);
    qsort(found, found_count, sizeof *found, compare_u64);
    cr_assert_eq(found_count, expected_count, "hash %016lx: %zu found, %zu expected, seed %lu",
                 hash, found_count, expected_count, seed);
    cr_assert_eq(memcmp(found, expected, found_count * sizeof *found), 0, "hash %016lx, seed %lu",
                 hash, seed);
}

/* Hashes that collide: few home lines, the last one among them so that runs go around the end, and
 * few of everything else. */
static uint64_t
colliding_hash(struct property *property)
{
    static const uint64_t homes[] = {0, 1, UINT64_C(0x7fffffff), UINT64_C(0xfffffffe),
                                     UINT64_C(0xffffffff)};
    uint64_t rest = homes[property_below(property, 5)] ^ property_below(property, 4) << 3;
    uint64_t fingerprint = property_below(property, 4) == 0 ? property_next(property) & 0xffffff
                                                            : property_below(property, 3);
    return rest << 32 | fingerprint << 8 | property_below(property, 256);
}

static void
run_against_model(struct property *property, uint64_t (*hash_of)(struct property *), int steps,
                  size_t keep)
{
    static struct model model;
    model.count = 0;
    struct locator locator;
    struct fault fault;
    cr_assert(locator_init(&locator, 0, &fault), "%s", fault.text);

    for (int i = 0; i < steps; i++) {
        uint64_t hash = hash_of(property);
        if (model.count < keep && property_below(property, 2) == 0) {
            uint64_t value = property_below(property, 4) == 0 ? property_below(property, 2)
                                                              : property_next(property) >> 24;
            cr_assert(locator_reserve(&locator, 1, &fault), "%s", fault.text);
            locator_insert(&locator, hash, value);
            model.pairs[model.count++] = (struct pair){hash, value};
        } else if (model.count > 0 && property_below(property, 2) == 0) {
            size_t gone = (size_t)property_below(property, model.count);
            struct pair pair = model.pairs[gone];
            cr_assert(locator_remove(&locator, pair.hash, pair.value), "seed %lu", property->seed);
            model.pairs[gone] = model.pairs[--model.count];
            hash = pair.hash;
        }
        cr_assert_eq(locator.count, model.count, "seed %lu", property->seed);
        locator_prefetch(&locator, hash);
        compare_find(&locator, &model, hash, property->seed);
        if (model.count > 0) {
            size_t any = (size_t)property_below(property, model.count);
            compare_find(&locator, &model, model.pairs[any].hash, property->seed);
        }
    }
    for (size_t i = 0; i < model.count; i++) {
        compare_find(&locator, &model, model.pairs[i].hash, property->seed);
    }
    locator_fini(&locator);
}

Test(locator, agrees_with_a_naive_one_on_colliding_hashes)
{
    struct property property = property_start();
    for (int round = 0; round < 10; round++) {
        run_against_model(&property, colliding_hash, 10000, 150);
    }
}

Test(locator, agrees_with_a_naive_one_on_random_hashes)
{
    struct property property = property_start();
    run_against_model(&property, property_next, 20000, 4096);
}

Test(locator, survives_growth)
{
    struct property property = property_start();
    struct locator locator;
    struct fault fault;
    cr_assert(locator_init(&locator, 10, &fault), "%s", fault.text);
    size_t bytes = locator_bytes(&locator);
    const uint64_t count = 200000;
    for (uint64_t i = 0; i < count; i++) {
        if (locator_room(&locator) == 0) {
            cr_assert(locator_reserve(&locator, 1000, &fault), "%s", fault.text);
            cr_assert_geq(locator_room(&locator), 1000);
        }
        locator_insert(&locator, property_next(&property), i);
    }
    cr_expect_gt(locator_bytes(&locator), bytes);
    cr_expect_leq(locator_bytes(&locator), count * 12 * 8 / 3 + 4096,
                  "at least three eighths full after doubling");

    struct property again = property_start();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t found[2] = {0};
        cr_assert_eq(locator_find(&locator, property_next(&again), found, 2), 1, "seed %lu",
                     again.seed);
        cr_assert_eq(found[0], i, "seed %lu", again.seed);
    }
    size_t false_candidates = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t found[1];
        false_candidates += locator_find(&locator, property_next(&again), found, 1);
    }
    cr_expect_eq(false_candidates, 0, "%zu candidates for keys never seen, seed %lu",
                 false_candidates, again.seed);
    locator_fini(&locator);
}

Test(locator, keeps_what_it_is_given)
{
    struct locator locator;
    struct fault fault;
    cr_assert(locator_init(&locator, 6, &fault), "%s", fault.text);
    cr_expect_eq(locator_room(&locator), 6);
    uint64_t found[8];
    cr_expect_eq(locator_find(&locator, 0, found, 8), 0, "empty");

    locator_insert(&locator, 0, 0);
    locator_insert(&locator, 0, 0);
    locator_insert(&locator, 0, LOCATOR_VALUE_MAX);
    cr_expect_eq(locator_find(&locator, 0, found, 8), 3, "the same pair twice is kept twice");
    cr_expect_eq(locator_find(&locator, 0, found, 2), 2, "no more than asked for");
    cr_expect_eq(locator_find(&locator, 0xff, found, 8), 3, "the lowest 8 bits do not count");
    cr_expect_eq(locator_find(&locator, (uint64_t)1 << 32, found, 8), 0, "the upper ones do");
    cr_expect_eq(locator_find(&locator, (uint64_t)2 << 8, found, 8), 0, "the middle ones do");

    cr_expect_not(locator_remove(&locator, 0, 1));
    cr_expect_not(locator_remove(&locator, (uint64_t)1 << 32, 0));
    cr_expect(locator_remove(&locator, 0, 0));
    cr_expect_eq(locator_find(&locator, 0, found, 8), 2, "one of the two");
    cr_expect_eq(locator_room(&locator), 4);
    locator_fini(&locator);
    cr_expect_eq(locator_bytes(&locator), 0);
}

Test(locator, refuses_more_than_it_could_ever_hold)
{
    struct locator locator;
    struct fault fault = {0};
    cr_assert(locator_init(&locator, 6, &fault), "%s", fault.text);
    locator_insert(&locator, 1, 1);
    cr_expect_not(locator_reserve(&locator, SIZE_MAX, &fault));
    cr_expect_eq(fault.kind, FAULT_TRY_AGAIN);
    cr_expect_not_null(strstr(fault.text, "locator"), "%s", fault.text);
    cr_expect_eq(locator_room(&locator), 5, "nothing has changed");
    locator_fini(&locator);
}

Test(locator, insists_on_room, .signal = SIGABRT)
{
    struct locator locator;
    struct fault fault;
    if (!locator_init(&locator, 6, &fault)) return;
    for (uint64_t i = 0; i < 7; i++) {
        locator_insert(&locator, i << 40, i);
    }
}

Test(locator, refuses_a_value_of_41_bits, .signal = SIGABRT)
{
    struct locator locator;
    struct fault fault;
    if (!locator_init(&locator, 6, &fault)) return;
    locator_insert(&locator, 0, LOCATOR_VALUE_MAX + 1);
}
