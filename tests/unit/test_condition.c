/* The flat program by itself: what is refused when it is decoded, its bytes, and what it reads.
 * What conditions answer is tested from their text (test_condition_compile.c). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/condition.h"

enum { ARENA_BYTES = 64 * 1024, OPS_MAX = 80 };

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[ARENA_BYTES];

static const struct condition_constant constants[] = {
    {.type = CONDITION_BOOL, .number = 1},
    {.type = CONDITION_INT, .number = -3},
    {.type = CONDITION_TEXT, .text = {(const uint8_t *)"red", 3}},
    {.type = CONDITION_TIME, .number = 86400000},
};

enum { TRUTH = 0, NUMBER = 1, TEXT = 2, TIME = 3 };

#define OP(code, ...)  ((struct condition_op){CONDITION_OP_##code, __VA_ARGS__})
#define PUSH(constant) OP(CONST, 0, constant)
#define PROGRAM(...)                                                                               \
    {__VA_ARGS__}, sizeof((struct condition_op[]){__VA_ARGS__}) / sizeof(struct condition_op)

struct judged {
    const char *what;
    enum condition_scope scope;
    struct condition_op ops[16];
    size_t count;
    const char *reason; /* NULL: sound */
};

static void
expect_judged(const struct judged *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct condition condition = {
            .scope = rows[i].scope,
            .ops = rows[i].ops,
            .op_count = (uint32_t)rows[i].count,
            .constants = constants,
            .constant_count = sizeof constants / sizeof *constants,
        };
        uint64_t cost = 0;
        const char *reason = NULL;
        bool good = condition_check(&condition, &cost, &reason);
        cr_expect_eq(good, rows[i].reason == NULL, "%s: %s", rows[i].what, reason);
        if (!good && rows[i].reason != NULL) {
            cr_expect_str_eq(reason, rows[i].reason, "%s", rows[i].what);
        }
    }
}

Test(condition, types_and_names_are_judged)
{
    static const struct judged rows[] = {
        {"a truth", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(TRUTH)), NULL},
        {"no scope", (enum condition_scope)0, PROGRAM(PUSH(TRUTH)), "an unknown scope"},
        {"another scope", (enum condition_scope)6, PROGRAM(PUSH(TRUTH)), "an unknown scope"},
        {"a number", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(NUMBER)),
         "it does not end with one truth value"},
        {"two values", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(TRUTH), PUSH(TRUTH)),
         "it does not end with one truth value"},
        {"no such instruction", CONDITION_SCOPE_MEMBER, PROGRAM({.code = 31}),
         "an unknown instruction"},
        {"instruction 0", CONDITION_SCOPE_MEMBER, PROGRAM({.code = 0}), "an unknown instruction"},
        {"no such constant", CONDITION_SCOPE_MEMBER, PROGRAM(OP(CONST, 0, 4)),
         "a constant that does not exist"},
        {"an operand that means nothing", CONDITION_SCOPE_MEMBER, PROGRAM(OP(CONST, 0, 0, 1)),
         "an operand that is not used"},
        {"nothing to take", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(TRUTH), OP(AND)),
         "an operand is missing"},
        {"a number and a text", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(NUMBER), PUSH(TEXT), OP(EQUAL, CONDITION_INT)),
         "an operand has another type"},
        {"texts compared as numbers", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TEXT), PUSH(TEXT), OP(EQUAL, CONDITION_INT)), "an operand has another type"},
        {"texts added", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(TEXT), PUSH(TEXT), OP(ADD)),
         "an operand has another type"},
        {"no such field", CONDITION_SCOPE_MEMBER, PROGRAM(OP(FIELD, 9)),
         "a name that does not exist"},
        {"a field beyond the table", CONDITION_SCOPE_MEMBER, PROGRAM(OP(FIELD, 255)),
         "a name that does not exist"},
        {"an order where there is none", CONDITION_SCOPE_ACTIVITY,
         PROGRAM(OP(FIELD, CONDITION_FIELD_ORDER_STORE), OP(LENGTH), PUSH(NUMBER),
                 OP(EQUAL, CONDITION_INT)),
         "a variable that its scope does not have"},
        {"a line where there is none", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(FIELD, CONDITION_FIELD_LINE_SKU), PUSH(TEXT), OP(EQUAL, CONDITION_TEXT)),
         "a variable that its scope does not have"},
        {"lines where there are none", CONDITION_SCOPE_SPEND,
         PROGRAM(OP(LINES), PUSH(NUMBER), OP(EQUAL, CONDITION_INT)),
         "a variable that its scope does not have"},
        {"a line of no loop", CONDITION_SCOPE_LINE,
         PROGRAM(OP(FIELD, CONDITION_FIELD_LINE_SKU, CONDITION_OF_LOOP), PUSH(TEXT),
                 OP(EQUAL, CONDITION_TEXT)),
         "a line of no loop"},
        {"a source that is none", CONDITION_SCOPE_LINE,
         PROGRAM(OP(FIELD, CONDITION_FIELD_LINE_SKU, 2), PUSH(TEXT), OP(EQUAL, CONDITION_TEXT)),
         "a variable that its scope does not have"},
        {"no such map", CONDITION_SCOPE_LINE, PROGRAM(PUSH(TEXT), OP(HAS, 6)),
         "a name that does not exist"},
        {"a number as key", CONDITION_SCOPE_ORDER,
         PROGRAM(PUSH(NUMBER), OP(HAS, CONDITION_MAP_ORDER_ATTRIBUTES)),
         "an operand has another type"},
    };
    expect_judged(rows, sizeof rows / sizeof *rows);
}

