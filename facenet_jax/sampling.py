"""Which faces make a batch: some identities with many faces each, and random faces besides.

Source: Schroff et al. 2015, Sec. 3.2: about 40 faces of each identity in a batch, and randomly
  sampled negatives. How identities and faces are selected is not published.
"""

from typing import Any
from zlib import crc32

import numpy as np
from jaxtyping import Int


class IdentityBatches:
    """Endless batches of face numbers: `identities` with up to `faces` each, and random ones.

    In an epoch every face of an identity that has two or more comes once in a group of its
    identity: a shuffled identity is cut into groups of at most `faces`, as equal as they can be (a
    lone last face takes a second one along, which is then seen twice). No identity has two groups
    in a batch. Where groups are short or lacking, further random faces fill the batch, so that all
    batches have one size. Random faces are any that are not in the batch yet: nearly all of them
    negatives to everybody, now and then another positive. People with one face come only so.
    """

    def __init__(
        self,
        labels: Int[np.ndarray, " images"],
        *,
        identities: int,
        faces: int,
        negatives: int = 0,
        seed: int = 0,
    ):
        """The same arguments give the same batches.

        Args:
          labels: identity of each face, any integers.
          identities: in a batch, at most; at least 1.
          faces: of an identity in a batch, at most; at least 2.
          negatives: random faces in a batch, at least.
          seed: of the shuffles.

        Raises:
          ValueError: a batch that the faces cannot fill, or that could have no triplet.
        """
        self.batch = identities * faces + negatives
        """Faces of a batch."""
        if identities < 1 or faces < 2 or negatives < 0 or identities + negatives < 2:
            raise ValueError(
                f"{identities} identities of {faces} faces and {negatives} random faces; wanted "
                "two faces or more of each identity, and somebody else to tell them from"
            )
        if self.batch > len(labels):
            raise ValueError(f"a batch of {self.batch} faces, but there are {len(labels)} in all")
        names, of = np.unique(labels, return_inverse=True)
        people = np.split(np.argsort(of, kind="stable"), np.cumsum(np.bincount(of))[:-1])
        self._people = [own for own in people if len(own) > 1]
        if len(names) < 2 or not self._people:
            raise ValueError(
                f"{len(labels)} faces of {len(names)} identities, {len(self._people)} of them with "
                "two faces or more; wanted two identities, and one with two faces"
            )
        self._all = np.arange(len(labels))
        self._identities, self._faces, self._seed = identities, faces, seed
        groups = [-(-len(own) // faces) for own in self._people]
        self.per_epoch = max(-(-sum(groups) // identities), max(groups))
        """Batches of an epoch."""
        settings = np.array([identities, faces, negatives, seed], np.int64)
        self._fingerprint = crc32(settings.tobytes() + of.astype(np.int64).tobytes())
        self._epoch = self._next = 0
        self._groups = self._shuffled()

    def __iter__(self) -> "IdentityBatches":
        return self

    def __next__(self) -> Int[np.ndarray, " batch"]:
        if self._next == self.per_epoch:
            self._epoch, self._next = self._epoch + 1, 0
            self._groups = self._shuffled()
        # An identity's groups stand beside one another, so they go to as many batches.
        chosen = np.concatenate(self._groups[self._next :: self.per_epoch])
        others = np.delete(self._all, chosen)
        rng = np.random.default_rng((self._seed, self._epoch, self._next))
        self._next += 1
        fill = rng.choice(others, self.batch - len(chosen), replace=False)
        return np.concatenate([chosen, fill])

    def get_state(self) -> dict[str, Any]:
        """Where it is, as JSON can hold it."""
        return {"epoch": self._epoch, "batch": self._next, "fingerprint": self._fingerprint}

    def set_state(self, state: dict[str, Any], /) -> None:
        """Go there.

        Raises:
          ValueError: the state is of other faces or other settings.
        """
        if state["fingerprint"] != self._fingerprint:
            raise ValueError(
                "this place is one among batches of other faces, sizes or seed; go on with those, "
                "or begin a new run"
            )
        self._epoch, self._next = state["epoch"], state["batch"]
        self._groups = self._shuffled()

    def _shuffled(self) -> list[Int[np.ndarray, " faces"]]:
        """The groups of an epoch."""
        rng = np.random.default_rng((self._seed, self._epoch))
        groups = []
        for person in rng.permutation(len(self._people)):
            own = rng.permutation(self._people[person])
            for part in np.array_split(own, -(-len(own) // self._faces)):
                groups.append(part if len(part) > 1 else np.append(part, own[0]))
        return groups
