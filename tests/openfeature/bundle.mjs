// Bundles a script with the packages that it imports, for a browser.
import { build } from "esbuild";

const [source, outfile] = process.argv.slice(2);
await build({ entryPoints: [source], outfile, bundle: true, format: "esm", jsx: "automatic", logLevel: "error" });
