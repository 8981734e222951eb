"""What is kept under a token: found by the token alone, gone when it is over, and never half-written."""

import hashlib
import threading

import pytest

from artgpt4.kept import DAYS, MAX_BYTES, KeepError, Kept, new_token, reading_token


@pytest.fixture
def kept(tmp_path, clock):
    return Kept(tmp_path / "kept", clock)


def test_what_is_kept_comes_back_and_can_be_replaced(kept):
    token = new_token()
    kept.put(token, "one\ntwo ❦")
    assert kept.get(token) == "one\ntwo ❦"
    kept.put(token, "three")
    assert kept.get(token) == "three"


def test_what_is_dropped_is_gone(kept):
    token = new_token()
    kept.put(token, "one")
    assert kept.drop(token) and kept.get(token) is None
    assert not kept.drop(token) and list(kept.folder.iterdir()) == []


def test_what_is_over_is_gone_and_its_file_at_the_next_writing(kept, clock):
    token = new_token()
    kept.put(token, "one")
    clock.now += DAYS * 86400 - 2
    assert kept.get(token) == "one"
    clock.now += 3
    assert kept.get(token) is None
    kept.put(new_token(), "two")
    assert len(list(kept.folder.iterdir())) == 1


def test_the_folder_knows_no_token(kept):
    token = new_token()
    kept.put(token, "one")
    (file,) = kept.folder.iterdir()
    assert file.stem == hashlib.sha256(token.encode()).hexdigest()
    assert token.encode() not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_tokens_are_long_and_never_the_same():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000 and {len(token) for token in tokens} == {32}


def test_whoever_can_read_a_link_cannot_withdraw_it(kept):
    secret = new_token()
    kept.put(reading_token(secret), "one")
    assert reading_token(reading_token(secret)) != reading_token(secret)
    assert kept.get(reading_token(secret)) == "one" and kept.get(secret) is None


@pytest.mark.parametrize(
    "token",
    ["", "x", "a" * 31, "a" * 33, "../" * 10 + "ab", "a" * 31 + "/", "a" * 31 + "\0", "a" * 31 + "é", "a" * 32 + "\n"],
)
def test_what_is_no_token_finds_nothing_and_keeps_nothing(kept, token):
    kept.put(new_token(), "one")
    assert kept.get(token) is None and not kept.drop(token)
    with pytest.raises(ValueError, match="32 characters"):
        kept.put(token, "two")


def test_too_large_a_talk_is_refused_and_the_one_before_it_stays(kept):
    token = new_token()
    kept.put(token, "one")
    with pytest.raises(KeepError, match="larger than the 4 MB"):
        kept.put(token, "x" * (MAX_BYTES + 1))
    assert kept.get(token) == "one"


def test_a_full_folder_takes_nothing_more_until_something_is_over(tmp_path, clock):
    kept = Kept(tmp_path, clock, max_total=100)
    kept.put(new_token(), "x" * 60)
    with pytest.raises(KeepError, match="no room left"):
        kept.put(new_token(), "x" * 60)
    clock.now += DAYS * 86400
    kept.put(new_token(), "x" * 60)


def test_a_writing_that_fails_leaves_what_was_there(kept, monkeypatch):
    token = new_token()
    kept.put(token, "one")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("artgpt4.kept.os.fsync", fail)
    with pytest.raises(KeepError, match="cannot keep talks just now"):
        kept.put(token, "two")
    assert kept.get(token) == "one" and len(list(kept.folder.iterdir())) == 1


def test_a_reader_never_sees_half_of_what_is_written(kept):
    token, texts = new_token(), {"a" * 200_000, "b" * 200_000}
    kept.put(token, "a" * 200_000)

    def write():
        for _ in range(10):
            for text in sorted(texts):
                kept.put(token, text)

    writer = threading.Thread(target=write)
    writer.start()
    read = {kept.get(token)}
    while writer.is_alive():
        read.add(kept.get(token))
    writer.join()
    assert read <= texts
