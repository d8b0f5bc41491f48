"""What runs in containers: built-in algorithms, users' scripts; it never talks to the service.

Read in this order: ``builtins``, ``catalog``, ``opt_ml``, then ``xgboost_train``, ``knn_train``,
``script_train``, ``xgboost_serve``, ``knn_serve``, ``script_serve``, which are the entry points.
"""
