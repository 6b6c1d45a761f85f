"""Refusals that no route makes by itself."""

import pytest


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/v1/buildings/1", "DELETE, GET, PUT"),
        ("PUT", "/api/v1/buildings/export", "GET"),
        ("DELETE", "/api/v1/exports", "GET, POST"),
        ("POST", "/api/v1/exports/x/file", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_told_those_that_it_takes(shared_api, sam, method, path, allowed):
    answer = shared_api.program(sam).request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (405, "MethodNotAllowed")
    assert answer.headers["allow"] == allowed


def test_a_body_that_is_no_text_is_refused_by_a_code(shared_api, sam):
    headers = {"Content-Type": "application/json"}
    answer = shared_api.program(sam).post("/api/v1/exports", content=b"\xff\xfe{", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "RequestInvalid")


@pytest.mark.parametrize("moment", ["0.5", "1767225600", "-3"])
def test_a_number_is_no_date(shared_api, sam, moment):
    answer = shared_api.program(sam).get("/api/v1/buildings", params={"created_to": moment})

    assert (answer.status_code, answer.json()["code"]) == (422, "RequestInvalid")


def test_words_and_numbers_are_no_booleans_in_json(shared_api, sam):
    for preview in (0, "yes"):
        answer = shared_api.program(sam).post("/api/v1/admin/cleanup", json={"preview": preview})
        assert answer.status_code == 422
