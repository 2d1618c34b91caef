import { InvalidArgumentError } from 'commander'
import { nearest } from '../../options/nearest.ts'

/** Turns the text of a flag into its value, strictly: what is not wholly a value of the kind is refused. */
export type ParseValue = (text: string) => unknown

export function parseInteger(text: string): number {
  const value = Number(text)
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('It must be an integer.')
  return value
}

export function parseNumber(text: string): number {
  const value = Number(text)
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value))
    throw new InvalidArgumentError('It must be a number.')
  return value
}

const UNIT_BYTES: Record<string, number> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/**
 * `1GiB`, `512MiB`, `1.5GiB`, `65536KiB` or plain bytes. Decimal units (GB) are refused, since they mean
 * something else.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(|B|KiB|MiB|GiB)$/.exec(text)
  const bytes = match ? Number(match[1]) * UNIT_BYTES[match[2]] : Number.NaN
  if (!Number.isSafeInteger(Math.round(bytes)) || (match?.[2] === '' && !Number.isInteger(bytes)))
    throw new InvalidArgumentError('It must be a size such as 1GiB, 512MiB, 65536KiB or a number of bytes.')
  return Math.round(bytes)
}

/** `256,128`; `none` is the empty list. */
export function parseIntegers(text: string): number[] {
  return text === 'none' ? [] : parseNames(text).map(parseInteger)
}

/** `a,b,c`: names without commas; a name with one can be given in a config file. */
export function parseNames(text: string): string[] {
  const names = text.split(',')
  if (names.includes(''))
    throw new InvalidArgumentError('It must be a comma-separated list without empty parts.')
  return names
}

export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be a string that is not empty.')
  return text
}

/** A parser of one of `choices`, that says which was probably meant. */
export function choiceOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => checkedChoice(text, choices, `one of ${choices.join(', ')}`)
}

/** A parser of a list of `choices`; `wanted` says in words what the list may be. */
export function choicesOf<const T extends string>(
  choices: readonly T[],
  wanted: string,
): (text: string) => T[] {
  return (text) => parseNames(text).map((name) => checkedChoice(name, choices, wanted))
}

function checkedChoice<T extends string>(text: string, choices: readonly T[], wanted: string): T {
  const choice = choices.find((one) => one === text)
  if (choice !== undefined) return choice
  const guess = nearest(text, choices)
  throw new InvalidArgumentError(`It must be ${wanted}.${guess ? ` Did you mean ${guess}?` : ''}`)
}
