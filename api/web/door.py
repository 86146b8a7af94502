"""Who sees a page: everything that a route of the pages needs to know of its visitor."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import Depends, Request

from api.auth import FORM_TOKEN, actor_of, require, require_form
from api.routes.login import small_form
from api.service import service_of
from api.web.language import language_of
from api.web.render import fragment, page
from ingestor.access.permissions import Caller, Permission
from ingestor.flow.house import House

if TYPE_CHECKING:
    from starlette.responses import Response

    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.store.audit import Actor


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in; `form` holds the fields of a form that was sent."""

    request: Request
    house: House
    caller: Caller
    pseudonyms: Pseudonyms
    form: dict[str, str] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit trail."""
        return actor_of(self.caller)

    @property
    def language(self) -> str:
        """The language of the answer."""
        return language_of(self.request, self.caller)

    def field(self, name: str, longest: int = 300) -> str:
        """Return what stands in a field of the form, without blanks around it."""
        return self.form.get(name, "").strip()[:longest]

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
        """Answer with a page."""
        return page(self.request, template, status=status, me=self.caller, **context)

    def fragment(self, template: str, **context: Any) -> str:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
        """Return a part of a page."""
        return fragment(self.request, template, me=self.caller, **context)


def _visit(request: Request, caller: Caller, form: dict[str, str] | None = None) -> Visit:
    service = service_of(request)
    return Visit(request, service.house, caller, service.pseudonyms, form or {})


@cache
def seeing(permission: Permission) -> Any:  # noqa: ANN401 - a marker of FastAPI
    """Return the dependency of a page that shows something."""
    allowed = Depends(require(permission))

    def visit(request: Request, caller: Caller = allowed) -> Visit:
        return _visit(request, caller)

    visit.permission = permission  # type: ignore[attr-defined] # read by the table test and the description
    return Depends(visit)


@cache
def changing(permission: Permission) -> Any:  # noqa: ANN401 - a marker of FastAPI
    """Return the dependency of a form that changes something; it carries the login's form token.

    The fields are read only after it is known who asks, and that the form is one of ours.
    """
    allowed = Depends(require(permission))

    async def visit(request: Request, caller: Caller = allowed) -> Visit:
        form = await small_form(request)
        require_form(request, form.get(FORM_TOKEN))
        return _visit(request, caller, form)

    visit.permission = permission  # type: ignore[attr-defined] # read by the table test and the description
    return Depends(visit)
