#include "consumers/topics.h"

#include <stdio.h>
#include <string.h>

#include "consumers/kafka_priv.h"
#include "engine/base/check.h"

/* A message of the journal is a packed record of at most RECORD_BYTES_MAX and Kafka's own framing;
 * outputs are packed to less. A dead letter is its source's message with 16 KiB of headers
 * (interfaces.md). */
enum {
    FRAMING_BYTES = 16 * 1024,
    MESSAGE_BYTES = 1000000 + FRAMING_BYTES,
    DEAD_LETTER_ROOM_BYTES = 16 * 1024,
};

enum topic_kind { KIND_JOURNAL, KIND_OUTPUT, KIND_DEAD_LETTER };

void
topics_dead_letter_name(const char *source, char out_name[static KAFKA_TOPIC_BYTES])
{
    snprintf(out_name, KAFKA_TOPIC_BYTES, "%s-dlt", source);
}

/* ---- What is wrong with a topic -------------------------------------------------------------- */

/* The first setting that makes the topic unfit, or NULL; *out_is and *out_must name its values. */
static const char *
unfit(enum topic_kind kind, const struct kafka_topic_settings *settings, const char **out_is,
      const char **out_must, const char **out_why)
{
    if (kind == KIND_JOURNAL && strcmp(settings->timestamp_type, "LogAppendTime") != 0) {
        *out_is = settings->timestamp_type;
        *out_must = "LogAppendTime";
        *out_why = "the journal's time is the broker's, not a sender's";
        return "message.timestamp.type";
    }
    if (strcmp(settings->cleanup_policy, "delete") != 0) {
        *out_is = settings->cleanup_policy;
        *out_must = "delete";
        *out_why = kind == KIND_JOURNAL ? "compaction would take events out of the ledger's past"
                                        : "compaction would take numbers out of the output";
        return "cleanup.policy";
    }
    return NULL;
}

static void
say_less_durable(struct kafka *kafka, const char *name, const struct kafka_topic *topic,
                 const struct kafka_topic_settings *settings)
{
    if (topic->replicas < TOPICS_REPLICAS) {
        kafka_say(
            kafka,
            "topic %s has %u replicas, not %d: a broker's loss may lose what was acknowledged",
            name, topic->replicas, TOPICS_REPLICAS);
    }
    if (settings->min_insync_replicas < TOPICS_IN_SYNC) {
        kafka_say(kafka,
                  "topic %s has min.insync.replicas=%lld, not %d: an append may be acknowledged by "
                  "one broker alone",
                  name, (long long)settings->min_insync_replicas, TOPICS_IN_SYNC);
    }
    if (settings->unclean_election) {
        kafka_say(kafka,
                  "topic %s has unclean.leader.election.enable=true: an election may cut the log "
                  "behind what was read",
                  name);
    }
}

static bool
find_existing(struct kafka *kafka, const char *name, struct kafka_topic *out_topic,
              struct fault *out_fault)
{
    if (!kafka_topic_find(kafka, name, out_topic, out_fault)) return false;
    if (out_topic->exists) return true;
    return fault_set(out_fault, FAULT_UNAVAILABLE,
                     "topic %s does not exist on %s: " TOPICS_MEND_MISSING, name,
                     kafka_bootstrap(kafka));
}

static bool
check_fit(struct kafka *kafka, const char *name, enum topic_kind kind,
          const struct kafka_topic *topic, bool single_broker, struct fault *out_fault)
{
    struct kafka_topic_settings settings;
    if (!kafka_topic_describe(kafka, name, &settings, out_fault)) return false;
    const char *is, *must, *why;
    const char *setting = unfit(kind, &settings, &is, &must, &why);
    if (setting != NULL) {
        return fault_set(out_fault, FAULT_CONFIG,
                         "topic %s on %s has %s=%s, but must have %s (%s): set it with `tally "
                         "topics create --repair`",
                         name, kafka_bootstrap(kafka), setting, is, must, why);
    }
    if (!single_broker) say_less_durable(kafka, name, topic, &settings);
    if (kind == KIND_JOURNAL && (settings.retention_ms >= 0 || settings.retention_bytes >= 0)) {
        kafka_say(kafka,
                  "topic %s keeps messages for %lld ms and %lld bytes only (-1: for ever): what is "
                  "older can be "
                  "restored from snapshots alone; `tally topics create --repair` lifts it",
                  name, (long long)settings.retention_ms, (long long)settings.retention_bytes);
    }
    return true;
}

