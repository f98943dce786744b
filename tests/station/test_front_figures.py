"""The front panel's figures in a browser: what waits and for how long, what was refused, how old the snapshot is."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from chromium import chromium
from front_rig import parts_of
from msgspec.structs import replace
from rig import Registry, Rig

from station.front.server import start
from station.health import HeldSnapshot
from station.sections import Front


@pytest.mark.parametrize(
    ("held", "said"), [(None, "–"), (True, "12 · 3 ngày"), (False, "12 · chưa có khoá")], ids=["none", "held", "locked"]
)
def test_what_waits_what_was_refused_and_how_old_the_snapshot_is_can_be_read(tmp_path, held, said):
    from playwright.sync_api import expect

    rig = Rig(tmp_path, Registry())

    def status():
        now = rig.station.status()
        snapshot = HeldSnapshot(12, now.at - timedelta(days=3), held) if held is not None else None
        known = replace(now, backlog=7, oldest=now.at - timedelta(hours=50), refused=2, snapshot=snapshot)
        return replace(known, snapshot_problem="the snapshot is damaged" if held else "")

    section = Front(enabled=True, listen="127.0.0.1:0")
    try:
        with (
            start(section, dataclasses.replace(parts_of(rig), status=status)) as opened,
            chromium() as launch,
        ):
            page = launch().new_page(viewport={"width": 360, "height": 800})
            page.goto(f"http://{opened.host}:{opened.port}/")
            expect(page.locator("#backlog")).to_have_text("7")
            expect(page.locator("#oldest")).to_have_text("2 ngày")
            expect(page.locator("#refused")).to_have_text("2")
            expect(page.locator("#snapshot")).to_have_text(said)
            trouble = page.locator("#troubles").get_by_text("Tin đã lưu · snapshot: the snapshot is damaged")
            expect(trouble).to_have_count(1 if held else 0)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.locator("#status-title").scroll_into_view_if_needed()
            page.screenshot(path=str(tmp_path / "front.png"), full_page=True)
    finally:
        rig.close()
