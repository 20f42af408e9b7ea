"""Write docs/schema/*.json from the model's types: tools/make_schemas.py [--check].

The field names of the value types are the JSON names, so the schemas cannot drift from the code.
Objects stay open: fields are only ever added within a version.
"""

import argparse
import json
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from portbook import model
from portbook.cli.decoy import Stood
from portbook.cli.env import Merged, Variable
from portbook.cli.fleet_agent import AgentState
from portbook.cli.history import History
from portbook.cli.identify import Row
from portbook.cli.lease_rows import ClaimRow, PermitRow, ReservationRow, SemaphoreRow
from portbook.cli.lint_rules import LintRule, RulePage
from portbook.cli.metrics import Family
from portbook.cli.open import Opened
from portbook.cli.release import Released
from portbook.cli.reserve import KernelLine, Reserved
from portbook.cli.run import Running
from portbook.cli.serve import Serving
from portbook.cli.stop_act import Ended
from portbook.cli.stop_plan import Refusal, Step
from portbook.cli.watch_document import TrafficEvent
from portbook.fleet.host_through import HostThrough
from portbook.fleet.hub import HubState
from portbook.fleet.inventory import Listing
from portbook.fleet.inventory_free import FreePorts
from portbook.fleet.inventory_hosts import Hosts
from portbook.fleet.inventory_time import Changes, Periods
from portbook.fleet.migrating import Migrated
from portbook.fleet.overview import PortUse
from portbook.fleet.port_across import PortAcross
from portbook.fleet.removing import Removed
from portbook.fleet.retaining import Retained
from portbook.lint import keeping
from portbook.lint.settings import SEVERITIES
from portbook.model.declared import ROLES, Declared, LintFinding
from portbook.model.feedback import Feedback, PageVotes
from portbook.model.finding import Drift, Finding, Kept
from portbook.model.fleet import (
    Asked,
    FleetChange,
    FleetFreePort,
    FleetHost,
    FleetListener,
    FleetPeriod,
)
from portbook.model.speaks import CONFIDENCES
from portbook.model.timeline import Change, Period
from portbook.model.traffic import SCAN_TYPES, TOOLS, Traffic, TrafficHour
from portbook.model.traffic import VERDICTS as VISITORS
from portbook.model.visit import ENDS, Visit
from portbook.pages.export.exporting import Export
from portbook.pages.fleet.picture import HostsRun
from portbook.pages.portmap.document import PortMap
from portbook.pages.views.enter import Code
from portbook.pages.views.health import Health
from portbook.registry.census import Census
from portbook.registry.install import Report
from portbook.registry.orphans import OrphanReport
from portbook.registry.registrations import VERDICTS, Registration
from portbook.registry.search import Match
from portbook.registry.sources import Sources
from portbook.survey.explaining import Explained
from portbook.survey.picking import BECAUSE, FreePort, RefusedPort
from portbook.survey.watching import Calibration

SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"
DRAFT = "https://json-schema.org/draft/2020-12/schema"

