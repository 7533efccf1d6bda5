#!/usr/bin/python3
"""Wakes mistakes of the core one by one and sees whether the tests notice.

    run_mutants.py some BUILD    40 drawn ones (TB_TEST_SEED=n for the same again): at least 75 % must die
    run_mutants.py all BUILD     all of them: at least 90 % must die

A mutant is dead when a test fails, crashes or hangs, or when a digest of the random journals differs from that without
a mistake. Survivors are printed, and written to BUILD/tests/mutants/survivors-some.tsv or survivors-all.tsv.
"""

import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys

import worlds

SAMPLE, WORLDS = 40, 120
# Of 40 out of a lot of which nine in ten die, 30 or fewer die once in a hundred draws.
LEAST = {"some": 75, "all": 90}
FOLD_SECONDS, TESTS_SECONDS = 60, 120


def build(folder):
    done = subprocess.run(["ninja", "-C", folder, "tests/mutants/mutants"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("Bail out! the mutants do not build\n" + "\n".join("# " + x for x in done.stdout.splitlines()[-40:]))


def fold(program, number, journals):
    """The digests of all journals; None when that ended badly."""
    try:
        done = subprocess.run([program, "fold", *journals], env={**os.environ, "TB_MUTANT": str(number)}, capture_output=True,
                              timeout=FOLD_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def tests_pass(program, number):
    try:
        done = subprocess.run([program, "-j1", "--fail-fast", "--quiet"], env={**os.environ, "TB_MUTANT": str(number)},
                              capture_output=True, timeout=TESTS_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(program, number, journals, good):
    return fold(program, number, journals) == good and tests_pass(program, number)


def main(which, build_folder):
    folder = pathlib.Path(build_folder).resolve()
    build(folder)
    program = folder / "tests" / "mutants" / "mutants"
    listed = [line.split("\t") for line in (folder / "tests/mutants/mutants.tsv").read_text().splitlines()]
    print("1..2")
    os.environ["TALLY_BUILD"] = str(folder)
    journals = worlds.main(folder / "tests" / "mutants" / "worlds", WORLDS)
    print(f"# {len(journals)} journals", flush=True)
    good = fold(program, 0, journals)
    sound = good is not None and tests_pass(program, 0)
    print("ok 1 - without a mistake everything passes" if sound else "not ok 1 - fails without any mistake", flush=True)
    if which == "some":
        seed = int(os.environ.get("TB_TEST_SEED", random.randrange(1 << 32)))
        print(f"# seed {seed} (TB_TEST_SEED)", flush=True)
        listed = random.Random(seed).sample(listed, SAMPLE)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        alive = list(pool.map(lambda mutant: survives(program, mutant[0], journals, good), listed))
    survivors = [mutant for mutant, lives in zip(listed, alive) if lives]
    for number, place, kind, original, mistaken in survivors:
        print(f"# survives: {number} {place} {kind}: {original} -> {mistaken or 'nothing'}")
    (folder / f"tests/mutants/survivors-{which}.tsv").write_text("".join("\t".join(m) + "\n" for m in survivors))
    dead = len(listed) - len(survivors)
    score = f"{dead} of {len(listed)} die, {100 * dead / len(listed):.1f} %"
    enough = sound and 100 * dead >= LEAST[which] * len(listed)
    print(f"{'ok' if enough else 'not ok'} 2 - {score}")
    return 0 if enough else 1


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in LEAST:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
