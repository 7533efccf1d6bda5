"""The count in the last line of a test run never says more than what ran."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

_loader = importlib.machinery.SourceFileLoader("run", str(ROOT / "tests" / "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", _loader))
_loader.exec_module(run)

PROGRAMS = [
    # what, meson's result, standard output, (passed, failed, skipped)
    ("a program without TAP that ends well", "OK", "hello", (1, 0, 0)),
    ("a program without TAP that ends badly", "FAIL", "", (0, 1, 0)),
    ("a program that says skip by its exit status", "SKIP", "", (0, 0, 1)),
    ("a program that ran out of time", "TIMEOUT", "", (0, 1, 0)),
    ("TAP of ours", "OK", "1..3\nok - A.a\nok - A.b # SKIP no data\nok - A.c\n", (2, 0, 1)),
    ("TAP of Criterion", "OK", "TAP version 13\n1..2\n# Criterion v2.4.1\nok - a::one says # hello (0.00s)\n"
     "ok - a::two  # SKIP test was skipped\n", (1, 0, 1)),
    ("a failure and its detail", "ERROR", "1..2\nnot ok - a\n  ---\n  failures:\n  - ok\n  ...\nok - b\n", (1, 1, 0)),
    ("a failure is not hidden by a word", "ERROR", "1..1\nnot ok - a # SKIP me\n", (0, 1, 0)),
    ("it stopped in the middle", "ERROR", "1..4\nok - a\n", (1, 3, 0)),
    ("it planned nothing", "OK", "1..0\n", (0, 0, 0)),
    ("all answered, then it crashed", "ERROR", "1..1\nok - a\n", (1, 1, 0)),
    ("all answered, then it hung", "TIMEOUT", "1..1\nok - a\n", (1, 1, 0)),
    ("numbered lines", "OK", "1..2\nok 1 - a\nok 2\n", (2, 0, 0)),
    ("words that only look like it", "OK", "1..1\nokay\nnot okay\nok - a\n", (1, 0, 0)),
]


class Count(unittest.TestCase):
    def test_programs(self):
        for what, result, stdout, wanted in PROGRAMS:
            with self.subTest(what):
                self.assertEqual(tuple(run.count_program({"result": result, "stdout": stdout})), wanted)

    def test_a_failure_is_reported_with_its_details_and_without_its_neighbours(self):
        report = run.failure_report({"name": "slab", "result": "ERROR", "stderr": "boom\n", "stdout":
                                     "1..3\nok - a\nnot ok - b\n  why b\nok - c\n"})
        self.assertEqual(report, "-- slab: ERROR --\nnot ok - b\n  why b\nboom")
        report = run.failure_report({"name": "old", "result": "FAIL", "stdout": "plain words\n"})
        self.assertEqual(report, "-- old: FAIL --\nplain words")

    def test_closing_line(self):
        self.assertEqual(run.closing_line(run.Count(12, 0, 0)), "12 passed, 0 failed")
        self.assertEqual(run.closing_line(run.Count(12, 1, 3)), "12 passed, 1 failed, 3 skipped")


class FrontDoor(unittest.TestCase):
    @staticmethod
    def call(*arguments):
        return subprocess.run([ROOT / "tallybook", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def test_help_lists_every_command(self):
        done = self.call("help")
        self.assertEqual(done.returncode, 0)
        for command in ("demo", "test", "test-long", "bench", "build"):
            self.assertIn(f"./tallybook {command}", done.stdout)

    def test_wrong_words_are_usage_errors_that_say_what_would_be_right(self):
        for arguments, text in [(("tset",), "./tallybook test "), (("build", "fast"), "release"), (("bench", "none"), "bench")]:
            with self.subTest(arguments):
                done = self.call(*arguments)
                self.assertEqual(done.returncode, 64)
                self.assertIn(text, done.stderr)

    def test_every_build_folder_is_one_that_tests_run_in(self):
        named = {variant for plan in run.PLANS.values() for variant, _ in plan}
        offered = self.call("build", "fast").stderr.rpartition(":")[2]
        self.assertEqual({word.strip() for word in offered.split(",")}, named)
