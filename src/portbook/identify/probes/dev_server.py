"""Development servers of web frameworks (HTTP), told by what they add to the pages."""

from portbook.identify.probe import Probe
from portbook.identify.wire.web_signs import Sign, judge_by

_VITE = b'/@vite/client"'
_WHITELABEL = b"<html><body><h1>Whitelabel Error Page</h1>"
_SIGNS = (
    Sign("Nuxt", headers=(("x-powered-by", "nuxt"),), body=(_VITE,), framework=True),
    Sign("SvelteKit", body=(b"/@sveltejs/kit/src/runtime/client/", b"__sveltekit_dev")),
    Sign(
        "Astro",
        body=(b'<meta name="generator" content="Astro v', b"<script", b'src="/@vite/client"'),
        after=b'content="Astro v',
    ),
    Sign("Storybook", title="*Storybook", body=(b"sb-", b"['CONFIG_TYPE'] = \"DEVELOPMENT\"")),
    Sign(
        "Hugo",
        body=(b'<script src="/livereload.js?mindelay=',),
        after=b'name="generator" content="Hugo ',
    ),
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
    Sign(
        "Django",
        status=404,
        title="Page not found at /",
        body=(b"<h1>Page not found", b"Using the URLconf defined in"),
    ),
    *(Sign("Spring Boot", status=status, body=(_WHITELABEL,)) for status in (401, 403, 404, 500)),
    Sign("Spring Boot", headers=(("x-application-context", ""),), framework=True),
    Sign(
        "Spring Boot",
        status=404,
        headers=(("content-type", "application/json"),),
        body=(b'{"timestamp":', b'"status":404,"error":"Not Found"', b'"path":"/"'),
        framework=True,
    ),
    Sign(
        "Ruby on Rails",
        title="Ruby on Rails*",
        body=(b"Rails version:</strong> ",),
        after=b"Rails version:</strong> ",
    ),
    Sign("Phoenix", body=(b'<iframe hidden height="0" width="0" src="/phoenix/live_reload/frame',)),
    # With a Host header of its own, as PHP's built-in server sends it: `artisan serve`.
    Sign(
        "Laravel",
        headers=(("set-cookie", "laravel_session="), ("x-powered-by", "php/"), ("host", "")),
        framework=True,
    ),
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
