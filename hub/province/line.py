"""The line to the province system: one whole deadline, no redirects, no proxies, bounded answers, the system's own CA.

The only module that says httpx.  Nothing here puts an address or an answer into a log or an error.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from hub.config import ProvinceSettings
from hub.errors import ConfigError
from hub.province.letters import Letter

BYTES_AT_MOST = 1 << 20
"""No answer about one person is larger."""

IDLE_SECONDS = 60
OTHERS = 0o007
"""The mode bits that let anyone on the machine at a file."""

for _told in ("httpx", "httpcore"):
    logging.getLogger(_told).setLevel(logging.WARNING)  # it writes every address, and one may hold a number


class NotAnswered(Exception):
    """The system could not be asked; ``str()`` says why in our own words.  ``ill``: it may be down for everybody."""

    def __init__(self, problem: str, *, ill: bool = False) -> None:
        super().__init__(problem)
        self.ill = ill


class Line:
    """Sends letters over kept connections; belongs to the loop that opened it."""

    def __init__(self, client: httpx.AsyncClient, settings: ProvinceSettings) -> None:
        self._client = client
        self._settings = settings

    async def send(self, letter: Letter, seconds: float) -> tuple[int, bytes]:
        """Status and body, within so many seconds for everything; ``NotAnswered`` otherwise."""
        headers = {**letter.headers, **_token(self._settings)}
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(letter, headers)
        except TimeoutError:
            raise NotAnswered("did not answer in time", ill=True) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            raise NotAnswered(_problem(error), ill=True) from None

    async def _exchange(self, letter: Letter, headers: dict[str, str]) -> tuple[int, bytes]:
        url = self._settings.url.rstrip("/") + letter.path
        request = self._client.stream(letter.method, url, headers=headers, content=letter.content or None)
        async with request as response:
            if response.is_redirect:
                raise NotAnswered(f"answers {response.status_code}: it wants to be asked elsewhere", ill=True)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > BYTES_AT_MOST:
                    raise NotAnswered("sends more than any answer is", ill=True)
            return response.status_code, bytes(body)


@asynccontextmanager
async def opened(settings: ProvinceSettings) -> AsyncIterator[Line]:
    """The line; nothing is connected until the first letter."""
    client = httpx.AsyncClient(
        verify=trust(settings),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(settings.whole_ms / 1_000, connect=settings.connect_ms / 1_000),
        limits=httpx.Limits(
            max_connections=settings.at_once,
            max_keepalive_connections=settings.at_once,
            keepalive_expiry=IDLE_SECONDS,
        ),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tram-quet-hub"},
    )
    async with client:
        yield Line(client, settings)


def trust(settings: ProvinceSettings) -> ssl.SSLContext:
    """Whose certificates are believed, and our own; ``ConfigError`` names the file that does not do."""
    where = f"province.ca_file {settings.ca_file}"
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.certificate_file:
            where = f"province.certificate_file {settings.certificate_file}, key_file {settings.key_file}"
            context.load_cert_chain(settings.certificate_file, settings.key_file or None, password="")
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"{where}: {error.strerror or error}; must be readable and PEM") from error
    return context


def check_token(settings: ProvinceSettings) -> None:
    """``ConfigError`` when the token's file cannot be read, lies open to everybody, or holds no token."""
    if not settings.token_file:
        return
    where = f"province.token_file {settings.token_file}"
    try:
        token = Path(settings.token_file).read_text("utf-8").strip()
        mode = Path(settings.token_file).stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: {getattr(error, 'strerror', None) or 'not text'}") from error
    if mode & OTHERS:
        raise ConfigError(f"{where}: anyone on this machine may open it; chmod 640 {settings.token_file}")
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigError(f"{where}: put the token there alone, on one line")


def _token(settings: ProvinceSettings) -> dict[str, str]:
    """Read for each letter, so that whoever renews it need not wake the hub."""
    if not settings.token_file:
        return {}
    try:
        token = Path(settings.token_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise NotAnswered("its token file cannot be read") from None
    return {settings.token_header: f"{settings.token_scheme} {token}".strip()}


def _problem(error: Exception) -> str:
    """In our own words: the library's name the address."""
    if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error):
        return "its certificate is not trusted; see province.ca_file"
    if isinstance(error, httpx.ConnectTimeout):
        return "cannot be reached in time"
    if isinstance(error, httpx.ConnectError):
        return "cannot be reached"
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    return f"broke off ({type(error).__name__})"
