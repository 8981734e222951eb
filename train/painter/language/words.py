"""The phrases for every value of every fact. Each belongs to one value only, so that what was said can be read back."""

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
    "geometric": ("geometric shapes", "a geometric abstraction", "an abstract arrangement of geometric shapes"),
    "splatter": ("splashes of paint", "an abstract splatter of paint", "paint splashed over the surface"),
}
#: Things that a subject's own name already says, and which a list of things beside it leaves out.
IMPLIED: dict[str, frozenset[str]] = {
    "sea": frozenset({"water"}),
    "mountains": frozenset({"mountain"}),
    "forest": frozenset({"tree"}),
    "village": frozenset({"house"}),
    "city": frozenset({"house"}),
    "boat": frozenset({"boat", "water"}),
    "cabin": frozenset({"house"}),
    "river": frozenset({"water"}),
    "tree": frozenset({"tree"}),
    "flowers": frozenset({"flowers"}),
    "fruit": frozenset({"fruit"}),
    "portrait": frozenset({"person"}),
    "crowd": frozenset({"person"}),
}
#: Heads of titles.
TITLE: dict[str, str] = {
    "sea": "Sea",
    "mountains": "Mountains",
    "forest": "Forest",
    "field": "Field",
    "village": "Village",
    "city": "City",
    "boat": "Boat on the Water",
    "cabin": "Cabin",
    "river": "River",
    "tree": "Lone Tree",
    "flowers": "Bouquet",
    "fruit": "Still Life of Fruit",
    "portrait": "Portrait",
    "crowd": "Crowd",
    "geometric": "Geometric Shapes",
    "splatter": "Splashes of Paint",
}

MANNER: dict[str, tuple[str, ...]] = {
    "impressionist": ("in loose impressionist strokes", "in an impressionist manner"),
    "impasto": ("in thick impasto", "in impasto, with heavy ridges of paint"),
    "watercolour": ("in thin washes of watercolour", "in watercolour"),
    "pointillist": ("in small pointillist dots", "in a pointillist manner"),
    "flat": ("in flat shapes with clean edges", "in flat shapes, almost without texture", "in clean flat shapes"),
    "ink": ("in ink, with drawn outlines", "in ink"),
    "chiaroscuro": ("in chiaroscuro, with light falling into shadow", "in chiaroscuro"),
    "soft": ("with soft, blurred edges", "in a soft, blurred manner"),
}
MANNER_EXPLAINED: dict[str, str] = {
    "impressionist": "the brushstrokes are short and lively",
    "impasto": "the paint stands up from the surface",
    "watercolour": "the colour runs thin and the paper shines through",
    "pointillist": "dots of colour mix in the eye",
    "flat": "there is hardly any brushwork to be seen",
    "ink": "the outlines carry the drawing",
    "chiaroscuro": "a little light is set against deep shadow",
    "soft": "one form melts into the next",
}
MANNER_NOUN: dict[str, str] = {
    "impressionist": "the loose impressionist strokes",
    "impasto": "the thick impasto",
    "watercolour": "the washes of watercolour",
    "pointillist": "the pointillist dots",
    "flat": "the flat shapes",
    "ink": "the ink outlines",
    "chiaroscuro": "the chiaroscuro",
    "soft": "the blurred edges",
}

LIGHT: dict[str, tuple[str, ...]] = {
    "day": ("in daylight", "in full daylight", "by the light of day"),
    "sunset": ("at sunset", "in the evening light", "in the glow of sunset"),
    "night": ("at night", "by night", "under a night sky"),
    "storm": ("in a storm", "under a stormy sky", "in stormy weather"),
    "snow": ("in winter", "in snowy weather", "on a winter day"),
    "fog": ("in the mist", "on a misty day", "wrapped in mist"),
}
LIGHT_NOUN: dict[str, str] = {
    "day": "the daylight",
    "sunset": "the evening light",
    "night": "the night",
    "storm": "the stormy weather",
    "snow": "the winter weather",
    "fog": "the mist",
}

#: Adjectives, to be used only where the sentence says that it speaks of the whole ("overall ...").
BRIGHTNESS: dict[str, str] = {"dark": "dark", "medium": "of middle brightness", "bright": "bright"}
SATURATION: dict[str, str] = {"muted": "muted", "moderate": "moderately colourful", "vivid": "vivid"}
WARMTH: dict[str, str] = {"cool": "cool", "neutral": "neither warm nor cool", "warm": "warm"}

BRIGHTNESS_NOUN: dict[str, str] = {"dark": "dark tones", "medium": "middle tones", "bright": "bright tones"}
SATURATION_NOUN: dict[str, str] = {
    "muted": "muted colours",
    "moderate": "moderate colours",
    "vivid": "vivid colours",
}
WARMTH_NOUN: dict[str, str] = {"cool": "cool colouring", "neutral": "balanced colouring", "warm": "warm colouring"}
CONTRAST_NOUN: dict[str, str] = {
    "soft": "soft contrasts",
    "moderate": "moderate contrasts",
    "strong": "strong contrasts",
}
DENSITY_NOUN: dict[str, str] = {
    "sparse": "sparse composition",
    "balanced": "evenly filled composition",
    "busy": "busy composition",
}
HORIZON_NOUN: dict[str, str] = {"low": "low horizon", "middle": "horizon near the middle", "high": "high horizon"}

