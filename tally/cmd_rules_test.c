#include <stdio.h>

#include <json-c/json.h>

#include "engine/base/region.h"
#include "engine/rules/activation.h"
#include "engine/rules/compile.h"
#include "engine/rules/report.h"
#include "tally/command.h"
#include "tally/rulebook_examples.h"

enum { TEST_ARENA_BYTES = 1 << 30 }; /* reserved, touched only as far as used */

struct telling {
    struct command_context *context;
    struct diagnostics *diagnostics;            /* of the example that just ended */
    struct json_object *examples, *differences; /* with --json */
};

static void
add_text(struct json_object *object, const char *key, struct bytes text)
{
    json_object_object_add(object, key,
                           json_object_new_string_len((const char *)text.data, (int)text.size));
}

static void
add_example(const struct telling *telling, const struct example_told *told)
{
    struct json_object *object = json_object_new_object();
    add_text(object, "example", told->name);
    json_object_object_add(object, "passed", json_object_new_boolean(told->passed));
    json_object_object_add(object, "differences", json_object_new_int64(told->differences));
    json_object_array_add(telling->examples, object);
    diagnostics_sort(telling->diagnostics);
    for (size_t i = 0; i < telling->diagnostics->count; i++) {
        const struct diagnostic *item = &telling->diagnostics->items[i];
        object = json_object_new_object();
        add_text(object, "example", told->name);
        json_object_object_add(object, "line", json_object_new_int64(item->place.line));
        json_object_object_add(object, "column", json_object_new_int64(item->place.column));
        json_object_object_add(object, "message", json_object_new_string(item->message));
        json_object_array_add(telling->differences, object);
    }
}

/* Each difference names its example beside the file: one line taken out of a log says it all. */
static void
print_example(const struct telling *telling, const struct example_told *told)
{
    struct terminal *out = telling->context->out;
    struct diagnostics *diagnostics = telling->diagnostics;
    fputs(told->passed ? "ok     " : "WRONG  ", out->file);
    terminal_text(out, told->name);
    fputc('\n', out->file);
    diagnostics_wrap(diagnostics, "example '%.*s'", (int)told->name.size,
                     (const char *)told->name.data);
    diagnostics_print(diagnostics, out->file);
}

static void
tell_example(void *to, const struct example_told *told)
{
    struct telling *telling = to;
    if (telling->examples != NULL)
        add_example(telling, told);
    else
        print_example(telling, told);
    diagnostics_init(telling->diagnostics, telling->diagnostics->file_name,
                     telling->diagnostics->source);
}

static void
finish(const struct telling *telling, struct examples_count count)
{
    FILE *out = telling->context->out->file;
    if (telling->examples == NULL) {
        fprintf(out, "%s: %u examples as expected, %u not\n", telling->diagnostics->file_name,
                count.passed, count.failed);
        return;
    }
    struct json_object *document = json_object_new_object();
    json_object_object_add(document, "file",
                           json_object_new_string(telling->diagnostics->file_name));
    json_object_object_add(document, "passed", json_object_new_int64(count.passed));
    json_object_object_add(document, "failed", json_object_new_int64(count.failed));
    json_object_object_add(document, "examples", telling->examples);
    json_object_object_add(document, "differences", telling->differences);
    fprintf(out, "%s\n", json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(document);
}

/* Reads, compiles and runs; *out_code is what the command ends with. */
static bool
test_file(struct command_context *context, struct arena *arena, int *out_code,
          struct fault *out_fault)
{
    const char *path = context->arguments[0];
    struct bytes file;
    struct diagnostics *diagnostics = arena_alloc(arena, sizeof *diagnostics);
    struct program *program = arena_alloc(arena, sizeof *program);
    struct activation_terms terms = {.live = false};
    struct activation activation;
    struct examples_count count;
    const struct yaml_node *root;
    if (!rules_read_file(path, arena, &file, out_fault)) return false;
    diagnostics_init(diagnostics, path, file);
    *out_code = FAULT_DATA;
    if (!activation_build(file, &terms, arena, diagnostics, program, &activation) ||
        !yaml_parse(file, arena, diagnostics, &root)) {
        diagnostics_print(diagnostics, context->err->file);
        return true;
    }
    diagnostics_init(diagnostics, path, file); /* its warnings are rules check's to tell */
    struct telling telling = {.context = context, .diagnostics = diagnostics};
    if (context->json) {
        telling.examples = json_object_new_array();
        telling.differences = json_object_new_array();
    }
    const char *only = options_text(context->options, OPTION_ONLY);
    if (!rulebook_examples_run(
            rules_examples(root), only == NULL ? (struct bytes){0} : bytes_from_cstr(only), program,
            &activation, arena, diagnostics, tell_example, &telling, &count, out_fault))
        return false;
    if (count.passed + count.failed == 0) {
        json_object_put(telling.examples);
        json_object_put(telling.differences);
        return fault_set(out_fault, FAULT_DATA,
                         *only == '\0' ? "%s has no examples: write some under 'examples:'"
                                       : "%s has no example of that name",
                         path);
    }
    finish(&telling, count);
    *out_code = count.failed == 0 ? 0 : FAULT_DATA;
    return true;
}

int
cmd_rules_test(struct command_context *context)
{
    struct region memory;
    struct arena arena;
    struct fault fault;
    int code;
    if (!region_map(TEST_ARENA_BYTES, &memory, &fault)) return command_fail(context, &fault);
    arena_init(&arena, memory.memory, memory.size);
    bool ok = test_file(context, &arena, &code, &fault);
    region_unmap(&memory);
    return ok ? code : command_fail(context, &fault);
}
