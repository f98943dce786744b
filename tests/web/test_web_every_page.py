"""Every page that the hub has: readable and usable by everybody, light and dark, on a phone and at a desk."""

import re
import warnings

import pytest
from inspector import Inspector
from litestar import Litestar
from litestar.exceptions import LitestarDeprecationWarning
from tour import Tour

from hub.config import Settings
from hub.web.parts import routers
from hub.web.site import Site

pytestmark = pytest.mark.browser

NO_PAGES = {"/static/{name}", "/shown/{name}/qr/{ending}", "/my-qr/{name}/qr/{ending}", "/own/{name}/copy", "/officers"}
NO_PAGES |= {"/officers/fleet-live", "/officers/fleet/{name}/face", "/officers/fleet/{name}/orders/{order_id}"}
"""Files, events, and the door that leads to everybody's own first page."""


def addresses() -> set[str]:
    """Every address that a browser can open, as the routers have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LitestarDeprecationWarning)  # of Litestar 3's way to name parameters
        app = Litestar(routers(Site(None, Settings(data="unused"))), openapi_config=None)
    routes = [route for route in app.routes if "GET" in getattr(route, "route_handler_map", {})]
    return {route.path_format for route in routes} - NO_PAGES


def as_pattern(address: str) -> str:
    return re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(address))


@pytest.mark.timeout(900)
def test_every_page_is_open_to_everybody_light_and_dark_on_a_phone_and_at_a_desk(browser, town, messages):
    every, look = addresses(), Inspector()
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        Tour(context, town, messages, look).everywhere()
    assert look.found == {}
    unseen = [each for each in every if not any(re.fullmatch(as_pattern(each), path) for path in look.paths)]
    assert unseen == [], "a new page belongs into tour.py"


def test_the_ruler_and_axe_see_what_is_planted(browser):
    page = browser.new_page()
    page.set_content(
        "<html lang=vi><title>x</title><main><h1>x</h1><input><p style='color:#bbb'>pale</p>"
        "<button style='height:20px'>y</button><button style='height:50px;width:20px;padding:0'>z</button></main>"
    )
    look = Inspector()
    look(page, "planted")
    page.close()
    faults = " ".join(" ".join(each) for each in look.found.values())
    assert len(look.found) == 4, "light and dark, on a phone and at a desk"
    assert sum("<button" in fault for fault in look.found["planted 360 light"]) >= 2
    assert all(word in faults for word in ("label:", "color-contrast:", "<button"))
