"""`tally demo` as a user meets it: the story in figures, and the screen on a terminal of its own."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("TALLY_BUILD", "build/release")
TALLY = BUILD / "tally" / "tally"

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
FRAME = re.compile("\x1b\\[\\?2026h(.*?)\x1b\\[\\?2026l", re.DOTALL)
STYLE = re.compile(r"\x1b\[[0-9;]*m")
MEASURED = ("elapsedMs", "eventsPerSecond")


class Demo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.current = pathlib.Path(folder.name) / "current"
        self.temporary = pathlib.Path(folder.name) / "temporary"
        self.current.mkdir()
        self.temporary.mkdir()
        self.environment = {"PATH": os.environ["PATH"], "TMPDIR": str(self.temporary), "TERM": "xterm-256color",
                            "TZDIR": "/nonexistent"}  # it needs no time zone database either

    def left(self):
        """What the demo has left behind, anywhere it could write."""
        return [*self.temporary.iterdir(), *self.current.iterdir()]

    def tally(self, *arguments, code=0, **environment):
        done = subprocess.run([TALLY, *arguments], cwd=self.current, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, env=self.environment | environment, timeout=60)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done


class Story(Demo):
    def story(self):
        return json.loads(self.tally("demo", "--once", "--json").stdout)

    def test_every_run_tells_the_same(self):
        first, second = self.story(), self.story()
        for name in MEASURED:
            self.assertGreater(first.pop(name), 0)
            self.assertGreater(second.pop(name), 0)
        self.assertEqual(first, second)
        self.assertRegex(first["digest"], "^[0-9a-f]{32}$")
        self.assertEqual(self.left(), [])

    def test_the_figures_agree(self):
        story = self.story()
        for currency, books in story["totals"].items():
            with self.subTest(currency):
                self.assertEqual(books["issued"], books["active"] - books["arrears"] + books["redeemed"]
                                 + books["expired"] + books["reversed"])
        events, levels = story["events"], story["levels"]
        self.assertEqual(sum(events["verdicts"].values()), events["total"])
        self.assertEqual(events["verdicts"]["accepted"],
                         events["orders"] + events["redemptions"] + events["refunds"] + events["cancellations"])
        self.assertEqual(sum(levels["members"].values()), story["members"])
        self.assertEqual(story["totals"]["growth"]["redeemed"] + story["totals"]["growth"]["expired"], 0)
        lines = story["statement"]
        for before, after in zip(lines, lines[1:]):
            self.assertEqual(before["activeAfter"] + after["points"], after["activeAfter"])

    def test_everything_a_programme_does_happens(self):
        story = self.story()
        self.assertGreaterEqual(story["days"], 90)
        points, levels = story["totals"]["points"], story["levels"]
        for figure in (points["redeemed"], points["expired"], points["reversed"], levels["up"], levels["down"],
                       levels["renewed"], *levels["members"].values(), story["events"]["verdicts"]["duplicate"],
                       story["events"]["verdicts"]["insufficient_points"]):
            self.assertGreater(figure, 0)
        self.assertRegex(levels["example"]["event"], r"^e-\d+$")

    def test_without_a_terminal_it_tells_the_story_in_a_dozen_lines(self):
        begun = time.monotonic()
        done = self.tally("demo")
        self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual(done.stderr, "")
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn(self.story()["digest"], done.stdout)
        self.assertLess(len(done.stdout.splitlines()), 24)
        for heading in ("Events", "Points", "Levels", "Statement", "Conserved", "Digest", "Rate"):
            self.assertRegex(done.stdout, rf"(?m)^{heading} ")
        self.assertEqual(self.left(), [])

    def test_a_temporary_folder_that_is_not_there(self):
        done = self.tally("demo", "--once", code=73, TMPDIR="/nonexistent")
        self.assertIn("in '/nonexistent': No such file or directory; set TMPDIR to another place", done.stderr)

    def start(self):
        process = subprocess.Popen([TALLY, "demo", "--once"], cwd=self.current, env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 30
        while not any(self.temporary.glob("*/journal/*")):
            self.assertLess(time.monotonic(), deadline, "no journal was made")
        return process

    def test_stopped_half_way_it_says_so_and_leaves_nothing(self):
        process = self.start()
        process.send_signal(signal.SIGTERM)
        out, messages = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (75, ""), messages)
        self.assertIn("stopped before the story's end", messages)
        self.assertEqual(self.left(), [])

    def test_whoever_does_not_listen_to_the_end_leaves_nothing_behind(self):
        process = self.start()
        process.stdout.close()
        process.wait(timeout=60)
        self.assertEqual(self.left(), [])


class Terminal:
    """A process on a terminal of its own, and what it has shown."""

    def __init__(self, test, columns, rows, *arguments, **environment):
        self.bytes, self.text, self.test = b"", "", test
        self.begun = time.monotonic()
        self.process, self.master = pty.fork()
        if self.process == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.chdir(test.current)
                os.execve(TALLY, [str(TALLY), *arguments], test.environment | environment)
            finally:
                os._exit(127)
        test.addCleanup(self.close)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        """Takes what is there, waiting a little for it; False at the end."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return True
        try:
            part = os.read(self.master, 1 << 16)
        except OSError:  # the other side is closed
            part = b""
        self.bytes += part
        self.text = self.bytes.decode(errors="replace")
        return part != b""

    def frames(self):
        """Each frame as its lines."""
        frames = []
        for frame in FRAME.findall(self.text):
            rows = STYLE.sub("", frame).replace("\x1b[K", "")
            frames.append(re.split(r"\x1b\[\d+;1H", rows)[1:])
        return frames

    def wait(self, condition, what, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            for frame in self.frames()[-5:]:
                if condition(frame):
                    return frame
            self.test.assertLess(time.monotonic(), deadline, f"{what}: {self.frames()[-1:]}")
            self.test.assertTrue(self.read(), f"ended before: {what}: {self.text[-500:]}")

    def end(self):
        while self.read():
            pass
        _, status = os.waitpid(self.process, 0)
        self.process = None
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.master)


