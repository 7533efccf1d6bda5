"""Twenty kills of the daemon on Kafka, and one at every named point that it passes, each start but the first recovering
from the kill before it."""

import unittest

import kills
import test_story_kills
from ledger import LIMIT_SECONDS, LedgerError


class ManyKills(test_story_kills.Kills):
    COUNT = 20
    SECONDS = 5.0


class CrashPoints(test_story_kills.DaemonCase):
    EMBEDDED_ONLY = ("journal.", "outputs.")  # the points of the embedded journal's own commits
    PASSAGES = (1, 3, 20)
    AT_START_ONLY = "claim."  # passed once by each of the three partitions, then never again

    def test_every_point(self):
        chance = kills.seeded(self.id())
        ledger, traffic = self.begin("points", chance)
        sites = [site for site in kills.crash_sites() if not site.startswith(self.EMBEDDED_ONLY)]
        self.assertGreaterEqual(len(sites), 9)
        for site in sites:
            for passage in self.PASSAGES:
                if passage > ledger.partitions and site.startswith(self.AT_START_ONLY):
                    continue
                with ledger.start("run", TB_CRASH_AT=f"{site}:{passage}") as process:
                    ended = process.process.wait(LIMIT_SECONDS)  # traffic goes on, so every point is passed again and again
                if ended != kills.SIGKILLED:
                    raise LedgerError(f"{site}:{passage} ended with {ended}: {process.lines}")
        self.finish(ledger, traffic)


if __name__ == "__main__":
    unittest.main()
