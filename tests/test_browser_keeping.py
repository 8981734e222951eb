"""Keeping a talk, comparing two models and several pictures, in a real browser, with the embedded model behind it."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from test_browser import (
    DESK,
    PHONE,
    SCREENSHOTS,
    browser,
    everywhere,
    leave_for,
    open_page,
    picture_file,
    screen,
    upload,
    wait_until_answered,
)

from artgpt4.export import from_json
from artgpt4.votes import read_votes
from benchmarks.browser import running_app

pytestmark = pytest.mark.browser

__all__ = ["browser", "open_page", "picture_file", "screen"]  # fixtures


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def address(tmp_path_factory, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTGPT4_DATA", str(data))
        with running_app(tmp_path_factory.mktemp("app") / "app.log") as address:
            yield address


def ask(page, question, rounds):
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")
    wait_until_answered(page, rounds)


def assert_accessible(page):
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"][:5]]) for v in found] == []


def said(page):
    return [text.strip() for text in page.locator("#chat [data-testid=bot]").all_inner_texts()]


@everywhere
def test_a_talk_is_downloaded_linked_and_gone_on_with(open_page, picture_file, address, tmp_path, screen):
    page, say = open_page(), screen.say
    upload(page, picture_file)
    ask(page, "What does this picture make you feel?", 1)
    page.get_by_role("button", name=say("Keep this talk")).click()

    for label, suffix in (("a web page", "html"), ("Markdown", "md"), ("JSON", "json")):
        with page.expect_download() as download:
            page.get_by_role("button", name=say(f"Download as {label}")).click()
        assert download.value.suggested_filename.endswith(f".{suffix}")
        download.value.save_as(tmp_path / f"talk.{suffix}")
    (exchange,) = from_json((tmp_path / "talk.json").read_text()).exchanges
    assert [exchange.answer] == said(page)
    alone = page.context.new_page()
    alone.requested = []
    alone.on("request", lambda request: alone.requested.append(request.url.partition(":")[0]))
    alone.goto((tmp_path / "talk.html").as_uri())
    expect(alone.locator("main")).to_contain_text(exchange.answer)
    assert alone.locator("img").evaluate("picture => picture.naturalWidth") == 640
    assert set(alone.requested) <= {"file", "data"}

    page.get_by_role("button", name=say("Make a read-only link")).click()
    expect(page.get_by_label(say("Link to read it"))).to_have_value(re.compile(f"^{address}s/"))
    assert page.evaluate("document.scrollingElement.scrollWidth") <= screen.width
    page.screenshot(path=SCREENSHOTS / f"keeping-{screen.width}.png", full_page=True)
    assert_accessible(page)
    labels = ("Link to read it", "To withdraw it, open this one: keep it to yourself")
    link, withdraw = (page.get_by_label(say(label)).input_value() for label in labels)
    reader = page.context.new_page()
    reader.goto(link)
    expect(reader.locator("main")).to_contain_text(exchange.answer)
    assert reader.evaluate("document.scrollingElement.scrollWidth") <= screen.width
    reader.screenshot(path=SCREENSHOTS / f"frozen-{screen.width}.png", full_page=True)
    reader.goto(withdraw)
    reader.get_by_role("button", name=say("Withdraw the link")).click()
    reader.get_by_text(say("Nobody can open the link any more.")).wait_for()
    assert reader.goto(link).status == 404

    page.get_by_label(say("Let me go on with it another day, in this browser (kept on the server for 30 days)")).check()
    kept = say("Your talk and its picture are kept on the server for {days} days, for this browser only.", days=30)
    expect(page.locator("#keeping-notice")).to_contain_text(kept)
    stored = page.evaluate("JSON.stringify(localStorage)")
    assert exchange.answer not in stored and "feel" not in json.loads(stored)["artgpt4-talk"]
    before = said(page)
    leave_for(page, address)
    page.get_by_role("button", name=say("Go on with it")).click()
    expect(page.locator("#chat [data-testid=bot]")).to_have_count(1)
    page.locator("#picture img").wait_for()
    assert said(page) == before
    ask(page, "What colours do you see?", 2)
    assert said(page)[:1] == before
    leave_for(page, address)
    page.get_by_role("button", name=say("Forget it")).click()
    expect(page.get_by_role("button", name=say("Go on with it"))).to_be_hidden()
    leave_for(page, address)
    page.get_by_label(say("Your question")).wait_for()
    expect(page.get_by_role("button", name=say("Go on with it"))).to_be_hidden()
    assert page.complaints == []


@everywhere
def test_two_models_are_compared_blind(open_page, address, data, screen):
    page, say = open_page(), screen.say
    leave_for(page, f"{address}compare")
    # The last thing that an opened page does: by then it speaks its language.
    expect(page.get_by_label(say("Question to both"))).to_be_visible()
    expect(page.locator(".nav-holder")).to_contain_text(say("Compare"))
    page.locator("#compare-examples button").first.click()
    page.locator("#compare-picture img").wait_for()
    tie = page.get_by_role("button", name=say("A tie"))
    expect(tie).to_be_disabled()
    page.get_by_role("button", name=say("In short")).click()
    expect(tie).to_be_enabled()
    for label in ("Answer A", "Answer B"):
        assert page.get_by_label(say(label)).input_value()
    assert "adapter" not in page.locator("#contest").inner_text()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= screen.width
    page.screenshot(path=SCREENSHOTS / f"compare-{screen.width}.png", full_page=True)
    assert_accessible(page)
    votes = len(read_votes(data / "votes.jsonl"))
    tie.click()
    expect(page.locator("#compare-notice")).to_contain_text("without its adapter")
    expect(page.locator("#compare-notice")).to_contain_text(say("Thank you, your vote is counted."))
    expect(tie).to_be_disabled()
    *_, vote = read_votes(data / "votes.jsonl")
    assert len(read_votes(data / "votes.jsonl")) == votes + 1
    assert {vote.left, vote.right} == {"mini", "mini without its adapter"}
    assert (vote.choice, vote.instruction, vote.example) == ("tie", "In short", "autumn-tree")
    page.locator("#language").click()
    other = PHONE if screen == DESK else DESK
    title = {DESK: "One question to two models", PHONE: "同一个问题问两个模型"}
    expect(page.locator("#title")).to_contain_text(title[other])
    assert page.complaints == []


@everywhere
def test_a_second_picture_is_asked_about_and_each_is_weighed_alone(open_page, picture_file, screen):
    page, say = open_page(), screen.say
    upload(page, picture_file)
    page.get_by_role("button", name=say("Further pictures")).click()
    page.locator("#another input[type=file]").set_input_files(picture_file)
    expect(page.locator("#several-table tbody tr")).to_have_count(9)
    expect(page.locator("#several-notice")).to_contain_text(say("The next question is about all of them."))
    shares = page.locator("#several-table tbody td").all_inner_texts()
    assert [row[1] for row in zip(*[iter(shares)] * 3, strict=True)] == [
        row[2] for row in zip(*[iter(shares)] * 3, strict=True)
    ]
    ask(page, "Which is sadder?", 1)
    page.screenshot(path=SCREENSHOTS / f"several-{screen.width}.png", full_page=True)
    page.locator("#actions").get_by_role("button", name=say("Clear")).click()
    expect(page.locator("#several-table tbody tr")).to_have_count(0)
    assert page.complaints == []
