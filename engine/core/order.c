/*
 * The content of family 'r'. Every row begins with
 *
 *   u8 version (1), u8 kind, varint member number, text id (of the order, the redemption or the
 * refund)
 *
 * and goes on, all numbers as varints but where "zigzag" is said:
 *
 *   order   rulebook, zigzag occurred_at, currency, tender_minor, u8 cancelled; groups, and a u8
 * level for each; grants, and for each: u8 currency slot, u8 lot index, granted, stays, settled,
 * expires_at (0 = never, else plus 1); refunds, and for each: text id, amount; lines, and for each:
 * line id (0: its number in decimal; else size + 1 and the bytes), category (0: that of the line
 * before; else size + 1 and the bytes), u8 kind, amount, discount, tax, refunded spend   zigzag
 * occurred_at, u8 currency slot, units; parts, and for each: ordinal, lot index, units refund
 * zigzag occurred_at, currency, amount
 */
#include "engine/core/order.h"

enum { REFERENCE_VERSION = 1, LINE_NUMBER_DIGITS_MAX = 10 };

static void
write_head(enum reference_kind kind, uint64_t member, struct bytes id, struct writer *writer)
{
    writer_u8(writer, REFERENCE_VERSION);
    writer_u8(writer, (uint8_t)kind);
    writer_varint(writer, member);
    writer_prefixed(writer, id);
}

bool
reference_is(struct bytes content, enum reference_kind kind, uint64_t member, struct bytes id)
{
    struct reader reader = reader_of(content);
    bool version = reader_u8(&reader) == REFERENCE_VERSION;
    bool same = reader_u8(&reader) == kind && reader_varint(&reader) == member;
    return version && same && bytes_equal(reader_prefixed(&reader), id) && !reader.failed;
}

/* The line's number as the codec writes it where a line carries no id; returns the digits' count.
 */
static size_t
line_number(uint32_t index, uint8_t out[LINE_NUMBER_DIGITS_MAX])
{
    uint8_t reversed[LINE_NUMBER_DIGITS_MAX];
    size_t count = 0;
    for (uint32_t number = index + 1; number != 0; number /= 10)
        reversed[count++] = (uint8_t)('0' + number % 10);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

static void
write_optional(struct bytes text, bool implied, struct writer *writer)
{
    writer_varint(writer, implied ? 0 : text.size + 1);
    if (!implied) writer_bytes(writer, text);
}

static void
write_lines(const struct order *order, struct writer *writer)
{
    struct bytes category = {0};
    writer_varint(writer, order->line_count);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct event_line *line = &order->lines[i];
        uint8_t number[LINE_NUMBER_DIGITS_MAX];
        struct bytes implied = bytes_of(number, line_number(i, number));
        write_optional(line->line_id, bytes_equal(line->line_id, implied), writer);
        write_optional(line->category, bytes_equal(line->category, category), writer);
        writer_u8(writer, (uint8_t)line->kind);
        writer_varint(writer, (uint64_t)line->amount_minor);
        writer_varint(writer, (uint64_t)line->discount_minor);
        writer_varint(writer, (uint64_t)line->tax_minor);
        writer_varint(writer, order->refunded == NULL ? 0 : (uint64_t)order->refunded[i]);
        category = line->category;
    }
}

void
order_encode(const struct order *order, struct writer *writer)
{
    write_head(REFERENCE_ORDER, order->member, order->order_id, writer);
    writer_varint(writer, order->rulebook);
    writer_zigzag(writer, order->occurred_at.ms);
    writer_varint(writer, order->currency);
    writer_varint(writer, (uint64_t)order->tender_minor);
    writer_u8(writer, order->cancelled);
    writer_varint(writer, order->group_count);
    for (uint32_t i = 0; i < order->group_count; i++)
        writer_u8(writer, order->levels[i]);
    writer_varint(writer, order->grant_count);
    for (uint32_t i = 0; i < order->grant_count; i++) {
        const struct order_grant *grant = &order->grants[i];
        writer_u8(writer, grant->currency);
        writer_u8(writer, grant->lot_index);
        writer_varint(writer, (uint64_t)grant->granted);
        writer_varint(writer, (uint64_t)grant->stays);
        writer_varint(writer, (uint64_t)grant->settled);
        writer_varint(writer, grant->expires_ms == INT64_MAX ? 0 : (uint64_t)grant->expires_ms + 1);
    }
    writer_varint(writer, order->refund_count);
    for (uint32_t i = 0; i < order->refund_count; i++) {
        writer_prefixed(writer, order->refunds[i].id);
        writer_varint(writer, (uint64_t)order->refunds[i].amount_minor);
    }
    write_lines(order, writer);
}

static void *
list_room(struct arena *arena, size_t count, size_t item_bytes)
{
    void *list = arena_alloc(arena, (count + 1) * item_bytes);
    CHECK(list != NULL);
    return list;
}

