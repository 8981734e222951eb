"""Studies, artists and their marks: who gets in, in which order, what is kept, and what nobody can do."""

import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from ratings_study import NAMES, SYSTEMS, content, key, opened, picture, rate_all
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from artgpt4.ratings import models, organise, rate
from artgpt4.ratings.__main__ import main
from artgpt4.ratings.database import open_database, transact
from artgpt4.ratings.errors import RatingsError
from artgpt4.ratings.generate import generate_answers
from artgpt4.ratings.order import balanced_latin_square, pair_order, repeated, scoring_order
from artgpt4.ratings.study import StudyErrors, read_study, study_from
from artgpt4.ratings.tokens import hash_resume_code, new_resume_code, new_token

NOW = datetime.now(UTC)


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/ratings.sqlite3")
    yield engine
    engine.dispose()


def code(work, *arguments, **more):
    with pytest.raises(RatingsError) as caught:
        work(*arguments, **more)
    return caught.value.code


# Order


@pytest.mark.parametrize("size", range(1, 9))
def test_a_balanced_square_has_each_condition_at_each_place_and_before_each_other_equally_often(size):
    rows = balanced_latin_square(size)
    assert all(sorted(row) == list(range(size)) for row in rows)
    times = len(rows) // size
    for place in range(size):
        assert set(Counter(row[place] for row in rows).values()) == {times}
    follows = Counter(pair for row in rows for pair in zip(row, row[1:], strict=False))
    assert size == 1 or set(follows.values()) == {times} and len(follows) == size * (size - 1)


def test_each_rater_scores_every_answer_once_and_meets_a_picture_again_only_after_all_others():
    for rater in range(7):
        places = scoring_order(5, 3, rater, seed=4)
        assert Counter(places) == Counter((item, (system,)) for item in range(5) for system in range(3))
        for turn in range(3):
            assert {item for item, _ in places[5 * turn : 5 * turn + 5]} == set(range(5))


