"""What every page keeps without asking: its headers, its visitor's language, and who may send a form."""

import re
import string
from pathlib import Path

import pytest
import requests
from web_stand import Visitor

import hub.web
from hub.web import words
from hub.web.form import Form
from hub.web.safety import Turnstile
from hub.web.site import local

TEMPLATES = sorted((Path(hub.web.__file__).parent / "templates").rglob("*.html"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things_with_the_same_placeholders():
    vi, en = words.CATALOGUES["vi"], words.CATALOGUES["en"]
    assert set(vi) == set(en)
    assert {key: placeholders(vi[key]) for key in vi} == {key: placeholders(en[key]) for key in en}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_has_a_script_or_a_style_of_its_own(template):
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", text)


@pytest.mark.parametrize("path", ["/", "/phone", "/poster", "/nowhere", "/officers/sign-in"])
def test_every_page_is_guarded_and_kept_by_no_cache(visitor, path):
    headers = visitor.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_a_style_sheet_is_kept_for_good_because_its_address_changes_with_it(visitor):
    page = visitor.get("/").text
    style = visitor.get(re.search(r'/static/house\.css[^"]*', page).group())
    assert "immutable" in style.headers["cache-control"]
    assert "Set-Cookie" not in style.headers
    assert visitor.get("/static/../page.py").status_code == 404


def test_a_visitor_reads_vietnamese_until_they_choose_english(visitor):
    assert '<html lang="vi">' in visitor.get("/").text
    assert '<html lang="en">' in visitor.submit("/language", language="en", back="/phone").text
    assert "Your phone number" in visitor.get("/phone").text


@pytest.mark.parametrize("there", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", ""])
def test_nobody_is_sent_to_another_site(there):
    assert local(there) == "/"


def test_a_form_without_its_token_is_refused_in_words(site, visitor):
    visitor.get("/")
    refused = requests.post(
        f"{site.url}/phone", {"phone": "0912345678"}, headers={"Accept": "text/html"}, cookies=visitor.cookies
    )
    assert refused.status_code == 403
    assert "tải lại trang" in refused.text


def test_a_machine_is_told_of_errors_in_its_own_format(site):
    answer = requests.get(f"{site.url}/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_address_that_asks_too_much_waits_a_minute():
    turnstile = Turnstile(2)
    assert [turnstile.admit("one") for _ in range(3)] == [True, True, False]
    assert turnstile.admit("another")


def test_a_cookie_of_the_pages_is_read_by_no_script(site, messages):
    with Visitor(site.url, messages) as visitor:
        answer = visitor.get("/")
    assert all("HttpOnly" in line and "SameSite" in line for line in answer.headers["set-cookie"].split(", tq_"))


def test_a_form_shows_its_fields_and_never_what_is_in_them():
    assert repr(Form({"name": ("Trần Thị Thử",)})) == "Form(['name'])"