ENUMS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Life", "verdict"): (
        *("alive", "overtaken", "orphan", "young"),
        *("unassigned", "reserved", "dynamic"),
    ),
    ("Registration", "life"): VERDICTS,
    ("Freed", "life"): ("unassigned", "reserved", "dynamic"),
    ("PortRange", "name"): ("system", "user", "dynamic"),
    ("Candidate", "kind"): ("registered", "unofficial", "custom", "malware", "probe"),
    ("Socket", "family"): ("ipv4", "ipv6"),
    ("Owner", "proof"): ("fd", "cgroup", "none"),
    ("Listener", "reach"): ("loopback", "link-local", "private", "any", "other-netns"),
    ("Verdict", "value"): (
        *("expected", "familiar", "unregistered"),
        *("mismatch", "suspicious", "unknown"),
    ),
    ("Unknown", "unknown"): (
        *("denied", "vanished", "not-asked", "unsupported", "unreadable", "no-process", "outside"),
    ),
    ("Reason", "kind"): (
        *("listening", "bound-not-listening", "client", "time-wait", "kernel-reserved"),
        *("privileged", "other-netns-publish", "claimed", "hidden", "address", "disagreement"),
    ),
    ("Family", "type"): ("gauge", "counter", "info"),
    ("Explained", "transport"): ("tcp", "udp"),
    ("Explained", "error"): ("in-use", "denied", "unavailable"),
    ("RefusedPort", "because"): BECAUSE,
    ("Finding", "severity"): ("high", "medium", "low", "info"),
    ("LintFinding", "severity"): SEVERITIES,
    ("LintRule", "severity"): SEVERITIES,
    ("RulePage", "severity"): SEVERITIES,
    ("Declared", "role"): ROLES,
    ("Suspicion", "severity"): ("high", "medium", "low", "info"),
    ("Speaks", "confidence"): ("certain", "likely", "guess"),
    ("Speaks", "behaviour"): (
        *("silent", "closes", "resets", "refuses", "full", "tls-only", "answers", "floods"),
        "not-asked",
    ),
    ("Change", "kind"): ("appeared", "gone", "changed"),
    ("Change", "change"): ("added", "removed", "changed"),
    ("Pause", "why"): ("not-running", "asleep", "stalled", "not-written"),
    ("Report", "outcome"): (
        *("imported", "current", "rolled-back"),
        *("nothing-to-roll-back", "status"),
    ),
    ("PortMap", "by"): ("life", "year", "range", "here"),
    ("ClaimRow", "state"): ("reserved", "bound", "squatted", "expired", "released"),
    ("ClaimRow", "transport"): ("tcp", "udp"),
    ("Health", "status"): ("ok", "outdated", "draining"),
    ("PortMap", "layout"): ("hilbert", "rows"),
    ("Asked", "source"): ("stored", "live"),
    ("FleetPeriod", "ended"): ("closed", "changed"),
    ("FleetChange", "kind"): ("opened", "closed", "changed"),
    ("FleetHost", "state"): ("fresh", "silent", "never", "duplicate"),
    ("InUse", "table"): ("built-in", "imported"),
    ("Bindable", "table"): ("free", "taken", "unknown"),
    ("Visit", "transport"): ("tcp", "udp"),
    ("Visit", "confidence"): ("certain", "likely", "guess"),
    ("Visit", "ended"): ENDS,
    ("Bindable", "probe"): ("free", "taken", "denied", "not-asked"),
    ("SourceSeen", "verdict"): VISITORS,
    ("SourceSeen", "scan_type"): SCAN_TYPES,
    ("SourceSeen", "tool"): TOOLS,
    ("SourceSeen", "confidence"): CONFIDENCES,
    ("Opener", "confidence"): CONFIDENCES,
    ("TopSource", "verdict"): VISITORS,
    ("TopSource", "scan_type"): SCAN_TYPES,
}

PAIRS: dict[tuple[str, str], Any] = {
    ("Answer", "traffic"): TrafficHour | None,
    ("Traffic", "verdicts"): dict[str, int],
    ("Traffic", "passed"): dict[str, int],
    ("PortSeen", "verdicts"): dict[str, int],
    ("PortSeen", "tools"): dict[str, int],
    ("Opener", "details"): dict[str, str],
    ("Opener", "shows"): str,
}
"""Fields that `portbook watch` prints in another form: pairs as objects, bytes as text."""


class Document(NamedTuple):
    """One document: what it is, and its top-level fields as (name, type, may be left out)."""

    about: str
    fields: tuple[tuple[str, Any], ...]
    optional: tuple[str, ...] = ()


_GAPS = ("incomplete", tuple[model.Gap, ...])


def _fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((name, PAIRS.get((kind.__name__, name), hint)) for name, hint in hints.items())


