"""Tables of the database: what must outlive the process.

The chain of the audit is the record; the tables of grants and accounts say what is so now and
change in the same transaction as the entry that tells why. Times are Unix seconds. What is kept of
an incident (`kept_records`) and what must be known but never shown (`sealed` columns) is encrypted
before it comes here, see `api.sealing`.

A change here needs a migration in `api/migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Big = BigInteger().with_variant(Integer, "sqlite")

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("action", String(60), nullable=False, index=True),
    Column("incident", String(64), index=True),
    Column("line", Text, nullable=False, comment="the entry as it was hashed, without its end"),
)

CHECKPOINTS = Table(
    "audit_checkpoints",
    METADATA,
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False, comment="JSON with its Ed25519 signature"),
)

AGREEMENTS = Table(
    "agreements",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("terms", JSON, nullable=False),
    Column("first_used_s", Double, nullable=False),
)

GRANTS = Table(
    "grants",
    METADATA,
    Column("incident", String(64), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("target", String(200), nullable=False, index=True),
    Column("channel", String(40), nullable=False),
    Column("agreement", ForeignKey("agreements.sha256"), comment="terms it was granted under"),
    Column("clause", String(20), nullable=False),
    Column("from_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),
    Column("extensions", Integer, nullable=False),
    Column("closed_s", Double),
    Column("retention_days", Double, comment="how long what was kept of it is kept"),
    Column("hold", Text, comment="why it is kept longer; none where null"),
    Column("purging_s", Double, comment="when its purge began; null before"),
    Column("purged_s", Double),
)

AGENCIES = Table(
    "responding_agencies",
    METADATA,
    Column("incident", ForeignKey("grants.incident"), primary_key=True),
    Column("agency", String(200), primary_key=True),
    Column("left_s", Double, comment="null while it is responding"),
)

USERS = Table(
    "users",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("full_name", String(200), nullable=False),
    Column("role", String(40), nullable=False),
    Column("acts_as", String(60), nullable=False, comment="role in agreements"),
    Column("agency", String(200), nullable=False),
    Column("sites", JSON(none_as_null=True), comment="ids of its sites; null for all"),
    Column("password_hash", Text, comment="Argon2id; null where it cannot sign in"),
    Column("totp_sealed", LargeBinary, comment="secret of the second factor"),
    Column("totp_used", _Big, nullable=False, comment="newest time step that was used"),
    Column("disabled", Boolean, nullable=False),
    Column("created_s", Double, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of what is presented"),
    Column("user", ForeignKey("users.name"), nullable=False, index=True),
    Column("kind", String(20), nullable=False, comment="browser, token or key"),
    Column("label", String(200), nullable=False),
    Column("begun_s", Double, nullable=False),
    Column("used_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),
)

SOURCES = Table(
    "activation_sources",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("site", String(200), nullable=False),
    Column("acts_as", String(60), nullable=False, comment="role in the agreement"),
    Column("channel", String(40), nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_s", Double, nullable=False),
)

EVENTS = Table(
    "activation_events",
    METADATA,
    Column("source", ForeignKey("activation_sources.name"), primary_key=True),
    Column("event", String(128), primary_key=True, comment="id that the sender gave it"),
    Column("body_sha256", String(64), nullable=False),
    Column("received_s", Double, nullable=False),
    Column("status", Integer, comment="what was answered; null while it is being answered"),
    Column("answer", Text),
)

RECORDS = Table(
    "kept_records",
    METADATA,
    Column("incident", ForeignKey("grants.incident"), primary_key=True),
    Column("number", _Big, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("at_s", Double, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
