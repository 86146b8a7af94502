"""Sign-on of the hospital (OpenID Connect): code flow with PKCE, state and nonce; roles come from groups.

Source: OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; RFC 7636 (PKCE, S256); RFC 9700 for the rest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import urlencode, urlsplit

from ingestor.access import logins
from ingestor.access.permissions import AccountRole
from ingestor.errors import IngestorError, SettingsError
from ingestor.store import accounts, audit, sign_ons

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ingestor.access.logins import Opened
    from ingestor.config import Settings
    from ingestor.store.engine import Database

# Signatures with a key that only the provider has; never `none`, never a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_TIMEOUT_S, _MOST_BYTES = 5, 1 << 20
_KNOWN_S, _AGAIN_S = 3600.0, 10.0
_PENDING, _PENDING_S = 1000, 600.0
_LEEWAY_S = 60


class SignOnRefused(IngestorError):
    """The provider's answer proves nothing, or the person may not come in."""

    code = "sign_on_refused"


class SignOnDown(IngestorError):
    """The provider cannot be reached, or says nothing sensible."""

    code = "sign_on_down"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-on under way; the browser carries `state`."""

    state: str
    nonce: str
    verifier: str
    back: str
    wanted: str
    at: float


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as the library declares it
        return None


class Provider:
    """The hospital's sign-on. Thread-safe; what it publishes is asked for once an hour.

    Args:
        settings: of the site, with `oidc_issuer`.
        clock: monotonic seconds.
    """

    _opener: ClassVar[urllib.request.OpenerDirector] = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _NoRedirect()
    )

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        if settings.oidc_issuer is None:
            raise SettingsError("sign_on_unset")
        self._issuer, self._client = settings.oidc_issuer.rstrip("/"), settings.oidc_client_id
        self._secret = (
            settings.oidc_secret_file.read_text("utf-8").strip() if settings.oidc_secret_file else None
        )
        self._roles = {group: AccountRole(role) for group, role in settings.oidc_groups.items()}
        self._clock, self._lock = clock, threading.Lock()
        self._pending: dict[str, Begun] = {}
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    def begin(self, back: str, wanted: str) -> tuple[str, str]:
        """Return where to send the browser, and the state that it must bring back.

        Args:
            back: address of ours to which the provider sends the browser.
            wanted: where the person wanted to go.

        Raises:
            SignOnDown: the provider cannot be asked.
        """
        about = self._described()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        begun = Begun(state, nonce, verifier, back, wanted, self._clock())
        with self._lock:
            self._forget_old()
            self._pending[begun.state] = begun
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).decode().rstrip("=")
        )
        query = {
            "response_type": "code", "client_id": self._client, "redirect_uri": back, "scope": "openid profile groups",
            "state": begun.state, "nonce": begun.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{_text(about, 'authorization_endpoint')}?{urlencode(query)}", begun.state

    def _forget_old(self) -> None:
        now = self._clock()
        alive = [b for b in self._pending.values() if now - b.at < _PENDING_S][-_PENDING + 1 :]
        self._pending = {b.state: b for b in alive}

    def finish(self, state: str, code: str) -> tuple[dict[str, Any], str]:
        """Return what the provider vouches for, and where the person wanted to go. A state is good once.

        Raises:
            SignOnRefused: state, code or token is not what it should be.
            SignOnDown: the provider cannot be asked.
        """
        with self._lock:
            self._forget_old()
            begun = self._pending.pop(state, None)
        if begun is None or not code:
            raise SignOnRefused
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": begun.back, "client_id": self._client,
            "code_verifier": begun.verifier,
        } | ({"client_secret": self._secret} if self._secret else {})  # fmt: skip
        answer = self._asked(_text(self._described(), "token_endpoint"), urlencode(form).encode())
        return self._checked(str(answer.get("id_token", "")), begun.nonce), begun.wanted

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        """Check signature and claims; a key that nobody knows yet is asked for once."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import errors, jwk, jwt

        for again in (False, True):
            try:
                keys = jwk.KeySet.import_key_set(cast("Any", self._published(again=again)))
                found = jwt.decode(token, keys, algorithms=ALGORITHMS)
                claims = CodeIDToken(
                    found.claims, found.header,
                    {"iss": {"essential": True, "value": self._issuer}, "aud": {"essential": True, "value": self._client}},
                    {"nonce": nonce, "client_id": self._client},
                )  # fmt: skip
                claims.validate(leeway=_LEEWAY_S)
            except (errors.InvalidKeyIdError, errors.BadSignatureError) as error:
                if again:
                    raise SignOnRefused from error
            except (errors.JoseError, ValueError, TypeError, KeyError) as error:
                raise SignOnRefused from error
            else:
                return dict(claims)
        raise SignOnRefused

    def role_of(self, claims: dict[str, Any]) -> AccountRole:
        """Return the role of the first group, in the order of the setting, that the person belongs to.

        Raises:
            SignOnRefused: `sign_on_no_role`.
        """
        groups = claims.get("groups")
        mine = {g for g in groups if isinstance(g, str)} if isinstance(groups, list) else set()
        for group, role in self._roles.items():
            if group in mine:
                return role
        raise SignOnRefused("sign_on_no_role")

    def _described(self) -> dict[str, Any]:
        if self._about is None or self._clock() - self._about[0] > _KNOWN_S:
            about = self._asked(f"{self._issuer}/.well-known/openid-configuration")
            if about.get("issuer") not in {self._issuer, f"{self._issuer}/"}:
                raise SignOnDown
            self._about = self._clock(), about
        return self._about[1]

    def _published(self, *, again: bool) -> dict[str, Any]:
        age = None if self._keys is None else self._clock() - self._keys[0]
        if self._keys is None or age is None or age > (_AGAIN_S if again else _KNOWN_S):
            self._keys = self._clock(), self._asked(_text(self._described(), "jwks_uri"))
        return self._keys[1]

    def _asked(self, address: str, form: bytes | None = None) -> dict[str, Any]:
        """Ask the provider; the address must be one of its own kind (https where the issuer is)."""
        if urlsplit(address).scheme not in {"https", urlsplit(self._issuer).scheme}:
            raise SignOnDown
        request = urllib.request.Request(address, form, {"Accept": "application/json"})  # noqa: S310 - looked at above
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                found = json.loads(answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            raise (SignOnRefused if form is not None and error.code < 500 else SignOnDown) from error  # noqa: PLR2004 - RFC 9110
        except (OSError, ValueError) as error:
            raise SignOnDown from error
        if not isinstance(found, dict):
            raise SignOnDown
        return found


def _text(about: dict[str, Any], name: str) -> str:
    value = about.get(name)
    if not isinstance(value, str):
        raise SignOnDown
    return value


def enter(db: Database, centre: str, provider: Provider, claims: dict[str, Any], now: datetime) -> Opened:
    """Open a login for whom the provider vouches; the account is made the first time, its role follows the groups.

    Raises:
        SignOnRefused: `sign_on_no_role`; `sign_on_name_taken`: a local account has that name; `sign_on_closed`.
    """
    role = provider.role_of(claims)
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    with db.write() as connection:
        key = sign_ons.account_of(connection, issuer, subject)
        if key is None:
            name = str(claims.get("preferred_username") or subject)[:120]
            if not name.isprintable() or accounts.by_name(connection, name) is not None:
                raise SignOnRefused("sign_on_name_taken")
            key = accounts.add(connection, centre, name, role.value, now)
            sign_ons.bind(connection, issuer, subject, key, now)
            audit.record(
                connection, audit.Actor(name, role.value), "add_account", key, role=role.value, way="sign-on"
            )
        account = accounts.by_id(connection, key)
        if account is None or account.disabled_at is not None:
            raise SignOnRefused("sign_on_closed")
        if account.role != role.value:
            accounts.set_role(connection, key, role.value, account.ward)
            audit.record(
                connection, audit.Actor(account.name, role.value), "change_account", key, role=role.value
            )
            account = accounts.by_id(connection, key) or account
        return logins.open_for(connection, account, now, "sign-on")
