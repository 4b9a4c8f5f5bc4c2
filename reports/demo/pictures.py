"""Pictures for the demo city's reports, drawn from a subject and a seed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from PIL import ExifTags, Image, ImageChops, ImageFilter

from geo.coordinates import Position
from reports.demo import park_subjects, street_subjects
from reports.demo.scene import HEIGHT, WIDTH, Scene, park, quay, street, wall

SIZE_PX = (1280, 960)


def nothing(scene: Scene) -> None:
    """Leave the place as it is: one that is a picture by itself."""


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
    "tag": (wall, park_subjects.graffiti),
    "arbre": (park, park_subjects.broken_tree),
    "aire-de-jeux": (park, park_subjects.playground),
    "banc": (park, park_subjects.bench),
    "fuite-eau": (street, street_subjects.leak),
    "egout": (street, street_subjects.drain),
    "bruit": (street, street_subjects.crane),
    "idee": (quay, park_subjects.deckchairs),
    "merci": (park, park_subjects.flowers),
    "affiches": (wall, park_subjects.posters),
    "allee-trouee": (park, park_subjects.path_hole),
    "appareils": (street, street_subjects.appliances),
    "arbre-sain": (park, park_subjects.beech),
    "arbre-tombe": (park, park_subjects.fallen_tree),
    "armoire": (street, street_subjects.cabinet),
    "bidons": (wall, park_subjects.cans),
    "borne": (street, street_subjects.hydrant),
    "corbeille-renversee": (quay, park_subjects.fallen_bin),
    "gravats": (park, park_subjects.rubble),
    "haie": (street, street_subjects.hedge),
    "lampadaire-penche": (street, street_subjects.leaning_lamp),
    "palettes": (street, street_subjects.pallets),
    "parc": (park, nothing),
    "passage-pieton": (street, street_subjects.zebra),
    "plaque": (street, street_subjects.manhole),
    "quai": (quay, park_subjects.barge),
    "rue": (street, nothing),
}


def finish(scene: Scene) -> Image.Image:
    """Return the picture at its final size with what a phone adds: darker corners and grain."""
    image = scene.image.resize(SIZE_PX, Image.Resampling.LANCZOS)
    image = image.filter(ImageFilter.GaussianBlur(0.5))
    corners = Image.radial_gradient("L").resize(SIZE_PX, Image.Resampling.BILINEAR)
    corners = corners.point([255 - max(0, level - 90) // 3 for level in range(256)])
    image = ImageChops.multiply(image, Image.merge("RGB", (corners,) * 3))
    half = (SIZE_PX[0] // 2, SIZE_PX[1] // 2)
    noise = Image.frombytes("L", half, scene.rng.randbytes(half[0] * half[1]))
    spread = 16 if scene.dusk else 11
    grain = noise.resize(SIZE_PX, Image.Resampling.BILINEAR)
    grain = grain.point([128 + (level - 128) * spread // 128 for level in range(256)])
    return ImageChops.overlay(image, Image.merge("RGB", (grain,) * 3))


def draw(category_code: str, seed: int) -> bytes:
    """Return a JPEG of 1280 by 960 pixels; the same arguments give the same picture.

    Besides the codes of the demo city's categories, the further subjects in SUBJECTS can be drawn;
    an unknown code gives an empty street.
    """
    rng = Random(f"{category_code}/{seed}")  # noqa: S311 - A drawing keeps no secret.
    setting, subject = SUBJECTS.get(category_code, (street, nothing))
    scene = Scene(Image.new("RGB", (WIDTH, HEIGHT)), rng, dusk=category_code == "lampadaire")
    setting(scene)
    subject(scene)
    output = io.BytesIO()
    finish(scene).save(output, "JPEG", quality=80)
    return output.getvalue()


def taken(picture: bytes, place: Position, at: datetime) -> bytes:
    """Return the JPEG with what a phone writes into it: where and when it was taken.

    The place has to be north of the equator and east of Greenwich, as the demo city is.
    """
    exif = Image.Exif()
    where = exif.get_ifd(ExifTags.IFD.GPSInfo)
    where[ExifTags.GPS.GPSLatitudeRef] = "N"
    where[ExifTags.GPS.GPSLatitude] = (place.latitude, 0.0, 0.0)
    where[ExifTags.GPS.GPSLongitudeRef] = "E"
    where[ExifTags.GPS.GPSLongitude] = (place.longitude, 0.0, 0.0)
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.DateTimeOriginal] = f"{at.astimezone(UTC):%Y:%m:%d %H:%M:%S}"
    camera[ExifTags.Base.OffsetTimeOriginal] = "+00:00"
    written = exif.tobytes()
    length = (len(written) + 2).to_bytes(2, "big")
    # The pixels stay as they are: only a segment is put in, behind the start of the image.
    return picture[:2] + b"\xff\xe1" + length + written + picture[2:]
