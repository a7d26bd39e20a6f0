/**
 * How long a program takes to load: `startup.ts <module>` prints one JSON object.
 */
import { millisOf } from "../measures/clock.ts"

const [module = ""] = process.argv.slice(2)
console.log(JSON.stringify({ millis: await millisOf(() => import(module)) }))
process.exit()
