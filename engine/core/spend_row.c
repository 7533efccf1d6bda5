/* clang-format off */
/*
 * The content of a spend's or a hold's row behind its head (order.c), all numbers as varints but
 * where "zigzag" is said:
 *
 *   text order id · units · spent · undone
 *   reward: count; and unless that is 0: slot · u8 per · zigzag start of the bucket
 *   parts, and for each: units · u8 from account · u8 currency slot · the lot as it was before (pen_lot)
 */
/* clang-format on */
#include "engine/core/spend_row.h"

#include <assert.h>

#include "engine/core/eligible.h"
#include "engine/core/pen_priv.h"

enum {
    HEAD_BYTES_MAX = 1024, /* two ids of at most 128 bytes, and numbers */
    PART_BYTES_MAX = BYTES_VARINT_MAX + 2 + LOT_IMAGE_BYTES_MAX,
};

static_assert((size_t)MEMBER_LOTS_MAX * PART_BYTES_MAX + HEAD_BYTES_MAX + 4096 <= ROW_BYTES_MAX,
              "a spend may draw on every lot of a member, and still be a row of the slab");

void
spend_encode(const struct spend *spend, struct writer *writer)
{
    size_t bytes_max = HEAD_BYTES_MAX + (size_t)spend->part_count * PART_BYTES_MAX;
    struct pen open = pen_begin(writer, bytes_max), *pen = &open;
    pen_head(pen, spend->kind, spend->member, spend->id);
    pen_prefixed(pen, spend->order_id);
    pen_varint(pen, (uint64_t)spend->units);
    pen_varint(pen, (uint64_t)spend->spent);
    pen_varint(pen, (uint64_t)spend->undone);
    pen_varint(pen, spend->reward.count);
    if (spend->reward.count > 0) {
        pen_varint(pen, spend->reward.slot);
        pen_u8(pen, (uint8_t)spend->reward.per);
        pen_zigzag(pen, spend->reward.bucket_ms);
    }
    pen_varint(pen, spend->part_count);
    for (uint32_t i = 0; i < spend->part_count; i++) {
        pen_varint(pen, (uint64_t)spend->parts[i].units);
        pen_u8(pen, (uint8_t)spend->parts[i].from);
        pen_u8(pen, spend->parts[i].lot.currency);
        pen_lot(pen, &spend->parts[i].lot);
    }
    pen_end(pen, writer);
}

void
spend_decode(struct bytes content, struct arena *arena, struct spend *out_spend)
{
    struct reader reader = reader_of(content);
    struct spend spend = {0};
    CHECK(reader_u8(&reader) == REFERENCE_VERSION);
    spend.kind = (enum reference_kind)reader_u8(&reader);
    CHECK(spend.kind == REFERENCE_SPEND || spend.kind == REFERENCE_HOLD);
    spend.member = reader_varint(&reader);
    spend.id = reader_prefixed(&reader);
    spend.order_id = reader_prefixed(&reader);
    spend.units = (int64_t)reader_varint(&reader);
    spend.spent = (int64_t)reader_varint(&reader);
    spend.undone = (int64_t)reader_varint(&reader);
    spend.reward.count = (uint32_t)reader_varint(&reader);
    if (spend.reward.count > 0) {
        spend.reward.slot = (uint16_t)reader_varint(&reader);
        spend.reward.per = (enum per)reader_u8(&reader);
        spend.reward.bucket_ms = reader_zigzag(&reader);
    }
    spend.part_count = (uint32_t)reader_varint(&reader);
    CHECK(spend.part_count <= reader_left(&reader));
    spend.parts = eligible_list(arena, spend.part_count, sizeof *spend.parts);
    for (uint32_t i = 0; i < spend.part_count; i++) {
        struct spend_part *part = &spend.parts[i];
        part->units = (int64_t)reader_varint(&reader);
        part->from = (enum account)reader_u8(&reader);
        uint8_t currency = reader_u8(&reader);
        part->lot = reader_lot(&reader);
        part->lot.currency = currency;
    }
    CHECK(reader_done(&reader));
    *out_spend = spend;
}
