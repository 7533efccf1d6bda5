#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "consumers/kafka.h"

static bool
open_with(const struct kafka_property *properties, size_t count, struct fault *out_fault)
{
    struct kafka_settings settings = {.properties = properties, .property_count = count};
    struct kafka *kafka;
    if (!kafka_open(&settings, &kafka, out_fault)) return false;
    kafka_close(kafka);
    return true;
}

Test(kafka, settings_are_judged_at_once)
{
    static const struct {
        const char *what;
        struct kafka_property property;
        const char *text; /* of the fault; NULL: it is taken */
    } rows[] = {
        {"the library's", {"linger.ms", "20"}, NULL},
        {"of consumers", {"fetch.max.bytes", "1000000"}, NULL},
        {"unknown", {"linger.msec", "20"}, "kafka.linger.msec: No such configuration property"},
        {"out of range", {"linger.ms", "-3"}, "kafka.linger.ms: "},
        {"no number", {"linger.ms", "soon"}, "kafka.linger.ms: "},
        {"no choice", {"security.protocol", "open"}, "kafka.security.protocol: "},
        {"durability", {"acks", "1"}, "kafka.acks: not to be set, because everything written"},
        {"order", {"enable.idempotence", "false"}, "kafka.enable.idempotence: not to be set"},
        {"exactness", {"auto.offset.reset", "latest"}, "must stop the reader"},
        {"the group", {"group.id", "mine"}, "it is the option `group`"},
        {"judged together", {"ssl.ca.location", "/nowhere/at/all"}, "kafka: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kafka_property properties[] = {
            {"bootstrap.servers", "127.0.0.1:1"}, {"security.protocol", "ssl"}, rows[i].property};
        struct fault fault = {0};
        bool taken = open_with(properties, 3, &fault);
        cr_expect_eq(taken, rows[i].text == NULL, "%s: %s", rows[i].what, fault.text);
        if (rows[i].text == NULL) continue;
        cr_expect_eq(fault.kind, FAULT_CONFIG, "%s", rows[i].what);
        cr_expect_neq(strstr(fault.text, rows[i].text), NULL, "%s: %s", rows[i].what, fault.text);
    }
}

Test(kafka, a_cluster_has_to_be_named)
{
    struct fault fault = {0};
    cr_expect_not(open_with(NULL, 0, &fault));
    cr_expect_eq(fault.kind, FAULT_CONFIG);
    cr_expect_neq(strstr(fault.text, "kafka.bootstrap.servers: missing"), NULL, "%s", fault.text);
}

static void
count_line(void *context, const char *line)
{
    cr_expect_neq(strstr(line, "127.0.0.1:1"), NULL, "%s", line);
    (*(unsigned *)context)++;
}

/* Nobody listens on port 1. */
Test(kafka, patience_ends_in_a_fault_that_names_the_broker)
{
    struct kafka_property properties[] = {{"bootstrap.servers", "127.0.0.1:1"}};
    unsigned lines = 0;
    struct kafka_settings settings = {.properties = properties,
                                      .property_count = 1,
                                      .patience_ms = 1500,
                                      .say = count_line,
                                      .say_context = &lines};
    struct fault fault = {0};
    struct kafka *kafka;
    cr_assert(kafka_open(&settings, &kafka, &fault), "%s", fault.text);
    struct kafka_topic topic;
    cr_expect_not(kafka_topic_find(kafka, "t", &topic, &fault));
    cr_expect_eq(fault.kind, FAULT_UNAVAILABLE);
    cr_expect_neq(strstr(fault.text, "broker 127.0.0.1:1: no answer"), NULL, "%s", fault.text);
    cr_expect_eq(lines, 1, "said %u times", lines);
    char health[256];
    kafka_health(kafka, health, sizeof health);
    cr_expect_neq(strstr(health, "broker 127.0.0.1:1 away for "), NULL, "%s", health);
    kafka_close(kafka);
}
