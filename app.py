"""The example: length, composition and k-mers of a real genome, computed by HealthOmics during the deployment.

``make deploy-local`` deploys it to a local AWS, ``cdk deploy --all`` to a real one; see ``example/README.md``.
"""

import aws_cdk as cdk
from example.consumer_stack import ConsumerStack
from example.data_stack import DataStack
from example.run_stack import RunStack
from example.workflow_stack import WorkflowStack

app = cdk.App()

data = DataStack(app, "PhiX174Data")
workflow = WorkflowStack(app, "PhiX174Workflow")
run = RunStack(app, "PhiX174Run", data=data, workflow=workflow)
ConsumerStack(app, "PhiX174Consumer", data=data, run=run.run)

app.synth()
