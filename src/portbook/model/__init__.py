"""Value types that the folders exchange. Standard library only, no input or output.

The types are named tuples (see record): as frozen as dataclasses, and importing `dataclasses` alone
would cost more of the start-up budget than answering from the registry (measured: 15 ms).
"""

from portbook.model.answer import Advice, Answer, Bindable, Reason
from portbook.model.document import document, plain
from portbook.model.errors import (
    BadPort,
    DownloadFault,
    EnvironmentFault,
    ImportRefused,
    NotPermitted,
    PortbookError,
    TableFault,
    UnknownService,
    UsageError,
)
from portbook.model.origin import (
    Activation,
    Container,
    EngineContainer,
    Package,
    Project,
    UnitFacts,
)
from portbook.model.owner import Ancestor, Listener, Owner
from portbook.model.port import (
    DYNAMIC,
    LAST_PORT,
    RANGES,
    SYSTEM,
    USER,
    Port,
    PortRange,
    Transport,
    range_of,
)
from portbook.model.registry import (
    Assignment,
    Candidate,
    Evidence,
    Life,
    PortEntry,
    Source,
    SuspiciousUse,
    UnofficialUse,
)
from portbook.model.said import Joined, Said, Verbatim, reason_of
from portbook.model.socket import Socket
from portbook.model.speaks import Clues, Speaks, Target, Tls
from portbook.model.unknown import NOT_ASKED, Gap, Unknown
from portbook.model.verdict import Facts, Suspicion, Verdict, Wire

__all__ = [
    "DYNAMIC",
    "LAST_PORT",
    "NOT_ASKED",
    "RANGES",
    "SYSTEM",
    "USER",
    "Activation",
    "Advice",
    "Ancestor",
    "Answer",
    "Assignment",
    "BadPort",
    "Bindable",
    "Candidate",
    "Clues",
    "Container",
    "DownloadFault",
    "EngineContainer",
    "EnvironmentFault",
    "Evidence",
    "Facts",
    "Gap",
    "ImportRefused",
    "Joined",
    "Life",
    "Listener",
    "NotPermitted",
    "Owner",
    "Package",
    "Port",
    "PortEntry",
    "PortRange",
    "PortbookError",
    "Project",
    "Reason",
    "Said",
    "Socket",
    "Source",
    "Speaks",
    "Suspicion",
    "SuspiciousUse",
    "TableFault",
    "Target",
    "Tls",
    "Transport",
    "UnitFacts",
    "Unknown",
    "UnknownService",
    "UnofficialUse",
    "UsageError",
    "Verbatim",
    "Verdict",
    "Wire",
    "document",
    "plain",
    "range_of",
    "reason_of",
]