Test(condition, lists_and_skips_are_judged)
{
    static const struct judged rows[] = {
        {"in a list", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(TEXT), OP(IN, CONDITION_TEXT, TEXT, 1)),
         NULL},
        {"in an empty list", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TEXT), OP(IN, CONDITION_TEXT, 4, 0)), NULL},
        {"in a list beyond the constants", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TEXT), OP(IN, CONDITION_TEXT, 2, 3)), "a constant that does not exist"},
        {"in a list far beyond the constants", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TEXT), OP(IN, CONDITION_TEXT, 2, UINT32_MAX)),
         "a constant that does not exist"},
        {"in a list of two types", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TEXT), OP(IN, CONDITION_TEXT, 2, 2)), "an operand has another type"},
        {"in a list of no type", CONDITION_SCOPE_MEMBER, PROGRAM(PUSH(TEXT), OP(IN, 5, 4, 0)),
         "an unknown type"},
        {"a skip to its join", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(SKIP_IF_FALSE, .span = 2), PUSH(TRUTH), OP(AND)), NULL},
        {"a skip to another join", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(SKIP_IF_FALSE, .span = 2), PUSH(TRUTH), OP(OR)),
         "a skip does not end at its join"},
        {"a skip over nothing", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), PUSH(TRUTH), OP(SKIP_IF_FALSE, .span = 0), OP(AND)),
         "a skip does not end at its join"},
        {"a skip behind the end", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(SKIP_IF_FALSE, .span = 3), PUSH(TRUTH), OP(AND)),
         "a skip does not end at its join"},
        {"a skip far behind the end", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(SKIP_IF_FALSE, .span = UINT32_MAX), PUSH(TRUTH), OP(AND)),
         "a skip does not end at its join"},
        {"a skip on a number", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(NUMBER), OP(SKIP_IF_FALSE, .span = 2), PUSH(TRUTH), OP(AND)),
         "an operand has another type"},
        {"a skipped part that takes what is not its own", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), PUSH(TRUTH), OP(SKIP_IF_FALSE, .span = 3), OP(AND), PUSH(TRUTH),
                 OP(AND)),
         "an operand is missing"},
        {"a skipped part that leaves two values", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(SKIP_IF_TRUE, .span = 4), PUSH(TRUTH), PUSH(TRUTH), PUSH(TRUTH),
                 OP(OR), OP(AND)),
         "a block leaves another value"},
    };
    expect_judged(rows, sizeof rows / sizeof *rows);
}

