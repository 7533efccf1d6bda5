#include "engine/rules/report.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/region.h"
#include "engine/core/condition.h"
#include "engine/rules/activation.h"
#include "engine/rules/compile.h"

bool
rules_read_file(const char *path, struct arena *arena, struct bytes *out_file,
                struct fault *out_fault)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fault_set(out_fault, FAULT_NO_INPUT, "cannot read %s: %s", path, strerror(errno));
    /* One byte more than is allowed tells a file that is too large. */
    uint8_t *data = arena_alloc(arena, YAML_BYTES_MAX + 1);
    size_t size = 0;
    ssize_t got = 1;
    while (data != NULL && got > 0 && size <= YAML_BYTES_MAX) {
        got = read(descriptor, data + size, YAML_BYTES_MAX + 1 - size);
        if (got > 0) size += (size_t)got;
    }
    int error = errno;
    close(descriptor);
    if (data == NULL)
        return fault_set(out_fault, FAULT_UNAVAILABLE, "not enough memory to read %s", path);
    if (got < 0)
        return fault_set(out_fault, FAULT_NO_INPUT, "cannot read %s: %s", path, strerror(error));
    if (size > YAML_BYTES_MAX) {
        return fault_set(out_fault, FAULT_DATA, "%s is larger than %d KiB", path,
                         YAML_BYTES_MAX / 1024);
    }
    *out_file = bytes_of(data, size);
    return true;
}

/* A rulebook's file and everything made from it; lies in its own memory. */
struct judged {
    struct region memory;
    struct arena arena;
    struct diagnostics diagnostics;
    struct program program;
    bool sound;
};

enum {
    JUDGED_BYTES =
        RULES_ARENA_BYTES + YAML_BYTES_MAX + (int)sizeof(struct judged) + 2 * ARENA_ALIGNMENT
};

/* NULL when there is no file to judge; otherwise judged_close is due. */
static struct judged *
judge(const char *path, struct fault *out_fault)
{
    struct region memory;
    struct bytes file;
    if (!region_map(JUDGED_BYTES, &memory, out_fault)) return NULL;
    struct arena arena;
    arena_init(&arena, memory.memory, memory.size);
    struct judged *judged = arena_alloc(&arena, sizeof *judged);
    if (!rules_read_file(path, &arena, &file, out_fault)) {
        region_unmap(&memory);
        return NULL;
    }
    judged->memory = memory;
    judged->arena = arena;
    diagnostics_init(&judged->diagnostics, path, file);
    struct activation_terms terms = {.live = false};
    struct activation activation;
    judged->sound = activation_build(file, &terms, &judged->arena, &judged->diagnostics,
                                     &judged->program, &activation);
    return judged;
}

static void
judged_close(struct judged *judged)
{
    struct region memory = judged->memory;
    region_unmap(&memory);
}

static struct json_object *
json_text(struct bytes text)
{
    return json_object_new_string_len((const char *)text.data, (int)text.size);
}

static struct json_object *
diagnostics_json(struct diagnostics *diagnostics)
{
    diagnostics_sort(diagnostics);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "line", json_object_new_int64(item->place.line));
        json_object_object_add(object, "column", json_object_new_int64(item->place.column));
        json_object_object_add(
            object, "severity",
            json_object_new_string(item->severity == SEVERITY_ERROR ? "error" : "warning"));
        json_object_object_add(object, "message", json_object_new_string(item->message));
        if (item->hint[0] != '\0')
            json_object_object_add(object, "hint", json_object_new_string(item->hint));
        json_object_array_add(list, object);
    }
    return list;
}

