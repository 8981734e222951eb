"""What can be seen in a painting: the record that every sentence about it is made from and judged against."""

from dataclasses import asdict, dataclass, field, replace

#: In `Facts.rivals`, that a fact has no value.
NONE = "none"


@dataclass
class Thing:
    """A visible thing. `area` is the share of the picture's pixels that it still covers in the finished painting."""

    name: str  # one of vocabulary.THINGS
    side: str  # one of vocabulary.SIDES, from the centre of its visible pixels
    height: str  # "top", "middle", "bottom", likewise
    area: float
    colour: str | None = None  # one of vocabulary.COLOURS, measured on its visible pixels


@dataclass
class Facts:
    """Facts of one painting. Everything but subject, manner, light and people is measured on the finished pixels."""

    subject: str  # one of vocabulary.SUBJECTS, or vocabulary.UNKNOWN
    manner: str | None  # None where no manner can be told
    light: str | None
    things: list[Thing]  # visible ones only, each name once, largest first
    colours: list[str]  # one to three names, heaviest first; the first is the leading colour
    brightness: str
    saturation: str
    warmth: str
    contrast: str
    density: str
    horizon: str | None  # where the ground meets the sky, if there is one
    side: str | None  # where the visual weight lies; None where it cannot be told
    people: str | None  # what the people seem to feel, where a face or a posture tells it; not the viewer's emotion
    valence: float  # standard scores over the painter's distribution
    arousal: float
    emotion: str  # the viewer's dominant emotion, one of artgpt4.emotions.EMOTIONS
    second_emotion: str  # the next nearest, never the same
    #: Names of the facts that carry the emotion, weightiest first: "brightness", "saturation", "light", "people",
    #: "subject", "things:lightning", "manner", "density" ...; only such as push towards this emotion.
    reasons: list[str]
    #: Things that are painted but too small or too faint to be told: ask about them neither with yes nor with no.
    unclear: list[str] = field(default_factory=list)
    #: Brightness, saturation, warmth, contrast, density, 0..1; "lead", "second" and "last": by what share of the pixels
    #: the first colour leads the second, the second the third, and the last one what is not listed.
    measures: dict[str, float] = field(default_factory=dict)
    #: How probable a trained tower finds what is so, by the fact's name: "side", "leading", "emotion" ..., "thing
    #: bird", "bird side", "bird height", "bird colour", "colour grey"; "rival side" is that of `rivals["side"]`, and
    #: "nameable" that it has a subject at all. Empty until `train.sight` fills it.
    sight: dict[str, float] = field(default_factory=dict)
    #: What it finds likeliest of all that is not so, for facts that have one value; `NONE` stands for None.
    rivals: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict:
        """A JSON-able copy."""
        return asdict(self)

    def mirrored(self) -> "Facts":
        """The facts of the same painting with left and right exchanged."""
        other = {"left": "right", "right": "left"}
        things = [replace(thing, side=other.get(thing.side, thing.side)) for thing in self.things]
        rivals = {name: other.get(value, value) for name, value in self.rivals.items()}
        return replace(self, things=things, side=other.get(self.side, self.side), rivals=rivals)

    @classmethod
    def from_dict(cls, record: dict) -> "Facts":
        """The inverse of `to_dict`."""
        return cls(**{**record, "things": [Thing(**thing) for thing in record["things"]]})
