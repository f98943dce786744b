"""Asking a person, or a file of answers that stands in for one, line by line."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO


class Unanswered(EOFError):
    """The answers ended before the questions did; its text is the question."""


@dataclass(frozen=True)
class Dialog:
    """Questions to ``out``, answers from ``answers``; without ``answers`` every question gets its usual answer."""

    answers: TextIO | None
    out: TextIO

    def say(self, text: str) -> None:
        """Tell something that wants no answer."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def line(self, question: str, usual: str = "") -> str:
        """One line, without the blanks around it; an empty one means ``usual``. Raises ``Unanswered``."""
        if self.answers is None:
            return usual
        self.out.write(f"{question}{f' [{usual}]' if usual else ''}: ")
        self.out.flush()
        answer = self.answers.readline()
        if not answer:
            self.out.write("\n")
            raise Unanswered(question)
        return answer.strip() or usual

    def secret(self, question: str) -> str:
        """One line that a terminal does not show while it is typed. Raises ``Unanswered``."""
        if self.answers is None or not self.answers.isatty():
            return self.line(question)
        try:
            return getpass.getpass(f"{question} (not shown): ").strip()
        except EOFError as error:
            raise Unanswered(question) from error

    def choose(self, question: str, choices: Sequence[str], usual: int = 0) -> int:
        """The index of one of the choices, given by its number, which begins at 1, or by its word before a colon."""
        if self.answers is None:
            return usual
        self.say(f"{question}:")
        for number, choice in enumerate(choices, 1):
            self.say(f"  {number}  {choice}")
        words = [choice.partition(":")[0] for choice in choices]
        while True:
            try:
                answer = self.line("  number", str(usual + 1))
            except Unanswered as error:
                raise Unanswered(question) from error
            if answer.isdecimal() and 1 <= int(answer) <= len(choices):
                return int(answer) - 1
            if answer in words:
                return words.index(answer)
            self.say(f"  there is no {answer!r}; give a number from 1 to {len(choices)}")

    def confirm(self, question: str, *, usual: bool = False) -> bool:
        """Yes or no, in English or Vietnamese."""
        while True:
            answer = self.line(f"{question} (y/n)", "y" if usual else "n").casefold()
            if answer in {"y", "yes", "c", "có"}:
                return True
            if answer in {"n", "no", "k", "không"}:
                return False
            self.say("  give y or n")
