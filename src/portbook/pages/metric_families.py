"""What this machine holds, for Prometheus: `/metrics` and `portbook metrics` tell the same.

Only numbers: of listeners how many, of claims how many in which state. Nothing names a process, a
user, a claim, a semaphore or a port, but the ports that a watch was asked to watch: what scrapes it
needs no token, and a textfile is everybody's to read. Every series that there can be is there from
the beginning, with 0, so that an alert has something to compare with.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from portbook.model.claim import Claim, Reservation, SemaphoreState
from portbook.model.record import Record
from portbook.model.traffic import TOOLS, VERDICTS, TrafficHour

if TYPE_CHECKING:
    from prometheus_client import Metric

CLAIM_STATES = ("reserved", "bound", "squatted")


class Promised(Record):
    """The claims, reservations and semaphores of a store."""

    claims: Sequence[Claim]
    reservations: Sequence[Reservation]
    semaphores: Sequence[SemaphoreState]


def machine_families(counts: dict[tuple[str, str, str], int], gaps: int) -> "Iterator[Metric]":
    """Listeners by (verdict, transport, reach), and how much could not be seen."""
    from prometheus_client.core import GaugeMetricFamily

    listeners = GaugeMetricFamily(
        "portbook_listeners",
        "Listeners by verdict, transport and reach.",
        labels=("verdict", "transport", "reach"),
    )
    for key, number in counts.items():
        listeners.add_metric(key, number)
    yield listeners
    yield GaugeMetricFamily("portbook_incomplete", "What could not be seen.", value=gaps)


def claim_families(promised: Promised) -> "Iterator[Metric]":
    """Claims by state, reservations, and semaphores: units that are held and free, who waits."""
    from prometheus_client.core import GaugeMetricFamily

    claims = GaugeMetricFamily("portbook_claims", "Claims by state.", labels=("state",))
    states = Counter(each.state for each in promised.claims)
    for state in (*CLAIM_STATES, *sorted(set(states) - set(CLAIM_STATES))):
        claims.add_metric((state,), states[state])
    yield claims
    yield GaugeMetricFamily(
        "portbook_reservations", "Numbers kept for good.", value=len(promised.reservations)
    )
    yield GaugeMetricFamily(
        "portbook_semaphores", "Semaphores in use.", value=len(promised.semaphores)
    )
    permits = GaugeMetricFamily(
        "portbook_semaphore_permits", "Units of the semaphores in use.", labels=("state",)
    )
    held = [sum(permit.units for permit in each.held) for each in promised.semaphores]
    free = (each.limit - n for each, n in zip(promised.semaphores, held, strict=True))
    permits.add_metric(("held",), sum(held))
    permits.add_metric(("free",), sum(max(0, n) for n in free))
    yield permits
    yield GaugeMetricFamily(
        "portbook_semaphore_waiting",
        "Who waits for units of a semaphore.",
        value=sum(len(each.waiting) for each in promised.semaphores),
    )


def watch_families(hours: Sequence[TrafficHour]) -> "Iterator[Metric]":
    """What called the ports that are watched, in the last hour; packets since the watch began."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    if not hours:
        return
    sources = GaugeMetricFamily(
        "portbook_watch_sources",
        "Sources of the last hour by port and verdict.",
        labels=("port", "verdict"),
    )
    scans = GaugeMetricFamily(
        "portbook_watch_scans",
        "Scans of the last hour by port and the tool that gave itself away.",
        labels=("port", "tool"),
    )
    for hour in hours:
        for verdict in VERDICTS:
            sources.add_metric((str(hour.port), verdict), hour.verdicts.get(verdict, 0))
        for tool in TOOLS:
            scans.add_metric((str(hour.port), tool), hour.tools.get(tool, 0))
        unmarked = max(0, hour.verdicts.get("scan", 0) - sum(hour.tools.values()))
        scans.add_metric((str(hour.port), "none"), unmarked)
    yield sources
    yield scans
    # The numbers are of the whole watch, and so in the file of every port.
    newest = max(hours, key=lambda hour: hour.until)
    yield CounterMetricFamily(
        "portbook_watch_packets", "Packets of the watch.", value=newest.packets
    )
    yield CounterMetricFamily(
        "portbook_watch_dropped",
        "Packets that the kernel had no room for.",
        value=newest.dropped,
    )


class Families:
    """Some families as a collector that prometheus_client can be asked to write."""

    def __init__(self, families: "Iterable[Metric]") -> None:
        self._families = tuple(families)

    def collect(self) -> "Iterable[Metric]":
        """All of them."""
        return self._families
