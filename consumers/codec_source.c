#include "consumers/codec_source.h"

#include "consumers/codec_wire_priv.h"
#include "tallybook/v1/event.pb-c.h"

enum { FRAME_BYTES = 5, PACK_EVENTS = 1000 };

/* Without its schema-registry frame. The id is not looked up: what follows must be an event in any
 * case. */
static bool
frame_strip(struct bytes *value, struct codec_error *out_error)
{
    if (value->data[0] != 0) return true;
    if (value->size < FRAME_BYTES) {
        return codec_error_set(
            out_error, CODEC_BAD_FRAME, 0,
            "a schema-registry frame has 5 bytes before its message; there are %zu in all",
            value->size);
    }
    struct bytes rest = bytes_of(value->data + FRAME_BYTES, value->size - FRAME_BYTES);
    size_t index_bytes = 0;
    if (rest.size >= 1 && rest.data[0] == 0) index_bytes = 1;
    if (rest.size >= 2 && rest.data[0] == 2 && rest.data[1] == 0) index_bytes = 2;
    *value = bytes_of(rest.data + index_bytes, rest.size - index_bytes);
    if (value->size != 0) return true;
    return codec_error_set(out_error, CODEC_BAD_FRAME, 0,
                           "the schema-registry frame holds no message");
}

enum codec_result
codec_source_open(struct bytes value, struct arena *arena, struct codec_source *out_source,
                  struct codec_error *out_error)
{
    struct codec_source source = {.form = CODEC_FORM_PACK, .arena = arena};
    if (value.size == 0) {
        *out_source = source;
        return CODEC_OK;
    }
    if (!frame_strip(&value, out_error)) return CODEC_UNREADABLE;

    if (value.data[0] == '{' || value.data[0] == '[') {
        source.form = CODEC_FORM_JSON;
        enum codec_result result = codec_json_parse(value, arena, &source.root, out_error);
        if (result != CODEC_OK) return result;
        source.cursor = codec_json_next_event(source.root, NULL);
    } else {
        bool is_pack = value.size >= 2 && value.data[0] == 0xc2 && value.data[1] == 0x3e;
        source.form = is_pack ? CODEC_FORM_PACK : CODEC_FORM_SINGLE;
        source.rest = value;
    }
    *out_source = source;
    return CODEC_OK;
}

static enum codec_result
pack_next(struct codec_source *source, struct bytes *out_event, struct codec_error *out_error)
{
    struct wire wire = wire_of(source->rest);
    struct wire_field field;
    bool found =
        wire_next(&wire, &field) && field.number == PACK_EVENTS && field.type == WIRE_BYTES;
    if (!found) {
        codec_error_set(out_error, CODEC_BAD_PROTOBUF, 0, "event %u of the pack: %s", source->index,
                        wire.error != NULL ? wire.error : "something else than an event");
        source->rest = (struct bytes){NULL, 0};
        return CODEC_UNREADABLE;
    }
    *out_event = field.span;
    source->rest = bytes_of(wire.at, (size_t)(wire.end - wire.at));
    return CODEC_OK;
}

static enum codec_result
json_next(struct codec_source *source, struct bytes *out_event, struct codec_error *out_error)
{
    enum codec_result result = codec_json_to_message(
        source->cursor, &tallybook__v1__event__descriptor, source->arena, out_event, out_error);
    if (result == CODEC_NO_ROOM) return result;
    if (result == CODEC_UNREADABLE && source->cursor != source->root) {
        codec_error_prefix(out_error, "event %u of the array: ", source->index);
    }
    source->cursor = codec_json_next_event(source->root, source->cursor);
    return result;
}

enum codec_result
codec_source_next(struct codec_source *source, bool *out_done, struct bytes *out_event,
                  struct codec_error *out_error)
{
    enum codec_result result = CODEC_OK;
    *out_done = source->form == CODEC_FORM_JSON ? source->cursor == NULL : source->rest.size == 0;
    *out_event = (struct bytes){NULL, 0};
    if (*out_done) return CODEC_OK;

    switch (source->form) {
    case CODEC_FORM_JSON: result = json_next(source, out_event, out_error); break;
    case CODEC_FORM_PACK: result = pack_next(source, out_event, out_error); break;
    case CODEC_FORM_SINGLE:
        *out_event = source->rest;
        source->rest = (struct bytes){NULL, 0};
        break;
    }
    if (result != CODEC_NO_ROOM) source->index++;
    return result;
}
