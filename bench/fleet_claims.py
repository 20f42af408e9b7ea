"""Claims over PostgreSQL: pairs of claim and release over HTTP, each durable on the server's disk.

    python bench/fleet_claims.py [--seconds 5] [--connections 32] [--short]

A pair is two durable writes (synchronous_commit, fsync). Server, service and client share the
cores. The peer is SQL without any of our rules, in the same cluster: an upsert and a delete with
eight connections, each its own commit. "Two services" is the same book behind two of ours.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from claims import P99, pairs, served
from measure import ROOT, Row, have, report

sys.path.insert(0, str(ROOT / "tests"))
from fleet.engines import Postgres

PAIRS = 3_000


@contextlib.contextmanager
def cluster() -> Iterator[Postgres]:
    """A cluster with a book, as durable as it comes."""
    from portbook.fleet.migrating import migrate

    with tempfile.TemporaryDirectory(prefix="portbook-bench-") as top:
        Path(top).chmod(0o755)
        made = Postgres(Path(top) / "cluster").make().start().create()
        try:
            migrate(made.url)
            yield made
        finally:
            made.kill()


def raw_pairs(made: Postgres, connections: int, seconds: float) -> float:
    """Pairs per second of an upsert that claims and a delete, without rules, tokens or events."""
    import psycopg

    made.query("DROP TABLE IF EXISTS raw")
    made.query("CREATE TABLE raw (port int PRIMARY KEY, token bigint, expires timestamptz)")
    done = [0] * connections

    def work(number: int) -> None:
        with psycopg.connect(made.url, autocommit=True) as link:
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                port = number * 1_000 + done[number] % 1_000
                link.execute(
                    "INSERT INTO raw VALUES (%s, 1, now() + '30 s') ON CONFLICT (port) DO UPDATE"
                    " SET token = raw.token + 1 WHERE raw.expires < now() RETURNING token",
                    (port,),
                )
                link.execute("DELETE FROM raw WHERE port = %s", (port,))
                done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(done) / seconds


def at_once(services: list[dict[str, Any]], seconds: int, connections: int) -> float:
    """Pairs per second of all services together."""
    found: list[float] = []

    def ask(told: dict[str, Any], turn: int) -> None:
        found.append(pairs(told, seconds, connections // len(services), turn).pairs)

    threads = [
        threading.Thread(target=ask, args=(each, 10 + turn)) for turn, each in enumerate(services)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(found)


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="one second each, for CI")
    options = parser.parse_args()
    if options.short:
        options.seconds, options.rounds = 1, 1
    if not have("wrk"):
        return []
    found, bare = [], []
    with cluster() as made, served("--store", made.url) as told:
        pairs(told, 1, options.connections)
        for turn in range(options.rounds):
            found.append(pairs(told, options.seconds, options.connections, turn + 1))
            bare.append(raw_pairs(made, 8, options.seconds))
        with served("--store", made.url) as second:
            both = at_once([told, second], options.seconds, options.connections)
    if any(each.refused for each in found):
        sys.exit(f"{sum(each.refused for each in found)} calls were refused")
    rate, peer = statistics.median(each.pairs for each in found), statistics.median(bare)
    title = "claim + release over PostgreSQL"
    goal = f"the goal, {PAIRS:,} pairs/s"
    p99 = statistics.median(each.p99 for each in found)
    rows = [
        Row(f"{title}, {rate:,.0f} pairs/s", 1000 / rate, goal, 1000 / PAIRS, 1.0),
        Row(f"{title}, p99", p99, "one service, a file", P99, None),
        Row(f"{title}, {rate:,.0f}/s", 1000 / rate, f"bare SQL, {peer:,.0f}/s", 1000 / peer, None),
        Row(f"two services, {both:,.0f} pairs/s", 1000 / both, "one", 1000 / rate, None),
    ]
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