Test(condition, choices_are_judged)
{
    static const struct judged rows[] = {
        {"a choice", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(CHOOSE, .span = 2), PUSH(TRUTH), OP(JUMP, .span = 1), PUSH(TRUTH)),
         NULL},
        {"a choice of two types", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(CHOOSE, .span = 2), PUSH(TRUTH), OP(JUMP, .span = 1),
                 PUSH(NUMBER)),
         "a block leaves another value"},
        {"a choice without its second part", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(CHOOSE, .span = 2), PUSH(TRUTH), PUSH(TRUTH)),
         "a choice has no second part"},
        {"a choice with an empty second part", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(CHOOSE, .span = 2), PUSH(TRUTH), OP(JUMP, .span = 0)),
         "a jump leaves its block"},
        {"a choice whose second part is missing its value", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), PUSH(TRUTH), OP(CHOOSE, .span = 2), PUSH(TRUTH), OP(JUMP, .span = 1),
                 OP(NOT)),
         "an operand is missing"},
        {"a jump behind the end", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(CHOOSE, .span = 2), PUSH(TRUTH), OP(JUMP, .span = 2), PUSH(TRUTH)),
         "a jump leaves its block"},
        {"a jump without a choice", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(JUMP, .span = 1), PUSH(TRUTH)), "a jump without a choice"},
        {"a skip out of a choice", CONDITION_SCOPE_MEMBER,
         PROGRAM(PUSH(TRUTH), OP(CHOOSE, .span = 3), PUSH(TRUTH), OP(SKIP_IF_TRUE, .span = 3),
                 OP(JUMP, .span = 2), PUSH(TRUTH), OP(OR)),
         "a jump leaves its block"},
    };
    expect_judged(rows, sizeof rows / sizeof *rows);
}

Test(condition, loops_are_judged)
{
    static const struct judged rows[] = {
        {"a loop", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 2), PUSH(TRUTH),
                 OP(NEXT, CONDITION_ALL, .span = 2)),
         NULL},
        {"a loop without an order", CONDITION_SCOPE_SPEND,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 2), PUSH(TRUTH),
                 OP(NEXT, CONDITION_ALL, .span = 2)),
         "a variable that its scope does not have"},
        {"no such loop", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, 3, .span = 2), PUSH(TRUTH), OP(NEXT, 3, .span = 2)), "an unknown loop"},
        {"a loop that ends as another", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 2), PUSH(TRUTH),
                 OP(NEXT, CONDITION_EXISTS, .span = 2)),
         "a loop does not end"},
        {"a loop that goes back elsewhere", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 2), PUSH(TRUTH),
                 OP(NEXT, CONDITION_ALL, .span = 1)),
         "a loop does not end"},
        {"the end of no loop", CONDITION_SCOPE_ORDER,
         PROGRAM(PUSH(TRUTH), OP(NEXT, CONDITION_ALL, .span = 1)), "the end of no loop"},
        {"a loop in a loop", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 4), OP(LOOP, CONDITION_ALL, .span = 2),
                 PUSH(TRUTH), OP(NEXT, CONDITION_ALL, .span = 2),
                 OP(NEXT, CONDITION_ALL, .span = 4)),
         "a loop in a loop"},
        {"a loop over a number", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 2), PUSH(NUMBER),
                 OP(NEXT, CONDITION_ALL, .span = 2)),
         "a block leaves another value"},
        {"a skip out of a loop", CONDITION_SCOPE_ORDER,
         PROGRAM(OP(LOOP, CONDITION_ALL, .span = 3), PUSH(TRUTH), OP(SKIP_IF_TRUE, .span = 3),
                 OP(NEXT, CONDITION_ALL, .span = 3), PUSH(TRUTH), OP(OR)),
         "a jump leaves its block"},
    };
    expect_judged(rows, sizeof rows / sizeof *rows);
}

Test(condition, has_bounds_on_depth_and_nesting)
{
    struct condition_op ops[OPS_MAX] = {0};
    struct condition condition = {
        .scope = CONDITION_SCOPE_MEMBER, .ops = ops, .constants = constants, .constant_count = 4};
    uint64_t cost;
    const char *reason;
    for (uint32_t depth = CONDITION_STACK_MAX; depth <= CONDITION_STACK_MAX + 1; depth++) {
        for (uint32_t i = 0; i < depth; i++) {
            ops[i] = PUSH(TRUTH);
            if (i != 0) ops[depth + i - 1] = OP(AND);
        }
        condition.op_count = 2 * depth - 1;
        bool good = condition_check(&condition, &cost, &reason);
        cr_expect_eq(good, depth == CONDITION_STACK_MAX, "%u", depth);
    }
    cr_expect_str_eq(reason, "its stack is too deep");
}

