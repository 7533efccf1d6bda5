/* Conditions from their text: what is refused, with its place and hint, what is answered, and what
 * it costs. Random ones are compared with another implementation in tests/cel. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/rules/cel_parse.h"
#include "engine/rules/condition_compile.h"

enum { MEMORY_BYTES = 2 * CONDITION_ARENA_BYTES };

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[MEMORY_BYTES];

static bool
compile(const char *text, enum condition_scope scope, struct condition *out_condition,
        struct cel_error *out_error)
{
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    return condition_compile(bytes_from_cstr(text), scope, &arena, out_condition, out_error);
}

/* ---- What is refused ---- */

#define ORDER  CONDITION_SCOPE_ORDER
#define MEMBER CONDITION_SCOPE_MEMBER

struct refusal {
    const char *what;
    enum condition_scope scope;
    const char *text;
    enum cel_error_kind kind;
    uint32_t offset;
    const char *message;
    const char *hint; /* a part of it; "": none */
};

static void
expect_refusals(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct condition condition;
        struct cel_error error;
        if (compile(rows[i].text, rows[i].scope, &condition, &error)) {
            cr_expect_fail("%s: is not refused", rows[i].what);
            continue;
        }
        cr_expect_eq(error.kind, rows[i].kind, "%s: %s", rows[i].what,
                     cel_error_kind_name(error.kind));
        cr_expect_eq(error.offset, rows[i].offset, "%s: at %u", rows[i].what, error.offset);
        cr_expect_str_eq(error.message, rows[i].message, "%s: %s", rows[i].what, error.message);
        bool hinted = rows[i].hint[0] == '\0' ? error.hint[0] == '\0'
                                              : strstr(error.hint, rows[i].hint) != NULL;
        cr_expect(hinted, "%s: hint '%s'", rows[i].what, error.hint);
    }
}

Test(condition_compile, refuses_what_is_no_cel)
{
    static const struct refusal rows[] = {
        {"nothing", ORDER, "", CEL_SYNTAX, 0, "the condition ends where a value should", ""},
        {"blanks", ORDER, " \n// true\n", CEL_SYNTAX, 10, "the condition ends where a value should",
         ""},
        {"half a comparison", ORDER, "1 <", CEL_SYNTAX, 3,
         "the condition ends where a value should", ""},
        {"two values", ORDER, "true false", CEL_SYNTAX, 5,
         "'false' stands where the condition should end", ""},
        {"an open bracket", ORDER, "(true", CEL_SYNTAX, 5, "the condition ends where ')' should",
         ""},
        {"a closed bracket", ORDER, "true)", CEL_SYNTAX, 4,
         "')' stands where the condition should end", ""},
        {"half a choice", ORDER, "true ? false", CEL_SYNTAX, 12,
         "the condition ends where ':' should", ""},
        {"a choice inside the first part of a choice", ORDER, "true ? true ? true : true : true",
         CEL_SYNTAX, 12, "'?' stands where ':' should", ""},
        {"one =", ORDER, "order.store = 'a'", CEL_SYNTAX, 12, "this sign has no meaning here",
         "equal is '=='"},
        {"one &", ORDER, "true & true", CEL_SYNTAX, 5, "this sign has no meaning here",
         "and is '&&'"},
        {"one |", ORDER, "true | true", CEL_SYNTAX, 5, "this sign has no meaning here",
         "or is '||'"},
        {"a letter that no name has", ORDER, "\xc3\xa4 == 1", CEL_SYNTAX, 0,
         "this sign has no meaning here", ""},
        {"the word and", ORDER, "true and true", CEL_SYNTAX, 5,
         "'and' stands where the condition should end", ""},
        {"a text that does not end", ORDER, "order.store == 'a", CEL_SYNTAX, 15,
         "this text does not end", ""},
        {"a text over two lines", ORDER, "'a\nb' == ''", CEL_SYNTAX, 0, "this text does not end",
         ""},
        {"three quotes that do not end", ORDER, "'''a'' == ''", CEL_SYNTAX, 0,
         "this text does not end", ""},
        {"no such escape", ORDER, "'a\\d' == ''", CEL_SYNTAX, 2, "this escape means nothing",
         "a backslash itself is written"},
        {"half an escape", ORDER, "'\\x4' == ''", CEL_SYNTAX, 1, "this escape means nothing",
         ""
         "a backslash"},
        {"an escape of half a character", ORDER, "'\\ud83d' == ''", CEL_SYNTAX, 1,
         "this escape means nothing", "a backslash"},
        {"an escape beyond Unicode", ORDER, "'\\U00110000' == ''", CEL_SYNTAX, 1,
         "this escape means nothing", "a backslash"},
        {"an octal escape beyond a byte", ORDER, "'\\400' == ''", CEL_SYNTAX, 1,
         "this escape means nothing", "a backslash"},
        {"a reserved word", ORDER, "if == 1", CEL_SYNTAX, 0, "'if' is a reserved word", ""},
        {"not and minus mixed", ORDER, "!-1 == 1", CEL_SYNTAX, 1, "'-' stands where a value should",
         ""},
        {"an argument too few", ORDER, "size() == 1", CEL_TYPE, 0, "size() is not written so",
         "size(order.lines)"},
        {"a comma after the last argument", ORDER, "size('a',) == 1", CEL_SYNTAX, 9,
         "')' stands where a value should", ""},
        {"has of no key", ORDER, "has(true)", CEL_SYNTAX, 0, "has() asks for one key of a map",
         "has(order.attributes.gift)"},
        {"exists without a name", ORDER, "order.lines.exists(1, true)", CEL_SYNTAX, 19,
         "exists needs a name for the line", "order.lines.exists(l,"},
        {"a field named as a keyword", ORDER, "order.in == ''", CEL_SYNTAX, 6,
         "'in' stands where a name should", ""},
    };
    expect_refusals(rows, sizeof rows / sizeof *rows);
}

