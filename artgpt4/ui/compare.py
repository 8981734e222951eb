"""The page on which a visitor puts one question to two models, blind, and votes."""

import functools
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from artgpt4.compare import Contest, contestants
from artgpt4.images import PictureError, open_picture
from artgpt4.presets import PRESETS
from artgpt4.ui.errors import sentence
from artgpt4.ui.language import build_masthead, speak_language
from artgpt4.ui.pictures import build_examples, build_picture
from artgpt4.ui.visitor import LARGEST_SIDE, UPDATE_EVERY
from artgpt4.ui.words import fetched, say
from artgpt4.votes import CHOICES, Vote, add_vote

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel

CSS = Path(__file__).with_name("compare.css")
MAX_QUESTION = 1000
#: What is worth comparing: the page's own instructions that need no earlier answer.
_CHIPS = [preset for preset in PRESETS if preset.axis in ("IDC", "ISAC") and not preset.follows][:6]
_BUTTONS = dict(zip(CHOICES, ("A is better", "B is better", "A tie", "Both are bad"), strict=True))

_log = logging.getLogger(__name__)


def add_compare_page(
    page: gr.Blocks,
    model: "Future[ChatModel]",
    other: "Future[ChatModel] | None",
    examples: Sequence[Path],
    votes: Path,
) -> None:
    """Adds /compare to the page.

    Args:
        model: what answers, perhaps still being loaded.
        other: what it is compared with; None for itself without its adapter.
        examples: picture files to choose from.
        votes: the JSONL file to which votes are added.
    """
    named = {_digest(path): path.stem for path in examples}
    awaited = [model] if other is None else [model, other]

    @functools.cache
    def pair() -> "list[ChatModel]":
        return contestants(model.result(), other and other.result())

    def show_both(path: str | None, contest: Contest):
        if path == contest.path:
            # Taking away a picture that cannot be used comes here once more: the sentence that says why must stay.
            return [gr.skip()] * (1 + len(view))
        try:
            _show(contest, path, named)
        except PictureError as error:
            return [None, *_view(contest, sentence(error, contest.language))]
        return [gr.skip(), *_view(contest)]

    def choose_compared(chosen: gr.SelectData):
        return str(examples[chosen.index])

    def ask_both(question: str, path: str | None, contest: Contest):
        question, language = question.strip()[:MAX_QUESTION], contest.language
        try:
            _show(contest, path, named)  # the picture's own event may still be on its way
        except PictureError as error:
            yield _view(contest, sentence(error, language))
            return
        if contest.picture is None or not question:
            missing = say("Choose a picture first.", language) if question else say("Write a question first.", language)
            yield _view(contest, missing)
            return
        contest.question, contest.is_running, contest.is_open = question, True, False
        try:
            while wait(awaited, timeout=0.2).not_done and contest.is_running:
                loading = " ".join(filter(None, [fetched(awaiting, language) for awaiting in awaited]))
                yield _view(contest, f"{say('The models are loading …', language)} {loading}".rstrip())
            if not contest.is_running:
                return
            shown = 0.0
            with closing(contest.ask(pair(), question)) as stream:
                for _ in stream:
                    if time.monotonic() - shown >= UPDATE_EVERY:
                        shown = time.monotonic()
                        yield _view(contest)
            if not contest.is_open:
                told = say("Stopped.", language)
            elif contest.answers[0] == contest.answers[1]:
                told = say("Both say the very same. Which is better?", language)
            else:
                told = say("Which answer is better?", language)
            yield _view(contest, told)
        except Exception as error:  # whatever went wrong, the visitor gets a sentence
            contest.stop()
            yield _view(contest, sentence(error, language))

    def stop_both(contest: Contest):
        contest.stop()
        return _view(contest, say("Stopped.", contest.language))

    def vote(choice: str) -> Callable:
        def vote_it(contest: Contest):
            label = next((preset.label for preset in PRESETS if preset.instruction == contest.question), None)
            sides, language = contest.close_vote(), contest.language
            if sides is None:
                return _view(contest, say("There is nothing to vote on. Ask a question first.", language))
            try:
                add_vote(votes, Vote(*sides, choice, label, contest.example))
                told = say("Thank you, your vote is counted.", language)
            except OSError:
                _log.exception("A vote could not be written")
                told = say("Your vote could not be written down.", language)
            who = say("A was **{left}**, B was **{right}**.", language, left=sides[0], right=sides[1])
            return _view(contest, f"{told} {who}")

        return vote_it

    with page.route("Compare", "compare"):
        gr.Navbar(main_page_name="Talk")
        contest = gr.State(Contest(), delete_callback=Contest.close)
        _, language = build_masthead(
            "# Compare\nOne question to two models. Which of them is A is drawn by lot; vote, and see who it was."
        )
        with gr.Row(elem_id="compare"):
            with gr.Column(scale=4, min_width=280, elem_id="compare-wall"):
                picture = build_picture("compare-picture", "The picture that both are asked about", height=320)
                gallery = build_examples(examples, "compare-examples")
            with gr.Column(scale=7, min_width=320, elem_id="contest"):
                question = gr.Textbox(
                    label="Question to both",
                    placeholder="Ask about the picture, or take a suggestion …",
                    max_length=MAX_QUESTION,
                    submit_btn=True,
                    elem_id="compare-question",
                )
                with gr.Row(elem_classes="chips"):
                    chips = [(gr.Button(p.label, size="sm", min_width=0, elem_classes="chip"), p) for p in _CHIPS]
                with gr.Row(elem_id="answers"):
                    left = gr.Textbox(label="Answer A", lines=7, interactive=False, elem_id="left")
                    right = gr.Textbox(label="Answer B", lines=7, interactive=False, elem_id="right")
                notice = gr.Markdown(elem_id="compare-notice")
                with gr.Row(elem_id="votes"):
                    buttons = {
                        choice: gr.Button(text, size="sm", min_width=120, interactive=False)
                        for choice, text in _BUTTONS.items()
                    }

        view = [left, right, notice, question, *buttons.values()]
        at_once = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        answering = {"concurrency_id": "model", "concurrency_limit": 4}
        answering |= {"show_progress": "hidden", "api_visibility": "private"}
        speak_language(page, contest, language)
        picture.change(show_both, [picture, contest], [picture, *view], **at_once)
        gallery.select(choose_compared, None, picture, **at_once)
        question.submit(ask_both, [question, picture, contest], view, **answering)
        for chip, preset in chips:
            filled = chip.click(functools.partial(str, preset.instruction), None, question, **at_once)
            filled.then(ask_both, [question, picture, contest], view, **answering)
        question.stop(stop_both, contest, view, **at_once)
        for choice, button in buttons.items():
            button.click(vote(choice), contest, view, **at_once)


def _show(contest: Contest, path: str | None, named: dict[str, str]) -> None:
    """Takes the picture at `path`, by its name if its content has one; the same again changes nothing.

    Raises:
        PictureError: it cannot be used.
    """
    if path == contest.path:
        return
    contest.close()
    if path:
        picture = open_picture(path)
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        contest.picture, contest.path, contest.example = picture, path, named.get(_digest(Path(path)))


def _view(contest: Contest, notice: str = "") -> list:
    """What the page shows now: both answers, the notice, the question's box and the four buttons."""
    running = contest.is_running
    box = gr.Textbox(submit_btn=not running, stop_btn=running)
    return [*contest.answers, notice, box, *[gr.Button(interactive=contest.is_open) for _ in CHOICES]]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
