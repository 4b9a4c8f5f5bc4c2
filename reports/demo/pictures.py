"""Pictures for the demo city's reports, drawn from a category and a seed."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageFilter

from reports.demo import park_subjects, street_subjects
from reports.demo.scene import HEIGHT, WIDTH, Scene, park, street, wall


def nothing(scene: Scene) -> None:
    """A place that is a picture by itself."""


SUBJECTS: dict[str, tuple[Callable[[Scene], None], Callable[[Scene], None]]] = {
    "nid-de-poule": (street, street_subjects.pothole),
    "trottoir-abime": (street, street_subjects.pavement),
    "signalisation": (street, street_subjects.sign),
    "velo": (street, street_subjects.bicycle),
    "vehicule-abandonne": (street, street_subjects.car),
    "lampadaire": (street, street_subjects.lamp),
    "feu-tricolore": (street, street_subjects.traffic_light),
    "depot-sauvage": (street, street_subjects.dump),
    "poubelle-pleine": (street, street_subjects.bin_full),
    "tag": (wall, street_subjects.graffiti),
    "arbre": (park, park_subjects.broken_tree),
    "aire-de-jeux": (park, park_subjects.playground),
    "banc": (park, park_subjects.bench),
    "fuite-eau": (street, street_subjects.leak),
    "egout": (street, street_subjects.drain),
    "bruit": (street, street_subjects.crane),
    "idee": (park, nothing),
    "merci": (park, park_subjects.flowers),
}


def finish(scene: Scene) -> Image.Image:
    """What a phone adds: a little softness, darker corners and grain."""
    image = scene.image.filter(ImageFilter.GaussianBlur(0.8))
    corners = Image.radial_gradient("L").resize(image.size, Image.Resampling.BILINEAR)
    corners = corners.point([255 - max(0, level - 90) // 3 for level in range(256)])
    image = ImageChops.multiply(image, Image.merge("RGB", (corners,) * 3))
    half = (WIDTH // 2, HEIGHT // 2)
    noise = Image.frombytes("L", half, scene.rng.randbytes(half[0] * half[1]))
    spread = 18 if scene.dusk else 13
    grain = noise.resize(image.size, Image.Resampling.BILINEAR)
    grain = grain.point([128 + (level - 128) * spread // 128 for level in range(256)])
    return ImageChops.overlay(image, Image.merge("RGB", (grain,) * 3))


def draw(category: str, seed: int) -> bytes:
    """A JPEG of 1600 by 1200 pixels; the same category and seed give the same picture."""
    rng = Random(f"{category}/{seed}")
    setting, subject = SUBJECTS.get(category, (street, nothing))
    dusk = category == "lampadaire"
    scene = Scene(Image.new("RGB", (WIDTH, HEIGHT)), rng, dusk)
    setting(scene)
    subject(scene)
    output = io.BytesIO()
    finish(scene).save(output, "JPEG", quality=76)
    return output.getvalue()
