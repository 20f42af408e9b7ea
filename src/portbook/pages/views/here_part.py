"""What listens on one port of this machine: the part of its page that is refreshed."""

from starlette.requests import Request
from starlette.responses import Response

from portbook.model import Transport
from portbook.pages.answering import Refused, page, require_token, site_of
from portbook.pages.views.port import here_of, port_of

_TRANSPORTS = {kind.value for kind in Transport}


async def port_here(request: Request) -> Response:
    """The part alone, for who has the token; `?transport=udp` leaves out the others."""
    number = port_of(request)
    if site_of(request).live is None:
        raise Refused(404, "This book shows nothing of the machine that it is served from.")
    require_token(request)
    kind = request.query_params.get("transport")
    here = await here_of(request, number, kind if kind in _TRANSPORTS else None)
    return page(request, "port_here.html", here=here)