Test(condition, has_the_bytes_that_are_written_down)
{
    const struct condition_op ops[] = {OP(FIELD, CONDITION_FIELD_ORDER_TOTAL),
                                       PUSH(NUMBER),
                                       OP(LESS, CONDITION_INT),
                                       OP(SKIP_IF_TRUE, .span = 4),
                                       OP(FIELD, CONDITION_FIELD_ORDER_STORE),
                                       OP(IN, CONDITION_TEXT, TEXT, 1),
                                       OP(NOT),
                                       OP(OR)};
    struct condition condition = {.scope = CONDITION_SCOPE_ORDER,
                                  .ops = ops,
                                  .op_count = 8,
                                  .constants = constants,
                                  .constant_count = 4};
    static const uint8_t wanted[] = {
        1,  2,                               /* format, scope */
        4,                                   /* constants */
        1,  1,                               /* true */
        2,  5,                               /* -3 as zigzag */
        3,  3,    'r',  'e',  'd',           /* "red" */
        4,  0x80, 0xf0, 0xb2, 0x52,          /* 86,400,000 ms as zigzag */
        8,                                   /* instructions */
        2,  8,    0,    0,                   /* order.total_minor */
        1,  0,    1,    0,                   /* -3 */
        12, 2,    0,    0,                   /* < of numbers */
        26, 0,    0,    4,                   /* || : skip the rest when true */
        2,  4,    0,    0,                   /* order.store */
        7,  3,    2,    1,                   /* in ["red"] */
        22, 0,    0,    0,    24,   0, 0, 0, /* !, || */
    };
    uint8_t written[128];
    struct writer writer = writer_of(written, sizeof written);
    condition_encode(&condition, &writer);
    cr_assert_eq(writer.size, sizeof wanted);
    cr_expect_arr_eq(written, wanted, sizeof wanted);

    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct condition decoded;
    struct fault fault;
    cr_assert(condition_decode(writer_span(&writer), &arena, &decoded, &fault), "%s", fault.text);
    cr_expect_eq(decoded.cost, 9, "eight instructions and a list of one");
    uint8_t again[128];
    struct writer second = writer_of(again, sizeof again);
    condition_encode(&decoded, &second);
    cr_expect(bytes_equal(writer_span(&writer), writer_span(&second)));

    /* No shorter one, and none with a byte changed to what it may not be, is read; whatever is read
     * can be written again to the same bytes. */
    for (size_t size = 0; size < sizeof wanted; size++) {
        arena_init(&arena, memory, sizeof memory);
        cr_expect_not(condition_decode(bytes_of(wanted, size), &arena, &decoded, &fault), "%zu",
                      size);
    }
    for (size_t at = 0; at < sizeof wanted; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t changed[sizeof wanted];
            memcpy(changed, wanted, sizeof wanted);
            changed[at] = (uint8_t)byte;
            arena_init(&arena, memory, sizeof memory);
            if (!condition_decode(bytes_of(changed, sizeof changed), &arena, &decoded, &fault)) {
                continue;
            }
            second = writer_of(again, sizeof again);
            condition_encode(&decoded, &second);
            cr_expect(bytes_equal(bytes_of(changed, sizeof changed), writer_span(&second)),
                      "byte %zu as %u", at, byte);
            struct condition_facts facts = {0};
            condition_evaluate(&decoded, &facts);
        }
    }
}

