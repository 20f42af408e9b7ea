"""Fetching one file over HTTP, in pieces. No retries, no cookies, no state between two calls.

Import it where it is used: urllib and ssl cost more than a whole lookup.
The proxies of the environment (`https_proxy`, `no_proxy`) are honoured, as everywhere.
"""

import ssl
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from socket import gaierror
from typing import Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from portbook.host import clock
from portbook.model import DownloadFault
from portbook.model.record import Record
from portbook.model.version import __version__

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far, and the bytes expected where the server said."""

CHUNK = 64 << 10
_MOVED = (301, 302, 303, 307, 308)
# What urllib, http.client, ssl and sockets raise; ValueError for headers that make no sense.
_BROKEN = (OSError, HTTPException, ValueError)


class Limits(Record):
    """What a server may cost us: bytes, seconds of silence, and seconds in all."""

    size: int = 64 << 20
    silence: float = 30.0
    total: float = 600.0


class Reply(Record):
    """An answer under way. `chunks` is None when the server said that nothing changed (304).

    Reading `chunks` raises DownloadFault when the transfer breaks, comes short of its length, or
    exceeds the limits.
    """

    chunks: Iterator[bytes] | None
    etag: str | None
    last_modified: str | None


def fetch(
    address: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Reply:
    """Ask for `address`, unless it is still the version of `etag` or `last_modified`.

    Raises:
        DownloadFault: there is no such server, it does not answer in time, its certificate does
            not hold, or it answers anything but 200 or 304. One line each.
    """
    limits = limits or Limits()
    _check(address)
    headers = {"User-Agent": f"portbook/{__version__}", "Accept-Encoding": "identity"}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    start = clock.monotonic()
    try:
        # Nothing but http and https can be opened: _check() saw the address, _opener() the rest.
        response: HTTPResponse = _opener().open(
            request.Request(address, headers=headers),  # noqa: S310 - http(s) only, checked
            timeout=limits.silence,
        )
    except HTTPError as answer:
        with answer:
            if answer.code == HTTPStatus.NOT_MODIFIED and (etag or last_modified):
                return Reply(None, etag, last_modified)
            if answer.code in _MOVED:
                raise _fault(f"{address} redirects too often, or to no http address") from None
            raise _fault(f"{address} answered {_status(answer.code)}") from None
    except _BROKEN as why:
        raise _explained(address, limits, why) from None
    if response.status != HTTPStatus.OK:
        response.close()
        raise _fault(f"{address} answered {_status(response.status)}")
    if (coding := response.headers.get("Content-Encoding", "identity")) != "identity":
        response.close()
        raise _fault(f"{address} sent its content as {coding[:20]!r}, which was not asked for")
    return Reply(
        _chunks(response, address, limits, start, progress),
        _header(response, "ETag"),
        _header(response, "Last-Modified"),
    )


def _chunks(
    response: HTTPResponse,
    address: str,
    limits: Limits,
    start: float,
    progress: Progress | None,
) -> Iterator[bytes]:
    # http.client itself drops a Content-Length that is no number, and then reads to the end.
    expected = response.length
    received = 0
    with response:
        if expected is not None and expected > limits.size:
            raise _fault(f"{address} announces {expected} bytes; {limits.size} are the most")
        while True:
            try:
                # read1() is at most one recv(): read() would wait for a full chunk, and a server
                # that drips single bytes would never run into a limit.
                chunk = response.read1(CHUNK)
            except _BROKEN as why:
                raise _explained(address, limits, why) from None
            if not chunk:
                break
            received += len(chunk)
            if received > limits.size:
                raise _fault(f"{address} sends more than {limits.size} bytes")
            if clock.monotonic() - start > limits.total:
                raise _fault(f"{address} took longer than {limits.total:g} s")
            if progress is not None:
                progress(received, expected)
            yield chunk
    if expected is not None and received != expected:
        raise _fault(f"{address} broke off after {received} of {expected} bytes")


def _check(address: str, *, after: str = "") -> None:
    """Refuse what is no plain http or https address, and http where https has led there."""
    try:
        parts = urlsplit(address)
        sound = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        sound = False
    if not sound or not address.isascii() or not address.isprintable() or " " in address:
        raise _fault(f"{address[:200]!a} is no http or https address")
    if "@" in parts.netloc:
        raise _fault("addresses with a user name or password are not supported")
    if after.startswith("https:") and parts.scheme != "https":
        raise _fault(f"{after} leads from https to {address[:200]}")


class _Redirect(request.HTTPRedirectHandler):
    """A few redirects, to http and https only, and never from https to http."""

    max_redirections = 5
    max_repeats = 2

    def redirect_request(  # the signature of the overridden one
        self, req: request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> request.Request | None:
        try:
            _check(newurl, after=req.full_url)
        except DownloadFault:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> request.OpenerDirector:
    """The usual opener of urllib without its doors to files, FTP and data."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
        _Redirect,
    ):
        opener.add_handler(handler())
    return opener


def _explained(address: str, limits: Limits, why: Exception) -> DownloadFault:
    """Whatever urllib, http.client, ssl or the socket raised, in one line."""
    reason = why.reason if isinstance(why, URLError) else why
    host = urlsplit(address).hostname
    match reason:
        case ssl.SSLCertVerificationError():
            return _fault(f"the certificate of {host} does not hold: {reason.verify_message}")
        case gaierror():
            return _fault(f"no network, or no such host: {host}")
        case TimeoutError():
            return _fault(f"{address} was silent for {limits.silence:g} s")
        case HTTPException():
            return _fault(f"{address} does not speak proper HTTP ({type(reason).__name__})")
        case OSError():
            return _fault(f"cannot reach {address}: {reason.strerror or type(reason).__name__}")
        case str():
            return _fault(f"cannot reach {address}: {' '.join(reason.split())[:200]}")
        case _:
            return _fault(f"cannot fetch {address}: {type(reason).__name__}")


def _status(code: int) -> str:
    """A status with the standard's own phrase; the server's could say anything."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _header(response: HTTPResponse, name: str) -> str | None:
    """A validator to send back next time; None for one that no honest server sends."""
    text = response.headers.get(name)
    return text if text and len(text) <= 256 and text.isascii() and text.isprintable() else None


def _fault(message: str) -> DownloadFault:
    return DownloadFault(message, hint="portbook update --from FILE")
