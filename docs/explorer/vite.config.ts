import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { type Plugin, defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

/** Writes into the page what it was made from, so that a page that is out of date can be told. */
function sources(): Plugin {
  const files = ["index.html", "package-lock.json", "vite.config.ts", ...readdirSync("src").map((name) => `src/${name}`)];
  const hash = createHash("sha256");
  for (const file of files.sort()) hash.update(readFileSync(file));
  const meta = { tag: "meta", attrs: { name: "sources", content: hash.digest("hex") } };
  return { name: "sources", transformIndexHtml: () => [meta] };
}

export default defineConfig({
  plugins: [sources(), viteSingleFile({ removeViteModuleLoader: true })],
  build: { modulePreload: false },
});
