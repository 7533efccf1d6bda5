#include "tally/command.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rules/diagnostics.h"
#include "tally/help.h"

enum { COMMANDS_MAX = 64, WORD_MAX = 32 };

static const struct command commands[] = {
#define COMMAND(name, function, ...) {name, function, __VA_ARGS__},
#include "tally/commands.def"
#undef COMMAND
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const struct command *
command_table(size_t *out_count)
{
    *out_count = COMMAND_COUNT;
    return commands;
}

const struct command *
command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    }
    return NULL;
}

bool
command_is_of_group(const struct command *command, const char *group)
{
    size_t size = strlen(group);
    return size == 0 || (strncmp(command->name, group, size) == 0 && command->name[size] == ' ');
}

bool
command_has_group(const char *group)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (command_is_of_group(&commands[i], group)) return true;
    }
    return false;
}

bool
command_accepts(const struct command *command, enum option_id id)
{
    if (id == OPTION_HELP || id == OPTION_JSON) return true;
    if (id < OPTION_CONFIGURATION_COUNT || id == OPTION_CONFIG) return command->configured;
    size_t size = strlen(option_info(id)->path);
    for (const char *at = command->flags; *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == size && strncmp(at, option_info(id)->path, size) == 0) return true;
        at += word;
    }
    return false;
}

/* `details` are diagnostics, line by line: they stand before the fault, or inside its object. */
static int
fail_with_details(const struct command_context *context, const struct fault *fault,
                  const char *details)
{
    FILE *file = context->err->file;
    if (context->json) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "error",
                               json_object_new_string(fault_kind_name(fault->kind)));
        json_object_object_add(object, "exit", json_object_new_int(fault->kind));
        json_object_object_add(object, "message", json_object_new_string(fault->text));
        if (*details != '\0')
            json_object_object_add(object, "details", json_object_new_string(details));
        fprintf(file, "%s\n",
                json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
        return fault->kind;
    }
    fprintf(file, "%s%stally:%s ", details, terminal_style(context->err, STYLE_RED),
            terminal_style(context->err, STYLE_PLAIN));
    terminal_text(context->err, bytes_from_cstr(fault->text));
    fputc('\n', file);
    return fault->kind;
}

int
command_fail(const struct command_context *context, const struct fault *fault)
{
    return fail_with_details(context, fault, "");
}

/* The first words of all commands that begin with `group`, or of all. */
static size_t
first_words(char out_words[COMMANDS_MAX][WORD_MAX], const char *out_candidates[COMMANDS_MAX],
            const char *group)
{
    size_t count = 0, skip = strlen(group);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strncmp(commands[i].name, group, skip) != 0) continue;
        size_t size = strcspn(commands[i].name + skip, " ");
        CHECK(size < WORD_MAX && count < COMMANDS_MAX);
        memcpy(out_words[count], commands[i].name + skip, size);
        out_words[count][size] = '\0';
        if (count > 0 && strcmp(out_words[count - 1], out_words[count]) == 0) continue;
        out_candidates[count] = out_words[count];
        count++;
    }
    return count;
}

static bool
unknown_command(const char *group, const char *word, struct fault *out_fault)
{
    char words[COMMANDS_MAX][WORD_MAX], listed[512] = "";
    const char *candidates[COMMANDS_MAX];
    size_t count = first_words(words, candidates, group);
    const char *nearest = suggest_nearest(bytes_from_cstr(word), candidates, count);
    if (nearest != NULL)
        return fault_set(out_fault, FAULT_USAGE,
                         "there is no command '%s%s'; did you mean 'tally %s%s'?", group, word,
                         group, nearest);
    for (size_t i = 0, used = 0; i < count && used < sizeof listed; i++) {
        used += (size_t)snprintf(listed + used, sizeof listed - used, "%s%s", i == 0 ? "" : ", ",
                                 candidates[i]);
    }
    if (*word == '\0' || *word == '-')
        return fault_set(out_fault, FAULT_USAGE, "'tally %.*s' needs one more word: %s",
                         (int)strlen(group) - 1, group, listed);
    return fault_set(out_fault, FAULT_USAGE, "there is no command '%s%s'; possible here: %s", group,
                     word, listed);
}

