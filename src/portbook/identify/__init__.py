"""What a listener really speaks: by handshake on the wire and by local evidence."""

from portbook.identify.agreement import agrees_with_process, is_carrier, services_of
from portbook.identify.engine import Options, identify, local_evidence

__all__ = [
    "Options",
    "agrees_with_process",
    "identify",
    "is_carrier",
    "local_evidence",
    "services_of",
]
