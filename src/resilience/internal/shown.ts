/**
 * What of the value of a variable may be shown: messages are logged, and whoever makes a slip may have put a secret there.
 */
const SECRET = /(?:^|_)(?:CREDENTIALS?|KEY|PASSPHRASE|PASSW(?:OR)?D|SECRET|TOKEN)$/
const LONGEST = 200

/** A value as it is shown: not that of a variable that sounds like a secret, and no credentials in a URL. */
export const shownOf = (name: string, value: string): string => {
  if (SECRET.test(name)) return "<redacted>"
  const cut = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value
  return cut.replaceAll(/:\/\/[^/\s]*(?:@|…$)/g, "://<redacted>@")
}
