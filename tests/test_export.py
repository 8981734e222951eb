"""What a conversation is exported as: complete, and nothing in it is ever more than text."""

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from artgpt4.export import POLICY, Exchange, Transcript, from_json, html_page, jpeg, to_html, to_json, to_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</p></main></body><iframe src=javascript:alert(1)>",
    "]( javascript:alert(1) ) [a](javascript:alert(1)) ![b](http://there/pixel.png)",
    "[picture-1]: http://there/pixel.png",
    "<!-- --> <![CDATA[ x ]]> &lt;b&gt; &amp; &#60;b&#62;",
    "${title} $body {{value}} ${alert(1)}",
    "# Heading\n- list\n1. first\n2) second\n> quote\n===\n---\n    code\n```\nfence\n```",
    "www.there.org http://there.org <http://there.org> somebody@there.org",
    "a | b\n--|--\n1 | 2",
    "*one* _two_ ~~three~~ `four` \\",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
]


def picture(colour="teal", size=(64, 48)):
    return jpeg(Image.new("RGB", size, colour))


def transcript(*texts, pictures=None):
    exchanges = tuple(Exchange(text, text) for text in texts or ("What is in it?",))
    return Transcript("mini", "2026-11-21T08:00:00+00:00", pictures or (picture(),), exchanges)


class Markup(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self.within = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.within.append(tag)

    def handle_data(self, data):
        if self.within[-1:] != ["style"]:
            self.text += data

    def handle_endtag(self, tag):
        self.within = [other for other in self.within if other != tag]


def shown(markdown):
    return Markup(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


def squeezed(text):
    return " ".join(text.split())


def test_json_brings_everything_back():
    there = transcript(*HOSTILE, pictures=(picture(), picture("red")))
    assert from_json(to_json(there)) == there
    assert json.loads(to_json(there))["exchanges"][0]["question"] == HOSTILE[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("model"),
        lambda data: data["exchanges"].append({"role": "user"}),
        lambda data: data["pictures"].append("http://there/pixel.png"),
        lambda data: data["pictures"].append("data:image/jpeg;base64,AAAA"),
        lambda data: data.update(pictures=3),
    ],
)
def test_what_is_no_transcript_is_refused(change):
    data = json.loads(to_json(transcript()))
    change(data)
    with pytest.raises(ValueError, match="no transcript"):
        from_json(json.dumps(data))


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_an_answer_is_text_on_the_page(text):
    harmless, page = Markup(to_html(transcript("Hello"))), Markup(to_html(transcript(text)))
    assert page.elements == harmless.elements
    assert page.text.count(text) == 2


@pytest.mark.parametrize("field", ["model", "time"])
def test_markup_in_what_is_told_about_the_talk_is_text(field):
    hostile = replace(transcript(), **{field: HOSTILE[0]})
    assert "script" not in [tag for tag, _ in Markup(to_html(hostile)).elements]
    assert [tag for tag, _ in shown(to_markdown(hostile)).elements] == [
        tag for tag, _ in shown(to_markdown(transcript())).elements
    ]


def test_a_page_has_no_script_and_a_policy_that_forbids_any():
    page = to_html(transcript())
    markup = Markup(page)
    assert {tag for tag, _ in markup.elements}.isdisjoint({"script", "link", "iframe", "object", "base", "form", "a"})
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}) in markup.elements
    assert "default-src 'none'" in POLICY and "unsafe" not in POLICY and "script-src" not in POLICY
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in POLICY
    sources = [attributes["src"] for tag, attributes in markup.elements if tag == "img"]
    assert sources and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "http:" not in page and "https:" not in page


def test_a_title_is_escaped():
    assert "<b>" not in html_page("<b>", "")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=80).filter(str.strip))
@example("1. one").via("a list")
@example("\\").via("an escape")
def test_any_answer_is_text_in_markdown(text):
    harmless, markup = shown(to_markdown(transcript("Hello"))), shown(to_markdown(transcript(text)))
    plain = [element for element in markup.elements if element[0] != "br"]
    assert plain == harmless.elements
    expected = squeezed(text.replace("\0", "\N{REPLACEMENT CHARACTER}")) or "(no answer)"
    assert expected in squeezed(markup.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_an_answer_is_text_in_markdown(text):
    harmless, markup = shown(to_markdown(transcript("Hello"))), shown(to_markdown(transcript(text)))
    assert [element for element in markup.elements if element[0] != "br"] == harmless.elements
    assert squeezed(markup.text).count(squeezed(text)) == 2


def test_plain_sentences_stay_readable_in_markdown():
    assert "\nIt evokes awe (mostly), and it is calm.\n" in to_markdown(
        transcript("It evokes awe (mostly), and it is calm.")
    )


def test_all_but_the_talk_itself_is_in_chinese_where_that_is_wanted():
    talk = replace(transcript(), exchanges=(Exchange("Why?", "", "已停止。"), Exchange("Who?", "A boat")))
    page, markdown = to_html(talk, "zh"), to_markdown(talk, "zh")
    shown_text = Markup(page).text + shown(markdown).text
    assert '<html lang="zh-CN">' in page
    # Of Latin letters there are only the talk's own, the model's name and the time zone.
    assert set(re.findall("[A-Za-z]+", shown_text)) <= {"Why", "Who", "A", "boat", "mini", "UTC"}
    assert "问题" in markdown and "回答" in markdown and shown_text.count("（没有回答）") == 2


def test_each_picture_stands_where_it_was_first_shown():
    talk = replace(
        transcript(pictures=(picture("red"), picture("blue"))),
        exchanges=(Exchange("One?", "Yes"), Exchange("Which is sadder?", "The second", pictures=2)),
    )
    for page in (to_html(talk), MarkdownIt("commonmark").render(to_markdown(talk))):
        assert page.count("<img") == 2
        assert page.index("<img") < page.index("One?") < page.rindex("<img") < page.index("Which is sadder?")


def test_an_exported_picture_is_small_and_has_no_metadata():
    large = Image.new("RGB", (3000, 2000), "red")
    exif = large.getexif()
    exif[0x010E] = "a studio"
    content = io.BytesIO()
    large.save(content, "JPEG", exif=exif, comment=b"a studio")
    exported = jpeg(Image.open(content))
    assert b"a studio" not in exported
    assert Image.open(io.BytesIO(exported)).size == (1024, 683)
