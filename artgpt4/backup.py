"""What visitors create: the folder it lies in, and a copy of that in a private dataset repository on the Hub.

A Space's own disk is empty after each restart. With ARTGPT4_BACKUP=owner/name (and HF_TOKEN, with write access), what
is missing in the folder is fetched at the start, and what has changed goes up every five minutes and at the end.
"""

import hashlib
import logging
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import httpx2
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, CommitScheduler, HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

#: Seconds that a database may be busy before its copy is put off until next time.
_PATIENCE = 10
_SQLITE = b"SQLite format 3\0"
#: SQLite's own; what they hold is in the copy of the database.
_JOURNALS = ("-wal", "-shm", "-journal")

_log = logging.getLogger(__name__)


class BackupError(RuntimeError):
    """A backup that cannot be had. Its text is one line that says why and what to do."""


def data_folder() -> Path:
    """Where what visitors create is kept: $ARTGPT4_DATA; else data/artgpt4, in the root on a Space that has storage."""
    if given := os.environ.get("ARTGPT4_DATA"):
        return Path(given).expanduser()
    if os.environ.get("SPACE_ID") and os.path.ismount("/data"):
        return Path("/data/artgpt4")
    return Path("data/artgpt4")


def is_lasting() -> bool:
    """Whether what visitors create outlives a restart: on a Space it does not, without storage or a backup."""
    on_space = bool(os.environ.get("SPACE_ID"))
    return not on_space or bool(os.environ.get("ARTGPT4_BACKUP")) or data_folder().is_relative_to("/data")


class Backup(CommitScheduler):
    """Keeps a private dataset repository like a folder, for as long as the process runs.

    Files are sent when their content has changed, SQLite databases as a consistent copy (SQLite's online backup), and
    what is gone from the folder goes from the repository. Its history keeps what was there.

    Args:
        folder: what to keep; made if it is not there. Files of the repository that it lacks are put there first.
        repo_id: owner/name; made, as a private one, if it is not there.
        every: minutes between two looks.

    Raises:
        BackupError: there is no such repository to write to, or it is public, or it cannot be read.
    """

    def __init__(self, folder: Path, repo_id: str, every: float = 5):
        try:
            api = HfApi()
            api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
            if not api.repo_info(repo_id, repo_type="dataset").private:
                raise BackupError(f"{repo_id} is public; make it private, or name another in ARTGPT4_BACKUP.")
            self._sent = self._restore(Path(folder), repo_id)
            super().__init__(repo_id=repo_id, folder_path=folder, every=every, repo_type="dataset", private=True)
        except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError, ValueError) as error:
            hint = "; is HF_TOKEN set, and may it write there?" if _is_refusal(error) else ""
            said = " ".join(str(error).split())[:200]
            raise BackupError(f"The backup {repo_id} cannot be used{hint} ({said})") from error

    @staticmethod
    def _restore(folder: Path, repo_id: str) -> dict[str, str]:
        """Fetches what the folder lacks; returns the SHA-256 of each file of the repository, by its path there."""
        api, digests = HfApi(), {}
        with tempfile.TemporaryDirectory() as temporary:
            for name in api.list_repo_files(repo_id, repo_type="dataset"):
                if name == ".gitattributes":
                    continue
                fetched = Path(api.hf_hub_download(repo_id, name, repo_type="dataset", local_dir=temporary))
                digests[name] = _sha256(fetched)
                if not (folder / name).exists():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(fetched, folder / name)
                    _log.warning("%s was fetched from the backup %s", name, repo_id)
        return digests

    def push_to_hub(self) -> CommitInfo | None:
        """Sends what has changed since the last time, in one commit; None if nothing has."""
        with tempfile.TemporaryDirectory() as temporary:
            copies = {
                path.relative_to(self.folder_path).as_posix(): _copy(path, Path(temporary) / str(number))
                for number, path in enumerate(sorted(self.folder_path.rglob("*")))
                if path.is_file() and not path.name.endswith(_JOURNALS)
            }
            digests = {name: _sha256(copy) for name, copy in copies.items()}
            operations = [
                *(CommitOperationAdd(n, copies[n]) for n, digest in digests.items() if self._sent.get(n) != digest),
                *(CommitOperationDelete(name) for name in self._sent if name not in digests),
            ]
            if not operations:
                return None
            commit = self.api.create_commit(
                self.repo_id, operations, commit_message="What has changed", repo_type="dataset"
            )
        self._sent = digests
        return commit


def _copy(path: Path, to: Path) -> Path:
    """A copy that is whole, though the file may be written to meanwhile."""
    with path.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    if not is_database:
        return Path(shutil.copyfile(path, to))
    with closing(sqlite3.connect(path, timeout=_PATIENCE)) as database, closing(sqlite3.connect(to)) as copy:
        database.backup(copy)
    return to


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, RepositoryNotFoundError) or (
        isinstance(error, HfHubHTTPError) and error.response is not None and error.response.status_code in (401, 403)
    )
