/* One event of the core back to canonical protobuf (schemas/tallybook/v1/event.proto): for whoever
 * makes events here, such as source maps. codec_event_decode of the bytes gives the same event. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_EVENT_WRITE_H
#define TALLYBOOK_CONSUMERS_CODEC_EVENT_WRITE_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"

/* *out_wire lives in the arena. False when the arena is full. content_hash, first_append and wire
 * are not looked at. Any thread. */
bool codec_event_write(const struct event *event, struct arena *arena, struct bytes *out_wire);

#endif
