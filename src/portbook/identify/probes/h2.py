"""H2 database over TCP: the client begins with the versions of the protocol that it speaks.

One that is too old gets an error with the number of the server's build; so do most first messages
of other protocols, since they begin with a number that is too large.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_WORDS = "Version mismatch, driver version is ".encode("utf-16-be")
_BUILD = " [90047-".encode("utf-16-be")
_START = b"\x00\x00\x00\x00\x00\x00\x00\x05" + "90047".encode("utf-16-be")


def judge(talk: Talk) -> Found | More | None:
    """Status 0 (an error), SQL state 90047 as a string, its message, and the trace with the build.

    A string is its length in characters and UTF-16.
    """
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1 or len(reply) < 8:
        return None
    if not reply.startswith(_START):
        return More() if _START.startswith(reply) and not talk.ended else None
    at = len(_START)
    length = 2 * int.from_bytes(reply[at : at + 4])
    message = reply[at + 4 : at + 4 + min(length, 400)]
    if not message.startswith(_WORDS):
        return More() if len(message) < len(_WORDS) and not talk.ended else None
    text = message.decode("utf-16-be", "replace")
    found = Found("h2", "certain", "H2", shows=text.encode()[:100])
    place = reply.find(_BUILD, at, 2048)
    if place < 0:
        return found if talk.ended or len(reply) >= 2048 else More(found)
    build = reply[place + len(_BUILD) : place + len(_BUILD) + 12].decode("utf-16-be", "replace")
    number, closed, _ = build.partition("]")
    if not closed and not talk.ended:
        return More(found)
    return found._replace(version=_version(number))


def _version(build: str) -> str | None:
    """The release of a build: it counts on over all releases, and ends their names."""
    if not build.isascii() or not build.isdigit() or len(build) != 3:
        return None
    number = int(build)
    if 177 <= number <= 200:
        return f"1.4.{number}"
    return f"2.{(number - 200) // 10}.{number}" if number > 200 else None


PROBE = Probe(
    name="h2",
    title="H2 database",
    source="H2 source, org.h2.server.TcpServerThread and org.h2.value.Transfer",
    ports=(9092,),
    programs=("libh2-java",),
    commands=("org.h2.tools.server", "org.h2.tools.console", "org.h2.server"),
    opener=b"\x00\x00\x00\x05",
    reacts_to=("http", "redis", "memcached"),
    judge=judge,
)
