#include "consumers/codec_event.h"

#include <inttypes.h>

#include "consumers/codec_payload_priv.h"
#include "consumers/codec_proto_priv.h"
#include "consumers/codec_text.h"
#include "consumers/codec_wire_priv.h"
#include "engine/base/hash.h"
#include "engine/core/quantity.h"
#include "engine/core/verdict.h"
#include "tallybook/v1/event.pb-c.h"

/* Field numbers of Event's envelope. */
enum {
    FIELD_SOURCE = 1,
    FIELD_ID = 2,
    FIELD_MEMBER = 3,
    FIELD_GUEST = 4,
    FIELD_SUBJECT_LAST = 9,
    FIELD_OCCURRED_AT_MS = 10,
    FIELD_CORRELATION_ID = 11,
    FIELD_TRACEPARENT = 12,
    FIELD_CAUSE = 20,
    FIELD_PAYLOAD_FIRST = 30,
};

/* The envelope as it stands in the bytes, before anything in it is judged. Of a field that is told
 * twice the last counts, as protobuf has it. */
struct envelope {
    struct bytes source, id, subject, correlation_id, traceparent;
    uint32_t subject_number;
    int64_t occurred_at_ms;
    bool has_cause;
    uint32_t payload_number, payload_count;
    struct bytes payload;
};

/* A field of the envelope with another type than the schema's is damage, not a future version. */
static bool
envelope_field(const struct wire_field *field, struct envelope *envelope)
{
    bool is_bytes = field->type == WIRE_BYTES;
    switch (field->number) {
    case FIELD_SOURCE: envelope->source = field->span; return is_bytes;
    case FIELD_ID: envelope->id = field->span; return is_bytes;
    case FIELD_OCCURRED_AT_MS:
        envelope->occurred_at_ms = (int64_t)field->value;
        return field->type == WIRE_VARINT;
    case FIELD_CORRELATION_ID: envelope->correlation_id = field->span; return is_bytes;
    case FIELD_TRACEPARENT: envelope->traceparent = field->span; return is_bytes;
    case FIELD_CAUSE: envelope->has_cause = true; return is_bytes;
    default: break;
    }
    if (field->number >= FIELD_MEMBER && field->number <= FIELD_SUBJECT_LAST) {
        envelope->subject_number = field->number;
        envelope->subject = field->span;
        return is_bytes;
    }
    if (field->number < FIELD_PAYLOAD_FIRST) return true; /* of a later version */
    envelope->payload_number = field->number;
    envelope->payload = field->span;
    envelope->payload_count++;
    return is_bytes;
}

static bool
envelope_read(struct bytes bytes, struct envelope *out, struct codec_error *out_error)
{
    struct envelope envelope = {0};
    struct wire wire = wire_of(bytes);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (!envelope_field(&field, &envelope)) {
            return codec_error_set(out_error, CODEC_BAD_PROTOBUF, 0,
                                   "field %u has another type than in event.proto", field.number);
        }
    }
    if (wire.error != NULL)
        return codec_error_set(out_error, CODEC_BAD_PROTOBUF, 0, "%s", wire.error);
    *out = envelope;
    return true;
}

static bool
name_is_valid(struct bytes name, size_t size_max)
{
    return name.size != 0 && name.size <= size_max && text_is_name(name);
}

/* The name of a field of Event in the schema; NULL when this version's schema has none of that
 * number. */
static const char *
event_field_name(uint32_t number)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&tallybook__v1__event__descriptor, number);
    return field == NULL ? NULL : field->name;
}

static bool
kind_check(const struct envelope *envelope, struct codec_error *out_error)
{
    if (envelope->payload_count == 0) {
        return codec_error_set(
            out_error, CODEC_NO_KIND, 0,
            "the event has no payload: set one of purchase, refund, … (event.proto)");
    }
    uint32_t number = envelope->payload_number;
    const struct payload_spec *spec = payload_find(number);
    if (spec != NULL && event_kind_handled(spec->kind)) return true;
    const char *name = event_field_name(number);
    if (name == NULL) {
        return codec_error_set(out_error, CODEC_NOT_HANDLED, 0,
                               "kind number %u is not known to this version", number);
    }
    return codec_error_set(out_error, CODEC_NOT_HANDLED, 0,
                           "kind '%s' is not handled by this version", name);
}

static bool
name_refused(enum codec_problem problem, const char *name, int size_max,
             struct codec_error *out_error)
{
    return codec_error_set(out_error, problem, 0,
                           "%s must be 1 to %d bytes of UTF-8 without control characters", name,
                           size_max);
}

