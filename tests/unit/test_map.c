#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/map.h"
#include "engine/base/region.h"

static struct region memory;
static struct map map;

/* NULL when the map is good; else all that was said about it, to be freed. */
static char *
complaints(const char *text)
{
    struct fault fault;
    struct arena arena;
    if (memory.memory == NULL)
        cr_assert(region_map(MAP_ARENA_BYTES, &memory, &fault), "%s", fault.text);
    arena_init(&arena, memory.memory, memory.size);
    char *said;
    size_t size;
    FILE *messages = open_memstream(&said, &size);
    bool good = map_parse(bytes_from_cstr(text), "shop.map.yaml", &arena, messages, &map, &fault);
    fclose(messages);
    cr_expect_eq(good, size == 0);
    if (good) {
        free(said);
        return NULL;
    }
    cr_expect_eq(fault.kind, FAULT_CONFIG);
    return said;
}

#define HEAD                                                                                       \
    "format: csv\n"                                                                                \
    "columns: [invoice, quantity, price, at, customer]\n"                                          \
    "source: shop\n"                                                                               \
    "time_zone: Asia/Tokyo\n"                                                                      \
    "currency: JPY\n"                                                                              \
    "group_by: invoice\n"                                                                          \
    "time: at\n"                                                                                   \
    "line: {quantity: quantity, unit_price: price}\n"

#define TAIL                                                                                       \
    "member: [{member: \"{customer}\"}]\n"                                                         \
    "events: [{kind: purchase, id: \"{invoice}\", order_id: \"o-{invoice}\"}]\n"

Test(map, reads_every_key)
{
    char *said = complaints(
        HEAD "separator: tab\n"
             "group_within: 5\n"
             "refuse:\n"
             "  - when: {invoice: {starts_with: A, not_equals: A7}, price: {sign: negative}}\n"
             "    reason: not_an_order\n"
             "member:\n"
             "  - when: {customer: {empty: true}}\n"
             "    guest: \"g{invoice}x\"\n"
             "  - member: \"{customer}\"\n"
             "events:\n"
             "  - {kind: refund, id: \"{invoice}\", refund_id: \"{invoice}\", quantity: negative, "
             "when: {price: {sign: zero}}}\n"
             "  - {kind: purchase, id: \"{invoice}\", order_id: \"{invoice}\"}\n");
    cr_assert_null(said, "%s", said);
    cr_expect_eq(map.separator, '\t');
    cr_expect_eq(map.column_count, 5);
    cr_expect(bytes_equal(map.source, BYTES_LITERAL("shop")));
    cr_expect_str_eq(map.currency->alpha, "JPY");
    cr_expect_eq(map.group_column, 0);
    cr_expect_eq(map.group_within, 5);
    cr_expect_eq(map.time_column, 3);
    cr_expect_eq(map.unit_price_column, 2);
    cr_expect_eq(map.sku_column, MAP_NO_COLUMN);
    cr_expect_eq(map.refusal_count, 1);
    cr_expect_eq(map.refusals[0].when.count, 3);
    cr_expect_eq(map.refusals[0].when.conditions[1].test, MAP_NOT_EQUALS);
    cr_expect_eq(map.refusals[0].when.conditions[2].number, -1);
    cr_expect(map.members[0].guest && !map.members[1].guest);
    cr_expect_eq(map.members[0].key.count, 3);
    cr_expect(map.members[0].key.parts[1].is_column);
    cr_expect_eq(map.events[0].kind, EVENT_REFUND);
    cr_expect(map.events[0].quantity_negative && !map.events[1].quantity_negative);
    struct instant noon = calendar_instant(&map.zone, (struct local){12 * 3600 * 1000});
    cr_expect_eq(noon.ms, 3 * 3600 * 1000, "Tokyo is nine hours ahead");
}

