"""A study's way through real browsers: the organiser makes it, three artists rate it at once, the table is right."""

import csv
import io
import json
import re
import shutil
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import mean

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from artgpt4.ratings import models, organise, rate
from artgpt4.ratings.database import open_database, read
from artgpt4.ratings.study import study_from
from benchmarks.browser import chromium, running_app

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).with_name("screenshots")
EXAMPLES = Path(__file__).parents[1] / "examples"
KEY = "the-organisers-key-in-tests"
#: Milliseconds that any one thing may take, on a machine that has much else to do.
PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)

PICTURES = ("dawn", "noon", "night")
SYSTEMS = ("ours", "theirs")
AXES = ("IDC", "ISAC", "ICRC", "MDIUC")
ARTISTS = ("Ann", "Ben", "Cleo")
SAVED = re.compile(r"^Saved \d\d:\d\d:\d\d$")


def score(artist, picture, system, axis):
    """What this artist thinks of that answer: each of 0 to 5 occurs, and no two systems or rubrics are alike."""
    places = (ARTISTS.index(artist), PICTURES.index(picture), SYSTEMS.index(system), AXES.index(axis))
    return (3 * places[0] + 5 * places[1] + places[2] * (2 + places[3]) + places[3] * places[1]) % 6


def means_of(system):
    """By hand: the mean score on each axis."""
    return [mean(score(artist, picture, system, axis) for artist in ARTISTS for picture in PICTURES) for axis in AXES]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('database')}/ratings.sqlite3"


@pytest.fixture(scope="module")
def address(tmp_path_factory, database):
    folder = tmp_path_factory.mktemp("ratings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTGPT4_DATABASE_URL", database)
        patch.setenv("ARTGPT4_ORGANISER_KEY", KEY)
        with running_app(folder / "app.log") as address:
            yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@contextmanager
def windows(browser, complaints):
    """Gives what opens a window with cookies of its own, as on a device of its own; it keeps what they complain of."""
    contexts = []

    def open_window(width=1280, height=800, **more) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.complaints = complaints
        context.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()


@pytest.fixture
def open_window(browser):
    with windows(browser, []) as open_window:
        yield open_window


@pytest.fixture(scope="module")
def picture_files(tmp_path_factory):
    """Three of the examples: of pictures that show nothing, the model says the same of two."""
    folder = tmp_path_factory.mktemp("pictures")
    shown = zip(PICTURES, ("sunset-boats", "flowers-on-a-table", "starry-village"), strict=True)
    return [Path(shutil.copy(EXAMPLES / f"{example}.jpg", folder / f"{name}.jpg")) for name, example in shown]


def make_study(page: Page, address: str, pictures, predictions) -> dict[str, tuple[str, str]]:
    """Makes and opens the study, and gives (picture, system) by answer."""
    page.goto(f"{address}organise/key/{KEY}")
    page.get_by_role("link", name="New study").click()
    page.get_by_label("Title", exact=True).fill("What do the answers see?")
    page.get_by_label("Your own", exact=True).set_input_files(pictures)
    page.get_by_role("button", name="What is in it?").click()
    page.locator("[name=system_without]").uncheck()
    page.locator("[name=name_with]").fill("ours")
    page.get_by_label("A file of predictions (JSONL)").set_input_files(predictions)
    page.get_by_role("button", name="Make the study").dblclick()
    page.get_by_role("button", name="Make the missing answers").click()
    expect(page.get_by_text("All 6 answers are there.")).to_be_visible()
    page.get_by_role("link", name="Answers").click()
    said = {}
    for article in page.locator("article").all():
        for card in article.locator(".card").all():
            system = card.locator("h3").inner_text()
            said[card.locator("p.typed").text_content()] = (article.locator("img").get_attribute("alt"), system)
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("Nobody has begun yet.")).to_be_visible()
    assert set(said.values()) == set(product(PICTURES, SYSTEMS)), said
    return said


