"""What every script shares: argument parsing with readable help, and errors as one sentence."""

import argparse
import gc
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

from monoglot.errors import UserError, panic, sentence

# Garbage collection that stands still while packages and models are loaded.
#
# Importing torch and transformers makes half a million objects that all stay. Looking through them
# for garbage again and again takes a third of a short job's start-up.


@contextmanager
def paused() -> Iterator[None]:
    """Collect no garbage within; afterwards as before. May be nested; also a decorator."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# A job ends when what started it does: Snakemake, and the shells in between.
#
# A killed Snakemake leaves its jobs running. The next one would start the same jobs beside them,
# and what the old ones still write might replace newer results.

STARTED_BY = "MONOGLOT_STARTED_BY"
"""Process id and process namespace of the Snakemake that jobs belong to."""

SECONDS_TO_SAVE = 120


def mark_jobs() -> None:
    """Let jobs that inherit this process's environment end with this process (Linux)."""
    if hasattr(os, "pidfd_open"):
        os.environ[STARTED_BY] = f"{os.getpid()} {_namespace()}"


def end_with_snakemake() -> None:
    """End this process, by SIGTERM, as soon as a process between it and its Snakemake has ended.

    One that no Snakemake has started, or one in a container, goes on.
    """
    first, _, namespace = os.environ.get(STARTED_BY, "").partition(" ")
    if not first or namespace != _namespace() or int(first) == os.getpid():
        return
    try:
        chain = _ancestors(int(first))
        watched = [os.pidfd_open(pid) for pid in chain]
        alive = _ancestors(int(first)) == chain
    except (OSError, ValueError):
        alive = False
    if not alive:
        sys.exit("error: the Snakemake that started this job has ended; start it again")
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: list[int]) -> None:
    poll = select.poll()
    for process in watched:
        poll.register(process, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_SAVE)
    os._exit(1)


def _ancestors(first: int) -> list[int]:
    """Return the processes above this one, up to `first`; raise ValueError if it is not there."""
    import psutil  # which jobs that no Snakemake has started need not pay for

    found = [process.pid for process in psutil.Process().parents()]
    return found[: found.index(first) + 1]


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


# The environment that jobs inherit from the Snakefile.

SAY_READY = "MONOGLOT_SAY_READY"
"""A job that finds this set logs how long it took to start: benchmarks/cost.py adds that up."""


def use_checkout(folder: str) -> None:
    """Let jobs run the package in `folder` with this Python, whatever else is installed.

    They end with this process, and say when they are ready.
    """
    os.environ[SAY_READY] = "1"
    mark_jobs()
    for name, first in (("PYTHONPATH", folder), ("PATH", str(Path(sys.executable).parent))):
        folders = [first, *os.environ.get(name, "").split(os.pathsep)]
        os.environ[name] = os.pathsep.join(dict.fromkeys(filter(None, folders)))


# Requests to end: SIGTERM, Ctrl-C, a closed terminal. A job ends with one sentence, at once or,
# where it has something to save, at a good moment.
#
# A cluster sends SIGTERM some seconds before it takes a machine away: time to save what is done.

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Handler = Callable[[int, object], None]


def stop(number: int, _: object) -> None:
    """End this process, as an exception, so that what is half written is cleared away."""
    name = signal.Signals(number).name
    sys.exit(f"error: ended by {name} before it was done; start it again")


class InterruptionError(UserError):
    """A signal asked for the end of what is at work, which has come to a good moment for it.

    Attributes:
        signal: the signal.
    """

    def __init__(self, message: str, by: signal.Signals) -> None:
        super().__init__(message)
        self.signal = by


class Interruption:
    """Whether this process was asked to end.

    Args:
        impatient: takes a second Ctrl-C, of somebody who does not want to wait.

    Attributes:
        by: the signal, once there was one.
    """

    def __init__(self, impatient: Handler = stop) -> None:
        self._impatient = impatient
        self.by: signal.Signals | None = None

    @property
    def asked(self) -> bool:
        return self.by is not None

    def note(self, number: int, frame: object) -> None:
        """Note a signal."""
        if self.asked and number == signal.SIGINT:
            self._impatient(number, frame)
        self.by = signal.Signals(number)


@contextmanager
def noted() -> Iterator[Interruption]:
    """Note requests to end within this. Signals that are ignored (`nohup`) still are.

    A second Ctrl-C does what it would outside of this.
    """
    before = signal.getsignal(signal.SIGINT)
    interruption = Interruption(before if callable(before) else stop)
    with handled_by(interruption.note):
        yield interruption


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Let `handler` take the signals within this, those that are ignored excepted."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number in SIGNALS if before[number] != signal.SIG_IGN]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


