// OpenFeature's SDK and OFREP provider for browsers, which asks again only when it is told to.

import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature } from "@openfeature/web-sdk";

globalThis.connect = async (baseUrl, headers) => {
  const provider = new OFREPWebProvider({ baseUrl, headers: Object.entries(headers), pollInterval: 0, cacheMode: "disabled" });
  await OpenFeature.setProviderAndWait(provider);
  return null;
};

globalThis.now = (type, key, fallback) => OpenFeature.getClient().getBooleanDetails(key, fallback);
