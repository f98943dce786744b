"""``station run``: the service itself; what systemd starts."""

from __future__ import annotations

import argparse

EXAMPLES = """\
  station run                                  with the packaged configuration
  station run --config gate.toml               with another
  station run --config gate.toml --data /tmp/gate
                                               keeping its journal somewhere else"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    from station.commands.configuration import add_options

    add_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when told to stop, 70 when a part of it died, 75 when one runs already, 78 with a wrong configuration."""
    from station import logs
    from station.commands.configuration import settings_from

    settings = settings_from(arguments)
    logs.begin(settings.log.level)
    from station import app

    return app.run(settings)
