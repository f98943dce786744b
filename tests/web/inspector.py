"""Looks at a page with axe and a ruler, light and dark, at a phone's and a desk's width."""

from urllib.parse import urlsplit

from web_stand import axe

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
SMALLEST_TEXT = 14
TOUCH = 44
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AUDIT = "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
SMALL = """([text, touch]) => {
  const shown = (each) => each.checkVisibility({visibilityProperty: true}) && !each.closest('.aside, .skip, svg');
  const small = [...document.querySelectorAll('body *')].filter((each) => shown(each)
    && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
    && parseFloat(getComputedStyle(each).fontSize) < text);
  const inText = (each) => each.tagName === 'A' && getComputedStyle(each).display === 'inline';
  const less = (each) => {
    const box = each.getBoundingClientRect();
    return shown(each) && !inText(each) && Math.min(box.width, box.height) < touch - 0.5;
  };
  const targets = [...document.querySelectorAll('button, a, select, summary, label.tick, input:not([type=hidden])')];
  const low = targets.filter((each) => less(each) && !each.closest('label > *'));
  const wide = document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : [];
  return [...small, ...low].map((each) => each.outerHTML.slice(0, 120)).concat(wide);
}"""


class Inspector:
    """Shown a page, keeps what is wrong with it in ``found``, and which addresses it saw in ``paths``.

    Each is seen light and dark, on a phone and at a desk.
    """

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.paths: set[str] = set()
        self._source = axe()

    def __call__(self, page, name: str) -> None:
        self.paths.add(urlsplit(page.url).path)
        page.evaluate(self._source)
        for viewport, scheme in ((DESK, "light"), (DESK, "dark"), (PHONE, "dark"), (PHONE, "light")):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            if faults := [*self._audit(page), *page.evaluate(SMALL, [SMALLEST_TEXT, TOUCH])]:
                self.found[f"{name} {viewport['width']} {scheme}"] = faults

    def _audit(self, page) -> list[str]:
        result = page.evaluate(AUDIT, RULES)
        return [f"{each['id']}: {node['html'][:120]}" for each in result["violations"] for node in each["nodes"]]
