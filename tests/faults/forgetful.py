"""A file system that forgets: bytes and names that were not synced are gone when its power is cut.

It speaks the kernel's own protocol over /dev/fuse, so that nothing needs to be installed. It is crueller than any
real disk: a file's sync makes its bytes durable and nothing else, a folder's sync its names and nothing else; a rename
that was not synced has not happened. Run as a program it serves one mount; `Forgetful` runs it and cuts the power.

Source: Linux include/uapi/linux/fuse.h, protocol 7.31.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
import selectors
import stat
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_ROOT = 1
_HEAD, _OUT = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_LARGEST = 1 << 17
_BUFFER = _LARGEST + 4096
_BIG_WRITES = 1 << 5
_SETTING = struct.Struct("<IIQQQQQQIIIIIIII")
_MODE, _UID, _GID, _SIZE, _ATIME, _MTIME, _ATIME_NOW, _MTIME_NOW = 1, 2, 4, 8, 16, 32, 128, 256
_NO_REPLACE = 1
_DETACH = 2
_BLOCKS = 1 << 20


class Refused(Exception):
    """A call that fails with an error number."""


@dataclass
class Node:
    """One file or folder: as programs see it, and as the disk has it."""

    number: int
    mode: int
    data: bytearray = field(default_factory=bytearray)
    names: dict[bytes, Node] = field(default_factory=dict)
    durable_data: bytes = b""
    durable_names: dict[bytes, Node] = field(default_factory=dict)
    # What was done since the last sync, oldest first.
    written: list[tuple[int, bytes]] = field(default_factory=list)
    named: list[Naming] = field(default_factory=list)
    links: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = field(default_factory=time.time_ns)
    ctime: int = field(default_factory=time.time_ns)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    def sync_data(self) -> None:
        self.durable_data = bytes(self.data)
        self.written.clear()

    def sync_names(self) -> None:
        self.durable_names = dict(self.names)
        self.named.clear()

    def write(self, offset: int, data: bytes) -> None:
        _put(self.data, offset, data)
        self.written.append((offset, data))
        self.mtime = self.ctime = time.time_ns()

    def resize(self, size: int) -> None:
        _resize(self.data, size)
        self.written.append((-1 - size, b""))
        self.mtime = self.ctime = time.time_ns()

    def name(self, name: bytes, node: Node | None, other: Naming | None = None) -> Naming:
        """Give or take away a name; `other` is the new name of what is renamed."""
        before = self.names.pop(name, None)
        if before is not None:
            before.links -= 1
        if node is not None:
            self.names[name] = node
            node.links += 1
        done = Naming(name, node, other)
        self.named.append(done)
        self.mtime = self.ctime = time.time_ns()
        return done


@dataclass
class Naming:
    """A name given, or taken away where `node` is None."""

    name: bytes
    node: Node | None
    other: Naming | None = None
    kept: bool = False


def _put(data: bytearray, offset: int, piece: bytes) -> None:
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(piece)] = piece


def _resize(data: bytearray, size: int) -> None:
    if size < len(data):
        del data[size:]
    else:
        data.extend(bytes(size - len(data)))


class Disk:
    """All nodes, and what survives."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.root = self.make(stat.S_IFDIR | 0o755)

    def make(self, mode: int) -> Node:
        node = Node(len(self.nodes) + 1, mode)
        self.nodes[node.number] = node
        return node

    def forget(self, chance: random.Random | None) -> None:
        """Lose what was not synced: all of it, or each write and each name by chance."""
        for node in self.nodes.values():
            self._forget_data(node, chance)
        for node in self.nodes.values():
            self._forget_names(node, chance)
            node.links = 0
        for node in self.nodes.values():
            for named in node.names.values():
                named.links += 1

    def sync(self) -> None:
        """Make everything durable."""
        for node in self.nodes.values():
            node.sync_data()
            node.sync_names()

    def _forget_data(self, node: Node, chance: random.Random | None) -> None:
        data = bytearray(node.durable_data)
        for offset, piece in node.written:
            if chance is not None and chance.random() < 0.5:
                if offset < 0:
                    _resize(data, -1 - offset)
                else:
                    _put(data, offset, piece)
        node.data = data
        node.sync_data()

    def _forget_names(self, node: Node, chance: random.Random | None) -> None:
        names = dict(node.durable_names)
        for done in node.named:
            done.kept = chance is not None and (
                chance.random() < 0.5 if done.other is None else done.other.kept
            )
            if done.kept and done.node is not None:
                names[done.name] = done.node
            elif done.kept:
                names.pop(done.name, None)
        node.names = names
        node.sync_names()