static bool
wrong_count(const char *name, uint32_t has, uint32_t expected, const char *mend,
            struct fault *out_fault)
{
    return fault_set(out_fault, FAULT_CONFIG,
                     "topic %s has %u partitions, but journal.partitions is %u: %s", name, has,
                     expected, mend);
}

bool
topics_check_journal(struct kafka *kafka, const char *name, uint32_t *io_partition_count,
                     bool single_broker, struct fault *out_fault)
{
    struct kafka_topic topic;
    if (!find_existing(kafka, name, &topic, out_fault)) return false;
    if (topic.partition_count > PARTITIONS_MAX) {
        return fault_set(out_fault, FAULT_CONFIG,
                         "topic %s has %u partitions: a journal has at most %d", name,
                         topic.partition_count, PARTITIONS_MAX);
    }
    if (*io_partition_count != 0 && topic.partition_count != *io_partition_count) {
        return wrong_count(name, topic.partition_count, *io_partition_count,
                           "a journal keeps its partitions for life: set journal.partitions to "
                           "what the topic has, or "
                           "name another journal.topic and make it with `tally topics create`",
                           out_fault);
    }
    if (!check_fit(kafka, name, KIND_JOURNAL, &topic, single_broker, out_fault)) return false;
    *io_partition_count = topic.partition_count;
    return true;
}

bool
topics_check_output(struct kafka *kafka, const char *name, uint32_t partition_count,
                    bool single_broker, struct fault *out_fault)
{
    struct kafka_topic topic;
    if (!find_existing(kafka, name, &topic, out_fault)) return false;
    if (topic.partition_count != partition_count) {
        return wrong_count(name, topic.partition_count, partition_count,
                           "partition i of the journal feeds partition i of each output: name "
                           "another topic and make "
                           "it with `tally topics create`",
                           out_fault);
    }
    return check_fit(kafka, name, KIND_OUTPUT, &topic, single_broker, out_fault);
}

/* ---- Making and mending ---------------------------------------------------------------------- */

enum { SETTINGS_MAX = 8, NUMBER_BYTES = 24 };

struct wanted {
    struct kafka_property settings[SETTINGS_MAX];
    size_t count;
    char in_sync[NUMBER_BYTES], message_bytes[NUMBER_BYTES];
};

static void
want(struct wanted *wanted, const char *name, const char *value)
{
    CHECK(wanted->count < SETTINGS_MAX);
    wanted->settings[wanted->count++] = (struct kafka_property){name, value};
}

static void
wanted_settings(enum topic_kind kind, uint32_t in_sync, int64_t message_bytes,
                struct wanted *out_wanted)
{
    *out_wanted = (struct wanted){.count = 0};
    snprintf(out_wanted->in_sync, NUMBER_BYTES, "%u", in_sync);
    snprintf(out_wanted->message_bytes, NUMBER_BYTES, "%lld", (long long)message_bytes);
    want(out_wanted, "cleanup.policy", "delete");
    want(out_wanted, "retention.ms", "-1");
    want(out_wanted, "retention.bytes", "-1");
    want(out_wanted, "min.insync.replicas", out_wanted->in_sync);
    want(out_wanted, "unclean.leader.election.enable", "false");
    want(out_wanted, "max.message.bytes", out_wanted->message_bytes);
    /* A dead letter keeps the timestamp of the message that it is (interfaces.md, "Topics"). */
    want(out_wanted, "message.timestamp.type",
         kind == KIND_JOURNAL ? "LogAppendTime" : "CreateTime");
}

static bool
topic_repair(struct kafka *kafka, const char *name, enum topic_kind kind,
             const struct wanted *wanted, struct topics_report *report, struct fault *out_fault)
{
    struct kafka_topic_settings settings;
    if (!kafka_topic_describe(kafka, name, &settings, out_fault)) return false;
    const char *is, *must, *why;
    bool right = unfit(kind, &settings, &is, &must, &why) == NULL && settings.retention_ms < 0 &&
                 settings.retention_bytes < 0;
    if (right) {
        report->kept++;
        return true;
    }
    /* What the cluster's keeper chose for durability is left: only what makes the topic unfit, and
     * retention. */
    struct kafka_property changes[] = {
        {"cleanup.policy", "delete"},
        {"retention.ms", "-1"},
        {"retention.bytes", "-1"},
        {"message.timestamp.type", wanted->settings[wanted->count - 1].value},
    };
    if (!kafka_topic_alter(kafka, name, changes, sizeof changes / sizeof *changes, out_fault))
        return false;
    kafka_say(kafka,
              "topic %s: set cleanup.policy=delete, message.timestamp.type=%s, retention unlimited",
              name, changes[3].value);
    report->repaired++;
    return true;
}

