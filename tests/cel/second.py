"""The second opinion: answers conditions by cel-python. Runs in the environment that tests/cel/install makes.

Reads the lines that evaluate.c reads, and answers each condition by one line: an answer for each event, T (true), F
(false), E (error), V (a value that is no truth value), X (it crashed), or P alone where the text is none of its grammar.
"""

import datetime
import json
import sys

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel

TIMES = {("member", "enrolled_at"), ("event", "occurred_at")}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def mend():
    """Where cel-python leaves CEL, and README.md says so, it is mended here; nothing else is."""
    # An error's text is made from its tree, which crashes at some trees. Nobody reads the text.
    celpy.CELEvalError.__repr__ = lambda self: "CELEvalError()"


def facts_of(event):
    """What is known of an event, as cel-python's activation. `line` is the line itself."""
    facts = {}
    for name, fields in event.items():
        if name == "line":
            continue
        facts[name] = json_to_cel(fields)
        for variable, field in TIMES:
            if variable == name and field in fields:
                instant = EPOCH + datetime.timedelta(milliseconds=fields[field])
                facts[name][celtypes.StringType(field)] = celtypes.TimestampType(instant)
    if "line" in event:
        facts["line"] = facts["order"]["lines"][event["line"]]
    return facts


def answer(program, facts):
    try:
        value = program.evaluate(facts)
    except celpy.CELEvalError:
        return "E"
    except Exception:  # noqa: BLE001 -- a macro with other arguments than it has, which CEL finds before it runs
        return "X"
    if isinstance(value, celpy.CELEvalError):
        return "E"
    return ("T" if value else "F") if isinstance(value, celtypes.BoolType) else "V"


def main():
    environment = celpy.Environment()
    events = []
    for line in sys.stdin:
        request = json.loads(line)
        if "event" in request:
            events.append(facts_of(request["event"]))
            continue
        try:
            tree = environment.compile(request["text"])
        except celpy.CELParseError:
            print("P")
            continue
        program = environment.program(tree)
        print("".join(answer(program, events[at]) for at in request["events"]))


if __name__ == "__main__":
    mend()
    main()
