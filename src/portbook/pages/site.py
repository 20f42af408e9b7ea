"""What all views of one server share."""

from typing import TYPE_CHECKING

from starlette.requests import Request

from portbook.pages.edition import Edition
from portbook.pages.feedback import FeedbackDesk
from portbook.pages.live import Live
from portbook.pages.metrics import Metrics
from portbook.pages.settings import Settings
from portbook.pages.streams import Streams
from portbook.pages.tokens import Tokens

if TYPE_CHECKING:
    from portbook.claims.desk import Desk
    from portbook.pages.fleet.desk import FleetDesk


class Site:
    """The settings of a server, and what it keeps between requests.

    `live` is None where nothing of this machine may be shown, `desk` where there are no claims,
    `fleet` where no store of many machines is named.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens = Tokens(settings.token_file, secure=settings.secure, port=settings.port)
        self.edition = Edition()
        self.live = Live() if settings.live else None
        self.feedback = FeedbackDesk(settings.feedback_file)
        self.metrics = Metrics()
        self.draining = False
        self.desk: Desk | None = None
        self.fleet: FleetDesk | None = None
        self.streams = Streams()

    def knows(self, request: Request) -> bool:
        """Whether who asks has shown the token."""
        return self.tokens.admits(request)
