#include "engine/rules/report.h"
#include "tally/command.h"

int
cmd_rules_diff(struct command_context *context)
{
    const char *const paths[2] = {context->arguments[0], context->arguments[1]};
    bool json = options_flag(context->options, OPTION_JSON), sound;
    enum explain_language language =
        (enum explain_language)options_number(context->options, OPTION_LANGUAGE);
    struct fault fault;
    if (!rules_diff_files(paths, language, json, context->out->file, context->err->file, &sound,
                          &fault)) {
        return command_fail(context, &fault);
    }
    return sound ? 0 : FAULT_DATA;
}