/* A command's name is one word or two. */
static bool
choose_command(int argument_count, char **arguments, const struct command **out_command,
               int *out_words, struct fault *out_fault)
{
    char name[2 * WORD_MAX + 2];
    const char *first = arguments[0], *second = argument_count > 1 ? arguments[1] : "";
    if (strlen(first) >= WORD_MAX || strlen(second) >= WORD_MAX) second = "";
    const struct command *command = command_find(first);
    *out_words = 1;
    if (command == NULL && strlen(first) < WORD_MAX) {
        snprintf(name, sizeof name, "%s %s", first, second);
        command = command_find(name);
        *out_words = 2;
    }
    if (command != NULL) {
        *out_command = command;
        return true;
    }
    if (strlen(first) < WORD_MAX) {
        char words[COMMANDS_MAX][WORD_MAX];
        const char *candidates[COMMANDS_MAX];
        snprintf(name, sizeof name, "%s ", first);
        if (first_words(words, candidates, name) > 0)
            return unknown_command(name, second, out_fault);
    }
    return unknown_command("", first, out_fault);
}

static bool
check_argument_count(const struct command *command, const struct options *options,
                     struct fault *out_fault)
{
    if (options->argument_count < command->arguments_least)
        return fault_set(out_fault, FAULT_USAGE, "'tally %s' needs %s; see 'tally %s --help'",
                         command->name, command->arguments, command->name);
    if (options->argument_count > command->arguments_most)
        return fault_set(out_fault, FAULT_USAGE,
                         "'%s' is one argument too many for 'tally %s'; see 'tally %s --help'",
                         options->arguments[command->arguments_most], command->name, command->name);
    return true;
}

/* Where standard output is a full disk, a command has not done what it was asked for. */
static int
finish_output(const struct command_context *context, int code)
{
    struct fault fault;
    if (fflush(context->out->file) == 0 && !ferror(context->out->file)) return code;
    fault_set(&fault, FAULT_IO,
              "writing to standard output failed; free the disk or choose another place");
    int failed = command_fail(context, &fault);
    return code == 0 ? failed : code;
}

static int
run_prepared(struct command_context *context)
{
    struct fault fault;
    const struct options *options = context->options;
    if (options_flag(options, OPTION_HELP)) {
        help_command(context->out, context->command, context->json);
        return 0;
    }
    if (!check_argument_count(context->command, options, &fault))
        return command_fail(context, &fault);
    context->arguments = options->arguments;
    context->argument_count = options->argument_count;
    log_set_level((enum log_level)options_number(options, OPTION_LOG_LEVEL));
    return context->command->run(context);
}

static int
run_with_options(struct command_context *context, int argument_count, char **arguments,
                 char *const *environment)
{
    struct fault fault;
    struct options options;
    struct options_input input = {argument_count, arguments, environment,
                                  .command = context->command->name};
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        input.accepts[id] = command_accepts(context->command, id);
    }
    char *details = NULL;
    size_t details_size;
    FILE *messages = open_memstream(&details, &details_size);
    CHECK(messages != NULL);
    bool good = options_read(&input, messages, &options, &fault);
    CHECK(fclose(messages) == 0);
    int code;
    if (good) {
        context->options = &options;
        fputs(details, context->err->file);
        code = finish_output(context, run_prepared(context));
        options_fini(&options);
    } else {
        code = fail_with_details(context, &fault, details);
    }
    free(details);
    return code;
}

int
command_run(int argument_count, char **arguments, char *const *environment)
{
    struct terminal out, err;
    terminal_init(&out, stdout);
    terminal_init(&err, stderr);
    struct command_context context = {.out = &out, .err = &err};
    struct fault fault;
    if (argument_count == 0) {
        help_overview(&err, false);
        return FAULT_USAGE;
    }
    for (int i = 0; i < argument_count && strcmp(arguments[i], "--") != 0; i++) {
        context.json |=
            strcmp(arguments[i], "--json") == 0 || strcmp(arguments[i], "--json=true") == 0;
    }
    if (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0) {
        help_overview(&out, context.json);
        return finish_output(&context, 0);
    }
    bool asks_for_group = argument_count > 1 && command_find(arguments[0]) == NULL &&
                          (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0);
    if (asks_for_group && help_group(&out, arguments[0], context.json))
        return finish_output(&context, 0);
    int words = 1;
    if (strcmp(arguments[0], "--version") == 0) {
        context.command = command_find("version");
    } else if (!choose_command(argument_count, arguments, &context.command, &words, &fault)) {
        return command_fail(&context, &fault);
    }
    return run_with_options(&context, argument_count - words, arguments + words, environment);
}
