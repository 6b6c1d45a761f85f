"""Findings that are none, each with its reason: no check is switched off, these are answers that one misjudges."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemathesis.openapi.checks import JsonSchemaError, RejectedPositiveData

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Excuse:
    """Why a finding is none, and when."""

    reason: str
    holds: Callable[[Any, Any, Any], bool]


def excuse_for(failure: Any, case: Any, response: Any) -> Excuse | None:
    """Return why this finding is none, or None."""
    return next((one for one in EXCUSES if one.holds(failure, case, response)), None)


def codes_of(case: Any, status: int) -> list[str] | None:
    """Return the error codes that the document lists for a status of the case's operation."""
    answer = case.operation.definition.raw["responses"].get(str(status))
    return None if answer is None else answer.get("x-error-codes")


def problem_of(response: Any) -> dict[str, Any]:
    """Return the problem that an answer holds; empty for any other answer."""
    if response.headers.get("content-type", [""])[0] != PROBLEM:
        return {}
    return dict(json.loads(response.content))


def _breaks_a_rule_beyond_schemas(failure: Any, case: Any, response: Any) -> bool:
    """Tell whether a refusal names a rule by a code, and not just the schema that the data had to fit."""
    if not isinstance(failure, RejectedPositiveData):
        return False
    problem = problem_of(response)
    by_schema = problem.get("code") == "RequestInvalid" and "errors" in problem.get("parameters", {})
    return not by_schema and problem.get("code") in (codes_of(case, response.status_code) or ())


def _is_a_file(failure: Any, case: Any, response: Any) -> bool:
    """Tell whether an answer was measured by a schema that says no more than that it is a file."""
    answer = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    return isinstance(failure, JsonSchemaError) and answer.get("content", {}).keys() == {"*/*"}


EXCUSES = (
    Excuse(
        "a rule that a JSON schema cannot state (a valid polygon, a password that is right), refused by a listed code",
        _breaks_a_rule_beyond_schemas,
    ),
    Excuse("a file that holds JSON, described as a file of any kind", _is_a_file),
)
