// Unpacks the browser, once per machine, and prints where it is.
import chromium from "@sparticuz/chromium";

console.log(await chromium.executablePath());
