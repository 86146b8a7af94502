"""The web service. `create_app` is its root; nothing is built at import."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from api import guards, problems
from api.deliveries import Deliveries
from api.metrics import Metrics
from api.openapi import describe
from api.routes import (
    about,
    catalogue,
    decisions,
    definitions,
    deliveries,
    doses,
    exports,
    imports,
    login,
    machines,
    sessions,
    sign_on,
    snapshots,
)
from api.service import Service
from api.worker import Worker
from ingestor.access.pseudonyms import prepare_key
from ingestor.flow.house import open_house
from ingestor.ops import safety
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from typing import Any

    from ingestor.config import Settings

# What is still being read then is durable, and is read again by the next start.
_PATIENCE_S = 8.0
_ROUTERS = (
    definitions.router, doses.router, exports.router, sessions.router, decisions.router, machines.router, snapshots.router, deliveries.router, catalogue.router, imports.router, about.router, login.router, sign_on.router,
)  # fmt: skip


def create_app(settings: Settings, *, now: Callable[[], datetime] | None = None) -> FastAPI:
    """Return the service of one site. The house is opened when it starts and closed when it ends.

    Args:
        settings: of the site.
        now: the clock; the machine's by default.
    """
    app = FastAPI(
        title="apherelog", version=version("apherelog"), openapi_url=None, docs_url=None, redoc_url=None,
        lifespan=_lifespan(settings, now), generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.settings = settings
    problems.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    _mount_pages(app)
    app.add_middleware(guards.Bodies)
    app.add_middleware(guards.Addresses)
    app.add_middleware(guards.Hosts, allowed=settings.allowed_hosts)
    app.add_middleware(guards.Outermost)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign] # FastAPI's way to replace it
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    return app.openapi_schema


def _lifespan(
    settings: Settings, now: Callable[[], datetime] | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        safety.require_safe(settings)
        opened = open_house(settings, now)
        house = await run_in_threadpool(opened.__enter__)
        try:
            pseudonyms = await run_in_threadpool(prepare_key, house.db, settings.data_dir)
            warnings = await run_in_threadpool(safety.warnings, settings, house.db)
            front = open_database(settings.url) if house.db.journal == "wal" else None
            app.state.service = Service(house, pseudonyms, Metrics(), front, warnings=tuple(warnings))
            warm = getattr(app.state, "warm", None)
            if warm is not None:
                asyncio.get_running_loop().run_in_executor(None, warm, app)
            app.state.deliveries = Deliveries(app.state.service)
            working = (Worker(house, app.state.service.due), app.state.deliveries)
            for one in working:
                one.start()
            try:
                yield
            finally:
                for one in reversed(working):
                    await run_in_threadpool(one.stop)
                if app.state.service.reading:
                    await asyncio.wait(app.state.service.reading, timeout=_PATIENCE_S)
                app.state.service.hands.shutdown(wait=False, cancel_futures=True)
                if front is not None:
                    front.close()
        finally:
            await run_in_threadpool(opened.__exit__, None, None, None)

    return lifespan


def _mount_pages(app: FastAPI) -> None:
    """Add the pages, if they are installed, and what both serve as files.

    `api.web` offers `routes()`, a router of its own, and `error_page(request, status, code, details)`, which
    says to a person what a problem says to a program; the start of a login that went wrong included; and
    `warm(app)`, which prepares in a thread what the first page would have to wait for.
    """
    folders = [("api", "static")]
    try:
        web = import_module("api.web")
    except ModuleNotFoundError:
        web = None
    if web is not None and hasattr(web, "routes"):
        app.include_router(web.routes())
        app.state.page_for_error = getattr(web, "error_page", None)
        app.state.warm = getattr(web, "warm", None)
        folders.append(("api.web", "static"))
    app.mount("/static", StaticFiles(packages=list(folders)), name="static")
