"""The entry for a holder that no process shows."""

from portbook.model import NOT_ASKED, Container, Owner, Unknown


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
        activated_by=NOT_ASKED,
        container=container,
        package=NOT_ASKED,
        ancestry=why,
        project=NOT_ASKED,
        unit_facts=NOT_ASKED,
        engine_container=NOT_ASKED,
        preloads=NOT_ASKED,
    )
