"""The program ``station``: one command a word, each in its own module, imported only when it is the one asked for.

Every error is one line on standard error that names the file, key or device and the cure; exit codes are those of
``sysexits.h``, with 2 for a command line that cannot be understood.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from drivers.errors import DeviceError
from station.errors import StationError

COMMANDS: Final[Mapping[str, str]] = {
    "run": "read codes, decide, record and signal until told to stop",
    "check-config": "say everything that is wrong with a config.toml, without touching a device",
    "configure": "write a config.toml by asking",
    "doctor": "try every device, the clock, the disk, the broker and the hub",
    "status": "say how the running station is",
    "tail": "show the last presentations, kinds and outcomes only",
    "journal": "export the rows of this card, prove their chain, list those that the hub refused",
    "decode": "read the codes in picture files",
    "check": "say what a gate would decide about one code",
    "demo": "run a hub, a broker and a simulated station here",
}
EXIT_CODES: Final = """exit codes:
  0 good   1 not good (each command says what)   2 command line not understood   64-78 as in sysexits.h:
  66 no such input   69 not reachable or not running   70 a fault of this program   74 disk
  75 another station service is at work with this data   78 configuration
  86 ordered by the hub to start again: whoever runs the service does so"""


class Command(Protocol):
    """What a module in ``station.commands`` offers."""

    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    _make_output_safe()
    try:
        arguments, command = _understand(words)
        return command.run(arguments)
    except (StationError, DeviceError) as error:
        print(f"station: {error}", file=sys.stderr)
        return getattr(error, "exit_code", os.EX_UNAVAILABLE)
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_OK
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"station: {where}{error.strerror or error}; check the path and who may use it", file=sys.stderr)
        return os.EX_IOERR
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _understand(words: Sequence[str]) -> tuple[argparse.Namespace, Command]:
    parser = argparse.ArgumentParser(
        prog="station",
        description="A scan station for venue entrances and checkpoint gates.",
        epilog=f"`station COMMAND --help` teaches each command with examples.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    asked = next((word for word in words if word in COMMANDS), None)
    for name, purpose in COMMANDS.items():
        one = commands.add_parser(
            name, help=purpose, description=_sentence(purpose), formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == asked:
            command = _command(name)
            command.add_arguments(one)
            one.epilog = f"examples:\n{command.EXAMPLES}"
            one.set_defaults(command=command)
    arguments = parser.parse_args(words)
    return arguments, arguments.command


def _command(name: str) -> Command:
    """The module of one command; written out, so that only the one asked for is imported."""
    match name:
        case "check":
            from station.commands import check

            return check
        case "check-config":
            from station.commands import check_config

            return check_config
        case "configure":
            from provisioning import configure

            return configure
        case "decode":
            from station.commands import decode

            return decode
        case "demo":
            from station.commands import demo

            return demo
        case "doctor":
            from station.commands import doctor

            return doctor
        case "journal":
            from station.commands import journal

            return journal
        case "run":
            from station.commands import run

            return run
        case "status":
            from station.commands import status

            return status
        case "tail":
            from station.commands import tail

            return tail
    raise LookupError(name)


def _sentence(purpose: str) -> str:
    return f"{purpose[0].upper()}{purpose[1:]}."


def _make_output_safe() -> None:
    """A terminal that cannot show a letter gets its escape instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Version(argparse.Action):
    """Says the version."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from station import __version__

        print(f"station {__version__}")
        parser.exit()
