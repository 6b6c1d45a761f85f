"""What the OpenAPI document says is what the API does: a short run of what `./run bench schema` does at length."""

import pytest

from auth.principals import Role
from tests.conftest import migrated_database
from tests.contract.calls import Plan, make_calls
from tests.contract.serving import document_of, installation, served


@pytest.fixture(scope="module")
def calls(request, tmp_path_factory):
    """Calls of an administrator, who may do everything; the same ones each time."""
    folder = tmp_path_factory.mktemp("contract")
    with (
        migrated_database("sqlite", request, folder) as url,
        installation(url, folder) as world,
        served(world.resources) as address,
    ):
        document = document_of(address, world)
        yield document, make_calls(address, document, world, Role.ADMIN, Plan(3, ("fuzzing",)))


def test_every_answer_is_as_the_document_says(calls):
    _, tally = calls

    assert tally.breaks == []
    assert tally.server_errors == 0


def test_every_operation_was_called_and_succeeded_at_least_once(calls):
    """One that did not needs a value for its parameters in `tests/contract/things.py`."""
    document, tally = calls
    never = {name: dict(found) for name, found in tally.statuses.items() if name not in tally.succeeded}

    assert tally.errors == []
    assert tally.operations_left_out(document) == 0
    assert never == {}
