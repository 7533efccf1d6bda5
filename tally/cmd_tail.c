/* What is published, one effect a line. */
#include <stdlib.h>
#include <string.h>

#include "tally/command.h"
#include "tally/output_walk.h"
#include "tally/session.h"

struct tail {
    const struct command_context *context;
    struct bytes member;
};

static bool
tail_take(void *argument, const struct output_item *item, struct fault *out_fault)
{
    struct tail *tail = argument;
    FILE *out = tail->context->out->file;
    if (tail->member.size > 0 && !bytes_equal(item->key, tail->member)) return true;
    fprintf(out, "%.*s\n", (int)item->json.size, (const char *)item->json.data);
    if (fflush(out) != 0)
        return fault_set(out_fault, FAULT_IO, "standard output cannot be written");
    return true;
}

int
cmd_tail(struct command_context *context)
{
    const struct options *options = context->options;
    struct session *session;
    struct fault fault;
    session_catch_signals();
    if (!session_open(options, SESSION_SHARED, &session, &fault))
        return command_fail(context, &fault);
    struct journal *journal = session_journal(session);
    struct tail tail = {.context = context,
                        .member = bytes_from_cstr(options_text(options, OPTION_MEMBER))};
    struct output_walk_options walk = {
        .topic = (enum topic)options_number(options, OPTION_TOPIC),
        .last_partition = journal->ops->partition_count(journal) - 1,
        .last = (uint64_t)options_number(options, OPTION_LAST),
        .json = true,
        .follow = options_flag(options, OPTION_FOLLOW),
        .stop = &session_stop,
    };
    bool ok = output_walk(session_outputs(session), &walk, tail_take, &tail, &fault);
    session_close(session);
    return ok ? 0 : command_fail(context, &fault);
}
