"""Walls around a process that reads what strangers sent: few files, no network, no other programs. Linux only.

Landlock (Linux 5.13 and later, where the kernel was started with it) lets a process give up the file system but for
what is named; a seccomp filter refuses the system calls that open sockets, start programs or reach into others. Both
need no rights, hold for everything that the process becomes, and cannot be taken back. The numbers are those of the
kernel's public headers (landlock.h, seccomp.h, filter.h).
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
TRUNCATE = 1 << 14
RIGHTS_SINCE = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights on files that a version of Landlock knows."""
READ = EXECUTE | READ_FILE | READ_DIR
CHANGE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""What a rule about a single file may name."""
NETWORK_SINCE, BIND_AND_CONNECT = 4, 0b11
SCOPES_SINCE, SOCKETS_AND_SIGNALS = 6, 0b11

NO_NEW_PRIVILEGES, ASK_SECCOMP, SET_SECCOMP, BY_FILTER = 38, 21, 22, 2
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000
"""A refused call fails with EPERM; one of another instruction set ends the process."""
LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT = 0, 4
X32_CALLS = 0x40000000
"""The second set of numbers of x86-64; no architecture has calls of its own from there on."""
RINGS = 425
"""`io_uring_setup`: rings for input and output would make sockets past the filter."""
CALLS = {
    # socket, execve, execveat, ptrace, process_vm_readv, process_vm_writev
    "x86_64": (0xC000003E, (41, 59, 322, 101, 310, 311, RINGS)),
    "aarch64": (0xC00000B7, (198, 221, 281, 117, 270, 271, RINGS)),
}
LIBC = ctypes.CDLL(None, use_errno=True)


def missing_walls() -> list[str]:
    """Say which walls this machine cannot put up, in words for who operates it."""
    missing = []
    if _landlock_version() < 1:
        missing.append("files (the kernel has no Landlock)")
    if platform.machine() not in CALLS or LIBC.prctl(ASK_SECCOMP, 0, 0, 0, 0) < 0:
        missing.append("network and programs (no seccomp for this processor)")
    return missing


def confine_this_process(readable: Iterable[Path], changeable: Iterable[Path] = ()) -> None:
    """Give up all files but these (folders with all below them), sockets and other programs, for good.

    To be called before the process has threads: those that run already keep their rights. Walls that this machine
    does not have are left out (`missing_walls`). Raises OSError where the kernel refuses one that it has.
    """
    _check(LIBC.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    version = _landlock_version()
    if version >= 1:
        _give_up_files(version, readable, changeable)
    if platform.machine() in CALLS:
        _refuse_calls(*CALLS[platform.machine()])


def _landlock_version() -> int:
    return int(LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION))


def _give_up_files(version: int, readable: Iterable[Path], changeable: Iterable[Path]) -> None:
    known = RIGHTS_SINCE[max(since for since in RIGHTS_SINCE if since <= version)]
    handled = [known]
    if version >= NETWORK_SINCE:
        handled.append(BIND_AND_CONNECT)
    if version >= SCOPES_SINCE:
        handled.append(SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    rules = _check(LIBC.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0), "rules")
    try:
        for paths, rights in ((readable, READ), (changeable, CHANGE)):
            for path in paths:
                _allow(rules, path, rights & known)
        _check(LIBC.syscall(RESTRICT_SELF, rules, 0), "giving up files")
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    with suppress(FileNotFoundError):  # not every system has every folder
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            fitting = rights if path.is_dir() else rights & ON_FILES
            rule = struct.pack("=Qi", fitting, place)
            _check(LIBC.syscall(ADD_RULE, rules, PATH_BENEATH, rule, 0), str(path))
        finally:
            os.close(place)


def _refuse_calls(architecture: int, numbers: tuple[int, ...]) -> None:
    steps = b"".join(_filter(architecture, numbers))
    kept = ctypes.create_string_buffer(steps, len(steps))
    program = struct.pack("@HP", len(steps) // 8, ctypes.addressof(kept))
    _check(LIBC.prctl(SET_SECCOMP, BY_FILTER, program, 0, 0), "refusing calls")


def _filter(architecture: int, numbers: tuple[int, ...]) -> Iterator[bytes]:
    """Yield the steps of the filter: (operation, steps to skip if true, if false, value)."""
    to_refusal = len(numbers) + 1
    yield _step(LOAD, 0, 0, ARCHITECTURE_AT)
    yield _step(IF_EQUAL, 1, 0, architecture)
    yield _step(RETURN, 0, 0, KILL)
    yield _step(LOAD, 0, 0, NUMBER_AT)
    yield _step(IF_AT_LEAST, to_refusal, 0, X32_CALLS)
    for at, number in enumerate(numbers):
        yield _step(IF_EQUAL, to_refusal - 1 - at, 0, number)
    yield _step(RETURN, 0, 0, ALLOW)
    yield _step(RETURN, 0, 0, REFUSE)


def _step(operation: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", operation, if_true, if_false, value)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} ({what})")
    return result
