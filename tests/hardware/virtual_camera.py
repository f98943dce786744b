"""libcamera's own virtual camera, which plays a picture, under the real picamera2.

Three things stand between them. The virtual camera wants its buffers' two planes told apart and there is no camera
memory here, so buffers lie in plain memory. It has no raw modes to be asked for. And libcamera 0.4 forgets to say that
a frame of it is good, where picamera2 passes over all that are not: the tests run with fresh memory set to zero, which
means good (GLIBC_TUNABLES in guest/hardware-tests.service).
"""

import io
import mmap
import os
from pathlib import Path

import libcamera
from picamera2 import Picamera2, picamera2
from picamera2.allocators.allocator import Allocator, Sync
from PIL import Image

FOLDER = Path("/usr/share/libcamera/pipeline/virtual")
SIZES = ((640, 480), (1280, 720))

CAMERA = """
"Virtual{number}":
  supported_formats:
{formats}
  frames:
    path: "{picture}"
  location: "CameraLocationFront"
  model: "Virtual camera {number}"
"""
FORMAT = """\
  - width: {width}
    height: {height}
    frame_rates:
    - 15
    - 30
"""


def install(*pictures: Image.Image) -> list[int]:
    """Make one camera for each picture and return their numbers; before the first camera of a process is opened."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    formats = "".join(FORMAT.format(width=width, height=height) for width, height in SIZES)
    cameras = ""
    for number, picture in enumerate(pictures):
        path = FOLDER / f"{number}.jpg"
        jpeg = io.BytesIO()
        picture.convert("RGB").save(jpeg, "JPEG", quality=95)
        path.write_bytes(jpeg.getvalue())
        cameras += CAMERA.format(number=number, formats=formats.rstrip("\n"), picture=path)
    (FOLDER / "virtual.yaml").write_text("%YAML 1.1\n---" + cameras)
    picamera2.DmaAllocator = PlainMemory
    Picamera2._get_raw_modes = _viewfinder_modes
    models = [camera["Model"] for camera in Picamera2.global_camera_info()]  # picamera2 counts in this order
    return [models.index(f"Virtual camera {number}") for number in range(len(pictures))]


class PlainMemory(Allocator):
    """Buffers in plain memory, luminance and colour as two planes of one file."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: dict[libcamera.FrameBuffer, mmap.mmap] = {}
        self._streams: dict[libcamera.Stream, list[libcamera.FrameBuffer]] = {}
        self._files: list[int] = []
        self.sync = Mapped

    def allocate(self, configuration: libcamera.CameraConfiguration, _use_case: str) -> None:
        self.close()
        for stream in configuration:
            self._streams[stream.stream] = [self._buffer(stream) for _ in range(stream.buffer_count)]

    def buffers(self, stream: libcamera.Stream) -> list[libcamera.FrameBuffer]:
        return self._streams[stream]

    def close(self) -> None:
        self.maps.clear()  # a map that a frame still looks at lives as long as the frame
        self._streams.clear()
        while self._files:
            os.close(self._files.pop())

    def _buffer(self, stream: libcamera.StreamConfiguration) -> libcamera.FrameBuffer:
        file = os.memfd_create("frame")
        self._files.append(file)
        os.ftruncate(file, stream.frame_size)
        luminance = stream.stride * stream.size.height
        planes = [
            _plane(file, offset, end - offset) for offset, end in ((0, luminance), (luminance, stream.frame_size))
        ]
        buffer = libcamera.FrameBuffer(planes)
        self.maps[buffer] = mmap.mmap(file, stream.frame_size)
        return buffer


class Mapped(Sync):
    """Plain memory needs no synchronising."""

    def __init__(self, allocator: PlainMemory, buffer: libcamera.FrameBuffer, write: bool) -> None:
        self._map = allocator.maps[buffer]

    def __enter__(self) -> mmap.mmap:
        return self._map

    def __exit__(self, *_: object) -> None:
        pass

    def get_buffer(self) -> mmap.mmap:
        return self._map


def _plane(file: int, offset: int, length: int) -> libcamera.FrameBuffer.Plane:
    plane = libcamera.FrameBuffer.Plane()
    plane.fd, plane.offset, plane.length = file, offset, length
    return plane


def _viewfinder_modes(camera: Picamera2) -> list[dict[str, object]]:
    formats = camera.camera.generate_configuration([libcamera.StreamRole.Viewfinder]).at(0).formats
    return [
        {"format": str(pixels), "size": (size.width, size.height)}
        for pixels in formats.pixel_formats
        for size in formats.sizes(pixels)
    ]
