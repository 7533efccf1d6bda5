/* Protobuf's wire format, one field at a time, borrowed from the bytes.
 *
 * Invariants:
 *  1. Nothing outside the span is read.
 *  2. What ends a walk early sets `error`, a sentence; a walk that ended with `error` NULL saw
 * every byte.
 *  3. `minimal` turns false at the first number that was written longer than it needs: legal, but
 * not canonical. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_WIRE_PRIV_H
#define TALLYBOOK_CONSUMERS_CODEC_WIRE_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;    /* of the number types */
    struct bytes span; /* of WIRE_BYTES */
};

struct wire {
    const uint8_t *at, *end;
    const char *error;
    bool minimal;
};

static inline struct wire
wire_of(struct bytes span)
{
    return (struct wire){span.data, span.size == 0 ? span.data : span.data + span.size, NULL, true};
}

static inline bool
wire_fail(struct wire *wire, const char *error)
{
    wire->error = error;
    return false;
}

/* A varint of at most `bytes_max` bytes and 64 bits. */
static inline bool
wire_varint(struct wire *wire, unsigned bytes_max, uint64_t *out)
{
    if (wire->at != wire->end && *wire->at < 0x80) {
        *out = *wire->at++;
        return true;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes_max; i++) {
        if (wire->at == wire->end) return wire_fail(wire, "the message breaks off within a number");
        uint8_t byte = *wire->at++;
        if (i == 9 && byte > 1) return wire_fail(wire, "a number has more than 64 bits");
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i != 0) wire->minimal = false;
            *out = value;
            return true;
        }
    }
    return wire_fail(wire, "a number has too many bytes");
}

/* The next field; false at the end or when *wire has an error. */
static inline bool
wire_next(struct wire *wire, struct wire_field *out)
{
    if (wire->at == wire->end) return false;

    uint64_t tag = *wire->at;
    if (tag < 0x80) {
        wire->at++;
    } else {
        bool minimal = wire->minimal;
        wire->minimal = true;
        if (!wire_varint(wire, 5, &tag)) return false;
        if (!wire->minimal) return wire_fail(wire, "a field has no valid number");
        wire->minimal = minimal;
    }
    if (tag >> 32 != 0 || tag >> 3 == 0) return wire_fail(wire, "a field has no valid number");

    out->number = (uint32_t)(tag >> 3);
    out->type = (enum wire_type)(tag & 7);
    out->value = 0;
    out->span = (struct bytes){NULL, 0};
    size_t left = (size_t)(wire->end - wire->at);
    uint64_t size;
    switch (out->type) {
    case WIRE_VARINT: return wire_varint(wire, 10, &out->value);
    case WIRE_BYTES:
        if (!wire_varint(wire, 5, &size)) return false;
        left = (size_t)(wire->end - wire->at);
        if (size > left) return wire_fail(wire, "the message breaks off within a field");
        out->span = bytes_of(wire->at, (size_t)size);
        wire->at += size;
        return true;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        size = out->type == WIRE_FIXED64 ? 8 : 4;
        if (size > left) return wire_fail(wire, "the message breaks off within a field");
        memcpy(&out->value, wire->at, (size_t)size);
        wire->at += size;
        return true;
    }
    return wire_fail(wire, "a field has no valid type");
}

/* ---- Writing
 * ------------------------------------------------------------------------------------------------------
 *
 * Fields at their default are left out, as proto3 writers do; call in the order of numbers and the
 * bytes are canonical. */

static inline void
wire_put_tag(struct writer *out, uint32_t number, enum wire_type type)
{
    writer_varint(out, (uint64_t)number << 3 | type);
}

static inline void
wire_put_number(struct writer *out, uint32_t number, uint64_t value)
{
    if (value == 0) return;
    wire_put_tag(out, number, WIRE_VARINT);
    writer_varint(out, value);
}

static inline void
wire_put_fixed64(struct writer *out, uint32_t number, uint64_t value)
{
    if (value == 0) return;
    wire_put_tag(out, number, WIRE_FIXED64);
    writer_u64le(out, value);
}

/* A string or bytes. */
static inline void
wire_put_text(struct writer *out, uint32_t number, struct bytes text)
{
    if (text.size == 0) return;
    wire_put_tag(out, number, WIRE_BYTES);
    writer_prefixed(out, text);
}

/* A message in two steps: what is written between them is its content, written where its head will
 * stand and moved behind it then. Without content nothing is written, unless
 * the message is `kept`. */
static inline size_t
wire_begin(const struct writer *out)
{
    return out->size;
}

static inline void
wire_end(struct writer *out, uint32_t number, size_t begin, bool kept)
{
    uint8_t memory[5 + BYTES_VARINT_MAX];
    struct writer head = writer_of(memory, sizeof memory);
    size_t size = out->size - begin;
    if (size == 0 && !kept) return;
    wire_put_tag(&head, number, WIRE_BYTES);
    writer_varint(&head, size);
    writer_bytes(out, writer_span(&head)); /* for its room, or its overflow */
    if (out->overflow) return;
    memmove(out->data + begin + head.size, out->data + begin, size);
    memcpy(out->data + begin, memory, head.size);
}

/* A message, present even when it is empty. */
static inline void
wire_put_message(struct writer *out, uint32_t number, struct bytes message)
{
    wire_put_tag(out, number, WIRE_BYTES);
    writer_prefixed(out, message);
}

#endif
