"""What the server counts, for Prometheus: responses and their times, connections, votes.

Counting is adding to plain dictionaries; prometheus_client is imported when somebody asks, because
its own counters cost 4 us a request and importing it 50 ms of the start (measured). Nothing here
tells of processes or visitors, and of ports only how many called those of `serve --watch`. What the
machine holds is in metric_families.
"""

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from portbook.host import clock
from portbook.model.traffic import TrafficHour
from portbook.model.version import __version__
from portbook.pages.metric_families import Families, watch_families

if TYPE_CHECKING:
    from prometheus_client import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from portbook.pages.connection import Crowd

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram of response times, in seconds."""


class Metrics:
    """The counts of one server.

    `crowd` are its connections; `age` tells the age of the snapshot of this machine in seconds, or
    None where there is none; `hours` tells the last hour of the ports that are watched. `machine`
    are the families of the listeners as they were told last.
    """

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = {}
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.votes = {"yes": 0, "no": 0}
        self.crowd: Crowd | None = None
        self.age: Callable[[], float | None] = lambda: None
        self.hours: Callable[[], Sequence[TrafficHour]] = tuple
        self.machine: tuple[Metric, ...] = ()

    def count(self, kind: str, language: str, status: int, seconds: float) -> None:
        """A response was sent, so long after its request was whole."""
        key = (kind, language, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def voted(self, *, useful: bool) -> None:
        """A visitor said whether a page is useful, and it was kept."""
        self.votes["yes" if useful else "no"] += 1

    def page(self, more: "Iterable[Metric]" = ()) -> bytes:
        """All of it in the newest text format of the installed prometheus_client.

        `more` are the families that tell of this machine.
        """
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        registry.register(Families(more))
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> "Iterator[Metric]":
        """The metric families, as prometheus_client's collectors give them."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        yield InfoMetricFamily("portbook", "The program.", {"version": __version__})
        requests = CounterMetricFamily(
            "portbook_requests",
            "Responses by kind of page, language and status.",
            labels=("page", "language", "status"),
        )
        for (kind, language, status), number in sorted(self.requests.items()):
            requests.add_metric((kind, language, str(status)), number)
        yield requests
        seconds = HistogramMetricFamily("portbook_response_seconds", "From request to response.")
        total, buckets = 0, []
        for bound, number in zip((*map(str, BOUNDS), "+Inf"), self.buckets, strict=True):
            total += number
            buckets.append((bound, float(total)))
        seconds.add_metric((), buckets, self.seconds)
        yield seconds
        votes = CounterMetricFamily("portbook_votes", "Votes on pages.", labels=("useful",))
        for useful, number in self.votes.items():
            votes.add_metric((useful,), number)
        yield votes
        if (age := self.age()) is not None:
            yield GaugeMetricFamily(
                "portbook_snapshot_age_seconds", "Age of what is known of this machine.", value=age
            )
        if self.crowd is not None:
            yield GaugeMetricFamily(
                "portbook_connections", "Open connections.", value=len(self.crowd.open)
            )
            yield CounterMetricFamily(
                "portbook_connections_evicted",
                "Idle connections closed to make room.",
                value=self.crowd.evicted,
            )
            refused = CounterMetricFamily(
                "portbook_connections_refused",
                "Requests refused before they were whole or understood.",
                labels=("status",),
            )
            for status, number in sorted(self.crowd.refused.items()):
                refused.add_metric((str(int(status)),), number)
            yield refused
        yield from watch_families(self.hours())


class Measured:
    """ASGI middleware around everything else: counts each response, and with `log` tells of it.

    The kind of a page is the file of the view that made it; what no view saw is `refused`.
    """

    def __init__(self, app: "ASGIApp", metrics: Metrics, *, log: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on, and look at what is sent back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = clock.monotonic()
        status, language, first = 0, "", began

        async def seen(message: "Message") -> None:
            nonlocal status, language, first
            if message["type"] == "http.response.start":
                first = clock.monotonic()
                status = message["status"]
                for name, value in message.get("headers", ()):
                    if name == b"content-language":
                        language = value.decode("latin-1")
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            took = clock.monotonic() - began
            view = scope.get("endpoint")
            kind = view.__module__.rpartition(".")[2] if view is not None else "refused"
            # A stream of events lasts as long as its client: what counts is when it began.
            measured = first - began if kind == "events" else took
            self._metrics.count(kind, language, status or 500, measured)
            if self._log:
                _tell(scope, status or 500, took)


def _tell(scope: "Scope", status: int, took: float) -> None:
    """One line on stderr. What the client sent is escaped: it could steer a terminal."""
    client = scope.get("client")
    whose = client[0] if client else "-"
    target = scope["raw_path"][:2048]
    if scope["query_string"]:
        target += b"?" + scope["query_string"][:2048]
    said = "".join(chr(sign) if 0x21 <= sign < 0x7F else f"\\x{sign:02x}" for sign in target)
    when = clock.iso(clock.now())
    line = f"{when} {whose} {scope['method']} {said} {status} {took * 1000:.1f}ms"
    print(line, file=sys.stderr, flush=True)
