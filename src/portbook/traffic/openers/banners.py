"""Clients that begin with a word or a number that is theirs alone: SSH, VNC, rsync, JDWP and more.

RFC 4253 (4.2), RFC 6143 (7.1.1), rsync's daemon protocol, gitprotocol-pack(5), svn's ra_svn
protocol, JDWP and Java RMI wire specifications, AMQP 0-9-1 (4.2.2) and 1.0 (2.2), ZMTP 3.1, BEP 3,
X11 protocol (8), Android's adb protocol.txt, RFC 6120 (4.2), RFC 854.
"""

import re

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, line, text
from portbook.traffic.openers.programs import told

_GIT = re.compile(
    rb"[0-9a-f]{4}git-(upload-pack|receive-pack|upload-archive) (/[^\0\n]{0,1024})"
    rb"(?:\0host=([^\0]{0,255}))?"
)
_SVN = re.compile(rb"\( \d{1,2} \( [a-z0-9 -]{0,256}(?:\) (?:\d{1,5}:(svn[^ ]{0,512}))?)?")
_RSYNC = re.compile(rb"@RSYNCD: (\d{1,3}(?:\.\d{1,3})?)")
_RFB = re.compile(rb"RFB (\d{3}\.\d{3})\n")
_XMPP = re.compile(
    rb"\s{0,8}(?:<\?xml[^>]{0,128}>\s{0,8})?<(?:stream:stream|open)[\s>][^>]{0,1024}", re.IGNORECASE
)
_TO = re.compile(rb"\sto=[\"']([^\"'>]{1,255})")
_STREAMS = (b"jabber:", b"http://etherx.jabber.org/streams", b"urn:ietf:params:xml:ns:xmpp-framing")
_HOST = re.compile(rb"[0-9a-f]{4}(host(?:-[a-z]{1,12})?:[a-z0-9:._-]{1,100})")
_RMI = {0x4B: "stream", 0x4C: "single operation", 0x4D: "multiplex"}
_ADB = (b"CNXN", b"STLS", b"AUTH", b"OPEN")
_DIGITS = re.compile(rb"0[0-9a-f]{3}")
_IAC, _COMMANDS = 0xFF, range(0xFB, 0xFF)


