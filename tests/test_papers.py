"""What the papers say is there is there: linked files, words of make, and the words of the command lines."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAPERS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_link_to_a_file_leads_to_one(paper: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", paper.read_text("utf-8"))
    assert [link for link in links if not (paper.parent / link).exists()] == []


def test_every_word_of_make_in_the_readme_is_a_word_and_back():
    told = set(re.findall(r"(?:^|`|sudo )make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    words = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert told == words - {"help"}


def test_make_alone_lists_its_words():
    told = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make demo" in told
    assert "ONCE=1" in told
