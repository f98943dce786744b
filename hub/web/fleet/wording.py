"""What the wall says of troubles, alarms and figures, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hub.localtime import there
from hub.stations.trouble import OFTEN, Trouble, View

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


def said(t: Words, each: Trouble, view: View, now: datetime) -> str:
    """One trouble of a station's with the figure that says so."""
    value = each.value
    match each.kind:
        case "silent":
            return t("trouble-silent", at=clock(view.heard, now)) if view.heard else t("trouble-never")
        case "late":
            return t("trouble-late-often" if each.subject == OFTEN else "trouble-late")
        case "blind":
            return t(f"trouble-blind-{each.subject}" if each.subject in BLIND else "trouble-blind")
        case "device":
            return t("trouble-device", device=each.subject)
        case "clock":
            return t("trouble-clock-ahead" if (value or 0) > 0 else "trouble-clock-behind", by=length(t, value or 0))
        case "backlog" | "refused" | "missing-range":
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
