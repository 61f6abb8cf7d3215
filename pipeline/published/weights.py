"""A published model's weights as safetensors, each file's header read before it is believed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.archives import check_archive, check_tensors
from pipeline.common.artifacts import write_json
from pipeline.common.checked import shown
from pipeline.common.config import read_known
from pipeline.common.pointers import check_no_pointer
from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.published.files import WeightIndex, tensor_names

SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
# How the parts of weights in several files are numbered: model-00001-of-00003.safetensors.
_PART = re.compile(r"-(\d+)-of-(\d+)\.")


def copy_weights(origin: Path, folder: Path, where: str) -> None:
    """Copy safetensors as they are; else turn pickled weights into safetensors.

    Args:
        origin: the model's folder.
        folder: where the weights go, in several files with an index of which tensor is in which.
        where: names the model in sentences.

    Raises:
        UserError: there are no weights, or a file of them is missing, torn, a pointer, or holds
            something else than tensors by name.
    """
    takers: dict[str, Callable[[Path, Path], Any]] = {SAFE: shutil.copyfile, PICKLED: _convert}
    for name, take in takers.items():
        weights = _Weights(origin, name, where)
        if not (files := weights.files()):
            continue
        places: dict[str, str] = {}
        for file in files:
            check_no_pointer(origin / file)
            made = folder / _safe_name(file)
            take(origin / file, made)
            places |= dict.fromkeys(tensor_names(made, f"{where}: {file}"), made.name)
        if weights.indexed or files != [name]:
            write_json(folder / f"{SAFE}.index.json", weights.index(places))
        return
    raise UserError(f"{where} has neither {SAFE} nor {PICKLED}: it holds no PyTorch weights")


@dataclass(frozen=True)
class _Weights:
    """Weights of one format in a model's folder; ``name`` is their file's, where it is one."""

    origin: Path
    name: str
    where: str

    @property
    def _index(self) -> Path:
        return self.origin / f"{self.name}.index.json"

    @property
    def indexed(self) -> bool:
        """Whether the folder has an index."""
        return self._index.exists()

    def files(self) -> list[str]:
        """The names of the files: by the index, the one, or the numbered parts; none without any.

        Raises:
            UserError: one that the index names or the numbers promise is missing.
        """
        if self.indexed:
            return self._named(sorted(set(self._map().values())))
        if (self.origin / self.name).is_file():
            return [self.name]
        stem, suffix = Path(self.name).stem, Path(self.name).suffix
        parts = sorted(path.name for path in self.origin.glob(f"{stem}-*-of-*{suffix}"))
        return self._complete([part for part in parts if _PART.search(part)])

    def index(self, places: Mapping[str, str]) -> Any:
        """The index of the copied files: the folder's own, or one made of ``places``.

        Args:
            places: for each tensor the copied file that holds it.

        Raises:
            UserError: the folder's own puts a tensor where there is none.
        """
        if not self.indexed:
            return {"metadata": {}, "weight_map": dict(places)}
        own = {key: _safe_name(file) for key, file in self._map().items()}
        lost = next((key for key in own if key not in places), None)
        if lost is not None:
            raise UserError(f"{self.where}: its index names {shown(lost)}, which no file holds")
        return {**read_known(WeightIndex, self._index), "weight_map": own}

    def _map(self) -> dict[str, str]:
        check_no_pointer(self._index)
        found: dict[str, str] = read_known(WeightIndex, self._index)["weight_map"]
        return found

    def _named(self, files: list[str]) -> list[str]:
        for file in files:
            if Path(file).name != file or not (self.origin / file).is_file():
                raise UserError(f"{self.where} lacks the file {file!r} that its index names")
        return files

    def _complete(self, parts: list[str]) -> list[str]:
        numbers = [tuple(map(int, _PART.findall(part)[-1])) for part in parts]
        wanted = {(number, total) for _, total in numbers for number in range(1, total + 1)}
        if set(numbers) != wanted:
            raise UserError(
                f"{self.where} has {len(parts)} of the files that {parts[0]!r} is numbered among, "
                "and no index that says more: get the others"
            )
        return parts


def _safe_name(file: str) -> str:
    """A file's name as safetensors: ``pytorch_model-1.bin`` becomes ``model-1.safetensors``."""
    return f"{Path(file.removeprefix('pytorch_')).stem}.safetensors"


def _convert(source: Path, target: Path) -> None:
    """Pickled tensors, read as data only, to safetensors; shared memory is written out twice."""
    import torch
    from safetensors.torch import save_file

    try:
        check_archive(source)
        state = torch.load(source, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:
        # torch raises a dozen kinds for damaged files and refused code alike.
        raise UserError(
            f"{source.name} cannot be read as plain tensors ({quoted(error)}): publish the model "
            "as safetensors"
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(item, torch.Tensor) for key, item in state.items()
    ):
        raise UserError(
            f"{source.name} holds something else than tensors by name ({_told(state)}): save "
            "those alone, as torch.save(model.state_dict(), ...) does"
        )
    try:
        check_tensors(state.values(), source)
        tensors = {key: item.detach().clone().contiguous() for key, item in state.items()}
        save_file(tensors, target, {"format": "pt"})
    except (ValueError, RuntimeError, TypeError, KeyError, AttributeError) as error:
        # Sparse and quantised tensors, each with its own way of failing.
        raise UserError(
            f"{source.name} holds tensors that safetensors cannot ({quoted(error)}): save plain "
            "dense ones"
        ) from error


def _told(state: Any) -> str:
    """What a pickle holds, in a few words."""
    if isinstance(state, Mapping):
        return f"a mapping of {shown(list(state))}" if state else "an empty mapping"
    return f"a {type(state).__name__}" + (
        f" of {len(state)}" if isinstance(state, Sequence) and not isinstance(state, str) else ""
    )