def documents() -> dict[str, Document]:
    """Every document that portbook prints, by the middle part of its schema id."""
    bindable = (("tcp", model.Bindable), ("udp", model.Bindable))
    return {
        "answer": Document("Everything about one port here", _fields(model.Answer)),
        "answers": Document(
            "The answers for several ports", (("answers", tuple[model.Answer, ...]), _GAPS)
        ),
        "listeners": Document(
            "Every listener of one host",
            (("host", str), ("at", str), ("listeners", tuple[model.Listener, ...]), _GAPS),
        ),
        "listener": Document("One listener of a stream", (("listener", model.Listener),)),
        "why": Document(
            "Whether a port can be bound, per transport asked about",
            (("port", int), *bindable, _GAPS),
            ("tcp", "udp"),
        ),
        "explain-error": Document(
            "The ports that a program's output complains of, and why each can or cannot be bound",
            (("found", tuple[Explained, ...]), _GAPS),
        ),
        "search": Document(
            "Services and products that fit a text",
            (("text", str), ("matches", tuple[Match, ...]), _GAPS),
        ),
        "match": Document("One match of a stream", _fields(Match)),
        "orphans": Document(
            "Registrations without a public trace, and how many others live",
            (*_fields(OrphanReport), _GAPS),
        ),
        "sources": Document("The sources of the evidence", _fields(Sources)),
        "source": Document("One source of a stream", _fields(model.Source)),
        "identify": Document("What listeners really speak", (("targets", tuple[Row, ...]), _GAPS)),
        "target": Document("One listener of a stream", _fields(Row)),
        "incomplete": Document("The closing line of a stream that lacks something", (_GAPS,)),
        "audit": Document(
            "What does not belong, and what differs from a baseline",
            (
                *(("host", str), ("at", str)),
                *(("findings", tuple[Finding, ...]), ("drift", Drift), _GAPS),
            ),
        ),
        "finding": Document("One finding of a stream", _fields(Finding)),
        "baseline": Document(
            "The file that an audit compares with",
            (("host", str), ("at", str), ("listeners", tuple[Kept, ...])),
        ),
        "lint": Document(
            "What the ports of a project's files come to",
            (("root", str), ("files", int), ("findings", tuple[LintFinding, ...]), _GAPS),
        ),
        "lint-finding": Document("One finding of a stream", _fields(LintFinding)),
        "lint-rule": Document("A rule of lint with its page", _fields(RulePage)),
        "lint-rules": Document("The rules of a lint", (("rules", tuple[LintRule, ...]),)),
        "lint-baseline": Document(
            "The file that a lint compares with", (("findings", tuple[keeping.Kept, ...]),)
        ),
        "declared": Document(
            "Every port that a project's files declare",
            (("root", str), ("files", int), ("declared", tuple[Declared, ...]), _GAPS),
        ),
        "declared-port": Document("One declared port of a stream", _fields(Declared)),
        "stop": Document(
            "What would be ended, or was",
            (
                *(("port", int), ("outcome", str), ("dry_run", bool)),
                *(("steps", tuple[Step, ...]), ("refused", tuple[Refusal, ...])),
                *(("ended", tuple[Ended, ...]), ("still", tuple[model.Socket, ...])),
                *(("again", tuple[model.Socket, ...]), _GAPS),
            ),
        ),
        "history": Document("Who held a port, and when", _fields(History)),
        "period": Document("One period of a stream", _fields(Period)),
        "record": Document(
            "What a recorder did",
            (("database", str), ("samples", int), ("changes", int), _GAPS),
        ),
        "change": Document("One change of a stream", _fields(Change)),
        "feedback": Document("What visitors said about the pages of the book", _fields(Feedback)),
        "page-votes": Document("One page of a stream, and the votes on it", _fields(PageVotes)),
        "update": Document("What an update did, and the table in use", _fields(Report)),
        "serve": Document("A server that answers", _fields(Serving)),
        "open": Document("An address that lets one browser in", _fields(Opened)),
        "health": Document("Whether the server works", _fields(Health)),
        "code": Document("A one-time code", _fields(Code)),
        "map": Document("Every port with its kind, run-length encoded", _fields(PortMap)),
        "tombstone": Document("One such registration of a stream", _fields(Registration)),
        "registration": Document(
            "One registration of a stream, of whatever life", _fields(Registration)
        ),
        "export": Document("What an export of the book came to", _fields(Export)),
        "run": Document("A program that starts with a port of its own", _fields(Running)),
        "free": Document(
            "Numbers that are free to take, and those that were passed over",
            (("ports", tuple[FreePort, ...]), ("refused", tuple[RefusedPort, ...]), _GAPS),
        ),
        "reserve": Document(
            "Numbers kept for good, and the kernel's setting and a unit where they were asked for",
            (
                ("reservations", tuple[Reserved, ...]),
                *(("kernel", KernelLine | None), ("unit", str | None), _GAPS),
            ),
        ),
        "unreserve": Document(
            "The number that was given back, if there was one",
            (("reservations", tuple[Reserved, ...]), _GAPS),
        ),
        "env": Document(
            "The numbers of a project as variables, and the file they were set in",
            (
                *(("project", str), ("variables", tuple[Variable, ...])),
                *(("dotenv", Merged | None), _GAPS),
            ),
        ),
        "completion": Document(
            "A script that completes portbook's command line in a shell",
            (("shell", str), ("script", str)),
        ),
        "claims": Document(
            "Every claim and semaphore of this machine, and with --all what is reserved",
            (
                *(("claims", tuple[ClaimRow, ...]), ("semaphores", tuple[SemaphoreRow, ...])),
                ("reservations", tuple[ReservationRow, ...]),
            ),
            ("reservations",),
        ),
        "claim": Document(
            "What was claimed, and whether by the service or in the store",
            (("claims", tuple[ClaimRow, ...]), ("via", str)),
        ),
        "renew": Document("What was renewed", (("claims", tuple[ClaimRow, ...]),)),
        "release": Document(
            "What was given back, or had ended before", (("released", tuple[Released, ...]),)
        ),
        "sem": Document(
            "A permit that was taken or renewed, whether one was given back, or all semaphores",
            (
                *(("permit", PermitRow), ("released", bool)),
                ("semaphores", tuple[SemaphoreRow, ...]),
            ),
            ("permit", "released", "semaphores"),
        ),
        "decoy": Document("What a decoy saw", _fields(Stood)),
        "visit": Document("One visit of a stream", _fields(Visit)),
        "census": Document("The whole registry counted", (*_fields(Census), _GAPS)),
        "metrics": Document(
            "What Prometheus is told, and the file that it was written to",
            (("file", str | None), ("families", tuple[Family, ...]), _GAPS),
        ),
        "traffic": Document(
            "What touched some ports: each source with its verdict, each port in a sentence",
            (*_fields(Traffic), ("calibration", Calibration)),
            ("calibration",),
        ),
        "traffic-hour": Document(
            "The last hour of a port that a service watches", _fields(TrafficHour)
        ),
        "traffic-event": Document(
            "One line of a stream: a source whose verdict is new", _fields(TrafficEvent)
        ),
        **_fleet_pages(),
        **_fleet_answers(),
    }


