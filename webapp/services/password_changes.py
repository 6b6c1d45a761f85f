"""A new password: by the old one, or by a link that was sent to the account's address.

Whoever changes a password may do so because somebody else knows the old one: everything that was opened with it ends.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from auth.principals import SYSTEM, Principal
from auth.tokens import random_token, token_hash
from models.base import now_s
from models.mail_token import MailPurpose, MailToken
from models.queries import api_keys, mail_tokens, sessions
from models.user import User
from webapp import mail
from webapp.errors import CredentialsWrong, MailNotSetUp, MailTokenInvalid
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.links import link_to
from webapp.services.password_checks import hash_of, matches

LINK_LIFE_S = 3600.0
ASK_AGAIN_S = 60.0
SUBJECT = "Set a new password"
TEXT = """\
Somebody, probably you, asked for a new password for the account {username}.

{link}

The link works once, for an hour. If it was not you, nothing has changed and you need do nothing.
"""


def change_password(resources: Resources, principal: Principal, current: str, new: str) -> list[str]:
    """Replace one's password and return the ids of the sessions that ended: all but the one that asks, and all keys.

    Raises `CredentialsWrong`, `AccountInvalid`, `TooManyLogins`.
    """
    with resources.database.read(principal) as session:
        stored = session.scalar(select(User.password_hash).where(User.id == principal.user_id))
    if not matches(current, stored):
        raise CredentialsWrong()
    new_hash = hash_of(new)
    with resources.database.write(principal) as session:
        # The hash is compared again: of two changes at once only one may build on the old password.
        if not _replace(session, principal.user_id, new_hash, stored):
            raise CredentialsWrong()
        ended = _end_everything(session, principal.user_id, "password changed", principal.session_id)
        note(session, principal, Act("password.changed", "user", str(principal.user_id)))
    return ended


def request_reset(resources: Resources, email: str) -> None:
    """Send a link to an address, if an account has it. The answer and its time are the same if none has.

    Raises `MailNotSetUp`.
    """
    if not mail.is_set_up(resources.settings):
        raise MailNotSetUp()
    mail.do_later(_send_link, resources, email.strip().lower())


def reset_password(resources: Resources, token: str, new: str) -> list[str]:
    """Set a password by a link from a mail; return the ids of the sessions that ended: all.

    Raises `MailTokenInvalid`, `AccountInvalid`, `TooManyLogins`.
    """
    hashed = token_hash(token)
    with resources.database.read(SYSTEM) as session:
        if mail_tokens.find_live(session, hashed, MailPurpose.RESET) is None:
            raise MailTokenInvalid()
    new_hash = hash_of(new)
    with resources.database.write(SYSTEM) as session:
        found = mail_tokens.find_live(session, hashed, MailPurpose.RESET)
        if found is None or found.user_id is None or not mail_tokens.take(session, hashed):
            raise MailTokenInvalid()
        if not _replace(session, found.user_id, new_hash, None):
            raise MailTokenInvalid()
        note(session, None, Act("password.reset", "user", str(found.user_id)))
        return _end_everything(session, found.user_id, "password reset")


def _send_link(resources: Resources, email: str) -> None:
    token = random_token()
    with resources.database.write(SYSTEM) as session:
        user = session.execute(select(User.id, User.username).where(User.email == email, User.is_active)).one_or_none()
        if user is None or mail_tokens.sent_lately(session, user.id, ASK_AGAIN_S):
            return
        expires_at = now_s() + LINK_LIFE_S
        session.add(
            MailToken(token_hash=token_hash(token), purpose=MailPurpose.RESET, user_id=user.id, expires_at=expires_at)
        )
    link = link_to(resources.settings, "/reset-password", token)
    mail.send(resources.settings, email, SUBJECT, TEXT.format(username=user.username, link=link))


def _replace(session: Session, user_id: int, new_hash: str, old_hash: str | None) -> bool:
    known = () if old_hash is None else (User.password_hash == old_hash,)
    statement = update(User).where(User.id == user_id, User.is_active, *known).values(password_hash=new_hash)
    return session.scalars(statement.returning(User.id)).one_or_none() is not None


def _end_everything(session: Session, user_id: int, reason: str, except_id: str = "") -> list[str]:
    mail_tokens.drop_for(session, user_id)
    api_keys.revoke_all(session, user_id)
    sessions.note_end(session, user_id)
    return sessions.close_all(session, user_id, reason, except_id)
