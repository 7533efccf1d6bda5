#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rules/diagnostics.h"

static struct diagnostics diagnostics;

/* What is printed; the caller frees it. */
static char *
printed(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_not_null(stream);
    diagnostics_print(&diagnostics, stream);
    fclose(stream);
    return text;
}

Test(diagnostics, shows_the_line_a_caret_and_the_hint)
{
    const struct {
        const char *what, *source;
        struct place place;
        const char *printed;
    } rows[] = {
        {"a plain line",
         "a: 1\nroundng: 2\n",
         {2, 1},
         "f.yaml:2:1: error: wrong\n    2 | roundng: 2\n      | ^\nhint: mend it\n"},
        {"the last line without an end",
         "a: 1\nb: 22",
         {2, 5},
         "f.yaml:2:5: error: wrong\n    2 | b: 22\n      |     ^\nhint: mend it\n"},
        {"a line with a carriage return",
         "b: 22\r\n",
         {1, 4},
         "f.yaml:1:4: error: wrong\n    1 | b: 22\n      |    ^\nhint: mend it\n"},
        {"wide characters take two columns",
         "书: 中文 x\n",
         {1, 7},
         "f.yaml:1:7: error: wrong\n    1 | 书: 中文 x\n      |          ^\nhint: mend it\n"},
        {"narrow characters of several bytes take one",
         "é: ß x\n",
         {1, 6},
         "f.yaml:1:6: error: wrong\n    1 | é: ß x\n      |      ^\nhint: mend it\n"},
        {"a tab is one blank",
         "\ta: 1\n",
         {1, 2},
         "f.yaml:1:2: error: wrong\n    1 |  a: 1\n      |  ^\nhint: mend it\n"},
        {"control characters and bad bytes are not printed",
         "a\x1b[2J\xff: 1\n",
         {1, 1},
         "f.yaml:1:1: error: wrong\n    1 | a?[2J?: 1\n      | ^\nhint: mend it\n"},
        {"the file as a whole", "a: 1\n", {0, 0}, "f.yaml: error: wrong\nhint: mend it\n"},
        {"a line that is not there", "a: 1\n", {9, 1}, "f.yaml:9:1: error: wrong\nhint: mend it\n"},
        {"a byte order mark is no character",
         "\xef\xbb\xbf"
         "a: 1\n",
         {1, 1},
         "f.yaml:1:1: error: wrong\n    1 | a: 1\n      | ^\nhint: mend it\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        diagnostics_init(&diagnostics, "f.yaml", bytes_from_cstr(rows[i].source));
        cr_expect_not(diagnostics_error(&diagnostics, rows[i].place, "wrong"), "always false");
        diagnostics_hint(&diagnostics, "%s", "mend it");
        char *text = printed();
        cr_expect_str_eq(text, rows[i].printed, "%s:\n%s", rows[i].what, text);
        free(text);
    }
}

Test(diagnostics, shows_the_part_of_a_long_line_that_matters)
{
    char source[1024];
    memset(source, 'x', sizeof source);
    source[500] = '!';
    source[sizeof source - 1] = '\0';
    diagnostics_init(&diagnostics, "f.yaml", bytes_from_cstr(source));
    diagnostics_error(&diagnostics, (struct place){1, 501}, "wrong");
    char *text = printed();
    const char *bang = strchr(text, '!'), *caret = strchr(text, '^');
    cr_assert(bang != NULL && caret != NULL);
    const char *line = strchr(text, '\n') + 1;
    const char *below = strchr(line, '\n') + 1;
    static const char cut[] = "…";
    cr_assert_not_null(strstr(line, cut));
    cr_assert_eq(bang - line - (ptrdiff_t)strlen(cut) + 1, caret - below,
                 "the caret stands under the character:\n%s", text);
    cr_assert_lt(below - line, 120);
    free(text);
}

Test(diagnostics, keeps_the_order_of_the_file_and_counts_the_rest)
{
    diagnostics_init(&diagnostics, "f.yaml", bytes_of(NULL, 0));
    for (uint32_t i = 0; i < DIAGNOSTICS_MAX + 7; i++) {
        if (i % 2 == 0) {
            diagnostics_error(&diagnostics, (struct place){200 - i, 1}, "number %u", i);
        } else {
            diagnostics_warning(&diagnostics, (struct place){200 - i, 1}, "number %u", i);
        }
        diagnostics_hint(&diagnostics, "hint %u", i);
    }
    cr_assert_eq(diagnostics.count, DIAGNOSTICS_MAX);
    cr_assert_eq(diagnostics.error_count, 54);
    cr_assert_eq(diagnostics.warning_count, 53);
    char *text = printed();
    cr_assert_eq(strncmp(text, "f.yaml:101:1: warning: number 99\nhint: hint 99\n", 46), 0, "%s",
                 text);
    cr_assert_not_null(strstr(text, "f.yaml: and 7 more\n"));
    free(text);
}

Test(diagnostics, quotes_nothing_that_drives_a_terminal)
{
    diagnostics_init(&diagnostics, "f.yaml", bytes_of(NULL, 0));
    diagnostics_error(&diagnostics, (struct place){0, 0}, "unknown key '%s'", "\x1b[2J");
    diagnostics_hint(&diagnostics, "did you mean '%s'?", "a\nb");
    char *text = printed();
    cr_assert_str_eq(text, "f.yaml: error: unknown key '?[2J'\nhint: did you mean 'a?b'?\n");
    free(text);
}

Test(diagnostics, suggests_what_is_near)
{
    static const char *const words[] = {"rounding", "rule", "rate",         "zone",
                                        "from",     "a",    "expiring_soon"};
    const struct {
        const char *written, *nearest;
    } rows[] = {
        {"roundng", "rounding"},
        {"ruonding", "rounding"},
        {"roundings", "rounding"},
        {"rulr", "rule"},
        {"zoen", "zone"},
        {"fro", "from"},
        {"b", NULL},
        {"loyalty", NULL},
        {"", NULL},
        {"rtae", "rate"},
        {"expiringsoon", "expiring_soon"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *nearest =
            suggest_nearest(bytes_from_cstr(rows[i].written), words, sizeof words / sizeof *words);
        bool same = nearest == NULL || rows[i].nearest == NULL
                        ? nearest == rows[i].nearest
                        : strcmp(nearest, rows[i].nearest) == 0;
        cr_expect(same, "%s: %s", rows[i].written, nearest == NULL ? "none" : nearest);
    }
}
