"""The house holds its own plan: who may import whom, how long a thing may be, and where an error may be swallowed."""

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("core", "drivers", "station", "provisioning", "hub")
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

# Which of our own modules a room may import; one module may have a door of its own.
MAY_IMPORT = {
    "core": ("core",),
    "drivers": ("drivers",),
    "station": ("station", "core", "drivers"),
    "hub": ("hub", "core"),
    "provisioning": ("provisioning", "station.config", "drivers"),
}
DOORS = {"station.cli": ("provisioning",)}

# The core is arithmetic: what it may take from outside is named, and has no clock, file, thread, socket, log or luck.
CORE_MAY_TAKE = {
    *("__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses"),
    *("datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math"),
    *("operator", "re", "string", "struct", "textwrap", "types", "typing", "unicodedata", "zlib"),
    *("msgspec", "cryptography", "cbor2", "base45"),
}
CORE_MAY_NAME = {"io.BytesIO", "io.StringIO"}  # a stream in memory is no file
CORE_MAY_NOT_CALL = frozenset({"open", "print", "input", "now", "utcnow", "today", "exec", "eval"})

# Sealing a message needs fresh numbers; that is the one place where the core is not the same twice.
CORE_LUCK = {"core.keys": "secrets"}

# Inside the station each of these has one home. Elsewhere they are free.
ONE_HOME = {
    "sqlite3": ("station.journal*", "station.snapshots*"),
    "sqlite_utils": ("station.journal*", "station.snapshots*"),
    "paho": ("station.asking", "station.broker", "station.link", "station.place.line"),
    "requests": ("station.http",),
}
# numpy in the station's environment breaks the board's own camera library; these serve tests and benches only.
NEVER = frozenset({"numpy", "cv2"})

IMPORTERS = {"import_module", "__import__"}

# The two places where any error at all may be caught and kept: each ends the process and names the loop that died.
CATCH_ALL = ("station.service", "hub.service")


@dataclass(frozen=True)
class Module:
    """One file of the product, by its dotted name."""

    name: str
    tree: ast.Module
    lines: int
    is_package: bool = False

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @classmethod
    def of(cls, name: str, source: str, is_package: bool = False) -> "Module":
        return cls(name, ast.parse(source), len(source.splitlines()), is_package)


def read_house() -> tuple[Module, ...]:
    """Every module of the product, as it is on disk."""
    found = []
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = parts[-1] == "__init__"
        found.append(Module.of(".".join(parts[:-1] if package else parts), path.read_text("utf-8"), package))
    return tuple(found)


HOUSE = read_house()


def imports(module: Module) -> Iterator[str]:
    """Dotted names that a module imports anywhere in it, also inside a function or under a condition."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.name.split(".")
                above = above[: len(above) - node.level + module.is_package]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and last_name(node.func) in IMPORTERS:
            yield from written_out(node)


def written_out(call: ast.Call) -> list[str]:
    """The module that a call of ``import_module`` names in so many words; nothing when it is worked out at run time."""
    return [arg.value for arg in call.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]


def within(name: str, homes: tuple[str, ...]) -> bool:
    return any(name == home or name.startswith(f"{home}.") for home in homes)


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Everything that is called, by the last part of its name: ``datetime.now()`` is ``now``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield last_name(node.func), node


def last_name(expression: ast.expr | None) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def import_breaches(module: Module) -> Iterator[str]:
    """Every import that the law forbids, in words."""
    allowed = MAY_IMPORT[module.room] + DOORS.get(module.name, ())
    for target in imports(module):
        top = target.partition(".")[0]
        if top in ROOMS and not within(target, allowed):
            yield f"{module.name} imports {target}: {module.room} may import {', '.join(allowed)}"
        if top in NEVER:
            yield f"{module.name} imports {top}: tests and benches only"
        may_take = {*CORE_MAY_TAKE, *ROOMS, CORE_LUCK.get(module.name)}
        if module.room == "core" and top not in may_take and target not in CORE_MAY_NAME:
            yield f"{module.name} imports {target}: the core is arithmetic"
        homes = ONE_HOME.get(top, ())
        if module.room == "station" and homes and not any(fnmatch(module.name, home) for home in homes):
            yield f"{module.name} imports {top}: its home is {', '.join(homes)}"


def call_breaches(module: Module) -> Iterator[str]:
    """Calls that reach around the law: a clock or a file in the core, an import by string anywhere."""
    for name, call in calls(module):
        if module.room == "core" and name in CORE_MAY_NOT_CALL:
            yield f"{module.name} calls {name}(): the core is arithmetic"
        if name in IMPORTERS and not written_out(call):
            yield f"{module.name} calls {name}(): imports are written out"


def catch_all_breaches(module: Module) -> Iterator[str]:
    """Handlers that swallow every error, outside the two places that may."""
    caught: list[ast.expr | None] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and not raises_on(node):
            caught += node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    for name, call in calls(module):
        caught += call.args if name == "suppress" else []
    wide = [one for one in caught if one is None or last_name(one) in {"Exception", "BaseException"}]
    if len(wide) > (module.name in CATCH_ALL):
        yield f"{module.name} catches everything: name the exceptions"


def raises_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler only puts things back: it ends by raising the same error and has no other way out."""
    last = handler.body[-1]
    exits = (ast.Return, ast.Break, ast.Continue)
    left = any(isinstance(node, exits) for node in ast.walk(handler))
    return isinstance(last, ast.Raise) and last.exc is None and not left


