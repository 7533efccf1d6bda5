#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/kafka.h"
#include "consumers/kafka_priv.h"
#include "engine/base/check.h"

enum { ADMIN_MS = 15000 /* for the broker to carry it out; asked again when it does not answer */ };

/* ---- Questions ------------------------------------------------------------------------------- */

/* One answer about the topic, or none. */
static rd_kafka_resp_err_t
metadata_ask(struct kafka *kafka, const char *topic, const struct rd_kafka_metadata **out_metadata)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka_admin(kafka), topic, NULL);
    if (handle == NULL) return rd_kafka_last_error();
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(kafka_admin(kafka), 0, handle, out_metadata, KAFKA_ASK_MS);
    rd_kafka_topic_destroy(handle);
    return error;
}

/* True when the answer is whole: every partition has a leader, or the topic does not exist. */
static bool
metadata_read(const struct rd_kafka_metadata *metadata, struct kafka_topic *out_topic,
              rd_kafka_resp_err_t *out_error)
{
    CHECK(metadata->topic_cnt == 1);
    const struct rd_kafka_metadata_topic *found = &metadata->topics[0];
    *out_error = found->err;
    if (found->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        found->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        *out_topic = (struct kafka_topic){.exists = false};
        *out_error = RD_KAFKA_RESP_ERR_NO_ERROR;
        return true;
    }
    if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
    struct kafka_topic topic = {.exists = true, .partition_count = (uint32_t)found->partition_cnt};
    for (int i = 0; i < found->partition_cnt; i++) {
        const struct rd_kafka_metadata_partition *partition = &found->partitions[i];
        if (partition->leader < 0) {
            *out_error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
            return false;
        }
        if (i == 0 || (uint32_t)partition->replica_cnt < topic.replicas) {
            topic.replicas = (uint32_t)partition->replica_cnt;
        }
    }
    *out_topic = topic;
    return true;
}

static bool
refused(struct fault *out_fault, const char *what, const char *topic, rd_kafka_resp_err_t error,
        const char *reason)
{
    bool forbidden = error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                     error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
                     error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    return fault_set(out_fault, forbidden ? FAULT_NOT_ALLOWED : FAULT_UNAVAILABLE,
                     "topic %s: %s: %s", topic, what,
                     reason != NULL ? reason : rd_kafka_err2str(error));
}

bool
kafka_topic_find(struct kafka *kafka, const char *topic, struct kafka_topic *out_topic,
                 struct fault *out_fault)
{
    struct kafka_wait wait = {0};
    for (;;) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_resp_err_t error = metadata_ask(kafka, topic, &metadata);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_note_well(kafka);
            bool whole = metadata_read(metadata, out_topic, &error);
            rd_kafka_metadata_destroy(metadata);
            if (whole) return true;
        }
        if (!kafka_error_passes(error)) {
            return refused(out_fault, "cannot look it up", topic, error, NULL);
        }
        if (!kafka_wait_more(kafka, &wait, "where is the topic", out_fault)) {
            return fault_wrap(out_fault, "topic %s", topic);
        }
    }
}

bool
kafka_bounds(struct kafka *kafka, const char *topic, uint32_t partition, int64_t *out_first,
             int64_t *out_end, struct fault *out_fault)
{
    struct kafka_wait wait = {0};
    for (;;) {
        int64_t first, end;
        rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
            kafka_admin(kafka), topic, (int32_t)partition, &first, &end, KAFKA_ASK_MS);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *out_first = first;
            *out_end = end;
            return true;
        }
        if (!kafka_error_passes(error)) {
            return refused(out_fault, "cannot ask for its offsets", topic, error, NULL);
        }
        if (!kafka_wait_more(kafka, &wait, "where does the log end", out_fault)) {
            return fault_wrap(out_fault, "topic %s, partition %u", topic, partition);
        }
    }
}

/* ---- Administration -------------------------------------------------------------------------- */

/* One request to the cluster: `send` is called again while the broker is away. The event answers
 * it. */
struct admin_call {
    void (*send)(rd_kafka_t *rk, void *request, const rd_kafka_AdminOptions_t *options,
                 rd_kafka_queue_t *queue);
    void *request;
    rd_kafka_admin_op_t kind;
    const char *what;
};

