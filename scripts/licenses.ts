import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

const PACKAGES = join(import.meta.dirname, '../node_modules')

/** The licences of the packages that something of is in a bundle. @throws Error if one has no file with its licence. */
export function licensesOf({ inputs }: Pick<Metafile, 'inputs'>): string {
  const packages = Object.keys(inputs).flatMap(
    (file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  )
  return [...new Set(packages)]
    .toSorted()
    .map((name) => {
      const folder = join(PACKAGES, name)
      const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
      if (file === undefined) throw new Error(`Cannot bundle ${name}: it has no file with its licence`)
      return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
    })
    .join('\n----\n\n')
}
