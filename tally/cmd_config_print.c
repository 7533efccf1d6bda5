/* The configuration in force, as YAML that can be read back (but for secrets, which are masked), or
 * as JSON. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "tally/command.h"

enum { COMMENT_COLUMN = 44 };
static const char mask[] = "********";

/* Whether YAML takes the text for itself when it stands without quotes. */
static bool
is_plain(const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    return *text != '\0' && *text != '-' && text[strspn(text, safe)] == '\0';
}

/* One line: "  key: value", and behind it the origin when asked for. */
static void
print_line(const struct command_context *context, const char *indent, const char *key,
           const char *value, const struct option_origin *origin)
{
    FILE *out = context->out->file;
    struct json_object *quoted = json_object_new_string(value);
    const char *shown =
        is_plain(value) ? value
                        : json_object_to_json_string_ext(quoted, JSON_C_TO_STRING_NOSLASHESCAPE);
    int used = fprintf(out, "%s%s: %s", indent, key, shown);
    json_object_put(quoted);
    if (origin != NULL && options_flag(context->options, OPTION_ORIGIN)) {
        char text[ORIGIN_TEXT_MAX];
        origin_format(origin, text);
        int blanks = used < COMMENT_COLUMN ? COMMENT_COLUMN - used : 1;
        fprintf(out, "%*s%s# %s%s", blanks, "", terminal_style(context->out, STYLE_DIM), text,
                terminal_style(context->out, STYLE_PLAIN));
    }
    fputc('\n', out);
}

static void
print_sources(const struct command_context *context)
{
    const struct options *options = context->options;
    const struct option_origin *origin = &options->values[OPTION_SOURCES].origin;
    if (options->source_count == 0) {
        fputs("sources: []\n", context->out->file);
        return;
    }
    fputs("sources:\n", context->out->file);
    for (size_t i = 0; i < options->source_count; i++) {
        print_line(context, "  - ", "topic", options->sources[i].topic, origin);
        print_line(context, "    ", "generation", options->sources[i].generation, NULL);
    }
}

static void
print_properties(const struct command_context *context, const char *key, bool secret)
{
    const struct options *options = context->options;
    bool any = false;
    for (size_t i = 0; i < options->property_count; i++) {
        const struct property *property = &options->properties[i];
        if ((property->file != NULL) != secret) continue;
        if (!any) fprintf(context->out->file, "%s:\n", key);
        any = true;
        print_line(context, "  ", property->name, secret ? mask : property->value,
                   &property->origin);
    }
    if (!any) fprintf(context->out->file, "%s: {}\n", key);
}

static void
print_yaml(const struct command_context *context)
{
    char group[OPTION_NAME_MAX] = "";
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        const struct option_info *info = option_info(id);
        const struct option_value *value = &context->options->values[id];
        if (info->rule.type == VALUE_SOURCES) {
            print_sources(context);
            continue;
        }
        if (info->rule.type == VALUE_PROPERTIES) {
            print_properties(context, info->path, info->secret);
            continue;
        }
        const char *dot = strchr(info->path, '.');
        size_t size = dot != NULL ? (size_t)(dot - info->path) : 0;
        if (size > 0 && (strlen(group) != size || strncmp(group, info->path, size) != 0)) {
            memcpy(group, info->path, size);
            group[size] = '\0';
            fprintf(context->out->file, "%s:\n", group);
        }
        print_line(context, size > 0 ? "  " : "", dot != NULL ? dot + 1 : info->path, value->text,
                   &value->origin);
    }
}

/* {"value": …, "origin": "…"} with --origin, else the value alone. */
static struct json_object *
with_origin(const struct command_context *context, struct json_object *value,
            const struct option_origin *origin)
{
    if (!options_flag(context->options, OPTION_ORIGIN)) return value;
    char text[ORIGIN_TEXT_MAX];
    origin_format(origin, text);
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "value", value);
    json_object_object_add(object, "origin", json_object_new_string(text));
    return object;
}

static struct json_object *
json_sources(const struct options *options)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < options->source_count; i++) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "topic", json_object_new_string(options->sources[i].topic));
        json_object_object_add(object, "generation",
                               json_object_new_string(options->sources[i].generation));
        json_object_array_add(list, object);
    }
    return list;
}

static struct json_object *
json_properties(const struct command_context *context, bool secret)
{
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < context->options->property_count; i++) {
        const struct property *property = &context->options->properties[i];
        if ((property->file != NULL) != secret) continue;
        struct json_object *value = json_object_new_string(secret ? mask : property->value);
        json_object_object_add(object, property->name,
                               with_origin(context, value, &property->origin));
    }
    return object;
}

static struct json_object *
json_value(const struct command_context *context, enum option_id id)
{
    const struct option_info *info = option_info(id);
    const struct option_value *value = &context->options->values[id];
    switch (info->rule.type) {
    case VALUE_SOURCES: return with_origin(context, json_sources(context->options), &value->origin);
    case VALUE_PROPERTIES: return json_properties(context, info->secret);
    case VALUE_SIZE:
    case VALUE_INTEGER:
        return with_origin(context, json_object_new_int64(value->number), &value->origin);
    default: return with_origin(context, json_object_new_string(value->text), &value->origin);
    }
}

/* Flat, by path: what a program asks for is one key. */
static void
print_json(const struct command_context *context)
{
    struct json_object *object = json_object_new_object();
    for (enum option_id id = 0; id < OPTION_CONFIGURATION_COUNT; id++) {
        json_object_object_add(object, option_info(id)->path, json_value(context, id));
    }
    fprintf(context->out->file, "%s\n",
            json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

int
cmd_config_print(struct command_context *context)
{
    if (context->json) {
        print_json(context);
    } else {
        print_yaml(context);
    }
    return 0;
}
