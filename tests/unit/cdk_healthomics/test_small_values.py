"""Storage, engine settings, names, S3 locations: values that need no stack, or only its name."""

import re

import aws_cdk as cdk
import pytest
from constructs import Construct

from cdk_healthomics import EngineSettings, Storage
from cdk_healthomics.names import default_run_name, output_logical_id
from cdk_healthomics.s3_locations import S3Location, fitting, grouped_by_bucket

TOKEN = "${Token[TOKEN.1]}"


def test_static_storage_takes_any_whole_size() -> None:
    assert Storage.static(cdk.Size.gibibytes(1200)).capacity_gib == 1200
    assert Storage.static(cdk.Size.tebibytes(2)).capacity_gib == 2048
    assert Storage.static().capacity_gib is None
    assert Storage.dynamic() == Storage("DYNAMIC")
    with pytest.raises(RuntimeError, match="whole number of gibibytes"):
        Storage.static(cdk.Size.mebibytes(1500))


@pytest.mark.parametrize(
    ("asked", "provisioned"),
    [(0, 1200), (1, 1200), (1200, 1200), (1201, 2400), (2400, 2400), (2401, 4800), (9600, 9600)],
)
def test_static_storage_is_provisioned_in_steps(asked: int, provisioned: int) -> None:
    assert Storage("STATIC", asked).provisioned_gib == provisioned


def test_unknown_capacity_is_not_guessed() -> None:
    assert Storage.dynamic().provisioned_gib is None
    assert Storage("STATIC", cdk.Token.as_number({"Ref": "N"})).provisioned_gib is None


def test_engine_settings_have_the_names_of_the_service() -> None:
    settings = EngineSettings(
        engine_version="25.10",
        syntax_version="v2",
        profile="a,b",
        output_format="x",
        agent_mode=True,
        additional={"futureSetting": 1, "profile": "c"},
    )

    assert settings.to_mapping() == {
        "engineVersion": "25.10",
        "syntaxVersion": "v2",
        "profile": "c",
        "outputFormat": "x",
        "agentMode": True,
        "futureSetting": 1,
    }
    assert EngineSettings().to_mapping() == {}


def test_the_default_name_is_readable_and_the_same_at_every_synth() -> None:
    def name() -> str:
        stack = cdk.Stack(cdk.App(), "Stack", stack_name="genomics-prod")
        return default_run_name(Construct(Construct(stack, "Cohort 7"), "Alignment"))

    assert name() == name() == "genomics-prod-Cohort-7-Alignment-895e9d82"


def test_default_names_differ_between_stacks_and_paths() -> None:
    app = cdk.App()
    one, two = cdk.Stack(app, "one"), cdk.Stack(app, "one-two")
    runs = [Construct(one, "two-run"), Construct(two, "run"), Construct(one, "two run"), Construct(one, "実行"),
            Construct(one, "変異"), Construct(Construct(one, "two"), "run")]  # fmt: skip

    assert len({default_run_name(run) for run in runs}) == len(runs)


def test_a_default_name_fits_whatever_the_path() -> None:
    stack = cdk.Stack(cdk.App(), "S" * 100)
    deep = Construct(Construct(stack, "é" * 200), "x" * 100)
    name = default_run_name(deep)

    assert re.fullmatch(r"[A-Za-z0-9._-]{127}", name)
    assert name != default_run_name(Construct(deep, "y"))


def test_a_run_in_a_nested_stack_has_a_name_that_synth_knows() -> None:
    parent = cdk.Stack(cdk.App(), "Parent")
    nested = cdk.NestedStack(cdk.NestedStack(parent, "Outer"), "Inner")

    assert default_run_name(Construct(nested, "Run")).startswith("Parent-Outer-Inner-Run-")


def test_a_run_in_a_stage_has_the_name_of_the_deployed_stack() -> None:
    stage = cdk.Stage(cdk.App(), "Prod")

    assert default_run_name(Construct(cdk.Stack(stage, "Genomics"), "Run")).startswith("Prod-Genomics-Run-")


def test_logical_ids_of_outputs_are_the_path_without_separators() -> None:
    stack = cdk.Stack(cdk.App(), "S")
    run = Construct(Construct(stack, "cohort-7"), "Run_1")
    long = output_logical_id(Construct(stack, "x" * 300), "RunArn")

    assert output_logical_id(run, "RunArn") == "cohort7Run1RunArn"
    assert len(long) == 255
    assert long.endswith("RunArn")
    assert long != output_logical_id(Construct(stack, "x" * 301), "RunArn")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/a/b.fq", S3Location("bucket", "a/b.fq")),
        ("s3://bucket", S3Location("bucket")),
        ("s3://bucket/", S3Location("bucket")),
        ("s3://bucket/a/*.fq", S3Location("bucket", "a/")),
        ("s3://bucket/a_{1,2}.fq", S3Location("bucket", "a_")),
        ("s3://bucket/a_[12].fq", S3Location("bucket", "a_")),
        ("s3://bucket/a?.fq", S3Location("bucket", "a")),
        ("s3://bucket/a-${aws:username}", S3Location("bucket", "a-")),
        (f"s3://bucket/a/{TOKEN}/b", S3Location("bucket", "a/")),
        (f"s3://{TOKEN}/a", S3Location(TOKEN, "a")),
        (f"s3://my-{TOKEN}/a", S3Location(f"my-{TOKEN}", "a")),
        ("s3://", None),
        ("s3:///a", None),
        ("s3://<your-bucket>/a", None),
        ("s3://*/a", None),
        ("https://bucket/a", None),
        (TOKEN, None),
    ],
)
def test_a_uri_names_a_bucket_and_the_beginning_of_a_key(uri: str, expected: S3Location | None) -> None:
    assert S3Location.from_uri(uri) == expected


