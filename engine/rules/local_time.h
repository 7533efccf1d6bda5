/* Instants as the programme's people read them: on the wall in its zone, with the offset beside, so
 * that nobody has to guess which instant it is. */
#ifndef TALLYBOOK_ENGINE_RULES_LOCAL_TIME_H
#define TALLYBOOK_ENGINE_RULES_LOCAL_TIME_H

#include "engine/core/calendar.h"

enum { LOCAL_TIME_TEXT_MAX = 40 };

/** "2026-02-01T00:30:00+09:00", with three decimals when the milliseconds are not 0; in Z where the
 * zone is UTC, or NULL because it is not known. Parsed again it gives the instant. Returns
 * out_text. CHECKs the range of years as instant_format does. */
const char *local_time_format(const struct zone *zone, struct instant instant,
                              char out_text[LOCAL_TIME_TEXT_MAX]);

#endif
