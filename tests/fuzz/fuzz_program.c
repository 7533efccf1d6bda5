/* Any bytes as a normalised program: no crash, and what is accepted is the encoding of what it
 * says. Seeds: the programs of the sample rulebooks. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/region.h"
#include "engine/core/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct region lists, encoded;
    struct fault fault;
    if (lists.memory == NULL) {
        bool mapped = region_map(program_lists_bytes(PROGRAM_BYTES_MAX), &lists, &fault) &&
                      region_map(PROGRAM_BYTES_MAX, &encoded, &fault);
        CHECK(mapped);
    }
    if (size > PROGRAM_BYTES_MAX) return 0;
    struct arena arena;
    struct program program;
    arena_init(&arena, lists.memory, program_lists_bytes(size));
    if (!program_decode(bytes_of(data, size), &arena, &program, &fault)) {
        CHECK(fault.kind == FAULT_DATA && fault.text[0] != '\0');
        return 0;
    }
    struct writer writer = writer_of(encoded.memory, encoded.size);
    program_encode(&program, &writer);
    CHECK(bytes_equal(writer_span(&writer), bytes_of(data, size)));
    return 0;
}
