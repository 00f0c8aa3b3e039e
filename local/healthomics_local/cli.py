"""``healthomics-local``: a local AWS for stacks with HealthOmics runs."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from healthomics_local.failure import LocalAwsError

INTERRUPTED: Final = 130
EPILOG: Final = """\
examples:
  healthomics-local deploy .                      deploy the CDK app in this folder and follow its runs
  healthomics-local deploy . -- RunStack -c k=4   the same, with arguments for `cdk deploy`
  eval "$(healthomics-local up --export)"         start it and point this shell's AWS tools at it
  healthomics-local down                          stop it

environment:
  HEALTHOMICS_LOCAL_STATE   state folder, like --state-dir
  HEALTHOMICS_LOCAL_HOME    where MiniStack is installed; the user's cache folder by default
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    own, cdk_arguments = split_arguments(list(sys.argv[1:] if arguments is None else arguments))
    parsed = build_parser().parse_args(own)
    if cdk_arguments and parsed.command not in {"deploy", "destroy"}:
        build_parser().error(f"`{parsed.command}` takes no CDK arguments after --")
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return run(parsed, cdk_arguments)
    except LocalAwsError as error:
        sys.stdout.flush()
        print(f"healthomics-local: error: {error}", file=sys.stderr)  # noqa: T201 - this is the command line
        return 1
    except BrokenPipeError:
        # Whoever read our output is gone, as in `... | head`; Python's own flush at the end must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("healthomics-local: interrupted", file=sys.stderr)  # noqa: T201 - this is the command line
        return INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(parsed: argparse.Namespace, cdk_arguments: Sequence[str]) -> int:
    """Run one command."""
    # Imported late: boto3 and rich take 0.5 s that `--help` and a wrong option need not wait for.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from healthomics_local import commands  # noqa: PLC0415
    from healthomics_local.display import Display  # noqa: PLC0415
    from healthomics_local.folders import state_folder  # noqa: PLC0415
    from healthomics_local.local_aws import StartOptions  # noqa: PLC0415

    context = commands.Context(
        folder=state_folder(parsed.state_dir),
        start=StartOptions(
            region=parsed.region, port=parsed.port, speed=parsed.speed, authorization=parsed.authorization
        ),
        display=Display(),
    )
    try:
        match parsed.command:
            case "up":
                return commands.up(context, foreground=parsed.foreground, export=parsed.export)
            case "deploy":
                return commands.deploy(context, folder=parsed.app_dir, cdk_arguments=cdk_arguments)
            case "destroy":
                return commands.destroy(context, folder=parsed.app_dir, cdk_arguments=cdk_arguments)
            case "status":
                return commands.status(context)
            case _:
                return commands.down(context)
    except (BotoCoreError, ClientError) as error:
        raise LocalAwsError(
            f"the local AWS did not do what was asked of it: {' '.join(str(error).split())}; its logs are in "
            f"{context.folder}; `healthomics-local down` and another try start it anew"
        ) from error


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split at the first ``--``: ours, and what goes to the CDK CLI as it is."""
    if "--" not in arguments:
        return list(arguments), []
    cut = list(arguments).index("--")
    return list(arguments[:cut]), list(arguments[cut + 1 :])


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of everything before ``--``."""
    parser = argparse.ArgumentParser(
        prog="healthomics-local",
        description="A local AWS for stacks with HealthOmics runs: MiniStack and a HealthOmics endpoint.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state-dir", metavar="DIR", help="one local AWS per folder (default: $HEALTHOMICS_LOCAL_STATE)"
    )
    parser.add_argument("--region", help="AWS Region (default: us-east-1)")
    parser.add_argument("--port", type=_port, help="port of the AWS endpoint on 127.0.0.1 (default: a free one)")
    parser.add_argument(
        "--speed",
        type=_speed,
        help="how many times faster than on AWS time passes, but for tasks that are executed (default: 100)",
    )
    parser.add_argument(
        "--authorization",
        action=argparse.BooleanOptionalAction,
        help="verify signatures and enforce IAM policies, run roles included (default: no)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start the local AWS (again: say where it is)")
    up.add_argument("--foreground", action="store_true", help="stay until Ctrl-C, then stop it")
    up.add_argument("--export", action="store_true", help="print shell code for eval, nothing else")
    for name, what in (("deploy", "deploy a CDK app and follow its runs"), ("destroy", "destroy a CDK app")):
        command = commands.add_parser(name, help=what, usage=f"healthomics-local {name} APP_DIR [-- CDK ARGUMENTS]")
        command.add_argument("app_dir", type=Path, metavar="APP_DIR", help="folder with the app's cdk.json")
    commands.add_parser("status", help="show endpoints, stacks and runs")
    commands.add_parser("down", help="stop the local AWS")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isdigit() else -1
    if not 0 <= port <= 65535:  # noqa: PLR2004 - TCP's range
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 1 to 65535, or 0 for a free one")
    return port


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no speed: give a number above 0, 1 for AWS's own pace")
    return speed


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Treat an end from outside like Ctrl-C, so that it cleans up too."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
