// Unpacks the browser, once for this tree, with the libraries and fonts that a bare machine lacks, and prints where it is
// and what its environment must hold.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../build/chromium", import.meta.url));
mkdirSync(folder, { recursive: true });
// The package unpacks where temporary files are, and its libraries only where it believes to be a bare machine.
process.env.TMPDIR = folder;
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs24.x";
const { default: chromium } = await import("@sparticuz/chromium");

const path = await chromium.executablePath();
const fonts = join(folder, "fonts.conf");
writeFileSync(
    fonts,
    `<fontconfig><dir>${folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${folder}/cache</cachedir></fontconfig>`,
);
const environment = { LD_LIBRARY_PATH: join(folder, "al2023", "lib"), FONTCONFIG_FILE: fonts };
if (process.argv.includes("--check")) {
    const tried = spawnSync(path, ["--version"], { env: { ...process.env, ...environment }, encoding: "utf8" });
    if (tried.status !== 0) {
        console.error(`make: the browser does not run here: ${tried.error ?? tried.stderr.trim().split("\n")[0]}`);
        process.exit(1);
    }
}
console.log(JSON.stringify({ path, environment }));
