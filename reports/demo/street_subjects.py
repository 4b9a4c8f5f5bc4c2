"""What a picture of a street is about; lengths are metres, as in `scene`."""

from __future__ import annotations

import math

from reports.demo.scene import FACADE_M, KERB_M, PAINT, Colour, Scene, blend, crown, strip


def pothole(scene: Scene) -> None:
    """Draw a pothole full of rain."""
    hole(scene, scene.rng.uniform(-0.9, 1.1), scene.rng.uniform(3.7, 4.6))


def hole(scene: Scene, x: float, y: float) -> None:
    """Draw a hole in the ground with crumbs around it."""
    size = 0.62
    scene.blot(x, y, size * 1.35, size * 1.2, (132, 130, 130), 0.07)
    scene.blot(x, y, size, size * 0.9, (44, 42, 44), 0.07)
    scene.blot(x, y - 0.06, size * 0.9, size * 0.72, (84, 76, 68), 0.06)
    scene.blot(x + 0.05, y - 0.1, size * 0.62, size * 0.42, (150, 172, 194), 0.05)
    scene.blot(x - 0.1, y - 0.04, size * 0.24, size * 0.08, (206, 220, 232), 0.1)
    for _ in range(70):
        angle, reach = scene.rng.uniform(0, math.tau), size * scene.rng.uniform(0.85, 1.9)
        grey = scene.rng.randint(60, 150)
        stone = scene.rng.uniform(0.01, 0.045)
        spot = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        scene.blot(*spot, stone, stone * 1.3, (grey, grey - 3, grey - 6), 0.2)


def pavement(scene: Scene) -> None:
    """Draw a slab that stands up."""
    x, y = KERB_M - 1.6, 4.0
    strip(scene, x - 0.2, FACADE_M, (182, 174, 164))
    for row in range(2, 26):
        scene.bar((x - 0.2, row * 0.8, 0), (FACADE_M, row * 0.8, 0), 0.025, (132, 126, 118))
    for column in range(6):
        edge = x + column * 0.8
        scene.face(
            ((edge, 1.8, 0), (edge + 0.03, 1.8, 0), (edge + 0.03, 60, 0), (edge, 60, 0)),
            (132, 126, 118),
        )
    scene.face(((x, y, 0), (x + 0.8, y, 0), (x + 0.8, y + 0.8, 0), (x, y + 0.8, 0)), (58, 50, 44))
    tilted = (
        (x + 0.05, y - 0.1, 0),
        (x + 0.8, y, 0.05),
        (x + 0.8, y + 0.75, 0.3),
        (x + 0.1, y + 0.7, 0.22),
    )
    scene.face(tilted, (204, 196, 184))
    scene.bar((x + 0.3, y, 0.03), (x + 0.55, y + 0.7, 0.24), 0.015, (90, 84, 78))


def sign(scene: Scene) -> None:
    """Draw a leaning no-entry sign."""
    scene.glow((2.6, 5, 0), 0.4, 0.06, (30, 30, 34), 130)
    scene.bar((2.6, 5, 0), (2.25, 5, 2.7), 0.07, (150, 154, 158))
    scene.disc((2.27, 5, 2.55), 0.42, (244, 244, 240))
    scene.disc((2.27, 5, 2.55), 0.39, (200, 36, 40))
    scene.board((1.98, 5, 2.47), 0.58, 0.15, (246, 246, 242))


