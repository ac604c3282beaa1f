import pytest

from common.data import variant as module
from common.data.content import sha256_of_file
from common.data.lfw import find_lfw
from common.data.lfw_content import read_content
from common.data.variant import ORIGIN_FILE, variant_of
from common.protocol import ImageName


@pytest.fixture(autouse=True)
def in_own_cache(own_cache):
    """Nothing is written outside the test, and nothing is asked of the real mirror."""


def known(variant):
    return {
        ImageName(name.rsplit("_", 1)[0], int(name[-4:])): digest
        for name, digests in module._IMAGES.items()
        for digest, is_variant in digests.items()
        if is_variant == variant
    }


def test_variant_by_content():
    original, deep = known("original"), known("deepfunneled")
    assert len(original) == 9
    assert variant_of(original, images_sha256="") == "original"
    assert variant_of(deep, images_sha256="") == "deepfunneled"
    assert variant_of(dict(list(original.items())[3:5]), images_sha256="") == "original"
    assert variant_of(original | deep, images_sha256="") == "unknown"
    altered = original | {ImageName("Danny_Glover", 1): "0" * 64}
    assert variant_of(altered, images_sha256="") == "unknown"
    assert variant_of({}, images_sha256="") == "unknown"
    assert variant_of({ImageName("A", 1): "0" * 64}, images_sha256="") == "unknown"


def test_funneled_is_known_by_its_archive_until_an_image_changes(
    fake_lfw, tmp_path, monkeypatch, pack
):
    fake_lfw.write(tmp_path / "data", folder="lfw_funneled")
    archive = pack(tmp_path / "data" / "lfw_funneled", tmp_path / "data" / "lfw-funneled.tgz")

    def variant():
        folder = find_lfw(archive)
        content = read_content(folder, official=False)
        return folder, variant_of(
            content.digests, images_sha256=content.images_sha256, folder=folder.images
        )

    assert variant()[1] == "unknown"
    monkeypatch.setitem(module._ARCHIVES, sha256_of_file(archive), "funneled")
    folder, name = variant()
    assert name == "funneled"
    image = folder.images / "Bob_Person-A" / "Bob_Person-A_0003.jpg"
    image.write_bytes(image.read_bytes() + b"?")
    assert variant()[1] == "unknown"
    (folder.images / ORIGIN_FILE).write_text("[]")
    assert variant()[1] == "unknown"
