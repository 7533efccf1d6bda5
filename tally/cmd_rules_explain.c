#include "engine/rules/report.h"
#include "tally/command.h"

int
cmd_rules_explain(struct command_context *context)
{
    bool json = options_flag(context->options, OPTION_JSON), sound;
    enum explain_language language =
        (enum explain_language)options_number(context->options, OPTION_LANGUAGE);
    struct fault fault;
    if (!rules_explain_file(context->arguments[0], language, json, context->out->file,
                            context->err->file, &sound, &fault)) {
        return command_fail(context, &fault);
    }
    return sound ? 0 : FAULT_DATA;
}
