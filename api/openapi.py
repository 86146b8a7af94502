"""The description of the interface: written from the routes themselves, so that it cannot lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.problems import MEDIA_TYPE
from ingestor.access.permissions import TABLE, Permission
from ingestor.phrases import LANGUAGES, PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from fastapi.dependencies.models import Dependant
    from starlette.routing import BaseRoute

_ABOUT = """Doses of immunoadsorption sessions, and what they were computed from.

Every value that was printed by a machine can be traced to the line it was read from. Volumes are in mL, flows in
mL/min, instants in UTC. A value that is not known is `null`, never 0. Errors are `application/problem+json` with a
stable `code`; `/v1/codes` lists them all.
"""


def _in_each_language(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(LANGUAGES), "properties": dict.fromkeys(LANGUAGES, schema)}


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "message", "parts"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:apherelog:problem:not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "examples": ["not_found"]},
        "message": _in_each_language({"type": "string"}),
        "parts": _in_each_language(
            {"type": "object", "required": list(PARTS), "properties": {part: {"type": "string"} for part in PARTS}}
        ),
        "details": {"type": "object"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip
_ALWAYS = {"400": "The request cannot be read", "500": "A bug; `reference` finds it in the log"}
_GUARDED = {
    "401": "Nobody known asks", "403": "The role does not allow it", "429": "Too many requests",
    "503": "Busy; try again",
}  # fmt: skip
_INPUT = {"404": "Not found, or not yours to see", "422": "A value does not fit"}
_BODY = {
    "408": "The body came too slowly", "409": "Held for a decision, or the key was used for something else",
    "413": "Too large", "415": "Not a kind of body that is read here", "507": "The disk is full",
}  # fmt: skip


def permission_of(dependant: Dependant) -> Permission | None:
    """Return what a route requires; None is a public route."""
    for one in dependant.dependencies:
        found = getattr(one.call, "permission", None) or permission_of(one)
        if found is not None:
            return Permission(found)
    return None


def routes_of(routes: list[BaseRoute]) -> Iterator[tuple[str, BaseRoute]]:
    """Yield (path, route) of all routes, those of included routers with the path under which they answer."""
    for route in routes:
        contexts: Callable[[], Any] | None = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield getattr(route, "path", ""), route
            continue
        for context in contexts():
            yield context.path, context.original_route


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document: security and problems of every operation as its route has them."""
    document = get_openapi(
        title="apherelog", version=app.version, openapi_version="3.1.0", description=_ABOUT, routes=app.routes
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "`apherelog users token NAME`"},
        "login": {"type": "apiKey", "in": "cookie", "name": "sid", "description": "A browser that signed in"},
    }
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for path, route in routes_of(app.routes):
        if isinstance(route, APIRoute) and path in document["paths"]:
            for method in route.methods or ():
                operation = document["paths"][path].get(method.lower())
                if operation is not None:
                    _complete(operation, permission_of(route.dependant))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _complete(operation: dict[str, Any], permission: Permission | None) -> None:
    problems = dict(_ALWAYS)
    if permission is not None:
        roles = ", ".join(role.value for role, may in TABLE.items() if permission in may)
        operation["security"] = [{"token": []}, {"login": []}]
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {roles}.".strip()
        problems |= _GUARDED
    if operation.get("parameters"):
        problems |= _INPUT
    if "requestBody" in operation:
        problems |= _BODY | _INPUT
    responses = operation["responses"]
    problems |= {s: responses[s]["description"] for s in responses if s[0] in "45" and s not in problems}
    for status, about in problems.items():
        kept = responses.get(status, {})
        content = kept.get("content", {})
        if "HTTPValidationError" in str(content.get("application/json")):
            del content["application/json"]
        content[MEDIA_TYPE] = {"schema": {"$ref": "#/components/schemas/Problem"}}
        responses[status] = {"description": kept.get("description", about), "content": content}
