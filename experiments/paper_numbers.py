"""Every published number that the tables and plots show, with its paper, table and protocol.

Accuracy is a share of the 6,000 pairs of LFW's View 2; after it the standard error over ten folds.
Only this file holds published numbers; measured ones stand in experiments/results/.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

LFW_RESULTS = "LFW results page, vis-www.cs.umass.edu/lfw/results.html"


@dataclass(frozen=True)
class Published:
    """One published figure on LFW."""

    accuracy: float
    standard_error: float | None
    protocol: str
    """A category of `common.protocol.Category`, or the paper's own word."""
    source: str
    auc: float | None = None
    training_images: str = "-"
    """As the paper says it, with the people where they are known."""
    training_count: int | None = None
    """The same images as a number, for pictures; None where the paper gives none."""
    embedding_size: int | None = None

    def as_record(self) -> dict[str, Any]:
        """The `published` block of a record: only what was published."""
        return {key: value for key, value in asdict(self).items() if value is not None}


NINE_FOLDS = "nine folds of LFW"
"""`training_images` of a row that saw nothing but LFW; how many that is, our records say."""

NO_IMAGES = "none"
"""`training_images` of a row that learned nothing."""

HUMAN = "Human, cropped faces"

_NO_OUTSIDE = "image-restricted-no-outside-data"
_LABELED = "unrestricted-labeled-outside-data"

EIGENFACES = Published(
    0.6002, 0.0079, _NO_OUTSIDE,
    f"{LFW_RESULTS}, table of image-restricted results without outside data; the AUC is that of "
    "the page's ROC file",
    auc=0.6483, training_images=NINE_FOLDS,
)  # fmt: skip

FRONTALIZED_LBP = Published(
    0.914, None, "image-restricted (the paper's word)",
    "Taigman et al. 2014, Sec. 5.3: frontalized faces, LBP histograms and an SVM, no network",
    training_images=NINE_FOLDS,
)  # fmt: skip


def _deepface(
    accuracy: float, error: float | None, protocol: str, where: str, units: int
) -> Published:
    return Published(
        accuracy, error, protocol, f"Taigman et al. 2014, {where}",
        training_images="4.4 M of 4,030 people", training_count=4_400_000, embedding_size=units,
    )  # fmt: skip


_UNSUPERVISED, _RESTRICTED, _UNRESTRICTED = (
    f"{word} (the paper's word)" for word in ("unsupervised", "restricted", "unrestricted")
)
_NOT_SAID = "not said"

DEEPFACE: dict[str, Published] = {
    "inner-product": _deepface(
        0.9592, 0.0029, _UNSUPERVISED, "Table 3: DeepFace-single, inner product", 4096
    ),
    "chi-squared": _deepface(
        0.9700, 0.0028, _RESTRICTED,
        "Table 3: DeepFace-single, kernel SVM on chi-squared vectors", 4096,
    ),
    "ensemble": _deepface(0.9715, 0.0027, _RESTRICTED, "Table 3: three networks", 3 * 4096),
    "siamese": _deepface(0.9617, 0.0038, _UNRESTRICTED, "Table 2: DeepFace-Siamese", 4096),
    "gradient-inner-product": _deepface(
        0.9582, 0.0037, _NOT_SAID, "Table 2: DeepFace-gradient", 4096
    ),
    "2d-inner-product": _deepface(0.9430, 0.0043, _NOT_SAID, "Table 2: DeepFace-align2D", 4096),
    "center-crop-inner-product": _deepface(
        0.879, None, _NOT_SAID, "Sec. 5.3: no alignment but the detection's center crop", 4096
    ),
}  # fmt: skip
"""The paper's own verification metrics."""

DEEPFACE_FEATURES_SECONDS = 0.18
"""Features of one aligned face on one core of 2.2 GHz (Taigman et al. 2014, Sec. 5.5)."""

