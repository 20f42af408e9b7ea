"""What a run of the test bed looks like: lines for a terminal, and docs/identification.md."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_SECOND = 1000.0


class Result(NamedTuple):
    """One instance, the truth about it, and what portbook said of it.

    `kind`: `default`, `odd`, `tls` (behind stunnel) or `famous` (on another protocol's port).
    `alive`: the server still runs after it was asked, and answers the same once more. `complaint`
    is a word in its log that is worse than a closed connection.
    """

    name: str
    kind: str
    port: int
    transport: str
    protocol: str
    product: str | None
    version: str | None
    silent: bool
    said: dict[str, Any]
    alive: bool
    complaint: str | None

    @property
    def answer(self) -> str:
        """The protocol that was heard; else what the listener did.

        Of a server that never answers, it is the protocol that its process suggests.
        """
        if self.silent and self.said.get("behaviour") in ("silent", "not-asked"):
            return str(self.said.get("protocol"))
        return str(self.said.get("behaviour") or self.said.get("protocol") or "nothing")

    @property
    def right_protocol(self) -> bool:
        """Whether the protocol was heard, and is the right one."""
        return self.answer == self.protocol

    @property
    def right_product(self) -> bool:
        """Whether the product is right, where the server tells it."""
        return self.product is None or self.said.get("product") == self.product

    @property
    def right_version(self) -> bool:
        """Whether the version is right, where the server tells it."""
        return self.version is None or self.said.get("version") == self.version

    @property
    def wrong_certain(self) -> bool:
        """Whether a wrong protocol was called certain."""
        sure = self.said.get("confidence") == "certain" and not self.said.get("behaviour")
        return sure and not self.right_protocol

    @property
    def took(self) -> float:
        """Milliseconds."""
        return float(self.said.get("took_ms") or 0.0)


def text_lines(results: Sequence[Result], seconds: float, failed: Sequence[str]) -> Iterator[str]:
    """A line for each service, then the confusion matrix and the sums."""
    for each in results:
        marks = _marks(each)
        said = each.said
        heard = " ".join(
            str(said[key]) for key in ("protocol", "product", "version") if said.get(key)
        )
        sure = said.get("behaviour") or said.get("confidence")
        truth = ""
        if marks != "Ppva":
            wanted = (each.protocol, each.product, each.version, each.complaint)
            truth = f"   TRUTH {' '.join(word for word in wanted if word)}"
        yield (
            f"{marks} {each.name:22} {each.kind:8}{each.port:6} {each.took:7.0f} ms"
            f" {said.get('sent_bytes', 0):5} B  {heard} ({sure}){truth}"
        )
    yield from ("", *matrix_lines(results), "", summary(results, seconds))
    yield from (f"did not start: {line}" for line in failed)


def _marks(each: Result) -> str:
    """`Ppva`: protocol, product and version right, and the server alive without a complaint."""
    right = (
        each.right_protocol,
        each.right_product,
        each.right_version,
        each.alive and not each.complaint,
    )
    return "".join(mark if good else "-" for mark, good in zip("Ppva", right, strict=True))


def matrix(results: Sequence[Result]) -> dict[str, Counter[str]]:
    """For each true protocol, how often each answer was given."""
    found: dict[str, Counter[str]] = {}
    for each in results:
        found.setdefault(each.protocol, Counter())[each.answer] += 1
    return dict(sorted(found.items()))


def matrix_lines(results: Sequence[Result]) -> Iterator[str]:
    """The confusion matrix, a truth a line: a full matrix would be empty off its diagonal."""
    for truth, answers in matrix(results).items():
        wrong = [f"{answer} {count}" for answer, count in answers.items() if answer != truth]
        told = f"   NOT: {', '.join(wrong)}" if wrong else ""
        yield f"{truth:16} {answers[truth]:3} of {sum(answers.values()):3}{told}"


def summary(results: Sequence[Result], seconds: float) -> str:
    """The sums in one line."""
    told = [each for each in results if each.product is not None]
    dated = [each for each in results if each.version is not None]
    return (
        f"{len(results)} listeners of {len({each.name for each in results})} servers in"
        f" {seconds:.1f} s; protocol {sum(r.right_protocol for r in results)} of {len(results)},"
        f" product {sum(r.right_product for r in told)} of {len(told)},"
        f" version {sum(r.right_version for r in dated)} of {len(dated)},"
        f" wrong and certain {sum(r.wrong_certain for r in results)},"
        f" slowest {max((r.took for r in results), default=0.0):.0f} ms,"
        f" over 1 s {sum(r.took > _SECOND for r in results)}"
    )


def page(runs: Sequence[tuple[Sequence[Result], float]]) -> str:
    """docs/identification.md from all runs; the tables are those of the last one."""
    results, _ = runs[-1]
    order = ("default", "odd", "tls", "famous")
    lines = [
        "# Identification, measured",
        "",
        "Written by `./scripts/testbed --times 3 --write`: real servers on loopback, each on its",
        "default port and on an odd one, some behind TLS, some on the famous port of another",
        "protocol; all asked in one call of `portbook identify`.",
        "",
        *(f"- Run {number}: {summary(*run)}." for number, run in enumerate(runs, start=1)),
        "",
        "A protocol is right when it was heard on the wire and is the true one. Product and",
        "version are compared where the server tells them; the true version is the package's.",
        "",
        "## Confusion matrix",
        "",
        "| truth | listeners | right | taken for something else |",
        "|---|---|---|---|",
    ]
    for truth, answers in matrix(results).items():
        wrong = ", ".join(f"{word} {count}" for word, count in answers.items() if word != truth)
        lines.append(f"| {truth} | {sum(answers.values())} | {answers[truth]} | {wrong or '-'} |")
    lines += [
        "",
        "## Servers",
        "",
        "| server | said to be | where: time, bytes sent |",
        "|---|---|---|",
    ]
    for name in sorted({each.name for each in results}):
        mine = sorted(
            (each for each in results if each.name == name), key=lambda r: order.index(r.kind)
        )
        first = mine[0].said
        said = " ".join(
            str(first[key]) for key in ("protocol", "product", "version") if first.get(key)
        )
        places = "; ".join(
            f"{each.kind} {each.port}: {each.took:.0f} ms, {each.said.get('sent_bytes', 0)} B"
            for each in mine
        )
        lines.append(f"| {name} | {said} | {places} |")
    return "\n".join(lines) + "\n"
