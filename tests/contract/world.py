"""An installation with real things that generated calls may wreck: what is gone is made anew before the next call."""

import itertools
from pathlib import Path

from sqlalchemy import update

from auth.passwords import generate_password, hash_password
from auth.principals import SYSTEM, Principal, Role
from auth.tokens import token_hash
from models.mail_token import MailPurpose, MailToken
from models.user import User
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.resources import Resources
from webapp.services import sessions

PASSWORD = "correct horse battery"
SIZE_PX = (256, 256)
FAR_FUTURE_S = 4e9
FOOTPRINTS_FILE = (
    b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "mill"}, "geometry": '
    b'{"type": "Polygon", "coordinates": [[[8, 47], [8.0002, 47], [8.0002, 47.0002], [8, 47]]]}}]}'
)


class World:
    """People with real things; it is entered as one of them at a time. The settings' database must be empty."""

    def __init__(self, resources: Resources, folder: Path) -> None:
        self.resources = resources
        self.person: Principal | None = None
        self.scene_path = write_scene(folder / "town.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
        self._password_hash = hash_password(PASSWORD)
        self._numbers = itertools.count()
        self._people = {role: self.new_person(role) for role in Role}
        self._token = ""

    def enter(self, role: Role | None) -> None:
        """Act for the account of a role from now on; for nobody with None, who is shown the user's things."""
        self.person = self._people[role] if role is not None else None
        self._token = ""

    @property
    def owner(self) -> Principal:
        """Whose things are shown."""
        return self.person or self._people[Role.USER]

    def token(self) -> str:
        """Return an access token that holds; what the last call did to the account is undone."""
        assert self.person is not None
        if not self._token or sessions.principal_of_token(self.resources, self._token) != self._seen:
            self.restore(self.person)
            self._token = sessions.issue_tokens(self.resources, self.person).access_token
            self._seen = sessions.principal_of_token(self.resources, self._token)
        return self._token

    def new_name(self) -> str:
        """Return a name that nobody has."""
        return f"name{next(self._numbers)}"

    def new_person(self, role: Role = Role.USER) -> Principal:
        """Make an account with `PASSWORD`."""
        name = self.new_name()
        address = f"{name}@contract.example"
        with self.resources.database.write(SYSTEM) as session:
            user = User(username=name, email=address, password_hash=self._password_hash, role=str(role))
            session.add(user)
            session.flush()
            return Principal(user.id, name, role)

    def restore(self, person: Principal) -> None:
        """Let an account be as it was made."""
        values = {"role": str(person.role), "is_active": True, "tier": None, "password_hash": self._password_hash}
        with self.resources.database.write(SYSTEM) as session:
            session.execute(update(User).where(User.id == person.user_id).values(**values))

    def mail_token(self, purpose: MailPurpose) -> str:
        """Return the secret of a link, as a mail holds it."""
        secret, name = generate_password(40), self.new_name()
        account = {"username": name, "email": f"{name}@contract.example", "password_hash": self._password_hash}
        resets = purpose is MailPurpose.RESET
        kept = MailToken(
            token_hash=token_hash(secret),
            purpose=purpose,
            user_id=self.new_person().user_id if resets else None,
            account=None if resets else account,
            expires_at=FAR_FUTURE_S,
        )
        with self.resources.database.write(SYSTEM) as session:
            session.add(kept)
        return secret
