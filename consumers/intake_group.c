#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/intake_priv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"

enum {
    COMMIT_EVERY_MS =
        200, /* what is read again after a crash: little, and a commit costs the broker a record */
    REVOKE_PATIENCE_MS =
        2000, /* below the least session time-out of a group: others wait for our partitions */
    DRAIN_POLL_MS = 20,
    COMMIT_WAIT_MS = 2000,
    INSTANCE_BYTES = 256, /* the broker allows 249 */
};

static const char *const group_settings[][2] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"},
    {"isolation.level", "read_committed"},
    {"partition.assignment.strategy", "range"}, /* cooperative assignment loses messages in 2.0.2 */
    {"queued.max.messages.kbytes", "32768"},
};

/* ---- Assignment ------------------------------------------------------------------------------ */

static void
lanes_drop(struct intake *intake)
{
    free(intake->lanes);
    intake->lanes = NULL;
    intake->lane_count = 0;
    intake->counters.assigned = 0;
    if (intake->cut.offsets != NULL) rd_kafka_topic_partition_list_destroy(intake->cut.offsets);
    intake->cut = (struct intake_cut){.open = false};
}

static void
proposed_drop(struct intake *intake)
{
    if (intake->proposed == NULL) return;
    rd_kafka_topic_partition_list_destroy(intake->proposed);
    intake->proposed = NULL;
}

/* @thread the intake's, within a poll. An assignment is only noted here: its offsets are asked for
 * by intake_group_serve, which may have to ask again, and the library waits for the answer. */
static void
on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *partitions,
             void *opaque)
{
    struct kafka_client *client = opaque;
    struct intake *intake = client->owner;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        proposed_drop(intake);
        intake->proposed = rd_kafka_topic_partition_list_copy(partitions);
        return;
    }
    proposed_drop(intake);
    struct fault fault;
    if (intake->lane_count > 0 && !intake_group_drain(intake, REVOKE_PATIENCE_MS, &fault)) {
        kafka_note(client->kafka,
                   fault.text); /* whoever gets the partitions reads some messages again */
    }
    lanes_drop(intake);
    rd_kafka_assign(rk, NULL);
}

/* @thread the intake's, within a poll */
static void
on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *offsets,
          void *opaque)
{
    (void)rk;
    (void)offsets;
    struct kafka_client *client = opaque;
    struct intake *intake = client->owner;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET) {
        intake->counters.commits++;
        return;
    }
    intake->counters.commits_failed++;
    intake->commit_again = true;
}

/* False for a topic that is none of our sources: a member that comes back under its instance id
 * with other sources may be given its old partitions once more. */
static bool
source_find(const struct intake *intake, const char *topic, size_t *out_index)
{
    for (size_t i = 0; i < intake->source_count; i++) {
        if (strcmp(intake->sources[i].topic, topic) != 0) continue;
        *out_index = i;
        return true;
    }
    return false;
}

/* Where one partition goes on; false with a fault, or with *out_again when the cluster does not
 * answer now. */
static bool
offset_resolve(struct intake *intake, rd_kafka_topic_partition_t *partition, bool *out_again,
               struct fault *out_fault)
{
    int64_t first, end, committed = partition->offset;
    rd_kafka_resp_err_t error =
        partition->err != RD_KAFKA_RESP_ERR_NO_ERROR
            ? partition->err
            : rd_kafka_query_watermark_offsets(intake->client.rk, partition->topic,
                                               partition->partition, &first, &end, KAFKA_ASK_MS);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        *out_again = kafka_error_passes(error);
        return fault_set(out_fault, FAULT_UNAVAILABLE,
                         "topic %s, partition %d: cannot ask for its offsets: %s", partition->topic,
                         partition->partition, rd_kafka_err2str(error));
    }
    if (committed < 0) { /* never read by this group: from its beginning */
        partition->offset = first;
        return true;
    }
    if (committed > end) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %d: group %s has read up to offset %" PRId64
                         ", but the log ends at %" PRId64
                         ": the topic was made anew; give the source another `generation` and "
                         "commit offset %" PRId64 " for the group to read it from its beginning",
                         partition->topic, partition->partition, intake->group, committed, end,
                         first);
    }
    if (committed < first) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %d: group %s has read up to offset %" PRId64
                         ", but retention removed all before %" PRId64 ": %" PRId64
                         " messages were never read; commit offset %" PRId64
                         " for the group to go on without them",
                         partition->topic, partition->partition, intake->group, committed, first,
                         first - committed, first);
    }
    return true;
}

