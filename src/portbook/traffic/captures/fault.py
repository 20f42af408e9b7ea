"""`CaptureFault`: what is raised when a capture file cannot be read at all."""

from portbook.model.errors import EnvironmentFault


class CaptureFault(EnvironmentFault):
    """The file is no capture, cannot be opened, or needs a package that is not installed."""
