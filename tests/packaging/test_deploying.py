"""What docs/deploy.md says is what the template and the core say."""

import json
import re
from typing import Any

from tests.support.template import PATH, of_type, transformed, written
from tunewright.domain.profile import Profile

TEXT = (PATH.parent / "docs/deploy.md").read_text()
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
ROW = r"\| {} \| .* \| \$([0-9.]+) \| \$([0-9.]+)"
SECONDS = 30 * 86400


def costs(item: str) -> list[float]:
    found = re.search(ROW.format(re.escape(item)), TEXT)
    assert found is not None, item
    return [float(each) for each in found.groups()]


def reserved(template: dict[str, Any]) -> int:
    held = of_type(template, "AWS::Serverless::Function").values()
    return sum(each.get("ReservedConcurrentExecutions", 0) for each in held)


def test_every_parameter_is_explained() -> None:
    missing = [name for name in written()["Parameters"] if f"`{name}`" not in TEXT]
    assert missing == []


def test_the_profile_is_one() -> None:
    profile = Profile.model_validate(BLOCKS[-1])
    assert {
        "images",
        "kms_key",
        "subnets",
        "security_groups",
        "prices",
    } <= Profile.model_fields.keys()
    assert profile.training_role.endswith("role/tunewright-training")


def test_roles_trust_sagemaker_for_one_account() -> None:
    (statement,) = BLOCKS[0]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_the_quota_is_what_the_stack_reserves_and_what_lambda_keeps() -> None:
    count = reserved(written())
    assert f"{100 + count} concurrent executions" in TEXT
    assert f"the stack reserves {count}" in TEXT


def test_what_it_costs_at_rest_is_what_the_template_makes() -> None:
    made = transformed()
    mappings = of_type(made, "AWS::Lambda::EventSourceMapping").values()
    queues = [each for each in mappings if "Queue" in each["EventSourceArn"]["Fn::GetAtt"][0]]
    requests = len(queues) * 5 * SECONDS / 20
    assert f"{requests:,.0f} requests" in TEXT
    polling = requests * 0.40e-6
    assert costs(f"polling of {len(queues)} queues") == [
        round(polling, 2),
        round(polling - 1e6 * 0.40e-6, 2),
    ]
    alarms = len(of_type(made, "AWS::CloudWatch::Alarm")) * 0.10
    assert costs("alarms") == [round(alarms, 2), 0.0]
    runs = SECONDS / 300
    running = runs * 1 * 0.5 * 0.0000133334
    assert costs("schedule, Lambda") == [round(running, 2), 0.0]
    hours = SECONDS / 3600
    looking = hours * 5 * 0.5 * 0.0000133334
    assert costs("orphans, Lambda") == [round(looking, 2), 0.0]
    reading = (runs + hours) * 3 * 0.5 * 0.125e-6
    assert costs("schedules, table") == [round(reading, 2), 0.0]
    logging = (runs + hours) * 1e-6 * 0.50
    assert costs("logs") == [round(logging, 2), 0.0]
    whole = polling + alarms + running + looking + reading + logging
    together = re.search(r"\*\*together\*\* \| \| \*\*\$([0-9.]+)\*\* \| \*\*\$([0-9.]+)", TEXT)
    assert together is not None
    assert [float(each) for each in together.groups()] == [
        round(whole, 2),
        round(polling - 1e6 * 0.40e-6, 2),
    ]
    assert float(together[2]) < 1
