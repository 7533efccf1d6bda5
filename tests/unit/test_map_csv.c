#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/map_csv.h"
#include "engine/base/region.h"
#include "tests/unit/property.h"
#include "tests/unit/text_file.h"

static const char map_text[] =
    "format: csv\n"
    "columns: [invoice, sku, quantity, at, price, customer]\n"
    "source: shop\n"
    "time_zone: Europe/London\n"
    "currency: GBP\n"
    "group_by: invoice\n"
    "group_within: 2\n"
    "time: at\n"
    "line: {quantity: quantity, unit_price: price, sku: sku}\n"
    "refuse: [{when: {invoice: {starts_with: A}}, reason: not_an_order}]\n"
    "member:\n"
    "  - when: {customer: {equals: nobody}}\n"
    "    guest: \"{invoice}\"\n"
    "  - when: {customer: {empty: false}}\n"
    "    member: \"m{customer}\"\n"
    "events:\n"
    "  - {when: {invoice: {starts_with: C}}, kind: refund, id: \"e-{invoice}\", refund_id: "
    "\"{invoice}\", "
    "quantity: negative}\n"
    "  - {when: {sku: {not_equals: none}}, kind: purchase, id: \"e-{invoice}\", order_id: "
    "\"{invoice}\"}\n";

static const char header[] = "invoice,sku,quantity,at,price,customer\n";

static struct map map;
static struct arena events;

/* What was said about a file: one line for each event and refusal, in order, and at the end the
 * totals. */
static FILE *story;

static void
note_refusal(void *context, const struct map_refusal *refusal)
{
    char value[MAP_VALUE_TEXT_MAX] = "-";
    (void)context;
    if (refusal->has_value) map_value_format(refusal->value, value);
    fprintf(story, "refused %" PRIu64 " %.*s %s\n", refusal->line, (int)refusal->reason.size,
            (const char *)refusal->reason.data, value);
}

static void
note_event(const struct event *event, const struct map_rows *rows)
{
    bool purchase = event->kind == EVENT_PURCHASE;
    struct bytes own = purchase ? event->purchase.order_id : event->refund.refund_id;
    const struct event_line *lines = purchase ? event->purchase.lines : event->refund.lines;
    uint32_t count = purchase ? event->purchase.line_count : event->refund.line_count;
    char value[MAP_VALUE_TEXT_MAX], when[INSTANT_TEXT_MAX];
    map_value_format(rows->value, value);
    instant_format(event->occurred_at, when);
    bool guest = event->member.data[0] == KEY_SPECIAL;
    fprintf(story, "%s %.*s %.*s %s%.*s %s", purchase ? "purchase" : "refund", (int)event->id.size,
            (const char *)event->id.data, (int)own.size, (const char *)own.data, guest ? "^" : "",
            (int)event->member.size - guest, (const char *)event->member.data + guest, when);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(story, " [%.*s %.*s %" PRId64 " %" PRId64 " @%" PRIu64 "]",
                (int)lines[i].line_id.size, (const char *)lines[i].line_id.data,
                (int)lines[i].sku.size, (const char *)lines[i].sku.data, lines[i].quantity_milli,
                lines[i].amount_minor, rows->lines[i]);
    }
    if (!purchase) fprintf(story, " sum %" PRId64, event->refund.amount_minor);
    fprintf(story, " = %s\n", value);
    cr_expect_eq(rows->count, count);
    cr_expect_eq(event->content_hash, 0);
    cr_expect_eq(event->wire.size, 0);
    cr_expect(bytes_equal(event->source, BYTES_LITERAL("shop")));
    uint16_t currency = purchase ? event->purchase.currency : event->refund.currency;
    cr_expect_eq(currency, 826);
}

static void
prepare(void)
{
    struct fault fault;
    struct region memory;
    struct arena arena;
    cr_assert(region_map(MAP_ARENA_BYTES, &memory, &fault), "%s", fault.text);
    arena_init(&arena, memory.memory, memory.size);
    cr_assert(map_parse(bytes_from_cstr(map_text), "shop.map.yaml", &arena, stderr, &map, &fault),
              "%s", fault.text);
    cr_assert(region_map(MAP_EVENT_BYTES_MAX, &memory, &fault), "%s", fault.text);
    arena_init(&events, memory.memory, memory.size);
}

