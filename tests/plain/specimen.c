/* One test of each kind; test_plain.py knows how each must be answered. */
#include <criterion/criterion.h>
#include <signal.h>

static void
prepare(void)
{
    puts("# prepared");
}

Test(plain, passes)
{
    cr_assert_eq(1, 1);
    cr_expect_str_eq("a", "a", "row %d", 1);
}

Test(plain, goes_on_after_a_failed_expectation)
{
    cr_expect_eq(1, 2, "row %d", 7);
    cr_expect_not(true);
}

Test(plain, stops_at_a_failed_assertion)
{
    cr_assert(false, "first");
    cr_assert(false, "second");
}

Test(plain, crashes)
{
    raise(SIGSEGV);
}

Test(plain, ends_by_the_expected_signal, .signal = SIGABRT)
{
    abort();
}

Test(plain, misses_the_expected_signal, .signal = SIGABRT)
{
}

Test(plain, ends_with_the_expected_status, .exit_code = 3)
{
    exit(3);
}

Test(plain, is_skipped)
{
    cr_skip_test("no data");
}

Test(plain, is_disabled, .disabled = true)
{
    cr_assert(false);
}

Test(plain, is_prepared, .init = prepare)
{
}

TestSuite(plain_suite, .init = prepare);

Test(plain_suite, is_prepared_by_its_suite)
{
    cr_expect_str_empty("");
}
