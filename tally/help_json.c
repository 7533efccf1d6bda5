/* Help for programs: the tables as JSON, with the names of the columns that options.def gives them.
 */
#include <json-c/json.h>
#include <string.h>

#include "tally/help.h"

static void
put_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

/* Prints the value and lets it go. */
static void
print(FILE *out, struct json_object *value)
{
    fprintf(out, "%s\n",
            json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY |
                                                      JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(value);
}

static void
put_rule(struct json_object *object, const struct option_info *info)
{
    static const char *const types[] = {"string",  "path", "size",    "integer",
                                        "boolean", "word", "sources", "properties"};
    put_text(object, "type", types[info->rule.type]);
    if (info->default_text != NULL) put_text(object, "default", info->default_text);
    if (info->rule.type == VALUE_INTEGER || info->rule.type == VALUE_SIZE) {
        json_object_object_add(object, "least", json_object_new_int64(info->rule.least));
        json_object_object_add(object, "most", json_object_new_int64(info->rule.most));
    }
    if (info->rule.type == VALUE_INTEGER) put_text(object, "unit", info->unit);
    if (info->rule.type == VALUE_WORD) {
        char words[VALUE_WORDS_MAX][VALUE_WORD_BYTES_MAX];
        size_t count = value_words(info->rule.words, words);
        struct json_object *list = json_object_new_array();
        for (size_t i = 0; i < count; i++) {
            json_object_array_add(list, json_object_new_string(words[i]));
        }
        json_object_object_add(object, "words", list);
    }
    put_text(object, "help", info->help);
}

void
help_json_overview(FILE *out, const char *group)
{
    size_t count;
    const struct command *commands = command_table(&count);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        if (!command_is_of_group(&commands[i], group)) continue;
        struct json_object *object = json_object_new_object();
        put_text(object, "name", commands[i].name);
        put_text(object, "summary", commands[i].summary);
        json_object_array_add(list, object);
    }
    print(out, list);
}

void
help_json_command(FILE *out, const struct command *command)
{
    struct json_object *object = json_object_new_object(), *flags = json_object_new_array();
    put_text(object, "name", command->name);
    put_text(object, "arguments", command->arguments);
    put_text(object, "summary", command->summary);
    put_text(object, "description", command->description);
    put_text(object, "example", command->example);
    json_object_object_add(object, "takes_options", json_object_new_boolean(command->configured));
    for (enum option_id id = OPTION_CONFIGURATION_COUNT; id < OPTION_COUNT; id++) {
        if (!command_accepts(command, id)) continue;
        struct json_object *flag = json_object_new_object();
        put_text(flag, "name", option_info(id)->path);
        put_rule(flag, option_info(id));
        json_object_array_add(flags, flag);
    }
    json_object_object_add(object, "flags", flags);
    print(out, object);
}

void
help_json_options(FILE *out)
{
    struct json_object *list = json_object_new_array();
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        struct json_object *object = json_object_new_object();
        char flag[2 + OPTION_NAME_MAX] = "--", variable[OPTION_NAME_MAX];
        option_flag(id, flag + 2);
        option_variable(id, variable);
        put_text(object, "path", option_info(id)->path);
        put_text(object, "flag", flag);
        put_text(object, "variable", variable);
        put_rule(object, option_info(id));
        json_object_array_add(list, object);
        if (option_info(id)->rule.type != VALUE_SOURCES) continue;
        size_t count;
        const struct help_source_key *keys = help_source_keys(&count);
        struct json_object *below = json_object_new_array();
        for (size_t i = 0; i < count; i++) {
            struct json_object *key = json_object_new_object();
            put_text(key, "key", keys[i].key);
            put_rule(key, &keys[i].info);
            json_object_array_add(below, key);
        }
        json_object_object_add(object, "keys", below);
    }
    print(out, list);
}

void
help_json_exit_codes(FILE *out)
{
    size_t count;
    const struct help_exit_code *codes = help_exit_code_table(&count);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "code", json_object_new_int(codes[i].code));
        put_text(object, "meaning", codes[i].meaning);
        put_text(object, "remedy", codes[i].remedy);
        json_object_array_add(list, object);
    }
    print(out, list);
}

void
help_json_verdicts(FILE *out)
{
    size_t count;
    const struct help_verdict *verdicts = help_verdict_table(&count);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "number", json_object_new_int64(verdicts[i].number));
        put_text(object, "name", verdicts[i].name);
        put_text(object, "meaning", verdicts[i].meaning);
        put_text(object, "remedy", verdicts[i].remedy);
        json_object_array_add(list, object);
    }
    print(out, list);
}
