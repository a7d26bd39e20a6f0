/**
 * The variable that was probably meant by a name that means nothing.
 */
import { nearest } from "../../policy/internal/nearest.ts"
import { distanceBetween } from "./distance.ts"
import * as Variables from "./variables.ts"

/** Nobody writes longer names, and to guess takes time. */
const LONGEST = 100

/**
 * Finds the name that was probably meant, for one of the services or for the one that the name itself seems to contain. Options
 * may also be called by the names that they have in code.
 */
export const suggestionsFor = (services: Iterable<string>): ((name: string) => string | undefined) => {
  const all = [undefined, ...services]
  const known = new Map<Variables.Family, ReadonlyArray<Names>>()
  return (name) => {
    if (name.length > LONGEST) return undefined
    const family = Variables.families.find(({ prefix }) => name.startsWith(`${prefix}_`))
    if (family === undefined) return name.startsWith("RESILIENCE_") ? nearest(name, Variables.flags) : undefined
    const names = known.get(family) ?? namesOf(family, all)
    known.set(family, names)
    const others = namesOf(family, servicesIn(family, name))
    return nearestOf(
      name,
      names.flatMap((those, at) => [those, others[at]!])
    )
  }
}

/** The services that a name may be about, none of which anybody may know. */
const servicesIn = ({ prefix, variables }: Variables.Family, name: string): ReadonlyArray<string> => {
  const parts = name.slice(prefix.length + 1).split("_")
  const options = variables.flatMap((variable) => [`${variable.suffix}_`, `${spellingOf(variable)}_`])
  return parts
    .slice(1)
    .map((_, at) => parts.slice(0, at + 1).join("_"))
    .filter((service) => !endsInOption(service, options))
}

/** Whether a text ends in what an option begins with: the service would be one of nobody. */
const endsInOption = (text: string, options: ReadonlyArray<string>): boolean => {
  const words = text.split("_")
  const endings = words.map((_, at) => `${words.slice(at).join("_")}_`)
  return endings.some((ending) => options.some((option) => option.startsWith(ending)))
}

/** The names of a variable for some services, and what they would be if its option were called as in code. */
interface Names {
  readonly proper: ReadonlyArray<string>
  readonly spelled: ReadonlyArray<string>
}

const namesOf = ({ variables }: Variables.Family, services: ReadonlyArray<string | undefined>): ReadonlyArray<Names> =>
  variables.map((variable) => {
    const spelled = { ...variable, suffix: spellingOf(variable) }
    return {
      proper: services.map((service) => Variables.nameOf({ variable, service })),
      spelled: services.map((service) => Variables.nameOf({ variable: spelled, service }))
    }
  })

/** The last part of a name in which an option is called as in code. */
const spellingOf = ({ path, suffix }: Variables.Variable): string =>
  path.length === 0 ? suffix : path.map(Variables.toVariable).join("_")

const nearestOf = (name: string, all: ReadonlyArray<Names>): string | undefined => {
  const guess = nearest(name, candidatesIn(all), distanceBetween)
  if (guess === undefined || all.some(({ proper }) => proper.includes(guess))) return guess
  const { proper, spelled } = all.find(({ spelled }) => spelled.includes(guess))!
  return proper[spelled.indexOf(guess)]
}

/** The proper names first: of two that are equally near, the first is meant. */
function* candidatesIn(all: ReadonlyArray<Names>): Generator<string> {
  for (const { proper } of all) yield* proper
  for (const { spelled } of all) yield* spelled
}
