"""Work that ends in a mail, while the database is busy."""

import sqlite3
import time

import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from tests.support.mailbox import running_mailbox
from webapp import mail
from webapp.database import migrate, open_database
from webapp.errors import DatabaseBusy
from webapp.settings import Settings


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A database whose patience is short, and where its file is."""
    monkeypatch.setattr("webapp.database.SQLITE_BUSY_S", 0.2)
    address = f"sqlite:///{tmp_path / 'app.db'}"
    migrate(address)
    database = open_database(address)
    yield database, tmp_path / "app.db"
    database.close()


def test_a_mail_waits_for_a_busy_database(place):
    database, path = place
    tries = []
    with running_mailbox() as mailbox:
        settings = Settings(smtp_url=mailbox.address)

        def work():
            tries.append(time.monotonic())
            with database.write(SYSTEM) as session:
                session.execute(text("DELETE FROM mail_tokens"))
            mail.send(settings, "dora@maps.example", "Hello", "A text")

        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy), database.write(SYSTEM) as session:
            session.execute(text("DELETE FROM mail_tokens"))
        mail.do_later(work)
        time.sleep(0.7)
        assert tries
        assert not mailbox.mails
        holder.close()
        assert [one["Subject"] for one in mailbox.wait_for(1)] == ["Hello"]
    assert len(tries) > 1
