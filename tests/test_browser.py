"""A visitor's way through the page, in a real browser, with the embedded model behind it."""

import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from benchmarks.browser import chromium, running_app

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).with_name("screenshots")
#: Milliseconds that any one thing may take; two slow cores are shared with the model.
PATIENCE = 40_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with running_app(tmp_path_factory.mktemp("app") / "app.log") as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser, address):
    """Opens the page in a window of its own, and keeps what it asked for and complained about."""
    contexts = []

    def open_page(width=1280, height=800, color_scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=color_scheme)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address)
        page.get_by_role("button", name="A title").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def picture_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "sunset.jpg"
    picture = Image.new("RGB", (640, 480), "#e08a3c")
    ImageDraw.Draw(picture).ellipse((240, 120, 400, 280), fill="#fff0b0")
    ImageDraw.Draw(picture).rectangle((0, 320, 640, 480), fill="#2a3f5f")
    picture.save(path)
    return path


def upload(page, path):
    page.locator("#picture input[type=file]").set_input_files(path)
    page.locator("#picture img").wait_for()


def answers(page):
    return page.locator("#chat [data-testid=bot]")


def set_number(page, label, value):
    box = page.get_by_label(label).and_(page.locator("input[type=number]"))
    box.fill(str(value))
    box.press("Tab")


def wait_until_answered(page, rounds):
    expect(page.get_by_role("button", name="Try again")).to_be_enabled(timeout=PATIENCE)
    expect(answers(page)).to_have_count(rounds, timeout=PATIENCE)


#: Notes every text that the newest answer has shown.
WATCH = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const answers = document.querySelectorAll("#chat [data-testid=bot]");
        const text = answers.length ? answers[answers.length - 1].innerText.trim() : "";
        if (text && text !== "…" && text !== window.seen.at(-1)) window.seen.push(text);
    }).observe(document.querySelector("#chat"), {subtree: true, childList: true, characterData: true});
}"""

#: Stops the next answer as soon as some of it can be read, and notes when it has ended, stopped or not.
STOP_WHEN_SPEAKING = """() => {
    let began = false;
    window.ended = false;
    const observer = new MutationObserver(() => {
        const button = document.querySelector("#question .stop-button");
        if (!button) {
            if (began) { observer.disconnect(); window.ended = true; }
            return;
        }
        began = true;
        const answers = document.querySelectorAll("#chat [data-testid=bot]");
        const text = answers[answers.length - 1].innerText.trim();
        if (text && text !== "…") button.click();
    });
    observer.observe(document.querySelector("#talk"), {subtree: true, childList: true, characterData: true});
}"""


def test_a_visitor_talks_about_a_picture(open_page, picture_file):
    page = open_page()
    expect(page.locator("#status")).to_contain_text("parameters", timeout=PATIENCE)
    expect(page.locator("#status")).to_contain_text("cpu")
    upload(page, picture_file)
    page.get_by_role("button", name="Parameters").click()
    set_number(page, "Longest answer", 60)
    page.evaluate(WATCH)

    page.get_by_role("button", name="What does it make you feel?").click()
    wait_until_answered(page, 1)
    assert page.locator("#chat [data-testid=user]").inner_text().strip() == "What does this picture make you feel?"
    seen = page.evaluate("window.seen")
    assert len(seen) >= 2, f"the answer did not stream: {seen}"
    assert len(seen[0]) < len(seen[-1])
    page.screenshot(path=SCREENSHOTS / "answer.png")

    page.get_by_label("Your question").fill("What colours do you see?")
    page.get_by_label("Your question").press("Enter")
    expect(page.get_by_label("Your question")).to_have_value("")
    wait_until_answered(page, 2)
    first, second = answers(page).all_inner_texts()
    assert first.strip() == seen[-1] and second.strip()

    set_number(page, "Temperature", 2)
    set_number(page, "Top-p", 1)
    set_number(page, "Longest answer", 600)
    page.screenshot(path=SCREENSHOTS / "parameters.png", full_page=True)
    page.evaluate(STOP_WHEN_SPEAKING)
    page.get_by_label("Your question").fill("Describe this picture in detail, with the mood it has.")
    page.get_by_label("Your question").press("Enter")
    # The embedded model says a whole answer in a quarter of a second: a stop may come after its end, but not always.
    for _ in range(15):
        page.wait_for_function("window.ended", timeout=PATIENCE)
        wait_until_answered(page, 3)
        if page.locator("#notice").inner_text().strip() == "Stopped.":
            break
        page.evaluate(STOP_WHEN_SPEAKING)
        page.get_by_role("button", name="Try again").click()
    expect(page.locator("#notice")).to_have_text("Stopped.")
    stopped = answers(page).last.inner_text().strip()
    assert stopped

    set_number(page, "Temperature", 0)
    set_number(page, "Longest answer", 60)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#notice")).not_to_have_text("Stopped.")
    wait_until_answered(page, 3)
    assert answers(page).last.inner_text().strip() not in ("", stopped)
    assert answers(page).first.inner_text().strip() == first.strip()

    page.get_by_role("button", name="Undo").click()
    expect(answers(page)).to_have_count(2)
    page.locator("#actions").get_by_role("button", name="Clear").click()
    expect(answers(page)).to_have_count(0)
    assert page.complaints == []


def test_the_page_asks_no_other_server_for_anything(open_page, address):
    page = open_page()
    expect(page.locator("#status")).to_contain_text("parameters", timeout=PATIENCE)
    page.wait_for_load_state("load")
    assert [url for url in page.requested if not url.startswith((address, "data:", "blob:"))] == []
    assert page.complaints == []


def test_an_example_is_hung_on_the_wall_with_one_tap(open_page):
    page = open_page()
    page.locator("#examples button").first.click()
    page.locator("#picture img").wait_for()
    expect(page.get_by_role("button", name="Try again")).to_be_disabled()


def test_a_file_that_is_no_picture_gets_a_sentence(open_page, tmp_path):
    page, wrong = open_page(), tmp_path / "notes.jpg"
    wrong.write_text("this is no picture")
    page.locator("#picture input[type=file]").set_input_files(wrong)
    expect(page.locator("#notice")).to_contain_text("not a JPEG, PNG, WebP or GIF picture")
    expect(page.locator("#picture img")).to_have_count(0)


def test_a_question_without_a_picture_gets_a_sentence(open_page):
    page = open_page()
    page.get_by_role("button", name="A title").click()
    expect(page.locator("#notice")).to_have_text(re.compile("Choose a picture first"))
    expect(answers(page)).to_have_count(0)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_nothing_sticks_out_of_the_window(open_page, picture_file, width, height, color_scheme):
    page = open_page(width, height, color_scheme)
    upload(page, picture_file)
    page.screenshot(path=SCREENSHOTS / f"{width}-{color_scheme}.png", full_page=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    for part in ("#picture", "#chat", "#question", "#actions", "#presets"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, part
