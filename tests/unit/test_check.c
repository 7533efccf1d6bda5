#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/check.h"

static void
fail_plain(void)
{
    int lots = 0;
    CHECK(lots == 1);
}

static void
fail_with_text(void)
{
    int lots = 3;
    CHECK_MSG(lots == 1, "member %s has %d", "m1", lots);
}

static void
fail_unreachable(void)
{
    UNREACHABLE();
}

/* Runs a function that must abort, in a process of its own; *out_text receives what it wrote to
 * stderr. */
static int
run_apart(void (*run)(void), char *out_text, size_t size)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        run();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], out_text + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    out_text[length] = '\0';
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

Test(check, says_where_and_aborts)
{
    const struct {
        const char *what;
        void (*run)(void);
        const char *expected;
    } rows[] = {
        {"CHECK", fail_plain, ": fail_plain: lots == 1\n"},
        {"CHECK_MSG", fail_with_text, ": fail_with_text: lots == 1: member m1 has 3\n"},
        {"UNREACHABLE", fail_unreachable, ": fail_unreachable: unreachable\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[4096];
        int status = run_apart(rows[i].run, text, sizeof text);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: status %d", rows[i].what,
                  status);
        cr_expect_not_null(strstr(text, rows[i].expected), "%s: %s", rows[i].what, text);
        cr_expect_not_null(strstr(text, "test_check.c:"), "%s: %s", rows[i].what, text);
    }
}

Test(check, evaluates_its_condition_once)
{
    int evaluated = 0;
    CHECK(++evaluated == 1);
    CHECK_MSG(++evaluated == 2, "evaluated %d times", evaluated);
    cr_expect_eq(evaluated, 2);
}
