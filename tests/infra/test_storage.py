from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest

from infra.storage import Fuse, MissingObject, Storage, StorageError
from tests.stack import eventually

KEY = "photos/ab/cdef/original"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "objects"


@pytest.fixture
def storage(folder: Path) -> Storage:
    return Storage.from_url(folder.as_uri())


def test_what_was_put_is_got(storage: Storage) -> None:
    storage.put(KEY, b"first", "image/jpeg")
    storage.put(KEY, b"second", "image/jpeg")
    assert storage.get(KEY) == b"second"
    assert KEY in storage.list("")


def test_a_folder_is_made_at_first_use_for_its_owner_alone(storage: Storage, folder: Path) -> None:
    assert not folder.exists()
    storage.put(KEY, b"bytes", "image/jpeg")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_is_not_there_is_missing_and_deleting_it_is_no_error(storage: Storage) -> None:
    with pytest.raises(MissingObject):
        storage.get(KEY)
    assert KEY not in storage.list("")
    storage.delete(KEY)
    assert list(storage.list("photos")) == []


def test_a_prefix_is_a_whole_part_of_the_key(storage: Storage, folder: Path) -> None:
    for key in ("photos/1/a", "photos/1/b", "photos/10/a"):
        storage.put(key, b"bytes", "image/webp")
    assert sorted(storage.list("photos/1")) == ["photos/1/a", "photos/1/b"]
    for key in ("photos/1/a", "photos/1/b"):
        storage.delete(key)
    assert list(storage.list("")) == ["photos/10/a"]
    assert list(storage.list("photos", older_than_s=3600)) == []
    assert not (folder / "photos" / "1").exists()


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\0b", "photos/name#1"]
)
def test_a_key_that_we_did_not_make_is_refused(storage: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="storage key"):
        storage.put(key, b"bytes", "image/jpeg")
    with pytest.raises(ValueError, match="storage key"):
        storage.delete(key)


@pytest.mark.parametrize("url", ["", "folder", "file://host/folder", "s3://", "ftp://host/a"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="storage URL"):
        Storage.from_url(url)


def test_a_store_that_refuses_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    storage = Storage.from_url((tmp_path / "file" / "folder").as_uri())
    with pytest.raises(StorageError) as refused:
        storage.put(KEY, b"bytes", "image/jpeg")
    assert not refused.value.full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mounted)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


@pytest.mark.fault(39)
def test_a_full_disk_is_told_apart_and_leaves_nothing(small_disk: Path) -> None:
    storage = Storage.from_url(small_disk.as_uri())
    storage.check()
    with pytest.raises(StorageError) as refused:
        storage.put(KEY, bytes(1_000_000), "image/jpeg")
    assert refused.value.full
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    storage.put("photos/most", bytes(220_000), "image/jpeg")
    with pytest.raises(StorageError) as unready:
        storage.check()
    assert unready.value.full


def test_the_check_leaves_nothing(storage: Storage) -> None:
    storage.check()
    assert list(storage.list("")) == []


def test_a_folder_is_not_an_object(storage: Storage) -> None:
    storage.put(KEY, b"bytes", "image/jpeg")
    assert "photos/ab" not in storage.list("")
    with pytest.raises(StorageError):
        storage.get("photos/ab")
    with pytest.raises(StorageError):
        storage.put(f"{KEY}/below", b"bytes", "image/jpeg")
    assert storage.get(KEY) == b"bytes"


