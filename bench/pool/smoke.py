# SPDX-License-Identifier: MIT
"""Does weir's harness still do what run-pool and scoreboard expect? TAP, no clock is judged.

    smoke.py HARNESS
"""
import json
import subprocess
import sys

CASES = {
    "cycle 4 2 0 0.05": lambda one: (one["violations"] == 0 and one["failed"] == 0 and
                                     one["cycles"] > 0 and one["ns"] > 0 and one["jain"] > 0 and
                                     0 <= one["p50"] <= one["max"] and one["opened"] <= 2),
    "cycle 2 4 1000 0.05": lambda one: one["violations"] == 0 and one["opened"] <= 4,
    "broken-return": lambda one: one["waiters"] == one["served"] == 1,
}


def main():
    bad = 0
    print(f"1..{len(CASES)}")
    for number, (mode, check) in enumerate(CASES.items(), 1):
        done = subprocess.run([sys.argv[1], *mode.split()], capture_output=True, text=True,
                              check=False)
        lines = done.stdout.splitlines()
        good = done.returncode == 0 and len(lines) == 1 and check(json.loads(lines[0]))
        bad += not good
        if not good:
            print(f"# exit code {done.returncode}: {done.stdout}{done.stderr}")
        print(f"{'ok' if good else 'not ok'} {number} - {mode}")
    sys.exit(bad > 0)


main()