#: Each thing without and with its article, and whether it is spoken of as several.
THING: dict[str, tuple[str, str, bool]] = {
    "sun": ("sun", "a sun", False),
    "moon": ("moon", "a moon", False),
    "stars": ("stars", "stars", True),
    "clouds": ("clouds", "clouds", True),
    "lightning": ("flash of lightning", "a flash of lightning", False),
    "rain": ("rain", "rain", False),
    "snow": ("snow", "snow", False),
    "fog": ("fog", "fog", False),
    "bird": ("bird", "a bird", False),
    "boat": ("boat", "a boat", False),
    "sail": ("sail", "a sail", False),
    "waves": ("waves", "waves", True),
    "water": ("water", "water", False),
    "mountain": ("mountain", "a mountain", False),
    "hill": ("hill", "a hill", False),
    "tree": ("tree", "a tree", False),
    "pine": ("pine", "a pine", False),
    "house": ("house", "a house", False),
    "tower": ("tower", "a tower", False),
    "lit window": ("lit window", "a lit window", False),
    "path": ("path", "a path", False),
    "bridge": ("bridge", "a bridge", False),
    "flowers": ("flowers", "flowers", True),
    "vase": ("vase", "a vase", False),
    "fruit": ("fruit", "fruit", False),
    "bowl": ("bowl", "a bowl", False),
    "table": ("table", "a table", False),
    "person": ("person", "a person", False),
    "hat": ("hat", "a hat", False),
    "circle": ("circle", "a circle", False),
    "triangle": ("triangle", "a triangle", False),
    "square": ("square", "a square", False),
    "line": ("line", "a line", False),
    "drips": ("drips of paint", "drips of paint", True),
}
#: Things whose colour is not worth a word.
COLOURLESS = frozenset({"stars", "lightning", "rain", "snow", "fog", "person", "lit window"})
#: Things that are everywhere or nowhere.
PLACELESS = frozenset({"stars", "rain", "snow", "fog"})
#: A "no" about the key would be unfair while one of these is in the picture, as a thing, its subject or its light.
NEAR: dict[str, frozenset[str]] = {
    "sun": frozenset({"sunset"}),
    "tree": frozenset({"pine", "forest", "tree"}),
    "pine": frozenset({"forest"}),
    "hill": frozenset({"mountain", "mountains"}),
    "mountain": frozenset({"hill", "mountains"}),
    "snow": frozenset({"snow"}),
    "fog": frozenset({"fog"}),
    "rain": frozenset({"storm"}),
    "clouds": frozenset({"storm", "fog"}),
    "water": frozenset({"sea", "river", "boat", "waves"}),
    "waves": frozenset({"sea"}),
    "boat": frozenset({"boat", "sail"}),
    "person": frozenset({"portrait", "crowd", "hat"}),
    "house": frozenset({"cabin", "village", "city", "tower", "lit window"}),
    "tower": frozenset({"city"}),
    "fruit": frozenset({"fruit"}),
    "flowers": frozenset({"flowers"}),
    "circle": frozenset({"splatter"}),
    "line": frozenset({"splatter"}),
    "drips": frozenset({"splatter"}),
}
OUTDOOR_THINGS = frozenset(
    "sun moon stars clouds lightning rain snow fog bird boat sail waves water mountain hill tree pine house tower path "
    "bridge".split()
) | {"lit window"}
INDOOR_THINGS = frozenset({"flowers", "vase", "fruit", "bowl", "table", "person", "hat"})
ABSTRACT_THINGS = frozenset({"circle", "triangle", "square", "line", "drips"})
INDOOR = frozenset({"flowers", "fruit", "portrait"})
ABSTRACT = frozenset({"geometric", "splatter"})

MOOD: dict[str, tuple[str, ...]] = {
    "amusement": ("playful", "cheerful", "light-hearted"),
    "awe": ("majestic", "grand", "wondrous"),
    "contentment": ("peaceful", "serene", "restful"),
    "excitement": ("lively", "thrilling", "energetic"),
    "anger": ("harsh", "fierce", "heated"),
    "disgust": ("sour", "repellent", "unpleasant"),
    "fear": ("threatening", "eerie", "uneasy"),
    "sadness": ("melancholy", "mournful", "lonely"),
    "something else": ("undecided", "mixed", "ambiguous"),
}
#: How each emotion is named. The noun itself is always in it.
EMOTION: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in MOOD},
    "something else": (
        "something else, a mixed feeling that has no single name",
        "something else, more curiosity than strong feeling",
        "something else, a quiet indifference",
    ),
}
FEELING: dict[str, str] = {
    "amusement": "amused",
    "awe": "awed",
    "contentment": "content",
    "excitement": "excited",
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
    "sadness": "sad",
}
#: The emotion that a picture would move towards if its strongest reasons were turned round.
TURNED: dict[str, str] = {
    "amusement": "sadness",
    "awe": "fear",
    "contentment": "sadness",
    "excitement": "contentment",
    "anger": "excitement",
    "disgust": "amusement",
    "fear": "contentment",
    "sadness": "contentment",
    "something else": "excitement",
}
#: What would turn a reason round: fact and value -> the change. Worded so that none of it reads as a fact.
CHANGE: dict[tuple[str, str], str] = {
    ("brightness", "dark"): "brighter tones",
    ("brightness", "bright"): "darker tones",
    ("saturation", "muted"): "stronger colours",
    ("saturation", "vivid"): "quieter colours",
    ("warmth", "cool"): "warmer colouring",
    ("warmth", "warm"): "cooler colouring",
    ("contrast", "strong"): "gentler transitions",
    ("contrast", "soft"): "harder edges",
    ("density", "busy"): "fewer things in it",
    ("density", "sparse"): "more things in it",
    ("light", "storm"): "a calmer sky",
    ("light", "fog"): "clearer air",
    ("light", "night"): "more light",
    ("people", "sad"): "friendlier faces",
    ("people", "angry"): "friendlier faces",
    ("people", "happy"): "graver faces",
}
