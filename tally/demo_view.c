#include "tally/demo_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"

enum {
    VIEW_COLUMNS_MIN = 76,
    VIEW_ROWS_MIN = 16,
    VIEW_LINES_A_FEED = 2,
    VIEW_RECENT_DAYS = 7, /* of movements on the ladder */
    VIEW_SPARK_ROWS = 2,
    VIEW_TEXT_BYTES = 96,
};

const char *
demo_format_day(int64_t day, bool year, char out_text[DEMO_DATE_BYTES])
{
    static const char *const weekdays[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"",    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil_date date = calendar_civil_from_days(day);
    int size = snprintf(out_text, DEMO_DATE_BYTES, "%s %2d %s", weekdays[calendar_weekday(day)],
                        date.day, months[date.month]);
    if (year) snprintf(out_text + size, (size_t)(DEMO_DATE_BYTES - size), " %d", date.year);
    return out_text;
}

/* ---- The stream
 * ------------------------------------------------------------------------------------------------------
 */

static bool
feed_one(struct demo_view *view, struct demo_ledger *ledger, enum demo_line_kind kind)
{
    struct demo_line *line = &ledger->lines[kind];
    if (!line->fresh) return false;
    line->fresh = false;
    if (view->count == VIEW_STREAM) view->count--;
    memmove(view->stream + 1, view->stream, (size_t)view->count * sizeof *view->stream);
    memmove(view->kinds + 1, view->kinds, (size_t)view->count * sizeof *view->kinds);
    view->stream[0] = *line;
    view->kinds[0] = kind;
    view->count++;
    return true;
}

void
demo_view_feed(struct demo_view *view, struct demo_ledger *ledger)
{
    /* Orders always have one of the places; the other kinds take turns for the rest. */
    int fed = feed_one(view, ledger, DEMO_LINE_ORDER);
    for (int tries = 0; tries < DEMO_LINE_ORDER && fed < VIEW_LINES_A_FEED; tries++) {
        fed += feed_one(view, ledger, view->turn);
        view->turn = (view->turn + 1) % DEMO_LINE_ORDER;
    }
}

static enum style
line_style(enum demo_line_kind kind, const struct demo_line *line)
{
    switch (kind) {
    case DEMO_LINE_TIER: return line->up ? STYLE_BOLD : STYLE_RED;
    case DEMO_LINE_OWED:
    case DEMO_LINE_REFUSED: return STYLE_RED;
    case DEMO_LINE_RETURNED: return STYLE_RED;
    case DEMO_LINE_REDEEMED: return STYLE_CYAN;
    case DEMO_LINE_EXPIRED: return STYLE_YELLOW;
    case DEMO_LINE_REPEAT:
    case DEMO_LINE_WARNED: return STYLE_DIM;
    case DEMO_LINE_ORDER:
    case DEMO_LINE_KINDS: break;
    }
    return STYLE_PLAIN;
}

static void
line_text(enum demo_line_kind kind, const struct demo_line *line, bool brief,
          char out_text[VIEW_TEXT_BYTES])
{
    static const struct {
        const char *brief, *full;
    } words[DEMO_LINE_KINDS] = {
        [DEMO_LINE_OWED] = {"owes", "owes for returned %s"},
        [DEMO_LINE_REFUSED] = {"refused", "refused: %s"},
        [DEMO_LINE_REPEAT] = {"told again", "told again: nothing moves"},
        [DEMO_LINE_RETURNED] = {"returned", "returned of %s"},
        [DEMO_LINE_REDEEMED] = {"redeemed", "redeemed"},
        [DEMO_LINE_EXPIRED] = {"expired", "expired"},
        [DEMO_LINE_WARNED] = {"soon expire", "warned: will expire in a week"},
        [DEMO_LINE_ORDER] = {"order", "order %s"},
    };
    if (kind == DEMO_LINE_TIER) {
        snprintf(out_text, VIEW_TEXT_BYTES, "%s %s%s", line->up ? "▲" : "▼", line->what,
                 brief ? "" : ", by growth");
        return;
    }
    const char *text = brief ? words[kind].brief : words[kind].full;
    const char *place = strstr(text, "%s");
    int before = place == NULL ? (int)strlen(text) : (int)(place - text);
    snprintf(out_text, VIEW_TEXT_BYTES, "%.*s%s", before, text, place == NULL ? "" : line->what);
}

static void
draw_line(struct demo_screen *screen, int row, int width, enum demo_line_kind kind,
          const struct demo_line *line)
{
    char text[VIEW_TEXT_BYTES], figure[FIGURE_MAX];
    enum style style = line_style(kind, line);
    int64_t minute = line->at_ms / DEMO_MINUTE_MS;
    int balance_end = width, points_end = width - 8, what_end = points_end - 7;
    demo_screen_put(screen, row, 1, STYLE_DIM, "%02d:%02d", (int)(minute / 60 % 24),
                    (int)(minute % 60));
    demo_screen_put(screen, row, 7, style == STYLE_DIM ? STYLE_DIM : STYLE_PLAIN, "%s",
                    line->member);
    line_text(kind, line, what_end - 15 < 24, text);
    demo_screen_put_within(screen, row, 15, what_end, style, text);
    if (kind == DEMO_LINE_REFUSED || kind == DEMO_LINE_REPEAT) return;
    bool moves = kind != DEMO_LINE_TIER && kind != DEMO_LINE_WARNED;
    if (kind == DEMO_LINE_ORDER) style = STYLE_GREEN;
    demo_screen_put_right(screen, row, points_end, style, "%s%s",
                          moves && line->points > 0 ? "+" : "", format_count(line->points, figure));
    if (moves)
        demo_screen_put_right(screen, row, balance_end, STYLE_PLAIN, "%s",
                              format_count(line->active_after, figure));
}

static void
draw_stream(const struct demo_view *view, struct demo_screen *screen, int top, int bottom,
            int width)
{
    demo_screen_put(screen, top, 1, STYLE_BOLD, "LATEST");
    demo_screen_put_right(screen, top, width - 8, STYLE_DIM, "points");
    demo_screen_put_right(screen, top, width, STYLE_DIM, "balance");
    for (int i = 0; i < view->count && top + 1 + i < bottom; i++)
        draw_line(screen, top + 1 + i, width, view->kinds[i], &view->stream[i]);
}

/* ---- Panels on the right: each returns the row behind it
 * -------------------------------------------------------------
 */

struct panel {
    struct demo_screen *screen;
    int left, right; /* columns */
    int bottom;      /* no row at or below it */
};

static int
draw_accounts(const struct panel *panel, int row, const struct demo_ledger *ledger)
{
    const struct demo_books *books = &ledger->books[DEMO_SPENDABLE];
    const struct {
        const char *name;
        int64_t points;
        enum style style;
    } accounts[] = {
        {"issued", books->issued, STYLE_PLAIN},    {"active", books->active, STYLE_GREEN},
        {"redeemed", books->redeemed, STYLE_CYAN}, {"expired", books->expired, STYLE_YELLOW},
        {"returned", books->reversed, STYLE_RED},  {"arrears", books->arrears, STYLE_RED},
    };
    char figure[FIGURE_MAX];
    int bar = panel->left + 22;
    demo_screen_put(panel->screen, row, panel->left, STYLE_BOLD, "POINTS");
    demo_screen_put_right(panel->screen, row++, panel->right, STYLE_DIM, "%s members",
                          format_count(ledger->member_count, figure));
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts && row < panel->bottom; i++, row++) {
        demo_screen_put(panel->screen, row, panel->left, STYLE_PLAIN, "%s", accounts[i].name);
        demo_screen_put_right(panel->screen, row, panel->left + 20, accounts[i].style, "%s",
                              format_count(accounts[i].points, figure));
        demo_screen_bar(panel->screen, row, bar, panel->right - bar, accounts[i].style,
                        accounts[i].points, books->issued);
    }
    return row;
}

