"""The commands that show what listens on a port: on Linux, macOS and Windows. Pure."""

from portbook.model.record import Record

_SS = {"tcp": "t", "udp": "u", "sctp": "S", "dccp": "d"}


class Commands(Record):
    """Command lines by system, best first. `macos` and `windows` are empty where they have none."""

    portbook: str
    linux: tuple[str, ...]
    macos: tuple[str, ...]
    windows: tuple[str, ...]


def commands_for(port: int, transports: tuple[str, ...], *, alone: bool) -> Commands:
    """The commands for a port over these transports, the first one first.

    `alone`: nothing but the first transport was asked for.
    """
    return Commands(
        f"portbook {port}/{transports[0]}" if alone else f"portbook {port}",
        _linux(port, transports),
        tuple(_macos(port, each) for each in transports if each in ("tcp", "udp")),
        tuple(_windows(port, each) for each in transports if each in ("tcp", "udp")),
    )


def _linux(port: int, transports: tuple[str, ...]) -> tuple[str, ...]:
    """iproute2's ss: -H no header, -l listening ones, -p with the process, -n numbers."""
    letters = [_SS[each] for each in transports]
    if transports[:2] == ("tcp", "udp"):
        letters[:2] = ["tu"]  # ss shows both at once
    return tuple(f"ss -H -{letter}lpn 'sport = :{port}'" for letter in letters)


def _macos(port: int, transport: str) -> str:
    """lsof: -n and -P leave addresses and ports as numbers."""
    if transport == "udp":
        return f"sudo lsof -nP -iUDP:{port}"
    return f"sudo lsof -nP -iTCP:{port} -sTCP:LISTEN"


def _windows(port: int, transport: str) -> str:
    """PowerShell's own commands, of the module NetTCPIP."""
    asked = "Get-NetUDPEndpoint" if transport == "udp" else "Get-NetTCPConnection -State Listen"
    return f"{asked} -LocalPort {port} | Select-Object LocalAddress, OwningProcess"
