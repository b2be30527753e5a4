// OpenFeature's SDK and OFREP provider for browsers, as functions of a page. It asks again every 50 milliseconds.

import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature } from "@openfeature/web-sdk";

const details = { boolean: "getBooleanDetails", string: "getStringDetails", float: "getNumberDetails", object: "getObjectDetails" };
let provider;

globalThis.connect = async (baseUrl, headers) => {
  provider = new OFREPWebProvider({ baseUrl, headers: Object.entries(headers), pollInterval: 50, changeDetection: "polling", cacheMode: "disabled" });
  try {
    await OpenFeature.setProviderAndWait(provider);
  } catch (fault) {
    return `${fault.message}`;
  }
  return null;
};

globalThis.evaluate = async (type, key, fallback, context) => {
  await OpenFeature.setContext(context);
  return OpenFeature.getClient()[details[type]](key, fallback);
};

globalThis.now = (type, key, fallback) => OpenFeature.getClient()[details[type]](key, fallback);