CLASSICAL: dict[str, Published] = {
    "Nowak, original": Published(
        0.7245, 0.0040, _NO_OUTSIDE, LFW_RESULTS, training_images=NINE_FOLDS
    ),
    "Nowak, funneled": Published(
        0.7393, 0.0049, _NO_OUTSIDE, LFW_RESULTS, training_images=NINE_FOLDS
    ),
    "3 x 3 multi-region histograms": Published(
        0.7295, 0.0055, _NO_OUTSIDE, LFW_RESULTS, training_images=NINE_FOLDS
    ),
    "Pixels / MKL, funneled": Published(
        0.6822, 0.0041, _NO_OUTSIDE, LFW_RESULTS, training_images=NINE_FOLDS
    ),
    "Hybrid descriptor, funneled": Published(
        0.7847, 0.0051, _NO_OUTSIDE, LFW_RESULTS, training_images=NINE_FOLDS
    ),
    "V1-like / MKL, funneled": Published(
        0.7935, 0.0055, _NO_OUTSIDE, LFW_RESULTS, training_images=NINE_FOLDS
    ),
    "SD-MATCHES": Published(0.6410, 0.0062, "unsupervised", LFW_RESULTS, training_images=NO_IMAGES),
    "GJD-BC-100": Published(0.6847, 0.0065, "unsupervised", LFW_RESULTS, training_images=NO_IMAGES),
    "H-XS-40 (LBP)": Published(
        0.6945, 0.0048, "unsupervised", LFW_RESULTS, training_images=NO_IMAGES
    ),
    HUMAN: Published(0.9753, None, "human", LFW_RESULTS),
}
"""Rows of LFW's results page that the table shows beside ours."""

SPHEREFACE = Published(
    0.9942, None, _LABELED,
    "Liu et al., CVPR 2017: 64 layers, its own figure; later papers print 0.9947 for it, and five "
    "runs of 20 layers are 0.9913 to 0.9930 by the authors' page (wy1iu/sphereface)",
    training_images="0.49 M (CASIA-WebFace)", training_count=490_000, embedding_size=512,
)  # fmt: skip

DEEP: dict[str, Published] = {
    "DeepFace, single network": DEEPFACE["chi-squared"],
    "DeepFace, ensemble of three networks": DEEPFACE["ensemble"],
    "FaceNet, fixed center crop": Published(
        0.9887, 0.0015, _LABELED, "Schroff et al. 2015, Sec. 5.6",
        training_images="200 M of 8 M people", training_count=200_000_000, embedding_size=128,
    ),
    "FaceNet, aligned": Published(
        0.9963, 0.0009, _LABELED, "Schroff et al. 2015, Sec. 5.6",
        training_images="200 M of 8 M people", training_count=200_000_000, embedding_size=128,
    ),
    "SphereFace, 64 layers": SPHEREFACE,
}  # fmt: skip
"""The rows of deep networks; the table shows each until a record stands in its place."""


def not_measured(shown: Iterable[Mapping[str, Any]]) -> dict[str, Published]:
    """The rows of `DEEP` that no record stands beside.

    Args:
      shown: the `published` blocks of the records.
    """
    found = list(shown)
    return {
        name: published for name, published in DEEP.items() if published.as_record() not in found
    }


LATER: dict[str, Published] = {
    "DeepFace, ensemble of eight networks": Published(
        0.9735, 0.0025, _UNRESTRICTED,
        "Taigman et al. 2014, Sec. 5.3: the three networks, a Siamese one and four more of the "
        "first kind from other seeds",
        training_images="4.4 M of 4,030 people, and 3 M more", training_count=7_400_000,
        embedding_size=8 * 4096,
    ),
    "VGGFace": Published(
        0.9895, None, _LABELED, "Parkhi, Vedaldi and Zisserman, BMVC 2015: LFW, unrestricted",
        training_images="2.6 M of 2,622 people", training_count=2_600_000, embedding_size=1024,
    ),
    "MobileFaceNet, CASIA-WebFace": Published(
        0.9928, None, _LABELED, "Chen et al. 2018, trained on CASIA-WebFace with ArcFace's loss",
        training_images="0.49 M (CASIA-WebFace)", training_count=490_000, embedding_size=128,
    ),
    "MobileFaceNet, refined MS1M": Published(
        0.9955, None, _LABELED, "Chen et al. 2018, trained on a refined MS-Celeb-1M",
        training_images="3.8 M of 85,000 people", training_count=3_800_000, embedding_size=128,
    ),
    "ArcFace, ResNet-100": Published(
        0.9983, None, _LABELED,
        "Deng et al., CVPR 2019, trained on MS1MV2; its Table 5 prints 0.9982",
        training_images="5.8 M of 85,000 people", training_count=5_800_000, embedding_size=512,
    ),
}  # fmt: skip
"""Published only: DeepFace's largest ensemble, of which only the first three networks are built
here, and rows that came later, to show where the field went."""

