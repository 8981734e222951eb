"""A visitor's way through the page, in a real browser, with the embedded model behind it."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from artgpt4.ui import words
from artgpt4.ui.parameters import PARAMETERS
from benchmarks.browser import chromium, running_app

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).with_name("screenshots")
#: Milliseconds that any one thing may take, on a machine that has much else to do.
PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)


#: In either language.
AGAIN = re.compile("Try again|重新回答")


class Screen(NamedTuple):
    """Where a page is seen, and the language of the browser."""

    width: int
    height: int
    locale: str

    def say(self, text: str, **values) -> str:
        """`text` as the page says it there."""
        return words.say(text, "zh" if self.locale == "zh-CN" else "en", **values)


DESK, PHONE = Screen(1280, 800, "en-GB"), Screen(390, 844, "zh-CN")
#: A test of something that a visitor does: at a desk in English, and on a phone in Chinese.
everywhere = pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk-english", "phone-chinese"])


@pytest.fixture
def screen():
    return DESK


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with running_app(tmp_path_factory.mktemp("app") / "app.log") as address:
        yield address


@pytest.fixture(scope="module")
def slow_address(tmp_path_factory):
    """The app whose answers take a tenth of a second a token, and end only where they are made to."""
    with running_app(tmp_path_factory.mktemp("slow_app") / "app.log", script="tests/slow_app.py") as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser, address, screen, request):
    """Opens the page in a window of its own, and keeps what it asked for, complained about and showed in the end."""
    contexts = []

    def open_page(width=screen.width, height=screen.height, color_scheme="light", address=address):
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=color_scheme, locale=screen.locale)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address)
        page.locator("button.chip").first.wait_for()
        # The last thing that an opened page is told: by then it speaks its language.
        expect(page.locator("#status")).to_contain_text("cpu")
        return page

    yield open_page
    name = re.sub(r"[^\w-]+", "-", request.node.name.removeprefix("test_")).strip("-")
    for number, context in enumerate(contexts):
        for page in context.pages[:1]:
            page.screenshot(path=SCREENSHOTS / f"{name}{f'-{number}' if number else ''}.png", full_page=True)
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
    """Drops a picture in. It is on the page before the server has been told of it: that is waited for as well."""

    def tells_the_server(request):
        return request.url.endswith("/run/predict") and path.name in (request.post_data or "")

    with page.expect_request_finished(tells_the_server, timeout=PATIENCE):
        page.locator("#picture input[type=file]").set_input_files(path)
    page.locator("#picture img").wait_for()


def leave_for(page, address):
    """Leaves the page for another. Gradio aborts the requests that it has open then, and says so in the console.

    That the visitor cut them off is no fault of the page that is left; anything else that is complained of stays.
    """
    before = list(page.complaints)
    page.goto(address)
    of_leaving = ("AbortError: signal is aborted", "Connection errored out")
    since = page.complaints[len(before) :]
    page.complaints[:] = before + [said for said in since if not any(words in said for words in of_leaving)]


def answers(page):
    return page.locator("#chat [data-testid=bot]")


def open_parameters(page, say):
    """Opens the drawer, and waits until what is typed into it stays.

    Gradio gives the controls of a drawer their first values once more, a frame after the last of them has come.
    """
    page.get_by_role("button", name=say("Parameters")).click()
    expect(page.locator("#parameters input[type=number]")).to_have_count(len(PARAMETERS))
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def set_number(page, label, value):
    box = page.get_by_label(label).and_(page.locator("input[type=number]"))
    box.fill(str(value))
    box.press("Tab")


def ask_chip(page, label, instruction):
    """A first tap fills the box, a second sends what is in it."""
    chip, box = page.locator("button.chip", has_text=label), page.locator("#question textarea")
    chip.click()
    expect(box).to_have_value(instruction)
    chip.click()


def wait_until_answered(page, rounds):
    # In this order: an answer is on the page, as "…", from the moment that its question is.
    expect(answers(page)).to_have_count(rounds)
    expect(page.locator("#actions button").filter(has_text=AGAIN)).to_be_enabled()


@everywhere
def test_a_visitor_talks_about_a_picture(open_page, picture_file, screen):
    page, say = open_page(), screen.say
    expect(page.locator("#status")).to_contain_text(re.compile("parameters|参数"))
    expect(page.locator("#status")).to_contain_text("cpu")
    upload(page, picture_file)
    open_parameters(page, say)
    set_number(page, say("Longest answer"), 60)

    ask_chip(page, say("What does it make you feel?"), "What does this picture make you feel?")
    wait_until_answered(page, 1)
    assert page.locator("#chat [data-testid=user]").inner_text().strip() == "What does this picture make you feel?"
    first = answers(page).inner_text().strip()
    assert first not in ("", "…")
    page.screenshot(path=SCREENSHOTS / f"answer-{screen.width}.png")

    page.locator("#question textarea").fill("What colours do you see?")
    page.locator("#question textarea").press("Enter")
    expect(page.locator("#question textarea")).to_have_value("")
    wait_until_answered(page, 2)
    assert answers(page).first.inner_text().strip() == first
    assert answers(page).last.inner_text().strip() not in ("", "…")
    page.screenshot(path=SCREENSHOTS / f"parameters-{screen.width}.png", full_page=True)

    page.get_by_role("button", name=say("Undo")).click()
    expect(answers(page)).to_have_count(1)
    page.locator("#actions").get_by_role("button", name=say("Clear")).click()
    expect(answers(page)).to_have_count(0)
    assert page.complaints == []


@everywhere
def test_an_answer_streams_and_stop_ends_it_at_what_was_said(open_page, slow_address, picture_file, screen):
    page, say = open_page(address=slow_address), screen.say
    upload(page, picture_file)
    open_parameters(page, say)
    set_number(page, say("Longest answer"), 600)  # a minute of it
    page.locator("#question textarea").fill("Describe this picture.")
    page.locator("#question textarea").press("Enter")
    expect(answers(page)).to_have_text(re.compile(r"\w+"))
    page.locator("#question .stop-button").click()
    expect(page.locator("#notice")).to_have_text(say("Stopped."))
    wait_until_answered(page, 1)
    stopped = answers(page).inner_text().strip()
    assert stopped and len(stopped.split()) < 600

    set_number(page, say("Longest answer"), 20)
    page.get_by_role("button", name=say("Try again")).click()
    expect(page.locator("#notice")).to_contain_text(say("The answer was cut off at the greatest length allowed."))
    wait_until_answered(page, 1)
    assert page.complaints == []


def test_the_page_asks_no_other_server_for_anything(open_page, address):
    page = open_page()
    expect(page.locator("#status")).to_contain_text(re.compile("parameters|参数"))
    page.wait_for_load_state("load")
    assert [url for url in page.requested if not url.startswith((address, "data:", "blob:"))] == []
    assert page.complaints == []


@everywhere
def test_an_example_is_hung_on_the_wall_with_one_tap(open_page, screen):
    page = open_page()
    page.locator("#examples button").first.click()
    page.locator("#picture img").wait_for()
    expect(page.get_by_role("button", name=screen.say("Try again"))).to_be_disabled()


@everywhere
def test_a_file_that_is_no_picture_gets_a_sentence(open_page, tmp_path, screen):
    page, wrong = open_page(), tmp_path / "notes.jpg"
    wrong.write_text("this is no picture")
    page.locator("#picture input[type=file]").set_input_files(wrong)
    told = {DESK: "not a JPEG, PNG, WebP or GIF picture", PHONE: "这不是 JPEG、PNG、WebP 或 GIF 图片"}
    expect(page.locator("#notice")).to_contain_text(told[screen])
    expect(page.locator("#picture img")).to_have_count(0)


@everywhere
def test_a_question_without_a_picture_gets_a_sentence(open_page, screen):
    page = open_page()
    ask_chip(page, screen.say("A title"), "Give this picture a title.")
    expect(page.locator("#notice")).to_have_text(re.compile("Choose a picture first|请先选一幅图片"))
    expect(answers(page)).to_have_count(0)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width, height", [(1280, 800), (640, 400), (390, 844)])  # (640, 400): a zoom of 200 %
def test_nothing_sticks_out_of_the_window(open_page, picture_file, width, height, color_scheme):
    page = open_page(width, height, color_scheme)
    upload(page, picture_file)
    page.screenshot(path=SCREENSHOTS / f"{width}-{color_scheme}.png", full_page=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.locator("#masthead").bounding_box()["height"] < 300
    for part in ("#picture", "#chat", "#question", "#actions", "#presets"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, part


@everywhere
def test_what_stands_beside_an_answer(open_page, picture_file, screen):
    page = open_page(color_scheme="light" if screen == DESK else "dark")
    assert page.locator("html").get_attribute("lang") == ("en" if screen == DESK else "zh-CN")
    upload(page, picture_file)
    ask_chip(page, screen.say("Colours and light"), "Describe the colours and the light.")
    wait_until_answered(page, 1)
    expect(page.locator("#emotions tbody tr")).to_have_count(9)
    expect(page.locator("#about")).to_contain_text("mini")

    page.locator("#looked > button").click()
    veil = page.locator("#veil img")
    expect(veil).to_have_attribute("src", re.compile("^data:image/png;base64,"))
    page.wait_for_function("""() => {
        const [veil, picture] = ["#veil img", "#picture .image-frame img"].map((s) =>
            document.querySelector(s).getBoundingClientRect());
        return ["left", "top", "width", "height"].every((side) => Math.abs(veil[side] - picture[side]) < 1);
    }""")
    whole = veil.get_attribute("src")
    page.locator(".spans button.whole").focus()
    page.keyboard.press("ArrowRight")  # the first sentence
    page.keyboard.press("ArrowRight")  # its first word
    page.keyboard.press("Enter")
    expect(veil).not_to_have_attribute("src", whole)
    expect(page.locator(".spans button.word").first).to_have_attribute("aria-pressed", "true")
    page.screenshot(path=SCREENSHOTS / f"beside-{screen.width}.png", full_page=True)

    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"][:5]]) for v in found] == []
    assert page.complaints == []


@everywhere
def test_both_tries_are_kept_and_the_page_speaks_the_language_it_is_told(open_page, picture_file, screen):
    page, say = open_page(), screen.say
    upload(page, picture_file)
    ask_chip(page, say("A title"), "Give this picture a title.")
    wait_until_answered(page, 1)
    first = answers(page).inner_text()
    page.get_by_role("button", name=say("Try again")).click()
    variant = "Variant {variant} of {count}"
    expect(page.locator("#variant")).to_have_text(say(variant, variant=2, count=2))
    page.get_by_role("button", name=say("Previous variant")).click()
    expect(page.locator("#variant")).to_have_text(say(variant, variant=1, count=2))
    expect(answers(page)).to_have_text(first)

    other = PHONE if screen == DESK else DESK
    page.locator("#language").click()
    expect(page.locator("#actions")).to_contain_text(other.say("Try again"))
    expect(page.locator("#variant")).to_have_text(other.say(variant, variant=1, count=2))
    expect(answers(page)).to_have_text(first)
    assert page.locator("html").get_attribute("lang") == ("zh-CN" if other == PHONE else "en")
    page.reload()
    expect(page.locator("#presets")).to_contain_text(other.say("What is there"))


@everywhere
def test_the_picture_can_be_seen_larger(open_page, picture_file, screen):
    page = open_page()
    upload(page, picture_file)
    page.get_by_role("button", name=screen.say("Larger")).click()
    page.wait_for_function("(f => f.scrollWidth > 1.4 * f.clientWidth)(document.querySelector('#frame'))")
    page.get_by_role("button", name=screen.say("Whole picture")).click()
    page.wait_for_function("(f => f.scrollWidth <= f.clientWidth)(document.querySelector('#frame'))")


@everywhere
def test_examples_and_buttons_have_names(open_page, screen):
    page = open_page()
    page.get_by_role("button", name="Sunset boats").wait_for()
    page.get_by_role("button", name=screen.say("Send"), exact=True).wait_for()
    assert page.locator("#notice").get_attribute("aria-live") == "polite"
