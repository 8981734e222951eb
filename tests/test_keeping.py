"""The drawer in which a talk is kept, through the real server: what it gives away, and what it does not."""

import json
import re
from concurrent.futures import Future

import httpx
import pytest
from fake_model import FakeModel
from PIL import Image
from test_app import Tab, loaded

import app
from artgpt4.export import from_json
from artgpt4.ui import keeping

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTGPT4_DATA", str(folder))
        page = app.open_page(loaded(FakeModel()), app.parse_arguments(["--model", "fake"]))
    page.folder = folder
    yield page
    page.close()


@pytest.fixture(scope="module")
def picture_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    Image.new("RGB", (64, 48), "teal").save(path)
    return path


@pytest.fixture
def talk(site, picture_file):
    tab = Tab(site)
    tab.ask("What is it?", tab.upload(picture_file))
    return tab


def fetch(tab, file):
    return httpx.get(tab.page.local_url + "gradio_api/file=" + file["path"])


def link(tab):
    to_read, to_withdraw, _, told = tab.call("make_link")
    assert "as it is now" in told
    return to_read["value"], to_withdraw["value"]


def get(site, path):
    return httpx.get(site.local_url.rstrip("/") + path)


def download(tab, number):
    """Presses the n-th download button, and returns what the browser then gets."""
    function = [fn for fn in tab.page.fns.values() if fn.name == "download_it"][number]
    tab.functions["download_it"] = function
    return tab.call("download_it")


def test_a_download_is_the_talk(site, talk):
    answers = [fetch(talk, download(talk, number)[0]) for number in range(3)]
    page, markdown, text = (answer.text for answer in answers)
    assert "What is it?" in page and "You asked: What is it?" in markdown
    (exchange,) = from_json(text).exchanges
    assert (exchange.question, exchange.answer) == ("What is it?", "You asked: What is it?")
    # A page that somebody made is never shown under the app's own address.
    assert "attachment" in answers[0].headers["content-disposition"]


def test_a_download_speaks_the_visitors_language_and_json_none(site, talk):
    english = fetch(talk, download(talk, 2)[0]).text
    talk.call("switch_language")
    page, markdown, text = (fetch(talk, download(talk, number)[0]).text for number in range(3))
    assert "关于一幅画的对话" in page and "关于一幅画的对话" in markdown
    assert from_json(text).exchanges == from_json(english).exchanges


def test_a_downloads_address_cannot_be_told_from_its_content(site, talk):
    first, second = (download(talk, 1)[0]["path"] for _ in range(2))
    assert first != second and re.search(r"/[0-9a-f]{32}/", first)


def test_there_is_nothing_to_keep_before_an_answer(site):
    tab = Tab(site)
    assert "Ask a question first" in download(tab, 0)[1]
    assert "Ask a question first" in tab.call("make_link")[3]


def test_a_link_is_frozen_and_leads_to_no_session(site, talk, picture_file):
    to_read, _ = link(talk)
    before = get(site, to_read)
    assert "You asked: What is it?" in before.text and talk.session not in before.text
    talk.ask("A secret afterwards", talk.upload(picture_file))
    assert get(site, to_read).text == before.text
    assert "noindex" in before.headers["x-robots-tag"] and "script-src" not in before.headers["content-security-policy"]


def test_its_maker_withdraws_a_link(site, talk):
    (to_read, to_withdraw), (other, _) = link(talk), link(talk)
    assert httpx.post(site.local_url.rstrip("/") + to_withdraw).status_code == 200
    assert get(site, to_read).status_code == 404 and get(site, other).status_code == 200


def test_one_page_makes_a_bounded_number_of_links(site, talk, monkeypatch):
    monkeypatch.setattr(keeping, "MAX_LINKS", 1)
    link(talk)
    # Gradio keeps the count on the server; what a browser sends in its place is not looked at.
    body = talk.body("make_link", {})
    body["data"][1] = 0
    assert "as many links" in talk.http.post("/run/predict", json=body).json()["data"][3]


