"""What the wall says of troubles, alarms and figures, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from hub.localtime import there
from hub.stations.trouble import OFTEN, WEIGHTS, Trouble, View
from hub.web.words import CATALOGUES

Words = Callable[..., str]
"""A key and its placeholders to words."""

UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
BLIND = ("dark", "white", "covered", "unsharp")
DAY = 86_400


def length(t: Words, seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for unit, size in UNITS:
        if abs(seconds) >= 2 * size:
            return t(f"wall-{unit}", count=f"{abs(seconds) / size:.0f}")
    return t("wall-seconds", count=f"{abs(seconds):.0f}" if abs(seconds) >= 1 else f"{abs(seconds):.1f}")


def clock(at: datetime, now: datetime) -> str:
    """The hour of a moment of today's, the day too of any other."""
    then, today = there(at), there(now)
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%H:%M %d/%m}"


REFUSALS = {
    "dated in the future": "future",
    "played again": "again",
    "of a session that is over": "over",
    "longer than": "long",
    "larger than": "long",
    "the health is another": "another",
    "not what it should be": "rubbish",
}
"""How the reasons begin for which a message is dropped, and the word keys that say them."""


def refusal(t: Words, why: str) -> str:
    """Why a station's messages are dropped."""
    key = next((key for begins, key in REFUSALS.items() if why.startswith(begins)), "other")
    return t("trouble-unbelieved", why=t(f"refusal-{key}"))


def said(t: Words, each: Trouble, view: View, now: datetime) -> str:
    """One trouble of a station's with the figure that says so."""
    value = each.value
    match each.kind:
        case "silent":
            words = t("trouble-silent", at=clock(view.heard, now)) if view.heard else t("trouble-never")
            return f"{words} · {refusal(t, view.refused)}" if view.heard and view.refused else words
        case "unbelieved":
            return refusal(t, view.refused)
        case "late":
            return t("trouble-late-often" if each.subject == OFTEN else "trouble-late")
        case "blind":
            return t(f"trouble-blind-{each.subject}" if each.subject in BLIND else "trouble-blind")
        case "device":
            return t("trouble-device", device=each.subject)
        case "clock":
            return t("trouble-clock-ahead" if (value or 0) > 0 else "trouble-clock-behind", by=length(t, value or 0))
        case "missing-range" if view.gap is not None:
            return t("trouble-missing-rows", first=view.gap.first, last=view.gap.last)
        case "backlog" | "refused" | "missing-range" | "place-conflict":
            return t(f"trouble-{each.kind}", count=f"{value or 0:.0f}")
        case "warns" | "disk":
            return t(f"trouble-{each.kind}", share=f"{value or 0:.0%}")
        case "heat":
            return t("trouble-heat", degrees=f"{value or 0:.0f}")
        case "certificate":
            days = int((value or 0) // DAY)
            return t("trouble-certificate", days=days) if days >= 0 else t("trouble-certificate-over")
        case "policy":
            return t("trouble-policy", version=f"{value:.0f}") if value else t("trouble-policy-none")
        case "journal" | "set-aside" | "power" | "wear" | "version":
            return t(f"trouble-{each.kind}")


def title(t: Words, kind: str) -> str:
    """The name of a kind of alarm; one that a newer hub wrote goes by its own."""
    if kind == "silent-group":
        return t("alarm-silent-group-title")
    return t(f"alarm-{kind}") if f"alarm-{kind}" in CATALOGUES["vi"] else kind


def detail(t: Words, kind: str, subject: str, facts: Mapping[str, str], names: Mapping[str, str], at: datetime) -> str:
    """What exactly is the matter: which rows, which places, both answers; nothing when the facts do not say it.

    ``names`` are those of places by their codes.
    """
    try:
        return _detail(t, kind, subject, facts, names, at)
    except (KeyError, ValueError):  # written by another version of this program
        return ""


def _detail(t: Words, kind: str, subject: str, facts: Mapping[str, str], names: Mapping[str, str], at: datetime) -> str:
    if kind == "silent-group":
        return t("alarm-silent-group", count=facts["count"], of=facts["of"] or t("wall-fleet"))
    if kind in WEIGHTS:
        value = float(facts["value"]) if "value" in facts else None
        trouble = Trouble(kind, "", value, subject)
        return said(t, trouble, View(station="", heard=at), at)
    if not facts or f"detail-{kind}" not in CATALOGUES["vi"]:
        return ""
    return t(f"detail-{kind}", **{key: _fact(t, key, value, names, at) for key, value in facts.items()})


def _fact(t: Words, key: str, value: str, names: Mapping[str, str], at: datetime) -> str:
    if key.endswith("_at"):
        return clock(datetime.fromisoformat(value), at)
    if key in ("shown", "known"):
        return t(f"passage-{value}") if f"passage-{value}" in CATALOGUES["vi"] else value
    return names.get(value, value)