def make_links(page: Page) -> list[str]:
    page.get_by_role("link", name="Links").click()
    page.get_by_label("For whom").fill("\n".join(ARTISTS))
    page.get_by_role("button", name="Make links").click()
    expect(page.locator("#made")).to_have_value(re.compile("http"))  # the page's script makes whole addresses of them
    lines = page.locator("#made").input_value().splitlines()
    assert [line.split(": ")[0] for line in lines] == list(ARTISTS)
    return [line.split(": ", 1)[1] for line in lines]


def begin(page: Page, link: str, pseudonym: str) -> str:
    page.goto(link)
    page.get_by_label("A pseudonym").fill(pseudonym)
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Begin").click()
    code = page.locator("#code").inner_text()
    page.get_by_role("link", name="To the first picture").click()
    page.locator("#item").wait_for()
    return code


def place(page: Page) -> int:
    return int(page.locator("#item").get_attribute("data-position"))


def to_give(page: Page, artist: str, said: dict) -> list[int]:
    expect(page.locator("#next")).to_be_enabled()  # the page's script is there
    picture, system = said[page.locator(".answer").text_content()]
    return [score(artist, picture, system, axis) for axis in AXES]


def go_on(page: Page, before: int) -> None:
    expect(page.locator(f"#item[data-position='{before}']")).to_have_count(0)


def rate_by_keys(page: Page, artist: str, said: dict) -> None:
    before = place(page)
    for value in to_give(page, artist, said):
        page.keyboard.press(str(value))
    expect(page.locator("#status")).to_have_text(SAVED)
    page.keyboard.press("Enter")
    go_on(page, before)


def rate_by_taps(page: Page, artist: str, said: dict) -> None:
    before = place(page)
    for axis, value in zip(AXES, to_give(page, artist, said), strict=True):
        page.locator(f"fieldset[data-field={axis}] label").nth(value).tap()
    expect(page.locator("#status")).to_have_text(SAVED)
    page.locator("#next").tap()
    go_on(page, before)


def rate_by_double_clicks(tabs: list[Page], artist: str, said: dict) -> None:
    """Half of the scores in one tab, the other half in another, then the first has them all."""
    first, second = tabs
    before, values = place(first), to_give(first, artist, said)
    second.goto(first.url)
    for tab, axes in ((first, (0, 1)), (second, (2, 3))):
        for axis in axes:
            tab.locator(f"fieldset[data-field={AXES[axis]}] label").nth(values[axis]).dblclick()
        expect(tab.locator("#status")).to_have_text(SAVED)
    first.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when one comes back to a tab
    for axis, value in zip(AXES, values, strict=True):
        expect(first.locator(f"fieldset[data-field={axis}] input").nth(value)).to_be_checked()
    first.locator("#next").dblclick()
    go_on(first, before)


def in_a_browser_of_their_own(way, address: str, link: str, said: dict, at_the_same_time: threading.Barrier) -> list:
    """Goes one artist's way, in this thread, with a browser that no other artist waits for; gives its complaints."""
    complaints = []
    try:
        with chromium() as browser, windows(browser, complaints) as open_window:
            way(open_window, address, link, said, at_the_same_time)
    except BaseException:
        at_the_same_time.abort()  # or the others would wait for somebody who will not come
        raise
    return complaints


def ann_rates(open_window, address, link, said, at_the_same_time):
    """By keys; after half of it she closes everything, and goes on at another device."""
    page = open_window()
    code = begin(page, link, "Ann")
    at_the_same_time.wait()
    for number in range(1, 7):
        if number == 4:
            page.context.close()
            at_the_same_time.wait()
            page = open_window(820, 1180)
            page.goto(f"{address}rate/")
            page.get_by_label("Resume code").fill(code.lower())
            page.get_by_role("button", name="Go on").click()
            page.locator("#item").wait_for()
        assert place(page) == number
        rate_by_keys(page, "Ann", said)
    expect(page.get_by_role("heading", name="All done. Thank you!")).to_be_visible()


def ben_rates(open_window, address, link, said, at_the_same_time):
    """On a phone, by taps."""
    page = open_window(390, 844, has_touch=True, is_mobile=True)
    begin(page, link, "Ben")
    at_the_same_time.wait()
    for number in range(1, 7):
        if number == 4:
            at_the_same_time.wait()
        expect(page.locator(".where a")).to_have_text(f"{number} of 6")
        rate_by_taps(page, "Ben", said)
    expect(page.get_by_role("heading", name="All done. Thank you!")).to_be_visible()


