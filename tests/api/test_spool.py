"""Bodies on their way: in memory while there is room, then on the disk, then not at all."""

from __future__ import annotations

import resource

import pytest

from api.bodies import Overloaded
from api.spool import Room, Spool


def test_bodies_share_the_room_and_give_it_back() -> None:
    room = Room(memory=10, disk=20, each_in_memory=8)
    with Spool(room) as first, Spool(room) as second, Spool(room) as third:
        first.write(b"12345")
        first.write(b"678")
        assert (room.memory, room.disk) == (2, 20)
        second.write(b"ab")
        second.write(b"cdef")
        assert (room.memory, room.disk) == (2, 14)
        first.write(b"9")
        assert (room.memory, room.disk) == (10, 5)
        third.write(b"xyz")
        with pytest.raises(Overloaded):
            third.write(bytes(6))
        third.close()
        first.rewind()
        assert first.file.read() == b"123456789"
        second.rewind()
        assert second.file.read() == b"abcdef"
    assert room == Room(memory=10, disk=20, each_in_memory=8)


@pytest.mark.parametrize("size", [6_000, 100_000])
def test_a_body_that_the_disk_does_not_take_is_refused(size: int) -> None:
    room = Room(each_in_memory=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spool(room) as spool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
        try:
            with pytest.raises(Overloaded):
                write_whole(spool, bytes(size))
            spool.close()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert room == Room(each_in_memory=0)


def write_whole(spool: Spool, body: bytes) -> None:
    spool.write(body)
    spool.rewind()
