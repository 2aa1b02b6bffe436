"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "inbox",
        sa.Column("id", integer, primary_key=True, autoincrement=False),
        *_payload(),
        sa.Column("attempts", sa.Integer(), nullable=False),
    )
    op.create_table(
        "rejected",
        sa.Column("id", integer, primary_key=True, autoincrement=False),
        sa.Column("rejected_at", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *_payload(),
    )
    _create_documents("signals", sa.Column("id", sa.LargeBinary(), primary_key=True))
    _create_documents("groups", sa.Column("id", sa.LargeBinary(), primary_key=True))
    _create_documents(
        "outbox",
        sa.Column("group_id", sa.LargeBinary(), primary_key=True),
        sa.Column("channel", sa.Text(), primary_key=True),
    )
    _create_documents(
        "seen",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
    )
    _create_documents(
        "tallies",
        sa.Column("receiver", sa.Text(), primary_key=True),
        sa.Column("channel", sa.Text(), primary_key=True),
    )
    _create_documents("marks", sa.Column("name", sa.Text(), primary_key=True))
    op.create_table(
        "keys",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("used_at", sa.Double(), nullable=False, index=True),
    )
    op.create_table(
        "decisions",
        sa.Column("position", integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
    )


def _payload() -> tuple["sa.Column[Any]", ...]:
    return (
        sa.Column("accepted_at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _create_documents(name: str, *key: "sa.Column[Any]") -> None:
    op.create_table(name, *key, sa.Column("document", sa.LargeBinary(), nullable=False))