def test_many_may_check_and_write_at_once(storage: Storage) -> None:
    def work(number: int) -> None:
        for turn in range(15):
            storage.check()
            storage.put(f"photos/{number}/{turn}", b"bytes", "image/webp")
            storage.delete(f"photos/{number}/{turn}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(storage.list("")) == []


def test_half_written_files_do_not_show_and_are_tidied_by_age(
    storage: Storage, folder: Path
) -> None:
    storage.put(KEY, b"whole", "image/jpeg")
    old, young = folder / f"{KEY}#1", folder / f"{KEY}#2"
    old.write_bytes(b"ha")
    young.write_bytes(b"hal")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    assert list(storage.list("")) == [KEY]
    assert storage.tidy(older_than_s=600) == 1
    assert not old.exists()
    assert young.exists()
    assert storage.get(KEY) == b"whole"


@pytest.mark.fault(36)
def test_a_process_killed_while_putting_leaves_no_half_object(
    storage: Storage, folder: Path
) -> None:
    script = (
        "import sys; from infra.storage import Storage\n"
        "storage = Storage.from_url(sys.argv[1]); data = bytes(20_000_000)\n"
        "print('ready', flush=True)\n"
        "for number in range(10_000): storage.put(f'photos/{number % 3}', data, 'image/png')\n"
    )
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", script, folder.as_uri()], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.kill()
        process.communicate()
        for key in storage.list(""):
            assert len(storage.get(key)) == 20_000_000
    storage.tidy(older_than_s=-60)
    assert list(folder.rglob("*#*")) == []


FORKING = """
import os, signal, sys
from infra.storage import Storage, StorageError
storage = Storage.from_url(sys.argv[1])
if sys.argv[2] == "used": storage.put("photos/parent", b"bytes", "image/png")
child = os.fork()
if child == 0:
    signal.alarm(10)
    try:
        storage.put("photos/child", b"bytes", "image/png")
    except StorageError:
        os._exit(3)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(("parent", "outcome"), [("held", 0), ("used", 3)])
def test_a_forked_child_works_or_fails_but_never_hangs(
    folder: Path, parent: str, outcome: int
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORKING, folder.as_uri(), parent],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert int(ran.stdout) == outcome


class Bucket(BaseHTTPRequestHandler):
    """As much of an S3 server as our calls need; a key with "full" in it finds no room."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, tuple[str, bytes]]

    def answer(self, status: int, body: bytes = b"", media_type: str = "application/xml") -> None:
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 10:00:00 GMT")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "full" in self.path:
            return self.answer(507, b"<Error><Code>XMinioStorageFull</Code></Error>")
        self.objects[self.path] = (self.headers["Content-Type"], body)
        return self.answer(200)

    def do_GET(self) -> None:
        if "?" in self.path:
            return self.list_keys()
        if self.path.startswith("/nowhere/"):
            return self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        if self.path not in self.objects:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        media_type, body = self.objects[self.path]
        return self.answer(200, body, media_type)

    def do_HEAD(self) -> None:
        self.do_GET()

    def list_keys(self) -> None:
        prefix = parse_qs(urlsplit(self.path).query)["prefix"][0]
        keys = [path.removeprefix("/bucket/") for path in self.objects]
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>1</Size><ETag>1</ETag>"
            "<LastModified>2026-11-01T10:00:00.000Z</LastModified></Contents>"
            for key in keys
            if key.startswith(prefix)
        )
        self.answer(200, f"<ListBucketResult>{found}</ListBucketResult>".encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        deleted = [part.partition("</Key>")[0] for part in body.split("<Key>")[1:]]
        for key in deleted:
            self.objects.pop(f"/bucket/{key}", None)
        lines = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in deleted)
        self.answer(200, f"<DeleteResult>{lines}</DeleteResult>".encode())

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[str, bytes]]]:
    Bucket.objects = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    yield Bucket.objects
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_bucket_behaves_as_a_folder_does(bucket: dict[str, tuple[str, bytes]]) -> None:
    storage = Storage.from_url("s3://bucket/city/")
    storage.put(KEY, b"bytes", "image/jpeg")
    assert bucket == {f"/bucket/city/{KEY}": ("image/jpeg", b"bytes")}
    assert storage.get(KEY) == b"bytes"
    assert list(storage.list("photos")) == [KEY]
    storage.delete(KEY)
    assert KEY not in storage.list("")
    with pytest.raises(MissingObject):
        storage.get(KEY)
    storage.check()
    assert bucket == {}
    assert storage.tidy(older_than_s=0) == 0


def test_what_a_check_could_not_remove_is_removed_later(
    bucket: dict[str, tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage.from_url("s3://bucket/city/")
    storage.put(KEY, b"kept", "image/jpeg")
    with monkeypatch.context() as silent:
        silent.setattr(Storage, "delete", _silent)
        with pytest.raises(StorageError):
            storage.check()
    assert len(bucket) == 2
    assert storage.remove_probes(older_than_s=60) == 1
    assert list(storage.list("")) == [KEY]


def _silent(_self: Storage, _key: str) -> None:
    raise StorageError("no answer")


def test_a_large_object_is_one_request(bucket: dict[str, tuple[str, bytes]]) -> None:
    Storage.from_url("s3://bucket").put(KEY, bytes(12_000_000), "image/jpeg")
    assert len(bucket[f"/bucket/{KEY}"][1]) == 12_000_000


def test_a_full_bucket_is_told_apart(bucket: dict[str, tuple[str, bytes]]) -> None:
    with pytest.raises(StorageError) as refused:
        Storage.from_url("s3://bucket").put("photos/full", b"bytes", "image/jpeg")
    assert refused.value.full


def test_a_bucket_that_is_not_there_is_no_missing_object(
    bucket: dict[str, tuple[str, bytes]],
) -> None:
    with pytest.raises(StorageError) as refused:
        Storage.from_url("s3://nowhere").get(KEY)
    assert not isinstance(refused.value, MissingObject)


def test_a_bucket_that_cannot_be_reached_is_a_storage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(StorageError) as refused:
        Storage.from_url("s3://bucket").put(KEY, b"bytes", "image/jpeg")
    assert not refused.value.full
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_where_obstore_panics_it_is_a_storage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", "nonsense")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = Storage.from_url("s3://bucket")
    for call in (
        lambda: storage.put(KEY, b"bytes", "image/jpeg"),
        lambda: storage.get(KEY),
        lambda: storage.delete(KEY),
        lambda: list(storage.list("photos")),
        storage.check,
    ):
        with pytest.raises(StorageError):
            call()


def test_after_a_slow_failure_calls_fail_at_once_until_one_gets_through() -> None:
    fuse = Fuse(slow_s=0, rest_s=0.3)
    assert _get_through(fuse, MissingObject("nothing there"))
    assert _get_through(fuse)
    assert _get_through(fuse, StorageError("no answer"))
    assert not _get_through(fuse)
    assert not _get_through(fuse, StorageError("no answer"))

    assert eventually(lambda: _get_through(fuse))
    assert _get_through(fuse)


def test_a_store_that_refuses_at_once_is_asked_every_time() -> None:
    fuse = Fuse()
    assert _get_through(fuse, StorageError("forbidden"))
    assert _get_through(fuse, StorageError("forbidden"))


def _get_through(fuse: Fuse, error: StorageError | None = None) -> bool:
    """Tell whether a call that ends in the error was made at all."""
    made = False
    try:
        with fuse.guard():
            made = True
            if error is not None:
                raise error
    except StorageError:
        pass
    return made
