/*
 * tally-bench-generate: made-up traffic (workload.h). Either a packed journal file, ready to be
 * imported or replayed: record 0 and the activation of a rulebook in every partition, then events.
 * Or events into a source topic of Kafka, single or packed.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/topic_sink.h"
#include "bench/workload.h"
#include "consumers/codec_record.h"
#include "consumers/journal_file.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/murmur2.h"
#include "engine/base/region.h"
#include "engine/rules/activation.h"
#include "engine/rules/compile.h"

struct settings {
    struct workload_options workload;
    const char *out, *rulebook;
    const char *bootstrap, *topic;
    uint32_t partitions;
    uint32_t record_bytes; /* 0: one event a record */
    enum time_kind time_kind;
    uint8_t journal_id[JOURNAL_ID_BYTES];
};

/* A record on its way to one partition. */
struct pack {
    struct record_builder builder;
    uint8_t *memory;
    int64_t next_offset, last_ms;
};

struct generator {
    struct settings settings;
    struct journal_file_writer *writer;
    struct pack packs[PARTITIONS_MAX];
    struct workload workload;
    uint64_t event_bytes;
};

static const char help[] =
    "Usage: tally-bench-generate --out FILE [OPTION...]\n"
    "       tally-bench-generate --topic NAME --bootstrap HOST:PORT [OPTION...]\n"
    "\n"
    "Writes made-up traffic into a packed journal file, or into a source topic of Kafka that is\n"
    "there. The same options give the same events.\n"
    "\n"
    "  --out FILE         the file to write; - is standard output\n"
    "  --topic NAME       the topic to fill; --partitions, --time, --rulebook and --journal-id "
    "say\n"
    "                     nothing then\n"
    "  --bootstrap SERVER where Kafka is (127.0.0.1:9092)\n"
    "  --events N         how many events (1000000)\n"
    "  --members N        among how many members, by Zipf's law (1000000)\n"
    "  --partitions N     of the journal (8)\n"
    "  --refunds N        percent of the events that are refunds (5)\n"
    "  --redeems N        percent that are spends (5); the rest are purchases of three lines\n"
    "  --purchases-only   the same as --refunds 0 --redeems 0\n"
    "  --record-bytes N   pack events into records of about so many bytes (65536); 0: one a "
    "record\n"
    "  --time KIND        history: every event carries its journal time (default); append\n"
    "  --start-ms N       when the first event happens (a file: 1735689600000, the first of 2025;\n"
    "                     a topic: so that the last happens now)\n"
    "  --days N           over how many days the events are spread (60)\n"
    "  --rulebook FILE    activated at the start (schemas/rulebooks/general-retailer.yaml)\n"
    "  --journal-id HEX   32 digits (made from the seed)\n"
    "  --seed N           of all chance (1)\n"
    "\n"
    "Example: tally-bench-generate --out /tmp/five-million.tbj --events 5000000 --purchases-only\n";

/* ---- Options ---- */

static bool
parse_number(const char *name, const char *text, uint64_t max, uint64_t *out_value,
             struct fault *out_fault)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > max)
        return fault_set(out_fault, FAULT_USAGE, "--%s: '%s' is no number from 0 to %" PRIu64, name,
                         text, max);
    *out_value = value;
    return true;
}

