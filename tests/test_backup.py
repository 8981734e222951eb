"""What visitors create outlives the disk it was written on: the real Hub client, real databases."""

import sqlite3
from contextlib import closing

import pytest

import app
from artgpt4.backup import Backup, BackupError, data_folder, is_lasting

REPO = "painter/kept"


@pytest.fixture
def folder(tmp_path):
    """A folder with a database that is being written to, and a file."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log.jsonl").write_text('{"n": 1}\n')
    with closing(sqlite3.connect(folder / "ratings.sqlite3")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE ratings (score INTEGER)")
        database.execute("INSERT INTO ratings VALUES (5)")
        database.commit()
        yield folder  # still open: what was committed is in its journal


@pytest.fixture
def open_backup():
    """Opens a backup that looks by itself only at its start."""
    opened = []

    def open_backup(folder, repo=REPO):
        opened.append(Backup(folder, repo, every=1e6))
        opened[-1].trigger().result(timeout=60)
        return opened[-1]

    yield open_backup
    for backup in opened:
        backup.stop()


def scores(folder):
    with closing(sqlite3.connect(folder / "ratings.sqlite3")) as database:
        return [score for (score,) in database.execute("SELECT score FROM ratings")]


def test_what_is_lost_with_the_disk_comes_back(hub_server, folder, open_backup, tmp_path):
    open_backup(folder)
    assert set(hub_server.repos[REPO]) == {"log.jsonl", "ratings.sqlite3"}
    new = tmp_path / "after the restart"
    open_backup(new)
    assert scores(new) == [5] and (new / "log.jsonl").read_text() == '{"n": 1}\n'


def test_the_repository_is_made_private(hub_server, folder, open_backup):
    open_backup(folder)
    made = hub_server.made[REPO]
    assert made["type"] == "dataset" and (made.get("private") or made.get("visibility") == "private")


def test_only_what_has_changed_is_sent_and_what_is_gone_goes(hub_server, folder, open_backup):
    backup = open_backup(folder)
    assert backup.trigger().result(timeout=60) is None
    before = hub_server.repos[REPO]["ratings.sqlite3"]
    with closing(sqlite3.connect(folder / "ratings.sqlite3")) as database:
        database.execute("INSERT INTO ratings VALUES (3)")
        database.commit()
        (folder / "log.jsonl").unlink()
        backup.trigger().result(timeout=60)
    assert set(hub_server.repos[REPO]) == {"ratings.sqlite3"} and hub_server.repos[REPO]["ratings.sqlite3"] != before
    (folder / "copy").mkdir()
    (folder / "copy" / "ratings.sqlite3").write_bytes(hub_server.repos[REPO]["ratings.sqlite3"])
    assert scores(folder / "copy") == [5, 3]


def test_what_is_here_is_newer_than_the_backup(hub_server, folder, open_backup):
    open_backup(folder)
    (folder / "log.jsonl").write_text('{"n": 2}\n')
    open_backup(folder)
    assert (folder / "log.jsonl").read_text() == '{"n": 2}\n'
    assert hub_server.repos[REPO]["log.jsonl"] == b'{"n": 2}\n'


def test_a_public_repository_is_refused(hub_server, folder):
    hub_server.repos[REPO] = {}
    with pytest.raises(BackupError, match="is public; make it private"):
        Backup(folder, REPO)
    assert hub_server.repos[REPO] == {}


@pytest.mark.parametrize("token, owner", [("hf_bad", "painter"), ("hf_good", "stranger")])
def test_without_leave_to_write_the_owner_is_told(hub_server, folder, monkeypatch, token, owner):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(BackupError, match="is HF_TOKEN set"):
        Backup(folder, f"{owner}/kept")


def test_a_backup_that_cannot_be_read_is_never_written_over(hub_server, folder, open_backup, tmp_path):
    open_backup(folder)
    kept = dict(hub_server.repos[REPO])
    hub_server.fail = "/resolve/"
    with pytest.raises(BackupError):
        Backup(tmp_path / "new", REPO)
    assert hub_server.repos[REPO] == kept


def test_the_data_folder_is_where_the_owner_says(monkeypatch, tmp_path):
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("ARTGPT4_DATA")
    assert data_folder().as_posix() == "data/artgpt4"


def test_a_space_keeps_nothing_unless_there_is_storage_or_a_backup(monkeypatch):
    for name in ("ARTGPT4_DATA", "ARTGPT4_BACKUP", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    assert is_lasting()
    monkeypatch.setenv("SPACE_ID", "painter/space")
    assert not is_lasting()
    monkeypatch.setenv("ARTGPT4_BACKUP", REPO)
    assert is_lasting()
    monkeypatch.delenv("ARTGPT4_BACKUP")
    monkeypatch.setenv("ARTGPT4_DATA", "/data/mine")
    assert is_lasting()


def test_the_app_does_not_start_without_the_backup_it_was_asked_for(hub_server, monkeypatch, tmp_path):
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ARTGPT4_BACKUP", "stranger/kept")
    with pytest.raises(SystemExit, match="stranger/kept cannot be used"):
        app.main([])
