"""Read-only links, as a browser or a guesser asks for them."""

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from artgpt4.export import Exchange, Transcript, jpeg, to_json
from artgpt4.kept import DAYS, Kept, new_token, reading_token
from artgpt4.ui.frozen import frozen_routes
from artgpt4.ui.headers import SecurityHeaders


@pytest.fixture
def links(tmp_path, clock):
    return Kept(tmp_path / "links", clock)


@pytest.fixture
def client(links):
    app = Starlette(routes=frozen_routes(links), middleware=[Middleware(SecurityHeaders)])
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def secret(links):
    secret = new_token()
    exchange = Exchange("What is it?", "<script>alert(1)</script> It is teal.")
    picture = jpeg(Image.new("RGB", (16, 16), "teal"))
    transcript = Transcript("mini", "2026-11-21T08:00:00+00:00", (picture,), (exchange,))
    links.put(reading_token(secret), to_json(transcript))
    return secret


def test_a_link_shows_the_talk_and_nothing_in_it_is_markup(client, secret):
    answer = client.get(f"/s/{reading_token(secret)}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert "What is it?" in answer.text and "It is teal." in answer.text
    assert "<script" not in answer.text and secret not in answer.text


@pytest.mark.parametrize("address", ["/s/{reading}", "/s/" + "a" * 32, "/withdraw/{secret}", "/withdraw/nothing"])
def test_every_page_is_closed_to_robots_caches_frames_and_scripts(client, secret, address):
    headers = client.get(address.format(reading=reading_token(secret), secret=secret)).headers
    assert "noindex" in headers["x-robots-tag"] and "no-store" in headers["cache-control"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "script-src" not in policy
    assert headers["referrer-policy"] == "same-origin" and headers["x-content-type-options"] == "nosniff"


def test_the_page_itself_says_noindex(client, secret):
    assert '<meta name="robots" content="noindex, nofollow">' in client.get(f"/s/{reading_token(secret)}").text


def test_guessed_expired_and_withdrawn_links_look_the_same(client, secret, clock):
    guessed = client.get("/s/" + "a" * 32)
    clock.now += DAYS * 86400 + 1
    expired = client.get(f"/s/{reading_token(secret)}")
    clock.now -= DAYS * 86400 + 1
    assert client.get(f"/s/{reading_token(secret)}").status_code == 200
    assert client.post(f"/withdraw/{secret}").status_code == 200
    withdrawn = client.get(f"/s/{reading_token(secret)}")
    assert [answer.status_code for answer in (guessed, expired, withdrawn)] == [404] * 3
    assert guessed.text == expired.text == withdrawn.text


def test_only_the_makers_secret_withdraws_and_only_when_asked_to(client, secret):
    reading = reading_token(secret)
    assert "<form" in client.get(f"/withdraw/{secret}").text  # a preview that fetches the address withdraws nothing
    assert client.post(f"/withdraw/{reading}").status_code == 404
    assert client.post(f"/s/{reading}").status_code == 405
    assert client.delete(f"/withdraw/{secret}").status_code == 405
    assert client.get(f"/s/{reading}").status_code == 200
    assert client.post(f"/withdraw/{secret}").status_code == 200
    assert client.post(f"/withdraw/{secret}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/s/../../../../etc/passwd",
        "/s/..%2f..%2f..%2fetc%2fpasswd",
        "/s/%2e%2e%2f%2e%2e%2fkept.txt",
        "/s/..%5c..%5cetc",
        "/s/%00",
        "/s/" + "a" * 32 + "%0a",
        "/s/" + "a" * 5000,
        "/s/",
        "/withdraw/..%2f..%2fetc%2fpasswd",
        "/withdraw/%00%ff",
    ],
)
def test_no_path_leads_anywhere_else(client, secret, links, path):
    files = set(links.folder.iterdir())
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code in (404, 405) and "root:" not in answer.text
    assert set(links.folder.iterdir()) == files


def test_the_files_name_is_no_link(client, secret, links):
    (file,) = links.folder.iterdir()
    for guess in (file.name, file.stem, file.stem[:32]):
        assert client.get(f"/s/{guess}").status_code == 404


def test_a_link_goes_on_showing_what_it_showed(client, secret, links):
    before = client.get(f"/s/{reading_token(secret)}").text
    links.put(new_token(), "another talk")
    assert client.get(f"/s/{reading_token(secret)}").text == before
    assert httpx.codes.is_success(client.head(f"/s/{reading_token(secret)}").status_code)


@pytest.mark.parametrize(
    "asked, lang", [("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en-GB,zh;q=0.5", "en"), ("fr,zh-TW", "zh-CN"), ("fr", "en")]
)
def test_the_pages_speak_the_readers_language(client, secret, asked, lang):
    headers = {"Accept-Language": asked}
    there = client.get(f"/s/{reading_token(secret)}", headers=headers).text
    asks = client.get(f"/withdraw/{secret}", headers=headers).text
    withdrawn = client.post(f"/withdraw/{secret}", headers=headers).text
    nothing = client.get(f"/s/{reading_token(secret)}", headers=headers).text
    expected = ["关于一幅画的对话", "撤回链接", "谁也打不开这个链接了", "这里没有内容"]
    if lang == "en":
        expected = ["A talk about a picture", "Withdraw the link", "Nobody can open the link any more", "Nothing here"]
    for page, words in zip((there, asks, withdrawn, nothing), expected, strict=True):
        assert words in page and f'<html lang="{lang}">' in page
    assert "It is teal." in there