static bool
admin_ask(struct kafka *kafka, const char *topic, const struct admin_call *call,
          rd_kafka_event_t **out_event, struct fault *out_fault)
{
    rd_kafka_t *rk = kafka_admin(kafka);
    struct kafka_wait wait = {0};
    for (;;) {
        rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, call->kind);
        char reason[256];
        rd_kafka_resp_err_t error =
            rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_MS, reason, sizeof reason);
        CHECK_MSG(error == RD_KAFKA_RESP_ERR_NO_ERROR, "%s", reason);
        rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
        call->send(rk, call->request, options, queue);
        rd_kafka_AdminOptions_destroy(options);

        rd_kafka_event_t *event = NULL;
        bool go_on = true;
        while (event == NULL && go_on) {
            event = rd_kafka_queue_poll(queue, KAFKA_ASK_MS);
            if (event == NULL) go_on = kafka_wait_more(kafka, &wait, call->what, out_fault);
        }
        rd_kafka_queue_destroy(queue);
        if (!go_on) return fault_wrap(out_fault, "topic %s", topic);

        error = rd_kafka_event_error(event);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *out_event = event;
            return true;
        }
        bool passes = kafka_error_passes(error);
        if (!passes)
            refused(out_fault, call->what, topic, error, rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        if (!passes) return false;
        if (!kafka_wait_more(kafka, &wait, call->what, out_fault)) {
            return fault_wrap(out_fault, "topic %s", topic);
        }
    }
}

static void
send_describe(rd_kafka_t *rk, void *request, const rd_kafka_AdminOptions_t *options,
              rd_kafka_queue_t *queue)
{
    rd_kafka_ConfigResource_t *resource = request;
    rd_kafka_DescribeConfigs(rk, &resource, 1, options, queue);
}

static void
send_alter(rd_kafka_t *rk, void *request, const rd_kafka_AdminOptions_t *options,
           rd_kafka_queue_t *queue)
{
    rd_kafka_ConfigResource_t *resource = request;
    rd_kafka_AlterConfigs(rk, &resource, 1, options, queue);
}

static void
send_create(rd_kafka_t *rk, void *request, const rd_kafka_AdminOptions_t *options,
            rd_kafka_queue_t *queue)
{
    rd_kafka_NewTopic_t *topic = request;
    rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
}

/* The topic's resource in the answer, with its settings; the caller destroys the event. */
static bool
describe(struct kafka *kafka, const char *topic, rd_kafka_event_t **out_event,
         const rd_kafka_ConfigEntry_t ***out_entries, size_t *out_count, struct fault *out_fault)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    struct admin_call call = {send_describe, resource, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
                              "what are the topic's settings"};
    rd_kafka_event_t *event;
    bool asked = admin_ask(kafka, topic, &call, &event, out_fault);
    rd_kafka_ConfigResource_destroy(resource);
    if (!asked) return false;

    size_t count;
    const rd_kafka_ConfigResource_t **answers = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    CHECK(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(answers[0]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        refused(out_fault, "cannot read its settings", topic, error,
                rd_kafka_ConfigResource_error_string(answers[0]));
        rd_kafka_event_destroy(event);
        return false;
    }
    *out_entries = rd_kafka_ConfigResource_configs(answers[0], out_count);
    *out_event = event;
    return true;
}

static int64_t
whole_number(const char *text, int64_t otherwise)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    return end == text || *end != '\0' ? otherwise : value;
}

static void
settings_take(struct kafka_topic_settings *settings, const char *name, const char *value)
{
    if (value == NULL) return; /* the broker keeps it secret */
    if (strcmp(name, "message.timestamp.type") == 0) {
        snprintf(settings->timestamp_type, sizeof settings->timestamp_type, "%s", value);
    } else if (strcmp(name, "cleanup.policy") == 0) {
        snprintf(settings->cleanup_policy, sizeof settings->cleanup_policy, "%s", value);
    } else if (strcmp(name, "retention.ms") == 0) {
        settings->retention_ms = whole_number(value, -1);
    } else if (strcmp(name, "retention.bytes") == 0) {
        settings->retention_bytes = whole_number(value, -1);
    } else if (strcmp(name, "min.insync.replicas") == 0) {
        settings->min_insync_replicas = whole_number(value, 1);
    } else if (strcmp(name, "max.message.bytes") == 0) {
        settings->max_message_bytes = whole_number(value, 0);
    } else if (strcmp(name, "unclean.leader.election.enable") == 0) {
        settings->unclean_election = strcmp(value, "true") == 0;
    }
}

bool
kafka_topic_describe(struct kafka *kafka, const char *topic,
                     struct kafka_topic_settings *out_settings, struct fault *out_fault)
{
    rd_kafka_event_t *event;
    const rd_kafka_ConfigEntry_t **entries;
    size_t count;
    if (!describe(kafka, topic, &event, &entries, &count, out_fault)) return false;
    struct kafka_topic_settings settings = {.retention_ms = -1, .retention_bytes = -1};
    for (size_t i = 0; i < count; i++) {
        settings_take(&settings, rd_kafka_ConfigEntry_name(entries[i]),
                      rd_kafka_ConfigEntry_value(entries[i]));
    }
    rd_kafka_event_destroy(event);
    *out_settings = settings;
    return true;
}

