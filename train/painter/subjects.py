"""The underpainting: each subject drawn in simple shapes, in the colours of its palette and light."""

import cv2
import numpy as np

from train.painter.canvas import Canvas, mix, noise_field
from train.painter.scene import PALETTES, ROLES, Scene

_NAVY, _GREY = np.array([22.0, 32, 78]), np.array([96.0, 102, 112])
_LAMP, _SNOW = np.array([255.0, 214, 110]), np.array([240.0, 244, 250])


def _tune(colour: np.ndarray, key: float, chroma: float, hue: float = 0) -> np.ndarray:
    colour = np.clip(colour, 0, 255)
    if hue:
        h, s, v = cv2.cvtColor(np.uint8([[colour]]), cv2.COLOR_RGB2HSV)[0, 0].astype(float)
        colour = cv2.cvtColor(np.uint8([[((h + hue / 2) % 180, s, v)]]), cv2.COLOR_HSV2RGB)[0, 0].astype(float)
    grey = colour.mean()
    colour = np.clip(grey + (colour - grey) * chroma, 0, 255)
    return 255 * (colour / 255) ** (2.0**-key)


def _colours(scene: Scene, rng) -> dict[str, np.ndarray]:
    """The palette's colours in this scene's light."""
    roles = {
        role: np.array([int(word[i : i + 2], 16) for i in (0, 2, 4)], float)
        for role, word in zip(ROLES, PALETTES[scene.palette].split(), strict=True)
    }
    roles = {
        role: colour if role in ("dark", "light") else _tune(colour, 0, 1, scene.hue) for role, colour in roles.items()
    }
    solid = ("far", "ground", "leaf", "water", "accent", "accent2", "dark")
    light = scene.light
    if light == "night":
        roles["sky"], roles["glow"] = mix(roles["sky"] * 0.35, _NAVY, 0.6), mix(roles["glow"] * 0.45, _NAVY * 1.7, 0.5)
        roles |= {r: mix(roles[r] * 0.6, _NAVY * 1.2, 0.4) for r in solid}
    elif light == "sunset":
        fire = np.array([(250.0, 150, 60), (245.0, 110, 80), (250.0, 190, 90), (240.0, 130, 140)][rng.integers(4)])
        dusk = np.array([(120.0, 90, 150), (220.0, 110, 90), (90.0, 100, 170)][rng.integers(3)])
        roles["sky"], roles["glow"] = mix(roles["sky"], dusk, 0.6), mix(roles["glow"], fire, 0.85)
        roles["water"] = mix(roles["water"], mix(fire, dusk, 0.4), 0.55)
        roles |= {r: mix(roles[r] * 0.72, fire * 0.5, 0.25) for r in solid if r != "water"}
    elif light == "storm":
        roles["sky"], roles["glow"] = mix(roles["sky"] * 0.6, _GREY * 0.6, 0.6), mix(roles["glow"] * 0.7, _GREY, 0.55)
        roles |= {r: mix(roles[r] * 0.72, _GREY * 0.6, 0.3) for r in solid}
    elif light == "snow":
        roles["sky"], roles["glow"] = mix(roles["sky"], (205, 214, 226), 0.55), mix(roles["glow"], (226, 230, 236), 0.6)
        roles["ground"] = mix(roles["ground"], _SNOW, 0.88)
        roles["far"], roles["leaf"] = mix(roles["far"], _SNOW, 0.35), mix(roles["leaf"], _SNOW, 0.15)
    elif light == "fog":
        haze = mix(roles["glow"], (206, 208, 208), 0.6)
        roles["sky"], roles["glow"] = mix(roles["sky"], haze, 0.7), haze
        roles |= {r: mix(roles[r], haze, 0.25) for r in solid}
    return {role: _tune(colour, scene.key, scene.chroma) for role, colour in roles.items()}