def cleo_rates(open_window, address, link, said, at_the_same_time):
    """With two tabs, double-clicking everything."""
    page = open_window()
    begin(page, link, "Cleo")
    tabs = [page, page.context.new_page()]
    at_the_same_time.wait()
    for number in range(1, 7):
        if number == 4:
            at_the_same_time.wait()
        assert place(page) == number
        rate_by_double_clicks(tabs, "Cleo", said)
    expect(page.get_by_role("heading", name="All done. Thank you!")).to_be_visible()


def test_three_artists_rate_at_once_and_the_table_is_the_one_computed_by_hand(
    open_window, address, picture_files, tmp_path
):
    predictions = tmp_path / "theirs.jsonl"
    lines = [json.dumps({"id": name, "answers": [f"It is {name}, and <b>all</b> is calm."]}) for name in PICTURES]
    predictions.write_text("\n".join(lines))
    organiser = open_window()
    said = make_study(organiser, address, picture_files, predictions)
    links = make_links(organiser)

    at_the_same_time = threading.Barrier(len(ARTISTS), timeout=PATIENCE / 1000)
    with ThreadPoolExecutor(len(ARTISTS)) as people:
        rating = [
            people.submit(in_a_browser_of_their_own, way, address, link, said, at_the_same_time)
            for way, link in zip((ann_rates, ben_rates, cleo_rates), links, strict=True)
        ]
    assert [one.result() for one in rating] == [[], [], []]  # what their browsers complained of

    organiser.get_by_role("link", name="Overview").click()
    expect(organiser.locator("#live .badge.finished")).to_have_count(3)
    with organiser.expect_download() as download:
        organiser.get_by_role("link", name="Export").click()
    archive = zipfile.ZipFile(download.value.path())
    files = {name.split("/", 1)[1]: archive.read(name).decode("utf-8-sig") for name in archive.namelist() if "." in name
             and not name.endswith(".jpg")}  # fmt: skip

    rows = list(csv.DictReader(io.StringIO(files["scores.csv"])))
    exported = {(row["rater"], row["item"], row["system"], row["axis"]): int(row["value"]) for row in rows}
    assert exported == {all_of: score(*all_of) for all_of in product(ARTISTS, PICTURES, SYSTEMS, AXES)}
    assert len(rows) == 72 and {row["revisions"] for row in rows} == {"1"}  # no double click said anything twice

    for system in SYSTEMS:
        means = means_of(system)
        line = next(line for line in files["results.md"].splitlines() if line.startswith(f"| {system} |"))
        cells = [float(re.match(r"-?[\d.]+", cell.strip())[0]) for cell in line.strip("| ").split("|")[1:]]
        by_hand = [figure for one in means for figure in (3 * one, one)] + [mean(means)]
        assert cells == pytest.approx(by_hand, abs=0.005)
    shown = organiser.locator("#live table").last
    expect(shown.get_by_role("row").filter(has_text="ours")).to_contain_text(f"{mean(means_of('ours')):.2f}")
    assert organiser.context.complaints == []


@pytest.fixture
def opened(database, picture_files):
    """The database's engine, with an open study of two systems in it, and a link to that."""
    engine = open_database(database)
    content = {"title": "A study", "about": "We ask.", "consent": "I agree.", "rounds": ["What is in it?"]}
    content["items"] = [str(path) for path in picture_files]
    long = "Long_words_without_a_space_" * 8
    content["systems"] = [{"name": name, "answers": {p: [f"{name} {p} {long}"] for p in PICTURES}} for name in SYSTEMS]
    study = organise.create_study(engine, study_from(content))
    organise.set_status(engine, study, "open")
    yield engine, study, organise.create_link(engine, study).token
    engine.dispose()


def scores_of(engine, study) -> list[tuple[str, int]]:
    """Every revision of every score in the order in which they were saved."""
    query = select(models.Mark.field, models.Mark.value).join(models.Rater, models.Rater.id == models.Mark.rater_id)
    query = query.where(models.Rater.study_id == study).order_by(models.Mark.id)
    return read(engine, lambda session: [tuple(row) for row in session.execute(query)])


