/* What the stories on Kafka drive by hand: the journal and the outputs as the engine sees them, one
 * step per command.
 *
 *     probe topics BOOTSTRAP JOURNAL PARTITIONS REPAIR REPLICAS [SOURCE…]   make them: the journal,
 * JOURNAL.postings … and each source's dead letters probe open   BOOTSTRAP JOURNAL PARTITIONS only
 * open the journal probe append BOOTSTRAP JOURNAL PARTITIONS COUNT                       append
 * "NUMBER" round robin, wait for all probe read   BOOTSTRAP JOURNAL PARTITIONS COUNT [FIRST] print
 * COUNT messages, each partition from FIRST
 *     probe create BOOTSTRAP JOURNAL PARTITIONS PROGRAMME append|record     write record 0 to each
 * partition probe intake BOOTSTRAP JOURNAL PARTITIONS COUNT SOURCE…               take COUNT
 * messages of the sources, group JOURNAL probe entries BOOTSTRAP JOURNAL PARTITIONS COUNT print the
 * entries of COUNT records
 *     probe publish BOOTSTRAP JOURNAL PARTITIONS LAST single|packed|json FIRST
 *                                                                           publish effects FIRST
 * to LAST of each partition probe outputs BOOTSTRAP JOURNAL PARTITIONS print what stands on the
 * outputs
 *
 * Exit code: the fault's, its text on standard error. What Kafka says to people goes to standard
 * output as "say: …". */
#include "tests/kafka/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_event.h"
#include "consumers/codec_record.h"
#include "consumers/genesis.h"
#include "consumers/intake.h"
#include "consumers/journal_kafka.h"
#include "consumers/topics.h"
#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/base/region.h"

enum { READ_MAX = 256, WAIT_MS = 100, PATIENCE_MS = 60000, SOURCES_MAX = 8 };

int64_t
probe_number(const char *text)
{
    int64_t number;
    CHECK_MSG(decimal_parse(bytes_from_cstr(text), 0, &number) == DECIMAL_OK, "%s is no number",
              text);
    return number;
}

static void
say(void *context, const char *line)
{
    (void)context;
    printf("say: %s\n", line);
    fflush(stdout);
}

static bool
probe_topics(struct probe *probe, struct fault *out_fault)
{
    CHECK(probe->argc >= 2);
    char names[TOPIC_COUNT][KAFKA_TOPIC_BYTES];
    probe_output_names(probe->topic, names);
    uint32_t replicas = (uint32_t)probe_number(probe->argv[1]);
    struct topics_plan plan = {.journal = probe->topic,
                               .sources = (const char *const *)probe->argv + 2,
                               .source_count = (size_t)probe->argc - 2,
                               .partition_count = probe->partition_count,
                               .replicas = replicas,
                               .in_sync = replicas,
                               .repair = strcmp(probe->argv[0], "repair") == 0};
    for (int i = 0; i < TOPIC_COUNT; i++)
        plan.outputs[i] = names[i];
    struct topics_report report;
    if (!topics_create(probe->kafka, &plan, &report, out_fault)) return false;
    printf("made %u kept %u repaired %u\n", report.made, report.kept, report.repaired);
    return true;
}

static bool
probe_append(struct probe *probe, struct journal *journal, struct fault *out_fault)
{
    CHECK(probe->argc == 1);
    uint64_t count = (uint64_t)probe_number(probe->argv[0]), next = 0, told = 0;
    struct journal_appender *appender;
    if (!journal->ops->open_appender(journal, &appender, out_fault)) return false;
    bool well = true;
    while (well && appender->ops->acked(appender) < count) {
        while (next < count) {
            char text[24];
            int size = snprintf(text, sizeof text, "%" PRIu64, next);
            if (!appender->ops->append(appender, (uint32_t)(next % probe->partition_count),
                                       bytes_of(text, (size_t)size), out_fault)) {
                break;
            }
            next++;
        }
        if (next < count && out_fault->kind != FAULT_TRY_AGAIN) well = false;
        well = well && appender->ops->poll(appender, WAIT_MS, out_fault);
        uint64_t acked = appender->ops->acked(appender);
        if (acked != told) printf("acked %" PRIu64 "\n", acked);
        told = acked;
        char health[256];
        journal->ops->health(journal, health, sizeof health);
        if (health[0] != '\0') printf("health: %s\n", health);
        fflush(stdout);
    }
    for (uint32_t i = 0; well && i < probe->partition_count; i++) {
        printf("last %u %" PRId64 "\n", i, appender->ops->last_offset(appender, i));
    }
    appender->ops->close(appender);
    return well;
}

