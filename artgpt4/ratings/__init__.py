"""Studies in which artists score answers blind, by links: nothing to install for them, nothing lost.

    python -m artgpt4.ratings create|generate|open|links|status|results|export|archive --help

`study` reads what is to be rated, `organise` keeps studies, answers and links, `rate` is the artist's side, `results`
and `export` are what comes of it. `database` is the one place where anything is stored.
"""
