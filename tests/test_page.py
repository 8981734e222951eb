"""What the page shows beside an answer, in which words, and what a visitor can do with the talk."""

import ast
import base64
import io
import re
import string
from concurrent.futures import Future
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fake_model import FakeModel
from PIL import Image

import artgpt4
from artgpt4.chat import ENDS, LEFT_OUT, ChatError, Round
from artgpt4.compare import CompareError
from artgpt4.emotions import EMOTIONS
from artgpt4.images import PictureError
from artgpt4.palette import SHADES, Swatch, colour_name, picture_colours, spoken_palette
from artgpt4.presets import PRESETS
from artgpt4.ui import panel, view
from artgpt4.ui.compare import add_compare_page
from artgpt4.ui.errors import sentence
from artgpt4.ui.page import build_page
from artgpt4.ui.visitor import Visitor, VisitorError
from artgpt4.ui.webpage import find_page
from artgpt4.ui.words import CHINESE, describe, say

PACKAGE = Path(artgpt4.__file__).parent
#: What a model, or somebody who writes into its picture, might want the page to do.
PAYLOADS = [
    "<html><script>parent.alert(1)</script></html>",
    '<html>"></iframe><script>alert(1)</script></html>',
    "<html>'></iframe><img src=x onerror=alert(1)></html>",
    "<!DOCTYPE html><html><meta http-equiv=refresh content='0;url=https://example.org'></html>",
    "<html>${alert(1)}{{constructor}}`</html>",
    "```html\n</code></pre><script>alert(1)</script>\n```",
]


class Elements(HTMLParser):
    """The elements of some HTML, as a browser would find them, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def named(self, tag):
        return [attributes for found, attributes in self.found if found == tag]


def loaded(model):
    future = Future()
    future.set_result(model)
    return future


@pytest.fixture
def model():
    return FakeModel()


@pytest.fixture
def visitor(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), "teal").save(path)
    visitor = Visitor()
    visitor.show(str(path))
    return visitor


def say_it(visitor, model):
    return list(visitor.answer(loaded(model), {}))


def ask(visitor, model, question):
    visitor.request(question)
    say_it(visitor, model)


# Words


def literals(path, names):
    """The first arguments, where they are plain texts, of every call in a file to a function of one of these names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in names and isinstance(node.args[0].value, str):
                yield node.args[0].value


def test_whatever_the_page_says_it_can_say_in_chinese():
    said = {text for path in (PACKAGE / "ui").glob("*.py") for text in literals(path, ("say", "VisitorError"))}
    said |= set(literals(PACKAGE / "export.py", ("say",))) | {LEFT_OUT, *ENDS.values()}
    said |= {text for preset in PRESETS for text in (preset.label, preset.group)} | set(EMOTIONS)
    said |= set(re.findall(r'say\("([^"]+)"\)', (PACKAGE / "ui" / "page.js").read_text(encoding="utf-8")))
    assert len(said) > 60
    assert said - set(CHINESE) == set()


def test_whatever_stands_on_the_page_at_the_start_is_in_chinese_too():
    page = build_page(Future(), "mini")
    add_compare_page(page, Future(), None, [], Path("votes.jsonl"))
    stands = {
        getattr(block, prop)
        for block in page.blocks.values()
        for prop in ("label", "value", "placeholder", "info", "alt_text")
        if isinstance(getattr(block, prop, None), str) and getattr(block, prop)
    }
    own = {text for text in stands if text not in CHINESE and not text.startswith("**mini**")}
    assert own <= {"Chatbot", "Textbox", "Button", "HTML", "Markdown", "State"}, own


def test_what_the_embedded_model_says_of_itself_is_in_chinese_too():
    own = artgpt4.load("mini").description
    assert describe(own, "en") == own and describe("Another model.", "zh") == "Another model."
    millions = float(re.search(r"A toy of ([\d.]+) million parameters", own)[1])
    assert describe(own, "zh").startswith(f"一个 {100 * millions:,.0f} 万参数的玩具模型")
    assert describe("LLaVA of 7.1 billion parameters, with lora.", "zh") == "LLaVA，71 亿参数，带 lora。"


def test_every_error_of_a_visitor_is_in_chinese():
    for module, kind in (
        ("images.py", PictureError),
        ("compare.py", CompareError),
        *((module, ChatError) for module in ("chat.py", "elsewhere.py", "openai.py", "service.py")),
    ):
        codes = set(literals(PACKAGE / module, (kind.__name__,)))
        assert codes and {f"{kind.__name__}.{code}" for code in codes} <= set(CHINESE)


