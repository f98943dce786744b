"""Text from codes and files made harmless for a terminal: nothing in it can move the cursor or turn the line round."""

from __future__ import annotations


def harmless(text: str) -> str:
    """The text with control, bidi and other unprintable characters written as escapes, and ``\\`` as ``\\\\``."""
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
