import io
import struct
import zlib

import pytest
from drawn_codes import qr, scene
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.pictures import LARGEST_FILE
from station.pictures import LARGEST, PictureError, read_picture
from station.reading.ladder import Ladder
from station.reading.plane import image_of

CODE = scene((qr("gate"), (20, 30)), size=(240, 200), grey=255)


def saved(image: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


PNG, JPEG = saved(CODE, "PNG"), saved(CODE, "JPEG")


def texts_in(picture) -> list[str | None]:
    return [read.text for read in Ladder().climb(read_picture(picture))]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "PPM"])
def test_every_usual_format_is_read(tmp_path, form):
    path = tmp_path / "code"
    path.write_bytes(saved(CODE, form))
    assert texts_in(path) == texts_in(io.BytesIO(path.read_bytes())) == ["gate"]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16"])
def test_every_usual_kind_of_pixel_is_read(mode):
    image = CODE.convert(mode) if mode != "I;16" else Image.frombytes(mode, CODE.size, _doubled(CODE.tobytes()))
    data = saved(image, "JPEG" if mode == "CMYK" else "PNG")
    assert texts_in(io.BytesIO(data)) == ["gate"]


def _doubled(pixels: bytes) -> bytes:
    return b"".join(bytes((7, level)) for level in pixels)


def test_what_is_transparent_is_white():
    black_on_nothing = Image.new("LA", CODE.size)
    black_on_nothing.putalpha(CODE.point(lambda level: 255 - level))
    assert image_of(read_picture(io.BytesIO(saved(black_on_nothing, "PNG")))).getextrema() == (0, 255)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a picture"),
        (b"046099123456 is no picture", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (PNG[: len(PNG) // 2], "broken"),
        (JPEG[: len(JPEG) // 2], "broken"),
    ],
    ids=["empty", "text", "program", "half a png", "half a jpeg"],
)
def test_what_is_no_whole_picture_is_said_in_words(data, problem):
    with pytest.raises(PictureError, match=f"^dropped: it is {problem}") as refusal:
        read_picture(io.BytesIO(data), "dropped")
    assert "046099" not in str(refusal.value)


@pytest.mark.parametrize(("width", "height"), [(8001, 8001), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_unfolds(width, height):
    assert width * height > LARGEST
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )
    with pytest.raises(PictureError, match="pixels"):
        read_picture(io.BytesIO(bomb))


def test_a_file_too_large_for_a_picture_is_refused_unread():
    with pytest.raises(PictureError, match="bytes"):
        read_picture(io.BytesIO(bytes(LARGEST_FILE + 1)))


def test_a_missing_file_stays_missing_and_a_folder_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError):
        read_picture(tmp_path)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([PNG, JPEG, *(saved(CODE, form) for form in ("WEBP", "GIF", "BMP", "PPM"))]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12),
    st.integers(0, 5000),
)
def test_no_damage_makes_it_fail_otherwise(data, changes, length):
    spoiled = bytearray(data)
    for at, byte in changes:
        spoiled[at % len(spoiled)] = byte
    try:
        plane = read_picture(io.BytesIO(bytes(spoiled[: max(1, length)])))
    except PictureError:
        return
    assert plane.width * plane.height <= LARGEST
