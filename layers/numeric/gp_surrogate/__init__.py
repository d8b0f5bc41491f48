"""A numpy-only Gaussian process for mixed search spaces; it knows points and values, not studies.

Read in this order: `kernel`, `evidence` (with `optimise`), `gp`, `acquisition`, `candidates`,
`encoding`, `region`.
"""

from gp_surrogate.acquisition import expected_improvement, log_expected_improvement
from gp_surrogate.encoding import Layout
from gp_surrogate.gp import GaussianProcess

__all__ = ["GaussianProcess", "Layout", "expected_improvement", "log_expected_improvement"]
