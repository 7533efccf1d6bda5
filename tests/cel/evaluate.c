/*
 * Conditions as a filter, for the comparison with another implementation of CEL. Reads lines of
 * JSON, each an object:
 *
 *     {"event": {"order": {"store": "a", "lines": [{"sku": "b"}], …}, "line": 0, …}}
 *         facts by the names of condition_field.def; times in milliseconds, `line` an index of the
 *         order's lines. Events are numbered from 0.
 *     {"scope": "line", "text": "…", "events": [0, 3]}
 *         a condition; answered by one line:
 *             ok COST ANSWERS            an answer T (true), F (false), E (error) for each event
 *             refused KIND OFFSET MESSAGE
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/region.h"
#include "engine/core/condition.h"
#include "engine/rules/condition_compile.h"

enum {
    EVENTS_MAX = 20000,
    ARENA_BYTES = 512 * 1024 * 1024, /* reserved, not used */
};

static struct arena facts_arena, work_arena;
static const struct condition_facts *events[EVENTS_MAX];
static uint32_t event_count;

static struct arena
new_arena(size_t size)
{
    static struct region regions[2];
    static unsigned count;
    struct fault fault;
    struct region *region = &regions[count++];
    CHECK_MSG(region_map(size, region, &fault), "%s", fault.text);
    struct arena arena;
    arena_init(&arena, region->memory, region->size);
    return arena;
}

static void *
reserve(size_t size)
{
    void *memory = arena_alloc(&facts_arena, size);
    CHECK(memory != NULL);
    memset(memory, 0, size);
    return memory;
}

/* ---- From JSON to facts ---- */

static struct bytes
text_of(struct json_object *value)
{
    struct bytes text =
        bytes_of(json_object_get_string(value), (size_t)json_object_get_string_len(value));
    struct bytes copy;
    CHECK(arena_copy_bytes(&facts_arena, text, &copy));
    return copy;
}

static struct attributes
pairs_of(struct json_object *map)
{
    uint32_t count = (uint32_t)json_object_object_length(map), i = 0;
    struct attribute *items = reserve(count * sizeof *items);
    json_object_object_foreach(map, key, value)
    {
        CHECK(arena_copy_bytes(&facts_arena, bytes_from_cstr(key), &items[i].key));
        items[i++].value = text_of(value);
    }
    return (struct attributes){items, count};
}

static enum line_kind
line_kind_of(struct bytes name)
{
    for (int kind = LINE_GOODS; kind <= LINE_GIFT_CARD; kind++) {
        if (bytes_equal(name, condition_line_kind((enum line_kind)kind))) {
            return (enum line_kind)kind;
        }
    }
    UNREACHABLE();
}

/* Copies what `object` tells of a variable to where conditions read it. */
static void
fill(struct json_object *object, enum condition_variable variable, uint8_t *base)
{
    for (unsigned number = 0; number < CONDITION_NUMBERS_END; number++) {
        const struct condition_name *field = condition_field(number);
        struct json_object *value;
        if (field == NULL || field->variable != variable ||
            !json_object_object_get_ex(object, field->name, &value)) {
            continue;
        }
        if (number == CONDITION_FIELD_LINE_KIND) {
            ((struct event_line *)base)->kind = line_kind_of(text_of(value));
        } else if (field->type == CONDITION_TEXT) {
            struct bytes text = text_of(value);
            memcpy(base + field->offset, &text, sizeof text);
        } else {
            int64_t whole = json_object_get_int64(value);
            memcpy(base + field->offset, &whole, sizeof whole);
        }
    }
    struct json_object *map;
    for (unsigned number = 0; number < CONDITION_NUMBERS_END; number++) {
        const struct condition_name *name = condition_map(number);
        if (name == NULL || name->variable != variable ||
            !json_object_object_get_ex(object, name->name, &map)) {
            continue;
        }
        struct attributes pairs = pairs_of(map);
        memcpy(base + name->offset, &pairs, sizeof pairs);
    }
}

