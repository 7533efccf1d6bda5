#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/region.h"
#include "engine/rules/yaml.h"

static struct region memory;
static struct diagnostics diagnostics;

/* NULL when the text is refused; the diagnostics say why. */
static const struct yaml_node *
parse(const char *text, size_t size)
{
    struct fault fault;
    struct arena arena;
    const struct yaml_node *root = NULL;
    if (memory.memory == NULL)
        cr_assert(region_map(YAML_ARENA_BYTES, &memory, &fault), "%s", fault.text);
    arena_init(&arena, memory.memory, memory.size);
    diagnostics_init(&diagnostics, "a.yaml", bytes_of(text, size));
    bool good = yaml_parse(bytes_of(text, size), &arena, &diagnostics, &root);
    cr_assert_eq(good, diagnostics.error_count == 0);
    return good ? root : NULL;
}

static bool
at(struct place place, uint32_t line, uint32_t column)
{
    return place.line == line && place.column == column;
}

Test(yaml, keeps_texts_as_written_and_knows_their_places)
{
    static const char text[] = "# a comment\n"
                               "rate: 1.10\n"
                               "answer: no\n"
                               "quoted: \"no\"\n"
                               "nothing:\n"
                               "书: [a, {b: c}]\n"
                               "list:\n"
                               "  - x: 1\n"
                               "    y: 'it''s'\n"
                               "block: |\n"
                               "  two\n"
                               "  lines\n";
    const struct yaml_node *root = parse(text, strlen(text));
    cr_assert_not_null(root, "%s", diagnostics.items[0].message);
    cr_assert_eq(root->count, 7);
    const struct yaml_node *rate = yaml_get(root, "rate");
    cr_assert(yaml_is(rate, "1.10"));
    cr_assert(at(rate->key_place, 2, 1));
    cr_assert(at(rate->place, 2, 7));
    cr_assert(yaml_is(yaml_get(root, "answer"), "no"));
    cr_assert_not(yaml_get(root, "answer")->quoted);
    cr_assert(yaml_get(root, "quoted")->quoted);
    cr_assert_str_eq(yaml_kind_name(yaml_get(root, "nothing")), "nothing");
    const struct yaml_node *book = yaml_get(root, "书");
    cr_assert_eq(book->kind, YAML_LIST);
    cr_assert(at(book->place, 6, 4), "columns count characters");
    cr_assert(yaml_is(yaml_get(book->first->next, "b"), "c"));
    cr_assert(at(yaml_get(book->first->next, "b")->place, 6, 12));
    const struct yaml_node *entry = yaml_get(root, "list")->first;
    cr_assert(at(yaml_get(entry, "y")->key_place, 9, 5));
    cr_assert(yaml_is(yaml_get(entry, "y"), "it's"));
    cr_assert(yaml_is(yaml_get(root, "block"), "two\nlines\n"));
    cr_assert_null(yaml_get(root, "absent"));
    cr_assert_null(yaml_get(NULL, "rate"));
    cr_assert_null(yaml_get(rate, "rate"));
}

Test(yaml, refuses_by_name_what_hides_the_meaning)
{
    const struct {
        const char *what, *text;
        uint32_t line, column;
        const char *message;
    } rows[] = {
        {"nothing", "", 0, 0, "the file is empty"},
        {"only comments", "# x\n", 0, 0, "the file is empty"},
        {"an anchor", "a: &x 1\n", 1, 4, "anchors ('&x') are not supported"},
        {"an anchor on a map", "a: &x {}\n", 1, 4, "anchors ('&x') are not supported"},
        {"an alias", "a: *x\n", 1, 4, "aliases ('*x') are not supported"},
        {"a tag", "a: !!str 1\n", 1, 4, "tags ('tag:yaml.org,2002:str') are not supported"},
        {"a tag on a list", "a: !mine []\n", 1, 4, "tags ('!mine') are not supported"},
        {"a merge key", "a:\n  <<: 3\n", 2, 3, "merge keys ('<<') are not supported"},
        {"a key twice", "a: 1\nb: 2\na: 3\n", 3, 1, "key 'a' is given twice"},
        {"a key twice, quoted once", "a: 1\n\"a\": 3\n", 2, 1, "key 'a' is given twice"},
        {"a map as a key", "? {a: b}\n: c\n", 1, 3, "a key must be a plain word, not a map"},
        {"two documents", "a: 1\n---\nb: 2\n", 2, 1, "a second document begins here"},
        {"too deep", "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", 1, 17, "nested deeper than 16 levels"},
        {"a tab", "a:\n\tb: 1\n", 2, 1, "not valid YAML: while scanning for the next token"},
        {"an open quote", "a: 1\nb: \"x\nc: 3\n", 2, 4,
         "not valid YAML: while scanning a quoted scalar"},
        {"an open list", "a: [1, 2\nb: 3\n", 2, 2, "not valid YAML: while parsing a flow sequence"},
        {"bytes that are no UTF-8", "a: 1\nb: \xff\n", 2, 4,
         "not valid YAML: invalid leading UTF-8 octet"},
        {"a control character", "a: \x01\n", 1, 4,
         "not valid YAML: control characters are not allowed"},
        {"UTF-16", "\xff\xfe\x61", 1, 1, "not valid YAML: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_null(parse(rows[i].text, strlen(rows[i].text)), "%s", rows[i].what);
        const struct diagnostic *item = &diagnostics.items[0];
        cr_expect(diagnostics.count > 0 && at(item->place, rows[i].line, rows[i].column) &&
                      strncmp(item->message, rows[i].message, strlen(rows[i].message)) == 0,
                  "%s: %u:%u %s", rows[i].what, item->place.line, item->place.column,
                  item->message);
    }
}

Test(yaml, reads_a_byte_order_mark_and_windows_lines)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a: 1\r\nb: 2\r\n";
    const struct yaml_node *root = parse(text, strlen(text));
    cr_assert_not_null(root, "%s", diagnostics.items[0].message);
    cr_assert(yaml_is(yaml_get(root, "a"), "1"));
    cr_assert(yaml_is(yaml_get(root, "b"), "2"));
    cr_assert(at(yaml_get(root, "b")->place, 2, 4));
}

