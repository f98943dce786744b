"""A stand-in for picamera2 and libcamera, which exist on a Pi only.

It keeps to what picamera2 0.3.38 was seen to do: the padded stride stays in the buffer, ``wait`` of 0 or False gives a
job, a silent camera raises TimeoutError, a control that is not advertised raises RuntimeError, a missing camera raises
RuntimeError, and so does using one after close.
"""

import threading
from concurrent.futures import CancelledError, Future
from types import SimpleNamespace

import numpy as np


class Bench:
    """The cameras that are plugged in, and what became of them."""

    def __init__(self):
        self.cameras = 1
        self.silent = False
        self.breaks = False
        self.stop_hangs = threading.Event()
        self.stop_hangs.set()
        self.stride_step = 64
        self.advertised = {
            "FrameDurationLimits": (1000, 10**9, None),
            "NoiseReductionMode": (0, 4, 0),
            "AfMode": (0, 2, 0),
            "LensPosition": (0.0, 32.0, 1.0),
            "ExposureTime": (0, 66666, 20000),
            "AnalogueGain": (1.0, 16.0, 1.0),
        }
        self.metadata = {
            "ExposureTime": 8000,
            "AnalogueGain": 2.5,
            "Lux": 120.5,
            "SensorTimestamp": 1,
            "ScalerCrop": (0, 0, 9, 9),
        }
        self.opened = []
        self.outstanding = 0

    def modules(self):
        bench = self

        class Picamera2(StandIn):
            def __init__(self, camera_num=0, tuning=None, allocator=None):
                super().__init__(bench, camera_num)

            @staticmethod
            def global_camera_info():
                return [{"Model": "imx708", "Location": 2, "Id": f"/base/{n}", "Num": n} for n in range(bench.cameras)]

        modes = SimpleNamespace(Manual="manual", Auto="auto", Continuous="continuous")
        return {
            "picamera2": SimpleNamespace(Picamera2=Picamera2),
            "libcamera": SimpleNamespace(controls=SimpleNamespace(AfModeEnum=modes)),
        }


class Job:
    def __init__(self):
        self._future = Future()
        self._future.set_running_or_notify_cancel()

    def get_result(self, timeout=None):
        return self._future.result(timeout=timeout)

    def cancel(self):
        self._future.set_exception(CancelledError())

    def finish(self, request):
        self._future.set_result(request)


class Request:
    def __init__(self, camera):
        self._camera = camera
        self._released = False
        camera.bench.outstanding += 1

    def make_buffer(self, name):
        stream = self._camera.camera_config.get(name)
        if stream is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        (width, height), stride = stream["size"], stream["stride"]
        rows = np.full((height * 3 // 2, stride), 0xEE, dtype=np.uint8)
        rows[:height, :width] = np.arange(width, dtype=np.uint32)[None, :] + np.arange(height, dtype=np.uint32)[:, None]
        return rows.reshape(-1)

    def get_metadata(self):
        return dict(self._camera.bench.metadata)

    def release(self):
        assert not self._released
        self._released = True
        self._camera.bench.outstanding -= 1


class StandIn:
    def __init__(self, bench, number):
        if number >= bench.cameras:
            raise RuntimeError(f'No camera number {number} found - use "rpicam-hello --list-cameras" to see them')
        self.bench = bench
        self.camera_controls = dict(bench.advertised)
        self.camera_config = None
        self.controls = {}
        self.started = self.closed = False
        self._jobs = []
        bench.opened.append(self)

    def create_video_configuration(
        self, main=None, lores=None, raw=None, buffer_count=6, controls=None, display="main", encode="main", queue=True
    ):
        self._check_open()
        return {
            "main": {"format": "XBGR8888", "size": (1280, 720)} | (main or {}),
            "lores": None if lores is None else {"format": "YUV420", "size": (1280, 720)} | lores,
            "raw": raw,
            "buffer_count": buffer_count,
            "queue": queue,
            "controls": {"FrameDurationLimits": (33333, 33333)} | (controls or {}),
            "display": display,
            "encode": encode,
        }

    def configure(self, config):
        self._check_open()
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        if config["lores"] and config["lores"]["size"] > config["main"]["size"]:
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        for name in ("main", "lores"):
            width, height = config[name]["size"]
            stride = -(-width // self.bench.stride_step) * self.bench.stride_step
            config[name] |= {"stride": stride, "framesize": stride * height * 3 // 2}
        self.camera_config = config
        self.set_controls(config["controls"])

    def set_controls(self, controls):
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self.controls |= controls

    def stream_configuration(self, name="main"):
        return self.camera_config[name]

    def start(self, config=None, show_preview=False):
        self._check_open()
        self.started = True

    def capture_request(self, wait=None, signal_function=None, flush=None):
        self._check_open()
        if self.bench.breaks:
            raise RuntimeError("Camera frontend has timed out")
        job = Job()
        if self.started and not self.bench.silent:
            job.finish(Request(self))
        else:
            self._jobs.append(job)
        return job.get_result(None if wait in (True, None) else wait) if wait or wait is None else job

    def wait(self, job, timeout=None):
        assert timeout is not None, "would wait for ever"
        return job.get_result(timeout=timeout)

    def wake(self):
        """Deliver the frame that was waited for."""
        while self._jobs:
            self._jobs.pop(0).finish(Request(self))

    def cancel_all_and_flush(self):
        while self._jobs:
            self._jobs.pop(0).cancel()

    def stop(self):
        assert self.bench.stop_hangs.wait(30)
        self.started = False

    def close(self):
        self.closed = True

    def _check_open(self):
        if self.closed:
            raise RuntimeError("Camera not opened")
