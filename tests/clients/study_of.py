"""Prints the study that the bridge makes of the guide's tuner, with whichever SDK is installed.

It is the last line: the SDKs log to stdout too.
"""

import json

from tunewright_client.sdk_bridge import from_tuner

ROLE = "arn:aws:iam::123456789012:role/LocalSageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
FIXED = {"objective": "binary:logistic", "eval_metric": "auc", "num_round": 300}
URI = "s3://bridge/data"

try:
    from sagemaker.estimator import Estimator
    from sagemaker.inputs import TrainingInput
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter
except ImportError:
    from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
    from sagemaker.core.shapes import OutputDataConfig, StoppingCondition
    from sagemaker.core.training.configs import Compute, InputData
    from sagemaker.train import ModelTrainer
    from sagemaker.train.tuner import HyperparameterTuner

    trained = {
        "model_trainer": ModelTrainer(
            training_image=IMAGE,
            role=ROLE,
            compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=3600),
            output_data_config=OutputDataConfig(s3_output_path="s3://bridge/out"),
            hyperparameters=FIXED,
        )
    }
    inputs = [
        InputData(channel_name=name, data_source=f"{URI}/{name}", content_type="text/csv")
        for name in ("train", "validation")
    ]
else:
    estimator = Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.xlarge",
        output_path="s3://bridge/out",
        max_run=3600,
    )
    estimator.set_hyperparameters(**FIXED)
    trained = {"estimator": estimator}
    inputs = {
        name: TrainingInput(s3_data=f"{URI}/{name}", content_type="text/csv")
        for name in ("train", "validation")
    }

tuner = HyperparameterTuner(
    **trained,
    objective_metric_name="validation:auc",
    objective_type="Maximize",
    hyperparameter_ranges={
        "eta": ContinuousParameter(0.01, 0.3, scaling_type="Logarithmic"),
        "subsample": ContinuousParameter(0.5, 1.0),
        "colsample_bytree": ContinuousParameter(0.5, 1.0),
        "gamma": ContinuousParameter(0, 5),
        "min_child_weight": ContinuousParameter(1, 10),
        "alpha": ContinuousParameter(0, 2),
        "max_depth": IntegerParameter(3, 12),
    },
    max_jobs=50,
    max_parallel_jobs=5,
    strategy="Bayesian",
    early_stopping_type="Auto",
)
print(json.dumps(from_tuner(tuner, inputs, study="guide", budget="40 USD")))
