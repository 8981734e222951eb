"""Instructions that a visitor can take with one tap, each with the rubric of the paper's evaluation that it serves.

The rubrics (ArtGPT-4, Yuan et al., 2023, arXiv:2305.07490): IDC, image depiction; ISAC, image sentiment analysis; ICRC,
image content recognition; MDIUC, understanding over several rounds of dialogue.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """One chip of the page: `label` is shown, `instruction` is what the model is asked."""

    label: str
    instruction: str
    axis: str  # "IDC", "ISAC", "ICRC" or "MDIUC"
    group: str  # what it asks for
    follows: bool = False  # it makes sense only once there is an answer


_THERE, _PEOPLE, _FEEL = "What is there", "What the people in it feel", "What you may feel"
_MADE, _FORMAL, _VIEW, _TITLE, _PAGE = "How it is made", "Formal analysis", "Another view", "A title", "A web page"

#: The one that names both sides is the paper's own sentence for its sentiment rubric.
PRESETS: tuple[Preset, ...] = (
    Preset("What is in it?", "What is in this picture?", "ICRC", _THERE),
    Preset("In short", "Describe this picture in one sentence.", "IDC", _THERE),
    Preset("In full", "Describe this picture in detail, with the mood it has.", "IDC", _THERE),
    Preset("Colours and light", "Describe the colours and the light.", "IDC", _THERE),
    Preset("Which colours?", "Which colours does it have?", "ICRC", _THERE),
    Preset("Tell me more", "Tell me more.", "MDIUC", _THERE, follows=True),
    Preset("Shorter, please", "Shorter, please.", "MDIUC", _THERE, follows=True),
    Preset("More poetically", "Say it more poetically.", "MDIUC", _THERE, follows=True),
    Preset("The people", "What do the people in it feel?", "ISAC", _PEOPLE),
    Preset("What does it make you feel?", "What does this picture make you feel?", "ISAC", _FEEL),
    Preset(
        "Those in it, and those who look",
        "Analyze the emotions expressed by the individuals in the images as well as the emotions felt by the viewer "
        "observing them.",
        "ISAC",
        _FEEL,
    ),
    Preset("And why?", "Why does it feel like that?", "MDIUC", _FEEL, follows=True),
    Preset("Which colour?", "Which colour does that?", "MDIUC", _FEEL, follows=True),
    Preset("Another mood", "What would change its mood?", "MDIUC", _FEEL, follows=True),
    Preset("How is it made?", "How is this picture made?", "IDC", _MADE),
    Preset("A curator's words", "How would a curator describe it?", "IDC", _MADE),
    Preset("By its means alone", "Give a formal analysis of this picture in one paragraph.", "IDC", _FORMAL),
    Preset("In mourning", "How would someone in mourning see it?", "ISAC", _VIEW),
    Preset("A child", "How would a child see it?", "ISAC", _VIEW),
    Preset("In love", "How would someone in love see it?", "ISAC", _VIEW),
    Preset("A title", "Give this picture a title.", "IDC", _TITLE),
    Preset("A page in its colours", "Make a small web page with its colours.", "IDC", _PAGE),
)
