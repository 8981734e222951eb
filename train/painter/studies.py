"""More subjects: one person, two people, a room, an animal, fields of colour; drawn as `subjects` draws the others."""

import cv2
import numpy as np

from train.painter.canvas import mix
from train.painter.subjects import Underpainting

ANIMALS = ("cat", "dog", "horse", "fish", "bird")

#: Postures: joints in units of the person's height, ahead of the feet and above them. A limb is a chain of joints.
_POSTURES: dict[str, dict] = {
    "happy": {
        "hip": (0, 0.5), "neck": (0, 0.8), "head": (0.02, 0.91),
        "legs": ([(-0.04, 0.5), (-0.13, 0.29), (-0.2, 0.08)], [(0.04, 0.5), (0.17, 0.34), (0.13, 0.1)]),
        "arms": ([(-0.09, 0.77), (-0.2, 0.88), (-0.24, 1.06)], [(0.09, 0.77), (0.21, 0.88), (0.26, 1.06)]),
    },
    "sad": {
        "hip": (-0.03, 0.47), "neck": (0.07, 0.73), "head": (0.17, 0.75),
        "legs": ([(-0.05, 0.47), (-0.04, 0.24), (-0.07, 0)], [(0.0, 0.47), (0.03, 0.24), (0.02, 0)]),
        "arms": ([(0.02, 0.7), (0.08, 0.53), (0.12, 0.36)], [(0.1, 0.7), (0.17, 0.53), (0.19, 0.36)]),
    },
    "angry": {
        "hip": (0, 0.47), "neck": (0.1, 0.76), "head": (0.18, 0.87),
        "legs": ([(-0.03, 0.47), (-0.15, 0.25), (-0.22, 0)], [(0.04, 0.47), (0.18, 0.27), (0.19, 0)]),
        "arms": ([(0.02, 0.74), (-0.14, 0.64), (-0.05, 0.5)], [(0.16, 0.74), (0.33, 0.74), (0.34, 0.95)]),
    },
    "calm": {
        "hip": (-0.1, 0.31), "neck": (-0.1, 0.63), "head": (-0.08, 0.75),
        "legs": ([(-0.1, 0.31), (0.12, 0.31), (0.12, 0)], [(-0.08, 0.29), (0.17, 0.29), (0.18, 0)]),
        "arms": ([(-0.13, 0.59), (-0.09, 0.43), (0.06, 0.37)], [(-0.05, 0.59), (0.0, 0.44), (0.13, 0.38)]),
    },
}  # fmt: skip


