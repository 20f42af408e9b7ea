"""Short plain names for products, from the names that sources use. Pure text."""

import re

# The last part of an image's name when the owner's name is the telling one.
_ROLE = frozenset(
    (
        "app",
        "backend",
        "client",
        "community-edition",
        "core",
        "data-importer",
        "frontend",
        "management-center",
        "runtime",
        "s3server",
        "server",
        "web",
    )
)
# Names that say too little, or that other sources spell otherwise.
_OWN = {
    "1dev": "onedev",
    "cloudflared-web": "cloudflared",
    "crafty-4": "crafty-controller",
    "eclipse-mosquitto": "mosquitto",
    "functions-ui": "iron functions",
    "functions": "iron functions",
    "lodestone_core": "lodestone",
    "penpotapp": "penpot",
    "recipes": "tandoor",
    "registry": "docker registry",
    "wiki": "wiki.js",
}
_SUFFIX = re.compile(r"-(docker|oss|ce|alpine|pro-team|client-ce|server-(linux|windows.*))$")
_NOTHING = frozenset(("", "?", "n/a", "http", "service"))
# Profiles of a whole role: they open the ports of other products. And parts that name none.
_BUNDLES = frozenset(
    (
        "ActiveDir",
        "All Services",
        "Client",
        "Dedicated Servers",
        "DropUPnP",
        "ILO",
        "IPMI",
        "NFS Quota",
        "NFS Quota & TLDP NFS",
        "NFS TLDP NFS",
        "P2P and Voice Chat",
        "RH-Satellite-6",
        "RH-Satellite-6-capsule",
        "WWW Full",
        "foreman",
        "foreman-proxy",
        "freeipa-ldap",
        "freeipa-ldaps",
        "freeipa-replication",
        "freeipa-trust",
        "high-availability",
    )
)
_PROFILES = {"WWW": "http", "WWW Cache": "http cache", "WWW Secure": "https", "Web Server": "http"}
# Lines of the exporters' list that are no name.
_SENTENCES = {
    "CrateDB remote remote read/write adapter": "CrateDB adapter",
    "Database exporter x": "Database exporter",
    "Docker Prometheus Metrics under /metrics endpoint": "Docker metrics",
    "Envoy proxy, since v1.7.0": "Envoy",
    "Google's mtail log data extractor": "mtail",
    "Logstash exporter Logstash Pipeline exporter": "Logstash exporter",
    "Lovoo's IPMI exporter": "IPMI exporter",
    "Signatory a remote operation signer for Tezos": "Signatory",
    "SoundCloud's IPMI exporter": "IPMI exporter",
    "UniFi Poller and UniFi exporter": "UniFi exporter",
}


def image(text: str) -> str | None:
    """A container image's name: no registry, owner, tag or digest.

    `vaultwarden/server` is known by its owner, `ghcr.io/stalwartlabs/stalwart:1` is stalwart.
    """
    path = text.partition("@")[0]
    *owners, last = path.split("/")
    last = last.partition(":")[0]
    if last in _ROLE and owners and "." not in owners[-1]:
        last = owners[-1]
    last = _SUFFIX.sub("", last)
    return _OWN.get(last, last) or None


def script(text: str) -> str | None:
    """An install script's name: the system it installs in front is no part of the product."""
    return re.sub(r"^(alpine|podman)-", "", text) or None


def policy(text: str) -> str | None:
    """A SELinux port type's name: `afs_bos` is afs-bos; inetd's children are inetd's."""
    return text.removesuffix("_port_t").removesuffix("_child").replace("_", "-") or None


def exporter(text: str) -> list[str]:
    """The names in one line of the exporters' list; lines that reserve a number name nobody."""
    if "UNALLOCATED" in text:
        return []
    text = re.sub(r"~~[^~]*~~|\\|[\"`]|@\w+", " ", text)
    text = re.sub(r"\[[^\]]*\]|\([^()]*(\([^()]*\))*[^()]*\)", " ", text)
    text = re.sub(r"\b(WIP|coming soon|alternate port)\b|[\[\]]", " ", text)
    text = re.sub(r":\s+(Metrics|Ingestion|Rust.*|Go,.*|pcap.*)$", " ", text)
    text = re.sub(r"\bE?xpoter\b", "exporter", text)
    text = re.sub(r"^A\s+(?=[A-Z])|queriesx$", "", text.strip())
    text = re.sub(r"[\s_-]+exporter\b", " exporter", text, flags=re.IGNORECASE)
    names = [" ".join(name.split()) for name in re.split(r"\s+/\s+", text)]
    return [_SENTENCES.get(name, name) for name in names if name not in _NOTHING]


def profile(text: str) -> str | None:
    """A firewall profile's title without the ports, displays and players it is cut for."""
    if text in _BUNDLES:
        return None
    text = re.sub(r"\s+-\s+(ports?\s+)?[0-9:/,a-z]+$", "", text)
    text = re.sub(r"\s+displays? :.*$|\s+\(?[0-9]+[- ]players?\)?$|\s+\([^()]*\)$", "", text)
    text = re.sub(r"\s+(Full|Minimum|Normal)$", "", text)
    return _PROFILES.get(text, text) or None


_LAYERS = {
    "CRX1New": "hicp",
    "BIFT": "bit-indexed forwarding",
    "BTH": "roce",
    "DiamG": "diameter",
    "ENIPTCP": "ethernet-ip",
    "ENIP": "ethernet-ip",
    "NBNS": "netbios-ns",
    "NBT": "netbios",
    "PCOM": "pcom",
    "PDUTransport": "pdu transport",
    "RTR": "rpki-rtr",
    "VQP": "vmps",
    "ZEP2": "zep",
}


def layer(text: str) -> str | None:
    """A packet layer's class name as a protocol's: `KerberosTCPHeader` is kerberos."""
    text = text.strip("_").removesuffix("_dispatcher")
    text = re.sub(
        r"(ADURequest|TCPHeader|UDP|_?Header|Frontend|Request|_APDU|_U|Client)$", "", text
    )
    text = re.sub(r"(SessionSenderTestUnauthenticated|Datagram|Session)$", "", text)
    return _LAYERS.get(text, text.lower()) or None


def plain(text: str) -> str | None:
    """A name that needs no change."""
    return None if text in _NOTHING else text