def _fleet_pages() -> dict[str, Document]:
    """The documents of the pages about a fleet."""
    asked = ("asked", Asked)
    return {
        "fleet-overview": Document(
            "All hosts of a fleet in numbers; `counted` says when listeners were, null: not yet",
            (
                *(asked, ("hosts", dict[str, int]), ("listeners", int)),
                *(("counted", str | None), ("verdicts", dict[str, int])),
                *(("ports", tuple[PortUse, ...]), ("changes", tuple[FleetChange, ...]), _GAPS),
            ),
        ),
        "fleet-port": Document(
            "A port across the hosts of a fleet, a part of its listeners",
            (
                *(("port", int), asked),
                *(each for each in _fields(PortAcross) if each[0] != "port"),
                _GAPS,
            ),
        ),
        "fleet-host": Document("A host of a fleet through time", _fields(HostThrough)),
        "fleet-map": Document(
            "How many hosts of a fleet use each port; ports that none uses are left out",
            (
                *(("as_of", str | None), ("counts", dict[str, int])),
                *(("runs", tuple[HostsRun, ...]), _GAPS),
            ),
        ),
    }


def _fleet_answers() -> dict[str, Document]:
    """The documents of `portbook fleet`."""
    texts = tuple[str, ...]
    return {
        "fleet-who": Document("Who listens on a port, on every host", _fields(Listing)),
        "fleet-ls": Document("Listeners of every host that fit a filter", _fields(Listing)),
        "fleet-audit": Document(
            "Listeners of every host that do not belong, worst first", _fields(Listing)
        ),
        "fleet-history": Document("Who held a port, and when, on every host", _fields(Periods)),
        "fleet-drift": Document("What changed on every host, the net effect", _fields(Changes)),
        "fleet-free": Document("Numbers that are free on every host", _fields(FreePorts)),
        "fleet-hosts": Document("The hosts, and when they reported", _fields(Hosts)),
        "fleet-listener": Document("One listener of a stream", (("listener", FleetListener),)),
        "fleet-period": Document("One version of a listener", (("period", FleetPeriod),)),
        "fleet-change": Document("One change of a stream", (("change", FleetChange),)),
        "fleet-member": Document("One host of a stream", (("host", FleetHost),)),
        "fleet-free-port": Document("One free number of a stream", (("port", FleetFreePort),)),
        "fleet-asked": Document("The end of a stream: whom it is from", (("asked", Asked), _GAPS)),
        "fleet-init": Document("What was done to the store's schema", _fields(Migrated)),
        "fleet-retain": Document("Which months of the history are kept", _fields(Retained)),
        "fleet-enrol": Document(
            "A token with which a host joins once; null: one that is on the bus alone",
            (("host", str), ("token", str | None), ("expires", str | None)),
        ),
        "fleet-join": Document(
            "As what a host joined, and the file that says so",
            (
                *(("host", str), ("login", str), ("store", str), ("bus", str | None)),
                ("settings", str),
            ),
        ),
        "fleet-remove": Document("A host that left, and what went with it", _fields(Removed)),
        "fleet-nats-config": Document(
            "A configuration of nats-server, and the hosts that have no key for it",
            (("configuration", str), ("hosts", texts), ("without_key", texts)),
        ),
        "fleet-agent": Document("What an agent has reported", (*_fields(AgentState), _GAPS)),
        "fleet-hub": Document("What a hub has taken", (*_fields(HubState), _GAPS)),
    }