def test_over_a_round_of_raters_no_system_is_earlier_than_another():
    places = Counter()
    for rater in range(12):  # whole rounds of both squares: 4 items, 3 systems (6 rows)
        for place, (_, (system,)) in enumerate(scoring_order(4, 3, rater, seed=1)):
            places[system, place // 4] += 1
    assert set(places.values()) == {16}


def test_the_sides_of_a_pair_change_from_rater_to_rater():
    one, two = (dict(Counter(pair_order(4, 3, rater, seed=2))) for rater in (0, 1))
    assert {(item, pair[::-1]) for item, pair in one} == set(two)
    assert len(one) == 12


def test_the_seed_and_nothing_else_says_the_order():
    assert scoring_order(6, 2, 3, seed=1) == scoring_order(6, 2, 3, seed=1) != scoring_order(6, 2, 3, seed=2)
    assert set(repeated(range(10), 3, 0, seed=1)) <= set(range(5))


# The file


def test_a_study_file_is_read_with_its_pictures_beside_it(tmp_path):
    picture(tmp_path, "storm")
    file = tmp_path / "study.yaml"
    file.write_text(
        "title: T\nabout: A\nconsent: C\nrounds: ['What?', 'And why?']\nseed: 3\nitems: [storm.png]\n"
        "systems:\n  - {name: with}\n  - {name: artist, answers: {storm: [Waves., Fear.]}}\n"
        "rubrics:\n  - IDC\n  - {axis: colour, title: Colour, task: 'Is it seen?', levels: [a, b, c, d, e, f]}\n"
    )
    spec = read_study(file)
    assert [rubric.axis for rubric in spec.rubrics] == ["IDC", "colour"]
    assert spec.items[0].name == "storm" and spec.items[0].rounds == ("What?", "And why?")
    assert spec.systems[1].answers == {"storm": ("Waves.", "Fear.")} and spec.systems[0].adapter


def test_every_mistake_in_a_study_is_named_at_once(tmp_path):
    wrong = content(tmp_path) | {
        "title": " ",
        "mode": "grade",
        "seed": "one",
        "repeats": True,
        "rubrics": ["IDC", "XYZ", {"axis": "skip", "title": "t", "task": "t", "levels": ["a"]}],
        "sytems": [],
        "calibration": [{"picture": "none.png", "answers": ["x"], "scores": {"IDC": 6}}],
    }
    wrong["systems"] = [*wrong["systems"], {"name": "with", "predictions": "none.jsonl"}, {"model": 3}]
    with pytest.raises(StudyErrors) as caught:
        study_from(wrong, tmp_path)
    said = "\n".join(caught.value.problems)
    for part in ("title is empty", "'grade'", "seed must be int", "repeats must be int", "'XYZ'", "'skip'", "1 levels"):
        assert part in said
    for part in ("no setting 'sytems'", "none.png", "not 6", "system 'with' is there 2 times", "name is missing"):
        assert part in said
    for part in ("model must be str or nothing", "there is no file", "why is empty"):
        assert part in said


# Answers


class Repeating:
    def __init__(self, fails=()):
        self.fails, self.asked = fails, []

    def about(self):
        return {"model": "repeating", "adapter": False, "parameters": {"do_sample": False}, "versions": {"it": "1"}}

    def answer(self, pictures, rounds):
        self.asked.append(pictures[0].getpixel((1, 1)))
        if len(self.asked) in self.fails:
            raise RuntimeError("out of paint")
        return [[f"You ask: {question}" for question in rounds[0]]]


def test_an_answer_that_fails_loses_no_other_and_is_tried_again(engine, tmp_path):
    study = organise.create_study(
        engine, study_from(content(tmp_path, systems=[{"name": "ours"}, {"name": "broken", "model": "none/such"}]))
    )
    system, seen = Repeating(fails=(2,)), []

    def open_system(how):
        if how["model"]:
            raise OSError("there is no such model")
        return system

    generated = generate_answers(engine, study, lambda *of: seen.append(of), open_system)
    assert (generated.written, generated.failed) == (2, 4) and seen[-1] == (6, 6)
    assert len(set(system.asked)) == 3
    rows = {(row.item, row.system): row for row in organise.answers(engine, study)}
    assert rows["market", "ours"].error == "out of paint" and rows["storm", "broken"].error == "there is no such model"
    made_by = rows["storm", "ours"].provenance
    assert made_by["model"] == "repeating" and made_by["prompt"] == ["What is in this picture?"] and made_by["versions"]
    assert code(organise.set_status, engine, study, "open") == "answer"
    assert generate_answers(engine, study, open_system=open_system).written == 1 and len(system.asked) == 4
    assert organise.missing_answers(engine, study) == [(name, "broken") for name in NAMES]


def test_predictions_of_elsewhere_keep_what_their_lines_say(engine, tmp_path):
    file = tmp_path / "theirs.jsonl"
    lines = [{"id": "storm", "answers": ["Waves."], "seed": 7}, {"id": "market", "error": "too dark"}]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    study = organise.create_study(
        engine, study_from(content(tmp_path, systems=[{"name": "theirs", "predictions": "theirs.jsonl"}]), tmp_path)
    )
    generate_answers(engine, study)
    storm, market, window = organise.answers(engine, study)
    assert storm.texts == ("Waves.",) and storm.provenance["seed"] == 7
    assert market.error == "too dark" and "no line" in window.error


# Getting in


def test_guessed_expired_revoked_used_up_and_other_links_let_nobody_in(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    other = organise.create_link(engine, study, scope="view").token
    organiser = organise.create_link(engine, study, scope="organise").token
    once = organise.create_link(engine, study, max_uses=1).token
    soon = organise.create_link(engine, study, expires_at=NOW + timedelta(days=1))
    transact(engine, lambda s: s.execute(update(models.Link).filter_by(id=soon.id).values(expires_at=NOW)))
    ended = organise.create_link(engine, study)
    organise.revoke_link(engine, study, ended.id)
    rate.enter(engine, once, "", True)
    refused = {
        new_token(): "link",
        "": "link",
        link + "x": "link",
        link[:-1]: "link",
        link.swapcase(): "link",
        other: "link",
        organiser: "link",
        soon.token: "expired",
        ended.token: "revoked",
        once: "used_up",
        "' OR 1=1 --": "link",
    }
    for token, expected in refused.items():
        assert code(rate.enter, engine, token, "", True) == code(rate.invitation, engine, token) == expected
    for token in (link, other, once, new_token()):
        assert code(organise.check_link, engine, token, "organise") in ("link", "used_up")
    assert organise.check_link(engine, organiser, "view") == organise.check_link(engine, other, "view") == study
    assert code(organise.check_link, engine, link, "view") == "link"


def test_only_hashes_of_what_lets_somebody_in_are_stored(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    entered = rate.enter(engine, link, "Ada", True)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ratings.sqlite3*"))
    for secret in (link, entered.session, entered.resume_code, entered.resume_code.replace("-", "")):
        assert secret.encode() not in stored
    assert b"Ada" in stored  # else this test reads the wrong files


def test_no_session_reaches_anothers_tasks_and_no_guess_is_a_session(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    mine, theirs = (rate.enter(engine, link, name, True) for name in ("mine", "theirs"))
    rate.save_score(engine, mine.session, 1, "IDC", 4, key())
    assert rate.task(engine, theirs.session, 1).scores == {}
    for wrong in (new_token(), "", link, mine.resume_code, mine.session + "=", None):
        for work, more in (
            (rate.next_task, ()),
            (rate.task, (1,)),
            (rate.picture, (1,)),
            (rate.save_score, (1, "IDC", 3, key())),
            (rate.undo, (key(),)),
            (rate.delete_my_data, ()),
            (rate.progress, ()),
        ):
            assert code(work, engine, wrong, *more) == "session"
    for place in (0, -1, 7, 10**12, "1", 1.0, True, None):
        if place is not True:
            assert code(rate.task, engine, mine.session, place) == "task"
            assert code(rate.save_score, engine, mine.session, place, "IDC", 3, key()) == "task"
    transact(engine, lambda s: s.execute(update(models.Session).values(expires_at=NOW - timedelta(days=1))))
    assert code(rate.next_task, engine, mine.session) == "session"
    assert rate.next_task(engine, rate.resume(engine, mine.resume_code).session).scores == {"IDC": 4}


def test_a_resume_code_works_however_it_is_typed_until_another_is_drawn(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    entered = rate.enter(engine, link, "", True)
    typed = f"  {entered.resume_code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} "
    again = rate.resume(engine, typed)
    assert again.session != entered.session and again.pseudonym == entered.pseudonym
    new = rate.renew_resume_code(engine, entered.session)
    assert code(rate.resume, engine, entered.resume_code) == code(rate.resume, engine, new_resume_code()) == "session"
    assert rate.resume(engine, new).pseudonym == entered.pseudonym
    assert hash_resume_code("oOiL") == hash_resume_code("0011")


def test_entering_twice_with_one_session_is_entering_once(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    token = new_token()
    first = rate.enter(engine, link, "Ada", True, session=token)
    assert rate.enter(engine, link, "Ada", True, session=token) == first
    assert len(organise.status(engine, study).raters) == 1 and organise.links(engine, study)[0].uses == 1


def test_nobody_enters_without_consent_or_under_anothers_name(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    for no in (False, None, "yes", 1):
        assert code(rate.enter, engine, link, "Ada", no) == "consent"
    rate.enter(engine, link, " Ada\x00\u202e\n", True)
    assert organise.status(engine, study).raters[0].pseudonym == "Ada"
    assert code(rate.enter, engine, link, "ada", True) == code(rate.enter, engine, link, "x" * 41, True) == "pseudonym"
    names = {rate.enter(engine, link, "", True).pseudonym for _ in range(5)}
    assert len(names) == 5


def test_revoking_a_link_ends_the_sessions_and_codes_of_those_who_came_by_it_and_keeps_their_scores(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    entered = rate.enter(engine, link, "", True)
    rate.save_score(engine, entered.session, 1, "IDC", 4, key())
    organise.revoke_link(engine, study, organise.links(engine, study)[0].id)
    assert code(rate.next_task, engine, entered.session) == "session"
    assert code(rate.resume, engine, entered.resume_code) == "revoked"
    assert organise.status(engine, study).scores == 1


@pytest.mark.parametrize("status", ["paused", "closed", "archived"])
def test_a_study_that_is_not_open_takes_no_score_and_no_artist(engine, tmp_path, status):
    study, link = opened(engine, tmp_path)
    entered = rate.enter(engine, link, "", True)
    if status == "archived":
        organise.set_status(engine, study, "closed")
    organise.set_status(engine, study, status)
    refused = code(rate.save_score, engine, entered.session, 1, "IDC", 4, key())
    assert refused == {"archived": "session"}.get(status, status)
    assert code(rate.enter, engine, link, "", True) == {"archived": "revoked"}.get(status, status)
    if status != "archived":
        organise.set_status(engine, study, "open")
        assert rate.save_score(engine, entered.session, 1, "IDC", 4, key()).revision == 1


# Rating


@pytest.mark.parametrize("value", [2.5, "3", math.nan, 6, -1, None, True, 3.0, [3], 10**30, math.inf])
def test_a_score_is_a_whole_number_from_0_to_5(engine, tmp_path, value):
    _, link = opened(engine, tmp_path)
    entered = rate.enter(engine, link, "", True)
    assert code(rate.save_score, engine, entered.session, 1, "IDC", value, key()) == "score"
    assert rate.task(engine, entered.session, 1).scores == {}


@pytest.mark.parametrize("value", [6, -1, 2.5])
def test_the_database_itself_takes_no_other_score(engine, tmp_path, value):
    _, link = opened(engine, tmp_path)
    rate.enter(engine, link, "", True)
    row = {"rater_id": 1, "task_id": 1, "field": "IDC", "revision": 1, "key": key(), "created_at": NOW}
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(models.Mark.__table__.insert().values(value=value, **row))


def test_a_tap_that_arrives_twice_is_saved_once_and_its_key_is_good_for_nothing_else(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    entered, tap = rate.enter(engine, link, "", True), key()
    first = rate.save_score(engine, entered.session, 1, "IDC", 4, tap)
    assert rate.save_score(engine, entered.session, 1, "IDC", 4, tap) == first
    later = rate.save_score(engine, entered.session, 1, "IDC", 2, key())
    assert later.revision == 2
    rate.save_score(engine, entered.session, 1, "IDC", 4, tap)  # a late echo changes nothing
    assert rate.task(engine, entered.session, 1).scores == {"IDC": 2}
    for place, axis, value in ((1, "IDC", 5), (2, "IDC", 4), (1, "ISAC", 4)):
        assert code(rate.save_score, engine, entered.session, place, axis, value, tap) == "key"
    for bad in ("", "short", "x" * 41, "undo:1:abcdefgh", None, 12345678):
        assert code(rate.save_score, engine, entered.session, 1, "IDC", 4, bad) == "key"
    assert organise.status(engine, study).scores == 1


def test_scores_change_by_revisions_and_undo_walks_back_through_them(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    for value in (1, 2):
        rate.save_score(engine, session, 1, "IDC", value, key())
    rate.save_comment(engine, session, 1, "hm", key())
    assert rate.undo(engine, session, key()).position == 1 and rate.task(engine, session, 1).comment == ""
    tap = key()
    rate.undo(engine, session, tap)
    assert rate.task(engine, session, 1).scores == {"IDC": 1}
    rate.undo(engine, session, tap)  # the same tap again
    assert rate.task(engine, session, 1).scores == {"IDC": 1}
    rate.undo(engine, session, key())
    assert rate.task(engine, session, 1).scores == {}
    assert rate.undo(engine, session, key()) is None
    marks = transact(engine, lambda s: s.scalars(select(models.Mark.value).filter_by(field="IDC")).all())
    assert marks == [1, 2, 1, None]


def test_a_task_is_skipped_with_a_reason_until_it_is_scored_after_all(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    assert code(rate.skip, engine, session, 1, " \n", key()) == "text"
    assert rate.skip(engine, session, 1, "too dark", key()).state == "skipped"
    assert rate.next_task(engine, session).position == 2
    states = [rate.save_score(engine, session, 1, axis, 3, key()).state for axis in ("IDC", "ISAC", "ICRC", "MDIUC")]
    assert states == ["open", "open", "open", "done"]
    assert rate.skip(engine, session, 1, "no", key()).state == "skipped"


def test_what_is_typed_is_kept_as_text_whatever_it_looks_like(engine, tmp_path):
    _, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "<b>=Ada</b>", True).session
    for text in ("<script>alert(1)</script>", "=HYPERLINK(1)", "${alert(1)}", "{{x}}", "'; DROP TABLE mark; --", "女"):
        rate.save_comment(engine, session, 1, text, key())
        assert rate.task(engine, session, 1).comment == text
    rate.save_comment(engine, session, 1, "a\x00b\ud800c", key())
    assert rate.task(engine, session, 1).comment == "abc"
    assert code(rate.save_comment, engine, session, 1, "x" * 5001, key()) == "text"
    assert code(rate.save_comment, engine, session, 1, 5, key()) == "text"
    for field in ("comment", "skip", "better", "IDC'", "", None):
        assert code(rate.save_score, engine, session, 1, field, 3, key()) == "field"


def test_what_an_artist_sees_names_no_system_and_no_other_artist(engine, tmp_path):
    _, link = opened(
        engine, tmp_path, systems=[{"name": "secret-name", "answers": {name: [f"{name}."] for name in NAMES}}]
    )
    session = rate.enter(engine, link, "", True).session
    rate.enter(engine, link, "Somebody Else", True)
    shown = repr([rate.task(engine, session, place) for place in (1, 2, 3)])
    assert "secret-name" not in shown and "Somebody" not in shown


def test_calibration_comes_first_tells_what_it_should_get_afterwards_and_counts_nowhere(engine, tmp_path):
    right = {"IDC": 4, "ISAC": 3, "ICRC": 2, "MDIUC": 1}
    calibration = [
        {"picture": str(picture(tmp_path, "first")), "answers": ["A hat."], "scores": right, "why": "It is a hat."}
    ]
    study, link = opened(engine, tmp_path, calibration=calibration)
    session = rate.enter(engine, link, "", True).session
    task = rate.next_task(engine, session)
    assert task.calibration and task.dialogue == (("What is in this picture?", "A hat."),)
    assert code(rate.feedback, engine, session, 1) == "task"
    for axis in right:
        rate.save_score(engine, session, 1, axis, 3, key())
    told = rate.feedback(engine, session, 1)
    assert told.expected == right and set(told.given.values()) == {3} and told.why == "It is a hat."
    assert code(rate.feedback, engine, session, 2) == "task"
    assert organise.status(engine, study).scores == 0


def test_hidden_repeats_look_like_any_other_task(engine, tmp_path):
    _, link = opened(engine, tmp_path, repeats=2)
    session = rate.enter(engine, link, "", True).session
    tasks = [rate.task(engine, session, place) for place in range(1, 9)]
    assert [task.total for task in tasks] == [8] * 8
    for repeat in tasks[6:]:
        assert repeat.dialogue in [task.dialogue for task in tasks[:3]]
        assert vars(repeat) | {"position": 0} in [vars(task) | {"position": 0} for task in tasks[:6]]


def test_each_answer_gets_as_many_ratings_as_it_needs_and_no_artist_more_than_told(engine, tmp_path):
    study, link = opened(engine, tmp_path, ratings_per_answer=2, answers_per_rater=4)
    for _ in range(3):
        session = rate.enter(engine, link, "", True).session
        assert rate.next_task(engine, session).total == 4
        rate_all(engine, session)
    assert code(rate.enter, engine, link, "", True) == "full"
    given = transact(engine, lambda s: Counter(s.scalars(select(models.Task.answer_id))))
    assert set(given.values()) == {2} and len(given) == 6


def test_in_pair_mode_the_first_and_second_are_two_systems_and_the_choice_is_kept(engine, tmp_path):
    study, link = opened(engine, tmp_path, mode="pair", repeats=1)
    session = rate.enter(engine, link, "", True).session
    task = rate.next_task(engine, session)
    sides = [task.dialogue[0][1].split()[0], task.other[0][1].split()[0]]
    assert sorted(sides) == sorted(SYSTEMS) and task.total == 4
    assert code(rate.save_better, engine, session, 1, "left", key()) == "score"
    assert code(rate.save_score, engine, session, 1, "IDC", 3, key()) == "field"
    assert rate.save_better(engine, session, 1, "second", key()).state == "done"
    assert rate.task(engine, session, 1).better == "second"
    first, repeat = rate.task(engine, session, 1), rate.task(engine, session, 4)
    assert (repeat.dialogue, repeat.other) == (first.other, first.dialogue)


def test_finishing_needs_everything_scored_or_skipped(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "", True).session
    rate.skip(engine, session, 1, "no", key())
    assert code(rate.finish, engine, session) == "nothing"
    rate_all(engine, session)
    finished = rate.finish(engine, session)
    assert (finished.done, finished.skipped, finished.total) == (5, 1, 6)
    assert organise.status(engine, study).raters[0].finished
    rate.undo(engine, session, key())
    assert not organise.status(engine, study).raters[0].finished


def test_deleting_my_data_leaves_nothing_of_it_and_nobody_elses_less(engine, tmp_path):
    study, link = opened(engine, tmp_path, repeats=1)
    gone, stays = (rate.enter(engine, link, name, True) for name in ("Vanishing Point", "Steady"))
    for session in (gone.session, stays.session):
        rate_all(engine, session)
        rate.save_comment(engine, session, 2, f"I am {session}", key())
    assert rate.delete_my_data(engine, gone.session) == 29
    assert code(rate.next_task, engine, gone.session) == code(rate.resume, engine, gone.resume_code) == "session"
    assert [rater.pseudonym for rater in organise.status(engine, study).raters] == ["Steady"]
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ratings.sqlite3*"))
    assert b"Vanishing Point" not in stored and gone.session.encode() not in stored and b"Steady" in stored


def test_what_is_kept_too_long_is_deleted(engine, tmp_path):
    study, link = opened(engine, tmp_path, keep_days=30)
    rate.enter(engine, link, "", True)
    assert organise.delete_what_is_due(engine, NOW + timedelta(days=100)) == 0
    organise.set_status(engine, study, "closed")
    assert organise.delete_what_is_due(engine, NOW + timedelta(days=29)) == 0
    assert organise.delete_what_is_due(engine, NOW + timedelta(days=31)) == 1
    assert organise.status(engine, study).raters == ()


def test_the_live_page_says_who_has_stalled(engine, tmp_path):
    study, link = opened(engine, tmp_path)
    session = rate.enter(engine, link, "Ada", True).session
    rate.next_task(engine, session)
    assert not organise.status(engine, study).raters[0].stalled
    assert organise.status(engine, study, NOW + timedelta(days=3)).raters[0].stalled


def test_an_opened_studys_answers_stay_as_they_were_rated(engine, tmp_path):
    study, _ = opened(engine, tmp_path)
    assert code(organise.set_answer, engine, study, "storm", "with", ["Other."], {}) == "answer"


def test_pictures_are_kept_without_what_is_in_their_files_beside_the_pixels(engine, tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = "the studio in Rose Street"
    Image.new("RGB", (40, 30), "red").save(tmp_path / "storm.jpg", exif=exif)
    study, link = opened(engine, tmp_path, items=[str(tmp_path / "storm.jpg")], systems=[
        {"name": "a", "answers": {"storm": ["Red."]}}])  # fmt: skip
    kept = organise.item_picture(engine, study, "storm")
    assert kept.startswith(b"\xff\xd8") and b"Rose Street" in (tmp_path / "storm.jpg").read_bytes()
    assert b"Rose Street" not in b"".join(path.read_bytes() for path in tmp_path.glob("ratings.sqlite3*"))
    session = rate.enter(engine, link, "", True).session
    assert rate.picture(engine, session, 1) == kept


def test_deleting_a_study_deletes_everything_in_it(engine, tmp_path):
    study, link = opened(engine, tmp_path, repeats=1)
    rate_all(engine, rate.enter(engine, link, "", True).session)
    organise.delete_study(engine, study)
    for table in models.Base.metadata.sorted_tables:
        assert transact(engine, lambda s, table=table: s.execute(select(table)).all()) == []
    assert transact(engine, lambda s: s.execute(delete(models.Study))).rowcount == 0


def test_the_whole_of_it_runs_from_the_command_line(tmp_path, capsys):
    picture(tmp_path, "storm")
    file = tmp_path / "study.yaml"
    file.write_text(
        "title: T\nabout: A\nconsent: C\nrounds: What?\nitems: [storm.png]\nrubrics: [IDC]\n"
        "systems:\n  - {name: theirs, predictions: theirs.jsonl}\n  - {name: artist, answers: {storm: Waves.}}\n"
    )
    (tmp_path / "theirs.jsonl").write_text('{"id": "storm", "answers": ["A storm."]}\n')
    database = f"sqlite:///{tmp_path}/ratings.sqlite3"

    def run(*words):
        main(["--database", database, *words])
        return capsys.readouterr().out

    assert "Study 1" in run("create", str(file))
    assert "1 answers written, 0 missing" in run("generate", "1")
    assert "Waves." in run("answers", "1") and "open" in run("open", "1")
    address, _, token = run("links", "1", "--new", "1", "--uses", "1").strip().rpartition("/rate/link/")
    assert address.endswith("http://127.0.0.1:7860")
    session = rate.enter(open_database(database), token, "Ada", True).session
    rate_all(open_database(database), session)
    assert "used 1 of 1" in run("links", "1") and "2 of 2" in run("status", "1")
    out = tmp_path / "out"
    run("close", "1")
    run("archive", "1", "--out", str(out))
    table = run("results", "1")
    assert "| artist" in table and run("results", str(out)) == table == (out / "results.md").read_text()
    assert run("backup", str(tmp_path / "copy.sqlite3")).strip().endswith("copy.sqlite3")
    with pytest.raises(SystemExit, match="There is no study 9"):
        run("status", "9")