/* Source, id and whose account: without them there is nothing that a verdict could be given to. */
static bool
identity_check(const struct envelope *envelope, struct codec_error *out_error)
{
    if (!name_is_valid(envelope->source, CODEC_NAME_BYTES_MAX)) {
        return name_refused(CODEC_NO_IDENTITY, "source", CODEC_NAME_BYTES_MAX, out_error);
    }
    if (!name_is_valid(envelope->id, CODEC_NAME_BYTES_MAX)) {
        return name_refused(CODEC_NO_IDENTITY, "id", CODEC_NAME_BYTES_MAX, out_error);
    }
    switch (envelope->subject_number) {
    case 0:
        return codec_error_set(out_error, CODEC_NO_MEMBER, 0, "neither member nor guest is given");
    case FIELD_MEMBER:
        if (name_is_valid(envelope->subject, CODEC_NAME_BYTES_MAX)) return true;
        return name_refused(CODEC_NO_MEMBER, "member", CODEC_NAME_BYTES_MAX, out_error);
    case FIELD_GUEST:
        if (name_is_valid(envelope->subject, CODEC_GUEST_BYTES_MAX)) return true;
        return name_refused(CODEC_NO_MEMBER, "guest", CODEC_GUEST_BYTES_MAX, out_error);
    default:
        return codec_error_set(out_error, CODEC_NOT_HANDLED, 0,
                               "events for a %s are not handled by this version",
                               event_field_name(envelope->subject_number));
    }
}

/* What of the envelope does not hide the identity when it is wrong: the event is refused by
 * verdict. */
static bool
envelope_check(const struct envelope *envelope, struct codec_error *out_error)
{
    if (envelope->payload_count > 1) {
        return form_error(out_error, "the event has %u payloads: send one event for each",
                          envelope->payload_count);
    }
    if (envelope->has_cause)
        return form_error(out_error, "cause: is written by the ledger alone; leave it out");
    if (envelope->occurred_at_ms == 0) return form_error(out_error, "occurred_at_ms: is missing");
    if (envelope->occurred_at_ms < 0 || envelope->occurred_at_ms > CODEC_INSTANT_MS_MAX) {
        return form_error(out_error,
                          "occurred_at_ms: %" PRId64
                          " is no instant between 1970 and 9999 in milliseconds",
                          envelope->occurred_at_ms);
    }
    if (envelope->correlation_id.size != 0 &&
        !name_is_valid(envelope->correlation_id, CODEC_NAME_BYTES_MAX)) {
        return form_error(
            out_error, "correlation_id: must be up to %d bytes of UTF-8 without control characters",
            CODEC_NAME_BYTES_MAX);
    }
    if (envelope->traceparent.size != 0 &&
        !name_is_valid(envelope->traceparent, CODEC_NAME_BYTES_MAX)) {
        return form_error(out_error,
                          "traceparent: must be up to %d bytes of UTF-8 without control characters",
                          CODEC_NAME_BYTES_MAX);
    }
    return true;
}

static uint64_t
content_hash(uint32_t number, struct bytes key, int64_t occurred_at_ms, struct bytes canonical)
{
    uint8_t memory[2 + BYTES_VARINT_MAX + EVENT_ID_BYTES_MAX + 8];
    struct writer head = writer_of(memory, sizeof memory);
    writer_u16le(&head, (uint16_t)number);
    writer_prefixed(&head, key);
    writer_i64le(&head, occurred_at_ms);
    return hash64(canonical, hash64(writer_span(&head), 0));
}

/* The payload's fields into `event`, and its canonical bytes. A payload that is not canonical as it
 * stands, which no common writer produces, is packed anew by the reference implementation and read
 * again. */
static enum codec_result
payload_decode(const struct payload_spec *spec, struct bytes payload, struct arena *arena,
               struct event *event, struct bytes *out_canonical, struct codec_error *out_error)
{
    struct event blank = *event;
    size_t mark = arena_mark(arena);
    bool canonical;
    enum codec_result result = payload_read(spec, payload, arena, event, &canonical, out_error);
    if (result != CODEC_OK || canonical) {
        *out_canonical = payload;
        return result;
    }

    /* What the first reading took is given back: a record of such payloads needs no more room. */
    arena_reset_to(arena, mark);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&tallybook__v1__event__descriptor, spec->number);
    CHECK(field != NULL);
    result = proto_canonicalise(field->descriptor, payload, arena, out_canonical);
    if (result == CODEC_UNREADABLE) {
        form_error(out_error, "%s: protobuf cannot read it", field->name);
        return CODEC_REFUSED;
    }
    if (result != CODEC_OK) return result;
    *event = blank;
    result = payload_read(spec, *out_canonical, arena, event, &canonical, out_error);
    CHECK(result == CODEC_NO_ROOM || (result == CODEC_OK && canonical));
    return result;
}