static int
draw_ladder(const struct panel *panel, int row, const struct demo_ledger *ledger, int64_t today)
{
    const struct program_group *group = &ledger->program->groups[0];
    char figure[FIGURE_MAX], moves[VIEW_TEXT_BYTES];
    int bar = panel->left + 18, moves_from = panel->right - 12;
    demo_screen_put(panel->screen, row, panel->left, STYLE_BOLD, "CLUB");
    demo_screen_put_right(panel->screen, row++, panel->right, STYLE_DIM, "moved in %d days",
                          VIEW_RECENT_DAYS);
    for (uint32_t i = group->level_count; i-- > 0 && row < panel->bottom; row++) {
        uint32_t up = 0, down = 0;
        for (int64_t day = today - VIEW_RECENT_DAYS + 1; day <= today; day++) {
            struct demo_day moved = demo_ledger_day(ledger, day);
            up += moved.up[i];
            down += moved.down[i];
        }
        demo_screen_put(panel->screen, row, panel->left, STYLE_PLAIN, "%.*s",
                        (int)group->levels[i].id.size, (const char *)group->levels[i].id.data);
        demo_screen_put_right(panel->screen, row, panel->left + 16, STYLE_BOLD, "%s",
                              format_count(ledger->level_counts[i], figure));
        demo_screen_bar(panel->screen, row, bar, moves_from - bar - 1, STYLE_CYAN,
                        ledger->level_counts[i], ledger->member_count);
        if (up > 0) {
            snprintf(moves, sizeof moves, "▲%" PRIu32, up);
            demo_screen_put_right(panel->screen, row, panel->right - 6, STYLE_GREEN, "%s", moves);
        }
        if (down > 0) {
            snprintf(moves, sizeof moves, "▼%" PRIu32, down);
            demo_screen_put_right(panel->screen, row, panel->right, STYLE_YELLOW, "%s", moves);
        }
    }
    return row;
}

