"""The options ``--config`` and ``--data`` that most commands share, and the settings they lead to."""

from __future__ import annotations

import argparse
from pathlib import Path

from station import config
from station.errors import ConfigError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--config`` and ``--data``."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"the configuration (else {config.DEFAULT_PATH})")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the data folder, instead of the configured one")


def settings_from(arguments: argparse.Namespace) -> config.Settings:
    """The settings that a command line leads to; ``ConfigError`` or ``ConfigMissing`` say what is wrong with them."""
    path = config.find(arguments.config)
    if path is None:
        cure = "there is no configuration; write one with `station configure`, or name one with --config"
        raise ConfigError(str(config.DEFAULT_PATH), [cure])
    return config.load(path, data=arguments.data)
