/* What the files of the probe share. */
#ifndef TALLYBOOK_TESTS_KAFKA_PROBE_H
#define TALLYBOOK_TESTS_KAFKA_PROBE_H

#include "consumers/kafka.h"
#include "engine/core/effect.h"

struct probe {
    struct kafka *kafka;
    const char *topic;
    uint32_t partition_count;
    int argc;
    char **argv; /* behind PARTITIONS */
};

/** A whole number of the command line; CHECKs that it is one. */
int64_t probe_number(const char *text);

/** Names of the outputs of a journal. */
void probe_output_names(const char *journal, char names[TOPIC_COUNT][KAFKA_TOPIC_BYTES]);

bool probe_publish(struct probe *probe, struct fault *out_fault);
bool probe_outputs(struct probe *probe, struct fault *out_fault);

#endif
