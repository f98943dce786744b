"""A configuration being filled in: what it lacks is asked for, and what a station would refuse is refused at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioning.dialog import Dialog
from provisioning.document import Document, render
from station import config


@dataclass(frozen=True)
class Form:
    """``document`` grows with every answer; keys that it has already are not asked for."""

    dialog: Dialog
    document: Document

    def ask(self, section: str, key: str, question: str, usual: str = "", *, secret: bool = False) -> None:
        """Fill one key in; an empty answer without a usual one leaves the station's default."""
        table = self.document.setdefault(section, {})
        if not isinstance(table, dict) or key in table:
            return
        while answer := self.dialog.secret(question) if secret else self.dialog.line(question, usual):
            fault = self._put(section, key, answer)
            if fault is None or self.dialog.answers is None:  # with nobody to ask again, the whole is judged at the end
                return
            del table[key]
            self.dialog.say(f"  {fault}")

    def pick(self, section: str, key: str, question: str, choices: dict[str, str]) -> str:
        """Fill one key in from a list of value and words, the usual one first; the value."""
        table = self.document.setdefault(section, {})
        if key not in table:
            values = list(choices)
            table[key] = values[self.dialog.choose(question, list(choices.values()))]
        return str(table[key])

    def fault(self, section: str, key: str) -> str | None:
        """What a station would say against one key, in its own words; None when it would take it."""
        alone = {"station": {"name": "station"}, section: self.document[section]}
        try:
            config.read(render(alone))
        except ValueError as error:
            faults = (line.partition(": ")[2] for line in str(error).splitlines())
            about = re.compile(rf"\[{section}\]( \([\w-]+\))? {key}\b")
            return next((fault for fault in faults if about.match(fault)), None)
        return None

    def _put(self, section: str, key: str, answer: str) -> str | None:
        """Put an answer in, as a number where a station takes one, else as a text; what is wrong with it."""
        number = [int(answer)] if answer.isdecimal() and len(answer) < 10 else []
        faults = []
        for value in [*number, answer]:
            self.document[section][key] = value
            fault = self.fault(section, key)
            if fault is None:
                return None
            faults.append(fault)
        return faults[0]