# Rows of coordinates read better filled than one to a line.
# fmt: off
class Underpainting:
    """One scene on one canvas: `c` the colours, `hy` the horizon, `x` the place of the main thing."""

    def __init__(self, scene: Scene, rng: np.random.Generator, size: int) -> None:
        self.s, self.rng, self.canvas = scene, rng, Canvas(size)
        self.c = _colours(scene, rng)
        self.hy, self.x = scene.horizon, scene.centre
        self.horizon: float | None = self.hy

    def has(self, detail: str) -> bool:
        return detail in self.s.details

    def u(self, a: float, b: float) -> float:
        return float(self.rng.uniform(a, b))

    def vary(self, colour, amount: float = 14) -> np.ndarray:
        """The colour, a little lighter or darker and warmer or cooler."""
        return np.clip(np.asarray(colour) + self.rng.normal(0, amount * 0.7) + self.rng.normal(0, amount * 0.5, 3), 0,
            255)

    # ---- sky and ground -------------------------------------------------------------------------------------------

    def sky(self) -> None:
        k, c, light = self.canvas, self.c, self.s.light
        k.gradient(0, 1, c["sky"], c["glow"])
        k.gradient(0, min(1.0, self.hy + 0.02), c["sky"], c["glow"])
        x = float(np.clip(self.u(0.12, 0.88), 0, 1))
        y = self.hy * (self.u(0.35, 0.6) if light != "sunset" else self.u(0.55, 0.85))
        self.lamp = None
        if self.has("stars"):
            for _ in range(int(self.u(25, 60))):
                size = self.u(0.004, 0.009)
                px, py = self.u(0.01, 0.99), self.u(0.01, max(self.hy - 0.04, 0.1))
                k.ellipse(px, py, size, size, mix((255, 244, 200), c["sky"], self.u(0, 0.3)), "stars")
        if self.has("sun") and light in ("day", "sunset", "fog"):
            r = self.u(0.05, 0.085) * (1.2 if light == "sunset" else 1)
            colour = (255, 244, 190) if light != "sunset" else mix((255, 240, 170), c["glow"], 0.1)
            k.glow(x, y, r * 3.2, colour, 0.7)
            k.ellipse(x, y, r, r, mix(colour, c["glow"], 0.35) if light == "fog" else colour, "sun")
            self.lamp = (x, y, np.asarray(colour, float))
        elif self.has("moon") and light == "night":
            r = self.u(0.045, 0.08)
            k.glow(x, y, r * 2.4, (190, 200, 225), 0.5)
            k.ellipse(x, y, r, r, (244, 240, 218), "moon")
            if self.rng.random() < 0.4:
                k.ellipse(x + r * 0.55, y - r * 0.15, r * 0.85, r * 0.85, mix(c["sky"], (190, 200, 225), 0.25))
            self.lamp = (x, y, np.array([226.0, 228, 220]))
        if self.has("clouds"):
            base = mix(c["light"], c["glow"], 0.3) if light != "night" else mix(c["sky"], (150, 158, 190), 0.35)
            base = mix(base, (52, 56, 66), 0.62) if light == "storm" else base
            for _ in range(int(self.u(2, 4)) + 3 * (light == "storm")):
                cx, cy, w = self.u(0.05, 0.95), self.hy * self.u(0.08, 0.6), self.u(0.07, 0.16)
                tone = self.vary(base, 12)
                for _ in range(9):
                    t = self.u(-1, 1)
                    px, py, r = cx + t * w * 1.3, cy + self.u(-0.2, 0.25) * w, w * self.u(0.28, 0.5) * (1.2 - abs(t))
                    k.ellipse(px, py, r * 1.25, r * 0.72, mix(tone, c["sky"], 0.25 if py > cy else 0), "clouds")
        if self.has("lightning"):
            for _ in range(1 + (self.rng.random() < 0.4)):
                px, points = self.u(0.15, 0.85), []
                for t in np.linspace(0, 1, 9):
                    points.append((px, 0.02 + t * max(self.hy, 0.3)))
                    px += self.u(-0.06, 0.06)
                k.glow(px, self.hy * 0.5, 0.2, (200, 205, 240), 0.35)
                k.line(points, 0.017, (250, 248, 220), "lightning")
                k.line([points[4], (points[4][0] + self.u(-0.2, 0.2), points[4][1] + 0.16)], 0.011, (250, 248, 220),
                    "lightning")

    def birds(self) -> None:
        if not self.has("bird"):
            return
        cx, cy = self.u(0.2, 0.8), self.hy * self.u(0.25, 0.6)
        for _ in range(int(self.u(4, 8))):
            x, y, r = cx + self.u(-0.2, 0.2), cy + self.u(-0.1, 0.1), self.u(0.022, 0.04)
            points = [(x - r, y - r * 0.5), (x - r * 0.4, y - r * 0.55), (x, y), (x + r * 0.4, y - r * 0.55), (x + r,
                y - r * 0.5)]
            self.canvas.line(points, 0.009, self.c["dark"], "bird")
            self.canvas.need_fine(x, y - r * 0.3, r * 1.1, r * 0.6)

    def ridge(self, base, height, colour, name, rough=0.5, snow=False) -> None:
        """A chain of mountains with lit and shaded sides."""
        k, peaks = self.canvas, int(self.u(2, 4.99))
        xs = np.linspace(-0.1, 1.1, peaks * 2 + 1) + self.rng.uniform(-0.05, 0.05, peaks * 2 + 1)
        main = int(np.argmin(abs(xs[1::2] - self.x)))
        ys = [base - height * (self.u(0.15, 0.4) if i % 2 == 0 else (1.0 if i // 2 == main else self.u(0.5,
            0.85))) for i in range(len(xs))]
        outline = [(xs[0], ys[0])]
        for i in range(1, len(xs)):
            for t in (0.25, 0.5, 0.75, 1):
                jitter = 0 if t == 1 else self.u(-1, 1) * height * 0.07 * rough * 2
                outline.append((xs[i - 1] + (xs[i] - xs[i - 1]) * t, ys[i - 1] + (ys[i] - ys[i - 1]) * t + jitter))
        k.poly([(-0.2, base + 0.02), *outline, (1.2, base + 0.02)], colour, name)
        for i in range(1, len(xs), 2):  # the side away from the light
            side = 1 if not self.lamp or self.lamp[0] < xs[i] else -1
            foot = xs[i + side] if 0 <= i + side < len(xs) else xs[i]
            inner = [(xs[i], ys[i])] + [(xs[i] + side * 0.02 * self.u(-1, 1.6),
                ys[i] + (base - ys[i]) * t) for t in (0.3, 0.55, 0.8, 1.02)]
            k.poly([*inner, (foot, base + 0.02), (foot, ys[i + side])], np.asarray(colour) * 0.76, name)
            if snow:
                tip, reach = (xs[i], ys[i]), self.u(0.25, 0.4)
                a = [(xs[i] + (xs[i + d] - xs[i]) * reach, ys[i] + (ys[i + d] - ys[i]) * reach) for d in (-1, 1)]
                middle = [(xs[i] + (a[1][0] - xs[i]) * t, ys[i] + (a[1][1] - ys[i]) * self.u(0.7, 1.35)) for t in (0.5,
                    0, -0.5)]
                k.poly([tip, a[1], *middle, a[0]], mix(_SNOW, self.c["glow"], 0.15), name)

    def hills(self, base, height, colour, name="hill") -> None:
        phase, waves, xs = self.u(0, 6.3), self.u(0.8, 1.6), np.linspace(0, 1, 25)
        ys = base - height * (0.5 + 0.5 * np.sin(xs * waves * 6.3 + phase)) - 0.01
        self.canvas.poly([(0, base + 0.04), *zip(xs, ys, strict=True), (1, base + 0.04)], colour, name)

    def ground(self, name=None, colour=None) -> None:
        colour = self.c["ground"] if colour is None else colour
        k = self.canvas
        k.gradient(self.hy, 1, mix(colour, self.c["glow"], 0.2), colour * 0.88,
            "snow" if self.s.light == "snow" else name)
        for _ in range(26):  # uneven earth, larger towards the viewer
            depth = self.u(0.02, 1) ** 1.5
            y = self.hy + (1 - self.hy) * depth
            tone = self.vary(mix(colour, self.c["leaf"], self.u(0, 0.3) * (self.s.light != "snow")), 10)
            k.ellipse(self.u(0, 1), y, 0.04 + 0.14 * depth, 0.006 + 0.02 * depth, tone * 0.97,
                "snow" if self.s.light == "snow" else name)

    def water(self, y0, y1=1.0, rough=0.3) -> None:
        k, c = self.canvas, self.c
        k.gradient(y0, y1, mix(c["water"], c["glow"], 0.4), c["water"] * 0.85, "water")
        for _ in range(int(40 * (y1 - y0) / 0.5)):
            d = self.u(0, 1)
            y, w = y0 + (y1 - y0) * d, 0.02 + 0.09 * d * self.u(0.4, 1)
            x = self.u(0, 1)
            k.line([(x - w, y), (x + w, y)], 0.003 + 0.006 * d, mix(self.vary(c["water"]),
                c["light"] if self.rng.random() < 0.5 else c["dark"], 0.25), "water")
        if self.lamp:
            x, _, colour = self.lamp
            for y in np.arange(y0 + 0.01, y1, 0.022):
                w = self.u(0.01, 0.045) * (0.6 + (y - y0))
                k.line([(x - w + self.u(-0.01, 0.01), y), (x + w, y)], 0.01, mix(colour, c["water"], self.u(0.1, 0.5)),
                    "water")
        if self.has("waves") or rough > 0.7:
            strong = 1.6 if rough > 0.7 else 1.0
            for d in np.sort(self.rng.random(int(self.u(9, 15)))):
                y, w = y0 + (y1 - y0) * (0.08 + 0.9 * d), (0.05 + 0.1 * d) * strong
                x, h = self.u(-0.05, 1.05), (0.012 + 0.034 * d) * strong
                points = [(x - w, y), (x - w * 0.3, y - h * 0.7), (x + w * 0.15, y - h), (x + w * 0.45, y - h * 0.55),
                    (x + w, y + h * 0.2)]
                k.poly([*points, (x + w * 0.1, y + h * 0.1)], mix(c["water"], c["dark"], 0.25), "waves")
                k.line(points, 0.008 + 0.008 * d, mix(c["light"], c["water"], 0.12), "waves")

    def weather(self) -> None:
        size = self.canvas.size
        if self.has("rain") and self.s.light == "storm":
            mask, slant = np.zeros((size, size), np.uint8), self.u(-0.05, 0.05)
            for _ in range(110):
                x, y, h = self.u(-0.05, 1.05), self.u(-0.05, 0.95), self.u(0.05, 0.1)
                p = np.round(np.array([(x, y), (x + slant, y + h)]) * size).astype(int)
                cv2.line(mask, tuple(p[0].tolist()), tuple(p[1].tolist()), 255, max(1, round(size * 0.0055)),
                    cv2.LINE_AA)
            self._veil("rain", mask, (214, 222, 232), 0.55)
        if self.has("flakes"):
            mask = np.zeros((size, size), np.uint8)
            for _ in range(int(self.u(70, 130))):
                cv2.circle(mask, (int(self.u(0, size)), int(self.u(0, size))), round(size * self.u(0.005, 0.01)), 255,
                    -1, cv2.LINE_AA)
            self._veil("snow", mask, (250, 251, 253), 0.9)
        if self.s.light == "fog":
            y = np.linspace(0, 1, size)[:, None]
            field = noise_field(size, 2)
            dy = int(self.rng.integers(field.shape[0] - size + 1))
            field = field[dy : dy + size, dy : dy + size]
            band = np.exp(-(((y - self.hy - 0.05) / 0.22) ** 2)) * (0.75 + 0.5 * field)
            self._veil("fog", (np.clip(band, 0, 1) * 255).astype(np.uint8), mix(self.c["glow"], (225, 226, 226), 0.4),
                0.72)

    def _veil(self, name, mask, colour, strength) -> None:
        a = (mask.astype(np.float32) * (strength / 255))[..., None]
        k = self.canvas
        k.image = (k.image * (1 - a) + np.asarray(colour, np.float32) * a).astype(np.uint8)
        k.veils[name] = np.maximum(k.veils.get(name, 0), mask)

    # ---- things ---------------------------------------------------------------------------------------------------

    def tree(self, x, foot, height, bare=False) -> None:
        k, c = self.canvas, self.c
        trunk, w, lean = mix(c["dark"], (96, 66, 44), 0.45), height * 0.055, self.u(-0.06, 0.06) * height
        top = foot - height * 0.55
        k.poly([(x - w, foot), (x - w * 0.5, top), (x + w * 0.5 + lean, top), (x + w, foot)], trunk, "tree")
        tips = []
        for a in np.linspace(-1.15, 1.15, 7) + self.rng.uniform(-0.12, 0.12, 7):
            start = (x + lean * 0.5, foot - height * self.u(0.35, 0.55))
            length = height * self.u(0.28, 0.48)
            tip = (start[0] + np.sin(a) * length, start[1] - np.cos(a) * length)
            bend = ((start[0] + tip[0]) / 2 + self.u(-0.02, 0.02) * height, (start[1] + tip[1]) / 2)
            k.line([start, bend, tip], w * 0.45, trunk, "tree")
            tips.append(tip)
            if bare:
                for sign in (-1, 1):
                    b = a + sign * self.u(0.35, 0.7)
                    end = (bend[0] + np.sin(b) * length * 0.5, bend[1] - np.cos(b) * length * 0.5)
                    k.line([bend, end], w * 0.24, trunk, "tree")
        if bare:
            return
        leaf = c["leaf"] if self.rng.random() < 0.7 else mix(c["accent"], c["accent2"], self.u(0, 1))
        for layer in range(3):
            for tip in tips:
                for _ in range(2):
                    px, py = (tip[0] + self.u(-0.12, 0.12) * height, tip[1] + self.u(-0.08,
                        0.1) * height - layer * 0.03 * height)
                    tone = self.vary(leaf * (0.72 + 0.18 * layer) + layer * 8, 9)
                    k.blot(px, py, height * self.u(0.07, 0.12) * (1 - 0.17 * layer), tone, "tree", self.rng, 0.2, 1.2)

    def pine(self, x, foot, height, depth=0.0) -> None:
        k, c = self.canvas, self.c
        leaf = mix(mix(c["leaf"] * 0.62, c["dark"], 0.2), c["glow"], depth)
        w = height * self.u(0.2, 0.26)
        k.rect(x - w * 0.1, foot - height * 0.2, x + w * 0.1, foot, mix(c["dark"], (90, 62, 44), 0.5), "pine")
        for i in range(6):
            top, low = foot - height + i * height * 0.13, foot - height + (i + 2.3) * height * 0.145
            half = w * (0.26 + 0.15 * i)
            left = [(x - half * t, low - (1 - t) * 0 + (height * 0.025 if j % 2 else 0)) for j, t in enumerate((1, 0.7,
                0.4, 0.1))]
            right = [(2 * x - px, py) for px, py in left[::-1]]
            k.poly([(x, top), (x - half * 0.45, (top + low) / 2 - height * 0.01), *left, *right, (x + half * 0.45,
                (top + low) / 2 - height * 0.01)], self.vary(leaf * (1.12 - 0.05 * i), 4), "pine")
            if self.s.light == "snow":
                k.poly([(x, top), (x - half * 0.5, (top + low) / 2), (x - half * 0.1, (top + low) / 2 - height * 0.02),
                    (x + half * 0.3, (top + low) / 2)], mix(_SNOW, leaf, 0.15), "pine")

    def house(self, x, foot, w, h, lit=None) -> None:
        k, c = self.canvas, self.c
        wall = self.vary(mix(c["light"], c["accent2"], self.u(0,
            0.45)) if self.s.light != "night" else mix(c["light"] * 0.5, c["far"], 0.4), 8)
        roof = self.vary(c["accent"] if self.rng.random() < 0.7 else mix(c["dark"], c["accent"], 0.4), 10)
        lit = self.has("lit window") if lit is None else lit
        k.rect(x - w / 2, foot - h, x + w / 2, foot, wall, "house")
        k.rect(x + w * 0.2, foot - h, x + w / 2, foot, wall * 0.82, "house")
        if self.rng.random() < 0.6:
            k.rect(x + w * 0.2, foot - h * 1.75, x + w * 0.32, foot - h, roof * 0.7, "house")
        roof = mix(roof, _SNOW, 0.8) if self.s.light == "snow" else roof
        k.poly([(x - w * 0.6, foot - h * 0.97), (x - w * 0.3, foot - h * 1.6), (x + w * 0.3, foot - h * 1.6),
            (x + w * 0.6, foot - h * 0.97)], roof, "house")
        pane = _LAMP if lit else mix(c["dark"], c["sky"], 0.3)
        for t in (-0.28, 0.3) if w < 0.14 else (-0.33, 0, 0.33):
            px, py, r = x + w * t, foot - h * 0.6, w * 0.1
            k.rect(px - r, py - r * 1.2, px + r, py + r, pane, "lit window" if lit else "house")
        k.rect(x - w * 0.08, foot - h * 0.42, x + w * 0.08, foot, mix(c["dark"], roof, 0.3), "house")
        k.need_fine(x, foot - h * 0.6, w * 0.5, h * 0.6)
        if lit and self.s.light in ("night", "storm", "snow"):
            k.glow(x, foot - h * 0.5, w * 0.75, _LAMP, 0.22)

    def steeple(self, x, foot, w, h) -> None:
        k, c = self.canvas, self.c
        wall = self.vary(mix(c["light"], c["far"], 0.35), 8) * (0.6 if self.s.light == "night" else 1)
        k.rect(x - w / 2, foot - h, x + w / 2, foot, wall, "tower")
        k.rect(x + w * 0.1, foot - h, x + w / 2, foot, wall * 0.8, "tower")
        k.poly([(x - w * 0.65, foot - h), (x, foot - h * 1.55), (x + w * 0.65, foot - h)], mix(c["accent"], c["dark"],
            0.4), "tower")
        k.ellipse(x, foot - h * 0.78, w * 0.17, w * 0.22, c["dark"], "tower")

    def path(self, x_far, y_far, x_near, width=0.16, colour=None, name="path") -> None:
        colour = (mix(self.c["accent2"], (196, 168, 128),
            0.7) * (0.6 if self.s.light == "night" else 1) if colour is None else colour)
        bend, left, right = self.u(0.06, 0.16) * self.rng.choice([-1, 1]), [], []
        for t in np.linspace(0, 1, 12):
            y, w = y_far + (1.02 - y_far) * t**1.25, width * (0.06 + 0.94 * t**1.6)
            x = x_far + (x_near - x_far) * t + bend * np.sin(t * 5.2) * (0.25 + t)
            left.append((x - w, y))
            right.append((x + w, y))
        self.canvas.poly(left + right[::-1], colour, name)
        for (lx, ly), (rx, _) in zip(left[2:], right[2:], strict=True):
            for _ in range(2):
                a = self.u(lx, (lx + rx) / 2)
                y = ly + self.u(-0.02, 0.02)
                self.canvas.line([(a, y), (min(a + (rx - lx) * self.u(0.15, 0.4), rx), y)], 0.006, mix(colour,
                    self.c["light"] if self.rng.random() < 0.6 else self.c["dark"], 0.3), name)

    def boat(self, x, y, size, sail=True) -> None:
        k, c = self.canvas, self.c
        hull = self.vary(mix(c["accent"], c["dark"], 0.35), 10)
        flip = self.rng.choice([-1, 1])
        for i in range(5):  # reflection
            w = size * self.u(0.3, 0.6)
            k.line([(x - w, y + size * (0.05 + 0.09 * i)), (x + w, y + size * (0.05 + 0.09 * i))], size * 0.035,
                mix(hull, c["water"], 0.35 + 0.12 * i), "water")
        k.line([(x, y), (x, y - size * 1.45)], size * 0.035, c["dark"], "boat")
        if sail:
            cloth = self.vary(c["light"] if self.rng.random() < 0.7 else c["accent2"],
                8) * (0.75 if self.s.light == "night" else 1)
            k.poly([(x + flip * size * 0.05, y - size * 1.4), (x + flip * size * 0.18, y - size * 0.7),
                (x + flip * size * 0.62, y - size * 0.2), (x + flip * size * 0.05, y - size * 0.2)], cloth, "sail")
            k.poly([(x - flip * size * 0.05, y - size * 1.25), (x - flip * size * 0.48, y - size * 0.2),
                (x - flip * size * 0.05, y - size * 0.2)], cloth * 0.86, "sail")
        k.poly([(x - size * 0.68, y - size * 0.16), (x + size * 0.68, y - size * 0.18), (x + size * 0.48,
            y + size * 0.08), (x - size * 0.5, y + size * 0.08)], hull, "boat")
        k.line([(x - size * 0.66, y - size * 0.13), (x + size * 0.66, y - size * 0.15)], size * 0.04, mix(hull,
            c["light"], 0.6), "boat")
        k.need_fine(x, y - size * 0.6, size * 0.7, size)

    def figure(self, x, foot, height, coat=None, feeling="calm", hat=False) -> None:
        """A standing person; joy raises the arms, sorrow bows the head, anger lifts fists on bent arms."""
        k, c = self.canvas, self.c
        coat = (self.vary([c["accent"], c["accent2"], c["dark"], c["far"], c["leaf"]][self.rng.integers(5)],
            12) if coat is None else coat)
        skin = np.array([(236.0, 196, 164), (198.0, 144, 106), (128.0, 84,
            60)][self.rng.integers(3)]) * (0.7 if self.s.light in ("night", "storm") else 1)
        h, w, lower = height, height * 0.13, mix(coat, c["dark"], 0.55)
        bow = feeling == "sad"
        for side in (-1, 1):
            k.poly([(x + side * w * 0.05, foot - h * 0.48), (x + side * w * 0.8, foot - h * 0.48), (x + side * w * 0.75,
                foot), (x + side * w * 0.25, foot)], lower, "person")
        shoulder = foot - h * (0.8 if not bow else 0.76)
        k.poly([(x - w * 0.85, foot - h * 0.4), (x - w * (1 if not bow else 0.8), shoulder + h * 0.03), (x - w * 0.5,
            shoulder), (x + w * 0.5, shoulder), (x + w * (1 if not bow else 0.8), shoulder + h * 0.03), (x + w * 0.85,
            foot - h * 0.4)], coat, "person")
        for side in (-1, 1):
            s = (x + side * w * 0.85, shoulder + h * 0.03)
            if feeling == "happy":
                joints = [s, (x + side * w * 1.7, shoulder - h * 0.08), (x + side * w * 2.0, shoulder - h * 0.26)]
            elif feeling == "angry":
                joints = [s, (x + side * w * 2.0, shoulder + h * 0.08), (x + side * w * 1.5, shoulder - h * 0.12)]
            else:
                joints = [s, (x + side * w * 1.15, foot - h * 0.6), (x + side * w * (1.0 if not bow else 0.5),
                    foot - h * 0.45)]
            k.line(joints, w * 0.5, coat * 0.85, "person")
            k.ellipse(*joints[-1], w * 0.3, w * 0.3, skin, "person")
        hx, hy, r = x + (w * 0.35 if bow else 0), shoulder - h * (0.085 if not bow else 0.035), h * 0.075
        k.ellipse(hx, hy, r * 0.85, r, skin, "person")
        k.ellipse(hx, hy - r * 0.35, r * 0.9, r * 0.72, mix(c["dark"], (90, 60, 40), self.u(0, 0.6)), "person",
            start=180, end=360)
        if hat:
            k.poly([(hx - r * 1.5, hy - r * 0.45), (hx + r * 1.5, hy - r * 0.45), (hx + r * 1.4, hy - r * 0.7),
                (hx + r * 0.8, hy - r * 0.75), (hx + r * 0.7, hy - r * 1.5), (hx - r * 0.7, hy - r * 1.5),
                (hx - r * 0.8, hy - r * 0.75), (hx - r * 1.4, hy - r * 0.7)], c["accent"], "hat")
        k.need_fine(hx, hy, r * 1.2, r * 1.4)

    def blossom(self, x, y, r, colour) -> None:
        k, kind = self.canvas, self.rng.integers(3)
        petals = int(self.u(6, 11))
        if kind == 2:  # a rose: patches turning inwards
            for t in (1, 0.75, 0.5, 0.28):
                k.blot(x + self.u(-0.1, 0.1) * r, y + self.u(-0.1, 0.1) * r, r * t,
                    self.vary(colour * (0.78 + 0.3 * (1 - t)), 9), "flowers", self.rng, 0.15)
            return
        turn = self.u(0, 3)
        for i in range(petals):
            a = turn + i * 2 * np.pi / petals
            k.ellipse(x + np.cos(a) * r * 0.6, y + np.sin(a) * r * 0.6, r * 0.5, r * 0.24, self.vary(colour, 10),
                "flowers", np.degrees(a))
        k.ellipse(x, y, r * 0.3, r * 0.3, mix(self.c["accent2"], (90, 60, 30), 0.5) if kind else (240, 200, 70),
            "flowers")

    def apple(self, x, y, r, colour) -> None:
        k = self.canvas
        k.ellipse(x + r * 0.15, y + r * 0.9, r * 1.15, r * 0.25, mix(self.c["ground"], self.c["dark"], 0.5),
            "table" if self.has("table") else None)
        tall = 1.25 if self.rng.random() < 0.3 else 0.96
        k.ellipse(x, y, r, r * tall, colour * 0.8, "fruit")
        k.ellipse(x - r * 0.1, y - r * 0.1, r * 0.84, r * 0.8 * tall, colour, "fruit")
        k.ellipse(x - r * 0.3, y - r * 0.35, r * 0.42, r * 0.36, mix(colour, (255, 255, 255), 0.28), "fruit")
        k.ellipse(x - r * 0.38, y - r * 0.42, r * 0.15, r * 0.13, mix(colour, (255, 255, 255), 0.75), "fruit")
        k.line([(x, y - r * 0.85 * tall), (x + r * 0.15, y - r * 1.25 * tall)], r * 0.14, (84, 62, 40), "fruit")
        if self.rng.random() < 0.5:
            k.ellipse(x + r * 0.42, y - r * 1.1 * tall, r * 0.3, r * 0.13, mix(self.c["leaf"], (70, 130, 50), 0.5),
                "fruit", -25)

    # ---- subjects -------------------------------------------------------------------------------------------------

    def sea(self) -> None:
        self.sky()
        self.water(self.hy, rough=1.0 if self.s.light == "storm" else 0.3)
        if self.has("person"):  # a beach with somebody on it
            xs = np.linspace(0, 1, 12)
            sand = mix(mix(self.c["accent2"], (222, 200, 156), 0.7), self.c["glow"],
                0.15) * (0.5 if self.s.light == "night" else 1)
            self.canvas.poly([*zip(xs, 0.86 + 0.03 * np.sin(xs * 5 + self.u(0, 6)), strict=True), (1, 1.1), (0, 1.1)],
                sand)
            self.figure(self.x, 0.93, 0.2, hat=self.rng.random() < 0.3)
        self.birds()

    def mountains(self) -> None:
        self.hy = max(self.hy, 0.45)
        self.horizon = None
        self.sky()
        c, snow = self.c, self.s.light == "snow" or self.rng.random() < 0.6
        self.ridge(self.hy + 0.12, self.u(0.2, 0.3), mix(c["far"], c["glow"], 0.5), "mountain")
        self.hy = min(self.hy + 0.12, 0.8)
        self.ridge(self.hy, self.u(0.4, 0.55) * self.hy / 0.65, c["far"], "mountain", snow=snow)
        if self.has("water"):
            self.water(self.hy)
        else:
            self.ground()
            if self.has("path"):
                self.path(self.x, self.hy, self.u(0.3, 0.7), 0.1)
        if self.has("pine"):
            for x in np.sort(self.rng.random(int(4 + 8 * self.s.amount))):
                self.pine(x, self.hy + self.u(0.03, 0.1), self.u(0.12, 0.22))
        if self.has("cabin"):
            self.house(1 - self.x, min(0.95, self.hy + 0.12), 0.15, 0.08)
        self.birds()

    def forest(self) -> None:
        self.hy = float(np.clip(self.hy + 0.1, 0.45, 0.7))
        self.horizon = None
        self.sky()
        self.ground(colour=mix(self.c["ground"], self.c["leaf"], 0.35) if self.s.light != "snow" else None)
        pine = self.rng.random() < 0.55
        for x in np.linspace(0, 1, 12) + self.rng.uniform(-0.04, 0.04, 12):
            self.pine(x, self.hy + 0.03, self.u(0.3, 0.45), 0.45) if pine else self.tree(x, self.hy + 0.03, self.u(0.28,
                0.4))
        if self.has("path"):
            self.path(self.x, self.hy, self.u(0.3, 0.7), 0.15)
        for row in (0.1, 0.3):
            for _ in range(int(2 + 3 * self.s.amount)):
                x = self.u(0, 1)
                if abs(x - self.x) < 0.16:
                    x = x + 0.25 * (1 if x > self.x else -1)
                foot = self.hy + row * (1 - self.hy) + 0.05
                self.pine(x, foot, self.u(0.5, 0.7) + row * 0.4, 0.1) if pine else self.tree(x, foot, self.u(0.45,
                    0.6) + row * 0.3, self.has("bare"))
        if self.has("house"):
            self.house(self.x, self.hy + 0.14, 0.16, 0.09)
        elif self.has("person"):
            self.figure(self.x, self.hy + 0.26, 0.24)

    def field(self) -> None:
        self.sky()
        c = self.c
        if self.has("hill"):
            self.hills(self.hy, self.u(0.05, 0.1), mix(c["far"], c["glow"], 0.25))
        self.ground()
        vanish = (self.u(0.2, 0.8), self.hy - 0.02)
        if self.s.light != "snow":
            crop = [mix(c["ground"], c["accent2"], self.u(0.3, 0.8)), mix(c["ground"], c["leaf"], 0.6)]
            edges = np.linspace(-1.6, 2.6, int(self.u(14, 24)))
            for i in range(len(edges) - 1):
                k0, k1 = [(vanish[0] + (e - vanish[0]) * 0.12, self.hy) for e in edges[i : i + 2]]
                self.canvas.poly([k0, k1, (edges[i + 1], 1.02), (edges[i], 1.02)], self.vary(crop[i % 2], 6))
        if self.has("path"):
            self.path(vanish[0], self.hy, self.u(0.3, 0.7), 0.12)
        if self.has("flowers"):
            tones = [c["accent"], c["accent2"], mix(c["accent"], c["light"], 0.4)]
            for d in np.sort(self.rng.random(150)):
                y, r = self.hy + 0.02 + (0.98 - self.hy) * d, 0.004 + 0.013 * d
                self.canvas.ellipse(self.u(0, 1), y, r, r * 0.8, self.vary(tones[self.rng.integers(3)]), "flowers")
        if self.has("house"):
            self.house(self.x, self.hy + 0.05, 0.14, 0.08)
        if self.has("tree"):
            self.tree(1 - self.x + self.u(-0.1, 0.1), self.hy + 0.05, self.u(0.25, 0.38))
        if self.has("person"):
            self.figure(self.u(0.2, 0.8), min(0.95, self.hy + 0.28), 0.22, hat=self.rng.random() < 0.5)
        self.birds()

    def village(self) -> None:
        self.hy = float(np.clip(self.hy, 0.38, 0.6))
        self.horizon = None
        self.sky()
        if self.has("mountain"):
            self.ridge(self.hy, 0.25, mix(self.c["far"], self.c["glow"], 0.3), "mountain", snow=self.rng.random() < 0.5)
        if self.has("hill"):
            self.hills(self.hy + 0.02, 0.12, mix(self.c["far"], self.c["leaf"], 0.3))
        self.ground()
        if self.has("path"):
            self.path(self.x, self.hy, self.u(0.3, 0.7), 0.14)
        count = int(5 + 6 * self.s.amount)
        tower = self.has("tower")
        for i, d in enumerate(np.sort(self.rng.random(count))):
            foot, w = self.hy + 0.06 + 0.36 * d, 0.11 + 0.09 * d
            x = float(np.clip(self.x + self.u(-0.5, 0.5), 0.06, 0.94))
            if tower and i == count // 3:
                self.steeple(self.x, foot, 0.07, 0.24)
            self.house(x, foot, w, w * self.u(0.5, 0.65))
            if self.has("tree") and self.rng.random() < 0.4:
                self.tree(x + w * 0.9, foot + 0.01, 0.17)

    def city(self) -> None:
        self.hy = float(np.clip(self.hy, 0.6, 0.75))
        self.horizon = None
        self.sky()
        k, c, lit = self.canvas, self.c, self.has("lit window")
        street = mix(c["dark"], c["ground"], 0.4)
        for depth, count in ((0.55, 9), (0.22, 8), (0.0, 6)):
            for i in range(count):
                w = self.u(0.1, 0.17)
                x = (i + self.u(0.2, 0.8)) / count
                h = self.u(0.18, 0.42) + 0.16 * np.exp(-(((x - self.x) / 0.2) ** 2)) - 0.1 * (depth == 0)
                foot = self.hy + 0.04
                wall = mix(self.vary([c["far"], c["accent"], c["accent2"], mix(c["light"], c["far"], 0.5),
                    c["dark"]][self.rng.integers(5)], 10), c["glow"], depth)
                wall = wall * (0.75 if self.s.light in ("night", "storm") else 0.95)
                name = "tower" if h > 0.34 else "house"
                k.rect(x - w / 2, foot - h, x + w / 2, foot, wall, name)
                k.rect(x + w * 0.22, foot - h, x + w / 2, foot, wall * 0.8, name)
                if name == "tower" and self.rng.random() < 0.35:
                    k.poly([(x - w * 0.1, foot - h), (x, foot - h - 0.1), (x + w * 0.1, foot - h)], wall * 0.8, name)
                if depth < 0.5:
                    for py in np.arange(foot - h + 0.03, foot - 0.02, 0.042):
                        for px in np.arange(x - w / 2 + 0.02, x + w / 2 - 0.015, 0.034):
                            on = lit and self.rng.random() < 0.6
                            pane = _LAMP if on else wall * 0.62
                            k.rect(px, py, px + 0.016, py + 0.022, pane, "lit window" if on else name)
        k.fine[round((self.hy - 0.35) * k.size) : round(self.hy * k.size)] = 255
        if self.has("water"):
            self.water(self.hy + 0.02)
            if lit:
                for _ in range(40):
                    x, y = self.u(0, 1), self.u(self.hy + 0.03, 0.98)
                    k.line([(x, y), (x, y + self.u(0.02, 0.05))], 0.01, mix(_LAMP, c["water"], self.u(0.2, 0.7)),
                        "water")
            if self.has("bridge"):
                self.bridge(self.hy + 0.1, 0.5, 0.9)
        else:
            k.gradient(self.hy + 0.02, 1, mix(street, c["glow"], 0.25), street)
            k.poly([(0.46, self.hy + 0.02), (0.54, self.hy + 0.02), (0.9, 1.02), (0.1, 1.02)], mix(street, c["light"],
                0.3), "path" if self.has("path") else None)
            for t in (0.1, 0.3, 0.55, 0.85):
                y = self.hy + 0.02 + (1 - self.hy) * t
                k.poly([(0.495, y), (0.505, y), (0.515, y + 0.04 + 0.05 * t), (0.485, y + 0.04 + 0.05 * t)],
                    mix(c["light"], street, 0.2))
            if self.has("person"):
                for _ in range(int(2 + 4 * self.s.amount)):
                    self.figure(self.u(0.1, 0.9), self.u(self.hy + 0.14, 0.97), 0.17)
        self.birds()

    def bridge(self, y, x, span) -> None:
        k, stone = self.canvas, self.vary(mix(self.c["accent"], self.c["far"], 0.55), 8)
        height, half = 0.16, span / 2
        xs = np.linspace(-1, 1, 15)
        deck = [(x + half * t, y - height * 0.35 * (1 - t * t) - height * 0.55) for t in xs]
        arch = [(x + half * 0.72 * t, y + height * 0.35 - height * 0.85 * np.sqrt(max(0, 1 - t * t))) for t in xs[::-1]]
        k.poly([*deck, (x + half, y + height * 0.35), *arch, (x - half, y + height * 0.35)], stone, "bridge")
        k.line(deck, 0.016, mix(stone, self.c["light"], 0.45), "bridge")
        k.line(arch, 0.012, stone * 0.65, "bridge")

    def boats(self) -> None:
        self.hy = min(self.hy, 0.6)
        self.horizon = self.hy
        self.sky()
        if self.has("mountain"):
            self.ridge(self.hy, 0.18, mix(self.c["far"], self.c["glow"], 0.4), "mountain")
        elif self.has("hill"):
            self.hills(self.hy, 0.06, mix(self.c["far"], self.c["glow"], 0.3))
        self.water(self.hy, rough=1.0 if self.s.light == "storm" else 0.3)
        for _ in range(int(3 * self.s.amount)):
            self.boat(self.u(0.1, 0.9), self.hy + self.u(0.03, 0.1), self.u(0.06, 0.09))
        self.boat(self.x, min(self.hy + self.u(0.17, 0.3), 0.88), self.u(0.22, 0.3), self.rng.random() < 0.85)
        self.birds()

    def cabin(self) -> None:
        self.hy = float(np.clip(self.hy, 0.45, 0.65))
        self.horizon = None
        self.sky()
        if self.has("mountain"):
            self.ridge(self.hy, 0.28, mix(self.c["far"], self.c["glow"], 0.25), "mountain", snow=True)
        else:
            self.hills(self.hy + 0.02, 0.08, mix(self.c["far"], self.c["leaf"], 0.2))
        self.ground()
        for _ in range(int(2 + 9 * self.s.amount) if self.has("pine") else 0):
            x = self.u(0, 1)
            if abs(x - self.x) > 0.14:
                self.pine(x, self.hy + self.u(0.04, 0.12), self.u(0.22, 0.38), 0.1)
        if self.has("tree"):
            self.tree(self.x + 0.27 * (1 if self.x < 0.5 else -1), self.hy + 0.15, 0.4, self.s.light in ("snow",
                "storm"))
        foot = self.hy + self.u(0.18, 0.26)
        if self.has("path"):
            self.path(self.x, foot, self.u(0.3, 0.7), 0.1)
        self.house(self.x, foot, self.u(0.28, 0.36), self.u(0.15, 0.18))

    def river(self) -> None:
        self.hy = min(self.hy, 0.55)
        self.horizon = self.hy
        self.sky()
        c = self.c
        if self.has("mountain"):
            self.ridge(self.hy, 0.25, mix(c["far"], c["glow"], 0.25), "mountain", snow=True)
        if self.has("hill"):
            self.hills(self.hy, 0.09, mix(c["far"], c["leaf"], 0.3))
        if self.has("mountain") or self.has("hill"):
            self.horizon = None
        self.ground()
        water = mix(c["water"], c["glow"], 0.2)
        self.path(1 - self.x, self.hy + 0.01, self.x, 0.26, water, "water")
        if self.has("bridge"):
            self.bridge(self.hy + 0.2, (1 - self.x) * 0.7 + self.x * 0.3, 0.55)
        for d in np.sort(self.rng.random(int(3 + 5 * self.s.amount) if self.has("tree") else 0)):
            x = self.u(0.02, 0.98)
            if abs(x - 0.5) > 0.12 + 0.2 * d:
                self.tree(x, self.hy + 0.03 + 0.3 * d, 0.18 + 0.2 * d)
        self.birds()

    def lone_tree(self) -> None:
        self.hy = max(self.hy, 0.5)
        self.horizon = self.hy
        self.sky()
        if self.has("hill"):
            self.hills(self.hy, 0.07, mix(self.c["far"], self.c["leaf"], 0.3))
            self.horizon = None
        self.ground()
        if self.has("path"):
            self.path(1 - self.x, self.hy, self.u(0.3, 0.7), 0.1)
        if self.has("flowers"):
            for d in np.sort(self.rng.random(90)):
                r = 0.005 + 0.012 * d
                self.canvas.ellipse(self.u(0, 1), self.hy + 0.04 + (0.96 - self.hy) * d, r, r,
                    self.vary(self.c["accent2"]), "flowers")
        self.tree(self.x, self.hy + self.u(0.12, 0.2), self.u(0.55, 0.72), self.has("bare"))
        if self.has("person"):
            self.figure(self.x + 0.22 * (1 if self.x < 0.5 else -1), self.hy + 0.2, 0.2)
        self.birds()

    def room(self) -> None:
        """Wall and table of a still life."""
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        k.gradient(0, 1, mix(c["sky"], c["dark"], 0.12), mix(c["glow"], c["sky"], 0.4))
        for _ in range(14):
            k.blot(self.u(0, 1), self.u(0, 0.7), self.u(0.05, 0.15), mix(self.vary(c["sky"], 8), c["glow"], self.u(0.2,
                0.6)), None, self.rng, 0.3, 1.4)
        self.hy = float(np.clip(self.hy + 0.18, 0.6, 0.78))
        top = mix(c["ground"], c["accent2"], 0.25)
        name = "table" if self.has("table") else None
        k.gradient(self.hy, 1, top, top * 0.75, name)
        if name:
            for _ in range(9):
                y = self.u(self.hy + 0.02, 1)
                k.line([(0, y), (1, y + self.u(-0.01, 0.01))], 0.004, mix(top, c["dark"], 0.3), name)
            k.gradient(self.hy, self.hy + 0.025, mix(top, c["light"], 0.35), mix(top, c["light"], 0.15), name)

    def flowers(self) -> None:
        self.room()
        k, c, foot = self.canvas, self.c, self.hy + 0.16
        x = 0.5 + (self.x - 0.5) * 0.8
        rim = foot - 0.27
        vase = self.vary(mix(c["water"], c["accent2"], self.u(0, 1)), 12)
        heads = []
        spread = self.u(0.17, 0.26)
        for _ in range(int(5 + 11 * self.s.amount)):
            a, d = self.u(-1.25, 1.25), self.u(0.3, 1)
            heads.append((x + np.sin(a) * spread * d * 1.15, rim - 0.06 - np.cos(a) * d * spread * 1.3, self.u(0.045,
                0.075)))
        stem = mix(c["leaf"], (60, 110, 50), 0.35)
        for hx, hy, _ in heads:
            k.line([(x, rim + 0.05), ((x + hx) / 2 + self.u(-0.02, 0.02), (rim + hy) / 2 + 0.03), (hx, hy)], 0.011,
                self.vary(stem), "flowers")
        for _ in range(12):
            a = self.u(-1.4, 1.4)
            k.ellipse(x + np.sin(a) * self.u(0.05, spread), rim - np.cos(a) * self.u(0, 0.13), 0.05, 0.018,
                self.vary(stem, 18), "flowers", np.degrees(a) - 90)
        tones = [c["accent"], c["accent2"], mix(c["accent"], c["light"], 0.5)][: int(self.u(1, 3.99))]
        for hx, hy, r in sorted(heads, key=lambda head: head[1]):
            self.blossom(hx, hy, r, self.vary(tones[self.rng.integers(len(tones))]))
        if self.has("vase"):
            w, profile = self.u(0.07, 0.1), [(0, 0.62), (0.08, 0.5), (0.3, 0.72), (0.6, 1.0), (0.85, 0.85), (1, 0.6)]
            k.ellipse(x + 0.04, foot, w * 1.3, 0.018, mix(c["ground"], c["dark"], 0.55),
                "table" if self.has("table") else None)
            left = [(x - w * r, rim + (foot - rim) * t) for t, r in profile]
            k.poly(left + [(2 * x - px, py) for px, py in left[::-1]], vase, "vase")
            shade = [(x + w * 0.25 * r, rim + (foot - rim) * t) for t, r in profile]
            k.poly(shade + [(2 * x - px, py) for px, py in left[::-1]], vase * 0.75, "vase")
            k.line([(x - w * 0.45, rim + 0.09), (x - w * 0.55, foot - 0.09)], 0.014, mix(vase, (255, 255, 255), 0.55),
                "vase")
        if self.has("fruit"):
            for _ in range(3):
                self.apple(x + self.u(0.14, 0.26) * (1 if x < 0.5 else -1), foot + self.u(-0.01, 0.05), 0.05,
                    self.vary(c["accent"]))

    def fruit(self) -> None:
        self.room()
        k, c = self.canvas, self.c
        x, foot = 0.5 + (self.x - 0.5) * 0.8, self.hy + self.u(0.12, 0.18)
        kinds = [(206.0, 52, 44), (238.0, 150, 46), (240.0, 208, 70), (140.0, 176, 64), (104.0, 60, 120)]
        tones = [_tune(mix(kinds[self.rng.integers(5)], c["accent" if i else "accent2"], 0.3), self.s.key * 0.6,
            0.4 + 0.6 * self.s.chroma) for i in range(3)]
        count = int(3 + 6 * self.s.amount)
        if self.has("vase"):
            vx, w, vase = x + 0.27 * (1 if x < 0.5 else -1), 0.075, self.vary(c["water"], 10)
            left = [(vx - w * r, foot - 0.38 + 0.36 * t) for t, r in [(0, 0.6), (0.12, 0.42), (0.4, 0.8), (0.7, 1.0),
                (1, 0.6)]]
            k.poly(left + [(2 * vx - px, py) for px, py in left[::-1]], vase, "vase")
            k.line([(vx - w * 0.5, foot - 0.2), (vx - w * 0.5, foot - 0.08)], 0.014, mix(vase, (255, 255, 255), 0.5),
                "vase")
        if self.has("bowl"):
            w, h = self.u(0.2, 0.26), 0.13
            k.ellipse(x + 0.03, foot + 0.01, w * 0.9, 0.025, mix(c["ground"], c["dark"], 0.55),
                "table" if self.has("table") else None)
            for i in range(count):
                t = self.u(-0.72, 0.72)
                self.apple(x + w * t,
                    foot - h - 0.05 * (1 - abs(t)) * (1 + (i > count / 2)) + (0.02 if i > count / 2 else 0),
                    self.u(0.055, 0.072), self.vary(tones[i % 3]))
            clay = self.vary(mix(c["light"], c["water"], self.u(0.1, 0.7)), 8)
            k.ellipse(x, foot - h, w, h, clay * 0.92, "bowl", start=0, end=180)
            k.ellipse(x + w * 0.15, foot - h, w * 0.85, h * 0.95, clay * 0.8, "bowl", start=0, end=90)
            k.line([(x - w, foot - h), (x + w, foot - h)], 0.016, mix(clay, (255, 255, 255), 0.4), "bowl")
        rest = 2 if self.has("bowl") else count
        for d in np.sort(self.rng.random(rest)):
            self.apple(x + self.u(-0.28, 0.28), foot - 0.06 + 0.12 * d + (0.04 if self.has("bowl") else 0), self.u(0.06,
                0.08), self.vary(tones[self.rng.integers(3)]))

    def portrait(self) -> None:
        k, c, mood = self.canvas, self.c, self.s.people
        self.lamp, self.horizon = None, None
        k.gradient(0, 1, mix(c["sky"], c["dark"], 0.1), c["glow"])
        for _ in range(22):
            k.blot(self.u(0, 1), self.u(0, 1), self.u(0.06, 0.16), mix(self.vary(c["sky"], 10), c["glow"], self.u(0.1,
                0.7)), None, self.rng, 0.4, 1.2)
        if self.has("window"):
            wx = 0.2 if self.x >= 0.5 else 0.8
            k.rect(wx - 0.12, 0.1, wx + 0.12, 0.45, mix(c["light"], c["glow"], 0.4))
            k.line([(wx, 0.1), (wx, 0.45)], 0.014, mix(c["dark"], c["sky"], 0.3))
            k.line([(wx - 0.12, 0.27), (wx + 0.12, 0.27)], 0.014, mix(c["dark"], c["sky"], 0.3))
        x, y, r = 0.5 + (self.x - 0.5) * 0.55, self.u(0.4, 0.45), self.u(0.19, 0.235)
        skins = [(240.0, 204, 174), (224.0, 178, 142), (186.0, 132, 96), (132.0, 88, 62), (236.0, 190, 150)]
        skin = _tune(mix(skins[self.rng.integers(5)], c["glow"], 0.08), self.s.key * 0.45,
            0.5 + 0.5 * min(self.s.chroma, 1.2))
        hair = mix([(58.0, 40, 30), (120.0, 78, 44), (206.0, 164, 92), (150.0, 62, 34), (178.0, 176, 172), (34.0, 30,
            36)][self.rng.integers(6)], c["dark"], 0.15)
        coat = self.vary([c["accent"], c["accent2"], c["water"], c["leaf"], c["far"]][self.rng.integers(5)], 10)
        long = self.rng.random() < 0.5
        if long:
            k.ellipse(x, y + r * 0.25, r * 1.18, r * 1.6, hair * 0.85, "person")
        k.poly([(x - 0.4, 1.05), (x - 0.36, y + r * 1.85), (x - r * 0.5, y + r * 1.42), (x + r * 0.5, y + r * 1.42),
            (x + 0.36, y + r * 1.85), (x + 0.4, 1.05)], coat, "person")
        k.poly([(x + 0.05, 1.05), (x + r * 0.3, y + r * 1.5), (x + 0.36, y + r * 1.85), (x + 0.4, 1.05)], coat * 0.82,
            "person")
        k.poly([(x - r * 0.36, y + r * 0.7), (x + r * 0.36, y + r * 0.7), (x + r * 0.4, y + r * 1.5), (x, y + r * 1.75),
            (x - r * 0.4, y + r * 1.5)], skin * 0.84, "person")
        k.ellipse(x, y, r * 0.86, r * 1.15, skin, "person")
        k.ellipse(x + r * 0.3, y + r * 0.05, r * 0.56, r * 1.05, mix(skin, skin * 0.84, 0.75), "person")
        k.ellipse(x + r * 0.08, y, r * 0.62, r * 1.1, skin, "person")
        for side in (-1, 1):
            k.ellipse(x + side * r * 0.86, y + r * 0.08, r * 0.13, r * 0.22, skin * 0.9, "person")
            k.ellipse(x + side * r * 0.45, y + r * 0.4, r * 0.2, r * 0.13, mix(skin, (222, 96, 84),
                0.4 if mood in ("happy", "angry") else 0.15), "person")
        k.ellipse(x, y - r * 0.28, r * 0.96, r * 0.95, hair, "person", start=180, end=360)
        k.poly([(x - r * 0.96, y - r * 0.28), (x - r * 0.95, y + r * 0.2), (x - r * 0.76, y - r * 0.3), (x - r * 0.1,
            y - r * 0.62), (x + r * 0.74, y - r * 0.42), (x + r * 0.95, y + r * 0.2), (x + r * 0.96, y - r * 0.3)],
            hair, "person")
        ink, dark = np.array([40.0, 28, 26]), mix(hair, (30, 22, 20), 0.6)
        iris = np.array([(70.0, 110, 150), (92.0, 66, 42), (80.0, 120, 80)][self.rng.integers(3)])
        for side in (-1, 1):
            ex, ey = x + side * r * 0.36, y - r * 0.02
            squint = 0.09 if mood == "happy" else 0.12 if mood == "angry" else 0.145
            k.ellipse(ex, ey, r * 0.2, r * squint, (246, 242, 236), "person")
            k.ellipse(ex, ey + (r * 0.04 if mood == "sad" else 0), r * 0.1, min(r * 0.115, r * squint), iris, "person")
            k.ellipse(ex, ey + (r * 0.04 if mood == "sad" else 0), r * 0.055, r * 0.06, (16, 14, 16), "person")
            lid = [(ex - r * 0.21, ey), (ex - r * 0.1, ey - r * squint), (ex + r * 0.1, ey - r * squint),
                (ex + r * 0.21, ey)]
            k.line(lid, r * 0.05, ink, "person")
            inner, outer = {"angry": (0.24, -0.08), "sad": (-0.16, 0.1), "happy": (0.0, 0.02)}.get(mood, (0.02, 0.04))
            by, arch = ey - r * 0.3, r * (0.1 if mood == "happy" else 0.03)
            k.line([(ex - side * r * 0.2, by + inner * r), (ex, by + (inner + outer) / 2 * r - arch),
                (ex + side * r * 0.26, by + outer * r)], r * 0.085, dark, "person")
        k.line([(x + r * 0.03, y + r * 0.05), (x + r * 0.11, y + r * 0.36), (x - r * 0.05, y + r * 0.4)], r * 0.045,
            skin * 0.66, "person")
        my, lip = y + r * 0.66, mix((176, 54, 58), skin, 0.15)
        ts = np.linspace(-1, 1, 9)
        bend = {"happy": -0.2, "sad": 0.17, "angry": 0.1}.get(mood, 0.0)
        wide = {"happy": 0.42, "sad": 0.3, "angry": 0.34}.get(mood, 0.3)
        curve = [(x + t * r * wide, my + bend * r * (t * t - 0.5)) for t in ts]
        if mood == "happy":
            k.poly([*curve, curve[0]], lip * 0.75, "person")
            k.poly([(px, py - r * 0.015) for px, py in curve[1:-1]] + [(curve[-2][0], curve[-2][1] - r * 0.03),
                (curve[1][0], curve[1][1] - r * 0.03)], (248, 244, 238), "person")
        k.line(curve, r * 0.1, lip if mood != "angry" else lip * 0.6, "person")
        if mood == "angry":
            for side in (-1, 1):
                k.line([(x + side * r * 0.06, y - r * 0.2), (x + side * r * 0.1, y - r * 0.4)], r * 0.04, skin * 0.6,
                    "person")
        elif mood == "sad" and self.rng.random() < 0.6:
            k.ellipse(x - r * 0.36, y + r * 0.32, r * 0.05, r * 0.12, (214, 234, 250), "person")
        if self.has("hat"):
            tone = self.vary([c["accent"], c["accent2"], c["dark"]][self.rng.integers(3)], 10)
            k.poly([(x - r * 0.85, y - r * 0.6), (x - r * 0.75, y - r * 1.5), (x, y - r * 1.66), (x + r * 0.75,
                y - r * 1.5), (x + r * 0.85, y - r * 0.6)], tone, "hat")
            k.line([(x - r * 0.82, y - r * 0.75), (x + r * 0.82, y - r * 0.75)], r * 0.2, tone * 0.6, "hat")
            k.ellipse(x, y - r * 0.6, r * 1.5, r * 0.17, tone * 0.9, "hat")
        k.need_fine(x, y + r * 0.2, r * 0.8, r * 0.95)

    def crowd(self) -> None:
        self.hy = float(np.clip(self.hy, 0.35, 0.55))
        self.horizon = self.hy
        self.sky()
        if self.has("house"):
            for x in np.arange(0.08, 1, 0.2):
                self.house(x, self.hy + 0.05, 0.19, 0.1)
        self.ground()
        if self.has("tower"):
            self.steeple(1 - self.x, self.hy + 0.04, 0.09, 0.26)
        count, hats = int(5 + 7 * self.s.amount), self.has("hat")
        for d in np.sort(self.rng.random(count)):
            x = float(np.clip(self.x + self.rng.normal(0, 0.26), 0.05, 0.95))
            self.figure(x, self.hy + 0.3 + 0.24 * d, 0.34 + 0.2 * d, feeling=self.s.people,
                hat=hats and self.rng.random() < 0.6)

    def geometric(self) -> None:
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        k.gradient(0, 1, c["glow"], mix(c["glow"], c["sky"], 0.6))
        tones = [c[r] for r in ("sky", "far", "ground", "water", "accent", "accent2", "accent", "accent2", "dark",
            "leaf")]
        tone = lambda: self.vary(tones[self.rng.integers(len(tones))], 8)  # noqa: E731
        kinds = [d for d in ("circle", "triangle", "square", "line") if self.has(d)] or ["circle", "square"]
        if self.has("grid"):
            cuts = [np.concatenate([[0], np.sort(self.rng.uniform(0.12, 0.9, 3)), [1.01]]) for _ in range(2)]
            for a, b in zip(cuts[0][:-1], cuts[0][1:], strict=True):
                for p, q in zip(cuts[1][:-1], cuts[1][1:], strict=True):
                    colour = tone() if self.rng.random() < 0.5 else mix(c["light"], c["glow"], 0.3)
                    k.rect(a, p, b, q, colour, "square" if "square" in kinds else None)
        for i in range(int(4 + 12 * self.s.amount)):
            kind = kinds[i % len(kinds)]
            x, y, r = float(np.clip(self.rng.normal(self.x, 0.24), 0, 1)), self.u(0.1, 0.9), self.u(0.06, 0.19)
            if kind == "circle":
                k.ellipse(x, y, r, r, tone(), kind)
                if self.rng.random() < 0.5:
                    k.ellipse(x, y, r * 0.62, r * 0.62, tone(), kind)
            elif kind == "triangle":
                a = self.u(0, 6.3) + np.array([0, 2.1, 4.2])
                k.poly(np.stack([x + 1.2 * r * np.cos(a), y + 1.2 * r * np.sin(a)], 1), tone(), kind)
            elif kind == "square":
                a = (self.u(0, 1.6) if self.rng.random() < 0.5 else np.pi / 4) + np.arange(4) * np.pi / 2
                k.poly(np.stack([x + r * np.cos(a), y + r * np.sin(a)], 1), tone(), kind)
            else:
                a, length = self.u(0, 6.3), self.u(0.2, 0.5)
                k.line([(x - length * np.cos(a), y - length * np.sin(a)), (x + length * np.cos(a),
                    y + length * np.sin(a))], self.u(0.01, 0.025), c["dark"] if self.rng.random() < 0.6 else tone(),
                    kind)

    def splatter(self) -> None:
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        k.gradient(0, 1, mix(c["light"], c["glow"], self.u(0, 1)), mix(c["glow"], c["sky"], self.u(0, 0.8)))
        tones = [c["accent"], c["accent2"], c["water"], c["dark"], c["leaf"], c["far"]]
        if self.has("circle"):
            k.ellipse(self.x, 0.5, 0.25, 0.25, self.vary(tones[0]), "circle")
        for _ in range(int(3 + 10 * self.s.amount)):
            colour = self.vary(tones[self.rng.integers(6)], 10)
            x, y, r = float(np.clip(self.rng.normal(self.x, 0.22), 0.05, 0.95)), self.u(0.12, 0.85), self.u(0.03, 0.11)
            k.blot(x, y, r, colour, None, self.rng, 0.45)
            for a in self.rng.uniform(0, 6.3, 13):
                d, w = r * self.u(0.9, 2.6), r * self.u(0.05, 0.2)
                if self.rng.random() < 0.5:
                    k.poly([(x + w * np.sin(a), y - w * np.cos(a)), (x - w * np.sin(a), y + w * np.cos(a)),
                        (x + d * np.cos(a), y + d * np.sin(a))], colour)
                k.ellipse(x + d * np.cos(a), y + d * np.sin(a), w, w * 0.85, colour)
            if self.has("drips"):
                for _ in range(2):
                    px, end = x + self.u(-0.6, 0.6) * r, min(0.98, y + self.u(0.15, 0.45))
                    k.line([(px, y), (px, end)], max(r * 0.16, 0.009), colour, "drips")
                    k.ellipse(px, end, max(r * 0.16, 0.01), max(r * 0.26, 0.014), colour, "drips")
        for _ in range(int(30 + 60 * self.s.amount)):
            r = self.u(0.003, 0.011)
            k.ellipse(self.u(0, 1), self.u(0, 1), r, r, tones[self.rng.integers(6)])
        if self.has("line"):
            for _ in range(4):
                xs = np.linspace(self.u(-0.1, 0.3), self.u(0.7, 1.1), 14)
                ys = np.clip(self.u(0.2, 0.8) + np.cumsum(self.rng.normal(0, 0.06, 14)), 0, 1)
                k.line(np.stack([xs, ys], 1), self.u(0.008, 0.014), tones[self.rng.integers(6)], "line")
