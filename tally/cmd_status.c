/* How the ledger stands: totals, verdicts, digest, and each partition's place. */
#include <json-c/json.h>
#include <stdlib.h>

#include "tally/command.h"
#include "tally/session.h"
#include "tally/status_print.h"

int
cmd_status(struct command_context *context)
{
    struct session *session;
    struct fault fault;
    char *json = NULL;
    session_catch_signals();
    if (!session_open(context->options, SESSION_QUESTION, &session, &fault))
        return command_fail(context, &fault);
    bool ok = session_status(session, &json, &fault);
    session_close(session);
    if (!ok) return command_fail(context, &fault);
    if (options_flag(context->options, OPTION_JSON)) {
        fprintf(context->out->file, "%s\n", json);
    } else {
        struct json_object *status = json_tokener_parse(json);
        status_print(context->out, status);
        json_object_put(status);
    }
    free(json);
    return 0;
}
