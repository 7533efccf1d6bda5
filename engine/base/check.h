/*
 * Assertions that stay on in release builds.
 *
 * A CHECK says that our own code cannot reach a state; it is never used to judge input (that is a
 * verdict) or the world (that is a fault). When one fails the process prints where and stops with
 * SIGABRT: a ledger that is wrong must not go on writing.
 */
#ifndef TALLYBOOK_ENGINE_BASE_CHECK_H
#define TALLYBOOK_ENGINE_BASE_CHECK_H

#include <assert.h> /* static_assert */

/** Prints "file:line: function: condition" and aborts. Any thread. Used by the macros below only.
 */
_Noreturn void check_fail(const char *file, int line, const char *function, const char *condition);

/** As check_fail, with a formatted explanation after the condition. */
_Noreturn void check_fail_with(const char *file, int line, const char *function,
                               const char *condition, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#define CHECK(cond)                                                                                \
    (__builtin_expect(!!(cond), 1) ? (void)0 : check_fail(__FILE__, __LINE__, __func__, #cond))

#define CHECK_MSG(cond, ...)                                                                       \
    (__builtin_expect(!!(cond), 1)                                                                 \
         ? (void)0                                                                                 \
         : check_fail_with(__FILE__, __LINE__, __func__, #cond, __VA_ARGS__))

#define UNREACHABLE() check_fail(__FILE__, __LINE__, __func__, "unreachable")

#endif
