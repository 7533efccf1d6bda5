#include "engine/core/verdict.h"

#include <stddef.h>

static const struct verdict_info table[] = {
#define VERDICT(number, NAME, name, meaning, remedy) {VERDICT_##NAME, #name, meaning, remedy},
#include "engine/core/verdict.def"
#undef VERDICT
};

enum { TABLE_COUNT = sizeof table / sizeof table[0] };

const struct verdict_info *
verdict_find(uint32_t verdict)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if ((uint32_t)table[i].verdict == verdict) return &table[i];
    }
    return NULL;
}

const struct verdict_info *
verdict_table(uint32_t *out_count)
{
    *out_count = TABLE_COUNT;
    return table;
}
