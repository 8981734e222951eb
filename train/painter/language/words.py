"""The phrases for every value of every fact. Each belongs to one value only, so that what was said can be read back."""

from train.painter.vocabulary import UNKNOWN

#: Noun phrases that can follow "it shows".
SUBJECT: dict[str, tuple[str, ...]] = {
    "sea": ("the open sea", "a stretch of sea", "the sea"),
    "mountains": ("a range of mountains", "high mountains", "mountains under the sky"),
    "forest": ("a forest", "the inside of a forest", "a piece of woodland"),
    "field": ("an open field", "a wide field", "a field in open country"),
    "village": ("a village", "a small village", "the houses of a village"),
    "city": ("a city", "the buildings of a city", "a city skyline"),
    "boat": ("a boat on the water", "a boat on open water", "a boat out on the water"),
    "cabin": ("a cabin", "a small cabin", "a cabin on its own"),
    "river": ("a river", "a winding river", "a river through the land"),
    "tree": ("a single tree", "a lone tree", "a tree standing alone"),
    "flowers": ("a bunch of flowers", "a bouquet", "a still life with a bouquet"),
    "fruit": ("a still life of fruit", "fruit laid out as a still life", "pieces of fruit in a still life"),
    "portrait": ("a portrait", "a portrait of one person", "the portrait of a person"),
    "crowd": ("a crowd", "a group of people", "a crowd of people"),
    "figure": ("a single figure", "a lone figure", "a figure on its own"),
    "pair": ("two people together", "a pair of figures", "two figures side by side"),
    "interior": ("an interior", "the inside of a room", "a room seen from within"),
    "animal": ("an animal", "an animal seen alone", "the likeness of an animal"),
    "geometric": ("geometric shapes", "a geometric abstraction", "an abstract arrangement of geometric shapes"),
    "splatter": ("splashes of paint", "an abstract splatter of paint", "paint splashed over the surface"),
    "colour field": ("fields of pure colour", "a colour field abstraction", "large areas of abstract colour"),
    UNKNOWN: ("something I cannot name", "something I do not recognise", "something I cannot make out"),
}
#: Heads of titles.
TITLE: dict[str, str] = {
    "sea": "Sea",
    "mountains": "Mountains",
    "forest": "Forest",
    "field": "Field",
    "village": "Village",
    "city": "City",
    "boat": "Boat",
    "cabin": "Cabin",
    "river": "River",
    "tree": "Lone Tree",
    "flowers": "Bouquet",
    "fruit": "Still Life",
    "portrait": "Portrait",
    "crowd": "Crowd",
    "figure": "Figure",
    "pair": "Two Figures",
    "interior": "Interior",
    "animal": "Animal",
    "geometric": "Composition",
    "splatter": "Splashes",
    "colour field": "Colour Field",
    UNKNOWN: "Untitled",
}

MANNER: dict[str, tuple[str, ...]] = {
    "impressionist": ("in loose impressionist strokes", "in an impressionist manner"),
    "impasto": ("in thick impasto", "in heavy impasto"),
    "watercolour": ("in thin washes of watercolour", "in watercolour"),
    "pointillist": ("in small pointillist dots", "in a pointillist manner"),
    "flat": ("in flat shapes", "in flat, clean shapes"),
    "ink": ("in ink", "in ink outlines"),
    "chiaroscuro": ("in chiaroscuro", "in the manner of chiaroscuro"),
    "soft": ("in a soft, blurred manner", "in blurred forms"),
    "woodcut": ("like a woodcut", "in the manner of a woodcut"),
    "cubist": ("in cubist facets", "in a cubist manner"),
    "expressionist": ("in an expressionist manner", "in wild expressionist strokes"),
}
MANNER_EXPLAINED: dict[str, str] = {
    "impressionist": "the brushstrokes are short and quick",
    "impasto": "the paint stands up from the surface",
    "watercolour": "the colour runs thin and the paper shines through",
    "pointillist": "the dots of colour mix in the eye",
    "flat": "there is hardly any brushwork to be seen",
    "ink": "the outlines carry the drawing",
    "chiaroscuro": "a little light is set against deep shadow",
    "soft": "one form melts into the next",
    "woodcut": "the forms look cut with a knife and printed",
    "cubist": "the forms are broken into planes",
    "expressionist": "the forms are bent and the strokes are rough",
}
MANNER_NOUN: dict[str, str] = {
    "impressionist": "the loose impressionist strokes",
    "impasto": "the thick impasto",
    "watercolour": "the washes of watercolour",
    "pointillist": "the pointillist dots",
    "flat": "the flat shapes",
    "ink": "the ink outlines",
    "chiaroscuro": "the play of chiaroscuro",
    "soft": "the blurred edges",
    "woodcut": "the hard cuts of the woodcut",
    "cubist": "the cubist facets",
    "expressionist": "the rough expressionist strokes",
}

