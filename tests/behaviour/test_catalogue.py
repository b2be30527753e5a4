"""The catalogue of errors, reported alike on both transports and to anybody."""

import pytest

from app.domain.catalogue import CATALOGUE
from tests.factories import Instance


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The catalogue is in no database."""
    name: str = request.param
    return name


async def test_every_code_says_what_it_means_and_what_to_do(instance: Instance) -> None:
    entries = await instance.anonymous().make("errorCatalog")
    assert [entry["code"] for entry in entries] == list(CATALOGUE)
    for entry in entries:
        known = CATALOGUE[entry["code"]]
        assert (entry["status"], entry["title"]) == (known.status, known.title)
        assert (entry["meaning"], entry["causes"], entry["action"]) == (known.meaning, [*known.causes], known.action)
        assert len(entry["causes"]) > 0


async def test_every_code_has_an_example_on_each_transport(instance: Instance) -> None:
    for entry in await instance.anonymous().make("errorCatalog"):
        rest, (graphql,) = entry["examples"]["rest"], entry["examples"]["graphql"]["errors"]
        assert rest["code"] == entry["code"]
        assert graphql == {
            "message": rest["message"],
            "extensions": {**{name: rest[name] for name in rest if name != "message"}, "status": entry["status"]},
        }
