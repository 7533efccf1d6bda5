/*
 * Events that are kept to be judged later: what is parked until its member enrols (semantics §4).
 * In the core's own encoding, for the fold knows no wire format.
 */
#ifndef TALLYBOOK_ENGINE_CORE_EVENT_ROW_H
#define TALLYBOOK_ENGINE_CORE_EVENT_ROW_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"

/* Bytes that any event fits in: its texts and numbers as they came, and the widths of ours. */
enum { EVENT_ROW_BYTES_MAX = 2 * EVENT_BYTES_MAX };

/* Writes an event without its wire bytes and trace of forwarding, which nobody asks for again. */
void event_row_encode(const struct event *event, struct writer *writer);

/* Reads what this program wrote and whose seal was verified; CHECKs that it is whole. Texts point
 * into `content`, lists lie in the arena. */
void event_row_decode(struct bytes content, struct arena *arena, struct event *out_event);

#endif
