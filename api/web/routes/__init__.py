"""The addresses of the pages, one module a subject."""

from fastapi import APIRouter

from api.web.routes import (
    account,
    analysis,
    clock,
    columns,
    decisions,
    entry,
    linking,
    machines,
    office,
    overview,
    patients,
    preview,
    privacy,
    raw,
    session,
    sessions,
    site,
    start,
    trail,
    trays,
    upload,
)

router = APIRouter(include_in_schema=False)
for module in (
    entry,
    start,
    upload,
    preview,
    sessions,
    session,
    linking,
    patients,
    raw,
    trays,
    decisions,
    machines,
    clock,
    columns,
    overview,
    analysis,
    trail,
    privacy,
    account,
    office,
    site,
):
    router.include_router(module.router)