def bicycle(scene: Scene) -> None:
    """Draw a bicycle at its stands on a cycle lane."""
    strip(scene, 1.4, KERB_M, (118, 158, 124), 200)
    for y in (10.0, 8.0, 6.2, 4.8):
        scene.bar((2.2, y, 0), (2.2, y, 0.8), 0.05, (70, 78, 86))
        scene.bar((3.1, y, 0), (3.1, y, 0.8), 0.05, (70, 78, 86))
        scene.bar((2.18, y, 0.8), (3.12, y, 0.8), 0.05, (70, 78, 86))
    y, frame = 4.3, scene.rng.choice(PAINT)
    scene.glow((1.9, y, 0), 0.9, 0.07, (24, 26, 28), 150)
    for x in (1.35, 2.45):
        scene.disc((x, y, 0.34), 0.34, (34, 34, 36), 12)
    joints = {
        "rear": (1.35, y, 0.34),
        "crank": (1.85, y, 0.32),
        "seat": (1.72, y, 0.86),
        "head": (2.3, y, 0.84),
        "front": (2.45, y, 0.34),
    }
    for one, other in (
        ("rear", "crank"),
        ("rear", "seat"),
        ("seat", "crank"),
        ("seat", "head"),
        ("crank", "head"),
        ("head", "front"),
    ):
        scene.bar(joints[one], joints[other], 0.045, frame)
    scene.bar((1.6, y, 0.92), (1.86, y, 0.92), 0.07, (40, 34, 30))
    scene.bar((2.14, y, 0.98), (2.34, y, 0.94), 0.05, (50, 50, 52))


def car(scene: Scene) -> None:
    """Draw a car that dead leaves have settled on."""
    x, y, paint = 0.5, 7.0, scene.rng.choice(((196, 200, 204), (130, 40, 44), (70, 96, 128)))
    scene.glow((x + 1.2, y, 0), 1.7, 0.16, (16, 16, 20), 190)
    scene.board((x, y, 0.35), 2.4, 0.75, paint)
    cabin = ((x + 0.2, y, 1.1), (x + 2.2, y, 1.1), (x + 1.95, y, 1.75), (x + 0.45, y, 1.75))
    scene.face(cabin, blend(paint, (20, 22, 28), 0.25))
    pane = ((x + 0.36, y, 1.14), (x + 2.04, y, 1.14), (x + 1.84, y, 1.66), (x + 0.56, y, 1.66))
    scene.face(pane, (96, 116, 130))
    for left in (x + 0.08, x + 1.92):
        scene.board((left, y, 0.78), 0.4, 0.2, (196, 52, 40))
        scene.board((left, y, 0.05), 0.36, 0.34, (28, 28, 30))
    scene.board((x, y, 0.36), 2.4, 0.14, (50, 52, 56))
    scene.board((x + 0.85, y, 0.6), 0.7, 0.15, (240, 238, 226))
    for _ in range(90):
        leaf = scene.rng.choice(((176, 120, 46), (150, 88, 40), (196, 160, 60)))
        spot = (
            x + scene.rng.uniform(0.2, 2.2),
            y,
            scene.rng.choice((1.15, 1.75)) + scene.rng.gauss(0, 0.05),
        )
        scene.disc(spot, 0.035, leaf)


def lamp(scene: Scene) -> None:
    """Draw a street light that is out, the others lit."""
    x, y = 3.4, 8.6
    scene.bar((x, y, 0), (x, y, 4.6), 0.13, (60, 66, 74))
    scene.bar((x, y, 4.55), (x - 1.1, y, 4.75), 0.09, (60, 66, 74))
    scene.board((x - 1.5, y, 4.66), 0.55, 0.14, (50, 54, 60))
    for depth in (30, 21, 14):
        scene.bar((-3.9, depth, 0), (-3.9, depth, 4.6), 0.12, (60, 66, 74))
        scene.glow((-3.6, depth, 4.6), 1.8, 1.6, (255, 214, 140), 130)
        scene.glow((-3.6, depth, 4.6), 0.35, 0.3, (255, 244, 214), 255)
        scene.glow((-3.2, depth, 0), 2.6, 0.35, (255, 206, 140), 90)


def traffic_light(scene: Scene) -> None:
    """Draw a traffic light stuck on red."""
    for stripe in range(7):
        x = -3.2 + stripe
        scene.face(
            ((x, 6, 0), (x + 0.5, 6, 0), (x + 0.5, 8.6, 0), (x, 8.6, 0)), (232, 232, 226), 220
        )
    scene.glow((2.7, 5, 0), 0.4, 0.06, (30, 30, 34), 130)
    scene.bar((2.7, 5, 0), (2.7, 5, 3.1), 0.12, (70, 74, 78))
    scene.board((2.42, 5, 2.1), 0.56, 1.3, (34, 36, 40))
    scene.glow((2.7, 5, 3.15), 0.4, 0.4, (255, 70, 60), 150)
    for z, colour in ((3.15, (246, 58, 50)), (2.75, (74, 62, 36)), (2.35, (34, 66, 48))):
        scene.disc((2.7, 5, z), 0.16, colour)