IMPORTED = time.monotonic()


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser whose help shows the script's docstring and every default."""
    return argparse.ArgumentParser(description=description, formatter_class=_Formatter)


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not that a flag has none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


@contextmanager
def loading(models: bool = False) -> Iterator[None]:
    """Import a job's modules within this: no garbage collection meanwhile, nor of them later.

    What was imported is left out of later collections for good. A job of Snakemake says in its log
    how long it took to get here.

    Args:
        models: they need `transformers`, which is imported without what no job uses.
    """
    with paused():
        try:
            if models:
                _import_transformers()
            yield
        finally:
            gc.freeze()
    if SAY_READY in os.environ:
        logging.info("ready after %.2f s", _age())


FOR_OTHER_USES = ("pandas", "scipy", "sklearn")
"""What `transformers` imports if it is there, for object detection and for generating text."""


def _import_transformers() -> None:
    """Import `transformers` without what takes most of the seconds of its import, and no job uses.

    These are torch's compiler, tensors that are spread over devices, and libraries
    `FOR_OTHER_USES`. All of them are imported as ever when something asks for them afterwards; only
    `torch.compile` returns what it is given for good.
    """
    import torch.distributed

    for one in _stand_ins():
        sys.modules.setdefault(one.__name__, one)
    hidden = [name for name in FOR_OTHER_USES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    torch.compile = _as_it_is
    available, torch.distributed.is_available = torch.distributed.is_available, lambda: False
    try:
        from transformers import BertForMaskedLM  # noqa: F401, and with it what models share
    finally:
        torch.distributed.is_available = available
        for name in hidden:
            del sys.modules[name]


def _stand_ins() -> Iterator["_StandIn"]:
    same = dict.fromkeys(("allow_in_graph", "disable", "graph_break"), _as_it_is)
    never = type("Never", (), {})  # Nothing is an instance of it.
    yield _StandIn("_dynamo", **same, eval_frame=SimpleNamespace(OptimizedModule=never))
    yield _StandIn("_dynamo._trace_wrapped_higher_order_op", "TransformGetItemToIndex")
    block = {"BlockMask": never, "_DEFAULT_SPARSE_BLOCK_SIZE": 128}
    yield _StandIn("nn.attention.flex_attention", "create_block_mask", "flex_attention", **block)
    yield _StandIn("distributed.tensor", DTensor=never)


def _as_it_is(function: Callable | None = None, *_: object, **__: object) -> Callable:
    """Stand for a decorator, with or without arguments, that changes nothing."""
    return function or _as_it_is


class _StandIn(ModuleType):
    """Stands for a module until something else is asked for, or one of its functions is called.

    All stand-ins give way to the real ones then.

    Args:
        within: its name in torch.
        functions: names of those.
        attributes: what can be had without it.
    """

    def __init__(self, within: str, *functions: str, **attributes: object) -> None:
        super().__init__(f"torch.{within}")
        self._within = within
        vars(self).update(attributes)
        vars(self).update({function: partial(self._call, function) for function in functions})

    def __getattr__(self, name: str) -> object:
        # Whoever looks at all modules, or imports a name from one, asks for these. So does the
        # import of a module within, for the path; jobs do that with `torch._dynamo` at most.
        if name.startswith("__") and (name, self._within) != ("__path__", "_dynamo"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def _call(self, function: str, *given: object, **named: object) -> object:
        return getattr(self._real(), function)(*given, **named)

    def _real(self) -> ModuleType:
        for name in [name for name, one in sys.modules.items() if isinstance(one, _StandIn)]:
            del sys.modules[name]
        return import_module(f"torch.{self._within}")


def _age() -> float:
    """Seconds since this process began (Linux), or since this module was imported."""
    try:
        # Field 22, counted after the name in brackets, which may hold spaces: ticks since boot.
        # psutil's `create_time` is no substitute: it adds the second of the boot, a whole number.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return time.monotonic() - IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def run(main: Callable[[], None], to_lower: str = "the number of jobs at a time (--cores)") -> None:
    """Run a script's `main`; print a `UserError` as one line and exit with status 1.

    So does a request to end (SIGTERM, Ctrl-C; the end of the Snakemake that started it), unless
    `main` handles it, and what the machine lacks: disk, permissions, memory.

    Args:
        to_lower: what the user can lower if there is not enough memory.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    try:
        with handled_by(stop):
            end_with_snakemake()
            main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        if said := sentence(error, to_lower):
            sys.exit(f"error: {said}")
        raise
    except BaseException as error:
        if said := panic(error):
            sys.exit(f"error: {said}")
        raise
