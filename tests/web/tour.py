"""Every page of the hub in every state that looks different, one after the other, in a real browser."""

from datetime import timedelta

from filling import fill
from hub_stand import now
from town import CITIZEN, PASSWORD
from web_stand import Visitor, phone, whole

from core.codes import place as place_code

WHY = "ca bệnh số 12, theo chỉ đạo ngày 02/3"


PHONE = {"width": 360, "height": 740}


class Tour:
    """Walks a browser's pages over a site; ``look(page, name)`` is shown each."""

    def __init__(self, context, site, messages, look) -> None:
        self.context, self.site, self.messages, self.look = context, site, messages, look
        self.page = context.new_page()

    def go(self, path: str, name: str = "") -> None:
        """Opens a page; with a name, it is looked at."""
        self.page.goto(self.site.url + path)
        if name:
            self.look(self.page, name)

    def press(self, selector: str, name: str = "") -> None:
        """Presses what leads to another page; with a name, that one is looked at."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        if name:
            self.look(self.page, name)

    def put(self, **fields: str) -> None:
        """Fills fields by their names."""
        for name, value in fields.items():
            field = self.page.locator(f"main [name={name.replace('_', '-')}]:visible").first
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def everywhere(self) -> None:
        """All of it."""
        self.citizens()
        self.errors()
        for name in ("bao_ve", "chot", "tram", "dich_te", "phuong", "thanh_tra", "ky_thuat", "quan_tri", "man_hinh"):
            self.sign_in(name.replace("_", "-"))
            getattr(self, name)()

    # ---- citizens

    def citizens(self) -> None:
        """From the front page to the QR, and everything beside it."""
        for path, name in (
            ("/", "front"),
            ("/poster", "poster"),
            ("/poster/" + place_code.issue("sieu-thi"), "poster-of-a-place"),
            ("/at", "at-enter"),
        ):
            self.go(path, name)
        self.put(at_code="không phải mã")
        self.press("main .actions button", "at-fault")
        self.go("/phone", "phone")
        self.put(phone="12")
        self.press("form.card button", "phone-fault")
        number = phone()
        self.put(phone=number)
        self.press("form.card button", "code")
        self.put(code="000000")
        self.press("form.card button", "code-fault")
        self.put(code=self.messages.code(number))
        self.press("form.card button", "mine-empty")
        self.declare("entry", seen=True)
        self.spoken_of(self.declare("health"))
        self.go("/mine", "mine")
        self.press("a[href^='/shown/']", "shown-again")
        self.press("a.harm", "withdraw")
        self.go("/mine")
        self.press("a[href^='/my-qr/']", "my-qr")
        self.go("/mine")
        self.press("a[href^='/own/']", "own")
        self.go("/at/" + place_code.issue("sieu-thi"), "at")
        self.go("/declare/health")
        self.press("form.card button.action")
        self.go("/mine", "mine-unfinished")
        self.press("form[action='/leave'] button")

    def spoken_of(self, who: dict[str, object]) -> None:
        """Another phone declares about the visitor, and the visitor makes a slip in a number."""
        with Visitor(self.site.url, self.messages) as other:
            other.prove(phone())
            same = {"name": who["name"], "born": who["born"], "document": who["document"]}
            other.declare(for_another="yes", symptoms=["fever", "breathless"], exposures=["case"], **same)
        self.go("/declare/health")
        self.press("form.card button.action")
        for step, fields in whole("health").items():
            fill(self.page, {**fields, "document": who["document"]} if step == "who" else fields)
            self.press("main form > .actions .action", "health-send-differs" if step == "send" else "")

    def declare(self, kind: str, *, seen: bool = False) -> dict[str, object]:
        """A whole sheet; ``seen``: every step is looked at, and what is wrong with an empty one.  Who it was about."""
        who: dict[str, object] = {}
        self.go(f"/declare/{kind}", "begin" if seen else "")
        self.press("form.card button.action")
        for step, fields in whole(kind).items():
            if seen:
                self.look(self.page, f"{kind}-{step}")
            if seen and step in ("who", "where", "send"):
                self.press(".actions .action", f"{kind}-{step}-fault")
            if step == "who":
                fields = who = {**fields, "name": "Công Tằng Tôn Nữ Thị Nguyệt Ánh Dương"}
            fill(self.page, fields)
            self.press("main form > .actions .action")
        if seen:
            self.look(self.page, "shown")
        return who

    def errors(self) -> None:
        """What is told of a page that there is not."""
        self.go("/nowhere", "error")

    # ---- officials

    def sign_in(self, name: str) -> None:
        """As this account; whoever was here goes."""
        self.context.clear_cookies()
        self.go("/officers/sign-in")
        self.put(account=name, password=PASSWORD)
        self.press("main form button")

    def bao_ve(self) -> None:
        """The guard of a venue."""
        self.go("/officers/sign-in", "sign-in")
        self.put(account="bao-ve", password="không phải mật khẩu")
        self.press("main form button", "sign-in-fault")
        self.go("/officers/inside", "inside")
        self.go("/officers/search", "error-forbidden")
        self.sign_in("bao-ve-moi")
        self.go("/officers/inside", "inside-no-place")

    def chot(self) -> None:
        """The officer of a checkpoint."""
        self.go("/officers/check", "check")
        self.press("form[action='/officers/check'] button", "check-fault")
        for code, name in (
            (CITIZEN, "check-found"),
            ("046090990099", "check-nobody"),
            ("https://example.org", "check-wrong"),
        ):
            self.page.locator("#code-entry").fill(code)
            self.press("form[action='/officers/check']:has(#code-entry) button", name)
        self.page.set_viewport_size(PHONE)
        self.page.click(".drawer > summary")
        self.look(self.page, "menu")
        self.go("/officers/assist", "assist")
        self.press("main form button")
        self.look(self.page, "assisted-begin")
        self.go("/officers/paper", "paper")
        self.press("main form button.action", "paper-fault")
        self.put(name="Người Khác Hẳn", born="1950", document=CITIZEN, address="Phú Xuân, Huế")
        self.page.check("[name=sex][value=male]")
        self.press("main form button.action", "paper-differs")
        self.go("/officers/link", "link")
        self.press("main form button.action", "link-fault")
        self.go("/officers/account", "account")
        self.press("main form button.action", "account-fault")
        self.go("/officers/account/second-factor", "second-factor")

    def tram(self) -> None:
        """A health post, which may search."""
        self.go("/officers/search", "search")
        self.press("main form button", "search-fault")
        for who, name in (("tran", "search-found"), ("không có ai tên thế", "search-nobody")):
            self.put(who=who, why=WHY)
            self.press("main form button", name)

    def dich_te(self) -> None:
        """An epidemiologist."""
        self.go("/officers/trace", "trace")
        self.press("button[value=place]", "trace-fault")
        hue = now() + timedelta(hours=7)
        self.put(
            since=f"{hue - timedelta(hours=5):%Y-%m-%dT%H:%M}", until=f"{hue:%Y-%m-%dT%H:%M}", why=WHY, place="sieu-thi"
        )
        self.press("button[value=place]", "trace-place")
        self.press("td form button", "trace-person")
        self.press("button[value=contacts]", "trace-contacts")

    def phuong(self) -> None:
        """The officer of a ward."""
        self.go("/officers/arrivals", "arrivals")

    def thanh_tra(self) -> None:
        """The auditor."""
        self.go("/officers/audit", "audit")
        self.press("button[name=list]", "audit-list")
        self.put(person=CITIZEN)
        self.press("form.row button", "audit-person")
        self.put(person="không ai")
        self.press("form.row button", "audit-fault")

    def ky_thuat(self) -> None:
        """The technician of the stations."""
        self.go("/officers/fleet", "fleet")
        self.page.keyboard.press("?")
        self.look(self.page, "fleet-keys")
        self.go("/officers/fleet?group=district", "fleet-groups")
        self.go("/officers/fleet?trouble=1&kiosk=1", "fleet-kiosk")
        self.go("/officers/fleet-map?kind=venue", "fleet-map")
        self.go("/officers/fleet/s1", "fleet-station")
        self.go("/officers/charts?days=7&place=cho", "charts")

    def man_hinh(self) -> None:
        """A screen in the control room."""
        self.go("/officers", "fleet-screen")

    def quan_tri(self) -> None:
        """The administrator."""
        self.go("/officers/fleet/s1")
        self.press(".actions button[value=identify]", "fleet-station-order")
        for kind in ("place", "hold-open", "quiet", "resend"):
            self.page.locator(f"#form-{kind} > summary").click()
        self.page.locator("#values > summary").click()
        self.page.locator("#settings-3 > summary").click()
        self.look(self.page, "fleet-station-forms")
        self.press("#form-hold-open button", "fleet-station-order-fault")
        self.go("/officers/orders?status=queued", "orders")
        self.go("/officers/accounts", "accounts")
        self.press("button[value=add]", "accounts-fault")
        self.press("form[action$=one] button", "account-correct")
        self.put(shown="")
        self.press("main button[value=correct]", "account-correct-fault")
        self.go("/officers/places", "places")
        self.go("/officers/places/new", "place-new")
        self.put(name="Chợ Phú", where="phú")
        self.press("main button[value=save] >> nth=-1", "place-new-fault")
        self.go("/officers/places/sieu-thi", "place")
        self.go("/officers/policy", "policy")
        self.go("/officers/policy/1", "policy-version")
        self.go("/officers/policy/2/withdraw", "policy-withdraw")
        self.go("/officers/policy/new?start=1", "policy-form")
        self.press("main button[value=check] >> nth=-1", "policy-check")
        self.go("/officers/keeping", "keeping")
        self.go("/officers/keeping/days", "retention")
        self.put(checkins="7")
        self.press("main button[value=check]", "retention-fault")
        self.put(checkins="30")
        self.press("main button[value=check]", "retention-check")
        self.press("main form[action$=publish] button", "keeping-with-a-version")
        self.page.locator("main summary").first.click()
        self.look(self.page, "keeping-versions")
        self.go("/officers/keeping/processing", "processing")