@pytest.mark.parametrize("english", [text for text in CHINESE if "{" in text])
def test_both_languages_have_the_same_fields(english):
    def fields(text):
        return {field for _, field, _, _ in string.Formatter().parse(text) if field}

    assert fields(english) == fields(CHINESE[english])


# Errors


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_error_of_the_server_shows_a_number_that_is_in_the_log_and_nothing_else(caplog, language):
    told = sentence(RuntimeError("at 0x7f00 in /home/somebody/secret.py"), language)
    number = re.search(r"[0-9a-f]{6}", told)[0]
    assert "secret" not in told and "0x" not in told
    assert number in caplog.text and "secret.py" in caplog.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_too_little_memory_is_told_with_what_to_do_and_a_number(caplog, language):
    told = sentence(ChatError("out_of_memory", "There is not enough memory on cpu. Start a new one."), language)
    assert ("memory" if language == "en" else "内存") in told
    assert re.search(r"[0-9a-f]{6}", told)[0] in caplog.text


def test_a_visitors_own_mistake_is_told_in_their_language_and_not_logged(caplog):
    error = PictureError("empty", "This file is empty. Choose a JPEG, PNG, WebP or GIF picture.")
    assert sentence(error, "en") == str(error)
    assert sentence(error, "zh") == CHINESE["PictureError.empty"]
    assert caplog.text == ""


def test_a_cut_answer_and_a_full_context_are_told():
    cut = Round("Why?", "So", end="length", left_out=2)
    assert view.notice(cut, "en") == cut.notice
    assert "left out at its beginning: 2." in cut.notice and "cut off" in cut.notice
    assert "2" in view.notice(cut, "zh") and "截断" in view.notice(cut, "zh")
    assert view.notice(Round("Why?", "So"), "en") == "Stopped."
    assert view.notice(Round("Why?", "So", end="said"), "en") == ""


# Variants of the talk


def test_another_try_is_kept_beside_the_first(visitor, model):
    ask(visitor, model, "One")
    ask(visitor, model, "Two")
    model.words = lambda text, picture: ["Afresh"]
    visitor.request_again()
    say_it(visitor, model)
    assert visitor.rounds == [("One", "You asked: One"), ("Two", "Afresh")]
    visitor.switch(-1)
    assert visitor.rounds == [("One", "You asked: One"), ("Two", "You asked: Two")]
    ask(visitor, model, "Three")
    visitor.switch(1)
    assert visitor.rounds[-1] == ("Two", "Afresh")
    visitor.switch(1)
    assert [question for question, _ in visitor.rounds] == ["One", "Two", "Three"]


def test_an_edited_question_begins_a_variant_of_its_own(visitor, model):
    for question in ("One", "Two", "Three"):
        ask(visitor, model, question)
    visitor.request_edit(1, "Another two")
    say_it(visitor, model)
    assert [question for question, _ in visitor.rounds] == ["One", "Another two"]
    visitor.switch(1)
    assert [question for question, _ in visitor.rounds] == ["One", "Two", "Three"]
    assert (visitor.variant, len(visitor.variants)) == (0, 2)


def test_a_failed_try_loses_nothing(visitor, model):
    ask(visitor, model, "One")

    def fail(text, picture):
        raise RuntimeError

    model.words = fail
    visitor.request_again()
    with pytest.raises(RuntimeError):
        say_it(visitor, model)
    assert visitor.rounds == [("One", "You asked: One")]
    assert visitor.variants == [] and visitor.pending is None


@pytest.mark.parametrize("index", [-1, 1, 99])
def test_a_question_that_is_not_there_cannot_be_edited(visitor, model, index):
    ask(visitor, model, "One")
    with pytest.raises(VisitorError, match="no longer there"):
        visitor.request_edit(index, "Other")
    assert visitor.pending is None


def test_another_picture_leaves_no_variant_behind(visitor, model, tmp_path):
    ask(visitor, model, "One")
    visitor.request_again()
    say_it(visitor, model)
    visitor.clear()
    assert visitor.variants == [] and visitor.emotions is None


# Beside the answer


def test_the_chart_has_every_emotion_likeliest_first():
    chances = {emotion: (index + 1) / 45 for index, emotion in enumerate(EMOTIONS)}
    for language in ("en", "zh"):
        names = re.findall(r'<th scope="row">(.*?)</th>', panel.emotion_chart(chances, language))
        assert names == [say(emotion, language) for emotion in reversed(EMOTIONS)]


