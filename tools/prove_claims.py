"""The long proof: many histories of many clients with the service killed, and their counts.

`python -m tools.prove_claims --runs 200 --clients 16`. Exits 1 where a history cannot be explained;
its folder is kept and named.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "src")]

from claims.proof import mixed_runs  # noqa: E402 - after the path is set


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=0.4, help="between two kills")
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--kills", type=int, help="in each run (one to three)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run them one after the other."""
    asked = options(argv)
    total: Counter[str] = Counter()
    wrong = 0
    began = time.monotonic()
    clients = mixed_runs.Clients(asked.clients)
    try:
        for number in range(asked.runs):
            seed = asked.seed + number
            home = Path(tempfile.mkdtemp(prefix="portbook-proof-"))
            try:
                found = mixed_runs.run(home, clients, seed, asked.seconds, kills=asked.kills)
            except AssertionError as fault:
                wrong += 1
                print(f"seed {seed}: no result: {fault}; kept in {home}", flush=True)
                clients.close()
                clients = mixed_runs.Clients(asked.clients)
                continue
            total.update(found.counts)
            if found.wrong:
                wrong += 1
                print(f"seed {seed}: wrong, kept in {home}")
                for each in found.wrong:
                    print(f"  {each.key}: {each.told}", flush=True)
            else:
                shutil.rmtree(home, ignore_errors=True)
            if number % 20 == 19:
                print(f"{number + 1} runs, {total['operations']} operations", flush=True)
    finally:
        clients.close()
    print(f"{asked.runs} runs with {asked.clients} clients in {time.monotonic() - began:.0f} s")
    for name in ("operations", "kills", "retries", "unknown", "refused starts"):
        print(f"  {total.pop(name, 0):8} {name}")
    for name, count in sorted(total.items()):
        print(f"  {count:8} {name}")
    print(f"  {wrong:8} runs that cannot be explained")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