class Server:
    """Answers the kernel's calls on one mount."""

    def __init__(self, path: bytes, disk: Disk) -> None:
        self._path, self.disk = path, disk
        self._listed: dict[int, list[tuple[bytes, Node]]] = {}
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions" % self.fd
        _call("mount", b"forgetful", path, b"fuse", 0, options)

    def unmount(self) -> None:
        _call("umount2", self._path, _DETACH)
        os.close(self.fd)

    def answer(self) -> None:
        """Answer one call, if there is one."""
        try:
            call = os.read(self.fd, _BUFFER)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.ENOENT, errno.EINTR}:
                return
            raise
        _, code, unique, number, *_ = _HEAD.unpack_from(call)
        how = _CALLS.get(code)
        if code in _UNANSWERED:
            return
        try:
            said, error = (b"", errno.ENOSYS) if how is None else (how(self, number, call[_HEAD.size :]), 0)
        except Refused as refused:
            said, error = b"", int(refused.args[0])
        with suppress(FileNotFoundError):  # whoever asked was killed
            os.write(self.fd, _OUT.pack(_OUT.size + len(said), -error, unique) + said)

    def _node(self, number: int) -> Node:
        return self.disk.nodes[number]

    def _init(self, _: int, asked: bytes) -> bytes:
        major, minor, ahead, flags = struct.unpack_from("<IIII", asked)
        return struct.pack(
            "<IIIIHHIIHHI28x", major, min(minor, 31), ahead, flags & _BIG_WRITES, 12, 9, _LARGEST, 1, 0, 0, 0
        )

    def _attr(self, node: Node) -> bytes:
        size = len(node.data)
        seconds, rest = divmod(node.mtime, 10**9)
        changed, changed_rest = divmod(node.ctime, 10**9)
        return _ATTR.pack(
            node.number, size, (size + 511) // 512, seconds, seconds, changed, rest, rest, changed_rest,
            node.mode, 2 if node.is_folder else node.links, node.uid, node.gid, 0, 4096, 0,
        )  # fmt: skip

    def _entry(self, node: Node) -> bytes:
        return struct.pack("<QQQQII", node.number, 0, 0, 0, 0, 0) + self._attr(node)

    def _found(self, number: int, name: bytes) -> Node:
        node = self._node(number).names.get(name)
        if node is None:
            raise Refused(errno.ENOENT)
        return node

    def _lookup(self, number: int, asked: bytes) -> bytes:
        return self._entry(self._found(number, asked.rstrip(b"\0")))

    def _getattr(self, number: int, _: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._attr(self._node(number))

    def _setattr(self, number: int, asked: bytes) -> bytes:
        node = self._node(number)
        valid, _, _, size, _, _, mtime, _, _, rest, _, mode, _, uid, gid, _ = _SETTING.unpack_from(asked)
        if valid & _SIZE:
            node.resize(size)
        if valid & _MODE:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        node.uid = uid if valid & _UID else node.uid
        node.gid = gid if valid & _GID else node.gid
        if valid & _MTIME:
            node.mtime = time.time_ns() if valid & _MTIME_NOW else mtime * 10**9 + rest
        node.ctime = time.time_ns()
        return self._getattr(number, b"")

    def _make(self, number: int, name: bytes, mode: int) -> Node:
        if name in self._node(number).names:
            raise Refused(errno.EEXIST)
        node = self.disk.make(mode)
        self._node(number).name(name, node)
        return node

    def _mknod(self, number: int, asked: bytes) -> bytes:
        mode, _, umask, _ = struct.unpack_from("<IIII", asked)
        return self._entry(self._make(number, asked[16:].rstrip(b"\0"), mode & ~umask))

    def _mkdir(self, number: int, asked: bytes) -> bytes:
        mode, umask = struct.unpack_from("<II", asked)
        return self._entry(self._make(number, asked[8:].rstrip(b"\0"), stat.S_IFDIR | (mode & ~umask)))

    def _create(self, number: int, asked: bytes) -> bytes:
        _, mode, umask, _ = struct.unpack_from("<IIII", asked)
        node = self._make(number, asked[16:].rstrip(b"\0"), stat.S_IFREG | (stat.S_IMODE(mode) & ~umask))
        return self._entry(node) + struct.pack("<QII", node.number, 0, 0)

    def _unlink(self, number: int, asked: bytes) -> bytes:
        name = asked.rstrip(b"\0")
        self._found(number, name).ctime = time.time_ns()
        self._node(number).name(name, None)
        return b""

    def _rmdir(self, number: int, asked: bytes) -> bytes:
        if self._found(number, asked.rstrip(b"\0")).names:
            raise Refused(errno.ENOTEMPTY)
        return self._unlink(number, asked)

    def _rename(self, number: int, asked: bytes) -> bytes:
        return self._move(number, struct.unpack_from("<Q", asked)[0], asked[8:])

    def _rename2(self, number: int, asked: bytes) -> bytes:
        folder, flags, _ = struct.unpack_from("<QII", asked)
        new = asked[16:].split(b"\0")[1]
        if flags & ~_NO_REPLACE:
            raise Refused(errno.EINVAL)
        if flags and new in self._node(folder).names:
            raise Refused(errno.EEXIST)
        return self._move(number, folder, asked[16:])

    def _move(self, number: int, folder: int, names: bytes) -> bytes:
        old, new, _ = names.split(b"\0", 2)
        node = self._found(number, old)
        node.ctime = time.time_ns()
        given = self._node(folder).name(new, node)
        self._node(number).name(old, None, given)
        return b""

    def _link(self, number: int, asked: bytes) -> bytes:
        node, name = self._node(struct.unpack_from("<Q", asked)[0]), asked[8:].rstrip(b"\0")
        if name in self._node(number).names:
            raise Refused(errno.EEXIST)
        node.ctime = time.time_ns()
        self._node(number).name(name, node)
        return self._entry(node)

    def _open(self, number: int, _: bytes) -> bytes:
        return struct.pack("<QII", number, 0, 0)

    def _read(self, number: int, asked: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", asked)
        return bytes(self._node(number).data[offset : offset + size])

    def _write(self, number: int, asked: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", asked)
        self._node(number).write(offset, asked[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _statfs(self, _: int, __: bytes) -> bytes:
        return struct.pack("<QQQQQIIII24x", _BLOCKS, _BLOCKS, _BLOCKS, _BLOCKS, _BLOCKS, 4096, 255, 4096, 0)

    def _fsync(self, number: int, _: bytes) -> bytes:
        self._node(number).sync_data()
        return b""

    def _fsyncdir(self, number: int, _: bytes) -> bytes:
        self._node(number).sync_names()
        return b""

    def _readdir(self, number: int, asked: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", asked)
        if offset == 0:
            node = self._node(number)
            self._listed[number] = [(b".", node), (b"..", node), *node.names.items()]
        listed = b""
        for at, (name, node) in enumerate(self._listed[number][offset:], start=offset + 1):
            one = struct.pack("<QQII", node.number, at, len(name), node.mode >> 12) + name
            one += bytes(-len(one) % 8)
            if len(listed) + len(one) > size:
                break
            listed += one
        return listed

    def _nothing(self, _: int, __: bytes) -> bytes:
        return b""


_UNANSWERED = {2, 36, 38, 42}  # forget, interrupt, destroy, forget many
_CALLS = {
    1: Server._lookup, 3: Server._getattr, 4: Server._setattr, 8: Server._mknod, 9: Server._mkdir,
    10: Server._unlink, 11: Server._rmdir, 12: Server._rename, 13: Server._link, 14: Server._open,
    15: Server._read, 16: Server._write, 17: Server._statfs, 18: Server._nothing, 20: Server._fsync,
    25: Server._nothing, 26: Server._init, 27: Server._open, 28: Server._readdir, 29: Server._nothing,
    30: Server._fsyncdir, 35: Server._create, 45: Server._rename2,
}  # fmt: skip


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def serve(path: bytes) -> None:
    """Serve a mount; obey `cut`, `cut SEED` and `sync` on stdin, each answered by a line; end with stdin."""
    disk = Disk()
    server = Server(path, disk)
    _tell("mounted")
    while True:
        with selectors.DefaultSelector() as ready:
            ready.register(server.fd, selectors.EVENT_READ)
            ready.register(0, selectors.EVENT_READ)
            while not any(key.fd == 0 for key, _ in ready.select()):
                server.answer()
        words = sys.stdin.readline().split()
        if not words:
            server.unmount()
            return
        if words[0] == "cut":
            server.unmount()
            disk.forget(random.Random(words[1]) if words[1:] else None)
            server = Server(path, disk)
        else:
            disk.sync()
        _tell("done")


def _tell(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


class Forgetful:
    """A mount whose power can be cut; the same wall as `tests.faults.ground.Disk`.

    Args:
        mount: where.
        seed: what was not synced survives by chance; without one nothing of it does.
    """

    def __init__(self, mount: Path, seed: int | None = None) -> None:
        if os.geteuid() != 0 or not Path("/dev/fuse").exists():
            pytest.skip("a file system of our own needs root and /dev/fuse")
        self.mount, self.seed = mount, seed
        mount.mkdir()
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(mount)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._server.stdout is not None
        if self._server.stdout.readline() != "mounted\n":
            _, why = self._server.communicate()
            if "Operation not permitted" in why:
                pytest.skip("mounting is not permitted here")
            raise AssertionError(why)

    def sync(self) -> None:
        """Make everything durable that is there now."""
        self._say("sync")

    def cut_power(self) -> None:
        """Lose what was not synced; the disk is there again at once."""
        self._say("cut" if self.seed is None else f"cut {self.seed}")

    def plug_in(self) -> None:
        """Nothing: it is."""

    def unplug(self) -> None:
        """Unmount it."""
        self._server.communicate(timeout=20)

    def _say(self, word: str) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(word + "\n")
        self._server.stdin.flush()
        assert self._server.stdout.readline() == "done\n"


if __name__ == "__main__":
    serve(os.fsencode(sys.argv[1]))
