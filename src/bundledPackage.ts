import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const FOLDER = new URL('../dist/packages/', import.meta.url) // from src/ and dist/ alike
const require = createRequire(import.meta.url)

/**
 * A package as the one file that `npm run build` makes of it, or as it is, if nothing has been built: every
 * process would load its hundreds of modules anew.
 */
export function bundledPackage(name: string): unknown {
  const file = fileURLToPath(new URL(`${name.replace('@', '').replaceAll('/', '-')}.cjs`, FOLDER))
  return require(existsSync(file) ? file : name)
}
