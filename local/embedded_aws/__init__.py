"""An AWS on one machine, behind one module; it knows neither SageMaker nor Tunewright."""
