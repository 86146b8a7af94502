"""All tables. Instants are UTC, numbers carry checks, every constraint has a name."""

from ingestor.store.tables.accounts import account, login, token
from ingestor.store.tables.base import guard_values, metadata
from ingestor.store.tables.doses import DOSE_COLUMNS, change, dose
from ingestor.store.tables.people import (
    identifier,
    identity,
    link,
    link_request,
    measurement,
    patient,
    printed_patient,
)
from ingestor.store.tables.places import acceptance, centre, clock_offset, device, ward
from ingestor.store.tables.plans import plan, plan_item
from ingestor.store.tables.privacy import privacy_request, second_factor, sign_on
from ingestor.store.tables.runs import (
    alarm,
    column_use,
    column_word,
    cycle,
    event,
    finding,
    phase,
    revision,
    run,
    run_pair,
    session,
    trace,
)
from ingestor.store.tables.snapshots import snapshot
from ingestor.store.tables.sources import job, raw_file, source, source_member, submission
from ingestor.store.tables.trail import audit, setting
from ingestor.store.tables.watching import watch_file, watch_folder

__all__ = [
    "DOSE_COLUMNS",
    "acceptance",
    "account",
    "alarm",
    "audit",
    "centre",
    "change",
    "clock_offset",
    "column_use",
    "column_word",
    "cycle",
    "device",
    "dose",
    "event",
    "finding",
    "identifier",
    "identity",
    "job",
    "link",
    "link_request",
    "login",
    "measurement",
    "metadata",
    "patient",
    "phase",
    "plan",
    "plan_item",
    "printed_patient",
    "privacy_request",
    "raw_file",
    "revision",
    "run",
    "run_pair",
    "second_factor",
    "session",
    "setting",
    "sign_on",
    "snapshot",
    "source",
    "source_member",
    "submission",
    "token",
    "trace",
    "ward",
    "watch_file",
    "watch_folder",
]

for _table in metadata.tables.values():
    guard_values(_table)
