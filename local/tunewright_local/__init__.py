"""A cloud on one machine: the embedded AWS plus SageMaker, and a study run through them."""
