"""A TCP proxy that behaves as bad networks do: it delays, throttles, swallows, or answers as a login page would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 46\r\n\r\n"
    b"<html><body>Please sign in first</body></html>"
)


@dataclass
class Weather:
    """What the network is like; may be changed while it runs, for what passes from then on."""

    delay: float = 0.0  # seconds, each way
    rate: float = 0.0  # bytes a second, each way, of all connections together; 0: as fast as it goes
    mute: bool = False  # connections are taken, and nothing passes
    portal: bool = False  # whoever calls is told to sign in
    passed: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})


class Proxy:
    """Stands before one loopback port; a context manager."""

    def __init__(self, port: int, weather: Weather) -> None:
        self._target, self.weather = port, weather
        self._loop = asyncio.new_event_loop()
        self._free: dict[str, float] = {"up": 0.0, "down": 0.0}
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Proxy:
        """Listens on a free loopback port."""
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def cut(self) -> None:
        """Ends every connection."""
        self._do(self._cut())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _cut(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self) -> None:
        self._server.close()
        await self._cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.weather.portal:
                await self._sign_in(reader, writer)
            else:
                await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _sign_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(PORTAL)
            await writer.drain()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.weather.mute:
            await asyncio.sleep(0.05)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            ways = [self._way("up", reader, far_writer), self._way("down", far_reader, writer)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            far_writer.close()

    async def _way(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction.  What was read leaves after the delay, in order, while the next is being read."""
        leaving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1024)
        sender = asyncio.ensure_future(self._leave(name, leaving, writer))
        try:
            while said := await reader.read(1024 if self.weather.rate else 65536):
                while self.weather.mute:
                    await asyncio.sleep(0.05)
                await leaving.put((self._loop.time() + self.weather.delay, said))
            await leaving.put((self._loop.time() + self.weather.delay, b""))
            await sender
        finally:
            sender.cancel()

    async def _leave(
        self, name: str, leaving: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while (item := await leaving.get())[1]:
            at, said = item
            await asyncio.sleep(max(0.0, at - self._loop.time()))
            if self.weather.rate:
                begin = max(self._free[name], self._loop.time())
                self._free[name] = begin + len(said) / self.weather.rate
                await asyncio.sleep(max(0.0, self._free[name] - self._loop.time()))
            writer.write(said)
            await writer.drain()
            self.weather.passed[name] += len(said)
