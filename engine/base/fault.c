#include "engine/base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"

/* The functions behind the macros. */
#undef fault_set
#undef fault_wrap

/* Appends what fits; the end of what does not fit is lost. */
static void
fault_append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    size_t take = strnlen(more, size - 1 - length);
    memcpy(text + length, more, take);
    text[length + take] = '\0';
}

bool
fault_set(struct fault *out, enum fault_kind kind, const char *format, ...)
{
    /* Formatted apart first, because an argument may be the old text. */
    char text[sizeof out->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    out->kind = kind;
    memcpy(out->text, text, strlen(text) + 1);
    return false;
}

bool
fault_wrap(struct fault *out, const char *format, ...)
{
    char text[sizeof out->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    fault_append(text, sizeof text, ": ");
    fault_append(text, sizeof text, out->text);
    memcpy(out->text, text, strlen(text) + 1);
    return false;
}

const char *
fault_kind_name(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_USAGE: return "usage";
    case FAULT_DATA: return "data";
    case FAULT_NO_INPUT: return "no input";
    case FAULT_UNAVAILABLE: return "unavailable";
    case FAULT_SOFTWARE: return "software";
    case FAULT_CANNOT_CREATE: return "cannot create";
    case FAULT_IO: return "i/o";
    case FAULT_TRY_AGAIN: return "try again";
    case FAULT_NOT_ALLOWED: return "not allowed";
    case FAULT_CONFIG: return "configuration";
    }
    UNREACHABLE();
}
