/* Record 0: what a journal is, written once into every partition and compared ever after
 * (architecture.md, "The journal"). */
#ifndef TALLYBOOK_CONSUMERS_GENESIS_H
#define TALLYBOOK_CONSUMERS_GENESIS_H

#include <stdbool.h>

#include "engine/base/fault.h"
#include "engine/core/event.h"
#include "engine/shard/ports.h"

/* Writes record 0 into every partition that is empty, durably. Can be repeated: a journal that has
 * it keeps it, one that was left half made is completed under the id that it has.
 * `genesis->partition` is ignored; `genesis->journal_id` must be the journal's own only when
 * `id_is_given`. *out_made: something was written. FAULT_CONFIG names what differs: programme,
 * partitions, kind of time, id; FAULT_DATA: a partition that begins with anything else. */
bool genesis_write(struct journal *journal, const struct genesis *genesis, bool id_is_given,
                   bool *out_made, struct fault *out_fault);

/* Reads record 0 of a partition. *out_found is false for an empty partition. `memory` takes what
 * programme points to. */
bool genesis_read(struct journal *journal, uint32_t partition, char memory[EVENT_ID_BYTES_MAX],
                  struct genesis *out_genesis, bool *out_found, struct fault *out_fault);

#endif
