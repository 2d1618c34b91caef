import type { ModelDescription } from '../model/modelFile.ts'
import { givenOf, type OptionValues } from '../options/option.ts'
import { DATASET_OPTIONS, type DatasetOptions } from './options.ts'
import { rememberedBy } from './remembered.ts'

const { timeColumn, testAfter, validationAfter, validationFiles, trainFiles } = DATASET_OPTIONS
const REMEMBERED = { timeColumn, testAfter, validationAfter, validationFiles, trainFiles }

/** Where the parts of the clicks are that a model was trained on, validated with and tested on. */
export type ModelParts = Partial<OptionValues<typeof REMEMBERED>>

/**
 * What a model remembers of the parts of its clicks; undefined: nothing, since its test clicks have files of
 * their own.
 */
export function rememberedParts(options: DatasetOptions): ModelParts | undefined {
  return options.testAfter === undefined ? undefined : givenOf(REMEMBERED, options)
}

/**
 * Where the test clicks of a model are if they are rows of the training files, but for what `options` names;
 * nothing if they have files of their own, or if `options` names some.
 * @throws NearrankError DAMAGED if the model's file tells no such thing.
 */
export function partsOfModel(
  { training }: Pick<ModelDescription, 'training'>,
  options: Pick<DatasetOptions, 'testFiles' | keyof ModelParts>,
): ModelParts {
  const given = givenOf(REMEMBERED, options)
  const own = rememberedBy(training, 'parts', REMEMBERED)
  if (options.testFiles !== undefined) return given
  if (given.testAfter !== undefined) delete own.validationAfter // another cut may come before it
  return { ...own, ...given }
}

/** What a person is told of test clicks that nobody has named. */
export function partsNote(parts: ModelParts): string {
  return `The test clicks are those of the model's training: ${parts.timeColumn} from ${parts.testAfter} on.`
}
