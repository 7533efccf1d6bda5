"""The stand-in for Criterion fails what Criterion would fail: its answers on one test of each kind."""

import os
import subprocess
import unittest

ANSWERS = {
    "passes": "ok",
    "goes_on_after_a_failed_expectation": "not ok",
    "stops_at_a_failed_assertion": "not ok",
    "crashes": "not ok",
    "ends_by_the_expected_signal": "ok",
    "misses_the_expected_signal": "not ok",
    "ends_with_the_expected_status": "ok",
    "is_skipped": "skip",
    "is_disabled": "skip",
    "is_prepared": "ok",
    "is_prepared_by_its_suite": "ok",
}


class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.done = subprocess.run([os.environ["SPECIMEN"]], stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def test_every_kind_is_answered(self):
        answers = {}
        for line in self.done.stdout.splitlines():
            answer, dash, name = line.replace("plain_suite::", "plain::").partition(" - plain::")
            if dash:
                answers[name.removesuffix(" # SKIP")] = "skip" if name.endswith(" # SKIP") else answer
        self.assertEqual(answers, ANSWERS)
        self.assertIn(f"1..{len(ANSWERS)}\n", self.done.stdout)
        self.assertEqual(self.done.returncode, 1)

    def test_what_failed_is_told_with_place_and_row(self):
        self.assertRegex(self.done.stdout, r"specimen\.c:\d+: \(1\) == \(2\) row 7\n")
        self.assertIn("first", self.done.stdout)
        self.assertNotIn("second", self.done.stdout)
        self.assertEqual(self.done.stdout.count("# prepared"), 2)
