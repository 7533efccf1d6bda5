#include "engine/rules/local_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

const char *
local_time_format(const struct zone *zone, struct instant instant,
                  char out_text[LOCAL_TIME_TEXT_MAX])
{
    if (zone == NULL || (zone->count == 0 && zone->initial_offset_ms == 0)) {
        instant_format(instant, out_text);
        return out_text;
    }
    CHECK(instant.ms >= INSTANT_MIN_MS && instant.ms <= INSTANT_MAX_MS);
    struct local local = calendar_local(zone, instant);
    /* RFC 3339 has offsets of whole minutes: one of local mean time (Liberia until 1972) is shown,
     * and its wall with it, as the minute below. */
    int64_t exact_ms = local.ms - instant.ms;
    int64_t below = exact_ms % MINUTE_MS;
    if (below < 0) below += MINUTE_MS;
    local.ms -= below;
    int64_t offset_ms = exact_ms - below;
    struct civil_date date = calendar_date(local);
    int64_t day_ms = local.ms - calendar_midnight(date).ms;
    int used = snprintf(out_text, LOCAL_TIME_TEXT_MAX, "%04d-%02u-%02uT%02d:%02d:%02d", date.year,
                        date.month, date.day, (int)(day_ms / HOUR_MS),
                        (int)(day_ms / MINUTE_MS % 60), (int)(day_ms / 1000 % 60));
    if (day_ms % 1000 != 0)
        used += snprintf(out_text + used, LOCAL_TIME_TEXT_MAX - (size_t)used, ".%03d",
                         (int)(day_ms % 1000));
    int64_t away = offset_ms < 0 ? -offset_ms : offset_ms;
    snprintf(out_text + used, LOCAL_TIME_TEXT_MAX - (size_t)used, "%c%02d:%02d",
             offset_ms < 0 ? '-' : '+', (int)(away / HOUR_MS), (int)(away / MINUTE_MS % 60));
    return out_text;
}
