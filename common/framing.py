"""How much of a square face a network looks at."""


def upright_columns(side: int) -> int:
    """Columns of an upright picture, 6/7 as wide as high, out of the middle of a square one.

    As many are left out on either side: hair and background, mostly.

    Args:
      side: of the square, in pixels.

    Example:
      >>> upright_columns(112), upright_columns(64)
      (96, 54)

    Source: Liu et al. 2017, "SphereFace", Sec. 4.1 (112 x 96 pixels).
    """
    return side - 2 * round(side / 14)
