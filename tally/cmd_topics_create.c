/* Makes the Kafka topics of a programme, and mends them. */
#include <stdlib.h>

#include "consumers/kafka.h"
#include "consumers/topics.h"
#include "engine/base/check.h"
#include "tally/command.h"
#include "tally/session.h"

int
cmd_topics_create(struct command_context *context)
{
    const struct options *options = context->options;
    const char *sources[SOURCES_MAX];
    struct topics_report report;
    struct kafka *kafka;
    struct fault fault;
    session_catch_signals();
    for (size_t i = 0; i < options->source_count; i++)
        sources[i] = options->sources[i].topic;
    struct topics_plan plan = {
        .journal = options_text(options, OPTION_JOURNAL_TOPIC),
        .sources = sources,
        .source_count = options->source_count,
        .partition_count = (uint32_t)options_number(options, OPTION_JOURNAL_PARTITIONS),
        .replicas = (uint32_t)options_number(options, OPTION_REPLICAS),
        .in_sync = (uint32_t)options_number(options, OPTION_IN_SYNC),
        .repair = options_flag(options, OPTION_REPAIR),
    };
    session_output_topics(options, plan.outputs);
    if (!session_open_kafka_client(options, &kafka, &fault)) return command_fail(context, &fault);
    bool ok = topics_create(kafka, &plan, &report, &fault);
    kafka_close(kafka);
    if (!ok) return command_fail(context, &fault);
    if (options_flag(options, OPTION_JSON))
        fprintf(context->out->file, "{\"made\":%u,\"kept\":%u,\"repaired\":%u}\n", report.made,
                report.kept, report.repaired);
    else
        fprintf(context->out->file, "%u topics made, %u there already, %u repaired\n", report.made,
                report.kept, report.repaired);
    return 0;
}
