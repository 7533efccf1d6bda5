/* The JSON form of every message in schemas/: protobuf's own mapping, exact.
 *
 * Invariants:
 *  1. Reading is strict: an unknown name, a name told twice, a number with a fraction or an
 * exponent or out of its type's range, an unknown enum name, and more than CODEC_JSON_DEPTH_MAX
 * levels are refused with the place. null counts as left out.
 *  2. Names are lowerCamelCase, or as in the .proto; 64-bit integers are strings or numbers; enums
 * names or numbers.
 *  3. No number passes through floating point.
 *  4. What was read and is written again has the same meaning: text → message → text is stable
 * after the first. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_JSON_H
#define TALLYBOOK_CONSUMERS_CODEC_JSON_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "consumers/codec_error.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"

enum {
    CODEC_JSON_DEPTH_MAX = 12, /* the schemas' deepest message has 6 */
    CODEC_JSON_BYTES_MAX =
        4 * 1024 * 1024, /* one text: a packed message of events, with room for its names */
};

/* A JSON value in the arena. */
struct json_node;

/* Parses one text. CODEC_UNREADABLE with CODEC_BAD_JSON or CODEC_TOO_LARGE; CODEC_NO_ROOM. Any
 * thread. */
enum codec_result codec_json_parse(struct bytes text, struct arena *arena,
                                   const struct json_node **out_root,
                                   struct codec_error *out_error);

/* The elements of an array, or of {"events": […]} in either's order; a single event is its own only
 * element. Start with *cursor NULL; NULL at the end. */
const struct json_node *codec_json_next_event(const struct json_node *root,
                                              const struct json_node *cursor);

/* One value as a message, packed. */
enum codec_result codec_json_to_message(const struct json_node *node,
                                        const ProtobufCMessageDescriptor *descriptor,
                                        struct arena *arena, struct bytes *out_message,
                                        struct codec_error *out_error);

/* Writes a packed message as one line of JSON, without a line end; defaults are left out.
 * CODEC_UNREADABLE when the bytes are not that message, CODEC_NO_ROOM when the arena or *out is
 * full (what was written to *out then is of no use). */
enum codec_result codec_json_write(struct bytes message,
                                   const ProtobufCMessageDescriptor *descriptor,
                                   struct arena *arena, struct writer *out);

#endif
