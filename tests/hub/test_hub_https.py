"""What changes when people reach the hub by HTTPS."""

import re

import pytest
import requests
from hub_stand import SECONDS, HubProcess, appoint, furnish

from hub.config import load
from hub.errors import ConfigError


@pytest.mark.parametrize(("address", "said"), [("https://khaibao.example.vn", "max-age=31536000"), ("", None)])
def test_browsers_are_told_to_come_by_https_alone_only_where_the_hub_is_reached_so(tmp_path, address, said):
    furnish(tmp_path)
    (tmp_path / "hub.toml").write_text(f'[web]\naddress = "{address}"\n')
    hub = HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml")).start()
    try:
        for path in ("/", "/no-such-page", "/v1/policy"):
            answer = requests.get(f"http://{hub.ready['http']}{path}", timeout=SECONDS)
            assert answer.headers.get("strict-transport-security") == said
    finally:
        hub.kill()


def page(hub, path="/officers/sign-in", **headers):
    return requests.get(f"http://{hub.ready['http']}{path}", headers=headers, timeout=SECONDS)


@pytest.mark.parametrize(("address", "secure"), [("https://khaibao.example.vn", True), ("http://10.0.0.1", False)])
def test_every_cookie_is_kept_to_https_where_people_reach_the_hub_so(tmp_path, address, secure):
    furnish(tmp_path)
    appoint(tmp_path, "le-thi-b")
    (tmp_path / "hub.toml").write_text(f'[web]\naddress = "{address}"\n')
    hub = HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml")).start()
    try:
        opened = page(hub)
        token = re.search(r'name="_csrf_token" value="([^"]+)"', opened.text)[1]
        fields = {"_csrf_token": token, "account": "le-thi-b", "password": "ba con vịt trời"}
        own = {"tq_csrf": opened.cookies["tq_csrf"]} if not secure else dict(opened.cookies)
        answer = requests.post(opened.url, fields, cookies=own, allow_redirects=False, timeout=SECONDS)
        assert answer.status_code == 303
        set_there = [*opened.raw.headers.getlist("set-cookie"), *answer.raw.headers.getlist("set-cookie")]
        assert [each for each in set_there if each.startswith("tq_official=")]
        assert {"secure" in each.lower() for each in set_there} == {secure}
    finally:
        hub.kill()


@pytest.mark.parametrize(("proxies", "each"), [('["127.0.0.0/8"]', True), ('["10.1.0.0/16"]', False)])
def test_people_behind_a_trusted_proxy_have_each_their_own_share_of_requests(tmp_path, proxies, each):
    furnish(tmp_path)
    (tmp_path / "hub.toml").write_text(f"[web]\nrequests_per_minute = 3\ntrusted_proxies = {proxies}\n")
    hub = HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml")).start()
    try:
        answers = {page(hub, **{"X-Forwarded-For": f"198.51.100.{number}"}).status_code for number in range(9)}
        assert answers == ({200} if each else {200, 429})
    finally:
        hub.kill()


def test_a_proxy_that_is_no_address_is_named_with_its_cure(tmp_path):
    (tmp_path / "hub.toml").write_text('[web]\ntrusted_proxies = ["proxy.example.vn"]\n')
    with pytest.raises(ConfigError, match=r"trusted_proxies: 'proxy\.example\.vn' is no address or network"):
        load(tmp_path / "hub.toml")
