#include "tests/kafka/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_output.h"
#include "consumers/outputs_kafka.h"
#include "engine/base/check.h"

/* Of each partition: every effect is a posting and an outcome, every tenth also a tier change and a
 * notice. */
enum {
    EFFECTS_PER_CALL = 64,
    SELDOM = 10,
    CLAIM_OFFSET = 7,
    CLAIM_INDEX = 1,
    WAIT_MS = 100,
    READ_MAX = 256
};

void
probe_output_names(const char *journal, char names[TOPIC_COUNT][KAFKA_TOPIC_BYTES])
{
    static const char *const suffixes[TOPIC_COUNT] = {"postings", "outcomes", "tiers", "notices"};
    for (int i = 0; i < TOPIC_COUNT; i++) {
        snprintf(names[i], KAFKA_TOPIC_BYTES, "%s.%s", journal, suffixes[i]);
    }
}

static bool
outputs_open(struct probe *probe, const char *form, struct outputs **out_outputs,
             struct fault *out_fault)
{
    char names[TOPIC_COUNT][KAFKA_TOPIC_BYTES];
    probe_output_names(probe->topic, names);
    struct outputs_kafka_options options = {.partition_count = probe->partition_count,
                                            .json = strcmp(form, "json") == 0,
                                            .programme = "demo",
                                            .encoder = codec_output_encoder(),
                                            .single_broker = true};
    for (int i = 0; i < TOPIC_COUNT; i++)
        options.topics[i] = names[i];
    options.packed[TOPIC_POSTINGS] = options.packed[TOPIC_OUTCOMES] = strcmp(form, "packed") == 0;
    return outputs_kafka_open(probe->kafka, &options, out_outputs, out_fault);
}

/* ---- Publishing ------------------------------------------------------------------------------ */

static struct effect
effect_head(enum topic topic, uint64_t sequence, uint64_t number)
{
    return (struct effect){.topic = topic,
                           .sequence = sequence,
                           .hash = sequence * UINT64_C(0x9e3779b97f4a7c15) + topic,
                           .cause = {.offset = (int64_t)number, .index = 3}};
}

/* The effects of one number; the names live in `name`. */
static size_t
effects_make(uint64_t number, char name[static 32], struct effect *out_effects)
{
    struct instant at = {.ms = INT64_C(1795521600000) + (int64_t)number};
    int size = snprintf(name, 32, "m%" PRIu64, number % 100);
    struct bytes member = bytes_of(name, (size_t)size);
    size_t count = 0;
    struct effect posting = effect_head(TOPIC_POSTINGS, number, number);
    posting.posting = (struct posting){.kind = POSTING_GRANT,
                                       .from = ACCOUNT_ISSUED,
                                       .to = ACCOUNT_ACTIVE,
                                       .member = member,
                                       .currency = BYTES_LITERAL("points"),
                                       .amount = {.units = (int64_t)number},
                                       .lot = {.ordinal = number, .index = 0},
                                       .occurred_at = at,
                                       .journal_time = at,
                                       .effective_at = at};
    out_effects[count++] = posting;
    struct effect outcome = effect_head(TOPIC_OUTCOMES, number, number);
    outcome.outcome = (struct outcome){.member = number % 7 == 0 ? (struct bytes){NULL, 0} : member,
                                       .source = BYTES_LITERAL("shop"),
                                       .verdict = VERDICT_ACCEPTED,
                                       .event_kind = EVENT_PURCHASE,
                                       .id = member,
                                       .ordinal = number,
                                       .journal_time = at};
    out_effects[count++] = outcome;
    if (number % SELDOM != 0) return count;
    struct effect tier = effect_head(TOPIC_TIERS, number / SELDOM, number);
    tier.tier_change = (struct tier_change){.member = member,
                                            .group = BYTES_LITERAL("status"),
                                            .to = BYTES_LITERAL("gold"),
                                            .direction = TIER_UPGRADED,
                                            .reason = TIER_BY_EVENT,
                                            .effective_at = at,
                                            .valid_until = {.ms = INT64_MAX},
                                            .journal_time = at,
                                            .traceparent = BYTES_LITERAL("00-1-2-01")};
    out_effects[count++] = tier;
    struct effect notice = effect_head(TOPIC_NOTICES, number / SELDOM, number);
    notice.notice = (struct notice){.kind = NOTICE_EXPIRING_SOON,
                                    .member = member,
                                    .expiring_soon = {.currency = BYTES_LITERAL("points"),
                                                      .points = {.units = 1},
                                                      .expires_at = at},
                                    .effective_at = at,
                                    .journal_time = at};
    out_effects[count++] = notice;
    return count;
}

/* Publishes numbers first … of every partition, a call's worth; tries again until all of it is
 * taken. */
