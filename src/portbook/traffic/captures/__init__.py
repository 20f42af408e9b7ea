"""Capture files: pcap and pcapng, plain or packed, as batches of frames."""

from portbook.traffic.captures.capture import Capture
from portbook.traffic.captures.fault import CaptureFault

__all__ = ["Capture", "CaptureFault"]
