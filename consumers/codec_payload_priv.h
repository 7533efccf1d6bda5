/* Payloads of events: what each kind's message may hold, as tables (codec_payload_table.c), how
 * they are read and written by them (codec_payload.c, codec_event_write.c), and what concerns
 * several fields (codec_payload_check.c).
 *
 * Invariant: a field's place in the core's struct has the type that its rule names; a message's
 * fields stand at their numbers. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_PAYLOAD_PRIV_H
#define TALLYBOOK_CONSUMERS_CODEC_PAYLOAD_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "consumers/codec_error.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"
#include "engine/core/verdict.h"

/* What a field is, and so which bounds it has and what it becomes. */
enum field_rule {
    FIELD_UNKNOWN = 0, /* not in the schema: let pass, no part of the content */
    FIELD_NAME,     /* struct bytes: an id or a label, up to 128 bytes without control characters */
    FIELD_TEXT,     /* struct bytes: up to 256 bytes for people */
    FIELD_KEY,      /* struct bytes: an attribute's key, a name of up to 64 bytes */
    FIELD_APP_KIND, /* struct bytes: lower-case letters, digits, `_`, `-`, up to 64 */
    FIELD_JOURNAL_ID,    /* struct bytes: 16 bytes */
    FIELD_MONEY,         /* uint16_t: numeric code of an ISO 4217 currency told by its letters */
    FIELD_AMOUNT,        /* int64_t: 0 to CODEC_AMOUNT_MAX */
    FIELD_POINTS,        /* struct points: above 0 when told, even in a oneof */
    FIELD_POINTS_LEFT,   /* struct points: above 0, or left out for "all that is left" */
    FIELD_POINTS_SIGNED, /* struct points: any that has 63 bits */
    FIELD_INSTANT,       /* struct instant: 1970 to 9999; 0 is left out */
    FIELD_TIMEOUT,       /* int64_t: 0 to 90 days in milliseconds */
    FIELD_SMALL,         /* uint32_t */
    FIELD_ORDINAL,       /* uint64_t */
    FIELD_TERM,          /* int64_t: above 0, a side of a fraction */
    FIELD_DAY,           /* uint8_t: a month's or a day's number */
    FIELD_BOOL,          /* bool */
    FIELD_LINE_KIND,     /* enum line_kind, which is the schema's number and one */
    FIELD_STYLE,         /* enum refund_style */
    FIELD_ACTIVITY,      /* enum activity_kind */
    FIELD_NAMES,         /* repeated names: items at `offset`, their uint32_t at `count_offset` */
    FIELD_LIST,          /* repeated message, likewise */
    FIELD_MESSAGE,       /* message, in place */
    FIELD_MESSAGE_KEPT,  /* the same; written even when it is empty */
};

struct field_spec {
    const char *name;
    enum field_rule rule;
    uint16_t offset, count_offset;
    uint16_t count_max;                 /* of FIELD_NAMES and FIELD_LIST */
    const struct message_spec *message; /* of FIELD_LIST and FIELD_MESSAGE */
};

/* Fields by their numbers. */
struct message_spec {
    const struct field_spec *fields;
    uint32_t field_count; /* the highest number and one */
    uint32_t size;        /* of the struct that one becomes */
    /* Of a list's message: judges the last of `count` items, of which the others are good. */
    bool (*check_item)(const void *items, uint32_t count, struct codec_error *out_error);
};

/* Which fields of a message were told, by their numbers. */
typedef uint32_t told_fields;

/* A kind: its field number in Event, and how its message is read into struct event. */
struct payload_spec {
    uint32_t number;
    enum event_kind kind;
    const struct message_spec *message;
    /* What concerns several fields; may complete them. */
    bool (*check)(struct event *event, told_fields told, struct arena *arena,
                  struct codec_error *out_error);
    /* Which fields an event has, where a union leaves that open; NULL: all that are not empty. */
    told_fields (*told)(const struct event *event);
};

#define TOLD(number)   (UINT32_C(1) << (number))
#define TOLD_ALL       UINT32_MAX
#define PAYLOAD_OFFSET offsetof(struct event, purchase) /* of each kind's struct: a union */

/* NULL for kinds that concern more than one member. */
const struct payload_spec *payload_find(uint32_t number);
const struct payload_spec *payload_of_kind(enum event_kind kind);

/* Reads and checks a payload. *out_canonical: the bytes are canonical as they stand. CODEC_REFUSED
 * fills *out_error with a verdict. */
enum codec_result payload_read(const struct payload_spec *spec, struct bytes payload,
                               struct arena *arena, struct event *event, bool *out_canonical,
                               struct codec_error *out_error);

/* codec_payload_check.c; named as in payload_spec and message_spec. */
#define PAYLOAD_CHECK(name)                                                                        \
    bool name##_check(struct event *event, told_fields told, struct arena *arena,                  \
                      struct codec_error *out_error)
PAYLOAD_CHECK(purchase);
PAYLOAD_CHECK(refund);
PAYLOAD_CHECK(cancellation);
PAYLOAD_CHECK(delivered);
PAYLOAD_CHECK(activity);
PAYLOAD_CHECK(redeem);
PAYLOAD_CHECK(cancel_redemption);
PAYLOAD_CHECK(hold);
PAYLOAD_CHECK(capture_hold);
PAYLOAD_CHECK(release_hold);
PAYLOAD_CHECK(grant);
PAYLOAD_CHECK(adjust);
PAYLOAD_CHECK(approve);
PAYLOAD_CHECK(extend_lots);
PAYLOAD_CHECK(reinstate_lots);
PAYLOAD_CHECK(renew_lots);
PAYLOAD_CHECK(quarantine_end);
PAYLOAD_CHECK(enrol);
PAYLOAD_CHECK(profile_update);
PAYLOAD_CHECK(state_change);
PAYLOAD_CHECK(tier_override);
PAYLOAD_CHECK(end_tier_override);
bool attribute_check(const void *items, uint32_t count, struct codec_error *out_error);
bool lot_name_check(const void *items, uint32_t count, struct codec_error *out_error);

/* A refusal of form: always returns false. */
#define form_error(out_error, ...)                                                                 \
    codec_error_set(out_error, CODEC_MALFORMED, VERDICT_MALFORMED, __VA_ARGS__)

#endif
