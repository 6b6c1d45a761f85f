"""One account in the list: a line that is always there, and a part that opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from auth.principals import Role, Tier
from pages import formats
from pages.account.profile_text import ROLE_LABELS, TIER_LABELS
from pages.layout import THIN_LINE
from pages.markup import pane
from pages.section import choice, flowing
from webapp.services.people import PersonChange

if TYPE_CHECKING:
    from webapp.services.people import PersonView

ROLES = {ROLE_LABELS[str(role)]: role for role in Role}
OWN_TIERS = {"That of the role": ""} | {TIER_LABELS[str(tier)]: str(tier) for tier in Tier}


@dataclass(frozen=True)
class PersonActions:
    """What the row's buttons lead to."""

    change: Callable[[PersonView, PersonChange], None]
    shut_out: Callable[[PersonView], None]
    new_password: Callable[[PersonView], None]


class PersonRow:
    """The part that opens is made when it is opened first: a page of accounts stays light."""

    def __init__(self, person: PersonView, actions: PersonActions) -> None:
        self.person = person
        self._actions = actions
        self._line = pane(css_classes=["bf-person-line"])
        self._toggle = pmui.Button(label="Change", size="small", variant="text", margin=0, width=76, height=30,
                                   sizing_mode="fixed", on_click=lambda _: self._open())
        self._details = pn.Column(visible=False, margin=0, sizing_mode="stretch_width",
                                  styles={"padding": "2px 0 14px"})
        head = pn.Row(self._line, self._toggle, margin=0, sizing_mode="stretch_width",
                      styles={"gap": "8px", "align-items": "center", "padding": "10px 0"})
        self.view = pn.Column(head, self._details, margin=0, sizing_mode="stretch_width",
                              styles={"border-bottom": THIN_LINE})
        self.show(person)

    def show(self, person: PersonView) -> None:
        """Show how the account is now."""
        self.person = person
        self._line.object = person_line(person)
        if self._details.objects:
            self._role.value = Role(person.role)
            self._tier.value = person.own_tier or ""
            self._shut_out.visible, self._let_in.visible = person.is_active, not person.is_active

    def _open(self) -> None:
        if not self._details.objects:
            self._details.objects = [self._make_details()]
            self.show(self.person)
        self._details.visible = not self._details.visible
        self._toggle.label = "Hide" if self._details.visible else "Change"

    def _make_details(self) -> pn.Row:
        small = {"size": "small", "margin": 0}
        self._role = choice("Role", ROLES, Role(self.person.role), 160)
        self._tier = choice("Tier", OWN_TIERS, self.person.own_tier or "", 160)
        save = pmui.Button(label="Save", variant="contained", on_click=lambda _: self._save(), **small)
        self._shut_out = pmui.Button(label="Shut out", variant="outlined", color="error",
                                     on_click=lambda _: self._actions.shut_out(self.person), **small)
        self._let_in = pmui.Button(label="Let in again", variant="outlined",
                                   on_click=lambda _: self._change(PersonChange(is_active=True)), **small)
        password = pmui.Button(label="New password", variant="outlined",
                               on_click=lambda _: self._actions.new_password(self.person), **small)
        return flowing(self._role, self._tier, save, password, self._shut_out, self._let_in)

    def _save(self) -> None:
        tier = self._tier.value
        self._change(PersonChange(role=self._role.value, tier=Tier(tier) if tier else None, default_tier=not tier))

    def _change(self, change: PersonChange) -> None:
        self._actions.change(self.person, change)


def person_line(person: PersonView) -> str:
    """Return one account as HTML."""
    name, email = formats.text(person.username), formats.text(person.email or "no address")
    state = "" if person.is_active else ' <span class="bf-chip bf-failed">Shut out</span>'
    role = f'<span class="bf-chip{" bf-running" if person.role == "admin" else ""}">{ROLE_LABELS[person.role]}</span>'
    tier = f"{TIER_LABELS[person.tier]} tier" + (" of its own" if person.own_tier else "")
    noun = "job" if person.jobs == 1 else "jobs"
    return (
        f'<div class="bf-person" data-person="{name}"><div><b>{name}{state}</b><span>{email}</span></div>'
        f"<div>{role}<span>{tier}</span></div>"
        f"<div><b>{formats.count(person.jobs)} {noun}</b><span>{formats.size(person.stored_bytes)}</span></div>"
        f"<div><b>{formats.ago(person.seen_at)}</b><span>last seen</span></div></div>"
    )
