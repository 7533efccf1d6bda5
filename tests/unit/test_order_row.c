/* The row of an order: its bound holds whatever the figures, and it is the same when it is read. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/core/order.h"

enum { MANY = 400 };

static uint8_t memory[1 << 20] __attribute__((aligned(16)));
static uint8_t row[1 << 18];
static struct order_lot lots[MANY];
static struct order_part parts[MANY];
static struct order_taking takings[MANY];
static uint16_t indices[MANY];
static int64_t nothing[1];

/* The largest figures that the row can hold, so that a term that its bound forgets shows. */
static struct order
largest(void)
{
    static struct order_grant grant;
    for (uint32_t i = 0; i < MANY; i++) {
        lots[i] = (struct order_lot){i, INT64_MAX, INT64_MAX - 1, UINT16_MAX, UINT16_MAX, 5};
        parts[i] = (struct order_part){{SOURCE_CAMPAIGN, UINT16_MAX}, INT64_MAX};
        takings[i] = (struct order_taking){
            .from = TAKEN_LOT,
            .units = INT64_MAX,
            .lot = {.granted = INT64_MAX,
                    .expired = INT64_MAX,
                    .earned_ms = INT64_MIN,
                    .activates_ms = INT64_MIN,
                    .expires_ms = INT64_MIN,
                    .deadline_ms = INT64_MIN,
                    .ordinal = UINT64_MAX,
                    .index = UINT32_MAX,
                    .order = UINT64_MAX,
                    .rule = UINT16_MAX,
                    .rulebook = UINT16_MAX,
                    .funder = UINT16_MAX,
                    .thaws = UINT16_MAX,
                    .flags = UINT8_MAX,
                    .state = 2},
        };
        indices[i] = (uint16_t)(UINT16_MAX - i);
    }
    grant = (struct order_grant){
        .requested = INT64_MAX,
        .granted = INT64_MAX,
        .stays = INT64_MAX,
        .settled = INT64_MAX,
        .dropped = INT64_MAX,
        .lot_count = MANY,
        .lots = lots,
        .part_count = MANY,
        .parts = parts,
    };
    return (struct order){
        .member = UINT64_MAX,
        .order_id = BYTES_LITERAL("O1"),
        .occurred_at.ms = INT64_MAX,
        .tender_minor = INT64_MAX,
        .missions = {indices, MANY},
        .match.campaigns = {indices, MANY},
        .grant_count = 1,
        .grants = &grant,
        .taking_count = MANY,
        .takings = takings,
        .line_deltas = nothing,
        .line_totals = nothing,
    };
}

static size_t
encode(const struct order *order)
{
    struct writer writer = writer_of(row, sizeof row);
    order_encode(order, &writer);
    return writer_span(&writer).size;
}

Test(order_row, its_bound_holds)
{
    struct order order = largest();
    cr_assert_leq(encode(&order), order_bytes_max(&order));
}

/* What each kind of list adds to a row, it adds to the bound. */
Test(order_row, every_list_is_in_the_bound)
{
    struct order whole = largest(), less;
    size_t bytes = encode(&whole), bound = order_bytes_max(&whole);
    struct order_grant without = *whole.grants;
    for (int list = 0; list < 5; list++) {
        less = whole;
        less.grants = &without;
        without = *whole.grants;
        if (list == 0) less.missions.count = 0;
        if (list == 1) less.match.campaigns.count = 0;
        if (list == 2) less.taking_count = 0;
        if (list == 3) without.lot_count = 0;
        if (list == 4) without.part_count = 0;
        cr_assert_leq(bytes - encode(&less), bound - order_bytes_max(&less), "list %d", list);
    }
}

Test(order_row, lots_are_read_as_they_were_written)
{
    struct order order = largest(), back;
    struct arena arena;
    size_t size = encode(&order);
    arena_init(&arena, memory, sizeof memory);
    order_decode(bytes_of(row, size), &arena, &back);
    cr_assert_eq(back.grants[0].lot_count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        const struct order_lot *lot = &back.grants[0].lots[i];
        cr_assert_eq(lot->index, i);
        cr_assert_eq(lot->granted, INT64_MAX);
        cr_assert_eq(lot->expires_ms, INT64_MAX - 1);
        cr_assert_eq(lot->flags, 5);
        cr_assert_eq(back.takings[i].lot.order, UINT64_MAX);
    }
}