/* The ledger's key: a member's id as it is, a guest's behind its prefix. */
static bool
key_make(const struct envelope *envelope, struct arena *arena, struct bytes *out_key)
{
    if (envelope->subject_number == FIELD_MEMBER) {
        *out_key = envelope->subject;
        return true;
    }
    struct bytes prefix = BYTES_LITERAL(KEY_GUEST_PREFIX);
    uint8_t *memory = arena_alloc(arena, prefix.size + envelope->subject.size);
    if (memory == NULL) return false;
    memcpy(memory, prefix.data, prefix.size);
    memcpy(memory + prefix.size, envelope->subject.data, envelope->subject.size);
    *out_key = bytes_of(memory, prefix.size + envelope->subject.size);
    return true;
}

/* The entry of an event whose form is refused; its detail is the error's text. */
static enum codec_result
refused_make(const struct envelope *envelope, struct bytes key, const struct codec_error *error,
             struct arena *arena, struct entry *out_entry)
{
    struct bytes detail;
    if (!arena_copy_bytes(arena, bytes_from_cstr(error->text), &detail)) return CODEC_NO_ROOM;
    bool answerable = name_is_valid(envelope->correlation_id, CODEC_NAME_BYTES_MAX);
    *out_entry = (struct entry){
        .kind = ENTRY_REFUSED,
        .refused =
            {
                .source = envelope->source,
                .id = envelope->id,
                .member = key,
                .correlation_id = answerable ? envelope->correlation_id : (struct bytes){NULL, 0},
                .occurred_at = {envelope->occurred_at_ms},
                .verdict = error->verdict,
                .detail = detail,
            },
    };
    return CODEC_REFUSED;
}

enum codec_result
codec_event_decode(struct bytes payload, struct arena *arena, struct entry *out_entry,
                   struct codec_error *out_error)
{
    struct envelope envelope;
    struct bytes key;
    if (payload.size > EVENT_BYTES_MAX) {
        codec_error_set(out_error, CODEC_TOO_LARGE, 0, "the event has %zu bytes; the limit is %d",
                        payload.size, EVENT_BYTES_MAX);
        return CODEC_UNREADABLE;
    }
    if (!envelope_read(payload, &envelope, out_error) || !kind_check(&envelope, out_error) ||
        !identity_check(&envelope, out_error)) {
        return CODEC_UNREADABLE;
    }
    if (!key_make(&envelope, arena, &key)) return CODEC_NO_ROOM;
    if (!envelope_check(&envelope, out_error))
        return refused_make(&envelope, key, out_error, arena, out_entry);

    const struct payload_spec *spec = payload_find(envelope.payload_number);
    struct event event = {
        .kind = spec->kind,
        .source = envelope.source,
        .id = envelope.id,
        .member = key,
        .occurred_at = {envelope.occurred_at_ms},
        .correlation_id = envelope.correlation_id,
        .traceparent = envelope.traceparent,
        .wire = payload,
    };
    struct bytes canonical;
    enum codec_result result =
        payload_decode(spec, envelope.payload, arena, &event, &canonical, out_error);
    if (result == CODEC_REFUSED) return refused_make(&envelope, key, out_error, arena, out_entry);
    if (result != CODEC_OK) return result;

    event.content_hash = content_hash(spec->number, key, envelope.occurred_at_ms, canonical);
    *out_entry = (struct entry){.kind = ENTRY_EVENT, .event = event};
    return CODEC_OK;
}

bool
codec_event_complete(struct bytes payload, struct bytes source, struct bytes id,
                     struct arena *arena, struct bytes *out_payload)
{
    struct envelope envelope;
    struct codec_error ignored;
    bool readable = payload.size <= EVENT_BYTES_MAX && envelope_read(payload, &envelope, &ignored);
    if (!readable || (envelope.source.size != 0 && envelope.id.size != 0)) {
        *out_payload = payload;
        return true;
    }
    size_t capacity = payload.size + source.size + id.size + 2 * (1 + BYTES_VARINT_MAX);
    uint8_t *memory = arena_alloc(arena, capacity);
    if (memory == NULL) return false;

    /* Behind the payload an empty field would win over ours; protobuf lets the last one count, so
     * ours go last there. */
    struct writer out = writer_of(memory, capacity);
    writer_bytes(&out, payload);
    if (envelope.source.size == 0) wire_put_text(&out, FIELD_SOURCE, source);
    if (envelope.id.size == 0) wire_put_text(&out, FIELD_ID, id);
    *out_payload = writer_span(&out);
    return true;
}

const char *
codec_event_kind_name(enum event_kind kind)
{
    return event_kind_name(kind);
}

struct bytes
codec_key_subject(struct bytes key, bool *out_guest)
{
    struct bytes prefix = BYTES_LITERAL(KEY_GUEST_PREFIX);
    *out_guest = bytes_start_with(key, prefix);
    if (!*out_guest) return key;
    return bytes_of(key.data + prefix.size, key.size - prefix.size);
}
