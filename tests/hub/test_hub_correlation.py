"""Every answer names its request, and so does what the hub logs of it."""

import re

import pytest
from hub_stand import CITIZEN, HubProcess, furnish

DRAWN = re.compile(r"[0-9a-f]{16}")


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    """A hub and a station's line to it."""
    data = tmp_path_factory.mktemp("hub")
    pinned = furnish(data, "s1")
    hub = HubProcess(data).start()
    with hub.session(pinned["s1"]["token"]) as line:
        yield hub, line
    assert hub.stop() == 0


def named(line, path, given="", **sent):
    return line.request("POST" if sent else "GET", path, headers={"X-Request-Id": given} if given else {}, **sent)


@pytest.mark.parametrize("path", ["/v1/held", "/v1/nowhere", "/v1/held?epoch=x", "/", "/nowhere"])
def test_an_answer_gives_the_callers_id_back_or_one_of_the_hubs_own(stand, path):
    _, line = stand
    assert named(line, path, "caller-0123456789ab").headers["x-request-id"] == "caller-0123456789ab"
    drawn = [named(line, path).headers["x-request-id"] for _ in range(2)]
    assert all(DRAWN.fullmatch(each) for each in drawn)
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    "given", [CITIZEN, "a" * 65, "x\t" * 10, 'a"}{"level":"info"}', "Nguyễn Văn A Nguyễn Văn A".encode()]
)
def test_what_could_be_somebodys_number_or_end_a_line_of_the_log_is_not_taken(stand, given):
    hub, line = stand
    answer = named(line, "/v1/lookup", given, data=b"{")
    assert DRAWN.fullmatch(answer.headers["x-request-id"])
    assert CITIZEN not in hub.log.read_text()


def test_what_is_dropped_is_logged_with_the_requests_id(stand):
    hub, line = stand
    answer = named(line, "/v1/checkins", "find-me-in-the-log", data=b'{"station":"s2"}')
    assert answer.status_code == 400
    logged = [each for each in hub.lines("dropped") if each.get("request") == "find-me-in-the-log"]
    assert [(each["station"], each["times"]) for each in logged] == [("s1", 1)]
