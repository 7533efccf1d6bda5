/* What the engine tells, as JSON: one member, and the status of all partitions. Instants are RFC
 * 3339 text, amounts of points and money are whole numbers of their unit. */
#ifndef TALLYBOOK_TALLY_VIEW_JSON_H
#define TALLYBOOK_TALLY_VIEW_JSON_H

#include "engine/core/fold.h"
#include "engine/shard/shard.h"

/* Programme totals summed over partitions. */
struct status_totals {
    struct totals currencies[PROGRAM_CURRENCIES_MAX];
    char names[PROGRAM_CURRENCIES_MAX][EVENT_ID_BYTES_MAX + 1];
    size_t count;
};

void status_totals_add(struct status_totals *sums, const struct totals *totals, size_t count);

/* Allocated text; the caller frees. */
char *member_json(const struct member_view *view);
char *status_json(const struct partition_status *status, uint32_t count,
                  const struct status_totals *sums);

#endif
