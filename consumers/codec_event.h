/* One event: canonical protobuf bytes (schemas/tallybook/v1/event.proto) to the core's struct
 * event. The trust boundary: what passes here keeps every invariant of engine/core/event.h, whoever
 * sent it.
 *
 * Invariants:
 *  1. No input makes it read outside its bytes, allocate outside the arena, or take time beyond
 * proportion.
 *  2. Two byte strings that protobuf reads as the same type, member, occurred_at and payload (in
 * fields that this version knows) have the same content_hash: order of fields, explicit defaults,
 * unknown fields and long-winded numbers do not count (semantics §3, "Identity").
 *  3. Spans of the result point into the bytes or the arena.
 *
 * Content hash: XXH3-64 of the canonical payload, seeded with the XXH3-64 of { u16 payload field
 * number, key length as a varint, the ledger's key, i64 occurred_at_ms }, little endian. Persisted
 * in identities: never changed. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_EVENT_H
#define TALLYBOOK_CONSUMERS_CODEC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "consumers/codec_error.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"

enum {
    CODEC_NAME_BYTES_MAX =
        EVENT_ID_BYTES_MAX,     /* ids, and short labels such as category and channel */
    CODEC_TEXT_BYTES_MAX = 256, /* reasons, values of attributes */
    CODEC_ATTRIBUTES_MAX = EVENT_ATTRIBUTES_MAX,
    CODEC_ATTRIBUTE_KEY_BYTES_MAX = 64,
    /* The ledger's key of a guest is the prefix and the guest's; both together are an id like any
       other. */
    CODEC_GUEST_BYTES_MAX = EVENT_ID_BYTES_MAX - (sizeof KEY_GUEST_PREFIX - 1),
};

/* The largest amount of money and quantity in one field: ten million million units of most
 * currencies. The sums over all lines of an event then stay within 63 bits. */
#define CODEC_AMOUNT_MAX INT64_C(1000000000000000)

static_assert(EVENT_LINES_MAX * CODEC_AMOUNT_MAX < INT64_MAX,
              "an order's sums must stay within 63 bits");

/* The last instant of the year 9999. */
#define CODEC_INSTANT_MS_MAX INT64_C(253402300799999)

/* Room that decoding one record or message takes at most: a record may consist of lines of 2 bytes
 * each. Map it, do not commit it: ordinary records touch a few hundred kB. */
#define CODEC_ARENA_BYTES                                                                          \
    ((size_t)RECORD_BYTES_MAX / 2 * (sizeof(struct event_line) + 8) + ((size_t)16 << 20))

/* Decodes one event. On CODEC_OK *out_entry is ENTRY_EVENT, on CODEC_REFUSED it is ENTRY_REFUSED
 * with the error's verdict and text; journal_time and first_append are 0. On the others *out_entry
 * is untouched. *out_error is filled unless CODEC_OK or CODEC_NO_ROOM. Any thread. */
enum codec_result codec_event_decode(struct bytes payload, struct arena *arena,
                                     struct entry *out_entry, struct codec_error *out_error);

/* Gives an event without source or id (or with empty ones) those of its topic: *out_payload is
 * `payload`, or a copy in the arena with the fields put behind it. Bytes that are no protobuf come
 * back as they are: codec_event_decode says why. False when the arena is full. */
bool codec_event_complete(struct bytes payload, struct bytes source, struct bytes id,
                          struct arena *arena, struct bytes *out_payload);

/* The kind's name as it stands in the schema: "purchase". */
const char *codec_event_kind_name(enum event_kind kind);

/* The ledger's key as it was told: `*out_guest` is true, and the guest's key without its prefix
 * returned, for a guest. */
struct bytes codec_key_subject(struct bytes key, bool *out_guest);

#endif