def bag(scene: Scene, x: float, y: float, size: float, lift: float = 0.0) -> None:
    """Draw a bag of rubbish, tied at its neck."""
    tone: Colour = scene.rng.choice(((40, 42, 48), (34, 60, 86), (58, 58, 62)))
    half = ((0.55, 0.0), (0.85, 0.12), (0.95, 0.45), (0.75, 0.85), (0.35, 1.15), (0.12, 1.3))
    outline = [*half, (0.3, 1.6), (-0.26, 1.55), *((-across, up) for across, up in half[::-1])]
    scene.face([(x + size * across, y, lift + size * up) for across, up in outline], tone)
    for across, top in ((-0.55, 0.8), (-0.2, 1.0), (0.3, 0.95)):
        fold = blend(tone, (230, 234, 240), scene.rng.uniform(0.12, 0.3))
        low = (x + size * across * 1.2, y, lift + size * 0.25)
        scene.bar(low, (x + size * across * 0.5, y, lift + size * top), 0.05 * size, fold)


def dump(scene: Scene) -> None:
    """Draw furniture and bags left in the road."""
    x, y = scene.rng.uniform(-0.6, 0.6), 5.6
    sofa = scene.rng.choice(((126, 72, 60), (92, 104, 84), (120, 110, 134)))
    scene.glow((x + 0.8, y, 0), 2.3, 0.22, (20, 20, 24), 180)
    mattress = (
        (x - 0.9, y + 0.3, 0),
        (x + 0.3, y + 0.3, 0),
        (x + 0.6, y + 0.3, 1.8),
        (x - 0.6, y + 0.3, 1.85),
    )
    scene.face(mattress, (226, 220, 206))
    for stripe in range(5):
        left = x - 0.78 + 0.24 * stripe
        scene.bar((left, y + 0.3, 0.05), (left + 0.28, y + 0.3, 1.8), 0.02, (150, 160, 184))
    scene.board((x, y, 0.45), 2.1, 0.75, blend(sofa, (20, 16, 16), 0.2))
    for left, width, height in (
        (0.2, 0.85, 0.3),
        (1.05, 0.85, 0.3),
        (-0.05, 0.3, 0.75),
        (1.9, 0.3, 0.75),
    ):
        scene.board((x + left, y - 0.3, 0.12 if width < 0.5 else 0.35), width - 0.02, height, sofa)
    scene.board((x + 0.2, y - 0.32, 0.12), 1.7, 0.25, blend(sofa, (20, 16, 16), 0.3))
    for dx, size in ((-0.9, 0.36), (-0.35, 0.3), (2.5, 0.34), (0.6, 0.24)):
        bag(scene, x + dx, y - 0.6, size)
    scene.board((x + 1.5, y - 0.7, 0), 0.55, 0.42, (190, 150, 104))
    scene.board((x + 1.74, y - 0.7, 0), 0.07, 0.42, (214, 186, 146))


