"""API keys: made once and shown once, named, limited to scopes, revoked at any time."""

from collections.abc import Collection
from dataclasses import dataclass, field

from auth.api_keys import ApiKeyText, new_api_key, read_api_key
from auth.principals import SYSTEM, Principal, Role, Scope
from auth.tokens import derive, same
from models.api_key import ApiKey
from models.base import now_s
from models.queries import api_keys as queries
from webapp.errors import AccountInvalid, Forbidden, NotFound, TooManyApiKeys
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.tiers import tier_of
from webapp.services.views import ApiKeyView, to_datetime, to_datetime_or_none

MOST_KEYS = 50
DAY_S = 86_400.0
NAME_MAX_LENGTH = 100


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made just now. `key` is shown this once."""

    view: ApiKeyView
    key: str = field(repr=False)


def create_key(
    resources: Resources, principal: Principal, name: str, scopes: Collection[Scope], life_days: float | None = None
) -> NewKey:
    """Make a key. Raises `AccountInvalid`, `TooManyApiKeys`, and `Forbidden` for a scope that its owner has not."""
    name = _checked(name, scopes)
    if Scope.ADMIN in scopes and principal.role is not Role.ADMIN:
        raise Forbidden(detail="only administrators make keys with the scope admin")
    text = new_api_key()
    key = ApiKey(
        id=text.id,
        user_id=principal.user_id,
        name=name,
        secret_hash=_hash(resources, text),
        scopes=sorted(map(str, scopes)),
        expires_at=None if life_days is None else now_s() + life_days * DAY_S,
    )
    with resources.database.write(principal) as session:
        if queries.count_of(session, principal.user_id) >= MOST_KEYS:
            raise TooManyApiKeys(limit=MOST_KEYS)
        session.add(key)
        session.flush()
        note(session, principal, Act("api_key.created", "api_key", key.id, {"name": name, "scopes": key.scopes}))
        return NewKey(_view(key), str(text))


def list_keys(resources: Resources, principal: Principal) -> list[ApiKeyView]:
    """Return one's keys that were not revoked, newest first."""
    with resources.database.read(principal) as session:
        return [_view(key) for key in queries.keys_of(session, principal.user_id)]


def revoke_key(resources: Resources, principal: Principal, key_id: str) -> None:
    """End one of one's keys: no request with it is answered a second later. Raises `NotFound`."""
    with resources.database.write(principal) as session:
        if not queries.revoke(session, principal.user_id, key_id):
            raise NotFound(kind="API key", id=key_id)
        note(session, principal, Act("api_key.revoked", "api_key", key_id))


def principal_of_key(resources: Resources, text: str) -> Principal | None:
    """Return who a key acts for; None if it is not valid (any more)."""
    key = read_api_key(text)
    if key is None:
        return None
    with resources.database.read(SYSTEM) as session:
        row = queries.live_by_id(session, key.id)
    if row is None or not same(row.ApiKey.secret_hash, _hash(resources, key)):
        return None
    if row.now - (row.ApiKey.last_used_at or 0.0) > queries.USED_STEP_S:
        with resources.database.write(SYSTEM) as session:
            queries.note_use(session, key.id)
    role = Role(row.role)
    return Principal(
        user_id=row.user_id,
        username=row.username,
        role=role,
        tier=tier_of(resources.settings, role, row.tier),
        key_id=key.id,
        scopes=frozenset(map(Scope, row.ApiKey.scopes)),
    )


def _checked(name: str, scopes: Collection[Scope]) -> str:
    name = name.strip()
    if not 1 <= len(name) <= NAME_MAX_LENGTH or not name.isprintable():
        raise AccountInvalid(field="name of the key", rule=f"1 to {NAME_MAX_LENGTH} visible characters are needed")
    if not scopes:
        raise AccountInvalid(field="choice of scopes", rule="a key needs at least one")
    return name


def _hash(resources: Resources, key: ApiKeyText) -> str:
    """Return what is stored: whoever reads the database can neither use it nor try keys without ours."""
    return derive(resources.settings.secret_key_bytes, "api-key", f"{key.id}:{key.secret}")


def _view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        name=key.name,
        scopes=tuple(key.scopes),
        created_at=to_datetime(key.created_at),
        expires_at=to_datetime_or_none(key.expires_at),
        last_used_at=to_datetime_or_none(key.last_used_at),
    )
