"""The one table that says who may do what. What does not stand here is forbidden."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ingestor.errors import Forbidden


class AccountRole(StrEnum):
    """What an account or a token is for."""

    NURSE = "nurse"
    ANALYST = "analyst"
    STEWARD = "steward"
    ADMIN = "admin"
    AGENT = "agent"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """One thing that can be allowed."""

    SUBMIT = "submit"
    CONFIRM = "confirm"
    READ_RECEIPTS = "read_receipts"
    READ_SESSIONS = "read_sessions"
    READ_DOSES = "read_doses"
    EXPORT = "export"
    READ_IDENTITY = "read_identity"
    READ_RAW = "read_raw"
    LINK = "link"
    EDIT_PATIENTS = "edit_patients"
    DECIDE = "decide"
    REPROCESS = "reprocess"
    MERGE = "merge"
    REIDENTIFY = "reidentify"
    READ_MACHINES = "read_machines"
    MANAGE_MACHINES = "manage_machines"
    MANAGE_USERS = "manage_users"
    MANAGE_SETTINGS = "manage_settings"
    READ_AUDIT = "read_audit"
    READ_CODES = "read_codes"
    OWN_ACCOUNT = "own_account"


_P = Permission

TABLE: dict[AccountRole, frozenset[Permission]] = {
    AccountRole.NURSE: frozenset({
        _P.SUBMIT, _P.CONFIRM, _P.READ_RECEIPTS, _P.READ_SESSIONS, _P.READ_IDENTITY, _P.READ_RAW, _P.LINK,
        _P.EDIT_PATIENTS, _P.READ_MACHINES, _P.READ_CODES, _P.OWN_ACCOUNT,
    }),
    AccountRole.ANALYST: frozenset({
        _P.READ_RECEIPTS, _P.READ_SESSIONS, _P.READ_DOSES, _P.EXPORT, _P.READ_MACHINES, _P.READ_CODES,
        _P.OWN_ACCOUNT,
    }),
    AccountRole.STEWARD: frozenset({
        _P.SUBMIT, _P.CONFIRM, _P.READ_RECEIPTS, _P.READ_SESSIONS, _P.READ_DOSES, _P.EXPORT, _P.READ_IDENTITY,
        _P.READ_RAW, _P.LINK, _P.EDIT_PATIENTS, _P.DECIDE, _P.REPROCESS, _P.MERGE, _P.REIDENTIFY,
        _P.READ_MACHINES, _P.READ_CODES, _P.OWN_ACCOUNT,
    }),
    AccountRole.ADMIN: frozenset({
        _P.READ_MACHINES, _P.MANAGE_MACHINES, _P.MANAGE_USERS, _P.MANAGE_SETTINGS, _P.READ_CODES,
        _P.OWN_ACCOUNT,
    }),
    AccountRole.AGENT: frozenset({_P.SUBMIT}),
    AccountRole.AUDITOR: frozenset({_P.READ_AUDIT, _P.READ_CODES, _P.OWN_ACCOUNT}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, after the credentials were found good.

    Attributes:
        name: of the account, as the audit trail shows it.
        centre: everything shown belongs to it.
        ward: limits what is shown to one ward; None is the whole centre.
        language: chosen by the user, or None.
        login: identity of the login (the hash of its secret), None for a token.
        token: identity of the token, None for a login.
    """

    account: str
    name: str
    role: AccountRole
    centre: str
    ward: str | None = None
    language: str | None = None
    login: str | None = None
    token: str | None = None

    def may(self, permission: Permission) -> bool:
        """Tell whether the table allows it."""
        return permission in TABLE[self.role]

    def require(self, permission: Permission) -> None:
        """Stop unless the table allows it.

        Raises:
            Forbidden: it does not.
        """
        if not self.may(permission):
            raise Forbidden("role_forbids", role=self.role.value, permission=permission.value)

    @property
    def sees_identity(self) -> bool:
        """Tell whether names and identifiers may be shown; all others see pseudonyms."""
        return self.may(Permission.READ_IDENTITY)
