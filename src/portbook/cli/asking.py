"""Asking the listeners of a survey what they speak, with a progress bar."""

from collections.abc import Callable

from portbook.cli.progress import Bar
from portbook.host import Host
from portbook.model import Listener
from portbook.survey import Survey
from portbook.survey.identifying import Asking, identified


def ask_listeners(
    host: Host, found: Survey, wanted: Callable[[Listener], bool], *, wire: bool
) -> Survey:
    """The survey with what the wanted listeners speak, and their verdicts weighed again.

    Without `wire` nobody is asked: the process and the number suggest what they can.
    """
    rows = [row for row in found.listeners if wanted(row)]
    with Bar("asking listeners") as bar:
        asked = 0

        def done(_: Listener) -> None:
            nonlocal asked
            asked += 1
            bar.show(asked, len(rows))

        answers = identified(host, rows, Asking(wire=wire, done=done))
    known = {id(row): new for row, new in zip(rows, answers.listeners, strict=True)}
    listeners = tuple(known.get(id(row), row) for row in found.listeners)
    return Survey(listeners, (*found.gaps, *answers.gaps))
