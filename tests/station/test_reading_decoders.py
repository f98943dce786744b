import subprocess
import sys

import pytest
import zxingcpp
from drawn_codes import other, padded, qr, scene
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from core.model import Symbology
from station.reading.decoders import Read, ZxingDecoder, text_of
from station.reading.plane import Plane, image_of, plane_of, rows_of
from station.reading.zbar import ZbarDecoder

ENGINES = pytest.mark.parametrize("engine", [ZxingDecoder, ZbarDecoder], ids=["zxing", "zbar"])
FORMAT = zxingcpp.BarcodeFormat
FAMILY = ["Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Hoàng", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý"]
GIVEN = ["Ánh", "Bình", "Cường", "Dũng", "Đạt", "Khải", "Lộc", "Mỹ", "Nghĩa", "Phượng", "Quỳnh", "Sỹ", "Vượng", "Yến"]
names = st.builds(
    lambda family, given, number: f"{family} Thị {given}{number}",
    st.sampled_from(FAMILY),
    st.sampled_from(GIVEN),
    st.sampled_from(["", "|046099123456", "|1"]),
)


def data_of(reads):
    return [read.data for read in reads]


@ENGINES
@settings(deadline=None, max_examples=60)
@given(names)
def test_vietnamese_names_without_eci_come_out_right(engine, name):
    (read,) = engine().decode(plane_of(qr(name)))
    assert (read.data, read.text, read.symbology) == (name.encode(), name, Symbology.QR)


@ENGINES
@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=120))
def test_bytes_come_out_exact(engine, data):
    assert data_of(engine().decode(plane_of(qr(data)))) == [data]


@ENGINES
@pytest.mark.parametrize("turn", [ImageOps.invert, ImageOps.mirror, ImageOps.flip, lambda image: image.rotate(90)])
def test_inverted_mirrored_and_turned_codes_are_read(engine, turn):
    image = turn(scene((qr("Ngô Ễ|046"), (200, 150)), grey=255))
    assert data_of(engine().decode(plane_of(image))) == ["Ngô Ễ|046".encode()]


@ENGINES
@pytest.mark.parametrize("stride", [640, 641, 704, 1024])
def test_padded_rows_are_read_without_their_padding(engine, stride):
    image = scene((qr("gate"), (500, 330)))
    frame = padded(image, stride)
    (read,) = engine().decode(frame)
    assert read.data == b"gate"
    assert rows_of(frame) == image_of(frame).tobytes() == image.tobytes()


@ENGINES
def test_a_last_row_without_padding_is_read_too(engine):
    frame = padded(scene((qr("gate"), (500, 330))), 704)
    short = Plane(frame.pixels[: 704 * 479 + 640], 640, 480, 704)
    assert data_of(engine().decode(short)) == [b"gate"]
    assert image_of(short).tobytes() == image_of(frame).tobytes()


@ENGINES
def test_two_codes_in_view_are_two_reads_each_at_its_place(engine):
    first, second = qr("first"), qr("second")
    reads = engine().decode(plane_of(scene((first, (40, 60)), (second, (400, 250)))))
    places = {read.data: read.centre for read in reads}
    assert places[b"first"] == pytest.approx((40 + first.width / 2, 60 + first.height / 2), abs=4)
    assert places[b"second"] == pytest.approx((400 + second.width / 2, 250 + second.height / 2), abs=4)


@ENGINES
@pytest.mark.parametrize(
    ("width", "height", "stride", "held"), [(8, 8, 8, 63), (8, 8, 4, 64), (0, 8, 8, 64), (8, -1, 8, 64)]
)
def test_a_frame_whose_numbers_do_not_fit_is_refused(engine, width, height, stride, held):
    with pytest.raises(ValueError, match="picture"):
        engine().decode(Plane(memoryview(bytes(held)), width, height, stride))


@ENGINES
def test_pictures_too_small_for_any_code_hold_none(engine):
    assert engine().decode(plane_of(Image.new("L", (1, 1)))) == ()


@pytest.mark.parametrize(("text", "charset"), [("café", "utf-16-be"), ("café", "iso-8859-1"), ("漢字", "shift_jis")])
def test_a_code_in_another_charset_keeps_its_bytes_and_says_what_it_means(text, charset):
    image = qr(text, encoding=charset, eci=charset != "shift_jis")
    (read,) = ZxingDecoder().decode(plane_of(image))
    assert (read.data, read.text) == (text.encode(charset), text)


def test_bytes_that_are_no_text_have_none():
    for engine in (ZxingDecoder, ZbarDecoder):
        assert engine().decode(plane_of(qr(b"\xff\xfe\x00\x01abc")))[0].text is None


@pytest.mark.parametrize(
    ("form", "symbology", "text"),
    [
        (FORMAT.MicroQRCode, Symbology.MICRO_QR, "12345"),
        (FORMAT.DataMatrix, Symbology.DATA_MATRIX, "046099123456"),
        (FORMAT.Aztec, Symbology.AZTEC, "046099123456"),
        (FORMAT.PDF417, Symbology.PDF417, "046099123456"),
        (FORMAT.Code128, Symbology.CODE_128, "046099123456"),
        (FORMAT.Code39, Symbology.CODE_39, "C1234567"),
        (FORMAT.EAN13, Symbology.EAN_13, "8934567890120"),
    ],
)
def test_other_symbologies_are_read_when_asked_for_and_only_then(form, symbology, text):
    plane = plane_of(scene((other(form, text), (30, 40))))
    assert [(read.data, read.symbology) for read in ZxingDecoder([symbology]).decode(plane)] == [
        (text.encode(), symbology)
    ]
    assert ZxingDecoder().decode(plane) == ()
    assert ZbarDecoder().decode(plane) == ()


@pytest.mark.parametrize("symbology", [Symbology.CODE_128, Symbology.CODE_39, Symbology.EAN_13])
def test_zbar_reads_bar_codes_when_asked_for(symbology):
    form, text = {
        Symbology.CODE_128: (FORMAT.Code128, "046099123456"),
        Symbology.CODE_39: (FORMAT.Code39, "C1234567"),
        Symbology.EAN_13: (FORMAT.EAN13, "8934567890120"),
    }[symbology]
    (read,) = ZbarDecoder([symbology]).decode(plane_of(scene((other(form, text), (30, 40)), grey=255)))
    assert (read.data, read.symbology) == (text.encode(), symbology)


def test_zbar_passes_over_symbologies_it_does_not_know():
    assert ZbarDecoder([Symbology.AZTEC]).decode(plane_of(scene((qr("gate"), (0, 0))))) == ()


@ENGINES
def test_short_bar_codes_are_not_believed(engine):
    plane = plane_of(scene((other(FORMAT.Code128, "1234"), (30, 40)), grey=255))
    assert engine([Symbology.CODE_128]).decode(plane) == ()


def test_no_payload_is_in_a_repr():
    read = Read(b"046099123456", Symbology.QR, ((0, 0), (1, 0), (1, 1), (0, 1)), "046099123456")
    assert "046" not in repr(read)


def test_only_utf_8_to_the_letter_is_text():
    assert text_of("Nguyễn".encode()) == "Nguyễn"
    assert text_of("Nguyễn".encode()[:-1] + b"\xe1") is None


def test_decoding_needs_no_numpy():
    program = (
        "import sys; from station.reading.ladder import Ladder; from station.reading.plane import Plane;"
        "Ladder().climb(Plane(memoryview(bytes(6400)), 80, 80, 80)); print('numpy' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
