import re

from playwright.sync_api import expect


def test_stranger_is_led_to_the_login_and_back_to_the_page_asked_for(make_screen, owner):
    screen = make_screen()
    screen.page.goto(f"{screen.site.url}/jobs")
    assert screen.page.url.startswith(f"{screen.site.url}/login?next=")
    screen.fill_login(owner.username)
    screen.page.wait_for_url(f"{screen.site.url}/jobs")
    expect(screen.page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_wrong_password_is_answered_with_a_sentence(make_screen, owner):
    screen = make_screen()
    screen.page.goto(f"{screen.site.url}/login")
    screen.fill_login(owner.username, "not the password")
    expect(screen.page.get_by_text("The user name or the password is wrong.")).to_be_visible()
    screen.complaints.clear()  # Chromium reports the 401 itself


def test_newcomer_is_told_to_upload_first(make_screen, site):
    site.person("newcomer")
    screen = make_screen()
    screen.sign_in("newcomer", "/")
    expect(screen.page.get_by_role("heading", name="Start with an image")).to_be_visible()
    screen.page.get_by_role("link", name="Upload imagery or footprints").click()
    expect(screen.button("Choose a file")).to_be_visible()


def test_signing_out_closes_every_page_of_the_session(make_screen, owner):
    screen = make_screen()
    screen.sign_in(owner.username, "/jobs")
    other = screen.page.context.new_page()
    other.goto(f"{screen.site.url}/upload")
    expect(other.get_by_role("button", name="Choose a file")).to_be_visible()
    screen.button("Sign out").click()
    screen.page.wait_for_url(f"{screen.site.url}/login")
    # The other page's websocket is closed from the server; it loads itself again and finds the login.
    other.wait_for_url(re.compile(r"/login\?next=/upload$"))
    screen.page.goto(f"{screen.site.url}/")
    assert "/login" in screen.page.url
