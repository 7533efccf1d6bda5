"""The same answers, and the same errors, as another implementation of CEL (README.md says which, and how far it is followed).

Environment: CEL_EVALUATE (the program of evaluate.c), CEL_FOLDER (where the other implementation is or will be installed),
TB_TEST_SEED, TB_TEST_CONDITIONS.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import generate

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEED = int(os.environ.get("TB_TEST_SEED", "20261124"))
CONDITIONS = int(os.environ.get("TB_TEST_CONDITIONS", "50000"))
SPOILT = CONDITIONS // 10
EVENTS_A_SCOPE = 400
EVENTS_EACH = 2
TOO_MUCH_SHARE = 0.04  # of conditions may be refused for their cost: loops over lines in rules by line, mostly
TIMEOUT_S = 600
# Where cel-python's grammar is not CEL's (README.md): it accepts reserved words as names, anything in has() and as the name
# of a loop's line, and ! and - mixed, ...
LENIENT = re.compile(r"is a reserved word|'(in|null)' stands where|has\(\) asks for one key|needs a name for the line"
                     r"|'[!-]' stands where a value should")
# ... and knows no comma at a list's end.
STRICT = re.compile(r", \]")


def run_over(command, lines):
    """The lines that a program answers to lines."""
    with tempfile.TemporaryFile("w+") as asked:
        asked.writelines(line + "\n" for line in lines)
        asked.seek(0)
        done = subprocess.run(command, stdin=asked, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.splitlines()


def second_opinions(events, requests):
    """cel-python's answers. It is slow: a process for each processor, conditions dealt out in turn."""
    command = [f"{os.environ['CEL_FOLDER']}/bin/python", HERE / "second.py"]
    count = min(os.cpu_count() or 1, 8)
    answers = [None] * len(requests)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for at, said in enumerate(pool.map(lambda at: run_over(command, events + requests[at::count]), range(count))):
            answers[at::count] = said
    return answers


