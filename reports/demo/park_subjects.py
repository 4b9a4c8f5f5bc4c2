"""What a picture of a park, a quay or a wall is about; lengths are metres, as in `scene`."""

from __future__ import annotations

import math
from itertools import pairwise

from reports.demo.scene import LEAVES, PAINT, Scene, blend, crown
from reports.demo.street_subjects import hole


def broken_tree(scene: Scene) -> None:
    """Draw a tree with a branch that has torn off."""
    x, y, bark = 0.6, 8.0, (96, 78, 60)
    scene.glow((x + 0.6, y, 0), 2.4, 0.24, (24, 36, 22), 170)
    trunk = ((x - 0.34, y, 0), (x + 0.38, y, 0), (x + 0.2, y, 3.4), (x - 0.16, y, 3.4))
    scene.face(trunk, bark)
    for groove in range(12):
        left = x - 0.22 + groove * 0.04
        scene.bar(
            (left * 1.02, y, 0.05),
            (left, y, 3.2),
            0.015,
            blend(bark, (30, 24, 20), scene.rng.random() * 0.6),
        )
    crown(scene, x - 0.5, y, 4.7, 2.1)
    scene.bar((x + 0.15, y, 2.5), (x + 0.9, y, 2.75), 0.22, bark)
    scene.disc((x + 0.92, y, 2.75), 0.13, (226, 196, 146))
    scene.bar((x + 0.95, y, 2.65), (x + 2.6, y, 0.1), 0.16, blend(bark, (130, 110, 84), 0.4))
    crown(scene, x + 2.7, y, 0.6, 0.9)


def playground(scene: Scene) -> None:
    """Draw swings and a slide."""
    y = 8.0
    scene.blot(0, y, 4.4, 1.5, (206, 150, 110), 0.03)
    scene.glow((0.4, y, 0), 3, 0.2, (60, 40, 30), 120)
    for x in (-3.2, -0.6):
        scene.bar((x - 0.4, y + 0.3, 0), (x, y + 0.3, 2.4), 0.1, (200, 60, 52))
        scene.bar((x + 0.4, y + 0.3, 0), (x, y + 0.3, 2.4), 0.1, (200, 60, 52))
    scene.bar((-3.2, y + 0.3, 2.4), (-0.6, y + 0.3, 2.4), 0.1, (70, 110, 160))
    for x, lift in ((-2.5, 0.5), (-1.4, 0.62)):
        for dx in (-0.2, 0.2):
            scene.bar((x + dx, y + 0.2, 2.36), (x + dx, y + 0.2, lift), 0.025, (80, 84, 90))
        scene.board((x - 0.25, y + 0.2, lift - 0.06), 0.5, 0.07, (40, 42, 46))
    for x in (1.0, 2.0):
        scene.bar((x, y, 0), (x, y, 2.5), 0.11, (150, 110, 70))
    roof = ((0.8, y, 2.5), (2.2, y, 2.5), (1.5, y, 3.3))
    scene.board((0.95, y, 1.2), 1.1, 0.75, (236, 184, 62))
    scene.face(roof, (58, 132, 178))
    slide = (
        (2.0, y - 0.1, 1.3),
        (2.2, y - 0.1, 1.5),
        (4.0, y - 0.8, 0.3),
        (4.5, y - 0.8, 0.25),
        (4.5, y - 0.8, 0.12),
        (3.9, y - 0.8, 0.1),
    )
    scene.face(slide, (226, 70, 62))
    for rung in range(4):
        scene.bar(
            (0.75, y - 0.1, 0.25 + 0.28 * rung),
            (1.05, y - 0.1, 0.25 + 0.28 * rung),
            0.05,
            (120, 84, 50),
        )


def bench(scene: Scene) -> None:
    """Draw a bench with a broken slat."""
    x, y, wood = -0.2, 5.2, (150, 100, 58)
    scene.glow((x + 1, y, 0), 1.5, 0.14, (24, 36, 22), 170)
    for leg in (x + 0.2, x + 1.7):
        scene.bar((leg, y, 0), (leg, y, 0.45), 0.08, (46, 54, 52))
        scene.bar((leg, y, 0.45), (leg - 0.03, y, 0.95), 0.06, (46, 54, 52))
    missing = scene.rng.randrange(3)
    for slat in range(3):
        tone = blend(wood, (206, 160, 110), scene.rng.random() * 0.4)
        if slat != missing:
            scene.board((x, y, 0.55 + 0.14 * slat), 1.9, 0.11, tone)
        scene.board(
            (x, y - 0.15 * slat, 0.42 - 0.01 * slat),
            1.9,
            0.05,
            blend(tone, (40, 26, 16), 0.15 * slat),
        )
    scene.bar((x + 0.9, y, 0.5 + 0.14 * missing), (x + 1.9, y, 0.62 + 0.14 * missing), 0.1, wood)


