"""The fleet: all hosts at a glance, their list, a port across hosts, a host through time."""

from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portbook.fleet.host_through import MOST_PERIODS, HostThrough, through
from portbook.fleet.host_through import MOST_ROWS as HOST_ROWS
from portbook.fleet.overview import MOST_CHANGES, MOST_LISTED, STATES, Counted, Standing, listed
from portbook.fleet.overview import standing as stands
from portbook.fleet.port_across import MOST_ROWS, PortAcross, Wanted, across
from portbook.model import Gap, UsageError
from portbook.model.fleet import FleetChange, FleetHost
from portbook.pages.answering import Refused, data, moved, page, words_of
from portbook.pages.fleet.asking import asked, counted, desk_of, page_in, port_in, text_in
from portbook.pages.fleet.timeline import SPANS, timeline
from portbook.pages.fleet.told import Line, Names, query_of, short
from portbook.pages.prose.listeners import visible

MOST_PORTS = 8
_LONGEST = 400  # of what a query may compare with: an address has 2,048 bytes
_COUNTING = Gap("listeners", "they are being counted", "ask again in a few seconds")


async def fleet(request: Request) -> Response:
    """The page of the whole fleet."""
    if "go" in request.query_params:
        return _gone(request)
    found, sums = await _overview(request)
    names = Names(words_of(request))
    return page(
        request,
        "fleet.html",
        standing=found,
        counted=sums,
        busiest=await run_in_threadpool(sums.busiest, MOST_PORTS) if sums else (),
        verdicts=_verdicts(names, sums),
        changes=[names.change(each) for each in _changes(found, sums)],
    )


def _gone(request: Request) -> Response:
    """To the port or the host that was typed into the form: `?go=3255`."""
    desk_of(request)
    text = request.query_params["go"].strip()
    if text.isascii() and text.isdigit():
        return moved(request, f"/fleet/port/{text[:20]}")
    return moved(request, f"/fleet/host/{quote(text[:100], safe='')}")


async def fleet_json(request: Request) -> Response:
    """`portbook/fleet-overview/1`."""
    found, sums = await _overview(request)
    body = {
        "asked": found.asked,
        "hosts": found.hosts,
        "listeners": found.listeners,
        "counted": sums.as_of if sums else None,
        "verdicts": sums.verdicts if sums else {},
        "ports": await run_in_threadpool(sums.busiest, MOST_LISTED) if sums else (),
        "changes": _changes(found, sums),
        "incomplete": (*found.incomplete, *(() if sums else (_COUNTING,))),
    }
    return data(request, "fleet-overview", body, private=True)


async def _overview(request: Request) -> tuple[Standing, Counted | None]:
    return await asked(request, "standing", stands), await counted(request)


def _changes(found: Standing, sums: Counted | None) -> tuple[FleetChange, ...]:
    """What was opened and closed last, the newest first."""
    both = (*found.ended, *(sums.opened if sums else ()))
    return tuple(sorted(both, key=lambda each: each.at, reverse=True)[:MOST_CHANGES])


def _verdicts(names: Names, sums: Counted | None) -> list[tuple[str, str, int]]:
    counts = sums.verdicts if sums else {}
    return [(names.known(word), names.verdict(word), count) for word, count in counts.items()]


async def hosts(request: Request) -> Response:
    """The list of hosts, a part of it; `?state=silent` has those alone."""
    state, number, rows = await _hosts(request)
    return page(
        request,
        "fleet_hosts.html",
        hosts=rows[:MOST_LISTED],
        state=state,
        states=STATES,
        page_number=number,
        shown=visible,
        more=len(rows) > MOST_LISTED,
        standing=await asked(request, "standing", stands),
    )


async def hosts_json(request: Request) -> Response:
    """`portbook/fleet-hosts/1`: a part of what `portbook fleet hosts --json` prints."""
    _, number, rows = await _hosts(request)
    found = await asked(request, "standing", stands)
    more = (Gap("hosts", "there are more", f"?page={number + 1}"),)
    body = {
        "asked": found.asked,
        "hosts": rows[:MOST_LISTED],
        "incomplete": (*found.incomplete, *(more if len(rows) > MOST_LISTED else ())),
    }
    return data(request, "fleet-hosts", body, private=True)


async def _hosts(request: Request) -> tuple[str | None, int, tuple[FleetHost, ...]]:
    desk_of(request)
    number, state = page_in(request), request.query_params.get("state") or None
    if state is not None and state not in STATES:
        raise Refused(400, "A host is one of: %(states)s.", states=", ".join(STATES))
    key = ("hosts", number, state)
    return state, number, await asked(request, key, partial(listed, page=number, state=state))


