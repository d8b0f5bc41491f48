"""The guide that our users start from, run whole with SageMaker Python SDK 2.

The calls are the guide's. Marked with `corrected` is what no version 2 of the SDK runs, or AWS
refuses; marked with `added` is what the guide leaves to the reader.
"""

import json
import sys

import boto3
import sagemaker
from sagemaker import image_uris
from sagemaker.analytics import HyperparameterTuningJobAnalytics
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch
from sagemaker.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
    TuningJobCompletionCriteriaConfig,
    WarmStartConfig,
    WarmStartTypes,
)

scripts, rows = sys.argv[1], json.loads(sys.argv[2])

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
region = session.boto_region_name
for channel in ("train", "validation"):  # added: the data
    session.upload_data(f"{scripts}/../data/{channel}.csv", bucket, f"data/{channel}")

xgb_image = image_uris.retrieve("xgboost", region, "1.7-1")


def xgboost(**more):
    estimator = sagemaker.estimator.Estimator(
        image_uri=xgb_image,
        role=role,
        instance_count=1,
        instance_type="ml.m5.xlarge",
        output_path=f"s3://{bucket}/tuning-output",
        sagemaker_session=session,
        max_run=3600,
        **more,
    )
    estimator.set_hyperparameters(objective="binary:logistic", eval_metric="auc", num_round=300)
    return estimator


hyperparameter_ranges = {
    "eta": ContinuousParameter(0.01, 0.3, scaling_type="Logarithmic"),
    "subsample": ContinuousParameter(0.5, 1.0),
    "colsample_bytree": ContinuousParameter(0.5, 1.0),
    "gamma": ContinuousParameter(0, 5),
    "min_child_weight": ContinuousParameter(1, 10),
    "alpha": ContinuousParameter(0, 2),
    "max_depth": IntegerParameter(3, 12),
}
tuner = HyperparameterTuner(
    estimator=xgboost(),
    objective_metric_name="validation:auc",
    objective_type="Maximize",
    hyperparameter_ranges=hyperparameter_ranges,
    max_jobs=50,
    max_parallel_jobs=5,
    strategy="Bayesian",
    early_stopping_type="Auto",
)
train_input = TrainingInput(s3_data=f"s3://{bucket}/data/train", content_type="text/csv")
val_input = TrainingInput(s3_data=f"s3://{bucket}/data/validation", content_type="text/csv")
inputs = {"train": train_input, "validation": val_input}
tuner.fit(inputs=inputs, job_name="xgb-hpo-search", wait=False)
print(f"Tuning job started: {tuner.latest_tuning_job.name}")

client = boto3.client("sagemaker")
tuning_job_name = tuner.latest_tuning_job.name
tuner.wait()  # added
response = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning_job_name)
print(f"Status: {response['HyperParameterTuningJobStatus']}")
print(f"Strategy: {response['HyperParameterTuningJobConfig']['Strategy']}")
counts = response["TrainingJobStatusCounters"]
print("counts", counts)
best = response["BestTrainingJob"]
print(f"Objective Value: {best['FinalHyperParameterTuningJobObjectiveMetric']['Value']:.4f}")
for key, value in best["TunedHyperParameters"].items():
    print(f"    {key}: {value}")
assert response["HyperParameterTuningJobStatus"] == "Completed"
assert counts["Completed"] + counts["Stopped"] == 50
assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.9
assert tuner.best_training_job() == best["TrainingJobName"]

tuner_analytics = HyperparameterTuningJobAnalytics(
    hyperparameter_tuning_job_name=tuning_job_name, sagemaker_session=session
)
results_df = tuner_analytics.dataframe()
results_df = results_df.sort_values("FinalObjectiveValue", ascending=False)
print("Top 10 configurations:")
columns = ["TrainingJobName", "FinalObjectiveValue", "eta", "max_depth", "subsample"]
print(results_df[columns].head(10).to_string())
assert len(results_df) == 50
value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
assert abs(results_df["FinalObjectiveValue"].iloc[0] - value) < 1e-9

