"""The webcam driver on a real Video4Linux device: vivid, the kernel's own virtual camera."""

import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from waiting import told_loss, wait_for

from drivers.camera_v4l2 import V4l2Camera
from drivers.errors import DeviceError

# Controls of vivid and what its picture is set to (linux, vivid-ctrls.c).
VIVID = 0x00F0F000
OSD_TEXT_MODE, NO_TEXT = VIVID + 1, 2
PERCENT_DROPPED = VIVID + 64
DISCONNECT = VIVID + 65
DQBUF_ERROR = VIVID + 66


@pytest.fixture
def webcam():
    """The path of a camera that has just been plugged in."""
    subprocess.run(["modprobe", "-r", "vivid"], check=True)
    subprocess.run(["modprobe", "vivid"], check=True)
    return str(wait_for(lambda: next(Path("/dev").glob("video*"), None), "the camera"))


def frame_of(camera):
    return wait_for(lambda: camera.frame(5), "a frame")


def picture(frame):
    return Image.frombytes("L", (frame.width, frame.height), frame.packed())


def test_every_pixel_format_gives_the_same_luminance(webcam):
    pictures = {}
    for form in ("yuyv", "uyvy", "nv12", "grey"):
        with V4l2Camera(device=webcam, format=form, width=640, height=360) as camera:
            frame = frame_of(camera)
            tell(camera, OSD_TEXT_MODE, NO_TEXT)
            for _ in range(6):  # those that were filled before
                frame = frame_of(camera)
            assert (frame.width, frame.height) == (640, 360)
            pictures[form] = picture(frame)
    first = pictures.pop("yuyv")
    assert ImageStat.Stat(first).stddev[0] > 30, "the test picture should have bars"
    worst = {form: ImageChops.difference(first, other).getextrema()[1] for form, other in pictures.items()}
    assert worst.pop("grey") <= 32, "vivid's grey has another range and weighs the colours a little differently"
    assert worst == {"uyvy": 0, "nv12": 0}


def test_frames_are_numbered_by_the_camera_and_only_the_newest_is_taken(webcam):
    with V4l2Camera(device=webcam, width=320, height=180) as camera:
        numbers = [frame_of(camera).sequence for _ in range(10)]
    assert numbers == sorted(set(numbers))


def test_a_camera_that_is_pulled_out_is_told_of_once_and_found_again(webcam):
    with V4l2Camera(device="/dev/video*", width=320, height=180) as camera:
        frame_of(camera)
        tell(camera, DISCONNECT, 1)
        loss = told_loss(camera.frame)
        assert camera.frame(0.1) is None
        assert camera._plug.away
        subprocess.run(["modprobe", "-r", "vivid"], check=True)
        subprocess.run(["modprobe", "vivid"], check=True)
        frame_of(camera)
    assert loss.cure.startswith("plug it in")


def test_a_camera_that_hangs_is_told_of_and_opened_anew(webcam):
    with V4l2Camera(device=webcam, width=320, height=180, patience=1.0) as camera:
        frame_of(camera)
        tell(camera, PERCENT_DROPPED, 100)
        loss = told_loss(camera.frame)
        with V4l2Camera(device=webcam, width=320, height=180) as other:
            tell(other, PERCENT_DROPPED, 0)
        frame_of(camera)
    assert loss.problem == "it sent no whole frame for 1.0 seconds"


def test_a_frame_that_arrives_broken_is_passed_over(webcam):
    with V4l2Camera(device=webcam, width=320, height=180) as camera:
        before = frame_of(camera).sequence
        tell(camera, DQBUF_ERROR, 1)
        assert frame_of(camera).sequence > before


def tell(camera, control, value):
    """Set a control of the camera that a driver has open."""
    assert camera._plug._device.set(control, value), f"control {control:#x} was not taken"


def test_a_camera_has_one_user(webcam):
    with V4l2Camera(device=webcam, width=320, height=180) as first, V4l2Camera(device=webcam) as second:
        frame_of(first)
        with pytest.raises(DeviceError, match="busy"):
            second.frame(1)
        frame_of(first)


def test_a_path_without_a_camera_is_told(webcam):
    with V4l2Camera(device="/dev/v4l/by-id/usb-nothing*") as camera, pytest.raises(DeviceError, match="not there"):
        camera.frame(1)
