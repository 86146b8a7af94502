"""Doses in one line, for notebooks and scripts: `Client(url, token).doses()`.

This file stands alone: it needs Python and pyarrow, and pandas or polars for those who want their frames. Installed
with the program it is imported as `apherelog_client`; it may as well be copied to where the analysis runs.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    import polars as pl

__all__ = ["Client", "Problem"]

Kind = Literal["pandas", "polars", "arrow", "rows"]
Filter = str | float | bool | date | list[str] | tuple[str, ...] | None
_TRIES, _TIMEOUT_S, _LONGEST_PAUSE_S = 5, 120.0, 30.0
_AGAIN = {429, 502, 503, 504}
_PAGE = 1000


class Problem(Exception):
    """The service said no.

    Attributes:
        status: HTTP status.
        code: stable; `/v1/codes` has the words for it.
    """

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{text} ({code}, HTTP {status})")
        self.status, self.code = status, code


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to somewhere else."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - as urllib declares it
        return None


class Client:
    """One service, asked with one token.

    Args:
        url: of the service, for example `https://apherelog.example.org`; the environment's `APHERELOG_URL` by default.
        token: from `apherelog users token NAME`; `APHERELOG_TOKEN` by default, so that it need not stand in a
            notebook.

    Raises:
        ValueError: one of them is missing.
    """

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        url, token = url or os.environ.get("APHERELOG_URL"), token or os.environ.get("APHERELOG_TOKEN")
        if not url or not token or urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("url (http or https) and token are needed, or APHERELOG_URL and APHERELOG_TOKEN")
        self._url, self._token = url.rstrip("/"), token
        self._open = urllib.request.build_opener(_NoDetour).open

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    @overload
    def doses(self, kind: Literal["pandas"] = ..., **filters: Filter) -> pd.DataFrame: ...
    @overload
    def doses(self, kind: Literal["polars"], **filters: Filter) -> pl.DataFrame: ...
    @overload
    def doses(self, kind: Literal["arrow"], **filters: Filter) -> pa.Table: ...
    @overload
    def doses(self, kind: Literal["rows"], **filters: Filter) -> Iterator[dict[str, Any]]: ...
    def doses(self, kind: Kind = "pandas", **filters: Filter) -> Any:
        """Return one row a session.

        Args:
            kind: `pandas` (units in `attrs["units"]`), `polars`, `arrow` (units in the metadata of each field), or
                `rows`: dicts one after the other, read page by page while you use them.
            filters: those of `/v1/doses`: `status="final"`, `patient=["ps-…", "ps-…"]`, `pv_multiple_min=1.5`,
                `since=date(2026, 1, 1)` (for `from`, which Python keeps for itself), `to=…`, `as_of=…`.

        Raises:
            Problem: a filter is not known, the token is over, and so on.
        """
        return self.table("doses", kind, **filters)

    def table(self, name: str, kind: Kind = "pandas", **filters: Filter) -> Any:  # noqa: ANN401 - four kinds
        """Return `doses`, `sessions`, `cycles`, `alarms`, `events` or `traces` of the sessions of a filter."""
        if kind == "rows":
            return self._rows(name, filters)
        found = self._parquet(f"/v1/{name}.parquet{_query(filters)}")
        if kind == "arrow":
            return found
        return _pandas(found) if kind == "pandas" else _polars(found)

    def units(self, name: str = "doses") -> dict[str, str]:
        """Return the units (UCUM) of the columns that have one, the same that tables carry."""
        return _units(self._parquet(f"/v1/{name}.parquet?session=none"))

    def exclusions(self, **filters: Filter) -> dict[str, Any]:
        """Return how many sessions of the same time a filter of doses leaves out, and why."""
        return self._document("/v1/doses/exclusions", filters)

    def changes(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield what changed in the doses after a number of the feed, with its cause."""
        return self._rows("changes", {"after": after})

    def document(self, path: str, **parameters: Filter) -> dict[str, Any]:
        """Return any JSON answer, for example of `/v1/sessions/ses-…/evidence`."""
        return self._document(path, parameters)

    def snapshot(self, name: str, table: str = "doses", kind: Kind = "pandas") -> Any:  # noqa: ANN401 - four kinds
        """Return a table of a data set that never changes, checked against the sum it was published with.

        Raises:
            Problem: there is none of this name; `snapshot_damaged`: the file is not the one that was published.
        """
        about = self._document(f"/v1/snapshots/{urllib.parse.quote(name, safe='')}", {})
        path = f"{table}.parquet"
        wanted = next((r["hash"] for r in about["resources"] if r["path"] == path), None)
        data = self._fetched(f"/v1/snapshots/{urllib.parse.quote(name, safe='')}/files/{path}")
        if wanted != f"sha256:{hashlib.sha256(data).hexdigest()}":
            raise Problem(200, "snapshot_damaged", f"{path} is not what was published under {name}")
        found = pq.read_table(pa.BufferReader(data))
        if kind == "rows":
            return iter(found.to_pylist())
        return found if kind == "arrow" else _pandas(found) if kind == "pandas" else _polars(found)

    def _parquet(self, path: str) -> pa.Table:
        return pq.read_table(pa.BufferReader(self._fetched(path)))

    def _rows(self, name: str, filters: Mapping[str, Filter]) -> Iterator[dict[str, Any]]:
        if name not in {"doses", "sessions", "alarms", "changes"}:
            yield from self._parquet(f"/v1/{name}.parquet{_query(filters)}").to_pylist()
            return
        address: str | None = f"/v1/{name}{_query({'limit': _PAGE, **filters})}"
        while address is not None:
            page = json.loads(self._fetched(address))
            yield from page["items"]
            address = page["next"]

    def _document(self, path: str, parameters: Mapping[str, Filter]) -> dict[str, Any]:
        found = json.loads(self._fetched(path + _query(parameters)))
        if not isinstance(found, dict):
            raise TypeError(path)
        return found

    def _fetched(self, path: str) -> bytes:
        """Return a whole answer; asked for again where the service was busy or the connection broke."""
        for tried in range(1, _TRIES + 1):
            pause = min(0.5 * 2**tried, _LONGEST_PAUSE_S)
            try:
                return self._once(path)
            except urllib.error.HTTPError as error:
                if error.code not in _AGAIN or tried == _TRIES:
                    raise _problem(error) from None
                pause = min(_seconds(error.headers.get("Retry-After"), pause), _LONGEST_PAUSE_S)
            except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError):
                if tried == _TRIES:
                    raise
            time.sleep(pause)
        raise AssertionError(path)

    def _once(self, path: str) -> bytes:
        request = urllib.request.Request(self._url + path, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310 - the scheme was looked at
        with self._open(request, timeout=_TIMEOUT_S) as answer:
            data: bytes = (
                answer.read()
            )  # a stream that breaks off raises IncompleteRead: half a file is no file
        return data


def _query(filters: Mapping[str, Filter]) -> str:
    pairs = []
    for name, given in filters.items():
        if given is None:
            continue
        values = given if isinstance(given, list | tuple) else (given,)
        pairs += [("from" if name == "since" else name.rstrip("_"), _text(value)) for value in values]
    return f"?{urllib.parse.urlencode(pairs)}" if pairs else ""


def _text(value: Filter) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone; whose clock is meant?")
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _seconds(text: str | None, default: float) -> float:
    return float(text) if text is not None and text.isdigit() else default


def _problem(error: urllib.error.HTTPError) -> Problem:
    body: IO[bytes] = error.fp or io.BytesIO()
    try:
        found = json.loads(body.read())
        return Problem(error.code, found["code"], f"{found['title']} {found['detail']}")
    except (ValueError, KeyError, TypeError):
        return Problem(error.code, "http", error.reason)


def _units(found: pa.Table) -> dict[str, str]:
    return _about(found, b"unit")


def _about(found: pa.Table, key: bytes) -> dict[str, str]:
    named = ((f.name, (f.metadata or {}).get(key)) for f in found.schema)
    return {name: text.decode() for name, text in named if text is not None}


def _pandas(found: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = found.to_pandas()
    frame.attrs["units"] = _units(found)
    frame.attrs["meanings"] = _about(found, b"en")
    return frame


def _polars(found: pa.Table) -> pl.DataFrame:
    import polars as pl

    frame = pl.from_arrow(found)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(type(frame))
    return frame
