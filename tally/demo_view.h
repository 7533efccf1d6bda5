/*
 * What the demo's screen shows, laid out for any size from 76 by 16, best from 80 by 24: the stream
 * of what was published, accounts, levels, what expires, and how the engine does.
 *
 * @thread one
 */
#ifndef TALLYBOOK_TALLY_DEMO_VIEW_H
#define TALLYBOOK_TALLY_DEMO_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/hash.h"
#include "tally/demo_ledger.h"
#include "tally/demo_screen.h"

/* How the engine does; what the ledger's readers cannot know. */
struct demo_pulse {
    int64_t events_per_second, effects_per_second;
    int64_t lag_records;
    struct hash128 digest;
    const char *folder; /* where other commands may look */
};

enum { VIEW_STREAM = SCREEN_ROWS_MAX };

struct demo_view {
    struct demo_line stream[VIEW_STREAM]; /* newest first */
    enum demo_line_kind kinds[VIEW_STREAM];
    int count;
    enum demo_line_kind turn; /* of the kinds before DEMO_LINE_ORDER: whose line comes next */
};

/** Takes the newest lines into the stream: an order, and one of the other kinds in turn. Called a
 * few times a second, no faster than can be read. */
void demo_view_feed(struct demo_view *view, struct demo_ledger *ledger);

/** Draws one frame. */
void demo_view_draw(const struct demo_view *view, const struct demo_ledger *ledger,
                    const struct demo_pulse *pulse, struct demo_screen *screen);

/** "Wed 11 Nov"; returns out_text. */
enum { DEMO_DATE_BYTES = 32 };
const char *demo_format_day(int64_t day, bool year, char out_text[DEMO_DATE_BYTES]);

#endif
