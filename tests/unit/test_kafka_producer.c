/* The ordered producer against librdkafka's mock cluster, which can refuse, and against clients
 * that break. What a real broker adds (loss of process and connection) is told in tests/kafka. */
#include <criterion/criterion.h>
#include <inttypes.h>
/* clang-format off: the second needs the first */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/kafka_producer.h"
#include "consumers/kafka_reader.h"

enum {
    PARTITIONS = 2,
    RING_BYTES = 256 * 1024,
    MESSAGE_MAX = 64 * 1024,
    POLLS_MAX = 600,
    PRODUCE = 0
};

struct rig {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    struct kafka *kafka;
    struct kafka_producer *producer;
    struct kafka_lane *lanes[PARTITIONS];
    uint64_t next[PARTITIONS];
};

static void
rig_open(struct rig *rig)
{
    *rig = (struct rig){.host = NULL};
    char reason[128];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", reason, sizeof reason);
    rig->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    cr_assert_neq(rig->host, NULL, "%s", reason);
    rig->cluster = rd_kafka_mock_cluster_new(rig->host, 1);
    rd_kafka_mock_topic_create(rig->cluster, "t", PARTITIONS, 1);

    struct kafka_property properties[] = {
        {"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(rig->cluster)}};
    struct kafka_settings settings = {
        .properties = properties, .property_count = 1, .patience_ms = 20000};
    struct fault fault = {0};
    cr_assert(kafka_open(&settings, &rig->kafka, &fault), "%s", fault.text);
    struct kafka_producer_options options = {
        .ring_bytes = RING_BYTES, .message_max_bytes = MESSAGE_MAX, .mend = "make it"};
    cr_assert(kafka_producer_open(rig->kafka, &options, &rig->producer, &fault), "%s", fault.text);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        rig->lanes[i] = kafka_producer_lane(rig->producer, "t", i);
}

static void
rig_close(struct rig *rig)
{
    kafka_producer_close(rig->producer);
    kafka_close(rig->kafka);
    rd_kafka_mock_cluster_destroy(rig->cluster);
    rd_kafka_destroy(rig->host);
}

/* The lane's next number, in a message of `size` bytes or more. */
static bool
send_next(struct rig *rig, uint32_t partition, size_t size, struct fault *out_fault)
{
    static char text[2 * MESSAGE_MAX];
    memset(text, ' ', size);
    int digits = snprintf(text, sizeof text, "%" PRIu64, rig->next[partition]);
    text[digits] = ' ';
    struct kafka_header header = {.name = "h", .value = bytes_of(text, (size_t)digits)};
    struct kafka_outgoing message = {
        .key = BYTES_LITERAL("k"),
        .value = bytes_of(text, size < (size_t)digits ? (size_t)digits : size),
        .headers = &header,
        .header_count = 1,
        .mark = rig->next[partition] + 1,
        .weight = 1};
    if (!kafka_producer_send(rig->producer, rig->lanes[partition], &message, out_fault))
        return false;
    rig->next[partition]++;
    return true;
}

static void
send_until(struct rig *rig, uint32_t partition, uint64_t end, size_t size)
{
    struct fault fault = {0};
    for (int polls = 0; rig->next[partition] < end && polls < POLLS_MAX;) {
        if (send_next(rig, partition, size, &fault)) continue;
        cr_assert_eq(fault.kind, FAULT_TRY_AGAIN, "%s", fault.text);
        cr_assert(kafka_producer_poll(rig->producer, 50, &fault), "%s", fault.text);
        polls++;
    }
    cr_assert_eq(rig->next[partition], end, "the ring never had room again");
}

static void
await_acked(struct rig *rig)
{
    struct fault fault = {0};
    for (int i = 0; kafka_producer_in_flight(rig->producer) > 0 && i < POLLS_MAX; i++) {
        cr_assert(kafka_producer_poll(rig->producer, 50, &fault), "%s", fault.text);
    }
    cr_assert_eq(kafka_producer_in_flight(rig->producer), 0);
}

/* Reads a partition as a reader of numbers does; returns the number of repeats. */
static unsigned
read_whole(struct rig *rig, uint32_t partition, uint64_t end)
{
    struct fault fault = {0};
    struct kafka_reader *reader;
    cr_assert(kafka_reader_open(rig->kafka, &reader, &fault), "%s", fault.text);
    cr_assert(kafka_reader_assign(reader, "t", partition, 0, 5, &fault), "%s", fault.text);
    uint64_t next = 0;
    int64_t offset = 0;
    unsigned repeats = 0;
    for (int i = 0; next < end && i < POLLS_MAX; i++) {
        struct kafka_message messages[100];
        size_t count;
        cr_assert(kafka_reader_read(reader, 50, messages, 100, &count, &fault), "%s", fault.text);
        for (size_t j = 0; j < count; j++) {
            const rd_kafka_message_t *raw = messages[j].raw;
            char text[24] = {0};
            memcpy(text, raw->payload, raw->len < 23 ? raw->len : 23);
            uint64_t number = strtoull(text, NULL, 10);
            cr_assert_eq(messages[j].tag, 5);
            cr_assert_eq(raw->offset, offset++);
            cr_assert_leq(number, next, "a gap: %" PRIu64 " after %" PRIu64, number, next);
            if (number < next) repeats++;
            if (number == next) next++;
        }
    }
    cr_assert_eq(next, end);
    kafka_reader_close(reader);
    return repeats;
}

Test(kafka_producer, keeps_order_and_counts_what_is_acknowledged)
{
    struct rig rig;
    rig_open(&rig);
    cr_expect_eq(kafka_lane_offset(rig.lanes[0]), -1);
    for (uint64_t i = 1; i <= 500; i++) {
        send_until(&rig, 0, i, 1);
        send_until(&rig, 1, 2 * i, 1);
    }
    await_acked(&rig);
    cr_expect_eq(kafka_producer_acked(rig.producer), 1500);
    cr_expect_eq(kafka_lane_acked(rig.lanes[0]), 500);
    cr_expect_eq(kafka_lane_acked(rig.lanes[1]), 1000);
    cr_expect_eq(kafka_lane_offset(rig.lanes[1]), 1000);
    cr_expect_eq(read_whole(&rig, 0, 500), 0);
    cr_expect_eq(read_whole(&rig, 1, 1000), 0);
    cr_expect_eq(kafka_producer_rebuilds(rig.producer), 0);
    rig_close(&rig);
}

/* Sizes that never divide the ring's, so that its end is met in every way. */
Test(kafka_producer, the_ring_turns_over_and_says_when_it_is_full)
{
    struct rig rig;
    rig_open(&rig);
    struct fault fault = {0};
    unsigned sent = 0;
    while (send_next(&rig, 0, 10007, &fault))
        sent++;
    cr_expect_eq(fault.kind, FAULT_TRY_AGAIN);
    cr_expect_leq(sent, RING_BYTES / 10007);
    cr_expect_geq(sent, RING_BYTES / 10007 - 2);
    for (uint64_t i = sent + 1; i < 400; i++)
        send_until(&rig, 0, i, 1 + i * 7919 % 30011);
    await_acked(&rig);
    cr_expect_eq(kafka_producer_acked(rig.producer), rig.next[0]);
    rig_close(&rig);
}

Test(kafka_producer, sends_again_in_order_after_a_fatal_error)
{
    struct rig rig;
    rig_open(&rig);
    for (uint64_t round = 1; round <= 5; round++) {
        send_until(&rig, 0, round * 200, 100);
        send_until(&rig, 1, round * 100, 100);
        kafka_producer_break(rig.producer);
        send_until(&rig, 0, round * 200 + 50, 100);
        await_acked(&rig);
    }
    cr_expect_eq(kafka_producer_rebuilds(rig.producer), 5);
    cr_expect_eq(kafka_producer_acked(rig.producer), 1050 + 500);
    cr_expect_eq(kafka_lane_acked(rig.lanes[0]), 1050);
    read_whole(&rig, 0, 1050);
    read_whole(&rig, 1, 500);
    rig_close(&rig);
}

Test(kafka_producer, sends_again_what_the_broker_refused_for_the_moment)
{
    static const struct {
        const char *what;
        rd_kafka_resp_err_t error;
        bool rebuilt;
    } rows[] = {
        {"not enough replicas", RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, false},
        {"leader moved", RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, false},
        {"producer forgotten", RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, false},
        {"sequence lost", RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, true},
        {"producer unknown", RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig;
        rig_open(&rig);
        send_until(&rig, 0, 10, 1);
        await_acked(&rig);
        rd_kafka_mock_push_request_errors(rig.cluster, PRODUCE, 1, rows[i].error);
        send_until(&rig, 0, 40, 1);
        await_acked(&rig);
        cr_expect_eq(kafka_lane_acked(rig.lanes[0]), 40, "%s", rows[i].what);
        cr_expect_eq(kafka_producer_rebuilds(rig.producer) > 0, rows[i].rebuilt, "%s",
                     rows[i].what);
        read_whole(&rig, 0, 40);
        rig_close(&rig);
    }
}

Test(kafka_producer, what_can_never_be_accepted_is_a_fault_for_good)
{
    static const struct {
        const char *what;
        rd_kafka_resp_err_t error;
        enum fault_kind kind;
        const char *text;
    } rows[] = {
        {"too large", RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, FAULT_CONFIG,
         "raise max.message.bytes"},
        {"forbidden", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, FAULT_NOT_ALLOWED,
         "grant WRITE"},
        {"refused by the topic", RD_KAFKA_RESP_ERR_INVALID_RECORD, FAULT_CONFIG, "--repair"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig;
        rig_open(&rig);
        rd_kafka_mock_push_request_errors(rig.cluster, PRODUCE, 1, rows[i].error);
        send_until(&rig, 1, 1, 1);
        struct fault fault = {0};
        bool well = true;
        for (int polls = 0; well && polls < POLLS_MAX; polls++)
            well = kafka_producer_poll(rig.producer, 50, &fault);
        cr_expect_not(well, "%s", rows[i].what);
        cr_expect_eq(fault.kind, rows[i].kind, "%s: %s", rows[i].what, fault.text);
        cr_expect_neq(strstr(fault.text, rows[i].text), NULL, "%s: %s", rows[i].what, fault.text);
        cr_expect_neq(strstr(fault.text, "topic t, partition 1"), NULL, "%s: %s", rows[i].what,
                      fault.text);
        cr_expect_not(send_next(&rig, 0, 1, &fault), "%s", rows[i].what);
        rig_close(&rig);
    }
}

Test(kafka_producer, refuses_what_is_larger_than_any_message_may_be)
{
    struct rig rig;
    rig_open(&rig);
    struct fault fault = {0};
    cr_expect_not(send_next(&rig, 0, MESSAGE_MAX + 1, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    rig_close(&rig);
}

Test(kafka_producer, a_lane_that_is_reset_forgets_what_was_not_acknowledged)
{
    struct rig rig;
    rig_open(&rig);
    rd_kafka_mock_broker_set_down(rig.cluster, 1);
    send_until(&rig, 0, 20, 100);
    send_until(&rig, 1, 30, 100);
    kafka_lane_reset(rig.producer, rig.lanes[0], 77, 5);
    cr_expect_eq(kafka_lane_acked(rig.lanes[0]), 77);
    cr_expect_eq(kafka_lane_offset(rig.lanes[0]), 5);
    cr_expect_eq(kafka_producer_in_flight(rig.producer), 30);
    rd_kafka_mock_broker_set_up(rig.cluster, 1);
    rig.next[0] = 0;
    send_until(&rig, 0, 3, 100);
    await_acked(&rig);
    cr_expect_eq(kafka_lane_acked(rig.lanes[0]), 3);
    cr_expect_eq(kafka_lane_offset(rig.lanes[0]), 3);
    cr_expect_eq(kafka_producer_acked(rig.producer), 53);
    cr_expect_eq(read_whole(&rig, 0, 3), 0);
    cr_expect_eq(read_whole(&rig, 1, 30), 0);
    rig_close(&rig);
}

Test(kafka_reader, begins_again_where_it_is_told_and_leaves_the_others)
{
    struct rig rig;
    rig_open(&rig);
    send_until(&rig, 0, 50, 1);
    send_until(&rig, 1, 50, 1);
    await_acked(&rig);
    struct fault fault = {0};
    struct kafka_reader *reader;
    cr_assert(kafka_reader_open(rig.kafka, &reader, &fault), "%s", fault.text);
    int64_t expected[PARTITIONS] = {0, 40};
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        cr_assert(kafka_reader_assign(reader, "t", i, expected[i], i, &fault), "%s", fault.text);
    }
    bool again = false;
    for (int polls = 0; (expected[0] < 50 || expected[1] < 50) && polls < POLLS_MAX; polls++) {
        struct kafka_message messages[7];
        size_t count;
        cr_assert(kafka_reader_read(reader, 50, messages, 7, &count, &fault), "%s", fault.text);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(messages[i].raw->offset, expected[messages[i].tag]++);
        }
        if (!again && expected[0] >= 20) {
            expected[0] = 10;
            cr_assert(kafka_reader_assign(reader, "t", 0, 10, 0, &fault), "%s", fault.text);
            again = true;
        }
    }
    cr_expect(again);
    cr_expect_eq(expected[0], 50);
    cr_expect_eq(expected[1], 50);
    kafka_reader_close(reader);
    rig_close(&rig);
}
