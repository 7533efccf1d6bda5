"""kill -9, at random moments and at named points, and the question after it: is everything as if nothing had happened?

Random moments come from one seed, which is said; TALLY_SEED=N plays the same moments again.
"""

import os
import pathlib
import random
import re
import subprocess
import sys

import retail
from ledger import ROOT, TOPICS, Ledger, by_member, conserved

SIGKILLED = -9


def seeded(what):
    """The chance of one test; its seed is said, so that a failure can be played again."""
    seed = int(os.environ.get("TALLY_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"# {what}: TALLY_SEED={seed}", file=sys.stderr, flush=True)
    return random.Random(seed)


def crash_sites():
    """Every named point of the sources, so that a new one is tested without being listed here."""
    found = set()
    for folder in ("engine", "consumers", "snapshots", "tally"):
        for path in (ROOT / folder).rglob("*.c"):
            text = path.read_text()
            found.update(re.findall(r'CRASH_POINT\("([a-z_.]+)"\)', text))
            found.update(re.findall(r'crash_(?:before|after)_commit = "([a-z_.]+)"', text))
    return sorted(found)


def kill_after(process, seconds):
    """Kills at that moment; False when the process had ended by then, in good order."""
    try:
        ended = process.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return process.kill() == SIGKILLED
    if ended not in (0, retail.REFUSED_SOME):
        process.end()
    process.kill()
    return False


def uninterrupted(ledger, folder, *options):
    """A ledger that folded the same journal in one go, and published it."""
    copy = pathlib.Path(folder) / "journal.tbj"
    ledger.tally("export", copy)
    fresh = Ledger(pathlib.Path(folder) / "uninterrupted", *options)
    fresh.tally("import", copy)
    copy.unlink()
    return fresh


def assert_same(case, ledger, folder):
    """The ledger and every output equal an uninterrupted fold of the same journal; a full recomputation agrees."""
    status = ledger.status()
    conserved(status)
    case.assertEqual(ledger.told("replay", "--verify", "--shards", "1")["digest"], status["digest"])
    fresh = uninterrupted(ledger, folder)
    other = fresh.status()
    case.assertEqual(status["digest"], other["digest"])
    case.assertEqual(status["totals"], other["totals"])
    for mine, its in zip(status["partitions"], other["partitions"], strict=True):
        for name in ("outputs", "chain", "digest", "ordinals"):
            case.assertEqual(mine[name], its[name], f"partition {mine['partition']}: {name}")
    for topic in TOPICS:
        mine, its = by_member(ledger.output(topic)), by_member(fresh.output(topic))
        case.assertEqual(mine.keys(), its.keys(), topic)
        for who, messages in mine.items():
            case.assertEqual(messages, its[who], f"{topic} of {who}")
    return status
