"""``station check``: one code judged as a gate would, by exit code and by JSON, naming nobody."""

import io
import json
import os
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import keys, wire
from core.codes import declaration
from core.model import DeclarationKind, GateKind, HealthGroup, Standing
from core.rules import GateRules, Policy
from station import cli

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
AT = ("--at", "2026-11-23T15:00:00+07:00")
NUMBER = b"046097001234"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command with a code on standard input; its exit code and its JSON."""

    def run(code: bytes, *words: str | Path) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(code)))
        ended = cli.main(["check", "--json", *map(str, words), "-"])
        said = capsys.readouterr()
        assert "046097001234" not in said.out + said.err
        return ended, json.loads(said.out)

    return run


CODES = {
    NUMBER: (1, "citizen-number", "unverified", ["hub-unreachable"]),
    b"https://example.com": (3, "url", "wrong-code", ["is-link"]),
    b"00020101021138570010A000000727": (3, "payment", "wrong-code", ["is-payment"]),
    b"HC1:6BF": (4, "eu-dcc", "warn", ["signature-refused"]),
    b"TQ1:garbage": (4, "declaration", "warn", ["signature-refused"]),
    b"000000000": (1, "cmnd", "warn", ["placeholder-number"]),
    b"": (3, "unreadable", "wrong-code", ["is-unreadable"]),
    b"\0" * 100_000: (3, "unreadable", "wrong-code", ["is-unreadable"]),
}


@pytest.mark.parametrize(("code", "expected"), CODES.items(), ids=[str(code[:12]) for code in CODES])
def test_the_exit_code_tells_the_verdict(check, code: bytes, expected: tuple[int, str, str, list[str]]):
    ended, told = check(code, "--no-lookup", "--built-in-policy", *AT)
    assert (ended, told["code_kind"], told["outcome"], told["reasons"]) == expected
    assert (told["verified"], told["signer"], told["expires"], told["origin"]) == (False, None, None, "none")


@pytest.mark.parametrize(("end", "size"), [(b"", 9), (b"\n", 9), (b"\r\n", 9), (b"\n\n", 10)])
def test_one_newline_at_the_end_is_no_part_of_the_code(check, end: bytes, size: int):
    told = check(b"191000001" + end, "--no-lookup", *AT)[1]
    assert (told["code_kind"], told["steps"][0]) == ("cmnd", f"read: {size} bytes")


@pytest.fixture
def signer(tmp_path: Path) -> tuple[Ed25519PrivateKey, bytes, Path]:
    """A signer of declarations whose public key lies in a trust folder under its id."""
    key, key_id, folder = Ed25519PrivateKey.generate(), bytes(range(8)), tmp_path / "trust"
    folder.mkdir()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{key_id.hex()}.pem").write_bytes(pem)
    return key, key_id, folder


def declared(key: Ed25519PrivateKey, key_id: bytes, issued: datetime = NOW - timedelta(days=1), **more: Any) -> bytes:
    return declaration.issue(
        key,
        key_id=key_id,
        issuer="hue",
        issued=issued,
        expires=issued + timedelta(days=7),
        subject=bytes(16),
        kind=DeclarationKind.HEALTH,
        **more,
    ).encode()


def test_a_signed_declaration_passes_with_no_network_by_a_trusted_key(check, signer):
    key, key_id, folder = signer
    ended, told = check(declared(key, key_id), "--trust", folder, "--no-lookup", "--built-in-policy", *AT)
    assert (ended, told["outcome"], told["origin"], told["verified"]) == (0, "pass", "code", True)
    assert (told["signer"], told["expires"]) == (key_id.hex(), "2026-11-29T08:00:00Z")
    assert "signature: verified" in told["steps"]


def test_the_signature_holds_and_the_date_does_not_are_two_things(check, signer):
    key, key_id, folder = signer
    old = declared(key, key_id, issued=NOW - timedelta(days=30))
    words = ("--trust", folder, "--no-lookup", "--built-in-policy", "--at")
    ended, told = check(old, *words, AT[1])
    assert (ended, told["outcome"], told["verified"]) == (1, "warn", True)
    assert "code-expired" in told["reasons"]
    assert check(old, *words, "2026-10-25T00:00:00Z")[0] == 0


def test_without_a_policy_nothing_is_verified_as_at_the_gate_but_the_signature_is_told(check, signer):
    key, key_id, folder = signer
    ended, told = check(declared(key, key_id), "--trust", folder, "--no-lookup", *AT)
    assert (ended, told["outcome"], told["reasons"], told["verified"]) == (1, "unverified", ["no-policy"], True)
    assert "policy: the station holds none" in told["steps"]
    ended, told = check(b"https://example.com", "--no-lookup", *AT)
    assert (ended, told["outcome"]) == (3, "wrong-code")


def test_a_signature_by_another_key_is_refused_and_one_by_nobody_we_know_is_not_verified(check, signer):
    _, key_id, folder = signer
    forged = declared(Ed25519PrivateKey.generate(), key_id)
    ended, told = check(forged, "--trust", folder, "--no-lookup", *AT)
    assert (ended, told["verified"], told["reasons"]) == (4, False, ["signature-refused"])
    ended, told = check(forged, "--no-lookup", *AT)
    assert (ended, told["verified"], told["reasons"]) == (1, False, ["signer-unknown"])


def test_a_trust_folder_with_a_fault_is_a_wrong_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["check", "--trust", str(tmp_path / "none"), "191000001"]) == os.EX_CONFIG
    assert "none" in capsys.readouterr().err


class Hub(BaseHTTPRequestHandler):
    """Knows one person, who declared an hour ago."""

    asked: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        standing = Standing("ab" * 16, NOW, health=HealthGroup(NOW - timedelta(hours=1)))
        known = NUMBER in self.asked[-1] and self.headers["Authorization"] == "Bearer t0ken"
        body = wire.encode(wire.Answer(standing if known else None, NOW))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def configured(tmp_path: Path, hub: str) -> Path:
    """A station that holds a policy of its hub: venues ask for a declaration within two hours, other gates for more."""
    private, public = keys.new_signing_key()
    sealing = b64encode(keys.new_sealing_key()[1]).decode()
    policy = Policy(
        version=7,
        issued=NOW - timedelta(days=9),
        effective=NOW - timedelta(days=9),
        gates={GateKind.VENUE: GateRules(), GateKind.CHECKPOINT: GateRules(required=("health", "entry"))},
    )
    (tmp_path / "policies.json").write_bytes(wire.encode([keys.sign(private, wire.encode(policy))]))
    path = tmp_path / "config.toml"
    path.write_text(
        f'[station]\nname = "gate-1"\ndata = "{tmp_path}"\n[hub]\nurl = "{hub}"\ntoken = "t0ken"\ndeadline_ms = 10000\n'
        f'sealing_key = "{sealing}"\npolicy_key = "{b64encode(public).decode()}"\n'
    )
    return path


def test_the_hub_is_asked_and_its_policy_decides(check, configured: Path):
    ended, told = check(NUMBER, "--config", configured, *AT)
    assert (ended, told["outcome"], told["origin"], told["reasons"]) == (0, "pass", "hub", [])
    assert told["steps"] == [
        "read: 12 bytes",
        "parsed: citizen-number",
        "looked up: known to the hub",
        "policy: version 7",
        "decided: pass",
    ]


def test_another_kind_of_gate_asks_for_what_its_rules_ask(check, configured: Path):
    ended, told = check(NUMBER, "--config", configured, "--gate", "checkpoint", *AT)
    assert (ended, told["outcome"], told["reasons"]) == (1, "warn", ["no-entry"])


def test_somebody_the_hub_does_not_know_is_not_found(check, configured: Path):
    assert check(b"046097005678", "--config", configured, *AT)[1]["reasons"] == ["not-found"]


def test_without_a_lookup_the_hub_hears_nothing(check, configured: Path):
    before = len(Hub.asked)
    ended, told = check(NUMBER, "--config", configured, "--no-lookup", *AT)
    assert (ended, told["outcome"], len(Hub.asked)) == (1, "unverified", before)


def test_a_code_as_argument_works_with_a_warning(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["check", "--no-lookup", "https://example.com"]) == 3
    said = capsys.readouterr()
    assert "other people on this board can see" in said.err
    assert said.out.startswith("outcome    wrong-code\nreasons    is-link\n")


@pytest.mark.parametrize("words", [("--gate", "door"), ("--at", "yesterday"), ("--at", "2026-11-23T08:00:00")])
def test_what_cannot_be_understood_ends_with_2(words: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", *words, "-"])
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_the_program_reads_standard_input_and_answers_with_json():
    done = subprocess.run(
        [sys.executable, "-m", "station", "check", "--json", "--no-lookup", "-"],
        input=b"WIFI:S:cafe;T:WPA;P:secret;;\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["code_kind"], told["outcome"]) == (3, "wifi", "wrong-code")
    assert b"secret" not in done.stdout + done.stderr
