/* Verdicts as an enum, and their texts. The table is verdict.def; semantics §3 gives the order in
 * which they win. */
#ifndef TALLYBOOK_ENGINE_CORE_VERDICT_H
#define TALLYBOOK_ENGINE_CORE_VERDICT_H

#include <stdint.h>

/* Persisted codes: one byte on disk. */
enum verdict {
#define VERDICT(number, NAME, name, meaning, remedy) VERDICT_##NAME = number,
#include "engine/core/verdict.def"
#undef VERDICT
};

struct verdict_info {
    enum verdict verdict;
    const char *name;    /* as published in outcomes */
    const char *meaning; /* one sentence for people */
    const char *remedy;  /* what to do about it */
};

/* The row of the table for `verdict`; NULL for a number that this version does not know. Any
 * thread. */
const struct verdict_info *verdict_find(uint32_t verdict);

/* All rows in order of number, for help texts. */
const struct verdict_info *verdict_table(uint32_t *out_count);

#endif
