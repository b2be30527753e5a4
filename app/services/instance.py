"""What the first start makes of an empty database, and the claim code that proves who runs the instance."""

import secrets
import stat
from contextlib import suppress
from pathlib import Path

from app.domain.ids import digest
from app.models import Instance
from app.settings import Settings
from app.store import instance
from app.store.unit_of_work import UnitOfWork


async def prepare(uow: UnitOfWork, settings: Settings) -> Instance:
    """The instance's row, made when missing, with a claim code until it is claimed."""
    row = await instance.find(uow.session)
    if row is None or _lacks_claim_code(row, settings):
        await uow.begin_write()
        row = await _get_or_create(uow)
        if _lacks_claim_code(row, settings):
            row.claim_code_hash = digest(settings.claim_code or _write_code(settings.data_dir))
    return row


async def new_claim_code(uow: UnitOfWork, settings: Settings) -> str | None:
    """The code that claims the instance, a fresh one where this machine does not know it; None once it is claimed."""
    row = await prepare(uow, settings)
    if row.claimed_at is not None:
        return None
    code = known_code(settings)
    if code is None or not _is_code_of(row, code):
        await uow.begin_write()
        row = await instance.get(uow.session)
        code = _write_code(settings.data_dir)
        row.claim_code_hash = digest(code)
    return code


async def valid_code(uow: UnitOfWork, settings: Settings) -> str | None:
    """The code that claims the instance, if this machine knows it."""
    code = known_code(settings)
    return code if _is_code_of(await instance.get(uow.session), code) else None


def known_code(settings: Settings) -> str | None:
    """The code as this machine knows it: the configured one, or the one in the data folder."""
    if settings.claim_code is not None:
        return settings.claim_code
    path = _path(settings.data_dir)
    return path.read_text("utf-8").strip() if path.exists() else None


async def _get_or_create(uow: UnitOfWork) -> Instance:
    if (row := await instance.find(uow.session)) is None:
        row = Instance(signing_key=secrets.token_hex(32))
        if not await uow.try_to_add(row):  # another node started first
            row = await instance.get(uow.session)
    return row


def _lacks_claim_code(row: Instance, settings: Settings) -> bool:
    """Whether it has none, or not the configured one."""
    if row.claimed_at is not None:
        return False
    return row.claim_code_hash is None or (
        settings.claim_code is not None and not _is_code_of(row, settings.claim_code)
    )


def _is_code_of(row: Instance, code: str | None) -> bool:
    return code is not None and row.claim_code_hash == digest(code)


def _write_code(data_dir: Path) -> str:
    code = secrets.token_urlsafe(18)
    path = _path(data_dir)
    path.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(code + "\n", "utf-8")
    return code


def forget_code(settings: Settings) -> None:
    """Once the instance is claimed, the code is of no use."""
    with suppress(OSError):
        _path(settings.data_dir).unlink(missing_ok=True)


def _path(data_dir: Path) -> Path:
    return data_dir / "claim-code"