FACENET_TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "NN1": {
        "conv1": ("9K", ""), "conv2a": ("4K", ""), "conv2": ("111K", ""), "conv3a": ("37K", ""),
        "conv3": ("664K", ""), "conv4a": ("148K", ""), "conv4": ("885K", ""),
        "conv5a": ("66K", ""), "conv5": ("590K", ""), "conv6a": ("66K", ""),
        "conv6": ("590K", ""), "fc1": ("103M", ""), "fc2": ("34M", ""), "fc7128": ("524K", ""),
        "total": ("140M", "1.6B"),
    },
    "NN2": {
        "conv1": ("9K", "119M"), "2": ("115K", "360M"), "3a": ("164K", "128M"),
        "3b": ("228K", "179M"), "3c": ("398K", "108M"), "4a": ("545K", "107M"),
        "4b": ("595K", "117M"), "4c": ("654K", "128M"), "4d": ("722K", "142M"),
        "4e": ("717K", "56M"), "5a": ("1.6M", "78M"), "5b": ("1.6M", "78M"),
        "fc": ("131K", "0.1M"), "total": ("7.5M", "1.6B"),
    },
}  # fmt: skip
"""Schroff et al. 2015, Tables 1 and 2: parameters and FLOPS of each row, as printed. The rows that
are not named here have neither."""


@dataclass(frozen=True)
class PublishedStudy:
    """A paper's own study: a rate by setting."""

    source: str
    rates: dict[Any, tuple[float, float | None]]
    """With the standard error, where it is given."""

    def as_record(self) -> dict[str, Any]:
        """The `published` block of a study's record."""
        points = {str(setting): value for setting, (value, _) in self.rates.items()}
        return {"source": self.source, "points": points}


FACENET_STUDIES: dict[str, PublishedStudy] = {
    "facenet-quality": PublishedStudy(
        "Schroff et al. 2015, Table 4, JPEG quality: NN1, first split only",
        {10: (0.673, None), 20: (0.814, None), 30: (0.839, None), 50: (0.855, None),
         70: (0.861, None), 90: (0.865, None)},
    ),
    "facenet-pixels": PublishedStudy(
        "Schroff et al. 2015, Table 4, pixels: NN1, first split only",
        {1600: (0.378, None), 6400: (0.795, None), 14400: (0.845, None), 25600: (0.857, None),
         65536: (0.864, None)},
    ),
    "facenet-embedding": PublishedStudy(
        "Schroff et al. 2015, Table 5: NN1",
        {64: (0.868, 0.017), 128: (0.879, 0.019), 256: (0.877, 0.019), 512: (0.856, 0.020)},
    ),
    "facenet-share": PublishedStudy(
        "Schroff et al. 2015, Table 6: a smaller network on 96 x 96 pixels, after 700 hours",
        {2_600_000: (0.763, None), 26_000_000: (0.851, None), 52_000_000: (0.851, None),
         260_000_000: (0.862, None)},
    ),
}  # fmt: skip
"""By the name of our study: VAL at FAR 0.001."""

DEEPFACE_STUDIES: dict[str, PublishedStudy] = {
    "deepface-identities": PublishedStudy(
        "Taigman et al. 2014, Table 1: error by people (and millions of images)",
        {"1,500 people": (0.0700, None), "3,000 people": (0.0722, None),
         "4,030 people": (0.0874, None)},
    ),
    "deepface-share": PublishedStudy(
        "Taigman et al. 2014, Table 1: error by share of the 4.4 million images",
        {"10 %": (0.207, None), "20 %": (0.151, None), "50 %": (0.109, None),
         "100 %": (0.0874, None)},
    ),
    "deepface-depth": PublishedStudy(
        "Taigman et al. 2014, Table 1: error of networks without some layers",
        {"whole": (0.0874, None), "without C3": (0.112, None), "without L4, L5": (0.126, None),
         "without C3, L4, L5": (0.135, None)},
    ),
}  # fmt: skip
"""By the name of our study: share of held-out images of training people that are named wrongly."""
