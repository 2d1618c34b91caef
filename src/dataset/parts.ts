import { NearrankError } from '../errors.ts'
import { instantMs } from '../options/instant.ts'
import type { DatasetOptions, Split } from './options.ts'

/** Which rows of files are one part of the clicks, by the time in a column. */
export interface TimePart {
  column: string
  fromMs: number | null // since 1970; null: from the first on
  toMs: number | null // exclusive; null: up to the last
}

type PartOptions = Pick<
  DatasetOptions,
  'timeColumn' | 'testAfter' | 'validationAfter' | 'validationFiles' | 'testFiles'
>

/** Whether validation rows are a part of the clicks, and not drawn from the training rows. */
export function hasValidationPart({ validationAfter, validationFiles }: PartOptions): boolean {
  return validationAfter !== undefined || validationFiles !== undefined
}

/** The rows of a split's files that belong to it; null: all do. */
export function timePart(options: PartOptions, split: Split): TimePart | null {
  const { timeColumn: column, validationAfter, testAfter } = options
  const [validationMs, testMs] = [validationAfter, testAfter].map((text) =>
    text === undefined ? null : (instantMs(text) ?? null),
  )
  if (column === undefined) return null
  const part = {
    train: { column, fromMs: null, toMs: validationMs ?? testMs },
    validation: { column, fromMs: validationMs, toMs: testMs },
    test: { column, fromMs: testMs, toMs: null },
  }[split]
  return part.fromMs === null && part.toMs === null ? null : part
}

/** @throws NearrankError USAGE for options of the parts that contradict one another, or lack one another. */
export function checkPartOptions(options: PartOptions): void {
  const { timeColumn, testAfter, testFiles, validationAfter, validationFiles } = options
  const wrong = (message: string) => new NearrankError('USAGE', `Cannot use ${message}`)
  for (const [key, cut] of Object.entries({ validationAfter, testAfter }))
    if (cut !== undefined && timeColumn === undefined)
      throw wrong(`${key} without timeColumn: name the column of the clicks that tells when they were`)
  if (timeColumn !== undefined && testAfter === undefined && validationAfter === undefined)
    throw wrong('timeColumn without a time: give testAfter or validationAfter, such as 2026-11-01')
  if (testAfter !== undefined && testFiles !== undefined)
    throw wrong(
      'testAfter with testFiles: test clicks are rows of the training files, or of files of their own',
    )
  if (validationAfter === undefined) return
  if (validationFiles !== undefined)
    throw wrong(
      'validationAfter with validationFiles: validation rows are told by their time or by their files',
    )
  if (testAfter !== undefined && instantMs(validationAfter)! >= instantMs(testAfter)!)
    throw wrong(
      `validationAfter ${validationAfter} with testAfter ${testAfter}: validation rows are those before the test clicks, so validationAfter must be the earlier one`,
    )
}
