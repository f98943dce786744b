"""Starting again: the service by its own exit, the board by asking systemd."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

EXIT_AGAIN = 86
"""The service ended because it was ordered to; whoever runs it starts it again (``Restart=always``)."""

_WITHIN = 30.0
CURE = (
    "this account may not start the board again; put systemd/60-tram-quet-reboot.rules into /etc/polkit-1/rules.d/, "
    "or take [orders] reboot_command out of the configuration"
)


def may_restart(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether systemd runs this service, and so starts it again."""
    return bool(environ.get("INVOCATION_ID") or environ.get("NOTIFY_SOCKET"))


def reboot(command: Sequence[str]) -> str:
    """Asks for the board to be started again; why that is refused, or nothing."""
    if not command:
        return "this station's configuration allows no reboot ([orders] reboot_command is empty)"
    try:
        done = subprocess.run(  # noqa: S603  # the configuration's own words, which root wrote
            list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {type(error).__name__}; {CURE}"
    return "" if done.returncode == 0 else f"{command[0]} refuses ({done.returncode}); {CURE}"
