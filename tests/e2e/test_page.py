"""The site's page as people use it, in a real Chromium, while all is well and while it is not."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator

import pyotp
import pytest
from chromium_under_test import chromium
from playwright.sync_api import Browser, Error, Locator, Page, Route, ViewportSize, expect
from site_under_test import Site, wait_until

PASSWORD = "correct horse"
STEP_SECONDS = 30
WAIT_MS = 10_000
WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=360, height=740)

expect.set_options(timeout=WAIT_MS)

ON_PROCESSES = pytest.mark.parametrize("runtime", ["processes"], indirect=True)
"""For half of the stories: the page is the same on Docker, where all takes longer."""

INSIDE = re.compile(
    r"\d+\.\d+\.\d+\.\d+|:\d{4,5}\b|\w@(east|west)|Errno|Error\b|\bb'|Traceback|redis|undefined"
)
"""What nobody should read on a page: addresses, parts, and the words of programs."""


@pytest.fixture(scope="module")
def browser(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(site.state / "pki" / "ca.pem", tmp_path_factory.mktemp("home")) as browser:
        yield browser


class Person:
    """Somebody with a browser of their own, so that nobody shares a session."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.name = f"p_{secrets.token_hex(5)}"
        context = browser.new_context(base_url=site.edge("east"), viewport=WIDE)
        context.set_default_timeout(WAIT_MS)
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def opens(self, address: str) -> None:
        """In a new tab: one that shows an error may still be on its way to show it."""
        answer = self.page.context.new_page().goto(address)
        assert answer is not None
        assert answer.ok

    def sign_up(self) -> None:
        self.page.goto("/")
        self.fill("Sign up", self.name, PASSWORD)
        self.button("Create account").click()
        expect(self.page.get_by_role("heading", name="Home")).to_be_visible()

    def fill(self, tab: str, name: str, password: str) -> None:
        self.page.get_by_role("tab", name=tab).click()
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)

    def log_out(self) -> None:
        self.go("Settings")
        self.button("Log out", exact=True).click()
        expect(self.page.get_by_role("tab", name="Log in")).to_be_visible()

    def button(self, name: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def go(self, where: str) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name=where).click()
        expect(self.page.get_by_role("heading", name=where)).to_be_visible()

    def find(self, name: str) -> None:
        search = self.page.get_by_role("searchbox").locator("visible=true")
        search.fill(name)
        search.press("Enter")

    def say(self, text: str) -> None:
        self.page.get_by_label("New post").fill(text)
        self.button("Post", exact=True).click()
        expect(self.post(text)).to_be_visible()

    def post(self, text: str) -> Locator:
        return self.page.get_by_role("article").filter(has_text=text)

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def has_nothing_beside_the_screen(self) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    def reads_nothing_of_the_inside(self) -> None:
        text = self.page.locator("body").inner_text()
        assert not INSIDE.search(text), text
        assert self.said == []


@pytest.fixture
def ann(site: Site, browser: Browser) -> Iterator[Person]:
    person = Person(site, browser)
    yield person
    person.page.context.close()


@pytest.fixture
def bob(site: Site, browser: Browser) -> Iterator[Person]:
    person = Person(site, browser)
    yield person
    person.page.context.close()


def test_two_people_meet(ann: Person, bob: Person) -> None:
    bob.sign_up()
    bob.say("The water is warm")
    secret = f"For my followers only {secrets.token_hex(3)}"

    # The form says its rules before they are broken, and when one is; its button shows that it waits.
    ann.page.goto("/")
    ann.sees("Letters, digits and _, 15 at most.")
    ann.sees("At least 8 characters.")
    ann.fill("Sign up", "a b", "short")
    ann.button("Create account").click()
    expect(ann.page.locator("input:invalid")).to_have_count(2)
    ann.fill("Sign up", bob.name, PASSWORD)
    held: list[Route] = []
    ann.page.route("**/api/v1/accounts", lambda route: held.append(route))
    ann.button("Create account").click()
    expect(ann.button("Create account")).to_have_attribute("aria-busy", "true")
    expect(ann.button("Create account")).to_be_disabled()
    held[0].continue_()
    ann.page.unroute("**/api/v1/accounts")
    expect(ann.page.get_by_role("alert")).to_have_text("This name is taken. Choose another one.")
    expect(ann.button("Create account")).to_be_enabled()
    ann.sign_up()

    # Her home is empty and tells whom to follow; she finds somebody by name.
    ann.sees("Nothing here yet.")
    expect(ann.page.get_by_role("heading", name="Whom to follow")).to_be_visible()
    ann.find(bob.name)
    ann.button(f"Follow {bob.name}", exact=True).click()
    expect(ann.button(f"Following {bob.name}")).to_be_visible()
    ann.go("Home")
    post = ann.post("The water is warm")
    for what in ("Like", "Retweet"):
        post.get_by_role("button", name=what).click()
        expect(post.get_by_role("button", name=what)).to_have_attribute("aria-pressed", "true")
        expect(post.get_by_role("button", name=what)).to_be_enabled()
        expect(post.get_by_role("button", name=what)).to_have_text("1")

    # He is told, live.
    badge = bob.page.locator(".badge")
    expect(badge).to_have_text("3")
    bob.go("Notifications")
    for what in ("follows you", "liked your post", "retweeted your post"):
        bob.sees(f"{ann.name} {what}")
    expect(badge).to_be_hidden()

    # He protects his posts: who followed before still sees them, and others have to ask.
    bob.go("Settings")
    bob.button("Protect my posts").click()
    bob.sees("Only followers whom you approve see your posts.")
    bob.go("Home")
    bob.say(secret)
    ann.go("Profile")
    ann.find(bob.name)
    expect(ann.post(secret)).to_be_visible()
    ann.button(f"Following {bob.name}").click()
    expect(ann.button(f"Follow {bob.name}", exact=True)).to_be_visible()
    ann.page.reload()
    ann.sees("These posts are protected. Only approved followers see them.")
    ann.button(f"Follow {bob.name}", exact=True).click()
    expect(ann.button(f"Requested {bob.name}")).to_be_visible()
    bob.go("Notifications")
    bob.page.get_by_role("link", name=f"{ann.name} asks to follow you").first.click()
    bob.button("Approve").click()
    bob.go("Home")
    ann.page.reload()
    expect(ann.post(secret)).to_be_visible()
    ann.find("nobody at all")
    ann.sees("There is no such page, post or person.")
    ann.reads_nothing_of_the_inside()
    bob.reads_nothing_of_the_inside()


