/*
 * The demo's engine: a real one, with a history journal, outputs and stores in a temporary folder,
 * under a rulebook that the program carries. It needs no file and no service.
 *
 * @thread one at a time; the shards have threads of their own
 */
#ifndef TALLYBOOK_TALLY_DEMO_ENGINE_H
#define TALLYBOOK_TALLY_DEMO_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "consumers/data_folder.h"
#include "engine/base/arena.h"
#include "engine/base/fault.h"
#include "engine/base/hash.h"
#include "engine/base/region.h"
#include "engine/core/program.h"
#include "tally/instance.h"
#include "tally/view_json.h"

enum { DEMO_PARTITIONS = 4 };

struct socket_server;

struct demo_engine {
    char path[DATA_FOLDER_PATH_BYTES]; /* empty: no folder made */
    struct data_folder *folder;
    struct journal *journal;
    struct outputs *outputs;
    struct instance *instance;
    struct socket_server *server; /* NULL: nobody listens */
    struct region region;         /* of the rulebook */
    struct arena arena;
    struct program program;
    struct activation activation;
};

/** Makes the folder and a journal of that id, or of one drawn at random where it is NULL, and
 * starts the engine. With `listens` other commands reach it through the folder's socket. On failure
 * everything is removed again. */
bool demo_engine_open(const uint8_t *journal_id, bool listens, struct demo_engine *out_engine,
                      struct fault *out_fault);

/** Stops the engine and removes the folder; nothing of a demo is kept. */
void demo_engine_close(struct demo_engine *engine);

/** What the engine itself says: status of each partition, totals of all. */
bool demo_engine_ask(struct demo_engine *engine, struct partition_status status[DEMO_PARTITIONS],
                     struct status_totals *out_totals, struct fault *out_fault);

/** The digest of all partitions. */
struct hash128 demo_engine_digest(const struct partition_status status[DEMO_PARTITIONS]);

#endif
