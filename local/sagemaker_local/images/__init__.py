"""What runs inside containers: XGBoost and users' scripts; it never talks to the service.

Read in this order: ``catalog``, ``opt_ml``, then ``xgboost_train``, ``script_train``,
``xgboost_serve``, ``script_serve``, which are the entry points.
"""
