"""Who rates what in which order: seeded, balanced Latin squares, so that no system has a better place than another."""

import random
from collections.abc import Sequence
from itertools import combinations

#: What is shown at one place: an item's number, and the number of the system, or of the two, whose answers it shows.
Place = tuple[int, tuple[int, ...]]


def balanced_latin_square(size: int) -> list[list[int]]:
    """Rows in which each of `size` conditions stands at every place, and before every other one, equally often.

    Williams (1949), "Experimental designs balanced for the estimation of residual effects of treatments": `size` rows
    where that is even, else `2 * size`, the second half being the first one read backwards.
    """
    first = [0]
    for number in range(1, size):
        first.append((number + 1) // 2 if number % 2 else size - number // 2)
    rows = [[(condition + shift) % size for condition in first] for shift in range(size)]
    return rows if size % 2 == 0 else rows + [row[::-1] for row in rows]


def scoring_order(items: int, systems: int, rater: int, seed: int) -> list[Place]:
    """The order in which one rater scores every answer.

    The rater goes through all items once for each system, so a picture comes back only after all the others. The items'
    order is the rater's row of a square of the items; which system answers an item in which pass is a row of a square
    of the systems that moves on with the rater and with the item. The seed deals the conditions and the rows.

    Args:
        items: how many there are.
        systems: how many there are.
        rater: the rater's number in the study, from 0.
        seed: the study's.
    """
    dealt = random.Random(f"{seed} order")
    item_names, system_names = list(range(items)), list(range(systems))
    dealt.shuffle(item_names)
    dealt.shuffle(system_names)
    item_rows, system_rows = balanced_latin_square(items), balanced_latin_square(systems)
    first_item_row, first_system_row = dealt.randrange(len(item_rows)), dealt.randrange(len(system_rows))
    row = item_rows[(first_item_row + rater) % len(item_rows)]
    places = []
    for turn in range(systems):
        for item in row:
            of_systems = system_rows[(first_system_row + rater + item) % len(system_rows)]
            places.append((item_names[item], (system_names[of_systems[turn]],)))
    return places


def pair_order(items: int, systems: int, rater: int, seed: int) -> list[Place]:
    """The order in which one rater compares every two systems on every item; the first of a pair is shown first.

    Items and pairs are ordered as in `scoring_order`. The sides of a pair change from rater to rater.
    """
    pairs = list(combinations(range(systems), 2))
    sides = random.Random(f"{seed} sides")
    turned = {(item, pair): sides.random() < 0.5 for item in range(items) for pair in pairs}
    places = []
    for item, (number,) in scoring_order(items, len(pairs), rater, seed):
        pair = pairs[number]
        places.append((item, pair[::-1] if turned[item, pair] ^ bool(rater % 2) else pair))
    return places


def repeated(places: Sequence[Place], count: int, rater: int, seed: int) -> list[int]:
    """Which places are shown a second time at the end, hidden: drawn from the first half, so that some time has passed.

    Returns:
        Indices into `places`, as many as asked for or as the first half has.
    """
    early = range(max(1, len(places) // 2) if places else 0)
    return random.Random(f"{seed} repeats {rater}").sample(early, min(count, len(early)))
