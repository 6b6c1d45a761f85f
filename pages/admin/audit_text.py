"""The audit log in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pages import formats

if TYPE_CHECKING:
    from webapp.services.administration import AuditView

KINDS = {
    "Everything": "",
    "Accounts": "account.",
    "Passwords": "password.",
    "Sessions": "session.",
    "API keys": "api_key.",
    "Clean-up": "cleanup.",
}
ACTIONS = {
    "account.changed": "changed an account",
    "account.created": "made an account",
    "api_key.created": "made an API key",
    "api_key.revoked": "revoked an API key",
    "cleanup.done": "cleaned up",
    "password.changed": "changed the password",
    "password.reset": "set a password by mail",
    "password.set": "set a password for somebody",
    "session.others_revoked": "signed out everywhere else",
    "session.revoked": "ended a session",
}
UNSHOWN = {"request_id"}
DETAILS = {"is_active": "may sign in", "older_than_days": "jobs older than (days)"}
TARGETS = {"user": "account", "api_key": "key"}


def audit_table(entries: list[AuditView]) -> str:
    """Return the lines as HTML."""
    return f'<ol class="bf-audit">{"".join(map(_line, entries))}</ol>'


def _line(entry: AuditView) -> str:
    who = formats.text(entry.actor_name or ("somebody" if entry.address else "the system"))
    what = formats.text(ACTIONS.get(entry.action, entry.action))
    target = _target(entry)
    by_key = f" · by the key {formats.text(entry.key_id)}" if entry.key_id else ""
    address = formats.text(entry.address or "this server")
    return (
        f'<li data-action="{formats.text(entry.action)}"><time>{formats.when(entry.at)}</time>'
        f"<div><b>{who}</b> {what}<span>{_details(entry.detail)}</span></div>"
        f"<div><span>{target}</span><span>{address}{by_key}</span></div></li>"
    )


def _target(entry: AuditView) -> str:
    kind = TARGETS.get(entry.target_kind, entry.target_kind)
    return formats.text(f"{kind} {entry.target_name or entry.target_id}".strip())


def _details(detail: dict[str, Any]) -> str:
    shown = (
        f"{DETAILS.get(name, name.replace('_', ' '))}: {_value(value)}"
        for name, value in detail.items()
        if name not in UNSHOWN
    )
    return formats.text(" · ".join(shown))


def _value(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"from", "to"}:
        return f"{_value(value['from'])} → {_value(value['to'])}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return "as usual"
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
