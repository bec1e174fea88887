# SPDX-License-Identifier: MIT
"""The functions that the public headers declare."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARED = re.compile(r"^WEIR_EXPORT\s+([^;]*?)\s*(?:__attribute__[^;]*)?;", re.DOTALL | re.MULTILINE)
CALLBACK = re.compile(r"^typedef\s+([^;{}]*\([^;{}]*\));", re.MULTILINE)


def squeeze(text):
    """A prototype without the spaces that do not matter."""
    return re.sub(r"\s*([*(),])\s*", r"\1", " ".join(text.split()))


def find(text):
    """{function: prototype} of a header's text."""
    prototypes = map(squeeze, DECLARED.findall(COMMENT.sub("", text)))
    return {re.search(r"(\w+)\(", prototype).group(1): prototype for prototype in prototypes}


def libraries(root=ROOT):
    """{library: {function: prototype}}; libweir's headers are those that are no driver's."""
    drivers = {path.parent.name for path in root.glob("drivers/*/*.exports")}
    found = {"libweir": {}, **{f"libweir-{name}": {} for name in sorted(drivers)}}
    for header in sorted((root / "include/weir").glob("*.h")):
        library = f"libweir-{header.stem}" if header.stem in drivers else "libweir"
        found[library].update(find(header.read_text(encoding="utf8")))
    return found


def callbacks(root=ROOT):
    """The function types that the headers name, as prototypes, in order."""
    headers = sorted((root / "include/weir").glob("*.h"))
    return [squeeze(text) for header in headers
            for text in CALLBACK.findall(COMMENT.sub("", header.read_text(encoding="utf8")))]
