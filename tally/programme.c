#include "tally/programme.h"

#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/base/check.h"

enum { PROGRAMME_ARENA_BYTES = 64 << 20 }; /* reserved, touched only as far as used */

bool
programme_open(struct session *session, struct programme *out_programme, struct fault *out_fault)
{
    uint8_t *form;
    size_t size;
    uint32_t version;
    struct arena arena;
    struct bytes copy;
    *out_programme = (struct programme){0};
    if (!session_answers_at_once(session)) return true;
    if (!session_rulebook(session, 0, &version, &form, &size, out_fault)) return false;
    if (version == 0) {
        free(form);
        return true;
    }
    if (!region_map(PROGRAMME_ARENA_BYTES, &out_programme->region, out_fault)) {
        free(form);
        return false;
    }
    arena_init(&arena, out_programme->region.memory, out_programme->region.size);
    bool copied = arena_copy_bytes(&arena, bytes_of(form, size), &copy);
    CHECK(copied); /* a record that holds it is smaller */
    free(form);
    out_programme->known = program_decode(copy, &arena, &out_programme->program, out_fault);
    return out_programme->known;
}

void
programme_close(struct programme *programme)
{
    region_unmap(&programme->region);
}

const struct program *
programme_program(const struct programme *programme)
{
    return programme->known ? &programme->program : NULL;
}

const struct zone *
programme_zone(const struct programme *programme)
{
    return programme->known ? &programme->program.zone : NULL;
}
