"""A page used by keyboard alone: the focus is walked to each thing by Tab, and must be seen where it is."""

from playwright.sync_api import expect

SEEN = """(selector) => {
  const here = document.activeElement;
  if (!here.matches(selector)) return '';
  const marks = [here, here.closest('label, summary')].filter(Boolean).map((each) => getComputedStyle(each));
  const box = here.getBoundingClientRect();
  const within = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const marked = marks.some((style) => style.outlineStyle !== 'none' || style.boxShadow !== 'none');
  return within && marked ? 'seen' : `not to be seen: ${here.outerHTML.slice(0, 120)}`;
}"""
MOST_TABS = 150


def reach(page, selector: str) -> None:
    """Presses Tab until the focus is there, and asks whether that is to be seen."""
    for _ in range(MOST_TABS):
        if said := page.evaluate(SEEN, selector):
            assert said == "seen"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by keyboard")


def enter(page, selector: str) -> None:
    """Comes to a button or a link and presses it; the page that follows is there."""
    reach(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def type_in(page, name: str, value: object) -> None:
    """Comes to a field by Tab and gives it its value with keys alone, as each kind of field takes them."""
    field = page.locator(f"main [name={name}]:visible").first
    kind = field.get_attribute("type") or field.evaluate("each => each.tagName")
    if not value or value == "no":
        return
    reach(page, f"[name={name}]")
    if kind == "radio":
        _choose(page, name, str(value))
    elif kind == "checkbox":
        page.keyboard.press("Space")
        assert page.is_checked(f"[name={name}]")
    elif kind == "SELECT":
        _select(page, field, str(value))
    elif kind == "datetime-local":
        _type_moment(page, field, str(value))
    else:
        page.keyboard.press("Control+a")
        page.keyboard.type(str(value))


def _choose(page, name: str, value: str) -> None:
    for _ in range(page.locator(f"[name={name}]").count()):
        if page.evaluate("(value) => document.activeElement.value === value", value):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.is_checked(f"[name={name}][value='{value}']")


def _select(page, field, value: str) -> None:
    """Walks to the choice by arrow; a list that another one hangs on opens it when it is left, and not before."""
    values = field.locator("option").evaluate_all("every => every.map((each) => each.value)")
    steps = values.index(value) - values.index(field.input_value())
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
    assert field.input_value() == value
    if steps and field.evaluate("each => !!each.closest('.with-button')?.querySelector('.opens')"):
        with page.expect_navigation():
            page.keyboard.press("Tab")
        expect(page.locator(":focus"), "the list that was opened has the focus").to_have_count(1)


def _type_moment(page, field, value: str) -> None:
    """Month, day, year, hour, minute and half of the day, as the browser's own parts of the field take them."""
    day, _, time = value.partition("T")
    (year, month, of_month), (hour, minute) = day.split("-"), time.split(":")
    page.keyboard.type(f"{month}{of_month}{year}")
    page.keyboard.press("ArrowRight")
    page.keyboard.type(f"{int(hour) % 12 or 12:02}{minute}{'PM' if int(hour) >= 12 else 'AM'}")
    assert field.input_value() == value