def lives(frame):
    """Somebody's order has been read from the outputs."""
    return any(re.search(r"\d\d:\d\d m-\d{4}  order", line) for line in frame)


def figure(frame, name):
    return int(next(re.search(rf"│ {name} +([\d,]+)", line)[1] for line in frame if f"│ {name} " in line).replace(",", ""))


class Screen(Demo):
    def open(self, columns=80, rows=24, **environment):
        return Terminal(self, columns, rows, "demo", **environment)

    def check_end(self, terminal, code=0):
        self.assertEqual(terminal.end(), code, terminal.text[-500:])
        self.assertEqual((terminal.text.count(ENTER), terminal.text.count(LEAVE)), (1, 1))
        self.assertGreater(terminal.text.index(LEAVE), terminal.text.rindex("\x1b[?2026l"))
        self.assertGreater(terminal.text.index(LEAVE), terminal.text.rindex("\x1b[?25l"))
        self.assertEqual(self.left(), [])

    def test_it_lives_within_two_seconds_and_ends_on_control_c(self):
        terminal = self.open()
        before = termios.tcgetattr(terminal.master)
        frame = terminal.wait(lives, "an order")
        self.assertLess(time.monotonic() - terminal.begun, 2)
        self.assertIn("TALLYBOOK", frame[0])
        os.write(terminal.master, b"\x03")
        self.check_end(terminal)
        self.assertEqual(termios.tcgetattr(terminal.master), before)
        self.assertIn("the demo kept nothing", terminal.text.partition(LEAVE)[2])

    def test_q_ends_it_and_days_pass(self):
        terminal = self.open(120, 36)
        date = re.compile(r"\d+ \w{3} \d{4}")
        today = date.search(terminal.wait(lives, "an order")[0])[0]
        terminal.wait(lambda frame: lives(frame) and date.search(frame[0])[0] != today, "another day")
        os.write(terminal.master, b"q")
        self.check_end(terminal)

    def test_points_expire_tiers_move_and_nothing_is_lost(self):
        terminal = self.open(120, 36)
        terminal.wait(lambda frame: lives(frame) and figure(frame, "expired") > 0
                      and any("▲" in line.partition("│")[2] for line in frame), "expired points, and levels that move")
        for frame in filter(lives, terminal.frames()):
            self.assertEqual(figure(frame, "issued"),
                             figure(frame, "active") - figure(frame, "arrears") + figure(frame, "redeemed")
                             + figure(frame, "expired") + figure(frame, "returned"))
            self.assertEqual(sum(figure(frame, level) for level in ("reader", "bookworm", "librarian", "curator")),
                             int(re.search(r"([\d,]+) members", frame[2])[1].replace(",", "")))

    def test_it_fits_every_size_and_follows_a_change(self):
        terminal = self.open()
        for columns, rows in ((80, 24), (120, 36), (100, 30), (220, 60), (76, 16)):
            with self.subTest(size=(columns, rows)):
                terminal.resize(columns, rows)
                frame = terminal.wait(lambda frame: lives(frame) and len(frame) == rows and len(frame[1]) == columns, "a frame")
                self.assertLessEqual(max(map(len, frame)), columns)
                self.assertEqual(frame[1], "─" * frame[1].index("┬") + "┬" + "─" * (columns - frame[1].index("┬") - 1))
                for line in frame[2:rows - 3]:
                    self.assertEqual(line[frame[1].index("┬")], "│", line)
        terminal.resize(40, 10)
        terminal.wait(lambda frame: frame[0] == "Please make the window larger.", "the hint")

    def test_without_colours(self):
        terminal = self.open(NO_COLOR="1")
        terminal.wait(lives, "an order")
        self.assertEqual(set(STYLE.findall(terminal.text)) - {"\x1b[0m"}, set())
        terminal = self.open()
        terminal.wait(lives, "an order")
        self.assertIn("\x1b[36m", terminal.text)

    def test_other_commands_look_inside(self):
        terminal = self.open(columns=200)  # room for the path of any temporary folder
        folder = re.search(r"--data-dir (\S+)", terminal.wait(lives, "an order")[-1])[1]
        status = json.loads(self.tally("status", "--json", "--data-dir", folder).stdout)
        self.assertEqual(status["programme"], "demo")
        self.assertGreater(status["members"], 0)

    def test_a_crash_gives_the_terminal_back(self):
        terminal = self.open()
        before = termios.tcgetattr(terminal.master)
        terminal.wait(lives, "an order")
        self.assertNotEqual(termios.tcgetattr(terminal.master), before)
        os.kill(terminal.process, signal.SIGABRT)
        self.assertEqual(terminal.end(), -signal.SIGABRT)
        self.assertEqual(terminal.text.count(LEAVE), 1)
        self.assertEqual(termios.tcgetattr(terminal.master), before)

    def test_a_dumb_terminal_gets_the_story(self):
        terminal = self.open(TERM="dumb")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("\x1b", terminal.text)
        self.assertIn("Conserved", terminal.text)


if __name__ == "__main__":
    unittest.main()
