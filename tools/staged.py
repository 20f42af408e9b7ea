"""What is built in several steps when a context is entered, and ended whole when it is left."""

from abc import ABC, abstractmethod
from typing import Self


class Staged(ABC):
    """A context manager: where one step of `_build` fails, what stands already is ended too."""

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _build(self) -> None:
        """Every step."""

    @abstractmethod
    def close(self) -> None:
        """End whatever there is, also after half of the steps."""
