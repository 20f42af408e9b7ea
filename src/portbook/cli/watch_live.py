"""`portbook watch` as it happens: a line when a verdict changes, a status line, a summary."""

import argparse
import sys
from collections.abc import Sequence

from portbook.cli.render import emit, emit_json, encodable, style_of
from portbook.cli.telling import say
from portbook.cli.watch_ports import watched_text
from portbook.host import clock
from portbook.host.signals import Ending
from portbook.survey.watching import Watching
from portbook.survey.watching_live import Calls, Change, Progress, watch

MOST_LINES = 20
"""Lines for changes of one look, about a second; what is beyond is told as a number."""


def watch_live(watching: Watching, options: argparse.Namespace) -> int:
    """Watch until the time is over or somebody ends it (Ctrl-C, SIGTERM), then sum up.

    Both are the normal end, so the exit code is that of the answer.
    """
    import gc

    # A long run makes garbage; what is loaded now is none and need not be looked at again.
    gc.collect()
    gc.freeze()
    gc.enable()
    teller = _Teller(options, watching)
    with Ending() as ending:
        try:
            watched = watch(
                watching,
                interface=options.interface,
                span=options.span,
                ended=ending.wait,
                calls=Calls(teller.changed, teller.progress, began=teller.began),
            )
        finally:
            teller.clear()
    from portbook.cli.watch import tell

    if teller.told:
        emit([""])
    return tell(watched, options)


class _Teller:
    """What is printed while the watch goes on."""

    def __init__(self, options: argparse.Namespace, watching: Watching) -> None:
        self._ports = watching.ports
        self._interface = options.interface
        self._jsonl = options.jsonl
        self._silent = options.json and not options.jsonl
        self._style = style_of(options.color)
        self._status = (
            not self._silent and not self._jsonl and sys.stderr is not None and sys.stderr.isatty()
        )
        self._shown = ""
        self.told = False

    def began(self, looked_at: str) -> None:
        """Say on stderr that from now on nothing is missed; a script can wait for that line."""
        where = "every interface" if self._interface is None else self._interface
        said, place = "the connections of ", ""
        if looked_at == "packets":
            said, place = "", f" on {where}"
        say(f"watching {said}{watched_text(self._ports)}{place}; Ctrl-C ends it")

    def changed(self, changes: Sequence[Change]) -> None:
        """Tell of sources whose verdict is new."""
        if self._silent or not changes:
            return
        at = clock.iso(clock.now())
        more = len(changes) - MOST_LINES
        self.clear()
        if self._jsonl:
            from portbook.cli.watch_document import event_document

            for each in changes[:MOST_LINES]:
                emit_json(event_document(at, each.before, each.source), line=True)
            if more > 0:
                emit_json(event_document(at, None, None, more), line=True)
            return
        from portbook.cli.watch_text import event_line

        lines = [
            event_line(at, each.before, each.source, self._style) for each in changes[:MOST_LINES]
        ]
        if more > 0:
            lines.append(f"{at[11:19]}  and {more:,} more sources at once")
        self.told = True
        emit(lines)

    def progress(self, now: Progress) -> None:
        """Show how it stands, on a terminal."""
        if not self._status:
            return
        text = f"{now.packets:,} packets, {now.sources:,} sources"
        if now.dropped:
            text += f", {now.dropped:,} dropped by the kernel"
        if text != self._shown:
            self._shown = text
            print(encodable(f"\r\x1b[K{text}", sys.stderr), end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the status line away, so that another line can stand there."""
        if self._shown:
            self._shown = ""
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
