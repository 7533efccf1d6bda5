/*
 * Made-up traffic into a source topic, as shops send it: one event a message with its member as the
 * key, or packed (EventPack), placed by murmur2 of the member.
 */
#ifndef TALLYBOOK_BENCH_TOPIC_SINK_H
#define TALLYBOOK_BENCH_TOPIC_SINK_H

#include <stdint.h>

#include "bench/workload.h"
#include "engine/base/fault.h"

struct topic_sink;

/** The topic is there already. pack_bytes: about the size of a pack; 0: one event a message.
 * FAULT_UNAVAILABLE, FAULT_CONFIG, FAULT_NO_INPUT when there is no such topic. One thread. */
bool topic_sink_open(const char *bootstrap, const char *topic, uint32_t pack_bytes,
                     struct topic_sink **out_sink, struct fault *out_fault);

/** Queues an event; waits while the queue is full. */
bool topic_sink_add(struct topic_sink *sink, const struct workload_event *event,
                    struct fault *out_fault);

/** Returns when the broker has everything. */
bool topic_sink_finish(struct topic_sink *sink, struct fault *out_fault);

void topic_sink_close(struct topic_sink *sink);

#endif
