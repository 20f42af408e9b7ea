"""The ports of command lines: programs, their options, and what starts them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.lint.command_line import ports_in_command, ports_in_words
from portbook.lint.command_words import HOLE, commands_of, plain_word


def told(text: str) -> list[str]:
    """The ports of a text as lines: `listen 3000 vite 0.0.0.0 http`."""
    found = []
    for port in ports_in_command(text):
        shown = text[port.offset : port.offset + port.length]
        number = f"{port.first}-{port.last}" if port.first != port.last else str(port.first)
        assert shown == number, port
        transport = "" if port.transport == "tcp" else port.transport
        words = (port.role, number + transport, port.program, port.address, port.speaks)
        found.append(" ".join(word for word in words if word))
    return found


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("vite --host --port 3000", ["listen 3000 vite 0.0.0.0 http"]),
        ("vite --port=3000 --strictPort", ["listen 3000 vite http"]),
        ("next dev -p 3000 -H 127.0.0.1", ["listen 3000 next 127.0.0.1 http"]),
        ("next build -p 3000", []),
        ("ng serve --port 4201", ["listen 4201 ng http"]),
        ("npx --yes serve@14 -s out -l tcp://0.0.0.0:5000", ["listen 5000 serve 0.0.0.0 http"]),
        ("serve -p80", ["listen 80 serve http"]),
        ("node --inspect-brk=9230 a.js", ["listen 9230 node 127.0.0.1"]),
        ("node --inspect a.js 3000", []),
        ("nodemon -x 'flask run -p 5001'", ["listen 5001 flask http"]),
        ("python3.12 -m http.server 8123 -b ::1", ["listen 8123 http.server ::1 http"]),
        ("python manage.py runserver 0.0.0.0:8000", ["listen 8000 django 0.0.0.0 http"]),
        ("python -W ignore app.py --port 5002", ["listen 5002 app"]),
        (
            "python -m debugpy --listen 5678 -m uvicorn a:b --port 8010",
            ["listen 5678 debugpy", "listen 8010 uvicorn http"],
        ),
        ("uvicorn a:b --port 8443 --ssl-keyfile=k", ["listen 8443 uvicorn https"]),
        ("gunicorn -b [::]:8000 --bind=unix:/run/a.sock a", ["listen 8000 gunicorn :: http"]),
        ("streamlit run a.py --server.port 8501", ["listen 8501 streamlit http"]),
        ("celery -A a flower --port=5555", ["listen 5555 celery http"]),
        ("mkdocs serve -a localhost:8001", ["listen 8001 mkdocs localhost http"]),
        ("bundle exec rails s -p 3000 -b 0.0.0.0", ["listen 3000 rails 0.0.0.0 http"]),
        ("puma -b 'tcp://0.0.0.0:9292'", ["listen 9292 puma 0.0.0.0 http"]),
        ("php -S localhost:8088 -t public", ["listen 8088 php localhost http"]),
        ("php artisan serve --port=8088", ["listen 8088 artisan http"]),
        ("jekyll serve -P 4001", ["listen 4001 jekyll http"]),
        ("java -Dserver.port=8081 -jar a.jar", ["listen 8081 java http"]),
        (
            "java -agentlib:jdwp=transport=dt_socket,server=y,address=*:5005 -jar a.jar",
            ["listen 5005 java 0.0.0.0"],
        ),
        ("java -agentlib:jdwp=server=n,address=5005 A", []),
        ("go run ./cmd/api -addr :8080", ["listen 8080 go 0.0.0.0"]),
        ("go build -port 8080", []),
        ("redis-server --port 6380", ["listen 6380 redis-server"]),
        ("redis-server --port 0", []),
        ("dotnet run --urls=http://+:5005", ["listen 5005 dotnet 0.0.0.0 http"]),
        ("socat TCP-LISTEN:8081,fork TCP:localhost:80", ["listen 8081 socat"]),
        ("nc -ul 1514", ["listen 1514udp nc"]),
        ("nc localhost 25", ["client 25 nc"]),
        ("nc mail.example.org 25", []),
        ("ssh -NL 8080:web:80 -R 9000:localhost:3000 a -p 22", ["listen 8080 ssh 127.0.0.1"]),
        ("kubectl port-forward svc/a 8080:http :70", ["listen 8080 kubectl 127.0.0.1"]),
        ("curl localhost:8080/a http://api:9000/b", ["client 8080 curl localhost"]),
        ("wait-for-it db:5432 -- gunicorn -b :8000 a", ["listen 8000 gunicorn 0.0.0.0 http"]),
        ("wait-on tcp:3000", ["client 3000"]),
        ("psql -h db -p 5433", []),
        ("psql -p 5433", ["client 5433 psql"]),
        ("anything -p 3000 --listen 4", []),
        ("anything --port 99999", ["listen 99999 anything"]),
        ("echo vite --port 3000", []),
        ("ngrok http 3000", ["client 3000"]),
    ],
)
def test_programs_are_read_by_their_own_options(text: str, ports: list[str]) -> None:
    """Each program's options, as its own manual has them; nothing for what is not sure."""
    assert told(text) == ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("docker run -p 8080:80 nginx:1", ["publish 8080 nginx", "container 80 nginx"]),
        (
            "podman run -dp 127.0.0.1:53:53/udp a/dns --port 9",
            ["publish 53udp a/dns 127.0.0.1", "container 53udp a/dns"],
        ),
        (
            "docker run --publish=[::1]:8000-8002:80-82 a",
            ["publish 8000-8002 a ::1", "container 80-82 a"],
        ),
        ("docker run -p 80 a", ["container 80 a"]),
        ("docker run --network host -p 80:80 a", []),
        ("docker run -e PORT=80 -p $PORT:80 a", ["container 80 a"]),
        ("docker exec a vite --port 3000", []),
    ],
)
def test_containers_publish_and_have_an_inner_side(text: str, ports: list[str]) -> None:
    """Both sides of `-p`; what the container's own program is told is not on this machine."""
    assert told(text) == ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("PORT=3000 node a.js", ["listen 3000 node"]),
        ("cross-env NODE_ENV=x PORT='3000' react-scripts start", ["listen 3000 react-scripts"]),
        ("PORT=3000 docker compose up", ["setting 3000"]),
        ("set PORT=3000&& node a", ["setting 3000"]),
        ("export DB_PORT=5433 A=1", ["setting 5433"]),
        ("API=http://localhost:8000/v1 vite", ["client 8000 localhost http"]),
        ("NODE_OPTIONS=--inspect=9300 next dev", ["listen 9300 node 127.0.0.1"]),
        ("vite --port $PORT", []),
        ("vite --port ${PORT:-3000}", ["listen 3000 vite http"]),
        ('vite --port "${PORT:=3000}"', ["listen 3000 vite http"]),
        ("vite --port ${PORT:-$OTHER}", []),
        ("vite --port $(free 3000)", []),
        ("vite --port 3$X", []),
        ("vite --port {{ port }} ${{ matrix.port }} <%= 3000 %>", []),
    ],
)
def test_variables_are_holes_and_their_defaults_are_values(text: str, ports: list[str]) -> None:
    """A number that is put together from a variable is none."""
    assert told(text) == ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("sudo -u www timeout 5 vite --port 3000", ["listen 3000 vite http"]),
        ("uv run --with a python -m flask run -p 5001", ["listen 5001 flask http"]),
        ("sh -lc 'cd a && exec vite --port 3000'", ["listen 3000 vite http"]),
        ("yarn vite --port 3000", ["listen 3000 vite http"]),
        ("npm run dev -- --port 3000", ["listen 3000 npm"]),
        ("vite \\\n  --port \\\r\n  3000 # --port 1", ["listen 3000 vite http"]),
        ("a > log.1 2>&1 & vite --port 3000 2>/dev/null", ["listen 3000 vite http"]),
        ("if true; then vite --port 3000; fi", ["listen 3000 vite http"]),
        ("./node_modules/.bin/vite --port '3000'", ["listen 3000 vite http"]),
        ("vite --port 30\\\n00", []),
    ],
)
def test_what_starts_a_program_is_taken_off(text: str, ports: list[str]) -> None:
    """Wrappers, shells, continued lines, redirections and comments."""
    assert told(text) == ports


