#include "consumers/codec_event_write.h"

#include <stddef.h>
#include <string.h>

#include "consumers/codec_payload_priv.h"
#include "consumers/codec_wire_priv.h"
#include "engine/base/check.h"
#include "engine/core/quantity.h"

/* Field numbers of event.proto. */
enum {
    EVENT_SOURCE = 1,
    EVENT_ID = 2,
    EVENT_MEMBER = 3,
    EVENT_GUEST = 4,
    EVENT_OCCURRED_AT = 10,
    EVENT_CORRELATION_ID = 11,
    EVENT_TRACEPARENT = 12,
};

/* A tag and a length, or a tag and a number, in their longest forms. */
enum { FIELD_HEAD_BYTES = 5 + BYTES_VARINT_MAX };

static const uint8_t *
list_of(const struct field_spec *spec, const uint8_t *from, uint32_t *out_count)
{
    const uint8_t *items;
    memcpy(&items, from + spec->offset, sizeof items);
    memcpy(out_count, from + spec->count_offset, sizeof *out_count);
    return items;
}

/* Bytes that the message takes at most. */
static size_t
message_bound(const struct message_spec *message, told_fields told, const uint8_t *from)
{
    size_t bound = 0;
    for (uint32_t number = 1; number < message->field_count; number++) {
        const struct field_spec *spec = &message->fields[number];
        struct bytes text;
        uint32_t count;
        const uint8_t *items;
        if ((told & TOLD(number)) == 0) continue;
        bound += FIELD_HEAD_BYTES;
        switch (spec->rule) {
        case FIELD_NAME:
        case FIELD_TEXT:
        case FIELD_KEY:
        case FIELD_APP_KIND:
        case FIELD_JOURNAL_ID:
            memcpy(&text, from + spec->offset, sizeof text);
            bound += text.size;
            break;
        case FIELD_NAMES:
            items = list_of(spec, from, &count);
            for (uint32_t i = 0; i < count; i++)
                bound += FIELD_HEAD_BYTES + ((const struct bytes *)(const void *)items)[i].size;
            break;
        case FIELD_LIST:
            items = list_of(spec, from, &count);
            for (uint32_t i = 0; i < count; i++)
                bound += FIELD_HEAD_BYTES +
                         message_bound(spec->message, TOLD_ALL, items + i * spec->message->size);
            break;
        case FIELD_MESSAGE:
        case FIELD_MESSAGE_KEPT:
            bound += message_bound(spec->message, TOLD_ALL, from + spec->offset);
            break;
        default: break;
        }
    }
    return bound;
}

static void message_write(struct writer *out, const struct message_spec *message, told_fields told,
                          const uint8_t *from);

static void
inner_write(struct writer *out, uint32_t number, const struct message_spec *message,
            told_fields told, bool kept, const uint8_t *from)
{
    size_t begin = wire_begin(out);
    message_write(out, message, told, from);
    wire_end(out, number, begin, kept);
}

static uint64_t
number_of(const struct field_spec *spec, const uint8_t *from)
{
    const uint8_t *place = from + spec->offset;
    uint64_t wide;
    uint32_t narrow;
    switch (spec->rule) {
    case FIELD_DAY:
    case FIELD_BOOL: return *place;
    case FIELD_SMALL:
    case FIELD_STYLE:
    case FIELD_ACTIVITY:
    case FIELD_LINE_KIND:
        memcpy(&narrow, place, sizeof narrow);
        return spec->rule == FIELD_LINE_KIND ? narrow - (uint32_t)LINE_GOODS : narrow;
    default: memcpy(&wide, place, sizeof wide); return wide;
    }
}

static void
field_write(struct writer *out, uint32_t number, const struct field_spec *spec, const uint8_t *from)
{
    struct bytes text;
    uint16_t money;
    uint32_t count;
    const uint8_t *items;
    switch (spec->rule) {
    case FIELD_UNKNOWN: return;
    case FIELD_NAME:
    case FIELD_TEXT:
    case FIELD_KEY:
    case FIELD_APP_KIND:
    case FIELD_JOURNAL_ID:
        memcpy(&text, from + spec->offset, sizeof text);
        wire_put_text(out, number, text);
        return;
    case FIELD_MONEY:
        memcpy(&money, from + spec->offset, sizeof money);
        if (money == 0) return;
        CHECK(currency_find(money) != NULL);
        wire_put_text(out, number, bytes_from_cstr(currency_find(money)->alpha));
        return;
    case FIELD_NAMES:
        items = list_of(spec, from, &count);
        for (uint32_t i = 0; i < count; i++)
            wire_put_text(out, number, ((const struct bytes *)(const void *)items)[i]);
        return;
    case FIELD_LIST:
        items = list_of(spec, from, &count);
        for (uint32_t i = 0; i < count; i++)
            inner_write(out, number, spec->message, TOLD_ALL, true,
                        items + i * spec->message->size);
        return;
    case FIELD_MESSAGE:
    case FIELD_MESSAGE_KEPT:
        inner_write(out, number, spec->message, TOLD_ALL, spec->rule == FIELD_MESSAGE_KEPT,
                    from + spec->offset);
        return;
    default: wire_put_number(out, number, number_of(spec, from)); return;
    }
}

static void
message_write(struct writer *out, const struct message_spec *message, told_fields told,
              const uint8_t *from)
{
    for (uint32_t number = 1; number < message->field_count; number++) {
        if ((told & TOLD(number)) != 0) field_write(out, number, &message->fields[number], from);
    }
}

static void
put_envelope(struct writer *out, const struct event *event)
{
    struct bytes prefix = BYTES_LITERAL(KEY_GUEST_PREFIX);
    wire_put_text(out, EVENT_SOURCE, event->source);
    wire_put_text(out, EVENT_ID, event->id);
    if (bytes_start_with(event->member, prefix))
        wire_put_text(out, EVENT_GUEST,
                      bytes_of(event->member.data + prefix.size, event->member.size - prefix.size));
    else
        wire_put_text(out, EVENT_MEMBER, event->member);
    wire_put_number(out, EVENT_OCCURRED_AT, (uint64_t)event->occurred_at.ms);
    wire_put_text(out, EVENT_CORRELATION_ID, event->correlation_id);
    wire_put_text(out, EVENT_TRACEPARENT, event->traceparent);
}

bool
codec_event_write(const struct event *event, struct arena *arena, struct bytes *out_wire)
{
    const struct payload_spec *spec = payload_of_kind(event->kind);
    CHECK(spec != NULL);
    told_fields told = spec->told == NULL ? TOLD_ALL : spec->told(event);
    const uint8_t *payload = (const uint8_t *)event + PAYLOAD_OFFSET;
    size_t bound = event->source.size + event->id.size + event->member.size +
                   event->correlation_id.size + event->traceparent.size + 7 * FIELD_HEAD_BYTES +
                   message_bound(spec->message, told, payload);
    void *memory = arena_alloc(arena, bound);
    if (memory == NULL) return false;
    struct writer out = writer_of(memory, bound);
    put_envelope(&out, event);
    inner_write(&out, spec->number, spec->message, told, true, payload);
    *out_wire = writer_span(&out);
    return true;
}
