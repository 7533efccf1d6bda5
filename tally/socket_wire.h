/* Frames on the socket of a running tally: how commands reach the process that holds the data
 * folder.
 *
 *   request    u32le size of what follows · u8 operation · body
 *   response   u32le size of what follows · u8 0 · body          all went well
 *                                         · u8 fault kind · text  it did not
 *
 * One request, one response, in turn; a client may send as many as it likes. Strings are
 * varint-prefixed, numbers little-endian. Client and server are the same program: HELLO compares
 * the version of this format and refuses another. */
#ifndef TALLYBOOK_TALLY_SOCKET_WIRE_H
#define TALLYBOOK_TALLY_SOCKET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"

enum { SOCKET_FORMAT = 1 };

/* A read answers with at most this many bytes of payloads plus one record: 900 kB records and their
 * frames fit. */
enum { SOCKET_READ_BYTES = 4 << 20, SOCKET_FRAME_BYTES_MAX = SOCKET_READ_BYTES + (2 << 20) };

enum socket_operation {
    SOCKET_HELLO = 1,          /* u32 format → u32 partition count · u64 process id */
    SOCKET_JOURNAL_BOUNDS = 2, /* u32 partition → i64 first · i64 end */
    SOCKET_JOURNAL_READ = 3, /* u32 partition · i64 offset · u32 wait_ms → records: i64 offset · i64
                                append_ms · bytes */
    SOCKET_JOURNAL_APPEND =
        4, /* u32 count · (u32 partition · bytes)… → i64 offset of each, durable */
    SOCKET_OUTPUT_BOUNDS = 5, /* u32 partition · u8 topic → u64 first · u64 end */
    SOCKET_OUTPUT_READ = 6, /* u32 partition · u8 topic · u64 offset · u32 wait_ms → messages */
    SOCKET_MEMBER = 7,      /* bytes member → JSON */
    SOCKET_STATUS = 8,      /* → JSON */
    SOCKET_CHECKPOINT = 9,  /* → nothing, when every partition has checkpointed */
    SOCKET_RULEBOOK = 10,   /* u32 partition → u32 version · bytes of the program */
};

/* Blocking. False: FAULT_UNAVAILABLE when the other side is gone (also at a clean end of the
 * stream, with `*out_eof` set when it is not NULL), FAULT_DATA for a frame that is too large. */
bool socket_send(int socket, struct bytes frame, struct fault *out_fault);
bool socket_receive(int socket, void *buffer, size_t capacity, struct bytes *out_frame,
                    bool *out_eof, struct fault *out_fault);

#endif