bool
intake_group_serve(struct intake *intake, struct fault *out_fault)
{
    if (intake->proposed == NULL) return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(intake->proposed);
    rd_kafka_resp_err_t error = rd_kafka_committed(intake->client.rk, list, KAFKA_ASK_MS);
    bool well = true, again = false;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        again = kafka_error_passes(error);
        well = fault_set(out_fault, FAULT_UNAVAILABLE, "group %s: cannot ask for its offsets: %s",
                         intake->group, rd_kafka_err2str(error));
    }
    for (int i = 0; well && i < list->cnt; i++)
        well = offset_resolve(intake, &list->elems[i], &again, out_fault);
    if (!well) {
        rd_kafka_topic_partition_list_destroy(list);
        if (again) kafka_note(intake->client.kafka, out_fault->text);
        return again; /* the next cycle asks again */
    }
    lanes_drop(intake);
    intake->lanes = calloc(list->cnt == 0 ? 1 : (size_t)list->cnt, sizeof *intake->lanes);
    CHECK(intake->lanes != NULL);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *from = &list->elems[i];
        struct intake_lane lane = {
            .partition = from->partition, .next = from->offset, .committed = from->offset};
        if (source_find(intake, from->topic, &lane.source))
            intake->lanes[intake->lane_count++] = lane;
    }
    intake->counters.assigned = intake->lane_count;
    rd_kafka_assign(intake->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    proposed_drop(intake);
    return true;
}

struct intake_lane *
intake_group_lane(struct intake *intake, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    for (size_t i = 0; i < intake->lane_count; i++) {
        struct intake_lane *lane = &intake->lanes[i];
        if (lane->partition == message->partition &&
            strcmp(intake->sources[lane->source].topic, topic) == 0) {
            return lane;
        }
    }
    return NULL;
}

/* ---- Offsets --------------------------------------------------------------------------------- */

/* Everything taken so far is sent; its end is noted beside the offsets behind it. */
static bool
cut_make(struct intake *intake, struct fault *out_fault)
{
    if (!intake_pack_flush(intake->pack, out_fault)) return false;
    rd_kafka_topic_partition_list_t *offsets =
        rd_kafka_topic_partition_list_new((int)intake->lane_count);
    for (size_t i = 0; i < intake->lane_count; i++) {
        struct intake_lane *lane = &intake->lanes[i];
        if (lane->next == lane->committed && !intake->commit_again) continue;
        rd_kafka_topic_partition_list_add(offsets, intake->sources[lane->source].topic,
                                          lane->partition)
            ->offset = lane->next;
        lane->committed = lane->next;
    }
    intake->commit_again = false;
    intake->cut_ns = clock_monotonic_ns();
    if (offsets->cnt == 0) {
        rd_kafka_topic_partition_list_destroy(offsets);
        return true;
    }
    intake->cut = (struct intake_cut){.open = true,
                                      .records = intake_pack_appended(intake->pack),
                                      .letters = intake->letters_sent,
                                      .offsets = offsets};
    return true;
}

static bool
cut_is_durable(const struct intake *intake)
{
    return intake_pack_durable(intake->pack) >= intake->cut.records &&
           dead_letters_acked(intake->letters) >= intake->cut.letters;
}

/* With wait_ms the answer is waited for, as long as that: a synchronous commit would wait for a
 * broker that is away. */
