/* clang-format off */
/*
 * The content of family 'r'. Every row begins with
 *
 *   u8 version (1) · u8 kind · varint member number · text id (of the order, the redemption or the refund)
 *
 * and goes on, all numbers as varints but where "zigzag" is said:
 *
 *   order    rulebook · zigzag occurred_at · currency · tender_minor · unnamed_minor · u8 cancelled
 *            groups, and for each: u8 level
 *            grants, and for each: u8 currency slot · u8 lot index · granted · stays · settled · expires_at (0 = never, else plus 1)
 *            refunds, and for each: text id · amount
 *            lines, and for each: line id (0: its number in decimal; else size + 1 and the bytes) · category (0: that of the line
 *            before; else size + 1 and the bytes) · u8 kind · amount · discount · tax · named
 *   spend    zigzag occurred_at · u8 currency slot · units
 *            parts, and for each: units · u8 from account · the lot as it was before:
 *                                 ordinal · index · granted · expired · zigzag earned_at, activates_at, expires_at ·
 *                                 order · rule · rulebook · funder · u8 flags
 *   refund   zigzag occurred_at · currency · amount
 */
/* clang-format on */
#include "engine/core/order.h"

#include <string.h>

enum { REFERENCE_VERSION = 1, LINE_NUMBER_DIGITS_MAX = 10 };

/* Rows are written once per purchase, so without a look at the end for every byte: the caller's
 * room is checked once, for the longest that the row can be. */
struct pen {
    uint8_t *at;
};

static inline void
pen_u8(struct pen *pen, uint8_t value)
{
    *pen->at++ = value;
}

static inline void
pen_varint(struct pen *pen, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *pen->at++ = (uint8_t)(value | 0x80);
    *pen->at++ = (uint8_t)value;
}

