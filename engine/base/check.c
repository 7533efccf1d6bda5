#include "engine/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
check_fail(const char *file, int line, const char *function, const char *condition)
{
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, function, condition);
    abort();
}

void
check_fail_with(const char *file, int line, const char *function, const char *condition,
                const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, function, condition, text);
    abort();
}
