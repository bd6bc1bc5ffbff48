// Lets scripts in this folder import the packages that node.py installed elsewhere: `node --import packages.mjs x.mjs`.
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const installed = pathToFileURL(`${process.env.PARLEY_CLIENTS_INSTALLED}/`).href;

registerHooks({
  resolve(specifier, context, next) {
    const isPackage = /^[@a-z]/i.test(specifier) && !specifier.includes(":");
    const isOurs = !context.parentURL?.startsWith(installed);
    return next(specifier, isPackage && isOurs ? { ...context, parentURL: installed } : context);
  },
});

// A script may end with process.exit: what it printed into a pipe must be out by then.
process.stdout._handle?.setBlocking?.(true);
