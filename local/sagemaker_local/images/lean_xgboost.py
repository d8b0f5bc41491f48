"""XGBoost without scikit-learn; import it from here and never both ways in one container.

XGBoost imports scikit-learn if it is there, which takes a second of each trial, to offer
wrappers that no container uses.
"""

import sys

_HIDE = "sklearn" not in sys.modules
if _HIDE:
    sys.modules["sklearn"] = None  # type: ignore[assignment]
try:
    import xgboost
finally:
    if _HIDE:
        del sys.modules["sklearn"]

__all__ = ["xgboost"]
