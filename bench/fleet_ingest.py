"""Reports of a fleet into PostgreSQL with synchronous commit: rows per second, beside its peers.

    python bench/fleet_ingest.py [--hosts 400] [--runs 5] [--short]

A cluster of its own in a temporary folder, with fsync and synchronous_commit on. Simulated hosts of
200 listeners report everything to an empty store, everything once more a day later with each row
changed, then small changes. The peer writes the same rows with psycopg's executemany and INSERT …
ON CONFLICT, without hashes, history, locks or checks; raw COPY into a table without an index is
the ceiling. The hub's work is in ours: hashing each row, judging, and asking what was stored.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from measure import ROOT, Row, report

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

import psycopg  # noqa: E402 - found beside us

from fleet.engines import Postgres  # noqa: E402 - the same
from portbook.fleet import wire  # noqa: E402 - the same
from portbook.fleet.ingest import keep_reports  # noqa: E402 - the same
from portbook.fleet.migrating import migrate, open_store  # noqa: E402 - the same
from portbook.fleet.table import table_hash  # noqa: E402 - the same
from portbook.model.fleet import FleetReport, FleetRow  # noqa: E402 - the same

ROWS = 200
GOAL = 100_000
BATCH = 50
"""Hosts of one transaction."""
PROGRAMS = ("nginx", "postgres", "redis-server", "node", "java", "sshd", "python3", "dovecot")


def rows_of(host: int, turn: int) -> tuple[FleetRow, ...]:
    """What a host listens on; each `turn` other processes do."""
    made = []
    for number in range(ROWS):
        program = PROGRAMS[(host + number) % len(PROGRAMS)]
        made.append(
            FleetRow(
                transport="tcp",
                address="0.0.0.0" if number % 3 else "127.0.0.1",
                port=1 + (number * 331 + host * 7) % 65_000,
                netns="",
                inode=20_000 + number,
                state="listen",
                reach="any" if number % 3 else "loopback",
                process=program,
                pid=1_000 + number + 300 * turn,
                exe=f"/usr/sbin/{program}",
                user="root" if number % 4 else f"user{number}",
                unit=f"{program}.service",
                container=None,
                package=f"{program} 1:{number}.2-3",
                speaks=None,
                verdict="expected",
                severity=None,
                rules="",
                started=1_760_000_000 + number,
                unknown="",
            )
        )
    return tuple(made)


def everything(host: int, seq: int, rows: tuple[FleetRow, ...]) -> FleetReport:
    """A full report."""
    return FleetReport(
        host=f"host-{host:05}",
        name=f"host-{host:05}.example",
        instance="boot:4026531840",
        seq=seq,
        full=True,
        base=0,
        after=table_hash(rows),
        total=len(rows),
        age_ms=40,
        every_ms=30_000,
        version="1.0",
        labels=(("role", "web"),),
        rows=rows,
    )


def a_change(before: FleetReport, rows: tuple[FleetRow, ...]) -> FleetReport:
    """A delta: every 20th row is another."""
    others = tuple(row._replace(pid=77) for row in rows[::20])
    table = tuple(row._replace(pid=77) if n % 20 == 0 else row for n, row in enumerate(rows))
    return before._replace(
        seq=before.seq + 1, full=False, base=before.after, after=table_hash(table), rows=others
    )


def emptied(postgres: Postgres, hosts: int) -> None:
    """The store with enrolled hosts alone."""
    postgres.query(
        "TRUNCATE portbook.listener, portbook.history, portbook.host RESTART IDENTITY CASCADE"
    )
    postgres.query(
        "INSERT INTO portbook.host (id) SELECT 'host-' || lpad(n::text, 5, '0')"
        f" FROM generate_series(0, {hosts - 1}) n"
    )


def rate(count: int, work: Callable[[], object]) -> float:
    """Rows per second of it."""
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def kept(link: psycopg.Connection[Any], reports: Sequence[FleetReport]) -> None:
    """Reports through one hub, in batches."""
    for at in range(0, len(reports), BATCH):
        for answer in keep_reports(link, reports[at : at + BATCH]):
            if answer.result != "kept":
                sys.exit(f"not kept: {answer}")


def by_two(url: str, reports: Sequence[FleetReport]) -> float:
    """Rows per second of two hubs, each a process with half of the hosts."""
    fork = multiprocessing.get_context("fork")
    gate, count = fork.Barrier(3), sum(len(each.rows) for each in reports)

    def hub(mine: Sequence[FleetReport]) -> None:
        with open_store(url, name="bench") as link:
            gate.wait()
            kept(link, mine)

    hubs = [fork.Process(target=hub, args=(reports[half::2],)) for half in range(2)]
    for each in hubs:
        each.start()
    gate.wait()
    begin = time.perf_counter()
    for each in hubs:
        each.join()
        if each.exitcode:
            sys.exit("a hub broke")
    return count / (time.perf_counter() - begin)


COLUMNS = ", ".join(f'"{field}"' for field in FleetRow._fields)
VALUES = ", ".join(["%s"] * len(FleetRow._fields))


def plainly(link: psycopg.Connection[Any], reports: Sequence[FleetReport]) -> None:
    """The peer: executemany, a transaction for each batch."""
    sets = ", ".join(f'"{field}" = excluded."{field}"' for field in FleetRow._fields[5:])
    sql = (
        f"INSERT INTO plain (host, {COLUMNS}, hash, since, changed)"
        f" VALUES (%s, {VALUES}, 0, now(), now())"
        f" ON CONFLICT (host, port, transport, address, netns, inode) DO UPDATE SET {sets}"
    )
    for at in range(0, len(reports), BATCH):
        with link.transaction(), link.cursor() as cursor:
            cursor.executemany(
                sql,
                [
                    (int(each.host[5:]), *row)
                    for each in reports[at : at + BATCH]
                    for row in each.rows
                ],
            )


def copied(link: psycopg.Connection[Any], reports: Sequence[FleetReport]) -> None:
    """The ceiling: COPY and nothing else."""
    for at in range(0, len(reports), BATCH):
        with (
            link.transaction(),
            link.cursor() as cursor,
            cursor.copy(f"COPY bare (host, {COLUMNS}) FROM STDIN") as copy,
        ):
            for each in reports[at : at + BATCH]:
                number = int(each.host[5:])
                for row in each.rows:
                    copy.write_row((number, *row))


def measured(postgres: Postgres, hosts: int, runs: int) -> dict[str, float]:
    """Medians of rows per second."""
    found: dict[str, list[float]] = {}
    first = [everything(host, 1, rows_of(host, 0)) for host in range(hosts)]
    second = [everything(host, 2, rows_of(host, 1)) for host in range(hosts)]
    same = [each._replace(seq=3) for each in second]
    third = [a_change(each, each.rows) for each in same]
    packed = [wire.encode_report(each) for each in first]
    total = hosts * ROWS
    link = open_store(postgres.url, name="bench")
    for run in range(runs + 1):
        emptied(postgres, hosts)
        postgres.query("TRUNCATE portbook.plain, portbook.bare; CHECKPOINT")
        values = {
            "decode": rate(total, lambda: [wire.decode_report(each) for each in packed]),
            "full": by_two(postgres.url, first),
            "plain": rate(total, lambda: plainly(link, first)),
            "copy": rate(total, lambda: copied(link, first)),
            "changed": by_two(postgres.url, second),
            "same": by_two(postgres.url, same),
            "delta": by_two(postgres.url, third),
        }
        emptied(postgres, hosts)
        values["one"] = rate(total, lambda: kept(link, first))
        for name, value in values.items():
            if run:
                found.setdefault(name, []).append(value)
    link.close()
    return {name: statistics.median(each) for name, each in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hosts", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="few hosts, one run")
    options = parser.parse_args()
    hosts, runs = (40, 1) if options.short else (options.hosts, options.runs)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres(
            Path(folder, "postgres"),
            settings={"shared_buffers": "1GB", "max_wal_size": "4GB", "wal_buffers": "64MB"},
        )
        postgres.make().start()
        try:
            postgres.create()
            migrate(postgres.url)
            postgres.query(
                "CREATE TABLE portbook.plain (LIKE portbook.listener INCLUDING ALL);"
                "CREATE TABLE portbook.bare (LIKE portbook.listener);"
                "ALTER TABLE portbook.bare ALTER hash DROP NOT NULL, ALTER since DROP NOT NULL,"
                " ALTER changed DROP NOT NULL"
            )
            found = measured(postgres, hosts, runs)
        finally:
            postgres.stop()

    def row(what: str, ours: float, peer_name: str, peer: float | None, reach: float | None) -> Row:
        # Milliseconds for 1,000 rows: less is better, as in all other tables.
        return Row(what, 1e6 / ours, peer_name, peer and 1e6 / peer, reach)

    report(
        [
            row("1,000 rows of full reports, 2 hubs", found["full"], "the goal", GOAL, 1.0),
            row("the same, beside the peer", found["full"], "executemany", found["plain"], None),
            row(
                "the same, beside the ceiling", found["full"], "COPY, no index", found["copy"], None
            ),
            row("one hub", found["one"], "executemany", found["plain"], None),
            row(
                "every row changed, with its history",
                found["changed"],
                "executemany",
                found["plain"],
                None,
            ),
            row("nothing changed", found["same"], "the goal", GOAL, None),
            row("deltas of 10 rows", found["delta"], "executemany", found["plain"], None),
            row("decoding a report", found["decode"], "the goal", GOAL, None),
        ],
        judge=not options.short,
    )
    for name, value in found.items():
        print(f"{name:10}{value:12,.0f} rows/s", file=sys.stderr)


if __name__ == "__main__":
    main()
