"""What the stories on the probe have in common: a step run to its end, and a step that runs beside the story."""

import os
import subprocess

PROBE = os.environ["TB_PROBE"]
PARTITIONS = 4
LIMIT_SECONDS = 120


def probe(*arguments, code=0):
    """Runs one step to its end; returns its lines."""
    done = subprocess.run([PROBE, *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if done.returncode != code:
        raise AssertionError(f"probe {arguments}: {done.returncode}, not {code}\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout.splitlines() if code == 0 else done.stderr


class Step:
    """A step of the probe that runs beside the story."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROBE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.lines = []

    def until(self, found):
        """Reads on to the first line for which found(line) is true."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if found(self.lines[-1]):
                return self.lines[-1]
        raise AssertionError(f"the probe ended: {self.lines[-5:]} {self.process.stderr.read()}")

    def end(self, code=0):
        out, error = self.process.communicate(timeout=LIMIT_SECONDS)
        self.lines += out.splitlines()
        if self.process.returncode != code:
            raise AssertionError(f"{self.process.returncode}, not {code}: {self.lines[-5:]} {error}")
        return error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def acked(line):
    return int(line.split()[1]) if line.startswith("acked ") else -1
