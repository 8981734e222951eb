"""The artist's and the organiser's pages over HTTP: what they do, and what they refuse to whom."""

import io
import json
import re
import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artgpt4.evaluation.rubrics import RUBRICS
from artgpt4.presets import PRESETS
from artgpt4.ratings import models, organise, results
from artgpt4.ratings.database import open_database, read
from artgpt4.ratings.export import export_study
from artgpt4.ratings.record import read_record
from artgpt4.ratings.spoken import QUESTIONS_IN, REASONS_IN, RUBRICS_IN, rubric_in
from artgpt4.ratings.study import study_from
from artgpt4.ui.pages import WORDS
from artgpt4.ui.ratings import delete_daily, rating_routes

KEY = "a-key-of-the-organiser's"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}"
AXES = ("IDC", "ISAC", "ICRC", "MDIUC")


def jpeg(colour="red", **more) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, "JPEG", **more)
    return content.getvalue()


def make_study(engine, title="A study", systems=("secretive", "mysterious"), calibrated=False, **more) -> int:
    items = [{"name": name, "picture": jpeg(name)} for name in ("red", "green", "blue")]
    content = {
        "title": title,
        "about": "Somebody asks.",
        "consent": "I agree.",
        "rounds": ["What is in it?"],
        "items": items,
        "systems": [
            {"name": system, "answers": {item["name"]: [f"Answer {i} to {item['name']}"] for item in items}}
            for i, system in enumerate(systems)
        ],
    }
    if calibrated:
        content["calibration"] = [
            {
                "name": "first",
                "picture": jpeg("white"),
                "answers": ["White."],
                "scores": dict.fromkeys(AXES, 3),
                "why": "It says too little.",
            }
        ]
    study = organise.create_study(engine, study_from(content | more))
    organise.set_status(engine, study, "open")
    return study


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTGPT4_DATABASE_URL", f"sqlite:///{tmp_path}/ratings.sqlite3")
    engine = open_database()
    yield engine
    engine.dispose()


def generate(engine, study, progress):
    """Makes the missing answers, in place of the models; a test may put another in its place."""
    missing = organise.missing_answers(engine, study)
    for number, (item, system) in enumerate(missing, start=1):
        organise.set_answer(engine, study, item, system, [f"Made for {item}"], {"by": "the test"})
        progress(number, len(missing))


@pytest.fixture
def browser(engine):
    """Opens browsers, each with cookies of its own, on one app."""
    app = Starlette(routes=rating_routes(KEY, "mini", generate=lambda *args, **more: generate(*args, **more)))
    clients = []

    def browser() -> TestClient:
        client = TestClient(app, headers={"Sec-Fetch-Site": "same-origin"}, raise_server_exceptions=False)
        clients.append(client)
        return client

    yield browser
    for client in clients:
        client.close()


class Artist:
    """An artist's browser."""

    def __init__(self, client: TestClient, token: str, pseudonym: str = ""):
        self.client, self.address = client, f"/rate/link/{token}"
        page = client.get(self.address)
        assert page.status_code == 200, page.text
        self.form = {"key": re.search(r'name="key" value="([^"]+)"', page.text)[1], "consent": "yes"}
        self.form["pseudonym"] = pseudonym
        self.code_page = client.post(self.address, data=self.form)
        assert self.code_page.status_code == 200, self.code_page.text
        self.code = re.search(r'<code id="code">([^<]+)<', self.code_page.text)[1]
        self.home = "/rate/" + re.search(r'href="\.\./(\w+)/"', self.code_page.text)[1]
        self.keys = 0

    def mark(self, field, value, position=1, key=None, **more):
        self.keys += 1
        body = json.dumps({"field": field, "value": value, "key": key or f"key-{id(self)}-{self.keys}"})
        headers = {"Accept": "application/json"} | more.pop("headers", {})
        return self.client.post(f"{self.home}/{position}/marks", content=body, headers=headers, **more)


@pytest.fixture
def enter(engine, browser):
    def enter(study=None, pseudonym="", **link):
        token = organise.create_link(engine, study or make_study(engine), **link).token
        return Artist(browser(), token, pseudonym)

    return enter


@pytest.fixture
def organiser(browser):
    client = browser()
    assert client.get(f"/organise/key/{KEY}").status_code == 200
    return client


def marks_in(engine) -> int:
    return read(engine, lambda session: session.scalar(select(func.count()).select_from(models.Mark)))


# The artist's way


def test_an_artist_rates_everything_and_the_page_says_so(enter):
    artist = enter()
    for position in range(1, 7):
        page = artist.client.get(f"{artist.home}/")
        assert page.url.path == f"{artist.home}/{position}"
        assert f"{position} of 6" in page.text and "What is in it?" in page.text
        for axis in AXES:
            saved = artist.mark(axis, 4, position)
            assert saved.status_code == 200, saved.text
        assert saved.json()["done"] == position and saved.json()["state"] == "done"
    page = artist.client.get(f"{artist.home}/")
    assert page.url.path == f"{artist.home}/overview" and "All done" in page.text


def test_no_page_names_a_system_or_what_it_is(enter, engine):
    artist = enter(make_study(engine, calibrated=True))
    seen = artist.code_page.text
    for position in range(1, 8):
        for address in (f"{position}", f"{position}/marks", "overview"):
            page = artist.client.get(f"{artist.home}/{address}")
            seen += page.text + str(page.headers)
    assert "secretive" not in seen and "mysterious" not in seen and "What is in it?" in seen


