"""Remakes the README's pictures of the page, from the real app: python -m benchmarks.screenshots [--out docs]

Saves page.jpg (a desktop's window) and phone.jpg, each with an example picture and the answers to two presets.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.browser import ROOT, chromium, running_app

PATIENCE = 120_000  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder to save into (default: docs)")
    parser.add_argument("--model", default="mini", help="the model that answers (default: mini)")
    parser.add_argument("--example", default="sunset-boats", help="name of a picture in examples/")
    parser.add_argument(
        "--presets", nargs="+", default=["What is in it?", "What does it make you feel?"], help="labels of presets"
    )
    parser.add_argument("--dark", action="store_true", help="the dark page instead of the light one")
    options = parser.parse_args()
    picture = ROOT / "examples" / f"{options.example}.jpg"
    if not picture.is_file():
        names = ", ".join(sorted(path.stem for path in picture.parent.glob("*.jpg")))
        parser.error(f"there is no example {options.example!r}; there are: {names}")

    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        with running_app(Path(scratch) / "app.log", "--model", options.model) as address:
            for name, width, height in (("page", 1280, 800), ("phone", 390, 844)):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if options.dark else "light",
                    device_scale_factor=1.5,
                )
                context.set_default_timeout(PATIENCE)
                page = context.new_page()
                page.goto(address)
                talk(page, picture, options.presets)
                file = options.out / f"{name}.jpg"
                page.screenshot(path=file, type="jpeg", quality=88, full_page=name == "phone")
                print(f"{file}: {file.stat().st_size // 1024} kB")
                context.close()


def talk(page: Page, picture: Path, presets: list[str]) -> None:
    """Uploads the picture and asks the presets, always taking the likeliest word."""
    expect(page.locator("#status")).to_contain_text("parameters", timeout=PATIENCE)
    page.locator("#picture input[type=file]").set_input_files(picture)
    page.locator("#picture img").wait_for()
    page.get_by_role("button", name="Parameters").click()
    temperature = page.get_by_label("Temperature").and_(page.locator("input[type=number]"))
    temperature.fill("0")
    temperature.press("Tab")
    page.get_by_role("button", name="Parameters").click()
    for rounds, preset in enumerate(presets, start=1):
        chip = page.locator("button.chip", has_text=preset)
        chip.click()
        expect(page.locator("#question textarea")).not_to_have_value("", timeout=PATIENCE)
        chip.click()
        expect(page.locator("#chat [data-testid=bot]")).to_have_count(rounds, timeout=PATIENCE)
        expect(page.get_by_role("button", name="Try again")).to_be_enabled(timeout=PATIENCE)
        if rounds < len(presets) and page.locator("#presets button.chip").first.is_hidden():
            page.locator("#presets > button").click()  # the first questions fold away after the first answer
    page.locator("#about h2").first.wait_for()
    page.locator("#looked > button").click()
    page.locator("#veil img").wait_for(state="attached")
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.wait_for_timeout(500)  # what was hovered over fades, and the drawer closes


if __name__ == "__main__":
    main()
