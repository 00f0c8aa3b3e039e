// One scenario with the JavaScript SDK, unmodified, against the endpoint that AWS_ENDPOINT_URL_OMICS names. The scenario's
// checks are made here; what the endpoint has seen is checked by the test that calls this file with the scenario's name.
import assert from "node:assert/strict";
import {
  CancelRunCommand,
  DeleteRunCommand,
  GetRunCommand,
  ListTagsForResourceCommand,
  OmicsClient,
  ResourceNotFoundException,
  StartRunCommand,
  TagResourceCommand,
  UntagResourceCommand,
  ValidationException,
  paginateListRuns,
  waitUntilRunCompleted,
} from "@aws-sdk/client-omics";

// The JavaScript SDK knows no variable for this, and would call http://workflows-127.0.0.1:….
const client = new OmicsClient({ disableHostPrefix: true });
const members = {
  workflowId: "1234567",
  roleArn: "arn:aws:iam::123456789012:role/run",
  outputUri: "s3://bucket/out",
};

const scenarios = {
  async life() {
    const parameters = { sample: "NA12878", threads: 4, ratio: 0.5, paired: true, extra: [null, { deep: "ü" }] };
    const started = await client.send(new StartRunCommand({ ...members, name: "life", parameters, tags: { a: "b" } }));
    assert.match(started.arn, /:run\/\d+$/);

    const waited = await waitUntilRunCompleted({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 1 }, { id: started.id });
    assert.equal(waited.state, "SUCCESS");

    const run = await client.send(new GetRunCommand({ id: started.id }));
    assert.equal(run.status, "COMPLETED");
    assert.deepEqual(run.parameters, parameters);
    assert.deepEqual(run.tags, { a: "b" });
    for (const time of [run.creationTime, run.startTime, run.stopTime]) {
      assert.ok(time instanceof Date && Math.abs(Date.now() - time) < 600_000, `${time} is no date of today`);
    }
    assert.ok(run.creationTime <= run.startTime && run.startTime <= run.stopTime);

    await client.send(new TagResourceCommand({ resourceArn: run.arn, tags: { "c:d/e": "ü", f: "" } }));
    await client.send(new UntagResourceCommand({ resourceArn: run.arn, tagKeys: ["a", "f"] }));
    const tags = await client.send(new ListTagsForResourceCommand({ resourceArn: run.arn }));
    assert.deepEqual(tags.tags, { "c:d/e": "ü" });

    const deleted = await client.send(new DeleteRunCommand({ id: started.id }));
    assert.equal(deleted.$metadata.httpStatusCode, 202);
    await assert.rejects(client.send(new GetRunCommand({ id: started.id })), ResourceNotFoundException);
  },

  async pages() {
    const ids = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift((await client.send(new StartRunCommand({ ...members, name: "pages" }))).id);
    }
    const pages = [];
    for await (const page of paginateListRuns({ client, pageSize: 2 }, { name: "pages" })) {
      pages.push(page.items.map((run) => run.id));
    }
    assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
    assert.deepEqual(pages.flat(), ids);
  },

  async cancel() {
    const { id } = await client.send(new StartRunCommand({ ...members, name: "cancel" }));
    const cancelled = await client.send(new CancelRunCommand({ id }));
    assert.equal(cancelled.$metadata.httpStatusCode, 202);
    const { status } = await client.send(new GetRunCommand({ id }));
    assert.ok(["STOPPING", "CANCELLED"].includes(status), status);
  },

  async errors() {
    await assert.rejects(client.send(new GetRunCommand({ id: "1" })), (error) => {
      assert.ok(error instanceof ResourceNotFoundException);
      assert.equal(error.name, "ResourceNotFoundException");
      assert.equal(error.message, "Run 1 not found");
      assert.equal(error.$metadata.httpStatusCode, 404);
      assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
      return true;
    });
    await assert.rejects(
      client.send(new StartRunCommand({ ...members, priority: -1, logLevel: "LOUD" })),
      (error) => error instanceof ValidationException && error.message.startsWith("2 validation errors detected: "),
    );
  },

  async retries() {
    const run = await client.send(new StartRunCommand({ ...members, name: "retries" }));
    assert.equal(run.$metadata.attempts, 3);
  },
};

await scenarios[process.argv[2]]();
