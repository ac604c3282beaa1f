"""FaceNet: a face in, a point on the unit sphere out; squared distance says how alike two are."""

from functools import partial

from flax import nnx
from jaxtyping import Array, Float

from common.layers import BatchNorm, unit_sphere
from facenet_jax.config import NetworkConfig
from facenet_jax.layers import Draws
from facenet_jax.nn1 import NN1
from facenet_jax.nn2 import NN2
from facenet_jax.residual import Residual
from facenet_jax.residual_prelu import ResidualPReLU
from facenet_jax.tables import rows, total


class FaceNet(nnx.Module):
    """One of the networks, and the projection to the unit sphere.

    Source: Schroff et al. 2015, Sec. 3, Fig. 2. Differs: the paper does not say how pixels enter;
      here they are shifted and scaled to about mean 0 and variance 1.
    """

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        self.config = config
        draws = Draws(rngs.params(), total(rows(config)).weights)
        others = {"NN1": NN1, "residual": Residual, "residual-prelu": ResidualPReLU}
        kind = others.get(config.network, NN2)
        self.network = kind(config, draws=draws)
        self.norm = BatchNorm(config.embedding_size) if config.embedding_norm else None

    def __call__(
        self, images: Float[Array, "batch side side 3"], *, training: bool = False
    ) -> Float[Array, "batch dim"]:
        """Embed faces.

        Args:
          images: RGB, 0 to 1, of the configured side.
          training: with batch normalization, normalize by this batch and update the running
            averages in place; without, it changes nothing.

        Returns:
          Embeddings of length 1, in float32.

        Raises:
          ValueError: images of another size.
        """
        side = self.config.side
        if images.shape[1:] != (side, side, 3):
            raise ValueError(
                f"images of {images.shape[1:]}; {self.config.network} is configured for "
                f"{(side, side, 3)}: resize them, or set `side`"
            )
        z = self.network(4 * (images - 0.5), training=training)
        if self.norm is not None:
            z = self.norm(z[:, None, None], training=training)[:, 0, 0]
        return unit_sphere(z)


@partial(nnx.jit, static_argnums=0)
def build(config: NetworkConfig, rngs: nnx.Rngs) -> FaceNet:
    """The network with random weights, made under jit: op by op that takes far longer.

    Example:
      >>> model = build(NetworkConfig("NN1", side=16, width=1 / 64), nnx.Rngs(0))
      >>> model.config.embedding_size
      128
    """
    return FaceNet(config, rngs=rngs)
