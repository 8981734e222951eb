"""The nine emotions that ArtEmis asks its annotators to choose from (Achlioptas et al., 2021, arXiv:2101.07396)."""

#: ArtEmis's order: four positive, four negative, and "something else".
EMOTIONS: tuple[str, ...] = (
    "amusement",
    "awe",
    "contentment",
    "excitement",
    "anger",
    "disgust",
    "fear",
    "sadness",
    "something else",
)