# fmt: off
class Studies(Underpainting):
    """The subjects of `Underpainting` and five more."""

    def person(self, x, foot, height, feeling, facing=1, coat=None) -> None:
        k, c, pose = self.canvas, self.c, _POSTURES[feeling]
        if coat is None:
            coat = self.vary([c["accent"], c["accent2"], c["water"], c["leaf"]][self.rng.integers(4)], 12)
        if np.abs(coat - k.image[min(int(foot * k.size) - 1, k.size - 1) // 2, int(np.clip(x, 0, 0.99) * k.size)]
                ).mean() < 34:  # else the coat would be lost on the wall
            coat = mix(coat, (28, 24, 34) if coat.mean() > 110 else (244, 238, 226), 0.6)
        skin = np.array([(236.0, 196, 164), (206.0, 154, 116), (136.0, 92, 66)][self.rng.integers(3)])
        hair = mix([(58.0, 40, 30), (140.0, 92, 52), (34.0, 30, 36), (196.0, 152, 88)][self.rng.integers(4)],
            c["dark"], 0.2)
        legs, h = mix(coat, (30, 26, 34), 0.6), height

        def at(joint) -> tuple[float, float]:
            return x + facing * joint[0] * h, foot - joint[1] * h

        def limb(joints, width, colour) -> None:
            points = [at(joint) for joint in joints]
            k.line(points, width * h, colour, "person")
            for px, py in points:
                k.ellipse(px, py, width * h / 2, width * h / 2, colour, "person")

        k.ellipse(x, foot + 0.005, 0.26 * h, 0.022, mix(c["ground"], c["dark"], 0.55))
        if feeling == "calm":  # a stool
            (sx, sy), wood = at((-0.1, 0.27)), mix(c["dark"], (120, 80, 50), 0.5)
            k.rect(sx - 0.13 * h, sy, sx + 0.13 * h, sy + 0.035 * h, wood, "chair")
            for side in (-1, 1):
                k.line([(sx + side * 0.1 * h, sy), (sx + side * 0.11 * h, foot)], 0.03 * h, wood, "chair")
        limb(pose["arms"][0], 0.07, coat * 0.75)
        limb(pose["legs"][0], 0.095, legs * 0.85)
        limb(pose["legs"][1], 0.095, legs)
        (nx, ny), (hx, hy) = at(pose["neck"]), at(pose["hip"])
        k.poly([(nx - 0.115 * h, ny + 0.02 * h), (nx - 0.05 * h, ny - 0.025 * h), (nx + 0.05 * h, ny - 0.025 * h),
            (nx + 0.115 * h, ny + 0.02 * h), (hx + 0.095 * h, hy + 0.03 * h), (hx - 0.095 * h, hy + 0.03 * h)], coat,
            "person")
        px, py = at(pose["head"])
        r = 0.078 * h
        k.line([(nx, ny), (px, py)], 0.06 * h, skin * 0.85, "person")
        k.ellipse(px, py, r * 0.88, r, skin, "person")
        tilt = facing * (65 if feeling == "sad" else 0)
        k.ellipse(px - facing * r * 0.12, py - r * 0.2, r * 0.95, r * 0.9, hair, "person", tilt, 180, 360)
        k.ellipse(px - facing * r * 0.55, py + r * 0.05, r * 0.42, r * 0.75, hair, "person")
        limb(pose["arms"][1], 0.07, coat * 0.88)
        for arm in pose["arms"]:
            hand = 0.048 if feeling == "angry" else 0.036
            k.ellipse(*at(arm[-1]), hand * h, hand * h, skin, "person")
        k.need_fine(x, foot - h * 0.55, 0.3 * h, 0.5 * h)

    def stage(self) -> None:
        """A wall and a floor to stand on."""
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        self.hy = float(np.clip(self.hy + 0.15, 0.58, 0.76))
        k.gradient(0, 1, mix(c["sky"], c["dark"], 0.1), mix(c["glow"], c["light"], 0.2))
        for _ in range(12):
            k.blot(self.u(0, 1), self.u(0, 0.7), self.u(0.06, 0.18), mix(self.vary(c["sky"], 8), c["glow"],
                self.u(0.2, 0.7)), None, self.rng, 0.35, 1.5)
        k.gradient(self.hy, 1, mix(c["ground"], c["glow"], 0.15), c["ground"] * 0.8)

    def window(self, x, y, w, h) -> None:
        k, c = self.canvas, self.c
        frame = mix(c["dark"], (130, 92, 60), 0.4)
        k.rect(x - w - 0.02, y - h - 0.02, x + w + 0.02, y + h + 0.02, frame, "window")
        night = self.s.key < -0.3
        top, low = (mix(c["sky"], (18, 24, 60), 0.8), (50, 60, 110)) if night else (mix(c["sky"], (170, 210, 245), 0.6),
            (250, 246, 226))
        for i in range(6):
            k.rect(x - w, y - h + i * h / 3, x + w, y - h + (i + 1) * h / 3, mix(top, low, i / 5), "window")
        k.line([(x, y - h), (x, y + h)], 0.016, frame, "window")
        k.line([(x - w, y), (x + w, y)], 0.016, frame, "window")

    def door(self, x, foot, w, h) -> None:
        k, wood = self.canvas, self.vary(mix(self.c["accent"], (110, 70, 44), 0.55), 14)
        k.rect(x - w - 0.018, foot - h - 0.018, x + w + 0.018, foot, wood * 0.55, "door")
        k.rect(x - w, foot - h, x + w, foot, wood, "door")
        for y0, y1 in ((0.08, 0.45), (0.55, 0.92)):
            k.rect(x - w * 0.65, foot - h * y1, x + w * 0.65, foot - h * y0, wood * 0.78, "door")
        k.ellipse(x + w * 0.78, foot - h * 0.48, 0.013, 0.013, (240, 206, 110), "door")

    def lone_figure(self) -> None:
        self.stage()
        x = 0.5 + (self.x - 0.5) * 0.8
        other = 0.2 if x > 0.5 else 0.8
        if self.has("window"):
            self.window(other, 0.27, 0.1, 0.14)
        elif self.has("door"):
            self.door(other, self.hy, 0.1, 0.44)
        self.person(x, self.u(0.88, 0.95), self.u(0.62, 0.74) * (1.2 if self.s.people == "calm" else 1), self.s.people,
            1 if self.rng.random() < 0.5 else -1)

    def pair(self) -> None:
        self.stage()
        if self.has("window"):
            self.window(0.5, 0.2, 0.14, 0.12)
        x, foot, mood = 0.5 + (self.x - 0.5) * 0.45, self.u(0.88, 0.95), self.s.people
        h = self.u(0.58, 0.68) * (1.15 if mood == "calm" else 1)
        gap = h * {"happy": 0.25, "sad": 0.2, "angry": 0.4, "calm": 0.25}[mood]
        left, right = {"happy": (1, -1), "sad": (-1, 1), "angry": (1, -1), "calm": (1, 1)}[mood]
        self.person(x - gap, foot, h, mood, left)
        self.person(x + gap, foot, h * self.u(0.92, 1.0), mood, right)

    def interior(self) -> None:
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        wall, x0, x1, y0, y1 = mix(c["sky"], c["light"], 0.25), 0.17, 0.83, 0.12, 0.66
        x0, x1 = x0 + (self.x - 0.5) * 0.2, x1 + (self.x - 0.5) * 0.2
        k.rect(0, 0, 1, 1, wall)
        k.poly([(0, 0), (x0, y0), (x0, y1), (0, 1)], wall * 0.8)
        k.poly([(1, 0), (x1, y0), (x1, y1), (1, 1)], wall * 0.88)
        k.poly([(0, 0), (1, 0), (x1, y0), (x0, y0)], mix(wall, c["light"], 0.5))
        floor = mix(c["ground"], (140, 96, 60), 0.3)
        k.poly([(0, 1), (1, 1), (x1, y1), (x0, y1)], floor)
        for t in np.linspace(0, 1, 9):
            k.line([(x0 + (x1 - x0) * t, y1), (-0.3 + 1.6 * t, 1)], 0.004, floor * 0.8)
        k.line([(x0, y1), (x1, y1)], 0.012, wall * 0.6)
        middle = (x0 + x1) / 2
        places = [middle - 0.19, middle + 0.19]
        if self.rng.random() < 0.5:
            places.reverse()
        if self.has("window"):
            self.window(places[0], 0.33, 0.1, 0.14)
            k.poly([(places[0] - 0.12, 0.74), (places[0] + 0.1, 0.74), (places[0] + 0.2, 0.92), (places[0] - 0.1,
                0.92)], mix(floor, (255, 244, 200), 0.4))
        if self.has("door"):
            self.door(places[1], y1, 0.095, 0.42)
        wood = self.vary(mix(c["accent2"], (120, 78, 46), 0.6), 12)
        tx, ty = places[1] + self.u(-0.05, 0.05), 0.72
        if self.has("table"):
            k.ellipse(tx, 0.92, 0.2, 0.025, floor * 0.6)
            for lx in (-0.16, 0.16):
                k.rect(tx + lx - 0.015, ty, tx + lx + 0.015, 0.92, wood * 0.65, "table")
            k.poly([(tx - 0.17, ty - 0.05), (tx + 0.17, ty - 0.05), (tx + 0.22, ty + 0.02), (tx - 0.22, ty + 0.02)],
                wood, "table")
            k.rect(tx - 0.22, ty + 0.02, tx + 0.22, ty + 0.05, wood * 0.75, "table")
        if self.has("chair"):
            cx, seat = places[0] + self.u(-0.04, 0.04), self.vary(mix(c["accent"], wood, 0.3), 10)
            d = 1 if tx > cx else -1
            for lx in (-0.085, 0.085):
                k.line([(cx + lx, 0.76), (cx + lx * 1.1, 0.95)], 0.022, seat * 0.6, "chair")
            k.poly([(cx - d * 0.1, 0.47), (cx - d * 0.05, 0.47), (cx - d * 0.05, 0.78), (cx - d * 0.1, 0.78)], seat,
                "chair")
            k.poly([(cx - 0.1, 0.74), (cx + 0.1, 0.74), (cx + 0.115, 0.785), (cx - 0.115, 0.785)], seat * 0.85, "chair")
        if self.has("lamp"):
            lx = tx if self.has("table") else places[1] + 0.14
            foot = ty - 0.03 if self.has("table") else 0.9
            top = foot - (0.19 if self.has("table") else 0.5)
            k.glow(lx, top, 0.2, (255, 226, 150), 0.55)
            k.line([(lx, top), (lx, foot)], 0.018, c["dark"], "lamp")
            k.ellipse(lx, foot, 0.045, 0.014, c["dark"], "lamp")
            k.poly([(lx - 0.04, top - 0.07), (lx + 0.04, top - 0.07), (lx + 0.085, top + 0.03), (lx - 0.085,
                top + 0.03)], (255, 232, 160), "lamp")
        if self.has("vase") and self.has("table") and not self.has("lamp"):
            k.ellipse(tx, ty - 0.09, 0.045, 0.07, c["water"], "vase")
            k.rect(tx - 0.02, ty - 0.19, tx + 0.02, ty - 0.12, c["water"], "vase")

    def animal(self) -> None:
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        kind = next(name for name in ANIMALS if self.has(name))
        x, d = 0.5 + (self.x - 0.5) * 0.5, 1 if self.rng.random() < 0.5 else -1
        if kind == "fish":
            k.gradient(0, 1, mix(c["water"], (190, 230, 240), 0.35), mix(c["water"], (10, 40, 70), 0.4), "water")
        else:
            self.stage()
        coats = [(62.0, 48, 40), (196.0, 120, 58), (236.0, 228, 214), (138.0, 92, 56), (88.0, 88, 94)]
        fur = mix(coats[self.rng.integers(5)], c["accent"], 0.2)
        back = k.image[int(0.6 * k.size), int(0.1 * k.size)].astype(float)
        if np.abs(fur - back).mean() < 45:
            fur = mix(fur, (24, 20, 26) if back.mean() > 120 else (246, 240, 226), 0.75)
        s, foot, dark = self.u(0.85, 1.05), 0.88, fur * 0.7

        def at(a, b) -> tuple[float, float]:
            return x + d * a * s, foot - b * s

        def oval(a, b, rx, ry, colour, angle=0) -> None:
            k.ellipse(*at(a, b), rx * s, ry * s, colour, kind, d * angle)

        def shape(points, colour) -> None:
            k.poly([at(*point) for point in points], colour, kind)

        def stroke(points, width, colour) -> None:
            k.line([at(*point) for point in points], width * s, colour, kind)

        if kind != "fish" and kind != "bird":
            k.ellipse(x, foot, 0.28 * s, 0.025, mix(c["ground"], c["dark"], 0.5))
        if kind == "cat":  # sitting, its tail around
            stroke([(-0.16, 0.04), (-0.3, 0.05), (-0.36, 0.16), (-0.32, 0.27)], 0.05, dark)
            oval(-0.02, 0.17, 0.19, 0.18, fur)
            oval(0.05, 0.3, 0.13, 0.17, fur)
            for a in (0.05, 0.14):
                stroke([(a, 0.25), (a + 0.01, 0.02)], 0.05, dark)
            for a in (-0.03, 0.17):
                shape([(a - 0.05, 0.55), (a + 0.05, 0.55), (a + (0.02 if a > 0 else -0.02), 0.68)], dark)
            oval(0.07, 0.5, 0.13, 0.115, fur)
            for a in (0.02, 0.13):
                oval(a, 0.52, 0.025, 0.03, np.array([226.0, 206, 70]))
                oval(a, 0.52, 0.009, 0.026, np.array([10.0, 10, 10]))
            oval(0.075, 0.465, 0.018, 0.012, np.array([220.0, 130, 130]))
        elif kind in ("dog", "horse"):
            tall = kind == "horse"
            leg, top = (0.36, 0.46) if tall else (0.2, 0.3)
            for a in (-0.2, -0.13, 0.14, 0.21):
                stroke([(a, top), (a + 0.01, leg * 0.5), (a, 0.01)], 0.045 if tall else 0.055, dark)
            oval(0, top, 0.27, 0.125 if tall else 0.11, fur)
            if tall:
                shape([(0.12, 0.5), (0.25, 0.44), (0.38, 0.72), (0.28, 0.78)], fur)
                shape([(0.12, 0.55), (0.26, 0.8), (0.31, 0.78), (0.2, 0.56)], dark * 0.6)
                oval(0.39, 0.71, 0.12, 0.055, fur, 42)
                shape([(0.29, 0.78), (0.33, 0.78), (0.32, 0.86)], dark)
                oval(0.37, 0.745, 0.014, 0.014, np.array([12.0, 10, 10]))
                stroke([(-0.26, 0.5), (-0.35, 0.38), (-0.34, 0.2)], 0.06, dark * 0.6)
            else:
                stroke([(-0.25, 0.34), (-0.34, 0.44), (-0.36, 0.52)], 0.04, dark)
                oval(0.24, 0.4, 0.09, 0.12, fur, -20)
                oval(0.3, 0.5, 0.115, 0.1, fur)
                oval(0.4, 0.47, 0.09, 0.05, fur, 8)
                oval(0.48, 0.475, 0.024, 0.022, np.array([16.0, 12, 12]))
                oval(0.24, 0.47, 0.045, 0.1, dark, 15)
                oval(0.34, 0.53, 0.017, 0.017, np.array([12.0, 10, 10]))
                stroke([(0.19, 0.37), (0.3, 0.39)], 0.035, c["accent"])
        elif kind == "fish":
            tone = mix(c["accent"], (250, 140, 40), 0.3)
            for _ in range(1 + int(2.9 * self.s.amount)):
                x, foot, s = x + self.u(-0.12, 0.12), self.u(0.6, 0.95), self.u(0.75, 1.05)
                shape([(-0.2, 0.3), (-0.38, 0.42), (-0.34, 0.3), (-0.38, 0.18)], tone * 0.75)
                shape([(-0.1, 0.4), (0.02, 0.5), (0.12, 0.4)], tone * 0.75)
                shape([(-0.06, 0.2), (-0.1, 0.12), (0.06, 0.2)], tone * 0.7)
                oval(0, 0.3, 0.25, 0.125, tone)
                oval(0.02, 0.26, 0.19, 0.06, mix(tone, (255, 255, 255), 0.35))
                oval(0.15, 0.33, 0.028, 0.028, np.array([250.0, 250, 250]))
                oval(0.155, 0.33, 0.014, 0.014, np.array([10.0, 10, 10]))
        else:  # a bird on a branch
            bark = mix(c["dark"], (96, 66, 44), 0.5)
            k.line([(0, foot - 0.16), (0.5, foot - 0.2), (1, foot - 0.14)], 0.035, bark)
            tone = self.vary([c["accent"], c["accent2"], c["water"]][self.rng.integers(3)], 10)
            if np.abs(tone - back).mean() < 45:
                tone = mix(tone, (24, 20, 26) if back.mean() > 120 else (246, 240, 226), 0.7)
            for a in (-0.02, 0.05):
                stroke([(a, 0.3), (a, 0.19)], 0.02, np.array([220.0, 150, 60]))
            shape([(-0.12, 0.38), (-0.42, 0.22), (-0.38, 0.31), (-0.1, 0.46)], tone * 0.65)
            oval(0, 0.4, 0.2, 0.145, tone, -18)
            oval(-0.06, 0.4, 0.15, 0.075, tone * 0.68, -24)
            oval(0.16, 0.54, 0.105, 0.1, tone)
            shape([(0.24, 0.57), (0.36, 0.53), (0.24, 0.5)], (236, 170, 50))
            oval(0.18, 0.57, 0.019, 0.019, np.array([12.0, 10, 10]))
        k.need_fine(x, foot - 0.4, 0.4, 0.4)

    def colour_field(self) -> None:
        k, c = self.canvas, self.c
        self.lamp, self.horizon = None, None
        roles = ("sky", "far", "ground", "water", "accent", "accent2", "leaf", "dark", "glow")
        tones = [self.vary(c[roles[i]], 8) for i in self.rng.permutation(len(roles))]
        k.gradient(0, 1, tones[0], tones[0] * 0.92)
        count, gap, margin = int(2 + 1.99 * self.s.amount), self.u(0.015, 0.04), self.u(0.05, 0.1)
        edges = np.cumsum(self.rng.uniform(0.6, 1.5, count))
        edges = np.concatenate([[0], edges / edges[-1]]) * (1 - 2 * margin) + margin
        upright = self.rng.random() < 0.3
        for i in range(count):
            a, b = edges[i] + gap / 2, edges[i + 1] - gap / 2
            box = (a, margin, b, 1 - margin) if upright else (margin, a, 1 - margin, b)
            k.rect(*box, tones[i + 1])
        k.image = cv2.GaussianBlur(k.image, (0, 0), k.size * self.u(0.012, 0.03))
