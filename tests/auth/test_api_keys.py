import pytest

from auth.api_keys import new_api_key, read_api_key


def test_a_key_is_read_back_and_no_two_are_alike():
    keys = [new_api_key() for _ in range(50)]
    assert [read_api_key(str(key)) for key in keys] == keys
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 50
    assert keys[0].secret not in repr(keys[0])


@pytest.mark.parametrize("at", [0, 4, 10, 17, 30, -1])
def test_one_wrong_letter_is_noticed(at):
    text = list(str(new_api_key()))
    text[at] = "x" if text[at] != "x" else "y"
    assert read_api_key("".join(text)) is None


@pytest.mark.parametrize("text", ["", "bfa", "bfa__", "bfa_" + "a" * 12, "x" * 100_000, f"bfa_{'é' * 12}_{'a' * 46}"])
def test_what_is_no_key_is_none(text):
    assert read_api_key(text) is None