static inline void
pen_zigzag(struct pen *pen, int64_t value)
{
    pen_varint(pen, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static inline void
pen_bytes(struct pen *pen, struct bytes span)
{
    if (span.size != 0) memcpy(pen->at, span.data, span.size);
    pen->at += span.size;
}

static inline void
pen_prefixed(struct pen *pen, struct bytes span)
{
    pen_varint(pen, span.size);
    pen_bytes(pen, span);
}

static struct pen
pen_begin(struct writer *writer, size_t bytes_max)
{
    CHECK(writer->capacity - writer->size >= bytes_max);
    return (struct pen){writer->data + writer->size};
}

static void
pen_end(const struct pen *pen, struct writer *writer)
{
    writer->size = (size_t)(pen->at - writer->data);
    CHECK(writer->size <= writer->capacity);
}

static void
write_head(enum reference_kind kind, uint64_t member, struct bytes id, struct pen *pen)
{
    pen_u8(pen, REFERENCE_VERSION);
    pen_u8(pen, (uint8_t)kind);
    pen_varint(pen, member);
    pen_prefixed(pen, id);
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
write_optional(struct bytes text, bool implied, struct pen *pen)
{
    pen_varint(pen, implied ? 0 : text.size + 1);
    if (!implied) pen_bytes(pen, text);
}

static void
write_lines(const struct order *order, struct pen *pen)
{
    struct bytes category = {0};
    pen_varint(pen, order->line_count);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct event_line *line = &order->lines[i];
        uint8_t number[LINE_NUMBER_DIGITS_MAX];
        struct bytes implied = bytes_of(number, line_number(i, number));
        write_optional(line->line_id, bytes_equal(line->line_id, implied), pen);
        write_optional(line->category, bytes_equal(line->category, category), pen);
        pen_u8(pen, (uint8_t)line->kind);
        pen_varint(pen, (uint64_t)line->amount_minor);
        pen_varint(pen, (uint64_t)line->discount_minor);
        pen_varint(pen, (uint64_t)line->tax_minor);
        pen_varint(pen, order->named == NULL ? 0 : (uint64_t)order->named[i]);
        category = line->category;
    }
}

/* Ids, categories, and six numbers a line; three numbers and a text a refund; the rest is short. */
static size_t
order_bytes_max(const struct order *order)
{
    size_t bytes = 1024 + order->order_id.size;
    for (uint32_t i = 0; i < order->refund_count; i++)
        bytes += order->refunds[i].id.size + 2 * BYTES_VARINT_MAX;
    for (uint32_t i = 0; i < order->line_count; i++) {
        bytes +=
            order->lines[i].line_id.size + order->lines[i].category.size + 8 * BYTES_VARINT_MAX;
    }
    return bytes;
}

void
order_encode(const struct order *order, struct writer *writer)
{
    struct pen open = pen_begin(writer, order_bytes_max(order)), *pen = &open;
    write_head(REFERENCE_ORDER, order->member, order->order_id, pen);
    pen_varint(pen, order->rulebook);
    pen_zigzag(pen, order->occurred_at.ms);
    pen_varint(pen, order->currency);
    pen_varint(pen, (uint64_t)order->tender_minor);
    pen_varint(pen, (uint64_t)order->unnamed_minor);
    pen_u8(pen, order->cancelled);
    pen_varint(pen, order->group_count);
    for (uint32_t i = 0; i < order->group_count; i++)
        pen_u8(pen, order->levels[i]);
    pen_varint(pen, order->grant_count);
    for (uint32_t i = 0; i < order->grant_count; i++) {
        const struct order_grant *grant = &order->grants[i];
        pen_u8(pen, grant->currency);
        pen_u8(pen, grant->lot_index);
        pen_varint(pen, (uint64_t)grant->granted);
        pen_varint(pen, (uint64_t)grant->stays);
        pen_varint(pen, (uint64_t)grant->settled);
        pen_varint(pen, grant->expires_ms == INT64_MAX ? 0 : (uint64_t)grant->expires_ms + 1);
    }
    pen_varint(pen, order->refund_count);
    for (uint32_t i = 0; i < order->refund_count; i++) {
        pen_prefixed(pen, order->refunds[i].id);
        pen_varint(pen, (uint64_t)order->refunds[i].amount_minor);
    }
    write_lines(order, pen);
    pen_end(pen, writer);
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
    order->named = list_room(arena, order->line_count, sizeof *order->named);
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
        order->named[i] = (int64_t)reader_varint(reader);
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
    order.unnamed_minor = (int64_t)reader_varint(&reader);
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

static void
write_part(const struct spend_part *part, struct pen *pen)
{
    const struct lot *lot = &part->lot;
    pen_varint(pen, (uint64_t)part->units);
    pen_u8(pen, (uint8_t)part->from);
    pen_varint(pen, lot->ordinal);
    pen_varint(pen, lot->index);
    pen_varint(pen, (uint64_t)lot->granted);
    pen_varint(pen, (uint64_t)lot->expired);
    pen_zigzag(pen, lot->earned_ms);
    pen_zigzag(pen, lot->activates_ms);
    pen_zigzag(pen, lot->expires_ms);
    pen_varint(pen, lot->order);
    pen_varint(pen, lot->rule);
    pen_varint(pen, lot->rulebook);
    pen_varint(pen, lot->funder);
    pen_u8(pen, lot->flags);
}

void
spend_encode(const struct spend *spend, struct writer *writer)
{
    size_t bytes_max =
        256 + spend->redemption_id.size + (size_t)spend->part_count * 14 * BYTES_VARINT_MAX;
    struct pen open = pen_begin(writer, bytes_max), *pen = &open;
    write_head(REFERENCE_SPEND, spend->member, spend->redemption_id, pen);
    pen_zigzag(pen, spend->occurred_at.ms);
    pen_u8(pen, spend->currency);
    pen_varint(pen, (uint64_t)spend->units);
    pen_varint(pen, spend->part_count);
    for (uint32_t i = 0; i < spend->part_count; i++)
        write_part(&spend->parts[i], pen);
    pen_end(pen, writer);
}

void
loose_refund_encode(const struct loose_refund *refund, struct writer *writer)
{
    struct pen open = pen_begin(writer, 256 + refund->refund_id.size), *pen = &open;
    write_head(REFERENCE_REFUND, refund->member, refund->refund_id, pen);
    pen_zigzag(pen, refund->occurred_at.ms);
    pen_varint(pen, refund->currency);
    pen_varint(pen, (uint64_t)refund->amount_minor);
    pen_end(pen, writer);
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
