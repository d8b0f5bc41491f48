"""Every operation answers in the shape that botocore's own model gives it."""

from typing import Any

from sagemaker_local import registry, training_jobs
from sagemaker_local.api_model import operation_model
from sagemaker_local.operations import OPERATIONS
from tests.local.service.conftest import World, until
from tests.local.service.fakes import XGBOOST, child_of, tuning_request

ROLE = "arn:aws:iam::123456789012:role/Hosting"
NAME = "HyperParameterTuningJobName"


def tune(world: World) -> None:
    sm = world.sm
    request = {**tuning_request(trials=3), "Tags": [{"Key": "a", "Value": "b"}]}
    world.create(request)
    world.ended()
    world.create(child_of(request, kind="IdenticalDataAndAlgorithm"))
    world.ended("child")
    sm.list_hyper_parameter_tuning_jobs()
    world.trials()
    sm.search(Resource="HyperParameterTuningJob")
    world.fakes.runner.score = None
    world.create(tuning_request("stopped"))
    (name,) = world.running(1)
    world.training(name)
    sm.stop_hyper_parameter_tuning_job(**{NAME: "stopped"})
    world.job("stopped")
    world.ended("stopped")
    sm.delete_hyper_parameter_tuning_job(**{NAME: "child"})


def train(world: World) -> None:
    sm = world.sm
    definition = tuning_request()["TrainingJobDefinition"]
    del definition["StaticHyperParameters"]
    sm.create_training_job(TrainingJobName="alone", **definition)
    world.running(1)
    sm.stop_training_job(TrainingJobName="alone")
    until(lambda: world.training("alone")["TrainingJobStatus"] == "Stopped")
    sm.list_training_jobs()
    sm.search(Resource="TrainingJob")


def host(world: World) -> None:
    sm = world.sm
    sm.create_model(
        ModelName="m",
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": "s3://data/model.tar.gz"},
        ExecutionRoleArn=ROLE,
    )
    variant: dict[str, Any] = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    for name in ("one", "two"):
        sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sm.create_endpoint(EndpointName="e", EndpointConfigName="one")
    until(lambda: "e" in world.fakes.host.listeners)
    sm.describe_endpoint(EndpointName="e")
    world.fakes.host.listeners["e"]("InService", None)
    until(lambda: sm.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService")
    sm.update_endpoint(EndpointName="e", EndpointConfigName="two")
    until(lambda: world.fakes.host.done)
    world.fakes.host.listeners["e"]("InService", None)
    until(lambda: sm.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService")
    for each in (sm.list_models, sm.list_endpoint_configs, sm.list_endpoints):
        each()
    sm.describe_model(ModelName="m")
    sm.describe_endpoint_config(EndpointConfigName="one")
    arn = sm.describe_model(ModelName="m")["ModelArn"]
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sm.list_tags(ResourceArn=arn)
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    wish = {"VariantName": "AllTraffic", "DesiredWeight": 0.5}
    sm.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=[wish])
    until(lambda: sm.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService")
    sm.delete_endpoint(EndpointName="e")
    sm.delete_endpoint_config(EndpointConfigName="one")
    sm.delete_model(ModelName="m")


def register(world: World) -> None:
    sm = world.sm
    sm.create_model_package_group(ModelPackageGroupName="g")
    specification = {
        "Containers": [{"Image": XGBOOST, "ModelDataUrl": "s3://data/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = sm.create_model_package(ModelPackageGroupName="g", InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    sm.describe_model_package_group(ModelPackageGroupName="g")
    sm.list_model_package_groups()
    sm.describe_model_package(ModelPackageName=arn)
    sm.list_model_packages(ModelPackageGroupName="g")
    sm.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sm.describe_model_package(ModelPackageName=arn)
    sm.delete_model_package(ModelPackageName=arn)
    sm.delete_model_package_group(ModelPackageGroupName="g")


def test_a_description_shows_all_that_was_asked() -> None:
    named = {"TrainingJobName", "HyperParameters"}
    assert {*training_jobs._COPIED, *named} == both("TrainingJob")
    named = {"ModelPackageName", "ModelPackageGroupName", "CertifyForMarketplace"}
    assert {*registry._COPIED, *named} == both("ModelPackage")


def both(resource: str) -> set[str]:
    """The members of a description that a request for it has too."""
    create, describe = (operation_model(f"{verb}{resource}") for verb in ("Create", "Describe"))
    assert create is not None
    assert describe is not None
    return set(create.input_shape.members) & set(describe.output_shape.members)


def test_every_operation_has_answered_in_its_shape(
    world: World, every_answer_has_its_shape: dict[str, int]
) -> None:
    world.fakes.runner.score = lambda spec: float(spec.hyperparameters["eta"])
    for each in (tune, train, host, register):
        each(world)
    assert set(every_answer_has_its_shape) == set(OPERATIONS)
