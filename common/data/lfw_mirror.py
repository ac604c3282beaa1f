"""Where LFW can still be downloaded: scikit-learn's mirror of the files, with their checksums.

The original site is gone since 2025. No mirror of the lists of people or of the deep-funneled
images is known.
"""

from typing import NamedTuple


class Remote(NamedTuple):
    """A file on the mirror."""

    url: str
    sha256: str


_SITE = "https://ndownloader.figshare.com/files/"

MIRROR = {
    "lfw.tgz": Remote(
        _SITE + "5976018", "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0"
    ),
    "lfw-funneled.tgz": Remote(
        _SITE + "5976015", "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a"
    ),
    "pairs.txt": Remote(
        _SITE + "5976006", "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592"
    ),
    "pairsDevTrain.txt": Remote(
        _SITE + "5976012", "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa"
    ),
    "pairsDevTest.txt": Remote(
        _SITE + "5976009", "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c"
    ),
}
