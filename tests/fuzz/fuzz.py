#!/usr/bin/python3
"""Lets a fuzzer look for bytes that break its decoder, for some seconds.

    fuzz.py FUZZER SECONDS SEEDS…     SEEDS: folders of inputs to begin with

20 seconds begin with the seeds alone, so that they find the same whatever ran before; what takes longer keeps what it
learns in corpus/ beside the fuzzer, and goes on from there. A finding is written into findings/ and ends the run.
"""

import pathlib
import subprocess
import sys
import tempfile

LONG_SECONDS = 60
# One input; the slowest seeds take a tenth of a second under the sanitizers.
INPUT_SECONDS, MEGABYTES = 20, 2048


def run(fuzzer, seconds, seeds, corpus):
    findings = fuzzer.parent / "findings"
    findings.mkdir(exist_ok=True)
    done = subprocess.run([fuzzer, f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEGABYTES}",
                           "-print_final_stats=1", f"-artifact_prefix={findings}/{fuzzer.name}-", corpus, *seeds],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    lines = done.stderr.splitlines()
    told = [line for line in lines if line.startswith(("INFO: Seed", "stat::", "Done"))]
    progress = [line for line in lines if "cov:" in line]
    print("\n".join(told + progress[-1:] if done.returncode == 0 else lines[-200:]))
    if done.returncode != 0:
        print(f"A finding. Again: {fuzzer} FILE, with the file named above. Make it a seed and a case of a unit test.")
    return 1 if done.returncode else 0


def main(fuzzer, seconds, *seeds):
    fuzzer = pathlib.Path(fuzzer).resolve()
    if int(seconds) >= LONG_SECONDS:
        corpus = fuzzer.parent / "corpus" / fuzzer.name
        corpus.mkdir(parents=True, exist_ok=True)
        return run(fuzzer, seconds, seeds, corpus)
    with tempfile.TemporaryDirectory() as corpus:
        return run(fuzzer, seconds, seeds, corpus)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
