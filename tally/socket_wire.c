#include "tally/socket_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/check.h"

bool
socket_send(int socket, struct bytes frame, struct fault *out_fault)
{
    CHECK(frame.size <= SOCKET_FRAME_BYTES_MAX);
    uint32_t size = (uint32_t)frame.size;
    struct iovec parts[2] = {
        {.iov_base = &size, .iov_len = sizeof size},
        {.iov_base = (void *)(uintptr_t)frame.data, .iov_len = frame.size},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    size_t left = sizeof size + frame.size;
    while (left > 0) {
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0)
            return fault_set(out_fault, FAULT_UNAVAILABLE, "socket: the other side is gone: %s",
                             strerror(errno));
        left -= (size_t)sent;
        for (size_t i = 0; i < 2 && sent > 0; i++) {
            size_t taken = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            sent -= (ssize_t)taken;
        }
    }
    return true;
}

static bool
socket_read_all(int socket, uint8_t *at, size_t size, bool *out_eof, struct fault *out_fault)
{
    size_t got = 0;
    while (got < size) {
        ssize_t count = recv(socket, at + got, size - got, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count == 0 && got == 0 && out_eof != NULL) *out_eof = true;
        if (count <= 0)
            return fault_set(out_fault, FAULT_UNAVAILABLE, "socket: the other side %s",
                             count == 0 ? "has closed" : strerror(errno));
        got += (size_t)count;
    }
    return true;
}

bool
socket_receive(int socket, void *buffer, size_t capacity, struct bytes *out_frame, bool *out_eof,
               struct fault *out_fault)
{
    uint32_t size;
    if (!socket_read_all(socket, (uint8_t *)&size, sizeof size, out_eof, out_fault)) return false;
    if (size == 0 || size > capacity)
        return fault_set(out_fault, FAULT_DATA,
                         "socket: a frame of %u bytes; at most %zu are allowed", size, capacity);
    if (!socket_read_all(socket, buffer, size, NULL, out_fault)) return false;
    *out_frame = bytes_of(buffer, size);
    return true;
}
