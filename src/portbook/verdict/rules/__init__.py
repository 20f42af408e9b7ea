"""The rules of the verdict, each a file of its own; their order here is the order of weighing.

A rule of VALUES has `VALUE` and `weigh(facts)`, the reasons or nothing: the first that speaks
gives the value. A rule of SUSPICIONS has `ID`, `SUMMARY` and `weigh(facts)`, a `Suspicion` or
nothing: each is asked. The tuples are kept by hand, because looking into the folder at each start
takes longer than judging; a test compares them with the folder.
"""

from portbook.verdict.rules import (
    deleted_executable,
    expected,
    familiar,
    hidden_folder,
    hidden_listener,
    inline_program,
    kernel_look_alike,
    malware_default,
    memory_executable,
    mismatch,
    preloaded_library,
    shell_on_socket,
    temporary_folder,
    unknown,
    unregistered,
    working_folder,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from portbook.model import Facts, Suspicion

    class ValueRule(Protocol):
        """A module that knows one value."""

        VALUE: str

        def weigh(self, facts: Facts) -> tuple[str, ...] | None:
            """The reasons for the value, or nothing."""

    class SuspicionRule(Protocol):
        """A module that looks for one kind of evidence of harm."""

        ID: str
        SUMMARY: str

        def weigh(self, facts: Facts) -> Suspicion | None:
            """The evidence, or nothing."""


VALUES: "tuple[ValueRule, ...]" = (mismatch, expected, familiar, unregistered, unknown)

SUSPICIONS: "tuple[SuspicionRule, ...]" = (
    hidden_listener,
    memory_executable,
    deleted_executable,
    temporary_folder,
    hidden_folder,
    working_folder,
    shell_on_socket,
    inline_program,
    preloaded_library,
    kernel_look_alike,
    malware_default,
)
