"""The addresses of the pages, one module a subject."""

from fastapi import APIRouter

from api.web.routes import (
    decisions,
    entry,
    linking,
    patients,
    raw,
    session,
    sessions,
    start,
    trays,
    upload,
)

router = APIRouter(include_in_schema=False)
for module in (entry, start, upload, sessions, session, linking, patients, raw, trays, decisions):
    router.include_router(module.router)
