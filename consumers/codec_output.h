/* Effects to the messages of the output topics (schemas/tallybook/v1/output.proto), and back to
 * text for people.
 *
 * Written by hand, straight from struct effect: there are several for each event.
 * tests/unit/test_codec_output.c reads every one with protobuf-c and compares field by field.
 *
 * Invariants:
 *  1. Encoding is canonical: the same effect gives the same bytes.
 *  2. What the core does not know yet is left out, never made up. */
#ifndef TALLYBOOK_CONSUMERS_CODEC_OUTPUT_H
#define TALLYBOOK_CONSUMERS_CODEC_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "consumers/codec_error.h"
#include "consumers/output_encoder.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/effect.h"

/* An effect's message has at most this many bytes: an explanation of 64 parts with two names of up
 * to 128 and eight numbers each, a dozen names and two texts, with some room. Its JSON has at most
 * four times as many. */
enum { CODEC_OUTPUT_BYTES_MAX = 32 * 1024 };

/* What outputs are given, Kafka and embedded alike. Any thread. */
const struct output_encoder *codec_output_encoder(void);

/* The schema of a topic's messages. Not for forwards. */
const ProtobufCMessageDescriptor *codec_output_descriptor(enum topic topic);

/* Walks over a pack: *out_first is the first number; call codec_output_next until it returns false.
 * A pack that breaks off, or is none, gives *out_damaged. */
struct codec_output_walk {
    struct bytes rest;
    bool damaged;
};
bool codec_output_open(struct bytes pack, uint64_t *out_first, struct codec_output_walk *out_walk);
bool codec_output_next(struct codec_output_walk *walk, struct bytes *out_message);

/* One message of a topic as one line of JSON, as codec_json_write. */
enum codec_result codec_output_json(enum topic topic, struct bytes message, struct arena *arena,
                                    struct writer *out);

#endif
