"""What a device can do wrong, told as the device, the problem and the cure."""

from __future__ import annotations


class DeviceError(OSError):
    """A device is missing, lost or refuses; also an ``OSError``, which is what a stranger would catch.

    ``device`` names it as its configuration does ("camera /dev/video0"), ``problem`` says what happened and ``cure``
    what a person can do about it; none of them ever holds what was scanned.
    """

    def __init__(self, device: str, problem: str, cure: str) -> None:
        super().__init__(f"{device}: {problem} ({cure})")
        self.device = device
        self.problem = problem
        self.cure = cure
