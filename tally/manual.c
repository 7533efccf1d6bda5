/* The manual page tally(1) in mdoc (mdoc(7)), from the same tables as --help, so that they cannot
 * disagree. */
#include <string.h>

#include "tally/help.h"

/* Text of a paragraph: what roff would take for an escape or a request is quoted, and the few
 * characters beyond ASCII that our tables use are named, so that the page shows alike in every
 * locale. */
static void
print_text(FILE *out, const char *text)
{
    static const struct {
        const char *character, *name;
    } names[] = {{"…", "..."},   {"→", "\\(->"}, {"×", "\\(mu"},
                 {"§", "\\(sc"}, {"\\", "\\e"},  {"-", "\\-"}};
    if (*text == '.' || *text == '\'') fputs("\\&", out);
    while (*text != '\0') {
        size_t size = 0;
        for (size_t i = 0; i < sizeof names / sizeof *names && size == 0; i++) {
            if (strncmp(text, names[i].character, strlen(names[i].character)) != 0) continue;
            fputs(names[i].name, out);
            size = strlen(names[i].character);
        }
        if (size == 0) {
            fputc(*text, out);
            size = 1;
        }
        text += size;
    }
    fputc('\n', out);
}

static void
print_commands(FILE *out)
{
    size_t count;
    const struct command *commands = command_table(&count);
    fputs(".Sh COMMANDS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ".It Nm tally Cm %s", commands[i].name);
        if (*commands[i].arguments != '\0') fprintf(out, " Ar \"%s\"", commands[i].arguments);
        fputs("\n", out);
        print_text(out, commands[i].description);
        for (enum option_id id = OPTION_CONFIGURATION_COUNT; id < OPTION_COUNT; id++) {
            char flag[OPTION_NAME_MAX];
            option_flag(id, flag);
            bool own = command_accepts(&commands[i], id) && id != OPTION_HELP &&
                       id != OPTION_JSON && id != OPTION_CONFIG;
            if (!own) continue;
            fprintf(out, ".Pp\n.Fl -%s :\n", flag);
            print_text(out, option_info(id)->help);
        }
        fputs(".Pp\nExample:\n.Dl ", out);
        print_text(out, commands[i].example);
    }
    fputs(".El\n", out);
}

static void
print_common_flags(FILE *out)
{
    static const enum option_id common[] = {OPTION_CONFIG, OPTION_HELP, OPTION_JSON};
    fputs(".Sh COMMON FLAGS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        const struct option_info *info = option_info(common[i]);
        char value[64];
        fputs(".It", out);
        if (info->letter != 0) fprintf(out, " Fl %c ,", info->letter);
        fprintf(out, " Fl -%s", info->path);
        if (*help_value(info, value, sizeof value) != '\0') fprintf(out, " Ar %s", value);
        fputc('\n', out);
        print_text(out, info->help);
    }
    fputs(".El\n", out);
}

static void
print_option(FILE *out, enum option_id id)
{
    const struct option_info *info = option_info(id);
    char flag[OPTION_NAME_MAX], variable[OPTION_NAME_MAX], value[96], range[160];
    option_flag(id, flag);
    option_variable(id, variable);
    fprintf(out, ".It Ic %s , Fl -%s Ar \"%s\" , Ev %s\n", info->path, flag,
            help_value(info, value, sizeof value), variable);
    print_text(out, info->help);
    if (*help_range(info, range, sizeof range) != '\0') {
        fputs(".Pp\n", out);
        print_text(out, range);
    }
    if (info->rule.type != VALUE_SOURCES) return;
    size_t count;
    const struct help_source_key *keys = help_source_keys(&count);
    fputs(".Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ".It Ic %s\n", keys[i].key);
        print_text(out, keys[i].info.help);
        if (*help_range(&keys[i].info, range, sizeof range) != '\0') {
            fputs(".Pp\n", out);
            print_text(out, range);
        }
    }
    fputs(".El\n", out);
}

static void
print_exit_codes(FILE *out)
{
    size_t count;
    const struct help_exit_code *codes = help_exit_code_table(&count);
    fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ".It %d\n", codes[i].code);
        print_text(out, codes[i].meaning);
    }
    fputs(".El\n", out);
}

void
help_manual(FILE *out)
{
    fputs(".Dd November 24, 2026\n.Dt TALLY 1\n.Os Tallybook\n.Sh NAME\n.Nm tally\n"
          ".Nd event-sourced points ledger\n.Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar argument "
          "...\n.Op Ar flag ...\n"
          ".Sh DESCRIPTION\n.Nm\nkeeps the points accounts of a loyalty programme. It takes "
          "purchases, refunds and spends from "
          "a journal, in Kafka\nor on the local disk, and publishes postings, verdicts and tier "
          "changes.\n",
          out);
    print_commands(out);
    print_common_flags(out);
    fputs(".Sh CONFIGURATION\nOne YAML file, environment variables and flags; flags win over the "
          "environment, and that over "
          "the file.\nA relative path in the file is relative to the file's folder.\n.Bl -tag "
          "-width Ds\n",
          out);
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        print_option(out, id);
    }
    fputs(".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev TALLY_CONFIG\nThe configuration "
          "file.\n.It Ev NO_COLOR\nWhen set "
          "and not empty: no colours.\n.El\n",
          out);
    print_exit_codes(out);
}
