"""The addresses of the pages, one module a subject."""

from fastapi import APIRouter

from api.web.routes import entry, linking, patients, raw, session, sessions, start, upload

router = APIRouter(include_in_schema=False)
for module in (entry, start, upload, sessions, session, linking, patients, raw):
    router.include_router(module.router)
