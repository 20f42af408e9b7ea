"""What a user reads when the URL of a store is wrong: one line, and nothing that is secret."""

import pytest

from portbook.cli import main


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql://u:hunter2@db/x", 2, "the store's URL cannot be understood"),
        ("postgresql://u:hunter2@db:port/x", 2, "the store's URL cannot be understood"),
        ("host=db passwort=hunter2", 2, "the store's URL cannot be understood"),
        (
            "postgresql://u:hunter2@127.0.0.1:1/x",
            5,
            "127.0.0.1:1/x does not answer: Connection refused",
        ),
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(
    url: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """libpq's own error for a malformed URL has all of it, the password too."""
    assert main(["fleet", "hosts", "--store", url]) == code
    heard = capsys.readouterr()
    assert "hunter2" not in heard.out + heard.err
    assert heard.err.splitlines()[0] == f"portbook: error: {said}"