def test_scores_are_there_when_one_comes_back_and_on_another_device(enter, browser):
    artist = enter()
    artist.mark("IDC", 3)
    artist.mark("comment", "As if seen\nin a dream.")
    elsewhere = browser()
    page = elsewhere.post("/rate/resume", data={"code": artist.code.lower().replace("-", " ")})
    assert page.status_code == 200 and page.url.path.endswith("/1")
    assert re.search(r'name="IDC" value="3" checked', page.text) and "As if seen\nin a dream." in page.text
    back = artist.client.get(artist.address)
    assert "Welcome back" in back.text and f"../{artist.home.removeprefix('/rate/')}/" in back.text


def test_beginning_twice_with_one_form_is_beginning_once(enter, engine):
    artist = enter()
    again = artist.client.post(artist.address, data=artist.form)
    assert artist.code in again.text
    assert read(engine, lambda session: session.scalar(select(func.count()).select_from(models.Rater))) == 1


def test_a_mark_sent_twice_is_saved_once(enter, engine):
    artist = enter()
    first = artist.mark("IDC", 3, key="the-same-key")
    second = artist.mark("IDC", 3, key="the-same-key")
    assert first.json() == second.json() and marks_in(engine) == 1


def test_an_example_tells_what_it_should_have_got_only_once_it_is_scored(enter, engine):
    artist = enter(make_study(engine, calibrated=True))
    for axis in AXES[:-1]:
        artist.mark(axis, 1)
    assert "feedback" not in artist.client.get(f"{artist.home}/1/marks").json()
    assert "too little" not in artist.client.get(f"{artist.home}/1").text
    artist.mark(AXES[-1], 1)
    feedback = artist.client.get(f"{artist.home}/1/marks").json()["feedback"]
    assert feedback == {"expected": dict.fromkeys(AXES, 3), "why": "It says too little."}


def test_of_a_pair_the_better_one_is_said_and_why(enter, engine):
    artist = enter(make_study(engine, mode="pair"))
    page = artist.client.get(f"{artist.home}/1").text
    assert "First answer" in page and "Second answer" in page
    assert artist.mark("IDC", 3).status_code == 422
    assert artist.mark("better", "second").json()["state"] == "done"
    assert artist.mark("better", "both").status_code == 422
    assert re.search(r'value="second" checked', artist.client.get(f"{artist.home}/1").text)


def test_skipping_needs_a_reason_and_scoring_takes_it_back(enter):
    artist = enter()
    assert artist.mark("skip", "  ").status_code == 422
    assert artist.mark("skip", "I know it").json()["state"] == "skipped"
    assert "You skipped this one: I know it" in artist.client.get(f"{artist.home}/1").text
    for axis in AXES:
        state = artist.mark(axis, 2).json()["state"]
    assert state == "done"


def test_an_artist_can_delete_everything(enter, engine):
    artist = enter()
    artist.mark("IDC", 3)
    artist.client.post(f"{artist.home}/delete", data={})
    assert marks_in(engine) == 1  # the box was not ticked
    page = artist.client.post(f"{artist.home}/delete", data={"sure": "yes"})
    assert "deleted" in page.text and marks_in(engine) == 0
    assert artist.client.get(f"{artist.home}/1").status_code == 401


def test_leaving_forgets_the_session_here_and_keeps_the_scores(enter, engine):
    artist = enter()
    artist.mark("IDC", 3)
    assert artist.client.post(f"{artist.home}/leave").status_code == 200
    assert artist.client.get(f"{artist.home}/1").status_code == 401 and marks_in(engine) == 1
    assert artist.client.post("/rate/resume", data={"code": artist.code}).status_code == 200


@pytest.mark.parametrize("status, word", [("paused", "paused"), ("closed", "closed")])
def test_a_study_that_takes_no_scores_says_so_and_shows_what_was_given(enter, engine, status, word):
    study = make_study(engine)
    artist = enter(study)
    artist.mark("IDC", 3)
    organise.set_status(engine, study, status)
    refused = artist.mark("IDC", 4)
    assert refused.status_code == 409 and word in refused.json()["error"]
    page = artist.client.get(f"{artist.home}/1").text
    assert re.search(r'value="3" checked disabled', page) and marks_in(engine) == 1


def test_a_database_that_does_not_take_it_is_told_and_nothing_counts(enter, engine, tmp_path):
    artist = enter()
    artist.mark("IDC", 3)
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("DROP TABLE mark")
    refused = artist.mark("IDC", 4)
    assert refused.status_code == 503 and refused.json()["error"].startswith("Not saved.")


# Attacks


@pytest.mark.parametrize("value", [2.5, "3", 6, -1, None, True, [3], {"a": 3}, 10**30])
def test_what_is_no_score_is_refused(enter, engine, value):
    artist = enter()
    refused = artist.mark("IDC", value)
    assert refused.status_code == 422 and "whole number from 0 to 5" in refused.json()["error"]
    assert marks_in(engine) == 0


@pytest.mark.parametrize("body", ["NaN", '{"field": "IDC", "value": NaN}', "[]", "", "{", '"x"', "[" * 30000, "\xff"])
def test_what_is_no_json_object_is_refused(enter, engine, body):
    artist = enter()
    refused = artist.client.post(f"{artist.home}/1/marks", content=body.encode("latin-1"))
    assert refused.status_code == 400 and "traceback" not in refused.text.lower()
    assert marks_in(engine) == 0


