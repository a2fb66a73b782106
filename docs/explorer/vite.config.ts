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

/** The licence of every package that has code in the bundle, as a comment at the head of the page. */
function notices(): Plugin {
  return {
    name: "notices",
    enforce: "post",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? [file] : []));
      const modules = chunks.flatMap(({ modules }) => Object.entries(modules).filter(([, { renderedLength }]) => renderedLength));
      const packages = modules.flatMap(([id]) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []);
      const texts = new Map<string, string[]>();
      for (const folder of [...new Set(packages)].sort()) {
        const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
        const licence = readFileSync(`${folder}/LICENSE`, "utf8").trim();
        const [copyright, ...terms] = licence.split("\n");
        const key = terms.join("\n").trim();
        texts.set(key, [...(texts.get(key) ?? []), `${name} ${version}: ${copyright}`]);
      }
      const body = [...texts].map(([terms, names]) => `${names.join("\n")}\n\n${terms}`).join("\n\n");
      if (body.includes("--")) this.error("A licence would end the comment it stands in.");
      const page = bundle["index.html"];
      if (page.type !== "asset") return this.error("index.html is no page.");
      const comment = `<!--\nThis page contains code of the following packages.\n\n${body}\n-->`;
      page.source = `${page.source}`.replace("<!doctype html>", `<!doctype html>\n${comment}`);
    },
  };
}

export default defineConfig({
  plugins: [sources(), notices(), viteSingleFile({ removeViteModuleLoader: true })],
  build: { modulePreload: false },
});
