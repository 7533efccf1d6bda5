/* Payloads of events: what each kind's message may hold, as tables, and how they are read. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_PAYLOAD_PRIV_H
#define TALLYBOOK_CONSUMERS_CODEC_PAYLOAD_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "consumers/codec_error.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"
#include "engine/core/verdict.h"

struct message_spec;

/* A kind that this version handles: its field number in Event, and how its message is read into
 * struct event. */
struct payload_spec {
    uint32_t number;
    enum event_kind kind;
    const struct message_spec *message;
    size_t offset; /* of its part in struct event */
    /* What concerns several fields; may complete them. */
    bool (*check)(struct event *event, struct arena *arena, struct codec_error *out_error);
};

/* NULL for kinds that this version does not handle. */
const struct payload_spec *payload_find(uint32_t number);
const struct payload_spec *payload_of_kind(enum event_kind kind);

/* Reads and checks a payload. *out_canonical: the bytes are canonical as they stand. CODEC_REFUSED
 * fills *out_error with a verdict; CODEC_UNREADABLE only for what this version does not handle. */
enum codec_result payload_read(const struct payload_spec *spec, struct bytes payload,
                               struct arena *arena, struct event *event, bool *out_canonical,
                               struct codec_error *out_error);

/* A refusal of form: always returns false. */
#define form_error(out_error, ...)                                                                 \
    codec_error_set(out_error, CODEC_MALFORMED, VERDICT_MALFORMED, __VA_ARGS__)

#endif
