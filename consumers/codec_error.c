#include "consumers/codec_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const problem_codes[] = {
#define PROBLEM(NAME, code, meaning) [CODEC_##NAME] = code,
#include "consumers/codec_problem.def"
#undef PROBLEM
};

const char *
codec_problem_code(enum codec_problem problem)
{
    return problem_codes[problem];
}

bool
codec_error_set(struct codec_error *out, enum codec_problem problem, uint32_t verdict,
                const char *format, ...)
{
    out->problem = problem;
    out->verdict = verdict;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    return false;
}

void
codec_error_prefix(struct codec_error *error, const char *format, ...)
{
    char prefix[CODEC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    size_t size = written < 0 ? 0 : (size_t)written;
    if (size >= sizeof prefix) size = sizeof prefix - 1;

    size_t kept = strlen(error->text);
    if (kept > sizeof error->text - 1 - size) kept = sizeof error->text - 1 - size;
    memmove(error->text + size, error->text, kept);
    memcpy(error->text, prefix, size);
    error->text[size + kept] = '\0';
}
