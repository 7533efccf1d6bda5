#include "bench/workload.h"

#include <stdbool.h>
#include <string.h>

/* ---- Protobuf, written from its end ----
 *
 * A message's length stands before it: written backwards, every length is known when its turn
 * comes, and nothing is copied or counted twice. Fields are therefore put in falling order. */

struct back {
    uint8_t *at, *end, *begin;
};

static void
back_varint(struct back *back, uint64_t value)
{
    uint8_t coded[BYTES_VARINT_MAX];
    struct writer writer = writer_of(coded, sizeof coded);
    writer_varint(&writer, value);
    CHECK((size_t)(back->at - back->begin) >= writer.size);
    back->at -= writer.size;
    memcpy(back->at, coded, writer.size);
}

static void
back_number(struct back *back, uint32_t field, uint64_t value)
{
    back_varint(back, value);
    back_varint(back, (uint64_t)field << 3);
}

/* Closes what was written since `end` as one length-delimited field. */
static void
back_close(struct back *back, uint32_t field, const uint8_t *end)
{
    back_varint(back, (uint64_t)(end - back->at));
    back_varint(back, (uint64_t)field << 3 | 2);
}

static void
back_raw(struct back *back, struct bytes text)
{
    CHECK((size_t)(back->at - back->begin) >= text.size);
    back->at -= text.size;
    memcpy(back->at, text.data, text.size);
}

static void
back_text(struct back *back, uint32_t field, struct bytes text)
{
    const uint8_t *end = back->at;
    back_raw(back, text);
    back_close(back, field, end);
}

/* A letter and exactly so many decimal digits: "o0000000042". */
static struct bytes
back_id(struct back *back, uint32_t field, char letter, uint64_t number, unsigned digits)
{
    const uint8_t *end = back->at;
    uint8_t text[21];
    text[0] = (uint8_t)letter;
    for (unsigned i = digits; i > 0; i--, number /= 10)
        text[i] = (uint8_t)('0' + number % 10);
    back_raw(back, bytes_of(text, digits + 1));
    struct bytes written = bytes_of(back->at, digits + 1);
    back_close(back, field, end);
    return written;
}

static void
back_hexadecimal(struct back *back, uint32_t field, uint64_t number)
{
    const uint8_t *end = back->at;
    uint8_t text[16];
    for (unsigned i = 16; i > 0; i--, number >>= 4)
        text[i - 1] = (uint8_t) "0123456789abcdef"[number & 15];
    back_raw(back, bytes_of(text, sizeof text));
    back_close(back, field, end);
}

/* ---- Events: numbers of fields from schemas/tallybook/v1/event.proto ---- */

enum {
    EVENT_SOURCE = 1,
    EVENT_ID = 2,
    EVENT_MEMBER = 3,
    EVENT_OCCURRED_AT = 10,
    EVENT_PURCHASE_FIELD = 30,
    EVENT_REFUND_FIELD = 31,
    EVENT_REDEEM_FIELD = 60,

    PURCHASE_ORDER_ID = 1,
    PURCHASE_CURRENCY = 2,
    PURCHASE_LINES = 3,

    LINE_SKU_FIELD = 3,
    LINE_CATEGORY = 4,
    LINE_QUANTITY = 6,
    LINE_AMOUNT = 7,
    LINE_DISCOUNT = 8,
    LINE_TAX_FIELD = 9,

    REFUND_ORDER_ID = 1,
    REFUND_REFUND_ID = 2,
    REFUND_CURRENCY = 4,
    REFUND_LINES = 5,
    REFUND_LINE_ID = 1,
    REFUND_LINE_AMOUNT = 2,

    REDEEM_SPEND_ID = 1,
    REDEEM_CURRENCIES = 2,
    REDEEM_POINTS = 3,
};

enum { LINES = 3, SPEND_POINTS = 20, ORDER_DIGITS = 10 };

static const struct {
    struct bytes name;
} categories[] = {
    {BYTES_LITERAL("garden")}, {BYTES_LITERAL("toys")},    {BYTES_LITERAL("kitchen")},
    {BYTES_LITERAL("home")},   {BYTES_LITERAL("books")},   {BYTES_LITERAL("office")},
    {BYTES_LITERAL("food")},   {BYTES_LITERAL("fashion")}, {BYTES_LITERAL("sport")},
    {BYTES_LITERAL("audio")},  {BYTES_LITERAL("pets")},    {BYTES_LITERAL("gifts")},
};

/* One line of an order; returns what is paid for it. */
static uint32_t
line_write(struct back *back, uint64_t *random)
{
    const uint8_t *end = back->at;
    uint64_t pieces = 1 + random_below(random, 3);
    uint64_t amount = pieces * (100 + random_below(random, 2900));
    uint64_t discount = random_below(random, 10) == 0 ? amount / 10 : 0;
    back_number(back, LINE_TAX_FIELD, (amount - discount) / 6);
    if (discount != 0) back_number(back, LINE_DISCOUNT, discount);
    back_number(back, LINE_AMOUNT, amount);
    back_number(back, LINE_QUANTITY, 1000 * pieces);
    uint64_t sku = random_below(random, 50000);
    back_text(back, LINE_CATEGORY, categories[sku % (sizeof categories / sizeof *categories)].name);
    back_id(back, LINE_SKU_FIELD, 'S', sku, 5);
    back_close(back, PURCHASE_LINES, end);
    return (uint32_t)(amount - discount);
}