@pytest.mark.parametrize("field", ["XXX", "", None, 3, "skip ", "better", "IDC' OR 1=1"])
def test_a_field_that_is_none_of_the_item_is_refused(enter, engine, field):
    assert enter().mark(field, 3).status_code == 422
    assert marks_in(engine) == 0


@pytest.mark.parametrize("key", [None, 3, "", "short", "x" * 41, "with space", "undo:1:abcdefgh"])
def test_a_key_that_is_none_is_refused(enter, engine, key):
    artist = enter()
    body = json.dumps({"field": "IDC", "value": 3, "key": key})
    assert artist.client.post(f"{artist.home}/1/marks", content=body).status_code == 422
    assert marks_in(engine) == 0


@pytest.mark.parametrize("position", [0, 7, 10**20])
def test_a_place_that_is_not_in_the_artists_list_is_refused(enter, position):
    artist = enter()
    assert artist.mark("IDC", 3, position).status_code == 404
    for part in ("", "/picture", "/marks"):
        assert artist.client.get(f"{artist.home}/{position}{part}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
def test_another_site_writes_nothing(enter, organiser, engine, headers):
    artist = enter()
    assert artist.mark("IDC", 3, headers=headers).status_code == 403
    assert artist.client.post(f"{artist.home}/delete", data={"sure": "yes"}, headers=headers).status_code == 403
    assert organiser.post("/organise/1/status", data={"status": "closed"}, headers=headers).status_code == 403
    assert marks_in(engine) == 0 and organise.status(engine, 1).status == "open"


@pytest.mark.parametrize(
    "origin, status",
    [("http://testserver", 200), ("http://evil.example", 403), ("null", 403), ("http://testserver.evil.example", 403)],
)
def test_without_https_the_origin_decides(enter, origin, status):
    artist = enter()
    del artist.client.headers["Sec-Fetch-Site"]
    assert artist.mark("IDC", 3).status_code == 403  # neither is sent by no browser that writes
    assert artist.mark("IDC", 3, headers={"Origin": origin}).status_code == status
    assert artist.client.get(f"{artist.home}/1", headers={"Origin": origin}).status_code == status


def test_links_that_do_not_work_say_why(engine, browser):
    study = make_study(engine)
    live = organise.create_link(engine, study).token
    revoked = organise.create_link(engine, study)
    organise.revoke_link(engine, study, revoked.id)
    expired = organise.create_link(engine, study, expires_at=datetime.now(UTC) + timedelta(hours=1))
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE link SET expires_at = '2020-01-01 00:00:00' WHERE id = ?", (expired.id,))
    used = organise.create_link(engine, study, max_uses=1).token
    Artist(browser(), used)
    foreign = organise.create_link(engine, study, scope="view").token
    for token, status, text in [
        ("0" * 43, 404, "not known here"),
        (live[:-1], 404, "not known here"),
        (foreign, 404, "not known here"),
        (revoked.token, 410, "withdrawn"),
        (expired.token, 410, "expired"),
        (used, 410, "used already"),
    ]:
        client = browser()
        for answer in (
            client.get(f"/rate/link/{token}"),
            client.post(f"/rate/link/{token}", data={"key": "k" * 43, "consent": "yes", "pseudonym": ""}),
        ):
            assert (answer.status_code, text in answer.text) == (status, True), answer.text


def test_whoever_has_used_a_link_for_one_comes_back_by_it(enter):
    artist = enter(max_uses=1)
    assert artist.client.get(artist.address).url.path == f"{artist.home}/1"


def test_another_artists_address_opens_nothing(enter, engine, browser):
    study = make_study(engine)
    ann, ben = enter(study), enter(study)
    for address in ("", "1", "1/picture", "1/marks", "overview"):
        assert ben.client.get(f"{ann.home}/{address}").status_code == 401
        assert browser().get(f"{ann.home}/{address}").status_code == 401
    tag = ann.home.removeprefix("/rate/")
    session = ben.client.cookies[f"artist_{ben.home.removeprefix('/rate/')}"]
    ben.client.cookies.set(f"artist_{tag}", session)  # one's own session under another's name
    assert ben.client.get(f"{ann.home}/1").status_code == 401
    body = json.dumps({"field": "IDC", "value": 3, "key": "k" * 20})
    assert ben.client.post(f"{ann.home}/1/marks", content=body).status_code == 401
    assert marks_in(engine) == 0


def test_a_withdrawn_link_ends_its_sessions_and_codes(engine, browser):
    study = make_study(engine)
    link = organise.create_link(engine, study)
    artist = Artist(browser(), link.token)
    organise.revoke_link(engine, study, link.id)
    assert artist.mark("IDC", 3).status_code == 401
    assert browser().post("/rate/resume", data={"code": artist.code}).status_code == 410


def test_a_code_that_was_replaced_or_guessed_opens_nothing(enter, browser):
    artist = enter()
    page = artist.client.post(f"{artist.home}/code")
    new = re.search(r'<code id="code">([^<]+)<', page.text)[1]
    for code, status in ((artist.code, 401), ("0000-0000-0000-0000", 401), ("", 401), (new, 200)):
        assert browser().post("/rate/resume", data={"code": code}).status_code == status


def test_markup_is_shown_as_it_was_typed(engine, enter, organiser):
    items = [{"name": "red", "picture": jpeg(), "rounds": [MARKUP]}]
    rubric = {"axis": "own", "title": MARKUP, "task": MARKUP, "levels": [MARKUP] * 6}
    content = {"title": MARKUP, "about": MARKUP, "consent": MARKUP, "items": items, "rubrics": [rubric]}
    content["systems"] = [{"name": "x", "answers": {"red": [MARKUP]}}]
    study = organise.create_study(engine, study_from(content))
    organise.set_status(engine, study, "open")
    artist = enter(study, pseudonym=MARKUP[:40], label=MARKUP)
    artist.mark("comment", MARKUP)
    artist.mark("own", 1)
    pages = [artist.code_page, *(artist.client.get(f"{artist.home}/{page}") for page in ("1", "overview"))]
    pages += [artist.client.get(artist.address)]
    pages += [organiser.get(f"/organise/{page}") for page in ("", "1/", "1/live", "1/answers", "1/links")]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
    assert "&lt;script&gt;alert(1)" in pages[1].text and "{{7*7}}" in pages[1].text and "${7*7}" in pages[1].text


def test_every_answer_carries_the_policy_and_no_script_is_written_into_a_page(enter, organiser):
    artist = enter()
    pages = [organiser.get(f"/organise/{page}") for page in ("", "new", "1/", "1/answers", "1/links", "nowhere")]
    pages += [artist.client.get(f"{artist.home}/{page}") for page in ("1", "1/picture", "overview", "9")]
    pages += [artist.client.get(page) for page in ("/rate/", artist.address, "/rate/static/artist.js", "/rate/link/x")]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "noindex" in page.headers["x-robots-tag"]
        if "text/html" in page.headers["content-type"]:
            assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|javascript:", page.text)


def test_an_error_on_our_side_tells_its_number_and_nothing_else(enter, monkeypatch, caplog):
    artist = enter()

    def broken(*args):
        raise RuntimeError("a secret at /home/somebody")

    monkeypatch.setattr("artgpt4.ui.artist.rate.progress", broken)
    page = artist.client.get(f"{artist.home}/1")
    number = re.search(r"error (\w{6})\)", page.text)[1]
    assert page.status_code == 500 and "secret" not in page.text and "Traceback" not in page.text
    assert f"Error {number}" in caplog.text and "default-src 'none'" in page.headers["content-security-policy"]


def test_cookies_are_for_the_server_alone(enter, browser):
    artist = enter()
    cookies = artist.code_page.headers.get_list("set-cookie")
    cookies += browser().get(f"/organise/key/{KEY}", follow_redirects=False).headers.get_list("set-cookie")
    assert len(cookies) == 3
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie


def test_behind_https_cookies_are_secure(browser):
    answer = browser().get(f"/organise/key/{KEY}", headers={"X-Forwarded-Proto": "https"}, follow_redirects=False)
    assert "Secure" in answer.headers["set-cookie"]


def test_too_much_at_once_is_refused(enter, engine):
    artist = enter()
    assert artist.mark("comment", "x" * 70_000).status_code == 413
    assert artist.mark("comment", "x" * 6_000).status_code == 422

    def pieces():  # without a length
        for _ in range(10):
            yield b"x" * 10_000

    answer = artist.client.post(f"{artist.home}/1/marks", content=pieces())
    assert answer.status_code == 413 and marks_in(engine) == 0


# The organiser


def test_by_default_the_database_lies_in_the_folder_that_is_backed_up(tmp_path, monkeypatch):
    monkeypatch.delenv("ARTGPT4_DATABASE_URL", raising=False)
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "kept"))
    open_database().dispose()
    assert (tmp_path / "kept" / "ratings.sqlite3").is_file()


