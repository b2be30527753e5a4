// Follows what the first argument subscribes to, as JSON, and prints as lines of JSON what the client tells of it.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, connectionParams, query, variables] = process.argv.slice(2);
const tell = (line) => console.log(JSON.stringify(line));
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: JSON.parse(connectionParams),
  shouldRetry: () => true,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
  retryAttempts: 100,
  on: { closed: ({ code }) => tell({ closed: code }) },
});
client.subscribe(
  { query, variables: JSON.parse(variables) },
  {
    next: (result) => tell({ next: result }),
    error: (fault) => tell({ error: Array.isArray(fault) ? fault : { code: fault.code, reason: fault.reason } }),
    complete: () => tell({ complete: true }),
  },
);
