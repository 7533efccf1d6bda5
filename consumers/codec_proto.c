#include "consumers/codec_proto_priv.h"

#include <string.h>

static void *
proto_arena_alloc(void *data, size_t size)
{
    struct proto_arena *proto = data;
    void *block = arena_alloc(proto->arena, size);
    if (block == NULL) proto->full = true;
    return block;
}

static void
proto_arena_free(void *data, void *block)
{
    (void)data;
    (void)block;
}

void
proto_arena_init(struct proto_arena *proto, struct arena *arena)
{
    *proto = (struct proto_arena){
        .allocator = {.alloc = proto_arena_alloc,
                      .free = proto_arena_free,
                      .allocator_data = proto},
        .arena = arena,
    };
}

size_t
proto_value_bytes(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    default: return 4;
    }
}

size_t
proto_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *member = proto_member(message, field->offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count;
        memcpy(&count, proto_member(message, field->quantifier_offset), sizeof count);
        return count;
    }
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t chosen;
        memcpy(&chosen, proto_member(message, field->quantifier_offset), sizeof chosen);
        return chosen == field->id;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: return *(void *const *)member != NULL;
    case PROTOBUF_C_TYPE_STRING:
        return *(char *const *)member != NULL && **(char *const *)member != '\0';
    case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)member)->len != 0;
    default: break;
    }
    static const uint8_t zeros[8];
    return memcmp(member, zeros, proto_value_bytes(field)) != 0;
}

void
proto_forget_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        size_t count = proto_count(message, field);
        void *member = proto_member(message, field->offset);
        ProtobufCMessage **values = field->label == PROTOBUF_C_LABEL_REPEATED
                                        ? *(ProtobufCMessage ***)member
                                        : (ProtobufCMessage **)member;
        for (size_t k = 0; k < count; k++)
            proto_forget_unknown(values[k]);
    }
}

enum codec_result
proto_canonicalise(const ProtobufCMessageDescriptor *descriptor, struct bytes bytes,
                   struct arena *arena, struct bytes *out_canonical)
{
    /* Packing never makes a message longer: it drops and shortens. The copy stays, what unpacking
     * took is forgotten. */
    uint8_t *copy = arena_alloc(arena, bytes.size);
    if (copy == NULL) return CODEC_NO_ROOM;
    size_t mark = arena_mark(arena);
    struct proto_arena proto;
    proto_arena_init(&proto, arena);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &proto.allocator, bytes.size, bytes.data);
    enum codec_result result = proto.full ? CODEC_NO_ROOM : CODEC_UNREADABLE;
    if (message != NULL) {
        proto_forget_unknown(message);
        size_t size = protobuf_c_message_get_packed_size(message);
        CHECK(size <= bytes.size);
        size_t packed = protobuf_c_message_pack(message, copy);
        CHECK(packed == size);
        *out_canonical = bytes_of(copy, size);
        result = CODEC_OK;
    }
    arena_reset_to(arena, mark);
    return result;
}
