"""The words for what a picture evokes. "Would", "might" and "could" mark what is supposed, not claimed."""

#: Adjectives, none of which is said of anything but the mood.
MOOD: dict[str, tuple[str, ...]] = {
    "amusement": ("playful", "cheerful", "light-hearted"),
    "awe": ("majestic", "grand", "wondrous"),
    "contentment": ("peaceful", "serene", "restful"),
    "excitement": ("lively", "thrilling", "energetic"),
    "anger": ("harsh", "fierce", "heated"),
    "disgust": ("sour", "repellent", "unpleasant"),
    "fear": ("threatening", "eerie", "uneasy"),
    "sadness": ("melancholy", "mournful", "lonely"),
    "something else": ("undecided", "wavering", "ambiguous"),
}
#: How each emotion is named. The noun itself is always in it.
EMOTION: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in MOOD},
    "something else": (
        "something else, a feeling that has no single name",
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
#: How a visitor might name a mood that he takes for granted.
PREMISE: dict[str, tuple[str, ...]] = {
    "amusement": ("happy", "funny", "cheerful"),
    "awe": ("majestic", "grand"),
    "contentment": ("peaceful", "calm", "relaxing"),
    "excitement": ("exciting", "lively", "wild"),
    "anger": ("angry", "aggressive"),
    "disgust": ("disgusting", "ugly"),
    "fear": ("scary", "creepy", "frightening"),
    "sadness": ("sad", "depressing", "lonely"),
}
#: Emotions near enough that neither can be called wrong.
AKIN: tuple[frozenset[str], ...] = (
    frozenset({"amusement", "excitement", "contentment", "awe"}),
    frozenset({"anger", "disgust", "fear", "sadness"}),
)
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
#: What would turn a reason round: fact and value -> the change.
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
    ("light", "storm"): "a clear sky",
    ("light", "fog"): "clearer air",
    ("light", "night"): "more light",
    ("light", "sunset"): "the plain light of noon",
    ("light", "day"): "a darker hour",
    ("people", "sad"): "friendlier faces",
    ("people", "angry"): "friendlier faces",
    ("people", "happy"): "graver faces",
    ("people", "calm"): "livelier faces",
}
#: Other viewers, as they are asked for and spoken of; what each emotion might become for them.
VIEWERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "someone in mourning": (
        ("someone in mourning", "a person who is grieving", "somebody who has lost a friend"),
        {
            "good": "feel sadness at how far away such a mood is, or a little comfort",
            "bad": "feel understood by it, and their sadness with it",
            "else": "find room in it for their sadness",
        },
    ),
    "a child": (
        ("a child", "a little girl", "a small boy", "my five-year-old"),
        {
            "good": "simply enjoy it, and point at things with amusement",
            "bad": "be a little frightened, with fear rather than thought",
            "else": "ask many questions about it, out of curiosity",
        },
    ),
    "someone in love": (
        ("someone in love", "a person in love", "two lovers"),
        {
            "good": "see their own joy in it, and feel contentment or excitement",
            "bad": "see past what is heavy in it and look for tenderness",
            "else": "fill it with excitement of their own",
        },
    ),
    "an old person": (
        ("an old person", "my grandmother", "my grandfather"),
        {
            "good": "remember good days with contentment",
            "bad": "know that mood from a long life, and meet it with less fear",
            "else": "look at it for long and think of the past",
        },
    ),
    "someone in a hurry": (
        ("someone in a hurry", "a busy person", "someone who is stressed"),
        {
            "good": "be slowed down by it for a moment, with some contentment",
            "bad": "turn away soon, more tense than before, perhaps with anger",
            "else": "pass it by",
        },
    ),
}
#: Which of the three columns above an emotion belongs to.
SORT: dict[str, str] = {
    **dict.fromkeys(("amusement", "awe", "contentment", "excitement"), "good"),
    **dict.fromkeys(("anger", "disgust", "fear", "sadness"), "bad"),
    "something else": "else",
}
