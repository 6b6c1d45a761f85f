from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pages import formats
from pages.account.key_list import key_line
from pages.account.session_list import session_line
from pages.account.user_agent import browser_name
from pages.admin.audit_text import audit_table
from pages.admin.cleanup import counted
from pages.admin.overview import health, jobs, totals
from pages.admin.person_row import person_line
from webapp.services.administration import AuditView, Dashboard
from webapp.services.health import Check, Health
from webapp.services.maintenance import Cleaned
from webapp.services.people import PersonView
from webapp.services.views import ApiKeyView, SessionView

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOZILLA = "Mozilla/5.0 "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) "
IPHONE = "(iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
AGENTS = {
    MOZILLA + "(Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox on Windows",
    MOZILLA + "(X11; Linux x86_64) " + WEBKIT + "Chrome/126.0.0.0 Safari/537.36": "Chrome on Linux",
    MOZILLA + "(Windows NT 10.0; Win64; x64) " + WEBKIT + "Chrome/126.0.0.0 Safari/537.36 Edg/126.0": "Edge on Windows",
    MOZILLA + "(Linux; Android 14; Pixel 8) " + WEBKIT + "Chrome/126.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    MOZILLA + IPHONE + "Version/17.4 Mobile/15E148 Safari/604.1": "Safari on iPhone",
    MOZILLA + IPHONE + "CriOS/126.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17 Safari/605.1": "Safari on macOS",
    MOZILLA + "QGIS/33404/Windows 11 Version 2009": "QGIS on Windows",
    "python-httpx/0.28.1": "Python",
    "curl/8.9.1": "curl",
    "<script>/1": "<script>",
    "": "Unknown program",
    "Mozilla/5.0": "Unknown program",
}
PERSON = PersonView(7, "<i>jo", "<b>@example.org", "user", "free", None, True, NOON, None, 1, 2_400_000)
ENTRY = AuditView(
    id=1, at=NOON, actor_id=1, actor_name="ada", key_id=None, action="account.changed", target_kind="user",
    target_id="7", target_name="jo", address="10.0.0.1",
    detail={"is_active": {"from": True, "to": False}, "request_id": "r1", "name": "<b>"},
)  # fmt: skip


@pytest.mark.parametrize("agent", AGENTS)
def test_names_of_browsers(agent):
    assert browser_name(agent) == AGENTS[agent]


@pytest.mark.parametrize(
    ("passed", "words"),
    [(0, "just now"), (120, "2 min ago"), (7200, "2 h ago"), (2 * 86_400, "2026-02-27 12:00 UTC")],
)
def test_how_long_ago(passed, words):
    assert formats.ago(NOON - timedelta(seconds=passed), NOON) == words
    assert formats.ago(None) == "never"


def test_what_people_and_programs_say_of_themselves_is_escaped():
    session = SessionView("s", "browser", "<u>", "<script>/1", NOON, NOON, NOON, is_current=False)
    key = ApiKeyView("k", "<b>", ("read",), NOON, None, None)
    for html in (session_line(session), key_line(key), person_line(PERSON), audit_table([ENTRY])):
        assert not any(mark in html for mark in ("<script>", "<u>", "<b>@", "<b></", "<i>jo"))
        assert "&lt;" in html
    assert "This one" in session_line(replace(session, is_current=True))


def test_an_account_in_words():
    assert "1 job<" in person_line(PERSON)
    assert "Shut out" not in person_line(PERSON)
    shut_out = replace(PERSON, is_active=False, own_tier="premium", tier="premium")
    assert "Shut out" in person_line(shut_out)
    assert "Premium tier of its own" in person_line(shut_out)


def test_a_line_of_the_audit_log_in_words():
    line = audit_table([ENTRY])
    assert "may sign in: yes → no" in line
    assert "account jo" in line
    assert "r1" not in line
    assert "some.thing_new" in audit_table([replace(ENTRY, action="some.thing_new")])
    assert "the system" in audit_table([replace(ENTRY, actor_name="", address="")])


def test_the_overview_shows_faults_and_every_state():
    broken = Health(False, {"database": Check(True, "SQLite"), "worker": Check(False, "No worker was seen lately.")})
    assert health(broken).count("Works") == 1
    assert "No worker was seen lately." in health(broken)
    found = Dashboard(3, 2, 12_345, 4, 2_400_000, {"failed": 2, "running": 1}, 1, broken)
    assert "2 + 1 shut out" in totals(found)
    assert "12,345" in totals(found)
    assert "Failed 2" in jobs(found.jobs)
    assert "Waiting" not in jobs(found.jobs)


def test_what_a_clean_up_removes_in_words():
    words = "1 job with 2 footprints, 3 expired exports and 0 files that nothing points to"
    assert counted(Cleaned(jobs=1, footprints=2, exports=3, files=0, uploads=0)) == words
