"""What a listener really speaks: by handshake on the wire and by local evidence."""

from portbook.identify.agreement import (
    agrees_with_process,
    is_carrier,
    is_usual,
    services_of,
)
from portbook.identify.engine import Options, identify, is_group, local_evidence

__all__ = [
    "Options",
    "agrees_with_process",
    "identify",
    "is_carrier",
    "is_group",
    "is_usual",
    "local_evidence",
    "services_of",
]
