/* The socket inside a data folder: while `tally run` holds the folder, other commands work through
 * it.
 *
 * One thread accepts, one thread serves each connection; they reach journal and outputs through
 * readers and appenders of their own, and shards through shard_call, one at a time. The socket is
 * readable by its owner only. */
#ifndef TALLYBOOK_TALLY_SOCKET_SERVER_H
#define TALLYBOOK_TALLY_SOCKET_SERVER_H

#include <stdbool.h>

#include "engine/base/fault.h"
#include "tally/instance.h"

struct socket_server;

/* Binds `path` (a stale socket file of a dead process is replaced: the caller holds the folder's
 * lock) and serves `instance`, which outlives the server. FAULT_CANNOT_CREATE. */
bool socket_server_start(const char *path, struct instance *instance,
                         struct socket_server **out_server, struct fault *out_fault);

/* Closes all connections and joins the threads. */
void socket_server_stop(struct socket_server *server);

#endif
