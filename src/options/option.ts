import { type Static, type TSchema, type TUnsafe, Type } from '../schema.ts'

/**
 * One option: what it may be, and how a command line gives it. What it means stands as a doc comment at its
 * entry of a table; the types that are derived from the table keep it, so that an editor shows it.
 */
export interface Option<S extends TSchema = TSchema> {
  schema: S // a builder of schemas.ts makes it
  required?: true // by the library's function
  flag?: string // '--batch-size <rows>', its unit in <>; a switch: '--resume', or '--shuffle, --no-shuffle'
  help?: string // absent: the flag is told on another one's line
  term?: string // how that line begins if it tells several flags; default: flag
  parts?: OptionTable // of an object: its keys, in place of a flag
}

/** Options by their keys, in the order in which the help tells them. */
export type OptionTable = Readonly<Record<string, Option>>

/** An option with a value by default, which fits its schema. */
export interface DefaultedOption<S extends TSchema = TSchema> extends Option<S> {
  default: Static<S>
}

/** The values of a table's options. */
export type OptionValues<T extends OptionTable> = { -readonly [K in keyof T]: Static<T[K]['schema']> }

/** An entry of a table: the type of its default follows from its schema. */
export function withDefault<S extends TSchema>(option: DefaultedOption<S>): DefaultedOption<S> {
  return option
}

/** An entry whose value is an object of `parts`, none of which is required. */
export function group<P extends OptionTable>(
  parts: P,
  description: string,
): { schema: TUnsafe<Partial<OptionValues<P>>>; parts: P } {
  return { schema: Type.Unsafe(Type.Object({}, { description })), parts }
}

/** The defaults of a table, each time a copy of their own. */
export function defaultsOf<T extends Readonly<Record<string, DefaultedOption>>>(table: T): OptionValues<T> {
  const defaults = Object.entries(table).map(([key, option]) => [key, option.default])
  return structuredClone(Object.fromEntries(defaults)) as OptionValues<T>
}

/** What of `options` is one of `table` and given: undefined counts as not given. */
export function givenOf<T extends OptionTable>(table: T, options: object): Partial<OptionValues<T>> {
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => Object.hasOwn(table, key) && value !== undefined),
  ) as Partial<OptionValues<T>>
}
