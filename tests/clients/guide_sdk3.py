"""The guide that our users start from, in the idiom of SageMaker Python SDK 3.

Version 3 has no estimators and no `tuner.deploy`: a `ModelTrainer` is tuned, and models, endpoint
configurations and endpoints are resources of `sagemaker.core`.
"""

import json
import sys

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import (
    CategoricalParameter,
    ContinuousParameter,
    IntegerParameter,
)
from sagemaker.core.resources import (
    Endpoint,
    EndpointConfig,
    HyperParameterTuningJob,
    Model,
    TrainingJob,
)
from sagemaker.core.shapes import (
    BestObjectiveNotImproving,
    ContainerDefinition,
    HyperParameterTuningJobWarmStartConfig,
    OutputDataConfig,
    ParentHyperParameterTuningJob,
    ProductionVariant,
    StoppingCondition,
    TuningJobCompletionCriteria,
)
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

scripts, rows = sys.argv[1], json.loads(sys.argv[2])

session = Session()
role = get_execution_role()
bucket = session.default_bucket()
region = session.boto_region_name
for channel in ("train", "validation"):
    session.upload_data(f"{scripts}/../data/{channel}.csv", bucket, f"data/{channel}")
inputs = [
    InputData(channel_name=name, data_source=f"s3://{bucket}/data/{name}", content_type="text/csv")
    for name in ("train", "validation")
]
xgb_image = image_uris.retrieve("xgboost", region, "1.7-1")
output = OutputDataConfig(s3_output_path=f"s3://{bucket}/tuning-output")
fixed = {"objective": "binary:logistic", "eval_metric": "auc", "num_round": 300}


def xgboost(**more):
    settings = {
        "compute": Compute(instance_type="ml.m5.xlarge", instance_count=1),
        "stopping_condition": StoppingCondition(max_runtime_in_seconds=3600),
        "hyperparameters": fixed,
        **more,
    }
    return ModelTrainer(training_image=xgb_image, role=role, output_data_config=output, **settings)


ranges = {
    "eta": ContinuousParameter(0.01, 0.3, scaling_type="Logarithmic"),
    "subsample": ContinuousParameter(0.5, 1.0),
    "colsample_bytree": ContinuousParameter(0.5, 1.0),
    "gamma": ContinuousParameter(0, 5),
    "min_child_weight": ContinuousParameter(1, 10),
    "alpha": ContinuousParameter(0, 2),
    "max_depth": IntegerParameter(3, 12),
}


def tuner(trainer, **more):
    settings = {"max_jobs": 50, "max_parallel_jobs": 5, "hyperparameter_ranges": ranges, **more}
    return HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name="validation:auc",
        objective_type="Maximize",
        strategy="Bayesian",
        **settings,
    )


first = tuner(xgboost(), early_stopping_type="Auto")
first.tune(inputs=inputs, job_name="v3-hpo-search", wait=False)
first.wait()
job = HyperParameterTuningJob.get("v3-hpo-search")
counts = job.training_job_status_counters
assert job.hyper_parameter_tuning_job_status == "Completed"
assert counts.completed + counts.stopped == 50
best = job.best_training_job
value = best.final_hyper_parameter_tuning_job_objective_metric.value
print(f"{best.training_job_name} {value:.4f} {best.tuned_hyper_parameters}")
assert value > 0.9
assert first.best_training_job() == best.training_job_name
frame = first.analytics().dataframe().sort_values("FinalObjectiveValue", ascending=False)
print(frame[["TrainingJobName", "FinalObjectiveValue", "eta", "max_depth"]].head(10).to_string())
assert len(frame) == 50
assert abs(frame["FinalObjectiveValue"].iloc[0] - value) < 1e-9

refined = tuner(
    xgboost(hyperparameters={**fixed, "alpha": 0.5}),
    max_jobs=25,
    hyperparameter_ranges={
        "eta": ContinuousParameter(0.03, 0.12, scaling_type="Logarithmic"),
        "max_depth": IntegerParameter(5, 9),
        "subsample": ContinuousParameter(0.7, 0.95),
        "colsample_bytree": ContinuousParameter(0.6, 0.9),
        "gamma": ContinuousParameter(0, 2),
        "min_child_weight": ContinuousParameter(2, 7),
    },
    warm_start_config=HyperParameterTuningJobWarmStartConfig(
        warm_start_type="TransferLearning",
        parent_hyper_parameter_tuning_jobs=[
            ParentHyperParameterTuningJob(hyper_parameter_tuning_job_name="v3-hpo-search")
        ],
    ),
)
refined.tune(inputs=inputs, job_name="v3-hpo-refined", wait=True)
done = HyperParameterTuningJob.get("v3-hpo-refined")
assert done.training_job_status_counters.completed == 25

