#include "tally/demo_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/check.h"

#define ENTER "\x1b[?1049h\x1b[?25l\x1b[2J"
#define LEAVE "\x1b[0m\x1b[?25h\x1b[?1049l"

enum { SCREEN_PUT_BYTES = 4 * SCREEN_COLUMNS_MAX, SCREEN_FRAME_BYTES = 1 << 20 };

/* What the handlers need; written before the signals are caught, and only then. */
static struct {
    sig_atomic_t entered;
    sig_atomic_t has_keys;
    int out, in;
    struct termios before;
} shown;

/* ---- Giving the terminal back
 * ---------------------------------------------------------------------------------------
 */

/* Safe in a signal handler. */
static void
give_back(void)
{
    if (!shown.entered) return;
    shown.entered = 0;
    ssize_t ignored = write(shown.out, LEAVE, sizeof LEAVE - 1);
    (void)ignored;
    if (shown.has_keys) tcsetattr(shown.in, TCSANOW, &shown.before);
}

static void
on_fatal_signal(int number)
{
    give_back();
    raise(number); /* the handler was reset: this time it ends the process */
}

static void
catch_fatal_signals(void)
{
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};
    struct sigaction action = {.sa_handler = on_fatal_signal,
                               .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, NULL);
    atexit(give_back);
}

bool
demo_screen_enter(const struct terminal *terminal, struct demo_screen **out_screen,
                  struct fault *out_fault)
{
    CHECK(!shown.entered && terminal->is_terminal);
    shown.out = fileno(terminal->file);
    shown.in = STDIN_FILENO;
    shown.has_keys = tcgetattr(shown.in, &shown.before) == 0;
    fflush(terminal->file);
    catch_fatal_signals();
    shown.entered = 1;
    if (write(shown.out, ENTER, sizeof ENTER - 1) < 0) {
        shown.entered = 0;
        return fault_set(out_fault, FAULT_IO, "the terminal: %s", strerror(errno));
    }
    if (shown.has_keys) {
        struct termios keys = shown.before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VMIN] = 0;
        keys.c_cc[VTIME] = 0;
        keys.c_cc[VSUSP] = _POSIX_VDISABLE; /* nobody would give the terminal back meanwhile */
        tcsetattr(shown.in, TCSANOW, &keys);
    }
    struct demo_screen *screen = calloc(1, sizeof *screen);
    CHECK(screen != NULL);
    screen->terminal = terminal;
    *out_screen = screen;
    return true;
}

void
demo_screen_leave(struct demo_screen *screen)
{
    give_back();
    free(screen);
}

/* ---- The grid
 * --------------------------------------------------------------------------------------------------------
 */

