#include <string.h>

#include "tally/help.h"

static int
no_such_topic(const struct command_context *context, const char *name)
{
    struct fault fault;
    fault_set(&fault, FAULT_USAGE,
              "there is no help on '%s'; see 'tally help' for the commands, or exit-codes, "
              "verdicts, options, rulebook",
              name);
    return command_fail(context, &fault);
}

static void
help_manual_page(const struct terminal *terminal, bool json)
{
    (void)json; /* a page for man(1) has one form */
    help_manual(terminal->file);
}

int
cmd_help(struct command_context *context)
{
    static const struct {
        const char *name;
        void (*print)(const struct terminal *terminal, bool json);
    } topics[] = {
        {"exit-codes", help_exit_codes}, {"verdicts", help_verdicts}, {"options", help_options},
        {"rulebook", help_rulebook},     {"man", help_manual_page},
    };
    char name[128];
    if (context->argument_count == 0) {
        help_overview(context->out, context->json);
        return 0;
    }
    bool two = context->argument_count == 2;
    snprintf(name, sizeof name, "%s%s%s", context->arguments[0], two ? " " : "",
             two ? context->arguments[1] : "");
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        if (strcmp(topics[i].name, name) != 0) continue;
        topics[i].print(context->out, context->json);
        return 0;
    }
    if (help_group(context->out, name, context->json)) return 0;
    const struct command *command = command_find(name);
    if (command == NULL) return no_such_topic(context, name);
    help_command(context->out, command, context->json);
    return 0;
}