warm_start_config = WarmStartConfig(
    warm_start_type=WarmStartTypes.TRANSFER_LEARNING,
    parents={"xgb-hpo-search"},  # corrected: a set of names, not a list of dicts
)
refined_estimator = xgboost()
refined_estimator.set_hyperparameters(alpha=0.5)  # corrected: no hyperparameter may be dropped
refined_tuner = HyperparameterTuner(
    estimator=refined_estimator,
    objective_metric_name="validation:auc",
    objective_type="Maximize",
    hyperparameter_ranges={
        "eta": ContinuousParameter(0.03, 0.12, scaling_type="Logarithmic"),
        "max_depth": IntegerParameter(5, 9),
        "subsample": ContinuousParameter(0.7, 0.95),
        "colsample_bytree": ContinuousParameter(0.6, 0.9),
        "gamma": ContinuousParameter(0, 2),
        "min_child_weight": ContinuousParameter(2, 7),
    },
    max_jobs=25,
    max_parallel_jobs=5,
    strategy="Bayesian",
    warm_start_config=warm_start_config,
)
refined_tuner.fit(inputs=inputs, job_name="xgb-hpo-refined")
assert refined_tuner.describe()["TrainingJobStatusCounters"]["Completed"] == 25

pytorch_estimator = PyTorch(
    entry_point="train.py",
    source_dir=scripts,
    role=role,
    instance_count=1,
    instance_type="ml.p3.2xlarge",
    framework_version="2.0",
    py_version="py310",
)
metric_definitions = [
    {"Name": "validation:f1", "Regex": "val_f1: ([0-9\\.]+)"},
    {"Name": "validation:accuracy", "Regex": "val_accuracy: ([0-9\\.]+)"},
]
custom_tuner = HyperparameterTuner(
    estimator=pytorch_estimator,
    objective_metric_name="validation:f1",
    objective_type="Maximize",
    metric_definitions=metric_definitions,
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
custom_tuner.fit(inputs)
custom = custom_tuner.describe()
assert custom["TrainingJobStatusCounters"]["Completed"] == 30, custom
assert custom["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.5

multi_tuner = HyperparameterTuner(
    estimator=xgboost(),
    objective_metric_name="validation:auc",
    objective_type="Maximize",
    hyperparameter_ranges=hyperparameter_ranges,
    max_jobs=50,
    max_parallel_jobs=5,
    strategy="Bayesian",
    completion_criteria_config=TuningJobCompletionCriteriaConfig(  # corrected: not a dict
        max_number_of_training_jobs_not_improving=10
    ),
)
multi_tuner.fit(inputs)
ended = multi_tuner.describe()
assert ended["HyperParameterTuningJobStatus"] == "Completed"
assert ended["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] >= 10

spot_tuner = HyperparameterTuner(
    estimator=xgboost(use_spot_instances=True, max_wait=7200),
    objective_metric_name="validation:auc",
    hyperparameter_ranges=hyperparameter_ranges,
    max_jobs=4,
    max_parallel_jobs=2,
)
spot_tuner.fit(inputs, job_name="xgb-hpo-spot")  # default names differ by the minute only
spot = client.describe_training_job(TrainingJobName=spot_tuner.best_training_job())
assert spot["EnableManagedSpotTraining"]
assert spot["BillableTimeInSeconds"] <= spot["TrainingTimeInSeconds"]

again = HyperparameterTuner.attach("xgb-hpo-search")  # added: another notebook, another day
assert again.best_training_job() == best["TrainingJobName"]
predictor = tuner.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    endpoint_name="best-tuned-model",
    serializer=sagemaker.serializers.CSVSerializer(),
    deserializer=sagemaker.deserializers.JSONDeserializer(),
)
print(f"Deployed best model to: {predictor.endpoint_name}")
answer = predictor.predict(rows)
print(answer)
assert len(answer["predictions"]) == len(rows)
assert all(0 <= each["score"] <= 1 for each in answer["predictions"])
predictor.delete_endpoint()
print("the guide ran whole")
