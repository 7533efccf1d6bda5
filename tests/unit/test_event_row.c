/* An event that is kept is the same event when it is read. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/core/event_row.h"

static uint8_t memory[1 << 16] __attribute__((aligned(16)));
static uint8_t first[1 << 14], second[1 << 14];

static const struct attribute ATTRIBUTES[] = {{BYTES_LITERAL("gift"), BYTES_LITERAL("yes")},
                                              {BYTES_LITERAL("table"), BYTES_LITERAL("7")}};
static const struct event_line LINES[] = {
    {BYTES_LITERAL("1"),
     BYTES_LITERAL("sku"),
     BYTES_LITERAL("toys"),
     BYTES_LITERAL("acme"),
     LINE_GOODS,
     1500,
     1999,
     100,
     317,
     {ATTRIBUTES, 2}},
    {.line_id = BYTES_LITERAL("2"), .kind = LINE_SHIPPING, .amount_minor = INT64_MAX}};
static const struct bytes CURRENCIES[] = {BYTES_LITERAL("points"), BYTES_LITERAL("stars")};
static const struct lot_name LOTS[] = {{{0}, 0, 17, 2},
                                       {BYTES_LITERAL("journal-16-bytes"), 3, 1, 0}};

#define REASON BYTES_LITERAL("because"), BYTES_LITERAL("eve")

static const struct event EVENTS[] = {
    {.kind = EVENT_PURCHASE,
     .purchase = {BYTES_LITERAL("O1"),
                  826,
                  BYTES_LITERAL("web"),
                  BYTES_LITERAL("ginza"),
                  5,
                  6,
                  LINES,
                  2,
                  BYTES_LITERAL("air"),
                  {ATTRIBUTES, 1}}},
    {.kind = EVENT_REFUND,
     .refund = {BYTES_LITERAL("O1"),
                {0},
                826,
                1999,
                LINES,
                1,
                REFUND_CUMULATIVE,
                BYTES_LITERAL("web"),
                BYTES_LITERAL("ginza"),
                BYTES_LITERAL("air"),
                BYTES_LITERAL("broken"),
                {ATTRIBUTES, 2}}},
    {.kind = EVENT_CANCELLATION, .cancellation = {BYTES_LITERAL("O1"), BYTES_LITERAL("late")}},
    {.kind = EVENT_DELIVERED, .delivered = {BYTES_LITERAL("O1")}},
    {.kind = EVENT_ACTIVITY,
     .activity = {ACTIVITY_APP_DEFINED,
                  BYTES_LITERAL("pages"),
                  BYTES_LITERAL("R1"),
                  12,
                  BYTES_LITERAL("O1"),
                  BYTES_LITERAL("app"),
                  BYTES_LITERAL("ginza"),
                  BYTES_LITERAL("air"),
                  {ATTRIBUTES, 2}}},
    {.kind = EVENT_REDEEM,
     .redeem = {BYTES_LITERAL("S1"),
                {.currencies = CURRENCIES,
                 .currency_count = 2,
                 .what = SPEND_POINTS,
                 .points = {50},
                 .reason = BYTES_LITERAL("fun")}}},
    {.kind = EVENT_REDEEM,
     .redeem = {BYTES_LITERAL("S1"), {.what = SPEND_REWARD, .reward = {BYTES_LITERAL("mug"), 3}}}},
    {.kind = EVENT_HOLD,
     .hold = {BYTES_LITERAL("H1"),
              {.what = SPEND_PAYMENT,
               .payment = {BYTES_LITERAL("O1"), 826, 500, 900},
               .actor = BYTES_LITERAL("till"),
               .channel = BYTES_LITERAL("web"),
               .store = BYTES_LITERAL("ginza"),
               .attributes = {ATTRIBUTES, 2}},
              60000}},
    {.kind = EVENT_CANCEL_REDEMPTION, .cancel_redemption = {BYTES_LITERAL("S1"), {5}, REASON}},
    {.kind = EVENT_CAPTURE_HOLD,
     .capture_hold = {BYTES_LITERAL("H1"), {5}, BYTES_LITERAL("because")}},
    {.kind = EVENT_RELEASE_HOLD, .release_hold = {BYTES_LITERAL("H1"), BYTES_LITERAL("because")}},
    {.kind = EVENT_GRANT,
     .grant = {BYTES_LITERAL("stars"),
               {7},
               REASON,
               {1},
               {2},
               true,
               true,
               BYTES_LITERAL("O1"),
               BYTES_LITERAL("acme"),
               {1, 3},
               826,
               {ATTRIBUTES, 1}}},
    {.kind = EVENT_ADJUST, .adjust = {BYTES_LITERAL("stars"), {-7}, REASON, {2}, true, true}},
    {.kind = EVENT_APPROVE,
     .approve = {{BYTES_LITERAL("crm"), BYTES_LITERAL("e1")},
                 BYTES_LITERAL("eve"),
                 BYTES_LITERAL("fine")}},
    {.kind = EVENT_EXTEND_LOTS,
     .extend_lots = {{LOTS, 2, BYTES_LITERAL("stars"), {3}, {4}}, {5}, 6, REASON}},
    {.kind = EVENT_REINSTATE_LOTS,
     .reinstate_lots = {{LOTS, 1, BYTES_LITERAL("stars"), {3}, {4}}, {5}, REASON}},
    {.kind = EVENT_RENEW_LOTS, .renew_lots = {{NULL, 0, {0}, {3}, {4}}, {1, 2}, {5}, REASON}},
    {.kind = EVENT_RELEASE_QUARANTINE,
     .quarantine_end = {{BYTES_LITERAL("shop"), BYTES_LITERAL("e1")}, REASON}},
    {.kind = EVENT_REJECT_QUARANTINE,
     .quarantine_end = {{BYTES_LITERAL("shop"), BYTES_LITERAL("e1")}, REASON}},
    {.kind = EVENT_ENROL,
     .enrol = {{2, 29},
               BYTES_LITERAL("web"),
               BYTES_LITERAL("ginza"),
               BYTES_LITERAL("air"),
               {ATTRIBUTES, 2}}},
    {.kind = EVENT_PROFILE_UPDATE, .profile_update = {{12, 31}}},
    {.kind = EVENT_SUSPEND, .state_change = {REASON}},
    {.kind = EVENT_RESUME, .state_change = {REASON}},
    {.kind = EVENT_FREEZE, .state_change = {REASON}},
    {.kind = EVENT_UNFREEZE, .state_change = {REASON}},
    {.kind = EVENT_CLOSE, .state_change = {REASON}},
    {.kind = EVENT_REOPEN, .state_change = {REASON}},
    {.kind = EVENT_TIER_OVERRIDE,
     .tier_override = {BYTES_LITERAL("club"), BYTES_LITERAL("gold"), {9}, REASON}},
    {.kind = EVENT_END_TIER_OVERRIDE, .end_tier_override = {BYTES_LITERAL("club"), REASON}},
};

static struct bytes
encode(const struct event *event, uint8_t *buffer)
{
    struct writer writer = writer_of(buffer, sizeof first);
    event_row_encode(event, &writer);
    return writer_span(&writer);
}

/* What is read encodes to the same bytes, and every byte of what was told is among them. */
Test(event_row, round_trip)
{
    for (size_t i = 0; i < sizeof EVENTS / sizeof EVENTS[0]; i++) {
        struct event event = EVENTS[i], read;
        event.source = BYTES_LITERAL("shop");
        event.id = BYTES_LITERAL("e1");
        event.member = BYTES_LITERAL("ann");
        event.occurred_at.ms = -5;
        event.correlation_id = BYTES_LITERAL("c");
        event.traceparent = BYTES_LITERAL("t");
        struct arena arena;
        arena_init(&arena, memory, sizeof memory);
        struct bytes told = encode(&event, first);
        event_row_decode(told, &arena, &read);
        cr_assert(bytes_equal(told, encode(&read, second)), "%s", event_kind_name(event.kind));
        cr_assert_eq(read.kind, event.kind);
        cr_assert_eq(read.occurred_at.ms, -5);
        cr_assert(bytes_equal(read.member, event.member));
    }
}

