#include <criterion/criterion.h>

#include "tests/unit/shop_rig.h"

static struct shop shop;

static void
open_shop(void)
{
    shop_open(&shop);
    law_at(&shop.law, "2026-03-11T10:00:00Z");
}

static void
close_shop(void)
{
    shop_close(&shop);
}

TestSuite(law_returns, .init = open_shop, .fini = close_shop);

/* Example 2: the rule of the time counts. */
Test(law_returns, example_2_claw_back_after_a_rule_change)
{
    shop_rule(&shop, "base", 1, 100);
    shop_start(&shop);
    cr_assert_eq(shop_buy(&shop, "ann", "O1", "a 50.00"), VERDICT_ACCEPTED);
    shop.rules[0].rate = (struct rate){1, 50};
    shop_start(&shop);
    cr_assert_eq(shop_refund(&shop, "ann", "O1", "R1", "50.00"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&shop.law), 50);
    cr_assert_eq(shop_active(&shop, "ann"), 0);
}
