"""What is known of numbers beyond the files: the registry, the kernel, this machine.

The survey fills it; the rules ask it. What looks at the machine is empty unless that was asked.
"""

from collections.abc import Callable

from portbook.model.record import Record


class Meaning(Record):
    """What a number is meant to be, for one transport.

    `services` are its registered names, `description` the first one's, `life` the verdict on the
    registration (`alive`, `overtaken`, `orphan`, ...), `alive_as` the products that show that it
    lives. `unofficial` are products known to use it, `malware` names of harmful programs with it
    as a default, each with its confidence (`high`, ...). `browser_blocked`: browsers refuse it.
    """

    services: tuple[str, ...]
    description: str | None
    life: str
    alive_as: tuple[str, ...]
    unofficial: tuple[str, ...]
    malware: tuple[tuple[str, str], ...]
    browser_blocked: bool


class Taken(Record):
    """Who has a number on this machine: `what` is `listener`, `claim` or `reservation`."""

    what: str
    who: str
    address: str | None
    project: str | None = None


class Known(Record):
    """What rules may ask.

    `meaning(port, transport)`; `fits(product, port, transport)` is whether a product (an
    image, a program) is what is registered there or known to use it, None where the product is
    unknown to the registry; `taken(port, transport, address)` is who has it here (empty unless
    this machine is looked at). `ephemeral` is the inclusive range of the kernel's own choices and
    `unprivileged` the first port without privilege (the machine's, or Linux's defaults);
    `reserved` the kernel's reserved ranges of this machine. `here`: this machine is looked at.
    """

    meaning: "Callable[[int, str], Meaning]"
    fits: "Callable[[str, int, str], bool | None]"
    taken: "Callable[[int, str, str | None], tuple[Taken, ...]]"
    ephemeral: tuple[int, int] = (32768, 60999)
    unprivileged: int = 1024
    reserved: tuple[tuple[int, int], ...] = ()
    here: bool = False
