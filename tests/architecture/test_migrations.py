"""The migrations make what the models say, and nothing else."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.domain.lists import standing_of
from app.domain.search import searched
from app.main import open_database
from app.models import Table
from app.settings import Settings
from app.store import migrations


async def run(settings: Settings, *actions: object) -> list[object]:
    database = open_database(settings)
    try:
        async with database.migrating() as connection:
            return [await connection.run_sync(action) for action in actions]  # type: ignore[arg-type]
    finally:
        await database.close()


async def test_the_models_are_what_the_migrations_made(migrated: Path) -> None:
    await run(Settings(data_dir=migrated.parent), lambda sync: command.check(migrations.config(sync)))


async def test_every_constraint_has_a_name(migrated: Path) -> None:
    (names,) = await run(
        Settings(data_dir=migrated.parent),
        lambda sync: [
            constraint["name"]
            for table in inspect(sync).get_table_names()
            for constraint in (*inspect(sync).get_unique_constraints(table), *inspect(sync).get_foreign_keys(table))
        ],
    )
    assert isinstance(names, list)
    assert len(names) > len(Table.metadata.tables) // 2
    assert all(names)


async def test_what_was_audited_before_stays(tmp_path: Path) -> None:
    """SQLite gives a table other constraints by making it anew."""
    settings = Settings(data_dir=tmp_path)
    await run(settings, lambda sync: command.upgrade(migrations.config(sync), "0002"))
    with closing(sqlite3.connect(tmp_path / "signalbox.db")) as connection, connection:
        at = "2026-11-30 12:00:00.000000+00:00"
        connection.execute("INSERT INTO org VALUES ('o', ?, 0, ?, 'acme', 'Acme', NULL, 60000)", (at, at))
        event = {
            "id": "e",
            "created_at": at,
            "org_id": "o",
            "at": at,
            "request_id": "req_1",
            "actor": "{}",
            "actor_kind": "member",
            "actor_id": "u",
            "approvers": "[]",
            "action": "update_state",
            "resource_type": "flag",
            "resource_id": "f",
            "resource_key": "checkout",
            "break_glass": 0,
        }
        names = ", ".join(event)
        connection.execute(
            f"INSERT INTO audit_event ({names}) VALUES ({', '.join('?' * len(event))})",
            tuple(event.values()),
        )
        connection.execute("INSERT INTO audit_version VALUES ('v', ?, 'e', 'env', 7)", (at,))
    await upgrade(settings)
    with closing(sqlite3.connect(tmp_path / "signalbox.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("DELETE FROM org")
        kept = connection.execute("SELECT org_id, resource_key, version FROM audit_event JOIN audit_version").fetchall()
    assert kept == [("o", "checkout", 7)]


STATES = [("true", "[]", False), ("false", "[]", False), ("true", '[{"value":false}]', False), ("true", "[]", True)]


async def test_what_was_made_before_can_be_searched_for(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await run(settings, lambda sync: command.upgrade(migrations.config(sync), "0006"))
    with closing(sqlite3.connect(tmp_path / "signalbox.db")) as connection, connection:
        at = "2026-11-30 12:00:00.000000+00:00"
        connection.execute("INSERT INTO org VALUES ('o', ?, 0, ?, 'acme', 'Acme', NULL, 60000)", (at, at))
        connection.execute("INSERT INTO project VALUES ('p', ?, 0, ?, 'o', 'web', 'Web', NULL)", (at, at))
        environment = (at, at, at)
        connection.execute(
            "INSERT INTO environment VALUES ('n', ?, 0, ?, 'p', 'e', 'E', 0, 1, 'u', 3, ?, 0)", environment
        )
        flag = (at, at, "p", "flag", "value", "dark.mode", "boolean", "For the Straße", "false", None)
        connection.execute("INSERT INTO primitive VALUES ('f', ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)", flag)
        for version, (value, rules, killed) in enumerate(STATES):
            state = (version, version + 1, value, rules, killed, at, '{"id": "ada"}')
            connection.execute("INSERT INTO state VALUES ('s', ?, ?, 'n', 'f', ?, ?, ?, ?, ?)", state)
    await upgrade(settings)
    with closing(sqlite3.connect(tmp_path / "signalbox.db")) as connection, connection:
        kept = connection.execute("SELECT key, name, description, tags, folded FROM primitive").fetchall()
        states = connection.execute("SELECT standing, updated_by_id FROM state ORDER BY from_version").fetchall()
    assert kept == [("dark.mode", "", "For the Straße", "[]", searched("dark.mode", "", "For the Straße"))]
    assert states == [(standing_of("boolean", value, rules, killed=killed), "ada") for value, rules, killed in STATES]


async def test_nodes_that_start_at_one_moment_migrate_once(tmp_path: Path) -> None:
    await asyncio.gather(*(upgrade(Settings(data_dir=tmp_path)) for _ in range(3)))
    (tables,) = await run(Settings(data_dir=tmp_path), lambda sync: inspect(sync).get_table_names())
    assert set(Table.metadata.tables) <= set(tables)  # type: ignore[call-overload]


def test_a_database_that_is_up_to_date_is_left_alone(migrated: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(migrated, tmp_path / "signalbox.db"))
    asyncio.run(upgrade(Settings(data_dir=tmp_path)))
    assert copy.read_bytes() == migrated.read_bytes()


async def test_a_database_that_is_up_to_date_is_not_locked(migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated, tmp_path / "signalbox.db")
    database = open_database(Settings(data_dir=tmp_path))
    async with database.migrating(), asyncio.timeout(5):
        await upgrade(Settings(data_dir=tmp_path))
    await database.close()


def test_a_copy_that_came_without_wal_is_switched(migrated: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(migrated, tmp_path / "signalbox.db"))
    assert journal_mode(copy, "=DELETE") == "delete"
    asyncio.run(upgrade(Settings(data_dir=tmp_path)))
    assert journal_mode(copy) == "wal"


def test_the_last_migration_is_known_by_the_names_of_the_files() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent.parent / "migrations"))
    assert script.get_current_head() == migrations.HEAD


async def upgrade(settings: Settings) -> None:
    database = open_database(settings)
    await migrations.upgrade(database)
    await database.close()


def journal_mode(path: Path, new: str = "") -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # only then is the file's mode known
        return str(connection.execute(f"PRAGMA journal_mode{new}").fetchone()[0])
