"""Free text to services and products, best first, tolerant of a slip. For numbers: see lookup.

Every word of the text has to fit. A slip of the pen is looked for only when nothing fits as it
stands: comparing with every word of the tables takes longer than all the rest.
"""

from collections.abc import Iterable, Iterator, Sequence

from portbook.model import TableFault, Transport, UsageError
from portbook.model.record import Record
from portbook.registry.same_service import match
from portbook.registry.tables import (
    ASSIGNMENT_COLUMNS,
    EVIDENCE_COLUMNS,
    Table,
    assignment_of,
    open_assignments,
    open_evidence,
)

_LONGEST_TEXT = 100
_LONGEST_WORD = 32  # no slip is looked for in a longer one
_SHORTEST_SLIP = 4  # in three letters, one wrong letter makes another word
_TWO_SLIPS = 8  # letters from which on two slips are forgiven
_READINGS = 5

# Where a word fits, with the score: all of it, and only its beginning.
_NAME = ("name", 80, 75)
_DESCRIPTION = ("description", 70, 65)
_ASSIGNEE = ("assignee", 60, 55)
_PRODUCT = ("product", 50, 45)
_EXACT, _BEGINS, _INSIDE = 100, 90, 40
_SLIP = 30

_ORDER = {each.value: place for place, each in enumerate(Transport)}
_MARKS = "-_./:;,+()[]{}<>\"'!?*&|@#=\\~^`%$\t\n\r\v\f"
_GAPS = str.maketrans(dict.fromkeys(_MARKS, " "))
_BYTE_GAPS = bytes.maketrans(_MARKS.encode(), b" " * len(_MARKS))


class Match(Record):
    """One service or product that fits, with one of its numbers.

    `product` is what a source names on the number. Where it is the registered service under
    another name (`vnc` on 5900 is `rfb`), that service is given as well, else `service` is None.
    `matched` says where the text was found: `name`, `description`, `assignee`, `product`,
    or `fuzzy` for a word that is only near. `score` is 0-100, for ordering.
    """

    port: int | None
    last_port: int | None
    transports: tuple[str, ...]
    service: str | None
    description: str | None
    assignee: str | None
    product: str | None
    matched: str
    score: int


def search(text: str, *, limit: int = 50) -> tuple[Match, ...]:
    """What fits `text`, best first, at most `limit` matches.

    Raises:
        UsageError: the text is blank or too long, or the limit is no positive number.
        TableFault: a table is missing or broken.
    """
    if not text.strip():
        raise UsageError("nothing to search for", hint="try: portbook search redis")
    if len(text) > _LONGEST_TEXT:
        raise UsageError(f"search text longer than {_LONGEST_TEXT} characters")
    if limit < 1:
        raise UsageError(f"limit is {limit}: give a positive number")
    terms = _words(text)
    if not terms:
        return ()
    registry = open_assignments()
    texts = (
        _read(registry),
        _read(open_evidence().table),
    )
    found = _strict(texts, terms)
    if not found:
        found = _with_slips(texts, terms)
    found.sort(key=_place)
    return tuple(_with_service(each, registry) for each in found[:limit])


class _Row(Record):
    """A named assignment, or the trace of a product."""

    port: str
    last_port: str
    transport: str
    service: str
    description: str
    assignee: str
    product: str


class _Text(Record):
    """A table as text: its lines as they are and folded."""

    table: Table
    lines: list[str]
    folded: list[str]


def _read(table: Table) -> _Text:
    body = table.body()
    return _Text(table, body.split("\n")[:-1], body.casefold().split("\n")[:-1])


def _fitting(texts: Iterable[_Text], terms: list[str]) -> Iterator[_Row]:
    """The rows that have every term somewhere."""
    for text in texts:
        first, *others = terms
        for line, folded in zip(text.lines, text.folded, strict=True):
            if first in folded and all(term in folded for term in others):
                cells = line.split("\t")
                if len(cells) == len(ASSIGNMENT_COLUMNS):
                    port, last_port, transport, service, description, assignee, *_ = cells
                    yield _Row(port, last_port, transport, service, description, assignee, "")
                elif len(cells) == len(EVIDENCE_COLUMNS):
                    yield _Row(cells[0], cells[0], cells[1], "", "", "", cells[3])
                else:
                    raise TableFault(
                        f"table {text.table.path} has a row of {len(cells)} cells",
                        hint="reinstall portbook",
                    )


def _strict(texts: Iterable[_Text], terms: list[str]) -> list[Match]:
    """The rows in which every term fits, one match for all transports of a name on a number."""
    rated: dict[tuple[str, str, str], tuple[str, int]] = {}
    groups: dict[tuple[str, str, str], list[_Row]] = {}
    for row in _fitting(texts, terms):
        if not row.service and not row.product:
            continue
        key = (row.service or row.product.casefold(), row.port, row.last_port)
        rating = _rate(row, terms)
        if _score(rating):
            groups.setdefault(key, []).append(row)
            rated[key] = max(rated.get(key, rating), rating, key=_score)
    # A product stands first on the number where most sources have it.
    ranked = sorted(groups.items(), key=lambda each: -len(each[1]) if each[1][0].product else 0)
    matches = [_match(group, *rated[key]) for key, group in ranked]
    registered = {each.port for each in matches if each.service}
    return [each for each in matches if each.service or each.port not in registered]


