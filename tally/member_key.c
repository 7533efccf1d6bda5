#include "tally/member_key.h"

#include <string.h>

bool
member_key(const struct command_context *context, char out_key[MEMBER_KEY_MAX],
           struct fault *out_fault)
{
    const char *prefix = options_flag(context->options, OPTION_GUEST) ? KEY_GUEST_PREFIX : "";
    const char *id = context->arguments[0];
    size_t prefix_size = strlen(prefix), size = strlen(id);
    if (size == 0 || prefix_size + size > EVENT_ID_BYTES_MAX)
        return fault_set(out_fault, FAULT_USAGE, "a member's id has 1 to %d bytes",
                         EVENT_ID_BYTES_MAX);
    memcpy(out_key, prefix, prefix_size);
    memcpy(out_key + prefix_size, id, size + 1);
    return true;
}