Test(condition_compile, refuses_by_name_what_lies_outside_the_subset)
{
    static const struct refusal rows[] = {
        {"decimals", ORDER, "order.total_minor > 12.50", CEL_OUTSIDE, 20,
         "conditions have no decimals", "minor units"},
        {"decimals without a whole part", ORDER, "1 > .5", CEL_OUTSIDE, 4,
         "conditions have no decimals", "minor units"},
        {"an exponent", ORDER, "1 > 1e3", CEL_OUTSIDE, 4, "conditions have no decimals",
         "minor units"},
        {"unsigned numbers", ORDER, "1 > 1u", CEL_OUTSIDE, 4, "conditions have no unsigned numbers",
         "leave out"},
        {"bytes", ORDER, "b'a' == b'a'", CEL_OUTSIDE, 0, "conditions have no bytes (b\"…\")", ""},
        {"raw bytes", ORDER, "'a' == rb'a'", CEL_OUTSIDE, 7, "conditions have no bytes (b\"…\")",
         ""},
        {"null", ORDER, "order.store == null", CEL_OUTSIDE, 15, "conditions have no null",
         "\"\" or 0"},
        {"a map", ORDER, "'a' in {'a': 1}", CEL_OUTSIDE, 7,
         "conditions build no maps or messages ({…})", ""},
        {"a message", ORDER, "order{store: 'a'} == order", CEL_OUTSIDE, 5,
         "conditions build no maps or messages ({…})", ""},
        {"an absolute name", ORDER, ".order.store == ''", CEL_OUTSIDE, 0,
         "conditions have no absolute names (.name)", "leave out the dot"},
        {"an optional field", ORDER, "order.?store == ''", CEL_OUTSIDE, 5,
         "conditions have no optional values (.?)", ""},
        {"a name in backquotes", ORDER, "order.attributes.`a-b` == ''", CEL_OUTSIDE, 17,
         "conditions have no names in backquotes", "attributes[\"…\"]"},
        {"joined texts", ORDER, "order.store + 'a' == 'ba'", CEL_OUTSIDE, 12,
         "conditions do not join texts with '+'", ""},
        {"calculated instants", ORDER, "event.occurred_at - member.enrolled_at > 1", CEL_OUTSIDE,
         18, "conditions do not calculate with instants", "compare"},
        {"a list of fields", ORDER, "'a' in ['b', order.store]", CEL_OUTSIDE, 19,
         "a list holds constants only", "join with ||"},
        {"an element of a list", ORDER, "[1, 2][0] == 1", CEL_OUTSIDE, 6,
         "conditions take nothing from a list by its number", "exists or all"},
        {"a line by its number", ORDER, "order.lines[0].sku == ''", CEL_OUTSIDE, 11,
         "conditions take nothing from a list by its number", "exists or all"},
        {"a line looked for", ORDER, "'a' in order.lines", CEL_OUTSIDE, 4,
         "no line can be written to look for with 'in'", "order.lines.exists"},
        {"a loop over a list", ORDER, "[1].exists(x, x > 0)", CEL_OUTSIDE, 4,
         "exists goes over order.lines only", "order.lines.exists"},
        {"a loop over a map", ORDER, "order.attributes.all(x, x == '')", CEL_OUTSIDE, 17,
         "all goes over order.lines only", "order.lines.all"},
        {"a loop in a loop", ORDER, "order.lines.exists(a, order.lines.all(b, a.sku == b.sku))",
         CEL_OUTSIDE, 34, "conditions have no loop over lines in another", "square"},
        {"has of a field", ORDER, "has(order.store)", CEL_OUTSIDE, 0,
         "has() asks for keys of maps; fields are always there", "\"\" or 0"},
        {"a calculated timestamp", ORDER, "timestamp(order.store) < event.occurred_at", CEL_OUTSIDE,
         0, "timestamp() takes a text in quotes", "timestamp(\"2026"},
        {"another macro", ORDER, "order.lines.exists_one(l, true)", CEL_OUTSIDE, 12,
         "conditions do not have exists_one()", "functions: has size"},
        {"another function", ORDER, "order.store.matches('a.*')", CEL_OUTSIDE, 12,
         "conditions do not have matches()", "functions: has size"},
        {"a conversion", ORDER, "int('1') == 1", CEL_OUTSIDE, 0, "conditions do not have int()",
         "functions: has size"},
        {"a part of an instant", ORDER, "event.occurred_at.getHours() > 12", CEL_OUTSIDE, 18,
         "conditions do not have getHours()", "campaigns"},
    };
    expect_refusals(rows, sizeof rows / sizeof *rows);
}