/* Reads the file to its end, event by event, and returns its totals. */
static struct map_totals
read_file(const void *text, size_t size, map_refused *refused,
          void (*event_read)(const struct event *, const struct map_rows *))
{
    struct map_csv *reader;
    struct fault fault;
    int file = text_file(text, size);
    cr_assert(map_csv_open(&map, file, "a.csv", refused, NULL, &reader, &fault), "%s", fault.text);
    enum map_step step;
    do {
        struct event event;
        struct map_rows rows;
        arena_reset_to(&events, 0);
        step = map_csv_next(reader, &events, &event, &rows, &fault);
        if (step == MAP_STEP_EVENT) event_read(&event, &rows);
    } while (step == MAP_STEP_EVENT);
    cr_assert_eq(step, MAP_STEP_END, "%s", fault.text);
    struct map_totals totals = map_csv_totals(reader);
    map_csv_close(reader);
    close(file);
    return totals;
}

static char *
story_of(const char *rows)
{
    char *told, *text;
    size_t size;
    cr_assert(asprintf(&text, "%s%s", header, rows) > 0);
    story = open_memstream(&told, &size);
    read_file(text, strlen(text), note_refusal, note_event);
    fclose(story);
    free(text);
    return told;
}

Test(map_csv, tells_each_row_once, .init = prepare)
{
    const struct {
        const char *what, *rows, *story;
    } rows[] = {
        {"an order of two lines, in winter",
         "1,a,6,2010-12-01T08:26:00,2.55,7\n1,b,1,2010-12-01T08:27:00,3.39,7\n",
         "purchase e-1 1 m7 2010-12-01T08:26:00Z [1 a 6000 1530 @2] [2 b 1000 339 @3] = 18.690\n"},
        {"summer time is an hour ahead", "1,a,1,2011-07-01T08:26:00,1,7\n",
         "purchase e-1 1 m7 2011-07-01T07:26:00Z [1 a 1000 100 @2] = 1.000\n"},
        {"a time with its offset", "1,a,1,2011-07-01T08:26:00+02:00,1,7\n",
         "purchase e-1 1 m7 2011-07-01T06:26:00Z [1 a 1000 100 @2] = 1.000\n"},
        {"a guest", "1,a,1,2011-01-01T00:00:00,1,nobody\n",
         "purchase e-1 1 ^guest/1 2011-01-01T00:00:00Z [1 a 1000 100 @2] = 1.000\n"},
        {"nobody at all", "1,a,1,2011-01-01T00:00:00,1,\n", "refused 2 no_member 1.000\n"},
        {"a refund is positive, its value negative",
         "C1,a,-2,2011-01-01T00:00:00,1.50,7\nC1,b,-1,2011-01-01T00:00:00,1,7\n",
         "refund e-C1 C1 m7 2011-01-01T00:00:00Z [1 a 2000 300 @2] [2 b 1000 100 @3] sum 400 = "
         "-4.000\n"},
        {"the wrong sign either way",
         "1,a,-1,2011-01-01T00:00:00,1,7\nC1,a,1,2011-01-01T00:00:00,1,7\n",
         "refused 2 negative_quantity -1.000\nrefused 3 positive_quantity 1.000\n"},
        {"nothing of it", "1,a,0,2011-01-01T00:00:00,1,7\n", "refused 2 zero_quantity 0.000\n"},
        {"a negative price", "1,a,1,2011-01-01T00:00:00,-11062.06,7\n",
         "refused 2 negative_amount -11062.060\n"},
        {"for nothing", "1,a,3,2011-01-01T00:00:00,0,7\n",
         "purchase e-1 1 m7 2011-01-01T00:00:00Z [1 a 3000 0 @2] = 0.000\n"},
        {"a length of cloth", "1,a,1.5,2011-01-01T00:00:00,0.50,7\n",
         "purchase e-1 1 m7 2011-01-01T00:00:00Z [1 a 1500 75 @2] = 0.750\n"},
        {"an amount between two pence", "1,a,1.5,2011-01-01T00:00:00,0.33,7\n",
         "refused 2 too_many_digits 0.495\n"},
        {"a price of a tenth of a penny is refused, and the order's other lines keep their numbers",
         "1,a,1,2011-01-01T00:00:00,0.001,7\n1,b,1,2011-01-02T00:00:00,1,7\n",
         "refused 2 too_many_digits 0.001\npurchase e-1 1 m7 2011-01-01T00:00:00Z [2 b 1000 100 "
         "@3] = 1.000\n"},
        {"more decimals than are counted",
         "1,a,1,2011-01-01T00:00:00,0.00001,7\n1,b,0.0001,2011-01-01T00:00:00,1,7\n",
         "refused 2 too_many_digits -\nrefused 3 too_many_digits -\n"},
        {"zeros are no decimals", "1,a,1,2011-01-01T00:00:00,1.50000,7\n",
         "purchase e-1 1 m7 2011-01-01T00:00:00Z [1 a 1000 150 @2] = 1.500\n"},
        {"no number",
         "1,a,x,2011-01-01T00:00:00,1,7\n1,a,1,2011-01-01T00:00:00,\"1,50\",7\n1,a,,2011-01-01T00:"
         "00:00,1,7\n",
         "refused 2 malformed_number -\nrefused 3 malformed_number -\nrefused 4 malformed_number "
         "-\n"},
        {"absurd",
         "1,a,1,2011-01-01T00:00:00,99999999999999999999,7\n1,a,1000000000,2011-01-01T00:00:00,"
         "1000000000,7\n",
         "refused 2 overflow -\nrefused 3 overflow -\n"},
        {"no time", "1,a,1,yesterday,1,7\n1,a,1,2011-02-30T00:00:00,1,7\n1,a,1,,1,7\n",
         "refused 2 malformed_time 1.000\nrefused 3 malformed_time 1.000\nrefused 4 malformed_time "
         "1.000\n"},
        {"the map's reason comes first", "A1,a,x,yesterday,y,\n", "refused 2 not_an_order -\n"},
        {"no event for it", "1,none,1,2011-01-01T00:00:00,1,7\n", "refused 2 no_event 1.000\n"},
        {"another customer's row in the order",
         "1,a,1,2011-01-01T00:00:00,1,7\n1,b,1,2011-01-01T00:00:00,1,8\n1,c,1,2011-01-01T00:00:00,"
         "1,nobody\n",
         "refused 3 other_member 1.000\nrefused 4 other_member 1.000\n"
         "purchase e-1 1 m7 2011-01-01T00:00:00Z [1 a 1000 100 @2] = 1.000\n"},
        {"ids that are none",
         ",a,1,2011-01-01T00:00:00,1,7\n\"1\t2\",a,1,2011-01-01T00:00:00,1,7\n1,\xff,1,2011-01-"
         "01T00:00:00,1,7\n",
         "refused 2 bad_id 1.000\nrefused 3 bad_id 1.000\nrefused 4 bad_id 1.000\n"},
        {"rows of another order inside, as far as the map allows",
         "1,a,1,2011-01-01T00:00:00,1,7\n2,b,1,2011-01-01T00:00:01,1,8\n2,b,1,2011-01-01T00:00:02,"
         "1,8\n"
         "1,a,1,2011-01-01T00:00:03,1,7\n",
         "purchase e-1 1 m7 2011-01-01T00:00:00Z [1 a 1000 100 @2] [2 a 1000 100 @5] = 2.000\n"
         "purchase e-2 2 m8 2011-01-01T00:00:01Z [1 b 1000 100 @3] [2 b 1000 100 @4] = 2.000\n"},
        {"and further than that",
         "1,a,1,2011-01-01T00:00:00,1,7\n2,b,1,2011-01-01T00:00:01,1,8\n2,b,1,2011-01-01T00:00:02,"
         "1,8\n"
         "2,b,1,2011-01-01T00:00:02,1,8\n1,a,1,2011-01-01T00:00:03,1,7\n",
         "purchase e-1 1 m7 2011-01-01T00:00:00Z [1 a 1000 100 @2] = 1.000\n"
         "purchase e-2 2 m8 2011-01-01T00:00:01Z [1 b 1000 100 @3] [2 b 1000 100 @4] [3 b 1000 100 "
         "@5] = 3.000\n"
         "purchase e-1 1 m7 2011-01-01T00:00:03Z [1 a 1000 100 @6] = 1.000\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *told = story_of(rows[i].rows);
        cr_expect_str_eq(told, rows[i].story, "%s:\n%s", rows[i].what, told);
        free(told);
    }
}

static uint64_t refusals, event_lines;
static struct map_value refused_value, event_value;

static void
count_refusal(void *context, const struct map_refusal *refusal)
{
    (void)context;
    refusals++;
    if (refusal->has_value) refused_value.units += refusal->value.units;
}

static void
count_event(const struct event *event, const struct map_rows *rows)
{
    cr_assert_gt(rows->count, 0);
    cr_assert(event->kind == EVENT_PURCHASE || event->kind == EVENT_REFUND);
    event_lines += rows->count;
    event_value.units += rows->value.units;
}

static void
expect_accounted(const struct map_totals *totals, uint64_t rows)
{
    cr_expect_eq(totals->rows, rows);
    cr_expect_eq(totals->accepted + totals->refused, rows);
    cr_expect_eq(totals->accepted, event_lines);
    cr_expect_eq(totals->refused, refusals);
    cr_expect_eq(totals->accepted_value.units, event_value.units);
    cr_expect_eq(totals->refused_value.units, refused_value.units);
}

Test(map_csv, an_order_of_too_many_lines_is_refused_as_a_whole, .init = prepare)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs(header, out);
    for (int i = 0; i < EVENT_LINES_MAX; i++) {
        fputs("1,a,1,2011-01-01T00:00:00,1,7\n", out);
    }
    long fits = ftell(out);
    fputs("1,a,1,2011-01-01T00:00:00,1,7\n", out);
    fclose(out);
    struct map_totals totals = read_file(text, (size_t)fits, count_refusal, count_event);
    cr_expect_eq(totals.accepted, EVENT_LINES_MAX);
    cr_expect_eq(totals.events, 1);
    refusals = event_lines = 0;
    refused_value = event_value = (struct map_value){0};
    totals = read_file(text, size, count_refusal, count_event);
    cr_expect_eq(totals.events, 0);
    cr_expect_eq(totals.refused, EVENT_LINES_MAX + 1);
    expect_accounted(&totals, EVENT_LINES_MAX + 1);
    free(text);
}

