#!/usr/bin/python3
"""Writes random journals over random rulebooks, as the oracle draws them, into packed journal files.

    worlds.py OUT_FOLDER COUNT [SEED]     TALLY_BUILD names the build folder whose `tally` writes the activations

They reach every kind of event and every key of the rulebook. Worlds are kept for the `tally` that wrote their activations:
another one draws them anew.
"""

import hashlib
import multiprocessing
import os
import pathlib
import random
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))

# One world in six is of figures at the limits, one in six makes more due at an instant than an event works off.
SHAPES = [{}, {}, {}, {}, {"events": 200, "huge": 0.5}, {"burst": 0.006}]


def draw(place):
    """None, or why there is no such world."""
    from programmes import THEMES
    from rig import Rig, home_of
    from world import Shape, World

    path, number, seed = place
    shape = Shape(**{"theme": THEMES[number % len(THEMES)], **SHAPES[number % len(SHAPES)]})
    chance = random.Random(f"{seed}/mutants/{number}")
    try:
        world = World(chance, shape, home_of(1)).draw()
    except Exception as problem:  # the oracle's own mistakes are its tests' affair
        return f"world {number}: {problem!r}"
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = pathlib.Path(folder) / "world"
        Rig(folder).write(written, world.texts, world.entries, chance)
        os.replace(written, path)
    return None


def build_hash():
    return hashlib.sha256((pathlib.Path(os.environ["TALLY_BUILD"]) / "tally" / "tally").read_bytes()).hexdigest()


def main(folder, count, seed="1"):
    """The paths of the journals."""
    folder, writer = pathlib.Path(folder), build_hash()
    kept = folder / "tally.hash"
    if not kept.exists() or kept.read_text() != writer:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kept.write_text(writer)
    wanted = [(folder / f"{seed}-{number:03}.journal", number, seed) for number in range(int(count))]
    with multiprocessing.Pool(2) as pool:
        for problem in pool.imap_unordered(draw, [each for each in wanted if not each[0].exists()]):
            if problem:
                print(f"# {problem}", file=sys.stderr)
    return [path for path, _, _ in wanted if path.exists()]


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