@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("vite --port 3000 && node a --port 4000", [False, False]),
        ("vite --port 3000 & node a --port 4000", [True, True]),
        ("concurrently 'vite --port 3000' 'node a --port 4000'", [True, True]),
        ("sh -c 'vite --port 3000 & node a --port 4000'", [True, True]),
    ],
)
def test_programs_that_run_beside_others_are_told(text: str, together: list[bool]) -> None:
    """`&` and concurrently; each is a part of its own."""
    found = ports_in_command(text)
    assert [port.together for port in found] == together
    assert len({port.part for port in found}) == len(found)


def test_the_words_of_a_list_have_places_of_their_own() -> None:
    """The exec form of CMD and other lists: offsets are those of the words."""
    words = [plain_word("gunicorn", 10), plain_word("-b", 22), plain_word(":8000", 30)]
    (port,) = ports_in_words(words)
    assert (port.offset, port.length, port.first) == (31, 4, 8000)


def test_a_usual_number_is_a_mention_where_none_is_told() -> None:
    """Only when it is asked for, and never beside a number or a variable."""
    assert ports_in_command("next dev") == []
    (port,) = ports_in_command("next dev", usual=True)
    assert (port.first, port.role, port.offset, port.length) == (3000, "mention", 0, 4)
    assert [each.role for each in ports_in_command("next dev -p 3001", usual=True)] == ["listen"]
    assert ports_in_command("next dev -p $PORT", usual=True) == []


