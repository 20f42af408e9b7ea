"""`python -m portbook`."""

from portbook.cli import run

if __name__ == "__main__":
    run()
