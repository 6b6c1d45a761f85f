"""Making an account oneself. It exists once the link in a mail is used, so that nobody learns who has an account."""

from dataclasses import dataclass, field

from sqlalchemy import or_, select

from auth.principals import SYSTEM, Role
from auth.tokens import random_token, token_hash
from models.base import now_s
from models.mail_token import MailPurpose, MailToken
from models.queries import mail_tokens
from models.user import User
from webapp import mail
from webapp.errors import AccountInvalid, MailNotSetUp, MailTokenInvalid, RegistrationClosed
from webapp.resources import Resources
from webapp.services.links import link_to
from webapp.services.password_checks import hash_of
from webapp.services.users import add_user, checked_email, checked_name, naming_what_is_taken
from webapp.services.views import UserView

LINK_LIFE_S = 24 * 3600.0
SUBJECT = "Confirm your account"
TEXT = """\
Somebody, probably you, asked for the account {username} with this address.

{link}

The link works once, for a day. If it was not you, you need do nothing: without it there is no account.
"""
TAKEN_SUBJECT = "You asked for an account"
EMAIL_TAKEN = """\
Somebody, probably you, asked for an account with this address. There is one already, with the name {username}. If you
have forgotten its password, ask for a new one on the page on which you sign in.
"""
NAME_TAKEN = """\
Somebody, probably you, asked for an account with the name {username}. Somebody else has that name. Choose another one.
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person would like to have."""

    username: str
    email: str
    password_hash: str = field(repr=False)


def request_account(resources: Resources, username: str, email: str, password: str) -> None:
    """Take a wish and send a mail; the answer is the same whether name and address are free or not.

    Raises `RegistrationClosed`, `MailNotSetUp`, `AccountInvalid`, `TooManyLogins`.
    """
    if not resources.settings.registration_open:
        raise RegistrationClosed()
    if not mail.is_set_up(resources.settings):
        raise MailNotSetUp()
    name, address = checked_name(username), checked_email(email)
    if address is None:
        raise AccountInvalid(field="e-mail address", rule="one is needed")
    mail.do_later(_answer, resources, Wish(name, address, hash_of(password)))


def confirm_account(resources: Resources, token: str) -> UserView:
    """Make the account that a link stands for. Raises `MailTokenInvalid`, `UsernameTaken`."""
    hashed = token_hash(token)
    with naming_what_is_taken(), resources.database.write(SYSTEM) as session:
        found = mail_tokens.find_live(session, hashed, MailPurpose.REGISTER)
        if found is None or found.account is None or not mail_tokens.take(session, hashed):
            raise MailTokenInvalid()
        user = User(**found.account, role=str(Role.USER))
        add_user(session, None, user)
        return UserView(id=user.id, username=user.username, email=user.email, role=user.role)


def _answer(resources: Resources, wish: Wish) -> None:
    """Send the link, or tell the owner of the address why there is none."""
    token = random_token()
    with resources.database.write(SYSTEM) as session:
        taken = select(User.username, User.email).where(or_(User.username == wish.username, User.email == wish.email))
        known = session.execute(taken).all()
        if not known:
            account = {"username": wish.username, "email": wish.email, "password_hash": wish.password_hash}
            expires_at = now_s() + LINK_LIFE_S
            session.add(
                MailToken(
                    token_hash=token_hash(token), purpose=MailPurpose.REGISTER, account=account, expires_at=expires_at
                )
            )
    settings = resources.settings
    own = next((user for user in known if user.email == wish.email), None)
    if own is not None:
        mail.send(settings, wish.email, TAKEN_SUBJECT, EMAIL_TAKEN.format(username=own.username))
    elif known:
        mail.send(settings, wish.email, TAKEN_SUBJECT, NAME_TAKEN.format(username=wish.username))
    else:
        link = link_to(settings, "/confirm-account", token)
        mail.send(settings, wish.email, SUBJECT, TEXT.format(username=wish.username, link=link))
