"""What the sources of traces are called, and what they have to do with numbers."""

from functools import cache

from portbook.model import Source
from portbook.pages.prose.escaped import Escaped

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


def source_name(identifier: str) -> str:
    """A source as its makers call it; its id where portbook has no name for it."""
    return _NAMES.get(identifier, identifier)


def source_title(source: Source) -> str:
    """The name with the version."""
    return f"{source_name(source.id)} {source.version}".strip()


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
