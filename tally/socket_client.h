/* The other end of the socket: journal and outputs of a running tally, as the same ports that the
 * folder itself would give, and its answers about members. Journal and outputs may be used by
 * several threads, each with readers of its own; the other functions by one. */
#ifndef TALLYBOOK_TALLY_SOCKET_CLIENT_H
#define TALLYBOOK_TALLY_SOCKET_CLIENT_H

#include <stdbool.h>

#include "engine/base/fault.h"
#include "engine/shard/ports.h"

struct socket_client;

/* Connects to `path`. FAULT_UNAVAILABLE when nobody listens there. */
bool socket_client_open(const char *path, struct socket_client **out_client,
                        struct fault *out_fault);
void socket_client_close(struct socket_client *client);

/* Ports that live as long as the client; their close() is a no-op on it. */
struct journal *socket_client_journal(struct socket_client *client);
struct outputs *socket_client_outputs(struct socket_client *client);

/* JSON text of the answer, valid until the next call on the client. */
bool socket_client_member(struct socket_client *client, struct bytes member, struct bytes *out_json,
                          struct fault *out_fault);
bool socket_client_status(struct socket_client *client, struct bytes *out_json,
                          struct fault *out_fault);
bool socket_client_checkpoint(struct socket_client *client, struct fault *out_fault);

/* As instance_rulebook; *out_program is valid until the next call on the client. */
bool socket_client_rulebook(struct socket_client *client, uint32_t partition, uint32_t *out_version,
                            struct bytes *out_program, struct fault *out_fault);

/* Process that holds the folder. */
uint64_t socket_client_process(const struct socket_client *client);

#endif
