"""What the benchmarks share: data made once, figures taken again and again, and the page that says what came out.

A benchmark is a script of this folder. It takes its figures with repeat(), which interleaves what is compared, and
hands rows to Section.write(), which replaces its section of RESULTS.md and leaves the others alone.
"""

import collections
import datetime
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "release"
DATA = ROOT / "build" / "bench-data"
PAGE = ROOT / "bench" / "RESULTS.md"
REPEATS = 5
ORDER = ["core", "journal", "fold", "import", "latency"]
HEAD = """# Results

Written by the benchmarks of this folder; each section says how to make it again. `bench/README.md` says what the figures
mean and what they do not.
"""

# One line that a measuring program prints.
Figure = collections.namedtuple("Figure", "name events bytes ns")


def fail(text, code=70):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(code)


def run(*command, **options):
    """Runs a program to its end; its output as text. Ends the benchmark, with what it said, when it fails."""
    done = subprocess.run([str(each) for each in command], stdout=subprocess.PIPE, text=True, cwd=ROOT, **options)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}", done.returncode)
    return done.stdout


def figures(*command):
    """Runs a measuring program; its figures by name."""
    lines = (line.split("\t") for line in run(*command).splitlines())
    return {name: Figure(name, int(events), int(size), int(ns)) for name, events, size, ns in lines}


def verdicts(taken):
    """How many events got which verdict, in words."""
    return ", ".join(f"{figure.events:,} {name.removeprefix('verdict ')}" for name, figure in taken.items()
                     if name.startswith("verdict "))


def generated(name, *options):
    """A packed journal file of made-up traffic, made when it is not there or was made with other options."""
    DATA.mkdir(parents=True, exist_ok=True)
    path, stamp = DATA / f"{name}.tbj", DATA / f"{name}.options"
    generator = PROGRAMS / "bench" / "tally-bench-generate"
    made_with = f"{' '.join(options)}\n{generator.stat().st_mtime_ns}\n"
    if not (path.exists() and stamp.exists() and stamp.read_text() == made_with):
        run(generator, "--out", path, *options)
        stamp.write_text(made_with)
    return path


def fresh_folder(name):
    """The path of a folder that is not there."""
    DATA.mkdir(parents=True, exist_ok=True)
    path = DATA / name
    shutil.rmtree(path, ignore_errors=True)
    return path


def repeat(take, times=REPEATS):
    """Calls take() so often; what it returns is a dict of measurements, of which every one is compared with the others
    of the same round. The lists of values, by name."""
    values = collections.defaultdict(list)
    for turn in range(times):
        print(f"bench: round {turn + 1} of {times}", file=sys.stderr)
        for name, value in take().items():
            values[name].append(value)
    return values


def digits(value):
    """Three figures that mean something, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 10 else f"{value:.2f}"


class Section:
    """One benchmark's part of RESULTS.md."""

    def __init__(self, name, says):
        self.name, self.says = name, says
        self.rows, self.facts = [], []

    def fact(self, name, value):
        """Sizes, settings: what one must know to judge the figures."""
        self.facts.append((name, value))

    def row(self, what, values, unit, target=None):
        """target: ("≥", 400000), said beside the median and not judged here."""
        said = "" if target is None else f"{target[0]} {digits(target[1])}"
        self.rows.append(f"| {what} | {digits(statistics.median(values))} {unit} "
                         f"| {digits(min(values))} – {digits(max(values))} | {len(values)} | {said} |")

    def text(self):
        command = f"./tallybook bench {self.name}"
        facts = [("command", f"`{command}`"), ("commit", commit()),
                 ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
                 ("machine", machine()), *self.facts]
        return "\n".join([
            f"## {self.name}", "", self.says, "",
            "| measure | median | least – most | runs | target |", "|---|---|---|---|---|", *self.rows, "",
            *(f"- {name}: {value}" for name, value in facts), ""])

    def write(self):
        page = PAGE.read_text() if PAGE.exists() else HEAD
        sections = {found[1]: found[0] for found in re.finditer(r"^## (\S+)\n.*?(?=^## |\Z)", page, re.M | re.S)}
        sections[self.name] = self.text()
        known = [name for name in ORDER if name in sections]
        unknown = sorted(set(sections) - set(ORDER))
        PAGE.write_text(HEAD + "".join("\n" + sections[name].rstrip("\n") + "\n" for name in known + unknown))
        print(self.text())


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/RESULTS.md")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" and changes" if changed else "")


def machine():
    model = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory_kb = int(re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)[1])
    return (f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
            f"{memory_kb / (1 << 20):.0f} GiB, Linux {platform.release()}; load {os.getloadavg()[0]:.1f} at the end")
