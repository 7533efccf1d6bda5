#include "engine/core/parts.h"

bool
parts_round(struct arena *scratch, enum rounding rounding, struct earn_grant *grant)
{
    if (grant->part_count == 0) {
        grant->exact = fraction_from_i64(0);
        return true;
    }
    grant->exact = grant->parts[0].exact;
    for (uint32_t i = 1; i < grant->part_count; i++) {
        if (!fraction_add(grant->exact, grant->parts[i].exact, &grant->exact)) return false;
    }
    if (!fraction_round(grant->exact, rounding, &grant->requested)) return false;
    if (grant->requested == 0) return true; /* a campaign may take away all there is to share */
    if (grant->part_count == 1) {
        grant->parts[0].requested = grant->parts[0].points = grant->requested;
        return true;
    }
    struct fraction *weights = eligible_list(scratch, grant->part_count, sizeof *weights);
    int64_t *shares = eligible_list(scratch, grant->part_count, sizeof *shares);
    for (uint32_t i = 0; i < grant->part_count; i++)
        weights[i] = grant->parts[i].exact;
    if (!share_by_fractions(grant->requested, weights, grant->part_count, shares)) return false;
    for (uint32_t i = 0; i < grant->part_count; i++)
        grant->parts[i].requested = grant->parts[i].points = shares[i];
    return true;
}
