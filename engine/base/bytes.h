/*
 * Spans of bytes, and reading and writing of the small fixed and variable encodings that our own
 * formats are made of.
 *
 * Invariants:
 * 1. A reader never reads outside its span; the first thing that does not fit sets `failed`, and
 * from then on every function returns 0 or an empty span. A format's decoder therefore checks
 * `failed` once, at its end.
 * 2. A writer never writes outside its buffer; the first thing that does not fit sets `overflow`
 * and nothing more is written.
 * 3. Every value has exactly one encoding: a varint with needless bytes is refused, so that equal
 * values have equal digests.
 */
#ifndef TALLYBOOK_ENGINE_BASE_BYTES_H
#define TALLYBOOK_ENGINE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/check.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the little-endian codecs copy bytes as they stand in memory");

/** A borrowed span. data may be NULL only when size is 0. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

/** The span of a string literal, without its NUL; usable in static initialisers. */
#define BYTES_LITERAL(text) ((struct bytes){(const uint8_t *)("" text), sizeof(text) - 1})

/** A varint takes at most this many bytes. */
#define BYTES_VARINT_MAX 10

static inline struct bytes
bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

static inline struct bytes
bytes_from_cstr(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/** Order of unsigned bytes, a prefix before its extensions: the order of RocksDB's default
 * comparator. Negative, 0 or positive. */
static inline int
bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) return order;
    return (a.size > b.size) - (a.size < b.size);
}

/** Copies a span to where it has room. For ids and names, which are short: no call, and two moves
 * that may overlap instead of a loop. */
static inline void
bytes_copy(uint8_t *to, struct bytes from)
{
    size_t size = from.size;
    const uint8_t *at = from.data;
    if (size > 32) {
        memcpy(to, at, size);
    } else if (size >= 16) {
        memcpy(to, at, 16);
        memcpy(to + size - 16, at + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, at, 8);
        memcpy(to + size - 8, at + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, at, 4);
        memcpy(to + size - 4, at + size - 4, 4);
    } else if (size > 0) {
        to[0] = at[0];
        to[size / 2] = at[size / 2];
        to[size - 1] = at[size - 1];
    }
}

