/**
 * What of the value of a variable may be shown: messages are logged, and whoever makes a slip may have put a secret there.
 */
const words = ["API_?KEYS?", "CREDENTIALS?", "CREDS?", "PASSPHRASES?", "PASSWORDS?", "PASSWDS?", "SECRETS?", "TOKENS?"]

/** Words that others end in, too. There are options for the most keys, and times for the operation type "auth". */
const short = ["(?<!MAX_)KEYS?", "PASS", "PWDS?", "DSNS?", "(?<!^(?:TIMEOUT|DEADLINE)_)AUTH"]

const SECRET = new RegExp(`(?:${words.join("|")}|(?:^|_)(?:${short.join("|")}))$`, "i")
const LONGEST = 200

/** A value as it is shown: not that of a variable that sounds like a secret, and no credentials in a URL. */
export const shownOf = (name: string, value: string): string => {
  if (SECRET.test(name)) return "<redacted>"
  const cut = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value
  return cut.replaceAll(/:\/\/[^/\s]*(?:@|…$)/g, "://<redacted>@")
}
