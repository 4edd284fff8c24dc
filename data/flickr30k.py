"""Flickr30k Entities: photographs, captions by people, and boxes of what their phrases name.

The dataset is not free to pass on. A folder that the user has, by its terms, is read as it is:
https://github.com/BryanPlummer/flickr30k_entities, images from the authors of Flickr30k.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ._flickr30k_format import Annotation, Sentence, read_annotation, read_sentences
from ._image_file import read_image
from .records import GroundedPair, Phrase

_IMAGES = ("flickr30k-images", "flickr30k_images", "Images", "images")


def load_flickr30k_entities(
    folder: str | Path, *, split: str | None = None, limit: int | None = None
) -> list[GroundedPair]:
    """Photographs with captions: one pair for each sentence, five to an image.

    Parameters
    ----------
    folder
        Holds `Annotations/<image>.xml`, `Sentences/<image>.txt` and the images, as
        `flickr30k-images/<image>.jpg` or in a folder named `images`.
    split
        "train", "val" or "test": those images that `<split>.txt` in the folder lists; None for all
        that have sentences.
    limit
        Only the first so many images. None for all.

    Returns
    -------
    list of GroundedPair
        `regions` are the boxes of the phrases' things, in order of the file, each once; sentences
        of one image share them. A phrase's kind is the type in the file ("people", "clothing",
        "bodyparts", "animals", "vehicles", "instruments", "scene", "other"), the first where it has
        several, and "notvisual" where its id is 0. Phrases whose thing has no box ("scene" and
        "nobox" in the file) are linked to none. `attrs` holds `image`, `sentence` (0 to 4), `split`
        and `scene_phrases`, how many phrases name the scene as a whole.

    Raises
    ------
    FileNotFoundError
        If a folder or a file is missing. The message names it.
    ValueError
        If there is no such split, a file is not in the published format, or nothing is there.

    Notes
    -----
    Plummer et al. 2015 (arXiv:1505.04870), Young et al. 2014. Boxes that reach over the image's
    border are cut there; boxes without area, of which the annotations have some, are left out.
    All pixels are held: 31,783 photographs need `limit` or a split on a small machine.
    """
    folder = Path(folder)
    images = _folders(folder)
    names = _names(folder, split)
    if limit is not None:
        if limit < 1:
            raise ValueError(f"`limit` must be at least 1; got {limit}.")
        names = names[:limit]
    return [pair for name in names for pair in _pairs(folder, images, name, split)]


def _folders(folder: Path) -> Path:
    for part in ("Annotations", "Sentences"):
        if not (folder / part).is_dir():
            raise FileNotFoundError(
                f"`folder` must hold the folder {part}; {folder / part} is missing. Unpack "
                "annotations.zip of the Flickr30k Entities repository there."
            )
    for part in _IMAGES:
        if (folder / part).is_dir():
            return folder / part
    raise FileNotFoundError(
        f"`folder` must hold the images in a folder {_IMAGES[0]} or images; {folder} holds neither."
    )


def _names(folder: Path, split: str | None) -> list[str]:
    if split is None:
        names = sorted(path.stem for path in (folder / "Sentences").glob("*.txt"))
        if not names:
            raise ValueError(f"{folder / 'Sentences'} must hold files <image>.txt; got none.")
        return names
    if split not in ("train", "val", "test"):
        raise ValueError(f"`split` must be one of 'train', 'val', 'test'; got {split!r}.")
    path = folder / f"{split}.txt"
    if not path.is_file():
        raise FileNotFoundError(
            f"`split` needs the list of its images; {path} is missing. It lies in the Flickr30k "
            "Entities repository."
        )
    names = path.read_text(encoding="utf-8").split()
    if not names:
        raise ValueError(f"{path} must list images; got an empty file.")
    return names


def _pairs(folder: Path, images: Path, name: str, split: str | None) -> Iterator[GroundedPair]:
    annotation = read_annotation(folder / "Annotations" / f"{name}.xml")
    image = read_image(images / f"{name}.jpg")
    height, width = image.shape[:2]
    if (width, height) != (annotation.width, annotation.height):
        raise ValueError(
            f"{images / name}.jpg must have the size that its annotation tells, "
            f"{annotation.width} x {annotation.height} pixels; got {width} x {height}."
        )
    for number, sentence in enumerate(read_sentences(folder / "Sentences" / f"{name}.txt")):
        attrs = {"image": name, "sentence": number, "split": split or "", "source": "Flickr30k"}
        attrs["scene_phrases"] = sum(p.entity in annotation.scene for p in sentence.phrases)
        yield GroundedPair(
            image=image,
            words=sentence.words,
            regions=annotation.boxes,
            phrases=tuple(Phrase(p.start, p.end, p.kind) for p in sentence.phrases),
            links=_links(sentence, annotation),
            region_names=annotation.names,
            name=f"flickr30k-{name}-{number}",
            attrs=attrs,
        )


def _links(sentence: Sentence, annotation: Annotation) -> list[tuple[int, int]]:
    return [
        (i, region)
        for i, phrase in enumerate(sentence.phrases)
        for region in annotation.regions_of.get(phrase.entity, ())
    ]
