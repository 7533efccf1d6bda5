/*
 * What our unit tests use of Criterion, as a plain program: for the thread sanitizer, under which
 * Criterion 2.4.1 does not start. tests/meson.build puts this folder first on the include path of
 * the build folder `tsan`, so that the same tables run there unchanged.
 *
 * Each test runs in a process of its own, as under Criterion; the results are printed as TAP.
 */
#ifndef TALLYBOOK_TESTS_PLAIN_CRITERION_CRITERION_H
#define TALLYBOOK_TESTS_PLAIN_CRITERION_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_options {
    int signal;     /* the test must end by this signal */
    int exit_code;  /* the test must end with this status, when it ends by itself */
    double timeout; /* seconds; meson's own limit holds here */
    void (*init)(void);
    void (*fini)(void);
    const char *description;
    bool disabled;
};

struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    struct plain_options options;
    struct plain_test *next;
};

/** What all tests of a suite have, but for what they say themselves. */
struct plain_suite {
    const char *name;
    struct plain_options options;
    struct plain_suite *next;
};

/** Adds a test, or a suite, to the program's list; called before main. */
void plain_register(struct plain_test *test);
void plain_register_suite(struct plain_suite *suite);

/** The tests of this program, the last registered one first. */
const struct plain_test *plain_tests(void);

/** Runs one test in a process of its own and prints its line; false when it failed. */
bool plain_run(const struct plain_test *test);

/** Tells a failed expectation; with `stop` the test ends here. */
void plain_fail(bool stop, const char *file, int line, const char *condition, const char *format,
                ...) __attribute__((format(printf, 5, 6)));

/** Ends the running test as skipped. */
_Noreturn void plain_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define Test(suite_, name_, ...)                                                                   \
    static void plain_##suite_##_##name_(void);                                                    \
    static struct plain_test plain_test_##suite_##_##name_ = {                                     \
        .suite = #suite_,                                                                          \
        .name = #name_,                                                                            \
        .run = plain_##suite_##_##name_,                                                           \
        .options = {__VA_ARGS__},                                                                  \
    };                                                                                             \
    __attribute__((constructor)) static void plain_add_##suite_##_##name_(void)                    \
    {                                                                                              \
        plain_register(&plain_test_##suite_##_##name_);                                            \
    }                                                                                              \
    static void plain_##suite_##_##name_(void)

#define TestSuite(suite_, ...)                                                                     \
    static struct plain_suite plain_suite_##suite_ = {                                             \
        .name = #suite_,                                                                           \
        .options = {__VA_ARGS__},                                                                  \
    };                                                                                             \
    __attribute__((constructor)) static void plain_add_##suite_(void)                              \
    {                                                                                              \
        plain_register_suite(&plain_suite_##suite_);                                               \
    }                                                                                              \
    struct plain_suite

#define PLAIN_CHECK(stop, cond, ...)                                                               \
    do {                                                                                           \
        if (!(cond)) plain_fail(stop, __FILE__, __LINE__, #cond, " " __VA_ARGS__);                 \
    } while (0)

#define cr_assert(cond, ...)               PLAIN_CHECK(true, cond, __VA_ARGS__)
#define cr_assert_not(cond, ...)           PLAIN_CHECK(true, !(cond), __VA_ARGS__)
#define cr_assert_eq(a, b, ...)            PLAIN_CHECK(true, (a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...)           PLAIN_CHECK(true, (a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...)            PLAIN_CHECK(true, (a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...)           PLAIN_CHECK(true, (a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...)            PLAIN_CHECK(true, (a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...)           PLAIN_CHECK(true, (a) >= (b), __VA_ARGS__)
#define cr_assert_null(a, ...)             PLAIN_CHECK(true, (a) == NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...)         PLAIN_CHECK(true, (a) != NULL, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)        PLAIN_CHECK(true, strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)       PLAIN_CHECK(true, strcmp(a, b) != 0, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...)  PLAIN_CHECK(true, memcmp(a, b, size) == 0, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, size, ...) PLAIN_CHECK(true, memcmp(a, b, size) != 0, __VA_ARGS__)
#define cr_assert_fail(...)                PLAIN_CHECK(true, false, __VA_ARGS__)

#define cr_expect(cond, ...)               PLAIN_CHECK(false, cond, __VA_ARGS__)
#define cr_expect_not(cond, ...)           PLAIN_CHECK(false, !(cond), __VA_ARGS__)
#define cr_expect_eq(a, b, ...)            PLAIN_CHECK(false, (a) == (b), __VA_ARGS__)
#define cr_expect_neq(a, b, ...)           PLAIN_CHECK(false, (a) != (b), __VA_ARGS__)
#define cr_expect_lt(a, b, ...)            PLAIN_CHECK(false, (a) < (b), __VA_ARGS__)
#define cr_expect_leq(a, b, ...)           PLAIN_CHECK(false, (a) <= (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...)            PLAIN_CHECK(false, (a) > (b), __VA_ARGS__)
#define cr_expect_geq(a, b, ...)           PLAIN_CHECK(false, (a) >= (b), __VA_ARGS__)
#define cr_expect_null(a, ...)             PLAIN_CHECK(false, (a) == NULL, __VA_ARGS__)
#define cr_expect_not_null(a, ...)         PLAIN_CHECK(false, (a) != NULL, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)        PLAIN_CHECK(false, strcmp(a, b) == 0, __VA_ARGS__)
#define cr_expect_str_empty(a, ...)        PLAIN_CHECK(false, (a)[0] == '\0', __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)       PLAIN_CHECK(false, strcmp(a, b) != 0, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...)  PLAIN_CHECK(false, memcmp(a, b, size) == 0, __VA_ARGS__)
#define cr_expect_arr_neq(a, b, size, ...) PLAIN_CHECK(false, memcmp(a, b, size) != 0, __VA_ARGS__)
#define cr_expect_fail(...)                PLAIN_CHECK(false, false, __VA_ARGS__)

#define cr_log_info(...)  ((void)fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))
#define cr_skip_test(...) plain_skip(" " __VA_ARGS__)

#endif