/* Every kind of event.def is in the table. */
Test(event_row, all_kinds){
#define EVENT(number, NAME, field, handled)                                                        \
    {                                                                                              \
        bool there = false;                                                                        \
        for (size_t i = 0; i < sizeof EVENTS / sizeof EVENTS[0]; i++)                              \
            there = there || EVENTS[i].kind == EVENT_##NAME;                                       \
        cr_assert(there, "%s", #field);                                                            \
    }
#include "engine/core/event.def"
#undef EVENT
}

Test(event_row, lists_and_unions_are_read)
{
    struct arena arena;
    struct event read;
    arena_init(&arena, memory, sizeof memory);
    event_row_decode(encode(&EVENTS[0], first), &arena, &read);
    cr_assert_eq(read.purchase.line_count, 2);
    cr_assert_eq(read.purchase.lines[0].tax_minor, 317);
    cr_assert_eq(read.purchase.lines[0].attributes.count, 2);
    cr_assert(bytes_equal(read.purchase.lines[0].attributes.items[1].value, BYTES_LITERAL("7")));
    cr_assert_eq(read.purchase.lines[1].amount_minor, INT64_MAX);
    event_row_decode(encode(&EVENTS[7], first), &arena, &read);
    cr_assert_eq(read.hold.request.payment.order_total_minor, 900);
    cr_assert_eq(read.hold.timeout_ms, 60000);
    event_row_decode(encode(&EVENTS[14], first), &arena, &read);
    cr_assert_eq(read.extend_lots.choice.lots[0].ordinal, 17);
    cr_assert_eq(read.extend_lots.days, 6);
}
