"""What other sites, forgers and crowds can make the page do. See also test_app, test_limits, test_images, test_chat."""

import io
import threading
from concurrent.futures import Future

import httpx
import pytest
from fake_model import FakeModel
from PIL import Image

import app
from artgpt4.ui.headers import SameOrigin, own_hosts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")

ROUTES = ["", "config", "healthz", "readyz", "gradio_api/info", "nowhere", "gradio_api/file=/etc/passwd"]


@pytest.fixture(scope="module")
def site():
    future = Future()
    future.set_result(FakeModel())
    page = app.open_page(future, app.parse_arguments(["--mcp"]))
    yield page
    page.close()


@pytest.mark.parametrize("route", [*ROUTES, "mcp"])
def test_every_route_carries_the_security_headers_and_no_trace_of_the_server(site, route):
    answer = httpx.get(site.local_url + route)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "object-src 'none'" in answer.headers["content-security-policy"]
    if answer.status_code >= 400:
        assert "Traceback" not in answer.text and "root:" not in answer.text and "site-packages" not in answer.text


@pytest.mark.parametrize("host", ["page.example", "localhost:7860"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://page.example.evil.example", "file://", ""])
def test_another_sites_page_is_refused(site, host, origin):
    for forged in ({}, {"X-Forwarded-Host": origin.removeprefix("https://")}):
        headers = {"Host": host, "Origin": origin, **forged}
        for path in ("gradio_api/queue/join", "gradio_api/upload", "gradio_api/run/predict", "mcp"):
            answer = httpx.post(site.local_url + path, headers=headers, json={})
            assert answer.status_code == 403 and "other sites" in answer.text


def test_the_pages_own_requests_and_programs_are_not(site):
    own = {"Host": "page.example", "Origin": "https://page.example"}
    for headers in (own, {}):
        assert httpx.get(site.local_url + "healthz", headers=headers).status_code == 200
        assert httpx.post(site.local_url + "gradio_api/upload", files={"files": b"x"}, headers=headers).is_success


def test_hosts_of_ones_own_can_be_named(monkeypatch):
    monkeypatch.setenv("ARTGPT4_HOSTS", "Museum.example, *.school.example")
    monkeypatch.setenv("SPACE_HOST", "owner-space.hf.space")
    hosts = own_hosts("https://proxy.example/art", share=True)
    ours = SameOrigin(None, hosts)._is_ours
    for host in ("museum.example", "a.school.example", "owner-space.hf.space", "proxy.example", "x.gradio.live"):
        assert ours(f"https://{host}", "inner:7860")
    for host in ("school.example", "evilschool.example", "museum.example.evil", "gradio.live"):
        assert not ours(f"https://{host}", "inner:7860")
    monkeypatch.delenv("ARTGPT4_HOSTS")
    monkeypatch.delenv("SPACE_HOST")
    assert own_hosts("/art") == ()


def test_a_full_queue_refuses_at_once_and_says_so(monkeypatch):
    monkeypatch.setattr("artgpt4.ui.page.MAX_WAITING", 2)
    go_on, future = threading.Event(), Future()

    def words(text, picture):
        go_on.wait(60)
        return ["Done"]

    future.set_result(FakeModel(words=words))
    page = app.open_page(future, app.parse_arguments([]))
    try:
        chat = next(fn for fn in page.fns.values() if fn.api_name == "chat")
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64)).save(buffer, "PNG")
        url = page.local_url + "gradio_api/"
        path = httpx.post(url + "upload", files={"files": ("x.png", buffer.getvalue())}).json()[0]
        picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
        statuses = []
        for number in range(30):
            body = {"fn_index": chat._id, "data": [picture, "Why?", []], "session_hash": f"session{number}"}
            answer = httpx.post(url + "queue/join", json=body)
            statuses.append(answer.status_code)
            if answer.status_code != 200:
                break
        assert statuses[-1] == 503 and "full" in answer.text and 3 <= len(statuses) < 30
    finally:
        go_on.set()
        page.close()
