/* Events to packed journal records, each on its member's partition, for whoever writes a journal
 * from outside the engine. */
#ifndef TALLYBOOK_TALLY_IMPORT_PACK_H
#define TALLYBOOK_TALLY_IMPORT_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/shard/ports.h"

struct import_pack;

/* `journal` is borrowed. */
bool import_pack_open(struct journal *journal, struct import_pack **out_pack,
                      struct fault *out_fault);
void import_pack_close(struct import_pack *pack);

/* Adds one event of `member` (the ledger's key); a record that is full is appended first.
 * journal_time_ms: 0 on a live journal. */
bool import_pack_event(struct import_pack *pack, struct bytes member, struct bytes wire,
                       int64_t journal_time_ms, struct fault *out_fault);

/* Appends a tick to every partition behind what was added so far: a history's time passes to that
 * instant. */
bool import_pack_ticks(struct import_pack *pack, int64_t journal_time_ms, struct fault *out_fault);

/* Appends what is begun and waits until everything is durable. */
bool import_pack_flush(struct import_pack *pack, struct fault *out_fault);

#endif
