"""`tally rules check` and `tally rules explain` as a user sees them, and what is generated from the table of keys.

Each rulebook of tests/golden/rules/ and schemas/rulebooks/ has its expected output beside it in tests/golden/rules/
(NAME.check.txt, NAME.explain.txt); TALLY_GOLDEN=write writes them anew.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["TALLY_ROOT"])
GOLDEN = ROOT / "tests/golden/rules"
SAMPLES = ROOT / "schemas/rulebooks"
WRITE = os.environ.get("TALLY_GOLDEN") == "write"
MARK = "TALLY_GOLDEN=write renews it. -->\n\n"


def tally(*arguments, folder=ROOT):
    done = subprocess.run([os.environ["TALLY"], "rules", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Golden(unittest.TestCase):
    maxDiff = None

    def compare(self, path, text):
        if WRITE:
            path.write_text(text)
        self.assertEqual(text, path.read_text() if path.exists() else "", f"{path.name} is out of date")

    def test_check_says_what_is_wrong(self):
        for path in sorted(GOLDEN.glob("*.yaml")):
            with self.subTest(path.name):
                code, out, messages = tally("check", path.name, folder=GOLDEN)
                self.assertEqual(code, 65 if path.name.startswith("bad-") else 0, messages)
                self.compare(path.with_suffix(".check.txt"), f"{messages}{out}exit {code}\n")

    def test_samples_are_sound_and_explained(self):
        for path in sorted(SAMPLES.glob("*.yaml")):
            with self.subTest(path.name):
                code, out, messages = tally("check", path.name, folder=SAMPLES)
                self.assertEqual((code, messages), (0, ""))
                self.assertIn(" 0 warnings\n", out)
                code, out, messages = tally("explain", path.name, folder=SAMPLES)
                self.assertEqual((code, messages), (0, ""))
                self.compare(GOLDEN / f"{path.stem}.explain.txt", out)

    def test_every_golden_file_belongs_to_a_rulebook(self):
        known = {path.stem for folder in (GOLDEN, SAMPLES) for path in folder.glob("*.yaml")}
        for path in GOLDEN.glob("*.txt"):
            self.assertIn(path.name.split(".")[0], known, f"{path.name} is left over")


class Json(unittest.TestCase):
    def test_check_tells_the_same(self):
        for path in sorted(GOLDEN.glob("*.yaml")):
            with self.subTest(path.name):
                code, out, messages = tally("check", "--json", path.name, folder=GOLDEN)
                document = json.loads(out)
                self.assertEqual(messages, "")
                self.assertEqual(document["ok"], code == 0)
                _, _, text = tally("check", path.name, folder=GOLDEN)
                for item in document["diagnostics"]:
                    place = f":{item['line']}:{item['column']}" if item["line"] else ""
                    self.assertIn(f"{path.name}{place}: {item['severity']}: {item['message']}\n", text)

    def test_explain_gives_lines(self):
        _, out, _ = tally("explain", "--json", "bookshop.yaml", folder=SAMPLES)
        document = json.loads(out)
        self.assertEqual((document["rulebook"], document["version"]), ("bookshop", 1))
        self.assertIn("growth: never expire.", document["lines"])


class Input(unittest.TestCase):
    def test_a_missing_file(self):
        for command in ("check", "explain"):
            code, out, messages = tally(command, "nowhere.yaml")
            self.assertEqual((code, out), (66, ""))
            self.assertIn("cannot read nowhere.yaml: No such file or directory", messages)

    def test_a_folder(self):
        code, _, messages = tally("check", "schemas")
        self.assertEqual(code, 66, messages)

    def test_a_file_that_is_too_large(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "large.yaml"
            path.write_text("# filler\n" * 60000)
            code, _, messages = tally("check", str(path))
            self.assertEqual(code, 65)
            self.assertIn("is larger than 512 KiB", messages)

    def test_no_zones_on_this_machine(self):
        path = SAMPLES / "bookshop.yaml"
        environment = {**os.environ, "TZDIR": "/nonexistent"}
        done = subprocess.run([os.environ["TALLY"], "rules", "check", str(path)], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 65)
        self.assertIn("no time zone database in /nonexistent: No such file or directory (install tzdata, or set TZDIR)", done.stderr)


class Generated(unittest.TestCase):
    maxDiff = None

    def printed(self, what):
        return subprocess.run([os.environ["SCHEMA_PRINT"], what], capture_output=True, text=True, check=True).stdout

    def test_json_schema(self):
        path = ROOT / "schemas/rulebook.schema.json"
        if WRITE:
            path.write_text(self.printed("json"))
        self.assertEqual(self.printed("json"), path.read_text())

    def test_reference(self):
        path = ROOT / "docs/rulebook.md"
        intro, mark, reference = path.read_text().partition(MARK)
        self.assertTrue(mark)
        if WRITE:
            path.write_text(intro + mark + self.printed("reference"))
            reference = self.printed("reference")
        self.assertEqual(self.printed("reference"), reference)

    def test_examples_of_the_reference_compile(self):
        """Every example, put where its key belongs in a small rulebook, is accepted."""
        sections = self.printed("reference").split("#### `")[1:]
        self.assertGreater(len(sections), 40)
        with tempfile.TemporaryDirectory() as folder:
            for section in sections:
                path = section.partition("`")[0]
                example = section.partition("```yaml\n")[2].partition("\n```")[0]
                file = pathlib.Path(folder) / "example.yaml"
                file.write_text("\n".join(f"{key}: {rendered(value)}" for key, value in with_example(path, example).items()))
                with self.subTest(path):
                    code, _, messages = tally("check", str(file))
                    self.assertEqual(code, 0, messages + file.read_text())


def with_example(path, example):
    """A small rulebook as maps, lists and fragments of YAML, with the example in the place of its key."""
    rulebook = {
        "rulebook": "shop", "version": "1", "effective_from": "2026-01-01", "zone": "UTC",
        "currencies": {"points": {}, "growth": {}},
        "earn": [{"rule": "base", "currency": "points", "rate": "1 per 1.00 GBP"}],
        "tiers": [{"group": "status", "metric": {"spend": "GBP"}, "levels": [{"level": "low", "from": "0"}]}],
    }
    *folders, key = path.split(".")
    place = rulebook
    for folder in folders:
        if folder == "levels[]":
            place["levels"].append({"level": "high", "from": "900.00 GBP"})
        place = place["points"] if folder == "NAME" else place.setdefault(folder.removesuffix("[]"), {})
        place = place[-1] if isinstance(place, list) else place
    if path == "tiers[].metric.points":
        place.clear()
    name, _, place[key] = example.partition(": ")
    assert name == key, f"the example of {path} is one of {name}"
    return rulebook


def rendered(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {rendered(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + ", ".join(map(rendered, value)) + " ]"
    return value
