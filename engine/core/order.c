/* clang-format off */
/*
 * The content of family 'r'. Every row begins with
 *
 *   u8 version (2) · u8 kind · varint member number · text id (of the order, the redemption, the hold or the refund)
 *
 * and goes on, all numbers as varints but where "zigzag" is said:
 *
 *   order    order_row.c
 *   spend    spend_row.c, and so are holds
 *   refund   zigzag occurred_at · currency · amount
 */
/* clang-format on */
#include "engine/core/order.h"

#include "engine/core/pen_priv.h"

void
reference_write_head(enum reference_kind kind, uint64_t member, struct bytes id,
                     struct writer *writer)
{
    writer_u8(writer, REFERENCE_VERSION);
    writer_u8(writer, (uint8_t)kind);
    writer_varint(writer, member);
    writer_prefixed(writer, id);
}

struct bytes
reference_read_id(struct reader *reader)
{
    CHECK(reader_u8(reader) == REFERENCE_VERSION);
    reader_u8(reader);
    reader_varint(reader);
    return reader_prefixed(reader);
}

bool
reference_is(struct bytes content, enum reference_kind kind, uint64_t member, struct bytes id)
{
    struct reader reader = reader_of(content);
    bool version = reader_u8(&reader) == REFERENCE_VERSION;
    bool same = reader_u8(&reader) == kind && reader_varint(&reader) == member;
    return version && same && bytes_equal(reader_prefixed(&reader), id) && !reader.failed;
}

void
pen_lot(struct pen *pen, const struct lot *lot)
{
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
    pen_varint(pen, lot->thaws);
}

struct lot
reader_lot(struct reader *reader)
{
    struct lot lot = {.deadline_ms = INT64_MAX};
    lot.ordinal = reader_varint(reader);
    lot.index = (uint32_t)reader_varint(reader);
    lot.granted = (int64_t)reader_varint(reader);
    lot.expired = (int64_t)reader_varint(reader);
    lot.earned_ms = reader_zigzag(reader);
    lot.activates_ms = reader_zigzag(reader);
    lot.expires_ms = reader_zigzag(reader);
    lot.order = reader_varint(reader);
    lot.rule = (uint16_t)reader_varint(reader);
    lot.rulebook = (uint16_t)reader_varint(reader);
    lot.funder = (uint16_t)reader_varint(reader);
    lot.flags = reader_u8(reader);
    lot.thaws = (uint16_t)reader_varint(reader);
    return lot;
}

void
loose_refund_encode(const struct loose_refund *refund, struct writer *writer)
{
    struct pen open = pen_begin(writer, 256 + refund->refund_id.size), *pen = &open;
    pen_head(pen, REFERENCE_REFUND, refund->member, refund->refund_id);
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
