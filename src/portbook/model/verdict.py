"""Whether a listener belongs: the facts that are weighed, and the value with its reasons."""

from portbook.model.record import Record


class Facts(Record):
    """What is known of one listener, from every folder, joined by the survey.

    `process` is the owner's name, None where no process is visible. `registered` are the names of
    the services assigned to the port and transport; `registered_match` the one that the process
    is known for; `unofficial_match` a product known to use this number, which the process is.
    """

    process: str | None
    registered: tuple[str, ...] = ()
    registered_match: str | None = None
    unofficial_match: str | None = None
    ephemeral: bool = False


class Verdict(Record):
    """`value`: expected, familiar, unregistered, mismatch, suspicious, unknown."""

    value: str
    reasons: tuple[str, ...]
