"""Comparing systems on art: ArtEmis, ArtMM and PaintingForm, with the published tables beside every new row.

    python -m artgpt4.evaluation score|report|published --help

Scores are kept as one row of statistics per picture, so that any two runs can be resampled and compared later.
"""
