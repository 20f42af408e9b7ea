"""Every claim and semaphore of this machine: who has what, since when, bound or squatted."""

import argparse

from portbook.cli import lease_rows, render
from portbook.cli.arguments import seconds_to
from portbook.cli.render import emit, emit_json, style_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from portbook.claims.access import Access
    from portbook.model.claim import Claim


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook claims`."""
    parser.add_argument("--port", metavar="P", action="append", help="only these ports")
    parser.add_argument("--all", action="store_true", help="the reserved numbers too")
    parser.add_argument(
        "--watch", metavar="SECONDS", type=seconds_to(86400), help="again and again"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 1 where a claim is squatted, or --port names none."""
    from portbook.host import clock
    from portbook.survey.claiming import open_claims

    wanted = _wanted(options.port)
    access = open_claims()
    try:
        if options.watch is None:
            return _show(access, wanted, options)
        import gc

        gc.enable()
        while True:
            if not options.json and not options.jsonl and render.is_terminal():
                render.clear_screen()
            _show(access, wanted, options)
            clock.sleep(options.watch)
    finally:
        access.close()


def _wanted(texts: list[str] | None) -> "Callable[[str, int, int], bool]":
    """Whether ports of a transport are among those asked for: (transport, first, last)."""
    from portbook.cli.arguments import parse_target

    targets = [parse_target(text) for text in texts or ()]

    def wanted(transport: str, first: int, last: int) -> bool:
        return not targets or any(
            transport in (kind or transport, "") and any(first <= port <= last for port in ports)
            for ports, kind in targets
        )

    return wanted


def _show(
    access: "Access", wanted: "Callable[[str, int, int], bool]", options: argparse.Namespace
) -> int:
    from portbook.model.document import document
    from portbook.survey.claiming import seen

    def meant(each: "Claim") -> bool:
        return wanted(each.transport, each.port, each.port + each.size - 1)

    people = lease_rows.People()
    rows = [
        lease_rows.claim_row(each, people)
        for each in sorted(
            seen(each for each in access.claims() if meant(each)),
            key=lambda each: (each.port, each.transport, each.address),
        )
    ]
    semaphores = (
        []
        if options.port
        else [lease_rows.semaphore_row(each, people) for each in access.semaphores()]
    )
    kept = [
        lease_rows.reservation_row(each, people)
        for each in (access.reservations() if options.all else ())
        if wanted("", each.port, each.port + each.size - 1)
    ]
    if options.json or options.jsonl:
        body = {"claims": rows, "semaphores": semaphores}
        if options.all:
            body["reservations"] = kept
        emit_json(document("claims", body), line=bool(options.jsonl or options.watch))
    else:
        from portbook.cli.claims_text import claims_lines

        emit(claims_lines(rows, semaphores, kept, style_of(options.color)))
    squatted = any(row.state == "squatted" for row in rows)
    return 1 if squatted or (options.port and not rows and not kept) else 0
