"""Places drawn in perspective, as a person standing there would see them.

Lengths are metres: x to the right, y away from the eye, z up from the ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from random import Random

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1600, 1200
HORIZON_PX, FOCAL_PX, EYE_M = 500, 1150, 1.6
KERB_M, FACADE_M = 3.4, 6.0

Colour = tuple[int, int, int]
Point3 = tuple[float, float, float]

PLASTER: list[Colour] = [(226, 208, 176), (214, 190, 160), (236, 226, 206), (206, 176, 150)]
SHUTTERS: list[Colour] = [(92, 122, 130), (116, 132, 98), (150, 84, 70), (232, 228, 216)]
PAINT: list[Colour] = [
    (214, 62, 96),
    (46, 132, 196),
    (120, 68, 170),
    (244, 178, 46),
    (34, 150, 110),
]
LAMPLIGHT: Colour = (255, 206, 124)
LEAVES: list[Colour] = [(74, 110, 52), (92, 128, 60), (60, 94, 48), (118, 144, 70)]


@dataclass
class Scene:
    """A picture in the making; at dusk every colour but lamplight is dimmed."""

    image: Image.Image
    rng: Random
    dusk: bool

    @cached_property
    def pen(self) -> ImageDraw.ImageDraw:
        """Return what draws on the image, able to mix see-through colours in."""
        return ImageDraw.Draw(self.image, "RGBA")

    def at(self, x: float, y: float, z: float = 0.0) -> tuple[float, float]:
        """Return where in the image, in pixels, a point stands."""
        return (WIDTH / 2 + FOCAL_PX * x / y, HORIZON_PX + FOCAL_PX * (EYE_M - z) / y)

    def face(self, corners: Iterable[Point3], colour: Colour, alpha: int = 255) -> None:
        """Fill a polygon."""
        self.pen.polygon([self.at(*corner) for corner in corners], fill=(*self.lit(colour), alpha))

    def board(self, left: Point3, width: float, height: float, colour: Colour) -> None:
        """Fill an upright rectangle facing the eye, from its lower left corner."""
        x, y, z = left
        ends = ((x, y, z), (x + width, y, z), (x + width, y, z + height), (x, y, z + height))
        self.face(ends, colour)

    def disc(self, centre: Point3, radius: float, colour: Colour, ring_px: int = 0) -> None:
        """Fill a circle facing the eye, or draw a ring of the given width."""
        sx, sy = self.at(*centre)
        r = radius * FOCAL_PX / centre[1]
        fill = None if ring_px else self.lit(colour)
        self.pen.ellipse((sx - r, sy - r, sx + r, sy + r), fill, self.lit(colour), ring_px or 1)

    def bar(self, start: Point3, end: Point3, thickness: float, colour: Colour) -> None:
        """Draw a straight bar, as thick as it would look at half its length."""
        width_px = max(1, round(thickness * FOCAL_PX / ((start[1] + end[1]) / 2)))
        self.pen.line((self.at(*start), self.at(*end)), self.lit(colour), width_px)

    def blot(self, x: float, y: float, rx: float, ry: float, colour: Colour, rough: float) -> None:
        """Fill an uneven patch that lies on the ground."""
        corners: list[Point3] = []
        for step in range(48):
            angle = math.tau * step / 48
            r = 1 + rough * self.rng.uniform(-1, 1) + rough * math.sin(3 * angle + x)
            corners.append((x + rx * r * math.cos(angle), y + ry * r * math.sin(angle), 0.0))
        self.face(corners, colour)

    def glow(self, centre: Point3, rx: float, rz: float, colour: Colour, strength: int) -> None:
        """Add a soft patch of light, or of shadow when the colour is dark."""
        sx, sy = self.at(*centre)
        scale = FOCAL_PX / centre[1] / 4
        across, tall = rx * scale, rz * scale
        soft = max(2.0, tall / 2.2)
        half = (round(across + 3 * soft), round(tall + 3 * soft))
        mask = Image.new("L", (2 * half[0], 2 * half[1]))
        box = (half[0] - across, half[1] - tall, half[0] + across, half[1] + tall)
        ImageDraw.Draw(mask).ellipse(box, fill=strength)
        mask = mask.filter(ImageFilter.GaussianBlur(soft)).resize((8 * half[0], 8 * half[1]))
        self.image.paste(colour, (round(sx) - 4 * half[0], round(sy) - 4 * half[1]), mask)

    def lit(self, colour: Colour) -> Colour:
        """Return the colour as it looks at this time of the day."""
        return blend(colour, (34, 40, 74), 0.62) if self.dusk and colour != LAMPLIGHT else colour


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """Return the first colour with a share, 0 to 1, of the second mixed in."""
    mixed = [round(a + (b - a) * share) for a, b in zip(one, other, strict=True)]
    return (mixed[0], mixed[1], mixed[2])


def sky(scene: Scene) -> None:
    """Draw a sky with clouds, down to a little below the horizon."""
    top, low = ((38, 44, 86), (232, 150, 118)) if scene.dusk else ((104, 154, 212), (222, 232, 238))
    for row in range(HORIZON_PX + 60):
        colour = blend(top, low, (row / (HORIZON_PX + 60)) ** 1.3)
        scene.pen.line((0, row, WIDTH, row), fill=colour)
    cloud = (196, 130, 128) if scene.dusk else (250, 250, 250)
    for _ in range(6):
        x, z = scene.rng.uniform(-60, 60), scene.rng.uniform(22, 48)
        for _ in range(2):
            x += scene.rng.uniform(2, 8)
            scene.glow((x, 100, z), scene.rng.uniform(8, 16), scene.rng.uniform(1.5, 3), cloud, 150)


def ground(scene: Scene, colour: Colour) -> None:
    """Fill everything below the horizon, paler towards the distance."""
    for row in range(HORIZON_PX, HEIGHT):
        nearness = (row - HORIZON_PX) / (HEIGHT - HORIZON_PX)
        far = blend(colour, (206, 206, 204), 0.35)
        scene.pen.line((0, row, WIDTH, row), fill=scene.lit(blend(far, colour, nearness**0.5)))


def specks(scene: Scene, reach: float, colours: list[Colour], count: int) -> None:
    """Scatter flat specks over the ground, `reach` metres to either side."""
    pen = scene.pen
    for _ in range(count):
        y = 2.6 / (1 - scene.rng.random() * 0.93)
        sx, sy = scene.at(scene.rng.uniform(-reach, reach), y)
        r = scene.rng.uniform(4, 13) / y
        colour = scene.lit(scene.rng.choice(colours))
        pen.ellipse((sx - 2 * r, sy - r, sx + 2 * r, sy + r), fill=(*colour, 90))


def crown(scene: Scene, x: float, y: float, z: float, size: float) -> None:
    """Draw the leaves of a tree or a bush, light from above."""
    haze = min(0.55, y / 110)
    for layer in range(4):
        for _ in range(90):
            angle, reach = scene.rng.uniform(0, math.tau), size * scene.rng.random() ** 0.5
            spot = (
                x + reach * math.cos(angle),
                y,
                z + 0.8 * reach * math.sin(angle) + layer * 0.05,
            )
            leaf = blend(scene.rng.choice(LEAVES), (210, 220, 190), haze * 0.8 + layer * 0.05)
            light = 0.25 * (spot[2] - z) / size
            leaf = blend(leaf, (236, 232, 150) if light > 0 else (20, 34, 24), abs(light))
            scene.disc(spot, size * scene.rng.uniform(0.07, 0.15), leaf)


def tree(scene: Scene, x: float, y: float, height: float = 7.0) -> None:
    """Draw a tree with its shadow."""
    scene.glow((x + 0.8, y, 0), height * 0.3, height * 0.04, (30, 40, 30), 120)
    scene.bar((x, y, 0), (x, y, height * 0.6), height * 0.05, (92, 76, 60))
    scene.bar((x + 0.06, y, 0), (x + 0.06, y, height * 0.6), height * 0.015, (124, 106, 84))
    crown(scene, x, y, height * 0.72, height * 0.32)


def windows(scene: Scene, x: float, span: tuple[float, float], height: float) -> None:
    """Draw windows, shutters and doors on a wall that runs away from the eye."""
    shutter = scene.rng.choice(SHUTTERS)
    count = max(1, round((span[1] - span[0]) / 2.6))
    step = (span[1] - span[0]) / count
    for floor in range(int(height // 3)):
        for column in range(count):
            low, y = 0.9 + 3 * floor if floor else 0.0, span[0] + step * (column + 0.5)
            high = 3 * floor + 2.4

            def pane(start: float, end: float, colour: Colour, z0: float, z1: float) -> None:
                scene.face(((x, start, z0), (x, end, z0), (x, end, z1), (x, start, z1)), colour)

            pane(y - 0.62, y + 0.62, (240, 234, 222), low - 0.1, high + 0.12)
            glass = blend((58, 72, 88), (150, 176, 196), scene.rng.random() * 0.7)
            if scene.rng.random() < 0.3 and scene.dusk:
                glass = LAMPLIGHT
            pane(y - 0.5, y + 0.5, shutter if not floor and column else glass, low, high)
            pane(y - 0.03, y + 0.03, (232, 228, 218), low, high)
            if floor:
                pane(y - 1.05, y - 0.6, shutter, low, high)
                pane(y + 0.6, y + 1.05, shutter, low, high)


def facades(scene: Scene, side: int) -> None:
    """Draw one side of a street, from far to near."""
    ends = [2.0]
    while ends[-1] < 60:
        ends.append(ends[-1] + scene.rng.uniform(5, 9))
    for near, far in reversed(list(pairwise(ends))):
        x, height = side * FACADE_M, scene.rng.choice((6.2, 7.0, 9.4, 10.2))
        haze = min(0.6, near / 90)
        wall = blend(scene.rng.choice(PLASTER), (214, 222, 228), haze)
        if side < 0:
            wall = blend(wall, (84, 92, 116), 0.38)
        roof = blend((98, 104, 116), (200, 208, 216), haze)
        back, top, ridge = x + side * 9, height + 1.6, x + side * 0.9
        gable = ((x, near, 0), (back, near, 0), (back, near, top), (ridge, near, top))
        scene.face((*gable, (x, near, height)), blend(wall, (120, 110, 104), 0.3))
        slope = ((x, near, height), (x, far, height), (ridge, far, top), (ridge, near, top))
        scene.face(slope, roof)
        scene.face(((x, near, 0), (x, far, 0), (x, far, height), (x, near, height)), wall)
        windows(scene, x, (near, far), height)
        scene.bar((x, near, height), (x, far, height), 0.12, blend(wall, (250, 248, 240), 0.5))


def strip(scene: Scene, left: float, right: float, colour: Colour, alpha: int = 255) -> None:
    """Fill a band of ground that runs away from the eye."""
    scene.face(((left, 2, 0), (right, 2, 0), (right, 80, 0), (left, 80, 0)), colour, alpha)


def street(scene: Scene) -> None:
    """Draw a street of a small town, with its pavements and trees."""
    sky(scene)
    ground(scene, (112, 112, 116))
    for x in range(-12, 13, 3):
        crown(scene, x, 62, 3.2, 3.0)
    for side in (-1, 1):
        strip(scene, side * KERB_M, side * FACADE_M, (176, 170, 162))
        strip(scene, side * KERB_M, side * (KERB_M + 0.22), (206, 202, 196))
        for depth in range(3, 40):
            joint = ((side * KERB_M, depth, 0.0), (side * FACADE_M, depth, 0.0))
            scene.bar(*joint, 0.02, (148, 142, 136))
        facades(scene, side)
    specks(scene, KERB_M, [(82, 82, 88), (142, 142, 146), (96, 94, 92)], 2600)
    for start in range(3, 50, 5):
        dash = (
            (-0.07, start, 0),
            (0.07, start, 0),
            (0.07, start + 2.4, 0),
            (-0.07, start + 2.4, 0),
        )
        scene.face(dash, (228, 228, 222), 190)
    strip(scene, -FACADE_M, scene.rng.uniform(-2.6, -1.2), (24, 28, 48), 70)
    for y in (26, 18, 12):
        tree(scene, scene.rng.choice((-1, 1)) * 4.6, y + scene.rng.uniform(-2, 2), 6)


def park(scene: Scene) -> None:
    """Draw a meadow with a path and trees."""
    sky(scene)
    ground(scene, (112, 146, 74))
    for _ in range(26):
        crown(scene, scene.rng.uniform(-34, 34), 48, 2.5, scene.rng.uniform(3, 6))
    specks(scene, 14, [(84, 120, 56), (140, 168, 92), (98, 132, 64)], 3800)
    path: list[Point3] = [(-3.6 + 0.03 * y * y, y, 0.0) for y in range(2, 20)]
    edge: list[Point3] = [(-1.4 + 0.032 * y * y, y, 0.0) for y in range(19, 1, -1)]
    scene.face(path + edge, (208, 190, 156))
    for y in (30, 22, 15):
        tree(scene, scene.rng.choice((-1, 1)) * scene.rng.uniform(5, 9), y, 8)


def wall(scene: Scene) -> None:
    """Draw a brick wall seen from a square."""
    sky(scene)
    ground(scene, (150, 146, 142))
    for x in range(-9, 10, 4):
        crown(scene, x, 9, 4.2, 1.6)
    scene.board((-8, 6, 0), 16, 3.3, (150, 92, 74))
    for course in range(33):
        for brick in range(-33, 34):
            tone = blend((166, 100, 80), (120, 70, 58), scene.rng.random())
            scene.board((brick * 0.24 + 0.12 * (course % 2), 6, course * 0.1), 0.22, 0.085, tone)
    scene.board((-8, 6, 3.3), 16, 0.14, (190, 184, 174))
    specks(scene, 6, [(120, 116, 112), (180, 176, 170)], 1800)


def quay(scene: Scene) -> None:
    """Draw a river between a stone quay and a far bank with houses."""
    sky(scene)
    ground(scene, (92, 128, 146))
    for x in range(-40, 41, 5):
        crown(scene, x + scene.rng.uniform(-2, 2), 64, 3.4, scene.rng.uniform(3, 4.5))
    left = -36.0
    while left < 36:
        width, height = scene.rng.uniform(5, 9), scene.rng.choice((5.5, 7.0, 8.5))
        if scene.rng.random() < 0.6:
            house(scene, left, width, height)
        left += width + scene.rng.uniform(0.5, 3)
    scene.face(((-60, 58, 0), (60, 58, 0), (60, 58, 1.1), (-60, 58, 1.1)), (176, 170, 156))
    ripples(scene)
    scene.face(((-14, 1.6, 0), (14, 1.6, 0), (14, 5.6, 0), (-14, 5.6, 0)), (186, 178, 164))
    for depth in (2.2, 2.9, 3.7, 4.5):
        scene.bar((-14, depth, 0), (14, depth, 0), 0.02, (150, 142, 128))
    for joint in range(-14, 15):
        scene.bar((joint, 1.8, 0), (joint, 5.2, 0), 0.02, (150, 142, 128))
    scene.face(((-14, 5.2, 0), (14, 5.2, 0), (14, 5.6, 0), (-14, 5.6, 0)), (214, 208, 196))
    scene.face(((-14, 5.6, 0), (14, 5.6, 0), (14, 5.6, -0.05), (-14, 5.6, -0.05)), (96, 92, 84))


def house(scene: Scene, left: float, width: float, height: float) -> None:
    """Draw a house on the far bank of the river."""
    plaster = blend(scene.rng.choice(PLASTER), (214, 222, 228), 0.3)
    scene.board((left, 60, 1), width, height, plaster)
    eaves = ((left - 0.4, 60, 1 + height), (left + width + 0.4, 60, 1 + height))
    ridge = ((left + width - 1, 60, 3.2 + height), (left + 1, 60, 3.2 + height))
    scene.face(eaves + ridge, (150, 120, 112))
    for floor in range(int(height // 2.8)):
        for column in range(int(width // 1.8)):
            scene.board((left + 0.7 + 1.8 * column, 60, 2 + 2.8 * floor), 0.8, 1.4, (104, 124, 140))


def ripples(scene: Scene) -> None:
    """Draw the light that moving water throws back."""
    for _ in range(900):
        y = 5.6 / (1 - scene.rng.random() * 0.9)
        sx, sy = scene.at(scene.rng.uniform(-0.8, 0.8) * y, y)
        long, tall = scene.rng.uniform(60, 240) / y, scene.rng.uniform(5, 12) / y
        tone = scene.rng.choice(((206, 222, 230), (150, 180, 194), (66, 98, 116)))
        box = (sx - long, sy - tall, sx + long, sy + tall)
        scene.pen.ellipse(box, fill=(*scene.lit(tone), 80))