Test(condition_compile, refuses_names_that_are_not_there)
{
    static const struct refusal rows[] = {
        {"a slip in a field", ORDER, "order.stroe == 'a'", CEL_UNKNOWN, 6,
         "'order' has no field 'stroe'", "did you mean 'store'?"},
        {"a slip in a map", ORDER, "order.atributes.a == 'a'", CEL_UNKNOWN, 6,
         "'order' has no field 'atributes'", "did you mean 'attributes'?"},
        {"a slip in the lines", ORDER, "size(order.line) == 1", CEL_UNKNOWN, 11,
         "'order' has no field 'line'", "did you mean 'lines'?"},
        {"a slip in a variable", ORDER, "ordre.store == 'a'", CEL_UNKNOWN, 0,
         "unknown name 'ordre'", "did you mean 'order'?"},
        {"a name like none", ORDER, "basket == 1", CEL_UNKNOWN, 0, "unknown name 'basket'", ""},
        {"a line in a rule by order", ORDER, "line.sku == 'a'", CEL_UNKNOWN, 0,
         "there is no 'line' here", "knows order, member, event"},
        {"an order in a rule on activities", CONDITION_SCOPE_ACTIVITY, "order.store == 'a'",
         CEL_UNKNOWN, 0, "there is no 'order' here", "knows activity, member, event"},
        {"an activity in a rule on spending", CONDITION_SCOPE_SPEND, "activity.value == 1",
         CEL_UNKNOWN, 0, "there is no 'activity' here", "knows spend, member, event"},
        {"a spend in a rule by line", CONDITION_SCOPE_LINE, "spend.points == 1", CEL_UNKNOWN, 0,
         "there is no 'spend' here", "knows line, order, member, event"},
        {"an order of a sign-up", MEMBER, "order.store == 'a'", CEL_UNKNOWN, 0,
         "there is no 'order' here", "knows member, event"},
        {"the line of a loop outside it", ORDER, "order.lines.all(l, true) && l.sku == ''",
         CEL_UNKNOWN, 28, "unknown name 'l'", ""},
        {"a slip in a function", ORDER, "order.store.startWith('a')", CEL_UNKNOWN, 12,
         "unknown function 'startWith'", "did you mean 'startsWith'?"},
        {"a function like none", ORDER, "today() == 1", CEL_UNKNOWN, 0, "unknown function 'today'",
         "functions: has size"},
    };
    expect_refusals(rows, sizeof rows / sizeof *rows);
}

Test(condition_compile, refuses_types_that_do_not_go_together)
{
    static const struct refusal rows[] = {
        {"no truth value", ORDER, "order.total_minor", CEL_TYPE, 6,
         "a condition needs true or false; this is a whole number", "compare it with something"},
        {"a number and a text", ORDER, "order.total_minor == 'a'", CEL_TYPE, 18,
         "a whole number does not go with a text", "a number stands without quotes"},
        {"an instant and a text", ORDER, "event.occurred_at < '2026-01-01'", CEL_TYPE, 18,
         "an instant does not go with a text", "an instant is written timestamp(\"2026-01-31T00"},
        {"a number as a truth", ORDER, "1 && true", CEL_TYPE, 0,
         "'&&' needs true or false; this is a whole number", "compare it with something"},
        {"a text as a truth", ORDER, "true || 'a'", CEL_TYPE, 8,
         "'||' needs true or false; this is a text", "compare it with something"},
        {"not a number", ORDER, "!1", CEL_TYPE, 1,
         "'!' needs true or false; this is a whole number", "compare it with something"},
        {"minus a text", ORDER, "-order.store == 1", CEL_TYPE, 7,
         "'-' needs a whole number; this is a text", "a number stands without quotes"},
        {"a number and a truth", ORDER, "1 + true == 2", CEL_TYPE, 4,
         "arithmetic needs a whole number; this is true or false",
         "a number stands without quotes"},
        {"a comparison of a comparison", ORDER, "1 < 2 < 3", CEL_TYPE, 6,
         "true or false does not go with a whole number",
         "true and false stand by themselves, without quotes"},
        {"a choice of two types", ORDER, "(true ? 1 : 'a') == 1", CEL_TYPE, 6,
         "a whole number does not go with a text", "a text stands in quotes"},
        {"a choice by a number", ORDER, "1 ? true : false", CEL_TYPE, 0,
         "'?' needs true or false; this is a whole number", "compare it with something"},
        {"a list of two types", ORDER, "1 in [1, 'a']", CEL_TYPE, 9,
         "a list holds one type; this is a text", "a number stands without quotes"},
        {"a number in texts", ORDER, "1 in ['a']", CEL_TYPE, 2,
         "a whole number does not go with a text", "a text stands in quotes"},
        {"a number as a key", ORDER, "1 in order.attributes", CEL_TYPE, 0,
         "a key needs a text; this is a whole number", "a text stands in quotes"},
        {"a number as a key in brackets", ORDER, "order.attributes[1] == ''", CEL_TYPE, 17,
         "a key needs a text; this is a whole number", "a text stands in quotes"},
        {"in a text", ORDER, "'a' in order.store", CEL_TYPE, 4,
         "'in' needs a list or a map; this is a text", "[\"a\", \"b\"]"},
        {"a variable by itself", ORDER, "order == order", CEL_TYPE, 0,
         "several facts is no value by itself", "name one of its fields"},
        {"lines by themselves", ORDER, "order.lines == order.lines", CEL_TYPE, 6,
         "a list of lines is no value by itself", "exists, all or size"},
        {"a map by itself", ORDER, "order.attributes == 1", CEL_TYPE, 6,
         "a map is no value by itself", "name a key"},
        {"lists compared", ORDER, "[1] == [1]", CEL_TYPE, 0, "a list is no value by itself",
         "right of 'in'"},
        {"a field of a text", ORDER, "order.store.name == ''", CEL_TYPE, 12,
         "a text has no field 'name'", ""},
        {"a key of a text", ORDER, "order.store['a'] == ''", CEL_TYPE, 11, "a text has no keys",
         ""},
        {"the size of a number", ORDER, "size(1) == 1", CEL_TYPE, 0, "a whole number has no size",
         "texts, lists and maps have one"},
        {"startsWith of a number", ORDER, "order.store.startsWith(1)", CEL_TYPE, 23,
         "startsWith needs a text; this is a whole number", "a text stands in quotes"},
        {"a function written as a method", ORDER, "order.attributes.has('a')", CEL_TYPE, 17,
         "has() is not written so", "has(order.attributes.key)"},
        {"a method written as a function", ORDER, "startsWith(order.store, 'a')", CEL_TYPE, 0,
         "startsWith() is not written so", "order.store.startsWith"},
        {"a loop over numbers", ORDER, "order.lines.all(l, l.amount_minor)", CEL_TYPE, 21,
         "all needs true or false; this is a whole number", "compare it with something"},
    };
    expect_refusals(rows, sizeof rows / sizeof *rows);
}

