/* protobuf-c, the reference implementation, over an arena: for what is not hot. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_PROTO_PRIV_H
#define TALLYBOOK_CONSUMERS_CODEC_PROTO_PRIV_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "consumers/codec_error.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"

/* An allocator whose memory is the arena's; nothing is freed alone. `full` turns true when it ran
 * out. */
struct proto_arena {
    ProtobufCAllocator allocator;
    struct arena *arena;
    bool full;
};

void proto_arena_init(struct proto_arena *proto, struct arena *arena);

/* The message without the fields that its schema does not know, in all its depth. */
void proto_forget_unknown(ProtobufCMessage *message);

/* `bytes` of a message whose strings contain no NUL, in canonical form: known fields in number
 * order, defaults left out. CODEC_NO_ROOM when the arena is full, CODEC_UNREADABLE when protobuf-c
 * cannot read them. */
enum codec_result proto_canonicalise(const ProtobufCMessageDescriptor *descriptor,
                                     struct bytes bytes, struct arena *arena,
                                     struct bytes *out_canonical);

/* ---- Members of a message, found by its descriptor
 * ---------------------------------------------------------------- */

static inline void *
proto_member(const ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *)(uintptr_t)message + offset;
}

/* How many values a field has: those of a repeated one, else 1 when it is told. Proto3's plain
 * fields are told when they are not at their default. */
size_t proto_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Bytes that one value of the field takes in a message or a repeated field's array. */
size_t proto_value_bytes(const ProtobufCFieldDescriptor *field);

#endif