Test(condition, refuses_what_does_not_fit)
{
    static uint8_t large[CONDITION_BYTES_MAX + 1] = {CONDITION_FORMAT};
    const uint8_t many[] = {1, 1, 0xff, 0xff, 0x7f, 1, 1};
    const uint8_t other_format[] = {2, 1, 0, 0};
    const uint8_t sound[] = {1, 1, 1, 1, 1, 1, 1, 0, 0, 0};
    const uint8_t no_truth[] = {1, 1, 1, 1, 2, 1, 1, 0, 0, 0};
    const uint8_t early[] = {1, 1, 1, 4, 1, 1, 1, 0, 0, 0};
    const struct {
        const char *what;
        struct bytes code;
        size_t arena_bytes;
        const char *message; /* NULL: sound */
    } rows[] = {
        {"sound", bytes_of(sound, sizeof sound), ARENA_BYTES, NULL},
        {"an arena that is full", bytes_of(sound, sizeof sound), 16, "cannot be read"},
        {"more bytes than allowed", bytes_of(large, sizeof large), ARENA_BYTES, "too large"},
        {"more constants than bytes", bytes_of(many, sizeof many), ARENA_BYTES, "cannot be read"},
        {"another format", bytes_of(other_format, sizeof other_format), ARENA_BYTES,
         "unknown format"},
        {"a truth of 2", bytes_of(no_truth, sizeof no_truth), ARENA_BYTES, "cannot be read"},
        {"an instant before 1970", bytes_of(early, sizeof early), ARENA_BYTES, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena, memory, rows[i].arena_bytes);
        struct condition condition;
        struct fault fault = {.text = ""};
        bool good = condition_decode(rows[i].code, &arena, &condition, &fault);
        cr_expect_eq(good, rows[i].message == NULL, "%s", rows[i].what);
        if (!good && rows[i].message != NULL) {
            cr_expect_eq(fault.kind, FAULT_DATA, "%s", rows[i].what);
            cr_expect_neq(strstr(fault.text, rows[i].message), NULL, "%s: %s", rows[i].what,
                          fault.text);
        }
    }
}

/* Puts a value that no other field has where the table says that a field stands, and reads it by
 * its number: every offset is right, and none is another's. */
Test(condition, reads_every_field_from_its_own_place)
{
    static const enum condition_scope scopes[] = {
        [CONDITION_ORDER] = CONDITION_SCOPE_ORDER,       [CONDITION_LINE] = CONDITION_SCOPE_LINE,
        [CONDITION_ACTIVITY] = CONDITION_SCOPE_ACTIVITY, [CONDITION_SPEND] = CONDITION_SCOPE_SPEND,
        [CONDITION_MEMBER] = CONDITION_SCOPE_MEMBER,     [CONDITION_EVENT] = CONDITION_SCOPE_MEMBER,
    };
    static char texts[CONDITION_NUMBERS_END][8];
    struct event_line line = {.kind = LINE_FEE};
    struct condition_facts facts = {.line = &line};
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned number = 0; number < CONDITION_NUMBERS_END; number++) {
            const struct condition_name *field = condition_field(number);
            if (field == NULL) continue;
            snprintf(texts[number], sizeof texts[number], "t%u", number);
            struct bytes text = bytes_from_cstr(texts[number]);
            int64_t whole = number;
            bool is_text = field->type == CONDITION_TEXT;
            if (pass == 0 && number != CONDITION_FIELD_LINE_KIND) {
                uint8_t *base =
                    field->variable == CONDITION_LINE ? (uint8_t *)&line : (uint8_t *)&facts;
                memcpy(base + field->offset, is_text ? (void *)&text : (void *)&whole,
                       is_text ? sizeof text : sizeof whole);
            }
            if (pass == 0) continue;
            if (number == CONDITION_FIELD_LINE_KIND) text = BYTES_LITERAL("fee");
            struct condition_constant constant = {.type = field->type};
            if (is_text) {
                constant.text = text;
            } else {
                constant.number = whole;
            }
            const struct condition_op ops[] = {OP(FIELD, (uint8_t)number), OP(CONST),
                                               OP(EQUAL, (uint8_t)field->type)};
            struct condition condition = {.scope = scopes[field->variable],
                                          .ops = ops,
                                          .op_count = 3,
                                          .constants = &constant,
                                          .constant_count = 1};
            const char *reason;
            cr_assert(condition_check(&condition, &condition.cost, &reason), "%s", field->name);
            cr_expect_eq(condition_evaluate(&condition, &facts), CONDITION_TRUE, "%s.%s",
                         condition_variable_name(field->variable), field->name);
        }
    }
    cr_expect(bytes_equal(facts.order.store, BYTES_LITERAL("t4")));
    cr_expect_eq(facts.member.enrolled_at.ms, CONDITION_FIELD_MEMBER_ENROLLED_AT);
    cr_expect_eq(line.tax_minor, CONDITION_FIELD_LINE_TAX);
}
