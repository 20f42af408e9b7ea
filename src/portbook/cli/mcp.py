"""These answers as tools for coding agents: an MCP server over stdin and stdout, or HTTP."""

import argparse

from portbook.model.errors import EnvironmentFault, UsageError

_ANY = "127.0.0.1:0"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook mcp`."""
    parser.add_argument(
        "--allow-claims",
        action="store_true",
        help="tools that claim and release ports too (without it, all only read)",
    )
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        nargs="?",
        const=_ANY,
        help=f"streamable HTTP at /mcp behind the token, on loopback (default: {_ANY})",
    )


def main(options: argparse.Namespace) -> int:
    """0 when the client has gone or it was asked to end, 130 by Ctrl-C.

    Raises:
        EnvironmentFault: the SDK is not installed.
        UsageError: the address is none of loopback.
    """
    if options.json or options.jsonl:
        raise UsageError("portbook mcp speaks MCP, which has its own JSON", hint="without --json")
    place = None if options.http is None else _place(options.http)
    try:
        from portbook.mcp.quick_import import load_sdk

        load_sdk(http=place is not None)
        from portbook.mcp.desk import Desk

        desk = Desk(claims=options.allow_claims)
        if place is None:
            from portbook.mcp.stdio import serve_stdio
        else:
            from portbook.mcp.http import serve_http
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("portbook"):
            raise
        name = (missing.name or "").partition(".")[0]
        raise EnvironmentFault(
            f"the MCP server needs {name}, which is not installed",
            hint='pip install "portbook[mcp]"',
        ) from None
    if place is None:
        _tell_people()
    _collect()
    return serve_stdio(desk) if place is None else serve_http(desk, *place)


def _tell_people() -> None:
    """Whoever types it into a terminal wonders why nothing happens."""
    import sys

    from portbook.cli.telling import say

    if sys.stdin is not None and sys.stdin.isatty():
        say("portbook mcp waits for the messages of a coding agent on stdin; Ctrl-C ends")


def _collect() -> None:
    """Garbage is not collected while a command starts: now it is, but for what stays for ever."""
    import gc

    gc.freeze()
    gc.enable()


def _place(text: str) -> tuple[str, int]:
    """`127.0.0.1:8765`, `[::1]:8765`, `localhost:0`, or the port alone.

    Raises:
        UsageError: it is none of these, or not of loopback.
    """
    from ipaddress import ip_address

    from portbook.cli.arguments import port_number

    host, colon, port = text.rpartition(":")
    if not colon:
        host = "127.0.0.1"
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost":
        host = "127.0.0.1"
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        raise UsageError(f"--http: {text[:60]!r} is no HOST:PORT", hint="127.0.0.1:8765") from None
    if not loopback:
        raise UsageError(
            f"--http: {host} is reached from other machines",
            hint="127.0.0.1; from elsewhere through ssh -L",
        )
    return host, port_number(port)
