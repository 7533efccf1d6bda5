/*
 * The data folder of the embedded mode, and who may touch it.
 *
 *   FORMAT      "tallybook data folder 1\n"
 *   LOCK        held (flock) by the process that has the folder open; says which one and since when
 *   tally.sock  where that process listens for commands
 *   journal/    the embedded journal
 *   outputs/    the embedded outputs and dead letters
 *   state/      p000, p001 …: one store per partition
 *
 * With a journal on Kafka the folder has no journal/ and no outputs/.
 */
#ifndef TALLYBOOK_CONSUMERS_DATA_FOLDER_H
#define TALLYBOOK_CONSUMERS_DATA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"

#define DATA_FOLDER_JOURNAL "journal"
#define DATA_FOLDER_OUTPUTS "outputs"
#define DATA_FOLDER_STATE   "state"
#define DATA_FOLDER_SOCKET  "tally.sock"

enum { DATA_FOLDER_VERSION = 1, DATA_FOLDER_PATH_BYTES = 1024 };

struct data_folder;

/** Makes the folder (its parent must be there) and state/ in it, and writes FORMAT, synced.
 * FAULT_CANNOT_CREATE when it is a data folder already, or holds anything else; a folder that is
 * there and empty is taken. */
bool data_folder_create(const char *path, struct fault *out_fault);

/** Locks an existing data folder for this process. FAULT_NO_INPUT when it is none; FAULT_DATA when
 * its format is unknown; FAULT_TRY_AGAIN names the process that holds it. */
bool data_folder_open(const char *path, struct data_folder **out_folder, struct fault *out_fault);

/** Gives the lock back. The lock also ends with the process, whatever its end. */
void data_folder_close(struct data_folder *folder);

/** The path of something in a data folder: data_folder_path(path, DATA_FOLDER_JOURNAL, out).
 * FAULT_CONFIG when it is too long. The folder need not be open: a command looks for the socket so.
 */
bool data_folder_path(const char *path, const char *what, char out_path[DATA_FOLDER_PATH_BYTES],
                      struct fault *out_fault);

#endif
