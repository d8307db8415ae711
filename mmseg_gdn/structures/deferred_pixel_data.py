"""Pixel data that is computed when it is first read."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable

from mmengine.structures import PixelData
from torch import Tensor


class DeferredPixelData(PixelData):
    """``PixelData`` whose ``data`` is computed when it is first read.

    Evaluators and hooks get every field of a prediction, but few of them read full-size scores.

    Args:
        compute: Returns the data, shape (C, H, W); called at the first read. Without it, this is ordinary pixel data,
            which is what mmengine creates when it copies or slices.
        bound: Returns a number above all absolute values of the data, shape (); NaN where they may be. Default: the
            largest of them.
        **kwargs: See ``PixelData``.
    """

    def __init__(
        self, compute: Callable[[], Tensor] | None = None, bound: Callable[[], Tensor] | None = None, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if compute is not None:
            self.__dict__['_compute'] = compute
            self.__dict__['_bound'] = bound
            self._data_fields.add('data')

    def __getattr__(self, name: str) -> Any:
        """Compute ``data``; Python calls this only for attributes that do not exist yet."""
        if name != 'data' or '_compute' not in self.__dict__:
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        self.__dict__['data'] = self._compute()
        return self.data

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field; other data takes the place of what would be computed."""
        super().__setattr__(name, value)
        if name == 'data':
            self._forget()

    def __delattr__(self, item: str) -> None:
        """Remove a field."""
        self._settle(item)
        super().__delattr__(item)

    __delitem__ = __delattr__

    def pop(self, *args) -> Any:
        """Remove a field, and return its value, or a default as a dictionary does."""
        self._settle(args[0])
        return super().pop(*args)

    def _settle(self, name: str) -> None:
        if name == 'data' and '_compute' in self.__dict__:
            self.__dict__['data'] = self.data
            self._forget()

    def _forget(self) -> None:
        self.__dict__.pop('_compute', None)
        self.__dict__.pop('_bound', None)

    def bound(self) -> Tensor:
        """A number above all absolute values of the data, shape (); NaN or infinite if one of them may be."""
        bound = self.__dict__.get('_bound')
        return self.data.detach().abs().amax() if bound is None else bound()

    def to_dict(self) -> dict:
        """The fields by name, computed when an entry is read."""
        return _DeferredDict(super().to_dict)


if TYPE_CHECKING:
    _MutableDict = dict  # which is a MutableMapping for type checkers; when it runs, only by registration
else:

    class _MutableDict(MutableMapping, dict):
        """A dictionary whose methods all use the few that :class:`_DeferredDict` defines."""


class _DeferredDict(_MutableDict):
    """A dictionary that is filled when it is first used, because evaluators request one of every field."""

    def __init__(self, make: Callable[[], dict]) -> None:
        self._make = make

    @cached_property
    def _fields(self) -> dict:
        return self._make()

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._fields[key] = value

    def __delitem__(self, key: str) -> None:
        del self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    # Without these, dict's own would show an empty dictionary.

    def __repr__(self) -> str:
        return repr(self._fields)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._fields)

    def __or__(self, other: Any) -> dict:
        return self._fields | dict(other)

    def __ror__(self, other: dict) -> dict:
        return other | self._fields

    def __ior__(self, other: Any) -> _DeferredDict:
        self.update(other)
        return self

    def __reduce__(self) -> tuple:
        return dict, (self._fields,)

    def copy(self) -> dict:
        """An ordinary dictionary with the same entries."""
        return self._fields.copy()