static void
purchase_write(struct workload *workload, struct back *back, uint32_t member)
{
    const uint8_t *end = back->at;
    uint32_t paid = 0;
    for (int i = 0; i < LINES; i++)
        paid = line_write(back, &workload->random);
    uint64_t number = workload->orders++;
    back_text(back, PURCHASE_CURRENCY, BYTES_LITERAL("GBP"));
    back_id(back, PURCHASE_ORDER_ID, 'o', number, ORDER_DIGITS);
    back_close(back, EVENT_PURCHASE_FIELD, end);
    /* Lines are written from the last to the first. */
    workload->recent[number % WORKLOAD_RECENT_MAX] =
        (struct workload_order){number, member, paid, false};
}

static void
refund_write(struct workload *workload, struct back *back, struct workload_order *order)
{
    const uint8_t *end = back->at;
    back_number(back, REFUND_LINE_AMOUNT, order->first_line_minor);
    back_text(back, REFUND_LINE_ID, BYTES_LITERAL("1"));
    back_close(back, REFUND_LINES, end);
    back_text(back, REFUND_CURRENCY, BYTES_LITERAL("GBP"));
    back_id(back, REFUND_REFUND_ID, 'r', workload->made, ORDER_DIGITS);
    back_id(back, REFUND_ORDER_ID, 'o', order->number, ORDER_DIGITS);
    back_close(back, EVENT_REFUND_FIELD, end);
    order->refunded = true;
}

static void
redeem_write(struct workload *workload, struct back *back)
{
    const uint8_t *end = back->at;
    back_number(back, REDEEM_POINTS, SPEND_POINTS);
    back_text(back, REDEEM_CURRENCIES, BYTES_LITERAL("points"));
    back_id(back, REDEEM_SPEND_ID, 's', workload->made, ORDER_DIGITS);
    back_close(back, EVENT_REDEEM_FIELD, end);
}

void
workload_init(struct workload *workload, const struct workload_options *options)
{
    CHECK(options->members > 0 && options->members < 100000000);
    CHECK(options->refund_percent + options->redeem_percent < 100);
    CHECK(options->events > 0 && options->span_ms >= 0);
    *workload = (struct workload){.options = *options, .random = options->seed};
    workload->zipf = zipf_of(options->members);
    /* A prime near the golden section of 2^32: members who buy much stand far apart. Members are
     * fewer than it, so it divides no count of them. */
    workload->spread = UINT64_C(2654435761);
}

static struct workload_order *
choose_order(struct workload *workload)
{
    uint64_t kept = workload->orders < WORKLOAD_RECENT_MAX ? workload->orders : WORKLOAD_RECENT_MAX;
    if (kept == 0) return NULL;
    return &workload->recent[random_below(&workload->random, kept)];
}

void
workload_next(struct workload *workload, struct workload_event *out_event)
{
    const struct workload_options *options = &workload->options;
    uint64_t dice = random_below(&workload->random, 100);
    bool is_refund = dice < options->refund_percent;
    bool is_redeem = !is_refund && dice < options->refund_percent + options->redeem_percent;
    struct workload_order *order = is_refund || is_redeem ? choose_order(workload) : NULL;
    if (order == NULL || (is_refund && order->refunded)) is_refund = is_redeem = false;

    struct back back = {.begin = workload->wire};
    back.at = back.end = workload->wire + sizeof workload->wire;
    uint32_t member;
    if (is_refund) {
        member = order->member;
        refund_write(workload, &back, order);
    } else if (is_redeem) {
        member = order->member;
        redeem_write(workload, &back);
    } else {
        uint64_t rank = zipf_sample(&workload->zipf, &workload->random);
        member = (uint32_t)((rank * workload->spread + options->seed) % options->members);
        purchase_write(workload, &back, member);
    }

    out_event->occurred_at_ms =
        options->start_ms +
        (int64_t)((unsigned __int128)(uint64_t)options->span_ms * workload->made / options->events);
    back_number(&back, EVENT_OCCURRED_AT, (uint64_t)out_event->occurred_at_ms);
    out_event->member = back_id(&back, EVENT_MEMBER, 'm', member, 8);
    /* A number mixed one to one: looks random and never comes twice. */
    uint64_t mixed = options->seed + workload->made * UINT64_C(0x9e3779b97f4a7c15);
    back_hexadecimal(&back, EVENT_ID, random_next(&mixed));
    back_text(&back, EVENT_SOURCE, BYTES_LITERAL("shop"));
    out_event->wire = bytes_of(back.at, (size_t)(back.end - back.at));
    workload->made++;
}