static int
draw_last_days(const struct panel *panel, int row, const struct demo_ledger *ledger, int64_t today,
               int days)
{
    char figure[FIGURE_MAX], date[DEMO_DATE_BYTES];
    int64_t most = 1;
    int bar = panel->left + 22;
    demo_screen_put(panel->screen, row, panel->left, STYLE_BOLD, "EXPIRING AFTER");
    demo_screen_put_right(panel->screen, row++, panel->right, STYLE_DIM, "%s warned",
                          format_count((int64_t)ledger->warnings, figure));
    for (int i = 0; i < days; i++) {
        int64_t points = demo_ledger_last_day(ledger, today + i);
        if (points > most) most = points;
    }
    for (int i = 0; i < days && row < panel->bottom; i++, row++) {
        int64_t points = demo_ledger_last_day(ledger, today + i);
        demo_screen_put(panel->screen, row, panel->left, i == 0 ? STYLE_BOLD : STYLE_PLAIN, "%s",
                        i == 0 ? "tonight" : demo_format_day(today + i, false, date));
        demo_screen_put_right(panel->screen, row, panel->left + 20, STYLE_YELLOW, "%s",
                              format_count(points, figure));
        demo_screen_bar(panel->screen, row, bar, panel->right - bar, STYLE_YELLOW, points, most);
    }
    return row;
}

