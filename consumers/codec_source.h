/* Messages of source topics: one Kafka message or one line of a file to the events in it, whatever
 * its form (interfaces.md, "Reading").
 *
 * How the form is told, by the bytes alone:
 *     empty               a tombstone: no event
 *     00 id4 index…       a schema-registry frame; the rest as below. index: 00, 02 00, or none
 *     { or [              JSON: one event, {"events": […]}, or an array of events
 *     C2 3E               EventPack: the tag of its field 1000, which Event never uses
 *     anything else       one Event
 * None of these bytes begins an Event: 00 is no tag, { and [ are tags of groups, which the schemas
 * do not use. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_SOURCE_H
#define TALLYBOOK_CONSUMERS_CODEC_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "consumers/codec_error.h"
#include "consumers/codec_json.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"

enum codec_form { CODEC_FORM_SINGLE, CODEC_FORM_PACK, CODEC_FORM_JSON };

/* A message being taken apart. Fields are the codec's own; `index` counts the events delivered. */
struct codec_source {
    enum codec_form form;
    struct bytes rest; /* protobuf that is still to come */
    const struct json_node *root, *cursor;
    struct arena *arena;
    uint32_t index;
};

/* Begins. CODEC_OK, CODEC_NO_ROOM, or CODEC_UNREADABLE when nothing of the message can be read.
 * `value` must outlive the events. */
enum codec_result codec_source_open(struct bytes value, struct arena *arena,
                                    struct codec_source *out_source, struct codec_error *out_error);

/* The next event, as protobuf for codec_event_complete and codec_event_decode. *out_done is true,
 * and *out_event empty, behind the last. CODEC_UNREADABLE concerns this event alone when the
 * message is JSON: call again for the next; of a pack that breaks off nothing follows. */
enum codec_result codec_source_next(struct codec_source *source, bool *out_done,
                                    struct bytes *out_event, struct codec_error *out_error);

#endif
