"""The import of the real orders, killed again and again, ends as if it had never been."""

import unittest

import kills
import retail
from ledger import StoryCase


class ImportCase(StoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders = retail.retail_csv(cls.shared)
        whole = retail.create(cls.shared / "whole")
        told = whole.told(*retail.arguments(cls.orders), code=retail.REFUSED_SOME)
        cls.digest, cls.seconds = told["digest"], told["elapsedMs"] / 1000

    def go_on_until_complete(self, ledger):
        told = ledger.told(*retail.arguments(self.orders), code=retail.REFUSED_SOME)
        retail.check_account(self, told)
        self.assertEqual(told["digest"], self.digest)
        kills.assert_same(self, ledger, self.scratch)


class Kills(ImportCase):
    COUNT = 10

    def test_killed_at_random_moments(self):
        chance = kills.seeded(self.id())
        ledger = retail.create(self.scratch / "killed", "--checkpoint-records", "5000")
        killed = 0
        while killed < self.COUNT:
            process = ledger.start(*retail.arguments(self.orders))
            killed += kills.kill_after(process, chance.uniform(0.0, 1.5 * self.seconds))
        self.go_on_until_complete(ledger)


if __name__ == "__main__":
    unittest.main()
