import { access, constants, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { NearrankError } from '../../errors.ts'
import { checkFileToReplace } from '../../fileToReplace.ts'
import { diskError, isMissing, writeFileAtomic } from '../../files.ts'
import type { OptionTable } from '../../options/option.ts'
import { text } from '../../options/schemas.ts'
import { print } from './output.ts'

export const PAGE_OPTION = {
  page: {
    schema: text(),
    flag: '--report <file>',
    help: 'write an HTML page with pictures, which needs no network',
  },
} satisfies OptionTable

/**
 * Proves, before anything is measured, that a page can be written, in place of nothing but another page.
 * @throws NearrankError INPUT, DISK
 */
export async function checkPagePlace(path: string): Promise<void> {
  try {
    const there = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (there && !there.isFile())
      throw new NearrankError(
        'INPUT',
        `Cannot write the report ${path}: it must be a file, found something else; choose another name`,
      )
    await access(dirname(resolve(path)), constants.W_OK | constants.X_OK)
    await checkFileToReplace(path, 'the report', (first) => first.toString().startsWith('<!DOCTYPE html>'))
  } catch (error) {
    if (isMissing(error))
      throw new NearrankError(
        'INPUT',
        `Cannot write the report ${path}: there is no folder ${dirname(path)}; create it or choose another path`,
        { cause: error },
      )
    throw diskError(error, `write the report ${path}`)
  }
}

/** Writes a page, replacing an earlier one, and says where it is unless the output is JSON. */
export async function writePage(path: string, page: string, { json }: { json: boolean }): Promise<void> {
  await writeFileAtomic(path, page)
  if (!json) print(`\nReport: ${path}`)
}

/** The name of a file or folder, without the way to it. */
export function nameOfPath(path: string): string {
  return basename(resolve(path))
}