static void
read_event(struct json_object *object)
{
    struct condition_facts *facts = reserve(sizeof *facts);
    struct json_object *value, *lines;
    for (unsigned i = CONDITION_ORDER; i <= CONDITION_EVENT; i++) {
        enum condition_variable variable = (enum condition_variable)i;
        if (variable == CONDITION_LINE) continue;
        if (!json_object_object_get_ex(object, condition_variable_name(variable), &value)) continue;
        fill(value, variable, (uint8_t *)facts);
        if (variable != CONDITION_ORDER || !json_object_object_get_ex(value, "lines", &lines)) {
            continue;
        }
        uint32_t count = (uint32_t)json_object_array_length(lines);
        struct event_line *copies = reserve(count * sizeof *copies);
        for (uint32_t at = 0; at < count; at++) {
            copies[at].kind = LINE_GOODS;
            fill(json_object_array_get_idx(lines, at), CONDITION_LINE, (uint8_t *)&copies[at]);
        }
        facts->order.lines = copies;
        facts->order.line_count = count;
    }
    if (json_object_object_get_ex(object, "line", &value)) {
        uint64_t at = (uint64_t)json_object_get_int64(value);
        CHECK(at < facts->order.line_count);
        facts->line = &facts->order.lines[at];
    }
    CHECK(event_count < EVENTS_MAX);
    events[event_count++] = facts;
}

/* ---- Conditions ---- */

static enum condition_scope
scope_of(const char *name)
{
    static const char *const names[] = {"member", "order", "line", "activity", "spend"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) return (enum condition_scope)(CONDITION_SCOPE_MEMBER + i);
    }
    CHECK_MSG(false, "%s is no scope", name);
    UNREACHABLE();
}

/* Through the flat bytes and back: what is evaluated is what an activation carries. */
static void
answer(const struct condition *compiled, struct json_object *indexes)
{
    uint8_t memory[CONDITION_BYTES_MAX];
    struct writer writer = writer_of(memory, sizeof memory);
    condition_encode(compiled, &writer);
    struct condition condition;
    struct fault fault;
    CHECK_MSG(condition_decode(writer_span(&writer), &work_arena, &condition, &fault), "%s",
              fault.text);
    CHECK(condition.cost == compiled->cost);
    printf("ok %" PRIu64 " ", condition.cost);
    for (size_t i = 0; i < json_object_array_length(indexes); i++) {
        uint64_t at = (uint64_t)json_object_get_int64(json_object_array_get_idx(indexes, i));
        CHECK(at < event_count);
        putchar("FTE"[condition_evaluate(&condition, events[at])]);
    }
    putchar('\n');
}

static void
judge(struct json_object *request)
{
    struct json_object *scope, *text, *indexes;
    CHECK(json_object_object_get_ex(request, "scope", &scope) &&
          json_object_object_get_ex(request, "text", &text) &&
          json_object_object_get_ex(request, "events", &indexes));
    size_t mark = arena_mark(&work_arena);
    struct condition condition;
    struct cel_error error;
    struct bytes span =
        bytes_of(json_object_get_string(text), (size_t)json_object_get_string_len(text));
    if (condition_compile(span, scope_of(json_object_get_string(scope)), &work_arena, &condition,
                          &error)) {
        answer(&condition, indexes);
    } else {
        printf("refused %s %" PRIu32 " %s%s%s\n", cel_error_kind_name(error.kind), error.offset,
               error.message, error.hint[0] == '\0' ? "" : "; ", error.hint);
    }
    arena_reset_to(&work_arena, mark);
}

int
main(void)
{
    facts_arena = new_arena(ARENA_BYTES);
    work_arena = new_arena(2 * CONDITION_ARENA_BYTES);
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        struct json_object *request = json_tokener_parse(line), *event;
        CHECK_MSG(request != NULL, "no JSON: %s", line);
        if (json_object_object_get_ex(request, "event", &event)) {
            read_event(event);
        } else {
            judge(request);
        }
        json_object_put(request);
    }
    free(line);
    return 0;
}