def keep(tab, wanted=True, before=""):
    token, _, told, _ = tab.call("keep", wanted, before)
    return token, told


def test_a_talk_goes_on_in_another_page_of_the_same_browser(site, talk, picture_file):
    token, told = keep(talk)
    assert re.fullmatch(r"[\w-]{32}", token) and "kept on the server" in told
    talk.ask("And why?", talk.upload(picture_file))
    talk.call("save")
    another_day = Tab(site)
    assert "is kept for this browser" in another_day.call("offer", token)[1]
    picture, _, told, *_ = another_day.call("go_on", token)
    assert told == "" and Image.open(picture["path"]).size == (64, 48)
    said = [("user", "What is it?"), ("assistant", "You asked: What is it?")]
    said += [("user", "And why?"), ("assistant", "You asked: And why?")]
    shown = another_day.ask("Go on", {"path": picture["path"], "meta": {"_type": "gradio.FileData"}})
    assert shown[:4] == said and shown[4:] == [("user", "Go on"), ("assistant", "You asked: Go on")]
    another_day.call("save")
    kept = [path.read_text().partition("\n")[2] for path in (site.folder / "talks").iterdir()]
    assert any("Go on" in text for text in kept) and not any(token in text for text in kept)


def test_nothing_is_kept_unless_the_visitor_wants_it(site, talk):
    folder = site.folder / "talks"
    before = set(folder.iterdir()) if folder.exists() else set()
    talk.call("save")
    assert (set(folder.iterdir()) if folder.exists() else set()) == before


def test_what_is_forgotten_is_gone(site, talk):
    token, _ = keep(talk)
    assert keep(talk, False, token) == ("", "Nothing of your talk is kept any more.")
    assert Tab(site).call("offer", token)[1] == ""
    token, _ = keep(talk)
    Tab(site).call("forget", token)
    talk.call("save")  # the page that still is open must not bring it back
    assert Tab(site).call("offer", token)[1] == ""


@pytest.mark.parametrize("token", [None, 7, "", "a" * 32, "../" * 10 + "ab", ["a"], {"talk": "forged"}])
def test_a_forged_token_finds_nothing(site, token):
    tab = Tab(site)
    assert tab.call("offer", token)[1] == ""
    assert tab.call("go_on", token)[0] == {"__type__": "update"}
    tab.call("forget", token)


def test_a_transcript_sent_by_the_browser_is_not_kept(site, talk):
    token, _ = keep(talk)
    body = talk.body("save", {})
    body["data"] = [token, {"rounds": [["Forged?", "Forged."]]}]
    talk.http.post("/run/predict", json=body).raise_for_status()
    assert "Forged" not in json.dumps([path.read_text() for path in (site.folder / "talks").iterdir()])


def test_a_cleared_talk_is_no_longer_kept(site, talk):
    token, _ = keep(talk)
    talk.call("clear")
    talk.call("save")
    assert Tab(site).call("offer", token)[1] == ""


def test_a_talk_waits_for_no_model_that_cannot_be_loaded(tmp_path, monkeypatch, picture_file, talk, site):
    token, _ = keep(talk)
    monkeypatch.setenv("ARTGPT4_DATA", str(site.folder))
    broken = Future()
    broken.set_exception(OSError("no weights in /home/somebody"))
    page = app.open_page(broken, app.parse_arguments(["--model", "broken"]))
    try:
        told = Tab(page).call("go_on", token)[2]
        assert told.startswith("Something went wrong") and "somebody" not in told
    finally:
        page.close()
    assert "is kept" in Tab(site).call("offer", token)[1]


def test_transcripts_of_the_app_are_shown_as_text(site, picture_file):
    tab = Tab(site)
    hostile = "<img src=x onerror=alert(1)> ${alert(1)} {{value}}"
    tab.ask(hostile, tab.upload(picture_file))
    to_read, _ = link(tab)
    assert "<img src=x" not in get(site, to_read).text
