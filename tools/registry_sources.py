"""The places where traces of ports are looked for. Each is independent of IANA's registry.

A source that copies the registry is no source: nothing here is derived from it wholesale.
"""

from typing import NamedTuple


class SourceFacts(NamedTuple):
    """One source: the columns of sources.tsv, then what is said of each of its traces."""

    id: str
    title: str
    version: str
    licence: str
    link: str
    kind: str
    note: str


SOURCES = (
    SourceFacts(
        "proxmoxve-scripts",
        "Community scripts that install applications in Proxmox VE",
        "2026",
        "MIT",
        "https://github.com/community-scripts/ProxmoxVE",
        "self-hosted",
        "web interface as installed",
    ),
    SourceFacts(
        "umbrel-apps",
        "Application store of the Umbrel home server",
        "2026",
        "facts only",
        "https://github.com/getumbrel/umbrel-apps",
        "container-image",
        "port inside the container",
    ),
    SourceFacts(
        "runtipi-apps",
        "Application store of the Runtipi home server",
        "2026",
        "GPL-3.0, facts only",
        "https://github.com/runtipi/runtipi-appstore",
        "container-image",
        "port inside the container",
    ),
    SourceFacts(
        "portainer-templates",
        "Application templates of the Portainer container console",
        "2026",
        "facts only",
        "https://github.com/portainer/templates",
        "container-image",
        "port inside the container",
    ),
    SourceFacts(
        "netlify-dev-servers",
        "Framework detection of Netlify: where development servers start",
        "2026",
        "MIT",
        "https://github.com/netlify/build",
        "dev-server",
        "development server's default",
    ),
    SourceFacts(
        "prometheus-exporters",
        "List in which authors of Prometheus exporters reserve numbers",
        "2021",
        "facts only",
        "https://github.com/prometheus/prometheus/wiki/Default-port-allocations",
        "exporter",
        "reserved by its author",
    ),
    SourceFacts(
        "nerva",
        "Service fingerprints of Nerva, successor of fingerprintx",
        "2026",
        "Apache-2.0",
        "https://github.com/praetorian-inc/nerva",
        "fingerprint",
        "first port that its probe tries",
    ),
    SourceFacts(
        "selinux-refpolicy",
        "Port types of the SELinux reference policy",
        "2026",
        "GPL-2.0, facts only",
        "https://github.com/SELinuxProject/refpolicy",
        "policy",
        "daemon may bind it by policy",
    ),
    SourceFacts(
        "wireshark",
        "Protocol decoders of Wireshark and the ports they are tried on",
        "4.0.17",
        "GPL-2.0, facts only",
        "https://www.wireshark.org/",
        "protocol-decoder",
        "decoder's port",
    ),
    SourceFacts(
        "scapy",
        "Packet layers of Scapy and the ports they are bound to",
        "2.8.0",
        "GPL-2.0, facts only",
        "https://scapy.net/",
        "protocol-decoder",
        "packet layer's port",
    ),
    SourceFacts(
        "netbase",
        "Debian's /etc/services: names that its packages need, a curated selection",
        "6.4",
        "GPL-2.0, facts only",
        "https://tracker.debian.org/pkg/netbase",
        "services-file",
        "named in Debian's services file",
    ),
    SourceFacts(
        "firewalld",
        "Services that the firewalld firewall knows by name",
        "1.3.3",
        "GPL-2.0, facts only",
        "https://firewalld.org/",
        "firewall-profile",
        "firewall profile",
    ),
    SourceFacts(
        "ufw",
        "Application profiles of the ufw firewall",
        "0.36.2",
        "GPL-3.0, facts only",
        "https://launchpad.net/ufw",
        "firewall-profile",
        "firewall profile",
    ),
    SourceFacts(
        "gufw",
        "Application profiles of the Gufw firewall, games above all",
        "22.04.0",
        "GPL-3.0, facts only",
        "https://costales.github.io/projects/gufw/",
        "firewall-profile",
        "firewall profile",
    ),
    SourceFacts(
        "shorewall",
        "Macros of the Shorewall firewall",
        "5.2.8",
        "GPL-2.0, facts only",
        "https://shorewall.org/",
        "firewall-profile",
        "firewall profile",
    ),
    SourceFacts(
        "firehol",
        "Services that the FireHOL firewall knows by name",
        "3.1.7",
        "GPL-2.0, facts only",
        "https://firehol.org/",
        "firewall-profile",
        "firewall profile",
    ),
)

BY_ID = {source.id: source for source in SOURCES}
