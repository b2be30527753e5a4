// Makes TypeScript types of the OpenAPI document in the first file, compiles the code of the second against them, and
// prints what the compiler found.
import { writeFileSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const [document, code] = process.argv.slice(2);
writeFileSync("api.ts", astToString(await openapiTS(pathToFileURL(document))));
writeFileSync("code.ts", readFileSync(code, "utf-8"));
const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022 };
const program = ts.createProgram(["code.ts"], options);
const faults = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => ({
  line: file && file.getLineAndCharacterOfPosition(start).line + 1,
  file: file && file.fileName,
  text: ts.flattenDiagnosticMessageText(messageText, "\n"),
}));
console.log(JSON.stringify(faults));