async def port(request: Request) -> Response:
    """The page of a port across hosts."""
    number, wanted, found = await _port(request)
    names = Names(words_of(request))
    last = max(1, -(-found.fitting // MOST_ROWS))
    return page(
        request,
        "fleet_port.html",
        port=number,
        found=found,
        standing=await asked(request, "standing", stands),
        groups=[names.group(each) for each in found.groups],
        rows=[names.line(each) for each in found.listeners],
        periods=[names.period(each) for each in found.periods],
        narrowed=wanted.process is not None or wanted.verdict is not None,
        pages=(wanted.page, last),
        query=partial(query_of, wanted),
    )


async def port_json(request: Request) -> Response:
    """`portbook/fleet-port/1`."""
    number, wanted, found = await _port(request)
    stood = await asked(request, "standing", stands)
    more = found.fitting - wanted.page * MOST_ROWS
    gaps = (Gap("listeners", f"{more} more fit", f"?page={wanted.page + 1}"),) if more > 0 else ()
    body = {
        "port": number,
        "asked": stood.asked,
        "hosts": found.hosts,
        "total": found.total,
        "groups": found.groups,
        "fitting": found.fitting,
        "listeners": found.listeners,
        "periods": found.periods,
        "incomplete": (*stood.incomplete, *gaps),
    }
    return data(request, "fleet-port", body, private=True)


async def _port(request: Request) -> tuple[int, Wanted, PortAcross]:
    desk_of(request)
    number = port_in(request)
    wanted = Wanted(
        text_in(request, "process", _LONGEST), text_in(request, "verdict", 40), page_in(request)
    )
    key = ("port", number, wanted)
    return number, wanted, await asked(request, key, partial(across, port=number, wanted=wanted))


async def host(request: Request) -> Response:
    """The page of a host through time."""
    days, number, found = await _host(request, request.path_params["id"])
    names = Names(words_of(request))
    total = found.host.listeners
    return page(
        request,
        "fleet_host.html",
        found=found,
        host=found.host,
        days=days,
        spans=SPANS,
        chart=timeline(found),
        rows=[names.line(each) for each in found.listeners],
        periods=_newest([names.period(each) for each in found.periods]),
        known=names.known,
        verdict_name=names.verdict,
        shown=visible,
        short=lambda iso: short(words_of(request), iso, days),
        most=MOST_PERIODS,
        query=lambda part: f"days={days}&page={part}",
        gaps=[names.fact(each) for each in found.host.gaps],
        pages=(number, max(1, -(-total // HOST_ROWS))),
    )


def _newest(lines: list[Line]) -> list[Line]:
    """What is there now, then what ended last."""
    return sorted(lines, key=lambda each: (each.until or "~", each.since), reverse=True)


async def host_json(request: Request) -> Response:
    """`portbook/fleet-host/1`; for a host whose id ends in `.json` it is the page."""
    ident: str = request.path_params["id"]
    try:
        _, number, found = await _host(request, ident)
    except Refused as refused:
        if refused.status_code != HTTPStatus.NOT_FOUND or not desk_of(request):
            raise
        request.path_params["id"] = f"{ident}.json"
        try:
            return await host(request)
        except Refused:
            raise refused from None
    gaps: tuple[Gap, ...] = found.incomplete
    more = found.host.listeners - number * HOST_ROWS
    if more > 0:
        gaps = (*gaps, Gap("listeners", f"{more} more", f"?page={number + 1}"))
    body: dict[str, Any] = {**found._asdict(), "incomplete": gaps}
    return data(request, "fleet-host", body, private=True)


async def _host(request: Request, ident: str) -> tuple[int, int, HostThrough]:
    from portbook.fleet.settings import check_host

    desk_of(request)
    number, text = page_in(request), request.query_params.get("days", str(SPANS[1]))
    if text not in map(str, SPANS):
        raise Refused(
            400, "The days of a host are one of: %(spans)s.", spans=", ".join(map(str, SPANS))
        )
    found = None
    try:
        key = ("host", check_host(ident), text, number)
        question = partial(through, ident=ident, days=int(text), page=number)
        found = await asked(request, key, question)
    except UsageError:
        pass  # no host can have such an id
    if found is None:
        raise Refused(
            404,
            "No host of this fleet is called %(id)s.",
            id="".join(sign if sign.isprintable() else "?" for sign in ident[:63]),
            suggestions=(("/fleet/hosts", words_of(request).text("All hosts")),),
        )
    return int(text), number, found