def judge_ssh(data: bytes) -> Opener | None:
    """The identification string: SSH, the version of the protocol, and the software."""
    if not data.startswith((b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-")):
        return None
    first = line(data, 255)
    software = first.split(b"-", 2)[2]
    return Opener("ssh", "certain", (("software", text(software)),), told(software), first[:64])


def judge_vnc(data: bytes) -> Opener | None:
    """The version that a client of RFB answers with."""
    found = _RFB.match(data)
    return found and Opener("vnc", "certain", (("version", text(found[1])),), shows=found[0][:11])


def judge_rsync(data: bytes) -> Opener | None:
    """The greeting, which both sides say."""
    found = _RSYNC.match(data)
    return found and Opener("rsync", "certain", (("version", text(found[1])),), shows=found[0])


def judge_git(data: bytes) -> Opener | None:
    """A packet line with a service and a path."""
    found = _GIT.match(data)
    if found is None:
        return _length("git", data)
    details = [("request", text(b"git-" + found[1])), ("path", text(found[2]))]
    if found[3]:
        details.append(("host", text(found[3])))
    return Opener("git", "certain", tuple(details), shows=data[:64])


def _length(name: str, data: bytes) -> Opener | None:
    """Only the length, in four hexadecimal digits: clients may send it on its own."""
    return Opener(name, "guess", shows=data) if _DIGITS.fullmatch(data) else None


def judge_svn(data: bytes) -> Opener | None:
    """A list in brackets: the version, the client's abilities, the address."""
    found = _SVN.match(data)
    if found is None or (b"edit-pipeline" not in found[0] and found[1] is None):
        return None
    details = (("url", text(found[1])),) if found[1] else ()
    return Opener("svn", "certain", details, shows=data[:64])


def judge_jdwp(data: bytes) -> Opener | None:
    """The debugger's handshake: fourteen letters."""
    return Opener("jdwp", shows=data[:14]) if data.startswith(b"JDWP-Handshake") else None


def judge_rmi(data: bytes) -> Opener | None:
    """JRMI, version 2, and one of three ways to go on."""
    if len(data) < 7 or not data.startswith(b"JRMI\0\2") or data[6] not in _RMI:
        return None
    return Opener("java-rmi", "certain", (("protocol", _RMI[data[6]]),), shows=data[:7])


def judge_amqp(data: bytes) -> Opener | None:
    """AMQP and its version in four bytes: 0-9-1, 0-10 and older, or 1.0 with its layer."""
    if len(data) < 8 or not data.startswith(b"AMQP"):
        return None
    layer, major, minor, revision = data[4:8]
    if layer in (0, 2, 3) and (major, minor, revision) == (1, 0, 0):
        version = "1.0"
    elif layer <= 1 and major <= 9 and minor <= 10:
        version = f"{major}-{minor}-{revision}"
    else:
        return None
    return Opener("amqp", "certain", (("version", version),), shows=data[:8])


def judge_zmtp(data: bytes) -> Opener | None:
    """The signature: 0xff, a length that old versions read, and 0x7f."""
    if len(data) < 10 or data[0] != 0xFF or data[9] != 0x7F or any(data[1:8]):
        return None
    version = (("version", f"{data[10]}.{data[11]}"),) if len(data) > 11 else ()
    return Opener("zmtp", "certain", version, shows=data[:12])


def judge_telnet(data: bytes) -> Opener | None:
    """Offers and demands of options: IAC, a command, an option; two of them are certain."""
    count = at = 0
    while at + 2 < len(data) and data[at] == _IAC and data[at + 1] in _COMMANDS and count < 32:
        if data[at + 2] > 50 and data[at + 2] not in (0x8A, 0x8B, 0x8C, 0xC8, 0xC9, 0xFF):
            return None
        count, at = count + 1, at + 3
    if count == 0:
        return None
    sure = "certain" if count > 1 or at == len(data) else "likely"
    return Opener("telnet", sure, (("options", str(count)),), shows=data[: min(at, 24)])


def judge_bittorrent(data: bytes) -> Opener | None:
    """The handshake's name of the protocol."""
    if not data.startswith(b"\x13BitTorrent protocol"):
        return None
    return Opener("bittorrent", shows=data[:20])


def judge_x11(data: bytes) -> Opener | None:
    """The byte order, version 11, and how long the proofs of the right to connect are."""
    if len(data) < 12 or data[1] != 0 or data[10:12] != b"\0\0":
        return None
    low, high = (0, 1) if data[0] == 0x6C else (1, 0)
    version, revision, name, proof = (data[at + low] | data[at + high] << 8 for at in (2, 4, 6, 8))
    if version != 11 or revision > 3 or name > 64 or proof > 256:
        return None
    details = (("authorization", text(data[12 : 12 + name])),) if name else ()
    return Opener("x11", "certain", details, shows=data[:12])


def judge_adb(data: bytes) -> Opener | None:
    """A message whose last field is the complement of its first."""
    if len(data) < 24 or not data.startswith(_ADB):
        return None
    if any(one ^ other != 0xFF for one, other in zip(data[:4], data[20:24], strict=True)):
        return None
    details = [("command", text(data[:4]))]
    if len(data) > 24 and data[0] == 0x43:
        details.append(("banner", text(data[24:].split(b"\0", 1)[0])))
    return Opener("adb", "certain", tuple(details), shows=data[:24])


def judge_adb_server(data: bytes) -> Opener | None:
    """Four hexadecimal digits and a service of the host."""
    found = _HOST.match(data)
    if found is None:
        return _length("adb-server", data)
    return Opener("adb-server", "certain", (("request", text(found[1])),), shows=found[0][:64])


def judge_xmpp(data: bytes) -> Opener | None:
    """The beginning of an XML stream in one of XMPP's name spaces."""
    found = _XMPP.match(data)
    if found is None or not any(each in found[0] for each in _STREAMS):
        return None
    to = _TO.search(found[0])
    return Opener("xmpp", "certain", (("to", text(to[1])),) if to else (), shows=data[:64])


_HEX = b"0123456789abcdef"
KINDS = (
    Kind("ssh", "tcp", judge_ssh, b"S", (22, 2222)),
    Kind("vnc", "tcp", judge_vnc, b"R", (5900, 5901)),
    Kind("rsync", "tcp", judge_rsync, b"@", (873,)),
    Kind("git", "tcp", judge_git, _HEX, (9418,)),
    Kind("svn", "tcp", judge_svn, b"(", (3690,)),
    Kind("jdwp", "tcp", judge_jdwp, b"J", (5005, 8000)),
    Kind("java-rmi", "tcp", judge_rmi, b"J", (1099,)),
    Kind("amqp", "tcp", judge_amqp, b"A", (5672,)),
    Kind("zmtp", "tcp", judge_zmtp, b"\xff", (5555,)),
    Kind("telnet", "tcp", judge_telnet, b"\xff", (23, 2323)),
    Kind("bittorrent", "tcp", judge_bittorrent, b"\x13", (6881, 51413)),
    Kind("x11", "tcp", judge_x11, b"lB", (6000,)),
    Kind("adb", "tcp", judge_adb, b"CSAO", (5555,)),
    Kind("adb-server", "tcp", judge_adb_server, _HEX, (5037,)),
    Kind("xmpp", "tcp", judge_xmpp, b"< \r\n", (5222, 5269)),
)
