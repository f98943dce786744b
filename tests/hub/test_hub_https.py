"""What changes when people reach the hub by HTTPS."""

import pytest
import requests
from hub_stand import SECONDS, HubProcess, furnish


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
