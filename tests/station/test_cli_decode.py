"""``station decode``: a line a picture, exact bytes, and nothing in a code or a file can harm who looks."""

import json
import os
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from station import cli


def picture(path: Path, content: str | bytes, form: zxingcpp.BarcodeFormat = zxingcpp.BarcodeFormat.QRCode) -> Path:
    code = zxingcpp.create_barcode(content, form)
    Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=5)).save(path)
    return path


def decode(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, list[dict[str, object]], str]:
    code = cli.main(["decode", "--json", *map(str, words)])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def test_each_picture_is_one_line_with_text_exact_bytes_and_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = "046097001234|Nguyễn Thị Ánh"
    one, none = picture(tmp_path / "one.png", text), tmp_path / "none.png"
    Image.new("L", (200, 200), 255).save(none)
    code, lines, errors = decode(capsys, one, none)
    assert (code, errors) == (os.EX_OK, "")
    assert [line.pop("ms") > 0 for line in lines] == [True, True]  # type: ignore[operator]
    assert lines == [
        {"path": str(one), "codes": [{"text": text, "hex": text.encode().hex(), "symbology": "qr"}]},
        {"path": str(none), "codes": []},
    ]


def test_bytes_that_are_no_text_are_exact_in_hex(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    raw = bytes((0xFF, 0xFE, 0x80, 0x00, 0x41))
    _, (line,), _ = decode(capsys, picture(tmp_path / "raw.png", raw))
    (found,) = line["codes"]  # type: ignore[misc]
    assert found["hex"] == raw.hex()


def test_a_missing_path_ends_with_66_and_the_others_are_read_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    there = picture(tmp_path / "there.png", "hello there")
    code, lines, errors = decode(capsys, tmp_path / "gone.png", there, tmp_path)
    assert code == os.EX_NOINPUT
    assert [bool(line["codes"]) for line in lines] == [False, True, False]
    assert ["error" in line for line in lines] == [True, False, True]
    assert "gone.png: there is no such file" in errors


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"\xff\xd8\xff"])
def test_a_file_that_is_no_picture_is_told_and_is_no_missing_path(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    code, (line,), errors = decode(capsys, path)
    assert (code, line["codes"]) == (os.EX_OK, [])
    assert line["error"]
    assert "x.png" in errors


def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    os.mkfifo(tmp_path / "pipe")
    assert decode(capsys, tmp_path / "pipe")[0] == os.EX_NOINPUT


def test_escapes_in_codes_and_names_reach_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = picture(tmp_path / "\x1b]0;owned\x07.png", "\x1b[2J\u202egnp\n\u200b\\x")
    assert cli.main(["decode", str(path)]) == os.EX_OK
    said = capsys.readouterr().out
    assert said.endswith("qr: \\x1b[2J\\u202egnp\\x0a\\u200b\\\\x\n")
    assert "\\x1b]0;owned\\x07.png" in said
    assert cli.main(["decode", "--json", str(path)]) == os.EX_OK
    assert capsys.readouterr().out.strip().isprintable()


def test_other_kinds_of_code_are_read_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = picture(tmp_path / "aztec.png", "ticket", zxingcpp.BarcodeFormat.Aztec)
    assert decode(capsys, path)[1][0]["codes"] == []
    _, (line,), _ = decode(capsys, "--formats", "qr,aztec", path)
    assert line["codes"] == [{"text": "ticket", "hex": b"ticket".hex(), "symbology": "aztec"}]


@pytest.mark.parametrize("words", [("--formats", "qrr"), ("--formats", "keys"), ("--engines", "opencv")])
def test_unknown_kinds_and_engines_are_refused_with_the_known_ones(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as ended:
        cli.main(["decode", *words, "x.png"])
    assert ended.value.code == 2
    assert words[1] in capsys.readouterr().err


def test_people_get_a_line_a_code_or_that_nothing_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Image.new("L", (50, 50)).save(tmp_path / "dark.png")
    picture(tmp_path / "one.png", "xin chào")
    assert cli.main(["decode", str(tmp_path / "dark.png"), str(tmp_path / "one.png")]) == os.EX_OK
    assert capsys.readouterr().out == f"{tmp_path}/dark.png: nothing found\n{tmp_path}/one.png: qr: xin chào\n"
