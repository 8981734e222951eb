"""ArtMM's four rubrics: what each score from 0 to 5 stands for.

The axes, scores and their order are the first preprint's (ArtGPT-4, arXiv:2305.07490v1, section 5), the wording
is ours.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rubric:
    """One axis.

    Attributes:
        axis: its short name.
        title: its name in full.
        task: what is scored.
        levels: what each score from 0 to 5 stands for.
    """

    axis: str
    title: str
    task: str
    levels: tuple[str, str, str, str, str, str]

    def text(self) -> str:
        """The rubric as a judge or a rater reads it."""
        levels = "\n".join(f"{score}: {level}" for score, level in enumerate(self.levels))
        return f"{self.title} ({self.axis}). {self.task}\n{levels}"


RUBRICS: dict[str, Rubric] = {
    rubric.axis: rubric
    for rubric in (
        Rubric(
            "IDC",
            "Image depiction capability",
            "How well does the answer describe the picture?",
            (
                "It does not describe the picture at all.",
                "It describes something that is not what the picture shows.",
                "It describes the picture in part.",
                "It describes the whole picture, but appreciates nothing in it.",
                "It describes the whole picture and appreciates it as a person would.",
                "It describes the whole picture with an appreciation beyond most people's, as an artist's.",
            ),
        ),
        Rubric(
            "ISAC",
            "Image sentiment analysis capability",
            "How well does the answer tell the emotions of the people in the picture and those of its viewer?",
            (
                "It cannot say what feelings the picture has.",
                "It names a fitting emotion without a sound reason.",
                "It names a fitting emotion with a reason, but imperfectly.",
                "Of the people in the picture or of the viewer, it tells the emotions perfectly and with reasons.",
                "It tells all the emotions, with reasons, as an ordinary person would.",
                "It tells all the emotions perfectly, with reasons, and artfully.",
            ),
        ),
        Rubric(
            "ICRC",
            "Image content recognition capability",
            "How well does the answer recognise the objects and scenes in the picture?",
            (
                "It recognises nothing.",
                "It recognises some objects or scenes, with grave errors or omissions.",
                "It recognises most objects and scenes, with some errors or omissions.",
                "It recognises all objects and scenes, with few errors or omissions.",
                "It recognises all objects and scenes accurately and at once, as a person does.",
                "It recognises all of them accurately and at once, and their context, better than a person does.",
            ),
        ),
        Rubric(
            "MDIUC",
            "Multi-round dialogue image understanding capability",
            "How well do the answers of the whole dialogue understand the picture?",
            (
                "They show no understanding of the picture.",
                "They understand it in part, but do not keep up the dialogue.",
                "They understand it to a degree and keep some coherence, but miss key points.",
                "They understand it and keep up the dialogue, with minor mistakes or misunderstandings.",
                "They understand it accurately and keep up the dialogue coherently.",
                "They understand it accurately, keep up the dialogue coherently, and answer creatively.",
            ),
        ),
    )
}
