"""The guide that our users start from, with boto3 alone: what the SDKs send, without the SDKs."""

import json
import sys
import time

import boto3

scripts, rows = sys.argv[1], json.loads(sys.argv[2])

sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
account = boto3.client("sts").get_caller_identity()["Account"]
role = f"arn:aws:iam::{account}:role/LocalSageMakerRole"
bucket = f"boto3-{account}"
s3.create_bucket(Bucket=bucket)
for channel in ("train", "validation"):
    s3.upload_file(f"{scripts}/../data/{channel}.csv", bucket, f"data/{channel}/{channel}.csv")


def channel(name):
    uri = f"s3://{bucket}/data/{name}"
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
    }


image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
definition = {
    "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
    "RoleArn": role,
    "StaticHyperParameters": {
        "objective": "binary:logistic",
        "eval_metric": "auc",
        "num_round": "300",
    },
    "InputDataConfig": [channel("train"), channel("validation")],
    "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/tuning-output"},
    "ResourceConfig": {
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 30,
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
config = {
    "Strategy": "Bayesian",
    "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
    "ResourceLimits": {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 5},
    "ParameterRanges": {
        "ContinuousParameterRanges": [
            {
                "Name": "eta",
                "MinValue": "0.01",
                "MaxValue": "0.3",
                "ScalingType": "Logarithmic",
            },
            {"Name": "subsample", "MinValue": "0.5", "MaxValue": "1.0"},
            {"Name": "gamma", "MinValue": "0", "MaxValue": "5"},
        ],
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "3", "MaxValue": "12"}],
    },
    "TrainingJobEarlyStoppingType": "Auto",
}
name = {"HyperParameterTuningJobName": "boto3-search"}
sagemaker.create_hyper_parameter_tuning_job(
    **name, HyperParameterTuningJobConfig=config, TrainingJobDefinition=definition
)
while True:
    job = sagemaker.describe_hyper_parameter_tuning_job(**name)
    if job["HyperParameterTuningJobStatus"] != "InProgress":
        break
    time.sleep(1)
counts = job["TrainingJobStatusCounters"]
assert job["HyperParameterTuningJobStatus"] == "Completed"
assert counts["Completed"] + counts["Stopped"] == 50
pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
    **name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
)
trials = [trial for page in pages for trial in page["TrainingJobSummaries"]]
values = [t["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for t in trials]
assert values == sorted(values, reverse=True)
assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == values[0]
best = sagemaker.describe_training_job(TrainingJobName=job["BestTrainingJob"]["TrainingJobName"])
data = best["ModelArtifacts"]["S3ModelArtifacts"]
sagemaker.create_model(
    ModelName="boto3-best",
    PrimaryContainer={"Image": image, "ModelDataUrl": data},
    ExecutionRoleArn=role,
)
variant = {
    "VariantName": "AllTraffic",
    "ModelName": "boto3-best",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 1,
}
sagemaker.create_endpoint_config(EndpointConfigName="boto3-best", ProductionVariants=[variant])
sagemaker.create_endpoint(EndpointName="boto3-best", EndpointConfigName="boto3-best")
waiter = sagemaker.get_waiter("endpoint_in_service")
waiter.wait(EndpointName="boto3-best", WaiterConfig={"Delay": 1})
answer = boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName="boto3-best",
    Body="\n".join(",".join(str(value) for value in row) for row in rows),
    ContentType="text/csv",
    Accept="application/json",
)
scores = json.loads(answer["Body"].read())["predictions"]
assert len(scores) == len(rows)
sagemaker.delete_endpoint(EndpointName="boto3-best")
print("the guide ran whole")
