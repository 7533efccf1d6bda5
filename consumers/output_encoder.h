/*
 * How an effect becomes the value of an output message. The encoder is given to the outputs, Kafka
 * or embedded, so that neither knows protobuf and both say the same bytes. Implemented by
 * consumers/codec_output.
 */
#ifndef TALLYBOOK_CONSUMERS_OUTPUT_ENCODER_H
#define TALLYBOOK_CONSUMERS_OUTPUT_ENCODER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/bytes.h"
#include "engine/core/effect.h"

/** Both functions append to the writer and return false, with the writer as it was, when the value
 * does not fit: the caller gives more room or a smaller pack. Never for forwards. Any thread; the
 * encoder is immutable. */
struct output_encoder {
    /** One effect as the message of its topic (Posting, Outcome, TierChange, Notice), protobuf or
     * its JSON mapping. */
    bool (*encode_one)(enum topic topic, uint32_t partition, const struct effect *effect, bool json,
                       struct writer *writer);

    /** Those of the `count` effects that are of `topic`, in order, as one pack (PostingPack,
     * OutcomePack …), protobuf only; the others are passed over, so that a slice of an apply's
     * effects needs no sorting first. At least one of them is of the topic. */
    bool (*encode_pack)(enum topic topic, uint32_t partition, const struct effect *effects,
                        size_t count, struct writer *writer);
};

#endif