static bool
probe_read(struct probe *probe, struct journal *journal, struct fault *out_fault)
{
    CHECK(probe->argc >= 1);
    uint64_t left = (uint64_t)probe_number(probe->argv[0]);
    int64_t first = probe->argc > 1 ? probe_number(probe->argv[1]) : 0;
    struct journal_reader *reader;
    if (!journal->ops->open_reader(journal, &reader, out_fault)) return false;
    bool well = true;
    for (uint32_t i = 0; well && i < probe->partition_count; i++) {
        well = reader->ops->assign(reader, i, first, out_fault);
    }
    while (well && left > 0) {
        struct journal_message messages[READ_MAX];
        size_t count;
        well = reader->ops->read(reader, WAIT_MS, messages, left < READ_MAX ? left : READ_MAX,
                                 &count, out_fault);
        for (size_t i = 0; well && i < count; i++) {
            printf("%u %" PRId64 " %" PRId64 " %.*s\n", messages[i].partition, messages[i].offset,
                   messages[i].append_ms, (int)messages[i].payload.size,
                   (const char *)messages[i].payload.data);
        }
        if (well) left -= count;
        fflush(stdout);
    }
    reader->ops->close(reader);
    return well;
}

static bool
probe_create(struct probe *probe, struct journal *journal, struct fault *out_fault)
{
    CHECK(probe->argc == 2);
    struct genesis genesis = {
        .format = JOURNAL_FORMAT,
        .law = LAW_VERSION,
        .journal_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .programme = bytes_from_cstr(probe->argv[0]),
        .partition_count = journal->ops->partition_count(journal),
        .time_kind = strcmp(probe->argv[1], "record") == 0 ? TIME_RECORD : TIME_APPEND,
    };
    char memory[EVENT_ID_BYTES_MAX];
    struct genesis there;
    unsigned found_count = 0;
    bool found, made;
    for (uint32_t i = 0; i < genesis.partition_count; i++) {
        if (!genesis_read(journal, i, memory, &there, &found, out_fault)) return false;
        found_count += found;
    }
    if (!genesis_write(journal, &genesis, false, &made, out_fault) ||
        !genesis_read(journal, 0, memory, &there, &found, out_fault))
        return false;
    printf("written %u found %u id ", genesis.partition_count - found_count, found_count);
    for (int i = 0; i < JOURNAL_ID_BYTES; i++)
        printf("%02x", there.journal_id[i]);
    printf("\n");
    return true;
}

static bool
probe_intake(struct probe *probe, struct journal *journal, struct fault *out_fault)
{
    CHECK(probe->argc >= 2);
    uint64_t count = (uint64_t)probe_number(probe->argv[0]), told = 0;
    struct intake_source sources[SOURCES_MAX];
    size_t source_count = (size_t)probe->argc - 1;
    CHECK(source_count <= SOURCES_MAX);
    for (size_t i = 0; i < source_count; i++) {
        sources[i] = (struct intake_source){.topic = probe->argv[i + 1], .generation = "g1"};
    }
    struct intake_options options = {
        .sources = sources, .source_count = source_count, .group = probe->topic, .instance = "one"};
    struct intake *intake;
    if (!intake_open(probe->kafka, journal, &options, &intake, out_fault)) return false;
    bool well = true;
    while (well && intake_counters(intake).messages < count) {
        size_t work;
        well = intake_run_once(intake, WAIT_MS, &work, out_fault);
        if (intake_counters(intake).messages != told)
            printf("took %" PRIu64 "\n", intake_counters(intake).messages);
        told = intake_counters(intake).messages;
        fflush(stdout);
    }
    struct intake_counters counters = intake_counters(intake);
    intake_close(intake, PATIENCE_MS);
    printf("messages %" PRIu64 " events %" PRIu64 " refused %" PRIu64 " dead %" PRIu64
           " tombstones %" PRIu64 "\n",
           counters.messages, counters.events, counters.refused, counters.dead_letters,
           counters.tombstones);
    return well;
}

