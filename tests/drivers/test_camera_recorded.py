"""Folders of pictures and video files, as cameras."""

import io
import os
import stat
import subprocess
import time

import pytest
from PIL import Image

from drivers.camera_folder import FolderCamera
from drivers.camera_video import VideoCamera
from drivers.errors import DeviceError


def save(folder, name, grey, **options):
    Image.new("L", (32, 24), grey).save(folder / name, **options)


def shown(camera, count, timeout=30):
    return [frame and frame.pixels[0] for frame in (camera.frame(timeout) for _ in range(count))]


def wait(camera):
    while camera.frame(0.2) is None:
        pass


def test_a_folder_is_shown_in_the_order_of_names_and_then_ends(tmp_path):
    for grey, name in ((30, "c.png"), (10, "a.png"), (20, "b.bmp"), (99, ".hidden.png")):
        save(tmp_path, name, grey)
    (tmp_path / "sub").mkdir()
    with FolderCamera(folder=str(tmp_path), rate=0) as camera:
        assert shown(camera, 3) == [10, 20, 30]
        assert shown(camera, 2, timeout=0.01) == [None, None]


def test_a_folder_begins_again_when_told_to(tmp_path):
    save(tmp_path, "1.png", 1)
    save(tmp_path, "2.png", 2)
    with FolderCamera(folder=str(tmp_path), rate=0, loop=True) as camera:
        assert shown(camera, 5) == [1, 2, 1, 2, 1]


def test_who_comes_late_has_missed_pictures(tmp_path):
    for number in range(200):
        save(tmp_path, f"{number:03}.png", number)
    with FolderCamera(folder=str(tmp_path), rate=50) as camera:
        first = camera.frame(30)
        time.sleep(0.2)
        later = camera.frame(30)
    assert later.sequence >= first.sequence + 8
    assert later.pixels[0] == later.sequence


def test_a_folder_keeps_its_pace(tmp_path):
    for number in range(100):
        save(tmp_path, f"{number:02}.png", number)
    began = time.monotonic()
    with FolderCamera(folder=str(tmp_path), rate=50) as camera:
        seen = shown(camera, 5)
    assert seen == sorted(set(seen)), "a machine that is late passes pictures over, but never turns back"
    assert time.monotonic() - began >= seen[-1] / 50


def test_a_picture_that_is_none_is_named_once_and_passed_over(tmp_path):
    save(tmp_path, "a.png", 1)
    (tmp_path / "b.png").write_bytes(b"<html>not a picture</html>")
    save(tmp_path, "c.png", 3)
    with FolderCamera(folder=str(tmp_path), rate=0, loop=True) as camera:
        assert camera.frame(0).pixels[0] == 1
        with pytest.raises(DeviceError, match=r"b\.png") as caught:
            camera.frame(0)
        assert caught.value.cure
        assert shown(camera, 4) == [3, 1, None, 3]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "PPM"])