Test(map_csv, accounts_for_every_row_of_any_file, .init = prepare)
{
    static const char *const invoices[] = {"1", "2", "3", "4", "5", "C6", "C7", "A8", "", "9"};
    static const char *const quantities[] = {"1", "2", "-1", "0", "1.5", "x", "99999999999999999",
                                             "-3"};
    static const char *const prices[] = {"1", "0.01", "-2", "0.001", "0", "", "1e3", "12345678.90"};
    static const char *const times[] = {"2011-01-01T00:00:00", "2011-01-01T00:00:01", "never",
                                        "2011-03-27T01:30:00"};
    static const char *const customers[] = {"7", "8", "nobody", ""};
    struct property property = property_start();
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    enum { ROWS = 50000 };
    fputs(header, out);
    for (int i = 0; i < ROWS; i++) {
        uint64_t block = (uint64_t)i / 100;
        fprintf(out, "%s%" PRIu64 ",%s,%s,%s,%s,%s\n", invoices[property_below(&property, 10)],
                block, property_below(&property, 20) == 0 ? "none" : "sku",
                quantities[property_below(&property, 8)], times[property_below(&property, 4)],
                prices[property_below(&property, 8)], customers[property_below(&property, 4)]);
    }
    fclose(out);
    struct map_totals totals = read_file(text, size, count_refusal, count_event);
    expect_accounted(&totals, ROWS);
    cr_expect_gt(totals.events, 1000, "seed %" PRIu64, property.seed);
    cr_expect_gt(totals.refused, 1000, "seed %" PRIu64, property.seed);
    free(text);
}

