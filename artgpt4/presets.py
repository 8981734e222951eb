"""Instructions that a visitor can ask with one tap, each with the rubric of the paper's evaluation that it serves.

The rubrics (ArtGPT-4, Yuan et al., 2023, arXiv:2305.07490): IDC, image depiction; ISAC, image sentiment analysis; ICRC,
image content recognition; MDIUC, understanding over several rounds of dialogue.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """One button of the page: `label` is shown, `instruction` is what the model is asked."""

    label: str
    instruction: str
    axis: str  # "IDC", "ISAC", "ICRC" or "MDIUC"
    group: str  # "Look", "Feel" or "Go further"


#: The first in the group "Feel" to name both sides is the paper's own sentence for its sentiment rubric.
PRESETS: tuple[Preset, ...] = (
    Preset("What is in it?", "What is in this picture?", "ICRC", "Look"),
    Preset("In short", "Describe this picture in one sentence.", "IDC", "Look"),
    Preset("In full", "Describe this picture in detail, with the mood it has.", "IDC", "Look"),
    Preset("Colours and light", "Describe the colours and the light.", "IDC", "Look"),
    Preset("How is it made?", "How is this picture made?", "IDC", "Look"),
    Preset("What does it make you feel?", "What does this picture make you feel?", "ISAC", "Feel"),
    Preset(
        "Those in it, and those who look",
        "Analyze the emotions expressed by the individuals in the images as well as the emotions felt by the viewer "
        "observing them.",
        "ISAC",
        "Feel",
    ),
    Preset("And why?", "Why does it feel like that?", "MDIUC", "Feel"),
    Preset("A title", "Give this picture a title.", "IDC", "Go further"),
    Preset("Another mood", "What would change its mood?", "MDIUC", "Go further"),
)