def test_the_app_deletes_what_is_kept_no_longer_at_its_start_and_every_day(enter, engine, monkeypatch):
    """By a clock that each night moves on; of one study nothing is said, so it keeps everything."""
    kept, short, long = (make_study(engine, **more) for more in ({}, {"keep_days": 1}, {"keep_days": 3}))
    for study in (kept, short, long):
        enter(study).mark("IDC", 4)
        organise.set_status(engine, study, "closed")
    began, left = datetime.now(UTC), []

    def pause(seconds):
        left.append([len(organise.status(engine, study).raters) for study in (kept, short, long)])
        if len(left) == 3:  # a night when the database cannot be reached
            monkeypatch.setenv("ARTGPT4_DATABASE_URL", "sqlite:////proc/none/ratings.sqlite3")
        elif len(left) == 4:
            monkeypatch.undo()
            monkeypatch.setenv("ARTGPT4_DATABASE_URL", str(engine.url))
        assert seconds == 24 * 3600
        return len(left) == 5

    delete_daily(pause, now=lambda: began + timedelta(days=len(left), minutes=1))
    assert left == [[1, 1, 1], [1, 0, 1], [1, 0, 1], [1, 0, 1], [1, 0, 0]]


def test_where_nobody_rates_no_database_is_made_to_delete_from(tmp_path, monkeypatch):
    monkeypatch.delenv("ARTGPT4_DATABASE_URL", raising=False)
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path))
    delete_daily(lambda seconds: True)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_outlives_a_restart_the_organiser_is_told(organiser, monkeypatch):
    assert "not kept here" not in organiser.get("/organise/").text
    monkeypatch.delenv("ARTGPT4_DATABASE_URL")
    monkeypatch.setenv("SPACE_ID", "somebody/somewhere")
    monkeypatch.delenv("ARTGPT4_BACKUP", raising=False)
    assert "not kept here" in organiser.get("/organise/").text


