#include "consumers/codec_event_write.h"

#include "consumers/codec_wire_priv.h"
#include "engine/base/check.h"
#include "engine/core/quantity.h"

/* Field numbers of event.proto. */
enum {
    EVENT_SOURCE = 1,
    EVENT_ID = 2,
    EVENT_MEMBER = 3,
    EVENT_GUEST = 4,
    EVENT_OCCURRED_AT = 10,
    EVENT_CORRELATION_ID = 11,
    EVENT_TRACEPARENT = 12,
    EVENT_PAYLOAD_PURCHASE = 30,
    EVENT_PAYLOAD_REFUND = 31,
    EVENT_PAYLOAD_CANCELLATION = 32,
    EVENT_PAYLOAD_REDEEM = 60,
    EVENT_PAYLOAD_ENROL = 80,
};

/* A line has five texts of up to EVENT_ID_BYTES_MAX and five numbers. */
enum { LINE_BYTES_MAX = 5 * (EVENT_ID_BYTES_MAX + 3) + 5 * 11 };

static struct bytes
currency_text(uint16_t numeric)
{
    const struct currency *currency = currency_find(numeric);
    CHECK(currency != NULL);
    return bytes_from_cstr(currency->alpha);
}

static void
put_purchase_line(struct writer *out, const struct event_line *line)
{
    uint8_t memory[LINE_BYTES_MAX];
    struct writer part = writer_of(memory, sizeof memory);
    wire_put_text(&part, 1, line->line_id);
    wire_put_number(&part, 2, (uint64_t)line->kind - LINE_GOODS);
    wire_put_text(&part, 3, line->sku);
    wire_put_text(&part, 4, line->category);
    wire_put_text(&part, 5, line->brand);
    wire_put_number(&part, 6, (uint64_t)line->quantity_milli);
    wire_put_number(&part, 7, (uint64_t)line->amount_minor);
    wire_put_number(&part, 8, (uint64_t)line->discount_minor);
    wire_put_number(&part, 9, (uint64_t)line->tax_minor);
    CHECK(!part.overflow);
    wire_put_message(out, 3, writer_span(&part));
}

static void
put_purchase(struct writer *out, const struct purchase *purchase)
{
    wire_put_text(out, 1, purchase->order_id);
    wire_put_text(out, 2, currency_text(purchase->currency));
    for (uint32_t i = 0; i < purchase->line_count; i++)
        put_purchase_line(out, &purchase->lines[i]);
    wire_put_number(out, 4, (uint64_t)purchase->points_tender_minor);
    wire_put_number(out, 5, (uint64_t)purchase->gift_card_tender_minor);
    wire_put_text(out, 6, purchase->channel);
    wire_put_text(out, 7, purchase->store);
}

static void
put_refund_line(struct writer *out, const struct event_line *line)
{
    uint8_t memory[LINE_BYTES_MAX];
    struct writer part = writer_of(memory, sizeof memory);
    wire_put_text(&part, 1, line->line_id);
    wire_put_number(&part, 2, (uint64_t)line->amount_minor);
    wire_put_number(&part, 3, (uint64_t)line->quantity_milli);
    wire_put_number(&part, 4, (uint64_t)line->kind - LINE_GOODS);
    wire_put_text(&part, 5, line->sku);
    wire_put_text(&part, 6, line->category);
    wire_put_text(&part, 7, line->brand);
    CHECK(!part.overflow);
    wire_put_message(out, 5, writer_span(&part));
}

static void
put_refund(struct writer *out, const struct refund *refund)
{
    wire_put_text(out, 1, refund->order_id);
    wire_put_text(out, 2, refund->refund_id);
    wire_put_text(out, 4, currency_text(refund->currency));
    for (uint32_t i = 0; i < refund->line_count; i++)
        put_refund_line(out, &refund->lines[i]);
    wire_put_number(out, 6, (uint64_t)refund->amount_minor);
}

static void
put_redeem(struct writer *out, const struct redeem *redeem)
{
    wire_put_text(out, 1, redeem->spend_id);
    for (uint32_t i = 0; i < redeem->request.currency_count; i++)
        wire_put_text(out, 2, redeem->request.currencies[i]);
    wire_put_number(out, 3, (uint64_t)redeem->request.points.units);
}

static uint32_t
put_payload(struct writer *out, const struct event *event)
{
    switch (event->kind) {
    case EVENT_PURCHASE: put_purchase(out, &event->purchase); return EVENT_PAYLOAD_PURCHASE;
    case EVENT_REFUND: put_refund(out, &event->refund); return EVENT_PAYLOAD_REFUND;
    case EVENT_CANCELLATION:
        wire_put_text(out, 1, event->cancellation.order_id);
        return EVENT_PAYLOAD_CANCELLATION;
    case EVENT_REDEEM: put_redeem(out, &event->redeem); return EVENT_PAYLOAD_REDEEM;
    case EVENT_ENROL: return EVENT_PAYLOAD_ENROL;
    default: UNREACHABLE();
    }
}

static void
put_envelope(struct writer *out, const struct event *event)
{
    struct bytes prefix = BYTES_LITERAL(KEY_GUEST_PREFIX);
    wire_put_text(out, EVENT_SOURCE, event->source);
    wire_put_text(out, EVENT_ID, event->id);
    if (bytes_start_with(event->member, prefix))
        wire_put_text(out, EVENT_GUEST,
                      bytes_of(event->member.data + prefix.size, event->member.size - prefix.size));
    else
        wire_put_text(out, EVENT_MEMBER, event->member);
    wire_put_number(out, EVENT_OCCURRED_AT, (uint64_t)event->occurred_at.ms);
    wire_put_text(out, EVENT_CORRELATION_ID, event->correlation_id);
    wire_put_text(out, EVENT_TRACEPARENT, event->traceparent);
}

/* Bytes that the event takes at most. */
static size_t
event_size_bound(const struct event *event)
{
    size_t lines = event->kind == EVENT_PURCHASE ? event->purchase.line_count
                   : event->kind == EVENT_REFUND ? event->refund.line_count
                                                 : 0;
    return lines * (LINE_BYTES_MAX + 4) + 16 * (EVENT_ID_BYTES_MAX + 16);
}

bool
codec_event_write(const struct event *event, struct arena *arena, struct bytes *out_wire)
{
    size_t bound = event_size_bound(event), mark = arena_mark(arena);
    void *memory = arena_alloc(arena, bound);
    void *payload_memory = arena_alloc(arena, bound);
    if (memory == NULL || payload_memory == NULL) {
        arena_reset_to(arena, mark);
        return false;
    }
    struct writer out = writer_of(memory, bound), payload = writer_of(payload_memory, bound);
    put_envelope(&out, event);
    uint32_t number = put_payload(&payload, event);
    wire_put_message(&out, number, writer_span(&payload));
    CHECK(!out.overflow && !payload.overflow);
    *out_wire = writer_span(&out);
    return true;
}
