import inspect
import string

import pytest

from processing import errors as core
from webapp import errors, oidc_errors
from webapp.errors import AppError
from webapp.http_status import HTTP_STATUS, status_of

FAMILY = [
    kind
    for module in (core, errors, oidc_errors)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, (core.ProcessingError, AppError))
]


def made(kind):
    names = {name for _, name, spec, _ in string.Formatter().parse(kind.template) if name and not spec}
    numbers = {name for _, name, spec, _ in string.Formatter().parse(kind.template) if name and spec}
    return kind(**{name: "x." if name == "detail" else "x" for name in names}, **dict.fromkeys(numbers, 1.0))


@pytest.mark.parametrize("kind", FAMILY)
def test_every_error_has_a_code_of_its_own_a_sentence_and_a_status(kind):
    error = made(kind)
    assert kind.code == kind.__name__
    assert str(error).endswith(".")
    assert 400 <= status_of(error) < 600


def test_statuses_follow_the_nearest_class():
    assert status_of(made(errors.DiskFull)) == 507
    assert status_of(made(core.NotARaster)) == 415
    assert status_of(made(core.AoiInvalid)) == 422
    assert status_of(ValueError("x")) == 500
    assert all(isinstance(status, int) for status in HTTP_STATUS.values())
