/*
 * Hostile bytes for every decoder of the codec. The first byte chooses the decoder, the rest is its
 * input.
 *
 * Beside the sanitizers' complaints these break it:
 *  1. An event that is accepted, but that protobuf-c refuses or reads as another content.
 *  2. JSON that is read, written and then not read as the same message.
 *  3. A payload that is accepted and, written again, is not read as the same payload.
 *  4. A record whose events come back in another number than its entries.
 */
#include <stdlib.h>

#include "consumers/codec_event.h"
#include "consumers/codec_event_write.h"
#include "consumers/codec_json.h"
#include "consumers/codec_output.h"
#include "consumers/codec_payload_priv.h"
#include "consumers/codec_record.h"
#include "consumers/codec_source.h"
#include "consumers/codec_wire_priv.h"
#include "engine/base/region.h"
#include "tallybook/v1/event.pb-c.h"
#include "tallybook/v1/output.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static void
arena_begin(void)
{
    static struct region region;
    struct fault fault;
    if (region.memory == NULL) CHECK(region_map(CODEC_ARENA_BYTES, &region, &fault));
    arena_init(&arena, region.memory, region.size);
}

/* The event as the reference packs it is the same event. */
static void
event_agrees(struct bytes bytes, const struct event *event)
{
    Tallybook__V1__Event *reference = tallybook__v1__event__unpack(NULL, bytes.size, bytes.data);
    CHECK(reference != NULL);
    size_t size = tallybook__v1__event__get_packed_size(reference);
    uint8_t *packed = malloc(size == 0 ? 1 : size);
    CHECK(packed != NULL);
    CHECK(tallybook__v1__event__pack(reference, packed) == size);
    tallybook__v1__event__free_unpacked(reference, NULL);

    struct entry again;
    struct codec_error error;
    CHECK(codec_event_decode(bytes_of(packed, size), &arena, &again, &error) == CODEC_OK);
    CHECK(again.event.content_hash == event->content_hash);
    CHECK(bytes_equal(again.event.source, event->source));
    CHECK(bytes_equal(again.event.id, event->id));
    CHECK(bytes_equal(again.event.member, event->member));
    CHECK(again.event.occurred_at.ms == event->occurred_at.ms);
    free(packed);
}

static void
fuzz_event(struct bytes event)
{
    struct bytes completed;
    struct entry entry;
    struct codec_error error;
    if (!codec_event_complete(event, BYTES_LITERAL("s"), BYTES_LITERAL("i"), &arena, &completed)) {
        return;
    }
    switch (codec_event_decode(completed, &arena, &entry, &error)) {
    case CODEC_OK: event_agrees(completed, &entry.event); break;
    case CODEC_REFUSED: CHECK(entry.kind == ENTRY_REFUSED && error.verdict != 0); break;
    case CODEC_UNREADABLE: CHECK(error.problem != CODEC_NONE && error.verdict == 0); break;
    case CODEC_NO_ROOM: break;
    }
}

static void
fuzz_source(struct bytes value)
{
    struct codec_source source;
    struct codec_error error;
    struct bytes event;
    bool done;
    if (codec_source_open(value, &arena, &source, &error) != CODEC_OK) return;
    for (;;) {
        enum codec_result result = codec_source_next(&source, &done, &event, &error);
        if (done || result == CODEC_NO_ROOM) return;
        if (result == CODEC_OK) fuzz_event(event);
    }
}

/* A payload of any kind, those too that the fold does not judge: its field number in Event, and its
 * bytes. */
static void
fuzz_payload(struct bytes input)
{
    const struct payload_spec *spec = input.size == 0 ? NULL : payload_find(input.data[0]);
    struct event event = {.source = BYTES_LITERAL("s"),
                          .id = BYTES_LITERAL("i"),
                          .member = BYTES_LITERAL("m"),
                          .occurred_at = {1000}},
                 again = event;
    struct codec_error error;
    struct bytes first, second, payload;
    bool canonical;
    if (spec == NULL) return;
    event.kind = again.kind = spec->kind;
    if (payload_read(spec, bytes_of(input.data + 1, input.size - 1), &arena, &event, &canonical,
                     &error) != CODEC_OK)
        return;
    CHECK(codec_event_write(&event, &arena, &first));
    struct wire wire = wire_of(first);
    struct wire_field field = {0};
    while (wire_next(&wire, &field)) {
    }
    CHECK(wire.error == NULL && field.number == spec->number);
    payload = field.span;
    CHECK(payload_read(spec, payload, &arena, &again, &canonical, &error) == CODEC_OK);
    CHECK(canonical && codec_event_write(&again, &arena, &second));
    CHECK(bytes_equal(first, second));
}

static void
fuzz_record(struct bytes record)
{
    static struct entry entries[RECORD_ENTRIES_MAX];
    static struct claim_mark marks[RECORD_ENTRIES_MAX];
    const struct record_decoder *decoder = codec_record_decoder();
    struct fault fault;
    size_t count, claims, claims_seen = 0;
    if (!decoder->decode(decoder, record, &arena, entries, RECORD_ENTRIES_MAX, &count, &fault)) {
        return;
    }
    CHECK(decoder->skim_claims(decoder, record, marks, RECORD_ENTRIES_MAX, &claims, &fault));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind != ENTRY_CLAIM) continue;
        CHECK(claims_seen < claims && marks[claims_seen].index == i);
        CHECK(marks[claims_seen].nonce == entries[i].claim.nonce);
        claims_seen++;
    }
    CHECK(claims_seen == claims);
}

static void
fuzz_json(struct bytes text)
{
    const struct json_node *root;
    struct codec_error error;
    struct bytes message, again;
    if (codec_json_parse(text, &arena, &root, &error) != CODEC_OK) return;
    const ProtobufCMessageDescriptor *descriptor = &tallybook__v1__event__descriptor;
    if (codec_json_to_message(root, descriptor, &arena, &message, &error) != CODEC_OK) return;

    size_t capacity = 16 * text.size + 65536;
    uint8_t *written = malloc(capacity);
    CHECK(written != NULL);
    struct writer out = writer_of(written, capacity);
    CHECK(codec_json_write(message, descriptor, &arena, &out) == CODEC_OK);
    CHECK(codec_json_parse(writer_span(&out), &arena, &root, &error) == CODEC_OK);
    CHECK(codec_json_to_message(root, descriptor, &arena, &again, &error) == CODEC_OK);
    CHECK(bytes_equal(message, again));
    free(written);
}

static void
fuzz_output(struct bytes pack)
{
    uint64_t first;
    struct codec_output_walk walk;
    struct bytes message;
    static uint8_t text[1 << 20];
    if (!codec_output_open(pack, &first, &walk)) return;
    while (codec_output_next(&walk, &message)) {
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            struct writer out = writer_of(text, sizeof text);
            (void)codec_output_json((enum topic)topic, message, &arena, &out);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct bytes input = bytes_of(data + 1, size - 1);
    arena_begin();
    switch (data[0]) {
    case 'e': fuzz_source(input); break;
    case 'p': fuzz_payload(input); break;
    case 'r': fuzz_record(input); break;
    case 'j': fuzz_json(input); break;
    case 'o': fuzz_output(input); break;
    default: break;
    }
    return 0;
}
