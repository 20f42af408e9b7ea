"""Evidence of all sources in one form: cleaned, without doubles, checked against the rules."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tools import registry_packages as packages
from tools import registry_products as products
from tools.registry_packages import Use
from tools.registry_sources import BY_ID

COLUMNS = ("port", "transport", "source", "product", "note", "kind")


class Inputs(NamedTuple):
    """Where the sources lie on the machine that compiles."""

    facts: Path
    decodes: Path
    services: Path
    firewalld: Path
    ufw: Path
    gufw: Path
    shorewall: Path
    firehol: Path
    scapy: Path


# Facts files: the file's name, the source's id, and what makes a product's name of the cell.
_FACTS: tuple[tuple[str, str, Callable[[str], str | list[str] | None]], ...] = (
    ("proxmoxve-scripts", "proxmoxve-scripts", products.script),
    ("umbrel-container-ports", "umbrel-apps", products.plain),
    ("runtipi-container-ports", "runtipi-apps", products.image),
    ("portainer-templates", "portainer-templates", products.image),
    ("netlify-dev-servers", "netlify-dev-servers", products.plain),
    ("prometheus-exporters", "prometheus-exporters", products.exporter),
    ("nerva-fingerprintx", "nerva", products.plain),
    ("selinux-refpolicy", "selinux-refpolicy", products.policy),
)


def rows(inputs: Inputs) -> list[tuple[str, ...]]:
    """The rows of evidence.tsv."""
    found = _one_spelling({row for source, uses in _all(inputs) for row in _rows(source, uses)})
    # A trace that names the transport says more than the same without it.
    whole = {(row[0], *row[2:4]) for row in found if row[1]}
    return sorted(row for row in found if row[1] or (row[0], *row[2:4]) not in whole)


def _one_spelling(found: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """The rows with one spelling for each product: the one of most sources.

    Spellings differ in case, spaces and marks alone: "Uptime Kuma", uptime-kuma, uptimekuma.
    """
    spellings: dict[str, dict[str, set[str]]] = {}
    for _, _, source, product, *_ in found:
        spellings.setdefault(_letters(product), {}).setdefault(product, set()).add(source)
    best = {
        letters: min(sources, key=lambda name: (-len(sources[name]), -len(name), name))
        for letters, sources in spellings.items()
    }
    return {(*row[:3], best[_letters(row[3])], *row[4:]) for row in found}


def _letters(product: str) -> str:
    """A product's name without what spellings differ in."""
    return "".join(filter(str.isalnum, product.casefold())) or product


def _rows(source: str, uses: Iterable[Use]) -> Iterator[tuple[str, ...]]:
    facts = BY_ID[source]
    for port, transport, product in uses:
        if not 0 < port < 65536 or transport not in ("", "tcp", "udp", "sctp", "dccp"):
            continue
        name = " ".join(product.split())
        if name:
            yield (str(port), transport, source, name, facts.note, facts.kind)


def _all(inputs: Inputs) -> Iterator[tuple[str, Iterator[Use]]]:
    for file, source, name in _FACTS:
        text = _text(inputs.facts / "evidence" / f"{file}.tsv")
        yield source, _renamed(packages.facts(text), name)
    yield "wireshark", packages.decodes(_text(inputs.decodes))
    yield "scapy", _renamed(packages.bindings(_text(inputs.scapy)), products.layer)
    yield "netbase", packages.services(_text(inputs.services))
    yield "firehol", packages.firehol(_text(inputs.firehol))
    for path in sorted(inputs.firewalld.glob("*.xml")):
        uses = packages.firewalld(path.stem, _text(path))
        yield "firewalld", _renamed(uses, products.profile)
    for path in sorted(inputs.shorewall.glob("macro.*")):
        if not path.name.endswith(".deprecated"):
            uses = packages.shorewall(path.suffix[1:], _text(path))
            yield "shorewall", _renamed(uses, products.profile)
    for path in sorted(inputs.ufw.iterdir()):
        uses = packages.ufw(_text(path), titles=False)
        yield "ufw", _renamed(uses, products.profile)
    for path in sorted(inputs.gufw.iterdir()):
        uses = packages.ufw(_text(path), titles=True)
        yield "gufw", _renamed(uses, products.profile)


def _renamed(uses: Iterable[Use], name: Callable[[str], str | list[str] | None]) -> Iterator[Use]:
    """The uses under names of our own; a cell may hold several names, or none."""
    for use in uses:
        new = name(use.product)
        for each in [new] if isinstance(new, str) else new or []:
            yield use._replace(product=each)


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace")