@ON_PROCESSES
def test_a_second_factor_says_that_it_is_on_and_can_be_taken_off(ann: Person) -> None:
    ann.page.set_viewport_size(NARROW)
    ann.sign_up()
    for where in ("Notifications", "Profile", "Home", "Settings"):
        ann.go(where)
        ann.has_nothing_beside_the_screen()
    ann.button("Set up").click()
    totp = pyotp.TOTP(ann.page.locator(".secret").inner_text())
    # Each code is good once, and those of the step before and after are taken: three codes, and no wait.
    wait_until(lambda: time.time() % STEP_SECONDS < STEP_SECONDS - 5, 10, "a step that is not about to end")
    step = int(time.time()) // STEP_SECONDS

    def answer(code: str, button: str) -> None:
        ann.page.get_by_label("Code").fill(code)
        ann.button(button).click()

    answer("000000" if totp.generate_otp(step) != "000000" else "111111", "Switch on")
    expect(ann.page.get_by_role("alert")).to_contain_text("This code is wrong.")
    answer(totp.generate_otp(step - 1), "Switch on")
    ann.sees("Second factor is on.")
    ann.page.reload()
    expect(ann.page.locator(".state.on")).to_have_text("On")

    ann.log_out()
    ann.fill("Log in", ann.name, PASSWORD)
    ann.button("Log in").click()
    ann.sees("Your account has a second factor")
    answer(totp.generate_otp(step - 1), "Verify")
    expect(ann.page.get_by_role("alert")).to_contain_text("This code was used already.")
    answer(totp.generate_otp(step), "Verify")
    expect(ann.page.get_by_role("heading", name="Home")).to_be_visible()

    ann.go("Settings")
    ann.page.get_by_text("Switch it off").click()
    answer(totp.generate_otp(step + 1), "Switch off")
    expect(ann.page.locator(".state")).to_have_text("Off")
    ann.reads_nothing_of_the_inside()


@ON_PROCESSES
def test_what_is_broken_says_so_and_comes_back(site: Site, ann: Person) -> None:
    ann.sign_up()
    ann.say("Will this hold?")
    retweet = ann.post("Will this hold?").get_by_role("button", name="Retweet")
    forever = ("--for", "90s", "--detach", "--quiet")

    # Nobody is there to do it.
    site.ok("chaos", "kill", "retweet:all", *forever)
    retweet.click()
    ann.sees("Could not retweet this. failwhale is having trouble. It is us, not you. Try again in a moment.")
    expect(retweet).to_have_attribute("aria-pressed", "false")
    expect(retweet).to_be_enabled()
    with site.client() as client:
        refused = client.get("/api/v1/posts/1/retweets")
    assert refused.status_code == 503
    assert "retweet" in refused.json()["detail"]
    assert not INSIDE.search(refused.text), refused.text

    # Slow: what one has stays, and everybody sees that something is under way.
    slow = ("--delay", "1s", "--route", "GET /api/v1/timelines/users/{name}")
    site.ok("chaos", "latency", "timeline:all", *slow, *forever)
    view = ann.page.get_by_role("main")
    ann.page.get_by_role("link", name="Profile").click()
    expect(view).to_have_attribute("aria-busy", "true")
    expect(ann.post("Will this hold?")).to_be_visible()
    expect(ann.page.get_by_role("heading", name="Profile")).to_be_visible()
    expect(view).not_to_have_attribute("aria-busy", "true")

    # Broken: a whale, and another try by itself.
    site.ok("chaos", "errors", "timeline:all", "--route", "GET /api/v1/timelines/home", *forever)
    ann.page.get_by_role("link", name="Home").click()
    expect(ann.page.get_by_role("heading", name="The whale bit the cable")).to_be_visible()
    ann.sees("failwhale is having trouble. It is us, not you.")
    ann.reads_nothing_of_the_inside()
    site.ok("chaos", "heal")
    expect(ann.post("Will this hold?")).to_be_visible(timeout=20_000)
    retweet.click()
    expect(retweet).to_be_enabled()
    expect(retweet).to_have_attribute("aria-pressed", "true")


def test_a_browser_refuses_an_expired_certificate(site: Site, ann: Person) -> None:
    site.ok("chaos", "certificate-expired", "frontend@east", "--for", "60s", "--detach", "--quiet")
    with pytest.raises(Error, match="ERR_CERT_DATE_INVALID"):
        ann.opens("/")
    ann.opens(site.edge("west"))
    site.ok("chaos", "heal")
    ann.opens("/")
