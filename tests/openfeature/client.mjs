// OpenFeature's SDK and OFREP provider for Node, told line by line what to do.

import { createInterface } from "node:readline";

import { OFREPApi } from "@openfeature/ofrep-core";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

const details = { boolean: "getBooleanDetails", string: "getStringDetails", float: "getNumberDetails", object: "getObjectDetails" };

const commands = {
  connect: (baseUrl, headers) => OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers })),
  evaluate: (type, key, fallback, context) => OpenFeature.getClient()[details[type]](key, fallback, context),
  async fetchAll(baseUrl, headers, tag) {
    const known = tag === null ? {} : { "If-None-Match": tag };
    const { httpStatus, httpResponse } = await new OFREPApi(baseUrl).postBulkEvaluateFlags(
      { context: {} },
      { headers: { ...headers, ...known } },
    );
    return { status: httpStatus, tag: httpResponse.headers.get("etag") };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, given] = JSON.parse(line);
  console.log(JSON.stringify((await commands[command](...given)) ?? null));
}
