/* Any bytes as a rulebook: no crash, no error without a message, and what is sound becomes an
 * activation whose explanation can be printed. Seeds: the sample rulebooks and tests/golden/rules/.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/region.h"
#include "engine/rules/activation.h"
#include "engine/rules/compile.h"
#include "engine/rules/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct region memory;
    static struct diagnostics diagnostics;
    static FILE *nowhere;
    struct fault fault;
    if (nowhere == NULL) {
        bool mapped = region_map(RULES_ARENA_BYTES, &memory, &fault);
        nowhere = fopen("/dev/null", "w");
        CHECK(mapped && nowhere != NULL);
    }
    struct arena arena;
    arena_init(&arena, memory.memory, memory.size);
    struct bytes yaml = bytes_of(data, size);
    diagnostics_init(&diagnostics, "fuzz.yaml", yaml);
    struct activation_terms terms = {.live = true, .now = {0}};
    struct program program;
    struct activation activation;
    bool sound = activation_build(yaml, &terms, &arena, &diagnostics, &program, &activation);
    CHECK(sound == (diagnostics.error_count == 0));
    diagnostics_print(&diagnostics, nowhere);
    for (unsigned language = EXPLAIN_ENGLISH; sound && language <= EXPLAIN_CHINESE; language++) {
        bool told = explain_program(&program, (enum explain_language)language, nowhere, &fault);
        CHECK(told);
    }
    return 0;
}
