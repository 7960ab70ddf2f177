"""Counts what makes the host wait for the device, on any device and so on the CPU as well."""

from collections import Counter
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

READS = {"tolist", "item", "cpu", "numpy", "__bool__", "__float__", "__int__", "__index__", "__array__"}
"""Methods that read a tensor; some of them answer on the CPU without dispatching an operator."""
WAITING = {"_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "equal", "_unique2"}
"""Operators whose result or shape the host has to know."""


class Operators(TorchDispatchMode):
    """Operators that wait, also those that other operators or C++ code call."""

    def __init__(self, seen: Counter[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self._seen = seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = func.overloadpacket.__name__, kwargs or {}
        to_host = name == "_to_copy" and str(kwargs.get("device")) == "cpu"
        by_mask = name == "index" and any(part is not None and part.dtype is torch.bool for part in args[1])
        if name in WAITING or to_host or by_mask:
            self._seen[name] += 1
        return func(*args, **kwargs)


class Methods(TorchFunctionMode):
    """Reads as the Python code asks for them."""

    def __init__(self, seen: Counter[str]) -> None:
        super().__init__()
        self._seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in READS:
            self._seen[name] += 1
        return func(*args, **(kwargs or {}))


class HostReads:
    """``with HostReads() as reads: ...`` then ``reads.seen``: how often what waited."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._modes = ExitStack()

    def __enter__(self) -> "HostReads":
        self._modes.enter_context(Operators(self.seen))
        self._modes.enter_context(Methods(self.seen))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._modes.__exit__(kind, error, trace)
