import time

from auth.passwords import generate_password, hash_password, verify_password


def test_a_hash_is_argon2id_and_fits_its_password_alone():
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert stored != hash_password("correct horse")
    assert verify_password("correct horse", stored)
    assert not verify_password("correct horse ", stored)


def test_an_unknown_user_costs_as_much_as_a_known_one():
    stored = hash_password("correct horse")
    assert not verify_password("anything", None)
    known_s, unknown_s = [], []
    for _ in range(2):
        for durations, against in ((known_s, stored), (unknown_s, None)):
            began_at = time.process_time()
            verify_password("wrong", against)
            durations.append(time.process_time() - began_at)
    assert min(unknown_s) > 0.3 * min(known_s)
    assert min(known_s) > 0.3 * min(unknown_s)


def test_generated_passwords_differ():
    assert len({generate_password() for _ in range(100)}) == 100
    assert len(generate_password()) == 20
