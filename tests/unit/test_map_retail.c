/* The public order data beside the checkout, mapped as docs/examples/ does it: every line accounted
 * for, to the last thousandth. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/map_csv.h"
#include "engine/base/region.h"

struct account {
    uint64_t not_an_order, negative_quantity, too_many_digits, others;
};

static void
note_refusal(void *context, const struct map_refusal *refusal)
{
    struct account *account = context;
    if (bytes_equal(refusal->reason, BYTES_LITERAL("not_an_order"))) {
        account->not_an_order++;
    } else if (bytes_equal(refusal->reason, BYTES_LITERAL("negative_quantity"))) {
        account->negative_quantity++;
    } else if (bytes_equal(refusal->reason, BYTES_LITERAL("too_many_digits"))) {
        account->too_many_digits++;
    } else {
        account->others++;
    }
}

struct seen {
    uint64_t purchases, refunds, guests, rows;
    uint32_t interleaved_lines; /* of the one invoice that another interrupts */
    bool time_goes_back;
    int64_t latest_ms;
};

static void
note_event(const struct event *event, const struct map_rows *rows, struct seen *seen)
{
    if (event->kind == EVENT_PURCHASE) {
        seen->purchases++;
        if (bytes_equal(event->purchase.order_id, BYTES_LITERAL("542806")))
            seen->interleaved_lines = event->purchase.line_count;
    } else {
        seen->refunds++;
    }
    seen->guests += event->member.data[0] == KEY_SPECIAL;
    seen->rows += rows->count;
    seen->time_goes_back |= event->occurred_at.ms < seen->latest_ms;
    seen->latest_ms = event->occurred_at.ms;
}

Test(map_retail, accounts_for_the_whole_file)
{
    const char *shared = getenv("TALLY_SHARED");
    char command[512], text[MAP_VALUE_TEXT_MAX];
    struct fault fault;
    struct region map_memory, event_memory;
    struct arena map_arena, event_arena;
    static struct map map;
    if (shared == NULL) cr_skip_test("TALLY_SHARED names no folder with the order data");
    snprintf(command, sizeof command, "xz -dc '%s/data/online-retail.csv.xz'", shared);
    FILE *data = popen(command, "r");
    cr_assert_not_null(data);
    cr_assert(region_map(MAP_ARENA_BYTES, &map_memory, &fault) &&
              region_map(MAP_EVENT_BYTES_MAX, &event_memory, &fault));
    arena_init(&map_arena, map_memory.memory, map_memory.size);
    arena_init(&event_arena, event_memory.memory, event_memory.size);
    cr_assert(map_load(EXAMPLES "/online-retail.map.yaml", &map_arena, stderr, &map, &fault), "%s",
              fault.text);

    struct account account = {0};
    struct seen seen = {0};
    struct map_csv *reader;
    cr_assert(map_csv_open(&map, fileno(data), "online-retail.csv", note_refusal, &account, &reader,
                           &fault),
              "%s", fault.text);
    for (;;) {
        struct event event;
        struct map_rows rows;
        arena_reset_to(&event_arena, 0);
        enum map_step step = map_csv_next(reader, &event_arena, &event, &rows, &fault);
        if (step == MAP_STEP_END) break;
        cr_assert_eq(step, MAP_STEP_EVENT, "%s", fault.text);
        note_event(&event, &rows, &seen);
    }
    struct map_totals totals = map_csv_totals(reader);
    map_csv_close(reader);
    cr_assert_eq(pclose(data), 0);

    cr_expect_eq(totals.rows, 541909);
    cr_expect_eq(totals.accepted, 540566);
    cr_expect_eq(totals.refused, 1343);
    cr_expect_eq(totals.without_value, 0);
    cr_expect_eq(account.not_an_order, 3);
    cr_expect_eq(account.negative_quantity, 1336);
    cr_expect_eq(account.too_many_digits, 4);
    cr_expect_eq(account.others, 0);
    cr_expect_eq(seen.rows, totals.accepted);
    cr_expect_eq(seen.purchases, 20725);
    cr_expect_eq(seen.refunds, 3836);
    cr_expect_eq(seen.guests, 2371);
    cr_expect_eq(seen.interleaved_lines, 39, "one order, though another interrupts it");
    cr_expect_not(seen.time_goes_back);
    map_value_format(totals.refused_value, text);
    cr_expect_str_eq(text, "-11062.056");
    map_value_format((struct map_value){totals.accepted_value.units + totals.refused_value.units},
                     text);
    cr_expect_str_eq(text, "9747747.934");
}