class Conditions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([HERE / "install", os.environ["CEL_FOLDER"]], check=True, timeout=TIMEOUT_S)
        cls.events, cls.of_scope = [], {}
        chance = random.Random(SEED)
        for scope in generate.SCOPES:
            cls.of_scope[scope] = range(len(cls.events), len(cls.events) + EVENTS_A_SCOPE)
            cls.events += [json.dumps({"event": generate.random_event(chance, scope)}) for _ in cls.of_scope[scope]]

    def setUp(self):
        self.random = random.Random(SEED)

    def ask(self, conditions):
        """Our lines, its lines and what both were asked, for [(text, scope)]."""
        requests = [json.dumps({"scope": scope, "text": text, "events": self.random.sample(self.of_scope[scope], EVENTS_EACH)})
                    for text, scope in conditions]
        ours = run_over([os.environ["CEL_EVALUATE"]], self.events + requests)
        theirs = second_opinions(self.events, requests)
        self.assertEqual(len(ours), len(requests))
        return ours, theirs, requests

    def make(self, count, impossible):
        """[(text, scope)]"""
        made = []
        while len(made) < count:
            scope = self.random.choice(list(generate.SCOPES))
            condition = generate.Condition(self.random, scope)
            if condition.impossible == impossible:
                made.append((condition.text, scope))
        return made

    def test_sound_conditions_are_answered_alike(self):
        made = self.make(CONDITIONS * (1 + TOO_MUCH_SHARE), impossible=False)
        ours, theirs, requests = self.ask(made)
        count = collections.Counter()
        for our, their, request in zip(ours, theirs, requests):
            words = our.split(" ")
            if words[0] == "refused":
                self.assertEqual(words[1], "too-much", f"seed {SEED}: {our}\n{request}")
                count["too much"] += 1
                continue
            self.assertEqual(words[2], their, f"seed {SEED}: {request}")
            count.update(their)
            count["answered"] += 1
        self.assertGreaterEqual(count["answered"], CONDITIONS)
        for answer in "TFE":  # none of the three is rare, or little was compared
            self.assertGreater(count[answer], CONDITIONS // 10, count)
        print(f"# seed {SEED}: {dict(count)}")

    def test_impossible_constants_are_refused(self):
        made = self.make(SPOILT // 10, impossible=True)
        ours, _, requests = self.ask(made)
        for our, request in zip(ours, requests):
            self.assertRegex(our, r"^refused (constant|too-much) ", f"seed {SEED}: {request}")

    def test_spoilt_texts_are_not_misread(self):
        """What we accept of texts with a token gone wrong is answered alike; what we call no CEL is none there either."""
        made = [(generate.spoil(self.random, text), scope) for text, scope in self.make(SPOILT, impossible=False)]
        ours, theirs, requests = self.ask(made)
        count = collections.Counter()
        for our, their, request in zip(ours, theirs, requests):
            words = our.split(" ")
            if words[0] == "ok":
                if not (their == "P" and STRICT.search(request)):
                    self.assertEqual(words[2], their, f"seed {SEED}: {request}")
                count["accepted"] += 1
                continue
            count[words[1]] += 1
            if words[1] == "syntax":
                if not LENIENT.search(our):
                    self.assertRegex(their, "^(P|[EX]+)$", f"seed {SEED}: {our}\n{request}")
        for kind in ("accepted", "syntax", "type", "outside", "unknown"):
            self.assertGreater(count[kind], SPOILT // 100, count)
        print(f"# seed {SEED}: {dict(count)}")

class Page(unittest.TestCase):
    """What docs/conditions.md says."""

    @classmethod
    def setUpClass(cls):
        cls.page = (ROOT / "docs/conditions.md").read_text()

    def test_names_and_types_are_those_of_the_table(self):
        words = {"TEXT": "text", "INT": "number", "TIME": "instant"}
        table = (ROOT / "engine/core/condition_field.def").read_text()
        wanted = {f"{variable.lower()}.{name}": words[kind]
                  for variable, name, kind in re.findall(r"^CONDITION_FIELD\(\d+, \w+, (\w+), (\w+), (\w+),", table, re.MULTILINE)}
        wanted |= {f"{variable.lower()}.{name}": "map"
                   for variable, name in re.findall(r"^CONDITION_MAP\(\d+, \w+, (\w+), (\w+),", table, re.MULTILINE)}
        wanted["order.lines"] = "lines"
        told = {}
        for names, kind in re.findall(r"^\| ((?:`\w+\.\w+`(?:, )?)+) \| (\w+) \|", self.page, re.MULTILINE):
            told |= {name: kind for name in re.findall(r"`([^`]+)`", names)}
        self.assertEqual(told, wanted)

    def test_costs_are_what_rules_check_says(self):
        rows = re.findall(r"^\| `(.+)` \| (order|line) \| ([\d,]+)(: refused)? \|", self.page, re.MULTILINE)
        self.assertGreater(len(rows), 5)
        said = run_over([os.environ["CEL_EVALUATE"]],
                        [json.dumps({"scope": scope, "text": text, "events": []}) for text, scope, _, _ in rows])
        for (text, _, cost, refused), line in zip(rows, said):
            steps = cost.replace(",", "")
            self.assertRegex(line, f"^refused too-much 0 this costs up to {steps} steps" if refused else f"^ok {steps} ", text)

    def test_examples_are_sound(self):
        block = re.search(r"```yaml\n(.*?)```", self.page, re.DOTALL)[1].replace(">-\n  ", "").replace("\n  ", " ")
        texts = [line.removeprefix("when: ").strip("'") for line in block.splitlines()]
        said = run_over([os.environ["CEL_EVALUATE"]],
                        [json.dumps({"scope": "activity" if "activity" in text else "line" if "line." in text else "order",
                                     "text": text, "events": []}) for text in texts])
        self.assertGreater(len(said), 5)
        for text, line in zip(texts, said):
            self.assertTrue(line.startswith("ok "), f"{text}: {line}")


if __name__ == "__main__":
    unittest.main()