def test_an_output_uri_that_only_the_deployment_knows_means_the_whole_of_its_bucket() -> None:
    stack = cdk.Stack()
    location = S3Location.of_output(cdk.Token.as_string({"Ref": "Uri"}))

    assert location is not None
    assert location.key == ""
    assert stack.resolve(location.bucket) == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "Uri"}]}]}
    assert S3Location.of_output("s3://<b>/p") is None


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        ("s3://b", ""),
        ("s3://b/", ""),
        ("s3://b/p", "p/"),
        ("s3://b/p/", "p/"),
        (f"s3://b/cohort-{TOKEN}", f"cohort-{TOKEN}/"),
        (f"s3://b/{TOKEN}/x", f"{TOKEN}/x/"),
        ("s3://b/a*b?c$d", "a${*}b${?}c${$}d/"),
        ("s3://b/{a}[1]", "{a}[1]/"),
        (f"s3://b/*{TOKEN}", f"${{*}}{TOKEN}/"),
    ],
)
def test_an_output_uri_is_taken_literally_with_the_tokens_in_it(uri: str, key: str) -> None:
    assert S3Location.of_output(uri) == S3Location("b", key)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("s3://b/one file, of two.fq", ["one file, of two.fq"]),
        ("s3://b/a.fq,s3://b/b.fq", ["a.fq", "b.fq"]),
        ("s3://b/a.fq ; s3://b/b.fq\ts3://b/c.fq", ["a.fq", "b.fq", "c.fq"]),
        ('{"r1": "s3://b/a.fq", "r2": ["s3://b/b.fq"]}', ["a.fq", "b.fq"]),
        ("--reads s3://b/a.fq --fast", ["a.fq"]),
        (f"s3://{TOKEN}/a.fq,s3://b/b.fq", ["a.fq", "b.fq"]),
        ("see s3:// for more", []),
        ("none", []),
    ],
)
def test_all_uris_of_a_text_are_found(text: str, keys: list[str]) -> None:
    assert [location.key for location in S3Location.all_in(text)] == keys


def test_few_keys_of_a_bucket_stay() -> None:
    few = [S3Location("b", f"k{n}") for n in range(10)] + [S3Location("a", "x"), S3Location("a", "x")]

    assert grouped_by_bucket(few) == {"a": ["x"], "b": [f"k{n}" for n in range(10)]}


def test_what_begins_with_another_key_is_allowed_with_it() -> None:
    keys = ["a.fa", "a.fa.fai", "a.fb", "b"]

    assert grouped_by_bucket(S3Location("b", key) for key in keys) == {"b": ["a.fa", "a.fb", "b"]}
    assert grouped_by_bucket([S3Location("b"), S3Location("b", "x")]) == {"b": [""]}


def test_many_keys_become_what_those_of_each_folder_share() -> None:
    reads = [S3Location("b", f"reads/s{n}") for n in range(11, 31)]
    folders = [S3Location("b", f"{letter}/x.fq") for letter in "abcdefghijk"]
    root = [S3Location("b", f"{letter}.fq") for letter in "abcdefghijk"]
    marked = [S3Location("b", f"${{*}}{letter}/") for letter in "abcdefghijk"]

    assert grouped_by_bucket(reads) == {"b": ["reads/s"]}
    assert grouped_by_bucket([*reads, S3Location("b", "refs/x"), S3Location("b", "z")]) == {
        "b": ["reads/s", "refs/x", "z"]
    }
    assert grouped_by_bucket(folders) == {"b": [f"{letter}/x.fq" for letter in "abcdefghijk"]}
    assert grouped_by_bucket(root) == {"b": [f"{letter}.fq" for letter in "abcdefghijk"]}
    assert grouped_by_bucket(marked) == {"b": [f"${{*}}{letter}/" for letter in "abcdefghijk"]}


def test_folders_beyond_reason_become_the_folders_that_they_are_in() -> None:
    samples = [S3Location("b", f"cohort/{n}/x.fq") for n in range(100, 200)]
    root = [S3Location("b", f"{n}.fq") for n in range(100, 200)]

    assert grouped_by_bucket([*samples, S3Location("b", "refs/x")]) == {"b": ["cohort/1", "refs/x"]}
    assert grouped_by_bucket(root) == {"b": ["1"]}
    assert grouped_by_bucket(S3Location("b", f"{chr(n)}.fq") for n in range(256, 356)) == {"b": [""]}


def test_a_key_beside_few_others_stays_and_beside_many_becomes_what_its_folder_shares() -> None:
    many = [f"cohort/s{n}/" for n in range(100, 150)]

    assert fitting("a/", ["b/", "c/"]) == "a/"
    assert fitting("a/x", ["a/"]) is None
    assert fitting("cohort/s150/", many) == "cohort/s1"
    assert fitting("other/s150/", many) == "other/s150/"
    assert fitting(f"cohort/{TOKEN}/", many) == f"cohort/{TOKEN}/"
    assert fitting("z/", [f"{n}/" for n in range(50)]) == "z/"
