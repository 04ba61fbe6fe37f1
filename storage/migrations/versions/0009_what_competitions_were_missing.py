"""what competitions were missing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from storage.moments import Moment
revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    with op.batch_alter_table('entry_author', schema=None) as batch_op:
        batch_op.add_column(sa.Column('asked_by', KEY, nullable=True))
        batch_op.add_column(sa.Column('asked_at', Moment(), nullable=True))
        batch_op.add_column(sa.Column('agreed_at', Moment(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_entry_author_asked_by'), 'teacher', ['asked_by'], ['id'])

    with op.batch_alter_table('entry_round', schema=None) as batch_op:
        batch_op.add_column(sa.Column('place', sa.String(), nullable=False, server_default=''))

    with op.batch_alter_table('material', schema=None) as batch_op:
        batch_op.add_column(sa.Column('mime', sa.String(), nullable=False, server_default=''))

    with op.batch_alter_table('round', schema=None) as batch_op:
        batch_op.add_column(sa.Column('publicity_started_at', Moment(), nullable=True))
        batch_op.add_column(sa.Column('list_version', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('public_list', JSON, nullable=False, server_default='[]'))

    with op.batch_alter_table('round_card', schema=None) as batch_op:
        batch_op.add_column(sa.Column('venue_id', KEY, nullable=True))
        batch_op.drop_constraint(batch_op.f('uq_round_card_chat_id_round_id_kind'), type_='unique')
        batch_op.create_index('uq_round_card_of_round', ['chat_id', 'round_id', 'kind'], unique=True, sqlite_where=sa.text('venue_id IS NULL'), postgresql_where=sa.text('venue_id IS NULL'))
        batch_op.create_index('uq_round_card_of_venue', ['chat_id', 'venue_id', 'kind'], unique=True, sqlite_where=sa.text('venue_id IS NOT NULL'), postgresql_where=sa.text('venue_id IS NOT NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_round_card_venue_id'), 'venue', ['venue_id'], ['id'])

    move_authors()
    move_lists()
    forget_turns()

    # The defaults were for the rows that are there.
    with op.batch_alter_table('entry_author', schema=None) as batch_op:
        batch_op.alter_column('asked_by', nullable=False)
        batch_op.alter_column('asked_at', nullable=False)
    with op.batch_alter_table('entry_round', schema=None) as batch_op:
        batch_op.alter_column('place', server_default=None)
    with op.batch_alter_table('material', schema=None) as batch_op:
        batch_op.alter_column('mime', server_default=None)
    with op.batch_alter_table('round', schema=None) as batch_op:
        batch_op.alter_column('list_version', server_default=None)
        batch_op.alter_column('public_list', server_default=None)


def move_authors() -> None:
    """Say of authors that they have agreed, and make rows of whom drafts had asked."""
    connection = op.get_bind()
    # A draft is of whoever is linked now; the same teacher may have linked twice.
    for entry_id, teacher_id, entered_at, changed_at in connection.execute(
        sa.select(ENTRY.c.id, ENTRY.c.teacher_id, ENTRY.c.created_at, ENTRY.c.changed_at).where(
            sa.exists().where(AUTHOR.c.entry_id == ENTRY.c.id)
        )
    ).all():
        connection.execute(
            sa.update(AUTHOR)
            .where(AUTHOR.c.entry_id == entry_id)
            .values(asked_by=teacher_id, asked_at=entered_at, agreed_at=changed_at)
        )
    there = connection.execute(sa.select(AUTHOR.c.entry_id, AUTHOR.c.teacher_id)).all()
    known = {(row.entry_id, row.teacher_id) for row in there}
    for kind, data, asked_at in connection.execute(
        sa.select(DRAFT.c.kind, DRAFT.c.data, DRAFT.c.updated_at).where(
            DRAFT.c.kind.startswith('entry_team:', autoescape=True)
        )
    ).all():
        entry = connection.execute(
            sa.select(ENTRY.c.id, ENTRY.c.teacher_id).where(ENTRY.c.id == int(kind.split(':')[1]))
        ).first()
        if entry is None:
            continue
        for teacher_id in data.get('asked', ()):
            if (entry.id, teacher_id) not in known:
                known.add((entry.id, teacher_id))
                connection.execute(
                    sa.insert(AUTHOR).values(
                        entry_id=entry.id,
                        teacher_id=teacher_id,
                        asked_by=entry.teacher_id,
                        asked_at=asked_at,
                    )
                )
    connection.execute(
        sa.delete(DRAFT).where(DRAFT.c.kind.startswith('entry_team:', autoescape=True))
    )


def move_lists() -> None:
    """Say of each round which version of its list is up: until now its deeds alone said so."""
    connection = op.get_bind()
    for data, at in connection.execute(
        sa.select(DEED.c.data, DEED.c.at)
        .where(DEED.c.kind == 'publicity', DEED.c.undone_at.is_(None))
        .order_by(DEED.c.id)
    ).all():
        connection.execute(
            sa.update(ROUND)
            .where(ROUND.c.id == data['round_id'])
            .values(
                publicity_started_at=sa.func.coalesce(ROUND.c.publicity_started_at, at),
                list_version=data['version'],
                public_list=data['lines'],
            )
        )


def forget_turns() -> None:
    """Timetables that somebody was looking at have no rooms, and posts of them are cards now."""
    connection = op.get_bind()
    connection.execute(sa.delete(DRAFT).where(DRAFT.c.kind == 'turns'))
    connection.execute(
        sa.update(OUTBOX)
        .where(OUTBOX.c.kind == 'venue_timetable', OUTBOX.c.state == 'pending')
        .values(state='skipped', fault='it is a card by now')
    )


def downgrade() -> None:
    connection = op.get_bind()
    # Before, there was one card of a round in a group, and no row of who had not answered.
    connection.execute(sa.delete(CARD).where(CARD.c.venue_id.is_not(None)))
    connection.execute(sa.delete(AUTHOR).where(AUTHOR.c.agreed_at.is_(None)))

    with op.batch_alter_table('round_card', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_round_card_venue_id'), type_='foreignkey')
        batch_op.drop_index('uq_round_card_of_venue', sqlite_where=sa.text('venue_id IS NOT NULL'), postgresql_where=sa.text('venue_id IS NOT NULL'))
        batch_op.drop_index('uq_round_card_of_round', sqlite_where=sa.text('venue_id IS NULL'), postgresql_where=sa.text('venue_id IS NULL'))
        batch_op.create_unique_constraint(batch_op.f('uq_round_card_chat_id_round_id_kind'), ['chat_id', 'round_id', 'kind'])
        batch_op.drop_column('venue_id')

    with op.batch_alter_table('round', schema=None) as batch_op:
        batch_op.drop_column('public_list')
        batch_op.drop_column('list_version')
        batch_op.drop_column('publicity_started_at')

    with op.batch_alter_table('material', schema=None) as batch_op:
        batch_op.drop_column('mime')

    with op.batch_alter_table('entry_round', schema=None) as batch_op:
        batch_op.drop_column('place')

    with op.batch_alter_table('entry_author', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_entry_author_asked_by'), type_='foreignkey')
        batch_op.drop_column('agreed_at')
        batch_op.drop_column('asked_at')
        batch_op.drop_column('asked_by')


# The few columns that move, as they are here: a later model may know them no more.
ENTRY = sa.table(
    'entry',
    sa.column('id', KEY),
    sa.column('teacher_id', KEY),
    sa.column('created_at', Moment()),
    sa.column('changed_at', Moment()),
)
AUTHOR = sa.table(
    'entry_author',
    sa.column('entry_id', KEY),
    sa.column('teacher_id', KEY),
    sa.column('asked_by', KEY),
    sa.column('asked_at', Moment()),
    sa.column('agreed_at', Moment()),
)
DRAFT = sa.table(
    'draft', sa.column('kind', sa.String()), sa.column('data', JSON), sa.column('updated_at', Moment())
)
DEED = sa.table(
    'deed',
    sa.column('id', KEY),
    sa.column('kind', sa.String()),
    sa.column('data', JSON),
    sa.column('at', Moment()),
    sa.column('undone_at', Moment()),
)
ROUND = sa.table(
    'round',
    sa.column('id', KEY),
    sa.column('publicity_started_at', Moment()),
    sa.column('list_version', sa.Integer()),
    sa.column('public_list', JSON),
)
OUTBOX = sa.table(
    'outbox_message',
    sa.column('kind', sa.String()),
    sa.column('state', sa.String()),
    sa.column('fault', sa.String()),
)
CARD = sa.table('round_card', sa.column('venue_id', KEY))
