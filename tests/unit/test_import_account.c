/* Every row of an import is accepted, known or refused, exactly once. */
#include <criterion/criterion.h>

#include "engine/core/verdict.h"
#include "tally/import_account.h"
#include "tallybook/v1/output.pb-c.h"

static struct import_account *account;
static struct fault fault;
static char *list_text;
static size_t list_size;
static FILE *list;

static void
open_account(void)
{
    list = open_memstream(&list_text, &list_size);
    account = import_account_open(list);
}

static void
close_account(void)
{
    import_account_close(account);
    fclose(list);
    free(list_text);
}

static void
expect(const char *id, uint64_t line, size_t count, int64_t value)
{
    uint64_t lines[8];
    for (size_t i = 0; i < count; i++)
        lines[i] = line + i;
    import_expect(account, BYTES_LITERAL("shop"), bytes_from_cstr(id), lines, count, value);
}

static void
answer(const char *id, enum verdict verdict, enum verdict first)
{
    static uint8_t memory[1024];
    Tallybook__V1__EventRef event = TALLYBOOK__V1__EVENT_REF__INIT;
    Tallybook__V1__Outcome outcome = TALLYBOOK__V1__OUTCOME__INIT;
    event.source = (char *)(uintptr_t) "shop";
    event.id = (char *)(uintptr_t)id;
    outcome.event = &event;
    outcome.verdict = verdict;
    outcome.verdict_name = (char *)(uintptr_t)verdict_find(verdict)->name;
    outcome.first_verdict = first;
    if (first != 0) outcome.first_verdict_name = (char *)(uintptr_t)verdict_find(first)->name;
    struct output_item item = {
        .topic = TOPIC_OUTCOMES,
        .sequence = 1,
        .message = bytes_of(memory, tallybook__v1__outcome__pack(&outcome, memory)),
    };
    cr_assert(import_take_outcome(account, &item, &fault), "%s", fault.text);
}

static void
expect_sums(uint64_t accepted, uint64_t known, uint64_t refused, uint64_t waiting)
{
    cr_expect_eq(import_accepted(account).rows, accepted);
    cr_expect_eq(import_known(account).rows, known);
    cr_expect_eq(import_refused(account).rows, refused);
    cr_expect_eq(import_waiting(account), waiting);
}

Test(import_account, each_row_is_counted_once, .init = open_account, .fini = close_account)
{
    expect("a", 1, 3, 300);
    expect("b", 4, 1, 50);
    expect("c", 5, 2, -20);
    import_refuse_row(account, 7, BYTES_LITERAL("g"), BYTES_LITERAL("no-member"), 5,
                      (struct bytes){0});
    expect_sums(0, 0, 1, 3);
    answer("a", VERDICT_ACCEPTED, 0);
    answer("b", VERDICT_DUPLICATE, VERDICT_ACCEPTED);
    answer("c", VERDICT_DUPLICATE, VERDICT_TOO_OLD);
    expect_sums(3, 1, 3, 0);
    cr_expect_eq(import_accepted(account).value, 300);
    cr_expect_eq(import_known(account).value, 50);
    cr_expect_eq(import_refused(account).value, -15);
    cr_expect_eq(import_events(account, false), 1);
    cr_expect_eq(import_events(account, true), 1);
    size_t count;
    const struct import_reason *reasons = import_reasons(account, &count);
    cr_assert_eq(count, 2);
    cr_expect_str_eq(reasons[0].name, verdict_find(VERDICT_TOO_OLD)->name);
    cr_expect_eq(reasons[0].sum.rows, 2);
    cr_expect_str_eq(reasons[1].name, "no-member");
}

/* The same event twice in a file: both lines get an answer, in the order of the journal. */
Test(import_account, a_repeat_within_a_file, .init = open_account, .fini = close_account)
{
    expect("a", 1, 1, 10);
    expect("a", 2, 1, 10);
    answer("a", VERDICT_ACCEPTED, 0);
    expect_sums(1, 0, 0, 1);
    answer("a", VERDICT_DUPLICATE, VERDICT_ACCEPTED);
    expect_sums(1, 1, 0, 0);
    answer("a", VERDICT_DUPLICATE, VERDICT_ACCEPTED); /* somebody else's */
    expect_sums(1, 1, 0, 0);
}

Test(import_account, a_forward_is_no_answer, .init = open_account, .fini = close_account)
{
    expect("a", 1, 1, 10);
    answer("a", VERDICT_FORWARDED, 0);
    expect_sums(0, 0, 0, 1);
    answer("a", VERDICT_ACCEPTED, 0);
    expect_sums(1, 0, 0, 0);
}

Test(import_account, an_outcome_that_cannot_be_read_is_a_fault, .init = open_account,
     .fini = close_account)
{
    struct output_item item = {.message = BYTES_LITERAL("\xff\xff\xff"), .sequence = 9};
    cr_expect_not(import_take_outcome(account, &item, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not_null(strstr(fault.text, "9"));
}

Test(import_account, the_list_of_refused_rows_is_csv, .init = open_account, .fini = close_account)
{
    import_refuse_row(account, 3, BYTES_LITERAL("a, \"b\""), BYTES_LITERAL("why"), 0,
                      BYTES_LITERAL("at 1:2, \"x\""));
    import_refuse_row(account, 4, BYTES_LITERAL("plain"), BYTES_LITERAL("two\nlines"), 0,
                      (struct bytes){0});
    fflush(list);
    cr_expect_not_null(strstr(list_text, "line,group,reason,value,detail\n3,\"a, \"\"b\"\"\",why,"),
                       "%s", list_text);
    cr_expect_not_null(strstr(list_text, ",\"at 1:2, \"\"x\"\"\"\n"), "%s", list_text);
    cr_expect_not_null(strstr(list_text, "\n4,plain,\"two\nlines\","), "%s", list_text);
}