void
demo_screen_begin(struct demo_screen *screen)
{
    struct winsize size;
    bool known = ioctl(shown.out, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    screen->rows = known ? size.ws_row : 24;
    screen->columns = known ? size.ws_col : 80;
    if (screen->rows > SCREEN_ROWS_MAX) screen->rows = SCREEN_ROWS_MAX;
    if (screen->columns > SCREEN_COLUMNS_MAX) screen->columns = SCREEN_COLUMNS_MAX;
    memset(screen->cells, 0, sizeof screen->cells);
}

static int
put_text(struct demo_screen *screen, int row, int column, enum style style, const char *text)
{
    while (*text != '\0') {
        int size = 1;
        while ((text[size] & 0xc0) == 0x80)
            size++;
        CHECK(size <= SCREEN_CELL_BYTES);
        if (row >= 0 && row < screen->rows && column >= 0 && column < screen->columns) {
            struct screen_cell *cell = &screen->cells[row][column];
            *cell = (struct screen_cell){.style = (uint8_t)style};
            memcpy(cell->text, text, (size_t)size);
        }
        column++;
        text += size;
    }
    return column;
}

int
demo_screen_put(struct demo_screen *screen, int row, int column, enum style style,
                const char *format, ...)
{
    char text[SCREEN_PUT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return put_text(screen, row, column, style, text);
}

int
demo_screen_put_within(struct demo_screen *screen, int row, int column, int end, enum style style,
                       const char *text)
{
    int width = (int)text_width(bytes_from_cstr(text));
    bool cut = column + width > end;
    for (int at = column; *text != '\0' && at < end - cut; at++) {
        char character[SCREEN_CELL_BYTES + 1] = {*text++};
        for (int size = 1; (*text & 0xc0) == 0x80 && size < SCREEN_CELL_BYTES; size++)
            character[size] = *text++;
        put_text(screen, row, at, style, character);
    }
    if (cut && end > column) put_text(screen, row, end - 1, style, "…");
    return end;
}

int
demo_screen_put_right(struct demo_screen *screen, int row, int end, enum style style,
                      const char *format, ...)
{
    char text[SCREEN_PUT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_text(screen, row, end - (int)text_width(bytes_from_cstr(text)), style, text);
    return end;
}

void
demo_screen_bar(struct demo_screen *screen, int row, int column, int width, enum style style,
                int64_t part, int64_t whole)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (width <= 0 || whole <= 0 || part <= 0) return;
    if (part > whole) part = whole;
    int64_t filled = (int64_t)((__int128)part * width * 8 / whole);
    if (filled == 0) filled = 1;
    for (int64_t i = 0; i < filled / 8; i++)
        column = put_text(screen, row, column, style, "█");
    put_text(screen, row, column, style, eighths[filled % 8]);
}

void
demo_screen_show(struct demo_screen *screen)
{
    static char frame[SCREEN_FRAME_BYTES];
    static_assert(SCREEN_ROWS_MAX * SCREEN_COLUMNS_MAX * (SCREEN_CELL_BYTES + 8) <
                      SCREEN_FRAME_BYTES,
                  "a frame of cells of changing styles");
    struct writer out = writer_of(frame, sizeof frame);
    writer_bytes(&out, bytes_from_cstr("\x1b[?2026h\x1b[0m")); /* shown as a whole, where known */
    enum style style = STYLE_PLAIN;
    for (int row = 0; row < screen->rows; row++) {
        char place[16];
        int last = screen->columns;
        while (last > 0 && screen->cells[row][last - 1].text[0] == '\0')
            last--;
        snprintf(place, sizeof place, "\x1b[%d;1H", row + 1);
        writer_bytes(&out, bytes_from_cstr(place));
        for (int column = 0; column < last; column++) {
            const struct screen_cell *cell = &screen->cells[row][column];
            if (cell->style != style) {
                style = cell->style;
                writer_bytes(&out, bytes_from_cstr(terminal_style(screen->terminal, STYLE_PLAIN)));
                if (style != STYLE_PLAIN)
                    writer_bytes(&out, bytes_from_cstr(terminal_style(screen->terminal, style)));
            }
            size_t size = strnlen(cell->text, SCREEN_CELL_BYTES);
            writer_bytes(&out, size == 0 ? bytes_of(" ", 1) : bytes_of(cell->text, size));
        }
        if (last < screen->columns) writer_bytes(&out, bytes_from_cstr("\x1b[K"));
    }
    writer_bytes(&out, bytes_from_cstr("\x1b[0m\x1b[?2026l"));
    CHECK(!out.overflow);
    for (size_t done = 0; done < out.size;) {
        ssize_t size = write(shown.out, frame + done, out.size - done);
        if (size < 0 && errno != EINTR) return; /* the terminal is gone: a signal ends the demo */
        if (size > 0) done += (size_t)size;
    }
}

int
demo_screen_key(struct demo_screen *screen, int wait_ms)
{
    struct pollfd wait = {.fd = shown.has_keys ? shown.in : -1, .events = POLLIN};
    unsigned char key;
    (void)screen;
    if (poll(&wait, 1, wait_ms) <= 0) return 0;
    return read(shown.in, &key, 1) == 1 ? key : SCREEN_KEY_GONE;
}
