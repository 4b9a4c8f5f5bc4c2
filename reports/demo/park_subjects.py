"""What a picture of a park is about; lengths are metres, as in `scene`."""

from __future__ import annotations

from reports.demo.scene import LEAVES, PAINT, Scene, blend, crown


def broken_tree(scene: Scene) -> None:
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
