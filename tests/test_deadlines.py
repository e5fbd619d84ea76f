"""Every wait of a test for another process, thread or peer has a deadline: what hangs is a failure, with a name.

Read from the calls that tests, tests/end_to_end/ and tests/support/ make: a deadline is a ``timeout``, or an argument
where the call takes one there. `tests.support.deadlines` has one for threads and for the lines of a program.
"""

import ast
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from websockets.utils import accept_key

from tests.support import certificates
from tests.support.deadlines import joined
from tests.support.raw_client import DEADLINE
from tests.support.websocket_client import connect

TESTS = Path(__file__).parent
SHARED = sorted(path for folder in ("end_to_end", "support") for path in (TESTS / folder).rglob("*.py"))
OTHERS = sorted({*TESTS.rglob("test_*.py")} - {*SHARED})
NO_WAITS = {"filters/shared/test_channel.py"}
"""A client joins a channel there."""
WAITED_FOR = {"Popen", "Event", "Condition", "Thread", "Barrier", "Forked", "PythonProgram", "SimpleQueue", "Queue"}
"""What has a `wait`, `join` or `get` that takes a deadline, and has none without."""
ENDS = {"run", "call", "check_call", "check_output"}
"""Of `subprocess`."""
NEVER = 1000
"""Where a call takes a deadline by its name alone."""


def _read(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _made(nodes: Sequence[ast.AST], kinds: tuple[type[ast.expr], ...] = (ast.Name, ast.Attribute)) -> Iterator[str]:
    """The names and attributes that a process, a thread or an event is given to."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
            pairs += [
                pair
                for target, value in pairs
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                for pair in zip(target.elts, value.elts, strict=True)
            ]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            pairs = [(node.optional_vars, node.context_expr)]
        else:
            continue
        for target, value in pairs:
            if isinstance(target, kinds) and isinstance(value, ast.Call) and _last(value.func) in WAITED_FOR:
                yield _last(target)


def _has(call: ast.Call, at: int, name: str = "timeout") -> bool:
    return len(call.args) > at or any(keyword.arg in (name, None) for keyword in call.keywords)


def _limits(block: ast.AST) -> bool:
    """Whether all in it ends with a program that `limited` ends."""
    calls = [each.context_expr for each in block.items] if isinstance(block, ast.With) else []
    return any(isinstance(each, ast.Call) and _last(each.func) == "limited" for each in calls)


WAITS: tuple[Callable[[ast.Call, str, str, set[str]], bool], ...] = (
    lambda call, what, of, known: of == "subprocess" and what in ENDS and not _has(call, NEVER),
    lambda call, what, of, known: what == "communicate" and not _has(call, NEVER),
    lambda call, what, of, known: (
        what in ("join", "result") and not _has(call, 0) and isinstance(call.func, ast.Attribute)
    ),
    lambda call, what, of, known: what in ("wait", "get") and of in known and not _has(call, 0),
    lambda call, what, of, known: what in ("urlopen", "HTTPConnection", "HTTPSConnection") and not _has(call, 2),
    lambda call, what, of, known: (of, what) == ("select", "select") and not _has(call, 3),
    lambda call, what, of, known: what == "readline" and of in ("stdout", "stderr"),
)
"""What waits for ever: the call, what is called, of what, and the names of what has a `wait`."""


def for_ever(nodes: Sequence[ast.AST], known: set[str]) -> Iterator[tuple[int, str]]:
    """Lines of waits that have no deadline.

    :param known: names of what is waited for, besides those that this module gives
    """
    known = known | set(_made(nodes))
    limited = {id(each) for node in nodes if _limits(node) for each in ast.walk(node)}
    limited |= {id(node.value) for node in nodes if isinstance(node, ast.Await)}  # no thread waits
    for node in nodes:
        if not isinstance(node, ast.Call):
            if isinstance(node, ast.ImportFrom) and node.module == "websockets.sync.client":
                yield node.lineno, "tests.support.websocket_client has deadlines"
            continue
        what, of = _last(node.func), _last(getattr(node.func, "value", node))
        if id(node) not in limited and any(waits(node, what, of, known) for waits in WAITS):
            yield node.lineno, ast.unparse(node)


CALLS = """
subprocess.run([])
process = subprocess.Popen([])
process.wait()
process.communicate()
process.stdout.readline()
one, other = threading.Thread(), threading.Event()
one.join()
other.wait()
future.result()
urlopen(url)
select.select([], [], [])
"""
BOUNDED = """
subprocess.run([], timeout=1)
with subprocess.Popen([]) as process, limited(process):
    process.stdout.readline()
process.wait(1)
process.communicate(timeout=1)
joined(threading.Thread())
server.wait()
", ".join(words)
future.result(1)
urlopen(url, None, 1)
select.select([], [], [], 1)
async def filter():
    event = asyncio.Event()
    await event.wait()
"""


def test_what_waits_for_ever_is_known_from_what_does_not() -> None:
    assert [line for line, _ in for_ever(_read(CALLS), set())] == [2, 4, 5, 6, 8, 9, 10, 11, 12]
    assert not list(for_ever(_read(BOUNDED), set()))


def test_every_wait_has_a_deadline() -> None:
    shared = {path: _read(path.read_text()) for path in SHARED}
    others = {path: _read(path.read_text()) for path in OTHERS if str(path.relative_to(TESTS)) not in NO_WAITS}
    everywhere = {name for nodes in shared.values() for name in _made(nodes)}
    helpers = (nodes for path, nodes in shared.items() if TESTS / "support" in path.parents)
    attributes = {name for nodes in helpers for name in _made(nodes, (ast.Attribute,))}
    found = [
        f"{path.relative_to(TESTS.parent)}:{line}: {what}"
        for files, known in ((shared, everywhere), (others, attributes))
        for path, nodes in files.items()
        for line, what in for_ever(nodes, known)
    ]
    assert not found, "\n".join(found)


def test_the_client_of_a_peer_that_never_ends_a_record_of_tls_ends(tmp_path: Path) -> None:
    files = certificates.write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    begun, over = threading.Event(), threading.Event()

    def serve() -> None:
        plain, _ = listening.accept()
        with os.fdopen(os.dup(plain.fileno()), "wb", 0) as below, context.wrap_socket(plain, server_side=True) as peer:
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(65536)
            key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r")[0].decode()
            head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            peer.sendall(f"{head}Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode())
            below.write(b"\x17\x03\x03\x40\x00")  # the head of 16 KiB
            begun.set()
            over.wait(DEADLINE)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        trusted = ssl.create_default_context(cafile=files.root)
        url = f"wss://localhost:{listening.getsockname()[1]}/"
        with connect(url, ssl=trusted, proxy=None, close_timeout=0.1):
            assert begun.wait(DEADLINE)
        assert serving.is_alive(), "the peer has let it go"
        over.set()
        joined(serving)
