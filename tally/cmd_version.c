#include <json-c/json.h>

#include "engine/core/event.h"
#include "tally/command.h"

int
cmd_version(struct command_context *context)
{
    FILE *out = context->out->file;
    if (!context->json) {
        fprintf(out, "tally %s (journal format %d, points law %d)\n", TALLY_VERSION, JOURNAL_FORMAT,
                LAW_VERSION);
        return 0;
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "version", json_object_new_string(TALLY_VERSION));
    json_object_object_add(object, "journal_format", json_object_new_int(JOURNAL_FORMAT));
    json_object_object_add(object, "law", json_object_new_int(LAW_VERSION));
    fprintf(out, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
    return 0;
}
