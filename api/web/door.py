"""Who sees a page: everything that a route of the pages needs to know of its visitor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Form, Request

from api.auth import actor_of, require, require_form
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
    """One request of somebody who is signed in."""

    request: Request
    house: House
    caller: Caller
    pseudonyms: Pseudonyms

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit trail."""
        return actor_of(self.caller)

    @property
    def language(self) -> str:
        """The language of the answer."""
        return language_of(self.request, self.caller)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
        """Answer with a page."""
        return page(self.request, template, status=status, me=self.caller, **context)

    def fragment(self, template: str, **context: Any) -> str:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
        """Return a part of a page."""
        return fragment(self.request, template, me=self.caller, **context)


def _visit(request: Request, caller: Caller) -> Visit:
    service = service_of(request)
    return Visit(request, service.house, caller, service.pseudonyms)


@cache
def seeing(permission: Permission) -> Any:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
    """Return the dependency of a page that shows something."""
    allowed = Depends(require(permission))

    def visit(request: Request, caller: Caller = allowed) -> Visit:
        return _visit(request, caller)

    return Depends(visit)


@cache
def changing(permission: Permission) -> Any:  # noqa: ANN401 - a marker of FastAPI, and the values of a template
    """Return the dependency of a form that changes something; it carries the login's form token."""
    allowed = Depends(require(permission))

    def visit(request: Request, caller: Caller = allowed, form_token: Annotated[str, Form()] = "") -> Visit:
        require_form(request, form_token)
        return _visit(request, caller)

    return Depends(visit)
