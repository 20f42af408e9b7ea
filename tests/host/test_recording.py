"""A recorded host answers like a machine, and only from its own folder."""

from pathlib import Path

import pytest

from command import recorded
from portbook.host import Host

ROOT = Host(recorded("debian12-root"))
NOBODY = Host(recorded("debian12-nobody"))


def test_a_recording_refuses_what_its_recorder_was_refused() -> None:
    """The denials of an unprivileged recording are played back."""
    with pytest.raises(PermissionError):
        NOBODY.open_links(1, {"socket:[1]"})
    with pytest.raises(PermissionError):
        NOBODY.link("/proc/1/exe")
    assert ROOT.link("/proc/1/exe")


def test_what_was_not_recorded_is_absent() -> None:
    """Nothing of this machine shines through."""
    for missing in ("/etc/os-release", "/proc/1/environ"):
        with pytest.raises(FileNotFoundError):
            ROOT.read(missing)
    with pytest.raises(FileNotFoundError):
        ROOT.inode("/etc")
    with pytest.raises(FileNotFoundError):
        ROOT.link("/proc/99999/exe")


def test_a_recording_stands_still_in_time() -> None:
    """Its clock is that of the recording."""
    assert ROOT.now() == ROOT.now()
    assert ROOT.name == "debian12"


def test_users_come_from_the_recorded_host() -> None:
    """A uid without a name is printed as the number."""
    assert ROOT.user(0) == "root"
    assert ROOT.user(4_000_000_000) == "4000000000"


def test_a_recording_holds_no_secret_and_no_link_into_this_machine() -> None:
    """Symbolic links are kept as text, so that nothing can follow them."""
    for path in Path(recorded("debian12-root")).rglob("*"):
        assert not path.is_symlink()