static inline bool
bytes_start_with(struct bytes text, struct bytes prefix)
{
    return text.size >= prefix.size &&
           (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

struct reader {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct reader
reader_of(struct bytes span)
{
    if (span.size == 0) return (struct reader){NULL, NULL, false};
    return (struct reader){span.data, span.data + span.size, false};
}

static inline size_t
reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

/** True when all was read and nothing failed: what a decoder of a whole value returns. */
static inline bool
reader_done(const struct reader *reader)
{
    return !reader->failed && reader->at == reader->end;
}

/** The next size bytes, borrowed from the span; empty with failed set when there are fewer. */
static inline struct bytes
reader_bytes(struct reader *reader, size_t size)
{
    if (reader->failed || size > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return (struct bytes){NULL, 0};
    }
    struct bytes taken = {reader->at, size};
    if (size != 0) reader->at += size;
    return taken;
}

/* One function per fixed width; the bytes of a field that does not fit read as 0. */
static inline void
reader_copy(struct reader *reader, void *out, size_t size)
{
    struct bytes taken = reader_bytes(reader, size);
    if (taken.size == 0) {
        memset(out, 0, size);
    } else {
        memcpy(out, taken.data, size);
    }
}

static inline uint8_t
reader_u8(struct reader *reader)
{
    uint8_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

static inline uint16_t
reader_u16le(struct reader *reader)
{
    uint16_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

static inline uint32_t
reader_u32le(struct reader *reader)
{
    uint32_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

static inline uint64_t
reader_u64le(struct reader *reader)
{
    uint64_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

static inline int64_t
reader_i64le(struct reader *reader)
{
    return (int64_t)reader_u64le(reader);
}

static inline uint16_t
reader_u16be(struct reader *reader)
{
    return __builtin_bswap16(reader_u16le(reader));
}

static inline uint32_t
reader_u32be(struct reader *reader)
{
    return __builtin_bswap32(reader_u32le(reader));
}

static inline uint64_t
reader_u64be(struct reader *reader)
{
    return __builtin_bswap64(reader_u64le(reader));
}

/** Unsigned LEB128, as protobuf's varint, but the shortest form only (invariant 3). */
static inline uint64_t
reader_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(reader);
        if (reader->failed) return 0;
        bool needless = byte == 0 && shift != 0;
        bool beyond_64_bits = shift == 63 && byte > 1;
        if (needless || beyond_64_bits) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) return value;
    }
    reader->failed = true;
    return 0;
}

/** A signed varint, small magnitudes short: 0, -1, 1, -2 … as 0, 1, 2, 3 … */
static inline int64_t
reader_zigzag(struct reader *reader)
{
    uint64_t coded = reader_varint(reader);
    return (int64_t)((coded >> 1) ^ (0 - (coded & 1)));
}

/** A span preceded by its length as a varint. */
static inline struct bytes
reader_prefixed(struct reader *reader)
{
    uint64_t size = reader_varint(reader);
    if (size > reader_left(reader)) {
        reader->failed = true;
        return (struct bytes){NULL, 0};
    }
    return reader_bytes(reader, (size_t)size);
}

struct writer {
    uint8_t *data;
    size_t size, capacity;
    bool overflow;
};

static inline struct writer
writer_of(void *memory, size_t capacity)
{
    return (struct writer){memory, 0, capacity, false};
}

/** What was written so far, borrowed. CHECKs that nothing was lost: ask for overflow first where
 * that can happen. */
static inline struct bytes
writer_span(const struct writer *writer)
{
    CHECK(!writer->overflow);
    return (struct bytes){writer->data, writer->size};
}

static inline void
writer_bytes(struct writer *writer, struct bytes span)
{
    if (writer->overflow || span.size > writer->capacity - writer->size) {
        writer->overflow = true;
        return;
    }
    if (span.size != 0) memcpy(writer->data + writer->size, span.data, span.size);
    writer->size += span.size;
}

static inline void
writer_u8(struct writer *writer, uint8_t value)
{
    writer_bytes(writer, bytes_of(&value, sizeof value));
}

static inline void
writer_u16le(struct writer *writer, uint16_t value)
{
    writer_bytes(writer, bytes_of(&value, sizeof value));
}

static inline void
writer_u32le(struct writer *writer, uint32_t value)
{
    writer_bytes(writer, bytes_of(&value, sizeof value));
}

static inline void
writer_u64le(struct writer *writer, uint64_t value)
{
    writer_bytes(writer, bytes_of(&value, sizeof value));
}

static inline void
writer_i64le(struct writer *writer, int64_t value)
{
    writer_u64le(writer, (uint64_t)value);
}

static inline void
writer_u16be(struct writer *writer, uint16_t value)
{
    writer_u16le(writer, __builtin_bswap16(value));
}

static inline void
writer_u32be(struct writer *writer, uint32_t value)
{
    writer_u32le(writer, __builtin_bswap32(value));
}

static inline void
writer_u64be(struct writer *writer, uint64_t value)
{
    writer_u64le(writer, __builtin_bswap64(value));
}

static inline void
writer_varint(struct writer *writer, uint64_t value)
{
    uint8_t coded[BYTES_VARINT_MAX];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        coded[size++] = (uint8_t)(value | 0x80);
    }
    coded[size++] = (uint8_t)value;
    writer_bytes(writer, bytes_of(coded, size));
}

static inline void
writer_zigzag(struct writer *writer, int64_t value)
{
    writer_varint(writer, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static inline void
writer_prefixed(struct writer *writer, struct bytes span)
{
    writer_varint(writer, span.size);
    writer_bytes(writer, span);
}

#endif
