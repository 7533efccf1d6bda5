#!/usr/bin/python3
"""Runs a file of unittest cases and prints TAP, so that every case counts by itself in the build's test report.

    tests/tap.py FILE.py [NAME...]     all cases, or those whose name contains one of NAME

The file's own folder, tests/, tests/kafka/ and tests/story/ can be imported from. Every case of the plan is answered: one
that never ran, because its class could not be set up, is "not ok".
"""

import importlib.util
import pathlib
import signal
import sys
import traceback
import unittest

TESTS = pathlib.Path(__file__).resolve().parent


class TapResult(unittest.TestResult):
    """Prints each case as it ends. A case with sub-tests is one case: it fails when one of them fails."""

    def __init__(self, names):
        super().__init__()
        self.waiting = list(names)
        self.class_skips = {}
        self.all_good = True
        self._notes = []
        self._skip = None

    def startTest(self, test):
        super().startTest(test)
        self._notes, self._skip = [], None

    def stopTest(self, test):
        super().stopTest(test)
        self._answer(_name(test), not self._notes, self._skip, self._notes)

    def addError(self, test, error):
        super().addError(test, error)
        self._note("".join(traceback.format_exception(*error)))
        if not isinstance(test, unittest.TestCase):  # a class or module that could not be set up
            _print_notes(self._notes)

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self._note(f"{subtest._subDescription()}\n" + "".join(traceback.format_exception(*error)))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if isinstance(test, unittest.TestCase):
            self._skip = reason
        else:  # "setUpClass (module.Class)"
            self.class_skips[str(test).rpartition(".")[2].rstrip(")")] = reason

    def finish(self):
        for name in list(self.waiting):
            reason = self.class_skips.get(name.partition(".")[0])
            self._answer(name, reason is not None, reason, [] if reason else ["did not run"])

    def _note(self, text):
        self._notes.extend(text.splitlines())

    def _answer(self, name, good, skip, notes):
        self.waiting.remove(name)
        self.all_good = self.all_good and good
        print(f"{'ok' if good else 'not ok'} - {name}" + (f" # SKIP {skip}" if good and skip else ""), flush=True)
        if notes:
            _print_notes([f"not ok - {name}", *notes])


def _print_notes(notes):
    """To standard error: of a TAP program that failed, meson shows no other."""
    for line in notes:
        print(f"# {line}", file=sys.stderr, flush=True)


def _name(test):
    return f"{type(test).__name__}.{test._testMethodName}"


def _cases(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from _cases(each)
        else:
            yield each


def _stop(*_):
    raise KeyboardInterrupt  # unwinds every `with`; unittest would take any other exception for a failed case


def main(arguments):
    if not arguments:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    signal.signal(signal.SIGTERM, _stop)
    path = pathlib.Path(arguments[0]).resolve()
    sys.path[:0] = [str(path.parent), str(TESTS), str(TESTS / "kafka"), str(TESTS / "story")]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    loaded = _cases(unittest.defaultTestLoader.loadTestsFromModule(module))
    chosen = [each for each in loaded
              if not arguments[1:] or any(part in _name(each) for part in arguments[1:])]
    print(f"1..{len(chosen)}", flush=True)
    result = TapResult(map(_name, chosen))
    unittest.TestSuite(chosen).run(result)
    result.finish()
    return 0 if chosen and result.all_good else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Bail out! interrupted", flush=True)
        sys.exit(130)
