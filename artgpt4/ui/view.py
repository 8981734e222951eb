"""What the page shows of a visitor now, for the outputs that the handlers have in common."""

from typing import TYPE_CHECKING

import gradio as gr

from artgpt4.palette import spoken_palette
from artgpt4.ui import panel
from artgpt4.ui.visitor import Visitor
from artgpt4.ui.words import say

if TYPE_CHECKING:
    from artgpt4.chat import Round


def talk(visitor: Visitor, text: str = "", notice: str = "", question: str | None = None) -> list:
    """Chat, question, notice, the three buttons below, the row of variants with its text, follow-ups and starters.

    Args:
        text: the answer under way, as far as it has come.
        notice: a sentence for the visitor.
        question: what shall stand in the question's box; None leaves it as it is.
    """
    pending, language = visitor.pending, visitor.language
    messages = []
    for asked, answered in pending.earlier if pending else visitor.rounds:
        answered = answered or say("(no answer)", language)
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    if pending:
        messages += [{"role": "user", "content": pending.question}, {"role": "assistant", "content": text or "…"}]
    box = {} if question is None else {"value": question}
    count = len(visitor.variants)
    variant = say("Variant {variant} of {count}", language, variant=visitor.variant + 1, count=count)
    starters = gr.skip()
    if not messages or pending and not pending.earlier:  # otherwise it stays as the visitor has left it
        starters = gr.Accordion(open=not messages)
    return [
        messages,
        gr.Textbox(submit_btn=not pending, stop_btn=bool(pending), **box),
        notice,
        *[gr.Button(interactive=bool(messages) and not pending) for _ in range(3)],
        gr.Row(visible=count > 1 and not pending),
        variant if count > 1 else "",
        gr.Column(visible=bool(messages)),
        starters,
    ]


def beside(visitor: Visitor) -> list:
    """The emotions, and what else there is to see beside the answer that is looked at."""
    language, round = visitor.language, visitor.round
    emotions = panel.emotion_chart(visitor.emotions, language) if visitor.emotions else ""
    if round is None:
        return [emotions, ""]
    swatches = spoken_palette(round.answer, visitor.conversation.picture)
    about = [
        panel.web_page(round.answer, language),
        panel.palette(swatches, language),
        panel.facts(visitor.conversation.model.name, round, language),
    ]
    return [emotions, "".join(about)]


def looked(visitor: Visitor, start: int = 0, end: int | None = None) -> str:
    """The veil over the picture for `answer[start:end]`; empty if it shall not be shown or is not worked out.

    Raises:
        ValueError: nothing was said there, or no longer.
    """
    if not visitor.is_looking or visitor.attention is None or visitor.attention[0] is not visitor.round:
        return ""
    _, attention = visitor.attention
    is_whole = start == 0 and (end is None or end >= len(attention.text))
    weights = attention.over() if is_whole else visitor.importance(start, end)
    return panel.veil(weights.numpy(), visitor.conversation.picture.size)


def spans(visitor: Visitor) -> str:
    """The answer that is looked at, to choose a part of."""
    if not visitor.is_looking or visitor.attention is None or visitor.attention[0] is not visitor.round:
        return f"<p>{say('There is nothing to look at yet.', visitor.language)}</p>"
    text = visitor.attention[1].text
    return panel.spans(text, visitor.language, (0, len(text)))


def notice(round: "Round | None", language: str) -> str:
    """What there is to know about an answer; empty if nothing."""
    if round is None:
        return ""
    if round.end == "stopped":
        return say("Stopped.", language)
    return " ".join(say(sentence, language, **values) for sentence, values in round.remarks)
