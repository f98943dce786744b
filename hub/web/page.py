"""Pages out of templates: in the visitor's language, with what the last request had to tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import quote

import jinja2
from litestar import MediaType, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar.template.base import csrf_token

from core.rules import EXPOSURES, SYMPTOMS
from hub.localtime import there
from hub.web import assets, words
from hub.web.form import Visit

LANGUAGE_COOKIE = "tq_language"
TOLD_COOKIE = "tq_told"
SEE_OTHER: Final = 303
SECURE = "pages are reached by HTTPS"
"""What the application's state has under this name says whether cookies are kept to HTTPS."""

YEAR_SECONDS = 365 * 86_400

Page = Response[str]

templates = jinja2.Environment(
    loader=jinja2.PackageLoader("hub.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals["static"] = assets.url
templates.globals["symptoms"] = SYMPTOMS
templates.globals["exposures"] = EXPOSURES
templates.filters["day"] = lambda moment: f"{there(moment):%d/%m/%Y}"
templates.filters["moment"] = lambda moment: f"{there(moment):%H:%M %d/%m/%Y}"
templates.filters["clock"] = lambda moment: f"{there(moment):%H:%M:%S}"
templates.filters["hour"] = lambda moment: f"{there(moment):%H:00}"
templates.filters["named"] = lambda value, t, prefix: (
    t(f"{prefix}{value}") if f"{prefix}{value}" in words.CATALOGUES["vi"] else value  # imported lists may know others
)
templates.filters["worded"] = lambda value, t, prefix: (value, t(f"{prefix}{value}"))


def language(request: Visit) -> str:
    """The language that the visitor chose, Vietnamese until then."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in words.LANGUAGES else words.LANGUAGES[0]


def render(
    request: Visit,
    template: str,
    *,
    values: Mapping[str, object] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    **context: object,
) -> Page:
    """A page; ``values`` and ``faults`` fill its form, ``context`` is the template's own."""
    spoken = language(request)
    told = request.cookies.get(TOLD_COOKIE, "")
    text = templates.get_template(template).render(
        t=partial(words.word, spoken),
        language=spoken,
        languages=words.LANGUAGES,
        address=request.url.path,
        csrf=csrf_token({"request": request}),
        told=told if told in words.CATALOGUES["vi"] else "",
        values=values or {},
        faults=faults or {},
        **context,
    )
    page = Response(text, media_type=MediaType.HTML, status_code=status)
    if told:
        page.delete_cookie(TOLD_COOKIE)
    return page


def see_other(request: Visit, path: str, *, told: str = "", cookies: tuple[Cookie, ...] = ()) -> Redirect:
    """Sends the browser on after a change; the next page shows the words of the key ``told`` once."""
    shown = (cookie(request, TOLD_COOKIE, told, seconds=60),) if told else ()
    return Redirect(path, status_code=SEE_OTHER, cookies=[*cookies, *shown])


def cookie(request: Visit, name: str, value: str, *, seconds: int | None = None) -> Cookie:
    """A cookie that no script reads and no other site sends; without ``seconds`` it ends with the browser."""
    secure = request.url.scheme == "https" or bool(request.app.state.get(SECURE))
    return Cookie(name, value=quote(value, safe=""), max_age=seconds, httponly=True, samesite="lax", secure=secure)
