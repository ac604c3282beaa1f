"""The triplet loss: choose the triplets, then differentiate.

L = sum over triplets of [d_ap - d_an + margin]_+ ,  d the squared distance of embeddings.

mining.py chooses the triplets, tally.py sums over them and takes the gradient.

Source: Schroff et al. 2015, Sec. 3.1, Eq. 3. Differs: the sum is divided by the number of
  pairs, unless switched off (docs/facenet.md).
"""

from functools import partial
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from common.types import Embeddings, Labels
from facenet_jax.mining import SEMI_HARD, Mining
from facenet_jax.tally import Tally, tally_anchors

Mean: TypeAlias = Literal["pairs", "triplets", "sum"]
"""What the sum is divided by: the anchor-positive pairs, which mining does not move, so that
gradients shrink as fewer triplets are left (anchors with a positive, for batch-hard); the triplets
whose loss is above zero; or nothing, as the paper prints it."""


class Statistics(NamedTuple):
    """What to watch at each step; without gradient."""

    found: Float[Array, ""]
    """Share of the pairs for which the rule found a negative: a semi-hard one, where it wants
    such."""
    active: Float[Array, ""]
    """Share of the pairs whose triplet has a loss above zero."""
    pairs: Float[Array, ""]
    """Anchor-positive pairs, in both orders; anchors with a positive, for batch-hard."""
    d_ap: Float[Array, ""]
    """Mean squared distance over all pairs of faces of one identity; 0 if there are none."""
    d_an: Float[Array, ""]
    """The same, of two identities."""
    spread: Float[Array, ""]
    """Mean squared distance of the embeddings from their mean: near 1 on the whole sphere, 0 when
    all have collapsed into one point."""


def triplet_loss(
    embeddings: Embeddings,
    labels: Labels,
    mining: Mining = SEMI_HARD,
    *,
    mean: Mean = "pairs",
    block: int | None = 256,
    key: PRNGKeyArray | None = None,
) -> tuple[Float[Array, ""], Statistics]:
    """The loss of a batch and what to watch.

    A batch of one identity, or of none twice, has loss 0 and gradient 0; so have embeddings that
    all coincide, under a rule with a window and no fallback. Embeddings that are not finite make
    the loss NaN.

    Args:
      embeddings: rows on the unit sphere, each both anchor and, for others, positive or negative.
      labels: any integers; any number of faces an identity.
      mining: which triplets.
      mean: what the sum is divided by.
      block: anchors at a time: memory is block x batch, and the gradient is made together with the
        loss. None for all at once: memory is batch x batch, and nothing stands between the formula
        and its gradient.
      key: for `random-in-window`, which needs one.

    Raises:
      ValueError: embeddings and labels that do not match, blocks below 1, or a key that is lacking.

    Example:
      >>> z = jnp.array([[1.0, 0.0], [0.96, 0.28], [0.936, -0.352]])
      >>> loss, statistics = triplet_loss(z, jnp.array([7, 7, 3]))
      >>> round(float(loss), 3), float(statistics.found)  # (0.08 - 0.128 + 0.2) / 2 pairs
      (0.076, 0.5)
    """
    z, labels, key = prepared(embeddings, labels, mining, key)
    return _triplet_loss(z, labels, key, mining, mean, block)


@partial(jax.jit, static_argnums=(3, 4, 5))
def _triplet_loss(
    z: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    key: PRNGKeyArray,
    mining: Mining,
    mean: Mean,
    block: int | None,
) -> tuple[Float[Array, ""], Statistics]:
    tally = tally_anchors(z, labels, jnp.arange(len(z)), mining, key, block=block)
    return summarize(tally, mean)


def summarize(tally: Tally, mean: Mean) -> tuple[Float[Array, ""], Statistics]:
    """Loss and statistics of the sums over a whole batch."""
    divisor = {"pairs": tally.pairs, "triplets": tally.active, "sum": jnp.ones(())}[mean]
    loss = tally.loss / jnp.maximum(divisor, 1)
    tally = jax.lax.stop_gradient(tally)
    pairs = jnp.maximum(tally.pairs, 1)
    center = tally.embeddings / tally.anchors
    return loss, Statistics(
        found=tally.found / pairs,
        active=tally.active / pairs,
        pairs=tally.pairs,
        d_ap=tally.d_ap / jnp.maximum(tally.positives, 1),
        d_an=tally.d_an / jnp.maximum(tally.negatives, 1),
        spread=tally.squares / tally.anchors - jnp.sum(center * center),
    )


def prepared(
    embeddings: Embeddings, labels: Labels, mining: Mining, key: PRNGKeyArray | None
) -> tuple[Float[Array, "batch dim"], Int[Array, " batch"], PRNGKeyArray]:
    """Checked inputs as JAX arrays, at least in float32; a key that nobody needs, if none is given.

    Raises:
      ValueError: embeddings and labels that do not match, or a key that is lacking.
    """
    if len(embeddings) != len(labels) or not len(labels):
        raise ValueError(
            f"{len(embeddings)} embeddings and {len(labels)} labels; wanted as many, at least one"
        )
    if key is None:
        if mining.rule == "random-in-window":
            raise ValueError("random-in-window draws lots: give it a key, another one each step")
        key = jax.random.key(0)
    if isinstance(labels, np.ndarray):  # JAX would cut integers of 64 bits
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    exact = jnp.promote_types(embeddings.dtype, jnp.float32)
    return jnp.asarray(embeddings, exact), jnp.asarray(labels), key
