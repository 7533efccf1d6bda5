/* The thin path: genesis, activation, purchase, outcome, posting; and the worked examples of
 * semantics §11 that it covers. */
#include <criterion/criterion.h>

#include "tests/unit/fold_rig.h"

Test(fold_spine, an_order_becomes_points)
{
    struct rig rig;
    struct program program = rig_program();
    rig_open(&rig);
    rig_start(&rig, &program);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", 5000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), 50);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_POSTINGS), 1);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_OUTCOMES), 1);
    const struct posting *posting = &rig_effect(&rig, TOPIC_POSTINGS, 0)->posting;
    cr_assert_eq(posting->kind, POSTING_GRANT);
    cr_assert_eq(posting->amount.units, 50);
    cr_assert_eq(posting->active_after.units, 50);
    cr_assert(bytes_equal(posting->member, BYTES_LITERAL("ann")));
    cr_assert(bytes_equal(posting->order_id, BYTES_LITERAL("O1")));
    cr_assert(bytes_equal(posting->rule, BYTES_LITERAL("base")));
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_restart(&rig);
    rig_verify(&rig);
    cr_assert_eq(rig_active(&rig, "ann"), 50);
    rig_close(&rig);
}