def flowers(scene: Scene) -> None:
    """Draw a flower bed."""
    scene.blot(0.9, 6, 2.8, 1.3, (88, 66, 48), 0.04)
    spots = [(scene.rng.uniform(-1, 1), scene.rng.uniform(-1, 1)) for _ in range(620)]
    for across, along in sorted(spots, key=lambda spot: -spot[1]):
        if across**2 + along**2 > 1:
            continue
        x, y, z = 0.9 + 2.6 * across, 6 + 1.2 * along, scene.rng.uniform(0.15, 0.4)
        scene.bar((x, y, 0), (x, y, z), 0.025, scene.rng.choice(LEAVES))
        petal = blend(scene.rng.choice(PAINT), (255, 240, 244), scene.rng.random() * 0.4)
        scene.disc((x, y, z), 0.075, petal)
        scene.disc((x, y, z), 0.025, (250, 220, 110))


def beech(scene: Scene) -> None:
    """Draw an old tree with mushrooms around its foot."""
    x, y, bark = 1.0, 8.0, (128, 122, 112)
    scene.glow((x + 0.8, y, 0), 3.2, 0.3, (24, 36, 22), 170)
    trunk = ((x - 0.75, y, 0), (x + 0.75, y, 0), (x + 0.4, y, 0.7), (x + 0.36, y, 3.4))
    scene.face((*trunk, (x - 0.36, y, 3.4), (x - 0.4, y, 0.7)), bark)
    for groove in range(14):
        left = x - 0.32 + groove * 0.05
        tone = blend(bark, (60, 54, 48), scene.rng.random() * 0.5)
        scene.bar((left, y, 0.3), (left, y, 3.3), 0.02, tone)
    crown(scene, x, y, 4.9, 2.6)
    for _ in range(26):
        across = scene.rng.uniform(-1.2, 1.2)
        near = y - 0.15 - scene.rng.random() * 0.9
        size = scene.rng.uniform(0.07, 0.15)
        scene.bar((x + across, near, 0), (x + across, near, size), 0.05, (236, 226, 206))
        cap = blend((196, 130, 70), (226, 190, 140), scene.rng.random())
        scene.disc((x + across, near, size), size * 0.7, cap)


def fallen_tree(scene: Scene) -> None:
    """Draw a tree that lies across the path."""
    y, bark = 7.0, (104, 84, 64)
    scene.glow((-0.8, y, 0), 3.6, 0.2, (24, 36, 22), 180)
    crown(scene, -3.6, y, 0.9, 1.3)
    scene.bar((-3.4, y, 0.5), (2.4, y, 0.42), 0.5, bark)
    for groove in range(9):
        z = 0.26 + groove * 0.05
        tone = blend(bark, (40, 32, 26), scene.rng.random() * 0.6)
        scene.bar((-3.2, y, z + 0.04), (2.35, y, z), 0.02, tone)
    scene.disc((2.4, y, 0.42), 0.27, (222, 190, 142))
    for ring in (0.2, 0.12):
        scene.disc((2.4, y, 0.42), ring, (190, 152, 104), 3)
    for root in (-0.5, -0.1, 0.4):
        scene.bar((-1.2 + root, y, 0.7), (-1.9 + root * 3, y, 1.7), 0.13, bark)
    crown(scene, -2.2, y, 1.7, 0.9)
    crown(scene, -4.4, y - 0.6, 0.5, 0.9)