def test_a_picture_cut_off_or_garbled_anywhere_never_crashes(tmp_path, format):
    file = io.BytesIO()
    Image.effect_noise((40, 40), 90).convert("P" if format == "GIF" else "L").save(file, format)
    whole = file.getvalue()
    count = 0
    for cut in range(0, len(whole), max(1, len(whole) // 25)):
        (tmp_path / f"{count:03}").write_bytes(whole[:cut])
        (tmp_path / f"{count:03}x").write_bytes(whole[:cut] + b"\xff\x00\xfe" + whole[cut + 3 :])
        count += 2
    told = 0
    with FolderCamera(folder=str(tmp_path), rate=0) as camera:
        for _ in range(count):
            try:
                camera.frame(0)
            except DeviceError:
                told += 1
    assert told >= 1


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    Image.new("1", (16000, 16000)).save(tmp_path / "worse.png")
    assert (tmp_path / "worse.png").stat().st_size < 100_000
    began = time.monotonic()
    with FolderCamera(folder=str(tmp_path), rate=0) as camera:
        for name in ("bomb", "worse"):
            with pytest.raises(DeviceError, match=name):
                camera.frame(0)
    assert time.monotonic() - began < 30


def test_a_giant_file_is_refused_unread(tmp_path):
    os.truncate(os.open(tmp_path / "giant.jpg", os.O_CREAT | os.O_WRONLY), 1 << 34)
    with FolderCamera(folder=str(tmp_path), rate=0) as camera, pytest.raises(DeviceError, match="too large"):
        camera.frame(0)


def test_a_code_on_a_transparent_ground_stands_on_white(tmp_path):
    picture = Image.new("LA", (32, 24), (0, 0))
    picture.putpixel((5, 5), (0, 255))
    picture.save(tmp_path / "a.png")
    with FolderCamera(folder=str(tmp_path)) as camera:
        frame = camera.frame(30)
    assert (frame.pixels[0], frame.pixels[5 * 32 + 5]) == (255, 0)


def test_a_missing_folder_is_told_of_once():
    with FolderCamera(folder="/nowhere/at/all") as camera:
        with pytest.raises(DeviceError, match="nowhere"):
            camera.frame(0)
        assert camera.frame(0) is None


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """A film of 30 frames, each of one grey that grows from frame to frame."""
    path = tmp_path_factory.mktemp("film") / "film with space.mkv"
    source = "nullsrc=s=64x48:r=30:d=1,format=gray,geq=lum='N*8'"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "ffv1", "-pix_fmt", "gray", str(path)]
    subprocess.run(command, check=True, timeout=200)
    return path


def test_a_film_gives_every_frame_in_order_and_then_ends(film):
    with VideoCamera(path=str(film), rate=0) as camera:
        frames = [camera.frame(30) for _ in range(30)]
        assert [frame.pixels[100] for frame in frames] == [8 * n for n in range(30)]
        assert {(frame.width, frame.height, frame.stride) for frame in frames} == {(64, 48, 64)}
        assert camera.frame(30) is None
        assert camera.frame(0.01) is None


def test_a_film_begins_again_when_told_to(film):
    with VideoCamera(path=str(film), rate=0, loop=True) as camera:
        greys = [camera.frame(30).pixels[0] for _ in range(65)]
    assert greys == [8 * (n % 30) for n in range(65)]


def test_who_comes_late_has_missed_frames_of_the_film(film):
    with VideoCamera(path=str(film), rate=30, loop=True) as camera:
        first = camera.frame(30)
        time.sleep(0.3)
        later = camera.frame(30)
    assert later.sequence >= first.sequence + 7
    assert later.pixels[0] == 8 * (later.sequence % 30)


def test_after_the_end_no_ffmpeg_is_left(film):
    with VideoCamera(path=str(film), rate=1, loop=True) as camera:
        assert camera.frame(30)
        child = camera._plug.get(0)._process
    assert child.returncode is not None


def script(folder, text):
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_film_that_breaks_off_in_a_frame_is_lost_once_and_tried_again(film, tmp_path):
    broken = script(tmp_path, r"printf 'P5\n4 4\n255\n0123456789abcdefP5\n4 4\n255\n012'; exit 3")
    with VideoCamera(path=str(film), rate=0, ffmpeg=broken) as camera:
        assert camera.frame(30).packed() == b"0123456789abcdef"
        with pytest.raises(DeviceError, match="broke off after 1 frames"):
            camera.frame(30)
        assert camera.frame(0) is None
        assert camera.frame(30).packed() == b"0123456789abcdef"


def test_a_film_that_stands_still_in_a_frame_is_lost_after_its_patience(film, tmp_path):
    stuck = script(tmp_path, r"printf 'P5\n4 4\n255\n0123'; exec sleep 60")
    began = time.monotonic()
    with VideoCamera(path=str(film), rate=0, ffmpeg=stuck, patience=1) as camera:
        with pytest.raises(DeviceError, match="stopped sending"):
            wait(camera)
        assert time.monotonic() - began >= 1


@pytest.mark.parametrize("rubbish", [r"P5\n99999 99999\n255\n", "P6 nonsense that is long enough to tell"])
def test_rubbish_from_the_decoder_fills_no_memory(film, tmp_path, rubbish):
    decoder = script(tmp_path, f"printf '{rubbish}'; exec sleep 60")
    with (
        VideoCamera(path=str(film), rate=0, ffmpeg=decoder) as camera,
        pytest.raises(DeviceError, match=r"pi(cture|xels)"),
    ):
        camera.frame(30)


def test_a_file_that_is_no_film_is_a_device_error(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"no film at all" * 100)
    with VideoCamera(path=str(tmp_path / "film.mp4")) as camera, pytest.raises(DeviceError, match="broke off"):
        camera.frame(30)


def test_a_missing_film_and_a_missing_ffmpeg_each_name_their_cure(film):
    with VideoCamera(path="/nowhere.mp4") as camera, pytest.raises(DeviceError, match="no such file"):
        camera.frame(0)
    with VideoCamera(path=str(film), ffmpeg="no-such-ffmpeg") as camera, pytest.raises(DeviceError) as caught:
        camera.frame(0)
    assert caught.value.cure == "apt-get install ffmpeg"


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        (FolderCamera, {"folder": ""}),
        (FolderCamera, {"rate": -1}),
        (FolderCamera, {"most_pixels": 0}),
        (VideoCamera, {"path": ""}),
        (VideoCamera, {"rate": 999}),
        (VideoCamera, {"patience": 0}),
    ],
)
def test_a_wrong_option_is_refused_by_name(driver, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        driver(**options)
