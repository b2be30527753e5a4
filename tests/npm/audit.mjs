// Runs the GraphQL over HTTP audits against the given address and prints what each found.
import { auditServer } from "graphql-http";

const audits = await auditServer({ url: process.argv[2] });
console.log(JSON.stringify(audits.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