Test(yaml, stays_within_its_memory)
{
    size_t size = YAML_BYTES_MAX;
    char *text = malloc(size + 1);
    cr_assert_not_null(text);
    text[0] = '[';
    for (size_t i = 1; i < size; i += 2) {
        memcpy(text + i, "a,", i + 1 < size ? 2 : 1);
    }
    text[size - 1] = ']';
    const struct yaml_node *root = parse(text, size);
    cr_expect_not_null(root, "%s", diagnostics.items[0].message);
    if (root != NULL) cr_expect_geq(root->count, YAML_BYTES_MAX / 2 - 1);
    cr_expect_null(parse(text, size + 1), "one byte more than is read");
    for (size_t i = 0; i + 6 <= size; i += 6) {
        snprintf(text + i, 7, "k%03zx:\n", i / 6 & 0xfff);
    }
    cr_expect_null(parse(text, 6 * 1001), "1,001 keys in one map");
    cr_expect_not_null(parse(text, 6 * 1000), "%s", diagnostics.items[0].message);
    memset(text, 'x', size);
    cr_expect_null(parse(text, YAML_SCALAR_BYTES_MAX + 1), "a long text");
    free(text);
}

Test(yaml, readers_judge_values)
{
    static const char text[] =
        "n: 1_000\nneg: -5\nplus: +5\nbig: 9223372036854775807\nover: 9223372036854775808\n"
        "point: 1.0\nhex: 0x10\nunder: _1\nyes: true\nno: no\nempty:\nword: mixed\n";
    const struct yaml_node *root = parse(text, strlen(text));
    cr_assert_not_null(root);
    const struct {
        const char *key;
        bool good;
        int64_t value;
    } rows[] = {
        {"n", true, 1000},   {"neg", true, -5},   {"plus", true, 5}, {"big", true, INT64_MAX},
        {"over", false, 0},  {"point", false, 0}, {"hex", false, 0}, {"under", false, 0},
        {"empty", false, 0}, {"word", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 0;
        cr_expect_eq(
            yaml_whole(yaml_get(root, rows[i].key), INT64_MIN, INT64_MAX, &diagnostics, &value),
            rows[i].good, "%s", rows[i].key);
        cr_expect_eq(value, rows[i].value, "%s: %lld", rows[i].key, (long long)value);
    }
    bool flag = false;
    cr_expect(yaml_boolean(yaml_get(root, "yes"), &diagnostics, &flag));
    cr_expect(flag);
    cr_expect_not(yaml_boolean(yaml_get(root, "no"), &diagnostics, &flag), "nothing is guessed");
    static const char *const words[] = {"mine", "mixed"};
    size_t index = 7;
    cr_expect(yaml_word(yaml_get(root, "word"), words, 2, &diagnostics, &index));
    cr_expect_eq(index, 1);
    cr_expect_not(yaml_word(yaml_get(root, "n"), words, 2, &diagnostics, &index));
    int64_t value;
    cr_expect_not(yaml_whole(yaml_get(root, "n"), 1, 999, &diagnostics, &value));
    cr_expect_str_eq(diagnostics.items[diagnostics.count - 1].message,
                     "'n' is 1000; it must be from 1 to 999");
}
