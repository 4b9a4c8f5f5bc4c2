"""Archives: what is held about a resident, as a file that they can keep."""

from __future__ import annotations

import json
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZipFile

from api.schemas.residents import HeldSchema
from infra.storage import MissingObject, Storage
from reports.privacy.personal import Held

DATA = "data.json"
HELD = HeldSchema()


def pack(held: Held, storage: Storage) -> IO[bytes]:
    """Return a ZIP archive of the data and the original photos, for the caller to read and close.

    It is a file without a name, gone once it is closed; one photo at a time is in memory.
    """
    document = HELD.dump(held)
    with ExitStack() as unless_whole:
        packed = unless_whole.enter_context(TemporaryFile())
        with ZipFile(packed, "w") as archive:
            for report, told in zip(held.reports, document["reports"], strict=True):
                for photo, line in zip(report.photos, told["photos"], strict=True):
                    try:
                        archive.writestr(photo.name, storage.get(photo.key))
                    except MissingObject:
                        line["file"] = None
            archive.writestr(DATA, json.dumps(document, ensure_ascii=False, indent=2))
        unless_whole.pop_all()
    packed.seek(0)
    return packed
