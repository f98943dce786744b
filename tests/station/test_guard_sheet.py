"""The guards' sheet shows what the box shows, says what to do about each sign, and prints on one page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.signals import Sign

ROOT = Path(__file__).resolve().parents[2]
SHEET = ROOT / "docs/to-huong-dan.html"


def make(*words: str) -> str:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_sheet_is_the_one_that_the_stations_tables_give():
    assert make("docs/sheet.py") == SHEET.read_text("utf-8"), (
        "run: .venv/bin/python docs/sheet.py > docs/to-huong-dan.html"
    )


def test_every_sign_of_a_presentation_has_a_line():
    told = set(make("-c", "from docs.sheet import LINES; print(*(sign.name for sign in LINES))").split())
    said_under_the_table = {"PASS_IN_HELD", "PASS_OUT_HELD", "WARN_HELD"}
    the_guards_own = {"ADMITTED", "TURNED_AWAY"}
    assert told == {sign.name for sign in Sign} - said_under_the_table - the_guards_own


def test_the_sheet_needs_nothing_but_itself():
    assert not re.search(r"https?://|<link|<script|@import|src=\"(?!data:)", SHEET.read_text("utf-8"))


@pytest.mark.browser
def test_the_sheet_prints_on_one_page(tmp_path: Path, program):
    paper = tmp_path / "sheet.pdf"
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={tmp_path}"]
    browser = program("chromium", "chromium-browser")
    subprocess.run(
        [browser, *words, f"--print-to-pdf={paper}", SHEET.as_uri()], check=True, capture_output=True, timeout=200
    )
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) == 1
