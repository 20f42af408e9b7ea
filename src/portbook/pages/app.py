"""The application: which address is which page."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from portbook.pages.answering import refused
from portbook.pages.asked import LanguagePath
from portbook.pages.edition import NewestRegistry
from portbook.pages.fleet import fleet, fleet_map
from portbook.pages.guard import Guard
from portbook.pages.site import Site
from portbook.pages.views import (
    assignee,
    enter,
    error,
    events,
    feedback,
    health,
    here,
    here_part,
    home,
    method,
    metrics,
    name,
    openapi,
    orphans,
    port,
    ports_api,
    search,
    static,
    year,
)
from portbook.pages.views import (
    map as portmap,
)


def make_app(site: Site) -> Starlette:
    """The book of one server."""
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(Guard, site.settings),
            Middleware(NewestRegistry, site.edition),
            Middleware(LanguagePath),
        ],
        exception_handlers={HTTPException: refused, Exception: error.failed},
    )
    app.router.redirect_slashes = False  # to an http address without the language: see LanguagePath
    app.state.site = site
    return app


def _routes() -> list[BaseRoute]:
    return [
        # First what is asked for most: a route that does not fit costs 1.5 us.
        Route("/{port:int}", port.port),
        Route("/{port:int}.json", port.port_json),
        Route("/{port:int}/here", here_part.port_here),
        Route("/{port:int}/{transport}.json", port.transport_json),
        Route("/{port:int}/{transport}", port.transport),
        Route("/", home.home),
        Route("/search", search.search),
        Route("/search.json", search.search_json),
        Route("/orphans", orphans.orphans),
        Route("/orphans.json", orphans.orphans_json),
        Route("/census.json", orphans.census_json),
        Route("/orphans/{name}.svg", orphans.chart),
        Route("/orphans/{thousand}", orphans.orphans_of),
        Route("/assignee/{id}.json", assignee.assignee_json),
        Route("/assignee/{id}", assignee.assignee),
        Route("/year/{year}.json", year.year_json),
        Route("/year/{year}", year.year),
        Route("/method", method.method),
        Route("/here", here.here),
        Route("/here.json", here.here_json),
        Route("/here/part", here.here_part),
        Route("/map", portmap.view),
        Route("/map.json", portmap.view_json),
        Route("/map.svg", portmap.view_svg),
        Route("/map/{name}", portmap.asset),
        Route("/fleet", fleet.fleet),
        Route("/fleet.json", fleet.fleet_json),
        Route("/fleet/hosts", fleet.hosts),
        Route("/fleet/hosts.json", fleet.hosts_json),
        Route("/fleet/port/{port:int}.json", fleet.port_json),
        Route("/fleet/port/{port:int}", fleet.port),
        Route("/fleet/host/{id}.json", fleet.host_json),
        Route("/fleet/host/{id}", fleet.host),
        Route("/fleet/map", fleet_map.view),
        Route("/fleet/map.json", fleet_map.view_json),
        Route("/fleet/map.svg", fleet_map.view_svg),
        Route("/feedback", feedback.feedback, methods=["GET", "POST"]),
        Route("/feedback.json", feedback.twin),
        Route("/feedback/thanks", feedback.thanks),
        Route("/enter", enter.form),
        Route("/enter", enter.enter, methods=["POST"]),
        Route("/enter/code", enter.code, methods=["POST"]),
        Route("/leave", enter.leave, methods=["POST"]),
        Route("/healthz", health.health),
        Route("/metrics", metrics.metrics),
        Route("/openapi.json", openapi.openapi),
        Route("/static/{name}", static.static),
        Route("/v1/events", events.events),
        Route("/v1/listeners", ports_api.listeners),
        Route("/v1/ports/{port}", ports_api.port),
        Route("/name/{name:path}.json", name.named_json),
        Route("/name/{name:path}", name.named),
        Route("/{name}.json", name.named_json),
        Route("/{name}", name.short),
    ]