static bool
topic_ensure(struct kafka *kafka, const struct topics_plan *plan, const char *name,
             enum topic_kind kind, uint32_t partition_count, int64_t message_bytes,
             struct topics_report *report, struct fault *out_fault)
{
    struct kafka_topic topic;
    if (!kafka_topic_find(kafka, name, &topic, out_fault)) return false;
    uint32_t replicas = plan->replicas != 0 ? plan->replicas : TOPICS_REPLICAS;
    struct wanted wanted;
    wanted_settings(kind, plan->in_sync != 0 ? plan->in_sync : TOPICS_IN_SYNC, message_bytes,
                    &wanted);
    bool existed = topic.exists;
    if (!existed) {
        if (!kafka_topic_create(kafka, name, partition_count, replicas, wanted.settings,
                                wanted.count, &existed, out_fault)) {
            return fault_wrap(out_fault,
                              "%u replicas asked for (a single broker: --replicas 1 --in-sync 1)",
                              replicas);
        }
        if (!existed) {
            report->made++;
            kafka_say(kafka, "topic %s: made, %u partitions, %u replicas", name, partition_count,
                      replicas);
            return true;
        }
    }
    if (plan->repair && !topic_repair(kafka, name, kind, &wanted, report, out_fault)) return false;
    if (!plan->repair) report->kept++;
    bool single_broker = plan->replicas == 1;
    switch (kind) {
    case KIND_JOURNAL:
        return topics_check_journal(kafka, name, &partition_count, single_broker, out_fault);
    case KIND_OUTPUT:
        return topics_check_output(kafka, name, partition_count, single_broker, out_fault);
    case KIND_DEAD_LETTER: return true; /* any number of partitions will do */
    }
    UNREACHABLE();
}

/* The dead letters of a source: its partitions, and room for its largest message and our headers.
 */
static bool
dead_letter_ensure(struct kafka *kafka, const struct topics_plan *plan, const char *source,
                   struct topics_report *report, struct fault *out_fault)
{
    struct kafka_topic topic;
    struct kafka_topic_settings settings;
    if (!kafka_topic_find(kafka, source, &topic, out_fault)) return false;
    if (!topic.exists) {
        return fault_set(out_fault, FAULT_UNAVAILABLE,
                         "source topic %s does not exist on %s: it belongs to who writes it; make "
                         "it there first, or "
                         "take it out of `sources`",
                         source, kafka_bootstrap(kafka));
    }
    if (!kafka_topic_describe(kafka, source, &settings, out_fault)) return false;
    char name[KAFKA_TOPIC_BYTES];
    topics_dead_letter_name(source, name);
    return topic_ensure(kafka, plan, name, KIND_DEAD_LETTER, topic.partition_count,
                        settings.max_message_bytes + DEAD_LETTER_ROOM_BYTES, report, out_fault);
}

bool
topics_create(struct kafka *kafka, const struct topics_plan *plan, struct topics_report *out_report,
              struct fault *out_fault)
{
    if (plan->partition_count < 1 || plan->partition_count > PARTITIONS_MAX) {
        return fault_set(out_fault, FAULT_CONFIG, "journal.partitions: %u is not within 1 to %d",
                         plan->partition_count, PARTITIONS_MAX);
    }
    struct topics_report report = {0};
    if (!topic_ensure(kafka, plan, plan->journal, KIND_JOURNAL, plan->partition_count,
                      MESSAGE_BYTES, &report, out_fault)) {
        return false;
    }
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (plan->outputs[i] == NULL) continue;
        if (!topic_ensure(kafka, plan, plan->outputs[i], KIND_OUTPUT, plan->partition_count,
                          MESSAGE_BYTES, &report, out_fault)) {
            return false;
        }
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        if (!dead_letter_ensure(kafka, plan, plan->sources[i], &report, out_fault)) return false;
    }
    *out_report = report;
    return true;
}
