"""Bad input harms nobody: each piece is answered by name, with place, remedy and exit code, and what was there stays.

What needs a broker is in tests/kafka/test_story_bad_input.py.
"""

import csv
import json
import resource
import shutil
import signal
import subprocess
import time
import unittest

import shop
from ledger import RETAIL_RULEBOOK, ROOT, Ledger, StoryCase, await_that, conserved, lines_of

MAP = ROOT / "docs" / "examples" / "online-retail.map.yaml"
HEADER = "invoice,sku,description,quantity,invoiced_at,unit_price,customer,country\n"
GOOD_ROW = "100,mug,A mug,2,2010-12-01T08:26:00,1.50,m1,UK\n"


class BadInput(StoryCase):
    """On a history of one good event, which must be there as it was after everything."""

    def setUp(self):
        super().setUp()
        self.ledger = Ledger(self.scratch / "ledger")
        self.ledger.tally("journal", "create", "--journal-time", "record", "--journal-partitions", "2")
        self.ledger.tally("rules", "activate", self.file("story.yaml", shop.History.RULEBOOK))
        self.day_ms = shop.ms("2026-01-10T03:00Z")
        self.take(shop.order("good", "ann", self.day_ms, shop.line(10000)))
        self.before = self.ledger.digest()

    def take(self, *events, code=0):
        return self.ledger.tally("import", self.file("events.ndjson", lines_of(events)), "--history", code=code)

    def refused(self, arguments, code, *said):
        """The command ends with that code and says all of it; the ledger is untouched."""
        done = self.ledger.tally(*arguments, code=code)
        for part in said:
            self.assertIn(part, done.stderr)
        self.assertEqual(self.ledger.digest(), self.before)

    def test_rulebooks(self):
        good = shop.History.RULEBOOK.replace("version: 1", "version: 2")
        for what, text, said in [
            ("broken YAML", good.replace("zone: Asia/Tokyo", "zone: [Asia/Tokyo"), ["not valid YAML", "hint: "]),
            ("unknown key", good.replace("zone:", "zome:"), [":4:1: error: unknown key 'zome'", "did you mean 'zone'?"]),
            ("too many digits", good.replace("500.00 EUR", "500.001 EUR"), [":17:", "hint: "]),
            ("unknown currency", good.replace("per 1.00 EUR", "per 1.00 XYQ"), [":8:", "XYQ", "hint: "]),
            ("no such zone", good.replace("Asia/Tokyo", "Asia/Tokio"), [":4:7: error: ", "hint: "]),
            ("not text", "\x00\x01", ["error: "]),
            ("empty", "", ["error: "]),
        ]:
            with self.subTest(what):
                path = self.file("bad.yaml", text)
                self.refused(["rules", "activate", path], 65, f"{path}", "was not activated", *said)
        self.refused(["rules", "activate", self.scratch / "missing.yaml"], 66, "missing.yaml", "No such file")
        with self.subTest("another rulebook under a number that is taken"):
            same = self.file("same.yaml", shop.History.RULEBOOK.replace("rate: 1 per", "rate: 3 per"))
            self.refused(["rules", "activate", same], 65, "version 1 of 'story' is activated already", "raise 'version'")
        with self.subTest("the same again"):
            self.refused(["rules", "activate", self.scratch / "story.yaml"], 0)
        with self.subTest("a lower number"):
            self.ledger.tally("rules", "activate", self.file("next.yaml", good))
            self.before = self.ledger.digest()
            self.refused(["rules", "activate", same], 65, "version")

    def test_configurations(self):
        for what, text, said in [
            ("broken YAML", "shards: [1", [":1:", "not valid YAML", "hint: "]),
            ("unknown key", "memmory: 1GiB", [":1:1: error: unknown key 'memmory'", "did you mean 'memory'?"]),
            ("no size", "memory: 12", [":1:9: error: ", "hint: "]),
            ("out of range", "journal: {partitions: 257}", [":1:", "256"]),
            ("another number of partitions", "journal: {partitions: 3}", [":1:", "made with 2, for life; set it to 2"]),
            ("another programme", "programme: other", [":1:", "this is the journal of 'points'"]),
        ]:
            with self.subTest(what):
                path = self.file("tally.yaml", text)
                self.refused(["status", "-c", path], 78, f"{path}:", *said)
        with self.subTest("no such file"):
            self.refused(["status", "-c", self.scratch / "none.yaml"], 66, "none.yaml")

    def test_a_folder_without_a_journal(self):
        empty = Ledger(self.scratch / "nothing")
        for command in (["status"], ["run"], ["import", self.file("e.ndjson", "")], ["tail"], ["export", self.scratch / "x"]):
            with self.subTest(command):
                self.assertIn("tally journal create", empty.tally(*command, code=66).stderr)
        self.assertFalse(empty.folder.exists())

    def test_a_folder_that_somebody_holds(self):
        held = self.ledger.command("import", "-", "--history")
        # An import that waits for its input holds the folder and serves nobody.
        with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as holder:
            try:
                await_that(lambda: str(holder.pid) in (self.ledger.folder / "LOCK").read_text(), "the lock is held")
                for command in (["run"], ["import", self.file("e.ndjson", ""), "--history"], ["status"]):
                    with self.subTest(command):
                        said = self.ledger.tally(*command, code=75).stderr
                        self.assertIn(f"locked by process {holder.pid} since", said)
            finally:
                holder.stdin.close()
                holder.wait()
        with self.ledger.run() as daemon, self.subTest("a second daemon"):
            self.assertIn("locked by process", self.ledger.tally("run", code=75).stderr)
            self.assertEqual(self.ledger.digest(), self.before)
            daemon.stop()
        self.assertEqual(self.ledger.digest(), self.before)

    def test_the_state_of_another_journal(self):
        other = Ledger(self.scratch / "other")
        other.tally("journal", "create", "--journal-time", "record", "--journal-partitions", "2")
        other.tally("rules", "activate", self.scratch / "story.yaml")
        other.tally("import", self.scratch / "events.ndjson", "--history")
        (self.ledger.folder / "state").rename(self.scratch / "mine")
        shutil.copytree(other.folder / "state", self.ledger.folder / "state")
        for command in (["status"], ["run"], ["member", "show", "ann"]):
            with self.subTest(command):
                self.assertIn("belongs to another journal", self.ledger.tally(*command, code=65).stderr)
        with self.subTest("the journal was cut"):
            longer = self.take_into(other, *(shop.order(f"x{n}", f"m{n}", self.day_ms + n, shop.line(100)) for n in range(50)))
            shutil.rmtree(self.ledger.folder / "state")
            shutil.copytree(longer.folder / "state", self.ledger.folder / "state")
            self.ledger.tally("status", code=65)
        shutil.rmtree(self.ledger.folder / "state")
        (self.scratch / "mine").rename(self.ledger.folder / "state")
        self.assertEqual(self.ledger.digest(), self.before)

    def take_into(self, ledger, *events):
        ledger.tally("import", self.file("more.ndjson", lines_of(events)), "--history")
        return ledger

    def test_files_to_import(self):
        for what, text, said in [
            ("cut in a row", HEADER + GOOD_ROW + "101,mug,A mug,2,2010-12-01T08:2", [":3: ", "it was cut", "get it whole"]),
            ("cut in a quote", HEADER + GOOD_ROW + '101,mug,"A mu', [":3"]),
            ("too few fields", HEADER + "101,mug\n" + GOOD_ROW, [":2"]),
            ("no such column", HEADER.replace("customer", "client") + GOOD_ROW, ["customer"]),
            ("empty", "", ["rows.csv"]),
        ]:
            with self.subTest(what):
                path = self.file("rows.csv", text)
                arguments = ["import", path, "--history", "--map", MAP]
                self.ledger.tally(*arguments, code=65)
                done = self.ledger.tally(*arguments, code=65)
                for part in said:
                    self.assertIn(part, done.stderr)
        with self.subTest("missing"):
            self.refused(["import", self.scratch / "none.csv", "--history", "--map", MAP], 66, "none.csv", "No such file")
        with self.subTest("no such map"):
            self.refused(["import", self.file("r.csv", HEADER), "--history", "--map", self.scratch / "none.yaml"], 66, "none.yaml")
        with self.subTest("a history told backwards"):
            events = [shop.order("late", "bob", self.day_ms + 10, shop.line(1)),
                      shop.order("early", "bob", self.day_ms + 5, shop.line(1))]
            self.assertIn("sorted by time", self.take(*events, code=65).stderr)

    def test_what_was_read_before_a_cut_stays_and_the_rest_comes_later(self):
        retail = Ledger(self.scratch / "retail")
        retail.tally("journal", "create", "--journal-time", "record")
        retail.tally("rules", "activate", RETAIL_RULEBOOK)
        rows = [f"{number},mug,A mug,2,2010-12-01T08:26:00,1.50,m{number},UK\n" for number in range(300)]
        retail.tally("import", self.file("cut.csv", HEADER + "".join(rows)[:-5]), "--history", "--map", MAP, code=65)
        told = retail.told("import", self.file("whole.csv", HEADER + "".join(rows)), "--history", "--map", MAP)
        self.assertEqual(told["total"], {"rows": 300, "value": "900.000"})
        self.assertEqual(told["accepted"]["rows"] + told["known"]["rows"], 300)
        self.assertEqual(retail.status()["totals"][0]["active"], 900)

    def test_amounts_in_rows(self):
        rows = [("2", "-5.00", "negative_amount"), ("2", "5.123", "too_many_digits"), ("1e5", "9", "malformed_number"),
                ("2", "9,5", "malformed_number"), ("99999999999", "99999999999999.99", "overflow"), ("-1", "5", "negative_quantity"),
                ("0", "5", "zero_quantity"), ("2", "", "malformed_number"), ("2", "1.50", None)]
        text = HEADER + "".join(f'{200 + n},mug,A mug,{quantity},2026-01-11T08:26:00,"{price}",m1,UK\n'
                                for n, (quantity, price, _) in enumerate(rows))
        listed = self.scratch / "refused.csv"
        told = self.ledger.told("import", self.file("rows.csv", text), "--history", "--map", MAP, "--refused", listed, code=3)
        with open(listed, newline="") as file:
            found = {int(each["line"]): each["reason"] for each in csv.DictReader(file)}
        self.assertEqual(found, {n + 2: reason for n, (_, _, reason) in enumerate(rows) if reason})
        self.assertEqual((told["accepted"]["rows"], told["refused"]["rows"]), (1, len(rows) - 1))
        conserved(self.ledger.status())

    def test_amounts_in_events(self):
        """Each gets its verdict, with the field; who stands beside it in the same file is unaffected."""
        def sold(number, amount, **more):
            return shop.order(number, "bob", self.day_ms, {"amountMinor": amount}, **more)
        bad = {
            "n1": (sold("n1", "-5"), "malformed", "amount_minor: -5 is negative"),
            "n2": (sold("n2", "9223372036854775807"), "malformed", "is absurd; the limit is 10"),
            "n3": (sold("n3", "5", currency="XYQ"), "unknown_currency", "'XYQ' is no ISO 4217 currency"),
            "n4": (shop.order("n4", "bob", self.day_ms, shop.line(5) | {"discountMinor": "6"}), "malformed", "discount"),
            "n5": (shop.redeem("n5", "bob", self.day_ms, -1), "malformed", "points"),
            "n6": (shop.redeem("n6", "bob", self.day_ms, 2**62), "insufficient_points", ""),
        }
        events = [event for event, _, _ in bad.values()]
        done = self.take(shop.order("b1", "bob", self.day_ms, shop.line(1000)), *events,
                         shop.order("b2", "bob", self.day_ms, shop.line(1000)), code=3)
        self.assertIn("malformed", done.stdout)
        outcomes = {each["event"]["id"]: each for each in self.ledger.output("outcomes", "bob")}
        for number, (_, verdict, detail) in bad.items():
            with self.subTest(number):
                self.assertEqual(outcomes[number]["verdictName"], verdict)
                self.assertIn(detail, outcomes[number].get("detail", ""))
        self.assertEqual(self.ledger.told("member", "show", "bob")["wallets"][0]["active"], 20)
        conserved(self.ledger.status())

    def test_lines_that_are_no_events(self):
        good = json.dumps(shop.order("b1", "bob", self.day_ms, shop.line(1000)))
        lines = ["{", "no JSON", '{"source": "shop"}', good.replace('"1000"', "12.345"), good.replace('"1000"', '"1' + "0" * 30 + '"'),
                 good.replace('"lines"', '"liens"'), "[" * 100_000, good.replace("bob", "b" * 200), good.replace("mug", "x"), "\x00", good]
        listed = self.scratch / "refused.csv"
        told = self.ledger.told("import", self.file("lines.ndjson", "\n".join(lines) + "\n"), "--history", "--refused", listed,
                                code=3)
        with open(listed, newline="") as file:
            rows = list(csv.DictReader(file))
        found = [int(each["line"]) for each in rows]
        self.assertEqual({each["group"] for each in rows if each["reason"] == "bad_json"}, {""})
        self.assertEqual([each["detail"] for each in rows if each["line"] == "2"], ["the line is no JSON object or array"])
        self.assertTrue(all(each["detail"] for each in rows), rows)
        self.assertEqual(sorted(found), [1, 2, 3, 4, 5, 6, 7, 8, 10])
        self.assertEqual((told["events"], told["total"]["rows"]), (1, len(lines)))  # line 9 is the good event, told first
        self.assertEqual(self.ledger.told("member", "show", "bob")["wallets"][0]["active"], 10)

    def test_an_event_of_two_mebibytes(self):
        large = shop.order("large", "bob", self.day_ms, shop.line(1000))
        large["purchase"]["lines"][0]["sku"] = "x" * (2 << 20)
        many = shop.order("many", "bob", self.day_ms, *[shop.line(1, "x" * 60)] * 2001)
        listed = self.scratch / "refused.csv"
        told = self.ledger.told("import", self.file("l.ndjson", lines_of([large, many, shop.order(
            "b1", "bob", self.day_ms, shop.line(1000))])), "--history", "--refused", listed, code=3)
        self.assertEqual(told["events"], 1)
        self.assertEqual(told["refused"]["rows"], 2)
        self.assertEqual(self.ledger.told("member", "show", "bob")["wallets"][0]["active"], 10)

    def test_an_event_from_next_year(self):
        live = Ledger(self.scratch / "live")
        live.tally("journal", "create", "--journal-partitions", "2")
        live.tally("rules", "activate", self.file("live.yaml", shop.Live.RULEBOOK), "--retroactive")
        now_ms = int(time.time() * 1000)
        live.tally("import", self.file("l.ndjson", lines_of([
            shop.order("soon", "bob", now_ms + 366 * 86_400_000, shop.line(1000)),
            shop.order("never", "bob", 300_000_000_000_000, shop.line(1000)),
            shop.order("b1", "bob", now_ms, shop.line(1000))])), code=3)
        self.assertEqual(shop.verdicts_of(live.output("outcomes", "bob")),
                         [("soon", "occurred_in_future"), ("never", "malformed"), ("b1", "accepted")])
        self.assertEqual(live.told("member", "show", "bob")["wallets"][0]["active"], 10)