static bool
parse_journal_id(const char *text, uint8_t *out_id, struct fault *out_fault)
{
    uint8_t id[JOURNAL_ID_BYTES];
    bool good = strspn(text, "0123456789abcdef") == 2 * sizeof id && text[2 * sizeof id] == '\0';
    for (size_t i = 0; good && i < sizeof id; i++) {
        const char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        id[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    if (!good)
        return fault_set(out_fault, FAULT_USAGE,
                         "--journal-id: '%s' is not 32 digits of 0-9 and a-f", text);
    memcpy(out_id, id, sizeof id);
    return true;
}

static const struct option options[] = {
    {"out", required_argument, NULL, 'o'},
    {"topic", required_argument, NULL, 'T'},
    {"bootstrap", required_argument, NULL, 'B'},
    {"events", required_argument, NULL, 'e'},
    {"members", required_argument, NULL, 'm'},
    {"partitions", required_argument, NULL, 'p'},
    {"refunds", required_argument, NULL, 'r'},
    {"redeems", required_argument, NULL, 's'},
    {"purchases-only", no_argument, NULL, 'u'},
    {"record-bytes", required_argument, NULL, 'b'},
    {"time", required_argument, NULL, 't'},
    {"start-ms", required_argument, NULL, 'f'},
    {"days", required_argument, NULL, 'd'},
    {"rulebook", required_argument, NULL, 'y'},
    {"journal-id", required_argument, NULL, 'j'},
    {"seed", required_argument, NULL, 'x'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool
take_option(struct settings *settings, int letter, const char *name, struct fault *out_fault)
{
    struct workload_options *workload = &settings->workload;
    uint64_t value = 0;
    /* Letters of options that take a number, and its limit. */
    static const struct {
        char letter;
        uint64_t max;
    } limits[] = {
        {'e', INT64_MAX},
        {'m', 99999999},
        {'p', PARTITIONS_MAX},
        {'r', 99},
        {'s', 99},
        {'d', 36500},
        {'x', INT64_MAX},
        {'b', RECORD_BYTES_MAX},
        {'f', INT64_C(4102444800000)},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].letter != letter) continue;
        if (!parse_number(name, optarg, limits[i].max, &value, out_fault)) return false;
    }
    switch (letter) {
    case 'o': settings->out = optarg; return true;
    case 'T': settings->topic = optarg; return true;
    case 'B': settings->bootstrap = optarg; return true;
    case 'e': workload->events = value; return true;
    case 'm': workload->members = (uint32_t)value; return true;
    case 'p': settings->partitions = (uint32_t)value; return true;
    case 'r': workload->refund_percent = (uint32_t)value; return true;
    case 's': workload->redeem_percent = (uint32_t)value; return true;
    case 'u': workload->refund_percent = workload->redeem_percent = 0; return true;
    case 'b': settings->record_bytes = (uint32_t)value; return true;
    case 'f': workload->start_ms = (int64_t)value; return true;
    case 'd': workload->span_ms = (int64_t)value * 86400000; return true;
    case 'y': settings->rulebook = optarg; return true;
    case 'j': return parse_journal_id(optarg, settings->journal_id, out_fault);
    case 'x': workload->seed = value; return true;
    case 't':
        settings->time_kind = strcmp(optarg, "append") == 0 ? TIME_APPEND : TIME_RECORD;
        if (settings->time_kind == TIME_APPEND || strcmp(optarg, "history") == 0) return true;
        return fault_set(out_fault, FAULT_USAGE, "--time: '%s' is neither history nor append",
                         optarg);
    default: return fault_set(out_fault, FAULT_USAGE, "see tally-bench-generate --help");
    }
}

static bool
check_settings(const struct settings *settings, struct fault *out_fault)
{
    const struct workload_options *workload = &settings->workload;
    if ((settings->out == NULL) == (settings->topic == NULL))
        return fault_set(out_fault, FAULT_USAGE, "where to: --out FILE or --topic NAME?");
    if (workload->members == 0 || settings->partitions == 0 || workload->events == 0)
        return fault_set(out_fault, FAULT_USAGE, "--members, --partitions, --events: at least 1");
    if (workload->refund_percent + workload->redeem_percent >= 100)
        return fault_set(out_fault, FAULT_USAGE,
                         "--refunds and --redeems leave no room for purchases");
    return true;
}

static bool
read_settings(int count, char **arguments, struct settings *out_settings, struct fault *out_fault)
{
    struct settings settings = {
        .workload = {.seed = 1,
                     .events = 1000000,
                     .members = 1000000,
                     .refund_percent = 5,
                     .redeem_percent = 5,
                     .span_ms = INT64_C(60) * 86400000},
        .bootstrap = "127.0.0.1:9092",
        .rulebook = "schemas/rulebooks/general-retailer.yaml",
        .partitions = 8,
        .record_bytes = 65536,
        .time_kind = TIME_RECORD,
    };
    int letter, which = 0;
    bool id_given = false;
    while ((letter = getopt_long(count, arguments, "", options, &which)) != -1) {
        if (letter == 'h') {
            fputs(help, stdout);
            exit(0);
        }
        id_given |= letter == 'j';
        if (!take_option(&settings, letter, options[which].name, out_fault)) return false;
    }
    if (optind < count)
        return fault_set(out_fault, FAULT_USAGE, "'%s' is not expected", arguments[optind]);
    if (!check_settings(&settings, out_fault)) return false;
    if (settings.workload.start_ms == 0)
        settings.workload.start_ms = settings.topic == NULL
                                         ? INT64_C(1735689600000)
                                         : clock_wall_ms() - settings.workload.span_ms;
    if (!id_given) {
        struct hash128 id = hash128(BYTES_LITERAL("tally-bench"), settings.workload.seed);
        memcpy(settings.journal_id, &id, sizeof settings.journal_id);
    }
    *out_settings = settings;
    return true;
}

/* ---- Records ---- */

static bool
pack_flush(struct generator *generator, uint32_t partition, struct fault *out_fault)
{
    struct pack *pack = &generator->packs[partition];
    struct bytes span = codec_record_span(&pack->builder);
    if (span.size == 0) return true;
    struct journal_message message = {partition, pack->next_offset++, pack->last_ms, span};
    if (!journal_file_add(generator->writer, &message, out_fault)) return false;
    codec_record_begin(&pack->builder, pack->memory, RECORD_BYTES_MAX);
    return true;
}

static bool
add_event(struct generator *generator, const struct workload_event *event, struct fault *out_fault)
{
    const struct settings *settings = &generator->settings;
    uint32_t partition = murmur2_partition(event->member, settings->partitions);
    struct pack *pack = &generator->packs[partition];
    size_t filled = codec_record_span(&pack->builder).size;
    if (filled + WORKLOAD_EVENT_BYTES_MAX > settings->record_bytes &&
        !pack_flush(generator, partition, out_fault))
        return false;
    int64_t journal_time_ms = settings->time_kind == TIME_RECORD ? event->occurred_at_ms : 0;
    CHECK(codec_record_add_event(&pack->builder, event->wire, journal_time_ms));
    pack->last_ms = event->occurred_at_ms;
    generator->event_bytes += event->wire.size;
    return true;
}

/* Record 0, and the rulebook. */
static bool
begin_partitions(struct generator *generator, const struct activation *activation,
                 struct fault *out_fault)
{
    const struct settings *settings = &generator->settings;
    int64_t start_ms = settings->workload.start_ms;
    int64_t journal_time_ms = settings->time_kind == TIME_RECORD ? start_ms : 0;
    for (uint32_t partition = 0; partition < settings->partitions; partition++) {
        struct pack *pack = &generator->packs[partition];
        struct genesis genesis = {
            .format = JOURNAL_FORMAT,
            .law = LAW_VERSION,
            .programme = BYTES_LITERAL("bench"),
            .partition_count = settings->partitions,
            .partition = partition,
            .time_kind = settings->time_kind,
        };
        memcpy(genesis.journal_id, settings->journal_id, sizeof genesis.journal_id);
        pack->memory = malloc(RECORD_BYTES_MAX);
        CHECK(pack->memory != NULL);
        pack->last_ms = start_ms;
        codec_record_begin(&pack->builder, pack->memory, RECORD_BYTES_MAX);
        CHECK(codec_record_add_genesis(&pack->builder, &genesis, journal_time_ms));
        if (!pack_flush(generator, partition, out_fault)) return false;
        if (!codec_record_add_activation(&pack->builder, activation, journal_time_ms))
            return fault_set(out_fault, FAULT_DATA, "%s: does not fit into a record",
                             settings->rulebook);
        if (!pack_flush(generator, partition, out_fault)) return false;
    }
    return true;
}

static bool
load_rulebook(const struct settings *settings, struct arena *arena,
              struct activation *out_activation, struct fault *out_fault)
{
    FILE *file = fopen(settings->rulebook, "rb");
    if (file == NULL)
        return fault_set(out_fault, FAULT_NO_INPUT, "%s: cannot open: %m", settings->rulebook);
    static uint8_t text[1024 * 1024];
    struct bytes yaml = bytes_of(text, fread(text, 1, sizeof text, file));
    fclose(file);
    struct activation_terms terms = {
        .live = settings->time_kind == TIME_APPEND,
        .now = {settings->workload.start_ms},
        .retroactive = settings->time_kind == TIME_APPEND,
    };
    static struct diagnostics diagnostics;
    static struct program program;
    diagnostics_init(&diagnostics, settings->rulebook, yaml);
    bool built = activation_build(yaml, &terms, arena, &diagnostics, &program, out_activation);
    if (!built) {
        diagnostics_print(&diagnostics, stderr);
        return fault_set(out_fault, FAULT_CONFIG, "%s: has mistakes", settings->rulebook);
    }
    return true;
}

/* ---- All of it ---- */

static bool
write_events(struct generator *generator, struct fault *out_fault)
{
    workload_init(&generator->workload, &generator->settings.workload);
    for (uint64_t i = 0; i < generator->settings.workload.events; i++) {
        struct workload_event event;
        workload_next(&generator->workload, &event);
        if (!add_event(generator, &event, out_fault)) return false;
    }
    for (uint32_t partition = 0; partition < generator->settings.partitions; partition++)
        if (!pack_flush(generator, partition, out_fault)) return false;
    return true;
}

static bool
fill_file(struct generator *generator, struct fault *out_fault)
{
    const struct settings *settings = &generator->settings;
    struct region region;
    struct arena arena;
    struct activation activation;
    if (!region_map(RULES_ARENA_BYTES, &region, out_fault)) return false;
    arena_init(&arena, region.memory, region.size);
    bool done =
        load_rulebook(settings, &arena, &activation, out_fault) &&
        journal_file_create(settings->out, settings->partitions, &generator->writer, out_fault);
    if (done) {
        done = begin_partitions(generator, &activation, out_fault) &&
               write_events(generator, out_fault);
        if (!done)
            journal_file_abandon(generator->writer);
        else
            done = journal_file_finish(generator->writer, out_fault);
    }
    for (uint32_t partition = 0; partition < settings->partitions; partition++)
        free(generator->packs[partition].memory);
    region_unmap(&region);
    return done;
}

static bool
fill_topic(struct generator *generator, struct fault *out_fault)
{
    const struct settings *settings = &generator->settings;
    struct topic_sink *sink;
    if (!topic_sink_open(settings->bootstrap, settings->topic, settings->record_bytes, &sink,
                         out_fault))
        return false;
    bool done = true;
    workload_init(&generator->workload, &settings->workload);
    for (uint64_t i = 0; done && i < settings->workload.events; i++) {
        struct workload_event event;
        workload_next(&generator->workload, &event);
        generator->event_bytes += event.wire.size;
        done = topic_sink_add(sink, &event, out_fault);
    }
    done = done && topic_sink_finish(sink, out_fault);
    topic_sink_close(sink);
    return done;
}

int
main(int count, char **arguments)
{
    static struct generator generator;
    struct fault fault;
    int64_t begin_ns = clock_monotonic_ns();
    bool done = read_settings(count, arguments, &generator.settings, &fault) &&
                (generator.settings.topic != NULL ? fill_topic(&generator, &fault)
                                                  : fill_file(&generator, &fault));
    if (!done) {
        fprintf(stderr, "tally-bench-generate: %s\n", fault.text);
        return (int)fault.kind;
    }
    uint64_t events = generator.settings.workload.events;
    int64_t took_ms = (clock_monotonic_ns() - begin_ns) / 1000000;
    fprintf(stderr, "%" PRIu64 " events of %" PRIu64 " bytes in %" PRId64 " ms\n", events,
            generator.event_bytes / events, took_ms);
    return 0;
}