class Schema:
    """One JSON Schema under construction, with its shared definitions."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._kinds: dict[str, Any] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of one type."""
        plain = {
            str: "string",
            int: "integer",
            float: "number",
            bool: "boolean",
            type(None): "null",
        }
        if kind is object:
            return {}
        if kind in plain:
            return {"type": plain[kind]}
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(argument) for argument in arguments]}
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if kind is model.Transport:
            return {"enum": [transport.value for transport in model.Transport]}
        if hasattr(kind, "_fields"):
            return self._object(kind)
        raise TypeError(f"no schema for {kind!r}")

    def _object(self, kind: Any) -> dict[str, Any]:
        name = kind.__name__
        if self._kinds.setdefault(name, kind) is not kind:
            raise TypeError(f"two types of one document are called {name}")
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.body(kind.__doc__ or "", self._properties(kind))
        return {"$ref": f"#/$defs/{name}"}

    def _properties(self, kind: Any) -> dict[str, Any]:
        hints = get_type_hints(kind)
        if kind is model.Listener:
            # A listener is printed flat: the socket's fields, then its own.
            hints.pop("socket")
            properties = self._properties(model.Socket)
            for left_out in ("cgroup", "peer"):
                properties.pop(left_out)
        else:
            properties = {}
        for field, hint in hints.items():
            enum = ENUMS.get((kind.__name__, field))
            absent = (None,) if type(None) in get_args(hint) else ()
            printed = PAIRS.get((kind.__name__, field), hint)
            properties[field] = {"enum": [*enum, *absent]} if enum else self.of(printed)
        return properties

    @staticmethod
    def body(
        about: str, properties: dict[str, Any], optional: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """An open object with these properties, all required but the optional ones."""
        return {
            "description": " ".join(about.partition("\n\n")[0].split()),
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name not in optional],
        }


def schema_of(name: str, document: Document) -> dict[str, Any]:
    """The whole JSON Schema of one document."""
    schema = Schema()
    if name == "listener":
        properties = schema._properties(model.Listener)  # noqa: SLF001 - same file
    else:
        properties = {field: schema.of(kind) for field, kind in document.fields}
    identifier = {"schema": {"const": f"portbook/{name}/1"}}
    return {
        "$schema": DRAFT,
        "title": f"portbook/{name}/1",
        **schema.body(document.about, identifier | properties, document.optional),
        "$defs": dict(sorted(schema.definitions.items())),
    }


def main() -> int:
    """Write the schemas, or with --check say which differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    check = parser.parse_args().check
    stale = []
    for name, document in documents().items():
        file = SCHEMAS / f"{name}.json"
        text = json.dumps(schema_of(name, document), indent=2) + "\n"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(file.name)
            if not check:
                file.write_text(text, encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
