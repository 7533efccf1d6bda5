"""Under the thread sanitizer a test with a race fails, although all that it asserts is true."""

import os
import subprocess
import unittest


class Race(unittest.TestCase):
    def test_it_fails_the_test_it_is_in(self):
        done = subprocess.run([os.environ["RACE"]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertIn("not ok - plain::races\n", done.stdout)
        self.assertIn("WARNING: ThreadSanitizer: data race", done.stderr)
        self.assertEqual(done.returncode, 1)