static bool
numbers_publish(struct probe *probe, struct publisher *publisher, uint64_t first, uint64_t end,
                struct fault *out_fault)
{
    struct effect effects[4 * EFFECTS_PER_CALL];
    char names[EFFECTS_PER_CALL][32];
    size_t count = 0;
    for (uint64_t number = first; number < end; number++) {
        count += effects_make(number, names[number - first], &effects[count]);
    }
    uint64_t claim = position_pack((struct position){.offset = CLAIM_OFFSET, .index = CLAIM_INDEX});
    for (uint32_t partition = 0; partition < probe->partition_count; partition++) {
        while (!publisher->ops->publish(publisher, partition, claim, effects, count, out_fault)) {
            if (out_fault->kind != FAULT_TRY_AGAIN) return false;
            if (!publisher->ops->poll(publisher, WAIT_MS, out_fault)) return false;
        }
    }
    return publisher->ops->poll(publisher, 0, out_fault);
}

static uint64_t
least_acked(struct probe *probe, struct publisher *publisher)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < probe->partition_count; i++) {
        uint64_t acked = publisher->ops->acked(publisher, i, TOPIC_POSTINGS);
        if (acked < least) least = acked;
    }
    return least;
}

static bool
publish_all(struct probe *probe, struct publisher *publisher, uint64_t first, uint64_t last,
            struct fault *out_fault)
{
    for (uint32_t i = 0; i < probe->partition_count; i++) {
        for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
            bool seldom = topic == TOPIC_TIERS || topic == TOPIC_NOTICES;
            uint64_t next = seldom ? (first - 1) / SELDOM + 1 : first;
            if (!publisher->ops->start(publisher, i, topic, next, 0, out_fault)) return false;
        }
    }
    for (uint64_t number = first; number <= last; number += EFFECTS_PER_CALL) {
        uint64_t end = number + EFFECTS_PER_CALL <= last ? number + EFFECTS_PER_CALL : last + 1;
        if (!numbers_publish(probe, publisher, number, end, out_fault)) return false;
        printf("acked %" PRIu64 "\n", least_acked(probe, publisher));
        fflush(stdout);
    }
    while (publisher->ops->in_flight(publisher) > 0) {
        if (!publisher->ops->poll(publisher, WAIT_MS, out_fault)) return false;
    }
    return true;
}

bool
probe_publish(struct probe *probe, struct fault *out_fault)
{
    CHECK(probe->argc == 3);
    uint64_t last = (uint64_t)probe_number(probe->argv[0]),
             first = (uint64_t)probe_number(probe->argv[2]);
    struct outputs *outputs;
    if (!outputs_open(probe, probe->argv[1], &outputs, out_fault)) return false;
    struct publisher *publisher;
    bool well = outputs->ops->open_publisher(outputs, &publisher, out_fault);
    if (well) {
        well = publish_all(probe, publisher, first, last, out_fault);
        for (uint32_t i = 0; well && i < probe->partition_count; i++) {
            for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
                printf("end %u %d %" PRIu64 " %" PRIu64 "\n", i, topic,
                       publisher->ops->acked(publisher, i, topic),
                       publisher->ops->acked_offset(publisher, i, topic));
            }
        }
        publisher->ops->close(publisher);
    }
    outputs->ops->close(outputs);
    return well;
}

/* ---- Reading back ---------------------------------------------------------------------------- */

/* Assigns every partition of every topic from its first offset; *out_left: messages to their ends.
 */
static bool
assign_all(struct probe *probe, struct outputs *outputs, struct output_reader *reader,
           uint64_t *out_left, struct fault *out_fault)
{
    uint64_t left = 0;
    for (uint32_t i = 0; i < probe->partition_count; i++) {
        for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
            uint64_t first, end;
            if (!outputs->ops->bounds(outputs, i, topic, &first, &end, out_fault)) return false;
            if (!reader->ops->assign(reader, i, topic, first, out_fault)) return false;
            left += end - first;
        }
    }
    *out_left = left;
    return true;
}

bool
probe_outputs(struct probe *probe, struct fault *out_fault)
{
    struct outputs *outputs;
    if (!outputs_open(probe, "single", &outputs, out_fault)) return false;
    struct output_reader *reader;
    bool well = outputs->ops->open_reader(outputs, &reader, out_fault);
    uint64_t left = 0;
    if (well) {
        well = assign_all(probe, outputs, reader, &left, out_fault);
        while (well && left > 0) {
            struct output_message messages[READ_MAX];
            size_t count;
            well = reader->ops->read(reader, WAIT_MS, messages, READ_MAX, &count, out_fault);
            for (size_t i = 0; well && i < count; i++) {
                const struct output_message *each = &messages[i];
                printf(
                    "%u %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRIu64 " %" PRIu64 " %d %d\n",
                    each->partition, each->topic, each->offset, each->claim, each->first_sequence,
                    each->count, each->cause, each->hash, each->json, each->packed);
            }
            if (well) left -= count;
        }
        reader->ops->close(reader);
    }
    outputs->ops->close(outputs);
    return well;
}