static void
entry_print(const struct journal_message *message, size_t index, const struct entry *entry)
{
    printf("%u %" PRId64 " %zu ", message->partition, message->offset, index);
    if (entry->kind == ENTRY_EVENT) {
        printf("event %.*s %.*s %.*s\n", (int)entry->event.source.size,
               (const char *)entry->event.source.data, (int)entry->event.id.size,
               (const char *)entry->event.id.data, (int)entry->event.member.size,
               (const char *)entry->event.member.data);
    } else if (entry->kind == ENTRY_REFUSED) {
        printf("refused %.*s %.*s\n", (int)entry->refused.id.size,
               (const char *)entry->refused.id.data, (int)entry->refused.detail.size,
               (const char *)entry->refused.detail.data);
    } else if (entry->kind == ENTRY_HOLE) {
        printf("hole %.*s %d %" PRId64 " %.*s\n", (int)entry->hole.topic.size,
               (const char *)entry->hole.topic.data, entry->hole.partition, entry->hole.offset,
               (int)entry->hole.reason.size, (const char *)entry->hole.reason.data);
    } else {
        printf("kind %d\n", entry->kind);
    }
}

static bool
message_print(const struct journal_message *message, struct arena *arena, struct entry *entries,
              struct fault *out_fault)
{
    size_t count;
    arena->used = 0;
    const struct record_decoder *decoder = codec_record_decoder();
    if (!decoder->decode(decoder, message->payload, arena, entries, RECORD_ENTRIES_MAX, &count,
                         out_fault)) {
        return false;
    }
    for (size_t i = 0; i < count; i++)
        entry_print(message, i, &entries[i]);
    return true;
}

static bool
probe_entries(struct probe *probe, struct journal *journal, struct fault *out_fault)
{
    CHECK(probe->argc == 1);
    uint64_t left = (uint64_t)probe_number(probe->argv[0]);
    struct region memory;
    if (!region_map(CODEC_ARENA_BYTES, &memory, out_fault)) return false;
    struct arena arena;
    arena_init(&arena, memory.memory, memory.size);
    struct entry *entries = calloc(RECORD_ENTRIES_MAX, sizeof *entries);
    CHECK(entries != NULL);
    struct journal_reader *reader;
    bool well = journal->ops->open_reader(journal, &reader, out_fault);
    CHECK(well);
    for (uint32_t i = 0; well && i < probe->partition_count; i++)
        well = reader->ops->assign(reader, i, 0, out_fault);
    while (well && left > 0) {
        struct journal_message messages[READ_MAX];
        size_t count;
        well = reader->ops->read(reader, WAIT_MS, messages, left < READ_MAX ? left : READ_MAX,
                                 &count, out_fault);
        for (size_t i = 0; well && i < count; i++)
            well = message_print(&messages[i], &arena, entries, out_fault);
        if (well) left -= count;
    }
    reader->ops->close(reader);
    free(entries);
    region_unmap(&memory);
    return well;
}

static bool
probe_run(const char *verb, struct probe *probe, struct fault *out_fault)
{
    if (strcmp(verb, "topics") == 0) return probe_topics(probe, out_fault);
    if (strcmp(verb, "publish") == 0) return probe_publish(probe, out_fault);
    if (strcmp(verb, "outputs") == 0) return probe_outputs(probe, out_fault);
    struct journal *journal;
    struct journal_kafka_options options = {.topic = probe->topic,
                                            .partition_count = probe->partition_count};
    if (!journal_kafka_open(probe->kafka, &options, &journal, out_fault)) return false;
    bool well = true;
    if (strcmp(verb, "append") == 0) well = probe_append(probe, journal, out_fault);
    if (strcmp(verb, "read") == 0) well = probe_read(probe, journal, out_fault);
    if (strcmp(verb, "create") == 0) well = probe_create(probe, journal, out_fault);
    if (strcmp(verb, "intake") == 0) well = probe_intake(probe, journal, out_fault);
    if (strcmp(verb, "entries") == 0) well = probe_entries(probe, journal, out_fault);
    journal->ops->close(journal);
    return well;
}

int
main(int argc, char **argv)
{
    CHECK(argc >= 5);
    struct kafka_property properties[] = {{"bootstrap.servers", argv[2]}};
    struct kafka_settings settings = {
        .properties = properties, .property_count = 1, .patience_ms = PATIENCE_MS, .say = say};
    struct fault fault = {0};
    struct probe probe = {.topic = argv[3],
                          .partition_count = (uint32_t)probe_number(argv[4]),
                          .argc = argc - 5,
                          .argv = argv + 5};
    bool well = kafka_open(&settings, &probe.kafka, &fault) && probe_run(argv[1], &probe, &fault);
    kafka_close(probe.kafka);
    if (well) return 0;
    fprintf(stderr, "%s\n", fault.text);
    return fault.kind;
}
