/**
 * The `Retry-After` header (RFC 9110, section 10.2.3): a number of seconds, or a date.
 */

const SECONDS = /^\d+(\.\d+)?$/
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
/** The preferred form and the two obsolete ones of RFC 9110, section 5.6.7. */
const IMF_FIXDATE = /^[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/
const RFC_850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/
const ASCTIME = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

/**
 * How many milliseconds to wait, seen from the wall-clock time `now`; 0 for a date in the past, `undefined` for anything
 * that is neither form. Fractions of a second are accepted, because servers send them.
 */
export const parse = (value: string, now: number): number | undefined => {
  const text = value.trim().toLowerCase()
  if (SECONDS.test(text)) {
    const millis = Math.ceil(Number(text) * 1000)
    return Number.isFinite(millis) ? millis : undefined
  }
  const at = parseDate(text, now)
  return at === undefined ? undefined : Math.max(0, at - now)
}

const parseDate = (text: string, now: number): number | undefined => {
  const fixed = IMF_FIXDATE.exec(text)
  if (fixed) return utc(Number(fixed[3]), fixed[2]!, fixed[1]!, fixed[4]!, fixed[5]!, fixed[6]!)
  const rfc850 = RFC_850.exec(text)
  if (rfc850) return utc(fullYear(Number(rfc850[3]), now), rfc850[2]!, rfc850[1]!, rfc850[4]!, rfc850[5]!, rfc850[6]!)
  const asctime = ASCTIME.exec(text)
  return asctime ? utc(Number(asctime[6]), asctime[1]!, asctime[2]!, asctime[3]!, asctime[4]!, asctime[5]!) : undefined
}

/** Two digits mean the year that is at most 50 years ahead of now. */
const fullYear = (twoDigits: number, now: number): number => {
  let thisYear = 1970
  while (Date.UTC(thisYear + 1, 0) <= now) thisYear++
  const year = thisYear - (thisYear % 100) + twoDigits
  if (year > thisYear + 50) return year - 100
  return year <= thisYear - 50 ? year + 100 : year
}

const utc = (
  year: number,
  month: string,
  day: string,
  hour: string,
  minute: string,
  second: string
): number | undefined => {
  const [d, h, m, s] = [Number(day), Number(hour), Number(minute), Number(second)]
  const at = Date.UTC(year, MONTHS.indexOf(month), d, h, m, s)
  return MONTHS.includes(month) && d >= 1 && d <= 31 && h <= 23 && m <= 59 && s <= 60 ? at : undefined
}
