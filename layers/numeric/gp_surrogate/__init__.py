"""A numpy-only Gaussian process for mixed search spaces; it knows points and values, not studies."""
