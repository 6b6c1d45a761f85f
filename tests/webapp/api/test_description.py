"""The OpenAPI document is complete: words, names, tags, examples and codes for every operation."""

import re

import jsonschema_rs
import pytest

from webapp.api.description import METHODS, TAGS, operations
from webapp.api.main import create_api
from webapp.api.operation_errors import OF_OPERATION
from webapp.errors_text import error_kinds
from webapp.resources import open_resources
from webapp.settings import load_settings

NAME = re.compile(r"[a-z]+(_[a-z]+)*")
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("described")
    resources = open_resources(load_settings(data_dir=folder / "data", secret_key="k" * 40))
    yield create_api(resources).openapi()
    resources.close()


@pytest.fixture(scope="module")
def listed(document):
    return {one["operationId"]: (path, method, one) for path, method, one in operations(document)}


def test_every_operation_has_a_name_of_its_own_that_reads_well(document, listed):
    total = sum(method in METHODS for item in document["paths"].values() for method in item)

    assert len(listed) == total > 60
    assert [name for name in listed if not NAME.fullmatch(name)] == []
    assert listed["list_buildings"][:2] == ("/api/v1/buildings", "GET")


def test_every_operation_has_words_and_a_tag_that_is_described(document, listed):
    described = {tag["name"] for tag in document["tags"] if tag["description"]}

    for name, (_, _, one) in listed.items():
        assert one["summary"], name
        assert one["description"].endswith("."), name
        assert len(one["tags"]) == 1, name
        assert set(one["tags"]) <= described, name
    assert {tag for _, _, one in listed.values() for tag in one["tags"]} == set(TAGS)


def test_only_the_public_doors_need_no_credentials(listed):
    public = {name for name, (_, _, one) in listed.items() if one["security"] == []}

    assert public == {
        "login",
        "refresh_token",
        "register",
        "confirm_registration",
        "request_password_reset",
        "reset_password",
        "get_health",
        "get_liveness",
        "get_readiness",
        "download_linked_export",
        "download_linked_file",
    }


def test_bodies_and_answers_in_json_have_examples_that_fit_their_schemas(document, listed):
    examples = 0
    for name, (_, _, one) in listed.items():
        for content in contents(one):
            validator = jsonschema_rs.Draft202012Validator(content["schema"] | {"components": document["components"]})
            validator.validate(content["example"])
            examples += 1
        assert "$ref" not in str([content["example"] for content in contents(one)]), name
    assert examples > 55


def contents(operation):
    """Return the JSON media types of an operation's body and of what it answers when all is well."""
    bodies = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status < "300"]
    media_types = ("application/json", "application/geo+json")
    return [body["content"][kind] for body in bodies for kind in media_types if kind in body.get("content", {})]


def test_every_status_of_an_error_lists_the_codes_that_it_may_have(listed):
    known = {kind.code for kind in error_kinds()} | {"Unexpected"}

    for name, (_, _, one) in listed.items():
        for status, answer in one["responses"].items():
            if status < "400" or "x-error-codes" not in answer:
                continue
            codes = answer["x-error-codes"]
            assert set(codes) <= known, name
            assert all(f"`{code}`" in answer["description"] for code in codes), name
            assert list(answer["content"]) == [PROBLEM], name
        assert {"500", "503"} <= set(one["responses"]), name
    assert "NotFound" in listed["get_job"][2]["responses"]["404"]["x-error-codes"]
    assert listed["upload_image"][2]["responses"]["415"]["x-error-codes"] == ["MediaTypeNotAllowed", "NotARaster"]


def test_both_viewers_are_served_from_here(shared_api, sam):
    client = shared_api.browser(sam)

    for page, script in (("/docs", "swagger-ui-bundle.js"), ("/redoc", "redoc.standalone.js")):
        answer = client.get(page)
        assert f'src="/docs/{script}"' in answer.text
        assert "unsafe-eval" not in answer.headers["content-security-policy"]
        assert "://" not in answer.text
    assert "https://cdn." not in client.get("/docs/redoc.standalone.js").text
    assert shared_api.anonymous().get("/redoc").status_code == 303


def test_special_errors_are_listed_for_operations_that_are_there(listed):
    assert set(OF_OPERATION) <= set(listed)
