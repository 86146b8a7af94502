"""Who may see a page. Nobody signed in is sent to the login; a change needs the form's own token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Form, Request
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse

from api.web.language import language_of
from api.web.render import fragment, page
from api.web.wording import said
from ingestor.access import logins
from ingestor.access.permissions import Caller, Permission
from ingestor.errors import Denied, Forbidden, IngestorError, Invalid, NotFound
from ingestor.flow.house import House
from ingestor.store.audit import Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response

COOKIE = "sid"
_STATUS: tuple[tuple[type[IngestorError], int], ...] = ((Forbidden, 403), (NotFound, 404), (Invalid, 422))


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person who is signed in."""

    request: Request
    house: House
    caller: Caller
    form_token: str

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit trail."""
        return Actor(self.caller.name, self.caller.role.value)

    @property
    def language(self) -> str:
        """The language of the answer."""
        return language_of(self.request, self.caller)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:  # noqa: ANN401
        """Answer with a page."""
        return page(self.request, template, status=status, **self._known(), **context)

    def fragment(self, template: str, **context: Any) -> str:  # noqa: ANN401
        """Return a part of a page."""
        return fragment(self.request, template, **self._known(), **context)

    def _known(self) -> dict[str, Any]:
        return {"caller": self.caller, "form_token": self.form_token, "lang": self.language}


def visitor(request: Request) -> Visit:
    """Return who asks.

    Raises:
        Denied: nobody is signed in.
    """
    house: House = request.app.state.house
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise Denied("login_needed")
    caller = logins.caller_of(house.db, secret, house.now())
    return Visit(request, house, caller, logins.form_token(secret))


def require_same_site(request: Request) -> None:
    """Refuse a form that another site sends.

    Raises:
        Forbidden: `page_old_form`.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if site not in {None, "same-origin", "none"} or not own:
        raise Forbidden("page_old_form")


def seeing(permission: Permission) -> Any:  # noqa: ANN401
    """Return the dependency of a page that shows something."""

    def visit(one: Annotated[Visit, Depends(visitor)]) -> Visit:
        one.caller.require(permission)
        return one

    visit.permission = permission  # type: ignore[attr-defined]  # read by the test over all routes
    return Depends(visit)


def changing(permission: Permission) -> Any:  # noqa: ANN401
    """Return the dependency of a form that changes something."""

    def visit(one: Annotated[Visit, Depends(visitor)], form_token: Annotated[str, Form()] = "") -> Visit:
        require_same_site(one.request)
        if not hmac.compare_digest(form_token, one.form_token):
            raise Forbidden("page_old_form")
        one.caller.require(permission)
        return one

    visit.permission = permission  # type: ignore[attr-defined]  # read by the test over all routes
    return Depends(visit)


class PageRoute(APIRoute):
    """A route whose troubles are told on a page, in the reader's language."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def handle_or_tell(request: Request) -> Response:
            try:
                return await handle(request)
            except Denied:
                return RedirectResponse(f"/login?next={quote(_came_for(request))}", 303)
            except IngestorError as error:
                return trouble(request, error)

        return handle_or_tell


def _came_for(request: Request) -> str:
    return request.url.path if request.method == "GET" else "/"


def trouble(request: Request, error: IngestorError) -> Response:
    """Answer with a page that says what happened, what it means and what to do."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
    parts = said(error.code, language_of(request), error.details)
    return page(request, "trouble.html", status=status, parts=parts, code=error.code)


def local(address: str) -> str:
    """Return an address of this site, or the start page where it is somewhere else."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"