Test(map_csv, a_full_arena_loses_nothing, .init = prepare)
{
    static const char text[] = "invoice,sku,quantity,at,price,customer\n"
                               "1,a,1,2011-01-01T00:00:00,1,7\n"
                               "2,a,1,2011-01-01T00:00:00,1,7\n";
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[1024];
    struct arena arena;
    struct map_csv *reader;
    struct fault fault;
    struct event event;
    struct map_rows rows;
    int file = text_file(text, sizeof text - 1);
    cr_assert(map_csv_open(&map, file, "a.csv", count_refusal, NULL, &reader, &fault), "%s",
              fault.text);
    for (size_t room = ARENA_ALIGNMENT;; room += ARENA_ALIGNMENT) {
        cr_assert_leq(room, sizeof memory);
        arena_init(&arena, memory, room);
        enum map_step step = map_csv_next(reader, &arena, &event, &rows, &fault);
        if (step == MAP_STEP_EVENT) break;
        cr_assert_eq(step, MAP_STEP_ARENA_FULL);
        cr_assert_eq(arena.used, 0, "what did not fit is given back");
    }
    cr_expect(bytes_equal(event.id, BYTES_LITERAL("e-1")));
    arena_init(&arena, memory, sizeof memory);
    cr_assert_eq(map_csv_next(reader, &arena, &event, &rows, &fault), MAP_STEP_EVENT);
    cr_expect(bytes_equal(event.id, BYTES_LITERAL("e-2")));
    cr_assert_eq(map_csv_next(reader, &arena, &event, &rows, &fault), MAP_STEP_END);
    map_csv_close(reader);
    close(file);
}