def size_breaches(module: Module) -> Iterator[str]:
    """What has grown past the size at which it should be split by noun."""
    if module.lines > LONGEST_FILE:
        yield f"{module.name} has {module.lines} lines, more than {LONGEST_FILE}"
    for name, length in functions(module):
        if length > LONGEST_FUNCTION:
            yield f"{module.name}.{name} has {length} lines, more than {LONGEST_FUNCTION}"


def functions(module: Module) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def breaches(module: Module) -> list[str]:
    rules = (import_breaches, call_breaches, catch_all_breaches, size_breaches)
    return [breach for rule in rules for breach in rule(module)]


def circles(modules: tuple[Module, ...]) -> list[str]:
    """Every module that reaches itself through imports, lazy ones and those for types included."""
    names = {module.name for module in modules}

    def home(target: str) -> str:
        return target if target in names else target.rpartition(".")[0]

    arrows = {module.name: {home(target) for target in imports(module)} & names - {module.name} for module in modules}

    @cache
    def reached(start: str) -> frozenset[str]:
        seen: set[str] = set()
        ahead = list(arrows[start])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += arrows[name]
        return frozenset(seen)

    return sorted(f"{name} imports itself in a circle" for name in names if name in reached(name))


@pytest.mark.parametrize("module", HOUSE, ids=lambda module: module.name)
def test_every_module_keeps_the_law_of_the_house(module: Module):
    assert breaches(module) == []


def test_no_import_leads_back_to_where_it_began():
    assert circles(HOUSE) == []


def test_the_walk_goes_through_every_room():
    assert {module.room for module in HOUSE} == set(ROOMS)
    assert {"core.model", "core.wire", "station.errors"} <= {module.name for module in HOUSE}


def test_functions_are_short_as_a_habit_and_not_only_at_the_limit():
    lengths = [length for module in HOUSE for _, length in functions(module)]
    assert statistics.median(lengths) < 10
    assert statistics.quantiles(lengths, n=10)[-1] <= 35


def test_tests_and_benches_are_no_longer_than_the_product_may_be():
    long = {
        path.name
        for room in ("tests", "bench")
        for path in (ROOT / room).rglob("*.py")
        if lines_of(path) > LONGEST_FILE
    }
    assert long == set()


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


