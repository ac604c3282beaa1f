"""Mining: which negative goes with which anchor and positive.

A pair is an anchor and a positive, both ways round; for every pair of the batch a rule chooses one
negative, or none. With d the squared distance, a negative is semi-hard when
d_ap < d_an < d_ap + margin.

The work goes in slots: in slot s, every anchor has its s-th positive, and one masked minimum over
all negatives serves all anchors at once. So memory is anchors x batch, and any labels will do: the
number of slots is the largest identity's number of faces less one, found while running.

Source: Schroff et al. 2015, Sec. 3.2, Eq. 4 (semi-hard; the hardest, with a warning); Hermans,
  Beyer, Leibe 2017, Sec. 2 (batch-hard).
"""

from dataclasses import dataclass
from functools import reduce
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from facenet_jax.config import PAPER

Rule: TypeAlias = Literal["semi-hard", "random-in-window", "hardest", "batch-hard"]


@dataclass(frozen=True)
class Mining:
    """What makes a triplet."""

    rule: Rule = "semi-hard"
    """`semi-hard`: for every pair the nearest semi-hard negative (the paper does not say which of
    them). `random-in-window`: any of them. `hardest`: for every pair the nearest negative; the
    paper warns that it collapses. `batch-hard`: one triplet for each anchor, of its farthest
    positive and its nearest negative."""
    margin: float = PAPER.margin
    """alpha, between squared distances."""
    fallback: Literal["none", "farthest"] = "none"
    """For a pair with every negative nearer than the positive, where the window is empty: no
    triplet, or the farthest negative, which is the least hard (as TensorFlow Addons has it). Rules
    without a window always find a negative, and take no notice."""

    def __post_init__(self) -> None:
        if not self.margin > 0:
            raise ValueError(f"the margin is {self.margin}; wanted one above zero")


PIECES = 8
"""That rows are folded into."""

SEMI_HARD = Mining()
"""The paper's."""


class Groups(NamedTuple):
    """The faces of a batch, sorted by identity."""

    order: Int[Array, " batch"]
    """Numbers of the faces, each identity's beside one another."""
    start: Int[Array, " batch"]
    """For each face: where its identity begins in `order`,"""
    rank: Int[Array, " batch"]
    """how far behind that the face itself is,"""
    size: Int[Array, " batch"]
    """and how many faces of that identity there are."""


class Chosen(NamedTuple):
    """One slot: a triplet at most for each anchor."""

    positive: Int[Array, " anchors"]
    negative: Int[Array, " anchors"]
    pair: Bool[Array, " anchors"]
    """Whether there was a positive to find a negative for."""
    found: Bool[Array, " anchors"]
    """Whether the rule found one; if not, `negative` means nothing."""


def group(labels: Int[Array, " batch"]) -> Groups:
    """Sort faces by identity."""
    order = jnp.argsort(labels)
    place = jnp.argsort(order)
    start = jnp.searchsorted(labels[order], labels)
    end = jnp.searchsorted(labels[order], labels, side="right")
    return Groups(order, start, place - start, end - start)


class Candidates(NamedTuple):
    """What mining looks at for a block of anchors."""

    anchors: Int[Array, " anchors"]
    """Numbers of faces; one beyond the batch stands for no anchor."""
    distances: Float[Array, "anchors batch"]
    """d of each anchor from every face."""
    negatives: Float[Array, "anchors batch"]
    """d where the face is of another identity, inf elsewhere."""
    lots: Float[Array, "anchors batch"] | None
    """Random numbers from 0 to 1, for `random-in-window`."""


def slots(groups: Groups, mining: Mining) -> Int[Array, ""]:
    """How many slots there are; `choose` takes any number below."""
    if mining.rule == "batch-hard":
        return jnp.ones((), groups.size.dtype)
    return groups.size.max() - 1


def choose(
    slot: Int[Array, ""] | int, candidates: Candidates, groups: Groups, mining: Mining
) -> Chosen:
    """The triplets of one slot."""
    d, negatives = candidates.distances, candidates.negatives
    batch = d.shape[1]
    anchors = jnp.minimum(candidates.anchors, batch - 1)
    size, rank, start = groups.size[anchors], groups.rank[anchors], groups.start[anchors]
    if mining.rule == "batch-hard":
        others = jnp.isposinf(negatives) & (jnp.arange(batch) != anchors[:, None])
        positive = jnp.argmax(jnp.where(others, d, -jnp.inf), axis=1)
        pair = size > 1
    else:
        # The others of the identity in turn, beginning behind the anchor itself.
        positive = groups.order[start + (rank + 1 + slot) % size]
        pair = slot + 1 < size
    pair = pair & (candidates.anchors < batch)
    any_negative = size < batch

    if mining.rule in ("hardest", "batch-hard"):
        negative, _ = _least(negatives)
        return Chosen(positive, negative, pair, pair & any_negative)

    d_ap = jnp.take_along_axis(d, positive[:, None], axis=1)
    negative, d_an = _least(jnp.where(negatives > d_ap, negatives, jnp.inf))
    found = d_an < d_ap[:, 0] + mining.margin
    if candidates.lots is not None:
        # Each pair reads the anchor's lots from another beginning: its positive's, which is free.
        lots = candidates.lots - jnp.take_along_axis(candidates.lots, positive[:, None], axis=1)
        window = (negatives > d_ap) & (negatives < d_ap + mining.margin)
        negative, _ = _least(jnp.where(window, lots % 1, jnp.inf))
    if mining.fallback == "farthest":
        window_is_behind = jnp.isposinf(d_an) & any_negative
        farthest, _ = _least(jnp.where(jnp.isposinf(negatives), jnp.inf, -negatives))
        negative = jnp.where(window_is_behind, farthest, negative)
        found = found | window_is_behind
    return Chosen(positive, negative, pair, pair & found)


def draw_lots(
    key: PRNGKeyArray, anchors: Int[Array, " anchors"], batch: int
) -> Float[Array, "anchors batch"]:
    """A random number for each anchor and face, whatever other anchors there are."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, anchors)
    return jax.vmap(lambda key: jax.random.uniform(key, (batch,)))(keys)


def _least(
    values: Float[Array, "anchors batch"],
) -> tuple[Int[Array, " anchors"], Float[Array, " anchors"]]:
    """Where each row is least (the first place of several), and the value there.

    Two plain minima, since on a CPU XLA takes twice as long for one argmin.
    """
    least = _minimum(values)
    last = values.shape[1] - 1
    places = jnp.where(values == least[:, None], jnp.arange(last + 1), last)
    return _minimum(places), least


def _minimum(values: Shaped[Array, "anchors batch"]) -> Shaped[Array, " anchors"]:
    """Of each row.

    Rows are folded onto themselves first: minima of whole pieces, number by number, which a CPU
    takes many at a time, where XLA's minimum along a row goes through it one by one. Where a row
    does not divide evenly, the last piece begins within the one before; a minimum does not mind.
    """
    batch = values.shape[1]
    piece = -(-batch // PIECES)
    starts = (min(number * piece, batch - piece) for number in range(PIECES))
    return jnp.min(reduce(jnp.minimum, [values[:, at : at + piece] for at in starts]), axis=1)