def bin_full(scene: Scene) -> None:
    """Draw a bin that overflows."""
    x, y = 1.3, 4.4
    scene.glow((x, y, 0), 1.0, 0.12, (20, 20, 24), 180)
    for dx, lift, size in ((-0.2, 0.82, 0.24), (0.24, 0.85, 0.22), (0.02, 0.95, 0.2)):
        bag(scene, x + dx, y, size, lift)
    for dx, lean in ((-0.34, -0.1), (0.12, 0.06), (0.4, 0.12)):
        carton = blend(scene.rng.choice(PAINT), (240, 240, 236), 0.3)
        scene.bar((x + dx, y, 0.95), (x + dx + lean, y, 1.2), 0.11, carton)
    barrel = ((x - 0.36, y, 0), (x + 0.36, y, 0), (x + 0.42, y, 0.95), (x - 0.42, y, 0.95))
    scene.face(barrel, (58, 92, 74))
    for slat in range(8):
        left = x - 0.35 + slat * 0.095
        scene.bar((left, y, 0.04), (left + (slat - 3.5) * 0.012, y, 0.9), 0.04, (88, 124, 102))
    scene.board((x - 0.44, y, 0.88), 0.88, 0.1, (40, 66, 54))
    bag(scene, x - 0.85, y - 0.1, 0.3)
    for _ in range(26):
        litter = blend(scene.rng.choice(PAINT), (244, 244, 240), scene.rng.random())
        scene.blot(
            x + scene.rng.gauss(0, 0.9), y - abs(scene.rng.gauss(0, 0.5)), 0.05, 0.06, litter, 0.3
        )


def leak(scene: Scene) -> None:
    """Draw water that comes up through the road."""
    x, y = 0.3, 5.4
    for reach, tone in ((1.0, (84, 86, 92)), (0.93, (130, 150, 172)), (0.7, (160, 182, 204))):
        scene.blot(x, y, 2.1 * reach, 1.5 * reach, tone, 0.07)
    for ring in range(6, 0, -1):
        tone = (214, 228, 240) if ring % 2 else (140, 164, 188)
        scene.blot(x, y, 0.16 * ring, 0.15 * ring, tone, 0.02)
    for _ in range(160):
        height = scene.rng.random() * 0.5
        spread = 0.05 + 0.3 * (0.5 - height)
        spot = (x + scene.rng.gauss(0, spread), y, height)
        scene.disc(spot, scene.rng.uniform(0.012, 0.04), (224, 236, 246))


def drain(scene: Scene) -> None:
    """Draw a blocked drain in its puddle."""
    x, y = KERB_M - 2.2, 4.5
    for reach, tone in ((1.0, (82, 84, 88)), (0.9, (120, 128, 132)), (0.62, (142, 154, 164))):
        scene.blot(x + 0.3, y + 0.3, 1.7 * reach, 1.0 * reach, tone, 0.06)
    scene.face(((x, y, 0), (x + 0.9, y, 0), (x + 0.9, y + 0.7, 0), (x, y + 0.7, 0)), (70, 72, 78))
    for slot in range(6):
        near, far = (
            (x + 0.08 + slot * 0.135, y + 0.06, 0.0),
            (x + 0.08 + slot * 0.135, y + 0.64, 0.0),
        )
        scene.bar(near, far, 0.06, (18, 20, 22))
    for _ in range(110):
        leaf = scene.rng.choice(((150, 98, 44), (120, 74, 36), (178, 134, 58), (206, 210, 208)))
        across, along = scene.rng.gauss(0, 0.7), scene.rng.gauss(0, 0.4)
        scene.blot(x + 0.45 + across, y + 0.35 + along, 0.04, 0.05, leaf, 0.35)


def crane(scene: Scene) -> None:
    """Draw a building site behind its fence."""
    yellow, y = (232, 176, 40), 45.0
    scene.bar((3.0, y, 0), (3.0, y, 17), 0.7, yellow)
    scene.bar((-9, y, 15.6), (6.5, y, 15.6), 0.5, yellow)
    scene.bar((3.0, y, 18), (-7, y, 15.8), 0.14, (90, 80, 60))
    scene.bar((-6, y, 15.4), (-6, y, 9), 0.12, (60, 60, 60))
    scene.board((5.4, y, 14.2), 1.4, 1.4, (150, 150, 150))
    for panel in range(7):
        x = -3.3 + panel * 0.95
        scene.board((x, 9, 0.15), 0.9, 0.9, (238, 238, 234) if panel % 2 else (206, 54, 44))
        scene.bar((x, 9, 0), (x, 9, 1.15), 0.05, (90, 94, 98))


