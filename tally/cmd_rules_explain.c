#include "engine/rules/report.h"
#include "tally/command.h"

int
cmd_rules_explain(struct command_context *context)
{
    bool json = options_flag(context->options, OPTION_JSON), sound;
    struct fault fault;
    if (!rules_explain_file(context->arguments[0], json, context->out->file, context->err->file,
                            &sound, &fault)) {
        return command_fail(context, &fault);
    }
    return sound ? 0 : FAULT_DATA;
}
