"""Wait conditions that are there while they wait, as on AWS: whoever is to signal them looks for them in the stack."""

from typing import Any, Final

from healthomics_local.ministack.binding import CreateResource, MiniStack

TYPE: Final = "AWS::CloudFormation::WaitCondition"


def install(ministack: MiniStack) -> None:
    """Let ListStackResources tell the truth while a wait condition waits; MiniStack writes no record before its end."""

    def shown(create: CreateResource) -> CreateResource:
        def create_shown(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
            stack = ministack.stack(stack_name) or {}
            records: dict[str, Any] = stack.setdefault("_resources", {})
            records[logical_id] = {
                "PhysicalResourceId": "",
                "ResourceType": TYPE,
                "ResourceStatus": "CREATE_IN_PROGRESS",
                "LogicalResourceId": logical_id,
                "Properties": properties,
                "Attributes": {},
                "Timestamp": ministack.now(),
            }
            try:
                return create(logical_id, properties, stack_name)
            except BaseException:
                records.pop(logical_id, None)  # there is nothing to delete
                raise

        return create_shown

    ministack.wrap_creation(TYPE, shown)
