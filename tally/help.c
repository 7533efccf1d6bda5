#include "tally/help.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/schema.h"

enum { INDENT = 4, LINE_COLUMNS_MAX = 100, VALUE_TEXT_MAX = 96, RANGE_TEXT_MAX = 160 };

static const struct help_exit_code exit_codes[] = {
    {0, "all went well", "nothing to do"},
    {COMMAND_REFUSED_SOME,
     "an import is done, and some of its rows were refused, each with its reason",
     "see --refused FILE; mend them and import again: what was taken stays as it is"},
#define EXIT_CODE(FAULT, code, meaning, remedy) {FAULT_##FAULT, meaning, remedy},
#include "tally/exit_codes.def"
#undef EXIT_CODE
};

#define EXIT_CODE(FAULT, code, ...)                                                                \
    static_assert((int)FAULT_##FAULT == code, "fault.h gives exit codes their numbers");
#include "tally/exit_codes.def"
#undef EXIT_CODE

static const struct help_verdict verdicts[] = {
#define VERDICT(number, NAME, name, meaning, remedy) {number, #name, meaning, remedy},
#include "engine/core/verdict.def"
#undef VERDICT
};

static const struct help_source_key source_keys[] = {
#define SOURCE_OPTION(field, key, TYPE, default_text, least, most, words, help)                    \
    {key, {key, 0, {VALUE_##TYPE, least, most, words}, #TYPE, default_text, false, help}},
#include "tally/options.def"
};

const struct help_exit_code *
help_exit_code_table(size_t *out_count)
{
    *out_count = sizeof exit_codes / sizeof *exit_codes;
    return exit_codes;
}

const struct help_verdict *
help_verdict_table(size_t *out_count)
{
    *out_count = sizeof verdicts / sizeof *verdicts;
    return verdicts;
}

const struct help_source_key *
help_source_keys(size_t *out_count)
{
    *out_count = sizeof source_keys / sizeof *source_keys;
    return source_keys;
}

/* Prints words in lines of at most the terminal's columns, each line indented. */
static void
print_wrapped(const struct terminal *terminal, const char *text, unsigned indent)
{
    unsigned limit = terminal->columns < LINE_COLUMNS_MAX ? terminal->columns : LINE_COLUMNS_MAX;
    size_t column = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        size_t width = text_width(bytes_of(text, size));
        if (column > indent && column + 1 + width > limit) {
            fputc('\n', terminal->file);
            column = 0;
        }
        if (column == 0) {
            fprintf(terminal->file, "%*s", (int)indent, "");
            column = indent;
        } else {
            fputc(' ', terminal->file);
            column++;
        }
        fwrite(text, 1, size, terminal->file);
        column += width;
        text += size;
        text += strspn(text, " ");
    }
    fputc('\n', terminal->file);
}

static void
print_heading(const struct terminal *terminal, const char *text)
{
    fprintf(terminal->file, "\n%s%s%s\n", terminal_style(terminal, STYLE_BOLD), text,
            terminal_style(terminal, STYLE_PLAIN));
}

const char *
help_value(const struct option_info *info, char *out_text, size_t size)
{
    const char *text = info->unit;
    switch (info->rule.type) {
    case VALUE_BOOLEAN: text = ""; break;
    case VALUE_WORD: text = info->rule.words; break;
    case VALUE_SIZE: text = "SIZE"; break;
    case VALUE_INTEGER: text = "N"; break;
    case VALUE_SOURCES:
    case VALUE_PROPERTIES: text = "YAML"; break;
    case VALUE_STRING:
    case VALUE_PATH: break;
    }
    snprintf(out_text, size, "%s", text);
    for (char *at = out_text; *at != '\0' && info->rule.type != VALUE_WORD; at++) {
        if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
    }
    return out_text;
}

const char *
help_range(const struct option_info *info, char *out_text, size_t size)
{
    char least[32], most[32];
    int used = 0;
    *out_text = '\0';
    if (info->rule.type == VALUE_INTEGER) {
        used = snprintf(out_text, size, "%" PRId64 " to %" PRId64 " %s", info->rule.least,
                        info->rule.most, info->unit);
    } else if (info->rule.type == VALUE_SIZE) {
        value_format_size(info->rule.least, least, sizeof least);
        value_format_size(info->rule.most, most, sizeof most);
        used = snprintf(out_text, size, "%s to %s", least, most);
    }
    bool telling = info->default_text != NULL && *info->default_text != '\0' &&
                   info->rule.type != VALUE_BOOLEAN && info->rule.type != VALUE_SOURCES &&
                   info->rule.type != VALUE_PROPERTIES;
    if (telling)
        snprintf(out_text + used, size - (size_t)used, "%sdefault %s", used > 0 ? ", " : "",
                 info->default_text);
    return out_text;
}

/* "  -c, --config FILE" and the sentence below it. */
static void
print_flag(const struct terminal *terminal, enum option_id id)
{
    const struct option_info *info = option_info(id);
    char flag[OPTION_NAME_MAX], value[VALUE_TEXT_MAX], range[RANGE_TEXT_MAX], text[512];
    option_flag(id, flag);
    fprintf(terminal->file, "  %s", terminal_style(terminal, STYLE_CYAN));
    if (info->letter != 0) fprintf(terminal->file, "-%c, ", info->letter);
    fprintf(terminal->file, "--%s%s", flag, terminal_style(terminal, STYLE_PLAIN));
    help_value(info, value, sizeof value);
    fprintf(terminal->file, "%s%s\n", *value != '\0' ? " " : "", value);
    help_range(info, range, sizeof range);
    snprintf(text, sizeof text, *range != '\0' ? "%s (%s)" : "%s", info->help, range);
    print_wrapped(terminal, text, 2 * INDENT);
}

static void
print_commands(const struct terminal *terminal, const char *group)
{
    size_t count, widest = 0;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        size_t width = text_width(bytes_from_cstr(commands[i].name));
        if (command_is_of_group(&commands[i], group) && width > widest) widest = width;
    }
    print_heading(terminal, "Commands");
    for (size_t i = 0; i < count; i++) {
        if (!command_is_of_group(&commands[i], group)) continue;
        fprintf(terminal->file, "  %stally ", terminal_style(terminal, STYLE_CYAN));
        terminal_pad(terminal, bytes_from_cstr(commands[i].name), widest, false);
        fprintf(terminal->file, "%s  %s\n", terminal_style(terminal, STYLE_PLAIN),
                commands[i].summary);
    }
}

void
help_overview(const struct terminal *terminal, bool json)
{
    if (json) {
        help_json_overview(terminal->file, "");
        return;
    }
    fputs("tally: an event-sourced points ledger\n", terminal->file);
    print_commands(terminal, "");
    print_heading(terminal, "More");
    fputs("  'tally COMMAND --help' explains a command, with an example.\n"
          "  'tally help options', 'tally help verdicts', 'tally help exit-codes' and 'tally help "
          "rulebook' list what\n  their names say.\n",
          terminal->file);
}

bool
help_group(const struct terminal *terminal, const char *group, bool json)
{
    if (*group == '\0' || !command_has_group(group)) return false;
    if (json) {
        help_json_overview(terminal->file, group);
        return true;
    }
    fprintf(terminal->file, "tally %s: one more word says what to do\n", group);
    print_commands(terminal, group);
    print_heading(terminal, "More");
    fprintf(terminal->file, "  'tally %s WORD --help' explains each, with an example.\n", group);
    if (strcmp(group, "rules") == 0)
        fputs("  'tally help rulebook' lists every key of a rulebook.\n", terminal->file);
    return true;
}

void
help_command(const struct terminal *terminal, const struct command *command, bool json)
{
    if (json) {
        help_json_command(terminal->file, command);
        return;
    }
    FILE *out = terminal->file;
    fprintf(out, "tally %s: %s\n", command->name, command->summary);
    print_heading(terminal, "Usage");
    fprintf(out, "  tally %s%s%s [FLAG…]\n", command->name, *command->arguments != '\0' ? " " : "",
            command->arguments);
    fputc('\n', out);
    print_wrapped(terminal, command->description, 2);
    print_heading(terminal, "Flags");
    for (enum option_id id = OPTION_CONFIGURATION_COUNT; id < OPTION_COUNT; id++) {
        if (command_accepts(command, id)) print_flag(terminal, id);
    }
    if (command->configured)
        print_wrapped(terminal,
                      "Every option of tally.yaml is a flag too: see 'tally help options'.", 2);
    print_heading(terminal, "Example");
    fprintf(out, "  %s\n", command->example);
}

static void
print_option(const struct terminal *terminal, enum option_id id)
{
    const struct option_info *info = option_info(id);
    char flag[OPTION_NAME_MAX], variable[OPTION_NAME_MAX], value[VALUE_TEXT_MAX],
        range[RANGE_TEXT_MAX];
    option_flag(id, flag);
    option_variable(id, variable);
    fprintf(terminal->file, "\n  %s%s%s    --%s %s    %s\n", terminal_style(terminal, STYLE_CYAN),
            info->path, terminal_style(terminal, STYLE_PLAIN), flag,
            help_value(info, value, sizeof value), variable);
    print_wrapped(terminal, info->help, 2 * INDENT);
    if (*help_range(info, range, sizeof range) != '\0') print_wrapped(terminal, range, 2 * INDENT);
}

void
help_options(const struct terminal *terminal, bool json)
{
    if (json) {
        help_json_options(terminal->file);
        return;
    }
    fputs("Options: a key of tally.yaml, a flag, an environment variable. Flags win over the "
          "environment, and that over the "
          "file.\nLists and maps are written as YAML in flags and variables too: --kafka "
          "'{bootstrap.servers: "
          "\"127.0.0.1:9092\"}'.\n",
          terminal->file);
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        print_option(terminal, id);
        if (option_info(id)->rule.type != VALUE_SOURCES) continue;
        size_t count;
        const struct help_source_key *keys = help_source_keys(&count);
        for (size_t i = 0; i < count; i++) {
            char range[RANGE_TEXT_MAX], text[512];
            help_range(&keys[i].info, range, sizeof range);
            snprintf(text, sizeof text, "%s: %s%s%s%s", keys[i].key, keys[i].info.help,
                     *range != '\0' ? " (" : "", range, *range != '\0' ? ")" : "");
            print_wrapped(terminal, text, 3 * INDENT);
        }
    }
}

void
help_exit_codes(const struct terminal *terminal, bool json)
{
    if (json) {
        help_json_exit_codes(terminal->file);
        return;
    }
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++) {
        fprintf(terminal->file, "%s%3d%s  %s: %s\n", terminal_style(terminal, STYLE_BOLD),
                exit_codes[i].code, terminal_style(terminal, STYLE_PLAIN), exit_codes[i].meaning,
                exit_codes[i].remedy);
    }
}

void
help_verdicts(const struct terminal *terminal, bool json)
{
    if (json) {
        help_json_verdicts(terminal->file);
        return;
    }
    fputs("Every event that reaches the ledger is answered by exactly one of these, in "
          "points.outcomes.v1.\n",
          terminal->file);
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        fprintf(terminal->file, "\n%s%s%s (%u)\n", terminal_style(terminal, STYLE_BOLD),
                verdicts[i].name, terminal_style(terminal, STYLE_PLAIN), verdicts[i].number);
        print_wrapped(terminal, verdicts[i].meaning, INDENT);
        print_wrapped(terminal, verdicts[i].remedy, INDENT);
    }
}

void
help_rulebook(const struct terminal *terminal, bool json)
{
    if (json) {
        schema_write_json(terminal->file);
        return;
    }
    fputs(
        "A rulebook is one YAML file. Its keys, one by one, each with what it may be, its default "
        "and an example.\n"
        "'tally rules check FILE' finds every mistake in one, 'tally rules explain FILE' says what "
        "it does, 'tally rules\n"
        "test FILE' runs the examples beside the rules. 'tally help rulebook --json' prints the "
        "JSON Schema for editors.\n\n",
        terminal->file);
    schema_write_reference(terminal->file);
}