Test(map_csv, names_a_column_that_the_file_lacks, .init = prepare)
{
    static const char text[] = "invoice,sku,qty,at,price,customer\n";
    struct map_csv *reader;
    struct fault fault;
    int file = text_file(text, sizeof text - 1);
    cr_expect_not(map_csv_open(&map, file, "a.csv", count_refusal, NULL, &reader, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_str_eq(fault.text, "a.csv:1: the header has no column 'quantity', which the map "
                                 "names; it has: invoice, sku, qty, at, "
                                 "price, customer");
    close(file);
}

Test(map_csv, a_cut_file_ends_in_a_fault, .init = prepare)
{
    static const char text[] =
        "invoice,sku,quantity,at,price,customer\n1,a,1,2011-01-01T00:00:00,1,7\n2,b,1,2011-01-0";
    struct map_csv *reader;
    struct fault fault;
    struct event event;
    struct map_rows rows;
    int file = text_file(text, sizeof text - 1);
    cr_assert(map_csv_open(&map, file, "a.csv", count_refusal, NULL, &reader, &fault), "%s",
              fault.text);
    cr_assert_eq(map_csv_next(reader, &events, &event, &rows, &fault), MAP_STEP_FAILED);
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not_null(strstr(fault.text, "a.csv:3: the file ends in the middle of this row"), "%s",
                       fault.text);
    map_csv_close(reader);
    close(file);
}

Test(map_csv, every_reason_has_a_meaning)
{
    cr_expect_str_eq(map_reason_meaning(BYTES_LITERAL("zero_quantity")), "the quantity is zero");
    cr_expect_null(map_reason_meaning(BYTES_LITERAL("not_an_order")));
}

Test(map_csv, values_show_three_decimals_or_as_many_as_needed)
{
    const struct {
        int64_t units;
        const char *text;
    } rows[] = {
        {0, "0.000"},     {10000000, "1.000"},   {-110620600000, "-11062.060"},
        {1, "0.0000001"}, {-12340, "-0.001234"}, {10000, "0.001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[MAP_VALUE_TEXT_MAX];
        cr_expect_eq(map_value_format((struct map_value){rows[i].units}, text),
                     strlen(rows[i].text));
        cr_expect_str_eq(text, rows[i].text);
    }
}
