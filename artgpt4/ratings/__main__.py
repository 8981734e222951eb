"""Studies from the command line; see `python -m artgpt4.ratings COMMAND --help`."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from artgpt4.ratings import organise
from artgpt4.ratings.database import URL, backup, open_database
from artgpt4.ratings.errors import RatingsError, StorageError
from artgpt4.ratings.export import export_study
from artgpt4.ratings.generate import generate_answers
from artgpt4.ratings.record import read_jsonl, read_record
from artgpt4.ratings.results import markdown, results, write_plots
from artgpt4.ratings.study import StudyErrors, read_study


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (RatingsError, StorageError, StudyErrors) as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m artgpt4.ratings", description="Artists score answers, by links.")
    parser.add_argument("--database", help=f"SQLAlchemy's URL; default: ${URL}, or ratings.sqlite3 in the data folder")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run, help: str, study: bool = True) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=help)
        found.set_defaults(run=run)
        if study:
            found.add_argument("study", type=int, help="its number, as create and list say it")
        return found

    create = command("create", _create, "make a study of a YAML file (see artgpt4/ratings/study.py)", study=False)
    create.add_argument("file", type=Path)
    command("list", _list, "all studies", study=False)
    command("generate", _generate, "let the systems answer what they have not answered yet")
    answers = command("answers", _answers, "read what the systems answered")
    answers.add_argument("--system", help="of this one only")
    for name, status in (("open", "open"), ("pause", "paused"), ("close", "closed")):
        command(name, _set_status, f"{name} the study").set_defaults(status=status)
    links = command("links", _links, "make links, or without --new list them")
    links.add_argument("--new", type=int, metavar="N", help="make so many")
    links.add_argument("--scope", default="rate", choices=("rate", "view", "organise"))
    links.add_argument("--days", type=float, help="they expire after so long; default: never")
    links.add_argument("--uses", type=int, help="artists each lets in; default: any number")
    links.add_argument("--label", default="")
    links.add_argument("--address", default="http://127.0.0.1:7860", help="where the page is")
    links.add_argument("--revoke", type=int, metavar="LINK", help="end the link of that number")
    command("status", _status, "who is where")
    shown = command("results", _results, "the tables, of a study or of an exported folder", study=False)
    shown.add_argument("study", help="its number, or the folder that export wrote")
    shown.add_argument("--plots", type=Path, help="also write plots into this folder")
    export = command("export", _export, "write everything that the study has given")
    export.add_argument("--out", type=Path, required=True, help="folder")
    archive = command("archive", _archive, "export, end all links and sessions, and change nothing any more")
    archive.add_argument("--out", type=Path, required=True, help="folder")
    copy = command("backup", _backup, "copy the SQLite database while it is in use", study=False)
    copy.add_argument("file", type=Path)
    command("delete-due", _delete_due, "delete artists' data whose time (keep_days) is over", study=False)
    return parser


def _create(options: argparse.Namespace) -> None:
    spec = read_study(options.file)
    study = organise.create_study(open_database(options.database), spec)
    print(f"Study {study}. Next: python -m artgpt4.ratings generate {study}")


def _list(options: argparse.Namespace) -> None:
    for study in organise.studies(open_database(options.database)):
        print(f"{study.id}\t{study.status}\t{study.mode}\t{study.raters} artists\t{study.title}")


def _generate(options: argparse.Namespace) -> None:
    engine = open_database(options.database)
    with tqdm(unit="answer", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        generated = generate_answers(engine, options.study, progress)
    missing = [row for row in organise.answers(engine, options.study) if row.texts is None]
    print(f"{generated.written} answers written, {len(missing)} missing")
    for row in missing:
        print(f"  {row.system} on {row.item}: {row.error}")
    if missing:
        sys.exit("Run generate again to try those that failed once more.")


def _answers(options: argparse.Namespace) -> None:
    for row in organise.answers(open_database(options.database), options.study):
        if options.system in (None, row.system):
            print(f"## {row.item}, {row.system}")
            for question, text in zip(
                row.rounds, row.texts or [row.error or "not made yet"] * len(row.rounds), strict=True
            ):
                print(f"{question}\n  {text}")


def _set_status(options: argparse.Namespace) -> None:
    organise.set_status(open_database(options.database), options.study, options.status)
    print(f"Study {options.study} is {options.status}.")


def _links(options: argparse.Namespace) -> None:
    engine = open_database(options.database)
    if options.revoke is not None:
        organise.revoke_link(engine, options.study, options.revoke)
    for _ in range(options.new or 0):
        until = None if options.days is None else datetime.now(UTC) + timedelta(days=options.days)
        link = organise.create_link(engine, options.study, options.scope, options.label, until, options.uses)
        print(f"{link.id}\t{options.address.rstrip('/')}/{organise.ADDRESSES[options.scope]}{link.token}")
    if options.new is None:
        for link in organise.links(engine, options.study):
            state = "works" if link.usable else "ended"
            print(f"{link.id}\t{link.scope}\t{state}\tused {link.uses} of {link.max_uses or 'any'}\t{link.label}")


def _status(options: argparse.Namespace) -> None:
    status = organise.status(open_database(options.database), options.study)
    print(f"{status.title}: {status.status}; {status.scores} {'choices' if status.mode == 'pair' else 'scores'}; "
          f"{status.answers - status.answers_missing} of {status.answers} answers")  # fmt: skip
    for rater in status.raters:
        state = "finished" if rater.finished else "stalled" if rater.stalled else "at it"
        print(f"{rater.pseudonym}\t{rater.done + rater.skipped} of {rater.total}, {rater.skipped} skipped\t{state}")


def _results(options: argparse.Namespace) -> None:
    if options.study.isdecimal():
        record = read_record(open_database(options.database), int(options.study))
    else:
        record = read_jsonl(Path(options.study) / "record.jsonl")
    found = results(record)
    print(markdown(found), end="")
    if options.plots:
        options.plots.mkdir(parents=True, exist_ok=True)
        write_plots(found, options.plots)


def _export(options: argparse.Namespace) -> None:
    print(export_study(open_database(options.database), options.study, options.out))


def _archive(options: argparse.Namespace) -> None:
    engine = open_database(options.database)
    folder = export_study(engine, options.study, options.out)
    organise.set_status(engine, options.study, "archived")
    print(f"Study {options.study} is archived; everything is in {folder}.")


def _backup(options: argparse.Namespace) -> None:
    print(backup(open_database(options.database), options.file))


def _delete_due(options: argparse.Namespace) -> None:
    print(f"The data of {organise.delete_what_is_due(open_database(options.database))} artists was deleted.")


if __name__ == "__main__":
    main()