/* *out_in_force: the topic shows every one of the settings. */
static bool
settings_in_force(struct kafka *kafka, const char *topic, const struct kafka_property *settings,
                  size_t setting_count, bool *out_in_force, struct fault *out_fault)
{
    rd_kafka_event_t *event;
    const rd_kafka_ConfigEntry_t **entries;
    size_t count, equal = 0;
    if (!describe(kafka, topic, &event, &entries, &count, out_fault)) return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < setting_count; j++) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);
            equal += value != NULL && strcmp(value, settings[j].value) == 0 &&
                     strcmp(rd_kafka_ConfigEntry_name(entries[i]), settings[j].name) == 0;
        }
    }
    rd_kafka_event_destroy(event);
    *out_in_force = equal == setting_count;
    return true;
}

/* AlterConfigs sets what it is told and puts everything else back to its default: what was set on
 * the topic before has to be told again. */
bool
kafka_topic_alter(struct kafka *kafka, const char *topic, const struct kafka_property *settings,
                  size_t setting_count, struct fault *out_fault)
{
    rd_kafka_event_t *event;
    const rd_kafka_ConfigEntry_t **entries;
    size_t count;
    if (!describe(kafka, topic, &event, &entries, &count, out_fault)) return false;
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        bool kept =
            rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
        for (size_t j = 0; j < setting_count; j++) {
            if (strcmp(settings[j].name, name) == 0) kept = false;
        }
        if (kept) {
            rd_kafka_ConfigResource_set_config(resource, name,
                                               rd_kafka_ConfigEntry_value(entries[i]));
        }
    }
    rd_kafka_event_destroy(event);
    for (size_t i = 0; i < setting_count; i++) {
        rd_kafka_ConfigResource_set_config(resource, settings[i].name, settings[i].value);
    }

    struct admin_call call = {send_alter, resource, RD_KAFKA_ADMIN_OP_ALTERCONFIGS,
                              "change the topic's settings"};
    bool asked = admin_ask(kafka, topic, &call, &event, out_fault);
    rd_kafka_ConfigResource_destroy(resource);
    if (!asked) return false;
    const rd_kafka_ConfigResource_t **answers =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
    CHECK(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(answers[0]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        refused(out_fault, "cannot change its settings", topic, error,
                rd_kafka_ConfigResource_error_string(answers[0]));
    }
    rd_kafka_event_destroy(event);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return false;

    /* The controller has them; the broker that is asked next may hear of it a moment later. */
    bool in_force = false;
    struct kafka_wait wait = {0};
    while (!in_force) {
        if (!settings_in_force(kafka, topic, settings, setting_count, &in_force, out_fault)) {
            return false;
        }
        if (!in_force &&
            !kafka_wait_more(kafka, &wait, "are the new settings in force", out_fault)) {
            return fault_wrap(out_fault, "topic %s", topic);
        }
    }
    return true;
}

bool
kafka_topic_create(struct kafka *kafka, const char *topic, uint32_t partition_count,
                   uint32_t replicas, const struct kafka_property *settings, size_t setting_count,
                   bool *out_existed, struct fault *out_fault)
{
    char reason[512];
    rd_kafka_NewTopic_t *request =
        rd_kafka_NewTopic_new(topic, (int)partition_count, (int)replicas, reason, sizeof reason);
    if (request == NULL) return fault_set(out_fault, FAULT_CONFIG, "topic %s: %s", topic, reason);
    for (size_t i = 0; i < setting_count; i++) {
        rd_kafka_NewTopic_set_config(request, settings[i].name, settings[i].value);
    }
    struct admin_call call = {send_create, request, RD_KAFKA_ADMIN_OP_CREATETOPICS,
                              "make the topic"};
    rd_kafka_event_t *event;
    bool asked = admin_ask(kafka, topic, &call, &event, out_fault);
    rd_kafka_NewTopic_destroy(request);
    if (!asked) return false;

    size_t count;
    const rd_kafka_topic_result_t **answers =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    CHECK(count == 1);
    rd_kafka_resp_err_t error = rd_kafka_topic_result_error(answers[0]);
    bool existed = error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    bool made = existed || error == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!made) {
        const char *text = rd_kafka_topic_result_error_string(answers[0]);
        fault_set(out_fault, FAULT_CANNOT_CREATE, "topic %s: the broker refuses to make it: %s",
                  topic, text != NULL ? text : rd_kafka_err2str(error));
    }
    rd_kafka_event_destroy(event);
    if (!made) return false;

    /* The controller has it; the broker that is asked next may hear of it a moment later. */
    struct kafka_topic found = {.exists = false};
    struct kafka_wait wait = {0};
    while (!found.exists) {
        if (!kafka_topic_find(kafka, topic, &found, out_fault)) return false;
        if (!found.exists && !kafka_wait_more(kafka, &wait, "is the new topic there", out_fault)) {
            return fault_wrap(out_fault, "topic %s", topic);
        }
    }
    *out_existed = existed;
    return true;
}
