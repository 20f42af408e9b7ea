"""What an audit remarks on who can reach a listener: no evidence of harm, so never in a verdict."""

from portbook.model import Listener, Suspicion, Unknown

SUMMARIES = {
    "exposed-development-server": "a development server listens on every address",
    "exposed-unregistered": "a number that nobody registered is open on every address",
}

_NEXT = "bind it to 127.0.0.1 or to one network, or close the number in the firewall"

# Words of a command line, all of one row together, and what they start.
_DEVELOPMENT: tuple[tuple[tuple[str, ...], str], ...] = (
    (("http.server",), "python -m http.server"),
    (("manage.py", "runserver"), "Django's development server"),
    (("flask", "run"), "Flask's development server"),
    (("uvicorn", "--reload"), "uvicorn --reload"),
    (("vite",), "Vite"),
    (("webpack-dev-server",), "webpack's development server"),
    (("webpack", "serve"), "webpack's development server"),
    (("next", "dev"), "Next.js' development server"),
    (("nuxt", "dev"), "Nuxt's development server"),
    (("ng", "serve"), "Angular's development server"),
    (("react-scripts", "start"), "the development server of create-react-app"),
    (("gatsby", "develop"), "Gatsby's development server"),
    (("jekyll", "serve"), "jekyll serve"),
    (("hugo", "server"), "hugo server"),
    (("live-server",), "live-server"),
    (("http-server",), "http-server"),
    (("php", "-S"), "PHP's development server"),
    (("jupyter-lab",), "Jupyter"),
    (("jupyter-notebook",), "Jupyter"),
    (("debugpy",), "a debugger (debugpy)"),
)


def exposures(row: Listener) -> tuple[Suspicion, ...]:
    """The remarks on a listener that every address of this machine answers for."""
    if row.reach != "any" or row.socket.state == "bound" or row.namespace is not None:
        return ()
    if server := _development_server(row):
        rule = "exposed-development-server"
        reason = f"{server} is meant for this machine alone, and listens on {row.socket.address}"
        return (Suspicion(rule, "low", reason, _NEXT),)
    # A client's own UDP socket looks like a listener, so only TCP is sure to serve.
    if row.verdict.value == "unregistered" and row.socket.transport == "tcp":
        reason = f"it listens on {row.socket.address}, and nobody registered the number"
        return (Suspicion("exposed-unregistered", "info", reason, _NEXT),)
    return ()


def _development_server(row: Listener) -> str | None:
    """What kind of development server one of the owners is."""
    for owner in row.owners:
        if isinstance(owner.cmdline, Unknown):
            continue
        names = {word.rsplit("/", 1)[-1].removesuffix(".js") for word in owner.cmdline}
        for words, what in _DEVELOPMENT:
            if all(word in names for word in words):
                return what
    return None
