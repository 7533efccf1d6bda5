#include "engine/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
hash64(struct bytes span, uint64_t seed)
{
    return XXH3_64bits_withSeed(span.data, span.size, seed);
}

struct hash128
hash128(struct bytes span, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(span.data, span.size, seed);
    return (struct hash128){hash.low64, hash.high64};
}

void
hash128_format(struct hash128 hash, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 16; i++) {
        out[i] = digits[(hash.hi >> (60 - 4 * i)) & 15];
        out[16 + i] = digits[(hash.lo >> (60 - 4 * i)) & 15];
    }
    out[32] = '\0';
}
