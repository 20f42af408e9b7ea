"""Questions to a store of 3,000,000 listeners on 100,000 hosts: a rare port, a common one, more.

    python bench/fleet_inventory.py [--runs 9] [--short]

A PostgreSQL of its own is made and filled with COPY, and analysed. Ours is the whole answer in
process: a transaction that only reads, the rows as records, which hosts are silent. The peer is
psycopg alone with the rows of the same statement. `who` has absolute goals; they are ratios to
milliseconds.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from measure import ROOT, Row, report

if TYPE_CHECKING:
    from portbook.host.postgres import Link

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

HOSTS, PER_HOST = 100_000, 30
COMMON, RARE = 22, 3255
RARE_ROWS = 6
SINCE = 1_795_219_200.0
"""2026-11-21: a third of the listeners changed after it."""
SCHEMA = ("001_inventory.sql", "002_claims.sql")


def fill(link: "Link", hosts: int) -> tuple[int, int]:
    """Hosts and listeners with COPY; returns how many rows there are, and on the common port."""
    chance = random.Random(3255)
    link.execute("CREATE EXTENSION btree_gist; CREATE SCHEMA portbook")
    folder = ROOT / "src/portbook/fleet/schema"
    for name in SCHEMA:
        link.execute((folder / name).read_text(encoding="utf-8").encode())
    cursor = link.cursor()
    with cursor.copy(
        "COPY host (id, name, labels, as_of, every_ms, total, hash, seq) FROM STDIN"
    ) as copy:
        for number in range(hosts):
            role = ("web", "db", "cache", "build")[number % 4]
            labels = f'{{"role": "{role}"}}'
            copy.write(
                f"host-{number:06}\thost{number}\t{labels}\tnow\t3600000\t{PER_HOST}\t1\t1\n"
            )
    programs = [(port, f"svc{port % 97}") for port in chance.sample(range(1024, 32_000), 2_000)]
    rare = set(chance.sample(range(1, hosts + 1), RARE_ROWS))
    total = common = 0
    with cursor.copy("COPY listener FROM STDIN") as copy:
        for host in range(1, hosts + 1):
            ports = chance.sample(programs, PER_HOST - 1)
            if host % 5:
                ports.append((COMMON, "sshd"))
                common += 1
            if host in rare:
                ports.append((RARE, "semaphore"))
            lines = []
            for place, (port, name) in enumerate(ports):
                odd = "mismatch\tlow\tmismatch" if (host + place) % 500 == 0 else "expected\t\\N\t"
                lines.append(
                    f"{host}\ttcp\t0.0.0.0\t{port}\t\t{host * 100 + place}\tlisten\tany\t{name}\t"
                    f"{1000 + place}\t/usr/sbin/{name}\troot\t{name}.service\t\\N\t{name}\t\\N\t"
                    f"{odd}\t1790000000\t\t{place}\t2026-11-20 10:00:00+00\t"
                    f"2026-11-2{host % 3} 10:00:00+00\n"
                )
            total += len(lines)
            copy.write("".join(lines))
    link.execute("VACUUM ANALYZE listener")
    link.execute("VACUUM ANALYZE host")
    link.execute("VACUUM ANALYZE heard")
    return total, common


def middle(runs: int, *calls: Callable[[], object]) -> list[float]:
    """The median milliseconds of each call, made in turns after one that is not counted."""
    found: list[list[float]] = [[] for _ in calls]
    for turn in range(runs + 1):
        for call, times in zip(calls, found, strict=True):
            begin = time.perf_counter()
            call()
            if turn:
                times.append((time.perf_counter() - begin) * 1000)
    return [statistics.median(times) for times in found]


def main() -> None:
    """Make the store, ask, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--short", action="store_true", help="1,000 hosts, nothing is judged")
    options = parser.parse_args()
    from fleet.engines import PROGRAMS, Postgres

    if shutil.which(f"{PROGRAMS}/postgres") is None:
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="portbook-bench-"))
    folder.chmod(0o755)
    settings = {
        "fsync": "off",
        "shared_buffers": "256MB" if options.short else "1GB",
        "max_wal_size": "4GB",
    }
    server = Postgres(folder / "postgres", settings=settings).make().start()
    try:
        server.create()
        rows = ask(
            server.url, 1_000 if options.short else HOSTS, 1 if options.short else options.runs
        )
    finally:
        server.stop()
        shutil.rmtree(folder)
    report(rows, judge=not options.short)


def ask(url: str, hosts: int, runs: int) -> list[Row]:
    """Every question beside its peer."""
    from psycopg.sql import SQL

    from portbook.fleet import inventory, inventory_free, inventory_hosts, inventory_time
    from portbook.fleet.filters import parse
    from portbook.fleet.inventory_rows import LISTENERS
    from portbook.host.postgres import connect

    link = connect(url, name="bench")
    begin = time.perf_counter()
    total, common = fill(link, hosts)
    print(f"{total} rows on {hosts} hosts in {time.perf_counter() - begin:.0f} s", file=sys.stderr)

    def raw(port: int) -> object:
        statement = SQL(LISTENERS + "l.port = %(port)s")
        return link.cursor(binary=True).execute(statement, {"port": port}).fetchall()

    ours = {
        "who, rare port": lambda: inventory.who(link, (RARE,)),
        "who, common port": lambda: inventory.who(link, (COMMON,)),
    }
    assert len(ours["who, rare port"]().listeners) == RARE_ROWS
    assert len(ours["who, common port"]().listeners) == common
    rare, raw_rare, many, raw_many = middle(
        runs,
        *(ours["who, rare port"], lambda: raw(RARE)),
        *(ours["who, common port"], lambda: raw(COMMON)),
    )
    others = {
        "ls, a process and a label": lambda: inventory.ls(
            link, parse("process=svc42 and label.role=db and port<2000")
        ),
        "audit": lambda: inventory.audit(link),
        "drift of a third, one port asked for": lambda: inventory_time.drift(
            link, SINCE, parse("port=3255")
        ),
        "free, on every host": lambda: inventory_free.free(link, 3),
        "free, on the hosts of a label": lambda: inventory_free.free(
            link, 3, labels=(("role", "db"),)
        ),
        "hosts": lambda: inventory_hosts.hosts(link),
    }
    times = middle(min(runs, 3), *others.values())
    size = f"{common} rows"
    return [
        Row("who, rare port", rare, "goal", 5.0, 1.0),
        Row("who, rare port", rare, "psycopg alone", raw_rare, None),
        Row(f"who, common port, {size}", many, "goal", 500.0, 1.0),
        Row(f"who, common port, {size}", many, "psycopg alone", raw_many, None),
        *(Row(name, ms, "-", None, None) for name, ms in zip(others, times, strict=True)),
    ]


if __name__ == "__main__":
    main()