class FullDisk(StoryCase):
    """Files that may grow no further, as on a full disk; nothing that was acknowledged is lost."""

    def test_work_resumes_when_there_is_room(self):
        ledger = Ledger(self.scratch / "ledger")
        ledger.tally("journal", "create", "--journal-time", "record", "--journal-partitions", "2")
        ledger.tally("rules", "activate", self.file("story.yaml", shop.History.RULEBOOK))
        start_ms = shop.ms("2026-01-10T03:00Z")
        events = [shop.order(f"e{n}", f"m{n % 977}", start_ms + 1000 * n, *[shop.line(100 + n, "c" * 60)] * 3) for n in range(20_000)]
        arguments = ["import", self.file("events.ndjson", lines_of(events)), "--history"]
        for limit_kib in (300, 700, 1500, 3000):
            def full(limit_kib=limit_kib):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kib << 10,) * 2)
            with self.subTest(limit_kib=limit_kib):
                done = ledger.tally(*arguments, code=74, preexec=full)
                self.assertRegex(done.stderr, "disk (is )?full")  # journal or store, whichever meets it first
                self.assertIn(str(ledger.folder), done.stderr)
                conserved(ledger.status())  # reads go on
        told = ledger.told(*arguments)
        self.assertEqual(told["accepted"]["rows"] + told["known"]["rows"], len(events))
        status = ledger.status()
        self.assertEqual(sum(each["ordinals"] for each in status["partitions"]), len(events))
        self.assertEqual(ledger.told("replay", "--verify", "--shards", "1")["digest"], status["digest"])
        self.assertEqual(len({each["event"]["id"] for each in ledger.output("outcomes")}), len(events))


if __name__ == "__main__":
    unittest.main()
