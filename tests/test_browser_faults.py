"""What goes wrong or is out of the ordinary, in a real browser; the model behind the page says what a test wants."""

import logging
import re
import threading
from itertools import repeat

import pytest
from fake_model import FakeModel
from playwright.sync_api import expect
from test_app import loaded
from test_browser import (
    DESK,
    SCREENSHOTS,
    answers,
    everywhere,
    open_page,
    open_parameters,
    picture_file,
    screen,
    set_number,
    upload,
    wait_until_answered,
)

import app
from artgpt4.hub import push
from artgpt4.images import MAX_BYTES
from artgpt4.service import Loading
from benchmarks.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]

__all__ = ["open_page", "picture_file", "screen"]  # fixtures

WEB_PAGE = """<html><head><style>h1 { color: rgb(12, 34, 56); }</style></head>
<body><h1>Sunset</h1><img src="http://127.0.0.1:9/pixel.png"><script>parent.document.title = "taken";</script></body>
</html>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page in this process, before a model that needs no weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTGPT4_DATA", str(tmp_path_factory.mktemp("data")))
        model = FakeModel()
        site = app.open_page(loaded(model), app.parse_arguments(["--model", "fake"]))
    site.model = model
    yield site
    site.close()


@pytest.fixture(scope="module")
def address(site):
    return site.local_url


@pytest.fixture(scope="module")
def browser(site):
    with chromium() as browser:
        yield browser


@pytest.fixture
def model(site, monkeypatch):
    """What stands behind the page; what a test makes it say, it says in that test only."""
    model = site.model
    monkeypatch.setattr(model, "words", model.words)
    monkeypatch.setattr(model, "pause", model.pause)
    return model


def ask(page, question):
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")


@everywhere
def test_a_question_is_edited_with_the_pencil_and_both_talks_are_kept(open_page, picture_file, screen):
    page = open_page()
    upload(page, picture_file)
    for rounds, question in enumerate(("What is it?", "And why?"), start=1):
        ask(page, question)
        wait_until_answered(page, rounds)
    # Gradio's own buttons, in Gradio's own words for the browser's language.
    page.locator("#chat").get_by_role("button", name=re.compile("Edit|编辑")).first.click()
    page.locator("#chat textarea").fill("What is it not?")
    page.locator("#chat").get_by_role("button", name=re.compile("Submit|提交|发送")).click()
    expect(page.locator("#variant")).to_have_text(screen.say("Variant {variant} of {count}", variant=2, count=2))
    expect(answers(page)).to_have_text(["You asked: What is it not?"])
    page.get_by_role("button", name=screen.say("Previous variant")).click()
    expect(answers(page)).to_have_text(["You asked: What is it?", "You asked: And why?"])
    assert page.complaints == []


@everywhere
def test_a_question_that_failed_is_back_in_its_box_with_a_number_that_is_in_the_log(
    open_page, picture_file, model, caplog, screen
):
    def fail(text, picture):
        raise RuntimeError("at 0x7f00 in secret.py")

    model.words = fail
    page = open_page()
    upload(page, picture_file)
    with caplog.at_level(logging.ERROR):
        ask(page, "What is it?")
        expect(page.locator("#notice")).to_contain_text(re.compile("Something went wrong on the server|服务器出了问题"))
    expect(page.locator("#question textarea")).to_have_value("What is it?")
    expect(answers(page)).to_have_count(0)
    number = re.search(r"\b([0-9a-f]{6})\b", page.locator("#notice").inner_text())[1]
    assert f"Error {number}" in caplog.text and "secret.py" in caplog.text
    assert "secret" not in page.locator("body").inner_text()


@everywhere
def test_a_question_that_was_refused_is_back_in_its_box(open_page, picture_file, screen):
    page, say = open_page(), screen.say
    upload(page, picture_file)
    open_parameters(page, say)
    set_number(page, say("Seed"), -1)
    ask(page, "What is it?")
    expect(page.locator("#notice")).to_contain_text(re.compile("你的问题没有被接受|Your question was not taken"))
    expect(page.locator("#question textarea")).to_have_value("What is it?")
    set_number(page, say("Seed"), 1)
    page.locator("#question textarea").press("Enter")
    wait_until_answered(page, 1)
    expect(answers(page)).to_have_text(["You asked: What is it?"])


@everywhere
def test_too_large_an_upload_gets_a_sentence(open_page, tmp_path, picture_file, screen):
    page, large = open_page(), tmp_path / "large.jpg"
    told = "larger than 20 MB" if screen == DESK else "文件超过 20 MB"
    large.write_bytes(picture_file.read_bytes() + bytes(MAX_BYTES))
    page.evaluate("""() => {  // what is said goes away after seconds
        window.told = [];
        const hear = () => document.querySelectorAll(".toast-message-text").forEach((t) => told.push(t.textContent));
        new MutationObserver(hear).observe(document.body, { subtree: true, childList: true, characterData: true });
    }""")
    page.locator("#picture input[type=file]").set_input_files(large)
    page.wait_for_function("words => told.some((text) => text.includes(words))", arg=told)
    expect(page.locator("#picture img")).to_have_count(0)
    upload(page, picture_file)
    ask(page, "What is it?")
    wait_until_answered(page, 1)


@everywhere
def test_closing_the_tab_frees_the_model_at_once(open_page, picture_file, model, eventually):
    model.words, model.pause = lambda *_: repeat("on and "), 0.02  # it would never end
    page = open_page()
    upload(page, picture_file)
    ask(page, "What is it?")
    expect(answers(page)).to_contain_text("on and on")
    assert model.at_work == 1
    page.close()
    eventually(lambda: model.at_work == 0, seconds=60)


@everywhere
def test_the_palette_shows_the_colours_an_answer_speaks_of(open_page, picture_file, model, screen):
    model.words = lambda *_: ["An orange sky, ", "a blue sea, and nothing green."]
    page = open_page(color_scheme="dark")
    upload(page, picture_file)
    ask(page, "Which colours?")
    wait_until_answered(page, 1)
    swatches = page.locator("#about .palette li")
    expect(swatches).to_have_count(3)
    orange, blue, green = swatches.all_inner_texts()
    assert re.match(r"orange #[0-9a-f]{6}", orange) and re.match(r"blue #[0-9a-f]{6}", blue)
    assert ("not found in the picture" if screen == DESK else "画面中没有") in green
    colour = swatches.first.locator(".patch").evaluate("patch => getComputedStyle(patch).backgroundColor")
    red, rest, least = map(int, re.findall(r"\d+", colour))
    assert red > rest > least


@everywhere
def test_a_web_page_that_a_model_wrote_is_shown_where_it_can_do_nothing(open_page, picture_file, model, tmp_path):
    model.words = lambda *_: [f"Here it is.\n```html\n{WEB_PAGE}\n```"]
    page = open_page()
    upload(page, picture_file)
    ask(page, "Make a small web page with its colours.")
    wait_until_answered(page, 1)
    expect(page.locator("#about pre")).to_have_text(WEB_PAGE)
    with page.expect_download() as download:
        page.locator("#about a.download").click()
    download.value.save_as(tmp_path / "page.html")
    assert download.value.suggested_filename == "page.html" and (tmp_path / "page.html").read_text() == WEB_PAGE
    page.locator("#about summary").click()
    heading = page.frame_locator("#about iframe").locator("h1")
    expect(heading).to_have_text("Sunset")
    expect(heading).to_have_css("color", "rgb(12, 34, 56)")
    page.locator("#about iframe").scroll_into_view_if_needed()
    assert page.title() == "ArtGPT-4"
    # The script and the picture; the frame is drawn anew when there is more to see beside the answer.
    scripts, others = ([text for text in page.complaints if ("sandboxed" in text) == is_it] for is_it in (True, False))
    assert scripts and others and all("Content Security Policy" in text for text in others)


def test_a_model_that_is_fetched_shows_how_much_of_it_is_here(browser, hub_server, converted_reference):
    push(converted_reference, "painter/eye")
    hub_server.hold = ".safetensors"
    model = Loading()
    site = app.open_page(model, app.parse_arguments(["--model", "painter/eye"]))
    fetching = threading.Thread(target=app.load, args=(model, "painter/eye"))
    fetching.start()
    try:
        page = browser.new_page(locale="en-GB")
        page.goto(site.local_url)
        expect(page.locator("#status")).to_have_text(
            re.compile(r"painter/eye is loading …\s*\d+ of \d+ MB fetched, \d+ %")
        )
        page.locator("#language").click()
        expect(page.locator("#status")).to_contain_text("已下载")
        page.screenshot(path=SCREENSHOTS / "loading.png")
        hub_server.go_on.set()
        expect(page.locator("#status")).to_contain_text(re.compile("parameters|参数"))
        page.close()
    finally:
        hub_server.go_on.set()
        fetching.join()
        site.close()
