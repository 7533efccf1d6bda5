#!/usr/bin/python3
"""Wakes mistakes of the core one by one and sees whether the tests notice.

    run_mutants.py some BUILD    40 drawn from those that are not in survivors.tsv (TB_TEST_SEED=n for the same again);
                                 it lists also what only the long run's journals find
    run_mutants.py all BUILD     all of them; prints those that survive, as lines for survivors.tsv

Of either at least 90 % must die. A mutant is dead when a test fails, crashes or hangs, or when a digest of the random
journals differs from that without a mistake. What killed which is written to BUILD/tests/mutants/deaths-some.tsv or
deaths-all.tsv.
"""

import collections
import concurrent.futures
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import worlds

SAMPLE, LEAST = 40, 90
# Most of what journals find the first find.
FIRST_WORLDS, WORLDS = 48, {"some": 48, "all": 400}
SURVIVORS = pathlib.Path(__file__).resolve().with_name("survivors.tsv")
# The tests that take most of the time find little; those that are left out nothing that others do not find.
SLOW_TESTS = ["calendar", "compile_whole", "program_whole", "quantity"]
LEFT_OUT = ["fold_random", "law_spending_events::a_spend_may_draw_on_very_many_lots"]
# What takes that many times as long as without a mistake hangs, on a machine that does something else as well.
HANGS, HANGS_SECONDS = 6, 8

Mutant = collections.namedtuple("Mutant", "number file line function kind original mistaken nth")


def key(mutant):
    return (mutant.file, mutant.function, mutant.kind, mutant.original, mutant.mistaken, mutant.nth)


def build(folder):
    done = subprocess.run(["ninja", "-C", folder, "tests/mutants/mutants"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("Bail out! the mutants do not build\n" + "\n".join("# " + x for x in done.stdout.splitlines()[-40:]))


class Killers:
    """What may kill a mutant: the random journals, then the tests, each with the time it may take."""

    def __init__(self, program, journals):
        self.program = program
        first, more = journals[:FIRST_WORLDS], journals[FIRST_WORLDS:]
        self.commands = [["fold", *first], SLOW_TESTS + LEFT_OUT, LEFT_OUT, *([["fold", *more]] if more else [])]
        self.limits = [None] * len(self.commands)
        self.good = []

    def run(self, number, command):
        """Whether it ended well, what it printed, and on which test it failed."""
        world = {**os.environ, "TB_MUTANT": str(number)}
        world.pop("TB_TEST_SEED", None)
        # In a session of its own: the tests have processes, of which one may hang.
        done = subprocess.Popen([self.program, *self.commands[command]], env=world, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            printed, _ = done.communicate(timeout=self.limits[command])
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, signal.SIGKILL)
            done.communicate()
            return False, b"", "hangs"
        failed = [line for line in printed.decode(errors="replace").splitlines() if line.startswith("not ok - ")]
        return done.returncode == 0, printed, failed[0][9:] if failed else "crashes"

    def measure(self):
        """None, or what goes wrong without any mistake."""
        for command in range(len(self.commands)):
            begun = time.monotonic()
            well, printed, failed = self.run(0, command)
            if not well:
                return failed
            self.limits[command] = HANGS_SECONDS + HANGS * (time.monotonic() - begun)
            self.good.append(printed)
        return None

    def death(self, number):
        """What killed it; None when nothing did."""
        for command in range(len(self.commands)):
            well, printed, failed = self.run(number, command)
            folds = self.commands[command][0] == "fold"
            where = "tests" if not folds else "journals" if command == 0 else "more journals"
            if not well:
                return f"{where}: {failed}"
            if folds and printed != self.good[command]:
                return f"{where}: other digests"
        return None


def read_survivors():
    """Judgement by key."""
    judged = {}
    for line in SURVIVORS.read_text().splitlines():
        if line and not line.startswith("#"):
            *names, judgement, _why = line.split("\t")
            judged[tuple(names)] = judgement
    return judged


def report_all(alive, judged):
    for mutant in alive:
        state = judged.pop(key(mutant), "not judged")
        print(f"# survives: {mutant.number} {mutant.file}:{mutant.line} {state}")
        print("#   " + "\t".join(key(mutant)))
    for names in judged:
        print("# listed as a survivor, but dead or gone: " + " ".join(names))


def main(which, build_folder):
    folder = pathlib.Path(build_folder).resolve()
    build(folder)
    mutants = [Mutant(*line.split("\t")) for line in (folder / "tests/mutants/mutants.tsv").read_text().splitlines()]
    judged = read_survivors()
    print("1..2")
    os.environ["TALLY_BUILD"] = str(folder)
    journals = worlds.main(folder / "tests" / "mutants" / "worlds", WORLDS[which])
    killers = Killers(folder / "tests" / "mutants" / "mutants", journals)
    failed = killers.measure()
    print(f"{'ok' if failed is None else 'not ok'} 1 - without a mistake everything passes: {failed or 'yes'}", flush=True)
    if failed is not None:
        print("not ok 2 - nothing else was tried")
        return 1
    if which == "some":
        seed = int(os.environ.get("TB_TEST_SEED", random.randrange(1 << 32)))
        print(f"# seed {seed} (TB_TEST_SEED)", flush=True)
        mutants = random.Random(seed).sample([each for each in mutants if key(each) not in judged], SAMPLE)
    jobs = int(os.environ.get("TB_MUTANT_JOBS", "1" if which == "some" else "2"))
    deaths = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, \
            open(folder / f"tests/mutants/deaths-{which}.tsv", "w", buffering=1) as written:
        for mutant, death in zip(mutants, pool.map(lambda mutant: killers.death(mutant.number), mutants)):
            deaths.append(death)
            print(*mutant, death or "survives", sep="\t", file=written)
    alive = [mutant for mutant, death in zip(mutants, deaths) if death is None]
    if which == "all":
        report_all(alive, judged)
    else:
        for mutant in alive:
            print(f"# survives: {mutant.number} {mutant.file}:{mutant.line} {' '.join(key(mutant))}")
    dead = len(mutants) - len(alive)
    enough = 100 * dead >= LEAST * len(mutants)
    print(f"{'ok' if enough else 'not ok'} 2 - {dead} of {len(mutants)} die, {100 * dead / len(mutants):.1f} %")
    return 0 if enough else 1


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("some", "all"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
