"""What the lives and ranges of numbers are called, and counts of them in sentences."""

from collections.abc import Mapping

from portbook.pages.words import Words


def life_names(words: Words) -> dict[str, str]:
    """Every life in one word."""
    return {
        "alive": words.text("alive"),
        "overtaken": words.text("overtaken"),
        "orphan": words.text("orphan"),
        "young": words.text("young"),
        "unassigned": words.text("unassigned"),
        "reserved": words.text("reserved"),
        "dynamic": words.text("dynamic"),
    }


def life_abouts(words: Words) -> dict[str, str]:
    """What every life says of ports."""
    return {
        "alive": words.text("registered, and used by that service"),
        "overtaken": words.text("registered, used by something else"),
        "orphan": words.text("registered, no public trace"),
        "young": words.text("registered under three years ago, no trace yet"),
        "unassigned": words.text("nobody has registered them"),
        "reserved": words.text("kept back by IANA"),
        "dynamic": words.text("for everyone, never registered"),
    }


def range_name(words: Words, name: str) -> str:
    """A range of RFC 6335 with its bounds."""
    return {
        "system": words.text("system ports, 0–1023"),  # noqa: RUF001 - a range of numbers
        "user": words.text("user ports, 1024–49151"),  # noqa: RUF001 - the same
        "dynamic": words.text("dynamic ports, 49152–65535"),  # noqa: RUF001 - the same
    }[name]


def sources_name(words: Words, name: str) -> str:
    """One of the census's numbers of sources: `0`, `1`, `3-5`, `6+`."""
    first, _, last = name.partition("-")
    if last:
        return words.text("%(first)s to %(last)s sources", first=first, last=last)
    if name.endswith("+"):
        return words.text("%(least)s sources or more", least=name[:-1])
    if name == "0":
        return words.text("no source")
    return words.plural("%(n)s source", "%(n)s sources", int(name))


def lives_told(words: Words, counts: Mapping[str, int]) -> str:
    """What became of some services: `counts` of alive, overtaken, orphan and young ones.

    Empty for none at all.
    """
    total = sum(counts.values())
    if not total:
        return ""
    if total == 1:
        life = next(life for life, count in counts.items() if count)
        return {
            "alive": words.text("It is known to public sources."),
            "overtaken": words.text("It has given way to something else."),
            "orphan": words.text("It has left no public trace."),
            "young": words.text("It has left no trace yet, but it is younger than three years."),
        }[life]
    if counts["alive"] == total:
        return words.text("All of them are known to public sources.")
    if counts["overtaken"] == total:
        return words.text("All of them have given way to something else.")
    if counts["orphan"] == total:
        return words.text("None of them has left a public trace.")
    if counts["young"] == total:
        return words.text("None has left a trace yet, but all are younger than three years.")
    parts = []
    if count := counts["alive"]:
        parts.append(
            words.plural(
                "%(n)s is known to public sources", "%(n)s are known to public sources", count
            )
        )
    if count := counts["overtaken"]:
        parts.append(
            words.plural(
                "%(n)s has given way to something else",
                "%(n)s have given way to something else",
                count,
            )
        )
    if count := counts["orphan"]:
        parts.append(
            words.plural("%(n)s has left no public trace", "%(n)s have left no public trace", count)
        )
    if count := counts["young"]:
        parts.append(
            words.plural("%(n)s is too young to tell", "%(n)s are too young to tell", count)
        )
    return words.text("Of these services %(parts)s.", parts=words.listing(parts))


def searched(words: Words, sources: int, as_of: str) -> str:
    """In what traces were looked for, and when (`as_of`, ISO)."""
    return words.plural(
        "One source was searched, as of %(date)s.",
        "%(n)s sources were searched, as of %(date)s.",
        sources,
        date=words.date(as_of),
    )
