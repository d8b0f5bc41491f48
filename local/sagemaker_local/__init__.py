"""SageMaker's tuning, training and hosting on one machine; it has never heard of Tunewright."""