static void
read_lines(struct reader *reader, struct arena *arena, struct order *order)
{
    order->line_count = (uint32_t)reader_varint(reader);
    CHECK(order->line_count <= reader_left(reader));
    struct event_line *lines = list_room(arena, order->line_count, sizeof *lines);
    order->refunded = list_room(arena, order->line_count, sizeof *order->refunded);
    struct bytes category = {0};
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct event_line *line = &lines[i];
        *line = (struct event_line){0};
        uint64_t size = reader_varint(reader);
        if (size == 0) {
            uint8_t *number = list_room(arena, LINE_NUMBER_DIGITS_MAX, 1);
            line->line_id = bytes_of(number, line_number(i, number));
        } else {
            line->line_id = reader_bytes(reader, size - 1);
        }
        size = reader_varint(reader);
        line->category = size == 0 ? category : reader_bytes(reader, size - 1);
        category = line->category;
        line->kind = reader_u8(reader);
        line->amount_minor = (int64_t)reader_varint(reader);
        line->discount_minor = (int64_t)reader_varint(reader);
        line->tax_minor = (int64_t)reader_varint(reader);
        order->refunded[i] = (int64_t)reader_varint(reader);
    }
    order->lines = lines;
}

static void
read_grants(struct reader *reader, struct order *order)
{
    order->grant_count = (uint32_t)reader_varint(reader);
    CHECK(order->grant_count <= PROGRAM_CURRENCIES_MAX);
    for (uint32_t i = 0; i < order->grant_count; i++) {
        struct order_grant *grant = &order->grants[i];
        grant->currency = reader_u8(reader);
        grant->lot_index = reader_u8(reader);
        grant->granted = (int64_t)reader_varint(reader);
        grant->stays = (int64_t)reader_varint(reader);
        grant->settled = (int64_t)reader_varint(reader);
        uint64_t expires = reader_varint(reader);
        grant->expires_ms = expires == 0 ? INT64_MAX : (int64_t)(expires - 1);
    }
}

void
order_decode(struct bytes content, struct arena *arena, struct order *out_order)
{
    struct reader reader = reader_of(content);
    struct order order = {0};
    CHECK(reader_u8(&reader) == REFERENCE_VERSION && reader_u8(&reader) == REFERENCE_ORDER);
    order.member = reader_varint(&reader);
    order.order_id = reader_prefixed(&reader);
    order.rulebook = (uint32_t)reader_varint(&reader);
    order.occurred_at.ms = reader_zigzag(&reader);
    order.currency = (uint16_t)reader_varint(&reader);
    order.tender_minor = (int64_t)reader_varint(&reader);
    order.cancelled = reader_u8(&reader) != 0;
    order.group_count = (uint32_t)reader_varint(&reader);
    CHECK(order.group_count <= PROGRAM_GROUPS_MAX);
    for (uint32_t i = 0; i < order.group_count; i++)
        order.levels[i] = reader_u8(&reader);
    read_grants(&reader, &order);
    order.refund_count = (uint32_t)reader_varint(&reader);
    CHECK(order.refund_count <= reader_left(&reader));
    struct order_refund *refunds = list_room(arena, order.refund_count, sizeof *refunds);
    for (uint32_t i = 0; i < order.refund_count; i++) {
        refunds[i].id = reader_prefixed(&reader);
        refunds[i].amount_minor = (int64_t)reader_varint(&reader);
    }
    order.refunds = refunds;
    read_lines(&reader, arena, &order);
    CHECK(reader_done(&reader));
    *out_order = order;
}

void
spend_encode(const struct spend *spend, struct writer *writer)
{
    write_head(REFERENCE_SPEND, spend->member, spend->redemption_id, writer);
    writer_zigzag(writer, spend->occurred_at.ms);
    writer_u8(writer, spend->currency);
    writer_varint(writer, (uint64_t)spend->units);
    writer_varint(writer, spend->part_count);
    for (uint32_t i = 0; i < spend->part_count; i++) {
        writer_varint(writer, spend->parts[i].ordinal);
        writer_varint(writer, spend->parts[i].index);
        writer_varint(writer, (uint64_t)spend->parts[i].units);
    }
}

void
loose_refund_encode(const struct loose_refund *refund, struct writer *writer)
{
    write_head(REFERENCE_REFUND, refund->member, refund->refund_id, writer);
    writer_zigzag(writer, refund->occurred_at.ms);
    writer_varint(writer, refund->currency);
    writer_varint(writer, (uint64_t)refund->amount_minor);
}

void
loose_refund_decode(struct bytes content, struct loose_refund *out_refund)
{
    struct reader reader = reader_of(content);
    CHECK(reader_u8(&reader) == REFERENCE_VERSION && reader_u8(&reader) == REFERENCE_REFUND);
    out_refund->member = reader_varint(&reader);
    out_refund->refund_id = reader_prefixed(&reader);
    out_refund->occurred_at.ms = reader_zigzag(&reader);
    out_refund->currency = (uint16_t)reader_varint(&reader);
    out_refund->amount_minor = (int64_t)reader_varint(&reader);
    CHECK(reader_done(&reader));
}
