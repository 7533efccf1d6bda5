"""A ledger as a user drives it: the command, the daemon, and what both say. For every story.

Promises:
 1. Every process dies with the test that started it, whatever happens to the test (the kernel's parent-death signal).
 2. Every wait ends when what was waited for is there, or in an error that says what was missing.
"""

import collections
import json
import os
import pathlib
import queue
import signal
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("TALLY_BUILD", "build/release")
TALLY = BUILD / "tally" / "tally"
GENERATE = BUILD / "bench" / "tally-bench-generate"
RETAIL_RULEBOOK = ROOT / "schemas" / "rulebooks" / "general-retailer.yaml"
TOPICS = ("postings", "outcomes", "tiers", "notices")

LIMIT_SECONDS = 120  # for one command; all of them end within a few seconds on a quiet machine
POLL_SECONDS = 0.02  # between two questions to a process that cannot tell us by itself

_TIED = ["setpriv", "--pdeathsig", "KILL"]


class LedgerError(AssertionError):
    """The product did something else than the story says."""


def _environment(more):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "TZ": "America/New_York", **more}  # a zone that no programme here uses: nothing may depend on it


class Ledger:
    """A data folder, and the command with the options that lead to it."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.options = [str(each) for each in options]

    def command(self, *arguments):
        return [str(TALLY), *map(str, arguments), "--data-dir", str(self.folder), *self.options]

    def tally(self, *arguments, code=0, text=None, seconds=LIMIT_SECONDS, preexec=None, **environment):
        """Runs a command to its end; what it must end with is part of the call (None: any)."""
        done = subprocess.run([*_TIED, *self.command(*arguments)], input=text or "", capture_output=True, text=True,
                              timeout=seconds, env=_environment(environment), preexec_fn=preexec)
        if code is not None and done.returncode != code:
            raise LedgerError(f"tally {' '.join(map(str, arguments))}: ended with {done.returncode}, not {code}\n"
                              f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done

    def told(self, *arguments, **how):
        """What a command prints with --json."""
        return json.loads(self.tally(*arguments, "--json", **how).stdout)

    def start(self, *arguments, **environment):
        """A command that runs beside the test."""
        return Process(self.command(*arguments), _environment(environment))

    def run(self, *flags, **environment):
        """The daemon; returned once it says that it runs."""
        process = self.start("run", *flags, **environment)
        try:
            process.await_line("running programme")
        except BaseException:
            process.kill()
            raise
        return process

    # ---- what stands in it ----

    def status(self):
        return self.told("status")

    def digest(self):
        return self.status()["digest"]

    def output(self, topic, member=None):
        """Everything that was published on a topic, oldest first within each partition."""
        only = ["--member", member] if member else []
        lines = self.tally("tail", "--topic", topic, "--last", "0", *only).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def await_folded(self, seconds=LIMIT_SECONDS):
        """Waits until a running daemon has folded and published everything its journal holds; returns its status."""
        def folded():
            status = self.status()
            still = [each for each in status["partitions"]
                     if each["phase"] != "folding" or each["nextOffset"] < each["journalEnd"] or each["inFlight"]]
            return None if still else status
        return await_that(folded, f"everything folded in {self.folder}", seconds)


def await_that(found, what, seconds=LIMIT_SECONDS):
    """Asks until found() gives something; an error that says what was waited for when it does not within the limit."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        got = found()
        if got:
            return got
        pause.wait(POLL_SECONDS)
    raise LedgerError(f"not within {seconds} s: {what}")


class Process:
    """A process beside the test. Its lines on standard error are kept; leaving the `with` kills it."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen([*_TIED, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        self.lines = []
        self._fresh = queue.Queue()
        self._out = []
        self._readers = [threading.Thread(target=self._read_error, daemon=True),
                         threading.Thread(target=lambda: self._out.append(self.process.stdout.read()), daemon=True)]
        for reader in self._readers:
            reader.start()

    def _read_error(self):
        for line in self.process.stderr:
            self._fresh.put(line.rstrip("\n"))
        self._fresh.put(None)

    def await_line(self, part, seconds=LIMIT_SECONDS):
        """Reads on to the first line that contains `part`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._fresh.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise LedgerError(f"'{part}' was not said within {seconds} s: {self.lines[-20:]}") from None
            if line is None:
                self._fresh.put(None)
                raise LedgerError(f"'{part}' was never said; it ended with {self.process.wait()}: {self.lines[-20:]}")
            self.lines.append(line)
            if part in line:
                return line

    def end(self, code=0, seconds=LIMIT_SECONDS):
        """Waits for its end; returns what it printed."""
        try:
            ended = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LedgerError(f"did not end within {seconds} s: {self._all_lines()[-20:]}") from None
        lines = self._all_lines()
        if ended != code:
            raise LedgerError(f"ended with {ended}, not {code}: {lines[-20:]}")
        return self._out[0] if self._out else ""

    def _all_lines(self):
        for reader in self._readers:
            reader.join()
        while True:
            line = self._fresh.get()
            if line is None:
                self._fresh.put(None)
                return self.lines
            self.lines.append(line)

    def stop(self, code=0):
        """Asks it to end in good order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.end(code)

    def kill(self):
        """kill -9; harmless when it has ended. Returns how it ended."""
        self.process.kill()
        ended = self.process.wait()
        for reader in self._readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class StoryCase(unittest.TestCase):
    """A test with a folder of its own; long differences are shown."""

    maxDiff = None
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tally-story-")))

    def setUp(self):
        self.scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tally-story-")))

    def file(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        return path


def lines_of(events):
    return "".join(json.dumps(event) + "\n" for event in events)


def by_member(outputs):
    """{member or guest: its messages in order}"""
    found = collections.defaultdict(list)
    for each in outputs:
        found[each.get("member") or "guest " + each.get("guest", "")].append(each)
    return dict(found)


def conserved(status):
    """Semantics §3, for every currency of a status: nothing was made or lost."""
    for each in status["totals"]:
        right = (each["pending"] + each["active"] + each["held"] + each["lapsing"] - each["arrears"] + each["clearing"]
                 + each["redeemed"] + each["expired"] + each["reversed"] + each["forfeited"] + each["adjusted"])
        if each["issued"] != right:
            raise LedgerError(f"{each['currency']}: issued {each['issued']}, elsewhere {right}: {each}")


def retail_csv(folder):
    """The real orders, unpacked into `folder`; skips the test where there are none."""
    shared = pathlib.Path(os.environ.get("TALLY_SHARED", ROOT.parent / "shared"))
    packed = shared / "data" / "online-retail.csv.xz"
    if not packed.exists():
        raise unittest.SkipTest(f"no real orders: {packed} is missing; TALLY_SHARED names another place")
    path = pathlib.Path(folder) / "online-retail.csv"
    with open(path, "wb") as out:
        subprocess.run(["xz", "-dc", str(packed)], stdout=out, check=True)
    return path
