"""The pages about people: the account, the administration, and the way to an account by mail."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from auth.principals import Role
from tests.browser.site import PASSWORD
from tests.browser.test_small_screen import PHONE, assert_fits
from tests.support.people import make_person
from webapp.api.identity import COOKIE
from webapp.services import administration, people, sessions
from webapp.services.administration import AuditFilter
from webapp.services.people import PersonChange

NEW_PASSWORD = "another horse entirely"


@pytest.fixture(scope="module")
def root(site):
    return make_person(site.resources, "root", Role.ADMIN)


@pytest.fixture
def screen_of(make_screen, site):
    """Open pages of somebody who is signed in; no password is needed."""

    def make(person, **options):
        opened = sessions.open_browser_session(site.resources, person)
        cookie = {"name": COOKIE, "value": opened.cookie_value, "url": site.url}
        return make_screen(cookies=[cookie], **options)

    return make


def test_a_key_made_on_the_page_opens_the_api_until_it_is_revoked(screen_of, site, root):
    screen = screen_of(make_person(site.resources, "keymaker"))
    screen.open("/account")
    screen.button("Make a key").click()
    expect(screen.page.get_by_role("alert")).to_contain_text("name of the key")
    screen.page.get_by_label("Name of the key").fill("QGIS at work")
    screen.button("Make a key").click()
    secret = screen.page.get_by_label("Secret")
    expect(secret).to_have_value(re.compile("^bfa_.{50,}$"))
    headers = {"X-API-Key": secret.input_value()}
    me = httpx.get(f"{site.url}/api/v1/auth/me", headers=headers).json()
    assert (me["username"], me["scopes"]) == ("keymaker", ["read"])
    [made] = administration.audit_log(site.resources, root, AuditFilter(actor_name="keymaker"), 1)
    assert (made.action, made.address) == ("api_key.created", "127.0.0.1")
    screen.open("/account")
    expect(screen.page.get_by_text("QGIS at work")).to_be_visible()
    expect(secret).to_be_hidden()
    expect(secret).to_have_value("")
    screen.button("Revoke").click()
    screen.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(screen.page.get_by_text("There are no keys.")).to_be_visible()
    screen.page.wait_for_timeout(1000)
    assert httpx.get(f"{site.url}/api/v1/auth/me", headers=headers).status_code == 401


def test_a_new_password_holds_and_ends_what_was_open_elsewhere(make_screen, site):
    site.person("changer")
    screen, elsewhere = make_screen(), make_screen()
    for one in (screen, elsewhere):
        one.sign_in("changer", "/account")
    words = screen.page.locator("form").get_by_role("alert")

    def change(current, new, again):
        for label, value in (("Current password", current), ("New password,", new), ("New password again", again)):
            screen.page.get_by_label(label).fill(value)
        screen.button("Change the password").click()

    change(PASSWORD, NEW_PASSWORD, "something else")
    expect(words).to_have_text("The new password is not the same both times.")
    change("not the password", NEW_PASSWORD, NEW_PASSWORD)
    expect(words).to_have_text("The current password is wrong.")
    screen.complaints.clear()  # Chromium reports the 401 itself
    change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD)
    expect(screen.page.get_by_text("The new password holds.")).to_be_visible()
    elsewhere.page.wait_for_url(re.compile("/login"))
    elsewhere.forgive_refusals()
    expect(screen.page.get_by_text("This one")).to_be_visible()
    elsewhere.fill_login("changer", NEW_PASSWORD)
    expect(elsewhere.button("Sign out")).to_be_visible()


def test_who_is_shut_out_on_the_page_finds_the_login_on_theirs(screen_of, site, root):
    target = screen_of(make_person(site.resources, "target"))
    target.open("/jobs")
    screen = screen_of(root)
    screen.open("/admin")
    expect(screen.page.get_by_text("Database")).to_be_visible()
    screen.page.get_by_role("tab", name="Accounts").click()
    screen.page.get_by_label("Search by name or address").fill("target")
    expect(screen.page.locator("[data-person]")).to_have_count(1)
    screen.button("Change").click()
    screen.button("Shut out").click()
    screen.page.get_by_role("dialog").get_by_role("button", name="Shut out").click()
    expect(screen.page.locator('[data-person="target"]')).to_contain_text("Shut out")
    target.page.wait_for_url(re.compile("/login"))
    target.forgive_refusals()
    screen.page.get_by_role("tab", name="Clean-up").click()
    screen.button("Preview").click()
    expect(screen.page.get_by_text(re.compile("nothing to remove|This would remove"))).to_be_visible()
    screen.page.get_by_role("tab", name="Audit log").click()
    expect(screen.page.locator('[data-action="account.changed"]').first).to_contain_text("may sign in: yes → no")


def test_an_open_administrators_page_goes_when_the_role_goes(screen_of, site, root):
    deputy = make_person(site.resources, "deputy", Role.ADMIN)
    screen = screen_of(deputy)
    screen.open("/admin")
    expect(screen.page.get_by_text("Database")).to_be_visible()
    people.change_person(site.resources, root, deputy.user_id, PersonChange(role=Role.USER))
    expect(screen.page.get_by_text("This page is for administrators.")).to_be_visible()
    expect(screen.page.get_by_role("link", name="Admin")).to_have_count(0)
    expect(screen.page.get_by_role("tab")).to_have_count(0)


def test_the_pages_fit_a_small_screen(screen_of, root):
    phone = screen_of(root, size_px=PHONE)
    phone.open("/admin")
    for tab in ("Overview", "Accounts", "Clean-up", "Audit log"):
        phone.page.get_by_role("tab", name=tab).click()
        expect(phone.page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        phone.page.wait_for_timeout(500)
        assert_fits(phone)
    phone.open("/account")
    expect(phone.page.get_by_text("Member since")).to_be_visible()
    assert_fits(phone)


def test_a_newcomer_makes_an_account_by_mail_and_forgets_the_password(make_screen, site, mailbox):
    screen = make_screen()
    page = screen.page
    page.goto(f"{site.url}/login")
    page.get_by_role("link", name="Make an account").click()
    page.get_by_label("User name").fill("newcomer.by.mail")
    page.get_by_label("E-mail address").fill("new@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    screen.button("Make an account").click()
    expect(page.get_by_role("status")).to_contain_text("Look into your mail")
    page.goto(link_in(mailbox.wait_for(1)[0]))
    screen.button("Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("The account is made.")
    page.get_by_role("link", name="Sign in").click()
    screen.fill_login("newcomer.by.mail")
    expect(screen.button("Sign out")).to_be_visible()
    stranger = make_screen()
    stranger.page.goto(f"{site.url}/login")
    stranger.page.get_by_role("link", name="Forgotten your password?").click()
    stranger.page.get_by_label("E-mail address").fill("new@example.org")
    stranger.button("Send me a link").click()
    stranger.page.goto(link_in(mailbox.wait_for(2)[1]))
    stranger.page.get_by_label("New password").fill(NEW_PASSWORD)
    stranger.button("Set the password").click()
    expect(stranger.page.get_by_role("status")).to_contain_text("The new password holds.")
    page.wait_for_url(re.compile("/login"))
    screen.forgive_refusals()
    screen.fill_login("newcomer.by.mail", NEW_PASSWORD)
    expect(screen.button("Sign out")).to_be_visible()


@pytest.mark.parametrize("address", ["/register", "/forgotten-password"])
def test_a_form_sends_nothing_before_its_script_runs(make_screen, site, address):
    """The browser's own way to send a form would write what was typed, passwords too, into the address."""
    page = make_screen().page
    held = []
    page.route("**/assets/js/account.js", lambda route: held.append(route))
    page.goto(f"{site.url}{address}", wait_until="commit")
    field = page.get_by_label("Password" if address == "/register" else "E-mail address")
    if address == "/register":
        page.get_by_label("User name").fill("hasty")
        page.get_by_label("E-mail address").fill("hasty@example.org")
    field.fill("hasty@example.org")
    field.press("Enter")
    button = page.locator("form button")
    button.click(force=True)
    page.wait_for_timeout(300)
    assert page.url == f"{site.url}{address}"
    expect(button).to_be_disabled()
    [route] = held
    route.continue_()
    expect(button).to_be_enabled()
    expect(field).to_have_value("hasty@example.org")


def link_in(mail):
    return re.search(r"http://\S+#token=\S+", mail.get_content())[0]
