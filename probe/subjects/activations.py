"""Pooled states on disk, batch by batch, so that an interrupted pass goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._check import refuse
from .tensor_files import load_tensors, save_tensors, write_atomic

_FORMAT = 1


class ActivationStore:
    """A folder of safetensors shards and a manifest that says what they are.

    One shard is one batch: (layer, example, feature) float32 with a checksum. The manifest holds
    the fingerprint of the pass (weights, texts, tokens, pooling, layers, type, batch size); a
    folder that holds another pass is refused. Every file is written whole or not at all.

    Parameters
    ----------
    folder
        Created if it is not there.
    fingerprint
        What the pass depends on; JSON values.

    Raises
    ------
    ValueError
        If the folder holds another pass, or its manifest cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> ActivationStore(folder, {"texts_hash": "ab"}).write(0, np.ones((3, 2, 4), np.float32))
    >>> again = ActivationStore(folder, {"texts_hash": "ab"})
    >>> again.read(0, shape=(3, 2, 4)).shape, again.read(1, shape=(3, 2, 4))
    ((3, 2, 4), None)
    """

    def __init__(self, folder: str | Path, fingerprint: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.fingerprint = json.loads(json.dumps(dict(fingerprint)))
        manifest = self.folder / "manifest.json"
        if not manifest.exists():
            content = {"format": _FORMAT, "fingerprint": self.fingerprint}
            write_atomic(manifest, json.dumps(content, indent=1, sort_keys=True).encode())
            return
        held = _read(manifest)
        different = sorted(
            key
            for key in held.keys() | self.fingerprint.keys()
            if held.get(key) != self.fingerprint.get(key)
        )
        if different:
            listed = ", ".join(
                f"{key} {held.get(key)!r} instead of {self.fingerprint.get(key)!r}"
                for key in different
            )
            refuse(
                "store",
                "be a new folder or one that this very pass began",
                f"{str(folder)!r}, which holds {listed}",
                "Give another folder, or delete this one.",
            )

    def write(self, number: int, block: np.ndarray) -> None:
        """Keep the block (layer, example, feature) of batch `number`."""
        tensor = torch.from_numpy(np.ascontiguousarray(block))
        save_tensors(self._path(number), {"states": tensor}, {"sha256": _checksum(block)})

    def read(self, number: int, *, shape: tuple[int, ...]) -> np.ndarray | None:
        """The block of batch `number`, or None where it must be computed.

        A shard that is cut short, changed or of another shape counts as not there.
        """
        path = self._path(number)
        if not path.exists():
            return None
        try:
            tensors, metadata = load_tensors(path)
        except ValueError:
            return None
        block = tensors["states"].numpy() if "states" in tensors else None
        if block is None or block.shape != shape or metadata.get("sha256") != _checksum(block):
            return None
        return block

    def _path(self, number: int) -> Path:
        return self.folder / f"shard-{number:06d}.safetensors"


def _read(manifest: Path) -> dict[str, Any]:
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        if content["format"] == _FORMAT:
            return dict(content["fingerprint"])
        problem = f"format {content['format']!r}"
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__}: {error}"
    refuse(
        "store",
        "hold a manifest.json that can be read",
        f"{str(manifest)!r} ({problem})",
        "Give another folder, or delete this one.",
    )


def _checksum(block: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(block).view(np.uint8).data).hexdigest()