def zebra(scene: Scene) -> None:
    """Draw a crossing whose stripes have worn away."""
    for stripe in range(7):
        for _ in range(9):
            x, y = -3.2 + stripe + scene.rng.uniform(0, 0.5), scene.rng.uniform(4.6, 7.4)
            tone = (226, 226, 220)
            end = y + scene.rng.uniform(0.2, 0.8)
            scene.face(
                ((x - 0.1, y, 0), (x + 0.12, y, 0), (x + 0.1, end, 0), (x - 0.08, end, 0)), tone, 90
            )


def hedge(scene: Scene) -> None:
    """Draw a hedge that has grown over the pavement."""
    for y in range(13, 4, -1):
        scene.glow((4.2, y, 0), 1.2, 0.12, (30, 36, 30), 90)
        crown(scene, 4.9, y, 1.0, 1.2)
        crown(scene, 4.1, y, 0.6, 0.7)


def cabinet(scene: Scene) -> None:
    """Draw a utility cabinet that somebody has scrawled on."""
    x, y = 3.6, 7.6
    scene.glow((x + 0.7, y, 0), 1.1, 0.1, (20, 22, 26), 170)
    scene.face(
        ((x, y, 0), (x - 0.25, y + 0.6, 0), (x - 0.25, y + 0.6, 1.35), (x, y, 1.35)),
        (134, 140, 132),
    )
    scene.board((x, y, 0), 1.4, 1.35, (178, 184, 172))
    scene.board((x - 0.05, y, 1.35), 1.5, 0.08, (150, 156, 146))
    scene.bar((x + 0.7, y, 0.08), (x + 0.7, y, 1.3), 0.02, (110, 116, 108))
    for row in range(2):
        last = (x + 0.1, y, 0.95 - 0.4 * row)
        for step in range(1, 12):
            swing = scene.rng.uniform(-0.16, 0.16)
            point = (x + 0.1 + 0.11 * step, y, 0.95 - 0.4 * row + swing)
            scene.bar(last, point, 0.05, (40, 36, 44))
            last = point


def appliances(scene: Scene) -> None:
    """Draw a washing machine, a fridge and a television left in the road."""
    x, y = scene.rng.uniform(-0.2, 0.7), 5.4
    scene.glow((x + 1.2, y, 0), 2.0, 0.18, (20, 20, 24), 180)
    scene.board((x + 1.1, y, 0.03), 0.75, 1.7, (226, 230, 232))
    scene.bar((x + 1.1, y, 1.15), (x + 1.85, y, 1.15), 0.02, (150, 156, 160))
    for z in (0.75, 1.3):
        scene.bar((x + 1.2, y, z), (x + 1.2, y, z + 0.25), 0.04, (150, 156, 160))
    scene.board((x, y - 0.1, 0.03), 0.8, 0.9, (238, 238, 236))
    scene.board((x, y - 0.1, 0.77), 0.8, 0.03, (188, 192, 196))
    scene.disc((x + 0.4, y - 0.1, 0.4), 0.26, (170, 176, 182))
    scene.disc((x + 0.4, y - 0.1, 0.4), 0.2, (52, 62, 76))
    scene.disc((x + 0.65, y - 0.1, 0.84), 0.04, (120, 126, 132))
    scene.board((x + 1.95, y - 0.4, 0.05), 1.0, 0.62, (38, 40, 44))
    scene.board((x + 2.0, y - 0.4, 0.12), 0.9, 0.5, (74, 86, 100))
    scene.bar((x + 2.1, y - 0.4, 0.2), (x + 2.5, y - 0.4, 0.6), 0.015, (160, 172, 186))


