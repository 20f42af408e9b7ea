"""The last hour of a port that is watched, in sentences and rows: who called, and what for."""

from markupsafe import Markup

from portbook.model.record import Record
from portbook.model.traffic import VERDICTS, TopSource, TrafficHour
from portbook.pages.prose.escaped import Escaped, escaped
from portbook.pages.prose.listeners import visible
from portbook.pages.words import Words


class Caller(Record):
    """One source: what it is in words, its tool and kind of scan, and when it was last seen."""

    address: str
    said: str
    tool: str
    contacts: str
    last: str


class HourText(Record):
    """What is told of the hour. `sentences` are whole ones, `callers` the foremost sources."""

    sentences: tuple[Markup, ...]
    callers: tuple[Caller, ...]


def hour_text(words: Words, hour: TrafficHour) -> HourText:
    """What a watch wrote of the last hour."""
    said = escaped(words)
    names = caller_names(words)
    callers = tuple(_caller(words, names, each) for each in hour.top)
    return HourText(tuple(_sentences(said, hour)), callers)


def caller_names(words: Words) -> dict[str, str]:
    """What a source can be, in one word."""
    return {
        "client": words.text("client"),
        "health-check": words.text("health check"),
        "probe": words.text("probe"),
        "scan": words.text("scan"),
        "backscatter": words.text("backscatter"),
        "unknown": words.text("unknown"),
    }


def _caller(words: Words, names: dict[str, str], source: TopSource) -> Caller:
    name = names[source.verdict]
    return Caller(
        visible(source.address),
        f"{name} ({source.scan_type})" if source.scan_type else name,
        visible(source.tool or ""),
        words.number(source.contacts),
        source.last,
    )


def _sentences(words: Escaped, hour: TrafficHour) -> list[Markup]:
    times = {"since": words.words.moment(hour.since), "until": words.words.moment(hour.until)}
    said = []
    if hour.sources:
        said.append(
            words.plural(
                "%(n)s address called it from %(since)s to %(until)s: %(what)s.",
                "%(n)s addresses called it from %(since)s to %(until)s: %(what)s.",
                hour.sources,
                what=words.listed(_counted(words, hour.verdicts)),
                **times,
            )
        )
    else:
        said.append(words.text("Nobody called it from %(since)s to %(until)s.", **times))
    if hour.tools:
        tools = tuple(f"{tool} ({words.words.number(each)})" for tool, each in hour.tools.items())
        said.append(words.text("Tools that gave themselves away: %(tools)s.", tools=_some(tools)))
    if hour.listening is not None:
        answered = words.text("A service answers on it.")
        said.append(answered if hour.listening else words.text("No service answers on it."))
    if not hour.watching:
        said.append(words.text("The watch has ended since."))
    return said


def _some(items: tuple[str, ...]) -> Markup:
    return Markup(", ").join(items)


def _counted(words: Escaped, verdicts: dict[str, int]) -> tuple[Markup, ...]:
    """Each verdict with the number of its sources, those with most first."""
    forms = {
        "client": lambda n: words.plural("%(n)s client", "%(n)s clients", n),
        "health-check": lambda n: words.plural("%(n)s health check", "%(n)s health checks", n),
        "probe": lambda n: words.plural("%(n)s probe", "%(n)s probes", n),
        "scan": lambda n: words.plural("%(n)s scan", "%(n)s scans", n),
        "backscatter": lambda n: words.plural(
            "%(n)s source of backscatter", "%(n)s sources of backscatter", n
        ),
        "unknown": lambda n: words.plural("%(n)s unknown", "%(n)s unknown", n),
    }
    order = sorted(verdicts.items(), key=lambda pair: (-pair[1], VERDICTS.index(pair[0])))
    return tuple(forms[name](number) for name, number in order if number)