/* A figure of each of the last days, as columns; yesterday is the last that is whole. */
static int
draw_spark(const struct panel *panel, int row, const char *title, enum style style,
           const int64_t *values, int count)
{
    static const char *const steps[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    char figure[FIGURE_MAX];
    int64_t most = 1;
    for (int i = 0; i < count; i++)
        if (values[i] > most) most = values[i];
    demo_screen_put(panel->screen, row, panel->left, STYLE_BOLD, "%s", title);
    demo_screen_put_right(panel->screen, row, panel->right, STYLE_DIM, "%s yesterday",
                          format_count(values[count - 2], figure));
    for (int i = 0; i < count; i++) {
        int64_t height = (values[i] * VIEW_SPARK_ROWS * 8 + most - 1) / most;
        for (int line = VIEW_SPARK_ROWS; line > 0; line--, height -= 8) {
            int64_t step = height < 0 ? 0 : height > 8 ? 8 : height;
            demo_screen_put(panel->screen, row + line, panel->left + i, style, "%s", steps[step]);
        }
    }
    return row + 1 + VIEW_SPARK_ROWS;
}

static void
draw_sparks(const struct panel *panel, int row, const struct demo_ledger *ledger, int64_t today)
{
    int64_t earned[DEMO_DAYS], expired[DEMO_DAYS];
    int count = panel->right - panel->left;
    if (count > DEMO_DAYS - 1) count = DEMO_DAYS - 1;
    for (int i = 0; i < count; i++) {
        struct demo_day day = demo_ledger_day(ledger, today - count + 1 + i);
        earned[i] = day.earned;
        expired[i] = day.expired;
    }
    if (row + 1 + VIEW_SPARK_ROWS <= panel->bottom)
        row = draw_spark(panel, row, "EARNED A DAY", STYLE_GREEN, earned, count) + 1;
    if (row + 1 + VIEW_SPARK_ROWS <= panel->bottom)
        draw_spark(panel, row, "EXPIRED A DAY", STYLE_YELLOW, expired, count);
}

/* ---- The frame
 * -------------------------------------------------------------------------------------------------------
 */

static void
draw_rule(struct demo_screen *screen, int row, int crossing, const char *cross)
{
    for (int column = 0; column < screen->columns; column++)
        demo_screen_put(screen, row, column, STYLE_DIM, "%s", column == crossing ? cross : "─");
}

static void
draw_title(struct demo_screen *screen, const struct demo_ledger *ledger, int64_t today)
{
    char date[DEMO_DATE_BYTES];
    int64_t minute = ledger->clock_ms / DEMO_MINUTE_MS;
    int column = demo_screen_put(screen, 0, 1, STYLE_BOLD, "TALLYBOOK");
    demo_screen_put(screen, 0, column + 2, STYLE_DIM, "%s",
                    screen->columns < 90 ? "demo" : "demo: a bookshop's club, a day a second");
    if (ledger->clock_ms > 0) {
        demo_screen_put_right(screen, 0, screen->columns - 18, STYLE_GREEN, "%s",
                              demo_format_day(today, true, date));
        demo_screen_put_right(screen, 0, screen->columns - 11, STYLE_GREEN, "%02d:%02d",
                              (int)(minute / 60 % 24), (int)(minute % 60));
    }
    demo_screen_put_right(screen, 0, screen->columns - 1, STYLE_DIM, "q quits");
}

static int
put_figure(struct demo_screen *screen, int row, int column, int64_t figure, const char *unit)
{
    char text[FIGURE_MAX];
    column = demo_screen_put(screen, row, column, STYLE_BOLD, "%s", format_count(figure, text));
    return demo_screen_put(screen, row, column, STYLE_DIM, " %s", unit) + 3;
}

static void
draw_pulse(struct demo_screen *screen, int row, const struct demo_ledger *ledger,
           const struct demo_pulse *pulse)
{
    char digest[33];
    bool wide = screen->columns >= 110;
    bool conserved = true;
    for (uint32_t i = 0; i < ledger->program->currency_count; i++)
        conserved &= demo_books_are_conserved(&ledger->books[i]);
    int column = put_figure(screen, row, 1, pulse->events_per_second, "events/s");
    column = put_figure(screen, row, column, pulse->effects_per_second, "effects/s");
    column = put_figure(screen, row, column, pulse->lag_records, "records behind");
    if (conserved && wide)
        column = demo_screen_put(screen, row, column, STYLE_DIM,
                                 "issued = active − arrears + redeemed + expired + returned ");
    demo_screen_put(screen, row, column, conserved ? STYLE_GREEN : STYLE_RED, "%s",
                    !conserved ? "✗ NOT CONSERVED"
                    : wide     ? "✓"
                               : "✓ conserved");
    hash128_format(pulse->digest, digest);
    column = demo_screen_put(screen, row + 1, 1, STYLE_DIM, "digest ");
    column = demo_screen_put(screen, row + 1, column, STYLE_CYAN, "%.*s", wide ? 32 : 16, digest);
    column = demo_screen_put(screen, row + 1, column + 3, STYLE_DIM, "tally status --data-dir ");
    demo_screen_put(screen, row + 1, column, STYLE_DIM, "%s", pulse->folder);
}

void
demo_view_draw(const struct demo_view *view, const struct demo_ledger *ledger,
               const struct demo_pulse *pulse, struct demo_screen *screen)
{
    int64_t today = ledger->clock_ms / CALENDAR_DAY_MS;
    demo_screen_begin(screen);
    if (screen->columns < VIEW_COLUMNS_MIN || screen->rows < VIEW_ROWS_MIN) {
        demo_screen_put(screen, 0, 0, STYLE_PLAIN, "Please make the window larger.");
        demo_screen_show(screen);
        return;
    }
    int panel_width = screen->columns >= 110 ? 46 : 35;
    int split = screen->columns - panel_width - 3, bottom = screen->rows - 3;
    draw_title(screen, ledger, today);
    draw_rule(screen, 1, split, "┬");
    for (int row = 2; row < bottom; row++)
        demo_screen_put(screen, row, split, STYLE_DIM, "│");
    draw_rule(screen, bottom, split, "┴");
    draw_stream(view, screen, 2, bottom, split - 1);
    struct panel panel = {screen, split + 2, screen->columns - 1, bottom};
    int row = draw_accounts(&panel, 2, ledger) + 1;
    row = draw_ladder(&panel, row, ledger, today) + 1;
    int days = bottom - row - 1;
    if (days > VIEW_RECENT_DAYS) days = VIEW_RECENT_DAYS;
    if (days > 0) row = draw_last_days(&panel, row, ledger, today, days) + 1;
    draw_sparks(&panel, row, ledger, today);
    draw_pulse(screen, bottom + 1, ledger, pulse);
    demo_screen_show(screen);
}
