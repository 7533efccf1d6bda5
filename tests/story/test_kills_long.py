"""More kills than the test command has time for, and one at every named point, also while recovering from one."""

import unittest

import kills
import retail
from ledger import Ledger, LedgerError, StoryCase
from test_kills import Kills as _Kills


class ManyKills(_Kills):
    COUNT = 20


class CrashPoints(_Kills):
    """Each named point: at its first passage, at later ones, and again at once when the next start comes to it."""

    COUNT = 0
    PASSAGES = (1, 2, 7, 40)
    OPTIONS = ("--checkpoint-records", "2000")

    def die(self, ledger, site, passage, must):
        process = ledger.start(*retail.arguments(self.orders), TB_CRASH_AT=f"{site}:{passage}")
        with process:
            ended = process.process.wait(120)
        if ended not in ((kills.SIGKILLED,) if must else (kills.SIGKILLED, 0)):
            raise LedgerError(f"{site}:{passage} ended with {ended}: {process.lines}")
        return ended == kills.SIGKILLED

    def test_killed_at_random_moments(self):
        self.assertGreaterEqual(len(kills.crash_sites()), 13)

    def test_every_point(self):
        for site in kills.crash_sites():
            for passage in self.PASSAGES:
                with self.subTest(site=site, passage=passage):
                    ledger = retail.create(self.scratch / f"{site}-{passage}", *self.OPTIONS)
                    died = self.die(ledger, site, passage, must=passage == 1)
                    if died:  # and in the middle of recovering from that
                        self.die(ledger, site, 1, must=False)
                    told = ledger.told(*retail.arguments(self.orders))
                    retail.check_account(self, told)
                    self.assertEqual(told["digest"], self.digest)
                    if passage in (1, self.PASSAGES[-1]):
                        kills.assert_same(self, ledger, self.enterFolder())

    def enterFolder(self):
        import tempfile
        return self.enterContext(tempfile.TemporaryDirectory(dir=self.scratch))


if __name__ == "__main__":
    unittest.main()