def routes_of(app):
    return [(route.path, method) for route in app.routes if hasattr(route, "methods") for method in route.methods]


def test_without_the_key_nothing_of_the_organisers_opens(engine, browser):
    study, client = make_study(engine), browser()
    app = next(route.app.app for route in client.app.routes if route.path == "/organise")
    of_anybody = ("/login", "/key/{key}", "/view/{link}", "/link/{link}")  # which look at the secret in them
    private = [(path, method) for path, method in routes_of(app) if path not in of_anybody]
    assert len(private) > 20
    for cookie in (None, "", "9999999999.", f"9999999999.{'0' * 64}", "x.y", "1."):
        client.cookies.clear()
        if cookie is not None:
            client.cookies.set("organiser", cookie)
            client.cookies.set(f"organiser_{study}", cookie)
        for path, method in private:
            path = path.replace("{study:int}", str(study)).replace("{name}", "x.jpg")
            path = path.replace("{link:int}", "1").replace("{rater:int}", "1")
            answer = client.request(method, f"/organise{path}", follow_redirects=False)
            assert answer.status_code == 401, (method, path)
    assert organise.status(engine, study).status == "open"


def test_the_key_is_taken_by_link_or_typed_and_leaves_the_address(browser):
    for enter in (
        lambda client, key: client.get(f"/organise/key/{key}"),
        lambda client, key: client.post("/organise/login", data={"key": key}),
    ):
        client = browser()
        assert enter(client, "another-key-altogether").status_code == 403
        assert client.get("/organise/").status_code == 401
        page = enter(client, KEY)
        assert page.status_code == 200 and page.url.path == "/organise/" and KEY not in page.text
        client.post("/organise/logout")
        assert client.get("/organise/").status_code == 401


def test_an_old_cookie_opens_nothing(organiser, monkeypatch):
    import time

    now = time.time()
    monkeypatch.setattr("artgpt4.ui.organiser.time.time", lambda: now + 13 * 3600)
    assert organiser.get("/organise/").status_code == 401


def test_an_artists_session_opens_nothing_of_the_organisers(enter):
    artist = enter()
    artist.client.cookies.set("organiser", next(iter(artist.client.cookies.values())))
    assert artist.client.get("/organise/").status_code == 401


FORM = {
    "title": "Seen by artists",
    "about": "We ask.",
    "consent": "I agree.",
    "mode": "score",
    "rounds": "What is in it?\nWhat does it make you feel?",
    "rubrics": ["IDC", "ISAC"],
    "repeats": "1",
}


def predictions(*names):
    return "\n".join(json.dumps({"id": name, "answers": [f"{name} 1", f"{name} 2"]}) for name in names).encode()


def test_a_study_is_made_of_a_form(organiser, engine):
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-OF-THE-ARTIST"
    files = [
        ("pictures", (name, jpeg(exif=exif), "image/jpeg")) for name in ("a storm!.jpg", "a storm!.JPG", "sea.jpg")
    ]
    names = ("a storm-", "a storm- 2", "sea")
    files += [("predictions", (f"{system}.jsonl", predictions(*names))) for system in ("ours", "theirs")]
    form = FORM | {
        "key": "one",
        "own_axis": "joy",
        "own_title": "Joy",
        "own_task": "How joyful?",
        "own_levels": "a\nb\nc\nd\ne\nf",
        "name_people": "a painter",
        "people": "# a storm!\nA storm.\nFear.\n# a storm! 2\nAgain.\nMore fear.\n# sea\nThe sea.\nLonging.",
    }
    made = organiser.post("/organise/new", data=form, files=files)
    again = organiser.post("/organise/new", data=form, files=files)
    assert made.json() == again.json() == {"address": "1/"}, made.text
    rows = organise.answers(engine, 1)
    assert [(row.item, row.system) for row in rows] == [(n, s) for n in names for s in ("ours", "theirs", "a painter")]
    assert {row.texts for row in rows if row.item == "sea"} == {("sea 1", "sea 2"), ("The sea.", "Longing.")}
    assert b"CAMERA" not in organiser.get("/organise/1/picture?item=sea").content
    assert [row.title for row in organise.studies(engine)] == ["Seen by artists"]


def test_all_mistakes_of_a_form_are_told_at_once(organiser, engine):
    form = FORM | {"key": "two", "repeats": "2.5", "title": " ", "people": "no name first"}
    files = [
        ("pictures", ("notes.jpg", b"this is no picture")),
        ("predictions", ("bad.jsonl", b'{"id": "notes", "answers": ["x", "y"]}\n{"id": 3}')),
        ("predictions", ("worse.jsonl", b"\xff\xfe\xff")),
    ]
    problems = organiser.post("/organise/new", data=form, files=files)
    assert problems.status_code == 422
    text = "\n".join(problems.json()["problems"])
    for part in ("2.5", "bad.jsonl, line 2", "worse.jsonl", "first line must be"):
        assert part in text
    mended = form | {"repeats": "0", "people": ""}
    text = "\n".join(organiser.post("/organise/new", data=mended, files=files[:1]).json()["problems"])
    assert "title is empty" in text and "not a JPEG" in text and "systems" in text
    assert organise.studies(engine) == []


