/*
 * The whole terminal as a grid of cells: entered, drawn ten times a second, and given back as it
 * was, whatever ends the program.
 *
 * Invariants:
 * 1. From demo_screen_enter to demo_screen_leave the alternate buffer is shown, the cursor hidden
 * and keys are read unbuffered; leaving, a normal exit and every fatal signal undo all three.
 * 2. What is put beyond the edges is cut, so that a layout never wraps.
 * 3. One screen at a time: the signal handlers must find it.
 *
 * @thread one
 */
#ifndef TALLYBOOK_TALLY_DEMO_SCREEN_H
#define TALLYBOOK_TALLY_DEMO_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "tally/terminal.h"

enum {
    SCREEN_ROWS_MAX = 120,
    SCREEN_COLUMNS_MAX = 300,
    SCREEN_CELL_BYTES = 4,
    SCREEN_KEY_GONE = -1
};

struct screen_cell {
    char text[SCREEN_CELL_BYTES]; /* one character of one column, as UTF-8; unused bytes are NUL */
    uint8_t style;                /* enum style */
};

struct demo_screen {
    const struct terminal *terminal;
    int rows, columns;
    struct screen_cell cells[SCREEN_ROWS_MAX][SCREEN_COLUMNS_MAX];
};

/** Takes the terminal over. Standard input may be anything; keys are read only from a terminal. */
bool demo_screen_enter(const struct terminal *terminal, struct demo_screen **out_screen,
                       struct fault *out_fault);
void demo_screen_leave(struct demo_screen *screen);

/** Begins a frame: asks how large the terminal is now, and clears the grid. */
void demo_screen_begin(struct demo_screen *screen);

/** Puts text at a place; returns the column behind it. Only characters of one column each. */
int demo_screen_put(struct demo_screen *screen, int row, int column, enum style style,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Puts text, cut with '…' where it would reach `end`. Returns `end`. */
int demo_screen_put_within(struct demo_screen *screen, int row, int column, int end,
                           enum style style, const char *text);

/** As demo_screen_put, ending before `end`. Returns `end`. */
int demo_screen_put_right(struct demo_screen *screen, int row, int end, enum style style,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));

/** A bar of part/whole of `width` columns, in eighths of a column; anything above 0 is seen. */
void demo_screen_bar(struct demo_screen *screen, int row, int column, int width, enum style style,
                     int64_t part, int64_t whole);

/** Ends the frame: writes the grid in one go. */
void demo_screen_show(struct demo_screen *screen);

/** Waits up to wait_ms for a key; 0 when none came, SCREEN_KEY_GONE when the terminal is gone. */
int demo_screen_key(struct demo_screen *screen, int wait_ms);

#endif
