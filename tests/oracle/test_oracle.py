"""The ledger against the oracle: the same rulebooks and the same journals, and everything that both say compared.

    TB_TEST_SEED=N      draws other worlds; the seed is part of every failure
    TB_ORACLE_EVENTS=N  how many events in all
    TB_ORACLE_WITHOUT=… draws without these kinds of events and keys of the rulebook ("hold,missions,earn.when")
    TB_TEST_KEEP=DIR    makes the first world that differs small and leaves it there
    TB_ORACLE_WORLD=DIR judges what was left there, and nothing else
"""

import multiprocessing
import os
import random
import signal
import traceback
import unittest

from coverage import Coverage
from judge import judge, judge_kept, keep
from programmes import THEMES
from rig import ROOT, home_of
from world import Shape, World

SEED = int(os.environ.get("TB_TEST_SEED", "20261124"))
EVENTS = int(os.environ.get("TB_ORACLE_EVENTS", "200000"))
KEPT = os.environ.get("TB_ORACLE_WORLD")
REFUSED_AT_MOST = 2  # drawn rulebooks that make no sense, which activation refuses, of one world
# By name: its part of the events, and how its worlds differ.
WORLDS = {
    "ordinary": (0.72, {}),
    "plain": (0.08, {"plain": True, "members": 3, "events": 300}),
    "burst": (0.08, {"events": 600, "burst": 0.006}),
    "huge": (0.04, {"events": 200, "huge": 0.5}),
    "sent": (0.08, {"partitions": 3, "members": 12, "misplaced": 0.1, "events": 600}),
}


def draw_world(name, number, again=0):
    shape = {"theme": THEMES[number % len(THEMES)], **WORLDS.get(name, (0, {}))[1]}
    path = ROOT / "schemas" / "rulebooks" / f"{name}.yaml"
    if path.exists():
        shape["rulebook"] = path.read_text()
    shape = Shape(**shape)
    return World(random.Random(f"{SEED}/{name}/{number}" + "'" * again), shape, home_of(shape.partitions))


def one_world(place):
    """(events, what was reached, the first difference or None) of a world; runs in a process of its own."""
    where, reached, world = "/".join(map(str, place)), Coverage(), None
    try:
        for again in range(REFUSED_AT_MOST + 1):
            world = draw_world(*place, again).draw()
            try:
                found, said, ledgers = judge(world.texts, world.entries, world.ledgers, seed=where)
                break
            except RuntimeError as error:
                if "was not activated" not in str(error) or again == REFUSED_AT_MOST:
                    raise
        reached.explanations(said["postings"])
        for ledger in ledgers:
            reached.ledger(ledger)
        for node in world.nodes:
            reached.book(node)
    except Exception:  # told as a difference, with its world
        found = traceback.format_exc(limit=-6)
    events = sum("event" in entry for entries in world.entries for entry in entries) if world else 0
    return events, reached, found and f"{found}\nTB_TEST_SEED={SEED}, world {where}"


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"# TB_TEST_SEED={SEED} TB_ORACLE_EVENTS={EVENTS}", flush=True)
        cls.pool = multiprocessing.Pool(initializer=signal.signal, initargs=(signal.SIGTERM, signal.SIG_DFL))
        cls.reached, cls.events, cls.worlds_judged = Coverage(), 0, 0

    @classmethod
    def tearDownClass(cls):
        cls.pool.terminate()
        print(f"# {cls.worlds_judged} worlds judged", flush=True)

    def worlds(self, *places):
        if KEPT:
            self.skipTest("one world was asked for")
        differences = []
        for place, (events, reached, found) in zip(places, self.pool.imap(one_world, places)):
            Oracle.events += events
            self.reached.update(reached)
            Oracle.worlds_judged += 1
            if found:
                differences.append((place, found))
        if differences:
            self.differ(differences, len(places))

    def differ(self, differences, count):
        place, found = differences[0]
        folder = os.environ.get("TB_TEST_KEEP")
        if folder:
            world = draw_world(*place).draw()
            found = f"{keep(folder, world.texts, world.entries)}\nmade small in {folder}; at first: {found}"
        self.fail(f"{len(differences)} of {count} worlds differ; the first:\n{found}")

    def drawn(self, name):
        part, shape = WORLDS[name]
        count = max(len(THEMES), round(part * EVENTS / Shape(**shape).events))
        self.worlds(*((name, number) for number in range(count)))

    def test_worlds(self):
        self.drawn("ordinary")

    def test_worlds_of_figures_at_the_limits(self):
        self.drawn("huge")

    def test_worlds_of_one_currency_that_is_spent_expired_and_returned(self):
        self.drawn("plain")

    def test_worlds_with_more_due_at_an_instant_than_an_event_works_off(self):
        self.drawn("burst")

    def test_worlds_of_several_partitions_and_what_they_send_on(self):
        self.drawn("sent")

    def test_worlds_of_the_rulebooks_that_come_with_it(self):
        self.worlds(*((path.stem, 0) for path in sorted((ROOT / "schemas" / "rulebooks").glob("*.yaml"))))

    def test_world_that_was_kept(self):
        if not KEPT:
            self.skipTest("TB_ORACLE_WORLD names none")
        self.assertIsNone(judge_kept(KEPT))

    def test_zero_things_are_never_reached(self):
        """Runs last: unittest goes by the alphabet."""
        if KEPT or not self.events:
            self.skipTest("not all worlds were drawn")
        print(f"# {self.events} events reached {self.reached.report()}", flush=True)
        missing = self.reached.missing()
        self.assertEqual(missing, [], f"never reached in {self.events} events, TB_TEST_SEED={SEED}")


if __name__ == "__main__":
    unittest.main()