def rubble(scene: Scene) -> None:
    """Draw bags of rubble left in the grass."""
    x, y = 0.2, 5.6
    scene.glow((x + 0.8, y, 0), 2.0, 0.16, (24, 36, 22), 170)
    for dx, size in ((0.0, 0.5), (1.3, 0.55), (0.65, 0.48)):
        sack = blend((226, 224, 214), (190, 196, 200), scene.rng.random())
        left, right = x + dx - size, x + dx + size
        bulge = ((left, y, 0), (right, y, 0), (right - 0.08, y, 0.6), (x + dx + 0.15, y, 0.85))
        scene.face((*bulge, (x + dx - 0.2, y, 0.82), (left + 0.08, y, 0.55)), sack)
        scene.bar((x + dx, y, 0.1), (x + dx + 0.05, y, 0.7), 0.02, blend(sack, (90, 90, 90), 0.4))
        scene.bar((left + 0.15, y, 0.3), (right - 0.2, y, 0.36), 0.02, (120, 130, 150))
    for _ in range(90):
        grey = scene.rng.randint(120, 200)
        stone = scene.rng.choice(((grey, grey - 4, grey - 10), (176, 92, 70)))
        size = scene.rng.uniform(0.03, 0.12)
        spot = (x + 0.6 + scene.rng.gauss(0, 0.8), y - 0.25 - scene.rng.random() * 0.7, size / 2)
        scene.board(spot, size * 1.6, size, stone)


def path_hole(scene: Scene) -> None:
    """Draw a hole in the path."""
    hole(scene, scene.rng.uniform(-2.0, -1.5), scene.rng.uniform(4.6, 5.4))


def barge(scene: Scene) -> None:
    """Draw a houseboat at its mooring."""
    x, y = scene.rng.uniform(-4.5, -2.0), 13.0
    hull = scene.rng.choice(((52, 84, 66), (44, 62, 92), (120, 50, 46)))
    scene.glow((x + 3.5, y, -1.0), 5.0, 0.35, (40, 62, 74), 150)
    body = ((x - 0.6, y, 0.45), (x + 8.2, y, 0.55), (x + 7.6, y, -0.9), (x, y, -0.9))
    scene.face(body, hull)
    scene.bar((x - 0.6, y, 0.45), (x + 8.2, y, 0.55), 0.12, (236, 230, 214))
    scene.board((x + 1.4, y, 0.5), 4.6, 1.2, (222, 200, 164))
    scene.board((x + 1.2, y, 1.7), 5.0, 0.16, (150, 76, 60))
    for window in range(4):
        scene.board((x + 1.8 + 1.05 * window, y, 0.85), 0.6, 0.55, (240, 236, 226))
        scene.board((x + 1.86 + 1.05 * window, y, 0.9), 0.48, 0.45, (92, 120, 140))
    for pot in range(5):
        scene.disc((x + 1.6 + 0.95 * pot, y, 1.98), 0.2, scene.rng.choice(LEAVES))
        scene.disc((x + 1.7 + 0.95 * pot, y, 2.05), 0.09, scene.rng.choice(PAINT))
    scene.bar((1.2, 5.0, 0), (1.2, 5.0, 0.4), 0.2, (52, 54, 58))
    scene.bar((1.0, 5.0, 0.4), (1.4, 5.0, 0.4), 0.12, (66, 68, 72))
    scene.bar((1.15, 5.1, 0.3), (x + 7.9, y, 0.4), 0.06, (206, 190, 150))


def deckchairs(scene: Scene) -> None:
    """Draw two deckchairs and a parasol by the river."""
    y, wood = 4.4, (176, 130, 84)
    cloth, shade = scene.rng.sample(PAINT, 2)
    scene.glow((0.2, y, 0), 2.2, 0.16, (60, 54, 44), 150)
    scene.bar((0.25, y, 0), (0.25, y, 2.5), 0.06, (226, 222, 212))
    rim = [(-1.35 + 0.4 * step, 2.1) for step in range(9)]
    for step, ((x0, z0), (x1, z1)) in enumerate(pairwise(rim)):
        tone = shade if step % 2 else (246, 242, 232)
        scene.face(((x0, y, z0), (x1, y, z1), (0.25, y, 2.75)), tone)
    for x in (-1.5, 0.7):
        scene.bar((x, y, 0), (x + 1.0, y, 0.95), 0.06, wood)
        scene.bar((x + 1.0, y, 0), (x + 0.2, y, 0.62), 0.06, wood)
        seat = ((x + 0.1, y, 0.3), (x + 0.95, y, 0.95), (x + 0.75, y, 0.42), (x + 0.45, y, 0.22))
        scene.face(seat, cloth)
        scene.bar((x + 0.2, y, 0.33), (x + 0.86, y, 0.78), 0.04, blend(cloth, (255, 255, 255), 0.6))