def test_every_word_and_sentence_can_be_chosen():
    text = 'A boat at sea. It is calm; "so calm!" And wide'
    buttons = Elements(panel.spans(text, "en", (0, len(text)))).named("button")
    chosen = [(b["class"], text[int(b["data-from"]) : int(b["data-to"])]) for b in buttons]
    assert chosen[0] == ("whole", text) and buttons[0]["aria-pressed"] == "true"
    assert [said for kind, said in chosen if kind == "word"] == text.split()
    assert [said for kind, said in chosen if kind == "sentence"] == [
        "A boat at sea.",
        'It is calm; "so calm!"',
        "And wide",
    ]


def test_the_veil_is_clear_where_the_model_looked_and_as_wide_as_the_picture():
    weights = np.zeros((4, 4))
    weights[0, 3] = 1
    (image,) = Elements(panel.veil(weights, (400, 200))).named("img")
    png = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
    alpha = np.array(Image.open(io.BytesIO(png)).getchannel("A"))
    assert alpha.shape == (160, 320)
    assert alpha[5, -5] < 60 and alpha[-5, 5] > 180


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><b>', "a & b"])
def test_an_answers_words_stay_words(text):
    found = Elements(panel.spans(text, "en", (0, 1)))
    assert {tag for tag, _ in found.found} <= {"div", "p", "button", "small"}
    assert Elements(panel.palette([Swatch(text, None, 0)], "en")).named("img") == []


# The web page in an answer


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_web_page_can_do_nothing(payload):
    shown = Elements(panel.web_page(f"Here it is: {payload}", "en"))
    assert {tag for tag, _ in shown.found} <= {"h2", "pre", "code", "p", "a", "details", "summary", "iframe", "small"}
    assert not [name for _, attributes in shown.found for name in attributes if name.startswith("on")]
    (frame,) = shown.named("iframe")
    assert frame["sandbox"] == ""
    (policy,) = Elements(frame["srcdoc"][: frame["srcdoc"].index(find_page(payload))]).named("meta")
    assert policy["http-equiv"] == "Content-Security-Policy" and policy["content"].startswith("default-src 'none'")
    assert find_page(payload) in frame["srcdoc"] and find_page(payload) in shown.text
    (link,) = shown.named("a")
    assert link["download"] == "page.html"
    assert base64.b64decode(link["href"].split("base64,")[1]).decode() == find_page(payload)


@pytest.mark.parametrize(
    "answer, page",
    [
        ("It is calm.", None),
        ("Less < more > least", None),
        ("So: <html><p>Hi</p></html> Enjoy.", "<html><p>Hi</p></html>"),
        ("<!DOCTYPE html>\n<HTML><p>Hi", "<!DOCTYPE html>\n<HTML><p>Hi"),
        ("```html\n<p>Hi</p>\n```\nEnjoy.", "<p>Hi</p>"),
    ],
)
def test_a_web_page_is_found_in_an_answer(answer, page):
    assert find_page(answer) == page
    assert bool(panel.web_page(answer, "en")) == (page is not None)


# Colours


def test_the_palette_is_what_the_answer_speaks_of_and_the_pixels_have():
    picture = Image.new("RGB", (60, 40), "#e02020")
    picture.paste("#2040d0", (0, 0, 60, 10))
    red, blue, green = spoken_palette("A Red sky over crimson fields, a blue sea and green hills; red again.", picture)
    assert (red.word, blue.word, green.word) == ("red", "blue", "green")
    assert red.share == pytest.approx(0.75, abs=0.03) and blue.share == pytest.approx(0.25, abs=0.03)
    assert colour_name(red.hex) == "red" and green == Swatch("green", None, 0)


def test_words_that_only_hold_a_colours_name_are_none():
    assert spoken_palette("It was reduced and bluish, redder than a greenhouse.", Image.new("RGB", (8, 8))) == []


def test_dark_grey_is_a_colour_of_its_own_and_grey_where_there_is_no_lighter_one():
    dark = Image.new("RGB", (40, 40), "#454545")
    both = dark.copy()
    both.paste("#aaaaaa", (0, 0, 10, 40))
    assert [(of.word, of.hex) for of in spoken_palette("Dark grey and grey.", both)] == [
        ("dark grey", "#454545"),
        ("grey", "#aaaaaa"),
    ]
    assert [of.hex for of in spoken_palette("It is grey.", dark)] == ["#454545"]


def test_every_shade_bears_its_own_name():
    assert {shade: colour_name(shade) for shades in SHADES.values() for shade in shades} == {
        shade: name for name, shades in SHADES.items() for shade in shades
    }


def test_a_pictures_colours_are_all_of_it():
    picture = Image.open(Path(__file__).parents[1] / "examples" / "sunset-boats.jpg").convert("RGB")
    assert sum(picture_colours(picture).values()) == pytest.approx(1)
