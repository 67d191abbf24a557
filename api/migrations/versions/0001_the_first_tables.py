"""The first tables: audit, grants, accounts, sources of activations, kept records."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "activation_sources",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("acts_as", sa.String(length=60), nullable=False, comment="role in the agreement"),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_activation_sources")),
    )
    op.create_table(
        "agreements",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("first_used_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_agreements")),
    )
    op.create_table(
        "audit",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=True),
        sa.Column(
            "line", sa.Text(), nullable=False, comment="the entry as it was hashed, without its end"
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_incident"), ["incident"], unique=False)

    op.create_table(
        "audit_checkpoints",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("document", sa.Text(), nullable=False, comment="JSON with its Ed25519 signature"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("acts_as", sa.String(length=60), nullable=False, comment="role in agreements"),
        sa.Column("agency", sa.String(length=200), nullable=False),
        sa.Column(
            "sites",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="ids of its sites; null for all",
        ),
        sa.Column(
            "password_hash",
            sa.Text(),
            nullable=True,
            comment="Argon2id; null where it cannot sign in",
        ),
        sa.Column(
            "totp_sealed", sa.LargeBinary(), nullable=True, comment="secret of the second factor"
        ),
        sa.Column(
            "totp_used",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="newest time step that was used",
        ),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "activation_events",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column(
            "event", sa.String(length=128), nullable=False, comment="id that the sender gave it"
        ),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_s", sa.Double(), nullable=False),
        sa.Column(
            "status",
            sa.Integer(),
            nullable=True,
            comment="what was answered; null while it is being answered",
        ),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source"], ["activation_sources.name"], name=op.f("fk_activation_events_source")
        ),
        sa.PrimaryKeyConstraint("source", "event", name=op.f("pk_activation_events")),
    )
    op.create_table(
        "grants",
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column(
            "agreement", sa.String(length=64), nullable=True, comment="terms it was granted under"
        ),
        sa.Column("clause", sa.String(length=20), nullable=False),
        sa.Column("from_s", sa.Double(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("closed_s", sa.Double(), nullable=True),
        sa.Column(
            "retention_days",
            sa.Double(),
            nullable=True,
            comment="how long what was kept of it is kept",
        ),
        sa.Column(
            "hold", sa.Text(), nullable=True, comment="why it is kept longer; none where null"
        ),
        sa.Column(
            "purging_s", sa.Double(), nullable=True, comment="when its purge began; null before"
        ),
        sa.Column("purged_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement"], ["agreements.sha256"], name=op.f("fk_grants_agreement")
        ),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grants_target"), ["target"], unique=False)

    op.create_table(
        "sessions",
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="SHA-256 of what is presented"
        ),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="browser, token or key"),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("begun_s", sa.Double(), nullable=False),
        sa.Column("used_s", sa.Double(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_sessions_user")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user"), ["user"], unique=False)

    op.create_table(
        "kept_records",
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["grants.incident"], name=op.f("fk_kept_records_incident")
        ),
        sa.PrimaryKeyConstraint("incident", "number", name=op.f("pk_kept_records")),
    )
    op.create_table(
        "responding_agencies",
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("agency", sa.String(length=200), nullable=False),
        sa.Column("left_s", sa.Double(), nullable=True, comment="null while it is responding"),
        sa.ForeignKeyConstraint(
            ["incident"], ["grants.incident"], name=op.f("fk_responding_agencies_incident")
        ),
        sa.PrimaryKeyConstraint("incident", "agency", name=op.f("pk_responding_agencies")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("responding_agencies")
    op.drop_table("kept_records")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_user"))

    op.drop_table("sessions")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_target"))

    op.drop_table("grants")
    op.drop_table("activation_events")
    op.drop_table("users")
    op.drop_table("audit_checkpoints")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_incident"))
        batch_op.drop_index(batch_op.f("ix_audit_action"))

    op.drop_table("audit")
    op.drop_table("agreements")
    op.drop_table("activation_sources")