def draft(engine) -> int:
    """A study with three answers to be made by the loaded model, and three that a person has written."""
    names = ("red", "green", "blue")
    content = {"title": "A draft", "about": "We ask.", "consent": "I agree.", "rounds": ["What is in it?"]}
    content["items"] = [{"name": name, "picture": jpeg(name)} for name in names]
    answers = {name: [f"Written for {name}"] for name in names}
    content["systems"] = [{"name": "ours", "model": "mini"}, {"name": "people", "answers": answers}]
    return organise.create_study(engine, study_from(content))


def not_making(organiser):
    return lambda: not organiser.get("/organise/1/progress").json()["running"]


def test_answers_are_made_once_however_often_it_is_asked_and_read_before_opening(
    organiser, engine, eventually, monkeypatch
):
    draft(engine)
    begun, go_on, times = threading.Event(), threading.Event(), []
    made = generate

    def waiting(*args, **more):
        times.append(1)
        begun.set()
        assert go_on.wait(60)
        made(*args, **more)

    monkeypatch.setitem(globals(), "generate", waiting)
    assert 'value="open"' not in organiser.get("/organise/1/").text
    assert organiser.post("/organise/1/status", data={"status": "open"}).status_code == 422
    page = organiser.post("/organise/1/generate")
    organiser.post("/organise/1/generate")
    assert begun.wait(60) and "Making answers: 3 of 6" in page.text
    go_on.set()
    eventually(not_making(organiser), 60)
    page = organiser.get("/organise/1/")
    assert times == [1] and "All 6 answers are there." in page.text and 'value="open"' in page.text
    page = organiser.get("/organise/1/answers").text
    assert all(f"{how} for {name}" in page for how in ("Made", "Written") for name in ("red", "green", "blue"))


def test_making_answers_can_be_stopped_and_what_was_made_stays(organiser, engine, eventually, monkeypatch):
    draft(engine)
    made = generate

    def stopped_after_one(engine, study, progress):
        def told(done, total):
            organiser.post("/organise/1/stop")
            progress(done, total)

        made(engine, study, told)

    monkeypatch.setitem(globals(), "generate", stopped_after_one)
    organiser.post("/organise/1/generate")
    eventually(not_making(organiser), 60)
    assert "2 of 6 answers are still to be made." in organiser.get("/organise/1/").text


def test_why_answers_could_not_be_made_is_told_and_one_can_be_written(organiser, engine, eventually, monkeypatch):
    draft(engine)

    def failing(engine, study, progress):
        raise RuntimeError("no memory left")

    monkeypatch.setitem(globals(), "generate", failing)
    organiser.post("/organise/1/generate")
    eventually(not_making(organiser), 60)
    assert "no memory left" in organiser.get("/organise/1/").text
    answer = {"item": "red", "system": "ours", "text": "By hand"}
    assert "By hand" in organiser.post("/organise/1/answers", data=answer).text
    assert organiser.post("/organise/1/answers", data=answer | {"item": "none"}).status_code == 422
    assert "2 of 6 answers are still to be made." in organiser.get("/organise/1/").text


class Talking:
    """Stands for a loaded model, and for a conversation with it."""

    def __init__(self, name):
        self.name, self.rounds, self.open = name, [], 0

    def start(self, picture):
        self.rounds, self.open = [], self.open + 1
        return self

    def ask(self, question, temperature, max_new_tokens):
        yield "growing"
        self.rounds.append(SimpleNamespace(answer=f"{question} Round {len(self.rounds) + 1}, {temperature}"))

    def close(self):
        self.open -= 1


@pytest.mark.parametrize("name, made", [("mini", 3), ("a stand-in", 0)])
def test_the_loaded_model_makes_the_answers_unless_it_stands_in_for_another(
    engine, eventually, monkeypatch, name, made
):
    def refuse(how):
        raise ValueError(f"{how['model']} cannot be loaded")

    monkeypatch.setattr("artgpt4.ui.organiser.open_study_system", refuse)
    draft(engine)
    loaded, model = Future(), Talking(name)
    loaded.set_result(model)
    with TestClient(Starlette(routes=rating_routes(KEY, "mini", loaded=loaded))) as client:
        client.headers["Sec-Fetch-Site"] = "same-origin"
        client.get(f"/organise/key/{KEY}")
        client.post("/organise/1/generate")
        eventually(not_making(client), 60)
    rows = [row for row in organise.answers(engine, 1) if row.system == "ours"]
    assert [row.texts for row in rows if row.texts] == [("What is in it? Round 1, 0",)] * made and model.open == 0
    assert [row.error is None for row in rows] == [bool(made)] * 3
    assert [row.provenance.get("model") for row in rows if row.texts] == ["mini"] * made


def test_the_organiser_makes_withdraws_and_sends_links(organiser, engine, browser):
    make_study(engine)
    page = organiser.post("/organise/1/links", data={"kind": "each", "labels": "Ann\nBen", "expires": "30", "uses": ""})
    tokens = re.findall(r"rate/link/([\w-]{43})", page.text)
    assert len(tokens) == 2 and "Ann: " in page.text
    assert not any(token in organiser.get("/organise/1/links").text for token in tokens)  # never again
    Artist(browser(), tokens[0])
    assert browser().get(f"/rate/link/{tokens[0]}").status_code == 410
    organiser.post("/organise/1/links/2/revoke")
    assert "withdrawn" in browser().get(f"/rate/link/{tokens[1]}").text
    for wrong in ({"kind": "each", "labels": ""}, {"kind": "one", "expires": "0"}, {"kind": "one", "uses": "1.5"}):
        assert organiser.post("/organise/1/links", data=wrong).status_code == 422
    assert len(organise.links(engine, 1)) == 2