PLANTED = {
    "an arrow up": ("core.policy", "from station import config", "core may import"),
    "a driver that knows us": ("drivers.led", "import core.model", "drivers may import"),
    "hub reaching into the station": ("hub.ingest", "from station.journal.record import Journal", "hub may import"),
    "station reaching into the hub": ("station.app", "def f():\n    from hub import store", "station may import"),
    "provisioning past config": ("provisioning.configure", "from station import gate", "provisioning may import"),
    "provisioning from anywhere but cli": ("station.app", "import provisioning.configure", "station may import"),
    "a relative arrow up": ("core.codes.dcc", "from ...station import config", "core may import"),
    "a lazy import": ("drivers.oled", "def f():\n    import core.signals", "drivers may import"),
    "an import for types": ("drivers.oled", "if TYPE_CHECKING:\n    import core.signals", "drivers may import"),
    "numpy in the product": ("drivers.camera", "import numpy as np", "tests and benches only"),
    "cv2 in a function": ("station.reading.ladder", "def f():\n    from cv2 import blur", "tests and benches only"),
    "a clock in the core": ("core.repeats", "import time", "the core is arithmetic"),
    "a thread in the core": ("core.repeats", "from threading import Lock", "the core is arithmetic"),
    "a file in the core": ("core.keys", "from pathlib import Path", "the core is arithmetic"),
    "luck in the core": ("core.repeats", "import secrets", "the core is arithmetic"),
    "a file by another name": ("core.keys", "from io import FileIO", "the core is arithmetic"),
    "a log in the core": ("core.keys", "import logging", "the core is arithmetic"),
    "now in the core": ("core.policy", "import datetime\nx = datetime.datetime.now()", "calls now()"),
    "open in the core": ("core.policy", "x = open('f')", "calls open()"),
    "sqlite outside the journal": ("station.sync", "import sqlite3", "its home is"),
    "paho outside the link": ("station.sync", "from paho.mqtt import client", "its home is"),
    "requests outside http": ("station.lookup", "def f():\n    import requests", "its home is"),
    "an import by string": ("station.app", "import importlib\nimportlib.import_module(x)", "written out"),
    "an arrow up by string": ("drivers.led", "import_module('station.gate')", "drivers may import"),
    "a bare except": ("hub.ingest", "try:\n    pass\nexcept:\n    pass", "catches everything"),
    "except Exception": ("drivers.led", "try:\n    pass\nexcept Exception:\n    pass", "catches everything"),
    "Exception among others": (
        "hub.web",
        "try:\n    pass\nexcept (OSError, Exception):\n    pass",
        "catches everything",
    ),
    "a suppressed Exception": ("hub.web", "with contextlib.suppress(Exception):\n    pass", "catches everything"),
    "an Exception that may get away": (
        "hub.web",
        "def f():\n    try:\n        pass\n    except Exception:\n        if x:\n            return\n        raise",
        "catches everything",
    ),
    "a second one where one is allowed": (
        "station.service",
        "try:\n    pass\nexcept Exception:\n    pass\ntry:\n    pass\nexcept Exception:\n    pass",
        "catches everything",
    ),
    "a long file": ("hub.store", "x = 1\n" * 401, "401 lines"),
    "a long function": ("hub.store", "def f():\n" + "    x = 1\n" * 60, "61 lines"),
}


@pytest.mark.parametrize(("name", "source", "complaint"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_breach_is_seen(name: str, source: str, complaint: str):
    found = breaches(Module.of(name, source))
    assert len(found) == 1, found
    assert complaint in found[0]


HONEST = {
    "core.policy": "from datetime import datetime\nfrom core.model import Verdict\nimport msgspec",
    "core.codes.dcc": "from . import text\nfrom .text import Text\nfrom ..model import CodeKind",
    "core.keys": "import secrets\nfrom io import BytesIO",
    "station.cli": "def f():\n    from provisioning import configure",
    "drivers.pins": "import importlib\nimportlib.import_module('lgpio')",
    "station.journal": "import sqlite3\nfrom core import rows",
    "station.service": "try:\n    pass\nexcept Exception:\n    end()",
    "station.journal.file": "import sqlite3\ntry:\n    pass\nexcept BaseException:\n    roll_back()\n    raise",
    "provisioning.configure": "from station.config import load\nfrom drivers import led",
    "hub.store": "import sqlite3\nfrom core.wire import Ask\ntry:\n    pass\nexcept OSError:\n    pass",
}


@pytest.mark.parametrize(("name", "source"), HONEST.items(), ids=HONEST.keys())
def test_honest_code_is_left_alone(name: str, source: str):
    assert breaches(Module.of(name, source)) == []


def test_a_planted_circle_is_seen_and_a_straight_line_is_not():
    a = Module.of("core.a", "def f():\n    from core import b")
    b = Module.of("core.b", "import core.a")
    c = Module.of("core.c", "from core.b import thing")
    assert circles((a, b, c)) == ["core.a imports itself in a circle", "core.b imports itself in a circle"]
    assert circles((b, c)) == []
