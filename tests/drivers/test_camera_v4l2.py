import glob
import io
import os
import time

import pytest
from linuxpy.video import raw
from PIL import Image

from drivers import video4linux
from drivers.camera_v4l2 import V4l2Camera, to_frame
from drivers.errors import DeviceError
from drivers.video4linux import Picture

LUMA = bytes(range(8)) + bytes(range(100, 108))  # two rows of eight


def test_grey_is_taken_as_it_is_with_its_padding():
    padded = LUMA[:8] + b"\xee" * 4 + LUMA[8:] + b"\xee" * 4
    frame = to_frame(padded, Picture("GREY", 8, 2, 12, 24), 5)
    assert (frame.stride, frame.sequence, frame.packed()) == (12, 5, LUMA)


def test_nv12_gives_its_first_plane():
    frame = to_frame(LUMA + b"\x80" * 8, Picture("NV12", 8, 2, 8, 24), 0)
    assert (len(frame.pixels), frame.packed()) == (16, LUMA)


@pytest.mark.parametrize(("fourcc", "order"), [("YUYV", 0), ("UYVY", 1)])
def test_packed_colours_give_every_second_byte(fourcc, order):
    pairs = b"".join(bytes([y, 0x80] if order == 0 else [0x80, y]) for y in LUMA)
    rows = pairs[:16] + b"\xee" * 4 + pairs[16:] + b"\xee" * 4
    frame = to_frame(rows, Picture(fourcc, 8, 2, 20, 40), 0)
    assert (frame.width, frame.stride, frame.packed()) == (8, 10, LUMA)


def test_motion_jpeg_is_decoded_to_its_luminance():
    picture = Image.linear_gradient("L").convert("RGB")
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    frame = to_frame(file.getvalue(), Picture("MJPG", 256, 256, 0, 1 << 20), 0)
    assert (frame.width, frame.height) == (256, 256)
    assert max(abs(got - y) for y in range(256) for got in frame.pixels[y * 256 : y * 256 + 256]) <= 3


@pytest.mark.parametrize("fourcc", ["GREY", "NV12", "YUYV", "MJPG"])
def test_a_frame_that_stops_in_the_middle_is_passed_over(fourcc):
    file = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(file, "JPEG")
    whole = file.getvalue() if fourcc == "MJPG" else bytes(64 * 64)
    assert to_frame(whole[: len(whole) // 2], Picture(fourcc, 64, 64, 64, 8192), 0) is None


def test_a_motion_jpeg_frame_may_not_be_larger_than_the_camera_said():
    file = io.BytesIO()
    Image.new("L", (2000, 2000)).save(file, "JPEG")
    assert to_frame(file.getvalue(), Picture("MJPG", 64, 64, 0, 8192), 0) is None


@pytest.mark.parametrize(
    "name",
    [
        "QUERYCAP",
        "ENUM_FMT",
        "S_FMT",
        "REQBUFS",
        "QUERYBUF",
        "QBUF",
        "DQBUF",
        "STREAMON",
        "STREAMOFF",
        "S_PARM",
        "S_CTRL",
    ],
)
def test_the_kernel_is_asked_with_its_own_numbers(name):
    assert getattr(video4linux, name) == getattr(raw.IOC, name).value & 0xFFFFFFFF


def test_the_kernels_structures_are_read_where_they_lie():
    capability = raw.v4l2_capability(driver=b"d", card=b"c", bus_info=b"b", version=1, capabilities=2, device_caps=3)
    assert video4linux.CAPABILITY.unpack(bytes(capability))[3:] == (1, 2, 3)
    format_ = raw.v4l2_format(type=1)
    pix = format_.fmt.pix
    pix.width, pix.height, pix.pixelformat, pix.field, pix.bytesperline, pix.sizeimage = 2, 3, 4, 5, 6, 7
    assert video4linux.FORMAT.unpack(bytes(format_))[:7] == (1, 2, 3, 4, 5, 6, 7)
    described = raw.v4l2_fmtdesc(index=1, type=2, flags=3, description=b"x", pixelformat=5)
    assert video4linux.DESCRIPTION.unpack(bytes(described))[::4] == (1, 5)
    request = raw.v4l2_requestbuffers(count=1, type=2, memory=3)
    assert video4linux.REQUEST.unpack(bytes(request))[:3] == (1, 2, 3)


def test_a_filled_buffer_is_read_where_the_kernel_writes_it():
    buffer = raw.v4l2_buffer(index=1, type=2, bytesused=3, flags=4, field=5, sequence=8, memory=9, length=11)
    buffer.timestamp.secs, buffer.timestamp.usecs, buffer.m.offset = 6, 7, 10
    assert video4linux.BUFFER.unpack(bytes(buffer))[:11] == tuple(range(1, 12))


def test_the_pace_is_asked_for_where_the_kernel_reads_it():
    asked = raw.v4l2_streamparm.from_buffer_copy(video4linux.PARAMETERS.pack(1, 0, 0, 1000, 15000, 0, 0))
    pace = asked.parm.capture.timeperframe
    assert (asked.type, pace.numerator, pace.denominator) == (1, 1000, 15000)


def test_a_missing_webcam_is_told_of_once_with_its_cure(tmp_path):
    with V4l2Camera(device=f"{tmp_path}/*-video-index0") as camera:
        with pytest.raises(DeviceError, match="not there") as caught:
            camera.frame(0)
        assert "plug it in" in caught.value.cure
        began = time.monotonic()
        assert camera.frame(0.02) is None
        assert time.monotonic() - began < 30


def test_a_path_that_is_no_camera_is_a_device_error():
    with V4l2Camera(device="/dev/null") as camera, pytest.raises(DeviceError):
        camera.frame(0)


def test_opening_what_is_no_camera_leaves_no_file_open():
    before = os.listdir("/proc/self/fd")
    with V4l2Camera(device="/dev/null") as camera, pytest.raises(DeviceError):
        camera.frame(0)
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize(
    "options",
    [
        {"device": "video0"},
        {"width": 0},
        {"rate": 1000},
        {"format": "rgb"},
        {"exposure_us": -1},
        {"patience": 0},
    ],
)
def test_a_wrong_option_is_refused_by_name_without_any_hardware(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        V4l2Camera(**options)


@pytest.mark.skipif(not glob.glob("/dev/video*"), reason="no Video4Linux camera on this machine")
@pytest.mark.parametrize("format", ["auto", "yuyv", "mjpeg"])
def test_a_real_camera_sends_frames(format):
    device = sorted(glob.glob("/dev/video*"))[0]
    with V4l2Camera(device=device, format=format) as camera:
        try:
            frames = [camera.frame(3) for _ in range(5)]
        except DeviceError as error:
            if "none of the formats" in error.problem:
                pytest.skip(f"this camera has no {format}")
            raise
    assert all(frames)
    assert all(len(frame.pixels) >= frame.stride * frame.height for frame in frames)
    assert [frame.sequence for frame in frames] == sorted(frame.sequence for frame in frames)
