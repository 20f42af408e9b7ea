"""32 shells that start `portbook run` at once on a range of 32, in a namespace of their own.

    unshare -rn python tests/claims/run_race.py ROUNDS

Prints one line for each round in which two programs got one number, or one got none.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHELLS = 32
FIRST = 20_000
LISTENS = (
    "import socket, sys\n"
    "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "print(sys.argv[1], flush=True)\n"
    "sys.stdin.read()\n"
)
"""Listens, says where, and stays until everybody has said so."""


def one_round(home: str) -> tuple[list[str], list[str]]:
    """The numbers that the programs listen on, and what was said of those that got none."""
    words = [sys.executable, "-m", "portbook", "run", "--quiet"]
    words += ["--range", f"{FIRST}-{FIRST + SHELLS - 1}", "--"]
    words += [sys.executable, "-I", "-S", "-c", LISTENS, "{port}"]
    environment = {**os.environ, "PORTBOOK_DATA_HOME": home}
    gate, opened = os.pipe()
    # Each shell waits for a line, so that all begin together.
    wait = f'read go <&{gate}; exec {gate}<&-; exec "$@"'
    shells = [
        subprocess.Popen(
            ["sh", "-c", wait, "sh", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            pass_fds=(gate,),
        )
        for _ in range(SHELLS)
    ]
    os.close(gate)
    os.write(opened, b"\n" * SHELLS)
    os.close(opened)
    numbers = [str(each.stdout.readline().strip()) for each in shells if each.stdout]
    told = [each.communicate("")[1] for each in shells]
    faults = [text for text, number in zip(told, numbers, strict=True) if not number]
    faults += [f"exit code {each.returncode}" for each in shells if each.returncode]
    return numbers, faults


def main(rounds: int) -> int:
    """0 if in every round everybody got a number of its own."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    bad = 0
    with tempfile.TemporaryDirectory() as home:
        for index in range(rounds):
            numbers, faults = one_round(home)
            wanted = [str(FIRST + each) for each in range(SHELLS)]
            if faults or sorted(numbers) != wanted:
                bad += 1
                print(f"round {index}: {sorted(numbers)} {faults}", flush=True)
    print(f"{rounds} rounds of {SHELLS} shells, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
    os.environ["PYTHONPATH"] = sys.path[0]
    sys.exit(main(int(sys.argv[1])))