LIGHT: dict[str, tuple[str, ...]] = {
    "day": ("in daylight", "in full daylight", "by the light of day"),
    "sunset": ("at sunset", "in the evening light", "in the glow of sunset"),
    "night": ("at night", "by night", "under a night sky"),
    "storm": ("in a storm", "under a stormy sky", "in stormy weather"),
    "snow": ("in winter", "in wintry weather", "on a winter day"),
    "fog": ("in the mist", "on a misty day", "wrapped in mist"),
}
LIGHT_NOUN: dict[str, tuple[str, ...]] = {
    "day": ("the daylight", "the light of day"),
    "sunset": ("the evening light", "the glow of sunset"),
    "night": ("the night", "the hour of night"),
    "storm": ("the stormy weather", "the storm"),
    "snow": ("the winter weather", "the winter air"),
    "fog": ("the mist", "the misty air"),
}
TITLE_LIGHT: dict[str, str] = {
    "day": "in Daylight",
    "sunset": "at Sunset",
    "night": "at Night",
    "storm": "in a Storm",
    "snow": "in Winter",
    "fog": "in the Mist",
}

#: Adjectives for the whole picture; "dark" and so on are said of nothing else.
TONE: dict[str, dict[str, str]] = {
    "brightness": {"dark": "dark", "medium": "of middle brightness", "bright": "bright"},
    "saturation": {"muted": "muted", "moderate": "moderately colourful", "vivid": "vivid"},
    "warmth": {"cool": "cool", "neutral": "neither warm nor cool", "warm": "warm"},
}
#: In place of those, where two are left open: not "perhaps neither warm nor cool or cool".
TONE_OPEN: dict[str, dict[str, str]] = {"warmth": {"neutral": "balanced in temperature"}}
#: The same and more as noun phrases, to be used as reasons.
NOUNS: dict[str, dict[str, tuple[str, ...]]] = {
    "brightness": {
        "dark": ("the dark tones", "the dark tonality"),
        "medium": ("the middle brightness", "the tones of middle brightness"),
        "bright": ("the bright tones", "the bright tonality"),
    },
    "saturation": {
        "muted": ("the muted colours", "the muted colouring"),
        "moderate": ("the moderate colours", "the moderate strength of the colours"),
        "vivid": ("the vivid colours", "the vivid colouring"),
    },
    "warmth": {
        "cool": ("the cool colouring", "the cool colours"),
        "neutral": ("the balance of temperature", "the colouring balanced in temperature"),
        "warm": ("the warm colouring", "the warm colours"),
    },
    "contrast": {
        "soft": ("the soft contrasts", "the soft contrast of tones"),
        "moderate": ("the moderate contrasts", "the moderate contrast of tones"),
        "strong": ("the strong contrasts", "the strong contrast of tones"),
    },
    "density": {
        "sparse": ("the sparse composition", "the empty space in it"),
        "balanced": ("the evenly filled composition", "the evenly filled space"),
        "busy": ("the busy composition", "the busy surface"),
    },
    "horizon": {
        "low": ("the low horizon", "the horizon that lies low"),
        "middle": ("the horizon near the middle", "the horizon that lies near the middle"),
        "high": ("the high horizon", "the horizon that lies high"),
    },
}
DENSITY_EXPLAINED: dict[str, str] = {
    "sparse": "much room is left free",
    "balanced": "it is neither bare nor overfull",
    "busy": "there is something to see almost everywhere",
}
HORIZON_EXPLAINED: dict[str, str] = {
    "low": "the sky takes most of the space",
    "middle": "sky and ground share the space",
    "high": "the ground takes most of the space",
}
CONTRAST_EXPLAINED: dict[str, str] = {
    "soft": "the tones lie close together",
    "moderate": "the tones differ, but not sharply",
    "strong": "light and shade stand sharply against each other",
}
PEOPLE_EXPLAINED: dict[str, str] = {
    "happy": "all about them is open and light",
    "sad": "all about them hangs down",
    "angry": "all about them is tense",
    "calm": "all about them is at rest",
}

#: The colour by which each name is shown on a web page, three hexadecimal digits as CSS has them.
HEX: dict[str, str] = {
    "red": "#c33",
    "orange": "#e83",
    "yellow": "#ec3",
    "green": "#484",
    "teal": "#288",
    "blue": "#36b",
    "purple": "#649",
    "pink": "#e9b",
    "brown": "#853",
    "beige": "#dcb",
    "black": "#111",
    "dark grey": "#444",
    "grey": "#999",
    "white": "#fff",
}
#: Names on which white letters can be read; the others take black ones.
DEEP = frozenset({"red", "green", "teal", "blue", "purple", "brown", "black", "dark grey"})
