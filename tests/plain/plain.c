#include "tests/plain/criterion/criterion.h"

#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/check.h"

/* How a test's process tells its parent what a status alone cannot say. */
#define EXIT_FAILED  101
#define EXIT_SKIPPED 102

static struct plain_test *first_test;
static struct plain_suite *first_suite;
static bool test_failed;

/* Asked for by the thread sanitizer: what RocksDB orders among its own threads it cannot see, for
 * the library is not built for it. */
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
    return "race:librocksdb.so\ncalled_from_lib:librocksdb.so\n";
}

void
plain_register(struct plain_test *test)
{
    test->next = first_test;
    first_test = test;
}

void
plain_register_suite(struct plain_suite *suite)
{
    suite->next = first_suite;
    first_suite = suite;
}

void
plain_fail(bool stop, const char *file, int line, const char *condition, const char *format, ...)
{
    va_list arguments;

    printf("# %s:%d: %s", file, line, condition);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    test_failed = true;
    if (stop) exit(EXIT_FAILED);
}

void
plain_skip(const char *format, ...)
{
    va_list arguments;

    fputs("# skipped:", stdout);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    exit(EXIT_SKIPPED);
}

static void
run_in_child(const struct plain_test *test)
{
    struct plain_options options = test->options;
    for (const struct plain_suite *suite = first_suite; suite != NULL; suite = suite->next) {
        if (strcmp(suite->name, test->suite) != 0) continue;
        if (options.init == NULL) options.init = suite->options.init;
        if (options.fini == NULL) options.fini = suite->options.fini;
    }
    if (options.init != NULL) options.init();
    test->run();
    if (options.fini != NULL) options.fini();
    exit(test_failed ? EXIT_FAILED : 0);
}

const struct plain_test *
plain_tests(void)
{
    return first_test;
}

bool
plain_run(const struct plain_test *test)
{
    int status = 0;
    bool skipped = test->options.disabled, good = true;

    if (!skipped) {
        fflush(stdout);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) run_in_child(test);
        CHECK(waitpid(child, &status, 0) == child);
        if (WIFSIGNALED(status))
            good = WTERMSIG(status) == test->options.signal;
        else if (WEXITSTATUS(status) == EXIT_SKIPPED)
            skipped = true;
        else
            good = test->options.signal == 0 && WEXITSTATUS(status) == test->options.exit_code;
    }
    printf("%s - %s::%s%s\n", good ? "ok" : "not ok", test->suite, test->name,
           skipped ? " # SKIP" : "");
    return good;
}
