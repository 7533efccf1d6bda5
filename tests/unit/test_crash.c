#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/crash.h"

/* How many passages of both sites a process survives, or 5 when it survives all. */
static int
passages_survived(const char *value)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (value == NULL)
            unsetenv(CRASH_ENVIRONMENT);
        else
            setenv(CRASH_ENVIRONMENT, value, 1);
        struct fault fault;
        if (!crash_init(&fault)) _exit(1);
        for (int i = 0; i < 5; i++) {
            CRASH_POINT("checkpoint.before_ingest");
            CRASH_POINT("checkpoint.after_ingest");
            if (write(ends[1], ".", 1) != 1) _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    int survived = 0;
    char dot;
    while (read(ends[0], &dot, 1) == 1) {
        survived++;
    }
    close(ends[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    cr_expect(survived == 5 ? ended : killed, "status %d after %d", status, survived);
    return survived;
}

Test(crash, dies_at_the_asked_passage)
{
    const struct {
        const char *what, *value;
        int survived;
    } rows[] = {
        {"not asked", NULL, 5},
        {"asked with nothing", "", 5},
        {"the first passage", "checkpoint.before_ingest:1", 0},
        {"the third passage of the other site", "checkpoint.after_ingest:3", 2},
        {"a passage that does not come", "checkpoint.after_ingest:6", 5},
        {"a site that only starts alike", "checkpoint.after:1", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int survived = passages_survived(rows[i].value);
        cr_expect_eq(survived, rows[i].survived, "%s: %d", rows[i].what, survived);
    }
}

Test(crash, refuses_what_it_cannot_read)
{
    const char *rows[] = {"site",   "site:",   "site:0", "site:-1",
                          "site:x", "site:1x", ":1",     "site:99999999999999999999"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault = {0};
        setenv(CRASH_ENVIRONMENT, rows[i], 1);
        cr_expect_not(crash_init(&fault), "%s", rows[i]);
        cr_expect_eq(fault.kind, FAULT_USAGE, "%s", rows[i]);
        cr_expect_not_null(strstr(fault.text, rows[i]), "%s", fault.text);
        cr_expect_not(crash_armed, "%s", rows[i]);
    }
}
