#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tally/terminal.h"

static struct terminal terminal;
static char *printed;
static size_t printed_size;

static void
begin(void)
{
    terminal = (struct terminal){open_memstream(&printed, &printed_size), false, false, 80};
}

static const char *
end(void)
{
    fclose(terminal.file);
    return printed;
}

Test(terminal, counts_columns_as_a_terminal_does)
{
    const struct {
        const char *what, *text;
        size_t width;
    } rows[] = {
        {"nothing", "", 0},
        {"ASCII", "abc", 3},
        {"an accent in one character", "é", 1},
        {"an accent of its own", "e\xcc\x81", 1},
        {"Chinese", "积分", 4},
        {"Korean", "점", 2},
        {"full-width letters", "ＡＢ", 4},
        {"kana", "ポイント", 8},
        {"an emoji", "🎁", 2},
        {"a broken byte", "\xff", 1},
        {"a cut character", "\xe7\xa7", 2},
        {"a surrogate is three broken bytes", "\xed\xa0\x80", 3},
        {"an overlong zero is two", "\xc0\x80", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(text_width(bytes_from_cstr(rows[i].text)), rows[i].width, "%s: %zu",
                     rows[i].what, text_width(bytes_from_cstr(rows[i].text)));
    }
}

Test(terminal, pads_and_cuts_to_columns)
{
    const struct {
        const char *what, *text;
        size_t columns;
        bool to_the_right;
        const char *printed;
    } rows[] = {
        {"to the left", "ab", 4, false, "ab  "},
        {"to the right", "ab", 4, true, "  ab"},
        {"just fits", "abcd", 4, false, "abcd"},
        {"cut", "abcde", 4, false, "abc…"},
        {"wide", "积分", 5, false, "积分 "},
        {"a wide one that half fits", "积分x", 4, false, "积… "},
        {"what drives a terminal", "a\x1b[2J", 6, false, "a?[2J "},
        {"cut to nothing", "ab", 0, false, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        terminal_pad(&terminal, bytes_from_cstr(rows[i].text), rows[i].columns,
                     rows[i].to_the_right);
        const char *text = end();
        cr_expect_str_eq(text, rows[i].printed, "%s: '%s'", rows[i].what, text);
        free(printed);
    }
}

Test(terminal, a_table_lines_up)
{
    static _Alignas(ARENA_ALIGNMENT) uint8_t memory[4096];
    struct arena arena;
    struct text_table table;
    arena_init(&arena, memory, sizeof memory);
    text_table_init(&table, &arena, (const char *const[]){"member", ">points", "tier"}, 3);
    cr_assert(text_table_row(&table, (struct bytes[]){BYTES_LITERAL("m1"), BYTES_LITERAL("12,345"),
                                                      BYTES_LITERAL("gold")}));
    cr_assert(text_table_row(
        &table, (struct bytes[]){BYTES_LITERAL("会员二"), BYTES_LITERAL("7"), BYTES_LITERAL("")}));
    begin();
    text_table_print(&table, &terminal);
    cr_expect_str_eq(end(),
                     "member  points  tier\n"
                     "m1      12,345  gold\n"
                     "会员二       7  \n",
                     "%s", printed);
    free(printed);
    struct bytes big[3] = {bytes_of(memory, sizeof memory), BYTES_LITERAL(""), BYTES_LITERAL("")};
    cr_expect_not(text_table_row(&table, big), "a full arena is told");
}

Test(terminal, figures_read_well)
{
    char text[FIGURE_MAX];
    cr_expect_str_eq(format_count(0, text), "0");
    cr_expect_str_eq(format_count(999, text), "999");
    cr_expect_str_eq(format_count(-1000, text), "-1,000");
    cr_expect_str_eq(format_count(541909, text), "541,909");
    cr_expect_str_eq(format_count(INT64_MIN, text), "-9,223,372,036,854,775,808");
    cr_expect_str_eq(format_duration(340, text), "340 ms");
    cr_expect_str_eq(format_duration(59999, text), "59 s");
    cr_expect_str_eq(format_duration(200000, text), "3 min 20 s");
    cr_expect_str_eq(format_duration(7500000, text), "2 h 05 min");
}

Test(terminal, progress_draws_only_when_due_and_cleans_up)
{
    begin();
    terminal.is_terminal = true;
    struct progress progress;
    progress_begin(&progress, &terminal, "import", "lines", 3000, 0);
    progress_update(&progress, 10, INT64_C(99) * 1000000);
    cr_expect_eq(ftell(terminal.file), 0, "too early to be shown");
    progress_update(&progress, 1000, INT64_C(1000) * 1000000);
    progress_end(&progress);
    cr_expect_str_eq(end(), "\r\x1b[Kimport: 1,000 of 3,000 lines, 1,000/s, 2 s left\r\x1b[K", "%s",
                     printed);
    free(printed);
}

Test(terminal, colours_only_where_wanted)
{
    begin();
    cr_expect_str_eq(terminal_style(&terminal, STYLE_RED), "");
    terminal.colours = true;
    cr_expect_str_eq(terminal_style(&terminal, STYLE_RED), "\x1b[31m");
    cr_expect_str_eq(terminal_style(&terminal, STYLE_PLAIN), "\x1b[0m");
    end();
    free(printed);
    FILE *file = tmpfile();
    terminal_init(&terminal, file);
    cr_expect_not(terminal.colours, "a file has none");
    cr_expect_not(terminal.is_terminal);
    cr_expect_eq(terminal.columns, 80);
    fclose(file);
}
