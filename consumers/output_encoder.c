#include "consumers/output_encoder.h"

#include "consumers/codec_output.h"
#include "engine/base/arena.h"

/* A pack's fields, the same for every topic: uint64 first_sequence = 1; repeated message … = 2. */
enum { PACK_FIRST_SEQUENCE = 1 << 3, PACK_MESSAGE = 2 << 3 | 2 };

/* JSON of one message takes its fields as a tree first: a dozen names and numbers. */
enum { JSON_ARENA_BYTES = 64 * 1024 };

/* Room for one message on the stack; codec_output.h says that it is enough. */
struct scratch {
    uint8_t bytes[CODEC_OUTPUT_BYTES_MAX];
};

static struct bytes
encode_to_scratch(const struct effect *effect, uint32_t partition, struct scratch *scratch)
{
    struct writer message = writer_of(scratch->bytes, sizeof scratch->bytes);
    codec_output_encode(effect, partition, &message);
    return writer_span(&message);
}

/* Puts the writer back where it was when the value did not fit. */
static bool
fitted(struct writer *writer, size_t size_before)
{
    if (!writer->overflow) return true;
    writer->size = size_before;
    writer->overflow = false;
    return false;
}

static bool
encode_one(enum topic topic, uint32_t partition, const struct effect *effect, bool json,
           struct writer *writer)
{
    CHECK(effect->topic == topic);
    size_t before = writer->size;
    if (!json) {
        codec_output_encode(effect, partition, writer);
        return fitted(writer, before);
    }
    struct scratch scratch;
    struct bytes message = encode_to_scratch(effect, partition, &scratch);
    _Alignas(ARENA_ALIGNMENT) uint8_t memory[JSON_ARENA_BYTES];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    enum codec_result result = codec_output_json(topic, message, &arena, writer);
    CHECK(result == CODEC_OK || writer->overflow);
    return fitted(writer, before);
}

static bool
encode_pack(enum topic topic, uint32_t partition, const struct effect *effects, size_t count,
            struct writer *writer)
{
    size_t before = writer->size;
    bool first = true;
    for (size_t i = 0; i < count && !writer->overflow; i++) {
        if (effects[i].topic != topic) continue;
        if (first) {
            writer_u8(writer, PACK_FIRST_SEQUENCE);
            writer_varint(writer, effects[i].sequence);
            first = false;
        }
        struct scratch scratch;
        writer_u8(writer, PACK_MESSAGE);
        writer_prefixed(writer, encode_to_scratch(&effects[i], partition, &scratch));
    }
    CHECK(!first);
    return fitted(writer, before);
}

const struct output_encoder *
output_encoder_codec(void)
{
    static const struct output_encoder encoder = {encode_one, encode_pack};
    return &encoder;
}
