"""Writes a round as the CreateHyperParameterTuningJob request it is sent as; it sends nothing."""

from typing import Any

from tunewright.domain import algorithms
from tunewright.domain.profile import Profile
from tunewright.domain.round import RoundPlan
from tunewright.domain.spec import Script, StudySpec, Training

_MAX_LIST = 40


def compile_request(
    spec: StudySpec, profile: Profile, plan: RoundPlan, tags: dict[str, str]
) -> dict[str, Any]:
    """Compile a round's plan; the same plan gives the same request.

    Raises:
        KeyError: No AWS image is known in the profile's region.
    """
    config: dict[str, Any] = {
        **spec.rounds.config,
        "Strategy": spec.rounds.strategy.value,
        "HyperParameterTuningJobObjective": {
            "Type": spec.objective.goal.value.capitalize(),
            "MetricName": spec.objective.metric,
        },
        "ResourceLimits": {
            **spec.rounds.config.get("ResourceLimits", {}),
            "MaxNumberOfTrainingJobs": plan.trials,
            "MaxParallelTrainingJobs": min(plan.parallel, plan.trials),
        },
        "ParameterRanges": plan.space.to_amt(),
        "TrainingJobEarlyStoppingType": "Auto" if spec.rounds.early_stopping else "Off",
        "RandomSeed": plan.seed,
    }
    request: dict[str, Any] = {
        "HyperParameterTuningJobName": plan.job,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": training_definition(spec, profile),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    }
    if plan.warm_start is not None:
        request["WarmStartConfig"] = {
            "ParentHyperParameterTuningJobs": [
                {"HyperParameterTuningJobName": parent} for parent in plan.warm_start.parents
            ],
            "WarmStartType": plan.warm_start.kind,
        }
    return request


def training_definition(spec: StudySpec, profile: Profile) -> dict[str, Any]:
    """Compile what each trial runs; the same in every round of a study.

    Raises:
        KeyError: No AWS image is known in the profile's region.
    """
    training = spec.training
    specification: dict[str, Any] = {
        "TrainingInputMode": "File",
        **training.definition.get("AlgorithmSpecification", {}),
        "TrainingImage": training_image(training, profile),
    }
    if training.metrics:
        specification["MetricDefinitions"] = [
            {"Name": name, "Regex": regex} for name, regex in training.metrics.items()
        ][:_MAX_LIST]
    definition: dict[str, Any] = {
        **training.definition,
        "StaticHyperParameters": {**training.fixed, **_script_parameters(training.script, profile)},
        "AlgorithmSpecification": specification,
        "RoleArn": profile.training_role,
        "InputDataConfig": [_channel(name, training) for name in training.inputs],
        "OutputDataConfig": {"S3OutputPath": f"{profile.output.rstrip('/')}/trials"},
        "ResourceConfig": {
            "InstanceType": training.instance,
            "InstanceCount": training.count,
            "VolumeSizeInGB": training.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": training.max_run},
    }
    if training.spot_max_wait is not None:
        definition["EnableManagedSpotTraining"] = True
        definition["StoppingCondition"]["MaxWaitTimeInSeconds"] = training.spot_max_wait
    if training.environment:
        definition["Environment"] = dict(training.environment)
    _add_security(definition, profile)
    return definition


def _add_security(definition: dict[str, Any], profile: Profile) -> None:
    if profile.kms_key is not None:
        definition["OutputDataConfig"]["KmsKeyId"] = profile.kms_key
        definition["ResourceConfig"]["VolumeKmsKeyId"] = profile.kms_key
    if profile.subnets:
        definition["VpcConfig"] = {
            "Subnets": list(profile.subnets),
            "SecurityGroupIds": list(profile.security_groups),
        }


def training_image(training: Training, profile: Profile) -> str:
    """Return the URI of the image that trials run; models of AWS's own images are served by it too.

    Raises:
        KeyError: No AWS image is known in the profile's region.
    """
    if training.image is not None:
        return training.image
    if training.script is not None:
        framework = algorithms.FRAMEWORKS[training.script.framework]
        tag = f"{training.script.version}{framework.tag_suffix}"
        return algorithms.image_uri(framework.repository, tag, profile.region)
    name, _, version = (training.algorithm or "").partition(":")
    return algorithms.image_uri(algorithms.ALGORITHMS[name].repository, version, profile.region)


def _script_parameters(script: Script | None, profile: Profile) -> dict[str, str]:
    if script is None:
        return {}
    return {
        "sagemaker_program": script.entry_point,
        "sagemaker_submit_directory": script.source_dir,
        "sagemaker_region": profile.region,
        "sagemaker_container_log_level": "20",
    }


def _channel(name: str, training: Training) -> dict[str, Any]:
    given = training.inputs[name]
    channel: dict[str, Any] = {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": given.uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        **given.extra,
    }
    if given.content_type is not None:
        channel["ContentType"] = given.content_type
    return channel
