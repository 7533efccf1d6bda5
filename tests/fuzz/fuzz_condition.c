/* Any bytes as a condition. The first byte chooses: a text in some scope, or the bytes of a flat
 * program. What compiles is decoded again from its bytes; what decodes is written back to the same
 * bytes, told in words, and evaluated on two events. What is told compiles to the same program.
 * Seeds: tests/fuzz/seeds/condition/.
 */
#include <stdint.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/rules/condition_compile.h"
#include "engine/rules/explain_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FROM_BYTES = 0x80, ARENA_BYTES = 2 * CONDITION_ARENA_BYTES, TOLD_BYTES = 4 << 20 };

static struct bytes
some(const char *text)
{
    return bytes_from_cstr(text);
}

/* Evaluates on an event that has everything and on one that has nothing. */
static void
evaluate(const struct condition *condition)
{
    const struct attribute pairs[] = {{some("a"), some("b")}, {some("gift"), some("")}};
    const struct event_line lines[] = {
        {.sku = some("a"), .kind = LINE_GOODS, .amount_minor = 1000, .attributes = {pairs, 2}},
        {.category = some("b"), .kind = LINE_GIFT_CARD, .amount_minor = INT64_MAX},
    };
    struct condition_facts full = {
        .order = {.store = some("a"),
                  .total_minor = INT64_MIN,
                  .attributes = {pairs, 2},
                  .lines = lines,
                  .line_count = 2},
        .activity = {.kind = some("check_in"), .value = -1, .attributes = {pairs, 1}},
        .spend = {.points = 100, .reward_id = some("mug"), .attributes = {pairs, 2}},
        .member = {.tiers = {pairs, 2}, .enrolled_at = {1767225600000}, .birthday_month = 2},
        .event = {.kind = some("purchase"), .occurred_at = {1793500000000}},
        .line = &lines[1],
    };
    struct condition_facts empty = {.line = &lines[0]};
    const struct condition_facts *both[] = {&full, &empty};
    for (size_t i = 0; i < 2; i++) {
        enum condition_result result = condition_evaluate(condition, both[i]);
        CHECK(result == CONDITION_TRUE || result == CONDITION_FALSE || result == CONDITION_ERROR);
    }
}

/* The condition as `rules explain` tells it; until the next call. */
static struct bytes
told(const struct condition *condition)
{
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[TOLD_BYTES];
    struct explainer explainer = {.language = EXPLAIN_ENGLISH};
    arena_init(&explainer.arena, memory, sizeof memory);
    return bytes_from_cstr(word_condition(&explainer, condition));
}

/* What was told is `code` again, unless it is longer than a person may write. */
static void
try_told(struct bytes text, enum condition_scope scope, struct bytes code, struct arena *arena)
{
    struct condition condition;
    struct cel_error error;
    if (!condition_compile(text, scope, arena, &condition, &error)) {
        CHECK_MSG(error.kind == CEL_TOO_MUCH, "%s: %.*s", error.message, (int)text.size,
                  (const char *)text.data);
        return;
    }
    uint8_t memory[CONDITION_BYTES_MAX];
    struct writer writer = writer_of(memory, sizeof memory);
    condition_encode(&condition, &writer);
    CHECK_MSG(bytes_equal(writer_span(&writer), code), "told as another condition: %.*s",
              (int)text.size, (const char *)text.data);
}

static void
try_bytes(struct bytes code, struct arena *arena)
{
    struct condition condition;
    struct fault fault = {.text = ""};
    if (!condition_decode(code, arena, &condition, &fault)) {
        CHECK(fault.text[0] != '\0');
        return;
    }
    uint8_t memory[CONDITION_BYTES_MAX];
    struct writer writer = writer_of(memory, sizeof memory);
    condition_encode(&condition, &writer);
    CHECK(bytes_equal(writer_span(&writer), code));
    CHECK(condition.cost <= CONDITION_COST_MAX);
    CHECK(told(&condition).size != 0);
    evaluate(&condition);
}

static void
try_text(struct bytes text, enum condition_scope scope, struct arena *arena)
{
    struct condition condition;
    struct cel_error error = {.message = ""};
    if (!condition_compile(text, scope, arena, &condition, &error)) {
        CHECK(error.message[0] != '\0' && error.offset <= text.size);
        return;
    }
    uint8_t memory[CONDITION_BYTES_MAX];
    struct writer writer = writer_of(memory, sizeof memory);
    condition_encode(&condition, &writer);
    struct condition decoded;
    struct fault fault;
    CHECK(condition_decode(writer_span(&writer), arena, &decoded, &fault));
    CHECK(decoded.cost == condition.cost);
    evaluate(&decoded);
    struct bytes words = told(&decoded);
    size_t size = writer_span(&writer).size;
    arena_reset_to(arena, 0);
    try_told(words, scope, bytes_of(memory, size), arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[ARENA_BYTES];
    if (size == 0) return 0;
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct bytes rest = bytes_of(data + 1, size - 1);
    if (data[0] >= FROM_BYTES) {
        try_bytes(rest, &arena);
    } else {
        try_text(rest, (enum condition_scope)(CONDITION_SCOPE_MEMBER + data[0] % 5), &arena);
    }
    return 0;
}