def hydrant(scene: Scene) -> None:
    """Draw a fire hydrant that drips."""
    x, y, red = 3.75, 6.6, (196, 40, 40)
    scene.blot(x - 0.4, y - 0.1, 1.0, 0.5, (92, 96, 102), 0.07)
    scene.blot(x - 0.4, y - 0.1, 0.8, 0.36, (150, 170, 190), 0.07)
    scene.bar((x, y, 0), (x, y, 0.95), 0.3, red)
    scene.bar((x, y, 0.3), (x, y, 0.7), 0.36, blend(red, (255, 255, 255), 0.08))
    scene.disc((x, y, 0.97), 0.18, red)
    scene.bar((x - 0.3, y, 0.62), (x + 0.3, y, 0.62), 0.17, blend(red, (40, 10, 10), 0.25))
    for side in (-0.32, 0.32):
        scene.disc((x + side, y, 0.62), 0.1, (204, 206, 208))
    for drop in range(5):
        scene.disc((x - 0.34, y, 0.48 - 0.1 * drop), 0.022, (206, 226, 242))


def pallets(scene: Scene) -> None:
    """Draw pallets piled up on a cycle lane."""
    strip(scene, 1.2, KERB_M, (118, 158, 124), 200)
    x, y = 1.2, 5.4
    scene.glow((x + 0.9, y, 0), 1.5, 0.14, (20, 22, 20), 180)
    for layer in range(6):
        z, shift = 0.16 * layer, scene.rng.uniform(-0.08, 0.08)
        wood = blend((190, 150, 100), (140, 110, 76), scene.rng.random())
        scene.board((x + shift, y, z + 0.11), 1.8, 0.045, wood)
        for block in range(3):
            scene.board((x + shift + 0.8 * block, y, z), 0.2, 0.11, blend(wood, (60, 40, 24), 0.35))
    scene.face(
        ((x, y, 0.95), (x + 1.8, y, 0.95), (x + 1.7, y + 0.9, 0.95), (x + 0.1, y + 0.9, 0.95)),
        (206, 168, 118),
    )


def manhole(scene: Scene) -> None:
    """Draw a cover that has tipped, with a bucket set beside it as a warning."""
    x, y = 0.2, 4.5
    scene.blot(x, y, 0.62, 0.5, (78, 78, 82), 0.01)
    scene.blot(x, y, 0.5, 0.4, (22, 22, 26), 0.01)
    scene.blot(x + 0.16, y - 0.12, 0.48, 0.34, (120, 116, 112), 0.01)
    scene.blot(x + 0.16, y - 0.12, 0.38, 0.27, (98, 94, 92), 0.01)
    for rib in (-0.2, 0.0, 0.2):
        scene.bar(
            (x - 0.14, y - 0.12 + rib, 0), (x + 0.46, y - 0.12 + rib, 0), 0.03, (136, 132, 128)
        )
    scene.glow((x + 1.1, y, 0), 0.6, 0.06, (20, 20, 24), 170)
    bucket = ((x + 0.8, y, 0), (x + 1.4, y, 0), (x + 1.3, y, 0.55), (x + 0.9, y, 0.55))
    scene.face(bucket, (226, 96, 40))
    scene.bar((x + 0.78, y, 0.04), (x + 1.42, y, 0.04), 0.06, (190, 74, 28))
    scene.board((x + 0.86, y, 0.24), 0.48, 0.1, (240, 238, 230))


def leaning_lamp(scene: Scene) -> None:
    """Draw a street light that a lorry has bent, with its wires showing."""
    x, y = 2.5, 5.6
    scene.glow((x, y, 0), 0.5, 0.06, (30, 30, 34), 140)
    scene.bar((x, y, 0), (x, y, 0.7), 0.14, (70, 78, 86))
    scene.bar((x, y, 0.68), (x - 1.7, y, 3.4), 0.12, (70, 78, 86))
    scene.bar((x - 1.7, y, 3.4), (x - 2.3, y, 3.2), 0.08, (70, 78, 86))
    scene.board((x - 2.6, y, 3.05), 0.5, 0.14, (50, 54, 60))
    scene.board((x - 0.05, y, 0.3), 0.12, 0.3, (24, 24, 26))
    for offset, tone in ((0.12, (200, 60, 50)), (0.2, (60, 90, 180)), (0.28, (220, 190, 60))):
        scene.bar((x, y, 0.5), (x + offset, y, 0.42), 0.02, tone)
        scene.bar((x + offset, y, 0.42), (x + offset + 0.04, y, 0.2), 0.02, tone)
