"""Where registry, process and wire disagree. Pure."""

from collections.abc import Sequence


def conflict(
    registered: Sequence[str],
    process: str | None,
    wire: str | None,
    *,
    as_registered: bool,
    as_process: bool,
) -> tuple[str, ...]:
    """One line that names all sources side by side, or nothing where they agree.

    Args:
        registered: the services that the registry has for the port.
        process: what the process is called, where it is known for a protocol.
        wire: what answered, in words.
        as_registered: whether what answered is one of the registered services.
        as_process: whether it is what the process is known for.
    """
    # Of what is inside TLS nothing is known, so nothing contradicts it.
    if wire in (None, "tls") or (
        (as_registered or not registered) and (as_process or process is None)
    ):
        return ()
    said = [f"registered: {' or '.join(registered[:3])}"] if registered else []
    if process is not None:
        said.append(f"process: {process}")
    said.append(f"wire: {wire}")
    return (", ".join(said),)