Test(map, says_where_and_what_is_wrong)
{
    const struct {
        const char *what, *text, *place, *message, *hint;
    } rows[] = {
        {"an unknown key", HEAD TAIL "grup_within: 3\n", ":11:1:", "unknown key 'grup_within'",
         "did you mean 'group_within'?"},
        {"a column that was not named", HEAD "member: [{member: \"{custmer}\"}]\nevents: []\n",
         ":9:19:", "'custmer' is not one of the columns", "did you mean 'customer'?"},
        {"a column in a condition",
         HEAD TAIL "refuse: [{when: {invoce: {empty: true}}, reason: x}]\n",
         ":11:18:", "'invoce' is not one of the columns", "did you mean 'invoice'?"},
        {"an unknown condition",
         HEAD TAIL "refuse: [{when: {invoice: {begins_with: A}}, reason: x}]\n",
         ":11:28:", "unknown key 'begins_with'", ""},
        {"a sign that is none", HEAD TAIL "refuse: [{when: {price: {sign: minus}}, reason: x}]\n",
         ":11:32:", "'sign' cannot be 'minus'", "possible here: negative, zero, positive"},
        {"a refusal without a reason", HEAD TAIL "refuse: [{when: {price: {sign: zero}}}]\n",
         ":11:10:", "'reason' is missing", "add 'reason: a_name_for_it'"},
        {"a reason in words", HEAD TAIL "refuse: [{reason: Not an order}]\n",
         ":11:19:", "'Not an order' cannot be a reason", "write it with the letters a-z and _"},
        {"a brace left open", HEAD "member: [{member: \"{customer\"}]\nevents: []\n",
         ":9:19:", "a brace that is not closed in '{customer'", "a column stands in braces"},
        {"a brace not opened", HEAD "member: [{member: \"customer}\"}]\nevents: []\n",
         ":9:19:", "a brace that was not opened in 'customer}'", "a column stands in braces"},
        {"member and guest",
         HEAD "member: [{member: \"{customer}\", guest: \"{invoice}\"}]\nevents: []\n",
         ":9:10:", "exactly one of 'member' and 'guest' is needed", "add 'member"},
        {"an order with a refund's id",
         HEAD "member: []\nevents: [{kind: purchase, id: \"{invoice}\", order_id: \"{invoice}\", "
              "refund_id: x}]\n",
         ":10:67:", "unknown key 'refund_id'", ""},
        {"a purchase without an order id",
         HEAD "member: []\nevents: [{kind: purchase, id: \"{invoice}\"}]\n",
         ":10:10:", "'order_id' is missing", "add 'order_id: \"{COLUMN}\"'"},
        {"a kind that maps cannot make",
         HEAD "member: []\nevents: [{kind: redeem, id: \"{invoice}\"}]\n",
         ":10:17:", "'kind' cannot be 'redeem'", "possible here: purchase, refund"},
        {"a zone of no such name",
         "format: csv\ncolumns: [a]\nsource: s\ntime_zone: Europe/Londn\ncurrency: GBP\ngroup_by: "
         "a\ntime: a\n"
         "line: {quantity: a, unit_price: a}\nmember: []\nevents: []\n",
         ":4:12:", "Europe/Londn", "did you mean 'Europe/London'?"},
        {"a currency of no such name",
         "format: csv\ncolumns: [a]\nsource: s\ntime_zone: UTC\ncurrency: GPB\ngroup_by: a\ntime: "
         "a\n"
         "line: {quantity: a, unit_price: a}\nmember: []\nevents: []\n",
         ":5:11:", "GPB", ""},
        {"a column named twice",
         "format: csv\ncolumns: [a, b, a]\nsource: s\ntime_zone: UTC\ncurrency: GBP\n",
         ":2:17:", "column 'a' is named twice", ""},
        {"a format that is none", "format: xlsx\ncolumns: [a]\n",
         ":1:9:", "'format' cannot be 'xlsx'", "possible here: csv"},
        {"nothing that is needed",
         "format: csv\ncolumns: [a]\nsource: s\ntime_zone: UTC\ncurrency: GBP\n",
         ":1:1:", "'group_by' is missing", "add 'group_by: COLUMN'"},
        {"no YAML", "format: [csv\n", ":2:1:", "not valid YAML", "close the list with ]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *said = complaints(rows[i].text), place[64];
        snprintf(place, sizeof place, "shop.map.yaml%s error: ", rows[i].place);
        cr_assert_not_null(said, "%s", rows[i].what);
        cr_expect_not_null(strstr(said, place), "%s: %s not in\n%s", rows[i].what, place, said);
        cr_expect_not_null(strstr(said, rows[i].message), "%s: %s not in\n%s", rows[i].what,
                           rows[i].message, said);
        cr_expect_not_null(strstr(said, rows[i].hint), "%s: %s not in\n%s", rows[i].what,
                           rows[i].hint, said);
        free(said);
    }
}

Test(map, reports_all_errors_at_once)
{
    char *said = complaints(
        HEAD "member: [{member: \"{x}\"}]\nevents: [{kind: sale}]\nrefuse: [{reason: \"\"}]\n");
    cr_assert_not_null(said);
    cr_expect_not_null(strstr(said, ":9:19:"), "%s", said);
    cr_expect_not_null(strstr(said, ":10:17:"), "%s", said);
    cr_expect_not_null(strstr(said, ":11:19:"), "%s", said);
    free(said);
}

Test(map, a_file_that_is_not_there_is_named)
{
    struct fault fault;
    struct arena arena;
    cr_assert(region_map(MAP_ARENA_BYTES, &memory, &fault), "%s", fault.text);
    arena_init(&arena, memory.memory, memory.size);
    cr_expect_not(map_load("no/such.map.yaml", &arena, stderr, &map, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT);
    cr_expect_str_eq(fault.text,
                     "cannot open the map 'no/such.map.yaml': No such file or directory");
}
