/* How the contents of reference rows are written. For order.c and order_row.c. */
#ifndef TALLYBOOK_ENGINE_CORE_PEN_PRIV_H
#define TALLYBOOK_ENGINE_CORE_PEN_PRIV_H

#include <string.h>

#include "engine/base/check.h"
#include "engine/core/order.h"

enum { REFERENCE_VERSION = 2 };

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

/* The same bytes for what has two or three of them by chance, an amount: no branch depends on how
 * many. Writes up to eight bytes where fewer count, so the row's room must have some to spare. */
static inline void
pen_amount(struct pen *pen, uint64_t value)
{
    if (value >> 56 != 0) {
        pen_varint(pen, value);
        return;
    }
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned more = (bits - 1) * 37 >> 8; /* bytes after the first: a seventh */
    uint64_t spread = (value & UINT64_C(0xfffffff0000000)) << 4 | (value & UINT64_C(0xfffffff));
    spread = (spread & UINT64_C(0x0fffc0000fffc000)) << 2 | (spread & UINT64_C(0x00003fff00003fff));
    spread = (spread & UINT64_C(0x3f803f803f803f80)) << 1 | (spread & UINT64_C(0x007f007f007f007f));
    spread |= UINT64_C(0x8080808080808080) & ((UINT64_C(1) << 8 * more) - 1);
    memcpy(pen->at, &spread, sizeof spread);
    pen->at += more + 1;
}

static inline uint64_t
pen_zigzagged(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline void
pen_zigzag(struct pen *pen, int64_t value)
{
    pen_varint(pen, pen_zigzagged(value));
}

static inline void
pen_bytes(struct pen *pen, struct bytes span)
{
    bytes_copy(pen->at, span);
    pen->at += span.size;
}

static inline void
pen_prefixed(struct pen *pen, struct bytes span)
{
    pen_varint(pen, span.size);
    pen_bytes(pen, span);
}

static inline struct pen
pen_begin(struct writer *writer, size_t bytes_max)
{
    CHECK(writer->capacity - writer->size >= bytes_max);
    return (struct pen){writer->data + writer->size};
}

static inline void
pen_end(const struct pen *pen, struct writer *writer)
{
    writer->size = (size_t)(pen->at - writer->data);
    CHECK(writer->size <= writer->capacity);
}

static inline void
pen_head(struct pen *pen, enum reference_kind kind, uint64_t member, struct bytes id)
{
    pen_u8(pen, REFERENCE_VERSION);
    pen_u8(pen, (uint8_t)kind);
    pen_varint(pen, member);
    pen_prefixed(pen, id);
}

/* A lot as it was: ordinal · index · granted · expired · zigzag earned_at, activates_at, expires_at
 * · order · rule · rulebook · funder · u8 flags · times frozen that it knows of. */
void pen_lot(struct pen *pen, const struct lot *lot);
struct lot reader_lot(struct reader *reader);

/* Seven numbers of 64 bits, one of 32, four of 16, and a byte. */
enum { LOT_IMAGE_BYTES_MAX = 7 * BYTES_VARINT_MAX + 5 + 4 * 3 + 1 };

#endif