def _rate(row: _Row, terms: list[str]) -> tuple[str, int]:
    """Where `terms` fit and how well; the score of the worst counts, 0 if one does not fit."""
    name = _words(row.service)
    phrase, whole = "-".join(terms), "-".join(name)
    if phrase == whole:
        return "name", _EXACT
    if whole.startswith(phrase):
        return "name", _BEGINS
    fields = (
        (_NAME, name),
        (_DESCRIPTION, _words(row.description)),
        (_ASSIGNEE, _words(row.assignee)),
        (_PRODUCT, _words(row.product)),
    )
    worst = ("", _EXACT)
    for term in terms:
        best = ("name", _INSIDE) if term in whole else ("", 0)
        for (field, all_of_it, beginning), words in fields:
            if term in words:
                best = max(best, (field, all_of_it), key=_score)
            elif any(word.startswith(term) for word in words):
                best = max(best, (field, beginning), key=_score)
        worst = min(worst, best, key=_score)
    return worst


def _score(rated: tuple[str, int]) -> int:
    return rated[1]


def _match(group: list[_Row], matched: str, score: int) -> Match:
    # The row of the first transport speaks for all: on 80 that is tcp and not sctp.
    group = sorted(group, key=lambda row: _ORDER.get(row.transport, len(_ORDER)))
    first = group[0]
    return Match(
        int(first.port) if first.port else None,
        int(first.last_port) if first.last_port else None,
        tuple(dict.fromkeys(row.transport for row in group if row.transport)),
        first.service or None,
        first.description or None,
        first.assignee or None,
        first.product or None,
        matched,
        score,
    )


def _with_service(found: Match, registry: Table) -> Match:
    """A product with the registered service that it is, if it is one."""
    if found.product is None or found.port is None:
        return found
    rows = [assignment_of(row) for row in registry.rows(found.port)]
    for each in sorted(rows, key=lambda row: row.transport not in found.transports):
        if match(each, found.product):
            return found._replace(
                service=each.service, description=each.description, assignee=each.assignee
            )
    return found


def _place(found: Match) -> tuple[int, bool, int]:
    """Best score first, numbers before bare names, and names that begin so by their length."""
    length = len(found.service or "") if found.score == _BEGINS else 0
    return (-found.score, found.port is None, length)


def _with_slips(texts: Sequence[_Text], terms: list[str]) -> list[Match]:
    """What fits when terms are read as words near to them, with as few slips as possible."""
    # Rows that differ only in their first three cells (numbers and transport) have the same words.
    rows = {line.split("\t", 3)[-1] for text in texts for line in text.folded}
    spaced = " ".join(("", *rows)).encode().translate(_BYTE_GAPS)
    vocabulary = set(spaced.split())
    readings: list[tuple[int, list[str]]] = [(0, [])]
    for term in terms:
        near = sorted(_near(term, vocabulary))[:_READINGS]
        if b" " + term.encode(errors="replace") in spaced:
            near.insert(0, (0, term))
        readings = [
            (slips + more, [*read, word]) for slips, read in readings for more, word in near
        ]
        readings = sorted(readings)[: _READINGS * _READINGS]
    found: dict[tuple[str | None, str | None, int | None], Match] = {}
    fewest = None
    for slips, read in readings:
        if fewest is not None and slips > fewest:
            break
        for each in _strict(texts, read):
            # Where the near word was found still orders, below what is found as it stands.
            score = max(1, _SLIP - 10 * slips + each.score // 10)
            key = (each.service, each.product, each.port)
            found.setdefault(key, each._replace(matched="fuzzy", score=score))
            fewest = slips
    return list(found.values())


def _near(term: str, vocabulary: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The words that one slip (two in a long term) turns into `term`, with their number."""
    if not _SHORTEST_SLIP <= len(term) <= _LONGEST_WORD:
        return
    most = 2 if len(term) >= _TWO_SLIPS else 1
    coded = term.encode(errors="replace")  # text may hold what is no character
    letters = set(coded)
    shortest, longest = len(coded) - most, len(coded) + most
    for code in vocabulary:
        # A slip adds, drops or changes one letter: cheap bounds before the real comparison.
        if shortest <= len(code) <= longest and len(letters.symmetric_difference(code)) <= 2 * most:
            word = code.decode(errors="replace")
            slips = _slips(term, word, most)
            if slips <= most:
                yield slips, word


def _slips(one: str, other: str, most: int) -> int:
    """Letters added, dropped, changed, or swapped with their neighbour; `most` + 1 if more.

    The optimal string alignment distance, row by row.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        this = [row]
        for column, against in enumerate(other, 1):
            cost = min(last[column] + 1, this[-1] + 1, last[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            this.append(cost)
        if min(this) > most:
            return most + 1
        before, last = last, this
    return last[-1]


def _words(text: str) -> list[str]:
    return text.casefold().translate(_GAPS).split()