def test_the_live_page_tells_who_is_where(organiser, enter, engine):
    artist = enter(pseudonym="Viola")
    for axis in AXES:
        artist.mark(axis, 2)
    artist.mark("skip", "I know it", position=2)
    live = organiser.get("/organise/1/live").text
    assert re.search(r"Viola</a>.*1 / 6 <span[^>]*>now at 3</span></td>\s*<td[^>]*>1</td>", live, re.DOTALL)


def test_a_link_to_view_shows_who_is_where_and_opens_nothing_else(browser, engine, enter):
    enter(make_study(engine), pseudonym="Viola")
    token, rate = (organise.create_link(engine, 1, scope=scope).token for scope in ("view", "rate"))
    page = browser().get(f"/organise/view/{token}")
    assert page.status_code == 200 and "Viola" in page.text and "artists/" not in page.text
    for address in (f"/organise/view/{rate}", f"/organise/view/{'0' * 43}", f"/rate/link/{token}"):
        assert browser().get(address).status_code == 404


def test_a_co_organisers_link_opens_one_study_until_it_is_withdrawn(organiser, browser, engine):
    make_study(engine), make_study(engine, title="Another study")
    page = organiser.post("/organise/1/links", data={"kind": "one", "scope": "organise", "labels": "Bea"})
    token = re.search(r"organise/link/([\w-]{43})", page.text)[1]
    bea = browser()
    page = bea.get(f"/organise/link/{token}")
    assert page.url.path == "/organise/1/" and "A study" in page.text and token not in page.text
    assert "/organise/1/delete" not in page.text and 'action="delete"' not in page.text
    assert bea.post("/organise/1/status", data={"status": "paused"}).status_code == 200
    assert organise.status(engine, 1).status == "paused"
    for name in ("answers", "links", "results", "live", "export"):
        assert bea.get(f"/organise/1/{name}").status_code == 200
    for address in ("/organise/", "/organise/new", "/organise/2/", "/organise/2/export"):
        assert bea.get(address).status_code == 401
    assert bea.post("/organise/1/delete", data={"sure": "yes"}).status_code == 401
    for scope, status in (("organise", 422), ("view", 200), ("rate", 200)):
        assert bea.post("/organise/1/links", data={"kind": "one", "scope": scope}).status_code == status
    organiser.post("/organise/1/links/1/revoke")
    assert bea.get("/organise/1/").status_code == 401
    assert len(organise.studies(engine)) == 2


@pytest.mark.parametrize("scope", ["rate", "view"])
def test_a_link_of_another_scope_organises_nothing(browser, engine, scope):
    make_study(engine)
    token, client = organise.create_link(engine, 1, scope=scope).token, browser()
    assert client.get(f"/organise/link/{token}").status_code == 404
    client.cookies.set("organiser_1", token)
    assert client.get("/organise/1/").status_code == 401


def test_the_results_are_plotted_with_their_numbers_as_text(organiser, engine, enter):
    first, second = enter(make_study(engine, systems=("ours", "theirs")), "<b>Viola"), enter(1, "Iris")
    assert "Nobody has scored anything yet." in organiser.get("/organise/1/results").text
    for artist, scores in ((first, (0, 1, 2, 3)), (second, (1, 1, 3, 5))):
        for position in range(1, 7):
            for axis, value in zip(AXES, scores, strict=True):
                artist.mark(axis, value, position)
    page = organiser.get("/organise/1/results").text
    means = {"IDC": "0.50", "ISAC": "1.00", "ICRC": "2.50", "MDIUC": "4.00", "Total": "2.00"}
    for axis, mean in means.items():
        for system in ("ours", "theirs"):
            said = re.search(
                rf'<svg class="track" role="img" aria-label="{system}, {axis}: ([^"]+)">(.*?)</svg>', page, re.S
            )
            assert re.match(rf"{mean}, 95 % interval \d\.\d\d to \d\.\d\d$", said[1])
            assert f'cx="{20 * float(mean)}%"' in said[2] and 'class="interval"' in said[2]
    assert "<b>Viola" not in page and " style=" not in page  # which the policy would not let through
    assert 'aria-label="&lt;b&gt;Viola: -1.00"' in page


def test_of_pairs_the_results_tell_who_is_preferred(organiser, engine, enter):
    artist = enter(make_study(engine, mode="pair"))
    for position, choice in enumerate(("first", "same", "neither"), start=1):
        artist.mark("better", choice, position)
    page = organiser.get("/organise/1/results")
    assert page.status_code == 200 and 'aria-label="secretive / mysterious: 0.' in page.text


def test_an_artist_who_has_lost_everything_gets_a_new_code(organiser, enter, browser, engine):
    artist = enter(pseudonym="Viola")
    artist.mark("IDC", 3)
    assert "artists/1" in organiser.get("/organise/1/live").text
    page = organiser.post("/organise/1/artists/1/code")
    code = re.search(r'<code id="code">([^<]+)<', page.text)[1]
    assert browser().post("/rate/resume", data={"code": artist.code}).status_code == 401
    assert 'value="3" checked' in browser().post("/rate/resume", data={"code": code}).text
    for address in ("/organise/1/artists/9", "/organise/9/artists/1"):
        assert organiser.post(f"{address}/code").status_code == 404
    organiser.post("/organise/1/artists/1/delete", data={"sure": "yes"})
    assert organise.status(engine, 1).raters == ()