static void
cut_commit(struct intake *intake, int wait_ms)
{
    rd_kafka_queue_t *queue = wait_ms > 0 ? rd_kafka_queue_new(intake->client.rk) : NULL;
    rd_kafka_resp_err_t error = wait_ms > 0
                                    ? rd_kafka_commit_queue(intake->client.rk, intake->cut.offsets,
                                                            queue, on_commit, &intake->client)
                                    : rd_kafka_commit(intake->client.rk, intake->cut.offsets, true);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        intake->counters.commits_failed++;
        intake->commit_again = true;
    } else if (queue != NULL) {
        rd_kafka_queue_poll_callback(queue, wait_ms);
    }
    if (queue != NULL) rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(intake->cut.offsets);
    intake->cut = (struct intake_cut){.open = false};
}

bool
intake_group_commit(struct intake *intake, bool now, struct fault *out_fault)
{
    if (intake->cut.open && cut_is_durable(intake)) cut_commit(intake, 0);
    if (intake->cut.open) return true;
    bool due = clock_monotonic_ns() - intake->cut_ns >= COMMIT_EVERY_MS * INT64_C(1000000);
    return now || due ? cut_make(intake, out_fault) : true;
}

static bool
cut_await(struct intake *intake, int64_t deadline_ns, struct fault *out_fault)
{
    while (intake->cut.open && !cut_is_durable(intake)) {
        if (clock_monotonic_ns() >= deadline_ns) {
            return fault_set(out_fault, FAULT_TRY_AGAIN,
                             "what was read last is not durable yet: it will be read again");
        }
        if (!intake_pack_poll(intake->pack, DRAIN_POLL_MS, out_fault)) return false;
        if (!dead_letters_poll(intake->letters, 0, out_fault)) return false;
    }
    if (intake->cut.open) cut_commit(intake, COMMIT_WAIT_MS);
    return true;
}

bool
intake_group_drain(struct intake *intake, int patience_ms, struct fault *out_fault)
{
    int64_t deadline_ns = clock_monotonic_ns() + patience_ms * INT64_C(1000000);
    return cut_await(intake, deadline_ns, out_fault) && cut_make(intake, out_fault) &&
           cut_await(intake, deadline_ns, out_fault);
}

/* ---- Life ------------------------------------------------------------------------------------ */

/* The broker gives a member that comes back under its name the partitions that it had, without
 * asking for its topics: so the name changes with them. */
static void
instance_name(const struct intake_options *options, char out_name[static INSTANCE_BYTES])
{
    uint64_t hash = 0;
    for (size_t i = 0; i < options->source_count; i++) {
        hash = hash64(bytes_from_cstr(options->sources[i].topic), hash);
    }
    snprintf(out_name, INSTANCE_BYTES, "%.200s-%016" PRIx64, options->instance, hash);
}

bool
intake_group_open(struct intake *intake, struct kafka *kafka, const struct intake_options *options,
                  struct fault *out_fault)
{
    intake->client.owner = intake;
    rd_kafka_conf_t *conf = kafka_conf(kafka, &intake->client);
    for (size_t i = 0; i < sizeof group_settings / sizeof *group_settings; i++) {
        kafka_conf_own(conf, group_settings[i][0], group_settings[i][1]);
    }
    kafka_conf_own(conf, "group.id", options->group);
    if (options->instance != NULL) {
        char instance[INSTANCE_BYTES];
        instance_name(options, instance);
        kafka_conf_own(conf, "group.instance.id", instance);
    }
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    if (!kafka_client_start(&intake->client, RD_KAFKA_CONSUMER, conf, out_fault)) return false;
    rd_kafka_poll_set_consumer(intake->client.rk);

    rd_kafka_topic_partition_list_t *topics =
        rd_kafka_topic_partition_list_new((int)intake->source_count);
    for (size_t i = 0; i < intake->source_count; i++) {
        rd_kafka_topic_partition_list_add(topics, intake->sources[i].topic, RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t error = rd_kafka_subscribe(intake->client.rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    return fault_set(out_fault, FAULT_CONFIG, "sources: cannot subscribe: %s",
                     rd_kafka_err2str(error));
}

void
intake_group_close(struct intake *intake)
{
    if (intake->client.rk == NULL) return;
    rd_kafka_consumer_close(intake->client.rk); /* serves on_rebalance a last time */
    lanes_drop(intake);
    proposed_drop(intake);
    rd_kafka_destroy(intake->client.rk);
}
