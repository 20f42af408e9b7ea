import random
import threading
import time
from pathlib import Path

import pytest

from fleet.engines import Postgres
from fleet.fleet_drawn import change_of, full_report, row_on
from portbook.fleet.ingest import keep_reports
from portbook.fleet.migrating import migrate, open_store
from portbook.model import PortbookError
from portbook.model.fleet import FleetReport, FleetRow

HOSTS = [f"host-{number}" for number in range(6)]


class Reporter:
    """A hub's loop over simulated hosts: each tells changes, and everything where that is asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.last: dict[str, FleetReport] = {}
        self.tables: dict[str, tuple[FleetRow, ...]] = dict.fromkeys(HOSTS, ())
        self.acknowledged: dict[str, tuple[int, int]] = {}
        self.kept = 0
        self.stop = False

    def turn(self, number: int) -> list[FleetReport]:
        """What is to be said next; what was not answered is said again as it was."""
        out = []
        for host in HOSTS:
            seq, _ = self.acknowledged.get(host, (0, 0))
            last = self.last.get(host)
            if last is not None and last.seq > seq:
                out.append(last)
                continue
            rows = (row_on(22, "sshd"), *(row_on(1_000 + at + number) for at in range(20)))
            if last is None:
                report = full_report(host, rows, seq + 1)
            else:
                report = change_of(self.tables[host], rows, last)
            self.tables[host], self.last[host] = rows, report
            out.append(report)
        return out

    def run(self) -> None:
        """Until it is stopped; while the engine is away it is asked again and again."""
        number = 0
        while not self.stop:
            try:
                with open_store(self.url, name="hub") as link:
                    while not self.stop:
                        number += 1
                        self.take(link, self.turn(number))
            except PortbookError:
                time.sleep(0.02)

    def take(self, link, reports: list[FleetReport]) -> None:  # type: ignore[no-untyped-def] # a Link
        """Note what was acknowledged."""
        for report, answer in zip(reports, keep_reports(link, reports), strict=True):
            if answer.result == "full":
                self.last[report.host] = full_report(
                    report.host, self.tables[report.host], report.seq + 1
                )
                continue
            # `again`: the commit was made, and its answer lost.
            assert answer.result in ("kept", "again"), answer
            self.acknowledged[report.host] = (report.seq, report.after)
            self.kept += 1


@pytest.mark.timeout(180)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """PostgreSQL is killed in the middle of reports, again and again: what was kept is there."""
    postgres = Postgres(tmp_path / "postgres", settings={"fsync": "on"}).make().start()
    draw = random.Random(9)
    reporter = Reporter(postgres.url)
    thread = threading.Thread(target=reporter.run)
    try:
        postgres.create()
        migrate(postgres.url)
        for host in HOSTS:
            postgres.query(f"INSERT INTO portbook.host (id) VALUES ('{host}')")  # noqa: S608 - ours
        thread.start()
        for _ in range(6):
            before = reporter.kept
            while reporter.kept < before + 20:
                assert thread.is_alive()
                time.sleep(0.005)
            time.sleep(draw.random() * 0.1)
            postgres.kill()
            promised = dict(reporter.acknowledged)
            postgres.start()
            there = {
                host: (seq, value)
                for host, seq, value in postgres.query("SELECT id, seq, hash FROM portbook.host")
            }
            for host, (seq, value) in promised.items():
                assert there[host][0] >= seq  # type: ignore[operator] # a bigint
                assert there[host][0] > seq or there[host][1] == value  # type: ignore[operator] # the same
        before = reporter.kept
        while reporter.kept < before + 20:
            assert thread.is_alive()
            time.sleep(0.005)
    finally:
        reporter.stop = True
        if thread.ident is not None:
            thread.join()
        try:
            found = postgres.query(
                "SELECT h.id, h.total, h.hash, count(*), sum(l.hash) FROM portbook.host h"
                " JOIN portbook.listener l ON l.host = h.number GROUP BY 1, 2, 3"
            )
        finally:
            postgres.stop()
    assert len(found) == len(HOSTS)
    for name, total, told, rows, hashes in found:
        assert total == rows == 21
        assert (int(str(hashes)) - int(str(told))) % 2**64 == 0
        assert told == reporter.acknowledged[str(name)][1]
