"""The command as a user meets it: exit codes, what is said, and where. Nothing here needs a journal."""

import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("TALLY_BUILD", "build/release")
TALLY = BUILD / "tally" / "tally"


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def tally(self, *arguments, code=0, **environment):
        """Runs the command in an empty folder; what it must end with is part of the call."""
        done = subprocess.run([TALLY, *arguments], cwd=self.folder, text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], **environment}, timeout=30)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def file(self, name, text):
        (self.folder / name).write_text(text)
        return name


class Front(Command):
    def test_without_arguments_it_lists_the_commands_and_ends_with_64(self):
        done = self.tally(code=64)
        self.assertEqual(done.stdout, "")
        self.assertIn("tally config print", done.stderr)

    def test_help_is_no_error(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            with self.subTest(arguments):
                done = self.tally(*arguments)
                self.assertEqual(done.stderr, "")
                self.assertIn("tally version", done.stdout)

    def test_every_command_explains_itself_with_an_example(self):
        names = re.findall(r"^  tally (\S.*?)  ", self.tally("--help").stdout, re.MULTILINE)
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            with self.subTest(name):
                text = self.tally(*name.split(), "--help").stdout
                self.assertEqual(text, self.tally("help", *name.split()).stdout)
                self.assertTrue(text.startswith(f"tally {name}: "))
                self.assertIn(f"\nExample\n  tally {name}", text)

    def test_the_first_of_two_words_lists_the_second(self):
        for group, word in (("rules", "check"), ("member", "explain"), ("config", "print")):
            with self.subTest(group):
                done = self.tally(group, "--help")
                self.assertEqual(done.stderr, "")
                self.assertRegex(done.stdout, rf"\n  tally {group} {word} +\S")
                self.assertEqual(len(re.findall(r"^  tally (\w+) ", done.stdout, re.MULTILINE)),
                                 len(re.findall(rf"^  tally {group} ", done.stdout, re.MULTILINE)))
                for arguments in ([group, "-h"], ["help", group]):
                    self.assertEqual(self.tally(*arguments).stdout, done.stdout)
        listed = json.loads(self.tally("rules", "--help", "--json").stdout)
        self.assertIn("rules diff", [each["name"] for each in listed])
        self.assertIn("'tally rules' needs one more word: check", self.tally("rules", code=64).stderr)

    def test_mistakes_in_names_are_answered_with_a_suggestion(self):
        for arguments, said in [
            (["vresion"], "there is no command 'vresion'; did you mean 'tally version'?"),
            (["config"], "'tally config' needs one more word: print"),
            (["config", "--origin"], "'tally config' needs one more word: print"),
            (["config", "prnt"], "there is no command 'config prnt'; did you mean 'tally config print'?"),
            (["dance"], "there is no command 'dance'; possible here: "),
            (["version", "--jsno"], "there is no flag --jsno; did you mean --json?"),
            (["version", "--memory", "1GiB"], "'tally version' takes no --memory; see 'tally version --help'"),
            (["version", "now"], "'now' is one argument too many for 'tally version'; see 'tally version --help'"),
            (["help", "dance"], "there is no help on 'dance'; see 'tally help'"),
        ]:
            with self.subTest(arguments):
                done = self.tally(*arguments, code=64)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr.startswith(f"tally: {said}"), done.stderr)

    def test_version(self):
        self.assertRegex(self.tally("version").stdout, r"^tally \d+\.\d+\.\d+ \(journal format 1, points law 1\)\n$")
        self.assertEqual(self.tally("--version").stdout, self.tally("version").stdout)
        told = json.loads(self.tally("version", "--json").stdout)
        self.assertEqual(sorted(told), ["journal_format", "law", "version"])

    def test_control_characters_of_arguments_are_not_repeated(self):
        self.assertNotIn("\x1b", self.tally("\x1b[2J", code=64).stderr)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([TALLY, "help", "options"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 74)
        self.assertIn("writing to standard output failed", done.stderr)

    def test_a_wrong_crash_point_is_refused(self):
        self.assertIn("TB_CRASH_AT", self.tally("version", code=64, TB_CRASH_AT="nonsense").stderr)


class Topics(Command):
    def test_exit_codes_are_those_of_sysexits(self):
        listed = re.findall(r"^ *(\d+)  \S", self.tally("help", "exit-codes").stdout, re.MULTILINE)
        self.assertEqual([int(each) for each in listed], [0, 3, 64, 65, 66, 69, 70, 73, 74, 75, 77, 78])

    def test_every_verdict_is_explained(self):
        text = self.tally("help", "verdicts").stdout
        defined = re.findall(r"^VERDICT\((\d+), \w+, (\w+),", (ROOT / "engine/core/verdict.def").read_text(), re.MULTILINE)
        self.assertGreater(len(defined), 20)
        for number, name in defined:
            self.assertIn(f"\n{name} ({number})\n", text)

    def test_every_key_of_a_rulebook_is_explained(self):
        told = self.tally("help", "rulebook").stdout
        reference = (ROOT / "docs/rulebook.md").read_text().partition("## Keys\n")[2].partition("-->\n\n")[2]
        self.assertGreater(len(reference), 10000)
        self.assertTrue(told.endswith(reference))
        self.assertEqual(self.tally("help", "rulebook", "--json").stdout, (ROOT / "schemas/rulebook.schema.json").read_text())

    def test_every_option_of_the_table_is_in_help_and_manual(self):
        options, manual = self.tally("help", "options").stdout, self.tally("help", "man").stdout
        paths = re.findall(r'^OPTION\(\w+, "([\w.]+)"', (ROOT / "tally/options.def").read_text(), re.MULTILINE)
        self.assertGreater(len(paths), 20)
        for path in paths:
            variable, flag = "TALLY_" + path.replace(".", "_").upper(), "--" + path.replace(".", "-").replace("_", "-")
            self.assertRegex(options, rf"\n  {re.escape(path)}    {flag} \S+    {variable}\n")
            self.assertRegex(manual, rf"\n\.It Ic {re.escape(path)} , Fl {flag[1:]} Ar \S+ , Ev {variable}\n")

    def test_all_of_it_is_there_for_programs(self):
        told = {topic: json.loads(self.tally("help", *topic.split(), "--json").stdout)
                for topic in ("", "config print", "exit-codes", "verdicts", "options")}
        self.assertIn({"name": "version", "summary": "print the version"}, told[""])
        self.assertEqual(told["config print"]["flags"][0]["name"], "config")
        self.assertEqual(told["exit-codes"][2]["code"], 64)
        self.assertEqual(told["verdicts"][0]["name"], "accepted")
        memory = next(each for each in told["options"] if each["path"] == "memory")
        self.assertEqual((memory["flag"], memory["variable"], memory["default"], memory["least"]),
                         ("--memory", "TALLY_MEMORY", "1GiB", 8 << 20))
        self.assertEqual(json.loads(self.tally("version", "--help", "--json").stdout)["name"], "version")

    def test_errors_are_there_for_programs(self):
        self.file("tally.yaml", "shards: many\n")
        for arguments, code, error in [
            (["dance", "--json"], 64, "usage"),
            (["version", "--json", "--nope"], 64, "usage"),
            (["config", "print", "--json", "-c", "nowhere"], 66, "no input"),
            (["config", "print", "--json"], 78, "configuration"),
        ]:
            with self.subTest(arguments):
                told = json.loads(self.tally(*arguments, code=code).stderr)
                self.assertEqual((told["exit"], told["error"]), (code, error))
                self.assertEqual("tally.yaml:1:9: error" in told.get("details", ""), code == 78)

    def test_the_manual_is_clean_roff(self):
        page = self.tally("help", "man").stdout
        done = subprocess.run(["groff", "-mdoc", "-Tascii", "-ww", "-z"], input=page, text=True, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(page.isascii())
        self.assertEqual((BUILD / "tally" / "tally.1").read_text(), page)


    def test_the_page_on_verdicts_is_the_table(self):
        rows = [f"| {each['number']} | `{each['name']}` | {each['meaning']} | {each['remedy']} |"
                for each in json.loads(self.tally("help", "verdicts", "--json").stdout)]
        page = (ROOT / "docs/verdicts.md").read_text()
        self.assertIn("\n|---|---|---|---|\n" + "\n".join(rows) + "\n", page)

    def test_the_page_on_verdicts_orders_the_refusals_of_each_kind(self):
        """One row for each kind that the fold judges, and every refusal in the column of its stage (semantics §3)."""
        page = (ROOT / "docs/verdicts.md").read_text().partition("## Which refusals")[2].partition("\n## ")[0]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
        kinds = re.findall(r"^EVENT\(\d+, \w+, (\w+), 1\)", (ROOT / "engine/core/event.def").read_text(), re.MULTILINE)
        listed = [kind for row in rows for kind in re.findall("`(\\w+)`", row[0])]
        self.assertEqual(sorted(set(listed)), sorted(kinds))
        stages = [[10, 11, 12], [51, *range(60, 70), 120, 121, 122, 123, 124, 125, 126, 127, 128], [70, 71, 72, 73], [80], [90, 91],
                  [100], [110]]
        stage_of = {number: stage for stage, numbers in enumerate(stages) for number in numbers}
        table = {each["name"]: each["number"] for each in json.loads(self.tally("help", "verdicts", "--json").stdout)}
        found = set()
        for row in rows:
            self.assertEqual(len(row), 1 + len(stages), row)
            for stage, cell in enumerate(row[1:]):
                for name in re.findall("`(\\w+)`", cell):
                    self.assertEqual(stage_of[table[name]], stage, f"{row[0]}: {name}")
                    found.add(name)
        left = {name for name in table if name not in found and f"`{name}`" not in page}
        self.assertEqual(left, {"forwarded", "hole"})

    def test_the_page_on_verdicts_lists_what_is_no_event(self):
        page = (ROOT / "docs/verdicts.md").read_text().partition("## What is refused before")[2]
        words = re.findall(r'^PROBLEM\(\w+, "(\w+)", "([^"]+)"\)', (ROOT / "consumers/codec_problem.def").read_text(), re.MULTILINE)
        self.assertGreater(len(words), 5)
        self.assertEqual(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE), [each for each in words if each[0] != "none"])

    def test_the_page_on_maps_lists_every_reason(self):
        page = (ROOT / "docs" / "maps.md").read_text()
        reasons = re.findall(r'^MAP_REASON\(\w+, (\w+),\s+"([^"]+)"\)', (ROOT / "consumers/map_reason.def").read_text(),
                             re.MULTILINE)
        self.assertGreater(len(reasons), 10)
        for name, meaning in reasons:
            self.assertIn(f"| `{name}` | {meaning} |", page)


class Configuration(Command):
    def test_what_is_printed_can_be_read_back(self):
        self.file("a.yaml", "data_dir: 'a b: c'\nshards: 2\nsources: [{topic: orders, generation: '7'}]\nkafka: {client.id: '#1'}\n")
        printed = self.tally("config", "print", "-c", "a.yaml").stdout
        self.file("b.yaml", printed)
        self.assertEqual(self.tally("config", "print", "-c", "b.yaml").stdout, printed)
        self.assertIn('data_dir: "a b: c"\n', printed)
        self.assertIn('  client.id: "#1"\n', printed)

    def test_each_value_says_where_it_comes_from(self):
        self.file("tally.yaml", "shards: 1\nmemory: 2GiB\n")
        printed = self.tally("config", "print", "--origin", "--group", "g", TALLY_SHARDS="4").stdout
        lines = {line.split(":")[0].strip(): line.split("#")[1].strip() for line in printed.splitlines() if "#" in line}
        self.assertEqual((lines["shards"], lines["memory"], lines["group"], lines["tick_ms"]),
                         ("TALLY_SHARDS", "tally.yaml:2:9", "--group", "default"))
        self.assertNotIn("#", self.tally("config", "print").stdout)

    def test_json_has_numbers_and_origins(self):
        told = json.loads(self.tally("config", "print", "--json", "--memory", "64MiB").stdout)
        self.assertEqual((told["memory"], told["journal.kind"], told["sources"]), (64 << 20, "embedded", []))
        told = json.loads(self.tally("config", "print", "--json", "--origin", "--memory", "64MiB").stdout)
        self.assertEqual(told["memory"], {"value": 64 << 20, "origin": "--memory"})

    def test_the_example_says_the_defaults(self):
        example = ROOT / "docs" / "examples" / "tally.yaml"
        told = json.loads(self.tally("config", "print", "--json", "-c", example).stdout)
        defaults = json.loads(self.tally("config", "print", "--json").stdout)
        self.assertEqual(told.pop("data_dir"), str(example.parent / defaults.pop("data_dir")))
        self.assertEqual(told, defaults)
        origins = json.loads(self.tally("config", "print", "--json", "--origin", "-c", example).stdout)
        left_out = [key for key, value in origins.items() if value.get("origin") == "default"]
        self.assertEqual(left_out, [], "the example shows every option")

    def test_what_the_example_comments_out_is_right_too(self):
        text = (ROOT / "docs" / "examples" / "tally.yaml").read_text()
        for key in ("sources", "kafka", "kafka_secrets"):
            text = re.sub(rf"^{key}: .*\n((?:#.*\n)+)", lambda found: re.sub(r"^# ?", "", found[1], flags=re.MULTILINE), text,
                          flags=re.MULTILINE)
        text = text.replace("/etc/tallybook/sasl.password", self.file("password", "geheim\n"))
        self.file("all.yaml", text)
        told = json.loads(self.tally("config", "print", "--json", "-c", "all.yaml").stdout)
        self.assertEqual(told["sources"][0]["topic"], "shop.orders")
        self.assertEqual(told["kafka"]["sasl.username"], "tally")
        self.assertEqual(told["kafka_secrets"], {"sasl.password": "********"})

    def test_secrets_are_never_shown(self):
        self.file("password", "geheim\n")
        self.file("tally.yaml", "kafka_secrets: {sasl.password: password}\n")
        for more in ([], ["--origin"], ["--json"], ["--json", "--origin"]):
            done = self.tally("config", "print", *more)
            self.assertNotIn("geheim", done.stdout + done.stderr)
            self.assertIn("********", done.stdout)
        done = self.tally("config", "print", "--kafka", "{sasl.password: geheim}", code=64)
        self.assertNotIn("geheim", done.stdout + done.stderr)
        self.assertIn("kafka_secrets: {sasl.password: FILE}", done.stderr)

    def test_errors_have_place_line_and_hint(self):
        self.file("tally.yaml", "data_dir: x\njournal:\n  kind: kafak\n")
        done = self.tally("config", "print", code=78)
        self.assertEqual(done.stderr, "tally.yaml:3:9: error: kind: 'kafak' is not possible here\n"
                                      "    3 |   kind: kafak\n"
                                      "      |         ^\n"
                                      "hint: did you mean 'kafka'?\n"
                                      "tally: tally.yaml: 1 error; see above\n")

    def test_kinds_of_trouble_have_their_exit_codes(self):
        for code, arguments, environment in [
            (64, ["--memory", "much"], {}),
            (66, ["-c", "nowhere.yaml"], {}),
            (78, [], {"TALLY_MEMORY": "much"}),
            (78, ["-c", "."], {}),
        ]:
            with self.subTest(arguments):
                self.assertTrue(self.tally("config", "print", *arguments, code=code, **environment).stderr.startswith("tally: "))


class Colours(Command):
    def on_a_terminal(self, *arguments, **environment):
        master, slave = pty.openpty()
        done = subprocess.Popen([TALLY, *arguments], stdout=slave, stdin=subprocess.DEVNULL, cwd=self.folder,
                                env={"PATH": os.environ["PATH"], "TERM": "xterm", **environment})
        os.close(slave)
        read = b""
        try:
            while piece := os.read(master, 65536):
                read += piece
        except OSError:  # how a closed terminal reads
            pass
        os.close(master)
        self.assertEqual(done.wait(30), 0)
        return read.decode()

    def test_only_on_a_terminal_and_never_under_no_color(self):
        self.assertIn("\x1b[", self.on_a_terminal("help"))
        self.assertNotIn("\x1b[", self.on_a_terminal("help", NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.on_a_terminal("help", TERM="dumb"))
        self.assertNotIn("\x1b[", self.tally("help", TERM="xterm").stdout)


if __name__ == "__main__":
    unittest.main()
