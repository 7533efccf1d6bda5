#include "engine/rules/cel_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/base/check.h"

bool
cel_fail(struct cel_error *error, enum cel_error_kind kind, uint32_t offset, const char *format,
         ...)
{
    error->kind = kind;
    error->offset = offset;
    error->hint[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool
cel_hint(struct cel_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->hint, sizeof error->hint, format, arguments);
    va_end(arguments);
    return false;
}

const char *
cel_error_kind_name(enum cel_error_kind kind)
{
    switch (kind) {
    case CEL_SYNTAX: return "syntax";
    case CEL_OUTSIDE: return "outside";
    case CEL_UNKNOWN: return "unknown";
    case CEL_TYPE: return "type";
    case CEL_CONSTANT: return "constant";
    case CEL_TOO_MUCH: return "too-much";
    }
    UNREACHABLE();
}