def fallen_bin(scene: Scene) -> None:
    """Draw a bin that lies on its side by the river."""
    x, y = -0.4, 4.2
    scene.glow((x + 0.3, y, 0), 1.2, 0.1, (40, 38, 34), 170)
    barrel = ((x - 0.6, y, 0.04), (x + 0.5, y, 0), (x + 0.5, y, 0.82), (x - 0.6, y, 0.72))
    scene.face(barrel, (58, 92, 74))
    for slat in range(6):
        z = 0.1 + slat * 0.12
        scene.bar((x - 0.56, y, z), (x + 0.46, y, z + 0.01 * slat), 0.04, (88, 124, 102))
    scene.board((x + 0.42, y, 0), 0.1, 0.84, (40, 66, 54))
    for _ in range(60):
        litter = blend(scene.rng.choice(PAINT), (244, 244, 240), scene.rng.random())
        away = abs(scene.rng.gauss(0, 0.9))
        spot = (x + 0.55 + away, y + 0.1 - scene.rng.gauss(0, 0.35))
        scene.blot(*spot, 0.05, 0.06, litter, 0.3)


def graffiti(scene: Scene) -> None:
    """Draw scribbles on a wall."""
    for _ in range(4):
        paint, x, z = (
            scene.rng.choice(PAINT),
            scene.rng.uniform(-3.2, 0.8),
            scene.rng.uniform(1.1, 1.9),
        )
        swing, tall = scene.rng.uniform(5, 9), scene.rng.uniform(0.5, 0.9)
        for width, colour in (
            (0.24, (30, 26, 34)),
            (0.16, paint),
            (0.04, blend(paint, (255, 255, 255), 0.6)),
        ):
            for step in range(110):
                t = step / 109
                spot = (
                    x + 2 * t + 0.3 * math.sin(swing * 2 * t),
                    5.9,
                    z + tall * math.sin(swing * 1.7 * t),
                )
                scene.disc(spot, width / 2, colour)
        for _ in range(5):
            drip = x + scene.rng.uniform(0, 2)
            scene.bar((drip, 5.9, z), (drip, 5.9, z - scene.rng.uniform(0.2, 0.8)), 0.03, paint)


def posters(scene: Scene) -> None:
    """Draw posters pasted over each other on a wall."""
    for sheet in range(9):
        x, z = -3.4 + 0.75 * sheet + scene.rng.uniform(-0.1, 0.1), scene.rng.uniform(0.5, 1.4)
        paper = scene.rng.choice(PAINT)
        tilt = scene.rng.uniform(-0.08, 0.08)
        corners = (
            (x, z),
            (x + 0.8, z + tilt),
            (x + 0.8 - tilt, z + 1.1 + tilt),
            (x - tilt, z + 1.1),
        )
        scene.face([(cx, 5.95, cz) for cx, cz in corners], blend(paper, (246, 240, 226), 0.15))
        scene.disc((x + 0.4, 5.94, z + 0.7), 0.24, blend(paper, (250, 246, 230), 0.75))
        for row in range(3):
            length = scene.rng.uniform(0.3, 0.6)
            scene.board((x + 0.1, 5.94, z + 0.12 + 0.09 * row), length, 0.045, (40, 36, 50))


def cans(scene: Scene) -> None:
    """Draw cans of old oil leaking at the foot of a wall."""
    scene.blot(0.1, 5.0, 1.5, 0.55, (58, 50, 44), 0.08)
    scene.blot(0.3, 4.95, 1.1, 0.36, (38, 34, 36), 0.08)
    scene.blot(0.0, 4.97, 0.4, 0.1, (92, 78, 108), 0.1)
    for dx in (-1.1, -0.45, 0.3, 0.95):
        tone = scene.rng.choice(((48, 62, 84), (150, 44, 40), (196, 160, 60), (70, 74, 78)))
        scene.glow((dx + 0.25, 5.5, 0), 0.4, 0.05, (20, 18, 18), 150)
        scene.board((dx, 5.5, 0), 0.5, 0.62, tone)
        scene.board((dx, 5.5, 0), 0.1, 0.62, blend(tone, (255, 255, 255), 0.18))
        scene.board((dx + 0.1, 5.5, 0.2), 0.32, 0.24, (224, 220, 206))
        scene.bar((dx + 0.1, 5.5, 0.72), (dx + 0.4, 5.5, 0.72), 0.05, tone)
        scene.disc((dx + 0.42, 5.5, 0.65), 0.06, (30, 30, 32))
