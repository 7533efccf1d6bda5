"""More kills than the test command has time for, and one at every named point, also while recovering from one."""

import tempfile
import unittest

import kills
import retail
import test_kills
from ledger import LIMIT_SECONDS, LedgerError


class ManyKills(test_kills.Kills):
    COUNT = 20


class CrashPoints(test_kills.ImportCase):
    """Each named point: at its first passage, at later ones, and again at once when the next start comes to it."""

    PASSAGES = (1, 2, 7, 40)
    OPTIONS = ("--checkpoint-records", "2000")

    def die(self, ledger, site, passage, must):
        process = ledger.start(*retail.arguments(self.orders), TB_CRASH_AT=f"{site}:{passage}")
        with process:
            ended = process.process.wait(LIMIT_SECONDS)
        if ended not in ((kills.SIGKILLED,) if must else (kills.SIGKILLED, retail.REFUSED_SOME)):
            raise LedgerError(f"{site}:{passage} ended with {ended}: {process.lines}")
        return ended == kills.SIGKILLED

    def test_every_point(self):
        sites = kills.crash_sites()
        self.assertGreaterEqual(len(sites), 13)
        for site in sites:
            for passage in self.PASSAGES:
                with self.subTest(site=site, passage=passage):
                    ledger = retail.create(self.scratch / f"{site}-{passage}", *self.OPTIONS)
                    died = self.die(ledger, site, passage, must=passage == 1)
                    if died:  # and in the middle of recovering from that
                        self.die(ledger, site, 1, must=False)
                    told = ledger.told(*retail.arguments(self.orders), code=retail.REFUSED_SOME)
                    retail.check_account(self, told)
                    self.assertEqual(told["digest"], self.digest)
                    if passage in (1, self.PASSAGES[-1]):
                        kills.assert_same(self, ledger, self.enterContext(tempfile.TemporaryDirectory(dir=self.scratch)))


if __name__ == "__main__":
    unittest.main()
