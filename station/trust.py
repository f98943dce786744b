"""The trust folder: PEM certificates and public keys of the signers that this gate believes, one or more a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.codes.trust import KeyRefused, Trust, TrustedKey, read_pem
from station.errors import ConfigError

LARGEST = 1024 * 1024
"""Bytes of one file; a bundle of a whole country's certificates is a tenth of it."""

NOTES = frozenset({".md", ".txt"})
"""Suffixes of files that are for people; hidden files and folders are left alone too."""


def read_folder(path: Path) -> Trust:
    """Every key in the folder; an empty folder is an empty trust.

    Raises ``ConfigError`` that lists every file at fault with its cure: no folder, not readable, no key, a private
    key, or two files with one key id.
    """
    try:
        files = sorted(path.iterdir())
    except NotADirectoryError as error:
        raise ConfigError(str(path), ["is a file; the trust folder must be a folder of PEM files"]) from error
    except OSError as error:
        raise ConfigError(
            str(path), [f"{_problem(error)}; create the folder, empty if no signer is trusted"]
        ) from error
    faults: list[str] = []
    keys: dict[bytes, TrustedKey] = {}
    owners: dict[bytes, str] = {}
    for file in filter(_counts, files):
        for key_id, key in _read(file, faults):
            first = owners.setdefault(key_id, file.name)
            if key_id in keys:
                faults.append(f"{file.name}: has the key id {key_id.hex()} of {first}; remove one of the two")
            keys.setdefault(key_id, key)
    if faults:
        raise ConfigError(str(path), faults)
    return Trust(keys)


def _counts(file: Path) -> bool:
    return not file.name.startswith(".") and file.suffix.lower() not in NOTES and not file.is_dir()


def _read(file: Path, faults: list[str]) -> Iterator[tuple[bytes, TrustedKey]]:
    try:
        with file.open("rb") as stream:
            pem = stream.read(LARGEST + 1)
        if len(pem) > LARGEST:
            raise KeyRefused(f"is larger than {LARGEST} bytes; a key or certificate is not")
        yield from read_pem(pem, file.stem)
    except OSError as error:
        faults.append(f"{file.name}: {_problem(error)}; let the station's user read it")
    except KeyRefused as error:
        faults.append(f"{file.name}: {error}")


def _problem(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
