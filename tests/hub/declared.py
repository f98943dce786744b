"""Forms and people for the tests of declaring."""

from datetime import UTC, datetime, timedelta

import msgspec

from core.model import Area, DeclarationKind
from hub.register.declaring import By, Form

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PHONE = "0905000001"
OTHER_PHONE = "0905000002"
DOCUMENT = "046090990001"
ME = By.citizen(PHONE)
OTHER = By.citizen(OTHER_PHONE)
STAFF = By.staff("le-thi-b")

VY_DA = Area("63", "46", "474", "19777")
HANOI = Area("63", "01", "005", "00175", "Tổ 9")

HEALTH = Form(
    kind=DeclarationKind.HEALTH,
    name="Nguyễn Văn An",
    born="1990-02-03",
    sex="male",
    document=DOCUMENT,
    insurance="GD4469900000001",
    phone=PHONE,
    address=VY_DA,
    street="12 Nguyễn Sinh Cung",
    transport="motorbike",
    vehicle="75B1-000.01",
    seat="",
    places_been="Chợ Đông Ba",
    symptoms=("fever",),
    exposures=("case",),
)


def form(**changed: object) -> Form:
    """The form of one grown man, with some fields otherwise."""
    return msgspec.structs.replace(HEALTH, **changed)


def entry(**changed: object) -> Form:
    """His declaration of coming home from Hà Nội tomorrow."""
    coming = {
        "arrival": NOW + timedelta(days=1),
        "origin": HANOI,
        "destination": msgspec.structs.replace(VY_DA, hamlet="Tổ 5"),
    }
    return form(kind=DeclarationKind.ENTRY, symptoms=(), exposures=(), **(coming | changed))


def child(**changed: object) -> Form:
    """A child of his without any document."""
    young = {"name": "Nguyễn Thị Bé", "born": "2020", "sex": "female", "document": "000000000", "insurance": ""}
    own = {"child_without_document": True, "phone": "", "for_another": True, "symptoms": (), "exposures": ()}
    return form(**(young | own | changed))