/* Prints a document on one line and lets it go. */
static void
print_json(struct json_object *object, FILE *out)
{
    fprintf(out, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

/* ---- What conditions cost ---- */

/* One condition of a program: what it belongs to, and the steps it may take for one event. */
struct cost {
    const char *what;
    struct bytes id;
    uint64_t steps;
};

/* Calls `take` for each condition of a list whose items have an id and, at an offset, a condition.
 */
static void
each_cost(const char *what, const void *items, uint32_t count, size_t item_bytes,
          size_t condition_offset, void (*take)(void *to, struct cost cost), void *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *item = (const uint8_t *)items + i * item_bytes;
        struct program_condition condition;
        struct cost cost = {.what = what};
        memcpy(&condition, item + condition_offset, sizeof condition);
        memcpy(&cost.id, item, sizeof cost.id);
        if (condition.decoded == NULL) continue;
        cost.steps = condition.decoded->cost;
        take(to, cost);
    }
}

static void
each_condition(const struct program *program, void (*take)(void *to, struct cost cost), void *to)
{
#define EACH(what, items, count, type, member)                                                     \
    each_cost(what, items, count, sizeof(struct type), offsetof(struct type, member), take, to)
    EACH("rule", program->rules, program->rule_count, program_rule, filter.when);
    EACH("campaign", program->campaigns, program->campaign_count, program_campaign, filter.when);
    EACH("award", program->awards, program->award_count, program_award, filter.when);
    EACH("mission", program->missions, program->mission_count, program_mission, filter.when);
    EACH("limit", program->limits, program->limit_count, program_limit, when);
    EACH("reward", program->spending.rewards, program->spending.reward_count, program_reward,
         filter.when);
#undef EACH
}

static void
add_cost(void *to, struct cost cost)
{
    *(uint64_t *)to += cost.steps;
}

static uint64_t
total_cost(const struct program *program)
{
    uint64_t total = 0;
    each_condition(program, add_cost, &total);
    return total;
}

static void
print_cost(void *to, struct cost cost)
{
    fprintf(to, "  %s %.*s: %llu\n", cost.what, (int)cost.id.size, (const char *)cost.id.data,
            (unsigned long long)cost.steps);
}

/* Nothing where there is no condition. */
static void
print_costs(const struct program *program, FILE *out)
{
    uint64_t total = total_cost(program);
    if (total == 0) return;
    fputs("steps that the conditions may take for one event, at most:\n", out);
    each_condition(program, print_cost, out);
    fprintf(out, "  together: %llu of %llu allowed\n", (unsigned long long)total,
            (unsigned long long)RULES_COST_MAX);
}

static void
add_cost_json(void *to, struct cost cost)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, cost.what, json_text(cost.id));
    json_object_object_add(object, "steps", json_object_new_int64((int64_t)cost.steps));
    json_object_array_add(to, object);
}

static struct json_object *
costs_json(const struct program *program)
{
    struct json_object *list = json_object_new_array();
    each_condition(program, add_cost_json, list);
    return list;
}

static void
print_check_json(struct judged *judged, FILE *out)
{
    struct diagnostics *diagnostics = &judged->diagnostics;
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "file", json_object_new_string(diagnostics->file_name));
    json_object_object_add(object, "ok", json_object_new_boolean(judged->sound));
    if (judged->sound) {
        json_object_object_add(object, "rulebook", json_text(judged->program.name));
        json_object_object_add(object, "version", json_object_new_int64(judged->program.version));
        json_object_object_add(object, "conditions", costs_json(&judged->program));
        json_object_object_add(object, "steps",
                               json_object_new_int64((int64_t)total_cost(&judged->program)));
    }
    json_object_object_add(object, "diagnostics", diagnostics_json(diagnostics));
    size_t found = diagnostics->error_count + diagnostics->warning_count;
    json_object_object_add(object, "more",
                           json_object_new_int64((int64_t)(found - diagnostics->count)));
    print_json(object, out);
}

static const char *
plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void
print_check(struct judged *judged, FILE *out, FILE *messages)
{
    const struct program *program = &judged->program;
    const char *path = judged->diagnostics.file_name;
    size_t errors = judged->diagnostics.error_count, warnings = judged->diagnostics.warning_count;
    diagnostics_print(&judged->diagnostics, messages);
    if (!judged->sound) {
        fprintf(messages, "%s: %zu error%s, %zu warning%s\n", path, errors, plural(errors),
                warnings, plural(warnings));
        return;
    }
    uint32_t others = program->campaign_count + program->award_count + program->streak_count +
                      program->mission_count;
    fprintf(out, "%s: %.*s version %u is sound: %u rule%s", path, (int)program->name.size,
            (const char *)program->name.data, program->version, program->rule_count,
            plural(program->rule_count));
    if (others != 0) {
        fprintf(out, ", %u campaign%s, %u award%s, %u streak%s, %u mission%s",
                program->campaign_count, plural(program->campaign_count), program->award_count,
                plural(program->award_count), program->streak_count, plural(program->streak_count),
                program->mission_count, plural(program->mission_count));
    }
    fprintf(out, ", %u points currenc%s, %u tier group%s, %zu warning%s\n", program->currency_count,
            program->currency_count == 1 ? "y" : "ies", program->group_count,
            plural(program->group_count), warnings, plural(warnings));
    print_costs(program, out);
}

static void
print_judgement(struct judged *judged, bool json, FILE *out, FILE *messages)
{
    if (json) {
        print_check_json(judged, out);
    } else {
        print_check(judged, out, messages);
    }
}

