"""`tally rules check` and `tally rules explain` as a user sees them, and what is generated from the table of keys.

Each rulebook of tests/golden/rules/ and schemas/rulebooks/ has its expected output beside it in tests/golden/rules/
(NAME.check.txt, NAME.explain.txt, NAME.explain.zh.txt); TALLY_GOLDEN=write writes them anew.
"""

import json
import os
import pathlib
import re
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
                code, out, messages = tally("explain", path.name, "--language", "zh", folder=SAMPLES)
                self.assertEqual((code, messages), (0, ""))
                self.compare(GOLDEN / f"{path.stem}.explain.zh.txt", out)

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
                    if "Values: a map: the event's fields" in section:  # and the codec reads it
                        for said in re.findall("error: example '.*?': (.*)", tally("test", str(file))[1]):
                            self.assertTrue(said.startswith("the answer is "), said)


# What a map needs beside the key whose example is tried.
NEEDED = {
    "earn[]": {"rule": "tried", "currency": "points", "rate": "1 per 1.00 GBP"},
    "earn[].bands": {"steps": "[ { up_to: 5.00 GBP, rate: 1 per 1.00 GBP }, { rate: 2 per 1.00 GBP } ]"},
    "campaigns[]": {"campaign": "tried", "currency": "points", "factor": "2"},
    "awards[]": {"award": "tried", "on": "sign-up", "currency": "points", "points": "1"},
    "streaks[]": {"streak": "tried", "currency": "points", "points": "[1]"},
    "missions[]": {"mission": "tried", "goal": "count", "of": "purchase", "target": "1", "badge": "tried"},
    "caps[]": {"cap": "tried", "currency": "points", "max": "1000", "per": "day"},
    "tiers[]": {"group": "tried", "metric": "{ spend: GBP }", "levels": "[ { level: low, from: 0 } ]"},
    "tiers[].levels[]": {"level": "high", "from": "900.00 GBP"},
    "spending.limits[]": {"currency": "points", "minimum": "1"},
    "spending.payments[]": {"currency": "points", "rate": "1 GBP per 1"},
    "spending.rewards[]": {"reward": "tried", "prices": "[ { currency: points, points: 1 } ]"},
    "spending.rewards[].prices[]": {"currency": "points", "points": "1"},
    "limits[]": {"limit": "tried", "of": "purchase", "max": "1", "window": "1 h"},
    "approvals.adjustments[]": {"currency": "points", "above": "1"},
    "examples[]": {"example": "tried", "given": "[]", "expect": "[]"},
    "examples[].given[]": {"member": "ann"},
    "examples[].expect[].expires[]": {"points": "1"},
}

# What else a key asks for, or does not go with (None).
BESIDE = {
    "earn[].bands": {"rate": None},
    "earn[].bands.mode": {},
    "earn[].flat": {"rate": None},
    "earn[].money": {"rate": None, "flat": "1"},
    "earn[].pending.within": {"on": "delivered"},
    "currencies.NAME.expiry.counts": {"inactivity": "1 months"},
    "currencies.NAME.expiry.inactivity": {"counts": "[purchase]"},
    "awards[].activity": {"on": "activity"},
    "awards[].balance": {"on": "balance"},
    "awards[].per": {"times": "1"},
    "missions[].activity": {"of": "activity"},
    "missions[].basis": {"goal": "sum", "target": "1.00 GBP"},
    "missions[].every": {"goal": "consecutive"},
    "missions[].currency": {"points": "1"},
    "missions[].points": {"currency": "points"},
    "tiers[].metrics": {"metric": None, "levels": "[ { level: low, from: 0 } ]"},
    "tiers[].match": {"metric": None, "metrics": "{ a: { spend: GBP }, b: { missions: any } }"},
    "tiers[].metric.basis": {"spend": "GBP"},
    "spending.limits[].level": {"group": "status"},
    "spending.limits[].group": {"level": "gold"},
    "spending.rewards[].prices[].level": {"group": "status"},
    "spending.rewards[].prices[].group": {"level": "gold"},
    "spending.rewards[].per": {"times": "1"},
    "limits[].activity": {"of": "activity"},
    "limits[].after_redeem": {"of": "refund"},
    "limits[].currency": {"measure": "points"},
    "limits[].money": {"measure": "money", "max": "1.00 GBP"},
    "limits[].measure": {"currency": "points"},
    "limits[].times_own_mean": {"max": None, "window": None},
}


def sound_rulebook():
    """Has the names that the examples use."""
    return {
        "rulebook": "shop", "version": "1", "effective_from": "2026-01-01", "zone": "UTC",
        "funders": {"acme": {}},
        "currencies": {"points": {}, "growth": {}},
        "earn": [{"rule": "base", "currency": "points", "rate": "1 per 1.00 GBP", "priority": "5"}],
        "awards": [{"award": "welcome", "on": "sign-up", "currency": "points", "points": "1"}],
        "tiers": [{"group": "status", "metric": {"spend": "GBP"},
                   "levels": [{"level": "low", "from": "0"}, {"level": "gold", "from": "500.00 GBP"}]}],
    }


def with_example(path, example):
    """A small rulebook as maps, lists and fragments of YAML, with the example in the place of its key."""
    rulebook = sound_rulebook()
    *folders, key = path.split(".")
    place, walked = rulebook, ""
    for folder in folders:
        walked = f"{walked}.{folder}".lstrip(".")
        name, is_list = folder.removesuffix("[]"), folder.endswith("[]")
        needed = dict(NEEDED.get(walked, {}))
        if folder == "NAME":
            place = place.setdefault("points" if walked.startswith("currencies") else "acme", {})
        elif is_list and walked == "tiers[].levels[]":
            place["levels"] = [{"level": "low", "from": "0"}, needed]
            place = needed
        elif is_list:
            entries = place.setdefault(name, [])
            entries = place[name] = entries if isinstance(entries, list) else []
            if walked == "earn[].bands.steps[]":
                entries.extend([{"rate": "1 per 1.00 GBP"}, {"rate": "2 per 1.00 GBP"}])
                entries[0]["up_to"] = "5.00 GBP"
                place = entries[0] if key == "up_to" else entries[1]
            else:
                entries.append(needed)
                place = needed
        else:
            place[name] = needed
            if walked == "earn[].bands":
                entry = rulebook["earn"][-1]
                entry.pop("rate")
            if walked == "tiers[].metric" and key != "basis":
                needed.clear()
            place = needed
    for other, value in BESIDE.get(path, {}).items():
        if value is None:
            place.pop(other, None)
        else:
            place[other] = value
    name, _, place[key] = example.partition(": ")
    assert name == key, f"the example of {path} is one of {name}"
    if path == "earn" or path == "awards":
        del rulebook[path]
        rulebook[path] = example.partition(": ")[2]
    return rulebook


def rendered(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {rendered(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + ", ".join(map(rendered, value)) + " ]"
    return value
