"""The workload generator's command line, and the page that benchmarks write."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GENERATE = os.environ["TALLY_GENERATE"]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))
import results  # noqa: E402


def generate(*options):
    return subprocess.run([GENERATE, *options], cwd=ROOT, capture_output=True)


class Generator(unittest.TestCase):
    SMALL = ("--out", "-", "--events", "2000", "--members", "50", "--partitions", "3")

    def test_same_options_give_the_same_file(self):
        first, again, other = (generate(*self.SMALL, "--seed", seed) for seed in ("5", "5", "6"))
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertTrue(first.stdout.startswith(b"TBpacked"))
        self.assertEqual(first.stdout, again.stdout)
        self.assertNotEqual(first.stdout, other.stdout)

    def test_one_event_a_record_when_asked(self):
        packed, single = generate(*self.SMALL), generate(*self.SMALL, "--record-bytes", "0")
        self.assertEqual(single.returncode, 0, single.stderr)
        # Each further record costs an entry's header of 32 bytes.
        self.assertGreater(len(single.stdout) - len(packed.stdout), 32 * (2000 - 50))

    def test_says_what_is_wrong(self):
        rows = [
            ("no target", (), b"--out FILE or --topic NAME"),
            ("two targets", ("--out", "-", "--topic", "t"), b"--out FILE or --topic NAME"),
            ("no number", ("--out", "-", "--events", "many"), b"'many' is no number"),
            ("beyond a limit", ("--out", "-", "--partitions", "257"), b"from 0 to 256"),
            ("none", ("--out", "-", "--members", "0"), b"at least 1"),
            ("no purchases", ("--out", "-", "--refunds", "60", "--redeems", "40"), b"no room for purchases"),
            ("a short id", ("--out", "-", "--journal-id", "abc"), b"32 digits"),
            ("an unknown time", ("--out", "-", "--time", "never"), b"neither history nor append"),
            ("something more", ("--out", "-", "more"), b"'more' is not expected"),
            ("an unknown option", ("--out", "-", "--nonsense"), b"--help"),
        ]
        for what, options, said in rows:
            done = generate(*options)
            self.assertEqual(done.returncode, 64, what)
            self.assertIn(said, done.stderr, what)
            self.assertEqual(done.stdout, b"", what)

    def test_names_a_rulebook_that_is_not_there(self):
        done = generate(*self.SMALL, "--rulebook", "nowhere.yaml")
        self.assertEqual(done.returncode, 66)
        self.assertIn(b"nowhere.yaml", done.stderr)


class Page(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.page = pathlib.Path(folder.name) / "RESULTS.md"
        for patch in (unittest.mock.patch.object(results, "PAGE", self.page),
                      unittest.mock.patch("builtins.print")):
            patch.start()
            self.addCleanup(patch.stop)

    def write(self, name, value):
        section = results.Section(name, "What it is.")
        section.row("rate", [value, value + 2, value + 1], "events/s", ("≥", 400_000))
        section.write()

    def test_a_section_replaces_itself_alone_and_keeps_its_place(self):
        self.write("fold", 100)
        self.write("core", 200)
        self.write("fold", 300)
        text = self.page.read_text()
        self.assertEqual([line for line in text.splitlines() if line.startswith("## ")], ["## core", "## fold"])
        self.assertIn("| rate | 201 events/s | 200 – 202 | 3 | ≥ 400,000 |", text)
        self.assertIn("| rate | 301 events/s | 300 – 302 | 3 | ≥ 400,000 |", text)
        self.assertNotIn("| rate | 101 ", text)
        self.assertTrue(text.startswith(results.HEAD))

    def test_writing_the_same_again_changes_nothing(self):
        with unittest.mock.patch.object(results.Section, "text", lambda section: f"## {section.name}\n\nSame.\n"):
            self.write("core", 1)
            self.write("fold", 1)
            once = self.page.read_text()
            self.write("core", 1)
            self.assertEqual(self.page.read_text(), once)

    def test_figures_have_three_digits(self):
        for value, said in [(0.123, "0.12"), (9.876, "9.88"), (12.345, "12.3"), (123.4, "123"), (1234567, "1,234,567")]:
            self.assertEqual(results.digits(value), said)


if __name__ == "__main__":
    unittest.main()
