#include "engine/rules/condition_compile.h"

#include <inttypes.h>
#include <string.h>

#include "engine/rules/cel_check.h"
#include "engine/rules/cel_emit.h"
#include "engine/rules/cel_parse.h"

/* What the core refuses of a sound text: it is too deep, too long or too costly. */
static bool
explain_refusal(uint64_t cost, const char *reason, struct cel_error *out_error)
{
    if (cost <= CONDITION_COST_MAX) {
        cel_fail(out_error, CEL_TOO_MUCH, 0, "this cannot be run: %s", reason);
        return cel_hint(out_error, "put fewer brackets in one another");
    }
    cel_fail(out_error, CEL_TOO_MUCH, 0,
             "this costs up to %" PRIu64 " steps for one event, at most %d are allowed", cost,
             CONDITION_COST_MAX);
    return cel_hint(out_error,
                    "a step counts once for each line of the largest order (%d), in a "
                    "rule by line and in exists and all",
                    EVENT_LINES_MAX);
}

static bool
judge(struct condition *condition, struct cel_error *out_error)
{
    static_assert(CONDITION_BYTES_MAX <= 16 * 1024, "the form is measured on the stack");
    uint8_t memory[CONDITION_BYTES_MAX];
    struct writer writer = writer_of(memory, sizeof memory);
    condition_encode(condition, &writer);
    if (writer.overflow) {
        cel_fail(out_error, CEL_TOO_MUCH, 0, "the condition is too long");
        return cel_hint(out_error, "make two rules of it");
    }
    const char *reason;
    uint64_t cost = 0;
    bool good = condition_check(condition, &cost, &reason);
    if (!good) return explain_refusal(cost, reason, out_error);
    condition->cost = cost;
    return true;
}

bool
condition_compile(struct bytes text, enum condition_scope scope, struct arena *arena,
                  struct condition *out_condition, struct cel_error *out_error)
{
    struct cel_node *root;
    struct condition condition;
    if (!cel_parse(text, arena, &root, out_error) || !cel_check(root, scope, out_error) ||
        !cel_emit(root, scope, arena, &condition, out_error) || !judge(&condition, out_error)) {
        return false;
    }
    *out_condition = condition;
    return true;
}

/* ---- In a rulebook ---- */

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Goes over a file and keeps account of the place. */
struct cursor {
    struct bytes source;
    size_t at;
    struct place place;
};

static bool
cursor_ended(const struct cursor *cursor)
{
    return cursor->at == cursor->source.size;
}

static void
cursor_step(struct cursor *cursor)
{
    uint8_t byte = cursor->source.data[cursor->at++];
    if (byte == '\n') {
        cursor->place.line++;
        cursor->place.column = 1;
    } else if (cursor_ended(cursor) || (cursor->source.data[cursor->at] & 0xc0) != 0x80) {
        cursor->place.column++;
    }
}

static void
cursor_skip_blanks(struct cursor *cursor)
{
    while (!cursor_ended(cursor) && is_blank(cursor->source.data[cursor->at])) {
        cursor_step(cursor);
    }
}

/* Where a byte of a scalar stands in the file. YAML may have folded its lines, so blanks are not
 * compared. False where the file says it in other words: escapes of a quoted scalar. */
static bool
find_place(const struct yaml_node *node, struct bytes source, uint32_t offset,
           struct place *out_place)
{
    struct cursor cursor = {.source = source, .place = {1, 1}};
    while (!cursor_ended(&cursor) &&
           (cursor.place.line < node->place.line ||
            (cursor.place.line == node->place.line && cursor.place.column < node->place.column))) {
        cursor_step(&cursor);
    }
    if (cursor_ended(&cursor)) return false;
    uint8_t mark = source.data[cursor.at];
    if (node->quoted && (mark == '"' || mark == '\'')) {
        cursor_step(&cursor);
    } else if (node->quoted) {
        while (!cursor_ended(&cursor) && source.data[cursor.at] != '\n') { /* "|", ">-" … */
            cursor_step(&cursor);
        }
    }
    for (uint32_t i = 0; i < node->text.size; i++) {
        if (is_blank(node->text.data[i]) && i < offset) continue;
        cursor_skip_blanks(&cursor);
        if (i == offset) break;
        if (cursor_ended(&cursor) || source.data[cursor.at] != node->text.data[i]) return false;
        cursor_step(&cursor);
    }
    *out_place = cursor.place;
    return true;
}

bool
condition_compile_node(const struct yaml_node *node, enum condition_scope scope,
                       struct arena *arena, struct diagnostics *diagnostics, struct bytes *out_code,
                       uint64_t *out_cost)
{
    if (!yaml_expect(node, YAML_TEXT, diagnostics)) return false;
    size_t mark = arena_mark(arena);
    uint8_t memory[CONDITION_BYTES_MAX];
    struct writer writer = writer_of(memory, sizeof memory);
    struct condition condition;
    struct cel_error error;
    bool good = condition_compile(node->text, scope, arena, &condition, &error);
    if (good) condition_encode(&condition, &writer);
    arena_reset_to(arena, mark);
    if (good && arena_copy_bytes(arena, writer_span(&writer), out_code)) {
        *out_cost = condition.cost;
        return true;
    }
    if (good) return diagnostics_error(diagnostics, node->place, "the rulebook is too large");
    struct place place = node->place;
    find_place(node, diagnostics->source, error.offset, &place);
    diagnostics_error(diagnostics, place, "%s", error.message);
    if (error.hint[0] != '\0') diagnostics_hint(diagnostics, "%s", error.hint);
    return false;
}