bool
rules_check_file(const char *path, bool json, FILE *out, FILE *messages, bool *out_sound,
                 struct fault *out_fault)
{
    struct judged *judged = judge(path, out_fault);
    if (judged == NULL) return false;
    print_judgement(judged, json, out, messages);
    *out_sound = judged->sound;
    judged_close(judged);
    return true;
}

/* ---- In words ---- */

/* Text that is being told into memory, to be taken apart into JSON. */
struct telling {
    char *text; /* owned */
    size_t size;
    FILE *stream;
};

static bool
telling_open(struct telling *telling, struct fault *out_fault)
{
    *telling = (struct telling){0};
    telling->stream = open_memstream(&telling->text, &telling->size);
    return telling->stream != NULL ||
           fault_set(out_fault, FAULT_TRY_AGAIN, "not enough memory to explain a rulebook");
}

static bool
telling_end(struct telling *telling, struct fault *out_fault)
{
    return fclose(telling->stream) == 0 ||
           fault_set(out_fault, FAULT_TRY_AGAIN, "not enough memory to explain a rulebook");
}

/* The lines that begin with a sign and a blank, without these. */
static struct json_object *
telling_lines(const struct telling *telling, char sign)
{
    struct json_object *list = json_object_new_array();
    for (size_t at = 0; at < telling->size;) {
        const char *line = telling->text + at;
        size_t length = strcspn(line, "\n");
        if (length > 2 && line[0] == sign)
            json_object_array_add(list, json_object_new_string_len(line + 2, (int)length - 2));
        at += length + 1;
    }
    return list;
}

static bool
print_explanation_json(const struct judged *judged, enum explain_language language, FILE *out,
                       struct fault *out_fault)
{
    struct telling telling;
    if (!telling_open(&telling, out_fault)) return false;
    bool told = explain_program(&judged->program, language, telling.stream, out_fault);
    told = telling_end(&telling, out_fault) && told;
    if (told) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "file",
                               json_object_new_string(judged->diagnostics.file_name));
        json_object_object_add(object, "rulebook", json_text(judged->program.name));
        json_object_object_add(object, "version", json_object_new_int64(judged->program.version));
        json_object_object_add(object, "lines", telling_lines(&telling, '-'));
        print_json(object, out);
    }
    free(telling.text);
    return told;
}

bool
rules_explain_file(const char *path, enum explain_language language, bool json, FILE *out,
                   FILE *messages, bool *out_sound, struct fault *out_fault)
{
    struct judged *judged = judge(path, out_fault);
    if (judged == NULL) return false;
    bool told = true;
    if (!judged->sound) {
        print_judgement(judged, json, out, messages);
    } else {
        diagnostics_print(&judged->diagnostics, messages);
        told = json ? print_explanation_json(judged, language, out, out_fault)
                    : explain_program(&judged->program, language, out, out_fault);
    }
    *out_sound = judged->sound;
    judged_close(judged);
    return told;
}

bool
rules_add_changes(const struct program *previous, const struct program *next,
                  enum explain_language language, struct json_object *object,
                  struct fault *out_fault)
{
    struct telling telling;
    if (!telling_open(&telling, out_fault)) return false;
    bool told = explain_changes(previous, next, language, telling.stream, out_fault);
    told = telling_end(&telling, out_fault) && told;
    if (told) {
        json_object_object_add(object, "removed", telling_lines(&telling, '-'));
        json_object_object_add(object, "added", telling_lines(&telling, '+'));
    }
    free(telling.text);
    return told;
}

static bool
print_changes_json(const struct program *before, const struct program *after,
                   enum explain_language language, FILE *out, struct fault *out_fault)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "from", json_object_new_int64(before->version));
    json_object_object_add(object, "to", json_object_new_int64(after->version));
    bool told = rules_add_changes(before, after, language, object, out_fault);
    if (told) {
        print_json(object, out);
    } else {
        json_object_put(object);
    }
    return told;
}

bool
rules_diff_files(const char *const paths[2], enum explain_language language, bool json, FILE *out,
                 FILE *messages, bool *out_sound, struct fault *out_fault)
{
    struct judged *before = judge(paths[0], out_fault);
    struct judged *after = before == NULL ? NULL : judge(paths[1], out_fault);
    bool told = after != NULL;
    if (told && before->sound && after->sound) {
        told = json
                   ? print_changes_json(&before->program, &after->program, language, out, out_fault)
                   : explain_changes(&before->program, &after->program, language, out, out_fault);
        *out_sound = true;
    } else if (told) {
        print_judgement(before->sound ? after : before, json, out, messages);
        *out_sound = false;
    }
    if (after != NULL) judged_close(after);
    if (before != NULL) judged_close(before);
    return told;
}
