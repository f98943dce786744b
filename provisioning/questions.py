"""What is asked about a gate: where it is, whom it answers to, what it reads with, and how it shows a verdict."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence

from provisioning.devices import Found
from provisioning.form import Form

KINDS = {
    "venue": "venue: an office, market, school, shop",
    "checkpoint": "checkpoint: a road post, airport, railway or bus station",
    "health-post": "health-post: where people are examined",
}
DIRECTIONS = {"in": "in: people enter here", "out": "out: people leave here", "toggle": "toggle: both, by turns"}
TRANSPORTS = {"http": "http: the hub's address", "mqtt": "mqtt: a broker between station and hub"}
LAMPS = {
    "null": "none",
    "pair": "a red and a green lamp",
    "rgb": "one lamp that has every colour",
    "single": "one lamp",
}
BUZZERS = {"null": "none", "tonal": "one that plays tones (passive)", "active": "one that only knows on and off"}
DISPLAYS = {
    "null": "none",
    "ssd1306": "SSD1306 (0.96 inch)",
    "sh1106": "SH1106 (1.3 inch)",
    "ssd1309": "SSD1309 (2.4 inch)",
}
BUSES = {"i2c": "I2C (four wires)", "spi": "SPI (seven wires)"}
LAMP_PINS = {
    "single": {"pin": "17"},
    "pair": {"red": "27", "green": "17"},
    "rgb": {"red": "27", "green": "17", "blue": "22"},
}


def ask_place(form: Form) -> None:
    """Which gate this is."""
    form.ask("station", "name", "Name of this station, as the hub knows it", _host_name())
    form.ask("station", "place", "Place id, as the hub knows it")
    form.ask("station", "place_name", "Name of the place, for the display")
    form.pick("station", "kind", "What kind of gate is this", KINDS)
    form.pick("station", "direction", "Which way do people go", DIRECTIONS)


def ask_hub(form: Form) -> None:
    """Whom the station answers to; nobody is an answer too."""
    way = form.pick("hub", "lookups", "How does the station reach the hub", TRANSPORTS)
    hub = form.document["hub"]
    hub.setdefault("checkins", way)
    if "http" in (hub["lookups"], hub["checkins"]):
        form.ask("hub", "url", "Address of the hub (empty: there is none)")
    if "mqtt" in (hub["lookups"], hub["checkins"]):
        form.ask("mqtt", "host", "Broker's host name or address")
        if "tls" not in form.document.setdefault("mqtt", {}):
            form.document["mqtt"]["tls"] = form.dialog.confirm("Is the way to the broker encrypted (TLS)", usual=True)
        form.ask("mqtt", "port", "Broker's port (empty: the usual one)")
    if not hub.get("url") and not form.document.get("mqtt", {}).get("host"):
        return
    if "token_file" not in hub:
        form.ask("hub", "token", "Token that the hub gave for this station", secret=True)
    form.ask("hub", "sealing_key", "Hub's sealing key, as `hub keys show` prints it")
    form.ask("hub", "policy_key", "Hub's policy key, as `hub keys show` prints it")


def ask_eyes(form: Form, cameras: Sequence[Found], scanners: Sequence[Found]) -> None:
    """What the station reads codes with, among what is plugged in."""
    document, dialog = form.document, form.dialog
    if "camera" not in document:
        nothing = Found("no camera", {"driver": "null"})
        choices = [*cameras, nothing]
        document["camera"] = dict(choices[dialog.choose("Camera", [one.name for one in choices])].section)
    if "scanner" not in document:
        taken = [one for one in scanners if dialog.confirm(f"Read codes with {one.name}", usual=one.sure)]
        document["scanner"] = [dict(one.section) for one in taken]


def ask_signals(form: Form) -> None:
    """How the gate shows a verdict, and what it opens; pins are GPIO (BCM) numbers."""
    lamp = form.pick("led", "driver", "Lamps", LAMPS)
    for key, usual in LAMP_PINS.get(lamp, {}).items():
        form.ask("led", key, f"GPIO of the lamp ({key})", usual)
    if form.pick("buzzer", "driver", "Buzzer", BUZZERS) in {"tonal", "active"}:
        form.ask("buzzer", "pin", "GPIO of the buzzer", "18")
    if form.pick("display", "driver", "Display", DISPLAYS) in {"ssd1306", "sh1106", "ssd1309"}:
        form.pick("display", "bus", "How is the display wired", BUSES)
    if form.pick("relay", "driver", "Door or barrier", {"null": "none", "gpio": "a relay opens it"}) == "gpio":
        form.ask("relay", "pin", "GPIO of the relay", "16")
        form.ask("relay", "alarm_pin", "GPIO of the emergency contact (empty: there is none)")
    buttons = {"null": "none", "gpio": "two buttons: admitted, turned away"}
    if form.pick("buttons", "driver", "Guard's buttons", buttons) == "gpio":
        form.ask("buttons", "admitted_pin", "GPIO of the button for admitted", "5")
        form.ask("buttons", "turned_away_pin", "GPIO of the button for turned away", "6")


def _host_name() -> str:
    """This board's name as a station's name."""
    return re.sub(r"[^a-z0-9]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-") or "station"
