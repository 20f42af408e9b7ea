"""The entry for a holder that no process shows."""

from portbook.model import Container, Owner, Unknown


def unseen_owner(
    why: Unknown,
    *,
    user: str | Unknown,
    proof: str = "none",
    unit: str | None | Unknown,
    container: Container | None | Unknown,
) -> Owner:
    """A holder that no process shows: the facts of the process are all unknown for `why`."""
    return Owner(
        pid=why,
        ppid=why,
        name=why,
        exe=why,
        exe_deleted=why,
        cmdline=why,
        user=user,
        cwd=why,
        started=why,
        fds=why,
        proof=proof,
        unit=unit,
        activated_by=Unknown("not-asked"),
        container=container,
        package=Unknown("not-asked"),
        ancestry=why,
    )
