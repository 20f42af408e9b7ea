"""Development servers of web frameworks (HTTP), told by what they add to the pages."""

from portbook.identify.probe import Probe
from portbook.identify.probes.web_signs import Sign, judge_by

_SIGNS = (
    Sign("Nuxt", headers=(("x-powered-by", "nuxt"),)),
    Sign("Nuxt", body=(b"window.__NUXT__",)),
    Sign("SvelteKit", headers=(("x-sveltekit-page", ""),)),
    Sign("Astro", body=(b'<meta name="generator" content="Astro v',), after=b'content="Astro v'),
    Sign("Storybook", title="*Storybook", body=(b"sb-",)),
    Sign("Hugo", body=(b"/livereload.js?mindelay=",), after=b'name="generator" content="Hugo '),
    Sign("Hugo", body=(b"/livereload.js?mindelay=", b"data-no-instant")),
    Sign(
        "Jekyll",
        headers=(("server", "webrick"),),
        body=(b'content="Jekyll v',),
        after=b'content="Jekyll v',
    ),
    Sign("MkDocs", body=(b'name="generator" content="mkdocs-', b"livereload("), after=b"mkdocs-"),
    Sign(
        "Django",
        headers=(("server", "wsgiserver/"),),
        body=(b"docs.djangoproject.com/en/",),
        after=b"docs.djangoproject.com/en/",
    ),
    Sign(
        "Django",
        headers=(
            ("server", "wsgiserver/"),
            ("x-frame-options", "deny"),
            ("referrer-policy", "same-origin"),
        ),
    ),
    Sign("Django", body=(b"Using the URLconf defined in", b"Django")),
    Sign("Spring Boot", body=(b"Whitelabel Error Page",)),
    Sign("Spring Boot", headers=(("x-application-context", ""),)),
    Sign(
        "Spring Boot",
        status=404,
        headers=(("content-type", "application/json"),),
        body=(b'"timestamp":', b'"status":404,"error":"Not Found"', b'"path":"/"'),
    ),
    Sign(
        "Ruby on Rails",
        title="Ruby on Rails*",
        body=(b"Rails version:</strong> ",),
        after=b"Rails version:</strong> ",
    ),
    Sign("Ruby on Rails", headers=(("x-runtime", "0."), ("x-request-id", "-"))),
    Sign("Phoenix", body=(b"phoenix/live_reload/frame",)),
    Sign("Laravel", headers=(("set-cookie", "laravel_session="),)),
)

PROBE = Probe(
    name="dev-server",
    title="Development servers",
    source="the documentation of each framework",
    programs=("hugo", "jekyll"),
    commands=(
        "manage.py runserver",
        "/.bin/nuxt",
        "nuxi",
        "/.bin/astro",
        "/.bin/storybook",
        "spring-boot",
        "mkdocs serve",
    ),
    transports=("tcp",),
    reacts_to=("http",),
    judge=judge_by("dev-server", _SIGNS),
)
