"""Write painted pictures with what is said about them, in the layouts that MiniGPT-4's two training stages read.

python -m train.painter shards --out DIR --count N --seed S [--workers 2]    img2dataset's shards, for stage 1
python -m train.painter cc_sbu_align --out DIR --count N --seed S            captions and dialogues, for stage 2
python -m train.painter sheet --out FILE.png --count 60 --seed S             one picture of many
python -m train.painter examples --out examples                              the pictures shown in the demonstration
"""

import argparse
from pathlib import Path

import cv2

from train.painter.examples import write_examples
from train.painter.write import write_cc_sbu_align, write_shards, write_sheet


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m train.painter", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("shards", "cc_sbu_align", "sheet", "examples"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.what == "shards":
        write_shards(args.out, args.count, args.seed, args.workers)
    elif args.what == "cc_sbu_align":
        write_cc_sbu_align(args.out, args.count, args.seed, args.workers)
    elif args.what == "examples":
        write_examples(args.out)
    else:
        write_sheet(args.out, args.count, args.seed)


if __name__ == "__main__":
    main()