def test_words_are_cut_as_a_shell_cuts_them() -> None:
    """Quotes and escapes go, and every character keeps its offset."""
    (command,) = commands_of("""a'b c'"d\\"e"\\ f $g''""")
    assert [word.text for word in command.words] == ['ab cd"e f', HOLE]
    assert list(command.words[0].at) == [0, 2, 3, 4, 7, 9, 10, 13, 14]


_PIECES = ["vite", "--port", "3000", "docker run", "-p", "8080:80", "a", "sh -c", "'", '"', "\\"]
_PIECES += [
    "$",
    "${",
    "${P:-",
    "}",
    "$(",
    ")",
    "`",
    "&",
    "|",
    ";",
    "#",
    "\n",
    ">",
    "2>",
    "{{",
    "}}",
]
_PIECES += ["<%", "python -m", "debugpy", "sudo", "concurrently", "--", "http://localhost:1", "é"]
_PIECES += ["ssh -L", "=", "PORT=", "wait-on", "kubectl port-forward", "8000-8010", "-S", "java"]
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=25).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)


@given(st.one_of(st.text(max_size=100), _TEXTS))
def test_any_text_is_borne_and_digits_stand_where_they_are_said_to(text: str) -> None:
    """No text raises, and what a number is replaced by is that number alone."""
    for port in ports_in_command(text, usual=True):
        shown = text[port.offset : port.offset + port.length]
        if port.role != "mention":
            first, _, last = shown.partition("-")
            assert (int(first), int(last or first)) == (port.first, port.last)
            assert port.first > 0


@pytest.mark.parametrize(
    "again",
    [
        "$(",
        "${a:-",
        "sh -c '",
        'sh -c "',
        "sudo ",
        "-m debugpy ",
        "{{",
        "`",
        "<%",
        "'",
        "a -p 80:80 ",
    ],
)
def test_a_long_command_takes_time_as_it_is_long(again: str) -> None:
    """Nothing costs the square of its length."""
    text = "python " + again * (300_000 // len(again)) + " --port 3000"
    began = time.process_time()
    ports_in_command(text)
    assert time.process_time() - began < 20
