#!/usr/bin/python3
"""Counts which lines of the core ran in a build folder with counters, and fails when too few did.

    core_lines.py BUILD         a line per file: lines, lines that ran, per cent, and the numbers of those that did not
    core_lines.py BUILD reset   forgets what ran so far

A line in a header counts as run when it ran in one of the files that include it. Nothing is left out of the count, also no
line that only a damaged store or a broken assertion reaches.
"""

import collections
import json
import pathlib
import subprocess
import sys

FOLDER, LEAST = "engine/core", 95
SHOWN = 24  # numbers of lines, or ranges of them


def objects(build):
    return sorted((build / FOLDER).glob("*.p/*.gcno"))


def ran(build):
    """How often each line ran, by file."""
    counts = collections.defaultdict(dict)
    for notes in objects(build):
        said = subprocess.run(["gcov", "--json-format", "--stdout", notes.relative_to(build)], cwd=build, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for told in said.stdout.decode().splitlines():
            for file in json.loads(told)["files"]:
                name = file["file"].removeprefix("../../")
                if not name.startswith(FOLDER + "/"):
                    continue
                lines = counts[name]
                for line in file["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, 0) + line["count"]
    return counts


def ranges(numbers):
    """Neighbours as one: 3, 7-9."""
    found = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(low) if low == high else f"{low}-{high}" for low, high in found]


def main(build, reset=None):
    build = pathlib.Path(build).resolve()
    if not objects(build):
        sys.exit(f"{build} has no counters: ./tallybook build coverage")
    if reset == "reset":
        for data in build.rglob("*.gcda"):
            data.unlink()
        return 0
    total = reached = 0
    for name, lines in sorted(ran(build).items()):
        missing = sorted(number for number, count in lines.items() if count == 0)
        total += len(lines)
        reached += len(lines) - len(missing)
        shown = ranges(missing)
        more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
        print(f"{name:36} {len(lines):5} {len(lines) - len(missing):5} {100 * (1 - len(missing) / len(lines)):6.1f} %  "
              + " ".join(shown[:SHOWN]) + more)
    share = 100 * reached / total
    print(f"{FOLDER}: {reached} of {total} lines ran, {share:.2f} %; at least {LEAST} % must")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["reset"]):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
