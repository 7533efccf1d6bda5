#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workload.h"
#include "consumers/codec_event.h"

enum { EVENTS = 50000, MEMBERS = 300 };

static const struct workload_options shop = {
    .seed = 20261124,
    .events = EVENTS,
    .members = MEMBERS,
    .refund_percent = 5,
    .redeem_percent = 5,
    .start_ms = INT64_C(1735689600000),
    .span_ms = INT64_C(86400000),
};

struct order {
    char member[16];
    int64_t first_line_minor;
    bool refunded;
};

static uint64_t
number_of(struct bytes id)
{
    char text[32] = {0};
    cr_assert(id.size > 1 && id.size < sizeof text);
    memcpy(text, id.data + 1, id.size - 1);
    return strtoull(text, NULL, 10);
}

static void
expect_refund(const struct event *event, struct order *orders, uint64_t order_count)
{
    uint64_t number = number_of(event->refund.order_id);
    cr_assert_lt(number, order_count, "of an order that was not yet");
    struct order *order = &orders[number];
    cr_assert_eq(memcmp(order->member, event->member.data, event->member.size), 0);
    cr_assert_not(order->refunded);
    order->refunded = true;
    cr_assert_eq(event->refund.line_count, 1);
    cr_assert_eq(event->refund.lines[0].amount_minor, order->first_line_minor);
}

static void
note_order(const struct event *event, struct order *orders, uint64_t *order_count)
{
    cr_assert_eq(number_of(event->purchase.order_id), *order_count);
    cr_assert_eq(event->purchase.line_count, 3);
    const struct event_line *line = &event->purchase.lines[0];
    struct order *order = &orders[(*order_count)++];
    memcpy(order->member, event->member.data, event->member.size);
    order->first_line_minor = line->amount_minor - line->discount_minor;
}

Test(workload, is_a_shop_that_the_codec_understands)
{
    struct workload *workload = malloc(sizeof *workload);
    struct order *orders = calloc(EVENTS, sizeof *orders);
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[65536];
    uint64_t order_count = 0, refunds = 0, redeems = 0, last_ms = 0;
    workload_init(workload, &shop);
    for (int i = 0; i < EVENTS; i++) {
        struct workload_event made;
        workload_next(workload, &made);
        struct arena arena;
        arena_init(&arena, memory, sizeof memory);
        struct entry entry;
        struct codec_error error;
        cr_assert_eq(codec_event_decode(made.wire, &arena, &entry, &error), CODEC_OK, "event %d",
                     i);
        const struct event *event = &entry.event;
        cr_assert(bytes_equal(event->member, made.member));
        cr_assert_lt(number_of(event->member), MEMBERS);
        cr_assert_eq(event->occurred_at.ms, made.occurred_at_ms);
        cr_assert_geq((uint64_t)made.occurred_at_ms, last_ms, "time goes back at event %d", i);
        last_ms = (uint64_t)made.occurred_at_ms;
        if (event->kind == EVENT_PURCHASE) note_order(event, orders, &order_count);
        if (event->kind == EVENT_REFUND) expect_refund(event, orders, order_count);
        refunds += event->kind == EVENT_REFUND;
        redeems += event->kind == EVENT_REDEEM;
    }
    cr_expect_eq(order_count + refunds + redeems, EVENTS);
    cr_expect(refunds > EVENTS * 4 / 100 && refunds < EVENTS * 6 / 100, "%lu refunds", refunds);
    cr_expect(redeems > EVENTS * 4 / 100 && redeems < EVENTS * 6 / 100, "%lu spends", redeems);
    cr_expect_lt(last_ms, (uint64_t)(shop.start_ms + shop.span_ms));
    free(orders);
    free(workload);
}

Test(workload, is_the_same_for_the_same_seed_only)
{
    static struct workload first, second, other;
    struct workload_options other_shop = shop;
    other_shop.seed++;
    workload_init(&first, &shop);
    workload_init(&second, &shop);
    workload_init(&other, &other_shop);
    int same_as_other = 0;
    for (int i = 0; i < 1000; i++) {
        struct workload_event a, b, c;
        workload_next(&first, &a);
        workload_next(&second, &b);
        workload_next(&other, &c);
        cr_assert(bytes_equal(a.wire, b.wire), "event %d", i);
        same_as_other += bytes_equal(a.wire, c.wire);
    }
    cr_expect_eq(same_as_other, 0);
}
