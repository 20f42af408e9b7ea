"""The errors that portbook raises, named for what the caller does next.

    PortbookError
    ├── UsageError            a port, name or option that cannot be understood (exit 2)
    │   ├── BadPort           (also a ValueError)
    │   └── UnknownService    (also a LookupError) carries near names
    ├── NotPermitted          the system refused (exit 4; also a PermissionError)
    └── EnvironmentFault      a needed file, table or server is missing or broken (exit 5)
        ├── TableFault        a registry table that cannot be read
        ├── ImportRefused     an offered registry that does not fit; the old one stays
        └── DownloadFault     the network or the server failed

Every message is one line; `hint` is the way out, where there is one.
"""


class PortbookError(Exception):
    """The root of portbook's own errors."""

    exit_code = 5

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PortbookError):
    """What was asked cannot be understood."""

    exit_code = 2


class BadPort(UsageError, ValueError):
    """Text or a number that is no port, range or transport."""


class UnknownService(UsageError, LookupError):
    """A service name that no table knows; `near` are the closest known names, best first."""

    def __init__(self, name: str, *, near: tuple[str, ...] = ()) -> None:
        hint = f"did you mean {', '.join(near)}?" if near else "try: portbook search TEXT"
        super().__init__(f"unknown service name {name!r}", hint=hint)
        self.name = name
        self.near = near


class NotPermitted(PortbookError, PermissionError):
    """The system refused; the hint says which privilege helps."""

    exit_code = 4


class EnvironmentFault(PortbookError):
    """A needed file, table, server or kernel facility is missing or broken."""

    exit_code = 5


class TableFault(EnvironmentFault):
    """A registry table that cannot be read or is not a table."""


class ImportRefused(EnvironmentFault):
    """A registry that was offered and does not fit. Nothing was changed."""


class DownloadFault(EnvironmentFault):
    """The network, the server or what it sent failed. Nothing was changed."""
