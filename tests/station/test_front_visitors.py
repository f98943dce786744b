"""Who is served: names that can only mean this machine, and requests that no other web page can send."""

import socket

import pytest
from werkzeug.datastructures import Headers

from station.front.visitors import MARK, is_ours, refusal


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "192.168.1.20", "::1", "LOCALHOST.", socket.gethostname(), "fe80::1"]
)
def test_names_that_mean_this_machine(name: str):
    assert is_ours(name)


@pytest.mark.parametrize("name", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1.evil"])
def test_names_that_might_be_anybodys(name: str):
    assert not is_ours(name)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "localhost:8080", "localhost"])
def test_the_page_itself_is_served_at_every_address_of_its_own(host: str):
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin", MARK: "1"}
    assert refusal("GET", Headers({"Host": host, "Sec-Fetch-Site": "none"})) == ""
    assert refusal("POST", Headers(own)) == ""


def test_a_link_from_elsewhere_may_open_the_page_and_nothing_more():
    came = {"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert refusal("GET", Headers({**came, "Sec-Fetch-Dest": "document"})) == ""
    assert refusal("GET", Headers({**came, "Sec-Fetch-Dest": "iframe"}))
    assert refusal("POST", Headers({**came, "Sec-Fetch-Dest": "document", MARK: "1"}))


def test_a_page_on_another_port_is_another_page():
    other = {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "same-site", MARK: "1"}
    assert refusal("POST", Headers(other))
    del other["Sec-Fetch-Site"]
    assert refusal("POST", Headers(other))
