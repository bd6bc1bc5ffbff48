// Verifies events with the packages that receivers use: `node webhooks.mjs`, with [{secret, headers, body}] in $GOT.
import { Webhook } from "standardwebhooks";
import OpenAI from "openai";

const told = [];
for (const { secret, headers, body } of JSON.parse(process.env.GOT)) {
  const verdicts = { standardwebhooks: true, openai: true };
  try {
    new Webhook(secret).verify(body, headers);
  } catch {
    verdicts.standardwebhooks = false;
  }
  try {
    await new OpenAI({ apiKey: "none", webhookSecret: secret }).webhooks.verifySignature(body, headers);
  } catch {
    verdicts.openai = false;
  }
  told.push(verdicts);
}
console.log(JSON.stringify(told));