custom_trainer = ModelTrainer(
    training_image=image_uris.retrieve(
        "pytorch",
        region,
        version="2.0",
        py_version="py310",
        instance_type="ml.p3.2xlarge",
        image_scope="training",
    ),
    source_code=SourceCode(source_dir=scripts, entry_script="train.py"),
    compute=Compute(instance_type="ml.p3.2xlarge", instance_count=1),
    role=role,
    output_data_config=output,
)
custom = HyperparameterTuner(
    model_trainer=custom_trainer,
    objective_metric_name="validation:f1",
    objective_type="Maximize",
    metric_definitions=[
        {"Name": "validation:f1", "Regex": "val_f1: ([0-9\\.]+)"},
        {"Name": "validation:accuracy", "Regex": "val_accuracy: ([0-9\\.]+)"},
    ],
    hyperparameter_ranges={
        "learning-rate": ContinuousParameter(0.0001, 0.01, scaling_type="Logarithmic"),
        "batch-size": CategoricalParameter([16, 32, 64, 128]),
        "hidden-dim": CategoricalParameter([64, 128, 256, 512]),
        "dropout": ContinuousParameter(0.1, 0.5),
        "num-layers": IntegerParameter(1, 4),
    },
    max_jobs=30,
    max_parallel_jobs=3,
)
custom.tune(inputs=inputs, job_name="v3-custom", wait=True)
custom_job = HyperParameterTuningJob.get("v3-custom")
assert custom_job.training_job_status_counters.completed == 30, custom_job
found = custom_job.best_training_job.final_hyper_parameter_tuning_job_objective_metric
assert found.value > 0.5

criteria = TuningJobCompletionCriteria(
    best_objective_not_improving=BestObjectiveNotImproving(
        max_number_of_training_jobs_not_improving=10
    )
)
multi = tuner(xgboost(), completion_criteria_config=criteria)
multi.tune(inputs=inputs, job_name="v3-multi", wait=True)
ended = HyperParameterTuningJob.get("v3-multi")
details = ended.tuning_job_completion_details
assert ended.hyper_parameter_tuning_job_status == "Completed"
assert details.number_of_training_jobs_objective_not_improving >= 10

spot = tuner(
    xgboost(
        compute=Compute(
            instance_type="ml.m5.xlarge", instance_count=1, enable_managed_spot_training=True
        ),
        stopping_condition=StoppingCondition(
            max_runtime_in_seconds=3600, max_wait_time_in_seconds=7200
        ),
    ),
    max_jobs=4,
    max_parallel_jobs=2,
)
spot.tune(inputs=inputs, job_name="v3-spot", wait=True)
on_spot = TrainingJob.get(spot.best_training_job())
assert on_spot.enable_managed_spot_training
assert on_spot.billable_time_in_seconds <= on_spot.training_time_in_seconds

winner = TrainingJob.get(best.training_job_name)
Model.create(
    model_name="v3-best",
    primary_container=ContainerDefinition(
        image=xgb_image, model_data_url=winner.model_artifacts.s3_model_artifacts
    ),
    execution_role_arn=role,
)
EndpointConfig.create(
    endpoint_config_name="v3-best",
    production_variants=[
        ProductionVariant(
            variant_name="AllTraffic",
            model_name="v3-best",
            instance_type="ml.m5.large",
            initial_instance_count=1,
        )
    ],
)
endpoint = Endpoint.create(endpoint_name="v3-best", endpoint_config_name="v3-best")
endpoint.wait_for_status("InService", poll=1)
body = "\n".join(",".join(str(value) for value in row) for row in rows)
answer = endpoint.invoke(body=body, content_type="text/csv", accept="application/json")
scores = json.loads(answer.body.read())["predictions"]
print(scores)
assert len(scores) == len(rows)
assert all(0 <= each["score"] <= 1 for each in scores)
endpoint.delete()
print("the guide ran whole")
