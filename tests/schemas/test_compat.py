#!/usr/bin/env python3
"""The schemas agree with what is published, and the check sees every way in which they could cease to (TAP)."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parents[1] / "schemas"
EVENT = "tallybook/v1/event.proto"
OUTPUT = "tallybook/v1/output.proto"

# what, file, pattern, replacement, what the check must say (None: it must agree)
BREAKAGES = [
    ("a field's number changes", EVENT, r"string source = 1;", "string source = 15;",
     "vanished: field tallybook.v1.Event 1 = source singular string"),
    ("a field's type changes", EVENT, r"int64 occurred_at_ms = 10;", "uint64 occurred_at_ms = 10;",
     "changed: field tallybook.v1.Event 10"),
    ("a field of a message type gets another one", EVENT, r"Refund refund = 31;", "Purchase refund = 31;",
     "changed: field tallybook.v1.Event 31"),
    ("a field's name changes, which JSON shows", EVENT, r"string order_id = 1;\n  // ISO", "string order = 1;\n  // ISO",
     "changed: field tallybook.v1.Purchase 1"),
    ("a single field becomes repeated", EVENT, r"string correlation_id = 11;", "repeated string correlation_id = 11;",
     "changed: field tallybook.v1.Event 11"),
    ("a field vanishes", EVENT, r"  string traceparent = 12;\n", "", "vanished: field tallybook.v1.Event 12"),
    ("two numbers are swapped", EVENT, r"string store = 7;\n  string partner = 8;\n  repeated Attribute attributes = 9;",
     "string partner = 7;\n  string store = 8;\n  repeated Attribute attributes = 9;",
     "changed: field tallybook.v1.Purchase 7"),
    ("a field leaves its oneof", EVENT, r"    string board = 8;\n(.*?)  }\n", r"\1  }\n  string board = 8;\n",
     "changed: field tallybook.v1.Event 8"),
    ("an enum value's number changes", OUTPUT, r"ACCOUNT_CLEARING = 17;", "ACCOUNT_CLEARING = 18;",
     "vanished: enum tallybook.v1.Account 17"),
    ("a nested enum's value is renamed", OUTPUT, r"    CLAW_BACK = 6;", "    CLAWBACK = 6;",
     "changed: enum tallybook.v1.Posting.Kind 6"),
    ("another message comes first in a framed file", "tallybook/v1/pack.proto", r"message EventPack",
     "message Other {\n}\n\nmessage EventPack", "changed: file tallybook/v1/pack.proto 0"),
    ("a field is added and not published", EVENT, r"string traceparent = 12;", "string traceparent = 12;\n  bytes more = 13;",
     "not published yet: field tallybook.v1.Event 13 = more singular bytes"),
    ("only a comment changes", EVENT, r"// Must stay the first", "// Has to stay the first", None),
]

results = []


def report(ok, what, said=""):
    results.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {what}")
    if not ok:
        print("".join(f"# {line}\n" for line in said.splitlines()), end="")


def check(*arguments):
    run = subprocess.run([sys.executable, str(HERE / "check_compat.py"), *arguments],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return run.returncode, run.stdout


def changed_copy(folder, file, pattern, replacement):
    copy = pathlib.Path(folder) / "schemas"
    shutil.copytree(SCHEMAS, copy)
    path = copy / file
    after, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1, f"{pattern!r} is not in {file}: the test has to follow the schemas"
    path.write_text(after)
    return copy


def main():
    code, said = check()
    report(code == 0, "the schemas are what is published", said)

    for what, file, pattern, replacement, must_say in BREAKAGES:
        with tempfile.TemporaryDirectory() as folder:
            copy = changed_copy(folder, file, pattern, replacement)
            code, said = check("--schemas", str(copy))
            report(code == (1 if must_say else 0) and (must_say or "") in said, f"seen: {what}" if must_say else what, said)

    with tempfile.TemporaryDirectory() as folder:
        copy = changed_copy(folder, EVENT, r"string source = 1;", "string source = 15;")
        before = (copy / "published.txt").read_bytes()
        code, said = check("--update", "--schemas", str(copy))
        report(code == 1 and (copy / "published.txt").read_bytes() == before, "--update refuses what breaks", said)

    with tempfile.TemporaryDirectory() as folder:
        copy = changed_copy(folder, EVENT, r"string traceparent = 12;", "string traceparent = 12;\n  bytes more = 13;")
        code, said = check("--update", "--schemas", str(copy))
        again, said_again = check("--schemas", str(copy))
        report(code == 0 and again == 0, "--update publishes what is new", said + said_again)

    with tempfile.TemporaryDirectory() as folder:
        copy = changed_copy(folder, EVENT, r"string source = 1;", "string source = ;")
        code, said = check("--schemas", str(copy))
        report(code == 2 and "event.proto" in said, "a file that does not compile is named", said)

    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
