import type { FeatureValue, FeatureValues } from '../../client/types.ts'
import type { ModelFeature } from '../api/modelFeatures.ts'
import type { Asked } from './exploreState.ts'

/** The context of a request from the texts of its fields. A field without a text tells nothing. */
export function contextValues(
  features: readonly ModelFeature[],
  context: Asked['context'],
): FeatureValues | undefined {
  const told = features.flatMap((feature): [string, FeatureValue][] => {
    const texts = (Object.hasOwn(context, feature.name) ? context[feature.name] : []).filter(
      (text) => text.trim() !== '',
    )
    return texts.length === 0 ? [] : [[feature.name, valueOf(feature, texts)]]
  })
  return told.length === 0 ? undefined : Object.fromEntries(told)
}

function valueOf({ kind }: ModelFeature, texts: readonly string[]): FeatureValue {
  const [text] = texts
  switch (kind) {
    case 'number':
      return numberOrText(text)
    case 'vector':
    case 'cell':
      return text
        .split(/[\s,;]+/)
        .filter(Boolean)
        .map(numberOrText)
    case 'categories':
      return [...texts]
    case 'category':
    case 'text':
    case 'time':
      return text
  }
}

/** A text that is no number is sent as it is: the server says best what is wrong with it. */
function numberOrText(text: string): number | string {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}
