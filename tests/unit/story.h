/* clang-format off */
/*
 * Stories of one member, told in text, for tests of spending: what happens when, and what is seen
 * afterwards. Over fold_rig.
 *
 *     02-01        grant A 100 until 03-01  | active 100
 *     02-28 23:50  hold H1 60               | active 40 held 60  > hold 60
 *     03-01        tick                     | active 0 held 60   > expire 40
 *     03-01 00:04  capture H1 50            | held 0             > capture 50 release 10 expire 10
 *     03-01 00:04  capture H1               | hold_closed
 *
 * Each line: the journal's time in 2026 UTC (midnight where no hour is told), what is done, with
 * "@ 02-27 10:00" when it occurred at another time; behind "|" the verdict (accepted where none is
 * told, "any" where it is of no matter) and figures of the first currency; behind ">" all postings
 * of the line, in order. Whoever is told of is Ann. An empty line is nothing.
 *
 * What is done:
 *     grant NAME points [until date [time]] [of ORDER] [in currency]   never expires where not told
 *     buy ORDER pounds          refund ORDER ID pounds          adjust points
 *     spend ID points           spend ID reward NAME [times n]  spend ID pay pence [of pence]
 *     hold ID and the same      and behind both: from currency,currency; of a hold: for minutes
 *     capture ID [points]       release ID                      undo ID [points]
 *     freeze unfreeze suspend resume close reopen tick
 *
 * Figures: pending, active, held, lapsing, arrears; outcome (the first amount granted), notices (so
 * far), second (active of the second currency).
 */
/* clang-format on */
#ifndef TALLYBOOK_TESTS_UNIT_STORY_H
#define TALLYBOOK_TESTS_UNIT_STORY_H

#include "tests/unit/fold_rig.h"

/* Tells a story three times: as it is; with nothing warm; with a restart before each line. The same
 * must come of all. NULL, or what was not as told, in static memory. */
const char *story_run(const struct program *program, const char *text);

#endif
