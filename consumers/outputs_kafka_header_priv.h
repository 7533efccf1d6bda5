/* Headers of output messages, as outputs_kafka.h describes them: written and read. */
#ifndef TALLYBOOK_CONSUMERS_OUTPUTS_KAFKA_HEADER_PRIV_H
#define TALLYBOOK_CONSUMERS_OUTPUTS_KAFKA_HEADER_PRIV_H

#include <librdkafka/rdkafka.h>

#include "consumers/kafka_producer.h"
#include "consumers/outputs_kafka.h"

/* Where a message stands in its topic. Positions are packed. */
struct output_place {
    uint64_t claim, sequence, cause, hash;
};

enum { OUTPUT_HEADERS_MAX = 11, OUTPUT_HEADERS_TEXT_BYTES = 1024 };

/* Values point into `text`, so that it must not be copied. */
struct output_headers {
    struct kafka_header items[OUTPUT_HEADERS_MAX];
    size_t count;
    size_t text_size;
    char text[OUTPUT_HEADERS_TEXT_BYTES];
};

void output_headers_binary(const struct output_place *place, struct output_headers *out_headers);

/* Of a tier change or a notice. */
void output_headers_text(const struct output_place *place, const struct effect *effect,
                         const char *programme, uint32_t partition,
                         struct output_headers *out_headers);

/* False when the message does not carry them. */
bool output_place_read(const rd_kafka_message_t *message, enum topic topic,
                       struct output_place *out_place);

#endif