Test(condition_compile, refuses_what_certainly_goes_wrong)
{
    static const struct refusal rows[] = {
        {"division by zero", ORDER, "order.total_minor / 0 == 1", CEL_CONSTANT, 18,
         "this divides by zero", "write another divisor"},
        {"of constants", ORDER, "1 / (2 - 2) == 1", CEL_CONSTANT, 2, "this divides by zero",
         "write another divisor"},
        {"a remainder", ORDER, "order.total_minor % 0 == 1", CEL_CONSTANT, 18,
         "this divides by zero", "write another divisor"},
        {"where it would not be reached", ORDER, "false && 1 / 0 == 1", CEL_CONSTANT, 11,
         "this divides by zero", "write another divisor"},
        {"a sum", ORDER, "9223372036854775807 + 1 > 0", CEL_CONSTANT, 20, "this leaves 64 bits",
         "9223372036854775807"},
        {"a difference", ORDER, "-9223372036854775808 - 1 > 0", CEL_CONSTANT, 21,
         "this leaves 64 bits", "9223372036854775807"},
        {"a product", ORDER, "4294967296 * 2147483648 > 0", CEL_CONSTANT, 11, "this leaves 64 bits",
         "9223372036854775807"},
        {"a quotient", ORDER, "-9223372036854775808 / -1 > 0", CEL_CONSTANT, 21,
         "this leaves 64 bits", "9223372036854775807"},
        {"the least number negated", ORDER, "-(-9223372036854775808) > 0", CEL_CONSTANT, 0,
         "this leaves 64 bits", "9223372036854775807"},
        {"a number above", ORDER, "9223372036854775808 > 0", CEL_CONSTANT, 0,
         "this number leaves 64 bits", ""},
        {"a number below", ORDER, "-9223372036854775809 < 0", CEL_CONSTANT, 1,
         "this number leaves 64 bits", ""},
        {"a number of a hundred digits", ORDER,
         "11111111111111111111111111111111111111111111111111 > 0", CEL_CONSTANT, 0,
         "this number leaves 64 bits", ""},
        {"a hexadecimal one", ORDER, "0x8000000000000000 > 0", CEL_CONSTANT, 0,
         "this number leaves 64 bits", ""},
        {"an instant without a zone", ORDER, "event.occurred_at < timestamp('2026-01-01T00:00:00')",
         CEL_CONSTANT, 30, "the instant has no offset: end it with Z or an offset such as +09:00",
         ""},
        {"a day that is none", ORDER, "event.occurred_at < timestamp('2026-02-30T00:00:00Z')",
         CEL_CONSTANT, 30, "the instant is not a time such as 2026-01-31T15:30:00Z", ""},
    };
    expect_refusals(rows, sizeof rows / sizeof *rows);
}

/* A text made of a start, a part again and again, and an end. */
static const char *
repeated(const char *start, const char *part, unsigned times, const char *end)
{
    static char text[CEL_TEXT_BYTES_MAX + 64];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", start);
    for (unsigned i = 0; i < times && used < sizeof text; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", part);
    }
    cr_assert(used + strlen(end) < sizeof text);
    memcpy(text + used, end, strlen(end) + 1);
    return text;
}

#define A_HUNDRED                                                                                  \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                           \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A_THOUSAND                                                                                 \
    "'" A_HUNDRED A_HUNDRED A_HUNDRED A_HUNDRED A_HUNDRED A_HUNDRED A_HUNDRED A_HUNDRED A_HUNDRED  \
        A_HUNDRED "'"

