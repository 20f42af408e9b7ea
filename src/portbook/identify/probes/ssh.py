"""SSH: the server greets with its identification string (RFC 4253 section 4.2)."""

from portbook.identify.probe import Found, More, Probe, Talk

_PRODUCTS = (
    ("OpenSSH_for_Windows_", "OpenSSH for Windows"),
    ("OpenSSH_", "OpenSSH"),
    ("dropbear_", "Dropbear"),
    ("dropbear", "Dropbear"),
    ("tinyssh_", "TinySSH"),
    ("AsyncSSH_", "AsyncSSH"),
    ("paramiko_", "Paramiko"),
    ("libssh_", "libssh"),
    ("libssh-", "libssh"),
    ("Go", "Go x/crypto/ssh"),
    ("Cisco-", "Cisco IOS"),
    ("ROSSSH", "MikroTik RouterOS"),
    ("mod_sftp/", "ProFTPD mod_sftp"),
    ("mod_sftp", "ProFTPD mod_sftp"),
    ("APACHE-SSHD-", "Apache MINA SSHD"),
    ("Twisted_", "Twisted Conch"),
    ("Twisted", "Twisted Conch"),
    ("SSHPiper", "sshpiper"),
    ("Teleport", "Teleport"),
)


def judge(talk: Talk) -> Found | More | None:
    """`SSH-2.0-software comments`; lines may come before it, none of them starting with SSH-."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    start = 0
    if not talk.opener and not talk.first.startswith(b"SSH-"):
        # Only unasked: what is said of SSH in answer to a question may be anybody's text.
        start = talk.first.find(b"\nSSH-", 0, 8192) + 1
    line, end, _ = talk.first[start : start + 256].partition(b"\n")
    if not line.startswith((b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-")):
        return None
    found = _read(line.rstrip(b"\r"))
    return found if end or talk.ended else More(found)


def _read(line: bytes) -> Found:
    text = line.decode("ascii", "replace")
    software, _, comment = text.split("-", 2)[2].partition(" ")
    product, version = software, None
    for prefix, name in _PRODUCTS:
        # Go's is the whole word, and others begin so.
        if software.startswith(prefix) and (prefix != "Go" or software == prefix):
            product, version = name, software.removeprefix(prefix) or None
            break
    if product == "TinySSH":
        # The packager's revision, and a comment that is drawn anew for each connection.
        version, comment = (version or "").partition("-")[0] or None, ""
    notes = (comment,) if comment else ()
    return Found("ssh", "certain", product or None, version, shows=line, notes=notes)


PROBE = Probe(
    name="ssh",
    title="SSH",
    source="RFC 4253 section 4.2",
    services=("ssh",),
    ports=(22,),
    programs=("sshd", "openssh-server", "dropbear", "dropbear-bin", "tinysshd", "sftpgo"),
    speaks_first=True,
    judge=judge,
)
