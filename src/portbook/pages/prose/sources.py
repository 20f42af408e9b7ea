"""What the sources of traces are called, and what they have to do with numbers."""

import re
from functools import cache

from markupsafe import Markup, escape

from portbook.model import Source
from portbook.pages.prose.escaped import Escaped, outer_link
from portbook.registry.sources import read_sources

# Proper names, the same in every language.
_NAMES = {
    "firehol": "FireHOL",
    "firewalld": "firewalld",
    "gufw": "Gufw",
    "nerva": "Nerva",
    "netbase": "Debian netbase",
    "netlify-dev-servers": "Netlify",
    "portainer-templates": "Portainer",
    "prometheus-exporters": "Prometheus wiki",
    "proxmoxve-scripts": "Proxmox VE scripts",
    "runtipi-apps": "Runtipi",
    "scapy": "Scapy",
    "selinux-refpolicy": "SELinux reference policy",
    "shorewall": "Shorewall",
    "ufw": "ufw",
    "umbrel-apps": "Umbrel",
    "wireshark": "Wireshark",
}

LISTS = {
    "LaBrea trojan list": ("LaBrea trojan list", "https://labrea.sourceforge.net/"),
    "mthcht/awesome-lists suspicious_ports_list": (
        "awesome-lists (suspicious ports)",
        "https://github.com/mthcht/awesome-lists",
    ),
    "rkhunter backdoorports": ("Rootkit Hunter", "https://rkhunter.sourceforge.net/"),
}
"""The lists of numbers of harmful programs, by how the table names them: title and address."""

_APART = re.compile(", | / ")  # how a list writes several programs in one row


def source_name(identifier: str) -> str:
    """A source as its makers call it; its id where portbook has no name for it."""
    return _NAMES.get(identifier, identifier)


def source_title(source: Source) -> str:
    """The name with the version."""
    return f"{source_name(source.id)} {source.version}".strip()


@cache
def list_link(identifier: str) -> Markup:
    """A list of numbers of harmful programs; text where portbook does not know its address."""
    known = LISTS.get(identifier)
    return outer_link(known[1], known[0]) if known else escape(identifier)


def lists_told(lists: tuple[str, ...]) -> tuple[tuple[Markup, str], ...]:
    """Each of the lists as a link, with its licence where the table gives one."""
    parts = (each.partition(" (") for each in lists)
    return tuple((list_link(name), licence.removesuffix(")")) for name, _, licence in parts)


def products_of(name: str) -> tuple[str, ...]:
    """The programs of a row of such a list: `HardHat C2, HRShell` are two."""
    return tuple(_APART.split(name))


@cache
def asked_told(words: Escaped, base: str, ext: str) -> Markup:
    """Every source that was asked with its version; more about each is where the link leads."""
    links = tuple(
        Markup('<a href="{}method{}#{}">{}</a> {}').format(
            base, ext, each.id, source_name(each.id), each.version
        )
        for each in read_sources().sources
    )
    return words.listed(links)


@cache
def note_told(words: Escaped, note: str) -> str:
    """What a source has to do with a number, by the note of the evidence table."""
    return {
        "firewall profile": words.text("firewall profile"),
        "decoder's port": words.text("number that a decoder is tried on"),
        "packet layer's port": words.text("number of a packet layer"),
        "port inside the container": words.text("port inside the container"),
        "reserved by its author": words.text("reserved by the author of an exporter"),
        "daemon may bind it by policy": words.text("daemon that may listen here by policy"),
        "web interface as installed": words.text("web interface as installed"),
        "named in Debian's services file": words.text("name in the services file"),
        "first port that its probe tries": words.text("first number that a probe tries"),
        "development server's default": words.text("default of a development server"),
    }.get(note, words.text("trace"))