Test(condition_compile, has_bounds)
{
    struct condition condition;
    struct cel_error error;
    const struct {
        const char *what;
        const char *start, *part;
        unsigned times;
        const char *end;
        enum condition_scope scope;
        const char *message; /* NULL: allowed */
    } rows[] = {
        {"a text of the most bytes", "true", " ", CEL_TEXT_BYTES_MAX - 4, "", ORDER, NULL},
        {"one byte more", "true", " ", CEL_TEXT_BYTES_MAX - 3, "", ORDER,
         "the condition has 4097 bytes, at most 4096 are allowed"},
        {"brackets", "", "(", CEL_DEPTH_MAX - 1, "true", ORDER,
         "the condition ends where ')' should"},
        {"one bracket more", "", "(", CEL_DEPTH_MAX, "true", ORDER,
         "the condition is nested too deeply"},
        {"choices in one another", "", "true ? true : ", CEL_DEPTH_MAX - 1, "true", ORDER, NULL},
        {"one choice more", "", "true ? true : ", CEL_DEPTH_MAX, "true", ORDER,
         "the condition is nested too deeply"},
        {"many operands side by side", "true", "||true", 499, "", ORDER, NULL},
        {"too many of them", "true", "||true", 500, "", ORDER, "the condition is too long"},
        {"a list of many texts", "order.store in ['", "1','2','", 460, "']", ORDER, NULL},
        {"more bytes of program than allowed", A_THOUSAND " == ''", "||true", 497, "", ORDER,
         "the condition is too long"},
        {"values at once", "", "order.total_minor+order.total_minor*(", 15, "1))))))))))))))) > 0",
         ORDER, NULL},
        {"too many values at once", "", "order.total_minor+order.total_minor*(", 20,
         "1)))))))))))))))))))) > 0", ORDER, "this cannot be run: its stack is too deep"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = repeated(rows[i].start, rows[i].part, rows[i].times, rows[i].end);
        bool good = compile(text, rows[i].scope, &condition, &error);
        cr_expect_eq(good, rows[i].message == NULL, "%s: %s", rows[i].what,
                     good ? "" : error.message);
        if (!good && rows[i].message != NULL) {
            cr_expect_str_eq(error.message, rows[i].message, "%s", rows[i].what);
        }
    }
}

/* ---- Answers ---- */

static const struct attribute red[] = {
    {{(const uint8_t *)"colour", 6}, {(const uint8_t *)"red", 3}}};
static const struct attribute gift[] = {{{(const uint8_t *)"gift", 4}, {(const uint8_t *)"yes", 3}},
                                        {{(const uint8_t *)"two words", 9}, {NULL, 0}}};
static const struct attribute tiers[] = {
    {{(const uint8_t *)"club", 4}, {(const uint8_t *)"gold", 4}}};

static struct condition_facts
make_facts(uint32_t line_count)
{
    static const struct event_line lines[] = {
        {.sku = {(const uint8_t *)"a", 1},
         .category = {(const uint8_t *)"shoes", 5},
         .kind = LINE_GOODS,
         .quantity_milli = 1500,
         .amount_minor = 1000,
         .attributes = {red, 1}},
        {.sku = {(const uint8_t *)"post", 4}, .kind = LINE_SHIPPING, .amount_minor = 0},
        {.sku = {(const uint8_t *)"card", 4}, .kind = LINE_GIFT_CARD, .amount_minor = 500},
    };
    return (struct condition_facts){
        .order = {.store = BYTES_LITERAL("ginza"),
                  .currency = BYTES_LITERAL("JPY"),
                  .channel = BYTES_LITERAL("\xe6\x97\xa5\xe6\x9c\xac"),
                  .total_minor = 1500,
                  .gift_card_minor = INT64_MAX,
                  .points_tender_minor = INT64_MIN,
                  .attributes = {gift, 2},
                  .lines = lines,
                  .line_count = line_count},
        .line = &lines[0],
        .member = {.tiers = {tiers, 1}, .enrolled_at = {1767225600000}, .birthday_month = 2},
        .event = {.kind = BYTES_LITERAL("purchase"), .occurred_at = {1793500000000}},
    };
}

struct answer {
    const char *what;
    const char *text;
    enum condition_result result;
};

static void
expect_answers(const struct answer *rows, size_t count, enum condition_scope scope,
               uint32_t line_count)
{
    static const char *const names[] = {"false", "true", "error"};
    struct condition_facts facts = make_facts(line_count);
    for (size_t i = 0; i < count; i++) {
        struct condition condition;
        struct cel_error error;
        if (!compile(rows[i].text, scope, &condition, &error)) {
            cr_expect_fail("%s: %s", rows[i].what, error.message);
            continue;
        }
        enum condition_result result = condition_evaluate(&condition, &facts);
        cr_expect_eq(result, rows[i].result, "%s: %s", rows[i].what, names[result]);
    }
}

#define YES   CONDITION_TRUE
#define NO    CONDITION_FALSE
#define ERROR CONDITION_ERROR
/* An error that no checker can foresee. */
#define WRONG "1 / (order.total_minor - 1500) == 1"

Test(condition_compile, answers_by_precedence)
{
    static const struct answer rows[] = {
        {"product before sum", "2 + 3 * 4 == 14", YES},
        {"brackets before product", "(2 + 3) * 4 == 20", YES},
        {"differences group to the left", "10 - 4 - 3 == 3", YES},
        {"quotients group to the left", "100 / 10 / 5 == 2", YES},
        {"products and remainders group to the left", "7 * 5 % 4 == 3", YES},
        {"minus binds tighter than product", "-2 * 3 == -6", YES},
        {"two minuses", "- -2 == 2", YES},
        {"a minus without blanks", "order.total_minor-1==1499", YES},
        {"comparison before and", "1 < 2 && 2 < 3", YES},
        {"and before or", "true || false && false", YES},
        {"or before choice", "false || true ? true : false", YES},
        {"a choice groups to the right", "false ? false : false ? false : true", YES},
        {"not before comparison", "!true == false", YES},
        {"two nots", "!!true", YES},
        {"equal results compared", "1 == 1 == true", YES},
        {"in as a comparison", "1 in [1] == true", YES},
        {"a comment", "true // && false\n && true", YES},
        {"hexadecimal", "0x1F == 31 && -0x10 == -16 && 0xff == 255", YES},
        {"leading zeros", "007 == 7", YES},
    };
    expect_answers(rows, sizeof rows / sizeof *rows, CONDITION_SCOPE_LINE, 3);
}

Test(condition_compile, answers_with_errors_as_cel_does)
{
    static const struct answer rows[] = {
        {"an error", WRONG, ERROR},
        {"not of an error", "!(" WRONG ")", ERROR},
        {"false absorbs on the left", "false && " WRONG, NO},
        {"false absorbs on the right", WRONG " && false", NO},
        {"true does not in and", WRONG " && true", ERROR},
        {"true does not in and, on the left", "true && " WRONG, ERROR},
        {"true absorbs on the left", "true || " WRONG, YES},
        {"true absorbs on the right", WRONG " || true", YES},
        {"false does not in or", WRONG " || false", ERROR},
        {"two errors", WRONG " || " WRONG, ERROR},
        {"two errors with and", WRONG " && " WRONG, ERROR},
        {"absorbed behind more", WRONG " || " WRONG " || true", YES},
        {"absorbed in brackets", "(" WRONG " && false) || true", YES},
        {"a comparison absorbs nothing", "(" WRONG ") == true", ERROR},
        {"a choice by an error", "(" WRONG ") ? true : true", ERROR},
        {"a choice by an error inside more", "((" WRONG ") ? true : true) || true", YES},
        {"the part that is not chosen", "true ? true : " WRONG, YES},
        {"the other part that is not chosen", "false ? " WRONG " : true", YES},
        {"the part that is chosen", "true ? " WRONG " : true", ERROR},
        {"arithmetic with an error", "1 / (order.total_minor - 1500) * 0 == 0", ERROR},
        {"an error in a list", "1 / (order.total_minor - 1500) in [1]", ERROR},
        {"an error in an empty list", "1 / (order.total_minor - 1500) in []", ERROR},
        {"a key that is not there", "order.attributes.none == ''", ERROR},
        {"the size of what is not there", "size(order.attributes.none) == 0", ERROR},
        {"a key from a key that is not there", "order.attributes[order.attributes.none] == ''",
         ERROR},
        {"whether such a key is there", "order.attributes.none in order.attributes", ERROR},
        {"the start of what is not there", "order.attributes.none.startsWith('')", ERROR},
    };
    expect_answers(rows, sizeof rows / sizeof *rows, CONDITION_SCOPE_LINE, 3);
}

Test(condition_compile, answers_over_lines)
{
    static const struct answer rows[] = {
        {"one line", "order.lines.exists(l, l.category == 'shoes')", YES},
        {"the last line", "order.lines.exists(l, l.kind == 'gift_card')", YES},
        {"no line", "order.lines.exists(l, l.kind == 'fee')", NO},
        {"all lines", "order.lines.all(l, l.amount_minor >= 0)", YES},
        {"not all lines", "order.lines.all(l, l.amount_minor > 0)", NO},
        {"exists with an error before",
         "order.lines.exists(l, l.attributes.colour == 'red' || "
         "1 / l.amount_minor == 2 || l.kind == 'gift_card')",
         YES},
        {"exists with an error behind", "order.lines.exists(l, 100000 / l.amount_minor == 100)",
         YES},
        {"exists with an error and none true", "order.lines.exists(l, 1 / l.amount_minor == 9)",
         ERROR},
        {"all with an error and one false", "order.lines.all(l, 1 / l.amount_minor == 9)", NO},
        {"all with an error and none false", "order.lines.all(l, 1 / l.amount_minor == 0)", ERROR},
        {"an error in the first line only", "order.lines.all(l, l.attributes.colour == 'red')",
         ERROR},
        {"attributes of a line",
         "order.lines.exists(l, has(l.attributes.colour) && "
         "l.attributes.colour == 'red')",
         YES},
        {"a loop's line that hides another name", "order.lines.exists(order, order.sku == 'post')",
         YES},
        {"a name hidden only inside", "order.lines.exists(order, true) && order.store == 'ginza'",
         YES},
        {"two loops", "order.lines.exists(l, true) && order.lines.all(l, l.sku != '')", YES},
        {"a choice in a loop",
         "order.lines.all(l, l.kind == 'goods' ? l.amount_minor == 1000 : "
         "l.amount_minor < 1000)",
         YES},
        {"how many", "size(order.lines) == 3 && order.lines.size() == 3", YES},
    };
    static const struct answer of_line[] = {
        {"the line at hand in a loop", "order.lines.exists(l, l.sku == line.sku)", YES},
    };
    static const struct answer without[] = {
        {"exists over nothing", "order.lines.exists(l, true)", NO},
        {"all over nothing", "order.lines.all(l, false)", YES},
        {"errors over nothing", "order.lines.all(l, " WRONG ")", YES},
        {"none", "size(order.lines) == 0", YES},
    };
    expect_answers(rows, sizeof rows / sizeof *rows, ORDER, 3);
    expect_answers(without, sizeof without / sizeof *without, ORDER, 0);
    expect_answers(of_line, sizeof of_line / sizeof *of_line, CONDITION_SCOPE_LINE, 3);
}

Test(condition_compile, answers_about_texts_maps_and_instants)
{
    static const struct answer rows[] = {
        {"quotes of both kinds", "'a' == \"a\"", YES},
        {"three quotes", "'''it's''' == \"it's\" && \"\"\"say \"a\" \n\"\"\" == 'say \"a\" \\n'",
         YES},
        {"escapes", "'\\a\\b\\f\\n\\r\\t\\v' == '\\x07\\x08\\x0c\\x0a\\x0d\\x09\\x0b'", YES},
        {"escapes of marks", "'\\\\\\?\\\"\\'\\`' == r'''\\?\"'`'''", YES},
        {"characters by number", "'\\u65e5\\u672c' == order.channel && '\\101\\X42' == 'AB'", YES},
        {"a character beyond 16 bits", "size('\\U0001F600') == 1", YES},
        {"a byte by number is a character", "size('\\xff') == 1", YES},
        {"the character 0", "size('\\0001') == 2 && '\\x00' < 'a'", YES},
        {"raw", "r'\\n' != '\\n' && R\"\\d\".size() == 2", YES},
        {"size in characters", "size(order.channel) == 2 && 'ginza'.size() == 5", YES},
        {"texts in order", "'a' < 'b' && 'a' < 'ab' && 'Z' < 'a' && '\\uffff' < '\\U00010000'",
         YES},
        {"truths in order", "false < true && !(true < true) && true >= false", YES},
        {"starts", "order.store.startsWith('gin') && order.store.startsWith('')", YES},
        {"does not start", "order.store.startsWith('ginza2') || ''.startsWith('a')", NO},
        {"in texts", "order.store in ['a', 'ginza',]", YES},
        {"not in texts", "order.store in ['a', 'ginz']", NO},
        {"in numbers", "order.total_minor in [-1, 1500]", YES},
        {"in truths", "true in [false] || false in [true]", NO},
        {"in instants", "member.enrolled_at in [timestamp('2026-01-01T00:00:00Z')]", YES},
        {"in nothing", "1 in [] || 'a' in []", NO},
        {"a list's size", "size([]) == 0 && ['a', 'b'].size() == 2", YES},
        {"a key", "order.attributes.gift == 'yes' && order.attributes['gift'] == 'yes'", YES},
        {"a key with a blank", "order.attributes['two words'] == ''", YES},
        {"has", "has(order.attributes.gift) && !has(order.attributes.none)", YES},
        {"in a map", "'two words' in order.attributes && !('none' in order.attributes)", YES},
        {"a map's size", "size(order.attributes) == 2 && member.tiers.size() == 1", YES},
        {"a tier", "member.tiers.club == 'gold' && member.tiers['club'] in ['gold', 'platinum']",
         YES},
        {"no such group", "member.tiers.vip == 'gold'", ERROR},
        {"a reserved word as a key", "has(order.attributes.if)", NO},
        {"an instant", "member.enrolled_at == timestamp('2026-01-01T09:00:00+09:00')", YES},
        {"instants in order",
         "member.enrolled_at < event.occurred_at && event.occurred_at > "
         "timestamp('2026-10-31T00:00:00.001Z')",
         YES},
        {"what was not told", "order.partner == '' && member.birthday_day == 0", YES},
        {"the line at hand",
         "line.sku == 'a' && line.quantity_milli == 1500 && line.kind == 'goods'", YES},
        {"values by choice",
         "(order.total_minor > 1 ? order.store : 'a') == 'ginza' && "
         "(false ? 1 : 2) == 2",
         YES},
    };
    expect_answers(rows, sizeof rows / sizeof *rows, CONDITION_SCOPE_LINE, 3);
}

Test(condition_compile, answers_in_64_bits)
{
    static const struct answer rows[] = {
        {"a sum that leaves them", "order.gift_card_minor + order.total_minor > 0", ERROR},
        {"a difference that leaves them", "order.points_tender_minor - 1 < 0", ERROR},
        {"a product that leaves them", "order.gift_card_minor * 2 > 0", ERROR},
        {"the least number negated", "-order.points_tender_minor > 0", ERROR},
        {"the least number by -1", "order.points_tender_minor / -1 > 0", ERROR},
        {"its remainder", "order.points_tender_minor % -1 == 0", YES},
        {"the same of constants", "-9223372036854775808 % -1 == 0", YES},
        {"just inside", "order.gift_card_minor - 1 + 1 == 9223372036854775807", YES},
        {"the ends",
         "order.points_tender_minor == -9223372036854775808 && "
         "-order.gift_card_minor == -9223372036854775807",
         YES},
        {"quotients go towards zero", "-order.total_minor / 7 == -214 && 7 / 2 == 3", YES},
        {"remainders have the dividend's sign", "-order.total_minor % 7 == -2 && 1500 % -7 == 2",
         YES},
        {"division by what is zero", "1 / member.birthday_day == 1", ERROR},
        {"the remainder by what is zero", "1 % member.birthday_day == 1", ERROR},
    };
    expect_answers(rows, sizeof rows / sizeof *rows, CONDITION_SCOPE_LINE, 3);
}

/* ---- Cost ---- */

Test(condition_compile, counts_what_a_condition_costs)
{
    const struct {
        const char *what;
        enum condition_scope scope;
        const char *text;
        uint64_t cost; /* 0: too much */
    } rows[] = {
        {"a constant", MEMBER, "true", 1},
        {"constants are calculated at check", MEMBER, "1 + 2 * 3 == 7", 3},
        {"a comparison", ORDER, "order.store == 'a'", 3},
        {"both sides of &&", ORDER, "order.store == 'a' && order.total_minor > 1", 8},
        {"a list", ORDER, "order.store in ['a', 'b', 'c']", 5},
        {"a key of 32", ORDER, "has(order.attributes.a)", 34},
        {"lines", ORDER, "order.lines.exists(l, l.sku == 'a')", 1 + 2000 * 4},
        {"a key of each line", ORDER, "order.lines.all(l, has(l.attributes.a))", 1 + 2000 * 35},
        {"a rule by line", CONDITION_SCOPE_LINE, "line.sku == 'a'", 2000 * 3},
        {"lines of a rule by line", CONDITION_SCOPE_LINE, "order.lines.exists(l, l.sku == 'a')",
         2000 * (1 + 2000 * 4)},
        {"more of them", CONDITION_SCOPE_LINE,
         "order.lines.exists(l, l.sku == 'a' && l.amount_minor > 1)", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct condition condition = {.cost = 0};
        struct cel_error error = {.message = ""};
        bool good = compile(rows[i].text, rows[i].scope, &condition, &error);
        cr_expect_eq(good, rows[i].cost != 0, "%s: %s", rows[i].what, error.message);
        if (good)
            cr_expect_eq(condition.cost, rows[i].cost, "%s: %lu", rows[i].what, condition.cost);
        if (!good) {
            cr_expect_eq(error.kind, CEL_TOO_MUCH);
            cr_expect_neq(strstr(error.message, "this costs up to 36"), NULL, "%s", error.message);
        }
    }
}

/* ---- In a rulebook ---- */

Test(condition_compile, points_into_the_file)
{
    const struct {
        const char *what;
        const char *yaml;
        uint32_t line, column; /* of the mistake; 0: sound */
    } rows[] = {
        {"sound", "when: order.store == 'a'\n", 0, 0},
        {"plain", "when: order.stroe == 'a'\n", 1, 13},
        {"behind letters of more bytes", "when: order.store == '\xc3\xa4' && x\n", 1, 29},
        {"in quotes", "a: 1\nwhen:   \"order.stroe == 'a'\"\n", 2, 16},
        {"in single quotes", "when: 'order.stroe == \"a\"'\n", 1, 14},
        {"plain over two lines", "when: order.store == 'a' &&\n  order.stroe == 'b'\n", 2, 9},
        {"a block of lines", "when: |\n  order.store == 'a' &&\n    order.stroe == 'b'\n", 3, 11},
        {"a folded block", "when: >-\n  order.store == 'a'\n  && order.stroe == 'b'\n", 3, 12},
        {"at its end", "when: order.store ==\nnext: 1\n", 1, 21},
        {"said in other words: the whole value", "when: \"\\x6frder.stroe == 'a'\"\n", 1, 7},
        {"a doubled quote: the whole value", "when: 'order.store == ''a'' && x'\n", 1, 7},
        {"no value", "when: [a]\n", 1, 7},
        {"empty", "when:\n", 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static _Alignas(ARENA_ALIGNMENT) uint8_t tree_memory[1024 * 1024];
        static struct diagnostics diagnostics;
        struct arena tree, arena;
        arena_init(&tree, tree_memory, sizeof tree_memory);
        arena_init(&arena, memory, sizeof memory);
        struct bytes source = bytes_from_cstr(rows[i].yaml);
        diagnostics_init(&diagnostics, "shop.yaml", source);
        const struct yaml_node *root;
        cr_assert(yaml_parse(source, &tree, &diagnostics, &root), "%s", rows[i].what);
        struct bytes code;
        uint64_t cost;
        bool good = condition_compile_node(yaml_get(root, "when"), ORDER, &arena, &diagnostics,
                                           &code, &cost);
        cr_expect_eq(good, rows[i].line == 0, "%s", rows[i].what);
        cr_expect_eq(diagnostics.error_count, rows[i].line != 0, "%s", rows[i].what);
        if (good) {
            struct condition condition;
            struct fault fault;
            cr_expect(condition_decode(code, &arena, &condition, &fault), "%s", rows[i].what);
            cr_expect_eq(condition.cost, cost);
        } else {
            struct place place = diagnostics.items[0].place;
            cr_expect(place.line == rows[i].line && place.column == rows[i].column, "%s: %u:%u",
                      rows[i].what, place.line, place.column);
        }
    }
}