def test_the_artist_sees_the_truth_and_loses_nothing(open_window, address, opened):
    engine, study, token = opened
    page = open_window()
    begin(page, f"{address}rate/link/{token}", "Viola")
    status, levels = page.locator("#status"), page.locator("fieldset[data-field=IDC] label")
    expect(page.locator("#next")).to_be_enabled()

    page.context.set_offline(True)
    levels.nth(1).click()
    expect(status).to_contain_text("Not saved: the server cannot be reached.")
    levels.nth(2).click()  # another mind meanwhile
    assert scores_of(engine, study) == []
    page.context.set_offline(False)
    expect(status).to_have_text(SAVED)
    assert scores_of(engine, study)[-1] == ("IDC", 2)
    before = scores_of(engine, study)

    organise.set_status(engine, study, "paused")
    levels.nth(3).click()
    expect(status).to_have_text(re.compile("Not saved. This study is paused"))
    page.locator("#next").click()
    assert place(page) == 1 and scores_of(engine, study) == before
    organise.set_status(engine, study, "open")
    page.get_by_role("button", name="Try again").click()
    expect(status).to_have_text(SAVED)
    assert scores_of(engine, study) == [*before, ("IDC", 3)]

    held = []  # the page is there, and its script not yet
    page.route("**/artist.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    levels.nth(4).click()
    expect(page.locator("#next")).to_be_disabled()
    held[0].continue_()
    expect(status).to_have_text(SAVED)
    assert scores_of(engine, study)[-1] == ("IDC", 4)


def test_no_tap_on_the_form_of_a_new_study_is_lost_before_its_script_is_there(open_window, address):
    page = open_window()
    page.goto(f"{address}organise/key/{KEY}")
    held = []
    page.route("**/organiser.js", lambda route: held.append(route))
    page.goto(f"{address}organise/new", wait_until="commit")
    suggestion, make = (page.get_by_role("button", name=name) for name in ("What is in it?", "Make the study"))
    expect(suggestion).to_be_disabled()
    expect(make).to_be_disabled()
    page.get_by_label("Title", exact=True).fill("Typed before the script")
    page.get_by_label("Title", exact=True).press("Enter")  # as a tap on the button
    assert held and page.url.endswith("/organise/new")
    held[0].continue_()
    suggestion.click()
    expect(page.locator("#rounds")).not_to_have_value("")
    expect(page.get_by_label("Title", exact=True)).to_have_value("Typed before the script")
    make.click()
    expect(page.locator("#trouble li").first).to_be_visible()  # no picture, for one; what was typed stays
    expect(page.get_by_label("Title", exact=True)).to_have_value("Typed before the script")


@pytest.mark.parametrize("width, color_scheme", [(1280, "light"), (390, "dark")])
def test_nothing_sticks_out_of_the_window(open_window, address, opened, width, color_scheme):
    page, (engine, study, token) = open_window(width, color_scheme=color_scheme), opened
    for number in range(2):  # for the results
        session = rate.enter(engine, token, "", True).session
        for position, axis in product(range(1, 7), AXES):
            value = (position + number * len(axis)) % 6
            rate.save_score(engine, session, position, axis, value, f"{width}-{number}-{position}-{axis}")
    shown = []

    def look(name):
        page.screenshot(path=SCREENSHOTS / f"rating-{name}-{width}-{color_scheme}.png", full_page=True)
        shown.append((name, page.evaluate("document.scrollingElement.scrollWidth") <= width))

    page.goto(f"{address}rate/link/{token}")
    look("invitation")
    begin(page, f"{address}rate/link/{token}", "")
    look("item")
    page.locator("#zoom").click()
    look("zoom")
    page.locator("#close").click()
    page.locator(".where a").click()
    page.locator(".places").wait_for()
    look("overview")
    page.goto(f"{address}organise/key/{KEY}")
    for name in ("new", f"{study}/", f"{study}/answers", f"{study}/links", f"{study}/results"):
        page.goto(f"{address}organise/{name}")
        look(name.strip("/").split("/")[-1])
    assert [name for name, fits in shown if not fits] == []
