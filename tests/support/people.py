"""Accounts without the half second that a password hash takes."""

from auth.principals import SYSTEM, Principal, Role
from models.user import User
from webapp.resources import Resources


def make_person(resources: Resources, username: str, role: Role = Role.USER) -> Principal:
    """Write an account that nobody can sign in to with a password."""
    user = User(username=username, password_hash="none", role=str(role))
    with resources.database.write(SYSTEM) as session:
        session.add(user)
        session.flush()
        return Principal(user_id=user.id, username=username, role=role)
