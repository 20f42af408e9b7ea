"""How the book is served: what was decided on the command line, before anything is opened."""

from portbook.model.record import Record

PORT = 3255
"""The registered port of the service `semaphore`, which portbook answers on."""


class Settings(Record):
    """The settings of one server.

    `names` are the values of the Host header that are answered, lower case, with the port
    (`127.0.0.1:3255`). `port` is the first that it listens on, 0 with Unix sockets alone. `live` is
    false where nothing of this machine may be shown. `exposed`: it listens on more than loopback.
    `secure`: it speaks TLS. `token_file` and `feedback_file` are paths of files that are made when
    first needed.
    """

    names: frozenset[str]
    port: int = 0
    live: bool = True
    exposed: bool = False
    secure: bool = False
    token_file: str = ""
    feedback_file: str = ""
