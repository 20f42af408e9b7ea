"""What a path says about the program that runs from it. Pure: nothing is looked at on a disk."""

from portbook.model import Said

TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/")  # noqa: S108 - looked for, not used
"""Folders that every user can write to and that nobody installs a program in."""

_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib", "/opt/", "/nix/store/", "/gnu/store/", "/snap/")
_NO_HOME = (
    *("/usr/", "/bin/", "/sbin/", "/lib", "/etc/", "/run/", "/dev/", "/boot/", "/proc/", "/sys/"),
    *("/var/log/", "/var/spool/", "/var/www/", "/var/run/"),
)

# Folders that package managers, version managers and editors of users keep programs in. None of
# them is a fact about a file: a path below one is only no evidence of hiding.
_OF_A_USER = frozenset(
    """
    .local .cache .config .cargo .rustup .nvm .npm .npm-global .volta .fnm .nodenv .bun .deno .yarn
    .pnpm .pnpm-store .pyenv .poetry .pipx .conda .miniconda .miniforge .mambaforge .rye .uv .rbenv
    .rvm .gem .bundle .asdf .mise .sdkman .jenv .jdks .m2 .gradle .ivy2 .sbt .coursier .ghcup .cabal
    .stack .opam .elan .juliaup .julia .dotnet .nuget .go .goenv .gvm .nix-profile .nix-defexpr
    .linuxbrew .guix-profile .docker .minikube .krew .terraform .terraform.d .tfenv .pulumi .var
    .steam .wine .mozilla .vscode .vscode-server .vscode-server-insiders .vscode-insiders
    .vscode-remote .vscode-oss .vscodium-server .cursor .cursor-server .windsurf .windsurf-server
    .antigravity-server .theia .zed .zed_server .jetbrains .idea .eclipse .emacs.d .vim .nvim
    .ollama .lmstudio .jupyter .ipython .platformio .espressif .arduino15 .android .foundry .fly
    .wasmer .wasmtime .swiftpm .swiftly .flutter .pub-cache .composer .phpbrew .luarocks .roswell
    .quicklisp .bin .claude .codex .gemini .copilot
    """.split()  # noqa: SIM905 - so many words read better as text
)
_OF_A_PROJECT = frozenset(
    """
    .venv .virtualenv .virtualenvs .env .tox .nox .direnv .devenv .devcontainer .git .github
    .worktrees .next .nuxt .output .svelte-kit .angular .parcel-cache .turbo .pixi .build .bin
    .bloop .metals .stack-work .dart_tool .serverless .aws-sam .hatch .pytest_cache .claude
    """.split()  # noqa: SIM905 - as above
)
_ENVIRONMENTS = frozenset(
    (*("venv", ".venv", "env", ".env", "envs", ".tox", ".nox"), "virtualenvs", ".virtualenvs")
)


def is_temporary(path: str) -> bool:
    """Whether the path is below a folder that every user can write to."""
    return f"{path}/".startswith(TEMPORARY)


def builder_of(path: str) -> str | None:
    """The ordinary tool that runs programs from a temporary folder of its own, if it is one.

    Anybody can name a folder so: this makes a finding milder, it does not silence it.
    """
    parts = path.split("/")
    if any(part.startswith("go-build") for part in parts[:4]):
        return "go run"
    if any(part.startswith(".mount_") for part in parts[:4]):
        return Said("an AppImage")
    return None


def hidden_folder(path: str) -> str | None:
    """The first folder of the path that a listing hides and no ordinary tool makes."""
    parts = path.split("/")[1:-1]
    for index, part in enumerate(parts):
        if not part.startswith(".") or part in (".", ".."):
            continue
        if part in _OF_A_PROJECT or part.startswith(".venv"):
            continue
        above = "/" + "".join(f"{each}/" for each in parts[:index])
        if part.casefold() in _OF_A_USER and above != "/" and not above.startswith(_NO_HOME):
            continue
        return f"{above}{part}"
    return None


def is_system(path: str) -> bool:
    """Whether the path is where packages put programs, so that no user writes there."""
    return path.startswith(_SYSTEM) and not path.startswith("/usr/local/")


def is_environment(command: str) -> bool:
    """Whether the command is a program in a virtual environment, such as `.venv/bin/python`."""
    parts = command.split("/")
    if len(parts) < 3 or parts[-2] not in ("bin", "Scripts"):
        return False
    return any(part in _ENVIRONMENTS or part.startswith((".venv", "venv")) for part in parts)