def test_a_study_is_paused_closed_archived_and_deleted(organiser, engine):
    make_study(engine)
    for status in ("paused", "open", "closed", "archived"):
        assert organiser.post("/organise/1/status", data={"status": status}).status_code == 200
        assert organise.status(engine, 1).status == status
    assert organiser.post("/organise/1/status", data={"status": "open"}).status_code == 409
    organiser.post("/organise/1/delete", data={})
    assert len(organise.studies(engine)) == 1
    organiser.post("/organise/1/delete", data={"sure": "yes"})
    assert organise.studies(engine) == [] and organiser.get("/organise/1/").status_code == 404


def test_all_languages_have_the_same_words_with_the_same_gaps():
    def gaps(language):
        return {
            (section, name): sorted(re.findall(r"\{\w*\}", text))
            for section, part in vars(WORDS[language]).items()
            if section != "errors"  # in English they come from where they are raised
            for name, text in vars(part).items()
        }

    for language in WORDS:
        assert gaps(language) == gaps("en")


def test_the_browsers_language_is_spoken(enter):
    artist = enter()
    page = artist.client.get(artist.home + "/1", headers={"Accept-Language": "fr, zh-CN;q=0.8, en;q=0.5"})
    assert 'lang="zh-CN"' in page.text and "第 1 项，共 6 项" in page.text
    assert RUBRICS_IN["zh"]["ISAC"].task in page.text and RUBRICS["ISAC"].task not in page.text
    assert RUBRICS_IN["zh"]["MDIUC"].levels[5] in page.text
    refused = artist.mark("IDC", 2.5, headers={"Accept-Language": "zh"})
    assert refused.json()["error"] == "分数是 0 到 5 的整数。"
    assert 'lang="en"' in artist.client.get(artist.home + "/1", headers={"Accept-Language": "fr"}).text


def test_the_papers_rubrics_and_the_apps_questions_are_translated_whole_and_others_stay():
    assert RUBRICS_IN["zh"].keys() == RUBRICS.keys()
    assert all(len(set(rubric.levels)) == 6 for rubric in RUBRICS_IN["zh"].values())
    assert QUESTIONS_IN["zh"].keys() == {preset.instruction for preset in PRESETS}
    said = set(re.findall(r'(?:why=|undefined\(|why = )"([^"]+)"', Path(results.__file__).read_text(encoding="utf-8")))
    assert {why for why in said if not why.startswith("the package")} == REASONS_IN["zh"].keys()
    own = replace(RUBRICS["IDC"], task="How well does it describe the frame?")
    assert rubric_in("zh", own) == own and rubric_in("en", RUBRICS["IDC"]) == RUBRICS["IDC"]


def test_the_record_says_in_which_language_the_artist_read(engine, enter, tmp_path):
    artist = enter(make_study(engine, rounds=["What is in this picture?"]))
    chinese = {"Accept-Language": "zh-CN"}
    page = artist.client.get(artist.home + "/1", headers=chinese).text
    assert "这幅画里有什么？" in page and "What is in this picture?" in page  # which is what the systems were asked
    artist.mark("IDC", 4, headers=chinese)
    artist.mark("ISAC", 3)
    assert [mark["language"] for mark in read_record(engine, 1).tables["mark"]] == ["zh", "en"]
    codebook = (export_study(engine, 1, tmp_path / "out") / "codebook.md").read_text(encoding="utf-8")
    assert RUBRICS_IN["zh"]["IDC"].levels[4] in codebook and "What is in this picture?: 这幅画里有什么？" in codebook


def test_an_artist_takes_a_skipping_back(enter):
    artist = enter()
    artist.mark("skip", "I know it")
    assert "You skipped this one: I know it" in artist.client.get(artist.home + "/1").text
    assert artist.mark("skip", None).json()["state"] == "open"
    assert "You skipped this one" not in artist.client.get(artist.home + "/1").text


class Completions(BaseHTTPRequestHandler):
    """A server of models: says the model's name and the question; of the second picture's it knows nothing."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        said = f"{body['model']} on {body['messages'][-1]['content'][-1]['text']}"
        self.send_response(400 if len(self.server.asked) == 2 else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": said}}]}).encode())

    def log_message(self, *_):
        pass


def test_a_model_behind_a_server_answers_in_a_study(engine, eventually):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Completions)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = f"openai:http://127.0.0.1:{server.server_port}/v1#eye"
    files = [("pictures", (f"{colour}.jpg", jpeg(colour), "image/jpeg")) for colour in ("red", "green", "blue")]
    form = FORM | {"key": "three", "rounds": "What is in it?", "model_other": name, "name_other": "theirs"}
    with TestClient(Starlette(routes=rating_routes(KEY, "mini"))) as client:
        client.headers["Sec-Fetch-Site"] = "same-origin"
        client.get(f"/organise/key/{KEY}")
        assert client.post("/organise/new", data=form, files=files).json() == {"address": "1/"}
        client.post("/organise/1/generate")
        eventually(not_making(client), 60)
        rows = organise.answers(engine, 1)
        assert [row.texts for row in rows] == [("eye on What is in it?",), None, ("eye on What is in it?",)]
        assert "answered 400" in rows[1].error and rows[0].provenance["model"] == "eye"
        client.post("/organise/1/generate")  # what has failed is tried again
        eventually(not_making(client), 60)
    assert organise.missing_answers(engine, 1) == [] and len(server.asked) == 4
    server.shutdown()
    server.server_close()
