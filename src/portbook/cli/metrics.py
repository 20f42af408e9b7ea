"""Listeners, claims and callers in numbers, for Prometheus: on stdout, or a file for node_exporter.

The families are those that `/metrics` of `portbook serve` has. They name no process, user or claim.
"""

import argparse
import os
import sys

from portbook.cli.gaps import tell_gaps
from portbook.cli.render import emit_json, style_of
from portbook.host import Host, clock
from portbook.model import EnvironmentFault, Gap, PortbookError, UsageError, document, reason_of
from portbook.model.record import Record
from portbook.survey import hidden_owners, survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import Metric

    from portbook.pages.metric_families import Promised

_SUFFIX = ".prom"
_EVERY_PORT = range(1, 65536)


class Sample(Record):
    """One series and its value."""

    name: str
    labels: dict[str, str]
    value: float


class Family(Record):
    """A metric as Prometheus knows it. `type`: gauge, counter or info."""

    name: str
    type: str
    help: str
    samples: tuple[Sample, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook metrics`."""
    parser.add_argument(
        "--textfile", metavar="FILE", help="write FILE.prom for node_exporter, in one step"
    )


def main(options: argparse.Namespace) -> int:
    """0, or 3 where something could not be seen.

    Raises:
        EnvironmentFault: prometheus_client is missing, or the file cannot be written.
        UsageError: node_exporter would not read a file of that name.
    """
    if options.textfile is not None and not options.textfile.endswith(_SUFFIX):
        raise UsageError(
            f"--textfile {options.textfile}: node_exporter reads *{_SUFFIX} alone",
            hint=f"--textfile {options.textfile or 'portbook'}{_SUFFIX}",
        )
    try:
        from prometheus_client import generate_latest

        from portbook.pages.metric_families import Families
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("portbook"):
            raise
        raise EnvironmentFault(
            f"metrics need {(missing.name or '').partition('.')[0]}, which is not installed",
            hint='pip install "portbook[metrics]"',
        ) from None
    gaps: list[Gap] = []
    families = tuple(_families(Host(options.root), options.source, gaps))
    text = generate_latest(Families(families))
    if options.textfile is not None:
        _write(options.textfile, text)
    if options.json or options.jsonl:
        body = {"file": options.textfile, "families": _told(families), "incomplete": gaps}
        emit_json(document("metrics", body), line=options.jsonl)
    else:
        if options.textfile is None:
            sys.stdout.write(text.decode())
            sys.stdout.flush()
        tell_gaps(gaps, style_of(options.color))
    return 3 if gaps else 0


def _families(host: Host, source: str | None, gaps: list[Gap]) -> "Iterator[Metric]":
    """All of them; what could not be seen is added to `gaps`."""
    from prometheus_client.core import InfoMetricFamily

    from portbook.model.version import __version__
    from portbook.pages.metric_families import claim_families, machine_families, watch_families
    from portbook.survey.counted import counted

    found = survey(host, source=source)
    gaps += (*found.gaps, *hidden_owners(found.listeners))
    # Before they are counted: a store that cannot be read is missing, too.
    promised = _promised(gaps) if host.live else None
    yield InfoMetricFamily("portbook", "The program.", {"version": __version__})
    yield from machine_families(counted(found.listeners), len(gaps))
    if promised is not None:
        yield from claim_families(promised)
    if host.live:
        from portbook.survey.watched import read_hours

        hours = read_hours(_EVERY_PORT, clock.now())
        yield from watch_families([hours[port] for port in sorted(hours)])


def _promised(gaps: list[Gap]) -> "Promised | None":
    """Claims with the state that the kernel shows now; no store is made where there is none."""
    from portbook.host.folders import any_claims
    from portbook.pages.metric_families import Promised

    if not any_claims():
        return Promised((), (), ())
    from portbook.survey.claiming import open_claims, seen

    access = open_claims()
    try:
        return Promised(seen(access.claims()), access.reservations(), access.semaphores())
    except PortbookError as error:
        gaps.append(Gap("claims", reason_of(error), error.hint))
        return None
    finally:
        access.close()


def _told(families: "Iterable[Metric]") -> tuple[Family, ...]:
    return tuple(
        Family(
            *(each.name, each.type, each.documentation),
            tuple(Sample(one.name, dict(one.labels), one.value) for one in each.samples),
        )
        for each in families
    )


def _write(path: str, text: bytes) -> None:
    """Put the file in its place in one step; node_exporter, another user, may read a new one."""
    from portbook.cli.file_writing import write_file

    before = os.umask(0o022)
    try:
        write_file(path, text, what="metrics")
    finally:
        os.umask(before)
