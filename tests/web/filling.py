"""A step of a citizen's sheet filled in with a browser, as a person fills it in."""

from __future__ import annotations


def fill(page, fields: dict[str, object], *, scripts: bool = True) -> None:
    """Puts values into the fields of the step that is shown; ``scripts``: whether the page's own run."""
    for name, value in fields.items():
        field = page.locator(f"[name={name}]").first
        kind = field.get_attribute("type") or field.evaluate("each => each.tagName")
        if kind == "radio":
            page.check(f"[name={name}][value={value}]")
        elif kind == "checkbox":
            for each in value if isinstance(value, list) else [value] if value else []:
                page.check(f"[name={name}][value={each}]")
        elif kind == "SELECT":
            choose(page, field, str(value), scripts=scripts)
        elif value:
            field.fill(str(value))


def choose(page, field, value: str, *, scripts: bool = True) -> None:
    """Takes one of a list; where that opens the list below it, the page that has it is loaded afterwards."""
    opens = page.locator(".with-button").filter(has=field).locator("button.opens")
    if opens.count() == 0:
        field.select_option(value)
        return
    with page.expect_navigation():
        field.select_option(value)
        if not scripts:
            opens.click()


def look_for(page, field, value: str) -> None:
    """Types the name of one of a list whose field has the focus; anew, if letters came too slowly for one name."""
    name = field.locator(f"option[value='{value}']").inner_text()
    for _ in range(20):
        if field.input_value() == value:
            return
        page.keyboard.type(name)
        if field.input_value() != value:
            page.wait_for_timeout(1_500)
